"""The networks that are compared, and how each of them is set up in skregnet and scikit-learn."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from skregnet import Adam, RegularizedMLPClassifier

ALPHA = 1e-4  # scikit-learn's, which divides it by the rows of a batch
RATE = 1e-3
KEEP_PROB = 0.8
# What scikit-learn's and PyTorch's networks do: none of skregnet's measured defaults.
TEXTBOOK = {
    "activation": "relu",
    "init": "xavier",
    "solver": Adam(beta_2=0.999, epsilon=1e-8),
    "learning_rate": "constant",
    "learning_rate_init": RATE,
    "refit": False,
}


@dataclass(frozen=True)
class Case:
    """A made-up table and a network; few epochs, so that a fit takes about a second at most."""

    rows: int
    columns: int
    classes: int
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int

    @property
    def widths(self):
        """Units of each layer; two classes have one output."""
        return (self.columns, *self.hidden, 1 if self.classes == 2 else self.classes)

    @property
    def l2(self):
        """What every batch adds to the gradient for each weight, in units of the weight."""
        return ALPHA / self.batch_size

    def __str__(self):
        return f"{self.rows:,}x{self.columns} {self.hidden} batch {self.batch_size}"

    def data(self, rows=None):
        """Return a standardised table in float32, and labels 0, 1, ..."""
        X, y = make_classification(
            rows or self.rows, self.columns, n_informative=10, n_redundant=0,
            n_classes=self.classes, random_state=0,
        )  # fmt: skip
        return StandardScaler().fit_transform(X).astype(np.float32), y


CASES = {
    "A": Case(10_000, 20, 2, (100,), 200, 20),
    "B": Case(10_000, 784, 10, (256, 128), 256, 3),
    "C": Case(50_000, 50, 2, (256, 256, 256), 256, 1),
    "D": Case(2_000, 20, 2, (64, 32), 32, 20),
}
TECHNIQUES = {  # name: hyperparameters of skregnet
    "plain": {},
    "dropout": {"keep_prob": KEEP_PROB},
    "batchnorm": {"batchnorm": True},
    "L1": {"l1_ratio": 1.0},
    "both": {"keep_prob": KEEP_PROB, "batchnorm": True},
}


def ours(case, **params):
    """Return skregnet's network, in float32, with the penalty that scikit-learn's has."""
    params = {"alpha": case.l2 * case.rows, "max_iter": case.epochs} | params
    return RegularizedMLPClassifier(
        case.hidden,
        scaling=None,
        batch_size=case.batch_size,
        early_stopping=False,
        dtype="float32",
        random_state=0,
        **TEXTBOOK,
        **params,
    )


def scikit_learn(case, **params):
    """Return scikit-learn's network, which computes in the dtype of X."""
    params = {"max_iter": case.epochs, **params}
    return MLPClassifier(
        case.hidden,
        alpha=ALPHA,
        solver="adam",
        learning_rate_init=RATE,
        batch_size=case.batch_size,
        n_iter_no_change=params["max_iter"] + 1,  # no stop before the last epoch
        random_state=0,
        **params,
    )
