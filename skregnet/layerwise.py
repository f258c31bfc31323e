"""A network seen layer by layer: what it computes on given rows, and the gradients that reach it.

    Z = inputs W + b (normalized, if the network does that here)     A = phi(Z)
    dJ/dA -> dJ/dZ = dJ/dA phi'(Z) -> dJ/dW
"""

import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import issparse
from sklearn.base import is_classifier

from .base import BaseRegularizedMLP
from .core.activations import ACTIVATIONS, Activation
from .core.dense import Dense
from .core.parametric import ParametricActivation
from .exceptions import SkregnetWarning
from .fitting import new_streams, start_run
from .member import ResumeState
from .training.optimizers import SGD, Adam

NAMES = {cls: name for name, cls in ACTIVATIONS.items()}


@dataclass(frozen=True, eq=False)
class LayerRecord:
    r"""One weight matrix of a network and what happens around it on the given rows.

    Attributes
    ----------
    layer : int
        Position of the weight matrix, as in ``coefs_``.
    name : str
        ``"hidden 1"``, ``"hidden 2"``, ... or ``"output"``.
    activation : str
        Name of the activation; "identity" for linear layers and for the output.
    inputs : {ndarray, sparse array} of shape (n_samples, fan_in)
        What the weight matrix multiplies; for the first layer the scaled columns of X, or what an
        embedding and a learnt scale make of them.
    Z : ndarray of shape (n_samples, n_units)
        What the activation receives; of the output the raw outputs, before the inverse link.
    A : ndarray of shape (n_samples, n_units)
        What the activation returns.
    slope : ndarray of shape (n_samples, n_units)
        Derivative of the activation at Z.
    W : ndarray of shape (fan_in, n_units)
        Weights.
    dW : ndarray of shape (fan_in, n_units)
        dJ/dW, penalties included.
    dZ : ndarray of shape (n_samples, n_units)
        dJ/dZ; a row's entries are of the order of 1 / n_samples.
    update_ratio : float
        Estimate of \|Delta W\| / \|W\| of a first step at `learning_rate_init`, without schedule
        and warm-up: \|Delta W\| is ``rate sqrt(size)`` for Adam and ``rate \|dW\|`` for SGD, with
        dW as `clip_norm` leaves it. About 1e-3 is usual at a constant rate. NaN for L-BFGS, whose
        steps a line search chooses, and for W = 0.
    """

    layer: int
    name: str
    activation: str
    inputs: object = field(repr=False)
    Z: np.ndarray = field(repr=False)
    A: np.ndarray = field(repr=False)
    slope: np.ndarray = field(repr=False)
    W: np.ndarray = field(repr=False)
    dW: np.ndarray = field(repr=False)
    dZ: np.ndarray = field(repr=False)
    update_ratio: float

    @property
    def weight_norm(self):
        """Frobenius norm of W."""
        return float(np.linalg.norm(self.W))

    @property
    def gradient_norm(self):
        """Frobenius norm of dJ/dW."""
        return float(np.linalg.norm(self.dW))

    @property
    def gradient_ratio(self):
        r"""\|dJ/dW\| / \|W\|, by which layers can be compared; NaN for W = 0."""
        return self.gradient_norm / self.weight_norm if self.weight_norm else np.nan


@dataclass(frozen=True, eq=False)
class NetworkView:
    """A network on given rows: its layers, and its loss beside two yardsticks.

    Attributes
    ----------
    layers : list of LayerRecord
        First layer first.
    inputs : {ndarray, sparse array} of shape (n_samples, n_columns)
        The encoded and scaled columns, before what is learnt makes something of them.
    targets : ndarray of shape (n_samples, n_outputs)
        Targets as the loss sees them.
    loss : float
        Weighted mean of the data term as at prediction.
    constant_loss : float
        The same of the best constant raw outputs.
    perfect_loss : float
        The same of perfect predictions; 0 for most losses.
    fitted : bool
        Whether the numbers are those of a fitted network.
    """

    layers: list
    inputs: object
    targets: np.ndarray
    loss: float
    constant_loss: float
    perfect_loss: float
    fitted: bool


def inspect_layers(estimator, X, y, sample_weight=None):
    """Return what each layer of a network computes on the given rows, and its gradients.

    Activations are those of prediction: no dropout masks and no noise. Before training, running
    statistics of a batch normalization mean nothing, so those of the rows are used. Gradients are
    those of J on the rows as one batch, as they are: penalties included, without masks, noise,
    augmentation and label smoothing, and with statistics of the batch. All in double precision.

    Parameters
    ----------
    estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
        Fitted or not; it is left as it is. The (first) fitted network is looked at, else one with
        initial weights.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows; some hundred are enough. Rows of weight 0 are left out.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    layers : list of LayerRecord
        One for each weight matrix, first layer first.

    Raises
    ------
    ValueError
        If a hyperparameter or the data is of a wrong kind.
    TypeError
        If the estimator is not one of this package.

    See Also
    --------
    diagnose : The same in words.
    check_gradients : Compare the gradient of J with differences.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skregnet import RegularizedMLPClassifier, inspect_layers
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RegularizedMLPClassifier((8, 5), activation="tanh", random_state=0)
    >>> for layer in inspect_layers(model, X, y):
    ...     print(layer.name, layer.activation, layer.A.shape)
    hidden 1 tanh (150, 8)
    hidden 2 tanh (150, 5)
    output identity (150, 3)
    """
    return look(estimator, X, y, sample_weight).layers


def look(estimator, X, y, sample_weight=None, initial=False):
    """Return a `NetworkView` of a network on rows.

    Parameters
    ----------
    estimator, X, y, sample_weight
        As for `inspect_layers`.
    initial : bool, default=False
        Look at the initial weights although the estimator is fitted.
    """
    plan, run, fitted = start_probe(estimator, X, y, sample_weight, initial)
    batches, objective = run.batches, run.objective
    X, Y, weight = batches.X, batches.Y, batches.weight
    X = X.toarray() if batches.dense and issparse(X) else X
    share = 1.0 / len(Y) if weight is None else weight / len(Y)
    with np.errstate(over="ignore", invalid="ignore"):
        # The next pass writes into the same memory.
        outputs = [output.copy() for output in _forward(run, X, weight, train=not fitted)]
        gradient, reaching = _backward(run, X, Y, weight, share)
        layers = [
            _record(plan, run, index, block, outputs, gradient, reaching)
            for index, block in enumerate(_blocks(plan.network.layers))
        ]
        loss = objective.loss(Y, outputs[-1], share, np.empty_like(outputs[-1]))
        perfect = 0.0 if is_classifier(estimator) else _perfect_loss(objective.loss, Y, share)
        constant = _constant_loss(objective.loss, Y, share)
    return NetworkView(layers, batches.X, Y, loss, constant, perfect, fitted)


def check_network(estimator):
    """Raise TypeError unless the estimator is one of this package."""
    if not isinstance(estimator, BaseRegularizedMLP):
        raise TypeError(
            "estimator must be a RegularizedMLPClassifier or a RegularizedMLPRegressor. "
            f"Got {estimator!r} instead."
        )


def start_probe(estimator, X, y, sample_weight=None, initial=False):
    """Return a plan, a run on all rows as one batch in double precision, and whether it is fitted.

    The run starts at a copy of the (first) fitted network, else at initial weights.
    """
    check_network(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkregnetWarning)
        plan, rows, member = estimator._gradient_problem(X, y, sample_weight)
    if initial:
        member = None
    plan = replace(plan, batch_size=len(rows.Y), shuffle=False)
    state = ResumeState(member.theta if member else None, None, new_streams(plan, 0))
    return plan, start_run(plan, rows, state, history={}), member is not None


def _forward(run, X, weight, train):
    """Return X and the outputs of all layers, without masks."""
    outputs = [X]
    parts = zip(
        run.objective.network.layers, run.theta.layers, run.objective.workspaces, strict=True
    )
    for layer, p, ws in parts:
        ws.train, ws.masked, ws.weight = train, False, weight
        outputs.append(layer.forward(outputs[-1], p, ws))
    return outputs


def _backward(run, X, Y, weight, share):
    """Return dJ/dtheta as a Vector, and dJ with respect to the output of each layer by index."""
    objective, theta = run.objective, run.theta
    raw = _forward(run, X, weight, train=True)[-1]
    d_output = np.empty_like(raw)
    objective.loss(Y, raw, share, d_output)
    reaching = {}
    for i in reversed(range(len(theta.layers))):
        reaching[i] = d_output.copy()
        layer, ws = objective.network.layers[i], objective.workspaces[i]
        d_output = layer.backward(d_output, theta.layers[i], objective.gradient.layers[i], ws)
        if not ws.needs_input_gradient:
            break
    objective.add_penalty_gradient(theta)
    objective.add_penalty_subgradient(theta)
    return objective.gradient, reaching


def _blocks(layers):
    """Return (first, last + 1) of each weight matrix and the layers up to the next one."""
    starts = [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]
    return list(zip(starts, starts[1:] + [len(layers)], strict=True))


def _record(plan, run, index, block, outputs, gradient, reaching):
    first, end = block
    layers, is_last = plan.network.layers, end == len(plan.network.layers)
    kinds = (Activation, ParametricActivation)
    places = [i for i in range(first, end) if isinstance(layers[i], kinds)]
    if places:
        [place] = places
        activation, Z, A, dZ = layers[place], outputs[place], outputs[place + 1], place - 1
        if isinstance(activation, ParametricActivation):
            slope = activation.slope(Z, run.theta.layers[place])
            activation = activation.activation
        else:
            slope = np.empty_like(Z)
            activation.slope(Z, A, slope)
        name = NAMES.get(type(activation), type(activation).__name__)
    else:
        name, Z, A, dZ = "identity", outputs[end], outputs[end], end - 1
        slope = np.ones_like(Z)
    W, dW = run.theta.layers[first].W.copy(), gradient.layers[first].W.copy()
    return LayerRecord(
        index, "output" if is_last else f"hidden {index + 1}", name, outputs[first], Z, A, slope,
        W, dW, reaching[dZ],
        _update_ratio(plan, layers[first].slots()[0], W, dW, np.linalg.norm(gradient.trainable)),
    )  # fmt: skip


def _update_ratio(plan, slot, W, dW, length):
    # Weights that L1 holds at zero do not move.
    size, norm = np.count_nonzero(W), np.linalg.norm(W)
    if not norm:
        return np.nan
    kept = 1.0 if plan.clip_norm is None else min(1.0, plan.clip_norm / max(length, 1e-300))
    rate = plan.rate * plan.network.rate * slot.rate
    if isinstance(plan.solver, Adam):
        return float(rate * slot.unit * np.sqrt(size) / norm)
    if isinstance(plan.solver, SGD):
        return float(rate * slot.unit**2 * kept * np.linalg.norm(dW) / norm)
    return np.nan


def _perfect_loss(loss, Y, share):
    smallest = np.finfo(np.float64).tiny  # a link may be a logarithm
    raw = loss.link(np.maximum(Y, smallest) if np.all(Y >= 0) else Y)
    return float(loss(Y, raw, share, np.empty_like(Y)))


def _constant_loss(loss, Y, share):
    """Return the least mean loss of raw outputs that are the same for all rows."""

    def evaluate(raw):
        d_raw = np.empty_like(Y)
        value = loss(Y, np.tile(raw, (len(Y), 1)), share, d_raw)
        return value, d_raw.sum(axis=0)

    with np.errstate(all="ignore"):
        starts = [np.zeros(Y.shape[1]), *map(loss.link, (Y.mean(axis=0), np.median(Y, axis=0)))]
        starts = [start for start in starts if np.all(np.isfinite(start))]
        best = min(starts, key=lambda start: evaluate(start)[0])
        return float(min(evaluate(best)[0], minimize(evaluate, best, jac=True).fun))
