"""Data that several rooms are tested on."""

import os

import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris

from skdnn import datasets


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
    """All 60,000 images; only where it cannot be had, and never in CI, is a test skipped."""
    try:
        return datasets.load_fashion_mnist(return_X_y=True)
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
