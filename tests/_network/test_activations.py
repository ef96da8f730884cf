"""From names to Keras things."""

import random

import numpy as np
import pytest

from skdnn._network.activations import NUMPY_ACTIVATIONS, activation_names, resolve_activation
from skdnn._network.initial_weights import resolve_initializer
from skdnn._training.optimizers import optimizer_names, resolve_optimizer
from skdnn._utils.tensorflow import keras

ACTIVATIONS = sorted(set(activation_names()) & set(NUMPY_ACTIVATIONS))
# Keras computes these with constants of single precision, also in float64.
SINGLE_CONSTANTS = {"gelu", "leaky_relu"}


def test_activation_by_keras_function_is_its_name():
    assert resolve_activation(keras.activations.gelu, "Owner") == "gelu"


@pytest.mark.parametrize(("name", "keras_name"), [("logistic", "sigmoid"), ("identity", "linear")])
def test_scikit_learn_names_of_activations(name, keras_name):
    assert resolve_activation(name, "Owner") == keras_name


def test_a_function_of_the_user_stays_itself():
    assert resolve_activation(keras.ops.abs, "Owner") is keras.ops.abs


def test_unknown_activation_names_the_nearest():
    with pytest.raises(
        ValueError, match=r"'activation' parameter of Owner.*'rellu'.*Did you.*'relu"
    ):
        resolve_activation("rellu", "Owner")


def test_activation_that_changes_the_number_of_units_is_refused():
    with pytest.raises(ValueError, match="'activation' parameter of Owner must be one of"):
        resolve_activation("glu", "Owner")


@pytest.mark.parametrize("name", sorted(optimizer_names()))
def test_every_keras_optimizer_is_known_by_name(name):
    spec = resolve_optimizer(name, 0.5, None, "Owner")
    assert type(spec.build()).__name__.lower() == name
    assert spec.build().learning_rate == 0.5


@pytest.mark.parametrize(("name", "nesterov"), [("momentum", False), ("nesterov", True)])
def test_names_of_the_course_are_sgd_with_momentum(name, nesterov):
    made = resolve_optimizer(name, None, None, "Owner").build()
    assert isinstance(made, keras.optimizers.SGD)
    assert (made.momentum, made.nesterov) == (0.9, nesterov)


def test_unknown_optimizer_names_the_nearest():
    with pytest.raises(ValueError, match=r"'optimizer' parameter of Owner.*Did you mean 'adam"):
        resolve_optimizer("adamm", None, None, "Owner")


def test_an_object_that_is_no_optimizer_is_refused():
    with pytest.raises(TypeError, match="must be a name, a Keras optimizer or"):
        resolve_optimizer(dict, None, None, "Owner")


@pytest.mark.parametrize("momentum", [0, np.float32(0.5)])
def test_momentum_of_any_number_type(momentum):
    assert resolve_optimizer("sgd", None, momentum, "Owner").build().momentum == momentum


def test_an_optimizer_that_wraps_another_is_refused():
    wrapper = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    with pytest.raises(TypeError, match="none that wraps another"):
        resolve_optimizer(wrapper, None, None, "Owner")


def test_activation_that_cannot_be_a_key_is_refused():
    class Unhashable:
        __hash__ = None

        def __call__(self, x):
            return x

    with pytest.raises(TypeError, match=r"'activation' parameter of Owner.*must be hashable"):
        resolve_activation(Unhashable(), "Owner")


def test_activation_with_weights_of_its_own_is_refused():
    with pytest.raises(TypeError, match="'activation' parameter of Owner"):
        resolve_activation(keras.layers.PReLU(), "Owner")


def test_momentum_for_an_optimizer_without_is_refused():
    with pytest.raises(ValueError, match="no meaning for optimizer Adam"):
        resolve_optimizer("adam", None, 0.9, "Owner")


def test_learning_rate_is_not_baked_but_a_schedule_is():
    schedules = [keras.optimizers.schedules.ExponentialDecay(0.1, n, 0.9) for n in (10, 10, 20)]
    first, same, other = (resolve_optimizer("sgd", s, None, "Owner") for s in schedules)
    assert first == same
    assert first != other
    constants = (resolve_optimizer("sgd", rate, None, "Owner") for rate in (0.1, 0.2))
    assert len(set(constants)) == 1


def test_an_optimizer_object_is_only_read():
    mine = keras.optimizers.Adam(0.01, beta_1=0.8, name="mine")
    made = resolve_optimizer(mine, None, None, "Owner").build()
    assert made is not mine
    assert {**made.get_config(), "name": "mine"} == mine.get_config()
    assert not mine.built


@pytest.mark.parametrize("given", ["he_normal", keras.initializers.HeNormal])
def test_initializer_draws_with_the_seed(given):
    draws = [np.array(resolve_initializer(given, seed, "Owner")((3, 3))) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_initializer_object_with_a_seed_keeps_it():
    mine = keras.initializers.HeNormal(seed=5)
    draws = [resolve_initializer(mine, seed, "Owner")((2, 2)) for seed in (1, 2)]
    np.testing.assert_array_equal(*draws)


def test_unknown_initializer_names_the_nearest():
    with pytest.raises(ValueError, match=r"kernel_initializer.*Did you mean 'he_normal'"):
        resolve_initializer("he_norml", 0, "Owner")


def test_looking_up_draws_nothing_from_the_global_generator():
    state = random.getstate()
    resolve_initializer("glorot_uniform", 0, "Owner")
    resolve_optimizer("adam", None, None, "Owner").build()
    assert random.getstate() == state


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_agrees_with_keras(name, dtype):
    x = np.concatenate([np.linspace(-30, 30, 121), [0.5, -0.5, 1, -1]]).astype(dtype)[:, None]
    x = np.hstack([x, x[::-1]])
    expected = np.asarray(getattr(keras.activations, name)(x))
    eps = np.finfo("float32" if name in SINGLE_CONSTANTS else dtype).eps
    got = NUMPY_ACTIVATIONS[name](x)
    np.testing.assert_allclose(got, expected, rtol=64 * eps, atol=8 * eps)
    assert got.dtype == dtype


@pytest.mark.parametrize("name", ["sigmoid", "softmax", "tanh", "gelu", "softplus", "elu", "mish"])
def test_activation_survives_extreme_inputs(name):
    x = np.array([[-1e4, 0, 1e4]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        assert np.all(np.isfinite(NUMPY_ACTIVATIONS[name](x)))
