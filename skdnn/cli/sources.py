"""Where a table or an array is read from: a file, or standard input."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from skdnn.cli.errors import CommandError, did_you_mean

STDIN = "-"
# ending of a compressed file -> function that opens the file
PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TEXT = {".csv": ",", ".tsv": "\t"}  # ending -> usual separator
_BINARY = (".parquet", ".npz")
ENDINGS = f".csv or .tsv (also compressed: {', '.join(PACKED)}), .parquet or .npz"
# The first bytes of what comes through a pipe, which has no name with an ending.
_PACKED_BYTES = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ": ".xz"}
_BINARY_BYTES = {b"PAR1": ".parquet", b"PK\x03\x04": ".npz"}


class Ending(NamedTuple):
    """The ending that decides how to read or write a file, and that of its compression."""

    kind: str  # .csv, .tsv, .parquet or .npz
    packing: str = ""  # .gz, .bz2, .xz, or nothing


class Source(NamedTuple):
    """What is read. A file has a path, and standard input the content."""

    name: str  # for messages
    ending: Ending
    path: str | None = None
    content: bytes = b""

    @property
    def is_text(self) -> bool:
        """Whether the source is delimited text."""
        return self.ending.kind in TEXT

    def open(self) -> IO[bytes]:
        """Open the decompressed content."""
        raw = io.BytesIO(self.content) if self.path is None else self.path
        opener = PACKED.get(self.ending.packing, open if self.path else _as_it_is)
        opened: IO[bytes] = opener(raw, "rb")
        return opened


def _as_it_is(raw: io.BytesIO, mode: str) -> io.BytesIO:
    return raw


def ending_of(path: str) -> Ending | None:
    """Return the ending of a file name, or None if no reader knows it."""
    name = path.lower()
    packing = next((end for end in PACKED if name.endswith(end)), "")
    known = TEXT if packing else [*TEXT, *_BINARY]
    kind = next((end for end in known if name.removesuffix(packing).endswith(end)), None)
    return None if kind is None else Ending(kind, packing)


def file_source(path: str) -> Source:
    """Return a file as a source. A name without a known ending and a missing file are errors."""
    ending = ending_of(path)
    if path.lower().endswith(".skdnn"):
        raise CommandError(f"{path} is a model, but DATA must be a file that ends in {ENDINGS}")
    if Path(path).is_dir():
        raise CommandError(f"cannot read {path}: it is a folder, not a file")
    if not Path(path).exists():
        raise CommandError(f"there is no file {path}{_near(path)}")
    if not Path(path).is_file():  # such as /dev/fd/63, which stands for a pipe
        return _piped(path, Path(path).read_bytes())
    if ending is None:
        raise CommandError(f"cannot read {path}: the name of a file must end in {ENDINGS}")
    return Source(path, ending, path)


def _near(path: str) -> str:
    """Return a hint with the files whose names are most similar to that of a missing file."""
    try:
        known = [entry.name for entry in Path(path).parent.iterdir() if ending_of(entry.name)]
    except OSError:
        return ""
    return did_you_mean(Path(path).name, known)


def standard_input() -> Source:
    """Return the content of standard input as a source, whose first bytes tell what it is."""
    return _piped("standard input", read_standard_input())


def _piped(name: str, content: bytes) -> Source:
    packing = next((p for start, p in _PACKED_BYTES.items() if content.startswith(start)), "")
    kind = next((k for start, k in _BINARY_BYTES.items() if content.startswith(start)), ".csv")
    return Source(name, Ending(kind, packing), None, content)


def read_standard_input() -> bytes:
    """Return all bytes of standard input. No bytes are an error."""
    content: bytes = b"" if sys.stdin is None else sys.stdin.buffer.read()
    if not content:
        raise CommandError("standard input is empty: pass the data through a pipe or '< FILE'")
    return content
