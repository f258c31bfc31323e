"""A stack of layers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .layers import DRAWS, Layer
from .streams import stream
from .vector import Layout, Vector
from .workspace import Workspace


@dataclass(frozen=True)
class Network:
    """layers[-1]( ... layers[0](X)): a recipe without numbers of its own.

    An optimizer multiplies its rate by `rate`, whatever the layers say of their own.
    """

    layers: tuple[Layer, ...]
    rate: float = 1.0

    @cached_property
    def layout(self):
        """Where each layer's arrays lie in the vector."""
        return Layout([layer.slots() for layer in self.layers], self.rate)

    @property
    def draws(self):
        """Whether a layer draws masks or noise."""
        return any(layer.draws for layer in self.layers)

    @property
    def smooth(self):
        """Whether the output is differentiable everywhere."""
        return all(layer.smooth for layer in self.layers)

    @property
    def needs_sample(self):
        """Whether an initializer looks at training rows."""
        return any(layer.needs_sample for layer in self.layers)

    def initialize(self, rng, dtype, X_sample=None):
        """Return a vector filled by the layers' initializers.

        Parameters
        ----------
        rng : numpy.random.Generator
            The stream of the initial weights.
        dtype : dtype
            Of the vector. Draws are made in double precision whatever it is.
        X_sample : ndarray of shape (n, d) or None
            Rows of scaled training data, for initializers that look at them.
        """
        theta = Vector.zeros(self.layout, dtype)
        X = X_sample
        for layer, p, ws in zip(self.layers, theta.layers, self.workspaces(dtype), strict=True):
            layer.initialize(p, rng, X)
            if X is not None:
                X = layer.forward(X, p, ws)
        return theta

    def mask_streams(self, seed, member=0, role="mask"):
        """Return for each layer the stream of its masks or noise, None if it draws nothing.

        A stream is keyed by what is drawn and by how many weight matrices lie before the layer, not
        by the layer's index, so that a technique switched on elsewhere leaves the draws as they
        were.
        """
        has_weights = [any(slot.zone == "weights" for slot in x.slots()) for x in self.layers]
        places = np.cumsum([0, *has_weights])[:-1]
        return [
            stream(seed, role, member, int(place), DRAWS.index(layer.draws))
            if layer.draws
            else None
            for layer, place in zip(self.layers, places, strict=True)
        ]

    def workspaces(self, dtype, mask_rngs=None):
        """Return one workspace a layer.

        Parameters
        ----------
        dtype : dtype
            Of the scratch arrays.
        mask_rngs : list of numpy.random.Generator or None
            One stream a layer, for training; prediction draws nothing.
        """
        rngs = mask_rngs or [None] * len(self.layers)
        return [
            Workspace(dtype, rng, needs_input_gradient=needed)
            for rng, needed in zip(rngs, self._need_input_gradient, strict=True)
        ]

    @cached_property
    def _need_input_gradient(self):
        has_numbers = [bool(layer.slots()) for layer in self.layers]
        return [any(has_numbers[:i]) for i in range(len(self.layers))]

    def forward(self, X, theta, workspaces, train=False, weight=None, masked=None):
        """Return the raw outputs of shape (n, m).

        Parameters
        ----------
        X : ndarray or sparse array of shape (n, d)
            A batch.
        theta : Vector
            The numbers; batch normalization updates its statistics while training.
        workspaces : list of Workspace
            Scratch memory; the output lives there.
        train : bool, default=False
            Use statistics of the batch.
        weight : ndarray of shape (n, 1) or None
            Relative weights of the rows, for statistics of the batch.
        masked : bool or None, default=None
            Draw masks; None means as `train`.
        """
        for layer, p, ws in zip(self.layers, theta.layers, workspaces, strict=True):
            ws.train = train
            ws.masked = train if masked is None else masked
            ws.weight = weight
            X = layer.forward(X, p, ws)
        return X

    def backward(self, d_raw, theta, gradient, workspaces):
        """Write dJ/dtheta of the last `forward` into `gradient`; `d_raw` is overwritten."""
        for i in range(len(self.layers) - 1, -1, -1):
            layer, p, g, ws = self.layers[i], theta.layers[i], gradient.layers[i], workspaces[i]
            d_raw = layer.backward(d_raw, p, g, ws)
            if not ws.needs_input_gradient:
                break
