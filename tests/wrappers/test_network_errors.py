"""A network that does not fit X or y is one clear error."""

import keras
import numpy as np
import pytest
from keras import layers

from skdnn import KerasClassifier, KerasRegressor
from skdnn.wrappers.network_errors import plain_errors

pytestmark = pytest.mark.quick

RNG = np.random.default_rng(0)
TABLE, IMAGES = RNG.random((12, 4)), RNG.random((12, 8, 8))
LABELS, TARGETS = np.arange(12) % 3, RNG.random(12)


def softmax():
    return layers.Dense(3, "softmax")


def stack_of(*shape):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), softmax()])


def functional_of(*shape):
    given = keras.Input(shape)
    return keras.Model(given, softmax()(layers.Flatten()(given)))


def fit(model, X, y=LABELS, kind=KerasClassifier):
    return kind(model, verbose=0, random_state=0).fit(X, y)


@pytest.mark.parametrize("of", [stack_of, functional_of])
@pytest.mark.parametrize(
    ("shape", "X"), [((5,), TABLE), ((28, 28), IMAGES), ((64,), IMAGES), ((8, 8), TABLE)], ids=str
)
def test_an_input_that_does_not_fit(of, shape, X):
    message = (
        rf"^X has samples of shape \({', '.join(map(str, X.shape[1:]))},?\), but the input.* takes "
        rf"samples of shape \({', '.join(map(str, shape))},?\): write keras\.Input\("
    )
    for model in (
        of(*shape),
        lambda: of(*shape),
        [keras.Input(shape), layers.Flatten(), softmax()],
    ):
        with pytest.raises(ValueError, match=message) as error:
            fit(model, X)
        assert "\x1b" not in str(error.value)


def test_inputs_that_fit_are_accepted():
    assert fit(stack_of(4), TABLE).predict(TABLE).shape == (12,)
    assert fit(stack_of(8, 8, 1), IMAGES[..., np.newaxis]).predict_proba(IMAGES[:2, ..., None]).size
    column = fit(stack_of(1), TABLE[:, :1])
    assert column.predict(TABLE[:1, :1]).shape == (1,)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (TABLE, "X has one input, but .* takes the inputs \\['a', 'b'\\]: pass X={'a': ..., 'b'"),
        ({"a": TABLE, "c": TABLE}, "X has the inputs \\['a', 'c'\\], but .*\\['a', 'b'\\]"),
        ({"a": TABLE, "b": TABLE[:, :3]}, r"shape \(3,\), but the input 'b' .* shape \(4,\)"),
    ],
    ids=["one", "other", "shape"],
)
@pytest.mark.parametrize("as_dict", [True, False])
def test_several_inputs(X, message, as_dict):
    parts = {name: keras.Input((4,), name=name) for name in "ab"}
    output = softmax()(layers.Concatenate()(list(parts.values())))
    model = keras.Model(parts if as_dict else list(parts.values()), output)
    if as_dict or isinstance(X, dict):
        with pytest.raises(ValueError, match=message):
            fit(model, X)
    assert fit(model, {"b": TABLE, "a": TABLE}).predict({"a": TABLE, "b": TABLE}).shape == (12,)


def test_a_stack_takes_one_input():
    with pytest.raises(ValueError, match=r"inputs \['a', 'b'\], .* is a stack of layers"):
        fit([softmax()], {"a": TABLE, "b": TABLE})


@pytest.mark.parametrize(
    ("first", "X", "advice"),
    [
        (layers.Conv2D(2, 3), IMAGES, r"Reshape\(\(8, 8, 1\)\)"),
        (layers.Conv2D(2, 3), TABLE, r"Reshape\(\(4, 1, 1\)\)"),
        (layers.LSTM(2), TABLE, r"Reshape\(\(4, 1\)\)"),
        (layers.LSTM(2), IMAGES[..., np.newaxis], r"Flatten\(\)"),
    ],
    ids=["image", "table", "sequence", "too many"],
)
def test_a_layer_of_other_dimensions(first, X, advice):
    message = rf"does not take samples of shape .*expected .*Put keras\.layers\.{advice} before"
    for model in ([first, layers.Flatten(), softmax()], keras.Sequential([first, softmax()])):
        with pytest.raises(ValueError, match=message):
            fit(model, X)


@pytest.mark.parametrize(
    ("kind", "network", "X", "y", "given"),
    [
        (KerasClassifier, [softmax()], IMAGES, LABELS, "3 classes"),
        (KerasClassifier, [softmax()], IMAGES, np.eye(3)[LABELS], "3 "),
        (KerasRegressor, [layers.Dense(1)], IMAGES, TARGETS, "one value"),
        (KerasRegressor, [layers.Dense(2)], IMAGES, TABLE[:, :2], "2 values"),
        (
            KerasClassifier,
            [layers.Conv2D(2, 3), softmax()],
            IMAGES[..., np.newaxis],
            LABELS,
            "3 classes",
        ),
    ],
)
def test_a_missing_flatten(kind, network, X, y, given):
    message = rf"returns an array of shape .*, but y has {given}.*Flatten\(\) before the "
    with pytest.raises(ValueError, match=message):
        fit(network, X, y, kind)
    fitted = fit([*network[:-1], layers.Flatten(), network[-1]], X, y, kind)
    assert fitted.predict(X).shape == np.shape(y)


def test_several_values_per_sample_may_be_a_sequence():
    reg = fit([layers.Dense(1)], IMAGES, IMAGES[:, :, 0], KerasRegressor)
    assert reg.predict(IMAGES).shape == (12, 8)


def test_a_code_that_an_embedding_does_not_have():
    network = [layers.Embedding(3, 2), layers.Flatten(), softmax()]
    with pytest.raises(ValueError, match=r"X has the code 5, .* codes 0 to 2: write Embedding\(6"):
        fit(network, np.full((12, 1), 5))


def test_errors_of_layers_have_no_terminal_codes():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = softmax()

        def call(self, x):
            return self.dense(keras.ops.reshape(x, (-1, 5)) * keras.ops.ones((7,)))

    with pytest.raises(Exception, match=r"calling Own\.call\(\): ") as error:
        fit(Own, TABLE)
    assert "\x1b" not in str(error.value)
    assert "Arguments received" not in str(error.value)


def test_other_errors_pass_unchanged():
    reason = KeyError("a", 3)
    with pytest.raises(KeyError) as error, plain_errors():
        raise reason
    assert error.value is reason
    assert error.value.args == ("a", 3)
