"""Fit time of skregnet side by side with scikit-learn's MLPClassifier.

Run `make bench`, or `python benchmarks/bench_fit.py [--repeats 5]`.

Both networks have the same architecture, rows, batch size, number of epochs, dtype (float32),
optimizer (Adam), learning rate and L2 penalty, and both shuffle. They are fitted in turns within
one process, on one thread, so that whatever else the machine does meets both alike. The figure is
the median over the repeats. The last training loss of both is shown: with equal work done it
should be nearly equal too (the initial weights are drawn from the same distribution by different
generators, and scikit-learn draws the biases as well).
"""

import argparse
import json
import platform
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

import skregnet
from skregnet import RegularizedMLPClassifier

ALPHA = 1e-4  # scikit-learn's; it divides by the batch size
CASES = {  # name: (rows, columns, classes, hidden layers, batch size, epochs)
    "A": (10_000, 20, 2, (100,), 200, 20),
    "B": (10_000, 784, 10, (256, 128), 256, 3),
    "D": (2_000, 20, 2, (64, 32), 32, 20),
}


def table(rows, columns, classes):
    """A made-up table, standardised, in float32."""
    X, y = make_classification(
        rows, columns, n_informative=10, n_redundant=0, n_classes=classes, random_state=0
    )
    return StandardScaler().fit_transform(X).astype(np.float32), y


def ours(rows, hidden, batch_size, epochs, seed):
    return RegularizedMLPClassifier(
        hidden,
        init="xavier",
        alpha=ALPHA * rows / batch_size,  # ours is divided by the rows of the training set
        scaling=None,
        solver="adam",
        learning_rate_init=1e-3,
        batch_size=batch_size,
        max_iter=epochs,
        early_stopping=False,
        dtype="float32",
        random_state=seed,
    )


def peers(rows, hidden, batch_size, epochs, seed):
    return MLPClassifier(
        hidden,
        alpha=ALPHA,
        solver="adam",
        learning_rate_init=1e-3,
        batch_size=batch_size,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,  # no stop before the last epoch
        random_state=seed,
    )


def timed_fit(model, X, y):
    """Seconds of one fit and the last training loss."""
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    assert all(W.dtype == np.float32 for W in model.coefs_), "not the dtype asked for"
    assert len(model.loss_curve_) == model.max_iter, "not the epochs asked for"
    return seconds, model.loss_curve_[-1]


def run_case(name, repeats):
    rows, columns, classes, hidden, batch_size, epochs = CASES[name]
    X, y = table(rows, columns, classes)
    makers = {"skregnet": ours, "scikit-learn": peers}
    seconds = {who: [] for who in makers}
    losses = {who: [] for who in makers}
    for repeat in range(-1, repeats):  # repeat -1 warms up and is not counted
        for who, make in makers.items():
            took, loss = timed_fit(make(rows, hidden, batch_size, epochs, repeat + 1), X, y)
            if repeat >= 0:
                seconds[who].append(took)
                losses[who].append(float(loss))
    return {
        "case": name,
        "rows": rows,
        "columns": columns,
        "classes": classes,
        "hidden": hidden,
        "batch_size": batch_size,
        "epochs": epochs,
        "seconds": seconds,
        "losses": losses,
    }


def report(result):
    """One line of the table."""
    median = {who: statistics.median(took) for who, took in result["seconds"].items()}
    loss = {who: statistics.median(values) for who, values in result["losses"].items()}
    what = f"{result['rows']:,}x{result['columns']} {result['hidden']} batch {result['batch_size']}"
    print(
        f"{result['case']}  {what:<32} {result['epochs']:>6}"
        f" {median['skregnet']:>9.3f} {median['scikit-learn']:>9.3f}"
        f" {median['skregnet'] / median['scikit-learn']:>6.2f}"
        f" {loss['skregnet']:>9.4f} {loss['scikit-learn']:>9.4f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="counted fits of each (default 5)")
    parser.add_argument("--cases", default="ABD", help="which cases, as letters (default ABD)")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("results.json"), help="JSON file"
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are few on purpose

    with threadpool_limits(limits=1):
        pools = [f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info()]
        setting = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
            "skregnet": skregnet.__version__,
            "machine": platform.machine(),
            "threads": pools,
            "dtype": "float32",
            "repeats": args.repeats,
        }
        print("  ".join(f"{key} {value}" for key, value in setting.items() if key != "threads"))
        print("threads:", ", ".join(pools))
        print(f"\n{'':<36} {'':>6} {'seconds, median':>19} {'':>6} {'last training loss':>19}")
        print(
            f"{'case':<36} {'epochs':>6} {'skregnet':>9} {'sklearn':>9} {'ratio':>6}"
            f" {'skregnet':>9} {'sklearn':>9}"
        )
        results = []
        for name in args.cases:
            results.append(run_case(name, args.repeats))
            report(results[-1])

    args.output.write_text(json.dumps({"setting": setting, "results": results}, indent=1) + "\n")
    print(f"\nwritten: {args.output.name}")


if __name__ == "__main__":
    main()
