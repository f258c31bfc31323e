"""Pictures of a network layer by layer: activations, weights, gradients."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..layerwise import check_network, inspect_layers
from .plotting import BLUE, GREEN, ORANGE, check_matplotlib, draw_distribution, one_axes, panels


class _LayerPanels:
    """One histogram a layer."""

    def __init__(self, *, layer_names, values):
        self.layer_names = layer_names
        self.values = values

    def plot(self, ax=None, *, n_cols=3, bins=50, hist_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of matplotlib Axes, default=None
            One axes bounds a grid of panels; of several each takes one panel; None makes a figure.
        n_cols : int, default=3
            Most columns of the grid.
        bins : int, default=50
            Bins of each histogram.
        hist_kw : dict, default=None
            Keywords for ``Axes.hist``.

        Returns
        -------
        display : object
            The display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        self.axes_, self.bounding_ax_ = panels(ax, len(self.values), n_cols)
        self.figure_ = self.axes_.flat[0].figure
        self.bars_ = np.empty(self.axes_.shape, dtype=object)
        self.zero_shares_ = []
        style = {"color": self._color, **(hist_kw or {})}
        for i, (name, values) in enumerate(zip(self.layer_names, self.values, strict=True)):
            panel = self.axes_.flat[i]
            self.bars_.flat[i], zeros, text = draw_distribution(panel, values, bins, **style)
            self.zero_shares_.append(zeros)
            panel.set_title(f"{name}\n{text}", fontsize="medium")
            panel.set(xlabel=self._xlabel, ylabel="density")
        return self


class ActivationDistributionDisplay(_LayerPanels):
    """Histograms of the activations of each layer, with their mean and standard deviation.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes. Exact zeros of a ReLU are counted in the title, not drawn.

    Parameters
    ----------
    layer_names : list of str
        One a layer.
    values : list of ndarray of shape (n_samples, n_units)
        Activations of each layer; of the output the raw outputs.

    Attributes
    ----------
    bounding_ax_ : matplotlib Axes or None
        The axes that the panels divide; None if several were given.
    axes_ : ndarray of matplotlib Axes
        The panels.
    figure_ : matplotlib Figure
        The figure.
    bars_ : ndarray of matplotlib BarContainer
        The histograms, in the shape of `axes_`.
    zero_shares_ : list of float
        Share of exact zeros in each layer.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skregnet import ActivationDistributionDisplay, RegularizedMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RegularizedMLPClassifier((20, 20), activation="tanh", random_state=0)
    >>> ActivationDistributionDisplay.from_estimator(model, X, y)
    <...>
    >>> plt.show()
    """

    _color, _xlabel = BLUE, "activation"

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, sample_weight=None, ax=None, n_cols=3, bins=50, hist_kw=None
    ):
        """Draw the activations of an estimator's network as at prediction.

        Parameters
        ----------
        estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
            Fitted or not: the (first) fitted network is drawn, else one with initial weights.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; only rows of weight 0 make a difference.
        ax : matplotlib Axes or array-like of matplotlib Axes, default=None
            One axes bounds a grid of panels; of several each takes one panel; None makes a figure.
        n_cols : int, default=3
            Most columns of the grid.
        bins : int, default=50
            Bins of each histogram.
        hist_kw : dict, default=None
            Keywords for ``Axes.hist``.

        Returns
        -------
        display : ActivationDistributionDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a hyperparameter or the data is of a wrong kind.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        layers = inspect_layers(estimator, X, y, sample_weight)
        names = [f"{layer.name} ({layer.activation})" for layer in layers[:-1]]
        display = cls(layer_names=[*names, "output (raw)"], values=[layer.A for layer in layers])
        return display.plot(ax, n_cols=n_cols, bins=bins, hist_kw=hist_kw)


class WeightDistributionDisplay(_LayerPanels):
    """Histograms of the weights of each layer, with the share of exact zeros.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    layer_names : list of str
        One a layer.
    values : list of ndarray
        Weights of each layer; those of a committee's members together.

    Attributes
    ----------
    bounding_ax_ : matplotlib Axes or None
        The axes that the panels divide; None if several were given.
    axes_ : ndarray of matplotlib Axes
        The panels.
    figure_ : matplotlib Figure
        The figure.
    bars_ : ndarray of matplotlib BarContainer
        The histograms, in the shape of `axes_`.
    zero_shares_ : list of float
        Share of exact zeros in each layer.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skregnet import RegularizedMLPClassifier, WeightDistributionDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RegularizedMLPClassifier(alpha=1, l1_ratio=0.9, random_state=0).fit(X, y)
    >>> WeightDistributionDisplay.from_estimator(model)
    <...>
    >>> plt.show()
    """

    _color, _xlabel = GREEN, "weight"

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, n_cols=3, bins=50, hist_kw=None):
        """Draw the weights of a fitted estimator.

        Parameters
        ----------
        estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
            Fitted.
        ax : matplotlib Axes or array-like of matplotlib Axes, default=None
            One axes bounds a grid of panels; of several each takes one panel; None makes a figure.
        n_cols : int, default=3
            Most columns of the grid.
        bins : int, default=50
            Bins of each histogram.
        hist_kw : dict, default=None
            Keywords for ``Axes.hist``.

        Returns
        -------
        display : WeightDistributionDisplay
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
        layers = list(zip(*(member.coefs for member in estimator.members_), strict=True))
        names = [f"hidden {i + 1}" for i in range(len(layers) - 1)]
        display = cls(
            layer_names=[*names, "output"],
            values=[np.concatenate([W.ravel() for W in layer]) for layer in layers],
        )
        return display.plot(ax, n_cols=n_cols, bins=bins, hist_kw=hist_kw)


class GradientFlowDisplay:
    r"""The gradient of the objective by layer, on a logarithmic axis.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    layer_names : list of str
        One a layer, first layer first.
    gradient_norms : ndarray of shape (n_layers,)
        \|dJ/dW\| of each weight matrix.
    weight_norms : ndarray of shape (n_layers,)
        \|W\| of each weight matrix.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    line_ : matplotlib Line2D
        The gradients.
    zeros_ : matplotlib Line2D or None
        Marks of gradients that are exactly zero, which a logarithmic axis cannot show.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skregnet import GradientFlowDisplay, RegularizedMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RegularizedMLPClassifier((20,) * 6, activation="logistic", random_state=0)
    >>> GradientFlowDisplay.from_estimator(model, X, y)
    <...>
    >>> plt.show()
    """

    def __init__(self, *, layer_names, gradient_norms, weight_norms):
        self.layer_names = layer_names
        self.gradient_norms = gradient_norms
        self.weight_norms = weight_norms

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, sample_weight=None, relative=True, ax=None, line_kw=None
    ):
        """Draw the gradients of an estimator's network.

        Parameters
        ----------
        estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
            Fitted or not: the (first) fitted network is drawn, else one with initial weights.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        relative : bool, default=True
            Divide by the norm of the weights, by which layers can be compared.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        line_kw : dict, default=None
            Keywords for ``Axes.plot``.

        Returns
        -------
        display : GradientFlowDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a hyperparameter or the data is of a wrong kind.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        layers = inspect_layers(estimator, X, y, sample_weight)
        display = cls(
            layer_names=[layer.name for layer in layers],
            gradient_norms=np.array([layer.gradient_norm for layer in layers]),
            weight_norms=np.array([layer.weight_norm for layer in layers]),
        )
        return display.plot(ax, relative=relative, line_kw=line_kw)

    def plot(self, ax=None, *, relative=True, line_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        relative : bool, default=True
            Divide by the norm of the weights, by which layers can be compared.
        line_kw : dict, default=None
            Keywords for ``Axes.plot``.

        Returns
        -------
        display : GradientFlowDisplay
            The display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        self.ax_ = ax = one_axes(ax)
        self.figure_ = ax.figure
        gradient, weight = np.asarray(self.gradient_norms), np.asarray(self.weight_norms)
        places = np.arange(len(gradient))
        scale = np.where(weight > 0, weight, np.nan) if relative else 1.0
        style = {"marker": "o", "color": BLUE, **(line_kw or {})}
        [self.line_] = ax.plot(places, np.where(gradient > 0, gradient, np.nan) / scale, **style)
        ax.set_yscale("log")
        self.zeros_ = None
        if not gradient.all():
            zeros = places[gradient == 0]
            [self.zeros_] = ax.plot(
                zeros, np.full(len(zeros), 0.04), "x", color=ORANGE, label="exactly 0",
                transform=ax.get_xaxis_transform(),
            )  # fmt: skip
            ax.legend()
        steep = 45 if len(places) > 5 else 0
        ax.set_xticks(places, self.layer_names, rotation=steep, ha="right" if steep else "center")
        ax.set(
            title="Gradient flow",
            xlabel="layer (input side on the left)",
            ylabel="||dJ/dW|| / ||W||" if relative else "||dJ/dW||",
        )
        return self
