"""What the benchmarks share: timing in turns, machine facts, tables, files and plots."""

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import tracemalloc
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from threadpoolctl import threadpool_info, threadpool_limits

HERE = Path(__file__).parent
PACKAGES = ("skregnet", "numpy", "scipy", "scikit-learn", "joblib", "torch", "skorch")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


# Measuring -------------------------------------------------------------------------------------


def alternate(tasks, repeats, at_most=None):
    """Time callables in turns, so that whatever else the machine does meets all of them alike.

    Returns the seconds of each call by name, without those of a first turn that warms up, and by
    name what the last call returned. `at_most` is a smaller number of repeats for some names.
    """
    seconds, results = {name: [] for name in tasks}, {}
    for repeat in range(-1, repeats):
        for name, task in tasks.items():
            if repeat >= (at_most or {}).get(name, repeats):
                continue
            gc.collect()
            start = perf_counter()
            results[name] = task()
            took = perf_counter() - start
            if repeat >= 0:
                seconds[name].append(took)
    return seconds, results


def peak_memory(task):
    """Return the peak of what a call allocates in Python and NumPy, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        task()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextmanager
def fixed_threads(n):
    """Give every BLAS and OpenMP pool, and PyTorch if it is imported, `n` threads."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    with threadpool_limits(n):
        if torch:
            torch.set_num_threads(n)
        yield
    if torch:
        torch.set_num_threads(before)


# Facts -----------------------------------------------------------------------------------------


def machine_facts():
    """Return what the figures depend on, by name."""
    facts = {"CPU": _cpu_model(), "cores": os.cpu_count(), "system": platform.system()}
    facts["Python"] = platform.python_version()
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    facts["threads"] = ", ".join(_pools())
    return facts


def _cpu_model():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()} ({platform.machine()})"


def _pools():
    pools = [
        f"{p['internal_api']} {p.get('version') or ''} {p.get('architecture') or ''}".strip()
        + f": {p['num_threads']}"
        for p in threadpool_info()
    ]
    torch = sys.modules.get("torch")
    if torch:
        pools.append(f"torch.get_num_threads(): {torch.get_num_threads()}")
    return sorted(set(pools))


# Tables ----------------------------------------------------------------------------------------


def table(headers, rows):
    """Return an aligned Markdown table; a cell is a str, or None where there is nothing."""
    cells = [list(headers)] + [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def ratio(a, b):
    """Return the ratio of the medians of two lists of seconds; None if one is empty or None."""
    return statistics.median(a) / statistics.median(b) if a and b else None


def number(value, digits=3):
    """Return a figure as text; None as None."""
    return None if value is None else f"{value:.{digits}f}"


def against(value, limit):
    """Return a figure beside the largest that is aimed at; None as None."""
    if value is None or limit is None:
        return number(value, 2)
    # What is compared is what is shown.
    return f"{value:.2f} (<= {limit:.2f} {'met' if round(value, 2) <= limit else 'missed'})"


# Command line, files, plots --------------------------------------------------------------------


def parser_of(doc):
    """Return a parser with the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="counted calls of each (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS and PyTorch (default 1)")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for JSON and plot")
    return parser


def save(folder, name, describe, plot, setting, results):
    """Print the table of a benchmark; write its JSON and its plot."""
    setting = {"load": round(os.getloadavg()[0], 2), **setting}
    document = {"facts": machine_facts(), "setting": setting, "results": results}
    print("  ".join(f"{key} {value}" for key, value in (document["facts"] | setting).items()))
    print(f"\n{describe(results)}\n")
    path = folder / f"results_{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    plot(results, path.with_suffix(".png"))
    print(f"written: {path.name}, {path.with_suffix('.png').name}\n", flush=True)


def bars(path, title, ylabel, groups, series, limit=1.0):
    """Draw bars side by side: `series` maps a label to one figure (or None) for each group."""
    from matplotlib.figure import Figure  # without pyplot no screen is needed

    figure = Figure(figsize=(max(7.0, 0.9 * len(groups)), 4), layout="constrained")
    ax = figure.subplots()
    width = 0.8 / len(series)
    for i, (label, values) in enumerate(series.items()):
        places = [g + (i - (len(series) - 1) / 2) * width for g in range(len(groups))]
        ax.bar(places, [v or 0 for v in values], width, color=COLORS[i], label=label)
    ax.axhline(limit, color="black", linewidth=0.8, linestyle="--")
    ax.set_xticks(range(len(groups)), groups, rotation=30, ha="right")
    ax.set(title=title, ylabel=ylabel)
    ax.legend()
    figure.savefig(path, dpi=120)
