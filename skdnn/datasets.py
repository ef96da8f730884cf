"""Data sets for examples and tests, which are read from local files or downloaded."""

import gzip
import hashlib
import os
import zlib
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, overload
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
from sklearn.utils import Bunch

from skdnn._utils.sklearn_compat import one_of, validated
from skdnn.typing import Split

__all__ = ["load_fashion_mnist"]

_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TIMEOUT = 30  # maximum seconds without data during a download
_DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"

# Checksums of the decompressed content, because gzip headers differ between packages.
_SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte.gz": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}
_SPLITS: dict[Split, list[str]] = {"train": ["train"], "test": ["t10k"], "all": ["train", "t10k"]}

_TARGET_NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
_DESCR = """\
Fashion-MNIST: 70,000 photographs of Zalando's articles in ten balanced classes, each as 28 x 28
grey values from 0 (background) to 255; 60,000 are for training and 10,000 for testing. It was made
to take the place of MNIST's handwritten digits, in the same format, where those are too easy.

Source: H. Xiao, K. Rasul and R. Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for
Benchmarking Machine Learning Algorithms", arXiv:1708.07747.
https://github.com/zalandoresearch/fashion-mnist, (c) 2017 Zalando SE, MIT licence.
"""


@overload
def load_fashion_mnist(
    *,
    data_home: str | os.PathLike[str] | None = None,
    split: Split = "train",
    return_X_y: Literal[False] = False,
    download_if_missing: bool = True,
) -> Bunch: ...
@overload
def load_fashion_mnist(
    *,
    data_home: str | os.PathLike[str] | None = None,
    split: Split = "train",
    return_X_y: Literal[True],
    download_if_missing: bool = True,
) -> tuple[np.ndarray, np.ndarray]: ...
@validated(
    {
        "data_home": [str, os.PathLike, None],
        "split": [one_of(Split)],
        "return_X_y": ["boolean"],
        "download_if_missing": ["boolean"],
    }
)
def load_fashion_mnist(
    *,
    data_home: str | os.PathLike[str] | None = None,
    split: Split = "train",
    return_X_y: bool = False,
    download_if_missing: bool = True,
) -> Bunch | tuple[np.ndarray, np.ndarray]:
    """Load the Fashion-MNIST data set (classification).

    ==============   =================
    Classes                         10
    Samples total               70,000
    Dimensionality             28 x 28
    Features         integers 0 to 255
    ==============   =================

    Each of the four files is read from the first of these sources that has the file:

    1. the cache of Keras;
    2. the folder of Debian's package ``dataset-fashion-mnist``;
    3. the URL from which Keras downloads the data set. The download is saved in the cache of Keras,
       if the cache can be written to.

    The content of every file is verified by its SHA-256 checksum. Neither Keras nor TensorFlow is
    imported.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder from which files are read and to which files are downloaded. None reads from the
        cache of Keras, ``datasets/fashion-mnist`` in ``$KERAS_HOME`` or ``~/.keras``, and from
        Debian's folder, and downloads to the cache.
    split : {"train", "test", "all"}, default="train"
        Images to load. These are the 60,000 training images, the 10,000 test images, or both in
        this order. Only the files of the split are read.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a `Bunch`.
    download_if_missing : bool, default=True
        If False, raise an error instead of downloading missing or damaged files.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        data : ndarray of shape (n_samples, 28, 28), dtype uint8
            The images, C-contiguous.
        target : ndarray of shape (n_samples,), dtype int64
            The classes, 0 to 9.
        target_names : ndarray of shape (10,), dtype str
            The names of the classes.
        DESCR : str
            Description and source of the data set.

    (data, target) : tuple if ``return_X_y`` is True
        The arrays `data` and `target` described above.

    Raises
    ------
    OSError
        If a file can neither be read nor be downloaded. A damaged file is treated as missing and
        is replaced by the download. An intact file with different content is never overwritten.

    Examples
    --------
    >>> from skdnn.datasets import load_fashion_mnist
    >>> fashion = load_fashion_mnist(split="test")
    >>> fashion.data.shape, fashion.data.dtype
    ((10000, 28, 28), dtype('uint8'))
    >>> fashion.target_names[fashion.target[:3]].tolist()
    ['Ankle boot', 'Pullover', 'Trouser']
    """
    folders = _folders(data_home)

    def load(kind: str) -> np.ndarray:
        names = [f"{part}-{kind}-ubyte.gz" for part in _SPLITS[split]]
        # A copy even of a single array: a view of bytes would be read-only.
        return np.concatenate([_parse(_content(n, folders, download_if_missing)) for n in names])

    data, target = load("images-idx3"), load("labels-idx1").astype(np.int64)
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, target_names=np.array(_TARGET_NAMES), DESCR=_DESCR)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def _folders(data_home: str | os.PathLike[str] | None) -> list[Path | None]:
    """Return the folders to read from. Files are downloaded to the first folder.

    The first folder is None for a user without a home folder.
    """
    if data_home is not None:
        try:
            return [Path(data_home).expanduser()]
        except RuntimeError as error:
            raise OSError(
                "The 'data_home' parameter of load_fashion_mnist must be a folder. Got "
                f"{str(data_home)!r}, but there is no such home folder: write the whole path."
            ) from error
    try:
        keras_home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    except RuntimeError:  # the process has neither HOME nor an entry in the list of users
        return [None, Path(_DEBIAN_FOLDER)]
    return [keras_home / "datasets" / "fashion-mnist", Path(_DEBIAN_FOLDER)]


def _content(name: str, folders: list[Path | None], download_if_missing: bool) -> bytes:
    """Return the verified content of a file.

    The content is read from the first folder that has the file, or else downloaded to the first
    folder. A folder may be None.
    """
    errors: dict[Path | None, OSError] = {}
    for folder in filter(None, folders):
        try:
            return _unpack(name, (folder / name).read_bytes())
        except OSError as error:
            errors[folder] = error
    cache = folders[0]
    try:
        if not download_if_missing:
            raise OSError("download_if_missing=False")
        # MNIST and similar data sets have files of the same names, which must not be replaced.
        if isinstance(errors.get(cache), NotADirectoryError | _OtherContentError):
            raise OSError("what is there is not overwritten")
        return _download(name, cache)
    except (OSError, HTTPException) as reason:
        tried = [f"{folder} ({e.strerror or e})" for folder, e in errors.items()]
        raise OSError(
            f"Fashion-MNIST's {name} could not be read from {' or '.join(tried)}, nor be "
            f"downloaded ({reason}): install Debian's package dataset-fashion-mnist and leave "
            "data_home at None, or pass as data_home a folder that has the four .gz files."
        ) from reason


def _download(name: str, folder: Path | None) -> bytes:
    """Download a file to a folder, if it can be written to, and return the verified content."""
    try:
        with urlopen(_URL + name, timeout=_TIMEOUT) as response:
            packed: bytes = response.read()
    except HTTPError as error:
        error.close()  # the error is also the response, which holds the connection
        raise
    content = _unpack(name, packed)
    if folder is not None:
        with suppress(OSError):  # such as a read-only folder, or a full disk
            _save(packed, folder, name)
    return content


def _save(packed: bytes, folder: Path, name: str) -> None:
    """Save a file in a folder, which contains the file only after it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    # In a temporary folder, because a temporary file would be readable only by its owner.
    with TemporaryDirectory(prefix=".download-", dir=folder) as scratch:
        part = Path(scratch, name)
        part.write_bytes(packed)
        os.replace(part, folder / name)


class _OtherContentError(OSError):
    """An intact file whose content is not Fashion-MNIST's."""


def _unpack(name: str, packed: bytes) -> bytes:
    """Return the decompressed and verified content of a file.

    Raises
    ------
    BadGzipFile
        If the file is damaged.
    _OtherContentError
        If the file is intact but has different content.
    """
    try:
        content = gzip.decompress(packed)
    except (EOFError, zlib.error) as error:
        raise gzip.BadGzipFile(str(error)) from error
    if not content:
        raise gzip.BadGzipFile("Empty file")
    if hashlib.sha256(content).hexdigest() != _SHA256[name]:
        raise _OtherContentError("The SHA-256 checksum of its content is not Fashion-MNIST's")
    return content


def _parse(content: bytes) -> np.ndarray:
    """Return the array in an IDX file.

    Byte 3 is the number of dimensions. The shape and the values of the array follow.
    """
    rank = content[3]
    shape = np.frombuffer(content, ">u4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
