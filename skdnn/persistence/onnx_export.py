"""`to_onnx`: a fitted estimator as an ONNX model."""

import importlib.util
import inspect
import os
from collections.abc import Sequence
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdnn import __version__
from skdnn._data.frames import open_table
from skdnn._network.onnx_graph import OnnxGraph, UniqueNames, build_model
from skdnn._utils.annotations import ModelProto
from skdnn._utils.snapshot import snapshot
from skdnn.dnn.base import BaseDNN
from skdnn.dnn.checks import check_rows
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.regressor import DNNRegressor
from skdnn.persistence.atomic_write import write_atomically
from skdnn.persistence.onnx_inputs import dtypes_of, kinds_in, model_inputs
from skdnn.persistence.onnx_network import add_network


def to_onnx(
    estimator: DNNClassifier | DNNRegressor,
    path: str | os.PathLike[str] | None = None,
    *,
    X: Any = None,
) -> ModelProto:
    """Convert a fitted `DNNClassifier` or `DNNRegressor` to an ONNX model.

    The model takes raw samples and returns what `predict` and `predict_proba` return. Imputation,
    scaling, the encoding of categories, the ensemble and its calibration are part of the graph.
    The conversion needs no TensorFlow, and the model runs without Python.

    Parameters
    ----------
    estimator : DNNClassifier or DNNRegressor
        The fitted estimator. A pipeline that ends in one is converted by `skl2onnx.to_onnx`, after
        `skdnn.register_onnx_converters()`.
    path : str or path, default=None
        A file to which the model is also written. An existing file is replaced.
    X : array-like or DataFrame of shape (n_samples, ...), default=None
        Samples with the dtypes that the inputs should have, such as `X[:1]`. Their values are not
        used. If None, the dtypes are those of the training data, as the notes describe.

    Returns
    -------
    model : onnx.ModelProto
        The model. The operator set of ONNX is the lowest that the nodes allow: version 9, or 11 for
        several quantiles and for classifiers that compute in float64. The set ai.onnx.ml, which is
        used for categories, has version 2.

    Raises
    ------
    ImportError
        If the package onnx is not installed. The message names the extra to install.
    TypeError
        If the estimator is neither a `DNNClassifier` nor a `DNNRegressor`, or if `path` is not the
        name of a file.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If ONNX cannot express the activation ("sparsemax" and functions of your own) or the type
        of a category or class, or if the weights take more than 2 GiB.
    OSError
        If the file cannot be written.

    Notes
    -----
    **Inputs.** Samples from an array are one input `X` of shape (n, n_features), or
    (n, height, width, ...) for images. Its type is float32, or float64 if float32 would lose digits
    that the network needs, such as those of time stamps, or the type of the training data if they
    are integers beyond 2**53. A table has one input of shape (n, 1) for each column, with the name
    and the type of the column: numbers, bool, or text. Numbers with missing values are floats. An
    array without column names whose columns have several types has the inputs `x0`, `x1`, ...

    A missing number is NaN. A missing text is the empty text; "None", "nan" and "<NA>", to which
    onnxruntime converts missing values of Python, count as missing too, unless they are categories.
    Unknown categories are treated as in `predict`.

    **Outputs** have the names and types of skl2onnx. A classifier has `label`, of shape (n,) and of
    type int64 or text (float64 for labels with fractions), and `probabilities`, of shape
    (n, n_classes). For a multilabel y, both have the shape (n, n_labels). A regressor has
    `variable`, of shape (n, n_outputs). The floats are of the dtype that `predict_proba` computes
    in: float64 if an input of numbers is float64 or an integer of 32 bits or more, or if the
    parameter `dtype` is "float64", and otherwise float32. A `variable` is float64 too if float32
    would lose digits of y. An output gets a number, such as `label1`, if a column has its name.

    Examples
    --------
    >>> from onnxruntime import InferenceSession
    >>> from sklearn.datasets import load_iris
    >>> from skdnn import DNNClassifier, to_onnx
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = DNNClassifier(preset="fast", random_state=0).fit(X, y)
    >>> model = to_onnx(clf)
    >>> [x.name for x in model.graph.input]
    ['sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)']
    >>> session = InferenceSession(model.SerializeToString())
    >>> columns = {name: X[[name]].to_numpy() for name in X}
    >>> label, probabilities = session.run(None, columns)
    >>> bool((label == clf.predict(X)).all())
    True
    >>> bool(abs(probabilities - clf.predict_proba(X)).max() < 1e-5)
    True
    """
    _check_onnx_is_installed()
    _check_estimator(estimator)
    _check_path(path)
    estimator = snapshot(estimator)
    fitted = estimator._network
    names: Sequence[str] | None = vars(estimator).get("feature_names_in_")
    kinds: Sequence[str] = ()
    if X is not None:
        check_rows(estimator, X, fitted)
        names, kinds = _names_in(X), kinds_in(X, fitted)
    inputs = model_inputs(fitted, None if names is None else list(names), kinds)
    graph = OnnxGraph(dtypes_of(fitted, inputs).network, UniqueNames(x.name for x in inputs))
    outputs = add_network(graph, fitted, inputs)
    about = {"producer_name": "skdnn", "producer_version": __version__}
    model: ModelProto = build_model(graph, inputs, outputs, type(estimator).__name__, **about)
    if path is not None:
        write_atomically(path, model.SerializeToString())
    return model


def _check_onnx_is_installed() -> None:
    if importlib.util.find_spec("onnx") is None:
        raise ImportError(
            'skdnn.to_onnx needs onnx, the extra onnx: pip install ".[onnx]" in a checkout.'
        )


def _check_path(path: Any) -> None:
    if path is not None and not isinstance(path, str | os.PathLike):
        raise TypeError(
            "The path of skdnn.to_onnx must be the name of a file. Got "
            f"{type(path).__name__}: pass samples that give the types of the inputs as X=."
        )


def _names_in(X: Any) -> Sequence[str] | None:
    names = open_table(X).names if hasattr(X, "columns") or hasattr(X, "schema") else None
    return names if names is not None and all(isinstance(name, str) for name in names) else None


def _check_estimator(estimator: Any) -> None:
    """Raise an error if the estimator is not a fitted one of `skdnn.dnn`."""
    if isinstance(estimator, BaseDNN):
        check_is_fitted(
            estimator,
            msg="skdnn.to_onnx takes a fitted estimator, and this %(name)s is not: call "
            "fit(X, y) first.",
        )
        return
    raise TypeError(
        "skdnn.to_onnx takes a fitted DNNClassifier or DNNRegressor. Got "
        f"{_description(estimator)}."
    )


def _description(estimator: Any) -> str:
    """Return what an object is, and what to write instead."""
    if inspect.isclass(estimator):
        return f"the class {estimator.__name__}: pass an object, such as DNNClassifier().fit(X, y)"
    name = type(estimator).__name__
    if isinstance(getattr(estimator, "best_estimator_", None), BaseDNN):
        return f"{name}: pass its best_estimator_"
    if type(estimator).__module__.startswith("skdnn.wrappers"):
        return f"{name}: write its Keras model, with model_.export('model.onnx', format='onnx')"
    if hasattr(estimator, "get_params"):
        parts = estimator.get_params().values() if isinstance(estimator, Pipeline) else ()
        skrub = [type(part) for part in parts if type(part).__module__.startswith("skrub.")]
        if skrub:
            return (
                f"{name} with {skrub[0].__name__} of skrub, which has no ONNX: turn dates and text "
                "into numbers before, such as with pandas, and pass a DNN estimator of numbers"
            )
        return (
            f"{name}: convert it with skl2onnx.to_onnx(estimator, X[:1]), after "
            "skdnn.register_onnx_converters()"
        )
    return name
