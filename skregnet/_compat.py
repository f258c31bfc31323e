"""Every import of something private in scikit-learn, in one place."""

from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import _check_categorical_features as check_categorical_features
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "Interval",
    "Splitter",
    "StrOptions",
    "check_categorical_features",
    "check_sample_weight",
    "num_samples",
    "safe_indexing",
    "validate_parameter_constraints",
]


class Splitter(HasMethods):
    """Constraint: a scikit-learn splitter (a string has a method `split`, too)."""

    def __init__(self):
        super().__init__("split")

    def is_satisfied_by(self, val):
        """Return whether `val` is a splitter."""
        return not isinstance(val, str) and super().is_satisfied_by(val)

    def __str__(self):
        return "a scikit-learn splitter"
