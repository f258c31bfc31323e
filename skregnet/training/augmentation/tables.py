"""Noise on, and mixtures of, the rows of a table. All act on scaled columns."""

from dataclasses import dataclass

import numpy as np

from .base import BatchTransform


@dataclass
class GaussianNoise(BatchTransform):
    """x + std * e        e ~ N(0, 1) per entry

    For a linear network with squared error the noise is, in the mean, an L2 penalty with
    alpha = S std^2, S being the weight of the training rows (Bishop, 1995).

    Parameters
    ----------
    std : float, default=0.1
        In units of the scaled columns, whose own standard deviation is 1.
    """

    std: float = 0.1
    needs_dense = True
    strength = "std"

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("std", "[0, inf)")

    def __call__(self, X, Y, rng):
        """Return the noisy rows, and Y."""
        Z = rng.standard_normal(X.shape, dtype=X.dtype)
        Z *= self.std
        Z += X
        return Z, Y


@dataclass
class SwapNoise(BatchTransform):
    """Each entry is, with probability p, replaced by its column's value in another row.

    The other row is drawn from the batch, all being equally likely, so each column keeps its
    distribution. A batch of one row stays as it is.

    Parameters
    ----------
    p : float in [0, 1], default=0.1
        The share of the entries that is replaced.
    """

    p: float = 0.1
    needs_dense = True
    needs_partner = True
    strength = "p"

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("p", "[0, 1]")

    def __call__(self, X, Y, rng):
        """Return the rows with some entries replaced, and Y."""
        n, d = X.shape
        if n == 1:
            return X, Y
        swapped = np.flatnonzero(rng.random(X.shape, dtype=X.dtype) < self.p)
        # Entries lie row by row: whole rows further on is another row of the same column.
        others = (swapped + d * rng.integers(1, n, size=len(swapped))) % X.size
        Z = X.ravel().copy()
        Z[swapped] = X.ravel()[others]
        return Z.reshape(X.shape), Y


@dataclass
class FeatureDropout(BatchTransform):
    """Each entry is, with probability p, replaced by 0, the centre of a scaled column.

    The other entries are not rescaled, unlike those of ``input_keep_prob``: an entry at its
    centre is an unknown value, not a smaller one (masking noise; Vincent et al., 2010).

    Parameters
    ----------
    p : float in [0, 1], default=0.1
        The share of the entries that is replaced.
    """

    p: float = 0.1
    needs_dense = True
    strength = "p"

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("p", "[0, 1]")

    def __call__(self, X, Y, rng):
        """Return the rows with some entries at 0, and Y."""
        Z = X.copy()
        Z[rng.random(X.shape, dtype=X.dtype) < self.p] = 0.0
        return Z, Y


@dataclass
class Mixup(BatchTransform):
    """lam x + (1 - lam) x'        lam y + (1 - lam) y'        lam ~ Beta(alpha, alpha)

    Each row x has a lam and a partner x' of its own; the partners are a random permutation of
    the batch (Zhang et al., 2018). The larger of lam and 1 - lam goes to the row itself, because
    a mixed row keeps the sample weight of the row that it stands for.

    Parameters
    ----------
    alpha : float, default=0.2
        Near 0 rows stay almost as they are; 1 draws lam uniformly.
    """

    alpha: float = 0.2
    needs_dense = True
    needs_partner = True
    strength = "alpha"

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("alpha", "(0, inf)")

    def __call__(self, X, Y, rng):
        """Return the mixed rows and their mixed targets."""
        lam = rng.beta(self.alpha, self.alpha, size=(len(X), 1))
        share = np.minimum(lam, 1.0 - lam)
        partner = rng.permutation(len(X))
        return _mixed(X, partner, share), _mixed(Y, partner, share)


@dataclass
class CutMix(BatchTransform):
    """With probability p a row has a share of its columns replaced by those of a partner.

    The share lam ~ U(0, 1) is drawn per row; each column is then replaced with probability lam.
    Where that is more than half of them, the others are replaced instead, because a mixed row keeps
    the sample weight of the row that it stands for; so a single column never is. y is mixed by the
    share of columns that were really kept. The partners are a random permutation of the batch (Yun
    et al., 2019; for tables Kadra et al., 2021).

    Parameters
    ----------
    p : float in [0, 1], default=0.5
        The share of the rows that is mixed.
    """

    p: float = 0.5
    needs_dense = True
    needs_partner = True
    strength = "p"

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("p", "[0, 1]")

    def __call__(self, X, Y, rng):
        """Return the rows with columns replaced and their mixed targets."""
        n, d = X.shape
        partner = rng.permutation(n)
        rows = np.flatnonzero(rng.random(n) < self.p)
        lam = rng.random((len(rows), 1))
        replaced = rng.random((len(rows), d), dtype=X.dtype) < lam
        replaced ^= replaced.mean(axis=1, keepdims=True) > 0.5
        Z = X.copy()
        Z[rows] = np.where(replaced, X[partner[rows]], X[rows])
        share = np.zeros((n, 1))
        share[rows] = replaced.mean(axis=1, keepdims=True)
        return Z, _mixed(Y, partner, share)


def _mixed(A, partner, share):
    """Return A + share (A' - A), A' being the partners' rows: exactly A where they agree."""
    Z = A[partner]
    Z -= A
    Z *= share.astype(A.dtype)
    Z += A
    return Z
