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
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:  # the user has said what to show
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
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


with _no_banners():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
