"""What early stopping watches: the rows that are held out, and the score on them."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import check_scoring
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


def last_split(splitter, X, y, groups):
    """Return the train and validation rows of a scikit-learn splitter's last split.

    Parameters
    ----------
    splitter : splitter
        With ``split(X, y, groups)``; of a `TimeSeriesSplit` the last split is the one with the most
        training rows and the latest validation rows.
    X, y : arrays with n_rows rows
        The rows, y in the user's units.
    groups : ndarray of shape (n_rows,) or None
        Group of each row.

    Returns
    -------
    train, validation : ndarrays of int
    """
    *_, (train, validation) = [((), ()), *splitter.split(X, y, groups)]
    if not len(train) or not len(validation):
        raise ValueError(
            f"The 'validation' parameter must leave training and validation rows. {splitter!r} "
            "leaves none of one kind."
        )
    return np.asarray(train), np.asarray(validation)


def find_scorer(choice, name, estimator):
    """Return the scorer that a hyperparameter names; None is the estimator's own score."""
    try:
        return check_scoring(estimator, choice)
    except ValueError as error:
        raise ValueError(
            f"The {name!r} parameter must be the name of a scikit-learn scorer (see "
            f"sklearn.metrics.get_scorer_names) or a callable. Got {choice!r} instead."
        ) from error


def score(scorer, name, estimator, X, y, sample_weight):
    """Return the score of an estimator, a float.

    Parameters
    ----------
    scorer : callable
        A scikit-learn scorer.
    name : str
        The hyperparameter that it was given as, for the error message.
    estimator, X, y
        What to score.
    sample_weight : ndarray of shape (n,) or None
        The user's weights, or None.
    """
    if sample_weight is None:
        return float(scorer(estimator, X, y))
    try:
        return float(scorer(estimator, X, y, sample_weight=sample_weight))
    except TypeError as error:
        raise TypeError(
            f"The {name!r} parameter must accept sample_weight where rows have weights. "
            f"Got {scorer!r} instead."
        ) from error


@dataclass(frozen=True)
class Monitor:
    """Evaluates a network on validation rows: the data term, and the score to be compared.

    Attributes
    ----------
    network, loss
        The recipes.
    X, Y : arrays of shape (n, d) and (n, m)
        Validation rows, scaled, with encoded targets: hard labels, no noise.
    weight : ndarray of shape (n,) or None
        Their weights.
    scorer : callable or None
        ``scorer(estimator, X, y)``, with ``sample_weight=`` if the user gave weights; None scores
        by minus the loss.
    view : callable or None
        ``view(theta)`` returns an estimator fitted with these numbers, for the scorer.
    X_given, y_given, scorer_weight : arrays or None
        The same rows and weights as the user gave them, for the scorer.
    out_of_bag : bool
        Whether the rows are the training rows, of which each member watches those that it did not
        draw.
    raw_range : pair of ndarrays of shape (m,) or None
        What raw outputs are clipped to, as at prediction.
    """

    network: Network
    loss: Loss
    X: object
    Y: np.ndarray
    weight: np.ndarray | None
    scorer: object = None
    view: object = None
    X_given: object = None
    y_given: np.ndarray | None = None
    scorer_weight: np.ndarray | None = None
    out_of_bag: bool = False
    raw_range: tuple | None = None

    def __call__(self, theta):
        """Return (validation loss, score), the score greater being better."""
        column = None if self.weight is None else self.weight[:, np.newaxis]
        loss = mean_loss(
            self.network, self.loss, theta, self.X, self.Y, column, self.raw_range
        )
        if self.scorer is None:
            return loss, -loss
        return loss, score(
            self.scorer, "monitor", self.view(theta), self.X_given, self.y_given,
            self.scorer_weight,
        )  # fmt: skip

    def watch(self, counts):
        """Return the monitor of a member that drew the rows so often.

        Parameters
        ----------
        counts : ndarray of shape (n_rows,) or None
            How often the member sees each training row.

        Returns
        -------
        monitor : Monitor or None
            None if the member sees every row, so that none is left to watch.
        """
        if not self.out_of_bag:
            return self
        rows = np.flatnonzero(counts == 0)
        if not len(rows):
            return None
        arrays = ("X", "Y", "weight", "X_given", "y_given", "scorer_weight")
        present = {name: getattr(self, name) for name in arrays if getattr(self, name) is not None}
        return replace(self, **{name: array[rows] for name, array in present.items()})

    def __sizeof__(self):
        # See Rows: a large argument is sent to each Dask worker once.
        return self.Y.nbytes + (self.X.nbytes if isinstance(self.X, np.ndarray) else 0)
