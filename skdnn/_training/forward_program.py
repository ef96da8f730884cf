"""The compiled program that computes the forward pass of a network for many rows at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skdnn._network.keras_model import build
from skdnn._network.spec import NetworkSpec
from skdnn._training.batch_loop import CompiledProgram
from skdnn._training.session import Threads
from skdnn._utils.tensorflow import tf


class Forward(NamedTuple):
    """The key of a compiled forward pass in the program cache."""

    spec: NetworkSpec


class Predictor(CompiledProgram):
    """A compiled program that computes the forward pass of a network.

    Parameters
    ----------
    key : Forward
        The key, which holds the specification of the network.
    """

    def __init__(self, key: Forward):
        model = build(key.spec)
        super().__init__(model.weights)
        signature = [tf.TensorSpec([None, key.spec.n_inputs], key.spec.dtype)]
        self.functions.add("forward", lambda x: model(x, training=False), signature)

    def run(self, weights: Sequence[np.ndarray], x: np.ndarray, threads: Threads) -> np.ndarray:
        """Return the network's output, (n_rows, n_outputs), for rows x, (n_rows, n_inputs)."""
        self.functions.call(threads, "load", *weights)
        output: np.ndarray = self.functions.call(threads, "forward", x)
        return output
