"""From the user's table to the network's matrix and back."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True, eq=False)
class Table:
    """Checked rows in the user's units.

    Attributes
    ----------
    X : ndarray or sparse array of shape (n, d)
        The columns.
    y : ndarray with n rows
        Targets, as the estimator's `_check_target` returns them.
    weight : ndarray of shape (n,) or None
        Weights s_i > 0, class weights included; None means all 1.
    sample_weight : ndarray of shape (n,) or None
        Weights as the user gave them, for scores.
    index : ndarray of shape (n,)
        Which of the rows that the user passed these are.
    """

    X: object
    y: np.ndarray
    weight: np.ndarray | None
    sample_weight: np.ndarray | None
    index: np.ndarray

    def __len__(self):
        return len(self.y)

    def take(self, rows):
        """Return the table of some of the rows."""
        arrays = (self.X, self.y, self.weight, self.sample_weight, self.index)
        return Table(*(None if array is None else array[rows] for array in arrays))

    def weighted(self, weight):
        """Return the rows whose weight is positive, with these weights s_i (None: all 1)."""
        table = replace(self, weight=weight)
        if weight is None or np.all(weight > 0):
            return table
        if not np.any(weight > 0):
            raise ValueError(
                "Sample weights must contain at least one non-zero number: all are zero."
            )
        return table.take(np.flatnonzero(weight > 0))


@dataclass(frozen=True, eq=False)
class Scale:
    """z = (x - center) * factor, column by column; None stands for 0 and for 1.

    Attributes
    ----------
    center : ndarray of shape (n_columns,) or None
        What is subtracted, in units of x.
    factor : ndarray of shape (n_columns,) or None
        What the rest is multiplied by, in 1 / units of x; 0 for columns that were constant in
        training.
    """

    center: np.ndarray | None = None
    factor: np.ndarray | None = None

    def transform(self, X, dtype):
        """Return z for X of shape (n, n_columns), dense or sparse, as `dtype`."""
        if self.factor is None:
            return X.astype(dtype, copy=False)
        if issparse(X):
            return X.multiply(self.factor).tocsr().astype(dtype, copy=False)
        # The difference is formed in double precision, then rounded: no large temporaries, and
        # no cancellation in columns that are far from zero.
        Z = np.empty(X.shape, dtype=dtype)
        try:
            with np.errstate(over="raise"):
                center = 0.0 if self.center is None else self.center
                np.subtract(X, center, out=Z, casting="same_kind")
                Z *= self.factor.astype(dtype)
        except FloatingPointError as error:
            raise ValueError(
                f"Input X contains a value too large for dtype('{np.dtype(dtype)}') once scaled."
            ) from error
        return Z

    def inverse_transform(self, Z):
        """Return x for Z of shape (..., n_columns)."""
        if self.factor is None:
            return Z
        spread = np.divide(1.0, self.factor, out=np.zeros_like(self.factor), where=self.factor != 0)
        return Z * spread + self.center


def standard_scale(X, weight=None):
    """Return the scale to mean 0 and (biased) variance 1, with weights as repetitions.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, n_columns)
        The training rows. Sparse input is not centred, which would fill it.
    weight : ndarray of shape (n,) or None
        Weights of the rows.

    Returns
    -------
    scale : Scale
    """
    scaler = StandardScaler(with_mean=not issparse(X)).fit(X, sample_weight=weight)
    std = np.sqrt(scaler.var_)
    # scikit-learn divides constant columns by 1; 0 keeps them constant at prediction, too.
    constant = scaler.scale_ != std
    factor = np.where(constant, 0.0, 1.0 / scaler.scale_)
    return Scale(None if issparse(X) else scaler.mean_, factor)


SCALINGS = {"standard": standard_scale}
