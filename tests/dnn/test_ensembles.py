"""Folds and temperature of networks side by side."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import (
    alternate_folds,
    assign_folds,
    folds,
    folds_of_groups,
    member_weights,
)
from skdnn.dnn.calibration import residual_variance, temperature


@pytest.mark.parametrize("n", [7, 8, 9, 100])
def test_every_row_is_in_one_fold_and_folds_are_of_one_size(n):
    fold = folds(np.zeros(n), np.random.default_rng(0))
    sizes = np.bincount(fold, minlength=8)
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1


def test_classes_are_spread_over_the_folds():
    y = np.repeat([0, 1, 2], [80, 17, 3])
    fold = folds(y, np.random.default_rng(0))
    for label, n in enumerate([80, 17, 3]):
        counts = np.bincount(fold[y == label], minlength=8)
        assert counts.max() - counts.min() <= 2
        assert counts.sum() == n


def test_regression_targets_are_spread_over_the_folds():
    y = np.random.default_rng(1).exponential(size=800)
    fold = folds(y, np.random.default_rng(0))
    means = [y[fold == f].mean() for f in range(8)]
    alone = np.std(
        [y[part].mean() for part in np.split(np.random.default_rng(2).permutation(800), 8)]
    )
    assert np.std(means) < alone / 3


def test_folds_are_drawn():
    y = np.zeros(64)
    first, again, other = (folds(y, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("factor", [0.2, 1.0, 4.0])
def test_temperature_undoes_overconfidence(factor):
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(20_000, 3))
    probabilities = np.exp(log_softmax(logits, axis=1))
    y = (probabilities.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)

    def losses(z):
        return -log_softmax(z, axis=1)[np.arange(len(y)), y]

    weight = np.ones(len(y))
    assert temperature(losses, logits * factor, weight) == pytest.approx(factor, rel=0.05)


def test_temperature_is_that_of_the_rows_with_weight():
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(40_000, 2))
    y = (np.diff(logits, axis=1)[:, 0] > rng.logistic(size=40_000)).astype(int)
    logits[:20_000] *= 3  # their temperature is 3, that of the others 1
    weight = np.repeat([0.0, 2.0], 20_000)

    def losses(z):
        return -log_softmax(z, axis=1)[np.arange(len(y)), y]

    assert temperature(losses, logits, weight) == pytest.approx(1, rel=0.05)
    assert temperature(losses, logits, 2 - weight) == pytest.approx(3, rel=0.05)


HALF = np.array([0.5, 0.5])


def test_residual_variance_is_what_the_members_do_not_explain():
    # Two members are off by m + d and m - d, in two rows of weight 1 and 3: their mean square is
    # m^2 + d^2, and the variance between them d^2.
    m = np.array([[1.0, 0.0], [2.0, 0.0]])
    d = np.array([[3.0, 1.0], [1.0, 2.0]])
    each = np.array([m + d, m - d])
    weight = np.array([[1.0, 3.0], [1.0, 3.0]])
    assert residual_variance(each, each + 7, weight, HALF) == pytest.approx([(1 + 3 * 4) / 4, 0])
    # Agreement explains nothing, and disagreement at most all there is.
    assert residual_variance(each, np.zeros_like(each), weight, HALF) == pytest.approx([6.25, 3.25])
    assert residual_variance(each, 10 * each, weight, HALF) == pytest.approx([0, 0])


def test_residual_variance_is_estimated_on_held_out_rows():
    errors = np.array([[[1.0], [50.0], [50.0]], [[50.0], [3.0], [50.0]]])
    weight = np.array([[2.0, 0, 0], [0, 1.0, 0]])
    # Half of the difference is the standard deviation of two: its variance is 1 and 4 here, and 100
    # of the row that no member was spared.
    outputs = np.array([[[0.0], [0.0], [0.0]], [[2.0], [4.0], [20.0]]])
    expected = (2 * 1 + 9) / 3 - (2 * 1 + 4) / 3
    assert residual_variance(errors, outputs, weight, HALF) == pytest.approx([expected])


def test_a_member_of_weight_zero_adds_no_residual_variance():
    errors = np.array([[[1.0], [2.0]], [[50.0], [50.0]]])
    assert residual_variance(errors, errors, np.ones((2, 2)), np.array([1.0, 0])) == pytest.approx(
        [2.5]
    )


def test_groups_stay_together():
    groups = np.random.default_rng(1).integers(0, 40, 300)
    fold = folds_of_groups(groups, np.random.default_rng(0))
    assert all(len(set(fold[groups == g])) == 1 for g in groups)
    assert len(set(fold)) == 8


def test_a_member_sees_all_folds_but_its_own():
    fold = np.array([0, 1, 2, 3, 0, -1])
    weight = np.array([1.0, 2, 3, 4, 5, 6])
    training, validation = member_weights(weight, fold, 2)
    assert np.array_equal(training > 0, [[0, 1], [1, 0], [1, 1], [1, 1], [0, 1], [0, 0]])
    assert np.array_equal(validation, [[1, 0], [0, 2], [0, 0], [0, 0], [5, 0], [0, 0]])
    assert training[fold >= 0].mean() == pytest.approx(1)
    assert training[2, 0] / training[1, 0] == pytest.approx(3 / 2)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    return X, (X[:, 0] + np.sin(3 * X[:, 1]) + 0.3 * rng.normal(size=400) > 0).astype(int)


def test_members_are_validated_on_rows_that_they_have_not_seen(table):
    X, y = table
    model = DNNClassifier((16,), n_members=4, epochs=30, early_stopping=True, random_state=0)
    model.fit(X, y)
    fold = folds(y, np.random.default_rng(model._continuation.split_seed))
    x = model._network.inputs.apply(X, np.float32)
    each = model._network.spec.without_mean().body.forward(model._network.state.weights, x)
    losses = [
        log_loss(y[fold == member], each[member][fold == member], labels=[0, 1])
        for member in range(4)
    ]
    sizes = [np.sum(fold == member) for member in range(4)]
    expected = np.average(losses, weights=sizes)
    assert -model.best_score_ == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("n_folds", [2, 3])
def test_rows_of_the_folds_alternate(n_folds):
    rows, fold = np.arange(100, 110), np.array([0, 1, 0, 0, -1, 0, 1, 0, 1, 0])
    order = alternate_folds(rows, fold[:, np.newaxis] == np.arange(n_folds)).reshape(-1, n_folds)
    assert order[:, 0].tolist() == [100, 102, 103, 105, 107, 109]
    assert order[:3, 1].tolist() == [101, 106, 108]
    # What fills up the others is of no other fold than the first.
    assert set(order[3:, 1]) | set(order[:, 2:].ravel()) <= set(order[:, 0])


GROUPS = np.repeat([0, 1, 2, 3], [200, 150, 40, 10])


@pytest.mark.parametrize("groups", [None, GROUPS], ids=["equal folds", "unequal folds"])
@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_the_validation_loss_is_that_of_the_members_of_each_fold(table, kind, groups):
    X, y = table
    weight = np.random.default_rng(2).integers(1, 4, len(y))
    model = kind(preset="fast", epochs=4, batch_size=128, random_state=0)
    model.fit(X, y, weight, groups=groups)
    n_members, network = model.resolved_params_.n_members, model._network
    seed = model._continuation.split_seed
    fold = assign_folds(y, np.arange(len(y)), groups, seed, classifies=kind is DNNClassifier)
    x = network.inputs.apply(X, np.float32)
    body, weights = network.spec.without_mean().body, network.state.weights
    losses, of_weight = 0.0, 0.0
    for member, output in enumerate(body.forward(weights, x)):
        own = fold == member % n_members
        if kind is DNNClassifier:
            each = -np.log(output[own, y[own]])
        else:
            each = ((y[own] - network.targets.mean) / network.targets.unit - output[own, 0]) ** 2
        losses, of_weight = losses + weight[own] @ each, of_weight + weight[own].sum()
    best = model.history_["val_loss"][model.best_epoch_ - 1]
    assert best == pytest.approx(losses / of_weight, rel=1e-4)


def test_the_prediction_is_the_mean_of_the_members(table):
    X, y = table
    model = DNNClassifier((16,), n_members=3, epochs=5, random_state=0).fit(X, y)
    x = model._network.inputs.apply(X, np.float32)
    each = model._network.spec.without_mean().body.forward(model._network.state.weights, x)
    assert np.allclose(model.predict_proba(X), each.mean(axis=0), atol=1e-6)
    assert np.allclose(model.model_.predict(X, verbose=0), model.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("embedding", ["piecewise_linear", "periodic"])
def test_an_embedding_sees_what_is_not_linear(embedding):
    X = np.random.default_rng(0).uniform(-1, 1, (600, 1))
    y = np.sin(6 * X[:, 0])
    settings = {"epochs": 40, "learning_rate": 0.01, "random_state": 0}
    plain = DNNRegressor((), **settings).fit(X, y)
    bent = DNNRegressor((), numeric_embedding=embedding, **settings).fit(X, y)
    assert bent.score(X, y) > plain.score(X, y) + 0.5


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_members_work_with_the_other_parameters(kind, table):
    X, y = table
    X = X.copy()
    X[::7, 2] = np.nan
    weight = np.random.default_rng(0).uniform(0, 1, len(y))
    model = kind((8,), n_members=3, epochs=4, batch_norm=True, dropout=0.1, warm_start=True)
    model.set_params(numeric_embedding="piecewise_linear", early_stopping=True, random_state=0)
    model.fit(X, y, weight).fit(X, y, weight)
    assert model.n_iter_ == 8
    assert len(model.predict(X)) == len(y)
    model.partial_fit(X, y)
    given = kind((8,), n_members=2, epochs=3, early_stopping=True, random_state=0)
    given.fit(X, y, X_val=X[:50], y_val=y[:50])
    assert len(given.validation_scores_) == 3


def test_quantiles_of_members_ascend(table):
    X, _ = table
    y = X[:, 0] + np.random.default_rng(1).normal(size=len(X))
    levels = [0.1, 0.5, 0.9]
    model = DNNRegressor((16,), loss="quantile", quantile=levels, n_members=3, epochs=30)
    quantiles = model.set_params(random_state=0).fit(X, y).predict(X)
    assert np.all(np.diff(quantiles, axis=1) >= 0)
    assert np.mean(y[:, np.newaxis] <= quantiles, axis=0) == pytest.approx(levels, abs=0.08)


def test_quantiles_of_members_with_held_out_rows(table):
    X, _ = table
    y = X[:, 0] + np.random.default_rng(1).normal(size=len(X))
    model = DNNRegressor((16,), loss="quantile", quantile=[0.1, 0.5, 0.9], n_members=2, epochs=30)
    model.set_params(early_stopping=True, random_state=0).fit(X, y)
    assert np.mean(y[:, np.newaxis] <= model.predict(X), axis=0) == pytest.approx(
        [0.1, 0.5, 0.9], abs=0.1
    )


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "mean_squared_error"])
def test_the_residual_variance_is_that_of_held_out_rows(table, loss):
    X, _ = table
    y = np.exp(X[:, 0] + 0.3 * np.random.default_rng(1).normal(size=len(X)))
    model = DNNRegressor((16,), loss=loss, n_members=3, epochs=20, random_state=0)
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    each = np.array(
        [model._network.targets.decode(o) for o in model._forward(X[300:], of_members=True)]
    )
    expected = np.mean((each - y[300:]) ** 2) - each.var(axis=0).mean()
    assert model._network.residual_variance == pytest.approx([expected], rel=1e-4)
    _, std = model.predict(X[300:], return_std=True)
    assert std == pytest.approx(np.sqrt(expected + each.var(axis=0)), rel=1e-4)


def test_reduce_on_plateau_validates_after_each_epoch(table):
    X, y = table
    settings = {"n_members": 2, "epochs": 85, "early_stopping": True, "n_iter_no_change": 100}
    some = DNNClassifier((4,), random_state=0, **settings).fit(X, y)
    each = DNNClassifier((4,), learning_rate_schedule="reduce_on_plateau", random_state=0)
    each.set_params(**settings).fit(X, y)
    assert np.isnan(some.history_["val_loss"]).sum() > 40
    assert np.isfinite(each.history_["val_loss"]).all()
