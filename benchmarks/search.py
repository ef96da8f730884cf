"""What a random search gains over the default: skdnn's search space, and usual ones of boosting.

Each system searches the same number of candidates on the same folds of the same training rows, on
one core. CPU seconds are reported, which do not depend on what else the machine does.
"""

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import geometric_mean, mean
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from benchmarks import contenders, tables
from benchmarks.report import QUICK, conditions, show_seconds
from benchmarks.speed import hush, machine, say
from benchmarks.trial import classification_figures, regression_figures

# The first three were not used to choose skdnn's space.
TABLES = (
    *("phoneme", "california-housing", "german-credit"),
    *("abalone", "ionosphere", "diabetes"),
)
QUICK_TABLES = ("wine", "diabetes")
PACKAGES = ("numpy", "scikit-learn", "tensorflow", "keras", "lightgbm")
TEST = 0.3
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


class Work(NamedTuple):
    """How much is searched."""

    rows: int = 400
    repeats: int = 1
    candidates: int = 30
    cv: int = 3


QUICK_WORK = Work(rows=60, repeats=1, candidates=1, cv=2)


def make(system: str, task: str, seed: int) -> tuple[Any, dict[str, Any]]:
    """Return the default estimator of a system, which uses one thread, and its search space."""
    kind = {"classification": "Classifier", "regression": "Regressor"}[task]
    if system == "skdnn":
        from skdnn import search_space

        network = contenders.make_skdnn(kind, seed, n_jobs=1)
        return network, search_space(network)
    estimator = contenders.BASELINES[system].make(kind, seed)
    return estimator.set_params(**{"n_jobs": 1} if system == "LightGBM" else {}), usual(system)


def usual(system: str) -> dict[str, Any]:
    """Return a usual search space of a boosting library."""
    from scipy.stats import loguniform, randint, uniform

    rates, leaves, rows = loguniform(0.01, 0.3), randint(7, 128), randint(5, 60)
    if system == "LightGBM":
        return {
            "learning_rate": rates,
            "n_estimators": randint(50, 500),
            "num_leaves": leaves,
            "min_child_samples": rows,
            "reg_lambda": loguniform(1e-3, 10),
            "colsample_bytree": uniform(0.4, 0.6),
            "subsample": uniform(0.5, 0.5),
            "subsample_freq": [1],
        }
    return {
        "learning_rate": rates,
        "max_iter": randint(50, 500),
        "max_leaf_nodes": leaves,
        "min_samples_leaf": rows,
        "l2_regularization": loguniform(1e-3, 10),
        "max_features": uniform(0.4, 0.6),
    }


SYSTEMS = ("skdnn", "HistGradientBoosting", "LightGBM")


def split(table: tables.Table, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows to train on and to test on."""
    from sklearn.model_selection import train_test_split

    stratify = table.y if table.task == tables.CLASSIFICATION else None
    rows = np.arange(len(table.y))
    train, test = train_test_split(rows, test_size=TEST, stratify=stratify, random_state=seed)
    return train, test


def measure(system: str, table: tables.Table, seed: int, work: Work) -> dict[str, Any]:
    """Fit the default and search, and return the figures of both on the test rows."""
    from sklearn.model_selection import RandomizedSearchCV

    warnings.simplefilter("ignore")
    train, test = split(table, seed)
    X, y = tables.take(table.X, train), table.y[train]
    default, space = make(system, table.task, seed)
    losses = {"classification": "neg_log_loss", "regression": "neg_root_mean_squared_error"}
    search = RandomizedSearchCV(
        default,
        space,
        n_iter=work.candidates,
        cv=work.cv,
        scoring=losses[table.task],
        random_state=seed,
        error_score="raise",
    )
    found: dict[str, Any] = {}
    for name, model in (("default", default), ("searched", search)):
        begin = time.process_time()
        model.fit(X, y)
        found[name] = figures(model, table, test) | {"cpu": time.process_time() - begin}
    return found | {"best": {name: str(value) for name, value in search.best_params_.items()}}


def figures(model: Any, table: tables.Table, rows: np.ndarray) -> dict[str, float]:
    """Return the score and the loss on these rows."""
    X, y = tables.take(table.X, rows), table.y[rows]
    if table.task == tables.REGRESSION:
        found = regression_figures(y, np.asarray(model.predict(X)))
        return {"score": found["score"], "loss": found["rmse"]}
    proba = np.zeros((len(y), int(table.y.max()) + 1))
    proba[:, model.classes_] = model.predict_proba(X)
    found = classification_figures(y, np.asarray(model.predict(X)), proba)
    return {"score": found["score"], "loss": found["log_loss"]}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Search on each table, once per repeat, each system in a process of its own."""
    work = QUICK_WORK if arguments.quick else Work(arguments.rows, arguments.repeats)
    names = QUICK_TABLES if arguments.quick else arguments.only_tables or TABLES
    loaded = tables.load(list(names), arguments.data, rows=work.rows)
    result: dict[str, Any] = {"machine": machine(PACKAGES), "rounds": work.repeats}
    result |= {"quick": arguments.quick, "work": work._asdict(), "records": []}
    systems = arguments.only_systems or SYSTEMS
    begin = time.perf_counter()
    context = get_context("spawn")
    with patch.dict(os.environ, ONE_THREAD):
        pools = {name: ProcessPoolExecutor(1, context, initializer=hush) for name in systems}
        for seed in range(work.repeats):
            for table in loaded:
                minutes = (time.perf_counter() - begin) / 60
                if arguments.minutes is None or minutes < arguments.minutes:
                    say(f"{table.name}, repeat {seed + 1}")
                    result["records"] += repeat(pools, table, seed, work)
        for pool in pools.values():
            pool.shutdown()
    return result | {"minutes": (time.perf_counter() - begin) / 60}


def repeat(
    pools: dict[str, ProcessPoolExecutor], table: tables.Table, seed: int, work: Work
) -> list[dict[str, Any]]:
    """Return one record for each system."""
    shape = {"rows": len(table.y), "columns": table.X.shape[1]}
    facts = {"table": table.name, "task": table.task, "seed": seed, **shape}
    return [
        {**facts, "system": name, **pool.submit(measure, name, table, seed, work).result()}
        for name, pool in pools.items()
    ]


def markdown(result: dict[str, Any]) -> str:
    """Return the tables of the page."""
    lines = [QUICK, ""] if result["quick"] else []
    lines += summary(result["records"])
    for task, loss, score in (
        ("classification", "log-loss", "accuracy"),
        ("regression", "RMSE", "R2"),
    ):
        records = [record for record in result["records"] if record["task"] == task]
        for figure, name in (("loss", loss), ("score", score)):
            lines += [f"**{task.capitalize()}: {name}**", "", *figure_table(records, figure), ""]
    return "\n".join([*lines, *conditions(result)])


def systems_of(records: list[dict[str, Any]]) -> list[str]:
    """Return the systems that were measured."""
    return list(dict.fromkeys(record["system"] for record in records))


def summary(records: list[dict[str, Any]]) -> list[str]:
    """Return a line for each system: what its search gains, and what it takes."""
    lines = [
        "| system | loss after / before the search | better on | CPU time of a default fit | "
        "of a search |",
        "|---|---:|---:|---:|---:|",
    ]
    for system in systems_of(records):
        own = [record for record in records if record["system"] == system]
        ratios = [r["searched"]["loss"] / r["default"]["loss"] for r in own]
        cells = [
            system,
            f"{geometric_mean(ratios):.3f}",
            f"{sum(ratio < 1 for ratio in ratios)} of {len(ratios)}",
            *(show_seconds(mean(r[kind]["cpu"] for r in own)) for kind in ("default", "searched")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def figure_table(records: list[dict[str, Any]], figure: str) -> list[str]:
    """Return a table of means over the repeats, default and searched."""
    systems = systems_of(records)
    heads = [f"{system}{kind}" for system in systems for kind in ("", ", searched")]
    lines = [
        f"| table (rows x columns) | repeats | {' | '.join(heads)} |",
        f"|---|{'---:|' * (len(heads) + 1)}",
    ]
    for name in dict.fromkeys(record["table"] for record in records):
        own = [record for record in records if record["table"] == name]
        cells = [f"{name} ({own[0]['rows']:,} x {own[0]['columns']})"]
        cells += [str(len({record["seed"] for record in own}))]
        for system in systems:
            for kind in ("default", "searched"):
                values = [r[kind][figure] for r in own if r["system"] == system]
                cells.append(f"{mean(values):.4g}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def systems_named(text: str) -> list[str]:
    """Return the systems between commas."""
    names = text.split(",")
    if not {*names} <= {*SYSTEMS}:
        raise argparse.ArgumentTypeError(f"the systems are {', '.join(SYSTEMS)}; got {text}")
    return names


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command, besides --quick."""
    work = Work()
    parser.add_argument("--data", type=Path, default=tables.default_folder(), metavar="FOLDER")
    parser.add_argument("--only-tables", type=lambda text: text.split(","), metavar="TABLE,...")
    systems = ", ".join(SYSTEMS)
    parser.add_argument("--only-systems", type=systems_named, metavar="SYSTEM,...", help=systems)
    parser.add_argument("--rows", type=int, default=work.rows, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=work.repeats, help="default: %(default)s")
    parser.add_argument("--minutes", type=float, help="afterwards no other search starts")
    parser.add_argument("--folder", type=Path, help="for search.json and search.md")
