"""One fitted network: what is kept of it."""

from copy import copy
from dataclasses import dataclass, field

import numpy as np

from .core.network import Network
from .core.vector import Vector
from .training.callbacks import BestSoFar


@dataclass
class ResumeState:
    """What a member needs to go on exactly where it stopped.

    Attributes
    ----------
    theta : ndarray or None
        The running numbers, which early stopping's best epoch does not replace; None before the
        first epoch.
    stepper : SGDStepper, AdamStepper or None
        The optimizer's moments; None before the first step and for L-BFGS.
    streams : dict
        The random streams by role.
    best : BestSoFar or None
        Early stopping's memory.
    averaging : RunningAverage, Snapshots or None
        The average's memory.
    monitored : str or None
        What early stopping compared.
    epochs_before : int
        Epochs of earlier fits of a warm-started model.
    """

    theta: np.ndarray | None
    stepper: object
    streams: dict
    best: BestSoFar | None = None
    averaging: object = None
    monitored: str | None = None
    epochs_before: int = 0


@dataclass
class Member:
    """One fitted network.

    Attributes
    ----------
    network : Network
        The recipe.
    theta : ndarray of shape (network.layout.size,)
        All numbers: weights, offsets, statistics.
    history : dict of str to list of float
        One entry an epoch.
    best : BestSoFar or None
        What early stopping remembers: the best epoch and its score; in a stream, where the running
        weights are kept, also its numbers.
    index : int
        Which draw of the rows it was trained on.
    state : ResumeState or None
        Kept where it will be used again: with ``warm_start=True`` and by ``partial_fit``.
    """

    network: Network
    theta: np.ndarray
    history: dict = field(repr=False)
    best: BestSoFar | None = field(default=None, repr=False)
    index: int = 0
    state: ResumeState | None = field(default=None, repr=False)
    interrupted: bool = False

    @property
    def vector(self):
        """The numbers with their views by layer, made once for each `theta`."""
        made = vars(self).get("_vector")
        if made is None or made.data is not self.theta:
            made = self._vector = Vector(self.network.layout, self.theta)
        return made

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_vector"}

    @property
    def n_iter(self):
        """Epochs trained."""
        return len(self.history["loss"])

    @property
    def best_iteration(self):
        """The best epoch, counted from 1, or None without early stopping."""
        return self.best.epoch if self.best and self.best.epoch else None

    @property
    def best_validation_score(self):
        """The validation score of the best epoch, or None."""
        return self.best.score if self.best and self.best.epoch else None

    @property
    def coefs(self):
        """Weight matrices of shape (fan_in, fan_out), first layer first."""
        return [p.W for p in self.vector.layers if hasattr(p, "W")]

    @property
    def intercepts(self):
        """Biases of shape (fan_out,); zeros where batch normalization shifts instead."""
        return [
            p.b if hasattr(p, "b") else np.zeros(p.W.shape[1], self.theta.dtype)
            for p in self.vector.layers
            if hasattr(p, "W")
        ]

    @property
    def input_norms(self):
        """Norms of the first layer's weights for each column that the network sees."""
        layers = list(zip(self.network.layers, self.vector.layers, strict=True))
        first = next(i for i, (_, p) in enumerate(layers) if hasattr(p, "W"))
        norms = np.linalg.norm(layers[first][1].W, axis=1)
        for layer, p in reversed(layers[:first]):
            norms = layer.input_norms(norms, p)
        return norms

    @property
    def loss_curve(self):
        """Loss plus penalty, one entry an epoch."""
        return [a + b for a, b in zip(self.history["loss"], self.history["penalty"], strict=True)]

    @property
    def validation_loss_curve(self):
        """Data term on the validation rows, one entry an epoch, or None."""
        return self.history.get("validation_loss")

    @property
    def validation_scores(self):
        """What early stopping compared, one entry an epoch, or None."""
        return self.history.get("validation_score")

    @property
    def weights(self):
        """All weight matrices as one flat array; offsets are not among them."""
        return self.vector.weights


class FittedView:
    """Makes estimators that predict with given numbers, for scorers and callbacks.

    Parameters
    ----------
    estimator : estimator
        With everything fitted but the members.
    network : Network
        The recipe of the members.
    """

    def __init__(self, estimator, network):
        self.estimator = copy(estimator)
        self.network = network
        # Validation rows come as checked matrices; callbacks belong to the estimator itself.
        for name in (
            "feature_names_in_", "_codes", "_skl_callbacks", "_callback_fit_ctx",
            "_parent_callback_ctx",
        ):
            vars(self.estimator).pop(name, None)

    def __call__(self, theta):
        """Return an estimator fitted with a copy of these numbers."""
        view = copy(self.estimator)
        view.members_ = [Member(self.network, theta.data.copy(), {"loss": [], "penalty": []})]
        return view
