"""Mini-batches of the training rows."""

import numpy as np
from scipy.sparse import issparse

# A batch norm on very few rows is noise: a shorter tail joins the batch before it.
MIN_ROWS_TO_NORMALIZE = 8

# Below this share of non-zeros the first product and its gradient are faster on sparse rows, above
# it on dense ones: measured for 200 to 20,000 columns, batches of 32 and 200, 50 to 100 units.
SPARSE_BELOW = 0.15


class Batches:
    """Yields the training rows, batch by batch, in a fresh order each epoch.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, d)
        Scaled rows; sparse rows are made dense a batch at a time if `dense`, or if at least
        `SPARSE_BELOW` of their values are not zero.
    Y : ndarray of shape (n, m)
        Encoded targets.
    weight : ndarray of shape (n, 1) or None
        n s_i / S; None means all 1.
    batch_size : int
        Rows a batch, at most n.
    shuffle : bool
        Draw a new order each epoch.
    min_rows : int
        A last batch with fewer rows is merged into the one before.
    transforms : sequence of BatchTransform
        Applied to each batch, in order.
    dense : bool
        Whether the layers need dense rows.
    shuffle_rng, transform_rng : numpy.random.Generator
        The streams for the order of rows and for the transforms.
    """

    def __init__(
        self, X, Y, weight, *, batch_size, shuffle, min_rows, transforms, dense, shuffle_rng,
        transform_rng,
    ):  # fmt: skip
        self.X, self.Y, self.weight = X, Y, weight
        self.n_rows = X.shape[0]
        self.transforms = tuple(transforms)
        self._blocks = {}
        # Of rows that are not contiguous `take` would copy all first.
        arrays = {"X": X, "Y": Y, "weight": weight}
        self._contiguous = {
            name: isinstance(array, np.ndarray) and array.flags.c_contiguous
            for name, array in arrays.items()
        }
        self.dense = dense or (issparse(X) and X.nnz >= SPARSE_BELOW * X.shape[0] * X.shape[1])
        self.shuffle_rng, self.transform_rng = shuffle_rng, transform_rng
        starts = list(range(0, self.n_rows, batch_size))
        if len(starts) > 1 and self.n_rows - starts[-1] < min_rows:
            del starts[-1]
        self.slices = [slice(a, b) for a, b in zip(starts, starts[1:] + [self.n_rows], strict=True)]
        # One batch holds every row, so its order changes nothing and is not drawn.
        self.order = np.arange(self.n_rows) if shuffle and len(self.slices) > 1 else None

    def __len__(self):
        return len(self.slices)

    def epoch(self):
        """Yield (X, Y, weight) of each batch; the arrays are valid until the next one."""
        if self.order is not None:
            self._put_in_order()
            self.shuffle_rng.shuffle(self.order)
        for rows in self.slices:
            X, Y, weight = self._take(rows if self.order is None else self.order[rows])
            for transform in self.transforms:
                X, Y = transform(X, Y, self.transform_rng)
            yield X, Y, weight

    def plain(self):
        """Yield (X, Y, weight) of batches in a fixed random order, not transformed."""
        # In their own order rows may be sorted, and no batch would look like those of training.
        order = np.random.default_rng(0).permutation(self.n_rows)
        for rows in self.slices:
            yield self._take(order[rows])

    def _put_in_order(self):
        """Write 0, 1, 2, ... in place: each epoch's order follows from the generator alone."""
        self.order.fill(1)
        self.order[0] = 0
        np.cumsum(self.order, out=self.order)

    def _take(self, rows):
        X = self._rows("X", self.X, rows)
        if self.dense and issparse(X):
            X = X.toarray()
        weight = None if self.weight is None else self._rows("weight", self.weight, rows)
        return X, self._rows("Y", self.Y, rows), weight

    def _rows(self, name, array, rows):
        """Return some rows: a view, or a copy in a reused block, the fastest way to gather."""
        if isinstance(rows, slice) or not self._contiguous[name]:
            return array[rows]
        block = self._blocks.get(name)
        if block is None or len(block) < len(rows):
            block = self._blocks[name] = np.empty((len(rows), *array.shape[1:]), array.dtype)
        return array.take(rows, axis=0, out=block[: len(rows)], mode="clip")
