"""Batch normalization and group normalization."""

from dataclasses import dataclass

import numpy as np

from .layers import Layer
from .vector import Slot


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Y = gamma (X - mu) / sqrt(var + eps) + beta        X (n, m)   gamma, beta (m,)

    While training, mu and var (biased) are the weighted statistics of the batch with row
    weights a_i summing to one; at prediction they are running averages, so that one row is
    predicted as it is among a thousand (Ioffe & Szegedy, 2015). The running average of the
    first 1/`momentum` batches is their plain mean, then exponential.
    """

    n_units: int
    epsilon: float = 1e-5
    momentum: float = 0.1

    def slots(self):
        """Return gamma and beta, and the running statistics."""
        shape = (self.n_units,)
        return [
            Slot("gamma", shape, "offsets"),
            Slot("beta", shape, "offsets"),
            Slot("moments", (2, self.n_units), "statistics"),
            Slot("n_batches", (1,), "statistics"),
        ]

    def initialize(self, p, rng, X):
        """Start at the identity: gamma = 1, beta = 0, running mean 0 and variance 1."""
        p.gamma[...] = 1.0
        p.moments[1] = 1.0

    def forward(self, X, p, ws):
        """Return the normalized X; while training also update the running statistics."""
        Y = ws.array("Y", *X.shape)
        if not ws.train:
            mean, variance = p.moments
            scale = p.gamma / np.sqrt(variance + self.epsilon)
            np.multiply(X, scale, out=Y)
            Y += p.beta - mean * scale
            return Y
        ws.share = row_shares(ws, len(X))
        moments = ws.array("moments", 2, self.n_units)
        mean, variance = moments
        np.matmul(ws.share, X, out=mean)
        ws.centred = np.subtract(X, mean, out=ws.array("centred", *X.shape))
        np.matmul(ws.share, np.square(ws.centred, out=Y), out=variance)
        if ws.pooling:
            self._pool(p, moments, len(X) if ws.weight is None else ws.weight.sum())
        else:
            self._update(p, moments)
        ws.std = np.sqrt(variance + self.epsilon)
        ws.scale = p.gamma / ws.std
        np.multiply(ws.centred, ws.scale, out=Y)
        Y += p.beta
        return Y

    def backward(self, dY, p, g, ws):
        """Write dgamma and dbeta; return dX, which runs through mu and var as well.

        With N the normalized X:  dX_i = gamma/std (dY_i - a_i dbeta - a_i N_i dgamma).
        """
        along = np.multiply(dY, ws.centred, out=ws.array("along", *dY.shape))
        ws.column_sums(along, out=g.gamma)
        g.gamma /= ws.std
        ws.column_sums(dY, out=g.beta)
        if not ws.needs_input_gradient:
            return None
        through, slope = along, g.gamma / ws.std
        if ws.weight is None:
            np.multiply(ws.centred, slope / len(dY), out=through)
            through += g.beta / len(dY)
        else:
            np.multiply(ws.centred, slope, out=through)
            through += g.beta
            through *= ws.share[:, np.newaxis]
        dY -= through
        dY *= ws.scale
        return dY

    def _update(self, p, moments):
        rate = max(self.momentum, 1.0 / (1.0 + float(p.n_batches[0])))
        p.moments += rate * (moments - p.moments)
        p.n_batches += 1.0

    @staticmethod
    def _pool(p, moments, weight):
        """Merge a batch into the statistics of all rows so far; `n_batches` sums the weights."""
        p.n_batches += weight
        share = weight / p.n_batches
        between = moments - p.moments
        p.moments += share * between
        p.moments[1] += share * (1.0 - share) * between[0] ** 2


@dataclass(frozen=True)
class GroupNorm(Layer):
    """Y = gamma (X - mu) / sqrt(var + eps) + beta        X (n, m)   gamma, beta (m,)

    mu and var (biased) are those of one row over each of `n_groups` groups of m / n_groups
    neighbouring units (Wu & He, 2018), so they do not depend on the other rows: training and
    prediction are the same. One group is layer normalization (Ba et al., 2016).
    """

    n_units: int
    n_groups: int
    epsilon: float = 1e-5

    def slots(self):
        """Return gamma and beta."""
        shape = (self.n_units,)
        return [Slot("gamma", shape, "offsets"), Slot("beta", shape, "offsets")]

    def initialize(self, p, rng, X):
        """Start with gamma = 1, beta = 0."""
        p.gamma[...] = 1.0

    def forward(self, X, p, ws):
        """Return the normalized X."""
        N = ws.array("normalized", *X.shape)
        Y = ws.array("Y", *X.shape)
        grouped, centred = self._grouped(X), self._grouped(N)
        np.subtract(grouped, grouped.mean(axis=2, keepdims=True), out=centred)
        variance = np.square(centred, out=self._grouped(Y)).mean(axis=2, keepdims=True)
        ws.inverse_std = 1.0 / np.sqrt(variance + self.epsilon)
        centred *= ws.inverse_std
        ws.normalized = N
        np.multiply(N, p.gamma, out=Y)
        Y += p.beta
        return Y

    def backward(self, dY, p, g, ws):
        """Write dgamma and dbeta; return dX, which runs through mu and var as well.

        With N the normalized X, D = dY gamma, and means over a row's group:
        dX = (D - mean(D) - N mean(D N)) / std.
        """
        N, scratch = ws.normalized, ws.array("scratch", *dY.shape)
        np.sum(np.multiply(dY, N, out=scratch), axis=0, out=g.gamma)
        np.sum(dY, axis=0, out=g.beta)
        if not ws.needs_input_gradient:
            return None
        dY *= p.gamma
        D, N, scratch = self._grouped(dY), self._grouped(N), self._grouped(scratch)
        along = np.multiply(D, N, out=scratch).mean(axis=2, keepdims=True)
        D -= D.mean(axis=2, keepdims=True)
        D -= np.multiply(N, along, out=scratch)
        D *= ws.inverse_std
        return D.reshape(len(dY), -1)

    def _grouped(self, X):
        return X.reshape(len(X), self.n_groups, -1)


def row_shares(ws, n):
    """Return the weights a_i of the batch's rows, of shape (n,), summing to one."""
    if ws.weight is None:
        return ws.constant(1.0 / n, n)
    weight = ws.weight[:, 0]
    return weight / weight.sum()
