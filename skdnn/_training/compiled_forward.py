"""The hook through which prediction uses a compiled forward pass. Imports no TensorFlow."""

from collections.abc import Callable, Sequence

import numpy as np

from skdnn._network.spec import NetworkSpec

# Takes the network weights and rows x, (n_rows, n_inputs). Returns the network's output, (n_rows,
# n_outputs).
ForwardPass = Callable[[Sequence[np.ndarray], np.ndarray], np.ndarray]
Provider = Callable[[NetworkSpec], ForwardPass | None]

_provider: Provider | None = None


def register(provider: Provider) -> None:
    """Set the function that `compiled_forward` calls to obtain a compiled forward pass.

    The module `forward_program` calls `register` when that module is first imported.
    """
    global _provider
    _provider = provider


def compiled_forward(spec: NetworkSpec) -> ForwardPass | None:
    """Return the compiled forward pass of a network if that is faster than NumPy for many rows.

    The function never imports TensorFlow and never waits for a thread that imports TensorFlow.
    Until the module `trainer` is imported, the function returns None.

    Parameters
    ----------
    spec : NetworkSpec
        The specification of the network.

    Returns
    -------
    callable or None
        Takes the network weights and rows of shape (n_rows, n_inputs), and returns the network's
        output of shape (n_rows, n_outputs). None if NumPy is faster, or if this process has not
        trained a network.
    """
    return None if _provider is None else _provider(spec)
