"""The network, and the penalties on its weights."""

from numbers import Real

import numpy as np

from ..core.activations import ACTIVATIONS
from ..core.component import require, resolve
from ..core.dense import Dense
from ..core.dropout import Dropout
from ..core.feature_scale import FeatureScale
from ..core.initializers import INITIALIZERS, FromArray, FromFunction, Initializer
from ..core.network import Network
from ..core.noise import Noise, NoisyDense
from ..core.normalization import BatchNorm, GroupNorm
from ..core.parametric import ParametricActivation
from ..core.penalties import ElasticNet, MaxNorm
from ..exceptions import SymmetryWarning, warn
from .automatic import assemble_embedding, auto_init, network_rate, scales_features
from .choices import is_sequence, widths
from .combinations import impossible


def assemble_network(p, n_in, n_out, numeric=None, edges=None):
    """Return the network recipe for `n_in` columns and `n_out` raw outputs.

    `numeric` says which columns are numeric, as a sequence of int; None stands for all. `edges`
    are the quantiles of the columns that `embedding_shares` asks for.
    """
    hidden = widths(p)
    n_hidden = len(hidden)
    activations = [
        resolve_activation(name) for name in _per_layer(p.activation, n_hidden, "activation")
    ]
    keep_probs = _per_layer(p.keep_prob, n_hidden, "keep_prob")
    for keep_prob in keep_probs:
        ok = isinstance(keep_prob, Real) and 0 < keep_prob <= 1
        _require(p, ok, "keep_prob", "in the range (0, 1] for each hidden layer")
    inits = _initializers(p, activations)
    norm_place = "before" if p.batchnorm is True else p.batchnorm
    layers, n_in = _input_layers(p, n_in, range(n_in) if numeric is None else numeric, edges)
    for width, activation, keep_prob, init in zip(
        hidden, activations, keep_probs, inits[:-1], strict=True
    ):
        # The mean that batch normalization subtracts would cancel a bias.
        layers.append(_dense(p, n_in, width, init, bias=norm_place != "before"))
        if norm_place == "before":
            layers.append(BatchNorm(width))
        if p.group_norm is not None:
            layers.append(_group_norm(p, width))
        if activation.family != "linear":
            layers.append(_activation(p, activation, width))
        if norm_place == "after":
            layers.append(BatchNorm(width))
        if p.hidden_noise > 0:
            layers.append(Noise(float(p.hidden_noise)))
        if keep_prob < 1:
            layers.append(Dropout(keep_prob))
        n_in = width
    layers.append(_dense(p, n_in, n_out, inits[-1]))
    return Network(tuple(layers), network_rate(p))


def _input_layers(p, n_in, numeric, edges):
    """Return what stands before the first matrix, and how many columns it leaves to that.

    The scale acts on embedded columns.
    """
    layers = [Dropout(p.input_keep_prob)] if p.input_keep_prob < 1 else []
    embedding = assemble_embedding(p, len(numeric))
    if embedding is not None:
        impossible("numeric_embedding", not len(numeric), "no column of X holds numbers")
        layers.append(embedding.layer(n_in, tuple(int(column) for column in numeric), edges))
        n_in = layers[-1].n_out
    if scales_features(p):
        layers.append(FeatureScale(n_in))
    return layers, n_in


def embedding_shares(p):
    """Return the quantiles of the training rows that embeddings need, or None."""
    embedding = assemble_embedding(p, n_numeric=1)
    return None if embedding is None else embedding.shares


def _activation(p, activation, width):
    return ParametricActivation(width, activation) if p.parametric_activation else activation


def assemble_penalties(p, layout):
    """Return the penalties on the weights zone; absent ones are not in the list."""
    blocks = layout.weight_blocks
    alphas = _per_layer(p.alpha, len(blocks), "alpha", what="weight matrix")
    for alpha in alphas:
        ok = isinstance(alpha, Real) and 0 <= alpha < np.inf
        _require(p, ok, "alpha", "non-negative for each weight matrix")
    penalties = []
    if any(alphas):
        stretches = [(b.start, b.stop, float(a)) for b, a in zip(blocks, alphas, strict=True)]
        if len(set(alphas)) == 1:
            stretches = [(0, layout.n_weights, float(alphas[0]))]
        penalties.append(ElasticNet(tuple(s for s in stretches if s[2] > 0), float(p.l1_ratio)))
    if p.max_norm is not None:
        penalties.append(
            MaxNorm(tuple((b.start, b.stop, b.shape) for b in blocks), float(p.max_norm))
        )
    return tuple(penalties)


def _dense(p, n_in, n_out, init, bias=True):
    if p.weight_noise > 0:
        return NoisyDense(n_in, n_out, init, bias, float(p.weight_noise))
    return Dense(n_in, n_out, init, bias)


def _group_norm(p, width):
    ok = not isinstance(p.group_norm, bool) and width % p.group_norm == 0 and width > p.group_norm
    expected = (
        f"an int that divides the width of each hidden layer ({width} here) and is smaller, as a "
        "group of one unit has no variance"
    )
    _require(p, ok, "group_norm", expected)
    return GroupNorm(width, p.group_norm)


def resolve_activation(name):
    """Return the layer of an activation's name."""
    require(isinstance(name, str) and name in ACTIVATIONS, "the estimator", "activation",
            f"one of {sorted(ACTIVATIONS)}", name)  # fmt: skip
    return ACTIVATIONS[name]()


def _per_layer(value, n, name, what="hidden layer"):
    if not is_sequence(value):
        return [value] * n
    if len(value) != n:
        raise ValueError(
            f"The {name!r} parameter must be one value or one per {what} ({n} here). "
            f"Got {len(value)} values instead."
        )
    return list(value)


def _initializers(p, activations):
    n_hidden = len(activations)
    choices = _per_layer(p.init, n_hidden + 1, "init", what="weight matrix")
    families = [activation.family for activation in activations] + ["linear"]
    inits = [_initializer(p, *pair) for pair in zip(choices, families, strict=True)]
    inits[-1] = inits[-1].at_output()
    for init in inits[:n_hidden]:
        if not init.breaks_symmetry and not p.weight_noise:
            warn(
                f"init={init!r} makes all weights of a hidden layer equal: its units stay "
                "identical for ever, so the layer acts as one unit. Use init='auto'.",
                SymmetryWarning,
            )
            break
    return inits


def _initializer(p, choice, family):
    if isinstance(choice, str) and choice == "auto":
        return auto_init(p, family)
    if isinstance(choice, str | Initializer):
        return resolve(choice, INITIALIZERS, "init")
    return FromFunction(choice) if callable(choice) else FromArray(choice)


def _require(p, ok, name, expected):
    require(ok, type(p).__name__, name, expected, getattr(p, name))
