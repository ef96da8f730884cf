"""Import SciKeras without the patches that SciKeras applies to Keras, and import Keras.

This module is the only one that imports SciKeras. Importing SciKeras 0.13 replaces pickling methods
of Keras's classes in the whole Python process. This module restores the methods, so that importing
skdnn changes nothing in Keras. If SciKeras has been imported before skdnn, the patches of SciKeras
stay in place. Keras may use any backend.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    from skdnn._utils.tensorflow import keras  # hides TensorFlow's log messages
except ImportError:  # Keras uses another backend, or reports the reason for the failure
    import keras

_ABSENT = object()


def _patched() -> list[tuple[type, str]]:
    """Return the methods of Keras's classes that SciKeras 0.13 replaces."""
    return [
        (keras.Model, "__reduce__"),
        (keras.Model, "__deepcopy__"),
        (keras.losses.Loss, "__reduce__"),
        (keras.metrics.Metric, "__reduce__"),
        (keras.optimizers.Optimizer, "__reduce__"),
    ]


@contextmanager
def _keras_unpatched() -> Iterator[None]:
    """Context manager that restores on exit the methods that SciKeras replaces on import."""
    if "scikeras" in sys.modules:
        yield
        return
    before = [(cls, name, vars(cls).get(name, _ABSENT)) for cls, name in _patched()]
    try:
        yield
    finally:
        for cls, name, method in before:
            if method is not _ABSENT:
                setattr(cls, name, method)
            elif name in vars(cls):
                delattr(cls, name)


with _keras_unpatched():
    from scikeras._utils import accepts_kwargs, has_param, route_params
    from scikeras.utils import loss_name, metric_name
    from scikeras.utils.transformers import ClassifierLabelEncoder, RegressorTargetEncoder


def encoded_type(encoder: Any, default: str = "") -> str:
    """Return the type of y that a fitted encoder of SciKeras stores in a private attribute.

    The type distinguishes one-hot rows from other indicator matrices. `default` is returned for
    any other encoder.
    """
    return str(getattr(encoder, "_target_type", default))


def set_encoded_type(encoder: ClassifierLabelEncoder, target_type: str) -> None:
    """Change the target type, as from `type_of_target`, of a fitted encoder of SciKeras."""
    encoder._target_type = target_type


def sample_shape(encoder: ClassifierLabelEncoder | RegressorTargetEncoder) -> tuple[int, ...]:
    """Return the shape of y for one sample in `fit`, from a private attribute of the encoder."""
    return tuple(encoder._y_shape[1:])


def n_samples(encoder: ClassifierLabelEncoder) -> int:
    """Return the number of rows of y in `fit`, from a private attribute of the encoder."""
    return int(encoder._y_shape[0])


def as_array(tensor: Any) -> Any:
    """Convert a tensor of any backend to an ndarray."""
    if keras.backend.backend() == "tensorflow":
        return tensor.numpy()  # because NumPy warns about Keras's conversion
    return keras.ops.convert_to_numpy(tensor)


__all__ = [
    "ClassifierLabelEncoder",
    "RegressorTargetEncoder",
    "accepts_kwargs",
    "as_array",
    "encoded_type",
    "has_param",
    "keras",
    "loss_name",
    "metric_name",
    "n_samples",
    "route_params",
    "sample_shape",
    "set_encoded_type",
]
