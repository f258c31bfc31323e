"""Quickstart: three tables that scikit-learn ships, one network, its regularizers.

Run `make demo`, or `python examples/quickstart.py`. For each table the script

1. fits scikit-learn's MLP and ours with their defaults,
2. searches the regularization of both with as many candidates each: `alpha` for the MLP; `alpha`
   and `keep_prob` for ours,
3. fits our network with L1 in place of L2, which makes weights exactly zero,
4. fits a committee of the network that the search chose, from different starts,

and prints test score, fit time and the number of weights that are exactly zero. All see the same
rows. The MLP has 100 hidden units and stands behind a scaler, as its documentation asks; ours has
three layers of 128 and takes the columns as they are. At the end the script saves learning curves
on diabetes as examples/quickstart.png. It takes under a minute on two cores.
"""

import time
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor

START = time.perf_counter()
COMMITTEE = 4
GRID = {"alpha": [1, 10], "keep_prob": [1.0, 0.8]}
PEER_ALPHAS = np.logspace(-2, 1, 4)  # the MLP divides alpha by the rows of a batch, we by all rows
L1 = dict(alpha=1, l1_ratio=1)


def say(text):
    print(f"[{time.perf_counter() - START:5.1f} s] {text}", flush=True)


def search(model, grid):
    """The same model, with the candidate of the grid that does best in 3-fold cross-validation."""
    return GridSearchCV(model, grid, cv=3, n_jobs=2)


def zero_weights(model):
    """How many weights are exactly 0, and of how many; biases do not count."""
    network = getattr(model, "regressor_", model)  # what TransformedTargetRegressor wraps
    network = network[-1] if isinstance(network, Pipeline) else network
    members = getattr(network, "members_", None)  # a committee keeps the weights in its members
    coefs = network.coefs_ if members is None else [W for m in members for W in m.coefs]
    weights = np.concatenate([W.ravel() for W in coefs])
    return f"{np.sum(weights == 0):,} of {weights.size:,}"


def compare(name, X, y, ours, peer, peer_grid):
    """Fit six models on one table and print a line about each."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
    metric = "R2" if y.dtype.kind == "f" else "accuracy"
    say(f"{name}: {len(X)} training rows, {X.shape[1]} columns")
    print(f"{'':<10}{'':<34}{'test ' + metric:>14}{'fit time':>10}{'zero weights':>20}")

    def fit_and_print(what, model):
        start = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - start
        chosen = ""
        if isinstance(model, GridSearchCV):
            seconds = model.refit_time_  # of the chosen candidate alone, like the other lines
            best = {name.split("__")[-1]: value for name, value in model.best_params_.items()}
            chosen = "   " + ", ".join(f"{name}={value:.3g}" for name, value in best.items())
            model = model.best_estimator_
        score = model.score(X_test, y_test)
        line = f"{what:<34}{score:>14.3f}{seconds:>8.2f} s{zero_weights(model):>20}"
        say(line + chosen)
        return model

    fit_and_print("MLP of scikit-learn", peer)
    fit_and_print("MLP of scikit-learn, searched", search(peer, peer_grid))
    fit_and_print("skregnet", ours)
    best = fit_and_print("skregnet, searched", search(ours, GRID))
    fit_and_print("skregnet, L1", clone(ours).set_params(**L1))
    # The same network, now as a committee: members differ in their starts and batches.
    committee = best.set_params(n_estimators=COMMITTEE, n_jobs=2)
    fit_and_print(f"skregnet, searched, {COMMITTEE} members", committee)


def learning_curves(path):
    """Draw the loss by epoch on the diabetes table, without and with regularization."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        say("no picture: matplotlib is missing (pip install matplotlib)")
        return
    X, y = load_diabetes(return_X_y=True)
    fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for label, color, params in [
        ("no regularization", "#D55E00", dict(alpha=0)),
        ("keep_prob=0.7, alpha=10", "#0072B2", dict(keep_prob=0.7, alpha=10)),
    ]:
        # All epochs run, and the best one is kept (the dot). It is not fitted again on all rows,
        # because the picture is of rows that were held out.
        model = RegularizedMLPRegressor(
            **params, early_stopping=True, refit=False, random_state=0
        ).fit(X, y)
        epochs = np.arange(1, model.n_iter_ + 1)
        best = model.best_iteration_
        held_out = model.history_["validation_loss"]
        ax.plot(epochs, model.history_["loss"], "--", color=color, label=f"{label}: training")
        ax.plot(epochs, held_out, color=color, label=f"{label}: validation")
        ax.plot(best, held_out[best - 1], "o", color=color)
    ax.set(
        title="Diabetes: loss by epoch (dot: the epoch that is kept)",
        xlabel="epoch (passes over the training rows)",
        ylabel="half the squared error (variances of the target)",
        ylim=(0, 0.6),
    )
    ax.legend()
    fig.savefig(path, dpi=150)
    say(f"learning curves: {path}")


def main():
    classify = RegularizedMLPClassifier(random_state=0)
    regress = RegularizedMLPRegressor(random_state=0)
    peer_classify = make_pipeline(StandardScaler(), MLPClassifier(max_iter=2000, random_state=0))
    peer_regress = TransformedTargetRegressor(  # ours scales its target itself
        make_pipeline(StandardScaler(), MLPRegressor(max_iter=2000, random_state=0)),
        transformer=StandardScaler(),
    )
    alphas = {"mlpclassifier__alpha": PEER_ALPHAS}
    target_alphas = {"regressor__mlpregressor__alpha": PEER_ALPHAS}

    compare("digits", *load_digits(return_X_y=True), classify, peer_classify, alphas)
    compare("breast cancer", *load_breast_cancer(return_X_y=True), classify, peer_classify, alphas)
    compare("diabetes", *load_diabetes(return_X_y=True), regress, peer_regress, target_alphas)
    learning_curves(Path(__file__).with_suffix(".png"))
    say("done; one split of small tables: differences of a per cent or two are chance")


if __name__ == "__main__":
    with threadpool_limits(1):  # matrices this small gain nothing from threads
        main()
