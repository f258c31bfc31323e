"""From the user's table to one matrix of floats: numbers as they are, categories as codes."""

import math
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils import assert_all_finite, check_array, check_X_y
from sklearn.utils.validation import validate_data

from ._compat import check_categorical_features, safe_indexing

FLOATS = (np.float64, np.float32)
CATEGORICAL_TYPES = (nw.Categorical, nw.Enum, nw.String, nw.Boolean)


@dataclass(frozen=True, eq=False)
class Codes:
    """The codes of the categories of a table; mere names, so all rows given to `fit` may be asked.

    Attributes
    ----------
    columns : dict of int to (dict of category to int)
        For each categorical column its categories with their codes 0, 1, ..., in sorted order.
    """

    columns: dict

    def categories(self, column):
        """Return the categories of a column in the order of their codes, or None for numbers."""
        return list(self.columns[column]) if column in self.columns else None

    def matrix(self, X, estimator):
        """Return X as floats of shape (n, d); NaN for what is missing or has no code."""
        X = _with_columns(X)
        if issparse(X) or len(X.shape) != 2:
            check_array(X, dtype=FLOATS, estimator=estimator, input_name="X")  # raises
        matrix = np.empty(X.shape)
        numeric = [column for column in range(X.shape[1]) if column not in self.columns]
        if numeric:
            matrix[:, numeric] = check_array(
                safe_indexing(X, numeric, axis=1), dtype=FLOATS, ensure_all_finite="allow-nan",
                estimator=estimator, input_name="X",
            )  # fmt: skip
        for column, codes in self.columns.items():
            values = _values(X, column)
            _check_finite(set(values), estimator)
            matrix[:, column] = [codes.get(value, math.nan) for value in values]
        return matrix


def learn_codes(X, categorical_features, estimator):
    """Return the codes of the categories in a table, or None if no column is categorical.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
        As the user gave it.
    categorical_features : "from_dtype", array-like or None
        As the hyperparameter.
    estimator : estimator
        For the error messages.
    """
    by_type = isinstance(categorical_features, str)
    is_frame = nw.dependencies.is_into_dataframe(X)
    if categorical_features is None or (by_type and not is_frame):
        return None
    X = _with_columns(X)
    if len(X.shape) != 2 or 0 in X.shape:
        return None  # what is wrong with X is scikit-learn's to say
    if by_type:
        found = _categorical_by_type(X)
    else:
        chosen = check_categorical_features(X, categorical_features)
        found = [] if chosen is None else np.flatnonzero(chosen).tolist()
    if not found:
        return None
    if issparse(X):
        check_array(X, estimator=estimator, input_name="X")  # raises: there is no sparse one-hot
    columns = {}
    for column in found:
        categories = _in_order(set(_values(X, column)))
        columns[column] = {category: code for code, category in enumerate(categories)}
    return Codes(columns)


def check_rows(estimator, codes, *data, first=False):
    """Return X as a matrix and, if there is one, y, checked as scikit-learn does.

    Parameters
    ----------
    estimator : estimator
        Learns the number and the names of the columns if `first`, else they must match.
    codes : Codes or None
        Those of the categories in X.
    *data : X of shape (n, d), or X and y
        As the user gave them.
    first : bool, default=False
        Whether the estimator knows no columns yet.

    Returns
    -------
    X : {ndarray, sparse array} of shape (n, d)
        NaN where a value is missing; sparse X has none.
    y : ndarray
        Only if it was given.
    """
    data = (_with_nan(data[0]), *data[1:])
    checks = {"accept_sparse": "csr", "dtype": FLOATS, "ensure_all_finite": "allow-nan"}
    check = check_array
    if len(data) > 1:
        check = check_X_y
        checks |= {"multi_output": True, "y_numeric": is_regressor(estimator)}
    if codes is None:
        checked = validate_data(estimator, *data, reset=first, **checks)
    else:
        validate_data(estimator, *data, reset=first, skip_check_array=True)
        X, *y = data
        checked = check(codes.matrix(X, estimator), *y, estimator=estimator, **checks)
    X = checked if check is check_array else checked[0]
    if issparse(X):
        assert_all_finite(X, estimator_name=type(estimator).__name__, input_name="X")
    return checked


def _with_nan(X):
    """Return X with NaN for whatever else stands for a missing value among Python objects.

    scikit-learn makes floats of None and NaN, but neither of pandas.NA nor of NaT.
    """
    if isinstance(X, np.ndarray) and X.dtype == object:
        missing = np.frompyfunc(_is_missing, 1, 1)(X).astype(bool)
        return np.where(missing, math.nan, X) if missing.any() else X
    if not hasattr(X, "isetitem"):  # no DataFrame of pandas
        return X
    given = X
    for column, dtype in enumerate(X.dtypes):
        if dtype != np.dtype(object):
            continue
        values = X.iloc[:, column]
        if values.isna().any():
            X = X.copy(deep=False) if X is given else X
            X.isetitem(column, [math.nan if _is_missing(v) else v for v in values])
    return X


def _with_columns(X):
    """Return X as something that has a shape."""
    if issparse(X) or nw.dependencies.is_into_dataframe(X):
        return X
    # Of a list that mixes numbers and strings NumPy would make strings.
    return np.asarray(X, dtype=None if hasattr(X, "dtype") else object)


def _values(X, column):
    """Return one column as a list of Python's own values."""
    values = safe_indexing(X, column, axis=1)
    return values.to_list() if hasattr(values, "to_list") else values.tolist()


def _categorical_by_type(frame):
    found = []
    for column, dtype in enumerate(nw.from_native(frame).schema.dtypes()):
        if dtype in CATEGORICAL_TYPES or (
            dtype == nw.Object and not _holds_numbers(_values(frame, column))
        ):
            found.append(column)
    return found


def _holds_numbers(values):
    """Whether all values that are not missing are numbers, and there is one."""
    kinds = {type(value) for value in values if not _is_missing(value)}
    return bool(kinds) and all(issubclass(k, Real | Decimal) and k is not bool for k in kinds)


def _is_missing(value):
    """Whether a value is None, NaN, NaT or pandas.NA; only they are not equal to themselves."""
    if value is None:
        return True
    equal = value == value  # noqa: PLR0124
    return not (isinstance(equal, bool | np.bool_) and bool(equal))


def _check_finite(values, estimator):
    """Raise ValueError for infinity, as in a column of numbers."""
    infinite = [value for value in values if isinstance(value, float) and math.isinf(value)]
    if infinite:
        name = type(estimator).__name__
        assert_all_finite(np.array(infinite[:1]), estimator_name=name, input_name="X")


def _in_order(values):
    """Return the categories among values in an order that depends on them alone."""
    present = [value for value in values if not _is_missing(value)]
    # The place of a value depends on it alone, so that others never change the order.
    numbers = sorted(value for value in present if isinstance(value, Real))
    others = [value for value in present if not isinstance(value, Real)]
    return numbers + sorted(others, key=lambda value: (type(value).__name__, str(value)))
