"""Fit time against the number of rows, and the peak of memory against the size of X.

Run `make bench`, or `python benchmarks/bench_scaling.py [--max-rows 100000]`.

The time is that of one epoch with the default scaling, for 10,000 to 1,000,000 rows of 100 columns
in turns, on one thread; the exponent is the slope of log(seconds) over log(rows), 1 being linear.
The memory is the peak of what a fit of the largest table allocates, X itself not counted. It is
compared with what is aimed at: one copy of X in float32, 6 numbers for each parameter of the
network, and the activations of 3 batches.
"""

import statistics
from tempfile import TemporaryDirectory

import numpy as np
from cases import TEXTBOOK
from harness import (
    COLORS,
    against,
    alternate,
    fixed_threads,
    number,
    parser_of,
    peak_memory,
    save,
    table,
)

from skregnet import RegularizedMLPClassifier

COLUMNS, HIDDEN, BATCH = 100, (100,), 200
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
EXPONENT = 1.05  # aimed at
MEMORY = [  # (layout of X, scaling, early stopping)
    ("C order", "robust", False),
    ("C order", None, False),
    ("F order", "robust", False),
    ("F order", None, False),
    ("memmap", "robust", False),
    ("memmap", None, False),
    ("C order", "robust", True),  # the default: a copy of the rows that are not held out
]


def model(**params):
    """Return the network: one epoch, in float32."""
    params = TEXTBOOK | {"early_stopping": False} | params
    return RegularizedMLPClassifier(
        HIDDEN, batch_size=BATCH, max_iter=1, dtype="float32", random_state=0, **params
    )


def data(rows):
    """Return X in float32 and labels that depend on it."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, COLUMNS), np.float32)
    return X, (X @ rng.standard_normal(COLUMNS, np.float32) > 0).astype(int)


def fit_times(X, y, sizes, repeats):
    """Return one record for each number of rows."""
    tasks = {size: lambda n=size: model().fit(X[:n], y[:n]) for size in sizes}
    seconds, _ = alternate(tasks, repeats)
    return [{"rows": size, "seconds": took} for size, took in seconds.items()]


def laid_out(X, layout, folder):
    """Return X as the layout says."""
    if layout == "F order":
        return np.asfortranarray(X)
    if layout == "C order":
        return X
    path = f"{folder}/X"
    X.tofile(path)
    return np.memmap(path, dtype=X.dtype, mode="r", shape=X.shape)


def budget(X):
    """Return the bytes that are aimed at: one copy of X, 6 x parameters, 3 x activations."""
    widths = (COLUMNS, *HIDDEN, 1)
    parameters = sum((a + 1) * b for a, b in zip(widths, widths[1:], strict=False))
    return X.nbytes + 4 * (6 * parameters + 3 * BATCH * sum(widths))


def fit_memory(X, y):
    """Return one record for each layout of X and scaling."""
    model().fit(X[:1000], y[:1000])  # what is imported late is not the fit's
    results = []
    with TemporaryDirectory() as folder:
        for layout, scaling, stopping in MEMORY:
            given = laid_out(X, layout, folder)
            estimator = model(scaling=scaling, early_stopping=stopping)
            peak = peak_memory(lambda model=estimator, X=given: model.fit(X, y))
            results.append(
                {"layout": layout, "scaling": scaling, "early_stopping": stopping,
                 "rows": len(X), "x_bytes": X.nbytes, "peak_bytes": peak, "budget": budget(X)}
            )  # fmt: skip
    return results


def exponent(times):
    """Return the slope of log(seconds) over log(rows), and where the line begins."""
    rows = [record["rows"] for record in times]
    seconds = [statistics.median(record["seconds"]) for record in times]
    return np.polyfit(np.log(rows), np.log(seconds), 1)


def describe(results):
    """Return both tables."""
    times = [
        [f"{r['rows']:,}", number(statistics.median(r["seconds"])),
         number(1e6 * statistics.median(r["seconds"]) / r["rows"], 2)]
        for r in results["times"]
    ]  # fmt: skip
    slope = "one size, so no exponent"
    if len(times) > 1:
        slope = f"exponent {against(float(exponent(results['times'])[0]), EXPONENT)}"
    memory = [
        [r["layout"], str(r["scaling"]), str(r["early_stopping"]), f"{r['rows']:,}",
         number(r["peak_bytes"] / 1e6, 1), number(r["peak_bytes"] / r["x_bytes"], 2),
         against(r["peak_bytes"] / r["budget"], 1.0)]
        for r in results["memory"]
    ]  # fmt: skip
    headers = ["X", "scaling", "early_stopping", "rows", "peak MB", "copies of X", "/ aimed at"]
    return "\n".join(
        [table(["rows", "seconds", "microseconds a row"], times), "", slope, "",
         table(headers, memory)]
    )  # fmt: skip


def plot(results, path):
    """Draw time over rows with the fitted line, and the peaks of memory."""
    from matplotlib.figure import Figure

    left, right = (figure := Figure(figsize=(11, 4), layout="constrained")).subplots(1, 2)
    times = results["times"]
    rows = np.array([r["rows"] for r in times])
    left.loglog(rows, [statistics.median(r["seconds"]) for r in times], "o", color=COLORS[0])
    if len(times) > 1:
        slope, start = exponent(times)
        line = np.exp(start) * rows**slope
        left.loglog(rows, line, color=COLORS[1], label=f"exponent {slope:.2f}")
        left.legend()
    left.set(title="Fit time by rows", xlabel="rows", ylabel="seconds")

    names = [
        f"{r['layout']}, {r['scaling']}{', early stopping' * r['early_stopping']}"
        for r in results["memory"]
    ]
    right.barh(names, [r["peak_bytes"] / r["budget"] for r in results["memory"]], color=COLORS[0])
    right.axvline(1.0, color="black", linewidth=0.8, linestyle="--")
    right.set(title="Peak memory of fit / what is aimed at", xlabel="ratio")
    figure.savefig(path, dpi=120)


def main(argv=None):
    """Measure time, then memory."""
    parser = parser_of(__doc__)
    parser.add_argument("--max-rows", type=int, default=max(SIZES), help="default 1,000,000")
    args = parser.parse_args(argv)
    sizes = [size for size in SIZES if size <= args.max_rows] or [args.max_rows]
    X, y = data(sizes[-1])
    setting = {"dtype": "float32", "columns": COLUMNS, "hidden": HIDDEN, "batch": BATCH}
    with fixed_threads(args.threads):
        results = {"times": fit_times(X, y, sizes, args.repeats), "memory": fit_memory(X, y)}
        setting["repeats"] = args.repeats
        save(args.output, "scaling", describe, plot, setting, results)


if __name__ == "__main__":
    main()
