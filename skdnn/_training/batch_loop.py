"""A loop over batches inside one graph call, and the base class of compiled programs."""

from collections.abc import Callable, Sequence
from typing import Any

from skdnn._training.session import SessionFunctions
from skdnn._utils.tensorflow import tf

# The bounds of the batches: the index of the first row of each batch, then the number of rows.
BOUNDS = tf.TensorSpec([None], tf.int32)
# The number of steps of the first call of a program, before the duration of a step is known.
_FIRST_STRIDE = 1024


def over_batches(
    step: Callable[..., Sequence[Any]],
    arrays: Sequence[Any],
    bounds: Any,
    carried: Sequence[Any] = (),
) -> list[Any]:
    """Call a step function on consecutive batches of rows, in a loop inside the graph.

    Parameters
    ----------
    step : callable
        Takes the number of the batch, counted from 0, the list of the batch's arrays and the
        carried values. Returns the new carried values, which the next call receives.
    arrays : sequence of tensor
        The arrays to divide into batches. Each array has the rows of all batches.
    bounds : tensor of shape (n_steps + 1,), int32
        The index of the first row of each batch, followed by the number of rows.
    carried : sequence of tensor or tf.TensorArray, default=()
        The initial carried values.

    Returns
    -------
    list
        The carried values that the last step returned.
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
    """A compiled program, which is a set of TensorFlow graph functions with their variables.

    Parameters
    ----------
    variables : sequence of keras.Variable or tf.Variable
        All variables that the functions read or change. The variables serve as templates.

    Attributes
    ----------
    stride : int
        The maximum number of steps in one graph call. `batches.Feeder` adjusts the number to the
        duration of a step.
    """

    def __init__(self, variables: Sequence[Any]):
        self.functions = SessionFunctions(variables)
        self.stride = _FIRST_STRIDE

    def close(self) -> None:
        """Close the sessions, which frees their memory and threads."""
        self.functions.close()

    def abandon(self) -> None:
        """Drop the sessions without closing them, in a forked process that lacks their threads."""
        self.functions.abandon()
