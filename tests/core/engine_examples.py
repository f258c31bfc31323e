"""An example of every layer, loss and penalty, and derivatives by differences to test them with."""

import importlib
import inspect
import pkgutil

import numpy as np

import skregnet.core
from skregnet.core.activations import ACTIVATIONS
from skregnet.core.classification_losses import (
    CLASSIFICATION_LOSSES,
    SigmoidFocal,
    SigmoidHinge,
    SigmoidLoss,
    SoftmaxFocal,
    SoftmaxHinge,
    SoftmaxLoss,
)
from skregnet.core.dense import Dense
from skregnet.core.dropout import Dropout
from skregnet.core.embeddings import PeriodicEmbedding, PiecewiseLinearEmbedding
from skregnet.core.feature_scale import FeatureScale
from skregnet.core.initializers import Xavier
from skregnet.core.losses import REGRESSION_LOSSES, Gamma, Huber, Poisson, Quantile
from skregnet.core.network import Network
from skregnet.core.noise import Noise, NoisyDense
from skregnet.core.normalization import BatchNorm, GroupNorm
from skregnet.core.objective import Objective
from skregnet.core.parametric import ParametricActivation
from skregnet.core.penalties import ElasticNet, MaxNorm
from skregnet.core.vector import Layout, Vector
from skregnet.core.workspace import Workspace

GOOD = 1e-7  # what a two-sided difference in double precision can vouch for
STEP = 6e-6  # about the cube root of the unit roundoff
N_COLUMNS = 6  # two groups of three: of two units the normalized ones are always +1 and -1

LAYERS = {
    "Dense": Dense(N_COLUMNS, 3, Xavier()),
    "Dense without bias": Dense(N_COLUMNS, 3, Xavier(), bias=False),
    "BatchNorm": BatchNorm(N_COLUMNS),
    "GroupNorm of one group": GroupNorm(N_COLUMNS, 1),
    "GroupNorm of two groups": GroupNorm(N_COLUMNS, 2),
    "Dropout": Dropout(0.6),
    "Noise": Noise(0.5),
    "NoisyDense": NoisyDense(N_COLUMNS, 3, Xavier(), std=0.5),
    "NoisyDense without bias": NoisyDense(N_COLUMNS, 3, Xavier(), bias=False, std=0.5),
    "FeatureScale": FeatureScale(N_COLUMNS),
    "ParametricActivation": ParametricActivation(N_COLUMNS, ACTIVATIONS["selu"]()),
    "PeriodicEmbedding": PeriodicEmbedding(N_COLUMNS, tuple(range(N_COLUMNS)), 5, 3, 0.3),
    "PeriodicEmbedding of some": PeriodicEmbedding(N_COLUMNS, (0, 3, 4), 4, 2, 0.3),
    "PiecewiseLinearEmbedding": PiecewiseLinearEmbedding(
        N_COLUMNS, (1, 4, 5), ((-1.0, -0.01, 0.7, 1.5), (0.2,), (-0.5, 0.05))
    ),
} | {name: activation() for name, activation in ACTIVATIONS.items()}

CLASSIFIER_LOSSES = {
    f"{name}, {link}": loss().with_link(link)
    for name, loss in CLASSIFICATION_LOSSES.items()
    for link in ("sigmoid", "softmax")
}

LOSSES = (
    {name: loss() for name, loss in REGRESSION_LOSSES.items()}
    | CLASSIFIER_LOSSES
    | {"huber, narrow": Huber(delta=0.3), "quantile, low": Quantile(q=0.1)}
    | {f"focal {gamma:g}, sigmoid": SigmoidFocal(gamma) for gamma in (0.0, 0.5)}
    | {f"focal {gamma:g}, softmax": SoftmaxFocal(gamma) for gamma in (0.0, 0.5)}
)

N_WEIGHTS = 12  # a matrix of 4 x 2 and one of 2 x 2

PENALTIES = {
    "L1": ElasticNet(((0, N_WEIGHTS, 0.7),), 1.0),
    "L2": ElasticNet(((0, N_WEIGHTS, 0.7),), 0.0),
    "L1 and L2": ElasticNet(((0, N_WEIGHTS, 0.7),), 0.3),
    "one strength a layer": ElasticNet(((0, 8, 2.0), (8, 12, 0.1)), 0.5),
    "one layer only": ElasticNet(((8, 12, 0.4),), 0.5),
    "max-norm": MaxNorm(((0, 8, (4, 2)), (8, 12, (2, 2))), 0.9),
}


def concrete_subclasses(base, package=skregnet.core):
    """All classes of the package below `base` that can be made."""
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    found, todo = set(), [base]
    while todo:
        for cls in todo.pop().__subclasses__():
            todo.append(cls)
            if cls.__module__.startswith("skregnet.") and not inspect.isabstract(cls):
                found.add(cls)
    return found


def numeric_gradient(f, x, step=STEP):
    """Two-sided differences of the number f() in every entry of `x`, moved in place."""
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        here = x[i]
        x[i] = here + step
        above = f()
        x[i] = here - step
        below = f()
        x[i] = here
        gradient[i] = (above - below) / (2 * step)
    return gradient


def relative_error(a, b):
    """|a - b| / (|a| + |b|) over all entries; 0 if both are zero."""
    total = np.linalg.norm(a) + np.linalg.norm(b)
    return np.linalg.norm(np.subtract(a, b)) / total if total else 0.0


def away_from_zero(rng, shape):
    """Numbers of both signs that are no nearer to a kink at 0 than 0.1."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 2.0, shape)


def target(loss, rng, n, m):
    """Targets of shape (n, m) that the loss is defined for."""
    if isinstance(loss, SoftmaxLoss | SoftmaxHinge):
        return np.eye(m)[rng.integers(m, size=n)]
    if isinstance(loss, SigmoidLoss | SigmoidHinge):
        return rng.integers(2, size=(n, m)).astype(float)
    if isinstance(loss, Poisson):
        return rng.poisson(2.0, (n, m)).astype(float)
    if isinstance(loss, Gamma):
        return rng.gamma(2.0, size=(n, m))
    return rng.normal(size=(n, m))


class Probe:
    """One layer with numbers, and the scalar sum(C * layer(X)) as a function of all of them."""

    def __init__(self, layer, n=7, *, weight=None, dtype=np.float64, train=True, ws=None):
        rng = np.random.default_rng(n)
        self.layer = layer
        self.X = away_from_zero(rng, (n, N_COLUMNS)).astype(dtype)
        self.theta = Vector.zeros(Layout([layer.slots()]), dtype)
        self.gradient = Vector.zeros(self.theta.layout, dtype)
        self.gradient.data[:] = np.nan  # whoever adds to it is found out
        self.p, self.g = self.theta.layers[0], self.gradient.layers[0]
        layer.initialize(self.p, rng, None)
        self.theta.trainable[:] += 0.3 * rng.normal(size=self.theta.trainable.size)
        self.ws = ws or Workspace(dtype)
        self.ws.train = self.ws.masked = train
        self.ws.weight = weight
        self.C = rng.normal(size=self.forward().shape).astype(dtype)

    def forward(self):
        """The layer's output, with the same random draws at every call."""
        self.ws.rng = np.random.default_rng(0)
        return self.layer.forward(self.X, self.p, self.ws)

    def value(self):
        """The scalar."""
        return float(np.sum(self.C * self.forward()))

    def backward(self):
        """Write the gradient of the scalar into `gradient`; return the one in X."""
        self.forward()
        return self.layer.backward(self.C.copy(), self.p, self.g, self.ws)

    def outcome(self):
        """Copies of output, gradient in the numbers, and gradient in X."""
        Y = self.forward().copy()
        dX = self.backward().copy()
        return Y, self.gradient.trainable.copy(), dX


def frozen(objective):
    """`objective.value_and_gradient`, with the same random draws at every call."""

    def evaluate(*arguments):
        for i, ws in enumerate(objective.workspaces):
            ws.rng = np.random.default_rng(i)
        return objective.value_and_gradient(*arguments)

    return evaluate


def small_network(activation="tanh", *, batchnorm=False, keep_prob=1.0, n_in=3, n_out=2):
    """A network of one hidden layer with 4 units."""
    layers = [Dense(n_in, 4, Xavier(), bias=not batchnorm)]
    layers += [BatchNorm(4)] if batchnorm else []
    layers += [ACTIVATIONS[activation]()]
    layers += [Dropout(keep_prob)] if keep_prob < 1 else []
    return Network((*layers, Dense(4, n_out, Xavier())))


class Problem:
    """A small network, its loss and penalties, and 12 rows to train it on."""

    def __init__(self, network=None, loss=None, penalties=(), *, weighted=False, n_rows=12):
        rng = np.random.default_rng(1)
        self.network = network or small_network()
        self.loss = loss or REGRESSION_LOSSES["squared_error"]()
        self.penalties = penalties
        n_in, n_out = self.network.layers[0].n_in, self.network.layers[-1].n_out
        self.X = rng.normal(size=(n_rows, n_in))
        self.Y = target(self.loss, rng, n_rows, n_out)
        self.s = rng.uniform(0.5, 3.0, n_rows) if weighted else np.ones(n_rows)
        self.S = self.s.sum()
        self.weight = (n_rows * self.s / self.S)[:, np.newaxis] if weighted else None
        self.theta = self.network.initialize(rng, np.float64)
        self.theta.trainable[:] += 0.1 * rng.normal(size=self.theta.trainable.size)
        self.objective = Objective(self.network, self.loss, penalties, self.S, np.float64)
        self._frozen = frozen(self.objective)

    def evaluate(self, theta):
        """J and its gradient over the trainable zone."""
        value = self._frozen(theta, self.X, self.Y, self.weight)
        return value, self.objective.gradient.trainable

    @property
    def layer_names(self):
        """Index and type of each layer."""
        return [f"{i} {type(layer).__name__}" for i, layer in enumerate(self.network.layers)]
