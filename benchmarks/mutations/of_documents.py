"""Damages a JSON document, which is a value in memory, and writes it as JSON."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from benchmarks.mutations.parts import SIZES

_REPEATED, _LITERAL = "\x01repeated", "\x01literal"  # marks in texts, replaced in the JSON

Place = tuple[Any, Any]  # an object or a list, and a key or an index in it


def _places(value: Any) -> Iterator[Place]:
    """Every place of a JSON value that holds a value."""
    left = [value]
    while left:
        where = left.pop()
        if isinstance(where, dict | list):
            keys = list(where) if isinstance(where, dict) else range(len(where))
            yield from ((where, key) for key in keys)
            left += [where[key] for key in keys]


def _any_place(value: Any, rng: Random) -> Place | None:
    places = [*_places(value)]
    return rng.choice(places) if places else None


def _nested(depth: int) -> Any:
    value: Any = []
    for i in range(depth):
        value = [value] if i % 2 else {"a": value}
    return value


def changed_text(text: str, rng: Random) -> str:
    """Return a text with one change, or another text."""
    at = rng.randint(0, len(text))
    new = rng.choice(["\0", "x", "__class__", "\ud800", "é", "\U0001f600", "'", "\n", "../", "{0}"])
    options = [text[:at] + new + text[at:], text[:at], text[:at] + text[at + 1 :], text.upper()]
    return rng.choice([*options, "", "os.system", "builtins.eval", "x" * 5000])


def _new_value(old: Any, rng: Random) -> Any:
    """Return a value that is near the old one, or of another type."""
    if isinstance(old, bool):
        options = [not old, int(old), None, str(old), [old]]
    elif isinstance(old, int):
        options = [old + 1, old - 1, -old, old * 1000, float(old), str(old), old > 0, *SIZES, -1]
    elif isinstance(old, float):
        options = [-old, 0.0, 1e308, -1e308, 5e-324, int(old), str(old), old * 1e6, old + 1]
        options += [_LITERAL + literal for literal in ("NaN", "Infinity", "-Infinity", "1e999")]
    elif isinstance(old, str):
        options = [changed_text(old, rng), changed_text(old, rng), [old], {old: old}]
    else:
        options = [[], {}, [old], _nested(3), None, "", 0]
    anything: list[Any] = [None, True, 0, -1, 1.5, "", [], {}, "auto", [[]], {"": None}]
    anything += [_nested(rng.choice([5, 40, 300])), _LITERAL + "9" * 5000, [0] * 3000]
    return rng.choice([rng.choice(options), rng.choice(options), rng.choice(anything)])


def change_value(document: Any, other: Any, rng: Random) -> None:
    """Replace one value by one of another type, or a number by one that is too large."""
    place = _any_place(document, rng)
    if place:
        place[0][place[1]] = _new_value(place[0][place[1]], rng)


def take_value(document: Any, other: Any, rng: Random) -> None:
    """Replace a value by one of another place, here or in another file: often one of its type."""
    place, source = _any_place(document, rng), rng.choice([document, other])
    if place:
        old = place[0][place[1]]
        values = [where[key] for where, key in _places(source)]
        alike = [value for value in values if type(value) is type(old) and value != old]
        new = rng.choice(alike or values)
        place[0][place[1]] = json.loads(json.dumps(new))  # no value contains itself


def remove_value(document: Any, other: Any, rng: Random) -> None:
    """Leave one value out."""
    place = _any_place(document, rng)
    if place:
        del place[0][place[1]]


def repeat_value(document: Any, other: Any, rng: Random) -> None:
    """Repeat a key of an object, or an element of a list."""
    place = _any_place(document, rng)
    if place and isinstance(place[0], list):
        place[0].insert(place[1], json.loads(json.dumps(place[0][place[1]])))
    elif place:
        value = place[0][place[1]]
        place[0][_REPEATED + place[1]] = rng.choice([value, None, _new_value(value, rng)])


def rename_key(document: Any, other: Any, rng: Random) -> None:
    """Change one key."""
    place = _any_place(document, rng)
    if place and isinstance(place[0], dict):
        place[0][changed_text(place[1], rng)] = place[0].pop(place[1])


def swap_values(document: Any, other: Any, rng: Random) -> None:
    """Exchange two values of an object or of a list."""
    place = _any_place(document, rng)
    if place:
        where, key = place
        second = rng.choice([*where] if isinstance(where, dict) else range(len(where)))
        where[key], where[second] = where[second], where[key]


def add_value(document: Any, other: Any, rng: Random) -> None:
    """Add a value to an object or a list."""
    place = _any_place(document, rng)
    if place and isinstance(place[0], dict):
        place[0][rng.choice(["", "x", "tag", "type", "__class__"])] = _new_value("", rng)
    elif place:
        place[0].append(_new_value(place[0][place[1]], rng))


DOCUMENT: list[Callable[[Any, Any, Random], None]] = [
    change_value,
    change_value,
    take_value,
    take_value,
    remove_value,
    repeat_value,
    rename_key,
    swap_values,
    add_value,
]


def dumped(value: Any) -> str:
    """Return a value as JSON, with what JSON forbids where the value is marked so."""
    text = json.dumps(value, separators=(",", ":"))
    mark = json.dumps(_LITERAL)[1:-1]
    while mark in text:
        before, _, after = text.partition(f'"{mark}')
        literal, _, after = after.partition('"')
        if not after:
            break
        text = before + literal + after
    return text.replace(json.dumps(_REPEATED)[1:-1], "")
