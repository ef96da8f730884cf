"""A fit works on a draft of a wrapper, whose attributes become those of the wrapper at the end."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from skdnn.wrappers.fitted_model import FittedModel
from skdnn.wrappers.pickling import LAZY

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper

_FITTED = "_fitted_model"
_MODEL = "model_"
_IN_NUMPY = "_in_numpy"  # in the state of a wrapper


def fitted_model(wrapper: "BaseWrapper") -> FittedModel | None:
    """Return the fitted network of a wrapper, or None if the wrapper has no network yet.

    A method of a subclass, or the user, may also set a Keras model as the attribute `model_`.
    """
    attributes = vars(wrapper)
    if _MODEL in attributes:
        return FittedModel(attributes[_MODEL])
    fitted: FittedModel | None = attributes.get(_FITTED)
    return fitted


@contextmanager
def drafted(wrapper: "BaseWrapper", *, trains_further: bool = False) -> Iterator[Any]:
    """Context manager that yields a draft of a wrapper, which the body fits.

    On exit, the attributes of the draft become those of the wrapper, in one assignment. If the body
    fails or is interrupted, the wrapper and its network are as before.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper.
    trains_further : bool, default=False
        Whether the network of the wrapper is trained further, in place.
    """
    draft = object.__new__(type(wrapper))
    draft.__dict__ = dict(vars(wrapper))
    fitted = fitted_model(wrapper) if trains_further else None
    with nullcontext() if fitted is None else fitted.trained_further() as model:
        if model is not None:
            draft.model_ = model
        yield draft
        attributes = dict(vars(draft))
        if _MODEL in attributes:
            attributes[_FITTED] = FittedModel(attributes.pop(_MODEL))
    wrapper.__dict__ = attributes


def with_parts(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a wrapper with plain parts in place of its `FittedModel`."""
    fitted = state.get(_FITTED)
    if fitted is None:
        return state
    rest = {name: value for name, value in state.items() if name != _FITTED}
    return {**rest, _MODEL: fitted.saved(), _IN_NUMPY: fitted.plain_parts()}


def with_fitted_model(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a wrapper with a `FittedModel` in place of its plain parts."""
    lazy = dict(state.get(LAZY, {}))
    if _MODEL not in lazy:
        return state
    fitted = FittedModel.of_parts(lazy.pop(_MODEL), state.get(_IN_NUMPY))
    rest = {name: value for name, value in state.items() if name not in (LAZY, _IN_NUMPY)}
    return {**rest, _FITTED: fitted, **({LAZY: lazy} if lazy else {})}
