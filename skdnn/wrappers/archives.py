"""The content of a `.keras` archive as plain arrays and text."""

import io
import json
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import h5py
import numpy as np

from skdnn.wrappers.scikeras_compat import keras

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


@dataclass
class Archive:
    """The arrays and files of a Keras model or layer.

    Parameters
    ----------
    metadata : str
        The version of Keras and the time, as JSON.
    variables : dict of str to ndarray
        Weights and optimizer state, by their paths in the file of the weights.
    attributes : dict of str to dict
        Attributes of variables, by the paths of the variables, such as dtypes that NumPy lacks.
    files : dict of str to str or ndarray
        Other files by their paths, such as vocabularies. A file that is not text is an array of
        bytes.
    """

    metadata: str
    variables: dict[str, np.ndarray]
    attributes: dict[str, dict[str, Any]]
    files: dict[str, Any]


def save_archive(layer: Any) -> tuple[dict[str, Any], Archive]:
    """Return the configuration of a model or layer, and its arrays and files."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*has not yet been built")
        warnings.filterwarnings("ignore", message="The object being serialized includes a `lambda`")
        # Keras copies TensorFlow's variables in a way that NumPy deprecates.
        warnings.filterwarnings("ignore", message="__array__ implementation doesn't accept a copy")
        path = Path(folder, "layer.keras")
        keras.saving.save_model(layer, path)
        with ZipFile(path) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content.pop(_CONFIG))
    metadata = content.pop(_METADATA).decode()
    variables, attributes = _read_weights(content.pop(_WEIGHTS))
    files = {name: _as_text(data) for name, data in content.items() if not name.endswith("/")}
    return config, Archive(metadata, variables, attributes, files)


def load_archive(archive: Archive, config: str) -> Any:
    """Return the model or layer with a checked configuration."""
    content = {
        _CONFIG: config.encode(),
        _METADATA: archive.metadata.encode(),
        _WEIGHTS: _written_weights(archive),
        **{_checked(name): _as_bytes(data) for name, data in archive.files.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.keras")
        with ZipFile(path, "w") as file:
            for name, data in content.items():
                file.writestr(name, data)
        return keras.saving.load_model(path)


def _read_weights(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
    variables, attributes = {}, {}

    def read(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            variables[name] = np.asarray(item[()])
            if item.attrs:
                attributes[name] = dict(item.attrs)

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(read)
    return variables, attributes


def _written_weights(archive: Archive) -> bytes:
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for name, value in archive.variables.items():
            file[name] = value
            for key, attribute in archive.attributes.get(name, {}).items():
                file[name].attrs[key] = attribute
    return data.getvalue()


def _as_text(data: bytes) -> str | np.ndarray:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return np.frombuffer(data, np.uint8)


def _as_bytes(data: str | np.ndarray) -> bytes:
    return data.encode() if isinstance(data, str) else data.tobytes()


def _checked(name: str) -> str:
    if not name.startswith("assets/") or ".." in name.split("/"):
        raise ValueError(f"A saved network has no file {name!r}: it is not restored.")
    return name
