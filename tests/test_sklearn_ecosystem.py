"""The estimators inside what scikit-learn builds around estimators."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    make_multilabel_classification,
)
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skregnet import (
    EMA,
    LBFGS,
    SGD,
    Adam,
    Cosine,
    Focal,
    GaussianNoise,
    Huber,
    InverseScaling,
    Mixup,
    Normal,
    OneCycle,
    Quantile,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
)

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)
# Enough to learn the small problems below in hundredths of a second.
SMALL = {
    "hidden_layer_sizes": (8,),
    "batch_size": 20,
    "max_iter": 30,
    "random_state": 0,
}

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_CANCER, Y_CANCER = (part[:300] for part in load_breast_cancer(return_X_y=True))
X_DIABETES, Y_DIABETES = (part[:300] for part in load_diabetes(return_X_y=True))


def classifier(**params):
    return RegularizedMLPClassifier(**SMALL | params)


def regressor(**params):
    return RegularizedMLPRegressor(**SMALL | params)


def problem(cls):
    """Return a small estimator with data on which it is known to learn."""
    if cls is RegularizedMLPClassifier:
        return classifier(), X_IRIS, Y_IRIS
    return regressor(), X_DIABETES, Y_DIABETES


# Searches --------------------------------------------------------------------------------------


NESTED = {
    "solver__beta_1": (Adam(), [0.5, 0.9]),
    "solver__beta_2": (Adam(), [0.5, 0.999]),
    "solver__momentum": (SGD(), [0.0, 0.9]),
    "learning_rate__power": (InverseScaling(), [0.1, 2.0]),
    "learning_rate__rise": (OneCycle(), [0.1, 0.5]),
    "init__scale": (Normal(), [0.01, 0.5]),
    "averaging__decay": (EMA(), [0.5, 0.9]),
    "augmentation__std": (GaussianNoise(), [0.01, 1.0]),
    "augmentation__alpha": (Mixup(), [0.1, 1.0]),
}
NESTED_LOSSES = {
    RegularizedMLPClassifier: {"loss__gamma": (Focal(), [0.0, 3.0])},
    RegularizedMLPRegressor: {
        "loss__delta": (Huber(), [0.1, 10.0]),
        "loss__q": (Quantile(), [0.1, 0.9]),
    },
}


@pytest.mark.parametrize(
    "cls, name", [(cls, name) for cls in ESTIMATORS for name in NESTED | NESTED_LOSSES[cls]]
)
def test_grid_search_over_a_parameter_of_an_instance(cls, name):
    instance, values = (NESTED | NESTED_LOSSES[cls])[name]
    argument, detail = name.split("__")
    model, X, y = problem(cls)
    before = repr(instance)
    model.set_params(max_iter=8, **{argument: instance})
    search = GridSearchCV(model, {name: values}, cv=2).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    fitted = [clone(model).set_params(**{name: value}).fit(X, y) for value in values]
    assert np.isfinite(scores).all() and np.any(fitted[0].coefs_[0] != fitted[1].coefs_[0])
    best = getattr(search.best_estimator_, argument)
    assert getattr(best, detail) == search.best_params_[name] and best is not instance
    assert repr(instance) == before


@estimators
def test_grid_search_over_six_parameters_one_of_them_nested(cls):
    model, X, y = problem(cls)
    grid = {
        "keep_prob": [1.0, 0.8],
        "alpha": [1e-4, 1.0],
        "l1_ratio": [0.0, 0.5],
        "batchnorm": [False, True],
        "hidden_layer_sizes": [(8,), (6, 4)],
        "solver__beta_2": [0.9, 0.999],
    }
    search = GridSearchCV(model.set_params(solver=Adam(), max_iter=5), grid, cv=2)
    search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 2**6
    assert np.isfinite(scores).all()
    for name in grid:  # each of them made a difference
        groups = search.cv_results_[f"param_{name}"]
        first = np.array([value == grid[name][0] for value in groups])
        assert np.any(scores[first] != scores[~first]), name
    best = search.best_estimator_
    assert best.solver.beta_2 == search.best_params_["solver__beta_2"]
    assert_array_equal(search.predict(X), best.predict(X))


@estimators
def test_a_search_leaves_the_components_it_was_given(cls):
    model, X, y = problem(cls)
    solver = Adam()
    model.set_params(solver=solver, max_iter=2)
    GridSearchCV(model, {"solver__beta_2": [0.5, 0.9]}, cv=2).fit(X, y)
    assert solver == Adam()


@estimators
def test_a_search_over_components(cls):
    model, X, y = problem(cls)
    choices = {"solver": ["adam", SGD(), LBFGS()], "init": ["he", Normal(0.1)]}
    model.set_params(max_iter=5)
    with pytest.warns(UserWarning):  # L-BFGS says what it ignores, and that it is not there yet
        search = RandomizedSearchCV(model, choices, n_iter=6, cv=2, random_state=0).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@estimators
def test_a_search_in_parallel_equals_a_search_in_turn(cls):
    model, X, y = problem(cls)
    grid = {"alpha": [0.0, 10.0]}
    one, two = (GridSearchCV(model, grid, cv=2, n_jobs=n).fit(X, y) for n in (1, 2))
    assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])


@estimators
def test_curves_over_rows_and_over_a_hyperparameter(cls):
    model, X, y = problem(cls)
    cv = KFold(3, shuffle=True, random_state=0)
    sizes, train, test = learning_curve(
        model, X, y, cv=cv, train_sizes=[0.3, 1.0], shuffle=True, random_state=0
    )
    assert train.shape == test.shape == (2, 3)
    assert test[1].mean() > test[0].mean()
    train, test = validation_curve(model, X, y, param_name="alpha", param_range=[1e-4, 1e4], cv=cv)
    assert train[0].mean() > train[1].mean()  # so strong a penalty does not learn


# Meta-estimators -------------------------------------------------------------------------------

CLASSIFIERS_AROUND = {
    "bagging": lambda m: BaggingClassifier(m, n_estimators=3, random_state=0),
    "voting": lambda m: VotingClassifier(
        [("mlp", m), ("lr", make_pipeline(StandardScaler(), LogisticRegression()))], voting="soft"
    ),
    "stacking": lambda m: StackingClassifier([("mlp", m), ("mlp2", clone(m))], cv=2),
    "boosting": lambda m: AdaBoostClassifier(m, n_estimators=3, random_state=0),
    "sigmoid": lambda m: CalibratedClassifierCV(m, cv=2),
    "isotonic": lambda m: CalibratedClassifierCV(m, method="isotonic", cv=2, ensemble=False),
    "one against the rest": OneVsRestClassifier,
    "pipeline": lambda m: make_pipeline(StandardScaler(), m),
}
REGRESSORS_AROUND = {
    "bagging": lambda m: BaggingRegressor(m, n_estimators=3, random_state=0),
    "voting": lambda m: VotingRegressor([("mlp", m), ("ridge", Ridge())]),
    "stacking": lambda m: StackingRegressor([("mlp", m), ("mlp2", clone(m))], cv=2),
    "boosting": lambda m: AdaBoostRegressor(m, n_estimators=3, random_state=0),
    "transformed target": lambda m: TransformedTargetRegressor(m, func=np.log, inverse_func=np.exp),
    "pipeline": lambda m: make_pipeline(StandardScaler(), m),
}


@pytest.mark.parametrize("around", CLASSIFIERS_AROUND.values(), ids=CLASSIFIERS_AROUND)
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}], ids=str)
def test_classifiers_that_hold_a_classifier(around, params):
    model = around(classifier(**params)).fit(X_IRIS, Y_IRIS)
    assert model.score(X_IRIS, Y_IRIS) > 0.9
    probability = model.predict_proba(X_IRIS)
    assert probability.shape == (150, 3)
    assert_allclose(probability.sum(axis=1), 1.0)


@pytest.mark.parametrize("around", REGRESSORS_AROUND.values(), ids=REGRESSORS_AROUND)
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}], ids=str)
def test_regressors_that_hold_a_regressor(around, params):
    model = around(regressor(**params)).fit(X_DIABETES, Y_DIABETES)
    assert model.score(X_DIABETES, Y_DIABETES) > 0.4
    assert model.predict(X_DIABETES).shape == (300,)


def test_boosting_hands_its_weights_to_the_network():
    given = []

    class Recording(RegularizedMLPClassifier):
        def fit(self, X, y, sample_weight=None):
            given.append(sample_weight)
            return super().fit(X, y, sample_weight)

    AdaBoostClassifier(Recording(**SMALL | {"max_iter": 3}), n_estimators=3).fit(X_IRIS, Y_IRIS)
    assert len(given) > 1
    assert len(np.unique(given[1])) > 1  # rows that were wrong weigh more


@pytest.mark.parametrize("wrapper", [MultiOutputClassifier, ClassifierChain])
def test_wrappers_for_several_targets_of_labels(wrapper):
    Y = np.column_stack([Y_IRIS > 0, Y_IRIS > 1]).astype(int)
    model = wrapper(classifier()).fit(X_IRIS, Y)
    assert np.mean(model.predict(X_IRIS) == Y) > 0.9


def test_several_targets_of_several_classes_need_the_wrapper():
    Y = np.column_stack([Y_IRIS, 2 - Y_IRIS])
    model = MultiOutputClassifier(classifier()).fit(X_IRIS, Y)
    assert np.mean(model.predict(X_IRIS) == Y) > 0.9


@pytest.mark.parametrize("wrapper", [MultiOutputRegressor, RegressorChain])
def test_wrappers_for_several_targets_of_reals(wrapper):
    Y = np.column_stack([Y_DIABETES, -Y_DIABETES])
    assert wrapper(regressor()).fit(X_DIABETES, Y).score(X_DIABETES, Y) > 0.4


def test_cross_validated_probabilities_are_those_of_the_left_out_rows():
    cv = KFold(3, shuffle=True, random_state=0)
    probability = cross_val_predict(classifier(), X_IRIS, Y_IRIS, cv=cv, method="predict_proba")
    for train, test in cv.split(X_IRIS):
        model = classifier().fit(X_IRIS[train], Y_IRIS[train])
        # Products of other numbers of rows may be rounded in another order.
        assert_allclose(probability[test], model.predict_proba(X_IRIS[test]), rtol=1e-9)


@pytest.mark.parametrize("method", ["predict", "predict_log_proba", "decision_function"])
def test_cross_val_predict_with_every_method(method):
    values = cross_val_predict(classifier(), X_IRIS, Y_IRIS, cv=2, method=method)
    assert values.shape == ((150,) if method == "predict" else (150, 3))


@estimators
def test_cross_validation_with_several_scorers(cls):
    model, X, y = problem(cls)
    proba = ["neg_log_loss", "roc_auc_ovr"] if cls is RegularizedMLPClassifier else ["r2"]
    result = cross_validate(model, X, y, scoring=["neg_mean_squared_error", *proba], cv=2)
    assert all(np.isfinite(values).all() for values in result.values())


@estimators
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}], ids=str)
def test_inspection_tools(cls, params):
    model, X, y = problem(cls)
    model.set_params(**params).fit(X, y)
    result = permutation_importance(model, X, y, n_repeats=2, random_state=0)
    assert result.importances_mean.max() > 0.1
    assert partial_dependence(model, X, [0], grid_resolution=5).average.shape[-1] == 5


# Parameters and clones -------------------------------------------------------------------------


@estimators
def test_parameters_can_be_read_and_set_down_to_the_components(cls):
    model = cls(solver=Adam(beta_2=0.9))
    assert model.get_params()["solver__beta_2"] == 0.9
    assert "solver__beta_2" not in model.get_params(deep=False)
    model.set_params(solver__beta_2=0.8, alpha=3.0)
    assert (model.solver.beta_2, model.alpha) == (0.8, 3.0)
    assert model.set_params(solver=SGD(), solver__momentum=0.5).solver == SGD(momentum=0.5)


@estimators
def test_a_clone_has_components_of_its_own(cls):
    model = cls(solver=Adam(beta_2=0.9), learning_rate=Cosine(), init=Normal(0.1))
    copy = clone(model)
    for name in ("solver", "learning_rate", "init"):
        assert getattr(copy, name) == getattr(model, name)
        assert getattr(copy, name) is not getattr(model, name)
    copy.set_params(solver__beta_2=0.5)
    assert model.solver.beta_2 == 0.9


@estimators
def test_a_clone_of_a_fitted_model_is_not_fitted_and_fits_the_same(cls):
    model, X, y = problem(cls)
    copy = clone(model.fit(X, y))
    assert not hasattr(copy, "members_")
    assert_array_equal(copy.fit(X, y).predict(X), model.predict(X))


@estimators
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}], ids=str)
@pytest.mark.parametrize("fit", [False, True])
def test_representations(cls, params, fit):
    model, X, y = problem(cls)
    model.set_params(solver=Adam(beta_2=0.9), **params)
    if fit:
        model.fit(X, y)
    assert repr(model).startswith(f"{cls.__name__}(")
    assert "solver=Adam(beta_1=0.9, beta_2=0.9, epsilon=1e-07)" in repr(model).replace("\n", "")
    html = model._repr_html_()
    assert cls.__name__ in html
    assert ("Not fitted" in html) != fit
    assert "hidden_layer_sizes" in html


def test_the_representation_names_what_differs_from_the_defaults_alone():
    assert repr(RegularizedMLPRegressor()) == "RegularizedMLPRegressor()"
    model = RegularizedMLPRegressor((5,), loss=Huber(0.5))
    assert repr(model) == "RegularizedMLPRegressor(hidden_layer_sizes=(5,), loss=Huber(delta=0.5))"


@estimators
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", Adam(), SGD(), LBFGS()])
def test_partial_fit_is_there_for_stochastic_solvers_only(cls, solver):
    assert hasattr(cls(solver=solver), "partial_fit") == ("lbfgs" not in str(solver).lower())


# Tables ----------------------------------------------------------------------------------------


def as_frame(cls, pandas):
    model, X, y = problem(cls)
    columns = [f"column {i}" for i in range(X.shape[1])]
    return model, pandas.DataFrame(X, columns=columns), pandas.Series(y)


@estimators
def test_a_data_frame_gives_the_same_as_an_array_and_leaves_its_names(cls):
    pandas = pytest.importorskip("pandas")
    model, X, y = as_frame(cls, pandas)
    plain = clone(model).fit(X.to_numpy(), y.to_numpy())
    model.fit(X, y)
    assert_array_equal(model.predict(X), plain.predict(X.to_numpy()))
    assert list(model.feature_names_in_) == list(X.columns)
    assert not hasattr(plain, "feature_names_in_")


@estimators
def test_other_names_or_another_order_of_columns_raise(cls):
    pandas = pytest.importorskip("pandas")
    model, X, y = as_frame(cls, pandas)
    model.fit(X, y)
    with pytest.raises(ValueError, match="feature names.*order|order"):
        model.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        model.predict(X.rename(columns={"column 0": "other"}))
    with pytest.raises(ValueError, match="Feature names seen at fit time, yet now missing"):
        model.predict(X.drop(columns="column 0"))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X.to_numpy())


@estimators
def test_validation_rows_are_a_data_frame_as_well(cls):
    pandas = pytest.importorskip("pandas")
    model, X, y = as_frame(cls, pandas)
    model.fit(X, y, X_val=X, y_val=y)
    assert len(model.validation_scores_) == model.n_iter_
    with pytest.raises(ValueError, match="order"):
        model.fit(X, y, X_val=X[X.columns[::-1]], y_val=y)


@estimators
def test_polars_goes_in(cls):
    polars = pytest.importorskip("polars")
    model, X, y = problem(cls)
    frame = polars.DataFrame({f"column {i}": X[:, i] for i in range(X.shape[1])})
    same = clone(model).fit(X, y).predict(X)
    # A data frame lies in memory by columns, so sums are rounded in another order.
    assert_allclose(model.fit(frame, polars.Series(y)).predict(frame), same, rtol=1e-9)


@estimators
@pytest.mark.parametrize("kind", ["list", "Series", "DataFrame", "int column"])
def test_targets_of_every_kind(cls, kind):
    pandas = pytest.importorskip("pandas")
    model, X, y = problem(cls)
    same = clone(model).fit(X, y).predict(X)
    if kind in ("DataFrame", "int column"):
        target = pandas.DataFrame({"y": y}) if kind == "DataFrame" else y[:, np.newaxis]
        with pytest.warns(sklearn.exceptions.DataConversionWarning):
            model.fit(X, target)
    else:
        model.fit(X, list(y) if kind == "list" else pandas.Series(y, index=np.arange(len(y)) + 7))
    assert_array_equal(model.predict(X), same)


@estimators
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_numbers_of_every_kind(cls, dtype):
    model, X, y = problem(cls)
    X = (10 * X).astype(dtype)
    same = clone(model).fit(X.astype(float), y).predict(X.astype(float))
    assert_allclose(model.fit(X, y).predict(X), same, rtol=1e-5)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2]])
@estimators
def test_arrays_of_every_layout(cls, layout):
    model, X, y = problem(cls)
    same = clone(model).fit(X, y).predict(X)
    assert_allclose(model.fit(layout(X), y).predict(layout(X)), same, rtol=1e-9)


@estimators
def test_fit_and_predict_leave_the_data_as_it_was(cls):
    model, X, y = problem(cls)
    X, y, weight = X.copy(), y.copy(), np.ones(len(y))
    for array in (X, y, weight):
        array.flags.writeable = False
    model.set_params(keep_prob=0.8, input_keep_prob=0.9, batchnorm=True, early_stopping=True)
    model.fit(X, y, sample_weight=weight).predict(X)


def test_a_pipeline_from_a_mixed_table_to_predictions():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = pandas.DataFrame(
        {
            "size": rng.normal(100.0, 30.0, 200),
            "age": np.where(rng.random(200) < 0.1, np.nan, rng.integers(0, 90, 200)),
            "colour": rng.choice(["red", "green", "blue"], 200),
        }
    )
    y = np.where((X["colour"] == "red") ^ (X["size"] > 100.0), "yes", "no")
    numeric = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    columns = ColumnTransformer(
        [("numeric", numeric, ["size", "age"]), ("category", OneHotEncoder(), ["colour"])]
    )
    model = Pipeline([("columns", columns), ("mlp", classifier(max_iter=200))])
    model.fit(X[:150], y[:150])
    assert model.score(X[150:], y[150:]) > 0.85
    assert list(model.classes_) == ["no", "yes"]
    model.set_params(mlp__alpha=1.0, columns__numeric__standardscaler="passthrough")
    assert GridSearchCV(model, {"mlp__keep_prob": [0.8, 1.0]}, cv=2).fit(X, y).best_score_ > 0.5


@estimators
def test_transformers_that_give_data_frames(cls):
    pandas = pytest.importorskip("pandas")
    model, X, y = as_frame(cls, pandas)
    columns = make_column_transformer((StandardScaler(), list(X.columns[:2])))
    pipeline = make_pipeline(columns, model).set_output(transform="pandas").fit(X, y)
    assert list(pipeline[-1].feature_names_in_) == [
        "standardscaler__column 0",
        "standardscaler__column 1",
    ]
    assert len(pipeline.predict(X)) == len(y)


# Sparse ----------------------------------------------------------------------------------------

CONTAINERS = [
    sp.csr_array,
    sp.csr_matrix,
    sp.csc_array,
    sp.csc_matrix,
    sp.coo_array,
    sp.lil_array,
]


def sparse_problem(cls, density=0.1):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 20)) * (rng.random((120, 20)) < density)
    y = X[:, :5].sum(axis=1) + X[:, 1] ** 2
    return X, (y > 0.2).astype(int) if cls is RegularizedMLPClassifier else y


@estimators
@pytest.mark.parametrize("density", [0.1, 0.4])  # kept sparse, and made dense batch by batch
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"keep_prob": 0.8, "input_keep_prob": 0.8},
        {"batchnorm": True, "batch_size": 20},
        {"early_stopping": True},
        {"init": "data"},
        {"solver": "lbfgs", "tol": 1.0, "batch_size": "auto"},
        {"n_estimators": 2},
        {"hidden_layer_sizes": ()},
    ],
    ids=str,
)
def test_sparse_rows_give_the_same_as_dense_ones(cls, container, params, density):
    X, y = sparse_problem(cls, density)
    # Sparse columns are not centred, so only without scaling are the two the same problem.
    model = cls(**SMALL | {"scaling": None, "max_iter": 5} | params)
    dense = clone(model).fit(X, y)
    sparse = clone(model).fit(container(X), y)
    for a, b in zip(dense.members_, sparse.members_, strict=True):
        assert_allclose(a.theta, b.theta, rtol=1e-6, atol=1e-9)
    assert_allclose(sparse.predict(container(X)), dense.predict(X), rtol=1e-6, atol=1e-9)
    assert_allclose(sparse.predict(X), dense.predict(X), rtol=1e-6, atol=1e-9)


@estimators
def test_sparse_rows_are_scaled_without_centring(cls):
    X, y = sparse_problem(cls)
    model = cls(**SMALL, scaling="standard").fit(sp.csr_array(X), y)
    same = cls(**SMALL, scaling=None).fit(X / X.std(axis=0), y)
    assert_allclose(model.predict(sp.csr_array(X)), same.predict(X / X.std(axis=0)), rtol=1e-6)


@estimators
def test_sparse_rows_stream(cls):
    X, y = sparse_problem(cls)
    classes = {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}
    dense, sparse = cls(**SMALL, scaling=None), cls(**SMALL, scaling=None)
    for _ in range(3):
        dense.partial_fit(X, y, **classes)
        sparse.partial_fit(sp.csr_array(X), y, **classes)
    assert_allclose(sparse.predict(X), dense.predict(X), rtol=1e-4, atol=1e-6)  # single precision


# Labels ----------------------------------------------------------------------------------------

LABELS = {
    "strings": np.array(["setosa", "versicolor", "virginica"]),
    "objects": np.array(["a", "b", "c"], dtype=object),
    "negative": np.array([-1, 0, 7]),
    "floats": np.array([1.0, 2.0, 5.0]),
    "bytes": np.array([3, 4, 5], dtype=np.uint8),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_every_kind(labels):
    model = classifier().fit(X_IRIS, labels[Y_IRIS])
    same = classifier().fit(X_IRIS, Y_IRIS)
    assert_array_equal(model.classes_, np.unique(labels))
    assert_array_equal(model.predict(X_IRIS), labels[same.predict(X_IRIS)])
    assert_array_equal(model.predict_proba(X_IRIS), same.predict_proba(X_IRIS))


def test_labels_that_are_true_and_false():
    model = classifier().fit(X_CANCER, Y_CANCER.astype(bool))
    assert model.classes_.dtype == bool
    assert model.predict(X_CANCER).dtype == bool
    assert model.score(X_CANCER, Y_CANCER.astype(bool)) > 0.9


def test_labels_of_a_category_column():
    pandas = pytest.importorskip("pandas")
    y = pandas.Series(pandas.Categorical.from_codes(Y_IRIS, ["a", "b", "c"]))
    assert classifier().fit(X_IRIS, y).score(X_IRIS, y) > 0.9


@pytest.mark.parametrize("container", [np.asarray, *CONTAINERS[:4]])
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}, {"early_stopping": True}], ids=str)
def test_multilabel_targets_dense_and_sparse(container, params):
    X, Y = make_multilabel_classification(150, 8, n_classes=3, random_state=0)
    model = classifier(**params).fit(X, container(Y))
    dense = classifier(**params).fit(X, Y)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.predict(X).shape == (150, 3)
    assert_array_equal(model.predict_proba(X), dense.predict_proba(X))
    assert np.mean(model.predict(X) == Y) > 0.8
    assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)


def test_multilabel_targets_in_a_data_frame():
    pandas = pytest.importorskip("pandas")
    X, Y = make_multilabel_classification(150, 8, n_classes=3, random_state=0)
    model = classifier().fit(X, pandas.DataFrame(Y, columns=["a", "b", "c"]))
    assert_array_equal(model.predict(X), classifier().fit(X, Y).predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}, {"early_stopping": True}], ids=str)
def test_several_real_targets(loss, params):
    pandas = pytest.importorskip("pandas")
    Y = np.column_stack([Y_DIABETES, Y_DIABETES.max() - Y_DIABETES]) / 100.0
    model = regressor(loss=loss, **params).fit(X_DIABETES, Y)
    assert model.predict(X_DIABETES).shape == (300, 2)
    assert model.n_outputs_ == 2
    frame = regressor(loss=loss, **params).fit(X_DIABETES, pandas.DataFrame(Y, columns=["a", "b"]))
    # A data frame lies in memory by columns, so sums are rounded in another order.
    assert_allclose(frame.predict(X_DIABETES), model.predict(X_DIABETES), rtol=1e-9)
    assert model.score(X_DIABETES, Y) > 0.3


# Metadata --------------------------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@estimators
def test_weights_reach_the_network_through_a_pipeline_and_a_search(cls, routing):
    model, X, y = problem(cls)
    weight = np.arange(len(y)) % 3 + 1.0
    model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
    search = GridSearchCV(pipeline, {f"{cls.__name__.lower()}__alpha": [model.alpha]}, cv=2)
    search.fit(X, y, sample_weight=weight)
    Z = StandardScaler().fit_transform(X)
    direct = clone(model).fit(Z, y, sample_weight=weight)
    W = search.best_estimator_[-1].coefs_[0]
    assert_array_equal(W, direct.coefs_[0])
    assert not np.allclose(W, clone(model).fit(Z, y).coefs_[0])


@estimators
def test_weights_that_nobody_asked_for_raise(cls, routing):
    model, X, y = problem(cls)
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
        cross_val_score(model, X, y, params={"sample_weight": np.ones(len(y))})


@estimators
def test_validation_rows_pass_a_pipeline_transformed(cls, routing):
    model, X, y = problem(cls)
    X_val, y_val = X[::3] + 0.0, y[::3]
    model.set_fit_request(X_val=True, y_val=True)
    pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
    pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    direct = clone(model).fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    assert pipeline[-1].validation_scores_ == direct.validation_scores_


@estimators
def test_groups_reach_the_splitter_of_the_validation_rows(cls, routing):
    model, X, y = problem(cls)
    groups = np.arange(len(y)) % 5
    model.set_params(early_stopping=True, validation=GroupKFold(5))
    model.set_fit_request(groups=True)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y, groups=groups)
    assert len(pipeline[-1].validation_scores_) == pipeline[-1].n_iter_
