"""What a fresh process does: a first fit, or a prediction with a pickle.

python -m benchmarks.fresh first-fit SYSTEM EPOCHS, or load FILE. The first line of output says
that the work is done, the second one gives figures as JSON.
"""

import builtins
import json
import sys
import time
from collections.abc import Callable
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


def first_fit(system: str, epochs: str) -> dict[str, float]:
    """Fit and predict, then fit once more to tell training from what only a first fit does."""
    clock = ImportClock()
    clock.start()
    from benchmarks.systems import SYSTEMS, Network
    from benchmarks.work import digits, seconds_of

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


COMMANDS: dict[str, Callable[..., dict[str, float]]] = {"first-fit": first_fit, "load": load}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
