"""Data and helpers that several test files use."""

import gc
import os

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.datasets import load_diabetes, load_digits, load_iris

from skdnn import datasets
from skdnn._data.splits import hold_out


@pytest.fixture(scope="session")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="session")
def digits():
    """Images (n, 8, 8) of the ten digits, as floats."""
    bunch = load_digits()
    return bunch.images[:600], bunch.target[:600]


@pytest.fixture(scope="session")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="session")
def fashion_mnist():
    """All 60,000 images; a test is skipped where they are not on this machine, but never in CI."""
    try:
        return datasets.load_fashion_mnist(return_X_y=True, download_if_missing=False)
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def split_of():
    """Return the rows that a fitted estimator was trained on, and those that it held out."""

    def split(estimator, y):
        labels = y if is_classifier(estimator) and y.ndim == 1 else None
        fraction = estimator.validation_fraction or 0.1
        rows = np.arange(len(y))
        return hold_out(rows, labels, fraction, estimator._continuation.split_seed)

    return split


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector away from all that was imported, which lives until the end.

    A collection would go through more than half a million objects of TensorFlow and others, and
    each program that is closed and each session that Keras clears asks for one.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


_OF_TENSORS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(string)": object}


@pytest.fixture(scope="session")
def run_onnx():
    """Return a function that checks an ONNX model, and computes its outputs by name."""
    import onnx
    from onnxruntime import InferenceSession

    def dtype_of(tensor):
        return _OF_TENSORS.get(tensor.type, tensor.type[len("tensor(") : -1])

    def run(model, X):
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        session = InferenceSession(model.SerializeToString())
        values = {}
        for x in session.get_inputs():
            column = X[[x.name]].to_numpy() if hasattr(X, "columns") else np.asarray(X)
            values[x.name] = column.astype(dtype_of(x))
        outputs = session.get_outputs()
        results = session.run(None, values)
        for declared, result in zip(outputs, results, strict=True):
            assert result.dtype == dtype_of(declared)
            assert all(b in (None, a) for a, b in zip(result.shape, declared.shape, strict=True))
        return {x.name: result for x, result in zip(outputs, results, strict=True)}

    return run


@pytest.hookimpl(tryfirst=True)  # before `-m` selects by markers
def pytest_collection_modifyitems(items):
    """Mark doctests that need no data, and skip those on Fashion-MNIST where it is not here.

    In CI none is skipped.
    """
    doctests = [item for item in items if hasattr(item, "dtest")]
    loading = [item for item in doctests if _loads_fashion_mnist(item)]
    for item in doctests:
        if item not in loading:
            item.add_marker(pytest.mark.example)
    if not loading or os.environ.get("CI"):
        return
    try:
        datasets.load_fashion_mnist(split="test", download_if_missing=False)
    except OSError as error:
        for item in loading:
            item.add_marker(pytest.mark.skip(reason=str(error)))


def _loads_fashion_mnist(item):
    return any("load_fashion_mnist(" in step.source for step in item.dtest.examples)
