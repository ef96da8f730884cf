"""Dicts with boolean keys, such as class weights, as files of text hold them."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Pairs:
    """The items of a dict.

    Files that write keys as text, such as those of skops, would restore False as True.

    Parameters
    ----------
    items : list of tuple
        The keys and the values.
    """

    items: list[tuple[Any, Any]]


def as_pairs(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an estimator with `Pairs` in place of each dict with boolean keys."""
    return {
        name: Pairs(list(value.items())) if _has_boolean_keys(value) else value
        for name, value in state.items()
    }


def as_dicts(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an estimator with dicts in place of `Pairs`."""
    return {
        name: dict(value.items) if isinstance(value, Pairs) else value
        for name, value in state.items()
    }


def _has_boolean_keys(value: Any) -> bool:
    return type(value) is dict and any(isinstance(key, bool | np.bool_) for key in value)
