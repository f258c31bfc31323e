"""The benchmarks' own code on toy cases: who is timed, what is counted, what is reported."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

pytest.importorskip("pandas")
pytest.importorskip("matplotlib")
BENCHMARKS = str(Path(__file__).parents[1] / "benchmarks")
NAMES = ("harness", "cases", "torch_peers", "bench_fit", "bench_predict", "bench_scaling",
         "bench_committee", "report")  # fmt: skip


@pytest.fixture(scope="module")
def modules():
    """The scripts as they see each other when run, without PyTorch."""
    sys.path.insert(0, BENCHMARKS)
    sys.modules["torch_peers"] = None  # importing it raises ImportError
    try:
        yield {name: __import__(name) for name in NAMES if name != "torch_peers"}
    finally:
        sys.path.remove(BENCHMARKS)
        for name in NAMES:
            sys.modules.pop(name, None)


@pytest.fixture
def toy(modules, monkeypatch):
    """A case that takes no time; its last batch is short."""
    case = modules["cases"].Case(230, 12, 2, (5, 4), 50, 2)
    for name in ("cases", "bench_fit", "bench_predict"):
        monkeypatch.setattr(modules[name], "CASES", {"A": case})
    return case


def test_tasks_take_turns_and_the_first_turn_does_not_count(modules):
    calls = []
    tasks = {name: lambda name=name: calls.append(name) or len(calls) for name in "abc"}
    seconds, results = modules["harness"].alternate(tasks, 3, at_most={"b": 1})
    assert "".join(calls) == "abc" + "abc" + "ac" + "ac"
    assert {name: len(took) for name, took in seconds.items()} == {"a": 3, "b": 1, "c": 3}
    assert results == {"a": 9, "b": 5, "c": 10}


def test_peak_memory_is_what_was_held_at_once(modules):
    peak = modules["harness"].peak_memory(lambda: [np.ones(10**6).sum() for _ in range(3)])
    assert 8e6 <= peak < 9e6


def test_threads_are_fixed_and_given_back(modules):
    before = threadpool_info()
    with modules["harness"].fixed_threads(1):
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert modules["harness"].machine_facts()["threads"].endswith(": 1")
    assert threadpool_info() == before


def test_a_figure_is_compared_as_it_is_shown(modules):
    harness = modules["harness"]
    assert harness.against(0.354, 0.35) == "0.35 (<= 0.35 met)"
    assert harness.against(0.356, 0.35) == "0.36 (<= 0.35 missed)"
    assert harness.against(0.356, None) == "0.36"
    assert harness.against(None, 0.35) is None
    assert harness.ratio([9.0, 1.0, 2.0], [4.0]) == 0.5
    assert harness.ratio(None, [4.0]) is None


def test_the_matrix_products_are_those_of_a_fit(modules, toy):
    X, _ = toy.data()
    products = modules["bench_fit"].MatrixProducts(toy, X)
    products()
    tail = X[200:]
    hidden = tail @ products.W[0]
    np.testing.assert_allclose(products.Y[0][:30], hidden, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(products.Y[2][:30], hidden @ products.W[1] @ products.W[2],
                               rtol=1e-4, atol=1e-4)  # fmt: skip
    back = products.dY[2][:30] @ products.W[2].T @ products.W[1].T
    np.testing.assert_allclose(products.dW[0], tail.T @ back, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # the epochs are few on purpose
def test_both_networks_minimise_the_same(modules, toy):
    X, y = toy.data()
    cases = modules["cases"]
    model = cases.ours(toy, max_iter=1).fit(X, y)
    peer = cases.scikit_learn(toy, max_iter=2).fit(X, y)
    assert [W.shape for W in model.coefs_] == [W.shape for W in peer.coefs_]
    assert {W.dtype for W in (*model.coefs_, *peer.coefs_)} == {np.dtype(np.float32)}
    # Ours divides alpha by the training rows, scikit-learn by those of a batch.
    assert model.alpha / toy.rows == pytest.approx(peer.alpha / toy.batch_size)


def test_benchmarks_run_and_are_reported(modules, toy, monkeypatch, tmp_path, capsys):
    output = ["--output", str(tmp_path), "--repeats", "2"]
    monkeypatch.setattr(modules["bench_predict"], "MANY_CALLS", {})
    modules["bench_fit"].main([*output, "--cases", "A", "--peers", "sklearn,torch,skorch,products"])
    modules["bench_predict"].main([*output, "--cases", "A", "--max-rows", "100"])
    modules["bench_scaling"].main([*output, "--max-rows", "1000"])
    modules["report"].main(["--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "without torch: it is not installed" in printed

    results = json.loads((tmp_path / "results_fit.json").read_text())["results"]
    fitted = {(record["who"], record["technique"]) for record in results}
    assert fitted == {("sklearn", "plain"), ("products", "plain")} | {
        ("ours", technique) for technique in modules["cases"].TECHNIQUES
    }
    assert all(len(record["seconds"]) == 2 for record in results)
    assert all((record["loss"] is None) == (record["who"] == "products") for record in results)

    page = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert page.count("\n## ") == 3  # no committee was timed
    for name in ("fit", "predict", "scaling"):
        assert f"results_{name}.png" in page
        assert (tmp_path / f"results_{name}.png").stat().st_size > 0
        document = json.loads((tmp_path / f"results_{name}.json").read_text())
        assert modules[f"bench_{name}"].describe(document["results"]) in page
    # Three techniques against scikit-learn, plain against the products; two sizes; seven layouts.
    assert page.count(" met)") + page.count(" missed)") == 3 + 1 + 2 + 7
    assert "without torch" not in page


def test_a_report_needs_results(modules, tmp_path):
    with pytest.raises(FileNotFoundError, match="run the benchmarks first"):
        modules["report"].report(tmp_path)


def test_a_committee_that_n_jobs_changes_is_found_out(modules):
    bench = modules["bench_committee"]
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    records = bench.measure(X, y, 2, (1,), 1, 2)
    assert [len(record["seconds"]) for record in records] == [2]
    a, b = (bench.committee(2, 1, 1).fit(X, y) for _ in range(2))
    bench.check_same(a, b)
    b.members_[1].theta[0] += 1e-6
    with pytest.raises(AssertionError, match="n_jobs changed"):
        bench.check_same(a, b)
