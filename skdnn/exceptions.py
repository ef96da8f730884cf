"""Errors of skdnn that have a class of their own."""

__all__ = ["InvalidFileError"]


class InvalidFileError(ValueError):
    """A file is not a `.skdnn` file that this version of skdnn can read.

    `skdnn.load` raises it for files of another kind, for damaged files, and for files of a newer
    format version. The message says what is wrong. A file that is missing or cannot be opened
    raises an `OSError` instead.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skdnn
    >>> from skdnn.exceptions import InvalidFileError
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.skdnn")
    ...     _ = path.write_bytes(b"")
    ...     try:
    ...         skdnn.load(path)
    ...     except InvalidFileError as error:
    ...         print(str(error).replace(folder, "."))
    ./model.skdnn is empty: it has no bytes.
    """


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
