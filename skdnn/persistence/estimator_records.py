"""A fitted estimator <-> the document and the arrays of a file.

Each part has a file of its own. This one holds them together, and the attributes of the fit.
"""

import platform
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

import numpy as np
import scipy
import sklearn
from sklearn.utils import Bunch

from skdnn._utils.sklearn_compat import metadata_requests, set_metadata_requests
from skdnn.dnn.base import BaseDNN
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.fit_result import FitResult
from skdnn.dnn.fitted import Continuation, FittedNetwork
from skdnn.dnn.presets import NAMES, PRESETS
from skdnn.dnn.regressor import DNNRegressor
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.container import Container
from skdnn.persistence.continuation_records import continuation_record, read_continuation
from skdnn.persistence.fields import LARGEST_SIZE, MOST_TEXT, Arrays, Fields
from skdnn.persistence.input_records import (
    columns_record,
    inputs_record,
    read_columns,
    read_inputs,
)
from skdnn.persistence.list_records import read_texts, write_texts
from skdnn.persistence.network_records import network_record, read_network
from skdnn.persistence.parameter_records import (
    parameter_record,
    read_parameters,
    resolved_record,
)
from skdnn.persistence.target_records import read_targets, targets_record
from skdnn.persistence.value_records import read_value, write_value
from skdnn.typing import Profile

CLASSES: dict[str, type[BaseDNN]] = {
    "DNNClassifier": DNNClassifier,
    "DNNRegressor": DNNRegressor,
}
PROFILES: tuple[Profile, ...] = get_args(Profile)
_MOST_METRICS = 1000


# ----------------------------------------------------------------------------------------- write


def document_of(
    estimator: BaseDNN, profile: str, metadata: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the document and the arrays of a fitted estimator.

    Parameters
    ----------
    estimator : DNNClassifier or DNNRegressor
        The fitted estimator.
    profile : {"predict", "resume"}
        Whether the file also holds what further training needs.
    metadata : mapping
        What the user stores in the file: texts, numbers and booleans by name.
    """
    arrays: dict[str, np.ndarray] = {}
    owner, network = type(estimator).__name__, estimator._network
    params = parameter_record(estimator)
    document: dict[str, Any] = {
        "class": owner,
        "profile": profile,
        "libraries": _libraries(),
        "metadata": {name: write_value(value, name) for name, value in metadata.items()},
        "params": params,
        "metadata_requests": metadata_requests(estimator),
        "columns": columns_record(network.columns, arrays),
        "inputs": inputs_record(network.inputs, arrays),
        "targets": targets_record(network.targets, arrays),
        "network": network_record(network, owner, arrays),
        "fit": _fit_record(estimator, params, arrays),
        "continuation": None,
    }
    if profile == "resume":
        document["continuation"] = continuation_record(
            vars(estimator)["_continuation"], network.state, arrays
        )
    return document, arrays


def _libraries() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _fit_record(
    estimator: BaseDNN, params: Mapping[str, Any], arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    fitted = vars(estimator)
    history = fitted["history_"]
    if history:
        arrays["fit.history"] = np.array([*history.values()], np.float64)
    if "feature_names_in_" in fitted:
        write_texts(fitted["feature_names_in_"].tolist(), "fit.feature_names", arrays)
    if "validation_scores_" in fitted:
        arrays["fit.validation_scores"] = np.asarray(fitted["validation_scores_"], np.float64)
    best_epoch = fitted.get("best_epoch_")
    return {
        "n_iter": int(fitted["n_iter_"]),
        "best_epoch": None if best_epoch is None else int(best_epoch),
        "best_score": write_value(fitted.get("best_score_"), "best_score_"),
        "history": [str(name) for name in history],
        "resolved": resolved_record(fitted["resolved_params_"], params),
    }


# ------------------------------------------------------------------------------------------ read


def estimator_of(container: Container) -> BaseDNN:
    """Return the fitted estimator of a file, after a check of everything in it.

    Parameters
    ----------
    container : Container
        The document and the arrays of the file.

    Raises
    ------
    InvalidFileError
        If they are not those of a fitted estimator.
    """
    arrays = Arrays(container.arrays)
    fields = Fields(container.document, "", arrays)
    kind = CLASSES[fields.choice("class", CLASSES)]
    profile = fields.choice("profile", PROFILES)
    read_libraries(fields)
    read_metadata(fields)
    estimator: BaseDNN = read_parameters(fields.record("params"), kind)
    _read_requests(fields, estimator)
    network = read_parts(fields, kind)
    result = _read_fit(fields.record("fit"), network)
    continuation = fields.optional_record("continuation")
    if (continuation is not None) != (profile == "resume"):
        raise InvalidFileError(f"the profile is {profile!r}, which does not fit the continuation")
    if continuation is not None:
        found, state = read_continuation(continuation, network.spec, network.state)
        network = replace(network, state=state)
        result = replace(result, network=network, continuation=found)
    fields.end()
    arrays.end()
    attributes = result.attributes()
    del attributes["callbacks_"]  # as in a pickle
    estimator.__dict__ |= attributes
    return estimator


def read_parts(fields: Fields, kind: type[BaseDNN]) -> FittedNetwork:
    """Return the network of a document, with its preprocessing and targets."""
    columns = read_columns(fields.record("columns"), kind.__name__)
    inputs = read_inputs(fields.record("inputs"), columns)
    targets = read_targets(fields.record("targets"), classifies=kind is DNNClassifier)
    return read_network(fields.record("network"), columns, inputs, targets)


def read_libraries(fields: Fields) -> dict[str, str]:
    """Return the versions of the libraries with which a file was written."""
    record = fields.record("libraries")
    return {name: record.text(name) for name in record.names()}


def read_metadata(fields: Fields) -> dict[str, Any]:
    """Return what the user has stored in the file."""
    record = fields.record("metadata")
    found = {name: read_value(record, name) for name in record.names()}
    for name, value in found.items():
        if not isinstance(value, str | bool | int | float):
            raise record.error(name, value, "a text, a number or a boolean is expected")
    return found


def _read_requests(fields: Fields, estimator: BaseDNN) -> None:
    record = fields.optional_record("metadata_requests")
    if record is None:
        return
    requests: dict[str, dict[str, Any]] = {}
    for method in record.names():
        own = record.record(method)
        requests[method] = {name: own.take(name) for name in own.names()}
        for name, value in requests[method].items():
            if not (value is None or isinstance(value, bool | str)):
                raise own.error(name, value, "true, false, null or a text is expected")
    try:
        set_metadata_requests(estimator, requests)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidFileError(f"metadata_requests is not valid: {error}") from None


def _read_fit(fields: Fields, network: FittedNetwork) -> FitResult:
    n_iter = fields.integer("n_iter")
    history = _read_history(fields, n_iter)
    best_epoch = fields.optional_integer("best_epoch", 0, n_iter)
    best_score = read_value(fields, "best_score")
    if not (best_score is None or isinstance(best_score, float)):
        raise fields.error("best_score", best_score, "a number is expected")
    scores = None
    if fields.has_array("validation_scores"):
        scores = fields.array("validation_scores", "float64", (n_iter,), finite=False)
    result = FitResult(
        network,
        cast(Continuation, None),  # without one, `FitResult.of` raises an error
        _read_resolved(fields),
        _read_features(fields, network),
        history,
        n_iter,
        best_epoch=best_epoch,
        best_score=best_score,
        validation_scores=scores,
    )
    fields.end()
    return result


def _read_history(fields: Fields, n_iter: int) -> dict[str, list[float]]:
    names = fields.items("history", _MOST_METRICS)
    if not all(isinstance(name, str) and len(name) <= MOST_TEXT for name in names):
        raise fields.error("history", names, "a list of names is expected")
    if len(set(names)) < len(names):
        raise fields.error("history", names, "different names are expected")
    if not names:
        return {}
    values = fields.array("history", "float64", (len(names), n_iter), finite=False)
    return dict(zip(names, values.tolist(), strict=True))


def _read_resolved(fields: Fields) -> Bunch:
    record = fields.record("resolved")
    preset = record.choice("preset", PRESETS)
    names = record.names()
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise InvalidFileError(f"nothing is known of the field {record.place(unknown[0])[:100]!r}")
    return Bunch(preset=preset, **{name: read_value(record, name) for name in names})


def _read_features(fields: Fields, network: FittedNetwork) -> dict[str, Any]:
    n_inputs = network.spec.n_inputs
    features: dict[str, Any] = {"n_features_in_": n_inputs}
    if fields.has_array("feature_names.ends"):
        if len(network.spec.input_shape) > 1 or n_inputs > LARGEST_SIZE:
            raise InvalidFileError("names of columns are for X with two dimensions")
        names = read_texts(fields, "feature_names", n_inputs)
        features["feature_names_in_"] = np.array(names, object)
    return features
