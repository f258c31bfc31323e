"""From a matrix with codes and gaps to columns of plain numbers: one-hot, medians, indicators."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from .tables import Scale, chunks, has_nan, weighted_quantile

WEIGHT_DIGITS = 12  # sums of weights that differ by less are equal up to their rounding


@dataclass(frozen=True, eq=False)
class OneHot:
    """Codes of one column -> 0/1 columns; two categories -> one column of -1 and +1.

    A code that was not seen in training has zeros, and so has a missing one.

    Attributes
    ----------
    source : int
        The column of codes.
    place : ndarray of shape (n_codes + 1,)
        The encoded column that each code writes to; the last entry is that of NaN.
    value : ndarray of shape (n_codes + 1,)
        What it writes: 1, -1 or, if it writes nothing, 0.
    labels : tuple of str
        What the names of the encoded columns end with.
    """

    source: int
    place: np.ndarray
    value: np.ndarray
    labels: tuple

    def write(self, X, out):
        """Write the encoded columns of X into `out`, where they are zero."""
        x = X[:, self.source]
        code = np.where(np.isnan(x), -1, x).astype(np.intp)
        out[np.arange(len(x)), self.place[code]] = self.value[code]


@dataclass(frozen=True, eq=False)
class Numbers:
    """Columns of numbers; where NaN occurred in training, the median and an indicator.

    Elsewhere NaN stays: `Scale` puts the centre of the column in its place.

    Attributes
    ----------
    source, place : ndarray of shape (k,)
        The columns, and where they go.
    imputed : ndarray of shape (m,)
        Those of `source` in which a value was missing in training; their indicators follow them.
    median : ndarray of shape (m,)
        Their medians.
    """

    source: np.ndarray
    place: np.ndarray
    imputed: np.ndarray
    median: np.ndarray

    def write(self, X, out):
        """Write the encoded columns of X into `out`."""
        out[:, self.place] = X[:, self.source]
        gaps = self.place[np.searchsorted(self.source, self.imputed)]
        missing = np.isnan(X[:, self.imputed])
        out[:, gaps] = np.where(missing, self.median, X[:, self.imputed])
        out[:, gaps + 1] = missing


@dataclass(frozen=True, eq=False)
class Encoder:
    """A matrix (n, d) with codes and gaps -> the columns (n, d') that are scaled next.

    Attributes
    ----------
    parts : tuple of OneHot or Numbers
        What writes the encoded columns.
    origin : ndarray of shape (d',)
        The column that each encoded one comes from, ascending.
    endings : tuple of str
        What the name of each encoded column adds to that of its origin.
    """

    parts: tuple
    origin: np.ndarray
    endings: tuple

    @property
    def n_columns(self):
        """The number of encoded columns, d'."""
        return len(self.origin)

    @property
    def numeric(self):
        """The encoded columns that are numbers: neither categories nor indicators."""
        return [place for part in self.parts if isinstance(part, Numbers) for place in part.place]

    def transform(self, X):
        """Return the encoded columns of X, of shape (n, d) and dense or sparse."""
        X = X.toarray() if issparse(X) else X
        out = np.zeros((len(X), self.n_columns), dtype=X.dtype)
        for part in self.parts:
            part.write(X, out)
        return out

    def names(self, names):
        """Return the names of the encoded columns from those of the columns."""
        pairs = zip(self.origin, self.endings, strict=True)
        return [f"{names[column]}{ending}" for column, ending in pairs]

    def summed(self, values):
        """Return sums over the encoded columns of each column, of shape (d,)."""
        return np.bincount(self.origin, weights=values)


@dataclass(frozen=True, eq=False)
class EncodedScale:
    """An encoder and the scale of the columns that it makes, as one step.

    Attributes
    ----------
    encoder : Encoder
        The first half.
    scale : Scale
        The second.
    """

    encoder: Encoder
    scale: Scale

    def transform(self, X, dtype):
        """Return the rows as the network sees them, for X of shape (n, d), dense or sparse."""
        Z = np.empty((X.shape[0], self.encoder.n_columns), dtype=dtype)
        for rows in chunks(*Z.shape):
            Z[rows] = self.scale.transform(self.encoder.transform(X[rows]), dtype)
        return Z


def learn_encoder(X, weight, codes, max_categories):
    """Return the encoder of training rows, or None if all of them are plain numbers.

    Weights are repetitions: medians are those of the repeated rows, and the categories that
    `max_categories` leaves together are those with the least weight, the last among equals.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, d)
        The training rows; a categorical column holds codes.
    weight : ndarray of shape (n,) or None
        Weights of the rows, positive.
    codes : Codes or None
        The categories behind the codes.
    max_categories : int or None
        Most columns that a categorical column is encoded as.

    Returns
    -------
    encoder : Encoder or None
    """
    gaps = set(np.flatnonzero(np.isnan(X.min(axis=0))).tolist()) if has_nan(X) else set()
    if codes is None and not gaps:
        return None
    parts, numeric, imputed = [], [], []
    origin, endings = [], []
    for column in range(X.shape[1]):
        categories = None if codes is None else codes.categories(column)
        first = len(origin)
        if categories is None:
            numeric.append((column, first))
            own = [""]
            if column in gaps:
                imputed.append((column, _median(X[:, column], weight)))
                own.append("_missing")
        else:
            part = _one_hot(column, X[:, column], weight, categories, max_categories, first)
            parts.append(part)
            own = part.labels
        endings += own
        origin += [column] * len(own)
    if numeric:
        source, place = np.array(numeric).T
        where, median = zip(*imputed, strict=True) if imputed else ((), ())
        parts.append(Numbers(source, place, np.array(where, dtype=np.intp), np.array(median)))
    return Encoder(tuple(parts), np.array(origin), tuple(endings))


def _median(x, weight):
    known = ~np.isnan(x)
    if not known.any():
        return 0.0
    kept = None if weight is None else weight[known]
    return weighted_quantile(x[known][:, np.newaxis], (0.5,), kept)[0, 0]


def _one_hot(column, x, weight, categories, max_categories, first):
    """Return the encoder of one column of codes, whose encoded columns begin at `first`."""
    known = ~np.isnan(x)
    total = np.bincount(
        x[known].astype(np.intp), None if weight is None else weight[known], len(categories)
    )
    levels = _levels(total, max_categories)
    names = ["_infrequent" if len(level) > 1 else f"_{categories[level[0]]}" for level in levels]
    place = np.full(len(categories) + 1, first)
    value = np.zeros(len(categories) + 1)
    for i, level in enumerate(levels):
        place[level], value[level] = first + i, 1.0
    if len(levels) == 2:
        place[:] = first
        value[levels[0]] = -1.0
        names = names[1:]
    # A column that was empty stays as one of zeros: every column has its place.
    return OneHot(column, place, value, tuple(names or [""]))


def _levels(total, max_categories):
    """Return arrays of codes: each category of positive weight, and last those left together."""
    present = np.flatnonzero(total > 0)
    if max_categories is None or len(present) <= max_categories:
        return [np.array([code]) for code in present]
    share = np.round(total[present] / total.sum(), WEIGHT_DIGITS)
    order = present[np.argsort(-share, kind="stable")]
    kept, rest = order[: max_categories - 1], order[max_categories - 1 :]
    return [*(np.array([code]) for code in np.sort(kept)), np.sort(rest)]
