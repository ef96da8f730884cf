"""TensorFlow and Keras, imported in one place and without their banners."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# What TensorFlow's C++ says on loading, before its own log level is in force.
_BANNER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|.*\b(cudart_stub|cuda_executor|port|"
    rb"cpu_feature_guard|cuda_\w+|util)\.cc:\d+\]|To enable the following instructions:"
)


@contextlib.contextmanager
def _no_banners() -> Iterator[None]:
    """Hold back TensorFlow's hints while it loads; everything else written meanwhile is kept."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") in ("0", "1"):
        yield  # the user has asked for them
        return
    try:
        sys.stderr.flush()
        standard_error = os.dup(2)
    except (OSError, AttributeError):  # a process without a standard error has nothing to hold back
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
            held.seek(0)
            for line in held:
                if not _BANNER.match(line):
                    os.write(2, line)


def _check_backend(backend: str) -> None:
    if backend != "tensorflow":
        raise ImportError(
            f"skdnn trains with TensorFlow, but Keras was started with its {backend} backend: "
            "unset KERAS_BACKEND, or set it to 'tensorflow', before Keras is first imported."
        )


# Before Keras is imported too: what another backend needs may not be installed.
_check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
with _no_banners():
    import keras

    _check_backend(keras.backend.backend())
    import tensorflow as tf

__all__ = ["keras", "tf"]
