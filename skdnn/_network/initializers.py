"""Names, classes and objects -> Keras initializers with a seed."""

import inspect
from typing import Any

from skdnn._network.activations import _OPTIONS, _classes
from skdnn._utils.tensorflow import keras
from skdnn._utils.text import unknown


def resolve_initializer(value: Any, seed: int, owner: str) -> Any:
    """Return a Keras initialiser that draws with `seed`, unless the user gave it a seed.

    Keras seeds what it makes without a seed from Python's global generator: none is made so.
    """
    if isinstance(value, str):
        known = {
            n: c for n, c in _classes(keras.initializers).items() if n.islower() and n != "stft"
        }
        if value not in known:
            raise unknown("kernel_initializer", owner, value, known, _OPTIONS)
        value = known[value]
    if isinstance(value, type) and issubclass(value, keras.initializers.Initializer):
        return value(seed=seed) if "seed" in inspect.signature(value).parameters else value()
    if not isinstance(value, keras.initializers.Initializer):
        return value  # any function of a shape and a dtype
    config = value.get_config()
    if config.get("seed", 0) is None:
        return type(value).from_config({**config, "seed": seed})
    return value
