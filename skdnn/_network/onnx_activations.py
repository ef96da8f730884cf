"""Activations as ONNX nodes, with Keras's constants, as in `activations.py`.

A node is used only if onnxruntime computes it in the dtype of the graph. The other activations
are composed of such nodes.
"""

from collections.abc import Callable
from math import pi, sqrt

from skdnn._network.activations import SELU_ALPHA, SELU_SCALE, Activation
from skdnn._network.onnx_graph import OnnxGraph

OnnxActivation = Callable[[OnnxGraph, str], str]


def softplus(graph: OnnxGraph, x: str) -> str:
    """Add nodes that compute log(1 + exp(x)) without overflow."""
    small = graph.add("Exp", graph.add("Neg", graph.add("Abs", x)))
    return graph.add("Add", graph.add("Relu", x), graph.add("Log", graph.add("Add", small, 1.0)))


def cosine(graph: OnnxGraph, x: str) -> str:
    """Add nodes that compute the cosine. Older versions of onnxruntime have none in float64."""
    if graph.dtype == "float32":
        return graph.add("Cos", x)
    return graph.add("Sin", graph.add("Add", x, pi / 2))


def _node(op: str) -> OnnxActivation:
    return lambda graph, x: graph.add(op, x)


def _clip(graph: OnnxGraph, x: str, least: float, greatest: float) -> str:
    return graph.add("Min", graph.add("Max", x, least), greatest)


def _with_negative(graph: OnnxGraph, x: str, negative: str) -> str:
    """Add a part that is 0 for positive x. Without Where, which is slow in onnxruntime."""
    return graph.add("Add", graph.add("Relu", x), negative)


def _negative_part(graph: OnnxGraph, x: str) -> str:
    return graph.add("Neg", graph.add("Relu", graph.add("Neg", x)))


def _elu(graph: OnnxGraph, x: str) -> str:
    if graph.dtype == "float32":
        return graph.add("Elu", x, alpha=1.0)
    power = graph.add("Exp", _negative_part(graph, x))
    return _with_negative(graph, x, graph.add("Sub", power, 1.0))


def _selu(graph: OnnxGraph, x: str) -> str:
    if graph.dtype == "float32":
        return graph.add("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE)
    power = graph.add("Sub", graph.add("Exp", _negative_part(graph, x)), 1.0)
    unscaled = _with_negative(graph, x, graph.add("Mul", power, SELU_ALPHA))
    return graph.add("Mul", unscaled, SELU_SCALE)


def _erf(graph: OnnxGraph, x: str) -> str:
    # onnxruntime has no error function in float64.
    narrow = graph.cast(x, graph.dtype, "float32")
    return graph.cast(graph.add("Erf", narrow), "float32", graph.dtype)


def _gelu(graph: OnnxGraph, x: str) -> str:
    normal = graph.add("Add", _erf(graph, graph.add("Div", x, sqrt(2))), 1.0)
    return graph.add("Mul", graph.add("Mul", x, 0.5), normal)


def _hard_shrink(graph: OnnxGraph, x: str) -> str:
    return graph.add("Where", graph.add("Greater", graph.add("Abs", x), 0.5), x, 0.0)


def _relu6(graph: OnnxGraph, x: str) -> str:
    return _clip(graph, x, 0.0, 6.0)


def _hard_sigmoid(graph: OnnxGraph, x: str) -> str:
    return graph.add("Div", _relu6(graph, graph.add("Add", x, 3.0)), 6.0)


def _hard_silu(graph: OnnxGraph, x: str) -> str:
    return graph.add("Mul", x, _hard_sigmoid(graph, x))


def _leaky_relu(graph: OnnxGraph, x: str) -> str:
    if graph.dtype == "float32":
        return graph.add("LeakyRelu", x, alpha=0.2)
    return _with_negative(graph, x, graph.add("Mul", _negative_part(graph, x), 0.2))


def _log_sigmoid(graph: OnnxGraph, x: str) -> str:
    return graph.add("Neg", softplus(graph, graph.add("Neg", x)))


def _mish(graph: OnnxGraph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Tanh", softplus(graph, x)))


def _silu(graph: OnnxGraph, x: str) -> str:
    if graph.dtype == "float32":
        return graph.add("Mul", x, graph.add("Sigmoid", x))
    # onnxruntime 1.17 replaces this product by an operator that it does not have in float64.
    return graph.add("Div", x, graph.add("Add", graph.add("Exp", graph.add("Neg", x)), 1.0))


def _soft_shrink(graph: OnnxGraph, x: str) -> str:
    size = graph.add("Relu", graph.add("Sub", graph.add("Abs", x), 0.5))
    return graph.add("Mul", graph.add("Sign", x), size)


def _softsign(graph: OnnxGraph, x: str) -> str:
    return graph.add("Div", x, graph.add("Add", graph.add("Abs", x), 1.0))


def _sparse_plus(graph: OnnxGraph, x: str) -> str:
    root = graph.add("Add", _clip(graph, x, -1.0, 1.0), 1.0)
    curve = graph.add("Div", graph.add("Mul", root, root), 4.0)
    return graph.add("Where", graph.add("Greater", 1.0, x), curve, x)


def _sparse_sigmoid(graph: OnnxGraph, x: str) -> str:
    return _clip(graph, graph.add("Div", graph.add("Add", x, 1.0), 2.0), 0.0, 1.0)


def _squareplus(graph: OnnxGraph, x: str) -> str:
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", x, x), 4.0))
    return graph.add("Div", graph.add("Add", x, root), 2.0)


def _tanh_shrink(graph: OnnxGraph, x: str) -> str:
    return graph.add("Sub", x, graph.add("Tanh", x))


# The names of NUMPY_ACTIVATIONS, without those that compute along the units of a row.
ONNX_ACTIVATIONS: dict[Activation, OnnxActivation] = {
    "celu": _elu,
    "elu": _elu,
    "exponential": _node("Exp"),
    "gelu": _gelu,
    "hard_shrink": _hard_shrink,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "hard_tanh": lambda graph, x: _clip(graph, x, -1.0, 1.0),
    "leaky_relu": _leaky_relu,
    "linear": lambda graph, x: x,
    "log_sigmoid": _log_sigmoid,
    "mish": _mish,
    "relu": _node("Relu"),
    "relu6": _relu6,
    "selu": _selu,
    "sigmoid": _node("Sigmoid"),
    "silu": _silu,
    "soft_shrink": _soft_shrink,
    "softplus": softplus,
    "softsign": _softsign,
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": _sparse_sigmoid,
    "squareplus": _squareplus,
    "swish": _silu,
    "tanh": _node("Tanh"),
    "tanh_shrink": _tanh_shrink,
}
# Activations along the units of a row, which need the number of the axis.
_ALONG_UNITS: dict[Activation, str] = {"log_softmax": "LogSoftmax", "softmax": "Softmax"}


def has_onnx_form(activation: Activation) -> bool:
    """Return whether ONNX nodes can compute an activation. False for a custom function."""
    known = ONNX_ACTIVATIONS.keys() | _ALONG_UNITS.keys()
    return isinstance(activation, str) and activation in known


def activate(graph: OnnxGraph, x: str, activation: Activation, rank: int) -> str:
    """Add the nodes of an activation, and return the name of the output.

    Parameters
    ----------
    graph : OnnxGraph
        The graph.
    x : str
        The value to which the activation is applied.
    activation : str
        The name of an activation with an ONNX form.
    rank : int
        Number of dimensions of the value, including that of the batch. The units are the last.
    """
    if activation in _ALONG_UNITS:
        # A negative axis is valid only in later versions.
        return graph.add(_ALONG_UNITS[activation], x, axis=rank - 1)
    return ONNX_ACTIVATIONS[activation](graph, x)
