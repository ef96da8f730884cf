"""What is opened for reading, and what is not."""

import os

import pytest

from skdnn.persistence.container import read_container
from skdnn.persistence.open_file import open_regular_file


@pytest.mark.parametrize("kind", [str, os.fsencode, lambda path: path])
def test_a_file_and_its_size(tmp_path, kind):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with open_regular_file(kind(path)) as (stream, size):
        assert (stream.read(), size) == (b"content", 7)


def test_a_link_to_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    with open_regular_file(tmp_path / "link") as (stream, _):
        assert stream.read() == b"content"


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: '.*missing\.skdnn'"):
        read_container(tmp_path / "missing.skdnn")


def test_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="A file is expected, and this is a folder"):
        read_container(tmp_path)


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="A regular file is expected, and this is a pipe or a device"):
        read_container(tmp_path / "pipe")


def test_a_device():
    with pytest.raises(OSError, match="this is a pipe or a device: '/dev/zero'"):
        read_container("/dev/zero")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "m.skdnn"
    path.write_bytes(b"")

    def refusing(path, flags):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refusing)  # also for root
    with pytest.raises(PermissionError, match=r"Permission denied: '.*m\.skdnn'"):
        read_container(path)


@pytest.mark.parametrize("path", [3, None, 2.5])
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike object, not"):
        read_container(path)
