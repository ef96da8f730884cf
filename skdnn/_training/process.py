"""Checks that TensorFlow can compute in this process. The module does not import TensorFlow."""

import os

from skdnn._utils.tensorflow_internals import tensorflow_has_started

_trains_in: int | None = None  # the process that trains
_broken_by: str | None = (
    None  # what the parent had done with TensorFlow when it forked this process
)


def check_process() -> None:
    """Raise an error if TensorFlow cannot train in this process or context."""
    global _trains_in
    check_not_forked()
    from skdnn._utils.tensorflow import tf

    _trains_in = os.getpid()
    if not tf.executing_eagerly():
        raise RuntimeError(
            "skdnn computes on arrays: call it outside of tf.function and of tf.Graph, with eager "
            "execution on."
        )
    if tf.distribute.has_strategy():
        raise RuntimeError("skdnn trains on one device: call fit outside of tf.distribute's scope.")


def check_not_forked() -> None:
    """Raise an error if TensorFlow would wait for ever, because this process was forked."""
    # TensorFlow's threads do not survive a fork, and the child process would wait for them without
    # end.
    if _broken_by is not None:
        raise RuntimeError(
            f"This process was forked from one that has {_broken_by}, and TensorFlow cannot be "
            "used in both: start it with joblib's loky backend or with multiprocessing's 'spawn'."
        )


def is_forked() -> bool:
    """Return whether `check_not_forked` raises an error in this process."""
    return _broken_by is not None


def has_trained() -> bool:
    """Return whether this process has called `check_process`, as each fit does first."""
    return _trains_in == os.getpid()


def _after_fork() -> None:
    global _broken_by
    if _trains_in is not None:
        _broken_by = _broken_by or "trained a network"
    elif tensorflow_has_started():
        _broken_by = _broken_by or "used TensorFlow"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
