"""Arrays that are aligned in memory, or that are on disk."""

from mmap import mmap

import numpy as np
import numpy.typing as npt

ALIGNMENT = 64  # bytes


def is_mapped(X: np.ndarray | None) -> bool:
    """Return whether an array is a view of a memory-mapped file."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return isinstance(X, mmap)


def aligned(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """Return an aligned, uninitialised array, which TensorFlow uses without a copy."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
