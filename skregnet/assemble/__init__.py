"""From hyperparameters to objects: the wiring diagram, and the only place that reads them by name.

`p` is an estimator (a `Params`), read only. Every function returns what the engine needs, or raises
or warns about a combination that cannot act.
"""

from .choices import (
    accepts_negative_targets,
    assemble_classification_loss,
    assemble_dtype,
    assemble_regression_loss,
    assemble_scaling,
    assemble_target_scaling,
    categorical_features,
    class_weight,
    clips_output,
    continues,
    frozen_choices,
    identity,
    is_verbose,
    max_categories,
    predicts_probabilities,
    random_state,
    row_choices,
    streams_rows,
    takes_soft_labels,
    votes_hard,
)
from .combinations import check_categories, check_held_out, check_samples, out_of_bag_scoring
from .network import assemble_network, assemble_penalties, embedding_shares
from .plan import assemble_plan
from .stopping import Stopping, assemble_stopping

__all__ = [
    "Stopping",
    "accepts_negative_targets",
    "assemble_classification_loss",
    "assemble_dtype",
    "assemble_network",
    "assemble_penalties",
    "assemble_plan",
    "assemble_regression_loss",
    "assemble_scaling",
    "assemble_stopping",
    "assemble_target_scaling",
    "categorical_features",
    "check_categories",
    "check_held_out",
    "check_samples",
    "class_weight",
    "clips_output",
    "continues",
    "embedding_shares",
    "frozen_choices",
    "identity",
    "is_verbose",
    "max_categories",
    "out_of_bag_scoring",
    "predicts_probabilities",
    "random_state",
    "row_choices",
    "streams_rows",
    "takes_soft_labels",
    "votes_hard",
]
