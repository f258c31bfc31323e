"""Search spaces: which hyperparameters are worth a random search, and in which ranges."""

from dataclasses import dataclass
from itertools import chain, product

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from .assemble.choices import is_sequence
from .core.component import require
from .core.initializers import Initializer
from .layerwise import check_network
from .training.averaging import Snapshot
from .training.optimizers import LBFGS, SGD, Adam

DEPTHS, WIDTHS = (2, 3, 4), (64, 128, 256)  # around the default

# Of the names below, those that act for lbfgs, too.
WITHOUT_STEPS = {
    "hidden_layer_sizes", "activation", "parametric_activation", "feature_scale", "init", "alpha",
    "l1_ratio", "batchnorm", "group_norm", "scaling", "label_smoothing", "class_weight", "loss",
}  # fmt: skip


@dataclass(frozen=True)
class OnOff:
    """A distribution that gives `off` as often as not, and else what `on` gives.

    Attributes
    ----------
    on : distribution
        With a method `rvs`, as scipy.stats has them.
    off : object
        The value that switches the technique off.
    """

    on: object
    off: object = 0.0

    def rvs(self, random_state=None):
        """Return one value."""
        rng = check_random_state(random_state)
        return float(self.on.rvs(random_state=rng)) if rng.uniform() < 0.5 else self.off


def suggest_search_space(estimator, level="small", *, prefix=""):
    """Suggest distributions of hyperparameters for a random search.

    All that the space can draw fits together, and with the hyperparameters of the estimator that
    it leaves alone. One thing the space cannot know: if `fit` is to be given `X_val`, set
    ``early_stopping=True`` before, as snapshots exclude early stopping.

    Parameters
    ----------
    estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
        What is to be searched. A technique that cannot act with its `solver`, `loss`,
        `early_stopping` or `max_iter` is left out, and `scaling`, `numeric_embedding` and
        `class_weight` are searched only if they have their defaults. For "small" its
        `activation`, `init` and `group_norm` stay, and only sizes that suit them are drawn, or
        none.
    level : {"small", "full"}, default="small"
        "small" is the handful that matters most: width and depth, learning rate, `alpha`,
        `keep_prob`. "full" is the cocktail of regularizers of [1]_, most of them switched on in
        about half of the draws, with the choices of [2]_; it needs hundreds of draws, dense X
        (for the augmentations) and at least 32 training rows (for the batches).
    prefix : str, default=""
        Put before each name: ``"regularizedmlpclassifier__"`` for that step of a pipeline.

    Returns
    -------
    space : dict or list of dict
        Name to list of values or distribution, for `RandomizedSearchCV` and
        `HalvingRandomSearchCV`. A list where some values exclude each other, of "full".

    Raises
    ------
    ValueError
        If `level` is unknown.
    TypeError
        If the estimator is not one of this package.

    References
    ----------
    .. [1] A. Kadra et al., "Well-tuned simple nets excel on tabular datasets", NeurIPS 2021.
    .. [2] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS 2024.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import RandomizedSearchCV
    >>> from skregnet import RegularizedMLPClassifier, suggest_search_space
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RegularizedMLPClassifier(max_iter=20, random_state=0)
    >>> search = RandomizedSearchCV(model, suggest_search_space(model), n_iter=5, random_state=0)
    >>> sorted(search.fit(X, y).best_params_)
    ['alpha', 'hidden_layer_sizes', 'keep_prob', 'learning_rate_init']
    """
    check_network(estimator)
    require(level in ("small", "full"), "suggest_search_space", "level", "'small' or 'full'", level)
    params = estimator.get_params()
    spaces = [_small(params)] if level == "small" else _full(params, is_classifier(estimator))
    if _is_lbfgs(params):
        spaces = [{name: s[name] for name in s if name in WITHOUT_STEPS} for s in spaces]
    spaces = [{prefix + name: values for name, values in s.items()} for s in spaces]
    return spaces[0] if level == "small" else spaces


def _is_lbfgs(params):
    return params["solver"] == "lbfgs" or isinstance(params["solver"], LBFGS)


def _small(params):
    takes_sgd = params["solver"] == "sgd" or isinstance(params["solver"], SGD)
    sizes = _sizes_that_suit(params)
    space = {"hidden_layer_sizes": sizes} if sizes else {}
    space["learning_rate_init"] = _rates(takes_sgd)
    space["alpha"] = _alphas()
    if sizes or np.size(params["hidden_layer_sizes"]):
        space["keep_prob"] = uniform(0.7, 0.3)
    return space


def _rates(takes_sgd):
    # Adam's are around the default; from 0.02 on, its first steps from NTK's start are too large.
    return loguniform(1e-3, 1e-1) if takes_sgd else loguniform(5e-4, 2e-2)


def _alphas():
    return loguniform(1e-2, 1e2)


def _sizes_that_suit(params):
    """Return sizes that agree with what the estimator says of its layers and their units."""
    lists = [params[name] for name in ("activation", "init") if is_sequence(params[name])]
    named = all(isinstance(item, str | Initializer) or callable(item) for item in chain(*lists))
    if not named:
        return []  # arrays of weights fit one network only
    depths = [np.size(params["hidden_layer_sizes"])] if lists else DEPTHS
    n_groups = params["group_norm"] or 1
    widths = [width for width in WIDTHS if width % n_groups == 0 and width > n_groups]
    return [(width,) * depth for depth in depths if depth for width in widths]


def _full(params, classifies):
    common = _network() | _noise() | _training(params)
    if params["scaling"] == "robust":
        common["scaling"] = ["robust", "standard"]
    if params["numeric_embedding"] in (None, "auto"):
        common["numeric_embedding"] = [None, "auto"]  # "auto": unless no column is numeric
    common |= _of_labels(params) if classifies else _of_targets(params)
    adam = {
        "solver": [Adam(), Adam(beta_2=0.999)], "learning_rate_init": _rates(takes_sgd=False),
    }  # fmt: skip
    sgd = {"solver": [SGD()], "learning_rate_init": _rates(takes_sgd=True)}
    # Normalizing the same units twice is refused, hence dicts that exclude each other.
    norms = [{}, {"batchnorm": ["before", "after"]}, {"group_norm": [1, 2, 4, 8]}]
    solvers = [{}] if _is_lbfgs(params) else [adam, adam, sgd]  # Adam twice as often
    off = {"batchnorm": [False], "group_norm": [None]}
    return [common | off | norm | solver for norm, solver in product(norms, solvers)]


def _network():
    """Return the architecture and what acts on its weights; the groups of units divide a width."""
    return {
        "hidden_layer_sizes": [(width,) * depth for width in WIDTHS for depth in DEPTHS],
        "activation": ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh"],
        "parametric_activation": [False, True],
        "feature_scale": [False, True],
        # What is "auto" elsewhere is on or off with this one.
        "init": ["auto", "auto", "orthogonal", "data"],
        "alpha": _alphas(),
        "l1_ratio": OnOff(uniform(0.0, 1.0)),
        "weight_decay": OnOff(loguniform(1e-5, 1e-1)),
        "max_norm": [None, None, 1.0, 2.0, 4.0],
    }


def _noise():
    """Return what is drawn at random while training."""
    return {
        "keep_prob": OnOff(uniform(0.5, 0.5), off=1.0),
        "input_keep_prob": OnOff(uniform(0.7, 0.3), off=1.0),
        "hidden_noise": OnOff(loguniform(1e-2, 3e-1)),
        "weight_noise": OnOff(loguniform(1e-3, 1e-1)),
        "augmentation": [
            None, None, "mixup", "cutmix", "swap_noise", "gaussian_noise", "feature_dropout",
        ],
    }  # fmt: skip


def _training(params):
    """Return how steps are made."""
    averaging = [None, None, "auto", "swa"]
    # Snapshots are kept at fixed epochs of one run.
    free = params["early_stopping"] is not True and not params["warm_start"]
    if free and (params["max_iter"] or np.inf) >= Snapshot().n_snapshots:
        averaging.append("snapshot")
    return {
        "learning_rate": ["auto", "constant", "cosine", "onecycle"],
        "warmup": [0, 0, 5],
        "clip_norm": [None, None, 1.0],
        "batch_size": ["auto", 32],
        "averaging": averaging,
    }


def _of_labels(params):
    space = {"label_smoothing": OnOff(uniform(0.01, 0.19))}
    if params["class_weight"] is None and not params["soft_labels"]:
        space["class_weight"] = [None, "balanced"]
    return space


def _of_targets(params):
    # Losses that predict something else than a mean, or other units, are the user's choice.
    return {"loss": ["squared_error", "huber"]} if params["loss"] == "squared_error" else {}
