"""What "auto" and ``max_iter=None`` stand for.

The recipe is that of RealMLP-TD-S (Holzmueller et al., 2024), cut to a quarter of its epochs and
changed where measurements on real tables said so: see "Defaults" in the documentation.
"""

from math import log2

from ..core.component import resolve
from ..core.embeddings import NUMERIC_EMBEDDINGS
from ..core.initializers import AUTO, NTK
from ..training.averaging import AVERAGINGS, EMA, Snapshot
from ..training.optimizers import Adam
from ..training.schedules import SCHEDULES, Cycles, WarmUp
from .choices import (
    demands_calibration,
    has_l1,
    is_lbfgs,
    is_log_loss,
    n_hidden_layers,
    predicts_labels,
    predicts_probabilities,
    votes_hard,
)

AUTO_ROWS = 500  # below, nothing is held out
BASE_WIDTH = 256  # of the layer for which `learning_rate_init` is an ordinary rate of Adam
SMOOTHING, SMOOTHING_ALONE = 0.05, 0.1
EMA_DECAY = 0.99
SMALLEST_BATCH, LARGEST_BATCH = 32, 128
BATCHES = 32  # an epoch, between these
MOST_EMBEDDED = 100  # numeric columns: with more, embeddings would cost more than the network
EPOCHS, FEWER_EPOCHS = 64, 40  # fewer for real targets, from AUTO_ROWS rows on
LBFGS_ITERATIONS, CONVEX_ITERATIONS = 200, 1000
LASTING = 0.1  # of the largest rate, where the rate does not fall


def is_tuned(p):
    """Whether the start and what rests on it are the recipe's: it is one for Adam.

    Another `init` than "auto" switches off the learnt scale and the average as well, which the
    recipe's rates belong to.
    """
    return _has_tuned_rates(p) and n_hidden_layers(p) > 0


def _has_tuned_rates(p):
    adam = p.solver == "adam" or isinstance(p.solver, Adam)
    # Before an output layer of zeros L1 meets no gradient, and would end all weights there.
    return p.init == "auto" and adam and not has_l1(p)


def auto_init(p, family):
    """Return the initializer of a layer whose activation is of a family."""
    return NTK() if is_tuned(p) else AUTO[family]()


def network_rate(p):
    """Return what the rates of all numbers are multiplied by.

    Rates of NTK are in units of a layer of one input: sqrt(width) times those of a layer as it is.
    A linear model needs such steps as well to arrive in as few epochs.
    """
    return BASE_WIDTH**0.5 if _has_tuned_rates(p) else 1.0


def rate(p, streaming):
    """Return the rate that the schedule multiplies."""
    falls = p.learning_rate != "auto" or not _goes_on(p, streaming)
    return float(p.learning_rate_init) * (1.0 if falls or not is_tuned(p) else LASTING)


def _goes_on(p, streaming):
    return streaming or p.warm_start


def scales_features(p):
    """Whether columns have a learnt scale."""
    return is_tuned(p) if p.feature_scale == "auto" else p.feature_scale


def assemble_embedding(p, n_numeric):
    """Return the recipe for embeddings of numeric columns, or None."""
    choice = p.numeric_embedding
    if choice == "auto":
        choice = "pbld" if is_tuned(p) and 0 < n_numeric <= MOST_EMBEDDED else None
    return None if choice is None else resolve(choice, NUMERIC_EMBEDDINGS, "numeric_embedding")


def assemble_schedule(p, averaging, max_epochs, streaming):
    """Return the schedule of the learning rate, for what `assemble_averaging` returned."""
    choice = p.learning_rate
    if choice == "auto":
        # What goes on has no last epoch at which the rate could have reached 0, and the cycles of
        # snapshots are cycles already.
        choice = "cosine" if isinstance(averaging, Snapshot) else "coslog4"
        choice = "constant" if _goes_on(p, streaming) or is_lbfgs(p) else choice
    schedule = resolve(choice, SCHEDULES, "learning_rate")
    if isinstance(averaging, Snapshot):
        schedule = Cycles(schedule, [end / max_epochs for end in averaging.ends(max_epochs)])
    return WarmUp(schedule, float(p.warmup)) if p.warmup else schedule


def assemble_averaging(p, streaming):
    """Return the recipe for an average along the run, or None."""
    choice = p.averaging
    if choice == "auto":
        plain = streaming or p.batchnorm  # whose statistics an average would measure anew
        choice = EMA(EMA_DECAY) if is_tuned(p) and not plain else None
    return None if choice is None else resolve(choice, AVERAGINGS, "averaging")


def refits(p):
    """Whether to train again on all rows, once those that were held out have said how long."""
    if p.refit == "auto":
        return not p.warm_start and not is_lbfgs(p)
    return p.refit


def calibrates(p, n_rows, watches_rows):
    """Whether to fit a temperature, on rows that are held out or left out of bags."""
    if demands_calibration(p):
        return True
    if not hasattr(p, "calibration") or p.calibration is None:
        return False
    possible = predicts_probabilities(p) and not votes_hard(p)
    return possible and watches_rows and n_rows >= AUTO_ROWS


def smoothing(p, calibrated):
    """Return eps of label smoothing."""
    if p.label_smoothing != "auto":
        return p.label_smoothing
    if not is_tuned(p) or p.soft_labels or not is_log_loss(p):
        return 0.0
    # Where nothing is held out, nothing else keeps a small table from being learnt by heart.
    return SMOOTHING if calibrated else SMOOTHING_ALONE


def batch_size(n_given, streaming):
    """Return the most rows in a batch: fewer for a small table, which else had few steps."""
    # A part of a stream does not tell how many rows there will be.
    if n_given < AUTO_ROWS or streaming:
        return LARGEST_BATCH
    power_of_two = 2 ** round(log2(n_given / BATCHES))
    return min(max(power_of_two, SMALLEST_BATCH), LARGEST_BATCH)


def n_epochs(p, n_given):
    """Return the most epochs, or iterations of L-BFGS, for a table of so many rows."""
    if p.max_iter is not None:
        return p.max_iter
    iterations = LBFGS_ITERATIONS if n_hidden_layers(p) else CONVEX_ITERATIONS
    few = n_given >= AUTO_ROWS and not predicts_labels(p)
    epochs = FEWER_EPOCHS if few else EPOCHS
    return iterations if is_lbfgs(p) else epochs
