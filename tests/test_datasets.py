"""Fashion-MNIST is found, verified, downloaded and rejected as documented, without a network."""

import gzip
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from skdnn import datasets
from skdnn.datasets import load_fashion_mnist

N_ROWS = {"train": 6, "t10k": 3}


def idx(array):
    """Return the content of an IDX file of bytes, by the format's description."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, packed in files.items():
        (folder / name).write_bytes(packed)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def arrays():
    """Tiny images and labels by part; no two parts have a row in common."""
    rng = np.random.default_rng(0)
    return {
        part: (rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8))
        for part, n in N_ROWS.items()
    }


@pytest.fixture(scope="module")
def files(arrays):
    """The four .gz files of the tiny arrays, by name."""
    packed = {}
    for part, (images, labels) in arrays.items():
        packed[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images))
        packed[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    return packed


@pytest.fixture(scope="module")
def train_files(files):
    return {name: packed for name, packed in files.items() if name.startswith("train")}


class Server(ThreadingHTTPServer):
    """Stands in for Keras's server: serves `files`, remembers what was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.missing_bytes = {}, [], 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/data/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        packed = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(packed) + self.server.missing_bytes))
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(files, tmp_path, monkeypatch):
    """A world of the tiny files only: they are on the server, and no folder has any."""
    with Server() as server:
        server.files = dict(files)
        digests = {n: hashlib.sha256(gzip.decompress(p)).hexdigest() for n, p in files.items()}
        monkeypatch.setattr(datasets, "_URL", f"http://127.0.0.1:{server.server_port}/data/")
        monkeypatch.setattr(datasets, "_SHA256", digests)
        monkeypatch.setattr(datasets, "_DEBIAN_FOLDER", str(tmp_path / "debian"))
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(server, tmp_path):
    return tmp_path / "keras" / "datasets" / "fashion-mnist"


@pytest.fixture
def debian(server, tmp_path):
    return tmp_path / "debian"


# What is returned.


@pytest.mark.parametrize(
    ("split", "parts"), [("train", ["train"]), ("test", ["t10k"]), ("all", ["train", "t10k"])]
)
def test_a_split_is_its_rows_in_order(split, parts, arrays, files, cache):
    write(cache, files)
    X, y = load_fashion_mnist(split=split, return_X_y=True)
    np.testing.assert_array_equal(X, np.concatenate([arrays[part][0] for part in parts]))
    np.testing.assert_array_equal(y, np.concatenate([arrays[part][1] for part in parts]))


def test_train_is_the_default(files, cache):
    write(cache, files)
    assert len(load_fashion_mnist().data) == N_ROWS["train"]


@pytest.mark.parametrize("split", ["train", "all"])
def test_arrays_are_contiguous_and_can_be_written_to(split, files, cache):
    write(cache, files)
    X, y = load_fashion_mnist(split=split, return_X_y=True)
    assert (X.dtype, y.dtype) == (np.uint8, np.int64)
    assert X.flags.c_contiguous
    assert X.flags.writeable
    assert y.flags.writeable


def test_bunch_holds_data_names_and_source(arrays, files, cache):
    write(cache, files)
    bunch = load_fashion_mnist()
    assert set(bunch) == {"data", "target", "target_names", "DESCR"}
    np.testing.assert_array_equal(bunch.data, arrays["train"][0])
    assert bunch.target_names[[0, 9]].tolist() == ["T-shirt/top", "Ankle boot"]
    assert bunch.target_names.shape == (10,)
    assert "arXiv:1708.07747" in bunch.DESCR
    assert "MIT licence" in bunch.DESCR


# The places that are searched.


def test_keras_cache_comes_before_debian(train_files, cache, debian, server):
    write(cache, train_files)
    write(debian, dict.fromkeys(train_files, b"never read"))
    load_fashion_mnist()
    assert server.asked == []


def test_debian_comes_before_the_network(train_files, cache, debian, server):
    write(debian, train_files)
    load_fashion_mnist()
    assert server.asked == []
    assert not cache.exists()


def test_each_file_is_taken_from_where_it_is(train_files, cache, debian, server):
    (images, packed_images), (labels, packed_labels) = train_files.items()
    write(cache, {images: packed_images})
    write(debian, {labels: packed_labels})
    load_fashion_mnist()
    assert server.asked == []


def test_only_the_files_of_the_split_are_asked_for(train_files, cache, server):
    load_fashion_mnist(split="train")
    assert sorted(server.asked) == sorted(train_files)
    assert contents(cache) == train_files


@pytest.fixture
def home(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # Windows's name for it
    return tmp_path


@pytest.mark.parametrize("is_empty", [False, True])
def test_without_keras_home_the_cache_is_in_the_home(
    is_empty, train_files, home, server, monkeypatch
):
    monkeypatch.delenv("KERAS_HOME")
    if is_empty:
        monkeypatch.setenv("KERAS_HOME", "")
    write(home / ".keras" / "datasets" / "fashion-mnist", train_files)
    load_fashion_mnist()
    assert server.asked == []


@pytest.mark.parametrize("kind", [str, Path])
def test_data_home_is_the_only_place(kind, train_files, cache, debian, server, tmp_path):
    write(cache, train_files)
    write(debian, train_files)
    load_fashion_mnist(data_home=kind(tmp_path / "new" / "own"))
    assert sorted(server.asked) == sorted(train_files)
    assert contents(tmp_path / "new" / "own") == train_files


def test_data_home_may_start_with_a_tilde(train_files, home, server):
    write(home / "mine", train_files)
    load_fashion_mnist(data_home="~/mine")
    assert server.asked == []


# The download.


def test_a_download_is_kept(files, cache, server):
    first = load_fashion_mnist(split="all")
    server.asked.clear()
    second = load_fashion_mnist(split="all", download_if_missing=False)
    np.testing.assert_array_equal(first.data, second.data)
    assert contents(cache) == files
    assert server.asked == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_download_is_as_readable_as_any_file(cache, server, tmp_path):
    (tmp_path / "any").touch()
    load_fashion_mnist()
    modes = {path.stat().st_mode for path in cache.iterdir()}
    assert modes == {(tmp_path / "any").stat().st_mode}


def test_a_download_with_a_wrong_checksum_is_refused(files, cache, server):
    server.files = dict.fromkeys(files, gzip.compress(b"something else"))
    with pytest.raises(OSError, match=r"nor be downloaded \(The SHA-256 checksum of its content"):
        load_fashion_mnist()
    assert not cache.exists()


@pytest.mark.parametrize(
    ("missing_bytes", "reason"),
    [(0, "Compressed file ended before"), (9, r"IncompleteRead\(\d+ bytes read, 9 more expected")],
)
def test_a_truncated_download_leaves_nothing(missing_bytes, reason, files, cache, server):
    server.files = {name: packed[:-9] for name, packed in files.items()}
    server.missing_bytes = missing_bytes
    with pytest.raises(OSError, match=rf"nor be downloaded \({reason}"):
        load_fashion_mnist()
    assert not cache.exists()


def test_an_interrupted_write_leaves_nothing(cache, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_fashion_mnist()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("is_given", [False, True])
@pytest.mark.parametrize("refused", ["mkdir", "write_bytes"])
def test_a_folder_that_cannot_be_written_to_does_not_keep_the_data_back(
    refused, is_given, arrays, cache, server, monkeypatch
):
    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, refused, refuse)
    bunch = load_fashion_mnist(data_home=cache if is_given else None)
    np.testing.assert_array_equal(bunch.data, arrays["train"][0])
    np.testing.assert_array_equal(bunch.target, arrays["train"][1])
    assert not list(cache.glob("*"))


def test_a_folder_that_cannot_be_read_does_not_keep_the_data_back(arrays, cache, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    np.testing.assert_array_equal(load_fashion_mnist().data, arrays["train"][0])


@pytest.fixture
def homeless(server, monkeypatch):
    """A process without HOME whose user is in no list of users, as in many containers."""

    def refuse(*args):
        raise KeyError("getpwuid(): uid not found")

    pwd = pytest.importorskip("pwd")
    monkeypatch.setattr(pwd, "getpwuid", refuse)
    monkeypatch.setattr(pwd, "getpwnam", refuse)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("KERAS_HOME")


@pytest.mark.parametrize("keras_home", [None, "", "~/keras", "~nobody-of-this-name/keras"])
def test_a_user_without_a_home_gets_the_data(
    keras_home, arrays, train_files, homeless, debian, server, monkeypatch
):
    if keras_home is not None:
        monkeypatch.setenv("KERAS_HOME", keras_home)
    np.testing.assert_array_equal(load_fashion_mnist().data, arrays["train"][0])
    assert sorted(server.asked) == sorted(train_files)
    server.asked.clear()
    write(debian, train_files)
    np.testing.assert_array_equal(load_fashion_mnist().data, arrays["train"][0])
    assert server.asked == []


def test_a_data_home_without_a_home_is_named(homeless):
    with pytest.raises(OSError, match=r"'data_home' parameter of .* Got '~/mine', but there is no"):
        load_fashion_mnist(data_home="~/mine")


def test_a_silent_server_times_out(cache, monkeypatch):
    monkeypatch.setattr(datasets, "_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(datasets, "_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(OSError, match=r"nor be downloaded \(timed out\)"):
            load_fashion_mnist()


def test_the_address_is_keras_own():
    # Read, not imported: that would start TensorFlow.
    source = Path(find_spec("keras").origin).parent / "src" / "datasets" / "fashion_mnist.py"
    text = source.read_text(encoding="utf-8")
    assert f'"{datasets._URL}"' in text
    assert all(f'"{name}"' in text for name in datasets._SHA256)


# Damaged and foreign files.


def damage(packed):
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


DAMAGES = {
    "flipped": damage,
    "no_deflate": lambda packed: packed[:10] + b"\xff" * (len(packed) - 10),
    "truncated": lambda packed: packed[:-20],
    "empty": lambda packed: b"",
    "no_gzip": lambda packed: b"<html>Not found</html>",
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_replaced(kind, train_files, cache):
    write(cache, {name: DAMAGES[kind](packed) for name, packed in train_files.items()})
    load_fashion_mnist()
    assert contents(cache) == train_files


def test_a_damaged_file_is_passed_over_for_the_next_place(train_files, cache, debian, server):
    write(cache, {name: damage(packed) for name, packed in train_files.items()})
    write(debian, train_files)
    load_fashion_mnist()
    assert server.asked == []


def test_a_damaged_file_is_named_where_it_cannot_be_replaced(train_files, server, tmp_path):
    write(tmp_path, {name: packed[:-20] for name, packed in train_files.items()})
    message = rf"train-images-idx3-ubyte\.gz could not be read from \S+{tmp_path.name} \(Compressed"
    with pytest.raises(OSError, match=message):
        load_fashion_mnist(data_home=tmp_path, download_if_missing=False)


def test_a_whole_file_with_other_content_is_never_overwritten(train_files, server, tmp_path):
    # MNIST's own files, for one: they have the same names.
    digits = write(tmp_path / "mnist", dict.fromkeys(train_files, gzip.compress(b"MNIST's digits")))
    before = contents(digits)
    with pytest.raises(OSError, match=r"is not Fashion-MNIST's\), nor .*there is not overwritten"):
        load_fashion_mnist(data_home=digits)
    assert contents(digits) == before
    assert server.asked == []


def test_a_file_for_a_folder_is_left_alone(server, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"file \(Not a directory\), nor .*there is not overwritten"):
        load_fashion_mnist(data_home=tmp_path / "file")
    assert contents(tmp_path) == {"file": b"mine"}


def test_the_same_content_in_another_compression_is_accepted(train_files, cache, server):
    repacked = {n: gzip.compress(gzip.decompress(p), 1, mtime=0) for n, p in train_files.items()}
    write(cache, repacked)
    load_fashion_mnist()
    assert server.asked == []


# Errors and their messages.


def test_the_error_names_the_places_the_reasons_and_the_remedy(cache, debian, server):
    server.files = {}
    with pytest.raises(OSError) as caught:
        load_fashion_mnist()
    assert str(caught.value) == (
        "Fashion-MNIST's train-images-idx3-ubyte.gz could not be read from "
        f"{cache} (No such file or directory) or {debian} (No such file or directory), nor be "
        "downloaded (HTTP Error 404: Not Found): install Debian's package dataset-fashion-mnist "
        "and leave data_home at None, or pass as data_home a folder that has the four .gz files."
    )
    assert caught.value.__cause__.code == 404
    assert caught.value.__cause__.closed  # no connection is left open


def test_nothing_is_downloaded_unless_allowed(cache, server):
    with pytest.raises(OSError, match=r"nor be downloaded \(download_if_missing=False\): install"):
        load_fashion_mnist(download_if_missing=False)
    assert server.asked == []
    assert not cache.exists()


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("split", "valid"), ("data_home", 3), ("return_X_y", "yes"), ("download_if_missing", None)],
)
def test_a_parameter_of_the_wrong_type_is_named(parameter, value):
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of load_fashion_mnist must"):
        load_fashion_mnist(**{parameter: value})


def test_neither_keras_nor_tensorflow_is_imported():
    code = "import sys, skdnn.datasets; sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# The data themselves.


@pytest.fixture(params=[("train", "train"), ("test", "t10k")], ids=["train", "test"])
def real(request, tmp_path, monkeypatch):
    """A real split and the name its files begin with, never skipped in CI, never in ~/.keras."""
    monkeypatch.setenv("KERAS_HOME", os.environ.get("KERAS_HOME", str(tmp_path)))
    split, part = request.param
    try:
        return load_fashion_mnist(split=split, download_if_missing=False), part
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def test_real_data_are_balanced_bytes(real):
    bunch, part = real
    n_per_class = {"train": 6_000, "t10k": 1_000}[part]
    assert bunch.data.shape == (10 * n_per_class, 28, 28)
    assert (bunch.data.dtype, bunch.target.dtype) == (np.uint8, np.int64)
    assert (bunch.data.min(), bunch.data.max()) == (0, 255)
    np.testing.assert_array_equal(np.bincount(bunch.target), [n_per_class] * 10)


def decompressed(name):
    paths = [folder / name for folder in datasets._folders(None)]
    return gzip.decompress(next(path for path in paths if path.exists()).read_bytes())


def test_real_data_are_what_follows_the_headers_of_the_files(real):
    bunch, part = real
    images = decompressed(f"{part}-images-idx3-ubyte.gz")
    labels = decompressed(f"{part}-labels-idx1-ubyte.gz")
    assert struct.unpack(">4I", images[:16]) == (2051, *bunch.data.shape)
    assert struct.unpack(">2I", labels[:8]) == (2049, *bunch.target.shape)
    assert bunch.data.tobytes() == images[16:]
    assert bunch.target.tolist() == list(labels[8:])
