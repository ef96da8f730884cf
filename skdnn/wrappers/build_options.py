"""Options for building the network of a wrapper that are not arguments of `_initialize`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper

_ATTRIBUTE = "_build_options"


@dataclass(frozen=True)
class BuildOptions:
    """Options for building the network in one call of `fit`, `partial_fit` or `initialize`.

    Parameters
    ----------
    keep_weights : bool, default=False
        Whether a model passed as `model` always keeps its weights. Otherwise initial weights of the
        model are replaced by new initial weights.
    classes : ndarray of shape (n_classes,) or None, default=None
        All labels that can occur in y. None means the labels in y.
    """

    keep_weights: bool = False
    classes: Any = None


@contextmanager
def build_options(wrapper: "BaseWrapper", options: BuildOptions) -> Iterator[None]:
    """Context manager that sets the options of `_initialize` and removes the options on exit.

    The options are passed in a temporary attribute of the wrapper, because subclasses written for
    SciKeras override `_initialize(X, y)`, which has no other arguments.
    """
    wrapper.__dict__[_ATTRIBUTE] = options
    try:
        yield
    finally:
        wrapper.__dict__.pop(_ATTRIBUTE, None)


def build_options_of(wrapper: "BaseWrapper") -> BuildOptions:
    """Return the options of the current call, or the default options outside a call."""
    options: BuildOptions = vars(wrapper).get(_ATTRIBUTE, BuildOptions())
    return options
