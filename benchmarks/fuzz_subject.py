"""What the fuzz run does with a damaged model: load it, compare it with the file, predict."""

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz_worker import Subject

N_ROWS = 3


def subject() -> Subject:
    """Return what is done with each file."""
    import skdnn

    return Subject(load, use, skdnn.exceptions.InvalidFileError)


def load(path: Path) -> Any:
    """Load a file; read what it says of itself too, for one file in ten."""
    import skdnn
    from skdnn.persistence.info import read_info

    if path.stat().st_size % 10 == 0:
        with suppress(skdnn.exceptions.InvalidFileError):
            str(read_info(path))
    return skdnn.load(path)


def use(estimator: Any, path: Path) -> None:
    """Hold an estimator to its file, and predict with it."""
    assert_same_content(estimator, path)
    rows = rows_of(estimator)
    predicted = estimator.predict(rows)
    assert len(predicted) == N_ROWS
    if hasattr(estimator, "predict_proba"):
        assert len(estimator.predict_proba(rows)) == N_ROWS


def assert_same_content(estimator: Any, path: Path) -> None:
    """Compare a file with the one that would be written of the estimator."""
    from skdnn.persistence.container import pack, read_container, unpack
    from skdnn.persistence.estimator_records import document_of

    found = read_container(path)
    profile, metadata = found.document["profile"], found.document["metadata"]
    again = unpack(pack(*document_of(estimator, profile, metadata)))
    for container in (found, again):
        del container.document["libraries"]  # those of the writer
    for name in ("params", "metadata_requests"):  # a missing parameter has its default
        if found.document[name] is not None:
            found.document[name] = again.document[name] | found.document[name]
    assert found.document == again.document, differences(found.document, again.document)
    assert found.arrays.keys() == again.arrays.keys(), found.arrays.keys() ^ again.arrays.keys()
    for name, array in found.arrays.items():
        other = again.arrays[name]
        assert (array.dtype, array.shape) == (other.dtype, other.shape), name
        assert array.tobytes() == other.tobytes(), name


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Return where two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        pairs = [(one.get(key, "missing"), other.get(key, "missing"), key) for key in keys]
        return [text for a, b, key in pairs for text in differences(a, b, f"{where}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [
            text for i, pair in enumerate(pairs) for text in differences(*pair, f"{where}[{i}]")
        ]
    return [] if one == other else [f"{where}: {one!r:.80} is not {other!r:.80}"]


def rows_of(estimator: Any) -> Any:
    """Return rows of X of the kind that an estimator was fitted to."""
    network = estimator._network
    shape, kinds = network.inputs.shape, network.columns.kinds
    if not kinds and not hasattr(estimator, "feature_names_in_"):
        values = np.linspace(0, 1, N_ROWS * math.prod(shape), dtype=np.float32)
        return values.reshape(N_ROWS, *shape)
    import pandas as pd

    names = getattr(estimator, "feature_names_in_", range(shape[0]))
    columns = [_column(network.columns, i) for i in range(shape[0])]
    return pd.DataFrame(dict(enumerate(columns))).set_axis(list(names), axis=1)


def _column(columns: Any, i: int) -> Any:
    if i in columns.encoders:
        values = list(columns.encoders[i].values)
        found = [values[j % len(values)] for j in range(N_ROWS)] if values else [None] * N_ROWS
        return np.array([*found, None], object)[:N_ROWS]
    return np.linspace(0, 1, N_ROWS)
