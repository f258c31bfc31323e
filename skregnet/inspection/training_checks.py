"""Checks of a training run and its result: each takes a `Case` and yields a `Finding`."""

import numpy as np

from .findings import Finding

LARGE_UPDATE, SMALL_UPDATE = 0.3, 1e-4
RISE, NOISE, FLOOR, BLOWN_UP = 0.7, 8.0, 0.1, 10.0
STILL_FALLING, STILL_HIGH, MIN_EPOCHS = 0.12, 0.3, 4
NO_BETTER = 0.98
CONSTANT_SPREAD = 1e-3
GAP = 0.5


def updates(case):
    """Steps that are far from what a weight can take, or that move nothing."""
    ratios = {layer.name: layer.update_ratio for layer in case.start.layers}
    ratios = {name: ratio for name, ratio in ratios.items() if np.isfinite(ratio)}
    if not ratios:
        return
    # Layers that move little are harmless as long as another one moves.
    fastest = max(ratios, key=ratios.get)
    ratio = ratios[fastest]
    if SMALL_UPDATE <= ratio <= LARGE_UPDATE:
        return
    is_large = ratio > LARGE_UPDATE
    yield Finding(
        "large_updates" if is_large else "small_updates", ratio, fastest,
        f"a first step at learning_rate_init would change the weights by about {ratio:.1g} of "
        "their norm, where 0.001 to 0.1 is usual.",
        "Lower learning_rate_init." if is_large else "Raise learning_rate_init.",
    )  # fmt: skip


def unstable_loss(case):
    """A training loss that jumps up again, or that was never finite."""
    if case.history is None or case.constant_target:
        return
    curve = case.relative(case.history["loss"])
    advice = "Lower learning_rate_init, or set init='auto' and scaling='robust'."
    if not len(curve):
        message = "not one epoch was finished: the loss became infinite or NaN."
        yield Finding("unstable_loss", np.inf, None, message, advice)
        return
    rise, noise, epoch = _rise(curve)
    if rise > max(RISE, NOISE * noise):
        yield Finding(
            "unstable_loss", float(np.exp(rise)), None,
            f"the training loss of epoch {epoch} is {np.exp(rise):.2g} times as high as it was "
            "before.", advice,
        )  # fmt: skip
        return
    factor = float(curve[-1] / max(1.0, case.relative(case.start.loss)))
    if factor > BLOWN_UP:
        yield Finding(
            "unstable_loss", factor, None,
            f"the training loss is {factor:.2g} times that of the initial weights.", advice,
        )  # fmt: skip


def _rise(curve):
    """Return the largest rise of the logarithm, its usual noise, and the epoch of the rise."""
    # Masks and small batches make noise in proportion to the loss; below the floor it is small.
    level = np.log(np.maximum(curve, 0.0) + FLOOR)
    rises = level - np.minimum.accumulate(level)
    noise = np.median(np.abs(np.diff(level, 2))) / 1.65 if len(level) > 2 else 0.0
    return float(np.max(rises)), float(noise), int(np.argmax(rises)) + 1


def loss_still_falling(case):
    """A training loss that is high and was still falling when training ended."""
    if case.history is None or case.constant_target:
        return
    curve = case.relative(case.history["loss"])
    n = len(curve)
    stopped_later = case.best_epoch is not None and case.best_epoch < 0.9 * n
    if n < MIN_EPOCHS or stopped_later:
        return
    share = _share_of_fall(curve, n)
    # A rate that falls to 0 lowers every loss: one on its way down fell before that, too.
    rates = np.array(case.history["learning_rate"])
    last_fast = np.flatnonzero(~(rates < 0.5 * np.max(rates)))[-1]
    before = _share_of_fall(curve, last_fast + 1)
    # The loss without masks and label smoothing, which keep the curve up.
    high = case.relative(case.now.loss) > STILL_HIGH
    if high and min(share, before) > STILL_FALLING:
        yield Finding(
            "loss_still_falling", float(share), None,
            f"{share:.0%} of the fall of the training loss lies in the last quarter of the {n} "
            "epochs, so training ended on the way down.",
            "Raise learning_rate_init, or max_iter." if case.has_steps else "Raise max_iter.",
        )  # fmt: skip


def _share_of_fall(curve, stop):
    """Return the share of its fall that a curve makes in a quarter of its epochs before `stop`."""
    lowest = np.minimum.accumulate(curve)  # to come down from a bump is no progress
    length, total = max(2, len(curve) // 4), lowest[0] - lowest[-1]
    stop = max(stop, length + 1)
    return (lowest[stop - length - 1] - lowest[stop - 1]) / total if total > 0 else 0.0


def no_better_than_constant(case):
    """A loss that a constant prediction reaches, too."""
    if not case.now.fitted or case.constant_target:
        return
    relative = float(case.relative(case.now.loss))
    if relative > NO_BETTER:
        rate = "change learning_rate_init, " if case.has_steps else ""
        yield Finding(
            "no_better_than_constant", relative, None,
            f"the loss on these rows is {relative:.3g} times that of the best constant prediction.",
            f"Lower alpha, {rate}or raise max_iter; or X says nothing about y.",
        )  # fmt: skip


def constant_predictions(case):
    """Outputs that do not depend on X."""
    if not case.now.fitted or case.constant_target:
        return
    raw, Y = case.now.layers[-1].Z, case.now.targets
    spread = float(raw.std(axis=0).max() / (1.0 if case.classifies else Y.std(axis=0).max()))
    if spread < CONSTANT_SPREAD:
        yield Finding(
            "constant_predictions", spread, "output",
            f"raw outputs differ between rows by {spread:.1g} only.",
            "Lower alpha or l1_ratio; with dead or saturated units, cure those first.",
        )  # fmt: skip


def generalization_gap(case):
    """A validation loss far above the training loss."""
    if not case.now.fitted or case.constant_target:
        return
    training, validation = case.now.loss, case.validation_loss
    curve = (case.history or {}).get("validation_loss")
    if validation is None and curve:
        kept = (case.best_epoch or len(curve)) - 1
        training, validation = case.history["loss"][kept], curve[kept]
    if validation is None:
        return
    gap = float(case.relative(validation) - case.relative(training))
    if gap > GAP:
        yield Finding(
            "generalization_gap", gap, None,
            f"the validation loss is {validation:.3g}, the training loss {training:.3g} (a "
            f"constant prediction has {case.now.constant_loss:.3g}).",
            _against_the_gap(case),
        )  # fmt: skip


def _against_the_gap(case):
    """Return what can make the gap smaller and is not set already."""
    options = [
        ("raise alpha", True),
        ("lower keep_prob", case.has_steps and not case.is_linear),
        ("set early_stopping=True", "validation_loss" not in case.history),
        ("make hidden_layer_sizes smaller", not case.is_linear),
    ]
    words = [option for option, can_help in options if can_help]
    text = words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, or {words[-1]}"
    return f"{text[0].upper()}{text[1:]}."


TRAINING_CHECKS = (
    updates, unstable_loss, loss_still_falling, no_better_than_constant, constant_predictions,
    generalization_gap,
)  # fmt: skip
