"""A graph of ONNX nodes, to which layers and preprocessing add their nodes.

The graph is plain data. The package onnx is imported when the graph becomes a model.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

# Nodes are used only in forms that stay valid in all later versions. The number is the version
# of the operator set that introduced the form, for the types that skdnn uses.
_SINCE = {
    "": {
        "Abs": 6,
        "Add": 7,
        "ArgMax": 1,
        "Cast": 9,
        "Concat": 4,
        "Cos": 7,
        "CumSum": 11,
        "Div": 7,
        "Elu": 6,
        "Equal": 7,
        "Erf": 9,
        "Exp": 6,
        "Flatten": 9,
        "Gather": 1,
        "Greater": 9,
        "Identity": 1,
        "IsNaN": 9,
        "LeakyRelu": 6,
        "Log": 6,
        "LogSoftmax": 1,
        "MatMul": 1,
        "Max": 8,
        "Min": 8,
        "Mul": 7,
        "Neg": 6,
        "Relu": 6,
        "Reshape": 5,
        "Selu": 6,
        "Sigmoid": 6,
        "Sign": 9,
        "Sin": 7,
        "Softmax": 1,
        "Sqrt": 6,
        "Sub": 7,
        "Tanh": 6,
        "Transpose": 1,
        "Where": 9,
    },
    "ai.onnx.ml": {"LabelEncoder": 2},
}
_LEAST = 9  # the first version in which constants are not also inputs of the model
_SHARED = 64  # constants of at most this number of values are shared
_LARGEST = 2**31 - 2**24  # bytes of all constants. A protobuf message has less than 2 GiB.
# Names of the elements' types of a tensor.
TYPES = {
    "bool": "BOOL",
    "float16": "FLOAT16",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "text": "STRING",
}

# The name of a value in the graph, or a constant. A Python float has the dtype of the graph.
Operand = str | float | np.ndarray


class Node(NamedTuple):
    """One node of a graph.

    Parameters
    ----------
    op : str
        The operator, such as "MatMul".
    inputs : tuple of str
        Names of the inputs.
    output : str
        Name of the output.
    domain : str
        Name of the operator set. "" for the one of ONNX itself.
    attributes : dict
        The attributes of the node. The attribute `to` of a Cast is a NumPy dtype's name.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    domain: str
    attributes: dict[str, Any]


class Tensor(NamedTuple):
    """An input or an output of a model.

    Parameters
    ----------
    name : str
        Name of the input or output.
    kind : str
        A key of `TYPES`: the name of a NumPy dtype, or "text".
    shape : tuple of int
        Shape of one sample, without the batch.
    """

    name: str
    kind: str
    shape: tuple[int, ...]


class UniqueNames:
    """Makes names that are not in use, by numbers appended to a name.

    Parameters
    ----------
    used : iterable of str, default=()
        Names in use.
    """

    def __init__(self, used: Iterable[str] = ()):
        self.used = set(used)
        self.counts: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Return the name, or the name with a number if it is in use."""
        unique = name
        while unique in self.used:
            self.counts[name] = self.counts.get(name, 0) + 1
            unique = f"{name}{self.counts[name]}"
        self.used.add(unique)
        return unique


@dataclass
class OnnxGraph:
    """Collects nodes and constants.

    Parameters
    ----------
    dtype : str
        "float32" or "float64", the dtype in which the network is computed.
    unique_name : callable, default=UniqueNames()
        Returns a name that is not in use, given a name. A graph that becomes a part of a larger
        one takes the names of the larger one.

    Attributes
    ----------
    nodes : list of Node
        The nodes, each after the nodes whose outputs it takes.
    constants : dict of str to ndarray
        The constants by name. An array of text has the dtype object.
    opsets : dict of str to int
        The least version that the nodes need of each operator set.
    """

    dtype: str
    unique_name: Callable[[str], str] = field(default_factory=UniqueNames)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    opsets: dict[str, int] = field(default_factory=lambda: {"": _LEAST})
    _shared: dict[Any, str] = field(default_factory=dict)

    def add(self, op: str, *inputs: Operand, name: str = "", **attributes: Any) -> str:
        """Add a node of ONNX's operator set, and return the name of its output.

        Parameters
        ----------
        op : str
            The operator.
        *inputs : str, float or ndarray
            Names of values, or constants.
        name : str, default=op
            The name of the output, to which a number is appended if it is in use.
        **attributes : object
            The attributes of the node.
        """
        return self._add("", op, inputs, name, attributes)

    def add_ml(self, op: str, *inputs: Operand, **attributes: Any) -> str:
        """Add a node of the operator set ai.onnx.ml, and return the name of its output."""
        return self._add("ai.onnx.ml", op, inputs, "", attributes)

    def _add(
        self,
        domain: str,
        op: str,
        inputs: Sequence[Operand],
        name: str,
        attributes: dict[str, Any],
    ) -> str:
        self.require(_SINCE[domain][op], domain)
        names = tuple(x if isinstance(x, str) else self.constant(x) for x in inputs)
        output = self.unique_name(name or op)
        self.nodes.append(Node(op, names, output, domain, attributes))
        return output

    def require(self, version: int, domain: str = "") -> None:
        """Raise the version of an operator set, if it is lower than `version`."""
        self.opsets[domain] = max(version, self.opsets.get(domain, 0))

    def constant(self, value: float | np.ndarray, name: str = "constant") -> str:
        """Add a constant, and return its name. Small constants of equal values are shared."""
        if not isinstance(value, np.ndarray):
            value = np.array(value, self.dtype)
        key = (
            name,
            str(value.dtype),
            value.shape,
            value.tobytes() if value.size <= _SHARED else None,
        )
        if key[-1] is not None and value.dtype != object and key in self._shared:
            return self._shared[key]
        self._shared[key] = unique = self.unique_name(name)
        self.constants[unique] = value
        return unique

    def weight(self, value: np.ndarray, name: str = "weight") -> str:
        """Add an array of weights, kept in its own dtype and converted to that of the graph."""
        return self.cast(self.constant(value, name), str(value.dtype), self.dtype)

    def cast(self, x: str, before: str, to: str) -> str:
        """Convert a value from one dtype to another."""
        return x if before == to else self.add("Cast", x, to=to)

    def array(self, value: Any) -> np.ndarray:
        """Return an array in the dtype of the graph."""
        return np.asarray(value, self.dtype)

    def take(self, x: str, positions: Iterable[int]) -> str:
        """Return some columns of rows."""
        return self.add("Gather", x, np.fromiter(positions, np.int64), axis=1)

    def impute(self, x: str, fill: np.ndarray) -> str:
        """Replace missing numbers by the constants of their columns."""
        return self.add("Where", self.add("IsNaN", x), fill, x)


def build_model(
    graph: OnnxGraph, inputs: Sequence[Tensor], outputs: Sequence[Tensor], name: str, **about: str
) -> Any:
    """Return the model of a graph.

    Parameters
    ----------
    graph : OnnxGraph
        The nodes and constants.
    inputs, outputs : sequence of Tensor
        The inputs and the outputs of the model.
    name : str
        Name of the graph.
    **about : str
        Fields of the model, such as `producer_name`.

    Returns
    -------
    onnx.ModelProto
    """
    from onnx import helper, numpy_helper

    check_size(graph)
    nodes = [
        helper.make_node(
            node.op,
            node.inputs,
            [node.output],
            name=node.output,
            domain=node.domain,
            **onnx_attributes(node),
        )
        for node in graph.nodes
    ]
    entries, ends = ([_value_info(x) for x in tensors] for tensors in (inputs, outputs))
    constants = [numpy_helper.from_array(x, name) for name, x in graph.constants.items()]
    opsets = [helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()]
    return helper.make_model(
        helper.make_graph(nodes, name, entries, ends, initializer=constants),
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        **about,
    )


def onnx_attributes(node: Node) -> dict[str, Any]:
    """Return the attributes of a node with onnx's number of a dtype in place of its name."""
    if node.op != "Cast":
        return node.attributes
    return {"to": element_type(node.attributes["to"])}


def element_type(kind: str) -> int:
    """Return onnx's number of a type of elements, given a key of `TYPES`."""
    from onnx import TensorProto

    number: int = getattr(TensorProto, TYPES[kind])
    return number


def _value_info(tensor: Tensor) -> Any:
    from onnx import helper

    shape = [None, *tensor.shape]
    return helper.make_tensor_value_info(tensor.name, element_type(tensor.kind), shape)


def check_size(graph: OnnxGraph) -> None:
    """Raise an error if the constants are larger than an ONNX file can be."""
    size = sum(x.nbytes for x in graph.constants.values())
    if size > _LARGEST:
        raise ValueError(
            f"The weights of the network take {size / 2**30:.1f} GiB, but an ONNX model is limited "
            "to 2 GiB: use a network with fewer units or ensemble members, or skdnn.save."
        )
