"""A network's state of health in words."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.multiclass import type_of_target

from ..layerwise import check_network, look
from .case import Case
from .findings import Diagnosis
from .layer_checks import LAYER_CHECKS, constant_labels
from .training_checks import TRAINING_CHECKS


def diagnose(estimator, X, y, sample_weight=None, *, X_val=None, y_val=None):
    r"""Say in words what is wrong with a network, with the hyperparameter to turn.

    Before training, the data and the initial weights are looked at; after it also the fitted
    network, the course of its training, and the loss on rows that it has not seen.

    Parameters
    ----------
    estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
        Fitted or not; it is left as it is. Of a committee the first network is looked at.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training rows; some thousand are enough.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
        Rows that the network was not trained on, for the generalization gap. None takes the
        validation curve of early stopping, where there is one. Without a fit they are not used.
    y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
        Their targets.

    Returns
    -------
    diagnosis : Diagnosis
        A sequence of `Finding`; empty, and printed as such, if nothing is alarming.

    Raises
    ------
    ValueError
        If a hyperparameter or the data is of a wrong kind.
    TypeError
        If the estimator is not one of this package.

    See Also
    --------
    inspect_layers : The numbers by layer.
    check_gradients : Compare the gradient of J with differences.

    Notes
    -----
    The relative loss is 0 for perfect predictions and 1 for the best constant one. The findings,
    and what raises them:

    - ``unscaled_column``: root mean square > 10 (> 2.5 with ``scaling="robust"``, which clips at
      3), or all values < 0.01, as the network sees it.
    - ``constant_target``: y does not vary, or > 99.5 % of the labels are the same.
    - ``exploding_activations``, ``vanishing_activations``: at the initial weights, values > 20
      times those of the input (or > 20, where those are below 1), or a standard deviation over the
      rows < 1e-3 of the input's values.
    - ``exploding_gradients``, ``vanishing_gradients``: at the initial weights
      \|dJ/dW\| / \|W\| of the first and the last layer differ by more than a factor 1e4. An output
      layer that starts at 0, as that of `NTK` does, lets no gradient through to judge.
    - ``dead_units``: > 50 % of a layer's units of the ReLU family are active on no row.
    - ``saturated_units``: > 50 % of a layer's sigmoid or tanh units have less than 5 % of their
      steepest slope on > 80 % of the rows.
    - ``large_updates``, ``small_updates``: a first step at `learning_rate_init`, without schedule
      and warm-up, changes the weights of the layer that moves most by > 0.3 or by < 1e-4 of their
      norm (an estimate, see `LayerRecord`).
    - ``unstable_loss``: the training loss doubles again, by far more than it usually moves from one
      epoch to the next; or it grows to 10 times the initial one; or no epoch was finished.
    - ``loss_still_falling``: > 12 % of the fall of the training loss lies in the last quarter of
      the epochs, and as much in that before the rate fell below half its peak (for a rate that
      falls to 0 lowers every loss); and the relative loss is still > 0.3.
    - ``no_better_than_constant``: relative loss > 0.98.
    - ``constant_predictions``: raw outputs have a standard deviation over the rows < 1e-3 (for a
      regressor, of that of y).
    - ``generalization_gap``: the relative validation loss is > 0.5 above the training loss.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skregnet import RegularizedMLPClassifier, diagnose
    >>> X, y = load_wine(return_X_y=True)
    >>> diagnose(RegularizedMLPClassifier(random_state=0).fit(X, y), X, y)
    diagnosis: nothing alarming
    >>> print(diagnose(RegularizedMLPClassifier(scaling=None, random_state=0), X, y)[0])
    unscaled_column (column 12): reaches the network with a root mean square of 8.1e+02, where about
    1 is wanted: too large, and 3 more columns.
        Set scaling='robust'.
    """
    check_network(estimator)
    if (X_val is None) != (y_val is None):
        missing, given = ("X_val", "y_val") if X_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} is provided, but {missing} was not provided.")
    members = getattr(estimator, "members_", None)
    if is_classifier(estimator) and not members and _has_one_label(y):
        return Diagnosis((constant_labels(1.0),))  # fit would refuse
    now = look(estimator, X, y, sample_weight)
    start = look(estimator, X, y, sample_weight, initial=True) if members else now
    case = Case(
        now, start, members[0].history if members else None,
        members[0].best_iteration if members else None,
        look(estimator, X_val, y_val).loss if members and X_val is not None else None,
        _column_names(estimator, X, now.inputs.shape[1]), estimator.get_params(deep=False),
        is_classifier(estimator),
    )  # fmt: skip
    checks = LAYER_CHECKS + TRAINING_CHECKS
    return Diagnosis(tuple(finding for check in checks for finding in check(case)))


def _has_one_label(y):
    return type_of_target(y).startswith(("binary", "multiclass")) and len(np.unique(y)) == 1


def _column_names(estimator, X, n_columns):
    """Return the names of the columns that the network sees, or None for their numbers."""
    names = getattr(X, "columns", None)
    if names is None or len(names) != n_columns:
        names = getattr(estimator, "encoded_feature_names_", None)
        encoded = names is not None and len(names) == n_columns != estimator.n_features_in_
        return names if encoded else None
    return names
