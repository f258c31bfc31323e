"""Scratch memory of one layer during one run; never pickled, never shared."""

import numpy as np


class Workspace:
    """Reused arrays and cached inputs of one layer.

    Attributes
    ----------
    train : bool
        True while training: statistics of the batch are used.
    pooling : bool
        True while the statistics of all batches are being pooled, weights standing still.
    masked : bool
        True if layers that draw are to draw: while training, and for Monte-Carlo prediction.
    weight : ndarray of shape (n, 1) or None
        Relative weights of the rows of the batch at hand; None means all equal.
    strength : float
        Factor of the probability with which dropout drops a unit.
    rng : numpy.random.Generator or None
        The layer's own stream, for layers that draw.
    needs_input_gradient : bool
        False for the first trainable layer and whatever lies before it: nobody asks for the
        gradient with respect to X, so it is not formed.
    """

    def __init__(self, dtype, rng=None, needs_input_gradient=True):
        self.dtype = np.dtype(dtype)
        self.rng = rng
        self.needs_input_gradient = needs_input_gradient
        self.train = False
        self.pooling = False
        self.masked = False
        self.strength = 1.0
        self.weight = None
        self._blocks: dict[str, np.ndarray] = {}
        self._views: dict[str, np.ndarray] = {}
        self._constants: dict[tuple[float, int], np.ndarray] = {}

    def array(self, name, *shape, dtype=None):
        """Return the first rows of a reused block in a shape; its content is arbitrary."""
        view = self._views.get(name)
        if view is None or view.shape != shape:
            view = self._views[name] = self._block(name, shape, dtype or self.dtype)
        return view

    def _block(self, name, shape, dtype):
        block = self._blocks.get(name)
        if block is None or len(block) < shape[0] or block.shape[1:] != shape[1:]:
            block = self._blocks[name] = np.empty(shape, dtype=dtype)
        return block[: shape[0]]

    def column_sums(self, X, out):
        """Write the sums of the columns of X into `out`, as a product, which BLAS is fast at."""
        return np.matmul(self.constant(1.0, len(X)), X, out=out)

    def constant(self, value, n):
        """Return a vector of n equal numbers, made once; it must not be written to."""
        vector = self._constants.get((value, n))
        if vector is None:
            vector = self._constants[value, n] = np.full(n, value, dtype=self.dtype)
        return vector
