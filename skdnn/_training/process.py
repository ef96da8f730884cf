"""Checks that TensorFlow can train in this process."""

import os

from skdnn._utils.tensorflow import tf

_process: int | None = None  # the process that trains


def check_process() -> None:
    """Raise an error if TensorFlow cannot train in this process or context."""
    # TensorFlow's threads do not survive a fork, and the child process would wait for them without
    # end.
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            "This process was forked from one that has trained a network, and TensorFlow cannot be "
            "used in both: start it with joblib's loky backend or with multiprocessing's 'spawn'."
        )
    if not tf.executing_eagerly():
        raise RuntimeError(
            "skdnn computes on arrays: call it outside of tf.function and of tf.Graph, with eager "
            "execution on."
        )
    if tf.distribute.has_strategy():
        raise RuntimeError("skdnn trains on one device: call fit outside of tf.distribute's scope.")


def has_trained() -> bool:
    """Return whether this process has called `check_process`, as each fit does first."""
    return _process == os.getpid()
