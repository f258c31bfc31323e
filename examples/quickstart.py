"""Quickstart: three tables that scikit-learn ships, one small network, its regularizers.

Run `make demo`, or `python examples/quickstart.py`. For each table the script

1. fits scikit-learn's MLP and ours with their default regularization,
2. searches the regularization of both with as many candidates each: `alpha` for the MLP;
   `keep_prob`, `alpha` and `l1_ratio` for ours,
3. fits a committee of our networks on bootstrap draws of the rows,

and prints test score, fit time and the number of weights that are exactly zero. All see the same
rows, scaled in the same way, and have 64 hidden units. At the end it saves learning curves on
diabetes as examples/quickstart.png. It takes under a minute on two cores.
"""

import time
from pathlib import Path

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor

START = time.perf_counter()
SIZE = dict(hidden_layer_sizes=(64,), random_state=0)
COMMITTEE = 8
GRID = {"net__keep_prob": [1.0, 0.7], "net__alpha": [1, 10], "net__l1_ratio": [0.0, 0.9]}
PEER_ALPHAS = np.logspace(-4, 1, 8)  # the MLP divides alpha by the rows of a batch, we by all rows


def say(text):
    print(f"[{time.perf_counter() - START:5.1f} s] {text}", flush=True)


def pipeline(network):
    """The network behind the scaler that all of them share."""
    return Pipeline([("scale", StandardScaler()), ("net", network)])


def search(model, grid):
    """The same model, with the candidate of the grid that does best in 3-fold cross-validation."""
    return GridSearchCV(model, grid, cv=3, n_jobs=2)


def zero_weights(model):
    """How many weights are exactly 0, and of how many; biases do not count."""
    network = model["net"]
    network = getattr(network, "regressor_", network)  # TransformedTargetRegressor wraps the MLP
    members = getattr(network, "members_", None)  # a committee keeps the weights in its members
    coefs = network.coefs_ if members is None else [W for m in members for W in m.coefs]
    weights = np.concatenate([W.ravel() for W in coefs])
    return f"{np.sum(weights == 0):,} of {weights.size:,}"


def compare(name, X, y, ours, peer, peer_grid):
    """Fit five models on one table and print a line about each."""
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

    fit_and_print("MLP of scikit-learn", pipeline(peer))
    fit_and_print("MLP of scikit-learn, searched", search(pipeline(peer), peer_grid))
    fit_and_print("skregnet", pipeline(ours))
    best = fit_and_print("skregnet, searched", search(pipeline(ours), GRID))
    # The same network, now as a committee: members see different draws of the rows.
    bagged = best.set_params(net__n_estimators=COMMITTEE, net__n_jobs=2)
    fit_and_print(f"skregnet, searched, {COMMITTEE} bagged", bagged)


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
        # Early stopping without patience: all epochs run, the best one is kept (the dot).
        model = RegularizedMLPRegressor(
            **SIZE, **params, learning_rate_init=0.01, max_iter=150,
            early_stopping=True, validation=0.25, n_iter_no_change=None,
        ).fit(X, y)  # fmt: skip
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
    classify = RegularizedMLPClassifier(**SIZE, scaling=None)  # the pipeline scales already
    regress = RegularizedMLPRegressor(**SIZE, scaling=None)  # its target it scales itself
    peer_classify = MLPClassifier(**SIZE, max_iter=2000)
    peer_regress = TransformedTargetRegressor(
        MLPRegressor(**SIZE, max_iter=2000), transformer=StandardScaler()
    )
    alphas, target_alphas = {"net__alpha": PEER_ALPHAS}, {"net__regressor__alpha": PEER_ALPHAS}

    compare("digits", *load_digits(return_X_y=True), classify, peer_classify, alphas)
    compare("breast cancer", *load_breast_cancer(return_X_y=True), classify, peer_classify, alphas)
    compare("diabetes", *load_diabetes(return_X_y=True), regress, peer_regress, target_alphas)
    learning_curves(Path(__file__).with_suffix(".png"))
    say("done; one split of small tables: differences of a per cent or two are chance")


if __name__ == "__main__":
    with threadpool_limits(1):  # matrices this small gain nothing from threads
        main()
