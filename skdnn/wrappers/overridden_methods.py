"""Which methods of a Keras model are the user's own."""

from skdnn.wrappers.scikeras_compat import keras


def overrides(model: keras.Model, *names: str) -> bool:
    """Return whether a model has one of these methods of its own in place of Keras's."""
    return any(
        name in vars(model) or getattr(type(model), name) is not getattr(keras.Model, name)
        for name in names
    )
