"""The dropout layer of compiled programs."""

from typing import Any

from skdnn._utils.tensorflow import keras, tf


class QuickDropout(keras.layers.Dropout):
    """A dropout layer that uses 16 random bits per value.

    Keras generates 32 bits per value, which takes most of the time of Keras's dropout layer. The
    dropout rate is rounded to a multiple of 2**-16. The kept values are divided by one minus the
    rounded rate.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs with random values set to zero if `training`, or else unchanged."""
        if not training:
            return inputs
        n_dropped = min(round(self.rate * 2**16), 2**16 - 1)  # of the 2**16 values of 16 bits
        size = tf.size(inputs)
        words = tf.random.stateless_uniform(
            [(size + 1) // 2], self.seed_generator.next(), None, None, tf.int32
        )
        halves = tf.reshape(tf.bitcast(words, tf.int16), [-1])[:size]
        kept = tf.reshape(halves >= tf.constant(n_dropped - 2**15, tf.int16), tf.shape(inputs))
        return inputs * (tf.cast(kept, inputs.dtype) * (2**16 / (2**16 - n_dropped)))
