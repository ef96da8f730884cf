"""Dicts with boolean keys, such as class weights, as files of text hold them."""

from typing import Any

import numpy as np


class BooleanKeys:
    """Wrapper of a dict with boolean keys in the state of an estimator.

    Its own state is a list of pairs, because files that write keys as text, such as those of
    skops, would restore False as True.

    Parameters
    ----------
    value : dict
        The dict.
    """

    def __init__(self, value: dict[Any, Any]):
        self.value = value

    def __getstate__(self) -> dict[str, Any]:
        return {"items": list(self.value.items())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.value = dict(state["items"])


def with_wrapped_dicts(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an estimator with `BooleanKeys` around dicts with boolean keys."""
    return {
        name: BooleanKeys(value) if _has_boolean_keys(value) else value
        for name, value in state.items()
    }


def with_plain_dicts(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an estimator with the dicts of `with_wrapped_dicts`."""
    return {
        name: value.value if isinstance(value, BooleanKeys) else value
        for name, value in state.items()
    }


def _has_boolean_keys(value: Any) -> bool:
    return type(value) is dict and any(isinstance(key, bool | np.bool_) for key in value)
