"""The objective J: one function for its value and its gradient.

    J = (1/S) sum_i s_i loss_i + (1/S) penalty(W)

S is the weight of the training set, so neither the batch size nor a common factor in the weights
changes the balance between data and penalty. A mini-batch B of the n training rows estimates the
data term by (1/|B|) sum_B (n s_i / S) loss_i, which is unbiased.
"""

import numpy as np

from .vector import Vector

CHUNK_ROWS = 1024


class Objective:
    """J of one network on one training set, with the scratch memory to evaluate it.

    Parameters
    ----------
    network : Network
        The recipe.
    loss : Loss
        The data term of one row.
    penalties : sequence of Penalty
        Terms in W, each divided by S.
    total_weight : float
        S.
    dtype : dtype
        Of theta, of X and of all scratch arrays.
    mask_rngs : list of numpy.random.Generator or None
        One stream a layer.
    """

    def __init__(self, network, loss, penalties, total_weight, dtype, mask_rngs=None):
        self.network = network
        self.loss = loss
        self.penalties = tuple(penalties)
        self._penalties_with_prox = [p for p in self.penalties if p.has_prox]
        self.has_prox = bool(self._penalties_with_prox)
        self.total_weight = float(total_weight)
        self.workspaces = network.workspaces(dtype, mask_rngs)
        self.gradient = Vector.zeros(network.layout, dtype)
        self._scratch = np.empty(network.layout.n_weights, dtype=dtype)

    @property
    def smooth(self):
        """Whether J is differentiable everywhere."""
        return self.network.smooth and self.loss.smooth and all(p.smooth for p in self.penalties)

    def step_gradient(self, theta, X, Y, weight=None):
        """Return the data term of a batch; write the gradient of J's smooth part.

        Parameters
        ----------
        theta : Vector
            Where.
        X, Y : arrays of shape (n, d) and (n, m)
            The batch.
        weight : ndarray of shape (n, 1) or None
            n s_i / S of its rows; None means 1.

        Returns
        -------
        value : float
            The data term; the gradient, L2 included and L1 excluded, is in `gradient`.
        """
        n = X.shape[0]
        raw = self.network.forward(X, theta, self.workspaces, train=True, weight=weight)
        d_raw = self.workspaces[-1].array("d_raw", *raw.shape)
        value = self.loss(Y, raw, 1.0 / n if weight is None else weight / n, d_raw)
        self.network.backward(d_raw, theta, self.gradient, self.workspaces)
        self.add_penalty_gradient(theta)
        return value

    def value_and_gradient(self, theta, X, Y, weight=None):
        """Return J; write its whole gradient (at a kink, a subgradient) into `gradient`."""
        value = self.step_gradient(theta, X, Y, weight)
        self.add_penalty_subgradient(theta)
        return value + self.penalty_value(theta)

    def add_penalty_gradient(self, theta):
        """Add the gradient of the penalties' smooth part to `gradient`."""
        for penalty in self.penalties:
            penalty.add_gradient(theta.weights, self.gradient.weights, 1.0 / self.total_weight)

    def add_penalty_subgradient(self, theta):
        """Add a subgradient of the rest, which `prox` handles while training, to `gradient`."""
        for penalty in self.penalties:
            penalty.add_subgradient(theta.weights, self.gradient.weights, 1.0 / self.total_weight)

    def penalty_value(self, theta):
        """Return (1/S) penalty(W)."""
        return sum(p.value(theta.weights) for p in self.penalties) / self.total_weight

    def prox(self, theta, step):
        """Apply to W the part of the penalties that has no gradient.

        Parameters
        ----------
        theta : Vector
            Changed in place.
        step : float or ndarray of shape (n_weights,)
            The step size that the optimizer used; an array is overwritten.
        """
        if not self.has_prox:
            return
        step *= 1.0 / self.total_weight
        for penalty in self._penalties_with_prox:
            penalty.prox(theta.weights, step, self._scratch)

    def l1_strengths(self):
        """Return for each weight the factor of |w| in J, of shape (n_weights,)."""
        n_weights = self.network.layout.n_weights
        return sum((p.l1_strengths(n_weights) for p in self.penalties), np.zeros(n_weights)) / (
            self.total_weight
        )

    def set_strength(self, strength):
        """Let dropout drop a unit with `strength` times its probability from now on."""
        for ws in self.workspaces:
            ws.strength = strength

    def refresh_statistics(self, theta, batches):
        """Set the running statistics of normalization layers to those of all rows.

        Parameters
        ----------
        theta : Vector
            Numbers that were not reached by training steps, such as an average of weights.
        batches : iterable of (X, Y, weight)
            The training rows as they are.
        """
        if not theta.statistics.size:
            return
        theta.statistics[...] = 0.0
        for ws in self.workspaces:
            ws.pooling = True
        for X, _, weight in batches:
            self.network.forward(
                X, theta, self.workspaces, train=True, weight=weight, masked=False
            )
        for ws in self.workspaces:
            ws.pooling = False


def mean_loss(network, loss, theta, X, Y, weight=None, raw_range=None):
    """Return sum_i s_i loss_i / sum_i s_i as at prediction: no masks, running statistics.

    Parameters
    ----------
    network : Network
        The recipe.
    loss : Loss
        The data term.
    theta : Vector
        Where.
    X, Y : arrays of shape (n, d) and (n, m)
        Rows, scaled.
    weight : ndarray of shape (n, 1) or None
        Weights s_i; None means 1.
    raw_range : pair of ndarrays of shape (m,) or None
        What raw outputs are clipped to.

    Returns
    -------
    value : float
    """
    n = X.shape[0]
    workspaces = network.workspaces(theta.data.dtype)
    total = 0.0
    for start in range(0, n, CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        raw = network.forward(X[rows], theta, workspaces).astype(np.float64)
        if raw_range is not None:
            np.clip(raw, *raw_range, out=raw)
        total += loss(Y[rows], raw, 1.0 if weight is None else weight[rows], np.empty_like(raw))
    return total / (n if weight is None else float(np.sum(weight)))
