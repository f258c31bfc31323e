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

# Of the names below, those that act for lbfgs, too.
WITHOUT_STEPS = {
    "hidden_layer_sizes", "activation", "init", "alpha", "l1_ratio", "batchnorm", "group_norm",
    "scaling", "label_smoothing", "class_weight", "loss",
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
        `early_stopping` or `max_iter` is left out, and `scaling` and `class_weight` are searched
        only if they have their defaults. For "small" its `activation`, `init` and `group_norm`
        stay, and only sizes that suit them are drawn, or none.
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
    space["learning_rate_init"] = loguniform(1e-3, 1e-1) if takes_sgd else loguniform(3e-4, 3e-2)
    space["alpha"] = loguniform(1e-4, 1e2)
    if sizes or np.size(params["hidden_layer_sizes"]):
        space["keep_prob"] = uniform(0.5, 0.5)
    return space


def _sizes_that_suit(params):
    """Return sizes that agree with what the estimator says of its layers and their units."""
    lists = [params[name] for name in ("activation", "init") if is_sequence(params[name])]
    named = all(isinstance(item, str | Initializer) or callable(item) for item in chain(*lists))
    if not named:
        return []  # arrays of weights fit one network only
    depths = [np.size(params["hidden_layer_sizes"])] if lists else [1, 2]
    n_groups = params["group_norm"] or 1
    widths = [width for width in (32, 64, 128, 256) if width % n_groups == 0 and width > n_groups]
    return [(w,) * d for d in depths if d for w in widths if d == 1 or w >= 64]


def _full(params, classifies):
    common = _network() | _noise() | _training(params)
    if params["scaling"] == "standard":
        common["scaling"] = ["standard", "robust"]
    common |= _of_labels(params) if classifies else _of_targets(params)
    adam = {
        "solver": [Adam(), Adam(beta_2=0.95)],
        "learning_rate_init": loguniform(3e-4, 3e-2),
    }
    sgd = {"solver": [SGD()], "learning_rate_init": loguniform(1e-3, 1e-1)}
    # Normalizing the same units twice is refused, hence dicts that exclude each other.
    norms = [{}, {"batchnorm": ["before", "after"]}, {"group_norm": [1, 2, 4, 8]}]
    solvers = [{}] if _is_lbfgs(params) else [adam, adam, sgd]  # Adam twice as often
    off = {"batchnorm": [False], "group_norm": [None]}
    return [common | off | norm | solver for norm, solver in product(norms, solvers)]


def _network():
    """Return the architecture and what acts on its weights; the groups of units divide a width."""
    sizes = [(width,) * depth for width in (64, 128, 256) for depth in (1, 2, 3)]
    return {
        "hidden_layer_sizes": sizes,
        "activation": ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh"],
        "init": ["auto", "orthogonal", "data"],
        "alpha": loguniform(1e-4, 1e2),
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
    averaging = [None, None, "ema", "swa"]
    # Snapshots are kept at fixed epochs of one run.
    free = params["early_stopping"] is not True and not params["warm_start"]
    if free and params["max_iter"] >= Snapshot().n_snapshots:
        averaging.append("snapshot")
    return {
        "learning_rate": ["constant", "cosine", "coslog4", "onecycle"],
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
