"""Writes columns of predictions to a file or to standard output."""

import csv
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from skdnn._utils.text import encodable
from skdnn.cli.errors import CommandError, one_line
from skdnn.cli.sources import PACKED, STDIN, TEXT, Ending, ending_of

if TYPE_CHECKING:
    import numpy as np

Columns = dict[str, "np.ndarray"]


def write(parts: Iterable[Columns], output: str | None) -> None:
    """Write the parts of a table one below the other.

    Parameters
    ----------
    parts : iterable of dict
        Columns by name. The names are the same in all parts.
    output : str or None
        A file, whose ending decides the format, or a dash or None for CSV on standard output. A
        file is replaced when all parts are written.
    """
    if output is None or output == STDIN:
        with _standard_output() as stream:
            _write_text(parts, stream, ",")
        return
    from skdnn.persistence.atomic_write import write_atomically

    ending = ending_of(output) or Ending(".csv")
    content = _WRITERS[ending.kind](parts, ending)
    try:
        write_atomically(output, content)
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror or one_line(error)}") from error


def _as_text(parts: Iterable[Columns], ending: Ending) -> bytes:
    buffer = io.BytesIO()
    opened = PACKED[ending.packing](buffer, "wb") if ending.packing else buffer
    stream = io.TextIOWrapper(opened, encoding="utf-8", newline="")
    _write_text(parts, stream, TEXT[ending.kind])
    stream.flush()
    if ending.packing:
        stream.close()
    return buffer.getvalue()


def _as_parquet(parts: Iterable[Columns], ending: Ending) -> bytes:
    try:
        import pandas as pd

        buffer = io.BytesIO()
        pd.DataFrame(_joined(parts)).to_parquet(buffer, index=False)
    except ImportError as error:
        needs = "pandas pyarrow"
        raise CommandError(
            f"writing {ending.kind} needs pandas and pyarrow: pip install {needs}"
        ) from error
    return buffer.getvalue()


def _as_npz(parts: Iterable[Columns], ending: Ending) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # np.savez takes no array named "file"
        for name, column in _joined(parts).items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, _without_objects(column), allow_pickle=False)
    return buffer.getvalue()


def _without_objects(column: "np.ndarray") -> "np.ndarray":
    """Return text and integers in a dtype of NumPy's own, because an archive holds no objects."""
    import numpy as np

    if column.dtype != object:
        return column
    plain = np.array(column.tolist())
    return plain.astype(str) if plain.dtype == object else plain


def _joined(parts: Iterable[Columns]) -> Columns:
    import numpy as np

    tables = list(parts)
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


_WRITERS = {**dict.fromkeys(TEXT, _as_text), ".parquet": _as_parquet, ".npz": _as_npz}


def _write_text(parts: Iterable[Columns], stream: IO[str], sep: str) -> None:
    writer = csv.writer(stream, delimiter=sep, lineterminator="\n")
    for i, columns in enumerate(parts):
        if not i:
            writer.writerow(columns)
        writer.writerows(zip(*map(_texts, columns.values()), strict=True))


def _texts(column: "np.ndarray") -> list[Any]:
    """Return the values of a column, whose texts keep every digit and have no more."""
    shortest = column.astype(str) if column.dtype == "float32" else column
    values: list[Any] = shortest.tolist()
    return values


@contextmanager
def _standard_output() -> Iterator[IO[str]]:
    """Yield standard output, in UTF-8 unless it is a terminal of another encoding."""
    out = sys.stdout
    if out is None:
        raise CommandError("standard output is closed: name a file with -o")
    raw = getattr(out, "buffer", None)
    if out.isatty() or raw is None:
        buffer = io.StringIO()
        yield buffer
        out.write(encodable(buffer.getvalue(), out))
        return
    out.flush()
    stream = io.TextIOWrapper(raw, encoding="utf-8", newline="")
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()  # closes nothing
