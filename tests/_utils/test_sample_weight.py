"""Sample weights and class weights of any magnitude, in both families."""

import numpy as np
import pytest

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor
from skdnn._data.class_weight import check_class_weights
from skdnn._utils.sample_weight import check_weights, within_float32

DENSE = {"hidden_layer_sizes": (4,), "epochs": 2, "random_state": 0}
KERAS = {"epochs": 2, "verbose": 0, "random_state": 0}
ALL = [
    DNNClassifier(**DENSE),
    DNNRegressor(**DENSE),
    KerasClassifier(**KERAS),
    KerasRegressor(**KERAS),
]


def name(estimator):
    return type(estimator).__name__


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    return X, (X[:, 0] > 0).astype(int), rng.uniform(0.5, 2, size=40)


def outputs(estimator, X):
    has_probabilities = hasattr(estimator, "predict_proba")
    return estimator.predict_proba(X) if has_probabilities else estimator.predict(X)


@pytest.mark.parametrize("factor", [1e38, 1e300, 1e-40, 1e-300])
@pytest.mark.parametrize("estimator", ALL, ids=name)
def test_only_the_ratios_of_weights_matter(data, estimator, factor):
    X, y, weight = data
    expected = outputs(estimator.fit(X, y, sample_weight=weight), X)
    got = outputs(estimator.fit(X, y, sample_weight=weight * factor), X)
    np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([-1.0] * 40, "sample_weight of {} must not be negative. Got weights from -1 to -1"),
        ([1.0] * 39 + [-0.5], "sample_weight of {} must not be negative"),
        ([0.0] * 40, "only zeros were passed in sample_weight of {}"),
        (["a"] * 40, "sample_weight of {} must hold one number for each row"),
        ([10**400] * 40, "sample_weight of {} must hold one number for each row"),
    ],
)
@pytest.mark.parametrize("estimator", ALL, ids=name)
def test_invalid_weights_are_refused_alike(data, estimator, weight, message):
    X, y, _ = data
    with pytest.raises(ValueError, match=message.format(name(estimator))):
        estimator.fit(X, y, sample_weight=weight)


def validated(estimator, data, weight):
    X, y, _ = data
    if isinstance(estimator, DNNClassifier | DNNRegressor):
        return estimator.fit(X, y, X_val=X[:9], y_val=y[:9], sample_weight_val=weight)
    return estimator.fit(X, y, validation_data=(X[:9], y[:9], weight))


@pytest.mark.parametrize("weight", [[-1.0] * 9, [0.0] * 9, [np.nan] * 9, [1.0] * 3])
@pytest.mark.parametrize("estimator", ALL, ids=name)
def test_invalid_validation_weights_are_refused(data, estimator, weight):
    with pytest.raises(ValueError, match="X_val, y_val, sample_weight_val\\) do not fit"):
        validated(estimator, data, weight)


@pytest.mark.parametrize("estimator", ALL, ids=name)
def test_validation_weights_of_any_magnitude(data, estimator):
    losses = [
        validated(estimator, data, factor * data[2][:9]).history_["val_loss"][-1]
        for factor in (1e38, 1e300)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert 0 < losses[0] < 10


@pytest.mark.parametrize("values", [(-1, 1), (np.nan, 1), (np.inf, 1), ("a", 1), (10**400, 1)])
def test_invalid_class_weights_are_refused_alike(data, values):
    X, y, _ = data
    class_weight = dict(enumerate(values))
    message = "'class_weight' parameter of {} must hold finite weights that are not negative"
    for estimator in (DNNClassifier(**DENSE), KerasClassifier(**KERAS)):
        with pytest.raises(ValueError, match=message.format(name(estimator))):
            estimator.set_params(class_weight=class_weight).fit(X, y)


@pytest.mark.parametrize("estimator", [DNNClassifier(**DENSE), KerasClassifier(**KERAS)], ids=name)
def test_only_the_ratios_of_class_weights_matter(data, estimator):
    X, y, _ = data
    small, great = (
        outputs(estimator.set_params(class_weight={0: w, 1: 2 * w}).fit(X, y), X)
        for w in (1.0, 1e300)
    )
    np.testing.assert_allclose(great, small, rtol=1e-4)


def test_ordinary_weights_are_unchanged():
    weight = np.array([0.1, 0.2, 3.0])
    assert within_float32(weight) is weight
    given = {0: 0.5, 1: 2}
    assert check_class_weights(given, "Owner") is given
    np.testing.assert_array_equal(check_weights(weight, np.zeros((3, 1)), "Owner"), weight)


# -------------------------------------------------------------------------- other forms of data


@pytest.mark.parametrize("estimator", [KerasClassifier(**KERAS), KerasRegressor(**KERAS)], ids=name)
def test_x_of_none_is_named(data, estimator):
    with pytest.raises(TypeError, match=f"The X of {name(estimator)} is None"):
        estimator.fit(None, data[1])
    with pytest.raises(TypeError, match=f"The X of {name(estimator)} is None"):
        estimator.fit(*data[:2]).predict(None)


def test_y_of_three_dimensions(data):
    X = data[0]
    y = np.stack([X, 2 * X], axis=2)
    with pytest.raises(ValueError, match=r"dim 3 as y.* DNNRegressor: pass y.reshape"):
        DNNRegressor(**DENSE).fit(X, y)
    with pytest.raises(ValueError, match=r"y of KerasRegressor has shape \(40, 2, 2\)"):
        KerasRegressor(**KERAS).fit(X, y)
    assert KerasRegressor(**KERAS).fit(X, y.reshape(40, -1)).predict(X).shape == (40, 4)


@pytest.mark.parametrize("estimator", ALL, ids=name)
def test_numbers_too_small_to_be_scaled(data, estimator):
    X, y, _ = data
    with pytest.raises(ValueError, match=r"Column 0 of X varies only from .* multiply it"):
        estimator.fit(X * 1e-310, y)


@pytest.mark.parametrize("estimator", [DNNRegressor(**DENSE), KerasRegressor(**KERAS)], ids=name)
def test_one_row_is_predicted(data, estimator):
    X, _, weight = data
    y = 1e6 + weight
    assert estimator.fit(X[:1], y[:1]).predict(X[:1]) == pytest.approx(y[:1], abs=1)
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        estimator.fit(X[:0], y[:0])


@pytest.mark.parametrize("estimator", [DNNRegressor(**DENSE), KerasRegressor(**KERAS)], ids=name)
def test_integers_beyond_floats_in_y(data, estimator):
    y = [10**400, *data[0][1:, 0].tolist()]
    with pytest.raises(ValueError, match="holds an integer that is too large for a float"):
        estimator.fit(data[0], y)
