"""The work that is measured: one function for each kind, and one row of `WORKS` for each work.

Each function is run in a worker process that holds one system, and returns figures by name;
"seconds" is the one that systems are compared by.
"""

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, NamedTuple

import numpy as np

from benchmarks.fresh import peak_megabytes, seconds_of
from benchmarks.systems import SYSTEMS, Network, scikeras_network

ROOT = Path(__file__).parents[1]
DEEP = Network((256, 256, 256), dropout=0.2, batch_norm=True)
SMALL = Network((32,))


class Work(NamedTuple):
    """One row of the benchmark.

    `quick` overrides settings where only the way
    through is to be tried. `anew` starts the processes again for each round, so that nothing is
    compiled already. `most_rounds` is for what takes minutes, and is a mean of many fits anyway.
    """

    title: str
    measure: Callable[..., dict[str, float]]
    systems: tuple[str, ...]
    settings: dict[str, Any]
    quick: dict[str, Any]
    anew: bool = False
    most_rounds: int = 100


@cache
def _fashion() -> tuple[np.ndarray, np.ndarray]:
    from skdnn.datasets import load_fashion_mnist

    images, labels = load_fashion_mnist(return_X_y=True)
    X = images.reshape(len(images), -1).astype(np.float32)
    X /= 255
    return X, labels.astype(np.int64)


def fashion(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return X (rows, 784) as float32 in [0, 1], and y (rows,) as int64."""
    X, y = _fashion()
    return X[:rows], y[:rows]


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return X (1797, 64) as float32 in [0, 1], and y (1797,) as int64."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y.astype(np.int64)


@cache
def iris() -> tuple[np.ndarray, np.ndarray]:
    """Return X (150, 4) as float32, and y (150,) as int64."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    return X.astype(np.float32), y.astype(np.int64)


def median_seconds(job: Callable, budget: float) -> float:
    """Run a job until the budget is used up, three times at least; return the median."""
    job()
    times: list[float] = []
    while len(times) < 3 or sum(times) < budget:
        times.append(seconds_of(job))
    return median(times)


def epoch(
    system: str, *, network: Network, rows: int, batch_size: int, epochs: int
) -> dict[str, float]:
    """Measure an epoch after the first: a long fit less a fit of one epoch."""
    X, y = fashion(rows)
    fit = SYSTEMS[system].fit
    fit(network, *fashion(2000), 1, batch_size)  # import and compile
    one = seconds_of(lambda: fit(network, X, y, 1, batch_size))
    many = seconds_of(lambda: fit(network, X, y, 1 + epochs, batch_size))
    return {"seconds": (many - one) / epochs}


def grid_search(
    system: str, *, rates: list[float], sizes: list, folds: int, rows: int, epochs: int
) -> dict[str, float]:
    """Measure a GridSearchCV with its refit, on the same folds for every system.

    What was imported is warm; what the search has to compile is part of it.
    """
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    X, y = (array[:rows] for array in digits())
    _, make, (rate, size), _ = SYSTEMS[system]
    SYSTEMS[system].fit(Network((2,)), X, y, 1, 32)  # another architecture, for the imports
    grid = {rate: rates, size: sizes}
    search = GridSearchCV(make(SMALL, epochs, 32), grid, cv=StratifiedKFold(folds))
    return {"seconds": seconds_of(lambda: search.fit(X, y))}


def small_fit(system: str, *, epochs: int, batch_size: int, budget: float) -> dict[str, float]:
    """Measure one fit of 150 rows in a process that has done the same before."""
    fit = SYSTEMS[system].fit
    return {
        "seconds": median_seconds(lambda: fit(Network(), *iris(), epochs, batch_size), budget),
    }


@cache
def _fitted(system: str) -> Callable:
    return SYSTEMS[system].fit(Network(), *fashion(2000), 1, 32)


def predict(system: str, *, rows: int, budget: float) -> dict[str, float]:
    """Measure predict_proba of so many rows at once."""
    predict_proba = _fitted(system)
    X = fashion(rows)[0]
    return {"seconds": median_seconds(lambda: predict_proba(X), budget)}


def run_fresh(*arguments: str) -> dict[str, float]:
    """Run `benchmarks.fresh`; return the seconds to its first line, and the figures it reports.

    The first line says that the work is done; what it then finds out is not measured. Its errors
    go to a file, because a pipe that nobody reads could fill up and stop it.
    """
    command = [sys.executable, "-m", "benchmarks.fresh", *arguments]
    with TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        ) as process:
            output = iter(process.stdout or ())
            done = next(output, "")
            seconds = time.perf_counter() - begin
            figures = next(output, "")
        if process.returncode or done != "done\n":
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command[1:])} failed:\n{errors.read()}")
    return {"seconds": seconds} | json.loads(figures)


def first_fit(system: str, *, epochs: int) -> dict[str, float]:
    """Measure a fresh process from its start over the first fit to the prediction."""
    return run_fresh("first-fit", system, str(epochs))


def load(system: str, *, rows: int) -> dict[str, float]:
    """Measure a fresh process that unpickles a fitted classifier and predicts."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "fitted.pkl")
        file.write_bytes(_pickled(system, rows))
        return run_fresh("load", str(file))


@cache
def _pickled(system: str, rows: int) -> bytes:
    X, y = fashion(2000)
    return pickle.dumps((SYSTEMS[system].make(Network(), 1, 32).fit(X, y), X[:rows]))


def _wrapper(system: str, **params: Any) -> Any:
    """Return a KerasClassifier, skdnn's or SciKeras's, with the same build function."""
    from importlib import import_module

    module = {"skdnn": "skdnn.wrappers", "SciKeras": "scikeras.wrappers"}[system]
    settings = {"loss": "sparse_categorical_crossentropy", "optimizer": "adam", "verbose": 0}
    return import_module(module).KerasClassifier(**{**settings, **params})


def wrapped_search(
    system: str, *, rates: list[float], sizes: list, folds: int, rows: int, epochs: int
) -> dict[str, float]:
    """Measure the grid search with a KerasClassifier around the same build function."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    X, y = (array[:rows] for array in digits())
    options = {"model": scikeras_network, "epochs": epochs, "batch_size": 32}
    _wrapper(system, **options | {"epochs": 1, "model__sizes": (2,)}).fit(X, y)  # for the imports
    grid = {"optimizer__learning_rate": rates, "model__sizes": sizes}
    clf = _wrapper(system, **options, model__sizes=(32,), optimizer__learning_rate=0.001)
    search = GridSearchCV(clf, grid, cv=StratifiedKFold(folds))
    seconds = seconds_of(lambda: search.fit(X, y))
    return {"seconds": seconds, "score": float(search.best_score_), "peak MB": peak_megabytes()}


def convolutional_network(meta: dict) -> Any:
    """Return a small convolutional network for images of 28 x 28."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def wrapped_convolution(system: str, *, rows: int, epochs: int) -> dict[str, float]:
    """Measure a fit of a convolutional network, and its accuracy on 10,000 other images."""
    X, y = fashion(rows)
    unseen, labels = (array[50_000:] for array in _fashion())
    if system == "Keras":
        seconds, predict_proba = _convolution_by_keras(X, y, epochs)
    else:
        options = {"model": convolutional_network, "batch_size": 32, "epochs": epochs}
        # Without a seed: SciKeras would switch TensorFlow's determinism on for the whole process.
        clf = _wrapper(system, **options, predict__batch_size=1024)
        seconds = seconds_of(lambda: clf.fit(X, y))
        predict_proba = clf.predict_proba
    score = float(np.mean(predict_proba(unseen).argmax(axis=1) == labels))
    return {"seconds": seconds, "score": score, "peak MB": peak_megabytes()}


def _convolution_by_keras(X: Any, y: Any, epochs: int) -> tuple[float, Callable]:
    model = convolutional_network({"n_classes_": 10})

    def fit() -> None:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(X, y, batch_size=32, epochs=epochs, verbose=0)

    return seconds_of(fit), partial(model.predict, batch_size=1024, verbose=0)


ALL = tuple(SYSTEMS)
PREDICTING = tuple(name for name in ALL if name != "BLAS")
WITH_DROPOUT = tuple(name for name in ALL if name != "MLPClassifier")
FASHION = {"network": Network(), "rows": 48_000, "batch_size": 32, "epochs": 2}
FEW = {"rows": 2000, "epochs": 1}
GRID = {
    "rates": [0.0003, 0.001, 0.003, 0.01],
    "sizes": [(32,), (64,)],
    "folds": 5,
    "rows": 1797,
    "epochs": 20,
}
SMALL_GRID = {"rates": [0.001], "sizes": [(32,)], "folds": 2, "rows": 400, "epochs": 2}

WORKS = {
    "epoch-32": Work(
        "An epoch of 48,000 x 784, one hidden layer of 100, batch 32",
        epoch,
        ALL,
        FASHION,
        FEW,
    ),
    "epoch-256": Work("The same at batch 256", epoch, ALL, FASHION | {"batch_size": 256}, FEW),
    "deep-256": Work(
        "An epoch of 48,000 x 784, three hidden layers of 256 with dropout and batch norm, "
        "batch 256",
        epoch,
        WITH_DROPOUT,
        FASHION | {"network": DEEP, "batch_size": 256},
        FEW,
    ),
    "grid": Work(
        "Grid search on digits: 4 learning rates x 2 sizes x 5 folds, 20 epochs, batch 32",
        grid_search,
        ("skdnn", "SciKeras", "MLPClassifier"),
        GRID,
        SMALL_GRID,
        anew=True,
        most_rounds=1,
    ),
    "wrapped-grid": Work(
        "The same grid search, with a KerasClassifier around one build function",
        wrapped_search,
        ("skdnn", "SciKeras"),
        GRID,
        SMALL_GRID,
        anew=True,
        most_rounds=1,
    ),
    "wrapped-convolution": Work(
        "A convolutional network on 6,000 images, 3 epochs, with a KerasClassifier, first fit",
        wrapped_convolution,
        ("skdnn", "SciKeras", "Keras"),
        {"rows": 6000, "epochs": 3},
        {"rows": 500, "epochs": 1},
        anew=True,
    ),
    "iris": Work(
        "One fit of 150 rows (iris), 50 epochs, batch 32, warm",
        small_fit,
        ("skdnn", "MLPClassifier"),
        {"epochs": 50, "batch_size": 32, "budget": 1.5},
        {"epochs": 5, "budget": 0.1},
    ),
    "first-fit": Work(
        "First fit in a fresh process, from its start to the prediction: digits, 20 epochs",
        first_fit,
        ("skdnn", "SciKeras", "MLPClassifier"),
        {"epochs": 20},
        {"epochs": 2},
    ),
    "predict-1": Work(
        "predict_proba of 1 row of 784",
        predict,
        PREDICTING,
        {"rows": 1, "budget": 0.5},
        {"budget": 0.05},
    ),
    "predict-50000": Work(
        "predict_proba of 50,000 rows of 784",
        predict,
        PREDICTING,
        {"rows": 50_000, "budget": 0.5},
        {"rows": 5000, "budget": 0.05},
    ),
    "load": Work(
        "A fresh process that unpickles a fitted classifier and predicts 1 row",
        load,
        ("skdnn", "MLPClassifier", "SciKeras"),
        {"rows": 1},
        {},
    ),
}
