"""The time of a fit beside a random forest's, over numbers of rows and of columns.

The tables are made by seeded generators, so that every size can be had: a classification table with
ten informative columns, and Friedman's regression with five; all other columns are noise.
"""

import json
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import conditions, show_ratio, show_seconds
from benchmarks.speed import hush, machine, say

TASKS = ("classification", "regression")
ROWS = (500, 2_000, 8_000, 32_000, 128_000)  # with COLUMNS[0] columns
COLUMNS = (20, 5, 100, 500, 2_000, 5_000)  # all but the first with FEW rows
FEW, QUICK_ROWS, N_TEST, MOST_INFORMATIVE = 2_000, (500, 1_000), 5_000, 10
SYSTEMS: dict[str, dict[str, Any]] = {
    "RandomForest": {},
    "skdnn": {},
    "skdnn-fast": {"preset": "fast"},
}
PACKAGES = ("numpy", "scikit-learn", "tensorflow", "keras")


Figures = dict[str, Any]


class Size(NamedTuple):
    """What a table is like."""

    task: str
    rows: int
    columns: int


def sizes(quick: bool) -> list[Size]:
    """Return the sizes of all tables."""
    if quick:
        pairs = [(rows, COLUMNS[0]) for rows in QUICK_ROWS]
    else:
        pairs = [(rows, COLUMNS[0]) for rows in ROWS]
        pairs += [(FEW, columns) for columns in COLUMNS[1:]]
    return [Size(task, *pair) for task in TASKS for pair in pairs]


def make_table(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Make a table with `N_TEST` more rows than asked for, which are for testing."""
    from sklearn.datasets import make_classification, make_friedman1

    n_rows = size.rows + N_TEST
    if size.task == "regression":
        return make_friedman1(n_rows, size.columns, noise=1.0, random_state=0)
    n_informative = min(size.columns, MOST_INFORMATIVE)
    return make_classification(
        n_rows,
        size.columns,
        n_informative=n_informative,
        n_redundant=0,
        n_clusters_per_class=4 if n_informative > 5 else 2,
        flip_y=0.05,
        random_state=0,
    )


def make_estimator(system: str, task: str) -> Any:
    """Make an estimator with its defaults, or with the parameters of `SYSTEMS`."""
    kind = "Classifier" if task == "classification" else "Regressor"
    if system == "RandomForest":
        from sklearn import ensemble

        return getattr(ensemble, f"RandomForest{kind}")(random_state=0)
    import skdnn

    return getattr(skdnn, f"DNN{kind}")(random_state=0, **SYSTEMS[system])


def measure(system: str, size: Size) -> dict[str, float]:
    """Fit twice in this process: what comes first is imported, and nothing compiled beforehand.

    The forest is fitted once, because it has nothing to compile.
    """
    warnings.simplefilter("ignore")
    X, y = make_table(size)
    make_estimator(system, "classification").fit(X[:60, :3], np.arange(60) % 2)  # imports
    train = slice(0, size.rows)
    figures: dict[str, float] = {}
    for turn in ("first",) if system == "RandomForest" else ("first", "again"):
        estimator = make_estimator(system, size.task)
        begin, cpu = time.perf_counter(), time.process_time()
        estimator.fit(X[train], y[train])
        figures[f"{turn} s"] = time.perf_counter() - begin
        figures[f"{turn} CPU s"] = time.process_time() - cpu
    for unit in ("s", "CPU s"):
        figures.setdefault(f"again {unit}", figures[f"first {unit}"])
    return figures | {"score": float(estimator.score(X[size.rows :], y[size.rows :]))}


def run(quick: bool = False, tasks: Sequence[str] = TASKS, cache: Path | None = None) -> Figures:
    """Measure all systems on all tables, one after the other, each in a fresh process.

    Parameters
    ----------
    quick : bool, default=False
        Whether to measure small tables only, as a trial.
    tasks : sequence of str
        The tasks to measure.
    cache : Path or None, default=None
        A file that keeps each finished table as a line of JSON, so that an interrupted run
        continues. Remove the file when the code has changed.
    """
    begin, facts = time.perf_counter(), machine(PACKAGES)
    known = [] if cache is None or not cache.exists() else cache.read_text("utf-8").splitlines()
    tables = [json.loads(line) for line in known]
    done = [Size(*(table[name] for name in Size._fields)) for table in tables]
    for size in (size for size in sizes(quick) if size.task in tasks and size not in done):
        say(f"{size.task}, {size.rows:,} rows, {size.columns:,} columns")
        figures = {}
        for system in SYSTEMS:
            with ProcessPoolExecutor(1, get_context("spawn"), initializer=hush) as pool:
                figures[system] = pool.submit(measure, system, size).result()
        tables.append({**size._asdict(), "systems": figures})
        if cache is not None:
            with cache.open("a", encoding="utf-8") as file:
                file.write(json.dumps(tables[-1]) + "\n")
    minutes = (time.perf_counter() - begin) / 60
    return {"machine": facts, "quick": quick, "tables": tables, "minutes": minutes}


def markdown(result: dict[str, Any]) -> str:
    """Return the tables of the page."""
    lines = conditions(result)
    for task in dict.fromkeys(table["task"] for table in result["tables"]):
        score = "accuracy" if task == "classification" else "R2"
        lines += [f"**{task.capitalize()}**", "", *_head(score)]
        lines += [_line(table) for table in result["tables"] if table["task"] == task]
        lines += [""]
    return "\n".join(lines)


def _head(score: str) -> list[str]:
    others = [name for name in SYSTEMS if name != "RandomForest"]
    cells = ["rows x columns", "RandomForest", *(f"{name}, first fit" for name in others)]
    cells += [*(f"{name}, later fits" for name in others), *(f"{name}, CPU" for name in others)]
    cells += [f"{score}: {', '.join(SYSTEMS)}"]
    return [f"| {' | '.join(cells)} |", f"|---|{'---:|' * (len(cells) - 1)}"]


def _line(table: dict[str, Any]) -> str:
    forest = table["systems"]["RandomForest"]
    others = [f for name, f in table["systems"].items() if name != "RandomForest"]
    cells = [f"{table['rows']:,} x {table['columns']:,}", show_seconds(forest["again s"])]
    cells += [show_ratio(figures["first s"] / forest["first s"]) for figures in others]
    cells += [show_ratio(figures["again s"] / forest["again s"]) for figures in others]
    cells += [show_ratio(figures["again CPU s"] / forest["again CPU s"]) for figures in others]
    cells += [", ".join(f"{figures['score']:.3f}" for figures in table["systems"].values())]
    return f"| {' | '.join(cells)} |"
