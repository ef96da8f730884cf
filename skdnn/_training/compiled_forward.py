"""The compiled forward pass of a network, where this process has trained; imports no TensorFlow."""

from collections.abc import Callable, Sequence

import numpy as np

from skdnn._network.spec import NetworkSpec

# Takes the weights and rows x, (n_rows, n_inputs); returns the output, (n_rows, n_outputs).
ForwardPass = Callable[[Sequence[np.ndarray], np.ndarray], np.ndarray]
Provider = Callable[[NetworkSpec], ForwardPass | None]

_provider: Provider | None = None


def register(provider: Provider) -> None:
    """Set the function that `compiled_forward` calls: the trainer does so when it is loaded."""
    global _provider
    _provider = provider


def compiled_forward(spec: NetworkSpec) -> ForwardPass | None:
    """Return the compiled forward pass of a network, where it is faster than NumPy for many rows.

    It never imports TensorFlow, and never waits for another thread that does: until the trainer
    is loaded, there is none.

    Parameters
    ----------
    spec : NetworkSpec
        The network.

    Returns
    -------
    callable or None
        Takes weights and rows, (n_rows, n_inputs), and returns the output, (n_rows, n_outputs).
    """
    return None if _provider is None else _provider(spec)
