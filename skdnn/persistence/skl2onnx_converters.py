"""`register_onnx_converters`: pipelines that end in an estimator of skdnn, as ONNX models."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from skdnn._data.targets import Classes, Labels
from skdnn._network.onnx_graph import TYPES, Node, OnnxGraph, Tensor, UniqueNames, check_size
from skdnn._network.onnx_graph import onnx_attributes as attributes_of
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.regressor import DNNRegressor
from skdnn.persistence.onnx_inputs import dtypes_of
from skdnn.persistence.onnx_network import add_network

# The options of skl2onnx's own converter of MLPClassifier.
_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


def register_onnx_converters() -> None:
    """Register `DNNClassifier` and `DNNRegressor` with skl2onnx.

    After this call, `skl2onnx.to_onnx` converts them alone, at the end of a `Pipeline`, and inside
    other estimators that it knows, such as `GridSearchCV`, `VotingClassifier` and
    `CalibratedClassifierCV`. One call in a process is enough.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: `pip install skl2onnx`.

    Notes
    -----
    The outputs are those that skl2onnx gives to `MLPClassifier` and `MLPRegressor`: `label` and
    `probabilities`, or `variable`. Floats have 64 bits if the first input of the estimator has the
    type `DoubleTensorType`, otherwise 32 bits. The options are those of `MLPClassifier`: `zipmap`,
    which is on by default and turns probabilities into dicts, `output_class_labels` and `nocl`. A
    multilabel y has arrays as outputs and no option.

    Examples
    --------
    >>> import skdnn, skl2onnx
    >>> from onnxruntime import InferenceSession
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> X = X.astype("float32")
    >>> clf = skdnn.DNNClassifier(preset="plain", epochs=5, random_state=0)
    >>> pipeline = make_pipeline(MinMaxScaler(), clf).fit(X, y)
    >>> skdnn.register_onnx_converters()
    >>> model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})
    >>> session = InferenceSession(model.SerializeToString())
    >>> label, probabilities = session.run(None, {"X": X})
    >>> bool(abs(probabilities - pipeline.predict_proba(X)).max() < 1e-5)
    True
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "skdnn.register_onnx_converters needs skl2onnx: pip install skl2onnx. For a "
            "DNNClassifier or DNNRegressor without a pipeline, skdnn.to_onnx does not need it."
        ) from error
    update_registered_converter(
        DNNClassifier,
        "SkdnnDNNClassifier",
        _set_shapes,
        _convert,
        parser=_parse_classifier,
        options=_OPTIONS,
    )
    update_registered_converter(DNNRegressor, "SkdnnDNNRegressor", _set_shapes, _convert)


# The names of the arguments below are those that skl2onnx requires.


def _parse_classifier(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare the outputs of a classifier. skl2onnx has no ZipMap for several labels per row."""
    from skl2onnx._parse import _parse_sklearn_classifier, _parse_sklearn_simple_model

    check_is_fitted(model)
    is_multilabel = isinstance(model._network.targets, Labels)
    parse = _parse_sklearn_simple_model if is_multilabel else _parse_sklearn_classifier
    return parse(scope, model, inputs, custom_parsers=custom_parsers)


def _set_shapes(operator: Any) -> None:
    """Set the shapes of the outputs, and the type of labels."""
    from skl2onnx.common.data_types import (
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
        UInt64TensorType,
        guess_tensor_type,
    )

    check_is_fitted(operator.raw_operator)
    fitted = _network_of(operator)
    inputs = _inputs_of(operator, fitted)
    graph = OnnxGraph(dtypes_of(fitted, inputs).network, UniqueNames(x.name for x in inputs))
    outputs = add_network(graph, fitted, inputs)
    types = {
        "text": StringTensorType,
        "int64": Int64TensorType,
        "uint64": UInt64TensorType,
        "float64": DoubleTensorType,
        "float32": FloatTensorType,
    }
    n_rows = operator.inputs[0].get_first_dimension()
    for variable, tensor in zip(operator.outputs, outputs, strict=True):
        # As skl2onnx's own converters, which others build on: floats have the type of the input.
        is_label = variable is operator.outputs[0] and len(outputs) > 1
        kind = types[tensor.kind] if is_label else type(guess_tensor_type(operator.inputs[0].type))
        variable.set_type(kind([n_rows, *tensor.shape]))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of an estimator to the model that skl2onnx builds."""
    fitted = _network_of(operator)
    inputs = _inputs_of(operator, fitted)
    graph = OnnxGraph(dtypes_of(fitted, inputs).network, scope.get_unique_variable_name)
    outputs = add_network(graph, fitted, inputs)
    for tensor, variable in zip(outputs, operator.outputs, strict=True):
        kind = _kind_of(variable)
        name = graph.cast(tensor.name, tensor.kind, kind)
        graph.nodes.append(Node("Identity", (name,), variable.full_name, "", {}))
    _check_opsets(graph, container, fitted.columns.owner)
    check_size(graph)
    _add_to(container, graph, scope)


def _network_of(operator: Any) -> FittedNetwork:
    """Return the network of an operator, with numbers as class labels for the option `nocl`."""
    fitted: FittedNetwork = operator.raw_operator._network
    if not isinstance(fitted.targets, Classes):
        return fitted
    options = operator.scope_inst.get_options(operator.raw_operator, {"nocl": False})
    if not options["nocl"]:
        return fitted
    return replace(fitted, targets=Classes(np.arange(fitted.targets.n_outputs)))


def _inputs_of(operator: Any, fitted: FittedNetwork) -> list[Tensor]:
    """Return the values that are the columns of X, in the order of the columns in training."""
    variables = list(_parts(operator.inputs, operator.scope_inst))
    names = vars(operator.raw_operator).get("feature_names_in_")
    if names is not None and {x.raw_name for x in variables} == set(names):
        order = {name: position for position, name in enumerate(names)}
        variables.sort(key=lambda variable: order[variable.raw_name])
    shapes = [tuple(variable.type.shape[1:]) for variable in variables]
    if len(variables) == 1 and not (shapes[0] and all(shapes[0])):
        shapes = [fitted.spec.input_shape]
    for variable, shape in zip(variables, shapes, strict=True):
        if not all(shape):
            raise ValueError(
                f"{fitted.columns.owner} has several ONNX inputs, and the number of columns of "
                f"{variable.raw_name!r} is not known: declare it, such as "
                f"{type(variable.type).__name__}([None, 1])."
            )
    return [
        Tensor(variable.full_name, _kind_of(variable), shape or (1,))
        for variable, shape in zip(variables, shapes, strict=True)
    ]


def _parts(variables: Any, scope: Any) -> Iterator[Any]:
    """Yield the parts of concatenated columns, because a concatenation gives all one type."""
    for variable in variables:
        sources = [op for op in scope.operators.values() if variable in op.outputs]
        if len(sources) == 1 and _passes_columns_on(sources[0]):
            yield from _parts(sources[0].inputs, scope)
        else:
            yield variable


def _passes_columns_on(operator: Any) -> bool:
    """Return whether an operator of skl2onnx returns its columns in their order."""
    step = operator.raw_operator
    # A ColumnTransformer with `set_output` has a FunctionTransformer in place of "passthrough".
    return operator.type == "SklearnConcat" or (
        isinstance(step, FunctionTransformer) and step.func is None
    )


def _kind_of(variable: Any) -> str:
    """Return the kind of a variable of skl2onnx, a key of `TYPES`."""
    from onnx import TensorProto

    number = variable.type.to_onnx_type().tensor_type.elem_type
    return next(kind for kind, name in TYPES.items() if getattr(TensorProto, name) == number)


def _check_opsets(graph: OnnxGraph, container: Any, owner: str) -> None:
    for domain, version in graph.opsets.items():
        given = container.target_opset_any_domain(domain)
        if given < version:
            raise ValueError(
                f"{owner} needs version {version} of the operator set {domain or 'ai.onnx'!r}, "
                f"but target_opset asks for {given}: set target_opset to {version} or more, or "
                "leave it out."
            )


def _add_to(container: Any, graph: OnnxGraph, scope: Any) -> None:
    from onnx import TensorProto, numpy_helper

    for name, value in graph.constants.items():
        if value.dtype == object:
            texts = [text.encode() for text in value.ravel()]
            container.add_initializer(name, TensorProto.STRING, value.shape, texts)
        else:
            container.add_initializer(name, None, None, numpy_helper.from_array(value))
    for node in graph.nodes:
        container.add_node(
            node.op,
            list(node.inputs),
            [node.output],
            op_domain=node.domain,
            op_version=graph.opsets[node.domain],
            name=scope.get_unique_operator_name(node.op),
            **attributes_of(node),
        )
