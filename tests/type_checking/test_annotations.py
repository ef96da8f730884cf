"""Annotations agree with what is accepted, and public names are those that `dir` lists."""

import inspect
from importlib import import_module
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import pytest
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import StrOptions

import skdnn
from skdnn import typing
from skdnn._network.activations import ACTIVATION_ALIASES, activation_names, resolve_activation
from skdnn._training.optimizers import OPTIMIZER_ALIASES, optimizer_names
from skdnn.comparison.baselines import BASELINES

ESTIMATORS = ["DNNClassifier", "DNNRegressor", "KerasClassifier", "KerasRegressor"]
MODULES = ["skdnn"] + [
    f"skdnn.{name}" for name in ("comparison", "datasets", "exceptions", "typing", "wrappers")
]


def names_in(hint):
    """The names of all Literals in an annotation, outside of containers."""
    if get_origin(hint) is Literal:
        return {name for name in get_args(hint) if isinstance(name, str)}
    if get_origin(hint) in (Union, UnionType):
        return set().union(*map(names_in, get_args(hint)))
    return set()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_literals_are_the_names_that_fit_accepts(name):
    estimator = getattr(skdnn, name)
    hints = get_type_hints(estimator.__init__)
    accepted = {
        parameter: set().union(*(x.options for x in options if isinstance(x, StrOptions)))
        for parameter, options in estimator._parameter_constraints.items()
        if str not in options and parameter in hints
    }
    open_sets = {"activation"}  # `str` in the constraints
    closed = {p: names for p, names in accepted.items() if names and p not in open_sets}
    assert {parameter: names_in(hints[parameter]) for parameter in closed} == closed


def test_activation_names_are_those_of_keras():
    names = {*get_args(typing.ActivationName)}
    assert {*activation_names(), *ACTIVATION_ALIASES} <= names
    newer = names - {*activation_names(), *ACTIVATION_ALIASES}
    assert newer <= {"sparse_sigmoid"}  # of Keras 3.9
    assert all(resolve_activation(name, "test") for name in names - newer)


def test_scorer_names_are_those_of_scikit_learn():
    names = {*get_args(typing.ScorerName), "accuracy"}
    assert {*get_scorer_names()} <= names
    newer = {"d2_brier_score", "d2_log_loss_score"}  # of scikit-learn 1.8
    assert names - {*get_scorer_names()} <= newer


def test_further_names_exist():
    assert {*get_args(typing.OptimizerName)} <= {*optimizer_names(), *OPTIMIZER_ALIASES}
    assert {*get_args(typing.BaselineName)} == {*BASELINES}


@pytest.mark.parametrize("name", MODULES)
def test_dir_lists_public_names_and_dunders(name):
    module = import_module(name)
    listed = [x for x in dir(module) if not (x.startswith("__") and x.endswith("__"))]
    assert listed == sorted(module.__all__)
    assert {"__doc__", "__name__", "__all__"} <= {*dir(module)}


def public_functions():
    for name in skdnn.__all__:
        thing = getattr(skdnn, name)
        if inspect.isclass(thing):
            members = inspect.getmembers(thing, inspect.isroutine)
            yield from (member for key, member in members if not key.startswith("_"))
            yield thing.__init__
        elif inspect.isroutine(thing):
            yield thing
    yield from (skdnn.datasets.load_fashion_mnist, import_module("skdnn.comparison").default_models)


def test_type_hints_of_public_functions_can_be_read():
    ours = [f for f in public_functions() if f.__module__.startswith("skdnn.")]
    assert len(ours) > 60
    for function in ours:
        assert "return" in get_type_hints(function) or function.__name__ == "__init__", function
