"""The rows of the table of needs: a short program for each, run with one library at a time.

A function takes the name of a library, a key of `benchmarks.peer_systems.MAKE`, and returns the
text of a cell, or a `Partly`. An exception, also a failed assertion, stands for "no".
"""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.peer_systems import CNN, DNN, INSTALLED, MAKE, WRAPPED, network_of_arrays
from benchmarks.work import ROOT

YES = "yes"
GOOD = 0.9  # an accuracy that says that training worked; guessing gives 0.1 to 0.4
LONGEST = 200  # characters of a reason
FRAMEWORKS = ("tensorflow", "torch", "jax", "keras")


class Partly(NamedTuple):
    """A cell that says that something works in part.

    `failed` has what does not work: names by the message of their error.
    """

    shown: str
    failed: dict[str, list[str]]


class Need(NamedTuple):
    """One row of the table."""

    title: str
    try_it: Callable[[str], str | Partly]


def iris() -> tuple[np.ndarray, np.ndarray]:
    """Return standardised measurements (150, 4), and labels in order."""
    from sklearn.datasets import load_iris
    from sklearn.preprocessing import StandardScaler

    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X).astype(np.float32), y.astype(np.int64)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images (1797, 8, 8) between 0 and 1, and labels."""
    from sklearn.datasets import load_digits

    images = load_digits()
    return (images.images / 16).astype(np.float32), images.target.astype(np.int64)


def fit_arguments(system: str, step: str = "", epochs: int = 50) -> dict[str, Any]:
    """Return what `fit` takes in addition: the clones of Keras's wrapper forget their epochs."""
    if system != "Keras's wrappers":
        return {}
    return {f"{step}epochs": epochs, f"{step}verbose": 0}


def take_raw_table(system: str) -> str:
    """Fit a table of text, categories and missing values, and predict it."""
    import pandas as pd

    rng = np.random.default_rng(0)
    size = rng.normal(size=300)
    colour = rng.choice(["red", "green", "blue"], 300)
    y = ((size > 0) | (colour == "red")).astype(np.int64)
    table = pd.DataFrame({"colour": colour, "size": np.where(size < -2, np.nan, size)})
    table["shop"] = pd.Categorical(rng.choice(["a", "b"], 300))
    assert MAKE[system](3).fit(table, y).score(table, y) > GOOD
    return YES


def take_any_units(system: str) -> str:
    """Cross-validate on the wine data, whose columns have ranges of 1 to 1400."""
    from sklearn.datasets import load_wine
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.preprocessing import StandardScaler

    X, y = load_wine(return_X_y=True)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    raw, scaled = (
        cross_val_score(
            MAKE[system](13), data.astype(np.float32), y, cv=folds, params=fit_arguments(system)
        ).mean()
        for data in (X, StandardScaler().fit_transform(X))
    )
    assert raw > scaled - 0.03, f"accuracy {raw:.2f} without a scaler, {scaled:.2f} with one"
    return YES


def take_images(system: str) -> str:
    """Fit images as they are: an array of three dimensions."""
    X, y = digits()
    assert MAKE[system](64, epochs=10).fit(X, y).score(X, y) > GOOD
    return YES


def take_own_network(system: str) -> str:
    """Fit a convolutional network that the user wrote."""
    assert system in CNN, "all layers are dense"
    X, y = digits()
    X = X.reshape(len(X), -1)  # the first layer makes images of the rows
    assert CNN[system](64, epochs=5).fit(X, y).score(X, y) > GOOD
    return "PyTorch" if system == "skorch" else "Keras"


def validate_text_labels(system: str) -> str:
    """Cross-validate with labels of text by accuracy and log-loss, on stratified folds."""
    from sklearn.model_selection import StratifiedKFold

    X, y = iris()
    y = np.array(["setosa", "versicolor", "virginica"])[y]
    scores = _cross_validate(system, X, y, StratifiedKFold(3), ["accuracy", "neg_log_loss"])
    assert scores["test_accuracy"].mean() > GOOD
    assert np.isfinite(scores["test_neg_log_loss"]).all(), "no log-loss: there is no predict_proba"
    return YES


def stratify_folds(system: str) -> str:
    """Cross-validate with `cv=3` where the rows are in the order of the classes."""
    accuracy = _cross_validate(system, *iris(), 3, ["accuracy"])["test_accuracy"].mean()
    assert accuracy > GOOD, f"accuracy {accuracy:.2f}: a fold has rows of one class only"
    return YES


def _cross_validate(system: str, X: np.ndarray, y: np.ndarray, cv: Any, scoring: list[str]) -> Any:
    from sklearn.model_selection import cross_validate

    params = fit_arguments(system)
    estimator = MAKE[system](4)
    return cross_validate(
        estimator, X, y, cv=cv, scoring=scoring, params=params, error_score="raise"
    )


def pass_checks(system: str) -> str | Partly:
    """Run scikit-learn's checks of estimators, and tell how many pass and why the others fail."""
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(MAKE[system](4, epochs=10), on_fail=None, on_skip=None)
    done = [result for result in results if result["status"] in ("passed", "failed")]
    failed: dict[str, list[str]] = {}
    for result in done:
        if result["status"] == "failed":
            failed.setdefault(reason_of(result["exception"]), []).append(result["check_name"])
    n_failed = sum(map(len, failed.values()))
    if not failed:
        return f"all {len(done)}"
    return Partly(f"{len(done) - n_failed} of {len(done)}", failed)


def reason_of(error: BaseException) -> str:
    """Return an error in one line, without addresses of memory, and shortened if it is long."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return re.sub(r" at 0x[0-9a-f]+", "", text)[:LONGEST]


def search(system: str) -> str:
    """Search over units, epochs and learning rate at once, in a pipeline."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    grids: dict[str, dict[str, list]] = {
        "MLPClassifier": {"hidden_layer_sizes": [(4,), (32,)], "max_iter": [1, 50]}
        | {"learning_rate_init": [0.001, 0.01]},
        "SciKeras": {"model__units": [4, 32], "epochs": [1, 50]}
        | {"optimizer__learning_rate": [0.001, 0.01]},
        "Keras's wrappers": {"fit_kwargs": [{"epochs": n, "verbose": 0} for n in (1, 50)]}
        | {"model_kwargs": [{"units": n, "rate": r} for n in (4, 32) for r in (0.001, 0.01)]},
        "skorch": {"module__units": [4, 32], "max_epochs": [1, 50], "lr": [0.001, 0.01]},
        DNN: {"hidden_layer_sizes": [(4,), (32,)], "epochs": [1, 50]}
        | {"learning_rate": [0.001, 0.01]},
    }
    grids[WRAPPED] = grids["SciKeras"]
    grid = {f"net__{name}": values for name, values in grids[system].items()}
    pipe = Pipeline([("scale", StandardScaler()), ("net", MAKE[system](4))])
    X, y = iris()
    found = GridSearchCV(pipe, grid, cv=StratifiedKFold(2), error_score="raise").fit(X, y)
    assert found.best_score_ > GOOD
    return "in dicts" if system == "Keras's wrappers" else YES


def stop_early(system: str) -> str:
    """Stop early with digits in the order of their labels; the best epoch is kept."""
    patience = {"patience": 5, "restore_best_weights": True}
    if system in ("SciKeras", "Keras's wrappers", WRAPPED):
        import keras

        callbacks = [keras.callbacks.EarlyStopping(**patience)]
    if system == "skorch":
        from skorch.callbacks import EarlyStopping
        from skorch.dataset import ValidSplit

        stop = EarlyStopping(patience=5, load_best=True)
        skorch = {"callbacks": [stop], "train_split": ValidSplit(5, stratified=True)}
    options: dict[str, Callable[[], dict[str, Any]]] = {
        "MLPClassifier": lambda: {"early_stopping": True},
        "SciKeras": lambda: {"fit__validation_split": 0.2, "callbacks": callbacks},
        "Keras's wrappers": lambda: {
            "fit_kwargs": {"validation_split": 0.2, "callbacks": callbacks}
        },
        "skorch": lambda: skorch,
        DNN: lambda: {"early_stopping": True},
        WRAPPED: lambda: {"validation_split": 0.2, "callbacks": callbacks},
    }
    X, y = digits()
    order = np.argsort(y, kind="stable")
    X, y = X[order].reshape(len(X), -1), y[order]
    score = MAKE[system](64, epochs=40, **options[system]()).fit(X, y).score(X, y)
    assert score > GOOD, f"accuracy {score:.2f}: the last rows are held out, which lack classes"
    return YES


def weigh(system: str) -> str:
    """Weigh wrong labels with 0, and a class with next to nothing."""
    X, y = iris()
    wrong = (y + 1) % 3
    weight = np.repeat([1.0, 0.0], len(y))
    twice = np.concatenate([X, X]), np.concatenate([y, wrong])
    works = []
    try:
        MAKE[system](4).fit(*twice, sample_weight=weight).score(X, y)
    except TypeError:
        pass
    else:
        assert MAKE[system](4).fit(*twice, sample_weight=weight).score(X, y) > GOOD
        works.append("sample_weight")
    if _weighs_classes(system, X, y):
        works.append("class_weight")
    return YES if len(works) == 2 else "only " + works[0] if works else "no"


def _weighs_classes(system: str, X: np.ndarray, y: np.ndarray) -> bool:
    weights: Any = {0: 1.0, 1: 1e-6, 2: 1.0}
    options: dict[str, Any] = {"class_weight": weights}
    if system == "Keras's wrappers":
        options = {"fit_kwargs": options}
    if system == "skorch":
        import torch

        options = {"criterion__weight": torch.tensor(list(weights.values()))}
    try:
        predicted = MAKE[system](4, **options).fit(X, y).predict(X)
    except TypeError:
        return False
    return bool(np.mean(predicted == 1) < 0.1)


def train_on(system: str) -> str:
    """Train in two parts, the second of which starts where the first ended."""
    X, y = iris()
    if system == "Keras's wrappers":
        model = network_of_arrays(X, np.eye(3)[y])
        est = MAKE[system](4, units=None, epochs=1, model=model, warm_start=True)
        steps = [lambda: est.fit(X, y)] * 40
    else:
        est = MAKE[system](4, epochs=1)
        steps = [lambda: est.partial_fit(X, y)] * 40
        if system in ("MLPClassifier", DNN, WRAPPED):
            steps = [lambda: est.partial_fit(X, y, classes=[0, 1, 2])] * 40
    for step in steps:
        step()
    score = est.score(X, y)
    assert score > GOOD, f"accuracy {score:.2f}: warm_start starts afresh"
    return YES


PREDICT = """
import pickle, sys
model, X = pickle.load(open(sys.argv[1], "rb"))
model.predict(X)  # which may print its progress
print()
print(*sorted(set({frameworks!r}) & set(sys.modules)))
"""


def predict_alone(system: str) -> str:
    """Unpickle in a fresh process, predict, and see what is imported."""
    X, y = iris()
    fitted = MAKE[system](4, epochs=2).fit(X, y)
    with TemporaryDirectory() as folder:
        file = Path(folder, "model.pkl")
        file.write_bytes(pickle.dumps((fitted, X[:1])))
        command = [sys.executable, "-c", PREDICT.format(frameworks=FRAMEWORKS), str(file)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        loaded = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
        )
    names = loaded.stdout.splitlines()[-1].split()
    assert not names, f"imports {', '.join(names)}"
    return YES


def export_onnx(system: str) -> str:
    """Write ONNX, run it, and compare labels and probabilities."""
    import onnxruntime

    X, y = iris()
    est = MAKE[system](4).fit(X, y)
    with TemporaryDirectory() as folder:
        file = str(Path(folder, "model.onnx"))
        whole = _write_onnx(system, est, X, file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        columns = [X] if len(names) == 1 else [X[:, [i]] for i in range(X.shape[1])]
        outputs = session.run(None, dict(zip(names, columns, strict=True)))
    if not whole:
        assert np.array_equal(outputs[0].argmax(axis=1), est.predict(X).ravel())
        return "the network"
    assert np.array_equal(outputs[0], est.predict(X))
    return YES


def _write_onnx(system: str, est: Any, X: np.ndarray, file: str) -> bool:
    """Write the estimator, or its network if that is all that can be written."""
    if system == DNN:
        import skdnn

        skdnn.to_onnx(est, file)
    elif system == "MLPClassifier":
        import skl2onnx

        model = skl2onnx.to_onnx(est, X[:1], options={"zipmap": False})
        Path(file).write_bytes(model.SerializeToString())
    elif system == "skorch":
        import torch

        torch.onnx.export(
            est.module_,
            torch.from_numpy(X),
            file,
            dynamo=False,
            dynamic_axes={"input": {0: "n"}},
            input_names=["input"],
        )
    else:
        est.model_.export(file, format="onnx", verbose=False)
    return system in (DNN, "MLPClassifier")


def save_safely(system: str) -> str:
    """Write a file that holds the fitted estimator and no code, and read it."""
    X, y = iris()
    est = MAKE[system](4, epochs=2).fit(X, y)
    with TemporaryDirectory() as folder:
        if system == DNN:
            import skdnn

            skdnn.save(est, f"{folder}/model.skdnn")
            loaded, shown = skdnn.load(f"{folder}/model.skdnn"), YES
        elif system == "skorch":
            est.save_params(f"{folder}/weights", use_safetensors=True)
            loaded, shown = MAKE[system](4).initialize(), "the weights"
            loaded.load_params(f"{folder}/weights", use_safetensors=True)
        elif system in ("SciKeras", "Keras's wrappers", WRAPPED):
            import keras

            est.model_.save(f"{folder}/model.keras")
            network = keras.saving.load_model(f"{folder}/model.keras", safe_mode=True)
            assert np.array_equal(network(X).numpy().argmax(axis=1), est.predict(X).ravel())
            return "the network"
        else:
            import skops.io

            content = skops.io.dumps(est)
            types = skops.io.get_untrusted_types(data=content)
            assert all(name.startswith("sklearn.") for name in types), types
            loaded, shown = skops.io.loads(content, trusted=types), "by skops"
    assert np.array_equal(loaded.predict(X), est.predict(X))
    return shown


BACKEND = """
import numpy as np
import benchmarks.peer_needs as needs
X, y = needs.iris()
assert needs.MAKE[{system!r}](4).fit(X, y).score(X, y) > needs.GOOD
"""


def choose_backend(system: str) -> str:
    """Fit in a process in which Keras computes with JAX."""
    if system in ("MLPClassifier", "skorch"):
        return "—"
    program = BACKEND.format(system=system)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert not done.returncode, done.stderr.strip().splitlines()[-1]
    return YES


def installed_size(system: str) -> str:
    """Add up the files of the packages that are needed, as they are installed here."""
    names: set[str] = set()
    for name in INSTALLED[system]:
        _collect(name, names)
    files = [file for name in names for file in distribution(name).files or ()]
    size = sum(Path(file.locate()).stat().st_size for file in files if file.locate().exists())
    return f"{size / 1e9:.1f} GB"


def _collect(name: str, names: set[str]) -> None:
    """Add a distribution and all that it requires."""
    if name in names:
        return
    try:
        required = distribution(name).requires or []
    except PackageNotFoundError:
        if name != "skdnn":  # which may run from a checkout
            return
        required = _requirements_of_checkout()
    else:
        names.add(name)
    from packaging.requirements import Requirement

    for line in required:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            _collect(re.sub(r"[-_.]+", "-", requirement.name).lower(), names)


def _requirements_of_checkout() -> list[str]:
    from configparser import ConfigParser

    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config["options"]["install_requires"].split()


NEEDS = {
    "table": Need("Table with text, categories and missing values, as it is", take_raw_table),
    "units": Need("Columns in any unit, without a scaler", take_any_units),
    "images": Need("Images as X", take_images),
    "network": Need("A network of your own", take_own_network),
    "labels": Need("Text labels and log-loss in `cross_validate`", validate_text_labels),
    "folds": Need("`cv=3` makes stratified folds", stratify_folds),
    "checks": Need("Checks of scikit-learn passed (`check_estimator`)", pass_checks),
    "search": Need("Layers, epochs and learning rate in one `GridSearchCV`", search),
    "stopping": Need("Early stopping if rows are sorted by class", stop_early),
    "weights": Need("`sample_weight` and `class_weight`", weigh),
    "continue": Need("Training can be continued", train_on),
    "alone": Need("Predicts without its training framework in memory", predict_alone),
    "onnx": Need("ONNX of the fitted estimator", export_onnx),
    "file": Need("File that runs no code when it is loaded", save_safely),
    "backend": Need("Keras computes with JAX", choose_backend),
    "size": Need("Size of the packages installed", installed_size),
}
