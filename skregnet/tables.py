"""From the user's table to the network's matrix and back."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import StandardScaler


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
        np.subtract(X, 0.0 if self.center is None else self.center, out=Z, casting="same_kind")
        Z *= self.factor.astype(dtype)
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
