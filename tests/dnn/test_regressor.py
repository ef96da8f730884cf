"""What is the regressor's own."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import cross_val_score

from skdnn import DNNRegressor


def quick(**params):
    settings = {"hidden_layer_sizes": (16,), "epochs": 30, "learning_rate": 0.01, "random_state": 0}
    return DNNRegressor(**{**settings, **params})


def test_without_hidden_layers_it_is_a_ridge_regression(diabetes):
    X, y = diabetes
    net = quick(hidden_layer_sizes=(), epochs=400, batch_size=500, learning_rate=0.05, alpha=0.01)
    # Ridge on the same standardised data: alpha times the number of rows.
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    exact = Ridge(alpha=0.01 * len(y)).fit(standard, y)
    np.testing.assert_allclose(net.fit(X, y).predict(X), exact.predict(standard), atol=1)


def test_fits_a_nonlinear_function():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(300, 2))
    y = np.abs(X[:, 0]) * X[:, 1] ** 2
    assert cross_val_score(quick(hidden_layer_sizes=(50,), epochs=150), X, y).mean() > 0.9


@pytest.mark.parametrize("shape", [(442,), (442, 1), (442, 3)])
def test_shape_of_y_is_the_shape_of_predictions(diabetes, shape):
    X, y = diabetes
    target = np.broadcast_to(y[:, None], (442, 3))[:, : shape[-1]] if len(shape) > 1 else y
    model = quick().fit(X, target)
    assert model.predict(X).shape == shape
    assert model.predict(X[:1]).shape == (1, *shape[1:])


@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0), (1e-6, 0), (1, 1e9)])
def test_units_of_the_target_do_not_matter(diabetes, factor, shift):
    X, y = diabetes
    plain = quick().fit(X, y).predict(X)
    other = quick().fit(X, y * factor + shift).predict(X)
    np.testing.assert_allclose((other - shift) / factor, plain, rtol=1e-3)


def test_score_is_better_where_it_is_higher(diabetes):
    assert quick(epochs=40).fit(*diabetes).score(*diabetes) > quick(epochs=1).fit(*diabetes).score(
        *diabetes
    )


def test_history_holds_the_error_in_units_of_the_target(diabetes):
    X, y = diabetes
    model = quick(optimizer="sgd", learning_rate=1e-30, epochs=1, batch_size=500).fit(X, y)
    error = mean_absolute_error(y, model.predict(X))
    assert model.history_["mean_absolute_error"] == [pytest.approx(error, rel=1e-4)]


def test_sorted_y_is_held_out_at_random(diabetes):
    X, y = diabetes
    order = np.argsort(y)
    model = quick(validation_fraction=0.2).fit(X[order], y[order])
    assert model.history_["val_loss"][-1] < 1  # the mean, which the last fifth would be far above


def test_a_constant_target_is_predicted(diabetes):
    model = quick().fit(diabetes[0], np.full(442, 7.0))
    np.testing.assert_allclose(model.predict(diabetes[0]), 7, atol=0.5)


def test_integers_are_regression_targets_too(diabetes):
    X, y = diabetes
    np.testing.assert_array_equal(
        quick().fit(X, y.astype(int)).predict(X), quick().fit(X, y).predict(X)
    )


def test_sparse_y_is_refused(diabetes):
    with pytest.raises(TypeError, match=r"takes a dense y.*toarray"):
        quick().fit(diabetes[0], csr_matrix(diabetes[1][:, None]))


def test_text_is_refused(diabetes):
    with pytest.raises(ValueError, match=r"holds text .*regression needs numbers"):
        quick().fit(diabetes[0], np.full(442, "much"))
