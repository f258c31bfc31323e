"""What the checks of `diagnose` look at."""

from dataclasses import dataclass

import numpy as np

from ..layerwise import NetworkView


@dataclass(frozen=True, eq=False)
class Case:
    """What the checks look at.

    Attributes
    ----------
    now, start : NetworkView
        The network as it is, and at its initial weights; the same before training.
    history : dict or None
        Of the (first) fitted network.
    best_epoch : int or None
        The epoch that early stopping kept, from 1.
    validation_loss : float or None
        Of the rows given as `X_val`.
    names : ndarray or None
        Names of the encoded columns, if they are known.
    params : dict
        The hyperparameters.
    classifies : bool
        Whether the estimator is a classifier.
    """

    now: NetworkView
    start: NetworkView
    history: dict | None
    best_epoch: int | None
    validation_loss: float | None
    names: object
    params: dict
    classifies: bool

    @property
    def is_linear(self):
        """Whether there is no hidden layer."""
        return len(self.now.layers) == 1

    @property
    def has_steps(self):
        """Whether the network makes plain steps: not L-BFGS, the only one without rates."""
        rates = (self.history or {}).get("learning_rate", [])
        return not len(rates) or not np.all(np.isnan(rates))

    @property
    def constant_target(self):
        """Whether there is nothing to learn, so that losses have no yardstick."""
        view = self.now
        # Raw outputs that go to infinity leave a difference, though a constant is perfect.
        all_equal = not self.classifies and not np.ptp(view.targets, axis=0).any()
        return all_equal or view.constant_loss - view.perfect_loss <= 1e-12

    def relative(self, loss):
        """Return losses on the scale where 0 is perfect and 1 the best constant prediction."""
        view = self.now
        return (np.asarray(loss) - view.perfect_loss) / (view.constant_loss - view.perfect_loss)
