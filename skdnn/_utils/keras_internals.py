"""Every use of a private name of Keras, each with a fallback on public names.

Keras is imported inside the functions: they work on every backend of Keras.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SEED_GENERATOR = "global_seed_generator"


def all_layers(layer: Any) -> list[Any]:
    """Return a layer and all layers inside it, each once.

    Tested with Keras 3.2.0 and 3.15.0, by `Layer._flatten_layers`. The fallback searches the
    attributes of each layer.
    """
    flatten = getattr(layer, "_flatten_layers", None)
    return list(flatten()) if flatten is not None else _found_layers(layer)


def _found_layers(layer: Any) -> list[Any]:
    import keras

    found: dict[int, Any] = {}
    waiting = [layer]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, keras.layers.Layer) and id(value) not in found:
            found[id(value)] = value
            waiting += [*getattr(value, "layers", []), *vars(value).values()]
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return list(found.values())


def compile_arguments(model: Any) -> dict[str, Any]:
    """Return the arguments that a model was compiled with, as the objects that were given.

    Tested with Keras 3.2.0 and 3.15.0, by `Model._compile_config`. The fallback makes the metrics
    anew from `Model.get_compile_config`, which needs classes that Keras can find by name.
    """
    recorded = getattr(getattr(model, "_compile_config", None), "config", None)
    if recorded is not None:
        return dict(recorded)
    import keras

    config = dict(model.get_compile_config())
    kept = {"optimizer": model.optimizer, "loss": model.loss}
    rest = {name: value for name, value in config.items() if name not in kept}
    return {**kept, **keras.saving.deserialize_keras_object(rest)}


@contextmanager
def seeded_random(seed: int) -> Iterator[None]:
    """Give Keras's global generator a seed, and put the generator back at the end.

    Tested with Keras 3.2.0 and 3.15.0, by `keras.src.backend.common.global_state`. Keras has no
    public way to put its generator back. The fallback leaves it alone: layers and initialisers take
    their seeds from Python's generator, so that only draws of `keras.random` without a seed are not
    seeded.
    """
    import keras

    try:
        from keras.src.backend.common import global_state

        before = global_state.get_global_attribute(_SEED_GENERATOR)
    except (ImportError, AttributeError):
        yield
        return
    global_state.set_global_attribute(_SEED_GENERATOR, keras.random.SeedGenerator(seed))
    try:
        yield
    finally:
        global_state.set_global_attribute(_SEED_GENERATOR, before)
