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


def pytest_collection_modifyitems(items):
    """Skip doctests on Fashion-MNIST where it is not on this machine, but never in CI."""
    loading = [item for item in items if _loads_fashion_mnist(item)]
    if not loading or os.environ.get("CI"):
        return
    try:
        datasets.load_fashion_mnist(split="test", download_if_missing=False)
    except OSError as error:
        for item in loading:
            item.add_marker(pytest.mark.skip(reason=str(error)))


def _loads_fashion_mnist(item):
    doctest = getattr(item, "dtest", None)
    return doctest and any("load_fashion_mnist(" in step.source for step in doctest.examples)
