"""One safetensors file: named arrays, and one JSON document. Reading checks all but their meaning.

The file begins with the length of its header (8 bytes, little-endian) and the header, which is
JSON. Every key of the header names an array and gives its dtype, shape and bytes; the key
`__metadata__` has the document as a text under the key `skdnn`. The bytes of the arrays follow.

Every later format version keeps the document's keys `format`, `format_version` and
`skdnn_version`, so that each version of skdnn can say which one reads a file.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from operator import itemgetter
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.numpy

from skdnn import __version__
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.atomic_write import write_atomically
from skdnn.persistence.foreign_files import looks_like
from skdnn.persistence.open_file import open_regular_file
from skdnn.persistence.strict_json import parse_json, shown

FORMAT_VERSION = 1
MOST_BYTES = 2**36
MOST_HEADER_BYTES = 2**22
MOST_ARRAYS = 16_384
MOST_DIMENSIONS = 8

DTYPES = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_METADATA, _KEY = "__metadata__", "skdnn"
_ENTRY = {"dtype", "shape", "data_offsets"}
_LENGTH = 8  # bytes of the length of the header


@dataclass(frozen=True)
class Container:
    """What is in a file.

    Attributes
    ----------
    document : dict
        The JSON document.
    arrays : dict of ndarray
        The arrays, each with memory of its own that can be written to.
    skdnn_version : str
        The version of skdnn that wrote the file.
    """

    document: dict[str, Any]
    arrays: dict[str, np.ndarray]
    skdnn_version: str


def write_container(
    path: str | os.PathLike[str], document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a document and arrays to a file, which is whole at any moment.

    Parameters
    ----------
    path : str or path
        Where to write. A file that is there is replaced.
    document : dict
        What JSON can hold, with finite numbers.
    arrays : dict of ndarray
        Arrays of one of the dtypes in `DTYPES`, in any byte order and memory layout.
    """
    write_atomically(path, pack(document, arrays))


def pack(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a file. The same document and arrays always give the same bytes."""
    whole = {
        "format": _KEY,
        "format_version": FORMAT_VERSION,
        "skdnn_version": __version__,
        "content": document,
    }
    text = json.dumps(whole, allow_nan=False, separators=(",", ":"))
    tensors = {name: _tensor(name, array) for name, array in arrays.items()}
    data = safetensors.numpy.save(tensors, {_KEY: text})
    _checked_start(data, len(data), "The file")  # nothing is written that cannot be read
    return data


def _tensor(name: str, array: np.ndarray) -> np.ndarray:
    dtype = array.dtype.newbyteorder("<")
    if dtype not in DTYPES.values():
        raise ValueError(f"Array {name!r} has dtype {array.dtype}, which a .skdnn file has not.")
    return np.asarray(array, dtype, order="C")


def read_container(path: str | os.PathLike[str]) -> Container:
    """Read a file, and check all that does not depend on what its document means.

    The file is read once. Memory stays within twice its size and 64 MB, whatever it holds.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    container : Container
        Its document and its arrays.

    Raises
    ------
    InvalidFileError
        If it is not a `.skdnn` file, is damaged, or has a newer format.
    OSError
        If it is missing, may not be read, or is no regular file.
    """
    with open_regular_file(path) as (stream, size):
        return _read(stream, size, os.fsdecode(path))


def unpack(data: bytes, name: str = "The file") -> Container:
    """Read the bytes of a file, as `read_container` does."""
    return _read(BytesIO(data), len(data), name)


def _read(stream: BinaryIO, size: int, name: str) -> Container:
    data = stream.read(min(size, _LENGTH + MOST_HEADER_BYTES))
    document, version = _checked_start(data, size, name)
    if size > len(data):
        data += stream.read(size - len(data))
    if len(data) < size or stream.read(1):
        raise InvalidFileError(f"{name} changed while it was read.")
    try:
        tensors = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise InvalidFileError(f"{name} is not a valid safetensors file: {error}.") from None
    pairs = sorted(tensors, key=itemgetter(0))  # safetensors gives them in any order
    arrays = {key: _array(key, tensor, name) for key, tensor in pairs}
    return Container(document, arrays, version)


def _array(key: str, tensor: dict[str, Any], name: str) -> np.ndarray:
    """Return an array in the memory that safetensors made for it alone."""
    dtype = DTYPES[tensor["dtype"]]
    array: np.ndarray = np.ndarray(tensor["shape"], dtype, tensor["data"])
    if dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise InvalidFileError(f"{name}: array {shown(key)} has bytes that are not 0 or 1.")
    return array


def _checked_start(start: bytes, size: int, name: str) -> tuple[dict[str, Any], str]:
    """Check all but the bytes of the arrays; return the document and the version of the writer.

    `start` is what the file of `size` bytes begins with: at least the longest header.
    """
    if not size:
        raise InvalidFileError(f"{name} is empty: it has no bytes.")
    if size > MOST_BYTES:
        raise InvalidFileError(f"{name} has {size:,} bytes, and {MOST_BYTES:,} are the most.")
    length = int.from_bytes(start[:_LENGTH], "little")
    if length > MOST_HEADER_BYTES or start[_LENGTH : _LENGTH + 1] not in (b"{", b""):
        raise InvalidFileError(_not_ours(start, length, name))
    header = start[_LENGTH : _LENGTH + length]
    if len(header) < length or len(start) < _LENGTH:
        raise InvalidFileError(
            f"{name} is truncated: a header of {length:,} bytes should follow the first {_LENGTH}, "
            f"and {max(0, size - _LENGTH):,} follow."
        )
    entries = parse_json(header, f"{name}: the header")
    document, version = _document(entries, name)
    promised = _bytes_of_arrays(entries, name)
    follow = size - _LENGTH - length
    if follow < promised:
        raise InvalidFileError(
            f"{name} is truncated: its header promises {promised:,} bytes of arrays, "
            f"and {follow:,} follow."
        )
    if follow > promised:
        raise InvalidFileError(
            f"{name} is too long: bytes follow its last array ({follow - promised:,})."
        )
    return document, version


def _not_ours(start: bytes, length: int, name: str) -> str:
    if start[_LENGTH : _LENGTH + 1] == b"{":
        return f"{name} has a header of {length:,} bytes, and {MOST_HEADER_BYTES:,} are the most."
    return f"{name} is not a .skdnn file. It looks like {looks_like(start)}."


def _document(entries: Any, name: str) -> tuple[dict[str, Any], str]:
    """Take the document out of the entries of the header."""
    metadata = entries.pop(_METADATA, None) if isinstance(entries, dict) else None
    if not isinstance(metadata, dict) or _KEY not in metadata:
        raise InvalidFileError(
            f"{name} is not a .skdnn file. It looks like a safetensors file of another tool: it "
            f"has no text {_KEY!r} in its metadata."
        )
    text = metadata[_KEY]
    if not isinstance(text, str) or len(metadata) > 1:
        raise InvalidFileError(f"{name}: the metadata must be one text, {_KEY!r}.")
    what = f"{name}: the document"
    whole = parse_json(text.encode(), what)
    if not isinstance(whole, dict) or whole.get("format") != _KEY:
        raise InvalidFileError(f"{what} must be an object with the format {_KEY!r}.")
    version = _version(whole, name)
    if whole.keys() != {"format", "format_version", "skdnn_version", "content"}:
        raise InvalidFileError(f"{what} has other keys than format version 1: {shown([*whole])}.")
    if not isinstance(whole["content"], dict):
        raise InvalidFileError(f"{what} must have an object as its content.")
    return whole["content"], version


def _version(whole: dict[str, Any], name: str) -> str:
    """Return the version of skdnn that wrote a file of a format version that is read here."""
    number, writer = whole.get("format_version"), whole.get("skdnn_version")
    if type(number) is not int or number < 1:
        raise InvalidFileError(f"{name} has no format version: {shown(number)}.")
    if not isinstance(writer, str) or not re.fullmatch(r"[0-9A-Za-z.+-]{1,40}", writer):
        raise InvalidFileError(f"{name} has no version of skdnn: {shown(writer)}.")
    if number > FORMAT_VERSION:
        raise InvalidFileError(
            f"{name} was written by skdnn {writer} in format version {number}; this skdnn "
            f"{__version__} reads version {FORMAT_VERSION}: install a newer skdnn."
        )
    return writer


def _bytes_of_arrays(entries: dict[str, Any], name: str) -> int:
    """Return how many bytes the arrays of a header take. They follow each other without gaps."""
    if len(entries) > MOST_ARRAYS:
        raise InvalidFileError(f"{name} has {len(entries):,} arrays, and {MOST_ARRAYS:,} are most.")
    position = 0
    for key, entry in entries.items():
        what = f"{name}: array {shown(key)}"
        if not isinstance(entry, dict) or entry.keys() != _ENTRY:
            raise InvalidFileError(f"{what} must have dtype, shape and data_offsets, and no more.")
        n_bytes = _n_bytes(entry["dtype"], entry["shape"], what)
        offsets = entry["data_offsets"]
        if not _are_sizes(offsets) or offsets != [position, position + n_bytes]:
            raise InvalidFileError(
                f"{what} of {n_bytes:,} bytes must have the data_offsets "
                f"{[position, position + n_bytes]}, not {shown(offsets)}."
            )
        position += n_bytes
    return position


def _n_bytes(dtype: Any, shape: Any, what: str) -> int:
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise InvalidFileError(
            f"{what} has the dtype {shown(dtype)}, and there are: {', '.join(DTYPES)}."
        )
    if not _are_sizes(shape) or len(shape) > MOST_DIMENSIONS:
        raise InvalidFileError(
            f"{what} has the shape {shown(shape)}: up to {MOST_DIMENSIONS} lengths are expected."
        )
    item: int = DTYPES[dtype].itemsize
    if item * math.prod(length or 1 for length in shape) > MOST_BYTES:
        raise InvalidFileError(f"{what} has the shape {shape}, which is too large.")
    n_bytes: int = item * math.prod(shape)
    return n_bytes


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)
