"""Files of other tools, as those tools write them."""

import gzip
import io
import json
import pickle
import zipfile

import joblib
import numpy as np
import pytest
import safetensors.numpy
import skops.io

from skdnn.exceptions import InvalidFileError
from skdnn.persistence.container import read_container


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return buffer.getvalue()


def saved(save, value):
    buffer = io.BytesIO()
    save(buffer, value)
    return buffer.getvalue()


def onnx_model():
    """An ONNX model begins with its version; the name of its producer or the graph follow."""
    return b"\x08\x0a\x12\x07pytorch" + 99 * b"\x00"


FILES = {
    "pickle": (pickle.dumps({"a": np.eye(99)}), "a pickle, which is not opened here"),
    "pickle 2": (pickle.dumps([1.5], 2), "a pickle"),
    "joblib": (saved(lambda b, v: joblib.dump(v, b), np.eye(3)), "a pickle"),
    "keras": (zipped("metadata.json", "config.json", "model.weights.h5"), "a .keras file"),
    "skops": (skops.io.dumps({"a": 1}), "a file of skops"),
    "npz": (saved(np.savez, np.eye(3)), "arrays of NumPy"),
    "npy": (saved(np.save, np.eye(3)), "an array of NumPy"),
    "zip": (zipped("a.txt"), "a zip archive"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
    "ONNX": (onnx_model(), "an ONNX model"),
    "gzip": (gzip.compress(b"hello"), "a file compressed by gzip"),
    "zlib": (saved(lambda b, v: joblib.dump(v, b, compress=3), np.eye(3)), "compressed by zlib"),
    "x": (b"x^2 + 1", "a text file"),
    "JSON": (json.dumps({"format": "skdnn"}, indent=1).encode(), "a text file"),
    "CSV": (b"a,b\n1,2\n3,4\n", "a text file"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "a pointer of Git LFS"),
    "a short text": (b"hello", "a text file"),
    "noise": (bytes(range(255, 0, -1)), "a file of another kind"),
    "zeros": (bytes(99), "a file of another kind"),
    "safetensors": (safetensors.numpy.save({"a": np.eye(3)}), "a safetensors file of another"),
    "safetensors with metadata": (
        safetensors.numpy.save({"a": np.eye(3)}, {"format": "pt"}),
        "a safetensors file of another tool: it has no text 'skdnn'",
    ),
    "empty": (b"", "is empty"),
}


@pytest.mark.quick
@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_the_error_says_what_a_file_looks_like(tmp_path, content, message):
    path = tmp_path / "model.skdnn"
    path.write_bytes(content)
    with pytest.raises(InvalidFileError, match=message) as caught:
        read_container(path)
    assert str(caught.value).startswith(str(path))
    assert caught.value.__cause__ is caught.value.__context__ is None
