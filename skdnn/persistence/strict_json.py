"""JSON from files that nobody has checked: limits first, then a parser that accepts no doubt.

Every check of a size is made before the parser runs, because a parsed value takes up to a hundred
times the memory of its text.
"""

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

import numpy as np

from skdnn.exceptions import InvalidFileError

MOST_VALUES = 200_000
MOST_NESTED = 32
MOST_DIGITS = 40  # of an integer; an integer of 128 bits has 39

# Half of a character without its other half, which follows or precedes it.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u[dD])[c-fC-F]..)", re.DOTALL
)


def parse_json(text: bytes, what: str) -> Any:
    """Return the value of a JSON text in ASCII.

    Parameters
    ----------
    text : bytes
        The text. Other characters than ASCII are written as escapes.
    what : str
        Names the text in errors, as in "model.skdnn: the header".

    Returns
    -------
    value : dict, list, str, int, float, bool or None
        The value. Floats are finite, and text can be encoded in UTF-8.

    Raises
    ------
    InvalidFileError
        If the text has too many values, is nested too deeply, is not JSON, or is JSON that readers
        understand in different ways: repeated keys, NaN, infinity, half characters.
    """
    if not text.isascii():
        raise InvalidFileError(f"{what} has bytes that are not ASCII text.")
    _check_sizes(text, what)
    try:
        return _DECODER.decode(text.decode("ascii"))
    except json.JSONDecodeError as error:
        problem = f"{error.msg} (character {error.pos:,})"
    except ValueError as error:
        problem = str(error)
    raise InvalidFileError(f"{what} is not valid JSON: {problem}.")


def _check_sizes(text: bytes, what: str) -> None:
    plain = text.replace(b"\\\\", b"xx")  # then a backslash escapes what follows it
    if _LONE_SURROGATE.search(plain):
        raise InvalidFileError(f"{what} has half of a character: a lone surrogate.")
    codes = np.frombuffer(plain.replace(b'\\"', b""), np.uint8)
    n_quotes = np.cumsum(codes == ord('"'), dtype=np.uint8)  # modulo 256: odd within a text
    codes = codes[n_quotes % 2 == 0]
    opens = (codes == ord("[")) | (codes == ord("{"))
    closes = (codes == ord("]")) | (codes == ord("}"))
    n_values = np.count_nonzero(codes == ord(",")) + np.count_nonzero(opens) + 1
    if n_values > MOST_VALUES:
        raise InvalidFileError(f"{what} has more than {MOST_VALUES:,} values.")
    steps = opens.view(np.int8) - closes.view(np.int8)
    if np.cumsum(steps, dtype=np.int32).max(initial=0) > MOST_NESTED:
        raise InvalidFileError(f"{what} is nested more than {MOST_NESTED} levels deep.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((repeated, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(repeated)} is there twice")
    return found


def _integer(text: str) -> int:
    n_digits = len(text.lstrip("-"))
    if n_digits > MOST_DIGITS:
        raise ValueError(f"a number has {n_digits:,} digits, and {MOST_DIGITS} are the most")
    return int(text)


def _float(text: str) -> float:
    if len(text) > MOST_DIGITS or not math.isfinite(value := float(text)):
        raise ValueError(f"the number {shown(text)} is too large or too long")
    return value


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def shown(value: object, most: int = 60) -> str:
    """Return a value from a file as an error shows it: in one short line."""
    text = value if isinstance(value, str) else repr(value)
    short = text if len(text) <= most else text[:most] + "..."
    return ascii(short) if isinstance(value, str) else short
