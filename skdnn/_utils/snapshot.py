"""Public methods whose every call reads the attributes of a single fit."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Estimator = TypeVar("_Estimator")


def snapshot(estimator: _Estimator) -> _Estimator:
    """Return an estimator with the attributes of another one, which a later fit does not change.

    A fit replaces the dict of all attributes in one step. The snapshot keeps the dict as it is now.
    """
    twin = object.__new__(type(estimator))
    twin.__dict__ = estimator.__dict__
    return twin


def of_one_fit(method: _Method) -> _Method:
    """Return a method that reads the attributes of a single fit, also if a thread fits meanwhile.

    The method is called with a snapshot of the estimator as `self`.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(snapshot(self), *args, **kwargs)

    return cast(_Method, call)
