"""Accuracy of every system on the same folds of many tables, with defaults and no tuning.

Each system runs in processes of its own. The figures of each fold are stored in a file, one JSON
object per line, with a key of everything that they depend on. Baselines are therefore measured
once, and an interrupted run continues.
"""

import argparse
import hashlib
import json
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import speed
from benchmarks.contenders import SLOW, System, is_plain, systems, variant
from benchmarks.systems import require
from benchmarks.tables import (
    IMAGES,
    ROWS,
    SETS,
    Table,
    default_folder,
    images,
    load,
    read_index,
    traits,
)
from benchmarks.trial import measure

# Raised whenever something here changes results that are kept already.
PROTOCOL = 1
# The options that decide what is measured.
DECIDES = ("folder_only", "rows", "only_tables", "only_systems", "skdnn", "seed", "quick")
HELD_OUT = "held-out"  # a folder of `gather`
QUICK_TABLES = ["iris", "diabetes"]
QUICK_SYSTEMS = ["skdnn", "RandomForest"]
SLOW_MODULES = {module for system in SLOW.values() for module in system.modules}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add = parser.add_argument
    add("--data", type=Path, metavar="FOLDER", help="tables and their index.json")
    add("--rows", type=int, help=f"most rows of a table (default: {ROWS}; of large tables, all)")
    add("--images", action="store_true", help=f"{IMAGES} too")
    add("--image-rows", type=int, default=10_000, help="to train on (default: 10000)")
    add("--test", action="store_true", help="test on Fashion-MNIST's test set: look once")
    add(
        "--skdnn",
        type=variant,
        action="append",
        metavar="[NAME=]{...}",
        help="parameters as JSON; several variants have names",
    )
    which = parser.add_mutually_exclusive_group()
    sets = ", ".join(SETS)
    which.add_argument(
        "--only-tables", type=names_of, metavar="NAME,...", help=f"tables, and sets: {sets}"
    )
    which.add_argument("--folder-only", action="store_true", help="none of scikit-learn's own")
    add("--only-systems", type=names_of, metavar="NAME,...")
    add("--slow-systems", action="store_true", help=f"{', '.join(SLOW)} of pytabkit too")
    add("--cache", type=Path, metavar="FILE", help="keeps what is found, fold by fold")
    add("--n-jobs", type=int, default=1, help="folds at once; times are then marked as busy")
    add("--busy", action="store_true", help="the machine does other work: mark the times so")
    add("--retime", action="store_true", help="run again what was marked as busy")
    add("--seed", type=int, default=0)


def names_of(text: str) -> list[str]:
    """Split names at commas."""
    return text.split(",")


def page_of(options: argparse.Namespace, usual: argparse.Namespace) -> str | None:
    """Return the name of the page that a run belongs on; None for a run of other options.

    The defaults on all tables are on "accuracy", those on a set of tables on "accuracy-" and its
    name, and those on the folder `held-out` that `gather` writes on "held-out".
    """
    changed = {name for name in DECIDES if getattr(options, name) != getattr(usual, name)}
    if not changed:
        return "accuracy"
    if changed == {"only_tables"} and len(options.only_tables) == 1:
        (name,) = options.only_tables
        return f"accuracy-{name}" if name in SETS else None
    if changed == {"folder_only"} and options.data and options.data.name == HELD_OUT:
        return HELD_OUT
    return None


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what the options say; return all that is known, ready for JSON."""
    quick = options.quick
    variants = options.skdnn or ([("skdnn", {"epochs": 2})] if quick else None)
    names = options.only_systems or (QUICK_SYSTEMS if quick else None)
    chosen = systems(variants, names, slow=options.slow_systems)
    modules = {module for system in chosen.values() for module in system.modules}
    require(modules & SLOW_MODULES, "accuracy-slow")
    modules -= SLOW_MODULES
    require(modules | {"pandas"}, "accuracy", " (xgboost-cpu in the place of xgboost will do)")
    folder = options.data or default_folder()
    names = options.only_tables or (QUICK_TABLES if quick else None)
    if options.folder_only:
        names = list(read_index(folder, needed=True))
    tables = load(
        None if names is None else [name for name in names if name != IMAGES],
        folder,
        rows=100 if quick else options.rows,
        n_folds=2 if quick else None,
        seed=options.seed,
    )
    if options.images or IMAGES in (names or ()):
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
        "rows": len(train) if table.kind == "images" else len(table.y),
        "columns": int(np.prod(table.X.shape[1:])),
        "folds": len(table.folds),
        "n_train": len(train),
        "n_test": len(test),
        "plain": is_plain(table.X),
        **traits(table),
    } | ({"on": "test" if options.test else "validation"} if table.kind == "images" else {})


def measure_all(
    chosen: dict[str, System], tables: list[Table], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return one record for each system, table and fold, from the file where it is there."""
    known = read_cache(options.cache)
    records = []
    with speed.Workers(options.n_jobs) as workers:
        # Table by table, so that a slow hour of the machine falls on all systems.
        for table in tables:
            digest = table.digest
            for name, system in chosen.items():
                keys = [key_of(system, digest, i, options.seed) for i in range(len(table.folds))]
                records += measure_folds(workers, name, system, table, keys, known, options)
    return records


def measure_folds(
    workers: speed.Workers,
    name: str,
    system: System,
    table: Table,
    keys: list[str],
    known: dict[str, dict[str, Any]],
    options: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Return the record of each fold of one system on one table."""
    settings = {"contender": system, "table": table, "seed": options.seed}
    futures = {}
    for fold, key in enumerate(keys):
        if key not in known or (options.retime and known[key]["busy"]):
            futures[fold] = workers.submit(name, measure, fold=fold, **settings)
    records = []
    for fold, key in enumerate(keys):
        labels = {"system": name, "table": table.name, "fold": fold}
        if fold in futures:
            busy = options.busy or options.n_jobs > 1
            record = labels | answer(futures[fold]) | {"busy": busy}
            speed.say(progress(record))
            write_cache(options.cache, {"key": key} | record)
        else:
            record = known[key] | labels
        records.append(record)
    return records


def answer(future: Future) -> dict[str, Any]:
    """Return what came of a fold; a system's failure is its own."""
    try:
        return future.result()
    except BrokenProcessPool:
        return {"failure": "its process died"}
    except Exception as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        return {"failure": f"{type(error).__name__}: {reason}"}


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
    """Keep one more, unless it failed; several runs may write at the same time."""
    if path and "failure" not in record:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
