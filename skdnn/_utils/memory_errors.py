"""Errors of too little memory, which are raised unchanged where other errors are explained."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import numpy as np


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory was not enough, in Python, NumPy or TensorFlow."""
    # By name, because TensorFlow may not be imported.
    names = {cls.__name__ for cls in type(error).__mro__}
    return not names.isdisjoint({"MemoryError", "ResourceExhaustedError"})


@contextmanager
def sizes_noted(what: str, shape: tuple[int, ...], dtype: str) -> Iterator[None]:
    """Context manager that adds the size of an array to errors of too little memory.

    Parameters
    ----------
    what : str
        The name of the array in the note.
    shape : tuple of int
        The shape of the array.
    dtype : str
        The dtype of the array.
    """
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            size = prod(shape) * np.dtype(dtype).itemsize / 2**20
            error.add_note(f"{what} of shape {shape} takes {size:,.0f} MiB in {dtype}.")
        raise
