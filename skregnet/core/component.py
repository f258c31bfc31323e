"""What the small recipes (`Adam`, `Huber`, `Normal`, ...) have in common."""

from dataclasses import Field, fields
from math import isfinite
from numbers import Integral, Real
from typing import Any, ClassVar


def require(condition, owner, name, expected, value):
    """Raise scikit-learn's parameter error unless `condition` holds."""
    if not condition:
        raise ValueError(
            f"The {name!r} parameter of {owner} must be {expected}. Got {value!r} instead."
        )


class Component:
    """A dataclass of hyperparameters that scikit-learn can clone and search.

    A component is a recipe: fitting never writes to it. `get_params` and `set_params` make
    ``solver__beta_2`` a legal name in a grid search over ``solver=Adam()``.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def get_params(self, deep=True):
        """Return the hyperparameters as a dict.

        Parameters
        ----------
        deep : bool, default=True
            Accepted for scikit-learn's protocol; components hold no nested components.

        Returns
        -------
        params : dict
            Name to value.
        """
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params):
        """Set hyperparameters.

        Parameters
        ----------
        **params : dict
            Name to value.

        Returns
        -------
        self : Component
            The component itself.

        Raises
        ------
        ValueError
            If a name is unknown.
        """
        known = self.get_params()
        for name, value in params.items():
            require(name in known, type(self).__name__, name, f"one of {sorted(known)}", name)
            setattr(self, name, value)
        return self

    def check(self):
        """Raise ValueError if a hyperparameter is out of its range."""

    def _require(self, condition, name, expected):
        require(condition, type(self).__name__, name, expected, getattr(self, name))

    def _require_number(self, name, interval, kind=Real):
        """Raise ValueError unless a hyperparameter is a number in an interval such as "[0, 1)"."""
        value = getattr(self, name)
        low, high = (float(end) for end in interval[1:-1].split(","))
        ok = isinstance(value, kind) and not isinstance(value, bool) and isfinite(value)
        ok = ok and (low <= value if interval[0] == "[" else low < value)
        ok = ok and (value <= high if interval[-1] == "]" else value < high)
        self._require(ok, name, f"{'an int' if kind is Integral else 'a float'} in {interval}")


def resolve(choice, registry, name):
    """Turn a registered string into the instance it stands for; pass instances through.

    Parameters
    ----------
    choice : str or Component
        What the user gave.
    registry : dict of str to callable
        The known strings.
    name : str
        The name of the hyperparameter, for the error message.

    Returns
    -------
    component : Component
        The instance, with its own hyperparameters checked.
    """
    if isinstance(choice, str):
        if choice not in registry:
            raise ValueError(
                f"The {name!r} parameter must be one of {sorted(registry)} or an instance. "
                f"Got {choice!r} instead."
            )
        return registry[choice]()
    choice.check()
    return choice
