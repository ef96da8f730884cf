"""Whatever happens while a file is written: the old one is whole, or the new one is."""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from skdnn.persistence.atomic_write import write_atomically

OLD, NEW = b"old" * 1000, b"new" * 2000


@pytest.fixture
def target(tmp_path):
    """A file that is there already, alone in its folder."""
    path = tmp_path / "m.skdnn"
    path.write_bytes(OLD)
    return path


def files_beside(path):
    return sorted(os.listdir(path.parent))


@pytest.mark.quick
@pytest.mark.parametrize("kind", [str, os.fsencode, lambda path: path])
def test_a_file_is_written_and_replaced(tmp_path, kind):
    path = tmp_path / "m.skdnn"
    for content in (OLD, NEW, b""):
        write_atomically(kind(path), content)
        assert path.read_bytes() == content
        assert files_beside(path) == ["m.skdnn"]


def test_a_path_without_a_folder_is_in_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("m.skdnn", NEW)
    assert (tmp_path / "m.skdnn").read_bytes() == NEW


def test_the_longest_name_that_the_disk_takes(tmp_path):
    write_atomically(tmp_path / ("m" * 255), NEW)
    assert os.listdir(tmp_path) == ["m" * 255]


class TestPermissions:
    @pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0, 0o666)])
    def test_a_new_file_has_those_of_any_new_file(self, tmp_path, umask, mode):
        before = os.umask(umask)
        try:
            write_atomically(tmp_path / "m.skdnn", NEW)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "m.skdnn").stat().st_mode) == mode

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
    def test_a_file_keeps_its_own(self, target, mode):
        target.chmod(mode)
        write_atomically(target, NEW)
        assert stat.S_IMODE(target.stat().st_mode) == mode

    @pytest.mark.skipif(os.name == "nt" or os.geteuid(), reason="only root gives files away")
    def test_a_file_keeps_its_owner(self, target):
        os.chown(target, 1234, 4321)
        write_atomically(target, NEW)
        assert (target.stat().st_uid, target.stat().st_gid) == (1234, 4321)

    def test_a_file_is_private_from_its_first_moment(self, target, monkeypatch):
        target.chmod(0o600)
        modes = []
        write = os.write

        def watching(file, data):
            modes.append(stat.S_IMODE(os.fstat(file).st_mode))
            return write(file, data)

        monkeypatch.setattr(os, "write", watching)
        write_atomically(target, NEW)
        assert modes == [0o600]


class TestLinks:
    @pytest.mark.parametrize("exists", [True, False])
    def test_the_file_that_a_link_points_to_is_replaced(self, tmp_path, exists):
        (tmp_path / "real").mkdir()
        real, link = tmp_path / "real" / "m.skdnn", tmp_path / "link"
        if exists:
            real.write_bytes(OLD)
        link.symlink_to("real/m.skdnn")
        write_atomically(link, NEW)
        assert link.is_symlink()
        assert real.read_bytes() == NEW
        assert (files_beside(real), files_beside(link)) == (["m.skdnn"], ["link", "real"])

    def test_a_circle_of_links(self, tmp_path):
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        with pytest.raises(OSError) as caught:
            write_atomically(tmp_path / "a", NEW)
        assert caught.value.errno == errno.ELOOP


class TestRefused:
    def test_a_folder(self, tmp_path):
        for path in (tmp_path, f"{tmp_path}/", f"{tmp_path}/new/"):
            with pytest.raises(IsADirectoryError, match="A file is expected, and this is a folder"):
                write_atomically(path, NEW)

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no such folder to write to: '.*/not/there'"):
            write_atomically(tmp_path / "not" / "there" / "m.skdnn", NEW)

    def test_a_file_in_place_of_a_folder(self, target):
        with pytest.raises(NotADirectoryError):
            write_atomically(target / "m.skdnn", NEW)

    def test_a_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="A regular file is expected, and this is a pipe"):
            write_atomically(tmp_path / "pipe", NEW)
        assert os.listdir(tmp_path) == ["pipe"]

    def test_a_write_protected_file(self, target, monkeypatch):
        target.chmod(0o444)
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # also for root
        with pytest.raises(PermissionError, match=r"The file is write-protected: '.*m\.skdnn'"):
            write_atomically(target, NEW)
        assert target.read_bytes() == OLD


@pytest.mark.parametrize("name", ["open", "fchmod", "write", "fsync", "close", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_after_any_failure_the_old_file_is_whole_and_alone(target, monkeypatch, name, number):
    call = getattr(os, name)

    def failing(*arguments):
        if name == "close":
            call(*arguments)
        raise OSError(number, os.strerror(number), "temporary")

    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing)
        with pytest.raises(OSError) as caught:
            write_atomically(target, NEW)
    assert (caught.value.errno, caught.value.filename) == (number, str(target))
    assert target.read_bytes() == OLD
    assert files_beside(target) == ["m.skdnn"]


@pytest.mark.parametrize("name", ["write", "fsync", "replace"])
def test_an_interrupt_leaves_the_old_file_alone(target, monkeypatch, name):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD
    assert files_beside(target) == ["m.skdnn"]


def test_the_file_is_synced_before_it_is_renamed_and_its_folder_after(target, monkeypatch):
    synced, fsync, replace = [], os.fsync, os.replace

    def noting_sync(file):
        kind = "folder" if stat.S_ISDIR(os.fstat(file).st_mode) else os.fstat(file).st_size
        synced.append(kind)
        fsync(file)

    def noting_rename(*paths):
        synced.append("rename")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(os, "replace", noting_rename)
    write_atomically(target, NEW)
    assert synced == [len(NEW), "rename", "folder"]


def test_a_disk_that_takes_few_bytes_at_a_time(target, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:700]))
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW


def test_a_folder_that_cannot_be_synced_as_on_windows(target, monkeypatch):
    open_, fsync = os.open, os.fsync

    def refusing(path, flags, *mode):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return open_(path, flags, *mode)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.delattr(os, "fchmod")
    monkeypatch.delattr(os, "fchown")
    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW


def run(code, *arguments):
    """Run code in a process that has imported nothing but what writes files."""
    start = "import os, resource, signal, sys\nfrom skdnn.persistence import atomic_write\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", start + code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_read_only_folder():
    code = """
if os.geteuid() == 0:
    os.setuid(1234)  # root may write anywhere
try:
    atomic_write.write_atomically(sys.argv[1], b"new")
except PermissionError as error:
    print(error)
"""
    with TemporaryDirectory() as folder:  # the folder of tmp_path is private
        path = Path(folder, "m.skdnn")
        path.write_bytes(OLD)
        path.chmod(0o666)
        os.chmod(folder, 0o555)
        assert run(code, path).communicate()[0] == f"[Errno 13] Permission denied: '{path}'\n"
        assert path.read_bytes() == OLD
        assert files_beside(path) == ["m.skdnn"]
        os.chmod(folder, 0o755)


def test_a_file_larger_than_the_limit_of_the_process(target):
    """As with a disk that is full in the middle of the file: the system takes a part of it."""
    code = """
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    atomic_write.write_atomically(sys.argv[1], b"new" * 2000)
except OSError as error:
    print(error)
"""
    assert run(code, target).communicate()[0] == f"[Errno 27] File too large: '{target}'\n"
    assert target.read_bytes() == OLD
    assert files_beside(target) == ["m.skdnn"]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here; the limit of a file's size is tried instead")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk(small_disk):
    path = small_disk / "m.skdnn"
    for n_bytes in (30_000, 40_000, 90_000):
        path.write_bytes(OLD * 10)
        with pytest.raises(OSError) as caught:
            write_atomically(path, b"x" * (n_bytes + 4096))
        assert str(caught.value) == f"[Errno 28] No space left on device: '{path}'"
        assert path.read_bytes() == OLD * 10
        assert files_beside(path) == ["m.skdnn"]
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("moment", range(10))
def test_a_process_killed_between_any_two_steps(target, moment):
    """The system calls of a write are counted; the process is killed before one of them."""
    code = """
n_left = int(sys.argv[2])

def counting(call):
    def counted(*arguments):
        global n_left
        n_left -= 1
        if n_left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)
    return counted

write = os.write
os.write = lambda file, data: write(file, data[:3000])
for name in ("open", "fchown", "fchmod", "write", "fsync", "close", "replace"):
    setattr(os, name, counting(getattr(os, name)))
atomic_write.write_atomically(sys.argv[1], b"new" * 2000)
"""
    process = run(code, target, moment)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    # open, fchown, fchmod, write, write, fsync, close and replace come before the new file.
    assert target.read_bytes() == (OLD if moment < 8 else NEW)
    left = [name for name in files_beside(target) if name != "m.skdnn"]
    assert all(name.startswith(".m.skdnn.") and name.endswith(".tmp") for name in left)
    assert len(left) == (0 < moment < 8)


N_KILLS = 20


def test_a_process_killed_at_random_moments(tmp_path):
    code = """
number = int(sys.argv[2])
print(flush=True)
while True:
    number += 1
    atomic_write.write_atomically(sys.argv[1], number.to_bytes(8, "little") * 100_000)
"""
    path, rng = tmp_path / "m.skdnn", random.Random(0)
    path.write_bytes(bytes(800_000))
    numbers = [0]
    for _ in range(N_KILLS):
        process = run(code, path, numbers[-1])
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.communicate()
        content = path.read_bytes()
        assert content == content[:8] * 100_000
        numbers.append(int.from_bytes(content[:8], "little"))
    assert numbers == sorted(numbers)
    assert numbers[-1] > 0


def test_two_processes_write_the_same_file(tmp_path):
    code = """
for _ in range(50):
    atomic_write.write_atomically(sys.argv[1], sys.argv[2].encode() * 50_000)
"""
    path = tmp_path / "m.skdnn"
    write_atomically(path, b"a" * 50_000)
    writers = [run(code, path, letter) for letter in "ab"]
    while any(writer.poll() is None for writer in writers):
        content = path.read_bytes()
        assert content in (b"a" * 50_000, b"b" * 50_000)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert files_beside(path) == ["m.skdnn"]
    for writer in writers:
        writer.stdout.close()
