"""The dropout layer of compiled programs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from skdnn._utils.tensorflow import keras, tf


class QuickDropout(keras.layers.Dropout):
    """A dropout layer that uses 16 random bits per value.

    Keras generates 32 bits per value, which takes most of the time of Keras's dropout layer. The
    dropout rate is rounded to a multiple of 2**-16. The kept values are divided by one minus the
    rounded rate.

    Attributes
    ----------
    first_member : int or tensor of shape ()
        The position, in the whole ensemble, of the first ensemble member of the inputs. The random
        values of a member do not depend on which other members a program trains.
    """

    first_member: Any = 0

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs with random values set to zero if `training`, or else unchanged."""
        if not training:
            return inputs
        n_dropped = min(round(self.rate * 2**16), 2**16 - 1)  # of the 2**16 values of 16 bits
        size, start = tf.size(inputs, tf.int64), tf.constant(0, tf.int64)
        if len(inputs.shape) == 3:  # (n_members, n_rows, units)
            start = tf.cast(self.first_member, tf.int64) * (size // inputs.shape[0])
        bits = _random_bits(self.seed_generator.next(), start, size)
        kept = tf.reshape(bits >= tf.constant(n_dropped - 2**15, tf.int16), tf.shape(inputs))
        return inputs * (tf.cast(kept, inputs.dtype) * (2**16 / (2**16 - n_dropped)))


@contextmanager
def placed(layers: Sequence[QuickDropout], first_member: Any) -> Iterator[None]:
    """Context manager in which dropout layers have another `first_member`, to trace them."""
    for layer in layers:
        layer.first_member = first_member
    try:
        yield
    finally:
        for layer in layers:
            layer.first_member = 0


def _random_bits(seed: Any, start: Any, size: Any) -> Any:
    """Return elements `start` to `start + size - 1` of a sequence of random integers, int16.

    The sequence is that of `tf.random.stateless_uniform`, whose generator computes 128 bits, or 8
    integers, from a key and a counter.
    """
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    skipped = tf.stack([tf.cast(start // 8, tf.uint64), tf.constant(0, tf.uint64)])
    begin = start % 8
    words = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[(begin + size + 1) // 2],
        key=key,
        counter=counter + skipped,
        alg=tf.raw_ops.StatelessRandomGetAlg(),
        dtype=tf.int32,
    )
    return tf.reshape(tf.bitcast(words, tf.int16), [-1])[begin : begin + size]
