"""Accuracy on 24 real tables: configurations of skregnet against scikit-learn's MLP and others.

Run `python benchmarks/bench_accuracy.py default textbook [--seeds 0,1,2] [--tables adult,churn]
[--jobs 2] [--rerun hgb,sklearn_mlp] [--ablate default scaling=None reg.max_iter=99]`.

Protocol, and what `err` and `loss` are: ../shared/data/README.md, where other models' figures are
recorded. Each fit appends a line to a file and is not repeated, unless with `--again`. Ratios are
geometric means over tables of (err + 0.001) / (err_peer + 0.001), seeds that both have, with 95 %
bootstrap intervals over tables.
"""

import argparse
import json
import warnings
from collections import defaultdict
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from accuracy_peers import PEERS, peer, prepared
from harness import fixed_threads, table
from joblib import Parallel, delayed
from sklearn.base import is_classifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import skregnet
from skregnet import Adam, RegularizedMLPClassifier, RegularizedMLPRegressor

HERE = Path(__file__).parent
CLASSIFICATION = (
    "adult", "credit_g", "phoneme", "vehicle", "segment", "kr_vs_kp", "waveform", "spambase",
    "satimage", "mammography", "churn", "optdigits", "telco_churn", "eucalyptus",
)  # fmt: skip
REGRESSION = (
    "california_housing", "abalone", "kin8nm", "cpu_act", "concrete", "bike_sharing",
    "wine_quality", "insurance", "elevators", "ames_housing",
)  # fmt: skip
FIGURES = (("err", CLASSIFICATION), ("loss", CLASSIFICATION), ("err", REGRESSION))
CPU = (("fit_cpu_s", CLASSIFICATION), ("fit_cpu_s", REGRESSION))
TDS = {  # RealMLP-TD-S with a quarter of its epochs, all in units of NTK
    "hidden_layer_sizes": (256, 256, 256), "init": "ntk", "feature_scale": True,
    "scaling": "robust", "solver": Adam(beta_2=0.95), "learning_rate": "coslog4", "max_iter": 64,
    "batch_size": 256, "alpha": 0.0, "early_stopping": True, "validation": 0.2, "refit": False,
    "averaging": None,
    "clf": {
        "activation": "selu", "learning_rate_init": 0.04, "label_smoothing": 0.1,
        "monitor": "accuracy", "numeric_embedding": None, "calibration": None,
    },
    "reg": {"activation": "mish", "learning_rate_init": 0.07},
}  # fmt: skip
PLAIN = {  # as scikit-learn's network by its defaults, but for early stopping
    "hidden_layer_sizes": (100,), "activation": "relu", "init": "he", "alpha": 1e-4,
    "scaling": "standard", "solver": Adam(beta_2=0.999), "learning_rate": "constant",
    "learning_rate_init": 1e-3, "batch_size": 200, "max_iter": 200, "validation": 0.1,
    "n_iter_no_change": 10, "refit": False, "clf": {"calibration": None},
}  # fmt: skip
CONFIGS = {  # hyperparameters; those under "clf" and "reg" for one of the two tasks only
    "default": {},
    "committee of 5": {"n_estimators": 5},
    "textbook": PLAIN,
    "tds": TDS,
    "tds calibrated": TDS
    | {"clf": TDS["clf"] | {"label_smoothing": 0.05, "calibration": "temperature"}},
}


# Tables ----------------------------------------------------------------------------------------


def read(folder, name, seed):
    """Return X_train, X_test, y_train, y_test: categories as such, labels numbered from 0."""
    frame = pd.read_csv(folder / f"{name}.csv.gz")
    y, X = frame.pop("target").to_numpy(), frame
    for column in X.columns:
        if pd.api.types.is_numeric_dtype(X[column]) and X[column].dtype != bool:
            X[column] = X[column].astype(np.float64)
        else:
            X[column] = X[column].astype(object).where(X[column].notna(), "missing").astype(str)
            X[column] = X[column].astype("category")
    strata = None
    if name in CLASSIFICATION:
        strata = y = np.unique(y.astype(str), return_inverse=True)[1]
    if len(y) > 8000:
        rows = np.arange(len(y))
        rows, _ = train_test_split(rows, train_size=8000, random_state=0, stratify=strata)
        X, y = X.iloc[rows], y[rows]
        strata = None if strata is None else y
    return train_test_split(X, y, test_size=0.25, random_state=seed, stratify=strata)


# Models ----------------------------------------------------------------------------------------


def ours(params, task, seed):
    """Return an estimator of skregnet."""
    shared = {name: value for name, value in params.items() if name not in ("clf", "reg")}
    kind = RegularizedMLPClassifier if task == "clf" else RegularizedMLPRegressor
    return kind(**shared | params.get(task, {}), random_state=seed)


def measure(folder, config, params, name, seed, encode):
    """Fit one model on one split; return its line, or the error as text."""
    warnings.simplefilter("ignore")
    X_train, X_test, y_train, y_test = read(folder, name, seed)
    task = "clf" if name in CLASSIFICATION else "reg"
    try:
        if params is None:
            model = peer(config.removesuffix(" again"), task, X_train, seed)
        else:
            model = ours(params, task, seed)
            model = prepared(X_train, model) if encode else model
        with fixed_threads(1):
            start = process_time()
            model.fit(X_train, y_train)
            seconds = process_time() - start
        if is_classifier(model):
            p = np.clip(model.predict_proba(X_test), 1e-7, 1.0)
            err, loss = np.mean(p.argmax(axis=1) != y_test), log_loss(y_test, p / p.sum(1)[:, None])
        else:
            residual = (y_test - np.ravel(model.predict(X_test))) / np.std(y_test)
            err, loss = np.sqrt(np.mean(residual**2)), np.mean(np.abs(residual))
    except Exception as error:  # one model on one table must not end the run of all others
        return f"{config}, {name}, seed {seed}: {type(error).__name__}: {error}"
    figures = {"err": round(float(err), 6), "loss": round(float(loss), 6)}
    return {"config": config, "params": repr(params), "encode": encode, "table": name,
            "seed": seed, **figures, "fit_cpu_s": round(seconds, 3)}  # fmt: skip


# Figures ---------------------------------------------------------------------------------------


def ratios(mine, other, figure, shift=0.001):
    """Return for each table the geometric mean over common seeds of the shifted ratio."""
    logs = defaultdict(list)
    for key in mine.keys() & other.keys():
        pair = mine[key][figure] + shift, other[key][figure] + shift
        logs[key[0]].append(np.log(pair[0] / pair[1]))
    return {name: np.exp(np.mean(values)) for name, values in logs.items()}


def interval(values, draws=2000):
    """Return text: the geometric mean with its interval over tables, and wins/ties/losses."""
    if not len(values):
        return ""
    logs = np.log(values)
    drawn = np.random.default_rng(0).choice(logs, (draws, len(logs))).mean(axis=1)
    mean, low, high = np.exp([logs.mean(), *np.quantile(drawn, [0.025, 0.975])])
    wins, losses = np.sum(logs < -1e-9), np.sum(logs > 1e-9)
    return f"{mean:.3f} [{low:.3f}, {high:.3f}] {wins}/{len(logs) - wins - losses}/{losses}"


def report(found, configs):
    """Print a table of each figure by table and model, and the ratios of all pairs that count."""
    models = [*configs, *(name for name in PEERS if name not in configs)]
    for figure, names in FIGURES:
        rows = []
        for name in names:
            cells = [[r[figure] for (t, _), r in found[m].items() if t == name] for m in models]
            if any(cells[: len(configs)]):
                rows.append([name, *(f"{np.mean(c):.4f}" if c else None for c in cells)])
        kind = "classification" if names is CLASSIFICATION else "regression"
        print(f"\n{kind}: {figure}\n\n{table(['table', *models], rows)}" if rows else "")
    headers = ["model", "against", "clf err", "log-loss", "reg err", "clf CPU", "reg CPU"]
    rows = []
    for config in configs:
        again = config.removesuffix(" again")
        others = [again] if again in PEERS else [*PEERS, configs[0]]
        for other in [name for name in others if name != config]:
            cells = []
            for figure, names in (*FIGURES, *CPU):
                by_table = ratios(found[config], found[other], figure)
                text = interval([by_table[name] for name in names if name in by_table])
                cells.append(text.split(" ")[0] if figure == "fit_cpu_s" else text)
            rows.append([config, other, *cells])
    print(f"\nratios of geometric means [95 %] wins/ties/losses\n\n{table(headers, rows)}")


def changed(params, change):
    """Return hyperparameters with one changed: "name=value", "clf.name=..." or "reg.name=...".

    A value is an expression of Python and of skregnet's names, or else text.
    """
    place, text = change.split("=", 1)
    task, _, name = place.rpartition(".")
    try:
        value = eval(text, dict(vars(skregnet)))  # the caller's own command line
    except (NameError, SyntaxError):
        value = text
    params = {"clf": {}, "reg": {}} | params
    for kind in [task] if task else ["clf", "reg"]:
        params = params | {kind: params[kind] | {name: value}}
    return params


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=[], help=f"of {', '.join(CONFIGS)}")
    parser.add_argument("--ablate", nargs="+", default=[], metavar=("BASE", "NAME=VALUE"))
    parser.add_argument("--rerun", default="", help=f"other models to fit, of {', '.join(PEERS)}")
    parser.add_argument("--tables", default=",".join(CLASSIFICATION + REGRESSION))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread")
    parser.add_argument("--encode", action="store_true", help="encode in a pipeline, not inside")
    parser.add_argument("--again", action="store_true", help="fit again what is in the file")
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--output", type=Path, default=HERE / "results_accuracy.jsonl")
    args = parser.parse_args()
    wanted = {name: CONFIGS[name] for name in args.configs}
    if args.ablate:
        base, *changes = args.ablate
        wanted[base] = CONFIGS[base]
        wanted |= {f"{base}, {change}": changed(CONFIGS[base], change) for change in changes}
    wanted |= {f"{name} again": None for name in args.rerun.split(",") if name}
    seeds, found = [int(seed) for seed in args.seeds.split(",")], defaultdict(dict)
    for line in (args.data / "peers.jsonl").read_text().splitlines():
        record = json.loads(line)
        if record["seed"] in seeds:
            found[record["model"]][record["name"], record["seed"]] = record
    for line in args.output.read_text().splitlines() if args.output.exists() else []:
        record = json.loads(line)
        config, seed = record["config"], record["seed"]
        same = (record["params"], record["encode"]) == (repr(wanted.get(config, "")), args.encode)
        if same and seed in seeds:
            found[config][record["table"], seed] = record
    todo = [
        (args.data, config, params, name, seed, args.encode)
        for seed in seeds
        for name in args.tables.split(",")
        for config, params in wanted.items()
        if args.again or (name, seed) not in found[config]
    ]
    with args.output.open("a") as file:
        fits = Parallel(n_jobs=args.jobs, return_as="generator_unordered", batch_size=1)(
            delayed(measure)(*task) for task in todo
        )
        for n_done, line in enumerate(fits, 1):
            if isinstance(line, str):
                print(line, flush=True)
                continue
            found[line["config"]][line["table"], line["seed"]] = line
            file.write(json.dumps(line) + "\n")
            file.flush()
            if n_done % 20 == 0:
                print(f"{n_done} of {len(todo)} fits", flush=True)
    report(found, list(wanted))


if __name__ == "__main__":
    main()
