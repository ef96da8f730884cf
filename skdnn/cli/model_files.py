"""Model files: how commands open, check and write them."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skdnn.cli.errors import CommandError, did_you_mean, one_line
from skdnn.cli.sources import STDIN, ending_of, read_standard_input

MODEL_ENDING = ".skdnn"
# The entry of the metadata that says how the numbers of the training file were written, as JSON.
DATA_FORM = "data_form"
_UNITS = ("bytes", "kB", "MB", "GB")


@contextlib.contextmanager
def model_path(model: str) -> Iterator[Path]:
    """Yield the path of a model file. A dash is the content of standard input.

    Errors of reading the file become errors of the command.
    """
    from skdnn.exceptions import InvalidFileError

    with contextlib.ExitStack() as stack:
        if model == STDIN:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            path = Path(folder, "model" + MODEL_ENDING)
            path.write_bytes(read_standard_input())
        else:
            path = _checked(model)
        try:
            yield path
        except InvalidFileError as error:
            text = one_line(error)
            text = text.replace(str(path), "standard input") if model == STDIN else text
            raise CommandError(text) from error


def _checked(model: str) -> Path:
    path = Path(model)
    if path.is_dir():
        raise CommandError(f"cannot read {model}: it is a folder, not a model")
    if not path.exists():
        near = [entry.name for entry in _listed(path.parent) if entry.suffix == MODEL_ENDING]
        raise CommandError(f"there is no file {model}{did_you_mean(path.name, near)}")
    if ending_of(model) is not None:
        raise CommandError(
            f"{model} is a data file, but MODEL must be a file that 'skdnn train' or skdnn.save "
            f"wrote"
        )
    return path


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def check_folder(path: str, option: str = "-o") -> None:
    """Raise an error if no file can be written at a path, before anything takes long."""
    folder = Path(path).parent
    if Path(path).is_dir():
        raise CommandError(f"{option}: {path} is a folder")
    if not folder.is_dir():
        raise CommandError(f"{option}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise CommandError(f"{option}: cannot write to the folder {folder}")
    if Path(path).exists() and not os.access(path, os.W_OK):
        raise CommandError(f"{option}: {path} is write-protected")


def check_standard_output() -> None:
    """Raise an error if standard output is a terminal, which bytes would only confuse."""
    if sys.stdout is None:
        raise CommandError("standard output is closed: name a file")
    if sys.stdout.isatty():
        raise CommandError(
            "standard output is a terminal, which shows no binary files: add '> FILE', or name the "
            "file"
        )


def write_model(model: Any, output: str, metadata: dict[str, Any]) -> None:
    """Save a model in a file, or write it to standard output for a dash."""
    from skdnn.persistence.save import save

    try:
        if output != STDIN:
            save(model, output, metadata=metadata)
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model" + MODEL_ENDING)
            save(model, path, metadata=metadata)
            sys.stdout.buffer.write(path.read_bytes())
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "standard output" if output == STDIN else output
        raise CommandError(f"cannot write {name}: {error.strerror or one_line(error)}") from error


def size_of(path: str) -> str:
    """Return the size of a file, such as 12.3 kB."""
    return size_text(Path(path).stat().st_size)


def size_text(n_bytes: int) -> str:
    """Return a number of bytes as a text, such as 12.3 kB."""
    size, unit = float(n_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}" if unit else f"{size:.0f} bytes"
