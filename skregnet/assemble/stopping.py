"""When to stop."""

from collections.abc import Callable
from dataclasses import dataclass

from .automatic import AUTO_ROWS, assemble_averaging, calibrates, refits
from .choices import demands_calibration, is_lbfgs, leaves_rows_out, n_hidden_layers
from .combinations import check_calibration, check_stopping, ignored


@dataclass(frozen=True)
class Stopping:
    """When to stop: `enabled` says whether a validation set is watched at all.

    `refits` says whether to train again on all rows once the best epoch is known, `calibrates`
    whether probabilities are calibrated on rows that did not train.
    """

    enabled: bool
    validation: object
    monitor: str | Callable
    patience: int | None
    tol: float
    refits: bool = False
    calibrates: bool = False

    @property
    def out_of_bag(self):
        """Whether each member watches the rows that it did not draw."""
        return self.enabled and isinstance(self.validation, str)


def assemble_stopping(p, n_rows, X_val_given, streaming=False):
    """Return the rule for early stopping on `n_rows` rows."""
    enabled = p.early_stopping
    averaging = assemble_averaging(p, streaming)
    if enabled == "auto":
        needed = demands_calibration(p) and not leaves_rows_out(p)
        # A convex problem is solved to its end, as scikit-learn's linear models are.
        convex = is_lbfgs(p) and n_hidden_layers(p) == 0
        enough = (needed or (n_rows >= AUTO_ROWS and not convex)) and not streaming
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
        for name in ("monitor", "validation", "n_iter_no_change"):
            ignored(p, name, reason)
        ignored(p, "refit", reason, off=[False])
        if not is_lbfgs(p):
            ignored(p, "tol", reason)
    if enabled and p.n_iter_no_change is None and not is_lbfgs(p):
        ignored(p, "tol", "n_iter_no_change is None, so nothing waits for an improvement")
    if enabled:
        check_stopping(p, averaging, X_val_given)
    check_calibration(p, enabled, streaming)
    validation = None if X_val_given else p.validation
    holds_out = bool(enabled) and validation is not None and not isinstance(validation, str)
    return Stopping(
        enabled=bool(enabled),
        validation=validation,
        monitor=p.monitor,
        patience=p.n_iter_no_change,
        tol=p.tol,
        refits=holds_out and refits(p),
        calibrates=not streaming and calibrates(p, n_rows, enabled),
    )
