"""The graph that collects ONNX nodes, and its model."""

import numpy as np
import onnx
import pytest

from skdnn._network import onnx_graph
from skdnn._network.onnx_graph import OnnxGraph, Tensor, UniqueNames, build_model

pytestmark = pytest.mark.quick

VERSIONS = [
    (domain, op, version)
    for domain, versions in onnx_graph._SINCE.items()
    for op, version in versions.items()
]


@pytest.mark.parametrize(("domain", "op", "version"), VERSIONS)
def test_the_versions_of_operators_are_those_of_onnx(domain, op, version):
    schema = onnx.defs.get_schema(op, max_inclusive_version=version, domain=domain)
    assert schema.since_version == version
    # The form is valid in all later versions: no attribute or input has gone.
    latest = onnx.defs.get_schema(op, domain=domain)
    assert schema.min_input <= latest.max_input
    assert latest.min_input <= schema.max_input
    if op not in ("Cast", "Flatten", "LabelEncoder"):  # these have more types and attributes now
        assert set(schema.attributes) - {"consumed_inputs"} <= set(latest.attributes)


def doubled(dtype="float32"):
    graph = OnnxGraph(dtype, UniqueNames(["X"]))
    return graph, graph.add("Mul", "X", 2.0)


def test_the_version_is_the_lowest_that_the_nodes_need():
    graph, x = doubled()
    assert graph.opsets == {"": 9}
    graph.add("CumSum", x, np.array(1))
    assert graph.opsets == {"": 11}
    graph.add_ml("LabelEncoder", x, keys_int64s=[1], values_int64s=[2], default_int64=0)
    assert graph.opsets == {"": 11, "ai.onnx.ml": 2}


def test_small_constants_are_shared_and_dtypes_are_not_mixed():
    graph, x = doubled("float64")
    graph.add("Add", x, 2.0)
    graph.add("Add", x, np.array(2.0))
    assert len(graph.constants) == 1
    graph.add("Add", x, np.array(2, np.float32))
    assert sorted(str(c.dtype) for c in graph.constants.values()) == ["float32", "float64"]


def test_weights_keep_their_dtype_and_are_converted():
    graph, _ = doubled("float64")
    name = graph.weight(np.ones((100, 3), np.float32), "kernel")
    assert graph.constants["kernel"].dtype == "float32"
    assert graph.nodes[-1].output == name
    assert graph.nodes[-1].op == "Cast"


def test_names_are_unique():
    unique = UniqueNames(["label", "label1"])
    assert [unique("label"), unique("label"), unique("x")] == ["label2", "label3", "x"]


def test_a_model_larger_than_protobuf_allows_is_refused(monkeypatch):
    monkeypatch.setattr(onnx_graph, "_LARGEST", 1000)
    graph, y = doubled()
    graph.weight(np.ones((100, 3), np.float32))
    with pytest.raises(ValueError, match=r"weights .* take 0\.0 GiB, but .* limited to 2 GiB"):
        build_model(graph, [Tensor("X", "float32", (1,))], [Tensor(y, "float32", (1,))], "g")


def test_old_versions_of_onnxruntime_read_the_model():
    graph, y = doubled()
    tensors = [Tensor(name, "float32", (1,)) for name in ("X", y)]
    model = build_model(graph, tensors[:1], tensors[1:], "g")
    assert model.ir_version == 4  # of ONNX 1.4, of the year 2019
