"""From the user's table to the network's matrix and back."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import StandardScaler

CHUNK_NUMBERS = 2**20
CHUNK, FAR = 2**15, 1e18


@dataclass(frozen=True, eq=False)
class Table:
    """Checked rows in the user's units.

    Attributes
    ----------
    source : ndarray or sparse array of shape (n_given, d)
        The rows that the user passed: never copied here.
    y : ndarray with n rows
        Targets, as the estimator's `_check_target` returns them.
    weight : ndarray of shape (n,) or None
        Weights s_i > 0, class weights included; None means all 1.
    sample_weight : ndarray of shape (n,) or None
        Weights as the user gave them, for scores.
    rows : ndarray of shape (n,) or None
        Which of the rows that the user passed these are; None means all.
    """

    source: object
    y: np.ndarray
    weight: np.ndarray | None
    sample_weight: np.ndarray | None
    rows: np.ndarray | None = None

    def __len__(self):
        return len(self.y)

    @property
    def X(self):
        """The columns of these rows; a copy, unless they are all."""
        return self.source if self.rows is None else self.source[self.rows]

    @property
    def index(self):
        """Which of the rows that the user passed these are, of shape (n,)."""
        return np.arange(len(self)) if self.rows is None else self.rows

    def scaled(self, scale, dtype):
        """Return the rows as the network sees them, with no copy but the one that is returned."""
        keeps_columns = isinstance(scale, Scale) and scale.factor is not None
        if self.rows is None or issparse(self.source) or not keeps_columns:
            return scale.transform(self.X, dtype)
        Z = np.empty((len(self), self.source.shape[1]), dtype=dtype)
        for chunk in chunks(*Z.shape):
            Z[chunk] = scale.transform(self.source[self.rows[chunk]], dtype)
        return Z

    def take(self, rows):
        """Return the table of some of the rows."""
        arrays = (self.y, self.weight, self.sample_weight, self.index)
        return Table(self.source, *(None if array is None else array[rows] for array in arrays))

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
    """z = (x - center) * factor, column by column; None stands for 0, 1 and no clip.

    With a clip c, z / sqrt(1 + (z/c)^2) takes the place of z: close to z for small z, and within
    (-c, c) for any. NaN becomes 0, which is the centre.

    Attributes
    ----------
    center : ndarray of shape (n_columns,) or None
        What is subtracted, in units of x.
    factor : ndarray of shape (n_columns,) or None
        What the rest is multiplied by, in 1 / units of x; 0 for columns that were constant in
        training.
    clip : float or None
        c.
    """

    center: np.ndarray | None = None
    factor: np.ndarray | None = None
    clip: float | None = None

    def transform(self, X, dtype):
        """Return z for X of shape (n, n_columns), dense or sparse, as `dtype`."""
        if issparse(X) and self.center is not None:
            X = X.toarray()  # centred as the rows that the scale was learnt from
        if self.factor is None:
            Z = X.astype(dtype, copy=False)
            return np.where(np.isnan(Z), Z.dtype.type(0), Z) if has_nan(Z) else Z
        try:
            # What overflows is clipped, if there is a clip.
            with np.errstate(over="raise" if self.clip is None else "ignore"):
                Z = self._standardise(X, dtype)
        except FloatingPointError as error:
            raise ValueError(
                f"Input X contains a value too large for dtype('{np.dtype(dtype)}') once scaled."
            ) from error
        self._clip(Z.data if issparse(Z) else Z)
        if has_nan(Z):
            Z[np.isnan(Z)] = 0.0
        return Z

    def _standardise(self, X, dtype):
        if issparse(X):
            return X.multiply(self.factor).tocsr().astype(dtype, copy=False)
        # The difference is formed in double precision, then rounded: no large temporaries, and
        # no cancellation in columns that are far from zero.
        Z = np.empty(X.shape, dtype=dtype)
        np.subtract(X, 0.0 if self.center is None else self.center, out=Z, casting="same_kind")
        Z *= self.factor.astype(dtype)
        return Z

    def inverse_transform(self, Z):
        """Return x for Z of shape (..., n_columns); finite also where the clip rounded to c."""
        if self.factor is None:
            return Z
        if self.clip is not None:
            U = Z / self.clip
            below_1 = 1.0 - np.finfo(U.dtype).eps
            U = np.clip(U, -below_1, below_1)
            Z = self.clip * U / np.sqrt((1.0 - U) * (1.0 + U))
        spread = np.divide(1.0, self.factor, out=np.zeros_like(self.factor), where=self.factor != 0)
        return Z * spread + (0.0 if self.center is None else self.center)

    def _clip(self, Z):
        """Replace z by z / sqrt(1 + (z/c)^2) in place."""
        if self.clip is None:
            return
        values = Z.reshape(-1)
        for start in range(0, values.size, CHUNK):  # stays in the cache for all passes
            z = values[start : start + CHUNK]
            # The root is FAR / c there to the last digit, and the square of FAR is finite.
            np.clip(z, -FAR, FAR, out=z)
            root = z * z.dtype.type(1.0 / self.clip)
            root *= root
            root += 1.0
            z /= np.sqrt(root, out=root)


def has_nan(X):
    """Return whether a value of dense X is missing; sparse rows have no NaN."""
    # The least value is NaN if any is, and takes no memory to find.
    return not issparse(X) and X.size > 0 and bool(np.isnan(X.min()))


def chunks(n_rows, n_columns):
    """Return slices of rows, so short that what is computed from one is small beside X."""
    step = max(1, CHUNK_NUMBERS // n_columns)
    return [slice(start, start + step) for start in range(0, n_rows, step)]


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
    scaler = StandardScaler(with_mean=not issparse(X))
    for rows in chunks(*X.shape):
        scaler.partial_fit(X[rows], sample_weight=None if weight is None else weight[rows])
    std = np.sqrt(scaler.var_)
    # scikit-learn divides constant columns by 1; 0 keeps them constant at prediction, too.
    constant = scaler.scale_ != std
    factor = np.where(constant, 0.0, 1.0 / scaler.scale_)
    return Scale(None if issparse(X) else scaler.mean_, factor)


def weighted_quantile(X, q, weight=None):
    """Return quantiles of each column, with weights as repetitions.

    The averaged inverted CDF: the least value at which the weight of the values up to it is at
    least the share q of all; where it is just that share, the mean of this value and the next.

    Parameters
    ----------
    X : ndarray of shape (n, n_columns)
        The values.
    q : sequence of float in (0, 1)
        The shares.
    weight : ndarray of shape (n,) or None
        Weights of the rows.

    Returns
    -------
    quantiles : ndarray of shape (len(q), n_columns)
    """
    n = len(X)
    if weight is None:
        values = np.sort(X, axis=0)
        cumulative = np.arange(1.0, n + 1.0)[:, np.newaxis]
    else:
        order = np.argsort(X, axis=0, kind="stable")
        values = np.take_along_axis(X, order, axis=0)
        cumulative = np.cumsum(weight[order], axis=0, dtype=np.float64)
    total = cumulative[-1]
    # Weights of 0.1 are to give what weights of 1 give, so sums are equal up to their rounding.
    rounding = n * np.finfo(np.float64).eps * total
    quantiles = np.empty((len(q), X.shape[1]))
    for share, row in zip(q, quantiles, strict=True):
        below = np.sum(cumulative < share * total - rounding, axis=0, keepdims=True)
        up_to = np.sum(cumulative <= share * total + rounding, axis=0, keepdims=True)
        first, second = (
            np.take_along_axis(values, np.broadcast_to(i, (1, X.shape[1])), axis=0)[0]
            for i in (below, np.minimum(up_to, n - 1))
        )
        row[...] = 0.5 * first.astype(np.float64) + 0.5 * second.astype(np.float64)
    return quantiles


def robust_scale(X, weight=None):
    """Return the scale to median 0 and quartile range 1 with a smooth clip at 3.

    Where the quartiles are equal, half the range of the column takes the place of their
    difference [1]_.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, n_columns)
        The training rows. Sparse input is not centred, which would fill it; its zeros count.
    weight : ndarray of shape (n,) or None
        Weights of the rows, positive.

    Returns
    -------
    scale : Scale

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS 2024.
    """
    columns = _sparse_columns(X, weight) if issparse(X) else ((x[:, None], weight) for x in X.T)
    median, spread = np.hstack([_median_and_spread(*column) for column in columns])
    # Below the normal numbers 1 / spread may overflow.
    constant = spread < np.finfo(np.float64).tiny
    factor = np.divide(1.0, spread, out=np.zeros_like(spread), where=~constant)
    return Scale(None if issparse(X) else median, factor, clip=3.0)


def _median_and_spread(X, weight):
    lower, median, upper = weighted_quantile(X, (0.25, 0.5, 0.75), weight)
    half_range = 0.5 * X.max(axis=0).astype(np.float64) - 0.5 * X.min(axis=0).astype(np.float64)
    return median, np.where(upper > lower, upper - lower, half_range)


def _sparse_columns(X, weight):
    """Yield values (k, 1) and weights (k,) of each column: its entries, and all its zeros as one.

    In this way a column costs as much as it has entries.
    """
    weight = np.ones(X.shape[0]) if weight is None else weight
    total = weight.sum()
    X = X.tocsc(copy=True)
    X.sum_duplicates()
    for start, stop in pairwise(X.indptr):
        values, weights = X.data[start:stop], weight[X.indices[start:stop]]
        if stop - start < X.shape[0]:
            values, weights = np.append(values, 0.0), np.append(weights, total - weights.sum())
        yield values[:, np.newaxis], weights


SCALINGS = {"standard": standard_scale, "robust": robust_scale}
TARGET_SCALINGS = {"standard": standard_scale}
