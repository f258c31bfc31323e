"""Losses: values against SciPy and scikit-learn, gradients, links, and stability."""

import numpy as np
import pytest
import scipy.special
from engine_examples import (
    CLASSIFIER_LOSSES,
    GOOD,
    LOSSES,
    concrete_subclasses,
    numeric_gradient,
    relative_error,
    target,
)
from scipy.special import expit, logsumexp, softmax, xlogy
from sklearn.metrics import (
    hinge_loss,
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from skregnet.core.classification_losses import (
    CLASSIFICATION_LOSSES,
    ClassificationLoss,
    Focal,
    SigmoidFocal,
    SigmoidHinge,
    SigmoidLogLoss,
    SoftmaxFocal,
    SoftmaxHinge,
    SoftmaxLogLoss,
)
from skregnet.core.losses import (
    REGRESSION_LOSSES,
    AbsoluteError,
    Gamma,
    Huber,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
)

N, M = 15, 3

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
row_weights = pytest.mark.parametrize(
    "weight", [1.0, 0.25, np.linspace(0.1, 2.0, N)[:, np.newaxis]], ids=["one", "scalar", "rows"]
)


def example(loss, n=N, m=M):
    """Targets and raw outputs."""
    rng = np.random.default_rng(0)
    return target(loss, rng, n, m), rng.normal(size=(n, m))


def evaluate(loss, Y, raw, weight=1.0):
    """Value and gradient; whatever the gradient's array held before is NaN."""
    d_raw = np.full_like(raw, np.nan)
    return loss(Y, raw, weight, d_raw), d_raw


def test_every_loss_has_an_example():
    assert {type(loss) for loss in LOSSES.values()} == concrete_subclasses(Loss)


def test_every_loss_of_the_classifier_is_registered():
    assert set(CLASSIFICATION_LOSSES.values()) == concrete_subclasses(ClassificationLoss)


@every_loss
@row_weights
def test_gradient(loss, weight):
    Y, raw = example(loss)
    _, analytic = evaluate(loss, Y, raw, weight)
    numeric = numeric_gradient(lambda: evaluate(loss, Y, raw, weight)[0], raw)
    assert relative_error(analytic, numeric) < GOOD


CLASSIFYING = {name: loss for name, loss in LOSSES.items() if name.endswith(("sigmoid", "softmax"))}
every_classifying_loss = pytest.mark.parametrize("loss", CLASSIFYING.values(), ids=CLASSIFYING)


@every_classifying_loss
def test_gradient_with_soft_labels(loss):
    rng = np.random.default_rng(0)
    Y, raw = softmax(rng.normal(size=(N, M)), axis=1), rng.normal(size=(N, M))
    numeric = numeric_gradient(lambda: evaluate(loss, Y, raw)[0], raw)
    assert relative_error(evaluate(loss, Y, raw)[1], numeric) < GOOD


@every_loss
def test_weights_multiply_the_loss_of_their_row(loss):
    Y, raw = example(loss)
    weight = np.linspace(0.1, 2.0, N)[:, np.newaxis]
    value, d_raw = evaluate(loss, Y, raw, weight)
    rows = [evaluate(loss, Y[[i]], raw[[i]]) for i in range(N)]
    expected = sum(w * row for w, (row, _) in zip(weight[:, 0], rows, strict=True))
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(d_raw, weight * np.concatenate([d for _, d in rows]), rtol=1e-13)


@every_loss
def test_inputs_are_left_alone_and_the_value_is_a_float(loss):
    Y, raw = example(loss)
    before = raw.copy()
    Y.flags.writeable = raw.flags.writeable = False
    value, _ = evaluate(loss, Y, raw, np.ones((N, 1)))
    assert type(value) is float
    prediction = loss.inverse_link(raw)
    assert not np.shares_memory(prediction, raw)
    np.testing.assert_array_equal(raw, before)


@every_loss
def test_single_precision_stays_near_double_precision(loss):
    Y, raw = example(loss)
    weight = np.linspace(0.1, 2.0, N)[:, np.newaxis]
    value, d_raw = evaluate(loss, Y, raw, weight)
    single = [array.astype(np.float32) for array in (Y, raw, weight)]
    value_32, d_raw_32 = evaluate(loss, *single)
    assert d_raw_32.dtype == loss.inverse_link(single[1]).dtype == np.float32
    np.testing.assert_allclose(value_32, value, rtol=1e-6)
    # A residual near 0 is the difference of rounded numbers.
    np.testing.assert_allclose(d_raw_32, d_raw, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_smooth_says_whether_the_gradient_jumps_at_a_perfect_fit(name):
    loss = REGRESSION_LOSSES[name]()
    Y = np.full((1, 1), 2.0)
    centre = loss.link(Y)
    jump = evaluate(loss, Y, centre + 1e-9)[1] - evaluate(loss, Y, centre - 1e-9)[1]
    assert loss.smooth == bool(np.abs(jump) < 1e-6)


# Values ----------------------------------------------------------------------------------------


@row_weights
@pytest.mark.parametrize(
    ("loss", "metric", "factor"),
    [(SquaredError(), mean_squared_error, 0.5), (AbsoluteError(), mean_absolute_error, 1.0)],
)
def test_squared_and_absolute_error_are_scikit_learns_summed_over_outputs(
    loss, metric, factor, weight
):
    Y, raw = example(loss)
    s = np.broadcast_to(weight, (N, 1))[:, 0]
    by_output = metric(Y, raw, sample_weight=s, multioutput="raw_values")
    expected = factor * s.sum() * by_output.sum()
    np.testing.assert_allclose(evaluate(loss, Y, raw, weight)[0], expected, rtol=1e-13)


@pytest.mark.parametrize("delta", [0.3, 1.0, 50.0])
def test_huber_is_scipys(delta):
    Y, raw = example(Huber())
    expected = scipy.special.huber(delta, raw - Y).sum()
    np.testing.assert_allclose(evaluate(Huber(delta), Y, raw)[0], expected, rtol=1e-13)


def test_huber_lies_between_squared_and_absolute_error():
    Y, raw = example(Huber())
    wide, narrow = evaluate(Huber(1e6), Y, raw), evaluate(Huber(1e-9), Y, raw)
    np.testing.assert_allclose(wide[0], evaluate(SquaredError(), Y, raw)[0], rtol=1e-12)
    np.testing.assert_allclose(narrow[0] / 1e-9, evaluate(AbsoluteError(), Y, raw)[0], rtol=1e-7)
    np.testing.assert_allclose(narrow[1] / 1e-9, evaluate(AbsoluteError(), Y, raw)[1], rtol=1e-12)


def test_poisson_is_half_the_deviance_up_to_terms_in_y():
    Y, raw = example(Poisson(), m=1)
    half_deviance = 0.5 * N * mean_poisson_deviance(Y, np.exp(raw))
    terms_in_y = np.sum(xlogy(Y, Y) - Y)
    np.testing.assert_allclose(
        evaluate(Poisson(), Y, raw)[0], half_deviance - terms_in_y, rtol=1e-12
    )


@row_weights
def test_softmax_log_loss_is_scikit_learns(weight):
    Y, raw = example(SoftmaxLogLoss())
    s = np.broadcast_to(weight, (N, 1))[:, 0]
    expected = log_loss(
        Y.argmax(axis=1), softmax(raw, axis=1), sample_weight=s, normalize=False, labels=range(M)
    )
    np.testing.assert_allclose(evaluate(SoftmaxLogLoss(), Y, raw, weight)[0], expected, rtol=1e-13)


@row_weights
def test_sigmoid_log_loss_is_scikit_learns_summed_over_labels(weight):
    Y, raw = example(SigmoidLogLoss())
    s = np.broadcast_to(weight, (N, 1))[:, 0]
    expected = sum(
        log_loss(y, expit(f), sample_weight=s, normalize=False, labels=[0, 1])
        for y, f in zip(Y.T, raw.T, strict=True)
    )
    np.testing.assert_allclose(evaluate(SigmoidLogLoss(), Y, raw, weight)[0], expected, rtol=1e-13)


def test_two_classes_by_softmax_are_one_logit_by_sigmoid():
    Y, raw = example(SigmoidLogLoss(), m=1)
    one = evaluate(SigmoidLogLoss(), Y, raw)
    two = evaluate(SoftmaxLogLoss(), np.hstack([1 - Y, Y]), np.hstack([np.zeros((N, 1)), raw]))
    np.testing.assert_allclose(two[0], one[0], rtol=1e-13)
    np.testing.assert_allclose(two[1][:, [1]], one[1], rtol=1e-13)


@row_weights
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_quantile_is_scikit_learns_pinball_loss_summed_over_outputs(q, weight):
    Y, raw = example(Quantile())
    s = np.broadcast_to(weight, (N, 1))[:, 0]
    by_output = mean_pinball_loss(Y, raw, alpha=q, sample_weight=s, multioutput="raw_values")
    expected = s.sum() * by_output.sum()
    np.testing.assert_allclose(evaluate(Quantile(q), Y, raw, weight)[0], expected, rtol=1e-13)


def test_the_quantile_one_half_is_half_the_absolute_error():
    Y, raw = example(Quantile())
    half, absolute = evaluate(Quantile(), Y, raw), evaluate(AbsoluteError(), Y, raw)
    np.testing.assert_allclose(half[0], absolute[0] / 2, rtol=1e-13)
    np.testing.assert_array_equal(half[1], absolute[1] / 2)
    assert np.all(evaluate(Quantile(0.3), Y, Y)[1] == 0)  # a perfect fit stays


def test_gamma_is_half_the_deviance_up_to_terms_in_y():
    Y, raw = example(Gamma(), m=1)
    half_deviance = 0.5 * N * mean_gamma_deviance(Y, np.exp(raw))
    terms_in_y = np.sum(np.log(Y) + 1)
    np.testing.assert_allclose(evaluate(Gamma(), Y, raw)[0], half_deviance + terms_in_y, rtol=1e-12)
    np.testing.assert_allclose(evaluate(Gamma(), Y, np.log(Y))[1], 0.0, atol=1e-14)


@row_weights
def test_sigmoid_hinge_is_scikit_learns(weight):
    Y, raw = example(SigmoidHinge(), m=1)
    raw *= 2  # on both sides of the margin
    s = np.broadcast_to(weight, (N, 1))[:, 0]
    expected = s.sum() * hinge_loss(Y[:, 0], raw[:, 0], sample_weight=s)
    np.testing.assert_allclose(evaluate(SigmoidHinge(), Y, raw, weight)[0], expected, rtol=1e-13)


@row_weights
@pytest.mark.parametrize("m", [3, 6])
def test_softmax_hinge_is_scikit_learns_of_crammer_and_singer(m, weight):
    Y, raw = example(SoftmaxHinge(), m=m)
    s = np.broadcast_to(weight, (N, 1))[:, 0]
    labels = {"y_true": Y.argmax(axis=1), "labels": range(m)}
    expected = s.sum() * hinge_loss(pred_decision=raw, sample_weight=s, **labels)
    value, d_raw = evaluate(SoftmaxHinge(), Y, raw, weight)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    assert np.all(np.abs(d_raw.sum(axis=1)) < 1e-15)  # what one class gains another one loses


def test_a_margin_that_is_kept_costs_nothing():
    Y = np.array([[1.0], [0.0]])
    value, d_raw = evaluate(SigmoidHinge(), Y, np.array([[1.5], [-1.5]]))
    assert value == 0 and np.all(d_raw == 0)
    value, d_raw = evaluate(SoftmaxHinge(), np.eye(3), 1.5 * np.eye(3))
    assert value == 0 and np.all(d_raw == 0)


@row_weights
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_is_the_log_loss_times_a_power(gamma, weight):
    Y, raw = example(SoftmaxFocal())
    log_p = np.log(softmax(raw, axis=1))[Y == 1][:, np.newaxis]
    expected = -np.sum(weight * (1 - np.exp(log_p)) ** gamma * log_p)
    value, _ = evaluate(SoftmaxFocal(gamma), Y, raw, weight)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    p = np.where(Y == 1, expit(raw), expit(-raw))
    expected = -np.sum(weight * (1 - p) ** gamma * np.log(p))
    value, _ = evaluate(SigmoidFocal(gamma), Y, raw, weight)
    np.testing.assert_allclose(value, expected, rtol=1e-12)


@row_weights
@pytest.mark.parametrize(
    ("focal", "log"), [(SigmoidFocal(0.0), SigmoidLogLoss()), (SoftmaxFocal(0.0), SoftmaxLogLoss())]
)
def test_focal_loss_with_gamma_zero_is_the_log_loss(focal, log, weight):
    Y, raw = example(focal)
    for labels in (Y, softmax(Y, axis=1)):
        value, d_raw = evaluate(focal, labels, raw, weight)
        expected, d_expected = evaluate(log, labels, raw, weight)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(d_raw, d_expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_two_classes_by_softmax_focal_are_one_logit_by_sigmoid_focal(gamma):
    Y, raw = example(SigmoidFocal(), m=1)
    one = evaluate(SigmoidFocal(gamma), Y, raw)
    both = np.hstack([1 - Y, Y]), np.hstack([np.zeros((N, 1)), raw])
    two = evaluate(SoftmaxFocal(gamma), *both)
    np.testing.assert_allclose(two[0], one[0], rtol=1e-12)
    np.testing.assert_allclose(two[1][:, [1]], one[1], rtol=1e-12)


@every_classifying_loss
def test_a_soft_target_is_the_expectation_over_its_labels(loss):
    rng = np.random.default_rng(1)
    m = 1 if isinstance(loss, SigmoidLogLoss | SigmoidHinge | SigmoidFocal) else 3
    raw = rng.normal(size=(N, m))
    if m == 1:
        Y = rng.random((N, 1))
        labels = [(np.zeros((N, 1)), 1 - Y), (np.ones((N, 1)), Y)]
    else:
        Y = rng.dirichlet(np.ones(3), N)
        labels = [(np.tile(np.eye(3)[k], (N, 1)), Y[:, [k]]) for k in range(3)]
    value, d_raw = evaluate(loss, Y, raw)
    hard = [evaluate(loss, label, raw, probability) for label, probability in labels]
    np.testing.assert_allclose(value, sum(part for part, _ in hard), rtol=1e-12)
    np.testing.assert_allclose(d_raw, sum(part for _, part in hard), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", CLASSIFICATION_LOSSES)
@pytest.mark.parametrize("link", ["sigmoid", "softmax"])
def test_a_loss_with_probabilities_has_a_link_that_makes_them(name, link):
    recipe = CLASSIFICATION_LOSSES[name]()
    raw = np.random.default_rng(0).normal(size=(N, M)) * 3
    prediction = recipe.with_link(link).inverse_link(raw)
    are_probabilities = bool(np.all((prediction > 0) & (prediction < 1)))
    assert are_probabilities == recipe.has_probabilities
    assert type(recipe.with_link(link)) is type(CLASSIFIER_LOSSES[f"{name}, {link}"])


def test_the_gamma_of_focal_reaches_both_links():
    assert Focal(0.7).with_link("sigmoid") == SigmoidFocal(0.7)
    assert Focal(0.7).with_link("softmax") == SoftmaxFocal(0.7)


# Links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "link", "output_activation"),
    [
        ("squared_error", lambda f: f, "identity"),
        ("absolute_error", lambda f: f, "identity"),
        ("huber", lambda f: f, "identity"),
        ("quantile", lambda f: f, "identity"),
        ("poisson", np.exp, "exp"),
        ("gamma", np.exp, "exp"),
        ("log_loss, sigmoid", expit, "logistic"),
        ("log_loss, softmax", lambda f: softmax(f, axis=-1), "softmax"),
        ("focal, sigmoid", expit, "logistic"),
        ("focal, softmax", lambda f: softmax(f, axis=-1), "softmax"),
        ("hinge, sigmoid", lambda f: f, "identity"),
        ("hinge, softmax", lambda f: f, "identity"),
    ],
)
def test_inverse_link(name, link, output_activation):
    raw = np.random.default_rng(0).normal(size=(2, N, M))  # a committee of two
    np.testing.assert_allclose(LOSSES[name].inverse_link(raw), link(raw), rtol=1e-13)
    assert LOSSES[name].output_activation == output_activation


@pytest.mark.parametrize(
    "name", ["squared_error", "poisson", "log_loss, sigmoid", "log_loss, softmax"]
)
def test_gradient_of_a_canonical_link_is_prediction_minus_target(name):
    Y, raw = example(LOSSES[name])
    prediction = LOSSES[name].inverse_link(raw)
    np.testing.assert_allclose(evaluate(LOSSES[name], Y, raw)[1], prediction - Y, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_rows_sum_to_one_at_any_size(dtype):
    raw = (np.random.default_rng(0).normal(size=(50, 7)) * 1000).astype(dtype)
    probability = SoftmaxLogLoss().inverse_link(raw)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=8 * np.finfo(dtype).eps)


# Stability -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_losses_are_exact_where_the_exponential_would_overflow(dtype):
    raw = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0]], dtype=dtype)
    wrong, right = np.eye(3, dtype=dtype)[[1, 0]], np.eye(3, dtype=dtype)[[0, 1]]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, d_raw = evaluate(SoftmaxLogLoss(), wrong, raw)
        assert value == pytest.approx(2000 + 2000 + np.log(2), rel=1e-6)
        np.testing.assert_allclose(d_raw, [[1, -1, 0], [-1, 0.5, 0.5]])
        assert evaluate(SoftmaxLogLoss(), right, raw)[0] == pytest.approx(np.log(2), rel=1e-6)

        labels = (raw < 0).astype(dtype)  # wrong wherever a logit is sure
        value, d_raw = evaluate(SigmoidLogLoss(), labels, raw)
        assert value == pytest.approx(5 * 1000 + np.log(2), rel=1e-6)
        np.testing.assert_allclose(d_raw, [[1, -1, 0.5], [-1, 1, 1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_loss
def test_extreme_outputs_never_give_nan(loss, dtype):
    raw = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0]], dtype=dtype)
    Y = target(loss, np.random.default_rng(0), 2, 3).astype(dtype)
    # exp(1000) is infinite: with that link it is the right answer, and is met by name.
    has_exp = loss.output_activation == "exp"
    with np.errstate(invalid="raise", over="ignore" if has_exp else "raise"):
        value, d_raw = evaluate(loss, Y, raw)
        prediction = loss.inverse_link(raw)
    assert not np.isnan(value) and not np.any(np.isnan(d_raw)) and not np.any(np.isnan(prediction))
    if not has_exp:
        assert np.isfinite(value)


@pytest.mark.parametrize("shift", [-800.0, 800.0])
def test_softmax_loss_does_not_feel_a_common_shift(shift):
    Y, raw = example(SoftmaxLogLoss())
    value, d_raw = evaluate(SoftmaxLogLoss(), Y, raw + shift)
    assert value == pytest.approx(np.sum(logsumexp(raw, axis=1) - np.sum(Y * raw, axis=1)))
    np.testing.assert_allclose(d_raw, softmax(raw, axis=1) - Y, atol=1e-12)


@pytest.mark.parametrize("f", [-30.0, -40.0, -700.0])
def test_sigmoid_loss_keeps_its_precision_for_a_sure_and_right_output(f):
    value, d_raw = evaluate(SigmoidLogLoss(), np.zeros((1, 1)), np.full((1, 1), f))
    assert value == pytest.approx(np.exp(f), rel=1e-12)
    assert d_raw[0, 0] == pytest.approx(np.exp(f), rel=1e-12)


# Ranges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [0.0, -1.0])
def test_huber_needs_a_positive_delta(delta):
    with pytest.raises(ValueError, match="'delta' parameter of Huber must be"):
        Huber(delta).check()


@pytest.mark.parametrize("q", [0.0, 1.0, -0.5, 1.5])
def test_a_quantile_lies_between_zero_and_one(q):
    with pytest.raises(ValueError, match="'q' parameter of Quantile must be"):
        Quantile(q).check()


def test_focal_needs_a_gamma_that_is_not_negative():
    with pytest.raises(ValueError, match="'gamma' parameter of Focal must be"):
        Focal(-0.1).check()
    Focal(0.0).check()


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_gamma_takes_positive_targets_only(value):
    with pytest.raises(ValueError, match="loss='gamma'"):
        Gamma().check_target(np.array([1.0, value]))


def test_poisson_takes_counts_only():
    y = [1.0, -0.5]
    with pytest.raises(ValueError, match="negative"):
        Poisson().check_target(np.array(y))


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_every_regression_loss_takes_positive_targets(name):
    REGRESSION_LOSSES[name]().check_target(np.array([[0.1, 1.0], [2.0, 3.5]]))


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_a_target_is_standardised_only_under_the_identity_link(name):
    loss = REGRESSION_LOSSES[name]()
    assert loss.standardizes_target == (loss.output_activation == "identity")
