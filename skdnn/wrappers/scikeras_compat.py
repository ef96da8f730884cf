"""SciKeras, imported without leaving Keras patched; and Keras itself, on whichever backend it runs.

SciKeras writes methods of its own into Keras's classes when it is imported. Here they are taken
out again, so that a program that uses skdnn's wrappers has Keras as its authors made it. Only where
the program had imported SciKeras itself before, Keras stays as it was found.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

try:
    from skdnn._utils.tensorflow import keras  # holds back TensorFlow's banners
except ImportError:  # Keras runs on another backend, which is Keras's to say
    import keras

_ABSENT = object()


def _patched() -> list[tuple[type, str]]:
    """Return the places in Keras that SciKeras 0.13 writes to."""
    return [
        (keras.Model, "__reduce__"),
        (keras.Model, "__deepcopy__"),
        (keras.losses.Loss, "__reduce__"),
        (keras.metrics.Metric, "__reduce__"),
        (keras.optimizers.Optimizer, "__reduce__"),
    ]


@contextmanager
def _contained() -> Iterator[None]:
    if "scikeras" in sys.modules:
        yield
        return
    kept = [(cls, name, vars(cls).get(name, _ABSENT)) for cls, name in _patched()]
    try:
        yield
    finally:
        for cls, name, value in kept:
            if value is not _ABSENT:
                setattr(cls, name, value)
            elif name in vars(cls):
                delattr(cls, name)


def _own_copy() -> ModuleType:
    """Load `scikeras.wrappers` a second time, to change a class of it that others may use.

    scikit-learn 1.6 and later refuse an estimator with a class above it that has `_more_tags`.
    """
    spec = importlib.util.find_spec("scikeras.wrappers")
    if spec is None or spec.loader is None:
        raise ImportError(
            "skdnn.wrappers.classifier needs scikeras 0.13: pip install 'scikeras>=0.13'."
        )
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    del copy.BaseWrapper._more_tags
    return copy


with _contained():
    BaseWrapper: Any = _own_copy().BaseWrapper


def as_array(tensor: Any) -> Any:
    """Turn a tensor into an array; TensorFlow's by its own method, which NumPy does not warn of."""
    if keras.backend.backend() == "tensorflow":
        return tensor.numpy()
    return keras.ops.convert_to_numpy(tensor)


from keras.src.backend.common import global_state  # noqa: E402
from scikeras._utils import accepts_kwargs, has_param, route_params  # noqa: E402
from scikeras.utils import loss_name, metric_name  # noqa: E402
from scikeras.utils.transformers import (  # noqa: E402
    ClassifierLabelEncoder,
    RegressorTargetEncoder,
)

__all__ = [
    "BaseWrapper",
    "ClassifierLabelEncoder",
    "RegressorTargetEncoder",
    "accepts_kwargs",
    "as_array",
    "global_state",
    "has_param",
    "keras",
    "loss_name",
    "metric_name",
    "route_params",
]
