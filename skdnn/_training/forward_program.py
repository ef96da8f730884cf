"""The compiled program that computes the forward pass of a network."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from skdnn._network.keras_model import build
from skdnn._network.spec import NetworkSpec
from skdnn._training.batch_loop import CompiledProgram
from skdnn._training.compiled_forward import ForwardPass, register
from skdnn._training.process import has_trained
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.session import Threads, available_threads
from skdnn._utils.tensorflow import tf


class Forward(NamedTuple):
    """The key of a compiled forward pass in the program cache."""

    spec: NetworkSpec


class Predictor(CompiledProgram):
    """A compiled program that computes the forward pass of a network.

    Parameters
    ----------
    key : Forward
        The key of the program, which holds the specification of the network.
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


def forward(spec: NetworkSpec, weights: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return the output of a network, computed with a program of the cache."""
    with PROGRAMS.lend(Forward(spec), Predictor) as predictor:
        output: np.ndarray = predictor.run(weights, x, Threads(available_threads()))
    return output


def _faster_forward(spec: NetworkSpec) -> ForwardPass | None:
    """Return the compiled forward pass of a network, or None if NumPy is faster.

    The compiled forward pass counts as faster if this process has trained a network and may use
    several processors, and if the network has more units than inputs. TensorFlow computes
    activations with several threads, and NumPy does not. However, TensorFlow must copy the inputs.
    """
    if not has_trained() or not tf.executing_eagerly() or available_threads() < 2:
        return None
    n_units = sum(row.shape[-1] for row in spec.rows())
    return partial(forward, spec) if n_units > spec.n_inputs else None


register(_faster_forward)
