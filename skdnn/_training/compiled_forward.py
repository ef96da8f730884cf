"""The hook through which prediction uses a compiled forward pass. Imports no TensorFlow."""

from collections.abc import Callable, Sequence

import numpy as np

from skdnn._network.spec import NetworkSpec

# Takes the network weights and rows x, (n_rows, n_inputs); returns the output, (n_rows, n_outputs).
ForwardPass = Callable[[Sequence[np.ndarray], np.ndarray], np.ndarray]
Provider = Callable[[NetworkSpec], ForwardPass | None]

_provider: Provider | None = None


def register(provider: Provider) -> None:
    """Set the function that `compiled_forward` calls.

    `forward_program` calls `register` when the trainer imports `forward_program`.
    """
    global _provider
    _provider = provider


def compiled_forward(spec: NetworkSpec) -> ForwardPass | None:
    """Return the compiled forward pass of a network if it is faster than NumPy for many rows.

    The function never imports TensorFlow and never waits for another thread that does. Until the
    trainer is imported, the function returns None.

    Parameters
    ----------
    spec : NetworkSpec
        The network to compute the output of.

    Returns
    -------
    callable or None
        Takes the network weights and rows, (n_rows, n_inputs), and returns the output, (n_rows,
        n_outputs). None if NumPy is faster, or if this process has not trained a network.
    """
    return None if _provider is None else _provider(spec)
