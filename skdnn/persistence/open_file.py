"""Opens a regular file for reading, and refuses folders, pipes and devices at once."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


def check_path(path: object, function: str) -> None:
    """Raise an error if a path is not the name of a file, such as an open file or an estimator."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(
            f"The 'path' parameter of {function} must be the name of a file. Got an object of the "
            f"class {type(path).__name__}."
        )


@contextmanager
def open_regular_file(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """Give a regular file that is open for reading, and its size in bytes.

    A pipe is refused instead of waiting for its other end.

    Raises
    ------
    OSError
        If the path is missing, may not be read, or is a folder, pipe or device.
    """
    if os.path.isdir(os.fspath(path)):
        raise IsADirectoryError(errno.EISDIR, "A file is expected, and this is a folder", path)
    with open(os.fspath(path), "rb", opener=_open_without_waiting) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            text = "A regular file is expected, and this is a pipe or a device"
            raise OSError(errno.EINVAL, text, path)
        yield stream, status.st_size


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
