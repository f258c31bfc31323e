"""What cannot act together: a technique that is switched on raises, a tuning value warns."""

from dataclasses import fields
from numbers import Integral

from ..core.component import require
from ..exceptions import IgnoredParameterWarning, warn
from ..training.averaging import Snapshot
from ..training.schedules import ConstantRate
from .choices import (
    assemble_strength,
    clips_output,
    demands_calibration,
    draws_every_row,
    has_alpha,
    has_dropout,
    is_lbfgs,
    is_linear,
    leaves_rows_out,
    n_hidden_layers,
    predicts_probabilities,
    votes_hard,
)


def impossible(name, switched_on, reason):
    """Raise ValueError if a technique is switched on that cannot act, for a reason."""
    if switched_on:
        raise ValueError(f"The {name!r} parameter cannot be used here: {reason}.")


def ignored(p, name, reason, off=()):
    """Warn if a tuning value that has no effect, for a reason, is not the default, nor `off`."""
    defaults = {field.name: field.default for field in fields(p)}
    if name in defaults and getattr(p, name) not in (defaults[name], *off):
        warn(
            f"{name}={getattr(p, name)!r} has no effect: {reason}.",
            IgnoredParameterWarning,
        )


def check_combination(p, schedule, averaging, max_epochs, streaming):
    """Raise or warn about hyperparameters that cannot act together."""
    if n_hidden_layers(p) == 0:
        reason = "there is no hidden layer"
        impossible("keep_prob", has_dropout(p), reason)
        impossible("batchnorm", p.batchnorm, reason)
        impossible("group_norm", p.group_norm is not None, reason)
        impossible("hidden_noise", p.hidden_noise, reason)
        impossible("parametric_activation", p.parametric_activation, reason)
        ignored(p, "activation", reason)
    if is_lbfgs(p):
        reason = "solver='lbfgs' needs an objective without randomness and takes no plain steps"
        impossible("keep_prob", has_dropout(p), reason)
        impossible("input_keep_prob", p.input_keep_prob != 1, reason)
        impossible("hidden_noise", p.hidden_noise, reason)
        impossible("weight_noise", p.weight_noise, reason)
        impossible("augmentation", bool(p.augmentation), reason)
        impossible("weight_decay", p.weight_decay, reason)
        impossible("max_norm", p.max_norm is not None, reason)
        impossible("averaging", averaging is not None, reason)
        impossible("clip_norm", p.clip_norm is not None, reason)
        impossible("warmup", p.warmup, reason)
        impossible("learning_rate", not isinstance(schedule, ConstantRate), reason)
        impossible("regularization_schedule", assemble_strength(p) is not None, reason)
        reason = "solver='lbfgs' uses all rows and its own step sizes"
        for name in ("batch_size", "shuffle", "learning_rate_init"):
            ignored(p, name, reason)
    linear = p.parametric_activation and is_linear(p)
    impossible("parametric_activation", linear, "activation='identity' has no curvature to learn")
    both = p.batchnorm and p.group_norm is not None
    impossible("group_norm", both, "batchnorm normalizes the same units; choose one of them")
    one_row = p.batchnorm and p.batch_size == 1
    impossible("batchnorm", one_row, "a batch of one row has no variance")
    if streaming:
        _check_stream(p, schedule, averaging)
    if isinstance(averaging, Snapshot):
        impossible("averaging", p.warm_start, "snapshots belong to one run; set warm_start=False")
        short = max_epochs < averaging.n_snapshots
        impossible("averaging", short, f"max_iter={max_epochs} is less than n_snapshots")
    if not has_alpha(p):
        ignored(p, "l1_ratio", "alpha is 0")
    if not (p.weight_decay or has_dropout(p) or p.input_keep_prob != 1):
        ignored(p, "regularization_schedule", "there is neither dropout nor weight decay")
    if p.n_estimators == 1:
        for name in ("bootstrap", "max_samples", "n_jobs"):
            ignored(p, name, "n_estimators is 1")
        if not isinstance(averaging, Snapshot):
            ignored(p, "voting", "n_estimators is 1")


def _check_stream(p, schedule, averaging):
    reason = "partial_fit does not know the last epoch"
    impossible("learning_rate", schedule.has_horizon, reason)
    impossible("regularization_schedule", assemble_strength(p) is not None, reason)
    impossible("averaging", averaging and averaging.needs_horizon, reason)
    impossible("oob_score", p.oob_score is not False, "partial_fit keeps no rows to score")
    impossible("clip_output", clips_output(p), "partial_fit does not know the range of all targets")
    for name, off in (("refit", [False]), ("max_time", [])):
        ignored(p, name, "a call of partial_fit is one epoch over its rows", off)
    if p.n_estimators > 1:
        ignored(p, "max_samples", "partial_fit draws Poisson(1) weights")


def check_stopping(p, averaging, X_val_given):
    """Raise or warn about hyperparameters that early stopping cannot act with."""
    impossible(
        "averaging", isinstance(averaging, Snapshot),
        "snapshots are kept at fixed epochs, so early stopping cannot choose one; set "
        "early_stopping=False",
    )  # fmt: skip
    refit = p.refit is True
    if X_val_given:
        impossible("refit", refit, "no rows of X were held out when X_val is given")
        ignored(p, "validation", "X_val is given")
    elif isinstance(p.validation, str):
        check_out_of_bag(p, "validation")
        reason = "the out-of-bag rows chose when to stop, so a score on them would not be honest"
        impossible("oob_score", p.oob_score is not False, reason)
        impossible("refit", refit, "with validation='oob' the committee has seen all rows")
    impossible("refit", refit and p.warm_start, "warm_start goes on from the first fit")


def out_of_bag_scoring(p):
    """Return the scorer for out-of-bag rows (True: the estimator's own), or False."""
    if p.oob_score is not False:
        check_out_of_bag(p, "oob_score")
    return p.oob_score


def check_out_of_bag(p, name):
    """Raise unless members leave rows out of their bags."""
    reason = "out-of-bag rows are those that a member did not draw"
    impossible(name, p.n_estimators == 1, f"{reason}; set n_estimators > 1")
    impossible(name, draws_every_row(p), f"{reason}; set bootstrap=True or max_samples < 1")


def check_calibration(p, watches_rows, streaming):
    """Raise unless a temperature can act, and there are rows to fit it on."""
    if not demands_calibration(p):
        return
    reason = "partial_fit goes on changing the weights; calibrate the estimator when it is trained"
    impossible("calibration", streaming, reason)
    reason = f"loss={p.loss!r} makes no probabilities"
    impossible("calibration", not predicts_probabilities(p), reason)
    impossible("calibration", votes_hard(p), "shares of votes have no logits; set voting='soft'")
    impossible(
        "calibration", not (watches_rows or leaves_rows_out(p)),
        "the network trains on all rows, and they say nothing about its probabilities; set "
        "early_stopping=True, or bootstrap=True and n_estimators > 1",
    )  # fmt: skip


def check_categories(p, are_there):
    """Warn about hyperparameters that need a categorical column."""
    if not are_there:
        ignored(p, "max_categories", "no column of X is categorical")


def check_held_out(p, n_rows):
    """Raise if rows that cannot be held out are needed for more than to stop early."""
    reason = f"the {n_rows} training rows cannot spare a validation set of that size; pass X_val"
    impossible("calibration", demands_calibration(p), reason)


def check_samples(n_samples, network):
    """Raise ValueError unless Monte-Carlo prediction with `n_samples` masks can act."""
    ok = isinstance(n_samples, Integral) and n_samples >= 1
    require(ok, "predict", "n_samples", "a positive int or None", n_samples)
    impossible("n_samples", not network.draws, "without dropout or noise all samples are the same")
