"""Fitted attributes, named as scikit-learn's MLP names them and read from the members."""

import numpy as np


def _of_the_only_member(name, doc):
    def read(self):
        members = self._fitted(name)
        if len(members) > 1:
            raise AttributeError(
                f"A committee of {len(members)} has no {name!r} of its own: "
                f"see members_[i].{name[:-1]}"
            )
        return getattr(members[0], name[:-1])

    return property(read, doc=doc)


class FittedAttributes:
    """Mixin: attributes of the only member, and sums over all members."""

    coefs_ = _of_the_only_member("coefs_", "Weight matrices of shape (fan_in, fan_out).")
    intercepts_ = _of_the_only_member("intercepts_", "Biases of shape (fan_out,).")
    history_ = _of_the_only_member("history_", "Lists with one entry an epoch, by name.")
    n_iter_ = _of_the_only_member("n_iter_", "Epochs (L-BFGS: iterations) trained.")
    loss_curve_ = _of_the_only_member("loss_curve_", "Loss plus penalty by epoch.")
    validation_loss_curve_ = _of_the_only_member(
        "validation_loss_curve_", "Data term on the validation rows by epoch, or None."
    )
    validation_scores_ = _of_the_only_member(
        "validation_scores_", "What early stopping compared, by epoch, or None."
    )
    best_iteration_ = _of_the_only_member(
        "best_iteration_", "The best epoch, from 1, or None without early stopping."
    )
    best_validation_score_ = _of_the_only_member(
        "best_validation_score_", "The validation score of that epoch, or None."
    )

    @property
    def n_nonzero_(self):
        """Number of weights that are not exactly zero, over all members; biases do not count."""
        return int(sum(np.count_nonzero(member.weights) for member in self._fitted("n_nonzero_")))

    @property
    def sparsity_(self):
        """Share of the weights that are exactly zero, over all members."""
        n_weights = sum(member.weights.size for member in self._fitted("sparsity_"))
        return 1.0 - self.n_nonzero_ / n_weights

    @property
    def feature_importances_(self):
        """Norm of each input's weights in the first layer, the mean over all members."""
        members = self._fitted("feature_importances_")
        norms = np.mean([member.input_norms for member in members], axis=0)
        return self._encoder.summed(norms) if self._encoder else norms

    @property
    def encoded_feature_names_(self):
        """Names of the columns that the network sees."""
        self._fitted("encoded_feature_names_")
        names = vars(self).get("feature_names_in_")
        names = [f"x{i}" for i in range(self.n_features_in_)] if names is None else names
        names = self._encoder.names(names) if self._encoder else names
        return np.array(names, dtype=object)

    def _fitted(self, name):
        if "members_" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self.members_
