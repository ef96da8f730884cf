"""`read_info`: describes the model in a file, without predicting."""

import os
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skdnn._data.targets import Classes, Labels, Positive, Quantile, Quantiles, Targets
from skdnn._network.summary import LayerRow, rows_of_spec, text_table
from skdnn.dnn.base import BaseDNN
from skdnn.dnn.fitted import FittedNetwork
from skdnn.persistence.container import FORMAT_VERSION, read_container
from skdnn.persistence.estimator_records import estimator_of, read_libraries, read_metadata
from skdnn.persistence.fields import Arrays, Fields, named_errors
from skdnn.persistence.network_records import n_parameters
from skdnn.persistence.open_file import check_path


class ColumnInfo(NamedTuple):
    """A column of X.

    Parameters
    ----------
    name : str
        The name, or the position as text if X had no names.
    kind : {"number", "integer", "boolean", "text"}
        What the values are.
    n_categories : int or None
        Number of categories, including missing values. None if the column is not categorical.
    """

    name: str
    kind: str
    n_categories: int | None


@dataclass(frozen=True)
class ModelInfo:
    """Description of the model in a `.skdnn` file.

    Attributes
    ----------
    class_name : {"DNNClassifier", "DNNRegressor"}
        The class of the estimator.
    format_version : int
        Version of the format of the file.
    skdnn_version : str
        Version of skdnn that wrote the file.
    libraries : dict of str to str
        Versions of the libraries with which the file was written.
    profile : {"predict", "resume"}
        "resume" if training can be continued, otherwise "predict".
    n_bytes : int
        Size of the file.
    input_shape : tuple of int
        Shape of one sample.
    columns : list of ColumnInfo
        The columns of X. Empty for samples with more than one dimension, such as images.
    target : str
        Description of the target, such as "one of 3 classes".
    classes : list or None
        Class labels, or the column numbers of a multilabel y. None for a regressor.
    n_outputs : int
        Number of outputs of the network.
    layers : list of LayerRow
        The layers with their output shapes and numbers of parameters. The first is the input.
    layer_table : str
        The layers as a table in text.
    n_parameters : int
        Number of values in all weights.
    n_members : int
        Number of ensemble members.
    preset : str
        The preset that was used.
    params : dict
        The constructor parameters that differ from the defaults.
    n_iter : int
        Number of epochs trained.
    best_epoch : int or None
        The epoch whose weights are used. None without early stopping.
    best_score : float or None
        The validation score of that epoch. None without early stopping.
    last_scores : dict of str to float
        Losses and metrics of the best epoch, or of the last one without early stopping.
    metadata : dict
        The values that were passed to `save` as `metadata`.
    """

    class_name: str
    format_version: int
    skdnn_version: str
    libraries: dict[str, str]
    profile: str
    n_bytes: int
    input_shape: tuple[int, ...]
    columns: list[ColumnInfo]
    target: str
    classes: list[Any] | None
    n_outputs: int
    layers: list[LayerRow]
    layer_table: str
    n_parameters: int
    n_members: int
    preset: str
    params: dict[str, Any]
    n_iter: int
    best_epoch: int | None
    best_score: float | None
    last_scores: dict[str, float]
    metadata: dict[str, Any]


def read_info(path: str | os.PathLike[str]) -> ModelInfo:
    """Return a description of the model in a `.skdnn` file.

    The whole file is checked, as by `load`.

    Parameters
    ----------
    path : str or path
        A file that `save` has written.

    Returns
    -------
    info : ModelInfo
        The description.

    Raises
    ------
    TypeError
        If the path is not the name of a file.
    InvalidFileError
        If the file is not a valid `.skdnn` file.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> import skdnn
    >>> from skdnn.persistence.info import read_info
    >>> clf = skdnn.DNNClassifier((10,), epochs=5).fit(*load_iris(return_X_y=True))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.skdnn")
    ...     skdnn.save(clf, path, metadata={"target": "species"})
    ...     info = read_info(path)
    >>> info.class_name, info.classes, info.n_parameters, info.metadata
    ('DNNClassifier', [0, 1, 2], 83, {'target': 'species'})
    """
    check_path(path, "read_info")
    container = read_container(path)
    with named_errors(os.fsdecode(path), container.skdnn_version):
        estimator = estimator_of(container)
        fields = Fields(container.document, "", Arrays({}))
        libraries, metadata = read_libraries(fields), read_metadata(fields)
    network, fitted = estimator._network, vars(estimator)
    spec = network.spec
    return ModelInfo(
        class_name=type(estimator).__name__,
        format_version=FORMAT_VERSION,
        skdnn_version=container.skdnn_version,
        libraries=libraries,
        profile="predict" if fitted["_continuation"] is None else "resume",
        n_bytes=os.path.getsize(path),
        input_shape=spec.input_shape,
        columns=_columns(network, fitted.get("feature_names_in_")),
        target=_described(network.targets),
        classes=_classes(network.targets),
        n_outputs=network.targets.n_outputs,
        layers=rows_of_spec(spec),
        layer_table=text_table(spec),
        n_parameters=n_parameters(spec),
        n_members=spec.n_members,
        preset=fitted["resolved_params_"].preset,
        params=_changed_params(estimator),
        n_iter=fitted["n_iter_"],
        best_epoch=fitted.get("best_epoch_"),
        best_score=fitted.get("best_score_"),
        last_scores=_scores(fitted["history_"], fitted.get("best_epoch_")),
        metadata=metadata,
    )


def _columns(network: FittedNetwork, names: np.ndarray | None) -> list[ColumnInfo]:
    if len(network.spec.input_shape) > 1:
        return []
    columns = network.columns
    found = []
    for i in range(network.spec.n_inputs):
        kind = _kind(columns.kinds[i]) if columns.kinds else "number"
        encoder = columns.encoders.get(i)
        size = None if encoder is None else encoder.size
        found.append(ColumnInfo(str(i) if names is None else names[i], kind, size))
    return found


def _kind(dtype: str) -> str:
    if dtype in ("text", "bool"):
        return {"text": "text", "bool": "boolean"}[dtype]
    return "integer" if "int" in dtype else "number"


def _described(targets: Targets) -> str:
    """Return in words what is predicted."""
    if isinstance(targets, Classes):
        return f"one of {targets.n_outputs} classes"
    if isinstance(targets, Labels):
        return f"any of {targets.n_outputs} labels"
    n_columns = len(targets.mean)
    what = "a number" if n_columns == 1 else f"{n_columns} numbers"
    if isinstance(targets, Quantile):
        levels = ", ".join(f"{level:g}" for level in targets.levels)
        return f"the quantile{'s' * isinstance(targets, Quantiles)} {levels} of {what}"
    return f"{what}, not negative" if isinstance(targets, Positive) else what


def _classes(targets: Targets) -> list[Any] | None:
    if isinstance(targets, Classes):
        classes: list[Any] = targets.classes.tolist()
        return classes
    return list(range(targets.n_outputs)) if isinstance(targets, Labels) else None


def _changed_params(estimator: BaseDNN) -> dict[str, Any]:
    default = type(estimator)().get_params(deep=False)
    params = estimator.get_params(deep=False)
    return {name: value for name, value in params.items() if repr(value) != repr(default[name])}


def _scores(history: dict[str, list[float]], best_epoch: int | None) -> dict[str, float]:
    """Return the values of the epoch whose weights are kept, for lists of one value per epoch."""
    at = (best_epoch or 0) - 1  # the last epoch if none is the best
    return {name: values[at] for name, values in history.items() if values}
