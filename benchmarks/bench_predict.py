"""Time and memory of predict_proba beside scikit-learn's, from one row to a million.

Run `make bench`, or `python benchmarks/bench_predict.py [--cases AD] [--max-rows 10000]`.

Both networks are fitted on the same few rows in float32 and predict the same rows in turns, on one
thread. For a single row the time of `validate_data` alone, which both spend, is shown as well. The
memory is the peak of what a call allocates; X itself is not in it.
"""

import warnings

import numpy as np
from cases import CASES, ours, scikit_learn
from harness import (
    against,
    alternate,
    bars,
    fixed_threads,
    number,
    parser_of,
    peak_memory,
    ratio,
    save,
    table,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

SIZES = (1, 100, 10_000, 1_000_000)
MANY_CALLS = {1: 1000, 100: 200, 10_000: 3}  # in a row as one measurement, or it is too short
CLAIMS = {1: 0.75}  # our time as a share of scikit-learn's
CLAIM = 1.0  # for more rows than one


def fitted_models(case):
    """Return both networks after one epoch on few rows: how they fit matters nothing here."""
    X, y = case.data(rows=2000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {
            "ours": ours(case, max_iter=1).fit(X, y),
            "sklearn": scikit_learn(case, max_iter=1).fit(X, y),
        }


def calls(task, n_calls):
    """Return a callable that calls `task` many times."""

    def repeated():
        for _ in range(n_calls):
            task()

    return repeated


def tasks_of(models, X):
    """Return what is timed, by name."""
    tasks = {who: lambda model=model: model.predict_proba(X) for who, model in models.items()}
    if len(X) == 1:
        check = {"accept_sparse": "csr", "dtype": (np.float64, np.float32), "reset": False}
        tasks["validate_data"] = lambda: validate_data(models["ours"], X, **check)
    return {name: calls(task, MANY_CALLS.get(len(X), 1)) for name, task in tasks.items()}


def run_case(name, case, sizes, repeats):
    """Return one record for each number of rows."""
    models = fitted_models(case)
    rows = np.random.default_rng(0).standard_normal((max(sizes), case.columns), np.float32)
    results = []
    for size in sizes:
        X = rows[:size]
        n_calls = MANY_CALLS.get(size, 1)
        seconds, _ = alternate(tasks_of(models, X), repeats)
        seconds = {who: [s / n_calls for s in took] for who, took in seconds.items()}
        record = {"case": name, "what": f"{case.columns} columns {case.hidden}", "rows": size}
        record["seconds"] = seconds
        record["peak_bytes"] = {
            who: peak_memory(lambda model=model, X=X: model.predict_proba(X))
            for who, model in models.items()
        }
        results.append(record)
    return results


def describe(results):
    """Return the table: throughput, time as a share of scikit-learn's, memory."""
    headers = ["case", "rows", "ms", "rows / s", "time / sklearn", "validate_data alone"]
    headers += ["peak MB", "sklearn's peak MB"]
    rows, cases = [], {}
    for record in results:
        cases[record["case"]] = f"- {record['case']}: {record['what']}"
        seconds = record["seconds"]
        took = ratio(seconds["ours"], [1.0])
        check = ratio(seconds.get("validate_data"), [1.0])
        rows.append(
            [
                record["case"],
                f"{record['rows']:,}",
                number(1e3 * took),
                f"{record['rows'] / took:,.0f}",
                against(
                    ratio(seconds["ours"], seconds["sklearn"]), CLAIMS.get(record["rows"], CLAIM)
                ),
                check and f"{1e3 * check:.3f} ms, {check / took:.0%} of ours",
                *(f"{record['peak_bytes'][who] / 1e6:,.2f}" for who in ("ours", "sklearn")),
            ]
        )
    return "\n".join([*cases.values(), "", table(headers, rows)])


def plot(results, path):
    """Draw our time as a share of scikit-learn's."""
    groups = [f"{record['case']} {record['rows']:,}" for record in results]
    shares = [ratio(record["seconds"]["ours"], record["seconds"]["sklearn"]) for record in results]
    title = "Time of predict_proba as a share of scikit-learn's, by case and rows"
    bars(path, title, "ratio", groups, {"/ sklearn": shares})


def main(argv=None):
    """Run the cases."""
    parser = parser_of(__doc__)
    parser.add_argument("--cases", default="".join(CASES), help="which, as letters (default all)")
    parser.add_argument("--max-rows", type=int, default=max(SIZES), help="default 1,000,000")
    args = parser.parse_args(argv)
    sizes = [size for size in SIZES if size <= args.max_rows]
    results = []
    with fixed_threads(args.threads):
        for name in args.cases:
            results += run_case(name, CASES[name], sizes, args.repeats)
            print(f"case {name} done", flush=True)
        setting = {"dtype": "float32", "repeats": args.repeats}
        save(args.output, "predict", describe, plot, setting, results)


if __name__ == "__main__":
    main()
