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
        self.weight = None
        self._blocks: dict[str, np.ndarray] = {}

    def array(self, name, n, *shape):
        """Return the first `n` rows of a reused block; their content is arbitrary."""
        block = self._blocks.get(name)
        if block is None or len(block) < n or block.shape[1:] != shape:
            block = np.empty((n, *shape), dtype=self.dtype)
            self._blocks[name] = block
        return block[:n]
