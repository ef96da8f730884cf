"""Quantiles: of one level and of several, which never cross."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from skdnn import DNNRegressor
from skdnn._data.targets import Quantiles
from skdnn._network.architectures import dense_network
from skdnn._utils.tensorflow import keras

LEVELS = [0.1, 0.5, 0.9]


def quick(quantile=None, **params):
    defaults = {"hidden_layer_sizes": (16,), "epochs": 3, "random_state": 0}
    return DNNRegressor(loss="quantile", quantile=quantile, **{**defaults, **params})


def spread_out(n, seed):
    """y given x is normal with mean 3 x and standard deviation exp(x): its quantiles are known."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, n)
    return x[:, None], 3 * x + np.exp(x) * rng.normal(size=n)


def true_quantiles(x, levels):
    return 3 * x + np.exp(x) * norm.ppf(levels)


@pytest.fixture(scope="module")
def fitted():
    params = {"epochs": 40, "batch_size": 64, "learning_rate": 0.005}
    return quick(LEVELS, **params).fit(*spread_out(6000, 0))


def test_known_quantiles_are_found(fitted):
    x = np.linspace(-0.9, 0.9, 19)[:, None]
    error = np.abs(fitted.predict(x) - true_quantiles(x, LEVELS)) / np.exp(x)
    assert error.mean() < 0.1
    assert error.max() < 0.35


def test_new_rows_are_below_as_often_as_the_level(fitted):
    X, y = spread_out(6000, 1)
    below = y[:, None] <= fitted.predict(X)
    np.testing.assert_allclose(below.mean(axis=0), LEVELS, atol=0.03)
    for part in (X[:, 0] < 0, X[:, 0] >= 0):  # where there is less spread, and where more
        np.testing.assert_allclose(below[part].mean(axis=0), LEVELS, atol=0.04)


@pytest.mark.parametrize("level", [0.2, 0.8])
def test_without_hidden_layers_it_is_a_linear_quantile_regression(level):
    X, y = spread_out(400, 2)
    exact = QuantileRegressor(quantile=level, alpha=0).fit(X, y)
    params = {"hidden_layer_sizes": (), "epochs": 3000, "batch_size": 400}
    net = quick(level, learning_rate=0.01, **params).fit(X, y)
    np.testing.assert_allclose(net.predict(X), exact.predict(X), atol=0.1)


def test_the_default_is_the_median():
    X, y = spread_out(100, 0)
    np.testing.assert_array_equal(quick(None).fit(X, y).predict(X), quick(0.5).fit(X, y).predict(X))


@pytest.mark.parametrize(
    ("quantile", "shape"), [(0.3, (50,)), ([0.3], (50, 1)), ((0.3, 0.4), (50, 2))]
)
def test_shape_of_predictions(quantile, shape):
    X, y = spread_out(50, 0)
    net = quick(quantile).fit(X, y)
    assert net.predict(X).shape == shape
    assert net.predict(X[:1]).shape == (1, *shape[1:])


@settings(max_examples=60, deadline=None)
@given(
    levels=st.sets(st.floats(0.001, 0.999), min_size=2, max_size=9),
    size=st.sampled_from([0.01, 1.0, 100.0, 1e4]),
    unit=st.sampled_from([1e-9, 1.0, 1e9]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 999),
)
def test_quantiles_never_cross_whatever_the_weights(levels, size, unit, dtype, seed):
    rng = np.random.default_rng(seed)
    targets = Quantiles(rng.normal(5 * unit, unit, size=30), None, np.array(sorted(levels)))
    output = (targets.n_outputs, targets.activation)
    hidden = [(7, "tanh", 0.0)]
    spec = dense_network((3,), hidden, output, scaled=False, ascending=True, dtype=dtype)
    weights = [rng.normal(scale=size, size=s).astype(dtype) for *_, w in spec.walk() for s in w]
    x = rng.normal(scale=10, size=(20, 3)).astype(dtype)
    quantiles = targets.decode(spec.forward(weights, x))
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_quantiles_do_not_cross_far_from_the_data(fitted):
    far = np.linspace(-1000, 1000, 501)[:, None]
    assert (np.diff(fitted.predict(far), axis=1) >= 0).all()
    assert (np.diff(fitted.model_.predict(far, verbose=0), axis=1) >= 0).all()


def test_the_model_predicts_the_same_and_is_loaded_without_skdnn(fitted, tmp_path):
    X, _ = spread_out(50, 1)
    np.testing.assert_allclose(fitted.model_.predict(X, verbose=0), fitted.predict(X), atol=1e-5)
    fitted.model_.save(tmp_path / "quantiles.keras")
    again = keras.models.load_model(tmp_path / "quantiles.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), fitted.predict(X), atol=1e-5)


def test_many_rows_are_predicted_as_few_are(fitted):
    X, _ = spread_out(20_000, 3)
    np.testing.assert_allclose(
        fitted.predict(X.astype("float32")), fitted.predict(X), rtol=1e-3, atol=1e-4
    )


def test_it_starts_from_the_quantiles_of_a_normal_target():
    X, y = spread_out(200, 0)
    start = {"kernel_initializer": "zeros", "optimizer": "sgd", "learning_rate": 1e-30}
    for quantile in (0.9, LEVELS):
        predicted = quick(quantile, epochs=1, **start).fit(X, y).predict(X[:1])
        expected = norm.ppf(quantile, y.mean(), y.std())
        np.testing.assert_allclose(predicted[0], expected, rtol=1e-5)


def test_units_of_the_target_do_not_matter():
    X, y = spread_out(200, 0)
    plain = quick(LEVELS).fit(X, y).predict(X)
    other = quick(LEVELS).fit(X, y * 1e6 + 1e7).predict(X)
    np.testing.assert_allclose((other - 1e7) / 1e6, plain, rtol=1e-3, atol=1e-3)


def test_score_is_d2_of_the_pinball_loss(fitted):
    X, y = spread_out(300, 1)
    weight = np.arange(300) % 3
    its = [
        d2_pinball_score(y, of_level, sample_weight=weight, alpha=level)
        for level, of_level in zip(LEVELS, fitted.predict(X).T, strict=True)
    ]
    assert fitted.score(X, y, weight) == pytest.approx(np.mean(its))
    one = quick(0.9).fit(X, y)
    assert one.score(X, y) == pytest.approx(d2_pinball_score(y, one.predict(X), alpha=0.9))
    mean = DNNRegressor((4,), epochs=2).fit(X, y)
    assert mean.score(X, y) == r2_score(y, mean.predict(X))


def test_searches_choose_the_better_quantiles():
    X, y = spread_out(300, 0)
    assert np.isfinite(cross_val_score(quick(LEVELS), X, y, cv=3)).all()
    grid = {"learning_rate": [1e-6, 0.01]}
    search = GridSearchCV(quick(LEVELS, epochs=20), grid, cv=2).fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.01}


def test_one_quantile_of_each_column():
    X, y = spread_out(300, 0)
    both = np.column_stack([y, 100 - y])
    net = quick(0.8, epochs=60).fit(X, both)
    assert net.predict(X).shape == (300, 2)
    np.testing.assert_allclose((both <= net.predict(X)).mean(axis=0), 0.8, atol=0.06)


def test_a_column_of_targets_is_a_vector_to_several_levels():
    X, y = spread_out(60, 0)
    column = quick(LEVELS).fit(X, y[:, None])
    np.testing.assert_array_equal(column.predict(X), quick(LEVELS).fit(X, y).predict(X))


def test_weight_two_is_the_row_twice():
    X, y = spread_out(60, 0)
    twice = np.arange(60) % 3
    weighted = quick(LEVELS, batch_size=200, dtype="float64").fit(X, y, twice)
    repeated = quick(LEVELS, batch_size=200, dtype="float64").fit(
        X.repeat(twice, axis=0), y.repeat(twice)
    )
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-8)


def test_partial_fit_continues_training():
    X, y = spread_out(60, 0)
    parts = quick(LEVELS)
    for _ in range(3):
        parts.partial_fit(X, y)
    np.testing.assert_array_equal(parts.predict(X), quick(LEVELS, epochs=3).fit(X, y).predict(X))


@pytest.mark.parametrize(
    "quantile", [0.0, 1.0, [0.9, 0.1], [0.5, 0.5], [], [0.5, 1.5], ["a"], [[0.1], [0.2]], [np.nan]]
)
def test_invalid_levels_are_rejected(quantile):
    with pytest.raises(ValueError, match=r"'quantile' parameter of DNNRegressor must be .*float"):
        quick(quantile).fit(*spread_out(20, 0))


@pytest.mark.parametrize("loss", ["auto", "poisson", "mape"])
def test_a_level_for_another_loss_is_refused(loss):
    with pytest.raises(
        ValueError, match=r"'quantile' .* no meaning for loss='.*set loss='quantile'"
    ):
        quick(0.5).set_params(loss=loss).fit(*spread_out(20, 0))


def test_several_levels_of_several_columns_are_refused():
    X, y = spread_out(20, 0)
    with pytest.raises(ValueError, match=r"a y of one column. Got 2.*MultiOutputRegressor"):
        quick(LEVELS).fit(X, np.column_stack([y, y]))
