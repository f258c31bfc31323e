"""Numeric embeddings: each numeric column becomes several, the others pass through.

A recipe's `shares` says which quantiles of the training rows its `layer` needs, if any.
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

import numpy as np

from .component import Component
from .layers import Layer
from .vector import Slot


@dataclass(frozen=True)
class Embedding(Layer):
    """Base class: Y = [ what is made of the columns in `columns` | the other columns as they are ]

    Attributes
    ----------
    n_in : int
        Columns of X.
    columns : tuple of int
        Which are embedded.
    """

    n_in: int
    columns: tuple[int, ...]

    @property
    @abstractmethod
    def sources(self):
        """The column of X that each column of Y is made of."""

    @property
    def n_out(self):
        """Columns of Y."""
        return len(self.sources)

    @cached_property
    def rest(self):
        """The columns that are not embedded."""
        return np.setdiff1d(np.arange(self.n_in), self.columns)

    def input_norms(self, norms, p):
        """Return the norms of what each column leads to, given those for each column of Y."""
        return np.sqrt(np.bincount(self.sources, norms**2, minlength=self.n_in))


@dataclass(frozen=True)
class PeriodicEmbedding(Embedding):
    """Y_j = [ cos(2 pi w_j x_j + b_j) M_j + c_j | x_j ]        for each embedded column j

    x_j (n, 1), w_j and b_j (1, k), M_j (k, m), c_j (1, m). With d columns the arrays are stacked:
    w and b (d, k), M (d, k, m), c (d, m), and all columns are computed at once. "PBLD" stands for
    periodic, bias, linear, densenet (Holzmueller et al., 2024). All four move at `rate` times the
    learning rate.
    """

    n_frequencies: int
    n_outputs: int
    sigma: float
    rate: float = 0.1

    @cached_property
    def sources(self):
        """The column of X that each column of Y is made of."""
        return np.concatenate([np.repeat(self.columns, self.n_outputs + 1), self.rest])

    def slots(self):
        """Return w, b, M and c."""
        d, k, m = len(self.columns), self.n_frequencies, self.n_outputs
        shapes = {"w": (d, k), "b": (d, k), "M": (d, k, m), "c": (d, m)}
        return [Slot(name, shape, "offsets", rate=self.rate) for name, shape in shapes.items()]

    def initialize(self, p, rng, X):
        """Draw w ~ N(0, sigma^2), b ~ U(-pi, pi), and M and c ~ U(-1, 1) / sqrt(k)."""
        p.w[...] = rng.normal(0.0, self.sigma, p.w.shape)
        p.b[...] = rng.uniform(-np.pi, np.pi, p.b.shape)
        limit = self.n_frequencies**-0.5
        p.M[...] = rng.uniform(-limit, limit, p.M.shape)
        p.c[...] = rng.uniform(-limit, limit, p.c.shape)

    def forward(self, X, p, ws):
        """Return the embedded columns, and then the others."""
        X = X if isinstance(X, np.ndarray) else X.toarray()
        d, n = len(self.columns), len(X)
        ws.x = np.ascontiguousarray(X[:, self.columns].T)
        phase = ws.array("phase", d, n, self.n_frequencies)
        np.multiply(ws.x[:, :, np.newaxis], 2.0 * np.pi * p.w[:, np.newaxis], out=phase)
        phase += p.b[:, np.newaxis]
        ws.phase, ws.cos = phase, np.cos(phase, out=ws.array("cos", *phase.shape))
        E = np.matmul(ws.cos, p.M, out=ws.array("E", d, n, self.n_outputs))
        E += p.c[:, np.newaxis]
        Y = ws.array("Y", n, self.n_out)
        embedded, others = self._parts(Y)
        embedded[..., :-1] = E.transpose(1, 0, 2)
        embedded[..., -1] = ws.x.T
        others[...] = X[:, self.rest]
        return Y

    def backward(self, dY, p, g, ws):
        """Write the gradients: with d = - sin(phase) (dE M'),  dw = 2 pi d' x  and  db = d' 1."""
        embedded, others = self._parts(dY)
        dE = ws.array("dE", *embedded.shape[1::-1], self.n_outputs)
        dE[...] = embedded[..., :-1].transpose(1, 0, 2)
        np.sum(dE, axis=1, out=g.c)
        np.matmul(ws.cos.transpose(0, 2, 1), dE, out=g.M)
        d_phase = np.matmul(dE, p.M.transpose(0, 2, 1), out=ws.cos)
        d_phase *= np.sin(ws.phase, out=ws.phase)
        ones = ws.constant(-1.0, len(dY))
        np.matmul(ones, d_phase, out=g.b)
        np.matmul(ws.x[:, np.newaxis], d_phase, out=g.w[:, np.newaxis])
        g.w *= -2.0 * np.pi
        if not ws.needs_input_gradient:
            return None
        dX = ws.array("dX", len(dY), self.n_in)
        along = np.matmul(d_phase, p.w[:, :, np.newaxis])[..., 0]
        dX[:, self.columns] = embedded[..., -1] - 2.0 * np.pi * along.T
        dX[:, self.rest] = others
        return dX

    def _parts(self, Y):
        """Return views (n, d, m + 1) and (n, rest) of Y."""
        d, width = len(self.columns), self.n_outputs + 1
        return Y[:, : d * width].reshape(len(Y), d, width), Y[:, d * width :]


@dataclass(frozen=True)
class PiecewiseLinearEmbedding(Embedding):
    """Y_j = [ (x_j - t_0) / (t_1 - t_0) | ... | (x_j - t_{T-1}) / (t_T - t_{T-1}) ], each cut

    Every entry is cut to [0, 1], but the first may be negative and the last above 1, so that values
    outside the edges t are told apart (Gorishniy et al., 2022); there the slope is at most that of
    bins of equal width, lest the first bin, which may be narrow, throw values far out. Nothing is
    learnt.

    Attributes
    ----------
    edges : tuple of tuple of float
        For each embedded column its edges, ascending. A single one stands for a constant column,
        of which a column of zeros is made.
    """

    edges: tuple[tuple[float, ...], ...]

    @cached_property
    def counts(self):
        """How many columns are made of each embedded one."""
        return np.array([max(len(edges) - 1, 1) for edges in self.edges])

    @cached_property
    def sources(self):
        """The column of X that each column of Y is made of."""
        return np.concatenate([np.repeat(self.columns, self.counts), self.rest])

    @cached_property
    def bins(self):
        """Lower edges, inverse widths, floors and ceilings, of shape (4, columns made)."""
        bins = [self._bins(np.array(edges)) for edges in self.edges]
        return np.concatenate(bins, axis=1)

    @staticmethod
    def _bins(edges):
        if len(edges) == 1:
            return np.array([edges, [0.0], [0.0], [0.0]])
        bins = np.array([edges[:-1], 1.0 / np.diff(edges), 0.0 * edges[1:], 1.0 + 0.0 * edges[1:]])
        bins[2, 0], bins[3, -1] = -np.inf, np.inf
        return bins

    def forward(self, X, p, ws):
        """Return the bins of the embedded columns, and then the other columns."""
        X = X if isinstance(X, np.ndarray) else X.toarray()
        lower, inverse, floor, ceiling = bins = self.bins.astype(ws.dtype)
        n_made = bins.shape[1]
        Y = ws.array("Y", len(X), self.n_out)
        np.take(X, self.sources, axis=1, out=Y, mode="clip")
        made = Y[:, :n_made]
        made -= lower
        made *= inverse
        ws.inside = (made > floor) & (made < ceiling)
        np.maximum(made, floor, out=made)
        np.minimum(made, ceiling, out=made)
        first, last = self._ends
        ws.beyond = (made[:, first] < 0, made[:, last] > 1)
        made[:, first] *= np.where(ws.beyond[0], self._flattening[0], 1.0)
        over = np.maximum(made[:, last] - 1.0, 0.0)
        made[:, last] -= over * (1.0 - self._flattening[1])
        return Y

    @cached_property
    def _ends(self):
        """The first and the last column made of each embedded one."""
        stops = np.cumsum(self.counts)
        return stops - self.counts, stops - 1

    @cached_property
    def _flattening(self):
        """The slopes beyond the first and the last edge, as shares of those of the end bins."""
        shares = np.ones((2, len(self.edges)))
        for i, edges in enumerate(self.edges):
            if len(edges) > 1:
                width = (edges[-1] - edges[0]) / (len(edges) - 1)
                ends = edges[1] - edges[0], edges[-1] - edges[-2]
                shares[:, i] = np.minimum(1.0, np.array(ends) / width)
        return shares

    def backward(self, dY, p, g, ws):
        """Return the sums of dY / (t_{k+1} - t_k) over the bins that a value lies in."""
        if not ws.needs_input_gradient:
            return None
        n_made = self.bins.shape[1]
        along = dY[:, :n_made] * self.bins[1] * ws.inside
        for end, beyond, share in zip(self._ends, ws.beyond, self._flattening, strict=True):
            along[:, end] *= np.where(beyond, share, 1.0)
        dX = ws.array("dX", len(dY), self.n_in)
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        dX[:, self.columns] = np.add.reduceat(along, starts, axis=1)
        dX[:, self.rest] = dY[:, n_made:]
        return dX


@dataclass
class PBLD(Component):
    """Periodic embeddings of numeric columns, with the column itself beside them.

    Column x becomes ``[cos(2 pi x w + b) M + c, x]`` with its own frequencies w ~ N(0, sigma^2),
    phases b, matrix M and offset c, all learnt at a tenth of the learning rate [1]_.

    Parameters
    ----------
    n_frequencies : int, default=16
        Cosines of each column.
    n_outputs : int, default=3
        Columns that a linear map makes of them; the column itself is one more.
    sigma : float, default=0.1
        Standard deviation of the initial frequencies, in periods a unit of the scaled column.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS 2024.
    """

    n_frequencies: int = 16
    n_outputs: int = 3
    sigma: float = 0.1

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("n_frequencies", "[1, inf)", Integral)
        self._require_number("n_outputs", "[1, inf)", Integral)
        self._require_number("sigma", "(0, inf)")

    @property
    def shares(self):
        """The quantiles of each column that `layer` needs: None."""
        return None

    def layer(self, n_in, columns, edges=None):
        """Return the layer for `n_in` columns, of which `columns` are numeric."""
        return PeriodicEmbedding(n_in, columns, self.n_frequencies, self.n_outputs, self.sigma)


@dataclass
class PLE(Component):
    """Piecewise-linear encoding of numeric columns, with quantiles of the training rows as edges.

    A column becomes one column a bin: 0 below the bin, 1 above it, and linear within; the first and
    the last one go on outside the edges [1]_. Edges are quantiles with weights as repetitions.
    Nothing is learnt.

    Parameters
    ----------
    n_bins : int, default=16
        Bins of each column; equal quantiles are one edge, so a column of few values has fewer.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical features in
       tabular deep learning", NeurIPS 2022.
    """

    n_bins: int = 16

    def check(self):
        """Raise ValueError unless n_bins is a positive int."""
        self._require_number("n_bins", "[1, inf)", Integral)

    @property
    def shares(self):
        """The quantiles of each column that `layer` needs as edges."""
        return np.linspace(0.0, 1.0, self.n_bins + 1)

    def layer(self, n_in, columns, edges):
        """Return the layer for quantiles of shape (n_bins + 1, n_in)."""
        own = tuple(tuple(_apart(edges[:, column]).tolist()) for column in columns)
        return PiecewiseLinearEmbedding(n_in, columns, own)


def _apart(edges):
    """Return those of ascending edges that lie apart by more than rounding in single precision."""
    least = 1e-5 * max(edges[-1] - edges[0], np.abs(edges).max())
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] > least:
            kept.append(edge)
    return np.array(kept)


NUMERIC_EMBEDDINGS = {"pbld": PBLD, "ple": PLE}
