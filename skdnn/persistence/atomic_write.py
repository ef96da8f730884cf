"""Writes a file that is whole at any moment: the old one until the new one is complete."""

import errno
import os
import secrets
import stat
from contextlib import suppress

_NEW_FILE = 0o666  # before the umask, as `open` has it


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a file, or make a new one, in one step.

    The bytes are written to a temporary file in the same folder, `.NAME.RANDOM.tmp`, which is
    synced to the disk and then takes the place of the target. If anything fails, the target is as
    it was and the temporary file is removed; only a process that is killed leaves it behind.

    Parameters
    ----------
    path : str or path
        The target. If it is a link, the file that it points to is replaced. An existing file
        keeps its permissions and, where that is allowed, its owner.
    data : bytes
        The content.

    Raises
    ------
    OSError
        If the file cannot be written. The error names `path`.
    """
    path = os.fsdecode(path)
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    existing = _checked_target(path, target, folder)
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        _write(temporary, data, existing)
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, path) from None
        raise
    _sync_folder(folder)


def _checked_target(path: str, target: str, folder: str) -> os.stat_result | None:
    """Return the status of the file that is replaced, or None if there is none."""
    if os.path.isdir(target) or not os.path.basename(path):
        raise IsADirectoryError(errno.EISDIR, "A file is expected, and this is a folder", path)
    try:
        existing = os.stat(target)
    except FileNotFoundError:
        if not os.path.isdir(folder):
            text = "There is no such folder to write to"
            raise FileNotFoundError(errno.ENOENT, text, folder) from None
        return None
    if not stat.S_ISREG(existing.st_mode):
        text = "A regular file is expected, and this is a pipe or a device"
        raise OSError(errno.EINVAL, text, path)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is write-protected", path)
    return existing


def _write(temporary: str, data: bytes, existing: os.stat_result | None) -> None:
    mode = stat.S_IMODE(existing.st_mode) & 0o777 if existing else _NEW_FILE
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    file = os.open(temporary, flags, mode)
    try:
        if existing and hasattr(os, "fchown"):
            with suppress(OSError):  # only root gives files away
                os.fchown(file, existing.st_uid, existing.st_gid)
            os.fchmod(file, mode)  # without the umask
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(folder: str) -> None:
    """Sync the new name to the disk, where a folder can be opened: not on Windows."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
