"""A picture of a regularization path."""

import numpy as np

from .plotting import BLUE, GREEN, GREY, ORANGE, check_matplotlib, panels

MANY_TIMES = 20  # from this ratio of the largest to the least value on, the axis is logarithmic


class RegularizationPathDisplay:
    """Scores, norm of the weights and sparsity against the value of one hyperparameter.

    It is recommended to use `from_estimator` or `from_path` to create a display. All parameters
    are stored as attributes. Lines are means over the folds, bands one standard deviation.

    Parameters
    ----------
    param : str
        The hyperparameter.
    param_values : ndarray of shape (k,)
        Its values.
    train_scores, test_scores : ndarray of shape (k, n_folds)
        Scores.
    weight_norms : ndarray of shape (k, n_folds)
        Euclidean norm of all weight matrices.
    sparsities : ndarray of shape (k, n_folds)
        Share of the weights that are exactly zero.
    scorer_name : str, default="score"
        For the label.

    Attributes
    ----------
    bounding_ax_ : matplotlib Axes or None
        The axes that the panels divide; None if several were given.
    axes_ : ndarray of matplotlib Axes
        Three panels: scores, norm, sparsity.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        Train scores, test scores, norm, sparsity.
    fill_between_ : list of matplotlib PolyCollection
        Their bands.
    best_line_ : matplotlib Line2D or None
        At the value with the highest mean test score.

    See Also
    --------
    regularization_path : Computes what is drawn.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from skregnet import RegularizationPathDisplay, RegularizedMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> lasso = RegularizedMLPRegressor((), solver="lbfgs", l1_ratio=1.0)
    >>> RegularizationPathDisplay.from_estimator(lasso, X, y, param="alpha")
    <...>
    >>> plt.show()
    """

    def __init__(
        self, *, param, param_values, train_scores, test_scores, weight_norms, sparsities,
        scorer_name="score",
    ):  # fmt: skip
        self.param = param
        self.param_values = param_values
        self.train_scores = train_scores
        self.test_scores = test_scores
        self.weight_norms = weight_norms
        self.sparsities = sparsities
        self.scorer_name = scorer_name

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, param="alpha", values=None, cv=None, scoring=None,
        sample_weight=None, n_jobs=None, ax=None, n_cols=3, line_kw=None, fill_between_kw=None,
    ):  # fmt: skip
        """Fit an estimator along the values of a hyperparameter and draw the path.

        Parameters
        ----------
        estimator : RegularizedMLPClassifier, RegularizedMLPRegressor or Pipeline
            Cloned, not changed.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        param : str, default="alpha"
            The hyperparameter.
        values : array-like of shape (k,), default=None
            Its values; None is for `alpha` alone, which has a grid of its own.
        cv : int, splitter or iterable, default=None
            The folds, as in scikit-learn.
        scoring : str or callable, default=None
            The scorer, as in scikit-learn.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        n_jobs : int, default=None
            Fits at the same time.
        ax : matplotlib Axes or array-like of 3 matplotlib Axes, default=None
            One axes bounds a grid of panels; of three each takes one panel; None makes a figure.
        n_cols : int, default=3
            Most columns of the grid.
        line_kw, fill_between_kw : dict, default=None
            Keywords for ``Axes.plot`` and ``Axes.fill_between``.

        Returns
        -------
        display : RegularizationPathDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `param` is unknown, or `values` are no 1-d array of numbers.
        """
        from ..paths import regularization_path

        check_matplotlib(f"{cls.__name__}.from_estimator")
        path = regularization_path(
            estimator, X, y, param=param, values=values, cv=cv, scoring=scoring,
            sample_weight=sample_weight, n_jobs=n_jobs,
        )  # fmt: skip
        return cls.from_path(
            path, ax=ax, n_cols=n_cols, line_kw=line_kw, fill_between_kw=fill_between_kw
        )

    @classmethod
    def from_path(cls, path, *, ax=None, n_cols=3, line_kw=None, fill_between_kw=None):
        """Draw what `regularization_path` returned.

        Parameters
        ----------
        path : :class:`~sklearn.utils.Bunch`
            From `regularization_path`.
        ax : matplotlib Axes or array-like of 3 matplotlib Axes, default=None
            One axes bounds a grid of panels; of three each takes one panel; None makes a figure.
        n_cols : int, default=3
            Most columns of the grid.
        line_kw, fill_between_kw : dict, default=None
            Keywords for ``Axes.plot`` and ``Axes.fill_between``.

        Returns
        -------
        display : RegularizationPathDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_path")
        display = cls(
            param=path.param, param_values=path.param_values, train_scores=path.train_scores,
            test_scores=path.test_scores, weight_norms=path.weight_norms,
            sparsities=path.sparsities, scorer_name=path.scorer_name,
        )  # fmt: skip
        return display.plot(ax, n_cols=n_cols, line_kw=line_kw, fill_between_kw=fill_between_kw)

    def plot(self, ax=None, *, n_cols=3, line_kw=None, fill_between_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of 3 matplotlib Axes, default=None
            One axes bounds a grid of panels; of three each takes one panel; None makes a figure.
        n_cols : int, default=3
            Most columns of the grid.
        line_kw, fill_between_kw : dict, default=None
            Keywords for ``Axes.plot`` and ``Axes.fill_between``.

        Returns
        -------
        display : RegularizationPathDisplay
            The display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        self.axes_, self.bounding_ax_ = panels(ax, 3, n_cols)
        scores, norm, sparsity = self.axes_.flat[:3]
        self.figure_ = scores.figure
        self.lines_, self.fill_between_ = [], []
        line_kw, fill_between_kw = line_kw or {}, fill_between_kw or {}
        for panel, values, label, color in [
            (scores, self.train_scores, "train", BLUE),
            (scores, self.test_scores, "test", ORANGE),
            (norm, self.weight_norms, None, GREEN),
            (sparsity, self.sparsities, None, GREEN),
        ]:
            self._draw(panel, values, {"label": label, "color": color} | line_kw, fill_between_kw)
        mean = np.mean(self.test_scores, axis=1)
        self.best_line_ = None
        if not np.all(np.isnan(mean)):
            best = self.param_values[np.nanargmax(mean)]
            self.best_line_ = scores.axvline(
                best, color=GREY, linestyle=":", label=f"best test score ({self.param}={best:.3g})"
            )
        scores.set(title="Scores (mean and std over folds)", ylabel=self.scorer_name)
        scores.legend()
        norm.set(title="Norm of the weights", ylabel="||W||")
        sparsity.set(title="Sparsity", ylabel="share of weights that are 0", ylim=(-0.03, 1.03))
        for panel in (scores, norm, sparsity):
            panel.set_xlabel(self.param)
            self._scale(panel)
        return self

    def _draw(self, panel, values, style, fill_between_kw):
        order = np.argsort(self.param_values)
        x, values = np.asarray(self.param_values)[order], np.asarray(values)[order]
        mean, std = values.mean(axis=1), values.std(axis=1)
        self.lines_ += panel.plot(x, mean, marker=".", **style)
        band = {"alpha": 0.25, "color": style["color"], "linewidth": 0, **fill_between_kw}
        self.fill_between_.append(panel.fill_between(x, mean - std, mean + std, **band))

    def _scale(self, panel):
        values = np.asarray(self.param_values)
        positive = values[values > 0]
        if np.any(values < 0) or not positive.size or np.ptp(positive) == 0:
            return
        if positive.max() < MANY_TIMES * positive.min():
            return
        if positive.size == values.size:
            panel.set_xscale("log")
        else:
            panel.set_xscale("symlog", linthresh=positive.min())
