"""Probabilities that mean what they say: one temperature for the whole committee."""

import numpy as np
from scipy.optimize import minimize_scalar

from .core.classification_losses import LogLoss

SMALLEST, LARGEST = 0.05, 20.0
PRIOR_STD = 0.5
"""Of log T: held-out rows that are all right by chance would ask for T = 0."""


def fit_temperature(link, Y, raw, weight=None):
    r"""Return the temperature T for which raw / T has the least log-loss, and T is near 1.

    Parameters
    ----------
    link : {"sigmoid", "softmax"}
        Whether `raw` holds the log-odds of each output or one logit a class.
    Y : ndarray of shape (n, m)
        Targets: probabilities of the outputs or classes, 0 and 1 for labels.
    raw : ndarray of shape (n, m)
        What the committee predicts for rows that it was not trained on.
    weight : ndarray of shape (n,) or None
        Weights s_i of the rows; None means 1.

    Returns
    -------
    temperature : float
        Within [0.05, 20].

    Notes
    -----
    .. math:: T = \arg\min_T \sum_i s_i \, \mathrm{loss}(y_i, f_i / T) + 2 \log^2 T

    The first term is convex in 1 / T. T > 1 makes probabilities less sure, T < 1 surer; their
    order within a row stays [1]_. The second is a Gaussian prior on log T of standard deviation
    1/2, which some hundred rows outweigh. Without it T would be 0 where they are all predicted
    right, and the first error in new rows would cost an infinite loss.

    References
    ----------
    .. [1] C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    loss = LogLoss().with_link(link)
    s = 1.0 if weight is None else weight[:, np.newaxis]
    scratch = np.empty_like(raw)

    def objective(log_temperature):
        prior = 0.5 * (log_temperature / PRIOR_STD) ** 2
        return loss(Y, raw * np.exp(-log_temperature), s, scratch) + prior

    bounds = np.log((SMALLEST, LARGEST))
    found = minimize_scalar(objective, bounds=bounds, method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))
