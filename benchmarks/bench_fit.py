"""Fit time, with and without regularization, beside scikit-learn, PyTorch and matrix products.

Run `make bench`, or `python benchmarks/bench_fit.py [--cases AD] [--techniques plain,dropout]`.

All networks have the same architecture, rows, batch size, number of epochs, dtype (float32),
optimizer (Adam), learning rate and penalty, and all shuffle. They are fitted in turns within one
process, on one thread. The peers:

- sklearn, sklearn64: scikit-learn's MLPClassifier on float32 and on float64, plain (the
  techniques it does not have; its plain time is the yardstick for all of ours),
- torch: a bare PyTorch loop with the same techniques, fused Adam and no bookkeeping,
- skorch: the same, plain, through skorch,
- products: the matrix products of a fit alone, forward and backward, by np.matmul(out=).

The loss is the log loss of the fitted network on its training rows, computed after the clock has
stopped: with equal work done it should be nearly equal too (the initial weights come from the
same distribution by different generators, and scikit-learn draws the biases as well).
"""

import statistics
import warnings
from importlib.util import find_spec

import numpy as np
from cases import CASES, TECHNIQUES, ours, scikit_learn
from harness import against, alternate, bars, fixed_threads, number, parser_of, ratio, save, table
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

try:
    import torch_peers
except ImportError:
    torch_peers = None

PEERS = ("sklearn", "sklearn64", "torch", "skorch", "products")
SLOW = {"skorch": 3}  # repeats at most
CLAIMS = {  # the ratio of fit times aimed at, by peer, technique and case
    "sklearn": {
        "plain": {"A": 0.35, "B": 0.60, "C": 0.55, "D": 0.30},
        "dropout": {"A": 0.50, "B": 0.70, "C": 0.75, "D": 0.35},
        "batchnorm": {"A": 0.55, "B": 0.75, "C": 0.90, "D": 0.45},
    },
    "torch": {
        "plain": {"A": 0.35, "B": 0.90, "C": 0.95, "D": 0.25},
        "dropout": {"A": 0.40, "B": 0.85, "C": 0.80, "D": 0.25},
        "batchnorm": {"A": 0.40, "B": 0.85, "C": 0.90, "D": 0.25},
    },
    "products": {"plain": {"A": 2.3, "B": 1.5, "C": 1.25, "D": 2.8}},
}


class MatrixProducts:
    """The matrix products of a fit: X W, X^T dY and, but for the first layer, dY W^T."""

    def __init__(self, case, X):
        rng = np.random.default_rng(0)
        self.case, self.X = case, X
        shapes = list(zip(case.widths, case.widths[1:], strict=False))
        self.W = [rng.standard_normal(s, np.float32) / np.float32(s[0] ** 0.5) for s in shapes]
        self.dW = [np.empty_like(W) for W in self.W]
        sizes = [(case.batch_size, width) for width in case.widths[1:]]
        self.Y = [np.empty(size, np.float32) for size in sizes]
        self.dY = [rng.standard_normal(size, np.float32) for size in sizes]

    def __call__(self):
        for _ in range(self.case.epochs):
            for start in range(0, len(self.X), self.case.batch_size):
                self._step(self.X[start : start + self.case.batch_size])

    def _step(self, X):
        n = len(X)
        Y, dY = [Y[:n] for Y in self.Y], [dY[:n] for dY in self.dY]
        inputs = [X, *Y[:-1]]
        for X, W, out in zip(inputs, self.W, Y, strict=True):
            np.matmul(X, W, out=out)
        for l in reversed(range(len(self.W))):
            np.matmul(inputs[l].T, dY[l], out=self.dW[l])
            if l > 0:
                np.matmul(dY[l], self.W[l].T, out=dY[l - 1])


def tasks_of(case, X, y, techniques, peers):
    """Return what is timed, by (who, technique)."""
    X64 = X.astype(np.float64)
    plain = {
        "sklearn": lambda: scikit_learn(case).fit(X, y),
        "sklearn64": lambda: scikit_learn(case).fit(X64, y),
        "skorch": lambda: torch_peers.skorch_model(case).fit(X, y.astype(_skorch_dtype(case))),
        "products": MatrixProducts(case, X),
    }
    tasks = {}
    for technique in techniques:
        params = TECHNIQUES[technique]
        tasks["ours", technique] = lambda params=params: ours(case, **params).fit(X, y)
        if "torch" in peers:
            tasks["torch", technique] = lambda t=technique: torch_peers.bare_loop(case, X, y, t)
        if technique == techniques[0]:  # beside the first of ours
            tasks |= {(who, "plain"): task for who, task in plain.items() if who in peers}
    return tasks


def _skorch_dtype(case):
    return np.float32 if case.classes == 2 else np.int64


def reached_loss(who, fitted, case, X, y):
    """Return the log loss on the training rows, or None."""
    if who == "products":
        return None
    if who in ("ours", "sklearn"):
        assert len(fitted.loss_curve_) == case.epochs, "not the epochs asked for"
        assert fitted.coefs_[0].dtype == np.float32, "not the dtype asked for"
    predicted = torch_peers.probabilities(fitted, X) if who == "torch" else fitted.predict_proba(X)
    predicted = predicted.astype(np.float64)  # in float32 the rows do not sum to one exactly
    return log_loss(y, predicted / predicted.sum(axis=1, keepdims=True))


def run_case(name, case, techniques, peers, repeats):
    """Return one record for each network that was fitted."""
    X, y = case.data()
    tasks = tasks_of(case, X, y, techniques, peers)
    fewer = {key: SLOW[key[0]] for key in tasks if key[0] in SLOW}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are few on purpose
        seconds, fitted = alternate(tasks, repeats, at_most=fewer)
    return [
        {"case": name, "what": str(case), "epochs": case.epochs, "technique": technique,
         "who": who, "seconds": took,
         "loss": reached_loss(who, fitted[who, technique], case, X, y)}
        for (who, technique), took in seconds.items()
    ]  # fmt: skip


def _compare(results):
    """Yield for each fit of ours: its record, the peers' records, and the ratios of times."""
    by_key = {(r["case"], r["who"], r["technique"]): r for r in results}
    for record in (r for r in results if r["who"] == "ours"):
        peers = {}
        for who in PEERS:
            technique = record["technique"] if who == "torch" else "plain"
            peers[who] = by_key.get((record["case"], who, technique))
        ratios = {who: ratio(record["seconds"], p["seconds"]) if p else None
                  for who, p in peers.items()}  # fmt: skip
        yield record, peers, ratios


def describe(results):
    """Return the table: our time as a multiple of each peer's, and the losses reached."""
    headers = ["case", "technique", "seconds", *(f"/ {who}" for who in PEERS)]
    headers += ["loss", "sklearn's", "torch's"]
    rows, cases = [], {}
    for record, peers, ratios in _compare(results):
        name, technique = record["case"], record["technique"]
        cases[name] = f"- {name}: {record['what']}, epochs {record['epochs']}"
        row = [name, technique, number(statistics.median(record["seconds"]))]
        row += [against(ratios[who], CLAIMS.get(who, {}).get(technique, {}).get(name))
                for who in PEERS]  # fmt: skip
        losses = [peers[who]["loss"] if peers[who] else None for who in ("sklearn", "torch")]
        rows.append(row + [number(loss, 4) for loss in (record["loss"], *losses)])
    return "\n".join([*cases.values(), "", table(headers, rows)])


def plot(results, path):
    """Draw our time as a multiple of scikit-learn's and PyTorch's."""
    compared = list(_compare(results))
    groups = [f"{record['case']} {record['technique']}" for record, _, _ in compared]
    series = {f"/ {who}": [ratios[who] for _, _, ratios in compared]
              for who in ("sklearn", "torch")}  # fmt: skip
    bars(path, "Fit time of skregnet as a multiple of the peer's", "ratio", groups, series)


def main(argv=None):
    """Run the cases."""
    parser = parser_of(__doc__)
    parser.add_argument("--cases", default="".join(CASES), help="which, as letters (default all)")
    parser.add_argument("--techniques", default=",".join(TECHNIQUES), help="default all")
    parser.add_argument("--peers", default=",".join(PEERS), help="default all; '' for none")
    args = parser.parse_args(argv)
    peers = [who for who in args.peers.split(",") if who]
    no_torch = torch_peers is None
    missing = {"torch": no_torch, "skorch": no_torch or find_spec("skorch") is None}
    for who in [who for who in peers if missing.get(who)]:
        print(f"without {who}: it is not installed")
        peers.remove(who)
    techniques = args.techniques.split(",")
    results = []
    with fixed_threads(args.threads):
        for name in args.cases:
            results += run_case(name, CASES[name], techniques, peers, args.repeats)
            print(f"case {name} done", flush=True)
        setting = {"dtype": "float32", "repeats": args.repeats}
        save(args.output, "fit", describe, plot, setting, results)


if __name__ == "__main__":
    main()
