"""Wall time of a committee: members one after the other against side by side.

Run `make bench`, or `python benchmarks/bench_committee.py [--members 8] [--jobs 2]`.

The fits with n_jobs=1 and n_jobs=2 take turns, so that whatever else the machine does meets both
alike, and the workers are started and warmed up before the first fit that counts. A member always
computes on one BLAS thread, in both. The committees are checked to be equal to the bit. The table
is kin8nm (8,192 rows, 8 columns) where ../shared/data has it, else a made-up one of that size.
"""

import statistics
from pathlib import Path

import numpy as np
import pandas as pd
from cases import TEXTBOOK
from harness import alternate, bars, fixed_threads, number, parser_of, ratio, save, table
from sklearn.datasets import make_friedman1

from skregnet import RegularizedMLPRegressor

KIN8NM = Path(__file__).parents[2] / "shared" / "data" / "kin8nm.csv.gz"
EPOCHS = 200


def data():
    """Return the name of the table, X and y."""
    if not KIN8NM.exists():
        return "friedman1", *make_friedman1(8192, 8, noise=1.0, random_state=0)
    kin8nm = pd.read_csv(KIN8NM)
    return "kin8nm", kin8nm.drop(columns="target").to_numpy(), kin8nm["target"].to_numpy()


def committee(n_members, n_jobs, epochs):
    """Return the estimator."""
    return RegularizedMLPRegressor(
        (100,),
        n_estimators=n_members,
        n_jobs=n_jobs,
        max_iter=epochs,
        early_stopping=False,
        random_state=0,
        **TEXTBOOK,
    )


def check_same(a, b):
    """Raise AssertionError unless two committees are equal to the bit."""
    for s, t in zip(a.members_, b.members_, strict=True):
        assert np.array_equal(s.theta, t.theta), "n_jobs changed the committee"


def measure(X, y, n_members, jobs, epochs, repeats):
    """Return one record for each n_jobs."""
    tasks = {n: lambda n=n: committee(n_members, n, epochs).fit(X, y) for n in jobs}
    seconds, fitted = alternate(tasks, repeats)
    for n_jobs in jobs:
        check_same(fitted[1], fitted[n_jobs])
    return [
        {"n_jobs": n_jobs, "members": n_members, "epochs": epochs, "seconds": took}
        for n_jobs, took in seconds.items()
    ]


def describe(results):
    """Return the table: seconds, and the time as a share of that with n_jobs=1."""
    alone = results[0]["seconds"]
    rows = [
        [str(r["n_jobs"]), str(r["members"]), str(r["epochs"]),
         *(number(f(r["seconds"])) for f in (statistics.median, min, max)),
         number(ratio(r["seconds"], alone), 2)]
        for r in results
    ]  # fmt: skip
    headers = ["n_jobs", "members", "epochs", "seconds", "least", "most", "/ n_jobs=1"]
    return table(headers, rows)


def plot(results, path):
    """Draw the time as a share of that with n_jobs=1."""
    shares = [ratio(r["seconds"], results[0]["seconds"]) for r in results]
    groups = [f"n_jobs={r['n_jobs']}" for r in results]
    bars(path, "Fit time of a committee by n_jobs", "ratio", groups, {"/ n_jobs=1": shares})


def main(argv=None):
    """Measure n_jobs=1 against the one asked for."""
    parser = parser_of(__doc__)
    parser.add_argument("--members", type=int, default=8, help="networks (default 8)")
    parser.add_argument("--jobs", type=int, default=2, help="members side by side (default 2)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"default {EPOCHS}")
    args = parser.parse_args(argv)
    name, X, y = data()
    setting = {"table": name, "rows": len(X), "hidden": (100,), "repeats": args.repeats}
    with fixed_threads(args.threads):
        results = measure(X, y, args.members, (1, args.jobs), args.epochs, args.repeats)
        save(args.output, "committee", describe, plot, setting, results)


if __name__ == "__main__":
    main()
