"""Too little memory is said as what it is, wherever a function of the user is called."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from skdnn import DNNClassifier, DNNRegressor
from skdnn._utils.memory_errors import is_out_of_memory
from skdnn.wrappers import KerasClassifier


def no_memory(*args, **kwargs):
    raise MemoryError("Unable to allocate 5 GiB")


def exhausted(*args, **kwargs):
    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating shape[9,9]")


FAILURES = {MemoryError: no_memory, tf.errors.ResourceExhaustedError: exhausted}
either = pytest.mark.parametrize(("error", "fail"), FAILURES.items(), ids=["python", "tensorflow"])


class Failing(keras.layers.Dense):
    fail = None

    def get_config(self):
        return self.fail() if self.fail else super().get_config()


def settings(fail):
    """Every parameter that takes a function of the user."""
    own_loss = type("Own", (keras.losses.Loss,), {"__init__": fail})
    return {
        "kernel_initializer": fail,
        "activation": lambda x: fail(x),
        "loss": lambda y, z: fail(),
        "callbacks": lambda: fail(),
    } | {"loss class": own_loss}


@either
@pytest.mark.parametrize(
    "parameter", ["kernel_initializer", "activation", "loss", "loss class", "callbacks"]
)
def test_the_error_of_a_parameter_of_the_user_passes(diabetes, error, fail, parameter):
    value = settings(fail)[parameter]
    reg = DNNRegressor((4,), epochs=1, **{parameter.split()[0]: value})
    with pytest.raises(error, match="allocat"):
        reg.fit(*diabetes)


@either
@pytest.mark.parametrize("form", ["layers", "model", "function"])
def test_the_error_of_a_network_of_the_user_passes(iris, error, fail, form):
    layer = Failing(3, "softmax")
    model = [layer]
    if form == "model":
        model = keras.Sequential([keras.Input((4,)), layer])
    elif form == "function":
        model = fail
    layer.fail = fail
    with pytest.raises(error, match="allocat"):
        KerasClassifier(model, epochs=1, verbose=0).fit(*iris)


@either
def test_a_program_that_needs_too_much_memory_is_not_compiled_again(iris, error, fail, monkeypatch):
    from skdnn._training import keras_program

    calls = []
    monkeypatch.setattr(keras_program, "over_batches", lambda *a, **k: (calls.append(1), fail()))
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(3, "softmax")]
    with pytest.raises(error, match="allocat"):
        KerasClassifier(layers, epochs=1, verbose=0).fit(*iris)
    assert len(calls) == 1


def test_the_size_of_a_kernel_is_noted(iris):
    with pytest.raises(MemoryError, match="5 GiB") as caught:
        DNNClassifier((512,), epochs=1, kernel_initializer=no_memory).fit(*iris)
    assert caught.value.__notes__ == ["A kernel of shape (4, 512) takes 0 MiB in float32."]


def test_which_errors_are_of_memory():
    with pytest.raises(MemoryError) as caught:
        np.empty(2**55)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(tf.errors.ResourceExhaustedError(None, None, ""))
    assert not is_out_of_memory(ValueError("OOM"))


CODE = """
import resource
import keras, psutil
from sklearn.datasets import load_iris
from skdnn import DNNClassifier
from skdnn.wrappers import KerasClassifier
X, y = load_iris(return_X_y=True)
DNNClassifier((3,), epochs=1).fit(X, y)
limit = psutil.Process().memory_info().vms + 2**31
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
n = 60_000
layers = [keras.layers.Dense(n), keras.layers.Dense(n), keras.layers.Dense(3, "softmax")]
for model in (DNNClassifier((n, n), epochs=1), KerasClassifier(layers, verbose=0)):
    try:
        model.fit(X, y)
    except Exception as error:
        text = str(error)
        print(type(error).__name__, "60000,60000" in text, "kernel_initializer" in text)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_a_network_too_large_for_memory_says_so():
    child = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=300
    )
    assert child.stdout.splitlines() == ["ResourceExhaustedError True False"] * 2, child.stderr
