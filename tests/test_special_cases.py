"""Without a hidden layer the network IS a linear model: the limits of the objective, as equalities.

J = (1/S) sum_i s_i loss_i + (1/S) alpha [ l1_ratio |W|_1 + (1 - l1_ratio)/2 |W|^2 ], so Ridge and
LogisticRegression of scikit-learn have alpha = ours and C = 1/ours; Lasso, ElasticNet and
PoissonRegressor and GammaRegressor, which average over rows, have alpha = ours/S.
"""

import numpy as np
import pytest
from scipy.special import logsumexp, xlogy
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.metrics import mean_pinball_loss
from sklearn.preprocessing import scale

from skregnet import SGD, Huber, Quantile, RegularizedMLPClassifier, RegularizedMLPRegressor

EQUAL = 1e-5
NO_HIDDEN_LAYER = {"hidden_layer_sizes": (), "scaling": None, "dtype": "float64"}
LBFGS = NO_HIDDEN_LAYER | {
    "solver": "lbfgs", "tol": 1e-10, "max_iter": 10_000, "random_state": 0,
}  # fmt: skip
WEIGHTED = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])


def regressor(**params):
    return RegularizedMLPRegressor(**LBFGS | {"target_scaling": None} | params)


def classifier(**params):
    return RegularizedMLPClassifier(**LBFGS | params)


def deviation(ours, reference):
    """max |a - b| / max |b|"""
    ours, reference = np.asarray(ours), np.asarray(reference)
    assert ours.shape == reference.shape
    return np.max(np.abs(ours - reference)) / np.max(np.abs(reference))


def weights_of(n, weighted):
    """Real weights, some zero; their sum is not n, so S matters."""
    if not weighted:
        return None
    rng = np.random.default_rng(5)
    return rng.uniform(0.2, 3.0, n) * (rng.random(n) > 0.1)


def total(weight, n):
    return n if weight is None else weight.sum()


def diabetes(n_outputs=1):
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), y / 50
    return X, y if n_outputs == 1 else np.column_stack([y, X[:, 0] ** 2, y * X[:, 2]])


def counts():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 6))
    return X, rng.poisson(np.exp(0.5 + X @ [0.5, -0.4, 0.3, 0.0, 0.2, -0.1]))


def positive():
    X, y = counts()
    return X, np.random.default_rng(4).gamma(2.0, 0.1 + y)


def binary():
    """Columns that are not nearly the same, so that the optimum is known to eight digits."""
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X[:, [0, 1, 4, 5, 8, 9, 11, 14, 18, 19]]), y


def three_classes():
    """Labels with noise, so that the classes overlap and no probability is 0 or 1."""
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(2)
    return scale(X), np.where(rng.random(len(y)) < 0.2, rng.integers(3, size=len(y)), y)


def labels():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 5))
    raw = X @ rng.normal(size=(5, 3)) + [0.5, -0.5, 0.0] + rng.normal(size=(200, 3))
    return X, (raw > 0).astype(int)


def logistic_regression(alpha, l1_ratio, X, y, weight):
    """The reference, solved tightly: saga where L1 takes part."""
    solver = "saga" if l1_ratio else "lbfgs"
    model = LogisticRegression(
        C=1 / alpha, l1_ratio=l1_ratio, solver=solver, tol=1e-10, max_iter=200_000, random_state=0
    )
    return model.fit(X, y, sample_weight=weight)


def penalty(W, alpha, l1_ratio):
    return alpha * (l1_ratio * np.abs(W).sum() + (1 - l1_ratio) / 2 * np.sum(W**2))


# Regression -----------------------------------------------------------------------------------


@WEIGHTED
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_squared_error_with_l2_is_ridge(alpha, n_outputs, weighted):
    X, y = diabetes(n_outputs)
    weight = weights_of(len(y), weighted)
    ours = regressor(alpha=alpha).fit(X, y, weight)
    reference = Ridge(alpha, solver="cholesky").fit(X, y, weight)
    assert deviation(ours.coefs_[0].T.reshape(reference.coef_.shape), reference.coef_) < EQUAL
    assert deviation(ours.intercepts_[0], np.atleast_1d(reference.intercept_)) < EQUAL
    assert deviation(ours.predict(X), reference.predict(X)) < EQUAL


@WEIGHTED
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4], ids=["lasso", "elastic net"])
def test_squared_error_with_l1_is_one_lasso_or_elastic_net_an_output(l1_ratio, n_outputs, weighted):
    X, y = diabetes(n_outputs)
    weight, alpha = weights_of(len(y), weighted), 50.0
    ours = regressor(alpha=alpha, l1_ratio=l1_ratio).fit(X, y, weight)
    strength = alpha / total(weight, len(y))
    n_zeros = 0
    for j, column in enumerate(y.reshape(len(y), -1).T):
        reference = ElasticNet(strength, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000)
        reference.fit(X, column, weight)
        assert deviation(ours.coefs_[0][:, j], reference.coef_) < EQUAL
        assert deviation(ours.intercepts_[0][j], reference.intercept_) < EQUAL
        np.testing.assert_array_equal(ours.coefs_[0][:, j] == 0, reference.coef_ == 0)
        n_zeros += np.sum(reference.coef_ == 0)
    assert n_zeros > 0
    assert ours.n_nonzero_ == ours.coefs_[0].size - n_zeros


@WEIGHTED
def test_poisson_with_l2_is_poisson_regressor(weighted):
    X, y = counts()
    weight, alpha = weights_of(len(y), weighted), 5.0
    ours = regressor(loss="poisson", alpha=alpha).fit(X, y, weight)
    reference = PoissonRegressor(
        alpha=alpha / total(weight, len(y)), solver="newton-cholesky", tol=1e-10
    ).fit(X, y, weight)
    assert deviation(ours.coefs_[0][:, 0], reference.coef_) < EQUAL
    assert deviation(ours.intercepts_[0], [reference.intercept_]) < EQUAL
    assert deviation(ours.predict(X), reference.predict(X)) < EQUAL


@WEIGHTED
@pytest.mark.parametrize("alpha", [0.5, 20.0])
def test_gamma_with_l2_is_gamma_regressor(alpha, weighted):
    X, y = positive()
    weight = weights_of(len(y), weighted)
    ours = regressor(loss="gamma", alpha=alpha).fit(X, y, weight)
    reference = GammaRegressor(
        alpha=alpha / total(weight, len(y)), solver="newton-cholesky", tol=1e-10
    ).fit(X, y, weight)
    assert deviation(ours.coefs_[0][:, 0], reference.coef_) < EQUAL
    assert deviation(ours.intercepts_[0], [reference.intercept_]) < EQUAL
    assert deviation(ours.predict(X), reference.predict(X)) < EQUAL


@pytest.mark.parametrize("loss", ["gamma", "poisson", "squared_error", Quantile()], ids=str)
def test_the_tags_say_which_losses_want_positive_targets(loss):
    tags = RegularizedMLPRegressor(loss=loss).__sklearn_tags__()
    assert tags.target_tags.positive_only == (loss in ("gamma", "poisson"))


@WEIGHTED
def test_huber_of_a_large_delta_is_ridge(weighted):
    X, y = diabetes()
    weight = weights_of(len(y), weighted)
    ours = regressor(loss=Huber(delta=1e3), alpha=2.0).fit(X, y, weight)
    reference = Ridge(2.0).fit(X, y, weight)
    assert deviation(ours.predict(X), reference.predict(X)) < EQUAL


@WEIGHTED
def test_huber_is_huber_regressor_at_its_scale(weighted):
    """HuberRegressor also fits a scale sigma. At its optimum W minimises
    sum_i s_i huber(r_i; delta = epsilon sigma) + alpha sigma/2 |W|^2 ... times 2/sigma."""
    X, y = diabetes()
    weight = weights_of(len(y), weighted)
    reference = HuberRegressor(epsilon=1.35, alpha=3.0, tol=1e-10, max_iter=10_000)
    reference.fit(X, y, weight)
    sigma = reference.scale_
    assert 0.05 < np.mean(np.abs(y - reference.predict(X)) > 1.35 * sigma) < 0.5  # both branches
    ours = regressor(loss=Huber(delta=1.35 * sigma), alpha=3.0 * sigma).fit(X, y, weight)
    # HuberRegressor leaves SciPy's stop at a relative decrease of 2e-9.
    assert deviation(ours.predict(X), reference.predict(X)) < 1e-4


@pytest.mark.parametrize("alpha", [0.0, 20.0], ids=["no penalty", "L1"])
def test_absolute_error_reaches_the_objective_of_median_regression(alpha):
    """The pinball loss at 1/2 is half the absolute error. A linear program solves it exactly; steps
    on a loss with kinks come near."""
    X, y = diabetes()
    params = NO_HIDDEN_LAYER | {"loss": "absolute_error", "target_scaling": None, "alpha": alpha}
    if alpha:
        params["l1_ratio"] = 1.0
    ours = RegularizedMLPRegressor(
        **params, learning_rate="cosine", learning_rate_init=0.02, max_iter=1500, batch_size=len(y),
        random_state=0,
    ).fit(X, y)  # fmt: skip
    reference = QuantileRegressor(quantile=0.5, alpha=alpha / len(y) / 2).fit(X, y)

    def objective(model, W):
        return np.sum(np.abs(y - model.predict(X))) + penalty(W, alpha, 1.0)

    best = objective(reference, reference.coef_)
    assert best <= objective(ours, ours.coefs_[0]) < 1.001 * best


BY_STEPS = {
    "learning_rate": "cosine", "learning_rate_init": 0.02, "max_iter": 1500, "random_state": 0,
}  # fmt: skip


@pytest.mark.parametrize("alpha", [0.0, 10.0], ids=["no penalty", "L1"])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.75])
def test_quantile_reaches_the_objective_of_quantile_regression(q, alpha):
    X, y = diabetes()
    params = NO_HIDDEN_LAYER | BY_STEPS | {"target_scaling": None, "alpha": alpha, "l1_ratio": 1.0}
    if not alpha:
        params.pop("l1_ratio")
    ours = RegularizedMLPRegressor(**params, loss=Quantile(q), batch_size=len(y)).fit(X, y)
    reference = QuantileRegressor(quantile=q, alpha=alpha / len(y)).fit(X, y)

    def objective(model, W):
        loss = len(y) * mean_pinball_loss(y, model.predict(X), alpha=q)
        return loss + penalty(W, alpha, 1.0)

    best = objective(reference, reference.coef_)
    assert best * (1 - 1e-9) <= objective(ours, ours.coefs_[0]) < 1.002 * best
    assert abs(np.mean(y <= ours.predict(X)) - q) < 0.03


@WEIGHTED
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_a_constant_model_predicts_the_quantile(q, weighted):
    """With the same row everywhere only the bias counts; it ends at the weighted quantile."""
    _, y = diabetes()
    weight = weights_of(len(y), weighted)
    model = RegularizedMLPRegressor(**NO_HIDDEN_LAYER | BY_STEPS, loss=Quantile(q), batch_size=500)
    with pytest.warns(UserWarning, match="batch_size=500"):
        model.fit(np.ones((len(y), 1)), y, weight)
    order = np.argsort(y)
    share = np.cumsum((np.ones(len(y)) if weight is None else weight)[order])
    expected = y[order][np.searchsorted(share, q * share[-1])]
    found = model.predict(np.ones((1, 1)))[0]
    assert found == pytest.approx(expected, abs=0.02 * np.std(y))


# Classification -------------------------------------------------------------------------------


@WEIGHTED
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0, 0.4], ids=["L2", "L1", "elastic net"])
def test_two_classes_are_logistic_regression(l1_ratio, weighted):
    X, y = binary()
    weight, alpha = weights_of(len(y), weighted), 20.0
    ours = classifier(alpha=alpha, l1_ratio=l1_ratio).fit(X, y, weight)
    reference = logistic_regression(alpha, l1_ratio, X, y, weight)
    assert deviation(ours.coefs_[0][:, 0], reference.coef_[0]) < EQUAL
    assert deviation(ours.intercepts_[0], reference.intercept_) < EQUAL
    assert deviation(ours.predict_proba(X), reference.predict_proba(X)) < EQUAL
    if l1_ratio:
        np.testing.assert_array_equal(ours.coefs_[0][:, 0] == 0, reference.coef_[0] == 0)
        assert 0 < ours.n_nonzero_ < ours.coefs_[0].size


@WEIGHTED
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0, 0.4], ids=["L2", "L1", "elastic net"])
def test_three_classes_are_multinomial_logistic_regression(l1_ratio, weighted):
    """A constant added to all intercepts changes nothing, and with L1 one to the weights of a
    column may not either: probabilities and the objective are what is unique."""
    X, y = three_classes()
    weight, alpha = weights_of(len(y), weighted), 3.0
    ours = classifier(alpha=alpha, l1_ratio=l1_ratio).fit(X, y, weight)
    reference = logistic_regression(alpha, l1_ratio, X, y, weight)
    assert deviation(ours.predict_proba(X), reference.predict_proba(X)) < EQUAL

    def objective(W, b):
        raw = X @ W + b
        nats = logsumexp(raw, axis=1) - raw[np.arange(len(y)), y]
        return np.sum(nats if weight is None else weight * nats) + penalty(W, alpha, l1_ratio)

    value = objective(ours.coefs_[0], ours.intercepts_[0])
    assert value == pytest.approx(objective(reference.coef_.T, reference.intercept_), rel=1e-9)
    assert ours.loss_curve_[-1] == pytest.approx(value / total(weight, len(y)), rel=1e-9)
    if l1_ratio == 1.0:
        assert ours.n_nonzero_ < ours.coefs_[0].size


@WEIGHTED
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0], ids=["L2", "L1"])
def test_multilabel_is_one_logistic_regression_a_column(l1_ratio, weighted):
    X, Y = labels()
    weight, alpha = weights_of(len(Y), weighted), 5.0
    ours = classifier(alpha=alpha, l1_ratio=l1_ratio).fit(X, Y, weight)
    probability = ours.predict_proba(X)
    for j, column in enumerate(Y.T):
        reference = logistic_regression(alpha, l1_ratio, X, column, weight)
        assert deviation(ours.coefs_[0][:, j], reference.coef_[0]) < EQUAL
        assert deviation(probability[:, j], reference.predict_proba(X)[:, 1]) < EQUAL


@pytest.mark.parametrize("problem", [binary, three_classes])
def test_class_weight_is_that_of_logistic_regression(problem):
    X, y = problem()
    ours = classifier(alpha=4.0, class_weight="balanced").fit(X, y)
    reference = LogisticRegression(C=1 / 4.0, class_weight="balanced", tol=1e-10, max_iter=10_000)
    reference.fit(X, y)
    assert deviation(ours.predict_proba(X), reference.predict_proba(X)) < EQUAL


def test_smoothed_labels_are_logistic_regression_on_shares_of_labels():
    """A row with target 1 - eps is 1 - eps rows of its class and eps of the other."""
    X, y = binary()
    eps = 0.15
    ours = classifier(alpha=2.0, label_smoothing=eps).fit(X, y)
    reference = logistic_regression(
        2.0, 0.0, np.vstack([X, X]), np.r_[y, 1 - y], np.repeat([1 - eps, eps], len(y))
    )
    assert deviation(ours.predict_proba(X), reference.predict_proba(X)) < EQUAL


# The recorded loss is the formula -------------------------------------------------------------


@pytest.mark.parametrize(
    "loss, of_row",
    [
        ("squared_error", lambda y, f: 0.5 * (y - f) ** 2),
        ("absolute_error", lambda y, f: np.abs(y - f)),
        (Huber(delta=0.5), lambda y, f: np.where(
            np.abs(y - f) <= 0.5, 0.5 * (y - f) ** 2, 0.5 * (np.abs(y - f) - 0.25))),
        ("poisson", lambda y, mu: mu - xlogy(y, mu)),
        ("gamma", lambda y, mu: np.log(mu) + y / mu),
        (Quantile(q=0.2), lambda y, f: np.where(y >= f, 0.2 * (y - f), 0.8 * (f - y))),
    ],
    ids=["squared_error", "absolute_error", "huber", "poisson", "gamma", "quantile"],
)  # fmt: skip
def test_validation_loss_is_the_weighted_mean_of_the_formula(loss, of_row):
    X, y = positive()
    weight = weights_of(len(y), weighted=True)
    params = NO_HIDDEN_LAYER | {"loss": loss, "target_scaling": None, "max_iter": 5}
    model = RegularizedMLPRegressor(**params, n_iter_no_change=None, random_state=0)
    model.fit(X, y, X_val=X, y_val=y, sample_weight_val=weight)
    expected = np.average(of_row(y, model.predict(X)), weights=weight)
    assert -model.best_validation_score_ == pytest.approx(expected, rel=1e-12)


# Exact zeros, exact shrinkage -----------------------------------------------------------------


@pytest.fixture(scope="module")
def lasso_problem():
    """50 x 20; the Lasso keeps 6 weights, and clearly so."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 20))
    coef = np.zeros(20)
    coef[[1, 4, 8, 12, 19]] = [3.0, -2.0, 1.5, 1.0, -1.0]
    y = X @ coef + rng.normal(size=50)
    alpha = 15.0
    lasso = ElasticNet(alpha / len(y), l1_ratio=1.0, tol=1e-12).fit(X, y)
    pull = np.abs(X.T @ (y - lasso.predict(X)))
    zero = lasso.coef_ == 0
    assert np.abs(lasso.coef_[~zero]).min() > 0.02
    assert pull[zero].max() < 0.98 * alpha
    return X, y, alpha, lasso.coef_


FIRST_ORDER = {
    "adam": ("adam", 0.01),
    "sgd": (SGD(momentum=0.0), 0.1),
    "sgd with momentum": (SGD(momentum=0.9, nesterov=False), 0.01),
    "sgd with nesterov momentum": (SGD(momentum=0.9, nesterov=True), 0.01),
}


@pytest.mark.parametrize("learning_rate", ["constant", "cosine"])
@pytest.mark.parametrize("solver, rate", FIRST_ORDER.values(), ids=FIRST_ORDER)
def test_l1_by_proximal_steps_reaches_the_support_of_the_lasso(
    lasso_problem, solver, rate, learning_rate
):
    X, y, alpha, coef = lasso_problem
    model = RegularizedMLPRegressor(
        **NO_HIDDEN_LAYER, target_scaling=None, alpha=alpha, l1_ratio=1.0, solver=solver,
        learning_rate=learning_rate, learning_rate_init=rate, batch_size=len(y), max_iter=2000,
        random_state=0,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_array_equal(model.coefs_[0][:, 0] != 0, coef != 0)
    # The steps end near the same weights, so the strength of L1 is right and not the support alone.
    assert deviation(model.coefs_[0][:, 0], coef) < 1e-3


def test_l1_by_lbfgs_gives_the_zeros_of_the_lasso_exactly(lasso_problem):
    X, y, alpha, coef = lasso_problem
    model = regressor(alpha=alpha, l1_ratio=1.0).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0][:, 0] != 0, coef != 0)
    assert model.sparsity_ == np.mean(coef == 0)
    assert deviation(model.coefs_[0][:, 0], coef) < EQUAL


# Most starts are no trouble; from these, steps into the bounds that keep W+ and W- non-negative end
# a run of L-BFGS-B before its optimum.
@pytest.mark.parametrize("random_state", [*range(10), 10, 110, 138, 295, 356, 357])
def test_lbfgs_with_l1_reaches_the_same_optimum_from_every_start(random_state):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X[:, :10])  # radius, perimeter and area are nearly the same
    ours = classifier(alpha=8.0, l1_ratio=1.0, random_state=random_state).fit(X, y)
    # The optimum is where no step against the gradient is left: |g| <= alpha, equal where W != 0.
    W = ours.coefs_[0][:, 0]
    g = X.T @ (y - ours.predict_proba(X)[:, 1])
    assert np.abs(g).max() < 8.0 * (1 + 1e-4)
    np.testing.assert_allclose(g[W != 0], 8.0 * np.sign(W[W != 0]), rtol=1e-4)
    reference = logistic_regression(8.0, 1.0, X, y, None)
    assert deviation(W, reference.coef_[0]) < 1e-4  # nearly the same columns: fewer digits


@pytest.mark.parametrize("random_state", [0, 1, 84, 139])  # the last two: starts that met this
def test_a_fresh_start_that_finds_nothing_to_gain_is_no_complaint(random_state):
    """At the optimum a line search fails by rounding; that is not a lack of convergence."""
    X, y = three_classes()
    ours = classifier(alpha=8.0, l1_ratio=1.0, random_state=random_state).fit(X, y)  # no warning
    reference = logistic_regression(8.0, 1.0, X, y, None)
    assert deviation(ours.predict_proba(X), reference.predict_proba(X)) < EQUAL


@WEIGHTED
@pytest.mark.parametrize("batch_size", [30, 10])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (7, 4)])
def test_l2_with_plain_sgd_multiplies_weights_by_one_minus_lr_alpha_over_s(
    hidden_layer_sizes, batch_size, weighted
):
    """With X = 0 and y = 0 the data term has no gradient, so only the penalty moves W."""
    X, y = np.zeros((30, 5)), np.zeros(30)
    weight = np.random.default_rng(0).uniform(0.5, 4.0, 30) if weighted else None
    rng = np.random.default_rng(1)
    sizes = [5, *hidden_layer_sizes, 1]
    start = [rng.normal(size=shape) for shape in zip(sizes, sizes[1:], strict=False)]
    alpha, rate, epochs = 4.0, 0.3, 6
    model = RegularizedMLPRegressor(
        hidden_layer_sizes, scaling=None, target_scaling=None, dtype="float64", init=start,
        solver=SGD(momentum=0.0), alpha=alpha, learning_rate="constant", learning_rate_init=rate,
        batch_size=batch_size, max_iter=epochs,
    ).fit(X, y, weight)  # fmt: skip
    n_steps = epochs * (len(y) // batch_size)
    factor = (1 - rate * alpha / total(weight, len(y))) ** n_steps
    assert factor < 0.95
    for W, W_0 in zip(model.coefs_, start, strict=True):
        np.testing.assert_allclose(W, factor * W_0, rtol=1e-12)


@WEIGHTED
@pytest.mark.parametrize("batch_size", [442, 50])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (6,)])
def test_weight_decay_with_plain_sgd_equals_l2_of_s_times_its_strength(
    hidden_layer_sizes, batch_size, weighted
):
    X, y = diabetes()
    weight, decay = weights_of(len(y), weighted), 0.05
    if weighted:
        weight[weight == 0] = 1.0  # a dropped row would clip the full batch
    common = {
        "hidden_layer_sizes": hidden_layer_sizes, "dtype": "float64", "solver": SGD(momentum=0.0),
        "learning_rate": "constant", "learning_rate_init": 0.05, "batch_size": batch_size,
        "max_iter": 10, "random_state": 0,
    }  # fmt: skip
    decayed = RegularizedMLPRegressor(**common, alpha=0.0, weight_decay=decay).fit(X, y, weight)
    penalised = RegularizedMLPRegressor(**common, alpha=decay * total(weight, len(y)))
    penalised.fit(X, y, weight)
    plain = RegularizedMLPRegressor(**common, alpha=0.0).fit(X, y, weight)
    assert deviation(decayed.predict(X), penalised.predict(X)) < 1e-10
    assert deviation(decayed.predict(X), plain.predict(X)) > 1e-3


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
@pytest.mark.parametrize("weighted", [False, True])
def test_with_a_logarithmic_link_the_output_starts_at_the_mean_target(loss, weighted):
    X, y = load_diabetes(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y)) if weighted else None
    model = RegularizedMLPRegressor((), loss=loss, init="zeros", random_state=0, max_iter=1)
    model.set_params(learning_rate_init=1e-12).fit(X, y, weight)
    np.testing.assert_allclose(model.predict(X), np.average(y, weights=weight), rtol=1e-6)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_units_of_the_target_do_not_matter_with_a_logarithmic_link(loss):
    X, y = load_diabetes(return_X_y=True)
    params = {"hidden_layer_sizes": (32,), "loss": loss, "max_iter": 50, "random_state": 0}
    score = RegularizedMLPRegressor(**params).fit(X, y).score(X, y)
    if loss == "gamma":  # the Poisson deviance itself scales with the target
        in_thousands = RegularizedMLPRegressor(**params).fit(X, y / 1000).score(X, y / 1000)
        assert in_thousands == pytest.approx(score, abs=1e-4)
    assert score > 0.2
