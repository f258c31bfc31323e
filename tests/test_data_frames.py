"""Tables as they are: DataFrames with categories and gaps, straight into fit and predict."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from plain import PLAIN
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split

from skregnet import (
    Checkpoint,
    RandomChoice,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    check_gradients,
    diagnose,
    ensemble_error_decomposition,
    inspect_layers,
    regularization_path,
)
from skregnet.exceptions import IgnoredParameterWarning
from skregnet.training.augmentation import Shift

pd = pytest.importorskip("pandas")

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)
QUICK = PLAIN | {"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0}
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 3.0, "random_state": 0}
NAMES = [
    "age", "age_missing", "colour_blue", "colour_green", "colour_red", "member_True", "size"
]  # fmt: skip


def columns(n=80, seed=0):
    """Return the columns of a table as lists, None where a value is missing, and a target."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40.0, 9.0, size=n)
    colour = rng.choice(["red", "green", "blue"], size=n)
    member = rng.random(n) < 0.4
    size = rng.normal(size=n)
    y = (colour == "red") + 0.1 * age + member > 4.9
    table = {
        "age": [None if rng.random() < 0.2 else float(value) for value in age],
        "colour": [None if rng.random() < 0.1 else str(value) for value in colour],
        "member": member.tolist(),
        "size": size.tolist(),
    }
    return table, y.astype(int)


def frame(n=80, seed=0):
    table, y = columns(n, seed)
    return pd.DataFrame(table), y


def prediction(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def weights(model):
    return np.concatenate([member.weights for member in model.members_])


# What a table may be made of -------------------------------------------------------------------


@estimators
def test_a_table_goes_straight_into_fit_and_predict(cls):
    X, y = frame()
    model = cls(**QUICK).fit(X, y)
    assert model.encoded_feature_names_.tolist() == NAMES
    assert model.encoded_feature_names_.dtype == object
    assert model.feature_names_in_.tolist() == list(X.columns)
    assert model.n_features_in_ == 4
    assert model.coefs_[0].shape == (7, 6)
    assert model.input_scale_.factor.shape == (7,)
    norms = np.linalg.norm(model.coefs_[0], axis=1)
    expected = [norms[:2].sum(), norms[2:5].sum(), norms[5], norms[6]]
    assert_allclose(model.feature_importances_, expected, rtol=1e-12)
    assert np.isfinite(prediction(model, X)).all()


def as_category(X):
    return X.astype({"colour": "category", "member": "category"})


def as_ordered_category(X):
    kind = pd.CategoricalDtype(["red", "green", "blue", "never seen"], ordered=True)
    return X.astype({"colour": kind})


def as_objects(X):
    return X.astype(object)


def as_nullable(X):
    return X.astype({"age": "Float64", "colour": "string", "member": "boolean", "size": "Float64"})


@pytest.mark.parametrize("change", [as_category, as_ordered_category, as_objects, as_nullable])
@estimators
def test_the_type_of_a_column_changes_nothing(cls, change):
    X, y = frame()
    plain, changed = (cls(**QUICK).fit(table, y) for table in (X, change(X)))
    assert changed.encoded_feature_names_.tolist() == NAMES
    assert_array_equal(weights(plain), weights(changed))
    for table in (X, change(X)):
        assert_array_equal(prediction(plain, X), prediction(changed, table))


@estimators
def test_polars_and_pandas_give_the_same(cls):
    pl = pytest.importorskip("polars")
    table, y = columns()
    pandas_table, polars_table = pd.DataFrame(table), pl.DataFrame(table)
    typed = polars_table.with_columns(
        pl.col("colour").cast(pl.Enum(["red", "green", "blue"])), pl.col("age").cast(pl.Float32)
    ).with_columns(pl.col("age").cast(pl.Float64))
    model = cls(**QUICK).fit(pandas_table, y)
    same = cls(**QUICK).fit(polars_table, y)
    assert same.feature_names_in_.tolist() == list(table)
    assert_array_equal(weights(model), weights(same))
    for X in (pandas_table, polars_table):
        assert_array_equal(prediction(model, pandas_table), prediction(same, X))
    assert cls(**QUICK).fit(typed, y).encoded_feature_names_.tolist() == NAMES


def test_tools_take_polars():
    pl = pytest.importorskip("polars")
    table, y = columns()
    X = pl.DataFrame(table)
    model = RegularizedMLPClassifier(**QUICK)
    assert len(cross_val_score(model, X, y, cv=3)) == 3
    path = regularization_path(model, X, y, values=[0.1, 1.0], cv=2)
    assert np.isfinite(path.test_scores).all()
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    assert model.best_iteration_ is not None


@estimators
@pytest.mark.parametrize("chosen", [["colour", "member"], [1, 2], [False, True, True, False]])
def test_categories_may_be_named_numbered_or_masked(cls, chosen):
    X, y = frame()
    by_type, by_choice = (
        cls(**QUICK, categorical_features=choice).fit(X, y) for choice in ("from_dtype", chosen)
    )
    assert_array_equal(weights(by_type), weights(by_choice))


@estimators
def test_arrays_of_objects_and_lists_take_categories_by_number(cls):
    X, y = frame()
    expected = weights(cls(**QUICK).fit(X, y))
    rows = X.to_numpy(dtype=object)
    for given in (rows, rows.tolist()):
        model = cls(**QUICK, categorical_features=[1, 2]).fit(given, y)
        assert model.encoded_feature_names_[-1] == "x3"
        assert_array_equal(weights(model), expected)
        assert np.isfinite(prediction(model, given)).all()


@estimators
def test_numbers_may_be_categories(cls, rng):
    X = np.column_stack([rng.normal(size=60), rng.integers(1, 4, size=60)])
    y = (X[:, 1] == 2).astype(int)
    model = cls(**LINEAR, categorical_features=[1]).fit(X, y)
    assert model.encoded_feature_names_.tolist() == ["x0", "x1_1.0", "x1_2.0", "x1_3.0"]
    straight_line = cls(**LINEAR).fit(X, y)
    assert model.score(X, y) > straight_line.score(X, y) + 0.1
    integers = X[:, 1:].astype(int)
    alone = cls(**LINEAR, categorical_features=[True]).fit(integers, y)
    assert alone.encoded_feature_names_.tolist() == ["x0_1", "x0_2", "x0_3"]
    assert_array_equal(prediction(alone, integers), prediction(alone, integers.astype(np.float32)))


def test_columns_of_objects_that_are_numbers_are_numbers():
    X, y = frame()
    X["age"] = X["age"].astype(object)
    X["mixed"] = [1 if i % 2 else "one" for i in range(len(X))]
    model = RegularizedMLPClassifier(**QUICK).fit(X, y)
    assert model.encoded_feature_names_.tolist() == [*NAMES, "mixed_one"]
    X["empty"] = [None] * len(X)
    X["gaps"] = np.nan
    names = RegularizedMLPClassifier(**QUICK).fit(X, y).encoded_feature_names_.tolist()
    assert names == [*NAMES, "mixed_one", "empty", "gaps", "gaps_missing"]


# Absence ---------------------------------------------------------------------------------------


@estimators
@pytest.mark.parametrize("dtype", [np.float64, np.float32, int])
def test_plain_numbers_are_left_alone(cls, dtype, rng):
    X = (10 * rng.normal(size=(600, 3))).astype(dtype)
    y = (X[:, 0] > 0).astype(int)
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    models = [
        cls(**QUICK, categorical_features=choice).fit(given, y)
        for choice in ("from_dtype", None, [])
        for given in (X, table)
    ]
    for model in models:
        assert model._encoder is None and model._codes is None
        assert_array_equal(weights(model), weights(models[0]))
    assert models[0].encoded_feature_names_.tolist() == ["x0", "x1", "x2"]
    assert models[1].encoded_feature_names_.tolist() == ["a", "b", "c"]


@estimators
def test_plain_rows_are_neither_copied_nor_changed(cls, rng):
    X = rng.normal(size=(50, 3))
    model = cls(**QUICK | {"scaling": None}).fit(X, (X[:, 0] > 0).astype(int))
    assert model._scale.transform(X, np.float64) is X


@estimators
@pytest.mark.parametrize("scaling", ["standard", "robust", None])
def test_encoding_by_hand_gives_the_same(cls, scaling):
    X, y = frame(600)
    params = QUICK | {"scaling": scaling, "early_stopping": False}  # a median of all rows
    ours = cls(**params).fit(X, y)
    by_hand = np.column_stack(
        [
            X["age"].fillna(X["age"].median()),
            X["age"].isna(),
            *(X["colour"] == colour for colour in ("blue", "green", "red")),
            np.where(X["member"], 1.0, -1.0),
            X["size"],
        ]
    ).astype(float)
    theirs = cls(**params).fit(by_hand, y)
    assert_array_equal(weights(ours), weights(theirs))
    assert_array_equal(prediction(ours, X), prediction(theirs, by_hand))


# Missing and unknown at prediction -------------------------------------------------------------


@estimators
def test_unknown_categories_are_like_missing_ones(cls):
    X, y = frame()
    model = cls(**QUICK).fit(X, y)
    unknown, missing = X.copy(), X.copy()
    unknown["colour"], missing["colour"] = "pink", None
    unknown["member"], missing["member"] = "perhaps", None
    assert_array_equal(prediction(model, unknown), prediction(model, missing))
    assert (prediction(model, unknown) != prediction(model, X)).any()


@estimators
@pytest.mark.parametrize("scaling", ["standard", "robust"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_gap_that_training_did_not_have_is_the_centre(cls, scaling, whole):
    X, y = frame()
    X = X if whole else X[["size"]]
    model = cls(**QUICK | {"scaling": scaling}).fit(X, y)
    centre, gap = X.copy(), X.copy()
    gap["size"] = np.nan
    centre["size"] = model.input_scale_.center[-1]
    assert_array_equal(prediction(model, gap), prediction(model, centre))


@estimators
def test_without_scaling_such_a_gap_is_zero(cls, rng):
    X = rng.normal(size=(40, 2))
    model = cls(**QUICK | {"scaling": None}).fit(X, (X[:, 0] > 0).astype(int))
    gap, zero = X.copy(), X.copy()
    gap[:, 1], zero[:, 1] = np.nan, 0.0
    assert_array_equal(prediction(model, gap), prediction(model, zero))


@estimators
def test_a_row_alone_is_predicted_as_among_others(cls):
    X, y = frame()
    model = cls(**QUICK, dtype="float64").fit(X, y)
    alone = [prediction(model, X[i : i + 1])[0] for i in range(len(X))]
    assert_allclose(alone, prediction(model, X), rtol=1e-9)


# Training rows only ----------------------------------------------------------------------------


def with_marked_rows(X, rows):
    """Return a table whose `rows` alone hold a category, and a gap in a column, of their own."""
    X = X.copy()
    X.loc[X.index[rows], "colour"] = "violet"
    X.loc[X.index[rows], "size"] = np.nan
    return X


@estimators
@pytest.mark.parametrize("given", [True, False])
def test_rows_that_validate_teach_the_encoder_nothing(cls, given):
    X, y = frame(120)

    class Half:
        def split(self, X, y, groups=None):
            yield np.arange(60), np.arange(60, 120)

        def get_n_splits(self, X=None, y=None, groups=None):
            return 1

    marked = with_marked_rows(X, range(60, 120))
    params = QUICK | {"early_stopping": True, "n_iter_no_change": None}
    if given:
        model = cls(**params).fit(marked[:60], y[:60], X_val=marked[60:], y_val=y[60:])
    else:
        model = cls(**params, validation=Half()).fit(marked, y)
    expected = cls(**QUICK, early_stopping=False, dtype="float64").fit(X[:60], y[:60])
    assert model.encoded_feature_names_.tolist() == NAMES
    assert_array_equal(model.input_scale_.center, expected.input_scale_.center)
    assert_array_equal(model._encoder.transform(np.zeros((1, 4))),
                       expected._encoder.transform(np.zeros((1, 4))))  # fmt: skip
    assert_array_equal(model.loss_curve_, expected.loss_curve_)


@estimators
def test_a_refit_learns_from_all_rows(cls):
    X, y = frame(120)
    X = with_marked_rows(X, range(115, 120))

    class Last:
        def split(self, X, y, groups=None):
            yield np.arange(110), np.arange(110, 120)

        def get_n_splits(self, X=None, y=None, groups=None):
            return 1

    params = QUICK | {"early_stopping": True, "validation": Last()}
    assert "colour_violet" not in cls(**params).fit(X, y).encoded_feature_names_
    model = cls(**params | {"refit": True}).fit(X, y)
    assert {"colour_violet", "size_missing"} < set(model.encoded_feature_names_)
    assert model.coefs_[0].shape[0] == len(model.encoded_feature_names_)


def test_rows_of_weight_zero_teach_nothing():
    X, y = frame(120)
    weight = np.r_[np.ones(60), np.zeros(60)]
    marked = with_marked_rows(X, range(60, 120))
    params = QUICK | {"scaling": "robust"}  # a mean is rounded otherwise where there are weights
    model = RegularizedMLPClassifier(**params).fit(marked, y, sample_weight=weight)
    assert_array_equal(
        weights(model), weights(RegularizedMLPClassifier(**params).fit(X[:60], y[:60]))
    )


# Weights ---------------------------------------------------------------------------------------


@estimators
@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_a_weight_is_a_repetition_in_the_whole_fit(cls, scaling):
    X, y = frame()
    X["code"] = [f"c{i % 17:02}" for i in range(len(X))]
    weight = np.random.default_rng(1).integers(1, 4, size=len(X))
    params = LINEAR | {"scaling": scaling, "max_categories": 5}
    weighted = cls(**params).fit(X, y, sample_weight=weight)
    repeated = cls(**params).fit(X.loc[X.index.repeat(weight)], y.repeat(weight))
    assert weighted.encoded_feature_names_.tolist() == repeated.encoded_feature_names_.tolist()
    for name in ("center", "factor"):
        ours, theirs = (getattr(model.input_scale_, name) for model in (weighted, repeated))
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    assert_allclose(prediction(weighted, X), prediction(repeated, X), rtol=1e-12, atol=1e-12)


# max_categories --------------------------------------------------------------------------------


@estimators
def test_rare_categories_share_a_column(cls):
    X, y = frame(200)
    X["code"] = [f"c{min(i % 40, i % 7):02}" for i in range(200)]
    few = cls(**QUICK, max_categories=3).fit(X, y)
    names = [name for name in few.encoded_feature_names_ if name.startswith("code")]
    assert len(names) == 3 and names[-1] == "code_infrequent"
    assert few.encoded_feature_names_[:7].tolist() == [*NAMES[:6], "size"]
    X["id"] = [f"row {i}" for i in range(200)]
    assert cls(**QUICK).fit(X, y).coefs_[0].shape[0] == 7 + X["code"].nunique() + 100
    without_limit = cls(**QUICK, max_categories=None).fit(X, y)
    assert without_limit.coefs_[0].shape[0] == 7 + X["code"].nunique() + 200


@estimators
def test_max_categories_without_categories_warns(cls, rng):
    X = rng.normal(size=(30, 2))
    with pytest.warns(IgnoredParameterWarning, match="max_categories=5 has no effect"):
        cls(**QUICK, max_categories=5).fit(X, (X[:, 0] > 0).astype(int))


# Errors ----------------------------------------------------------------------------------------


@estimators
def test_without_categories_a_string_raises(cls):
    X, y = frame()
    with pytest.raises(ValueError, match="could not convert string to float"):
        cls(**QUICK, categorical_features=None).fit(X, y)
    with pytest.raises(ValueError, match="could not convert string to float"):
        cls(**QUICK, categorical_features=["member"]).fit(X, y)
    with pytest.raises(ValueError, match="could not convert string to float"):
        cls(**QUICK).fit(X.to_numpy(dtype=object), y)


@estimators
@pytest.mark.parametrize("column", ["age", "code"])
def test_infinity_raises_in_every_column(cls, column):
    X, y = frame()
    X["code"] = np.arange(len(X)) % 3 * 1.0
    params = QUICK | {"categorical_features": ["colour", "member", "code"]}
    model = cls(**params).fit(X, y)
    X.loc[3, column] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        cls(**params).fit(X, y)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(X)


@estimators
def test_tables_that_do_not_match_raise(cls):
    X, y = frame()
    model = cls(**QUICK).fit(X, y)
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="now missing:\n- size"):
        model.predict(X.drop(columns="size"))
    with pytest.raises(ValueError, match="could not convert string to float"):
        model.predict(X.assign(age="old"))
    with (
        pytest.warns(UserWarning, match="does not have valid feature names"),
        pytest.raises(TypeError, match="Sparse data was passed"),
    ):
        model.predict(sp.csr_array(np.ones((3, 4))))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        from_array = prediction(model, X.to_numpy(dtype=object))
    assert_array_equal(from_array, prediction(model, X))


@estimators
def test_sparse_rows_have_no_categories_and_no_gaps(cls):
    X = sp.csr_array(np.eye(20)[:, :4])
    y = np.arange(20) % 2
    with pytest.raises(TypeError, match="Sparse data was passed"):
        cls(**QUICK, categorical_features=[0]).fit(X, y)
    X.data[0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        cls(**QUICK).fit(X, y)


@estimators
@pytest.mark.parametrize("wrong", [[["a", 1.0], ["b"]], ["a", "b"], [[["a"]], [["b"]]], []])
def test_what_is_no_table_raises(cls, wrong):
    with pytest.raises(ValueError):
        cls(**QUICK, categorical_features=[0]).fit(wrong, [0, 1][: len(wrong)])


@estimators
@pytest.mark.parametrize("augmentation", ["shift", ["mixup", Shift()], RandomChoice([Shift()])])
def test_images_are_not_encoded(cls, augmentation):
    X, y = frame()
    with pytest.raises(ValueError, match="'augmentation'.*pixels"):
        cls(**QUICK, augmentation=augmentation).fit(X, y)
    assert cls(**QUICK, augmentation="mixup").fit(X, y).n_iter_ == 8


# Everything else goes on -----------------------------------------------------------------------


@estimators
def test_pickles_and_clones_predict_the_same(cls):
    X, y = frame()
    model = cls(**QUICK).fit(X, y)
    for again in (pickle.loads(pickle.dumps(model)), clone(model).fit(X, y)):
        assert_array_equal(prediction(again, X), prediction(model, X))


@estimators
def test_a_stream_keeps_the_encoding_of_its_first_call(cls):
    X, y = frame(120)
    classes = {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}
    model = cls(**QUICK).partial_fit(X[:60], y[:60], **classes)
    scale, encoder = model.input_scale_, model._encoder
    model.partial_fit(with_marked_rows(X, range(60, 90))[60:], y[60:])
    assert model.encoded_feature_names_.tolist() == NAMES
    assert model.input_scale_ is scale and model._encoder is encoder
    assert np.isfinite(prediction(model, with_marked_rows(X, range(30)))).all()


@estimators
def test_a_warm_start_keeps_the_encoding(cls):
    X, y = frame()
    params = QUICK | {"warm_start": True}
    twice = cls(**params | {"max_iter": 4}).fit(X, y)
    encoder = twice._encoder
    twice.fit(X, y)
    assert twice._encoder is encoder
    assert_array_equal(weights(twice), weights(cls(**params).fit(X, y)))
    for change in ({"max_categories": 2}, {"categorical_features": ["colour"]}):
        with pytest.raises(ValueError, match=f"'{next(iter(change))}' parameter cannot change"):
            clone(twice).fit(X, y).set_params(**change).fit(X, y)


@estimators
@pytest.mark.parametrize("validation", [0.3, "oob"])
def test_committees_scorers_and_out_of_bag_rows(cls, validation):
    X, y = frame(150)
    name = "neg_log_loss" if cls is RegularizedMLPClassifier else "r2"
    seen = []

    def look(estimator, X, y):
        seen.append(X)
        return estimator.score(X, y)

    params = QUICK | {"n_estimators": 6, "early_stopping": True, "validation": validation}
    for monitor in (name, look):
        model = cls(**params, monitor=monitor).fit(X, y)
        assert np.isfinite(model.members_[0].validation_scores).all()
    assert seen[0].dtype == np.float64  # categories as codes
    one, two = (cls(**params, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    assert_array_equal(prediction(one, X), prediction(two, X))
    params = QUICK | {"learning_rate_init": 0.02, "max_iter": 40, "n_estimators": 20}
    scored = cls(**params, oob_score=True).fit(X, y)
    assert scored.oob_score_ > (0.75 if cls is RegularizedMLPClassifier else 0.4)
    assert scored.feature_importances_.shape == (4,)


def test_a_scorer_sees_the_rows_that_the_loss_sees():
    X, y = frame(150)
    model = RegularizedMLPClassifier(**QUICK, early_stopping=True, monitor="neg_log_loss").fit(X, y)
    assert_allclose(model.validation_scores_, -np.array(model.validation_loss_curve_), rtol=1e-9)


@estimators
def test_searches_and_importances_take_the_table(cls):
    X, y = frame(120)
    search = GridSearchCV(cls(**QUICK), {"max_categories": [2, 100]}, cv=3).fit(X, y)
    assert np.isfinite(search.best_score_)
    found = permutation_importance(search.best_estimator_, X, y, n_repeats=5, random_state=0)
    assert found.importances_mean.shape == (4,)
    path = regularization_path(cls(**QUICK), X, y, values=[0.1, 1.0], cv=2)
    assert np.isfinite(path.test_scores).all()


@estimators
def test_checks_and_looks_take_the_table(cls):
    X, y = frame(120)
    model = cls(**QUICK | {"activation": "tanh"}, n_estimators=2)
    assert check_gradients(model, X, y).passed
    assert not hasattr(model, "encoded_feature_names_")
    model.fit(X, y)
    assert check_gradients(model, X, y).passed
    assert inspect_layers(model, X, y)[0].inputs.shape == (120, 7)
    assert ensemble_error_decomposition(model, X, y).n_members == 2
    X["size"] *= 1e4
    [finding] = [f for f in diagnose(model, X, y) if f.finding == "unscaled_column"]
    assert finding.where == "column 'size'"


@estimators
def test_callbacks_see_the_users_table(cls, tmp_path):
    X, y = frame()
    score = "accuracy" if cls is RegularizedMLPClassifier else "r2"
    monitor = ScoringMonitor(scoring=score)
    model = cls(**QUICK).set_callbacks(monitor).fit(X, y)
    assert monitor.get_logs().data[-1][score] == model.score(X, y)
    again = cls(**QUICK).set_callbacks(Checkpoint(tmp_path / "fit", every=3)).fit(X, y)
    assert_array_equal(weights(again), weights(model))


# Real tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, cls, n_encoded, at_least",
    [
        ("credit_g", RegularizedMLPClassifier, 59, 0.70),
        ("eucalyptus", RegularizedMLPClassifier, 98, 0.50),
        ("adult", RegularizedMLPClassifier, 100, 0.84),
        ("ames_housing", RegularizedMLPRegressor, 300, 0.75),
    ],
)
def test_real_tables_go_straight_in(read_table, name, cls, n_encoded, at_least):
    X, y = read_table(name)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=min(6000, int(0.75 * len(X))), random_state=0
    )
    X_test, y_test = X_test[:2000], y_test[:2000]
    rate = 0.01 if cls is RegularizedMLPRegressor else 0.001
    model = cls((64,), max_iter=40, learning_rate_init=rate, random_state=0).fit(X_train, y_train)
    assert abs(len(model.encoded_feature_names_) - n_encoded) <= 12
    assert model.score(X_test, y_test) >= at_least
    assert model.feature_importances_.shape == (X.shape[1],)


def test_the_order_of_categories_does_not_depend_on_others():
    rng = np.random.default_rng(0)
    numbers = rng.choice([2, 5, 10], 150).astype(object)
    frame = pd.DataFrame({"c": numbers, "g": rng.normal(size=150)})
    y = (rng.normal(size=150) > 0).astype(int)
    params = {"categorical_features": ["c"], "max_iter": 3, "random_state": 0}
    plain = RegularizedMLPClassifier(**params).fit(frame[:145], y[:145])
    frame.loc[145:, "c"] = "zz"
    weight = np.repeat([1.0, 0.0], [145, 5])
    with_others = RegularizedMLPClassifier(**params).fit(frame, y, weight)
    assert list(with_others.encoded_feature_names_) == list(plain.encoded_feature_names_)
    np.testing.assert_allclose(with_others.coefs_[0], plain.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT], ids=str)
@pytest.mark.parametrize("container", [pd.DataFrame, np.asarray])
def test_what_is_missing_among_python_objects_is_a_gap(missing, container):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"o": [1, 2.5, missing] * 40, "g": rng.normal(size=120)}, dtype=object)
    expected = pd.DataFrame({"o": [1, 2.5, np.nan] * 40, "g": frame["g"].astype(float)})
    y = (rng.normal(size=120) > 0).astype(int)
    given = frame.copy()
    model = RegularizedMLPClassifier(max_iter=3, random_state=0).fit(container(frame), y)
    plain = RegularizedMLPClassifier(max_iter=3, random_state=0).fit(expected, y)
    np.testing.assert_array_equal(
        model.predict_proba(container(frame)), plain.predict_proba(expected)
    )
    pd.testing.assert_frame_equal(frame, given)  # the user's table is left as it was
