"""What every layer is: a recipe with a way forward and a way back."""

from abc import ABC, abstractmethod
from typing import ClassVar

DRAWS = ("mask", "hidden noise", "weight noise")


class Layer(ABC):
    """Base class of layers: frozen dataclasses that hold hyperparameters only.

    Numbers live in the vector (`p`, the layer's views on it; `g`, the same views on the
    gradient), scratch memory in the workspace `ws`. Aliasing contract: `forward` never writes
    into its input; `backward` may overwrite `dY` and overwrites `g`; a returned array is valid
    until the next call on the same workspace.
    """

    smooth = True
    """False if the output has kinks, where a difference quotient means nothing."""

    draws: ClassVar[str | None] = None
    """What the layer draws from its workspace's stream, one of `DRAWS`, or None."""

    @property
    def needs_sample(self):
        """Whether `initialize` looks at the layer's input on a sample of rows."""
        return False

    def slots(self):
        """Return the arrays that the layer needs, as a list of Slot."""
        return []

    def initialize(self, p, rng, X):
        """Fill `p` before training; `X` is the layer's input on a sample of rows, or None."""

    @abstractmethod
    def forward(self, X, p, ws):
        """Return the layer's output for X of shape (n, d)."""

    @abstractmethod
    def backward(self, dY, p, g, ws):
        """Write dJ/dp into `g`; return dJ/dX for the X of the last `forward`."""

    def input_norms(self, norms, p):
        """Return the norms of what each column of X leads to, given those for each column of Y."""
        return norms
