"""Checks of data and layers: each takes a `Case` and yields a `Finding` for what is wrong.

A check compares one number with one threshold. The thresholds are wide: a network that they pass
may still be bad, but one that they stop is almost surely broken.
"""

import numpy as np
from scipy.sparse import issparse

from .findings import Finding

LARGE_COLUMN, SMALL_COLUMN = 10.0, 0.01
LARGE_CLIPPED_COLUMN = 2.5  # robust scaling lets 3 through, and half of the rows have < 1
DOMINANT_CLASS = 0.995
DEAD_SHARE = 0.5  # with ReLUs, a third is usual where biases start at random
ACTIVE_SLOPE = 0.011  # a leaky ReLU has 0.01 where it is not active
SATURATED_SLOPE, SATURATED_ROWS, SATURATED_SHARE = 0.05, 0.8, 0.5
EXPLODING, VANISHING = 20.0, 1e-3
UNEVEN_GRADIENTS = 1e4
PEAK_SLOPES = {"logistic": 0.25, "tanh": 1.0}
LINEAR = "identity"


def unscaled_column(case):
    """Columns that reach the network much larger than 1, or too small to be seen."""
    inputs = case.now.inputs
    square = inputs.multiply(inputs) if issparse(inputs) else inputs**2
    rms = np.sqrt(np.asarray(square.mean(axis=0)).ravel())
    peak = abs(inputs).max(axis=0)
    peak = peak.toarray().ravel() if issparse(peak) else peak
    small = (peak > 0) & (peak < SMALL_COLUMN)
    clipped = case.params["scaling"] == "robust"
    large = rms > (LARGE_CLIPPED_COLUMN if clipped else LARGE_COLUMN)
    for columns, worst, what in [
        (large, np.argmax(rms), "large"),
        (small, np.argmin(np.where(small, peak, np.inf)), "small"),
    ]:
        if not columns.any():
            continue
        others = f", and {columns.sum() - 1} more columns" if columns.sum() > 1 else ""
        if case.params["scaling"] is None:
            advice = "Set scaling='robust'."
        else:
            advice = "It is scaled by the training rows: are these rows unlike them, or outliers?"
        yield Finding(
            "unscaled_column", float(rms[worst]), _column(case, worst),
            f"reaches the network with a root mean square of {rms[worst]:.2g}, where about 1 is "
            f"wanted: too {what}{others}.", advice,
        )  # fmt: skip


def constant_target(case):
    """A target with nothing to learn."""
    Y = case.now.targets
    if not case.classifies:
        spread = Y.std(axis=0) / np.maximum(1e-300, np.abs(Y).max(axis=0))
        if spread.min() < 1e-10:
            yield Finding(
                "constant_target", 0.0, None, "a column of y has one value in all rows.",
                "Nothing can be learnt: check y.",
            )  # fmt: skip
        return
    share = Y.mean(axis=0)
    share = np.maximum(share, 1.0 - share).min() if Y.shape[1] == 1 else share.max()
    several_labels = Y.shape[1] > 1 and not np.allclose(Y.sum(axis=1), 1.0)
    if share > DOMINANT_CLASS and not several_labels:
        yield constant_labels(share)


def constant_labels(share):
    """Return the finding that nearly all rows, or all, have the same label."""
    advice = "Collect rows of the other classes, or check y."
    if share < 1:
        advice = "Set class_weight='balanced'; collect rows of the other classes, or check y."
    message = f"{share:.2%} of the rows have the same label."
    return Finding("constant_target", float(share), None, message, advice)


def activations(case):
    """Activations that grow or vanish from layer to layer, relative to the input."""
    first = case.start.layers[0].inputs
    scale = np.sqrt(first.multiply(first).mean() if issparse(first) else np.mean(first**2))
    if not scale:
        return
    for layer in case.start.layers:
        # Biases of NTK have variance 1, however small the values of sparse rows may be.
        growth = np.sqrt(np.mean(layer.Z**2)) / max(scale, 1.0)
        if growth > EXPLODING:
            yield Finding(
                "exploding_activations", float(growth), layer.name,
                f"at the initial weights, values are {growth:.2g} times "
                f"{'those of the input' if scale >= 1.0 else 'as large as 1'}.",
                "Set init='auto', or a smaller scale in init; or batchnorm=True.",
            )  # fmt: skip
            break
    for layer in case.start.layers[:-1]:
        left = np.sqrt(np.mean(layer.A.var(axis=0))) / scale
        if left < VANISHING:
            yield Finding(
                "vanishing_activations", float(left), layer.name,
                f"at the initial weights, activations differ between rows by {left:.2g} of what "
                "the input does.",
                "Set init='auto', or a larger scale in init; or batchnorm=True; or fewer layers.",
            )  # fmt: skip
            break


def gradients(case):
    """Gradients that grow or vanish on the way back, relative to the weights."""
    if not case.start.layers[-1].weight_norm:
        return  # those of the other layers are gradients of penalties alone
    layers = [layer for layer in case.start.layers if layer.gradient_ratio > 0]
    if len(layers) < 2:
        return
    ratio = layers[0].gradient_ratio / layers[-1].gradient_ratio
    if ratio < 1 / UNEVEN_GRADIENTS or ratio > UNEVEN_GRADIENTS:
        vanish = ratio < 1
        verb = "vanishing" if vanish else "exploding"
        yield Finding(
            f"{verb}_gradients", float(ratio), layers[0].name,
            f"at the initial weights, the gradient relative to the weights is {ratio:.2g} times "
            "that of the output.",
            "Set init='auto', batchnorm=True, or fewer layers"
            + (", or activation='relu'." if vanish else "."),
        )  # fmt: skip


def dead_units(case):
    """Units of the ReLU family that are active on no row."""
    for layer in case.now.layers:
        if layer.activation in PEAK_SLOPES or layer.activation == LINEAR:
            continue
        alive = layer.W.any(axis=0)  # L1 has switched the others off on purpose
        dead = np.all(np.abs(layer.slope) < ACTIVE_SLOPE, axis=0) & alive
        share = dead.sum() / max(1, alive.sum())
        if share > DEAD_SHARE:
            yield Finding(
                "dead_units", float(share), layer.name,
                f"{share:.0%} of the units are active on none of the {len(layer.Z)} rows.",
                "Lower learning_rate_init, set init='auto' and scaling='robust', or try "
                "activation='leaky_relu' or batchnorm=True.",
            )  # fmt: skip


def saturated_units(case):
    """Sigmoids whose slope is nearly zero on nearly all rows."""
    for layer in case.now.layers:
        if layer.activation not in PEAK_SLOPES:
            continue
        flat = np.abs(layer.slope) < SATURATED_SLOPE * PEAK_SLOPES[layer.activation]
        share = np.mean(flat.mean(axis=0) > SATURATED_ROWS)
        if share > SATURATED_SHARE:
            yield Finding(
                "saturated_units", float(share), layer.name,
                f"{share:.0%} of the units are at the flat ends of the {layer.activation} on "
                f"more than {SATURATED_ROWS:.0%} of the rows.",
                "Set init='auto' and scaling='robust', lower learning_rate_init, or raise alpha.",
            )  # fmt: skip


LAYER_CHECKS = (
    unscaled_column, constant_target, activations, gradients, dead_units, saturated_units,
)  # fmt: skip


def _column(case, index):
    if case.names is not None:
        return f"column {case.names[index]!r}"
    return f"column {index}"
