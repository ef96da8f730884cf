"""The single import of TensorFlow and Keras, without their banners."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

# Log messages of TensorFlow's C++ code at import, before its log level takes effect.
_BANNER = (
    r"WARNING: All log messages before absl::InitializeLog|.*\b(cudart_stub|cuda_executor|port|"
    r"cpu_feature_guard|cuda_\w+|util)\.cc:\d+\]|To enable the following instructions:"
)
# Copies lines without the banners, until all processes have closed the other end of the pipe.
_FILTER = """
import re, sys
banner = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not banner.match(line):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
"""
# Filters that still run, because a process that was started meanwhile holds the pipe open.
_RUNNING: list["subprocess.Popen[bytes]"] = []

# oneDNN keeps a compiled kernel for each shape of its operands, by default 1024 of them.
_KERNELS, _N_KERNELS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128"
_THREADS = "TF_OVERRIDE_GLOBAL_THREADPOOL"


@contextlib.contextmanager
def _no_banners() -> Iterator[None]:
    """Context manager that removes TensorFlow's banners from standard error.

    A second process filters the lines, so that nothing is lost if this process dies in between.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") in ("0", "1"):
        yield  # the user has requested the messages
        return
    try:
        sys.stderr.flush()
        standard_error = os.dup(2)
    except (OSError, AttributeError):  # the process has no standard error
        yield
        return
    try:
        with _filtered(standard_error):
            yield
    finally:
        os.close(standard_error)


@contextlib.contextmanager
def _filtered(standard_error: int) -> Iterator[None]:
    # In a frozen application, the executable is the application itself.
    if not sys.executable or getattr(sys, "frozen", False):
        yield
        return
    command = [sys.executable, "-I", "-S", "-c", _FILTER, _BANNER]
    try:  # in a session of its own, Ctrl-C does not end the filter
        lines = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=standard_error, start_new_session=True
        )
    except OSError:  # no further process may be started
        yield
        return
    assert lines.stdin is not None
    os.dup2(lines.stdin.fileno(), 2)
    lines.stdin.close()
    try:
        yield
    finally:
        os.dup2(standard_error, 2)
        try:
            lines.wait(timeout=1)
        except subprocess.TimeoutExpired:
            _RUNNING.append(lines)


def _not_installed(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error of an import with what to install, if Keras or TensorFlow is missing."""
    names = ("keras", "tensorflow")
    if error.name not in names:
        return error
    missing = [name for name in names if sys.modules.get(name) is None and find_spec(name) is None]
    return ModuleNotFoundError(
        f"Not installed: {', '.join(missing)}. To train a network or make a Keras model, "
        f"install what is missing: pip install {' '.join(missing)}. To load models and to "
        "predict, skdnn does not need TensorFlow."
    )


def _check_backend(backend: str) -> None:
    if backend != "tensorflow":
        raise ImportError(
            f"skdnn trains with TensorFlow, but Keras was started with its {backend} backend: "
            "unset KERAS_BACKEND, or set it to 'tensorflow', before Keras is first imported. "
            "KerasClassifier and KerasRegressor work with any backend."
        )


def _grant_threads_to_sessions() -> None:
    """Let each session have its own number of threads, instead of threads shared by all sessions.

    TensorFlow reads an environment variable for this when it creates the first device of the
    process. This function creates the first device and restores the environment. If the user has
    already created a device, all sessions share the same threads.
    """
    if _THREADS not in os.environ:
        os.environ[_THREADS] = "1"
        no_gpu = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
        tf.compat.v1.Session(graph=tf.Graph(), config=no_gpu).close()
        del os.environ[_THREADS]


def _grow_gpu_memory() -> None:
    """Let TensorFlow allocate GPU memory as needed, unless the GPU is already in use."""
    with contextlib.suppress(RuntimeError):
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)


# Another backend may not be installed, so check before the import.
if sys.modules.get("keras") is None:
    _check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
os.environ.setdefault(_KERNELS, _N_KERNELS)
with _no_banners():
    try:
        import keras

        _check_backend(keras.backend.backend())
        import tensorflow as tf
    except ModuleNotFoundError as error:
        raise _not_installed(error) from None
    _grant_threads_to_sessions()
    _grow_gpu_memory()

__all__ = ["keras", "tf"]
