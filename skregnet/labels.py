"""The targets of a classifier: what `y` may look like, and what the network sees of it."""

from abc import ABC, abstractmethod

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

SUM_TOLERANCE = 1e-3  # probabilities may come from single precision, or rounded


class Labels(ABC):
    """Base class of the kinds of labels.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels; column numbers where `y` has a column for each.
    """

    multilabel = False
    """Whether a row may have several labels."""

    def __init__(self, classes):
        self.classes = classes

    @property
    def link(self):
        """Whether there is one logit an output ("sigmoid") or one a class ("softmax")."""
        return "sigmoid" if self.multilabel or len(self.classes) == 2 else "softmax"

    @property
    def n_smoothed(self):
        """The K of label smoothing."""
        return 2 if self.link == "sigmoid" else len(self.classes)

    @abstractmethod
    def check(self, y):
        """Return y as the array that the methods below take; raise ValueError if it cannot be."""

    @abstractmethod
    def encode(self, y):
        """Return the targets of the network, of shape (n, n_outputs)."""

    @abstractmethod
    def decode(self, y):
        """Return the labels, for scorers and splitters."""

    def strata(self, y):
        """Return the class of each row for a stratified hold-out, or None."""
        return None

    @abstractmethod
    def factors(self, class_weight, y, weight):
        """Return what `row_factors` takes: `class_weight` for training rows with these weights."""

    @abstractmethod
    def row_factors(self, factors, y):
        """Return the factor of each row's weight, of shape (n,)."""


class SingleLabels(Labels):
    """One label a row."""

    @classmethod
    def learn(cls, y, classes=None):
        """Learn the labels from y, or from all labels of a stream."""
        y = column_or_1d(y, warn=True)
        found = np.unique(y if classes is None else classes)
        if len(found) < 2:
            raise ValueError(
                "The number of classes has to be greater than one; got "
                f"{len(found)} class: {found}"
            )
        return cls(found)

    def check(self, y):
        """Return the number of each row's class."""
        encoder = LabelEncoder()
        encoder.classes_ = self.classes
        # Half as wide as an index: large tables have many rows.
        return encoder.transform(column_or_1d(y, warn=True)).astype(np.int32)

    def encode(self, y):
        """Return one column for two classes, else one a class."""
        return y[:, np.newaxis] if self.link == "sigmoid" else np.eye(len(self.classes))[y]

    def decode(self, y):
        """Return the labels."""
        return self.classes[y]

    def strata(self, y):
        """Return the number of each row's class."""
        return y

    def factors(self, class_weight, y, weight):
        """Return one factor a class."""
        return compute_class_weight(
            class_weight, classes=self.classes, y=self.decode(y), sample_weight=weight
        )

    def row_factors(self, factors, y):
        """Return the factor of each row's class."""
        return factors[y]


class MultiLabels(Labels):
    """Any number of labels a row: an indicator matrix."""

    multilabel = True

    @classmethod
    def learn(cls, y, classes=None):
        """Learn the number of labels."""
        if classes is not None and len(classes) != y.shape[1]:
            raise ValueError(
                f"classes must name the {y.shape[1]} columns of y. Got {len(classes)} instead."
            )
        return cls(np.arange(y.shape[1]))

    def check(self, y):
        """Return the indicators as an ordinary array."""
        if type_of_target(y) != "multilabel-indicator" or y.shape[1] != len(self.classes):
            raise ValueError(f"y must be a multilabel indicator with {len(self.classes)} columns.")
        return y.toarray() if issparse(y) else y

    def encode(self, y):
        """Return the indicators."""
        return y

    def decode(self, y):
        """Return the indicators."""
        return y

    def factors(self, class_weight, y, weight):
        """Return for each label the factors of 0 and 1."""
        if class_weight != "balanced":
            return class_weight
        return [_balanced(column, weight) for column in y.T]

    def row_factors(self, factors, y):
        """Return the product of the factors of a row's indicators."""
        return compute_sample_weight(factors, y)


class SoftLabels(Labels):
    """A probability of each class a row."""

    @classmethod
    def learn(cls, y, classes=None):
        """Learn the number of classes."""
        if y.ndim != 2 or y.shape[1] < 2:
            raise ValueError(
                "With soft_labels=True, y must be an array of shape (n_samples, n_classes) that "
                f"holds probabilities of at least two classes. Got shape {y.shape} instead."
            )
        labels = cls(np.arange(y.shape[1]))
        if classes is not None and not np.array_equal(classes, labels.classes):
            raise ValueError(
                f"With soft_labels=True, classes must be the numbers of y's {y.shape[1]} columns. "
                f"Got {classes!r} instead."
            )
        return labels

    def check(self, y):
        """Return the probabilities; raise ValueError if they are none."""
        y = np.asarray(y.toarray() if issparse(y) else y, dtype=np.float64)
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise ValueError(
                f"With soft_labels=True, y must be of shape (n_samples, {len(self.classes)}). "
                f"Got shape {y.shape} instead."
            )
        sums = y.sum(axis=1)
        if not (np.all(y >= 0) and np.all(np.abs(sums - 1.0) <= SUM_TOLERANCE)):
            raise ValueError(
                "With soft_labels=True, the rows of y must be probabilities: not negative, with "
                "sum 1."
            )
        return y / sums[:, np.newaxis]

    def encode(self, y):
        """Return the probability of the second of two classes, else one column a class."""
        return y[:, 1:] if self.link == "sigmoid" else y

    def decode(self, y):
        """Return the most probable class."""
        return y.argmax(axis=1)

    def strata(self, y):
        """Return the most probable class."""
        return self.decode(y)

    def factors(self, class_weight, y, weight):
        """Return one factor a class; frequencies are sums of probabilities."""
        if class_weight != "balanced":
            return compute_class_weight(class_weight, classes=self.classes, y=self.classes)
        mass = y.sum(axis=0) if weight is None else weight @ y
        present = mass > 0
        factors = np.ones(len(mass))
        factors[present] = mass.sum() / (np.sum(present) * mass[present])
        return factors

    def row_factors(self, factors, y):
        """Return the expected factor."""
        return y @ factors


def learn_labels(y, classes=None, soft=False):
    """Return the kind of labels that `y` holds.

    Parameters
    ----------
    y : ndarray or sparse array
        As the user gave it.
    classes : array-like or None
        All labels of a stream.
    soft : bool, default=False
        Whether `y` holds probabilities.
    """
    if soft:
        return SoftLabels.learn(y, classes)
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Multioutput target data is not supported with more than two classes an output. "
            "Use sklearn.multioutput.MultiOutputClassifier."
        )
    return (MultiLabels if kind == "multilabel-indicator" else SingleLabels).learn(y, classes)


def _balanced(column, weight):
    """Return the balanced weights of the classes in one column of labels."""
    classes = np.unique(column)
    factors = compute_class_weight("balanced", classes=classes, y=column, sample_weight=weight)
    return dict(zip(classes, factors, strict=True))
