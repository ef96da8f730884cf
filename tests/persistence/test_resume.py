"""Training goes on from a file exactly as without it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import skdnn
from skdnn import DNNClassifier, DNNRegressor

pytestmark = pytest.mark.quick

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
SIZE = {"hidden_layer_sizes": (4,)}
MODELS = {
    "dropout": DNNClassifier(dropout=0.3, **SIZE),
    "momentum": DNNClassifier(optimizer="sgd", momentum=0.9, **SIZE),
    "adafactor": DNNClassifier(optimizer="adafactor", **SIZE),
    "averages": DNNRegressor(ema_momentum=0.9, clipnorm=1.0, **SIZE),
    "early_stopping": DNNRegressor(optimizer="lamb", early_stopping=True, **SIZE),
    "ensemble": DNNRegressor(preset="fast", dropout=0.1),
}


@pytest.mark.parametrize("name", MODELS)
def test_warm_starts_and_partial_fit_go_on_bit_for_bit(name, round_trip):
    model = MODELS[name].set_params(epochs=2, random_state=0, warm_start=True).fit(X, Y)
    loaded = round_trip(model, profile="resume")
    for _ in range(2):
        model.fit(X, Y)
        loaded = round_trip(loaded.fit(X, Y), profile="resume")
    model.partial_fit(X, Y)
    loaded.partial_fit(X, Y)
    assert str(loaded.history_) == str(model.history_)
    assert_array_equal(*(x.predict(X) for x in (loaded, model)))
    for one, other in zip(*(x._network.state.weights for x in (loaded, model)), strict=True):
        assert_array_equal(one, other)


@pytest.fixture
def for_predictions(round_trip):
    return round_trip(DNNClassifier((4,), epochs=1, random_state=0, warm_start=True).fit(X, Y))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_file_for_predictions_cannot_go_on(method, for_predictions):
    expected = for_predictions.predict_proba(X)
    with pytest.raises(ValueError, match="profile='resume'"):
        getattr(for_predictions, method)(X, Y)
    assert_array_equal(for_predictions.predict_proba(X), expected)


def test_a_file_for_predictions_has_no_state_to_save(for_predictions, tmp_path):
    with pytest.raises(ValueError, match="loaded from a file without it"):
        skdnn.save(for_predictions, tmp_path / "model", profile="resume")


def test_a_file_for_predictions_is_much_smaller(tmp_path):
    model = DNNClassifier((100,), epochs=1, random_state=0).fit(X, Y)
    for profile in ("predict", "resume"):
        skdnn.save(model, tmp_path / profile, profile=profile)
    n_weights = sum(weight.nbytes for weight in model._network.state.weights)
    sizes = [(tmp_path / profile).stat().st_size for profile in ("predict", "resume")]
    assert sizes[1] - sizes[0] >= 2 * n_weights  # the two moments of Adam


def test_a_state_of_other_shapes_is_refused_when_training_goes_on(round_trip):
    model = DNNClassifier((4,), epochs=1, random_state=0, warm_start=True).fit(X, Y)
    model._network.state.optimizer[2] = np.zeros((1, 1), np.float32)
    with pytest.raises(ValueError, match="has other shapes"):
        round_trip(model, profile="resume").fit(X, Y)
