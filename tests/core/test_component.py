"""The small recipes: parameters that scikit-learn can read, set, clone and search."""

import pickle
from copy import deepcopy
from dataclasses import fields

import numpy as np
import pytest
from engine_examples import concrete_subclasses
from sklearn.base import clone

import skregnet
import skregnet.core
import skregnet.training
from skregnet import SGD, Adam, Huber, Normal, RegularizedMLPClassifier
from skregnet.core.component import Component, require, resolve
from skregnet.core.initializers import FromArray, FromFunction
from skregnet.tables import Scale
from skregnet.training.augmentation import FromCallable, LabelSmoothing, Shift
from skregnet.training.augmentation.images import OnOriginalScale
from skregnet.training.optimizers import SOLVERS


def own_rule(rng, fan_in, fan_out):
    return np.ones((fan_in, fan_out))


WITH_ARGUMENTS = {
    FromFunction: FromFunction(own_rule),
    FromArray: FromArray(np.ones((2, 2))),
    LabelSmoothing: LabelSmoothing(0.1, 3),
    FromCallable: FromCallable(own_rule),
    OnOriginalScale: OnOriginalScale(Shift(), Scale()),
}

ALL = concrete_subclasses(Component) | concrete_subclasses(Component, skregnet.training)
COMPONENTS = [WITH_ARGUMENTS.get(cls) or cls() for cls in sorted(ALL, key=lambda c: c.__name__)]
every_component = pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: type(c).__name__)


def test_every_public_component_is_here():
    public = {cls for name in skregnet.__all__ if isinstance(cls := getattr(skregnet, name), type)}
    assert {cls for cls in public if issubclass(cls, Component)} <= ALL


@every_component
def test_parameters_are_the_fields(component):
    params = component.get_params()
    assert list(params) == [field.name for field in fields(component)]
    for name, value in params.items():
        assert value is getattr(component, name)


@every_component
def test_clones_are_equal_and_independent(component):
    copy = clone(component)
    assert type(copy) is type(component) and copy is not component
    assert repr(copy) == repr(component)
    before = deepcopy(component.get_params())
    for name in copy.get_params():
        copy.set_params(**{name: "changed"})
    assert repr(component.get_params()) == repr(before)


@every_component
def test_pickles(component):
    assert repr(pickle.loads(pickle.dumps(component))) == repr(component)


@every_component
def test_an_unknown_name_raises_and_changes_nothing(component):
    before = repr(component)
    with pytest.raises(ValueError, match=f"'unknown' parameter of {type(component).__name__}"):
        component.set_params(unknown=1)
    assert repr(component) == before


@every_component
def test_defaults_and_examples_pass_their_own_check(component):
    component.check()


def test_set_params_sets_and_returns_the_component():
    adam = Adam()
    assert adam.set_params(beta_1=0.5, epsilon=1e-3) is adam
    assert adam == Adam(beta_1=0.5, epsilon=1e-3)


def test_a_search_reaches_inside_an_instance():
    model = RegularizedMLPClassifier(solver=Adam(), init=Normal())
    copy = clone(model).set_params(solver__beta_2=0.5, init__scale=3.0)
    assert copy.solver == Adam(beta_2=0.5) and copy.init == Normal(scale=3.0)
    assert model.solver == Adam() and model.init == Normal()


def test_fitting_never_writes_to_a_component():
    X = np.random.default_rng(0).normal(size=(20, 3))
    solver, init = SGD(), Normal(0.1)
    before = pickle.dumps((solver, init))
    RegularizedMLPClassifier((3,), solver=solver, init=init, max_iter=2).fit(X, X[:, 0] > 0)
    assert pickle.dumps((solver, init)) == before


def test_resolve_turns_a_name_into_the_default_instance():
    for name, cls in SOLVERS.items():
        assert resolve(name, SOLVERS, "solver") == cls()


def test_resolve_passes_a_checked_instance_through():
    adam = Adam(beta_1=0.5)
    assert resolve(adam, SOLVERS, "solver") is adam
    with pytest.raises(ValueError, match="'delta' parameter of Huber"):
        resolve(Huber(-1.0), {}, "loss")


def test_resolve_names_the_choices_for_an_unknown_string():
    with pytest.raises(ValueError, match=r"'solver' .*'adam', 'lbfgs', 'sgd'.*Got 'newton'"):
        resolve("newton", SOLVERS, "solver")


def test_require_speaks_as_scikit_learn_does():
    require(True, "Huber", "delta", "positive", 1)
    message = "The 'delta' parameter of Huber must be positive. Got -1 instead."
    with pytest.raises(ValueError, match=message):
        require(False, "Huber", "delta", "positive", -1)
