"""Analytic against numeric gradient, over all parameters in one vector.

    g_n[i] = ( J(theta + h e_i) - J(theta - h e_i) ) / (2 h),   error O(h^2)

    relative error = |g_a - g_n| / (|g_a| + |g_n|)
"""

from dataclasses import dataclass, field, fields

import numpy as np

STEP = 6e-6  # about the cube root of the unit roundoff: truncation and rounding balance
JITTER = 1e-3
TOLERANCE = 1e-7
ROUNDOFF = np.finfo(np.float64).eps / 2
KINK_REFINEMENT = 16


@dataclass(frozen=True)
class BlockCheck:
    r"""The comparison for one parameter array of one layer.

    Attributes
    ----------
    layer : str
        Index and type of the layer, such as ``"0 Dense"``.
    parameter : str
        Name of the array, such as ``"W"``.
    error : float
        \|g_a - g_n\| / (\|g_a\| + \|g_n\|) of this block; 0.0 if it agrees at rounding.
    at_rounding : bool
        The relative error is large, but only because the gradient is so small that the rounding of
        J hides it: the two differ by no more than that.
    """

    layer: str
    parameter: str
    error: float
    at_rounding: bool


@dataclass(frozen=True)
class GradientReport:
    r"""What `check_gradients` found; prints as a table that names the worst block.

    Attributes
    ----------
    relative_error : float
        \|g_a - g_n\| / (\|g_a\| + \|g_n\|) over all parameters. Below 1e-7 is good.
    blocks : list of BlockCheck
        The same for every array of every layer.
    moved : bool
        True if J has kinks and the check was therefore made at a slightly moved point.
    filled : bool
        True if the output weights were all 0 and the check was made with random ones instead, for
        no gradient passes zeros.
    tolerance : float
        What `passed` compares with.
    """

    relative_error: float
    blocks: list[BlockCheck] = field(repr=False)
    moved: bool
    tolerance: float = TOLERANCE
    filled: bool = False

    @property
    def passed(self):
        """Whether the whole gradient and each block agree to within `tolerance`."""
        errors = [self.relative_error] + [block.error for block in self.blocks]
        return all(error < self.tolerance for error in errors)

    @property
    def worst(self):
        """The block with the largest error."""
        return max(self.blocks, key=lambda block: np.nan_to_num(block.error, nan=np.inf))

    def to_frame(self):
        """Return the blocks as a table.

        Returns
        -------
        frame : pandas.DataFrame
            With columns ``layer``, ``parameter``, ``error`` and ``at_rounding``, one row a block.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "GradientReport.to_frame requires pandas. You can install it with "
                "`pip install pandas`"
            ) from error
        columns = [column.name for column in fields(BlockCheck)]
        records = [[getattr(block, name) for name in columns] for block in self.blocks]
        return pandas.DataFrame(records, columns=columns)

    def __str__(self):
        verdict = "passed" if self.passed else f"FAILED, worst in layer {self.worst.layer}, "
        if not self.passed:
            verdict += f"parameter {self.worst.parameter}"
        lines = [f"gradient check {verdict}: relative error {self.relative_error:.1e}"]
        if self.moved:
            lines.append(f"(the objective has kinks: checked at a point moved by {JITTER:g} rms)")
        if self.filled:
            lines.append("(output weights of 0 pass no gradient: checked with random ones)")
        lines.append(f"{'layer':<24}{'parameter':<12}{'error':>8}")
        for block in self.blocks:
            note = "  at rounding" if block.at_rounding else ""
            lines.append(f"{block.layer:<24}{block.parameter:<12}{block.error:8.1e}{note}")
        return "\n".join(lines)


def gradient_check(evaluate, theta, layer_names, smooth=True):
    """Compare the gradient that `evaluate` claims with two-sided differences.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(theta)`` returns J as a float and dJ/dtheta over the trainable zone, as an
        ndarray that the next call may overwrite. It must be deterministic.
    theta : Vector
        Where, in float64; a private copy of the caller's numbers, for it is moved.
    layer_names : list of str
        Names for the report, one a layer.
    smooth : bool, default=True
        False if J has kinks: `theta` is then first moved by a seeded jitter.

    Returns
    -------
    report : GradientReport
    """
    blocks = theta.layout.trainable_blocks
    filled = _fill_output(theta)
    scales = [_rms(theta.data[block.start : block.stop]) or 1.0 for block in blocks]
    if not smooth:
        _jitter(theta, blocks, scales)
    J, analytic = evaluate(theta)
    analytic = analytic.copy()
    numeric = np.empty_like(analytic)
    checks = []
    for block, scale in zip(blocks, scales, strict=True):
        here = slice(block.start, block.stop)
        h = STEP * scale
        for i in range(block.start, block.stop):
            numeric[i] = _numeric(evaluate, theta, i, h, analytic[i], smooth)
        error = relative_error(analytic[here], numeric[here])
        noise = 10 * ROUNDOFF * max(abs(J), 1.0) * np.sqrt(block.stop - block.start) / h
        difference = np.linalg.norm(analytic[here] - numeric[here])
        at_rounding = bool(error >= TOLERANCE and difference < noise)
        if at_rounding:
            error, numeric[here] = 0.0, analytic[here]
        checks.append(BlockCheck(layer_names[block.layer], block.name, error, at_rounding))
    return GradientReport(relative_error(analytic, numeric), checks, not smooth, filled=filled)


def relative_error(a, b):
    """Return |a - b| / (|a| + |b|), and 0 if both are zero."""
    total = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / total) if total != 0 else 0.0


def _numeric(evaluate, theta, i, h, claimed, smooth):
    numeric = _two_sided(evaluate, theta, i, h)
    if not smooth and abs(numeric - claimed) > TOLERANCE * (abs(numeric) + abs(claimed)):
        # A kink may lie within h of theta; a wrong gradient stays wrong with a smaller step.
        closer = _two_sided(evaluate, theta, i, h / KINK_REFINEMENT)
        numeric = min(numeric, closer, key=lambda value: abs(value - claimed))
    return numeric


def _two_sided(evaluate, theta, i, h):
    here = theta.data[i]
    above, below = here + h, here - h
    theta.data[i] = above
    J_above, _ = evaluate(theta)
    theta.data[i] = below
    J_below, _ = evaluate(theta)
    theta.data[i] = here
    return (J_above - J_below) / (above - below)


def _fill_output(theta):
    """Draw the last of several weight matrices if it is all 0; return whether it was."""
    *before, last = theta.layout.weight_blocks or [None]
    if not before or theta.data[last.start : last.stop].any():
        return False
    draw = np.random.default_rng(1).normal(size=last.stop - last.start)
    theta.data[last.start : last.stop] = draw / np.sqrt(last.shape[0])
    return True


def _jitter(theta, blocks, scales):
    rng = np.random.default_rng(0)
    for block, scale in zip(blocks, scales, strict=True):
        part = theta.data[block.start : block.stop]
        part += JITTER * scale * rng.normal(size=part.size)


def _rms(values):
    return float(np.sqrt(np.mean(values**2)))
