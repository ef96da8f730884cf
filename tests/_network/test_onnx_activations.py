"""Activations as ONNX nodes against their NumPy forms, which other tests compare with Keras."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdnn._network.activations import NUMPY_ACTIVATIONS
from skdnn._network.onnx_activations import activate, has_onnx_form
from skdnn._network.onnx_graph import OnnxGraph, Tensor, UniqueNames, build_model

pytestmark = pytest.mark.quick

EDGES = [0.0, -0.0, 0.5, -0.5, 1, -1, 3, -3, 6, 20, -20, 80, -80]


def test_each_numpy_activation_has_an_onnx_form():
    assert all(map(has_onnx_form, NUMPY_ACTIVATIONS))
    assert not has_onnx_form("sparsemax")
    assert not has_onnx_form(abs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NUMPY_ACTIVATIONS)
def test_it_computes_what_numpy_does(name, dtype, run_onnx):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(scale=3, size=300), np.repeat(EDGES, 2)]).reshape(-1, 2)
    graph = OnnxGraph(dtype, UniqueNames(["X"]))
    y = graph.add("Identity", activate(graph, "X", name, rank=2))
    tensors = [Tensor(name, dtype, (2,)) for name in ("X", y)]
    got = run_onnx(build_model(graph, tensors[:1], tensors[1:], name), x)[y]
    expected = NUMPY_ACTIVATIONS[name](x.astype(dtype))
    precision = 2e-6 if dtype == "float32" or name == "gelu" else 1e-14
    assert_allclose(got, expected, rtol=precision, atol=precision)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_those_along_the_units_are_computed_for_each_member(name, run_onnx):
    x = np.random.default_rng(0).normal(size=(4, 3, 5))
    graph = OnnxGraph("float32", UniqueNames(["X"]))
    y = activate(graph, "X", name, rank=3)
    tensors = [Tensor(name, "float32", (3, 5)) for name in ("X", y)]
    got = run_onnx(build_model(graph, tensors[:1], tensors[1:], name), x)[y]
    assert_allclose(got, NUMPY_ACTIVATIONS[name](x.copy()), rtol=1e-5)
