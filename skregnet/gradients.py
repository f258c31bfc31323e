"""The gradient check that a user runs on an estimator and data."""

import numpy as np

from .core.gradient_check import gradient_check
from .layerwise import start_probe


def check_gradients(estimator, X, y, sample_weight=None):
    r"""Compare the gradient of an estimator's objective with two-sided differences.

    The objective is J as `fit` minimises it, with its penalties, on all rows of `X` as one batch
    and in double precision. Whatever is random (dropout masks) is frozen, so that both sides of a
    difference see the same. All parameters form one vector; the relative error is

    .. math:: \frac{\|g_a - g_n\|}{\|g_a\| + \|g_n\|}

    Parameters
    ----------
    estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
        Fitted or not; it is left as it is. The check is made at the weights of the (first) fitted
        network, else at initial weights.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows. The check evaluates J twice a parameter: some hundred rows are enough.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    report : GradientReport
        With ``relative_error``, ``blocks`` and ``passed``; prints as a table. Good is < 1e-7.

    Raises
    ------
    TypeError
        If the estimator is not one of this package.
    ValueError
        If a hyperparameter or the data is of a wrong kind.

    Notes
    -----
    The step is 6e-6 times the root mean square of the parameter array. Where J has kinks (ReLU, L1,
    absolute error) the check is made at a slightly moved point. Where the output weights are all 0,
    as ``init="auto"`` starts them, it is made with random ones, since no gradient passes zeros. The
    report says so.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skregnet import RegularizedMLPClassifier, check_gradients
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RegularizedMLPClassifier(
    ...     (8,), activation="tanh", init="xavier", keep_prob=0.8, random_state=0
    ... )
    >>> check_gradients(model, X, y).passed
    True
    """
    plan, run, _ = start_probe(estimator, X, y, sample_weight)
    [(X_batch, Y_batch, weight)] = run.batches.epoch()
    objective = run.objective

    def evaluate(theta):
        masks = plan.network.mask_streams(plan.seed)
        for ws, rng in zip(objective.workspaces, masks, strict=True):
            ws.rng = rng
        value = objective.value_and_gradient(theta, X_batch, Y_batch, weight)
        return value, objective.gradient.trainable

    names = [f"{i} {type(layer).__name__}" for i, layer in enumerate(plan.network.layers)]
    with np.errstate(over="ignore"):
        return gradient_check(evaluate, run.theta, names, objective.smooth)
