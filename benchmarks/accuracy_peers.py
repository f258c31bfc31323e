"""The estimators that ours are compared with, set up as for the recorded figures."""

from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PEERS = ("sklearn_mlp", "hgb", "realmlp_tds", "realmlp_td", "catboost")


def prepared(X, model):
    """Return a pipeline: means for missing numbers, standardised; one column a category."""
    names = X.select_dtypes("category").columns
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    dummies = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer((dummies, names), (numbers, X.columns.difference(names)))
    return make_pipeline(columns, model)


def peer(name, task, X, seed):
    """Return the estimator of a name for rows X, "clf" or "reg"; raise ImportError if absent."""
    clf = task == "clf"
    if name == "sklearn_mlp":
        model = (MLPClassifier if clf else MLPRegressor)(max_iter=500, random_state=seed)
        model = model if clf else TransformedTargetRegressor(model, transformer=StandardScaler())
        return prepared(X, model)
    if name == "hgb":
        kind = HistGradientBoostingClassifier if clf else HistGradientBoostingRegressor
        return kind(categorical_features="from_dtype", random_state=seed)
    if name == "catboost":
        from catboost import CatBoostClassifier, CatBoostRegressor

        columns = list(X.select_dtypes("category"))
        kind = CatBoostClassifier if clf else CatBoostRegressor
        return kind(verbose=0, thread_count=1, random_seed=seed, cat_features=columns)
    import pytabkit

    version = {"realmlp_tds": "RealMLP_TD_S", "realmlp_td": "RealMLP_TD"}[name]
    kind = getattr(pytabkit, f"{version}_{'Classifier' if clf else 'Regressor'}")
    median = (SimpleImputer(strategy="median"), X.select_dtypes("number").columns)
    whole = {"remainder": "passthrough", "verbose_feature_names_out": False}
    steps = make_column_transformer(median, **whole).set_output(transform="pandas")
    return make_pipeline(steps, kind(random_state=seed, n_threads=1))
