"""A loop over batches inside one graph call, and what compiled programs have in common."""

from collections.abc import Callable, Sequence
from typing import Any

from skdnn._training.session import SessionFunctions
from skdnn._utils.tensorflow import tf

# The bounds of the batches: where each begins, and the last one ends.
BOUNDS = tf.TensorSpec([None], tf.int32)
# Steps of the first call of a program, until it is known how long they take.
_FIRST_STRIDE = 1024


def over_batches(
    step: Callable[..., Sequence[Any]],
    arrays: Sequence[Any],
    bounds: Any,
    carried: Sequence[Any] = (),
) -> list[Any]:
    """Call a step on one batch of consecutive rows after the other, in a graph.

    Parameters
    ----------
    step : callable
        Takes the number of the batch, the list of its arrays, and what is carried from step to
        step; returns the latter anew.
    arrays : sequence of tensor
        The rows of all batches.
    bounds : tensor of shape (n_steps + 1,), int32
        Where each batch begins, and the last one ends.
    carried : sequence of tensor or tf.TensorArray, default=()
        What is carried into the first step.

    Returns
    -------
    list
        What is carried out of the last step.
    """
    n_steps = tf.size(bounds) - 1
    spans = tf.stack([bounds[:-1], bounds[1:]], axis=1)

    def body(i: Any, *carried: Any) -> tuple[Any, ...]:
        start, stop = tf.unstack(tf.gather(spans, i))
        return i + 1, *step(i, [array[start:stop] for array in arrays], *carried)

    first = (tf.constant(0), *carried)
    _, *last = tf.while_loop(lambda i, *_: i < n_steps, body, first, parallel_iterations=1)
    return list(last)


class CompiledProgram:
    """Compiled functions with the variables that they work on.

    Parameters
    ----------
    variables : sequence of keras.Variable or tf.Variable
        All variables that the functions read or change, as templates.

    Attributes
    ----------
    stride : int
        Number of steps in one call; `batches.Feeder` adapts it to how long they take.
    """

    def __init__(self, variables: Sequence[Any]):
        self.functions = SessionFunctions(variables)
        self.stride = _FIRST_STRIDE

    def close(self) -> None:
        """Free memory and threads."""
        self.functions.close()

    def abandon(self) -> None:
        """Drop the sessions in a forked process, which does not have their threads."""
        self.functions.abandon()
