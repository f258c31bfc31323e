"""Warnings that skregnet issues, so that each can be caught or silenced by its class."""

import os
import sys
import warnings
from pathlib import Path

import sklearn
from sklearn.exceptions import ConvergenceWarning

__all__ = [
    "BatchSizeWarning",
    "DivergenceWarning",
    "IgnoredParameterWarning",
    "InterruptedFitWarning",
    "NotConvergedWarning",
    "OutOfBagWarning",
    "SkregnetWarning",
    "SymmetryWarning",
    "ValidationSetWarning",
]


class SkregnetWarning(UserWarning):
    """Base class of every warning of skregnet."""


class IgnoredParameterWarning(SkregnetWarning):
    """A hyperparameter differs from its default but has no effect in this configuration."""


class SymmetryWarning(SkregnetWarning):
    """All initial weights of a layer are equal, so its units stay identical for ever."""


class BatchSizeWarning(SkregnetWarning):
    """`batch_size` exceeds the number of training rows and was clipped."""


class ValidationSetWarning(SkregnetWarning):
    """The data cannot spare a validation set, so early stopping watches the training rows."""


class OutOfBagWarning(SkregnetWarning):
    """Some training rows were drawn by every member, so they have no out-of-bag prediction."""


class DivergenceWarning(SkregnetWarning):
    """The loss became infinite or NaN; training stopped and kept the last good weights."""


class InterruptedFitWarning(SkregnetWarning):
    """Ctrl-C ended the training; the best weights so far are kept."""


class NotConvergedWarning(SkregnetWarning, ConvergenceWarning):
    """L-BFGS reached `max_iter` before its gradient tolerance `tol`."""


_INSIDE = tuple(str(Path(file).parent) + os.sep for file in (__file__, sklearn.__file__))


def warn(message, category):
    """Issue a warning at the line of the caller outside skregnet and scikit-learn."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
