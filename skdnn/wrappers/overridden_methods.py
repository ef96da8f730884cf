"""Detect user-defined methods of a Keras model."""

from skdnn.wrappers.scikeras_compat import keras


def overrides(model: keras.Model, *names: str) -> bool:
    """Return whether a model overrides one of the named methods of `keras.Model`."""
    return any(
        name in vars(model) or getattr(type(model), name) is not getattr(keras.Model, name)
        for name in names
    )
