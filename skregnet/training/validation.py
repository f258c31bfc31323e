"""What early stopping watches: the rows that are held out, and the score on them."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from ..core.losses import Loss
from ..core.network import Network
from ..core.objective import mean_loss


def hold_out(n_rows, fraction, seed, labels=None):
    """Choose validation rows at random, stratified by label.

    Rows whose label occurs only once stay in the training part.

    Parameters
    ----------
    n_rows : int
        Rows to split.
    fraction : float in (0, 1)
        Share of the validation part.
    seed : int
        Of the draw.
    labels : ndarray of shape (n_rows,) or None
        Class of each row; None draws without strata.

    Returns
    -------
    train, validation : two sorted ndarrays of int, or None
        None if the rows cannot be split so that both parts hold every class.
    """
    rows = np.arange(n_rows)
    if labels is not None:
        counts = np.bincount(labels)
        rows = rows[counts[labels] > 1]
        labels = labels[rows]
    try:
        _, validation = train_test_split(
            rows, test_size=fraction, random_state=seed, stratify=labels
        )
    except ValueError:  # scikit-learn's word that there are too few rows
        return None
    return np.setdiff1d(np.arange(n_rows), validation), np.sort(validation)


@dataclass
class LossMonitor:
    """Scores by minus the data term on validation rows: hard labels, no noise.

    Attributes
    ----------
    network, loss
        The recipes.
    X, Y : arrays of shape (n, d) and (n, m)
        Scaled rows and encoded targets.
    weight : ndarray of shape (n, 1) or None
        Their weights.
    """

    network: Network
    loss: Loss
    X: object
    Y: np.ndarray
    weight: np.ndarray | None

    def __call__(self, theta):
        """Return (validation loss, score)."""
        loss = mean_loss(self.network, self.loss, theta, self.X, self.Y, self.weight)
        return loss, -loss


@dataclass
class ScorerMonitor:
    """Scores by a scikit-learn scorer on the same rows in the user's units.

    Attributes
    ----------
    loss_monitor : LossMonitor
        For the loss curve.
    scorer : callable
        ``scorer(estimator, X, y)``, with ``sample_weight=`` if there are weights.
    view : callable
        ``view(theta)`` returns an estimator fitted with these numbers.
    X, y : arrays
        Validation rows as the user gave them.
    weight : ndarray of shape (n,) or None
        Their weights.
    """

    loss_monitor: LossMonitor
    scorer: object
    view: object
    X: object
    y: np.ndarray
    weight: np.ndarray | None

    def __call__(self, theta):
        """Return (validation loss, score)."""
        loss, _ = self.loss_monitor(theta)
        weights = {} if self.weight is None else {"sample_weight": self.weight}
        return loss, float(self.scorer(self.view(theta), self.X, self.y, **weights))
