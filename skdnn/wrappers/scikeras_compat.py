"""The one import of SciKeras, which leaves Keras unpatched; and Keras, on any backend.

Importing SciKeras 0.13 replaces pickling methods of Keras's classes for the whole program. Here the
methods are put back, so that importing skdnn changes nothing in Keras. A program that has imported
SciKeras before keeps what that import did.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    from skdnn._utils.tensorflow import keras  # holds back TensorFlow's banners
except ImportError:  # Keras runs on another backend, or reports itself why it cannot run
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
    """Put back the methods that an import of SciKeras replaces meanwhile."""
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


def as_array(tensor: Any) -> Any:
    """Convert a tensor of any backend to an ndarray."""
    if keras.backend.backend() == "tensorflow":
        return tensor.numpy()  # NumPy warns of Keras's own conversion
    return keras.ops.convert_to_numpy(tensor)


__all__ = [
    "ClassifierLabelEncoder",
    "RegressorTargetEncoder",
    "accepts_kwargs",
    "as_array",
    "has_param",
    "keras",
    "loss_name",
    "metric_name",
    "route_params",
]
