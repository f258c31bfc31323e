"""Where training starts: rules for the weights W of shape (fan_in, fan_out), and for the biases."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .component import Component, require

DISTRIBUTIONS = ("normal", "uniform")
BIAS_ROWS = 5  # of "he+5"


class Initializer(Component, ABC):
    """Base class of initializers."""

    needs_sample = False
    """True if the rule looks at the layer's input on a sample of the training rows."""

    breaks_symmetry = True
    """False if all units of a layer start equal, and so stay equal for ever."""

    bias_rate = 1.0
    """Factor of the learning rate of biases."""

    def unit(self, fan_in):
        """Return the unit in which an optimizer moves W; see `Slot`."""
        return 1.0

    def at_output(self):
        """Return the rule for the output layer."""
        return self

    @abstractmethod
    def __call__(self, rng, fan_in, fan_out):
        """Draw W of shape (fan_in, fan_out)."""

    def fill(self, W, rng, X=None):
        """Write a draw into `W`; `X` is the layer's input on a sample of rows, if known."""
        W[...] = self(rng, *W.shape)

    def fill_bias(self, b, W, rng, X=None):
        """Write a draw into `b`, which is 0, once W is drawn; by default leave it."""


@dataclass
class Constant(Initializer):
    """All weights equal to `c`: the units of a layer stay identical for ever.

    Parameters
    ----------
    c : float, default=0.0
        The common value.
    """

    c: float = 0.0
    breaks_symmetry = False

    def check(self):
        """Raise ValueError unless c is a finite number."""
        self._require_number("c", "(-inf, inf)")

    def __call__(self, rng, fan_in, fan_out):
        """Return an array full of `c`."""
        return np.full((fan_in, fan_out), self.c)


@dataclass
class Zeros(Initializer):
    """All weights zero: with a hidden layer no gradient flows at all."""

    breaks_symmetry = False

    def __call__(self, rng, fan_in, fan_out):
        """Return an array of zeros."""
        return np.zeros((fan_in, fan_out))


@dataclass
class Normal(Initializer):
    """W ~ N(0, scale^2), whatever the width.

    Parameters
    ----------
    scale : float, default=0.01
        Standard deviation; too small collapses deep activations to 0, too large saturates them.
    """

    scale: float = 0.01

    def check(self):
        """Raise ValueError for a negative scale."""
        self._require_number("scale", "[0, inf)")

    def __call__(self, rng, fan_in, fan_out):
        """Draw from N(0, scale^2)."""
        return rng.normal(0.0, self.scale, (fan_in, fan_out))


@dataclass
class Uniform(Initializer):
    """W ~ U(-scale, scale), whatever the width.

    Parameters
    ----------
    scale : float, default=0.01
        Half the width of the interval; the variance is scale^2 / 3.
    """

    scale: float = 0.01

    def check(self):
        """Raise ValueError for a negative scale."""
        self._require_number("scale", "[0, inf)")

    def __call__(self, rng, fan_in, fan_out):
        """Draw from U(-scale, scale)."""
        return rng.uniform(-self.scale, self.scale, (fan_in, fan_out))


@dataclass
class VarianceScaling(Initializer):
    """Base class: mean 0 and a variance that depends on the width of the layer.

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution; "uniform" draws from U(-sqrt(3) s, sqrt(3) s), which has
        the same variance s^2.
    """

    distribution: str = "normal"

    def check(self):
        """Raise ValueError for an unknown distribution."""
        self._require(self.distribution in DISTRIBUTIONS, "distribution", f"in {DISTRIBUTIONS}")

    @abstractmethod
    def variance(self, fan_in, fan_out):
        """Return the variance of one weight."""

    def __call__(self, rng, fan_in, fan_out):
        """Draw with mean 0 and the rule's variance."""
        std = np.sqrt(self.variance(fan_in, fan_out))
        if self.distribution == "normal":
            return rng.normal(0.0, std, (fan_in, fan_out))
        limit = np.sqrt(3.0) * std
        return rng.uniform(-limit, limit, (fan_in, fan_out))


@dataclass
class LeCun(VarianceScaling):
    """Var W = 1 / fan_in (LeCun et al., 1998): keeps the variance through linear units.

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution.
    """

    def variance(self, fan_in, fan_out):
        """Return 1 / fan_in."""
        return 1.0 / fan_in


@dataclass
class Xavier(VarianceScaling):
    """Var W = 2 / (fan_in + fan_out) (Glorot & Bengio, 2010).

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution.
    """

    def variance(self, fan_in, fan_out):
        """Return 2 / (fan_in + fan_out)."""
        return 2.0 / (fan_in + fan_out)


@dataclass
class He(VarianceScaling):
    """Var W = 2 / fan_in (He et al., 2015): keeps the second moment through ReLU layers.

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution.
    """

    def variance(self, fan_in, fan_out):
        """Return 2 / fan_in."""
        return 2.0 / fan_in


@dataclass
class Orthogonal(Initializer):
    """W = gain Q, with Q from the QR decomposition of a normal matrix (Saxe et al., 2014).

    All min(fan_in, fan_out) singular values equal `gain`.

    Parameters
    ----------
    gain : float, default=1.0
        The common singular value.
    """

    gain: float = 1.0

    def check(self):
        """Raise ValueError unless gain is positive."""
        self._require_number("gain", "(0, inf)")

    def __call__(self, rng, fan_in, fan_out):
        """Draw uniformly among the matrices with orthonormal columns (or rows), times gain."""
        tall = rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out)))
        Q, R = np.linalg.qr(tall)
        # Without the signs of R's diagonal, Q would not be uniform (Mezzadri, 2007).
        Q *= np.sign(np.diag(R))
        return self.gain * (Q if fan_in >= fan_out else Q.T)


@dataclass
class DataDriven(LeCun):
    """Layer-sequential unit variance (Mishkin & Matas, 2016).

    W is drawn as LeCun's rule says, then divided by the standard deviation of X W over a sample
    of training rows and all units, so that every layer's pre-activations have variance 1.

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution.
    """

    needs_sample = True

    def fill(self, W, rng, X=None):
        """Draw W, then scale it so that Var(X W) = 1."""
        super().fill(W, rng)
        std = np.std(X @ W)
        if std > 0:
            W /= std


@dataclass
class NTK(LeCun):
    """Neural tangent parametrization (Jacot et al., 2018), as RealMLP uses it.

    The layer is ``X V / sqrt(fan_in) + b`` with V ~ N(0, 1) and b ~ N(0, 1), and the optimizer
    moves V. Here W = V / sqrt(fan_in) is stored, so the network is an ordinary one: W has variance
    1 / fan_in and is moved in units of 1 / sqrt(fan_in), so a rate of 0.04 and Adam move a layer of
    256 inputs by 0.0025. Biases have a tenth of the rate, and the output layer starts at 0
    (Holzmueller et al., 2024).

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution of V.
    data_driven : bool, default=False
        Look at a sample of training rows: each column of W is divided by the standard deviation of
        its column of X W, and each bias is minus a mean of X W over 5 rows drawn at random, with
        random weights ("he+5"), so that the kinks of the units lie where the data are.
    zero_output : bool, default=True
        Start with W = 0 and b = 0 in the output layer.
    """

    data_driven: bool = False
    zero_output: bool = True
    bias_rate = 0.1

    def check(self):
        """Raise ValueError for values of a wrong kind."""
        super().check()
        for name in ("data_driven", "zero_output"):
            self._require(isinstance(getattr(self, name), bool), name, "a bool")

    @property
    def needs_sample(self):  # type: ignore[override]  # a constant of all other rules
        """Whether the rule looks at training rows."""
        return self.data_driven

    def unit(self, fan_in):
        """Return 1 / sqrt(fan_in)."""
        return float(fan_in) ** -0.5

    def at_output(self):
        """Return zeros that move as these weights do, or the rule itself."""
        return NTKOutput() if self.zero_output else self

    def fill(self, W, rng, X=None):
        """Draw W; if data-driven, scale it so that each column of X W has variance 1."""
        super().fill(W, rng)
        if self.data_driven:
            std = np.std(X @ W, axis=0)
            W /= np.where(std > 0, std, 1.0)

    def fill_bias(self, b, W, rng, X=None):
        """Draw from N(0, 1), or minus weighted means of X W over few rows."""
        if not self.data_driven:
            b[...] = rng.normal(size=len(b))
            return
        Z = X @ W
        rows = rng.integers(len(Z), size=(BIAS_ROWS, len(b)))
        shares = rng.dirichlet(np.ones(BIAS_ROWS), size=len(b)).T
        b[...] = -np.sum(shares * Z[rows, np.arange(len(b))], axis=0)


@dataclass
class NTKOutput(Zeros):
    """The output layer of `NTK`: zero, moved as its other layers are."""

    bias_rate = NTK.bias_rate

    def unit(self, fan_in):
        """Return 1 / sqrt(fan_in)."""
        return NTK().unit(fan_in)


@dataclass
class FromFunction(Initializer):
    """W = function(rng, fan_in, fan_out), the user's own rule."""

    function: Callable

    def __call__(self, rng, fan_in, fan_out):
        """Call the function and check the shape of what it returns."""
        W = np.asarray(self.function(rng, fan_in, fan_out))
        _require_shape(W, (fan_in, fan_out))
        return W


@dataclass(eq=False)
class FromArray(Initializer):
    """W = array, given by the user."""

    array: np.ndarray

    def __call__(self, rng, fan_in, fan_out):
        """Return the array if its shape fits."""
        W = np.asarray(self.array)
        _require_shape(W, (fan_in, fan_out))
        return W


def _require_shape(W, shape):
    require(W.shape == shape, "the estimator", "init", f"an array of shape {shape} here", W.shape)


INITIALIZERS = {
    "zeros": Zeros,
    "normal": Normal,
    "uniform": Uniform,
    "lecun": LeCun,
    "xavier": Xavier,
    "he": He,
    "orthogonal": Orthogonal,
    "data": DataDriven,
    "ntk": NTK,
}

AUTO = {"relu": He, "selu": LeCun, "saturating": Xavier, "linear": Xavier}
"""What ``init="auto"`` means for each family of activations."""
