"""A picture of a fit: losses by epoch."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..layerwise import check_network
from .plotting import BLUE, GREY, ORANGE, check_matplotlib, one_axes

CURVES = {"loss": ("training", BLUE), "validation_loss": ("validation", ORANGE)}


class TrainingHistoryDisplay:
    """Training and validation loss by epoch.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    histories : list of dict
        ``history_`` of each network: "loss", "learning_rate" and perhaps "validation_loss", one
        entry an epoch.
    best_iterations : list of (int or None), default=None
        The epoch, counted from 1, whose weights each network kept.
    estimator_name : str, default=None
        For the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the losses.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        Training losses, then validation losses.
    fill_between_ : list of matplotlib PolyCollection or None
        Bands of a committee; None if its members are drawn one by one.
    best_ : matplotlib Line2D or None
        Marks of the best epochs.
    learning_rate_ax_ : matplotlib Axes or None
        Axes with the learning rate.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from skregnet import RegularizedMLPRegressor, TrainingHistoryDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RegularizedMLPRegressor(early_stopping=True, random_state=0).fit(X, y)
    >>> TrainingHistoryDisplay.from_estimator(model)
    <...>
    >>> plt.show()
    """

    def __init__(self, *, histories, best_iterations=None, estimator_name=None):
        self.histories = histories
        self.best_iterations = best_iterations
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator, *, ax=None, name=None, each_member=False, show_learning_rate=False,
        log_scale=False, line_kw=None, fill_between_kw=None,
    ):  # fmt: skip
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
            Fitted.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        name : str, default=None
            For the title; None is the name of the class.
        each_member : bool, default=False
            Draw each member of a committee, instead of their mean with a band of one standard
            deviation (by epoch, over the members that were still training).
        show_learning_rate : bool, default=False
            Draw the learning rate on a second axis.
        log_scale : bool, default=False
            Draw the losses on a logarithmic axis.
        line_kw, fill_between_kw : dict, default=None
            Keywords for ``Axes.plot`` and ``Axes.fill_between``.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        check_network(estimator)
        check_is_fitted(estimator)
        display = cls(
            histories=[member.history for member in estimator.members_],
            best_iterations=[member.best_iteration for member in estimator.members_],
            estimator_name=type(estimator).__name__ if name is None else name,
        )
        return display.plot(
            ax, each_member=each_member, show_learning_rate=show_learning_rate,
            log_scale=log_scale, line_kw=line_kw, fill_between_kw=fill_between_kw,
        )  # fmt: skip

    def plot(
        self, ax=None, *, each_member=False, show_learning_rate=False, log_scale=False,
        line_kw=None, fill_between_kw=None,
    ):  # fmt: skip
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        each_member : bool, default=False
            Draw each network, instead of their mean with a band of one standard deviation.
        show_learning_rate : bool, default=False
            Draw the learning rate on a second axis.
        log_scale : bool, default=False
            Draw the losses on a logarithmic axis.
        line_kw, fill_between_kw : dict, default=None
            Keywords for ``Axes.plot`` and ``Axes.fill_between``.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        self.ax_ = ax = one_axes(ax)
        self.figure_ = ax.figure
        many = len(self.histories) > 1
        self.lines_, self.fill_between_ = [], [] if many and not each_member else None
        for curve, (label, color) in CURVES.items():
            losses = self._padded(curve)
            if losses is None:
                continue
            style = {"color": color, **(line_kw or {})}
            if many and not each_member:
                self._draw_band(losses, f"{label} (mean of {len(losses)})", style, fill_between_kw)
            else:
                self._draw_each(losses, label, {**({"alpha": 0.5} if many else {}), **style})
        self._mark_best(banded=many and not each_member)
        unit = "epoch"
        if all(np.all(np.isnan(history["learning_rate"])) for history in self.histories):
            unit = "iteration"  # only L-BFGS has no learning rate
        title = "Training history"
        ax.set(
            title=f"{title} of {self.estimator_name}" if self.estimator_name else title,
            xlabel=unit, ylabel="loss per row (without penalty)",
            yscale="log" if log_scale else ax.get_yscale(),
        )  # fmt: skip
        self.learning_rate_ax_ = self._draw_rate() if show_learning_rate else None
        ax.legend()
        return self

    def _padded(self, name):
        """Return curves as an array (network, epoch), NaN after the end; None without any."""
        curves = [history[name] for history in self.histories if history.get(name)]
        if not curves:
            return None
        padded = np.full((len(curves), max(map(len, curves))), np.nan)
        for row, curve in zip(padded, curves, strict=True):
            row[: len(curve)] = curve
        return padded

    def _draw_band(self, losses, label, style, fill_between_kw):
        present = np.ma.masked_invalid(losses)
        mean, std = (f(axis=0).filled(np.nan) for f in (present.mean, present.std))
        epochs = np.arange(1, losses.shape[1] + 1)
        self.lines_ += self.ax_.plot(epochs, mean, label=label, **style)
        band = {"alpha": 0.25, "color": style["color"], "linewidth": 0, **(fill_between_kw or {})}
        self.fill_between_.append(self.ax_.fill_between(epochs, mean - std, mean + std, **band))

    def _draw_each(self, losses, label, style):
        epochs = np.arange(1, losses.shape[1] + 1)
        for i, loss in enumerate(losses):
            own = {"label": None if i else label, **style}
            self.lines_ += self.ax_.plot(epochs, loss, **own)

    def _mark_best(self, banded):
        self.best_ = None
        pairs = zip(self.best_iterations or [], self.histories, strict=False)
        marks = [
            (best, history["validation_loss"][best - 1])
            for best, history in pairs
            if best and len(history.get("validation_loss") or []) >= best
        ]
        if not marks:
            return
        style = {"color": "black", "linestyle": "none", "label": "best epoch"}
        epochs, losses = zip(*marks, strict=True)
        if banded:  # a member's own loss does not lie on the mean
            style |= {"marker": "|", "markersize": 12, "label": "best epochs of members"}
            losses, style["transform"] = [0.03] * len(epochs), self.ax_.get_xaxis_transform()
        else:
            style["marker"] = "o"
        [self.best_] = self.ax_.plot(epochs, losses, **style)

    def _draw_rate(self):
        rate_ax = self.ax_.twinx()
        rates = max((history["learning_rate"] for history in self.histories), key=len)
        epochs = np.arange(1, len(rates) + 1)
        self.ax_.plot([], [], "--", color=GREY, label="learning rate")  # for the one legend
        rate_ax.plot(epochs, rates, "--", color=GREY)
        rate_ax.set(ylabel="learning rate")
        rate_ax.set_ylim(bottom=0)
        return rate_ax
