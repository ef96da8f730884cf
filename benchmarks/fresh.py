"""What a fresh process does: a first fit, a prediction with a saved estimator, or saving one.

python -m benchmarks.fresh COMMAND ARGUMENT...; `COMMANDS` has them all. The first line of output
says that the work is done, the second one gives figures as JSON.
"""

import builtins
import contextlib
import io
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any


class ImportClock:
    """Seconds spent in import statements, wherever they stand; nested ones count once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0
        self._import = builtins.__import__

    def start(self) -> None:
        """Take the time of every import from now on."""
        builtins.__import__ = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Import as Python does."""
        self._depth += 1
        begin = time.perf_counter()
        try:
            return self._import(*args, **kwargs)
        finally:
            self._depth -= 1
            if not self._depth:
                self.seconds += time.perf_counter() - begin


def seconds_of(job: Callable) -> float:
    """Run a job once; return its seconds."""
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def first_fit(system: str, epochs: str) -> dict[str, float]:
    """Fit and predict, then fit once more to tell training from what only a first fit does."""
    clock = ImportClock()
    clock.start()
    from benchmarks.systems import SYSTEMS, Network
    from benchmarks.work import digits

    X, y = digits()
    imports_before = clock.seconds
    fitted = []

    def fit() -> None:
        fitted.append(SYSTEMS[system].fit(Network(), X, y, int(epochs), 32))

    first = seconds_of(fit)
    fitted[0](X)
    print("done", flush=True)
    imports = clock.seconds
    again = seconds_of(fit)
    return {
        "of which imports": imports,
        "of which first-time work (tracing)": first - (imports - imports_before) - again,
        "of which training": again,
    }


def load(file: str) -> dict[str, float]:
    """Unpickle an estimator and rows of X, and predict."""
    import pickle

    with open(file, "rb") as stream:
        estimator, X = pickle.load(stream)
    estimator.predict_proba(X)
    print("done", flush=True)
    return {"peak MB": peak_megabytes()}


def predict_table(way: str, model: str, table: str, output: str) -> dict[str, float]:
    """Predict the rows of a CSV file and write a CSV file: by the command, or with a pickle."""
    {"command": _by_command, "pickle": _by_pickle}[way](model, table, output)
    print("done", flush=True)
    return {"peak MB": peak_megabytes()}


def _by_command(model: str, table: str, output: str) -> None:
    from skdnn.cli import main

    with contextlib.redirect_stdout(io.StringIO()):
        status = main(["predict", model, table, "-o", output])
    if status:
        raise SystemExit(status)


def _by_pickle(model: str, table: str, output: str) -> None:
    import pickle

    import pandas as pd

    with open(model, "rb") as stream:
        estimator = pickle.load(stream)
    predicted = estimator.predict(pd.read_csv(table))
    pd.DataFrame({"prediction": predicted}).to_csv(output, index=False)


def serve(way: str, model: str, row: str) -> dict[str, float]:
    """Load a model and predict the single row of a JSON file, first once and then again."""
    with open(row, encoding="utf-8") as stream:
        values = json.load(stream)
    begin = time.perf_counter()
    make_input, predict_proba = READERS[way](model)
    loaded = time.perf_counter()
    X = make_input(values)
    first = seconds_of(lambda: predict_proba(X))
    print("done", flush=True)
    later = median(seconds_of(lambda: predict_proba(X)) for _ in range(LATER))
    return {"load": loaded - begin, "first": first, "later": later, "peak MB": peak_megabytes()}


def _frame(values: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame([values])


def _open_skdnn(model: str) -> tuple[Callable, Callable]:
    import skdnn

    return _frame, skdnn.load(model).predict_proba


def _open_pickle(model: str) -> tuple[Callable, Callable]:
    import pickle

    with open(model, "rb") as stream:
        return _frame, pickle.load(stream).predict_proba


def _open_onnx(model: str) -> tuple[Callable, Callable]:
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    dtypes = {"tensor(string)": object, "tensor(int64)": np.int64, "tensor(double)": np.float64}

    def make_input(values: dict[str, Any]) -> dict[str, Any]:
        return {
            column.name: np.array([[values[column.name]]], dtypes.get(column.type, np.float32))
            for column in session.get_inputs()
        }

    return make_input, lambda X: session.run(["probabilities"], X)


def save(way: str, pickled: str, file: str) -> dict[str, float]:
    """Unpickle an estimator and write it to a file, first once and then again."""
    import pickle

    with open(pickled, "rb") as stream:
        estimator = pickle.load(stream)
    first = seconds_of(lambda: WRITERS[way](estimator, file))
    print("done", flush=True)
    later = median(seconds_of(lambda: WRITERS[way](estimator, file)) for _ in range(AGAIN))
    return {"first": first, "later": later}


def _save_to_predict(estimator: Any, file: str) -> None:
    import skdnn

    skdnn.save(estimator, file)


def _save_to_resume(estimator: Any, file: str) -> None:
    import skdnn

    skdnn.save(estimator, file, profile="resume")


def _save_pickle(estimator: Any, file: str) -> None:
    import pickle

    with open(file, "wb") as stream:
        pickle.dump(estimator, stream)


def _save_skops(estimator: Any, file: str) -> None:
    import skops.io

    skops.io.dump(estimator, file)


def _save_onnx(estimator: Any, file: str) -> None:
    import skdnn

    skdnn.to_onnx(estimator, file)


def peak_megabytes() -> float:
    """Return the peak of this process's resident memory.

    Not by getrusage where it can be helped: on Linux that also knows the memory of the process
    that this one was started from.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    except OSError:
        import resource

        unit = 1024**2 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


LATER, AGAIN = 200, 5  # repetitions in a process that has done it once
READERS = {".skdnn": _open_skdnn, "pickle": _open_pickle, "ONNX": _open_onnx}
WRITERS = {
    ".skdnn": _save_to_predict,
    ".skdnn, to resume": _save_to_resume,
    "pickle": _save_pickle,
    "skops": _save_skops,
    "ONNX": _save_onnx,
}
COMMANDS: dict[str, Callable[..., dict[str, float]]] = {
    "first-fit": first_fit,
    "load": load,
    "predict-table": predict_table,
    "serve": serve,
    "save": save,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
