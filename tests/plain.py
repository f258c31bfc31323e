"""Training as in a textbook, for tests of one technique at a time: none of the measured defaults.

``cls(**plain(cls, max_iter=5))`` starts from He's rule, takes steps of a constant rate on
standardised rows, and fits once; "auto" values that would add a technique are off.
"""

from skregnet import LBFGS, RegularizedMLPClassifier

PLAIN = {
    "hidden_layer_sizes": (100,),
    "activation": "relu",
    "init": "he",
    "alpha": 1e-4,
    "numeric_embedding": None,
    "feature_scale": False,
    "scaling": "standard",
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "max_iter": 200,
    "refit": False,
    "averaging": None,
}
LABELS = {"label_smoothing": 0.0, "calibration": None}


def plain(cls, **params):
    """Return hyperparameters for an estimator's class, changed by `params`."""
    labels = LABELS if issubclass(cls, RegularizedMLPClassifier) else {}
    found = PLAIN | labels | params
    if isinstance(found.get("solver"), LBFGS) or found.get("solver") == "lbfgs":
        del found["learning_rate_init"]  # it would warn that it has no effect
    return found
