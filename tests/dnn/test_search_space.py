"""Search spaces: which networks their candidates train, and which names they have."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    HalvingRandomSearchCV,
    ParameterSampler,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, search_space
from skdnn.dnn.presets import Data
from skdnn.dnn.settings import parameters, resolve_params

KINDS = {"classification": DNNClassifier, "regression": DNNRegressor}
SIZES = ["small", "full"]


def candidates(space, n=40):
    return list(ParameterSampler(space, n, random_state=0))


def resolved(network, candidate):
    params = parameters(clone(network).set_params(**candidate))
    classifies = isinstance(network, DNNClassifier)
    return resolve_params(params, classifies, Data(n_rows=500, n_columns=8), None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("task", KINDS)
def test_candidates_of_the_default_train_the_default_ensemble(task, size):
    network = KINDS[task]()
    for candidate in candidates(search_space(task, size)):
        used = resolved(network, candidate)
        assert used.preset == resolved(network, {}).preset == "balanced"
        assert used.n_members == resolved(network, {}).n_members == 4


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_named_preset_is_kept(kind):
    network = kind(preset="fast")
    space = search_space(network)
    assert "preset" not in space
    assert {resolved(network, candidate).preset for candidate in candidates(space)} == {"fast"}


@pytest.mark.parametrize("size", SIZES)
def test_given_sizes_stay_those_of_a_plain_network(size):
    network = DNNClassifier((7,))
    space = search_space(network, size)
    assert not {"preset", "hidden_layer_sizes"} & {*space}
    for candidate in candidates(space):
        used = resolved(network, candidate)
        assert (used.preset, used.hidden_layer_sizes, used.n_members) == ("plain", (7,), 1)


@pytest.mark.parametrize("given", [{}, {"preset": "plain"}])
@pytest.mark.parametrize("task", KINDS)
def test_small_is_the_first_five_of_full(task, given):
    small, full = (search_space(KINDS[task](**given), size) for size in SIZES)
    assert [*small] == [*full][: len(small)]
    assert len({*small} - {"preset"}) == 5
    assert len(full) > len(small)
    assert "label_smoothing" not in search_space("regression", "full")


@pytest.mark.parametrize("task", KINDS)
def test_a_task_stands_for_the_default_estimator(task):
    one, two = (candidates(search_space(x)) for x in (task, KINDS[task]()))
    assert one == two  # and the same seed gives the same candidates


def test_lists_contain_the_value_of_the_preset_and_may_be_changed():
    space = search_space("classification", "full")
    lists = [values for name, values in space.items() if name not in ("preset", "learning_rate")]
    assert all(values[0] == "auto" for values in lists)
    for values in lists:
        values.clear()
    again = search_space("classification", "full")
    assert all(len(again[name]) > 1 for name in space if name not in ("preset", "learning_rate"))


@pytest.mark.parametrize("size", SIZES)
def test_what_the_user_has_set_is_left_out(size):
    given = {"dropout": 0.0, "numeric_embedding": None, "learning_rate": 0.005, "alpha": 0.01}
    network = DNNClassifier(**given)
    space = search_space(network, size)
    assert not given.keys() & space.keys()
    for candidate in candidates(space, 5):
        params = clone(network).set_params(**candidate).get_params()
        assert {name: params[name] for name in given} == given


@pytest.mark.parametrize(
    ("given", "unsuited"),
    [
        ({"optimizer": "sgd"}, {"learning_rate", "weight_decay"}),
        ({"loss": "categorical_hinge"}, {"label_smoothing"}),
        ({"activation": ["relu", "elu", "relu"]}, {"hidden_layer_sizes"}),
        ({"dropout": (0.1, 0.2)}, {"hidden_layer_sizes"}),
        ({"n_iter_no_change": "cycle"}, {"learning_rate_schedule"}),
        ({"parametrization": "realmlp"}, {"numeric_embedding", "weight_decay"}),
        ({"learning_rate": lambda step: 0.01}, {"learning_rate_schedule"}),
    ],
)
def test_what_has_no_effect_beside_a_given_value_is_left_out(given, unsuited):
    default = search_space("classification", "full")
    space = search_space(DNNClassifier(**given), "full")
    assert unsuited <= default.keys()
    assert not unsuited & space.keys()


@pytest.mark.parametrize(("kind", "usual"), [(DNNClassifier, 0.04), (DNNRegressor, 0.07)])
def test_learning_rates_are_around_that_of_the_preset(kind, usual):
    for given, rate in (({}, 0.003), ({"parametrization": "realmlp"}, usual)):
        network = kind(**given)
        rates = search_space(network)["learning_rate"]
        assert resolved(network, {}).learning_rate == rate
        assert rates.support() == pytest.approx((rate / 3, rate * 2), rel=0.01)


def test_a_subclass_without_the_parameter_preset_searches_no_sizes():
    class Few(DNNClassifier):
        def __init__(self, hidden_layer_sizes="auto", learning_rate="auto"):
            super().__init__(hidden_layer_sizes, learning_rate=learning_rate)

    assert [*search_space(Few(), "full")] == ["learning_rate"]


@pytest.mark.parametrize(
    ("estimator", "prefix"),
    [
        (make_pipeline(StandardScaler(), DNNClassifier()), "dnnclassifier__"),
        (TransformedTargetRegressor(DNNRegressor()), "regressor__"),
        (CalibratedClassifierCV(DNNClassifier()), "estimator__"),
        (
            make_pipeline(StandardScaler(), TransformedTargetRegressor(DNNRegressor())),
            "transformedtargetregressor__regressor__",
        ),
    ],
)
def test_names_are_those_of_the_outer_estimator(estimator, prefix):
    space = search_space(estimator)
    task = "regression" if "regressor" in prefix else "classification"
    assert [*space] == [prefix + name for name in search_space(task)]
    for candidate in candidates(space, 5):
        params = clone(estimator).set_params(**candidate).get_params()
        assert {name: params[name] for name in candidate} == candidate
        assert params[f"{prefix}preset"] == "balanced"


def test_random_search_scores_the_candidates_as_cross_validation_does(iris):
    network = make_pipeline(StandardScaler(), DNNClassifier(epochs=2, random_state=0))
    search = RandomizedSearchCV(
        network, search_space(network), n_iter=2, cv=2, scoring="neg_log_loss", random_state=0
    ).fit(*iris)
    best = clone(network).set_params(**search.best_params_)
    scores = cross_val_score(best, *iris, cv=2, scoring="neg_log_loss")
    assert search.best_score_ == pytest.approx(scores.mean(), rel=1e-4)
    used = search.best_estimator_[-1].resolved_params_
    assert (used.preset, used.epochs, used.n_members) == ("balanced", 2, 4)


@pytest.mark.parametrize(
    ("resource", "resources", "given"),
    [("epochs", [1, 2], {}), ("n_samples", [60, 120], {"epochs": 1})],
)
def test_successive_halving_with_any_resource(iris, resource, resources, given):
    network = DNNClassifier(batch_size=64, random_state=0, **given)
    search = HalvingRandomSearchCV(
        network,
        search_space(network),
        resource=resource,
        n_candidates=2,
        min_resources=resources[0],
        max_resources=resources[1],
        factor=2,
        cv=2,
        error_score="raise",
        random_state=0,
    ).fit(*iris)
    assert search.n_resources_ == resources
    assert search.best_estimator_.resolved_params_.preset == "balanced"


def images(X):
    return X.reshape(len(X), 2, 2)


@pytest.mark.parametrize("kind", KINDS.values())
@pytest.mark.parametrize("form", [np.asarray, images, csr_array])
def test_every_value_suits_any_data(iris, kind, form):
    X, y = form(iris[0][::5]), iris[1][::5]
    space = search_space(kind(), "full")
    last = {name: values[-1] for name, values in space.items() if isinstance(values, list)}
    fitted = kind(epochs=1, random_state=0, **last).fit(X, y)
    assert fitted.resolved_params_.preset == "balanced"
    assert {name: fitted.resolved_params_[name] for name in last} == last


@pytest.mark.parametrize("prefix", ["", "kerasclassifier__"])
def test_a_wrapper_gets_advice_with_the_names_of_its_parameters(prefix):
    wrapper = KerasClassifier()
    outer = make_pipeline(StandardScaler(), wrapper) if prefix else wrapper
    with pytest.raises(TypeError, match=rf"a KerasClassifier.*'{prefix}model__units'"):
        search_space(outer)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (DNNClassifier, r"Got <class .*DNNClassifier'> instead: write DNNClassifier\(\)"),
        (LogisticRegression(), r"or contain one\. Got LogisticRegression\(\) instead"),
        (TransformedTargetRegressor(), r"or contain one\. Got TransformedTargetRegressor\(\)"),
        (None, "Got None instead"),
    ],
)
def test_what_has_no_network_is_refused(estimator, message):
    with pytest.raises(TypeError, match=message):
        search_space(estimator)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'size'.* full, small. Got 'large' instead"):
        search_space("regression", "large")
    with pytest.raises(ValueError, match=r"Got 'classifier' instead. Did you mean 'classific"):
        search_space("classifier")
