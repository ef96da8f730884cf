"""Takes a `.skdnn` file apart, and puts it together again, without the code of skdnn."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

SIZES = [0, 1, 2, 3, 7, 255, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, 10**30]
ITEM_SIZES = {"BOOL": 1, "U8": 1, "I32": 4, "U32": 4, "I64": 8, "U64": 8, "F32": 4, "F64": 8}


class Parts(NamedTuple):
    """A file in parts: the document's text, and the arrays in their order."""

    text: str
    tensors: tuple[tuple[str, str, tuple[int, ...], bytes], ...]


@cache
def take_apart(data: bytes) -> Parts:
    """Return the parts of a valid file."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    text = header.pop("__metadata__")["skdnn"]
    return Parts(
        text,
        tuple(
            (name, entry["dtype"], tuple(entry["shape"]), body[slice(*entry["data_offsets"])])
            for name, entry in header.items()
        ),
    )


def header_of(text: str, tensors: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return the header of a file, in which the arrays follow each other."""
    header: dict[str, Any] = {"__metadata__": {"skdnn": text}}
    position = 0
    for name, dtype, shape, content in tensors:
        end = position + len(content)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, end]}
        position = end
    return header


def framed(header: str, body: bytes) -> bytes:
    """Return the bytes of a file."""
    text = header.encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + body
