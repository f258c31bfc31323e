"""When to stop."""

from collections.abc import Callable
from dataclasses import dataclass

from .choices import assemble_averaging, calibrates, is_lbfgs, leaves_rows_out
from .combinations import check_calibration, check_stopping, ignored

AUTO_EARLY_STOPPING_ROWS = 1000


@dataclass(frozen=True)
class Stopping:
    """When to stop: `enabled` says whether a validation set is watched at all."""

    enabled: bool
    validation: object
    monitor: str | Callable
    patience: int | None
    tol: float

    @property
    def out_of_bag(self):
        """Whether each member watches the rows that it did not draw."""
        return self.enabled and isinstance(self.validation, str)


def assemble_stopping(p, n_rows, X_val_given, streaming=False):
    """Return the rule for early stopping on `n_rows` rows."""
    enabled = p.early_stopping
    averaging = assemble_averaging(p)
    if enabled == "auto":
        needed = calibrates(p) and not leaves_rows_out(p)
        enough = (needed or n_rows >= AUTO_EARLY_STOPPING_ROWS) and not streaming
        at_fixed_epochs = averaging is not None and averaging.needs_horizon
        enabled = X_val_given or (enough and not at_fixed_epochs)
    elif X_val_given and not enabled:
        raise ValueError(
            "X_val and y_val are passed to fit while at the same time early_stopping is False. "
            "When passing X_val and y_val to fit, set early_stopping to either 'auto' or True."
        )
    if streaming and enabled and not X_val_given:
        ignored(p, "early_stopping", "partial_fit holds no rows out; pass X_val and y_val")
        enabled = False
    if not enabled and not streaming:
        reason = "early stopping is off"
        for name in ("monitor", "validation", "n_iter_no_change", "refit"):
            ignored(p, name, reason)
        if not is_lbfgs(p):
            ignored(p, "tol", reason)
    if enabled:
        check_stopping(p, averaging, X_val_given)
    check_calibration(p, enabled, streaming)
    validation = None if X_val_given else p.validation
    return Stopping(bool(enabled), validation, p.monitor, p.n_iter_no_change, p.tol)
