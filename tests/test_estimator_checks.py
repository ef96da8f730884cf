"""scikit-learn's own conformance checks."""

import re
from functools import partial

import keras
import pytest
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    parametrize_with_checks,
)

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor

WEIGHT_CHECKS = [
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
]

# Those of a preset with members, whatever the dtype: a row twice may be in two folds.
REPEATED_ROWS = dict.fromkeys(
    [check.__name__ for check in WEIGHT_CHECKS], "folds and batches depend on the number of rows"
)

NEGATIVE = {
    "check_regressor_multioutput": "it brings negative y also where the tags say positive_only"
}


def check_in_float32(estimator, check, monkeypatch):
    """Run a check; where it compares two trainings, with the tolerance of float32.

    The checks of weights compare a network fitted with weights and one fitted on repeated rows:
    the same sums of gradients, added in another order. They allow a difference of 1e-7 whatever the
    dtype, which float32 keeps on some processors and misses on others. In float64 they run as they
    are, below.
    """
    if check.func in WEIGHT_CHECKS:
        compare = partial(estimator_checks.assert_allclose_dense_sparse, rtol=1e-5, atol=1e-6)
        monkeypatch.setattr(estimator_checks, "assert_allclose_dense_sparse", compare)
    check(estimator)


@pytest.mark.quick  # another dtype, loss or preset uses nothing else of scikit-learn
@parametrize_with_checks([DNNClassifier(preset="plain"), DNNRegressor(preset="plain")])
def test_scikit_learn_check(estimator, check, monkeypatch):
    check_in_float32(estimator, check, monkeypatch)


@parametrize_with_checks(
    [
        DNNClassifier(preset="plain", dtype="float64"),
        DNNRegressor(preset="plain", dtype="float64"),
        DNNRegressor(preset="plain", dtype="float64", loss="poisson"),  # its y is not negative
    ],
    expected_failed_checks=lambda estimator: NEGATIVE if estimator.loss == "poisson" else {},
)
def test_scikit_learn_check_in_float64(estimator, check):
    check(estimator)


OTHER_LOSSES = [
    DNNRegressor(preset="plain", dtype="float64", loss="huber"),
    DNNRegressor(preset="plain", dtype="float64", loss="quantile", quantile=0.6),
]
# Checks of what is trained and predicted. To all others, these losses are the squared error.
OF_TRAINING = re.compile("regressor|sample_weight|idempotent|invariance")


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        (estimator, check)
        for one in OTHER_LOSSES
        for estimator, check in estimator_checks.estimator_checks_generator(one)
        if OF_TRAINING.search(check.func.__name__)
    ],
    ids=lambda x: x.func.__name__ if isinstance(x, partial) else x.loss,
)
def test_scikit_learn_check_of_training_with_other_losses(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [DNNClassifier(), DNNRegressor()], expected_failed_checks=lambda estimator: REPEATED_ROWS
)
def test_scikit_learn_check_of_the_default(estimator, check):
    check(estimator)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("params", "positive_only", "multi_output"),
    [
        ({}, False, True),
        ({"loss": "poisson"}, True, True),
        ({"loss": "gamma"}, True, True),
        ({"loss": "quantile", "quantile": 0.5}, False, True),
        ({"loss": "quantile", "quantile": [0.1, 0.9]}, False, False),
    ],
    ids=str,
)
def test_the_tags_of_targets(params, positive_only, multi_output):
    tags = get_tags(DNNRegressor(**params)).target_tags
    assert tags.positive_only == positive_only
    assert tags.multi_output == multi_output
    assert tags.single_output


@pytest.mark.quick
@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_the_tags_of_data(cls):
    tags = get_tags(cls()).input_tags
    assert tags.sparse
    assert tags.categorical
    assert tags.allow_nan


WRAPPERS = [KerasClassifier(verbose=0), KerasRegressor(verbose=0)]


@pytest.mark.quick
@parametrize_with_checks(WRAPPERS)
def test_scikit_learn_check_of_a_wrapper(estimator, check, monkeypatch):
    check_in_float32(estimator, check, monkeypatch)


@pytest.fixture
def float64():
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.mark.parametrize("check", WEIGHT_CHECKS)
@pytest.mark.parametrize("estimator", WRAPPERS)
def test_scikit_learn_check_of_a_wrapper_in_float64(estimator, check, float64):
    check(type(estimator).__name__, estimator)
