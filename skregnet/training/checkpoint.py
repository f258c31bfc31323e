"""Checkpoints: a fit that was killed goes on where it was, to the bit."""

import os
import pickle
from numbers import Integral
from pathlib import Path

from .callbacks import Callback


class Checkpoint:
    """Write the state of a fit to disk, so that the same fit can go on after a crash.

    Set with ``estimator.set_callbacks(Checkpoint(path))``. If the file is there when `fit` begins,
    and belongs to the same fit, `fit` goes on from it and gives the same model to the bit as a fit
    that was never interrupted. When `fit` ends well the file is removed.

    Each write goes to a temporary file that then replaces the old one, so whatever kills the
    process, a whole checkpoint is left. A committee writes one file a member, named by a suffix;
    so does each fit of a search. The files are pickles: read only those that you wrote.

    Parameters
    ----------
    path : str or path-like
        The file, in a folder that exists.
    every : int, default=1
        Epochs between two writes.

    Raises
    ------
    ValueError
        By `fit`, if the file belongs to other data or hyperparameters, if `random_state` is not an
        int, or for ``solver="lbfgs"``, whose memory of curvature cannot be kept.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skregnet import Checkpoint, RegularizedMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> path = os.path.join(tempfile.mkdtemp(), "iris.checkpoint")
    >>> model = RegularizedMLPClassifier(max_iter=20, random_state=0)
    >>> model.set_callbacks(Checkpoint(path, every=5)).fit(X, y).n_iter_
    20
    """

    def __init__(self, path, every=1):
        if not (isinstance(every, Integral) and every >= 1):
            raise ValueError(
                f"The 'every' parameter of Checkpoint must be a positive int. Got {every!r}."
            )
        self.path = Path(path).absolute()
        self.every = every

    # scikit-learn's protocol: the work is done by `writer`, which sees the whole state.

    def setup(self, estimator, context):
        """Do nothing."""

    def teardown(self, estimator, context):
        """Do nothing."""

    def on_fit_task_begin(self, estimator, context):
        """Do nothing."""

    def on_fit_task_end(self, estimator, context):
        """Do nothing."""

    def file(self, key):
        """Return the path of one member's file."""
        return self.path.with_name(self.path.name + key)

    def writer(self, key, identity):
        """Return the callback that writes one member's file."""
        return CheckpointWriter(self.file(key), self.every, identity)

    def load(self, key, identity):
        """Return the member of one file, or None if there is no file."""
        file = self.file(key)
        if not file.exists():
            return None
        found, member = pickle.loads(file.read_bytes())
        if found != identity:
            raise ValueError(
                f"The checkpoint {str(file)!r} belongs to a fit with other data or "
                "hyperparameters. Remove it to start anew."
            )
        return member

    def discard(self, key):
        """Remove one member's file, and what a killed write may have left beside it."""
        file = self.file(key)
        file.unlink(missing_ok=True)
        _temporary(file).unlink(missing_ok=True)


class CheckpointWriter(Callback):
    """Writes one member's file.

    Parameters
    ----------
    file : pathlib.Path
        Where.
    every : int
        Epochs between two writes.
    identity : object
        What must be equal when the fit goes on.
    """

    def __init__(self, file, every, identity):
        self.file = file
        self.every = every
        self.identity = identity

    def on_epoch_end(self, run):
        """Write, if it is time."""
        if run.n_epochs_of_fit % self.every == 0:
            write_atomically(self.file, pickle.dumps((self.identity, run.as_member())))


def write_atomically(file, content):
    """Replace `file` by `content` so that at any moment either the old or the new one is whole.

    Parameters
    ----------
    file : pathlib.Path
        Where.
    content : bytes
        What.
    """
    # A fixed name: each file has one writer, and what a kill leaves is overwritten by the next.
    temporary = _temporary(file)
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(file):
    return file.with_name(file.name + ".tmp")
