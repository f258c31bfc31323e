"""Write RESULTS.md from the JSON files that the benchmarks have written.

Run `make bench`, or `python benchmarks/report.py` after some of them.
"""

import argparse
import json
from pathlib import Path

import bench_committee
import bench_fit
import bench_predict
import bench_scaling
from harness import HERE, table

BENCHMARKS = {
    "fit": bench_fit,
    "predict": bench_predict,
    "scaling": bench_scaling,
    "committee": bench_committee,
}
HEAD = """# Benchmarks

Written by `make bench`. Every comparison is measured side by side: in one process, in turns, with
the number of threads fixed, on the same rows with the same architecture, batch size, epochs and
dtype. A time is the median over the repeats, after a turn that warms up. A ratio is our time over
that of the column's peer, so less is better; behind some of them stands the largest that is aimed
at, and whether it was met.
"""


def section(name, document, facts):
    """Return one benchmark's part of the page; its facts only where they differ from `facts`."""
    setting = dict(document["setting"])
    setting |= {k: v for k, v in document["facts"].items() if facts.get(k) != v}
    title, _, method = (part.strip() for part in BENCHMARKS[name].__doc__.split("\n\n", 2))
    measured = ", ".join(f"{key} {value}" for key, value in setting.items())
    described = BENCHMARKS[name].describe(document["results"])
    picture = f"![{title}](results_{name}.png)"
    return "\n\n".join([f"## {title.rstrip('.')}", method, f"({measured})", described, picture])


def report(folder):
    """Return the page from the JSON files in `folder`."""
    paths = {name: folder / f"results_{name}.json" for name in BENCHMARKS}
    documents = {name: json.loads(p.read_text()) for name, p in paths.items() if p.exists()}
    if not documents:
        raise FileNotFoundError("There are no results_*.json yet: run the benchmarks first.")
    facts = next(iter(documents.values()))["facts"]
    sections = [section(name, document, facts) for name, document in documents.items()]
    body = "\n\n".join(sections)
    met, missed = body.count(" met)"), body.count(" missed)")
    verdict = f"{met} of {met + missed} figures that are aimed at were met."
    machine = table(["machine", ""], [[key, str(value)] for key, value in facts.items()])
    return "\n\n".join([HEAD.strip(), verdict, machine, body]) + "\n"


def main(argv=None):
    """Write RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE, help="folder of JSON and RESULTS.md")
    args = parser.parse_args(argv)
    path = args.output / "RESULTS.md"
    path.write_text(report(args.output), encoding="utf-8")
    print(f"written: {path.name}")


if __name__ == "__main__":
    main()
