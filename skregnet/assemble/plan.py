"""The plan of a fit: all recipes in one object."""

from numbers import Integral

from joblib import effective_n_jobs

from ..committee import Bootstrap, PoissonDraw
from ..core.component import require, resolve
from ..encoding import EncodedScale
from ..exceptions import BatchSizeWarning, warn
from ..fitting import Plan
from ..training.augmentation import AUGMENTATIONS, BatchTransform, FromCallable, LabelSmoothing
from ..training.batches import MIN_ROWS_TO_NORMALIZE
from ..training.optimizers import SOLVERS
from . import automatic
from .choices import assemble_strength, bootstraps, draws_every_row, is_lbfgs, named
from .combinations import check_combination, ignored, impossible
from .network import assemble_penalties


def assemble_plan(
    p, network, loss, n_rows, *, scale, dtype, seed, stopping, n_classes=None, streaming=False,
    n_given=None, total_weight=None, keep_state=False,
):  # fmt: skip
    """Return the plan of a fit of `n_rows` training rows.

    Parameters
    ----------
    p : Params
        The estimator.
    network : Network
        From `assemble_network`.
    loss : Loss
        From `assemble_classification_loss` or `assemble_regression_loss`.
    n_rows : int
        Training rows, validation rows excluded.
    n_given : int or None
        Rows of the table, validation rows included, by which "auto" is decided; None is `n_rows`.
    scale : Scale or EncodedScale
        How the rows were scaled.
    dtype : dtype
        Of the network.
    seed : int
        Of all random streams.
    stopping : Stopping
        From `assemble_stopping`.
    n_classes : int or None
        Classes that share smoothed labels; None for regression.
    streaming : bool, default=False
        Whether this is one call of partial_fit.
    total_weight : float or None
        S, if it is not the weight of these rows.
    keep_state : bool, default=False
        Whether a member is to keep what it needs to go on, though the estimator does not.
    """
    solver = resolve(p.solver, SOLVERS, "solver")
    n_given = n_given or n_rows
    batch_size = _batch_size(p, n_rows, n_given, streaming)
    max_epochs = 1 if streaming else automatic.n_epochs(p, n_given)
    averaging = automatic.assemble_averaging(p, streaming)
    schedule = automatic.assemble_schedule(p, averaging, max_epochs, streaming)
    check_combination(p, schedule, averaging, max_epochs, streaming)
    transforms = _transforms(p, scale, n_classes, stopping.calibrates)
    _check_steps(p, transforms, -(-n_rows // batch_size), streaming)
    return Plan(
        network=network,
        loss=loss,
        penalties=assemble_penalties(p, network.layout),
        solver=solver,
        schedule=schedule,
        rate=automatic.rate(p, streaming),
        weight_decay=float(p.weight_decay),
        clip_norm=None if p.clip_norm is None else float(p.clip_norm),
        transforms=transforms,
        batch_size=batch_size,
        shuffle=p.shuffle,
        min_rows=MIN_ROWS_TO_NORMALIZE if p.batchnorm else 1,
        max_epochs=max_epochs,
        patience=stopping.patience,
        tol=stopping.tol,
        dtype=dtype,
        seed=seed,
        n_members=p.n_estimators,
        draw=_draw(p, n_rows, streaming),
        n_jobs=p.n_jobs,
        keep_state=p.warm_start or streaming or keep_state,
        averaging=averaging,
        strength=assemble_strength(p),
        monitored=str(named(stopping.monitor)) if stopping.enabled else None,
        max_seconds=_seconds_a_member(p, stopping),
        streaming=streaming,
        total_weight=total_weight,
    )


def _transforms(p, scale, n_classes, calibrated):
    choices = p.augmentation or ()
    choices = choices if isinstance(choices, list | tuple) else [choices]
    transforms = [_augmentation(p, choice) for choice in choices]
    encoded = isinstance(scale, EncodedScale)
    pixels = encoded and any(transform.acts_on_pixels for transform in transforms)
    reason = "images are rows of pixels, and X has categories or missing values"
    impossible("augmentation", pixels, reason)
    transforms = [transform.bind(scale) for transform in transforms]
    eps = automatic.smoothing(p, calibrated) if n_classes else 0.0
    if eps:
        transforms.append(LabelSmoothing(eps, n_classes))
    return tuple(transforms)


def _check_steps(p, transforms, steps_an_epoch, streaming):
    alone = p.batch_size == 1 and any(t.needs_partner for t in transforms)
    impossible("augmentation", alone, "a batch of one row has no other row to take values from")
    if p.warmup * steps_an_epoch <= 1 and not streaming:
        ignored(p, "warmup", "the first step is the whole warm-up")


def _augmentation(p, choice):
    if isinstance(choice, str | BatchTransform):
        return resolve(choice, AUGMENTATIONS, "augmentation")
    expected = "a registered name, an instance, a callable or a list of these"
    ok = callable(choice) and not isinstance(choice, type)
    require(ok, type(p).__name__, "augmentation", expected, choice)
    return FromCallable(choice)


def _batch_size(p, n_rows, n_given, streaming):
    if is_lbfgs(p):
        return n_rows
    automated = p.batch_size == "auto"
    batch_size = automatic.batch_size(n_given, streaming) if automated else p.batch_size
    if batch_size > n_rows and not (automated or streaming):
        warn(
            f"batch_size={batch_size} is larger than the {n_rows} training rows; "
            "it is clipped to them.",
            BatchSizeWarning,
        )
    return min(batch_size, n_rows)


def _seconds_a_member(p, stopping):
    if p.max_time is None:
        return None
    in_turn = -(-p.n_estimators // effective_n_jobs(p.n_jobs))
    return p.max_time / in_turn / (2 if stopping.refits else 1)


def _draw(p, n_rows, streaming):
    if p.n_estimators == 1:
        return None
    if streaming:
        return PoissonDraw() if p.bootstrap else None  # also if "auto"
    if isinstance(p.max_samples, Integral) and p.max_samples > n_rows:
        raise ValueError(
            f"The 'max_samples' parameter must be at most the number of training rows ({n_rows}). "
            f"Got {p.max_samples} instead."
        )
    return None if draws_every_row(p) else Bootstrap(bootstraps(p), p.max_samples)
