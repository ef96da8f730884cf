"""Accuracy of every system on the same folds of many tables, with defaults and no tuning.

Each system has processes of its own. What was found for a fold is kept in a file, one JSON object
a line, under a key of everything that decides it; so rivals run once, and a run that was broken
off goes on where it was.
"""

import argparse
import hashlib
import json
import time
import warnings
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import speed
from benchmarks.contenders import System, is_plain, systems, variant
from benchmarks.systems import require
from benchmarks.tables import Table, default_folder, images, load

# Raised whenever something here changes results that are kept already.
PROTOCOL = 1
N_BINS = 15
# What float32 tells from 1: no system gains or loses by the dtype of its probabilities.
CLIP = float(np.finfo(np.float32).eps)
QUICK_TABLES = ["iris", "diabetes"]
QUICK_SYSTEMS = ["skdnn", "RandomForest"]
_warm: set[str] = set()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add = parser.add_argument
    add("--data", type=Path, metavar="FOLDER", help="tables and their index.json")
    add("--rows", type=int, default=10_000, help="most rows of a table (default: 10000)")
    add("--images", action="store_true", help="Fashion-MNIST too")
    add("--image-rows", type=int, default=10_000, help="to train on (default: 10000)")
    add("--test", action="store_true", help="test on Fashion-MNIST's test set: look once")
    add(
        "--skdnn",
        type=variant,
        action="append",
        metavar="[NAME=]{...}",
        help="parameters as JSON; several variants have names",
    )
    for what in ("tables", "systems"):
        add(f"--only-{what}", type=lambda text: text.split(","), metavar="NAME,...")
    add("--cache", type=Path, metavar="FILE", help="keeps what is found, fold by fold")
    add("--n-jobs", type=int, default=1, help="folds at once; times are then marked as busy")
    add("--busy", action="store_true", help="the machine does other work: mark the times so")
    add("--retime", action="store_true", help="run again what was marked as busy")
    add("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what the options say; return all that is known, ready for JSON."""
    quick, only = options.quick, options.only_systems
    if quick and not options.skdnn:
        options.skdnn = [("skdnn", {"epochs": 2})]
    chosen = systems(options.skdnn, only or (QUICK_SYSTEMS if quick else None))
    modules = {module for system in chosen.values() for module in system.modules}
    require(modules | {"pandas"}, "accuracy", "xgboost-cpu in the place of xgboost")
    tables = load(
        options.only_tables or (QUICK_TABLES if quick else None),
        options.data or default_folder(),
        rows=100 if quick else options.rows,
        n_folds=2 if quick else None,
        seed=options.seed,
    )
    if options.images:
        tables.append(images(options.image_rows, test=options.test, seed=options.seed))
    begin = time.perf_counter()
    start = speed.machine()
    records = measure_all(chosen, tables, options)
    return {
        "machine": start | {"packages": sorted({s.version for s in chosen.values()})},
        "seed": options.seed,
        "quick": quick,
        "minutes": (time.perf_counter() - begin) / 60,
        "systems": {
            name: {"params": system.params, "version": system.version, "mine": system.mine}
            for name, system in chosen.items()
        },
        "tables": [describe(table, options) for table in tables],
        "records": records,
    }


def to_json(result: dict[str, Any]) -> str:
    """Return all of a result, each record on a line of its own."""
    *head, tail = json.dumps(result | {"records": None}, indent=1).rpartition('"records": null')
    lines = ",\n  ".join(map(json.dumps, result["records"]))
    return f'{"".join(head[:-1])}"records": [\n  {lines}\n ]{tail}\n'


def describe(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    """Return what a reader must know of a table."""
    train, test = table.folds[0]
    return {
        "table": table.name,
        "kind": table.kind,
        "rows": len(table.y),
        "columns": int(np.prod(table.X.shape[1:])),
        "folds": len(table.folds),
        "n_train": len(train),
        "n_test": len(test),
        "plain": is_plain(table.X),
    } | ({"on": "test" if options.test else "validation"} if table.kind == "images" else {})


def measure_all(
    chosen: dict[str, System], tables: list[Table], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return one record for each system, table and fold, from the file where it is there."""
    known = read_cache(options.cache)
    busy = options.busy or options.n_jobs > 1
    records = []
    with speed.Workers(options.n_jobs) as workers:
        # Table by table, so that a slow hour of the machine falls on all systems.
        for table in tables:
            digest = table.digest
            for name, system in chosen.items():
                labels = {"system": name, "table": table.name}
                waiting = {}
                for fold in range(len(table.folds)):
                    key = key_of(system, digest, fold, options.seed)
                    record = known.get(key)
                    if record is None or (options.retime and record["busy"]):
                        job = {"contender": system, "table": table, "fold": fold}
                        job |= {"seed": options.seed}
                        waiting[key] = fold, workers.submit(name, measure, **job)
                    else:
                        records.append(record | labels | {"fold": fold})
                for key, (fold, future) in waiting.items():
                    try:
                        record = future.result() | {"busy": busy}
                        write_cache(options.cache, {"key": key} | labels | record)
                    except BrokenProcessPool:
                        workers.stop(name)
                        record = {"failure": "its process died"}
                    except Exception as error:
                        reason = (str(error).splitlines() or ["no reason given"])[0]
                        record = {"failure": f"{type(error).__name__}: {reason}"}
                    records.append(record | labels | {"fold": fold})
                    speed.say(progress(records[-1]))
    return records


def progress(record: dict[str, Any]) -> str:
    """Return a line on what was just found."""
    head = f"{record['table']:22} {record['fold']} {record['system']:22}"
    if "failure" in record:
        return f"{head} failed: {record['failure']}"
    return f"{head} {record['score']:7.4f} {record['fit_seconds']:8.2f} s"


def key_of(system: System, digest: str, fold: int, seed: int) -> str:
    """Return the key of everything that decides a result."""
    maker = getattr(system.make, "args", None) or system.make.__name__
    told = [PROTOCOL, maker, system.version, system.params, digest, fold, seed]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def read_cache(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return what is known already, by key; of the same key the last counts."""
    if path is None or not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {record["key"]: record for record in map(json.loads, filter(None, lines))}


def write_cache(path: Path | None, record: dict[str, Any]) -> None:
    """Keep one more; several runs may write at the same time."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def measure(
    name: str, contender: System, table: Table, fold: int, seed: int
) -> dict[str, float | str]:
    """Fit and test one system on one fold; this runs in a process of the system's own."""
    warnings.simplefilter("ignore")
    warm_up(name, contender, fold)
    load_before = speed.machine()["load before"]
    train, test = (select(table, rows, contender) for rows in table.folds[fold])
    classes, y = table.y, train[1]
    if table.task == "classification":
        # Some want classes from 0 on without gaps; a fold may lack one that the table has.
        classes, y = np.unique(y, return_inverse=True)
    model, seconds, fed = fit(contender, table.task, train[0], y, seed)
    begin = time.perf_counter()
    predicted = model.predict(test[0])
    record = {"fit_seconds": seconds, "predict_seconds": time.perf_counter() - begin}
    record |= {"load": load_before, **fed}
    if table.task == "regression":
        return record | regression_figures(test[1], np.asarray(predicted))
    proba = np.zeros((len(test[1]), int(table.y.max()) + 1))
    proba[:, classes] = model.predict_proba(test[0])
    return record | classification_figures(test[1], classes[np.asarray(predicted)], proba)


def warm_up(name: str, system: System, fold: int) -> None:
    """Import and start what takes its time once a process; compile nothing beforehand."""
    if name not in _warm:
        X = np.random.default_rng(0).normal(size=(60, 3))
        fit(system, "classification", X, np.arange(60) % 2, 0)
        _warm.add(name)
    if system.mine and fold == 0:
        from skdnn import clear_program_cache

        clear_program_cache()


def select(table: Table, rows: np.ndarray, system: System) -> tuple[Any, np.ndarray]:
    """Return some rows; images as columns for whoever takes nothing else."""
    X = table.X.iloc[rows] if hasattr(table.X, "iloc") else table.X[rows]
    if X.ndim > 2 and not system.mine:
        X = X.reshape(len(X), -1)
    return X, table.y[rows]


def fit(
    system: System, task: str, X: Any, y: np.ndarray, seed: int
) -> tuple[Any, float, dict[str, str]]:
    """Fit with what comes before it; the first way of feeding it that it accepts counts.

    Returns
    -------
    model : estimator
    seconds : float
        Of the fit that succeeded.
    fed : dict
        Which way it was, and why one before it was refused.
    """
    from sklearn.pipeline import make_pipeline

    kind = {"classification": "Classifier", "regression": "Regressor"}[task]
    feeds = system.feeds[:1] if is_plain(X) else system.feeds
    fed: dict[str, str] = {}
    for feed in feeds:
        model = make_pipeline(*feed(X), system.make(kind, seed, **system.params))
        begin = time.perf_counter()
        try:
            model.fit(X, y)
        except (ValueError, TypeError) as error:
            if feed is feeds[-1]:
                raise
            fed["refused"] = str(error).splitlines()[0]
        else:
            return model, time.perf_counter() - begin, {"fed": feed.__name__} | fed
    raise AssertionError("a system has at least one way of feeding it")


def classification_figures(
    y: np.ndarray, predicted: np.ndarray, proba: np.ndarray
) -> dict[str, float]:
    """Return accuracy, log-loss and expected calibration error."""
    clipped = np.clip(proba, CLIP, 1 - CLIP)
    clipped /= clipped.sum(axis=1, keepdims=True)
    return {
        "score": float(np.mean(predicted == y)),
        "log_loss": float(-np.mean(np.log(clipped[np.arange(len(y)), y]))),
        "ece": calibration_error(y, proba),
    }


def calibration_error(y: np.ndarray, proba: np.ndarray) -> float:
    r"""Return the expected calibration error, with 15 bins of equal width.

    Of the n rows, :math:`B_m` are those whose highest probability, the confidence, is in bin m:

    .. math:: \sum_m \frac{|B_m|}{n} \left| acc(B_m) - conf(B_m) \right|

    Parameters
    ----------
    y : ndarray of shape (n_samples,), int
        The columns of `proba` that are right.
    proba : ndarray of shape (n_samples, n_classes), float

    Returns
    -------
    error : float
        Between 0 and 1.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017), "On Calibration of Modern Neural
    Networks", equation 3. Bins are open below and closed above, as there.
    """
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == y
    bins = np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(y))


def regression_figures(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return R2 and the root of the mean squared error, in units of y."""
    squared = np.mean((y - predicted.ravel()) ** 2)
    return {"score": float(1 - squared / y.var()), "rmse": float(np.sqrt(squared))}
