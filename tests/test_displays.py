"""The displays: what they draw, on which axes, and how they refuse."""

import inspect
import sys

import numpy as np
import pytest
from plain import PLAIN
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skregnet import (
    ActivationDistributionDisplay,
    GradientFlowDisplay,
    RegularizationPathDisplay,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    TrainingHistoryDisplay,
    WeightDistributionDisplay,
    inspect_layers,
    regularization_path,
)

plt = pytest.importorskip("matplotlib.pyplot")

X, Y = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
RELU = PLAIN | {"hidden_layer_sizes": (8, 6), "max_iter": 5, "random_state": 0}
DISPLAYS = [
    TrainingHistoryDisplay, ActivationDistributionDisplay, GradientFlowDisplay,
    WeightDistributionDisplay, RegularizationPathDisplay,
]  # fmt: skip


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model():
    return RegularizedMLPClassifier(**RELU).fit(X, Y)


@pytest.fixture(scope="module")
def stopped():
    return RegularizedMLPRegressor(
        (8,), max_iter=12, early_stopping=True, n_iter_no_change=None, learning_rate="cosine",
        random_state=0,
    ).fit(*DIABETES)  # fmt: skip


@pytest.fixture(scope="module")
def committee():
    params = {"n_estimators": 3, "max_iter": 40, "early_stopping": True, "n_iter_no_change": 1}
    return RegularizedMLPRegressor(**RELU | params | {"learning_rate_init": 0.05}).fit(*DIABETES)


@pytest.fixture(scope="module")
def path():
    linear = RegularizedMLPRegressor((), solver="lbfgs", l1_ratio=1.0, max_iter=1000)
    return regularization_path(linear, *DIABETES, values=[1000.0, 10.0, 0.1], cv=3)


def draw(display, model, **params):
    """The display of a fitted model on the iris data."""
    if display in (TrainingHistoryDisplay, WeightDistributionDisplay):
        return display.from_estimator(model, **params)
    if display is RegularizationPathDisplay:
        return display.from_estimator(model, X, Y, values=[0.1, 10.0], cv=2, **params)
    return display.from_estimator(model, X, Y, **params)


# The convention ----------------------------------------------------------------------------------


@pytest.mark.parametrize("display", DISPLAYS)
def test_arguments_become_attributes_and_plot_returns_the_display(display, model):
    drawn = draw(display, model)
    names = [name for name in inspect.signature(display).parameters]
    given = {name: getattr(drawn, name) for name in names}
    again = display(**given)
    assert {name for name in vars(again)} == set(names)
    assert again.plot() is again
    assert again.figure_ is not drawn.figure_


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_given_axes_are_drawn_on(display, model):
    figure, (left, right) = plt.subplots(1, 2)
    drawn = draw(display, model, ax=right)
    assert drawn.figure_ is figure and len(plt.get_fignums()) == 1
    assert not left.has_data()
    if hasattr(drawn, "ax_"):
        assert drawn.ax_ is right and right.has_data()
    else:
        assert drawn.bounding_ax_ is right and not right.axison
        assert all(panel.has_data() for panel in drawn.axes_.ravel())
        with pytest.raises(ValueError, match="already used in another plot"):
            drawn.plot(right)


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib_the_error_names_the_caller(display, model, monkeypatch):
    drawn = draw(display, model)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=f"{display.__name__}.plot requires matplotlib"):
        drawn.plot()
    with pytest.raises(ImportError, match=f"{display.__name__}.from_estimator requires matplotlib"):
        draw(display, model)


@pytest.mark.parametrize("display", DISPLAYS)
def test_axes_have_titles_and_labels(display, model):
    drawn = draw(display, model)
    axes = [drawn.ax_] if hasattr(drawn, "ax_") else drawn.axes_.ravel()
    for ax in axes:
        assert ax.get_title() and ax.get_xlabel() and ax.get_ylabel()


@pytest.mark.parametrize("display", [ActivationDistributionDisplay, WeightDistributionDisplay])
def test_panels_as_in_partial_dependence(display, model):
    drawn = draw(display, model, n_cols=2)
    assert drawn.axes_.shape == drawn.bars_.shape == (2, 2)
    assert drawn.axes_[1, 1] is None and drawn.axes_[1, 0] is not None
    _, axes = plt.subplots(1, 3)
    drawn = draw(display, model, ax=axes)
    assert list(drawn.axes_) == list(axes) and drawn.bounding_ax_ is None
    with pytest.raises(ValueError, match="Expected ax to have 3 axes, got 2"):
        draw(display, model, ax=axes[:2])


@pytest.mark.parametrize("display", [TrainingHistoryDisplay, WeightDistributionDisplay])
def test_what_shows_a_fit_needs_one(display):
    with pytest.raises(NotFittedError):
        display.from_estimator(RegularizedMLPClassifier())


@pytest.mark.parametrize("display", DISPLAYS[:-1])  # a path may be that of a pipeline
def test_pipelines_are_refused_by_name(display, model):
    with pytest.raises(TypeError, match="estimator must be a RegularizedMLPClassifier or a Reg"):
        draw(display, make_pipeline(model))


# Training history --------------------------------------------------------------------------------


def test_the_losses_are_those_of_the_history(stopped):
    drawn = TrainingHistoryDisplay.from_estimator(stopped, line_kw={"linewidth": 3})
    training, validation = drawn.lines_
    np.testing.assert_array_equal(training.get_xdata(), np.arange(1, 13))
    np.testing.assert_allclose(training.get_ydata(), stopped.history_["loss"])
    np.testing.assert_allclose(validation.get_ydata(), stopped.history_["validation_loss"])
    best = stopped.best_iteration_
    assert list(drawn.best_.get_xdata()) == [best]
    assert list(drawn.best_.get_ydata()) == [stopped.history_["validation_loss"][best - 1]]
    assert training.get_linewidth() == 3
    assert drawn.ax_.get_title() == "Training history of RegularizedMLPRegressor"
    assert drawn.ax_.get_xlabel() == "epoch"
    assert drawn.fill_between_ is None and drawn.learning_rate_ax_ is None


def test_the_learning_rate_has_an_axis_of_its_own(stopped):
    drawn = TrainingHistoryDisplay.from_estimator(stopped, show_learning_rate=True, name="mine")
    [line] = drawn.learning_rate_ax_.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), stopped.history_["learning_rate"])
    labels = [text.get_text() for text in drawn.ax_.get_legend().get_texts()]
    assert labels == ["training", "validation", "best epoch", "learning rate"]
    assert drawn.ax_.get_title() == "Training history of mine"


def test_without_validation_rows_there_is_one_curve(model):
    drawn = TrainingHistoryDisplay.from_estimator(model, log_scale=True)
    assert len(drawn.lines_) == 1 and drawn.best_ is None
    assert drawn.ax_.get_yscale() == "log"


def test_lbfgs_counts_iterations():
    model = RegularizedMLPRegressor((), solver="lbfgs", alpha=10.0).fit(*DIABETES)
    assert TrainingHistoryDisplay.from_estimator(model).ax_.get_xlabel() == "iteration"


def test_a_committee_is_a_mean_with_a_band(committee):
    losses = [member.history["loss"] for member in committee.members_]
    longest = max(map(len, losses))
    assert min(map(len, losses)) < longest  # else the mean over those still training is not seen
    drawn = TrainingHistoryDisplay.from_estimator(committee)
    assert len(drawn.lines_) == len(drawn.fill_between_) == 2
    mean = drawn.lines_[0].get_ydata()
    assert len(mean) == longest
    for epoch in (0, longest - 1):
        there = [loss[epoch] for loss in losses if len(loss) > epoch]
        assert mean[epoch] == pytest.approx(np.mean(there))
    assert list(drawn.best_.get_xdata()) == [m.best_iteration for m in committee.members_]


def test_the_members_of_a_committee_one_by_one(committee):
    drawn = TrainingHistoryDisplay.from_estimator(committee, each_member=True)
    assert len(drawn.lines_) == 6 and drawn.fill_between_ is None
    for line, member in zip(drawn.lines_, committee.members_, strict=False):
        drawn_losses = line.get_ydata()
        np.testing.assert_array_equal(drawn_losses[: member.n_iter], member.history["loss"])
        assert np.all(np.isnan(drawn_losses[member.n_iter :]))
    labels = [text.get_text() for text in drawn.ax_.get_legend().get_texts()]
    assert labels == ["training", "validation", "best epoch"]


# Layers ------------------------------------------------------------------------------------------


def area(bars):
    return sum(bar.get_width() * bar.get_height() for bar in bars)


@pytest.mark.parametrize("fitted", [False, True], ids=["initial", "fitted"])
def test_activations_by_layer(model, fitted):
    model = model if fitted else RegularizedMLPClassifier(**RELU)
    drawn = ActivationDistributionDisplay.from_estimator(model, X, Y, bins=20)
    layers = inspect_layers(model, X, Y)
    assert drawn.layer_names == ["hidden 1 (relu)", "hidden 2 (relu)", "output (raw)"]
    for i, layer in enumerate(layers):
        np.testing.assert_array_equal(drawn.values[i], layer.A)
        zeros = np.mean(layer.A == 0)
        assert drawn.zero_shares_[i] == pytest.approx(zeros)
        assert len(drawn.bars_[0, i]) == 20
        assert area(drawn.bars_[0, i]) == pytest.approx(1 - zeros)
        title = drawn.axes_[0, i].get_title()
        assert f"mean {layer.A.mean():.2g}, std {layer.A.std():.2g}" in title
        assert ("exactly 0" in title) == (zeros > 0)
    assert 0 < drawn.zero_shares_[0] < 1 and drawn.zero_shares_[2] == 0


def test_weights_by_layer_with_their_zeros():
    params = {"alpha": 10.0, "l1_ratio": 1.0, "learning_rate_init": 0.05, "n_estimators": 2}
    params |= {"hidden_layer_sizes": (8,), "max_iter": 200}
    model = RegularizedMLPClassifier(**RELU | params).fit(X, Y)
    drawn = WeightDistributionDisplay.from_estimator(model, hist_kw={"color": "black"})
    assert drawn.layer_names == ["hidden 1", "output"]
    sizes = [values.size for values in drawn.values]
    assert sizes == [2 * 4 * 8, 2 * 8 * 3]
    assert np.average(drawn.zero_shares_, weights=sizes) == pytest.approx(model.sparsity_)
    assert 0 < model.sparsity_ < 1
    assert drawn.bars_[0, 0][0].get_facecolor() == (0.0, 0.0, 0.0, 1.0)


def test_a_layer_of_nothing_but_zeros():
    drawn = WeightDistributionDisplay(layer_names=["output"], values=[np.zeros((3, 2))]).plot()
    assert drawn.zero_shares_ == [1.0]
    assert "100% exactly 0" in drawn.axes_[0, 0].get_title()


def test_gradients_by_layer(model):
    layers = inspect_layers(model, X, Y)
    drawn = GradientFlowDisplay.from_estimator(model, X, Y)
    ratios = [layer.gradient_ratio for layer in layers]
    np.testing.assert_allclose(drawn.line_.get_ydata(), ratios)
    assert drawn.ax_.get_yscale() == "log" and drawn.zeros_ is None
    labels = [label.get_text() for label in drawn.ax_.get_xticklabels()]
    assert labels == ["hidden 1", "hidden 2", "output"]
    drawn.plot(relative=False)
    np.testing.assert_allclose(drawn.line_.get_ydata(), drawn.gradient_norms)
    assert drawn.ax_.get_ylabel() == "||dJ/dW||"


def test_gradients_that_are_zero_are_marked():
    model = RegularizedMLPClassifier((8,), init=["auto", "zeros"], alpha=0.0, random_state=0)
    drawn = GradientFlowDisplay.from_estimator(model, X, Y)
    assert list(drawn.zeros_.get_xdata()) == [0]
    assert drawn.ax_.get_legend().get_texts()[0].get_text() == "exactly 0"


# Paths -------------------------------------------------------------------------------------------


def test_a_path_has_three_panels(path):
    drawn = RegularizationPathDisplay.from_path(path)
    tables = (path.train_scores, path.test_scores, path.weight_norms, path.sparsities)
    for line, band, table in zip(drawn.lines_, drawn.fill_between_, tables, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [0.1, 10.0, 1000.0])
        np.testing.assert_allclose(line.get_ydata(), table.mean(axis=1)[::-1])
        upper = (table.mean(axis=1) + table.std(axis=1)).max()
        assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(upper)
    assert [panel.get_xlabel() for panel in drawn.axes_.flat] == ["alpha"] * 3
    assert {panel.get_xscale() for panel in drawn.axes_.flat} == {"log"}
    assert drawn.best_line_.get_xdata()[0] == path.best_value
    assert drawn.axes_.flat[0].get_ylabel() == "r2"


@pytest.mark.parametrize(
    ("values", "scale"),
    [([0.1, 0.5, 1.0], "linear"), ([0.0, 0.1, 10.0], "symlog"), ([-1.0, 0.1, 9.0], "linear")],
)
def test_the_axis_fits_the_values(path, values, scale):
    path = path.copy()
    drawn = RegularizationPathDisplay(
        param="p", param_values=np.array(values),
        **{name: path[name] for name in ("train_scores", "test_scores", "weight_norms")},
        sparsities=path["sparsities"],
    ).plot()  # fmt: skip
    assert drawn.axes_.flat[0].get_xscale() == scale


def test_scores_that_are_not_defined_have_no_best(path):
    undefined = np.full_like(path.test_scores, np.nan)
    drawn = RegularizationPathDisplay(
        param="alpha", param_values=path.param_values, train_scores=path.train_scores,
        test_scores=undefined, weight_norms=path.weight_norms, sparsities=path.sparsities,
    ).plot()  # fmt: skip
    assert drawn.best_line_ is None


def test_a_path_of_an_estimator(path):
    linear = RegularizedMLPRegressor((), solver="lbfgs", l1_ratio=1.0, max_iter=1000)
    drawn = RegularizationPathDisplay.from_estimator(
        linear, *DIABETES, param="alpha", values=[1000.0, 10.0, 0.1], cv=3
    )
    np.testing.assert_allclose(drawn.test_scores, path.test_scores)
