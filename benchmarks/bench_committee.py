"""Wall time of a committee on kin8nm: members one after the other against side by side.

Run `python benchmarks/bench_committee.py [--repeats 5] [--members 8] [--jobs 2]`.

The fits with n_jobs=1 and n_jobs=2 take turns, so that whatever else the machine does meets both
alike, and the workers are started and warmed up before the first fit that counts. A member always
computes on one BLAS thread, in both. The figure is the median over the repeats; the committees are
checked to be equal to the bit. The table kin8nm (8,192 rows, 8 columns) is read from
../shared/data.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import scipy
import sklearn
from threadpoolctl import threadpool_info, threadpool_limits

import skregnet
from skregnet import RegularizedMLPRegressor

TABLE = Path(__file__).parents[2] / "shared" / "data" / "kin8nm.csv.gz"
EPOCHS = 200  # the default of max_iter


def committee(n_members, n_jobs, epochs=EPOCHS):
    return RegularizedMLPRegressor(
        (100,),
        n_estimators=n_members,
        n_jobs=n_jobs,
        max_iter=epochs,
        early_stopping=False,
        random_state=0,
    )


def timed_fit(model, X, y):
    """Seconds of one fit."""
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def same(a, b):
    """Whether two committees are equal to the bit."""
    pairs = zip(a.members_, b.members_, strict=True)
    return all(np.array_equal(s.theta, t.theta) for s, t in pairs)


def threads():
    """What a member is given, as `threadpool_info` tells within its limit."""
    with threadpool_limits(1, user_api="blas"):
        pools = threadpool_info()
    return [f"{pool['internal_api']} {pool['num_threads']}" for pool in pools]


def measure(X, y, n_members, jobs, repeats):
    """Seconds of each fit, by n_jobs."""
    seconds = {n_jobs: [] for n_jobs in jobs}
    for repeat in range(-1, repeats):  # repeat -1 warms up and is not counted
        models = {}
        for n_jobs in jobs:
            models[n_jobs] = committee(n_members, n_jobs, EPOCHS if repeat >= 0 else 1)
            took = timed_fit(models[n_jobs], X, y)
            if repeat >= 0:
                seconds[n_jobs].append(took)
        assert same(*models.values()), "n_jobs changed the committee"
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="counted fits of each (default 5)")
    parser.add_argument("--members", type=int, default=8, help="networks (default 8)")
    parser.add_argument("--jobs", type=int, default=2, help="members side by side (default 2)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).with_name("results_committee.json"),
        help="JSON file",
    )
    args = parser.parse_args()
    if not TABLE.exists():
        parser.exit(1, f"the table is not at {TABLE}\n")

    table = pd.read_csv(TABLE)
    X, y = table.drop(columns="target").to_numpy(), table["target"].to_numpy()
    setting = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "joblib": joblib.__version__,
        "skregnet": skregnet.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "threads": threads(),
        "table": "kin8nm",
        "rows": len(X),
        "hidden": (100,),
        "epochs": EPOCHS,
        "members": args.members,
        "repeats": args.repeats,
    }
    print("  ".join(f"{key} {value}" for key, value in setting.items() if key != "threads"))
    print("threads of a member:", ", ".join(setting["threads"]))

    seconds = measure(X, y, args.members, (1, args.jobs), args.repeats)
    median = {n_jobs: statistics.median(took) for n_jobs, took in seconds.items()}
    print(f"\n{'n_jobs':>6} {'median s':>9} {'min s':>8} {'max s':>8} {'ratio':>6}")
    for n_jobs, took in seconds.items():
        print(
            f"{n_jobs:>6} {median[n_jobs]:>9.3f} {min(took):>8.3f} {max(took):>8.3f}"
            f" {median[n_jobs] / median[1]:>6.2f}"
        )

    result = {"setting": setting, "seconds": seconds, "ratio": median[args.jobs] / median[1]}
    args.output.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten: {args.output.name}")


if __name__ == "__main__":
    main()
