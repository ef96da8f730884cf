"""A stand-in for a Keras model, which is built when it is first used."""

import threading
from collections.abc import Callable
from typing import Any


class LazyModel:
    """A stand-in for a Keras model, which is built when it is first used.

    `hasattr(estimator, "model_")` and tools that look at all attributes get the stand-in and build
    nothing. It has the class, the attributes and the methods of the model, also for `isinstance`,
    `copy` and `pickle`.

    Parameters
    ----------
    build : callable
        Function without arguments that returns the Keras model.
    """

    __slots__ = ("__weakref__", "_build", "_lock", "_model")

    def __init__(self, build: Callable[[], Any]):
        object.__setattr__(self, "_build", build)
        object.__setattr__(self, "_lock", threading.RLock())
        object.__setattr__(self, "_model", None)

    def __getattribute__(self, name: str) -> Any:
        return getattr(_model_of(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_model_of(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_model_of(self), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model."""
        return _model_of(self)(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(_model_of(self))

    def __dir__(self) -> list[str]:
        return dir(_model_of(self))

    def __eq__(self, other: object) -> bool:
        return bool(_model_of(self) == unwrapped(other))

    def __hash__(self) -> int:
        return hash(_model_of(self))

    def __copy__(self) -> Any:
        return _model_of(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _model_of(self).__reduce_ex__(protocol)


def unwrapped(value: Any) -> Any:
    """Return the model that a `LazyModel` stands for, and any other value unchanged."""
    return _model_of(value) if type(value) is LazyModel else value


def _model_of(lazy: Any) -> Any:
    """Return the model that a `LazyModel` stands for, and build the model first if necessary."""
    get = object.__getattribute__
    with get(lazy, "_lock"):
        if get(lazy, "_model") is None:
            object.__setattr__(lazy, "_model", get(lazy, "_build")())
        return get(lazy, "_model")
