"""The compiled forward pass, where this process has trained; imports no TensorFlow."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from skdnn._network.spec import NetworkSpec


def compiled_forward(
    spec: NetworkSpec,
) -> Callable[[Sequence[np.ndarray], np.ndarray], np.ndarray] | None:
    """Return the compiled forward pass of a network, or None where NumPy is faster."""
    engine: Any = sys.modules.get("skdnn._training.trainer")
    gains = getattr(engine, "gains", None)
    return partial(engine.forward, spec) if gains and gains(spec) else None
