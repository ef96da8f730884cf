"""Damages the header of a file: dtypes, shapes and offsets of arrays."""

from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.mutations.of_documents import change_value
from benchmarks.mutations.parts import SIZES


def swap_fields(header: dict[str, Any], rng: Random) -> None:
    """Exchange one field, or the whole entry, of two arrays."""
    first, second = rng.choice([*header]), rng.choice([*header])
    field = rng.choice(["dtype", "shape", "data_offsets", None])
    if field is None:
        header[first], header[second] = header[second], header[first]
    elif all(isinstance(header[key], dict) and field in header[key] for key in (first, second)):
        one, other = header[first], header[second]
        one[field], other[field] = other[field], one[field]


def inflate(header: dict[str, Any], rng: Random) -> None:
    """Put a size that is too large, or wrong in another way, into an entry."""
    entry = header[rng.choice([*header])]
    sizes = entry.get(rng.choice(["shape", "data_offsets"])) if isinstance(entry, dict) else None
    if isinstance(sizes, list):
        if sizes and rng.random() < 0.8:
            i = rng.randrange(len(sizes))
            old = sizes[i] if isinstance(sizes[i], int) else 0
            sizes[i] = rng.choice([*SIZES, -1, -old, old + 1, old * 2])
        else:
            sizes.insert(rng.randint(0, len(sizes)), rng.choice([*SIZES, -1, True, 1.0, "1"]))


def change_entry(header: dict[str, Any], rng: Random) -> None:
    """Replace any value of the header."""
    change_value(header, None, rng)


def reorder_entries(header: dict[str, Any], rng: Random) -> None:
    """List the arrays in another order."""
    items = [*header.items()]
    rng.shuffle(items)
    header.clear()
    header.update(items)


HEADER: list[Callable[[dict[str, Any], Random], None]] = [
    swap_fields,
    inflate,
    change_entry,
    reorder_entries,
]
