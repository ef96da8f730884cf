"""The schedule: every system does the same work, in turns, in a process of its own.

One process per system lives for the whole run and waits while others are measured, so that no
library disturbs the threads of another one. Systems take turns within a round, so that a slow
minute of the machine falls on all of them; ratios are taken within rounds.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from statistics import median
from typing import Any, Self

from benchmarks.growth import measure_growth
from benchmarks.systems import SYSTEMS, require
from benchmarks.work import WORKS, Work

UNITS = {"seconds": "s", "peak MB": "MB", "score": "accuracy"}
# pandas, because scikit-learn imports it where it is installed: fresh processes then take more.
PACKAGES = ("numpy", "scikit-learn", "pandas", "tensorflow", "keras", "scikeras", "torch", "skorch")
ROUNDS = 3
PAUSE = 0.1  # seconds in which the threads of the last one to work go to sleep


class Workers(AbstractContextManager):
    """One process for each system, or `n_jobs` of them, started when it is first needed."""

    def __init__(self, n_jobs: int = 1) -> None:
        self._n_jobs = n_jobs
        self._pools: dict[str, ProcessPoolExecutor] = {}

    def run(self, system: str, job: Callable, **settings: Any) -> Any:
        """Do a job in the system's process; return its result."""
        time.sleep(PAUSE)
        return self.submit(system, job, **settings).result()

    def submit(self, system: str, job: Callable, **settings: Any) -> Future:
        """Have a job done in the system's process; return what will hold its result."""
        if system not in self._pools:
            self._pools[system] = ProcessPoolExecutor(
                self._n_jobs, mp_context=get_context("spawn"), initializer=hush
            )
        try:
            return self._pools[system].submit(job, system, **settings)
        except BrokenProcessPool:  # it died of a job before this one
            self.stop(system)
            return self.submit(system, job, **settings)

    def stop(self, system: str) -> None:
        """End the system's process, if it has one; the next job starts a new one."""
        if system in self._pools:
            self._pools.pop(system).shutdown()

    def __exit__(self: Self, *exception: object) -> None:
        """End all processes."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)


def run(names: list[str], rounds: int | None = None, quick: bool = False) -> dict[str, Any]:
    """Measure the works of these names; return all that is known of them, ready for JSON."""
    rounds = rounds or (1 if quick else ROUNDS)
    works = {name: WORKS[name] for name in names if name in WORKS}
    require({m for work in works.values() for name in work.systems for m in SYSTEMS[name].modules})
    result: dict[str, Any] = {"machine": machine(), "rounds": rounds, "quick": quick, "works": []}
    begin = time.perf_counter()
    with Workers() as workers:
        for name, work in works.items():
            figures = measure(workers, name, work, rounds, quick)
            table = rows(figures)
            result["works"].append({"work": name, "title": work.title, "rows": table})
        if "growth" in names:
            say("growth")
            result["growth"] = measure_growth(workers, rounds, quick)
    return result | {"minutes": (time.perf_counter() - begin) / 60}


def say(message: str) -> None:
    """Tell how far it has come, apart from the result."""
    print(message, file=sys.stderr, flush=True)


def hush() -> None:
    """Keep a worker's banners off the terminal; its errors come back with the result."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def machine(packages: tuple[str, ...] = PACKAGES) -> dict[str, Any]:
    """Return what the figures depend on, and nothing that would name the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": platform.machine(),
        "system": platform.system(),
        "cores": cores,
        "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {"python": platform.python_version()} | versions(packages),
    }


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of what is installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def measure(
    workers: Workers, name: str, work: Work, rounds: int, quick: bool
) -> dict[str, list[dict[str, float]]]:
    """Return the figures of each system, one set for each round."""
    settings = work.settings | (work.quick if quick else {})
    figures: dict[str, list[dict[str, float]]] = {system: [] for system in work.systems}
    rounds = min(rounds, work.most_rounds)
    for turn in range(rounds):
        say(f"{name}, round {turn + 1} of {rounds}")
        first = turn % len(work.systems)  # nobody is always behind the same other one
        for system in work.systems[first:] + work.systems[:first]:
            if work.anew:
                workers.stop(system)
            figures[system].append(workers.run(system, work.measure, **settings))
    return figures


def spread(values: list[float]) -> dict[str, float]:
    """Return the median and the range."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def rows(figures: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """Return one row for each system and figure, with its ratio to skdnn."""
    mine = [figure["seconds"] for figure in figures["skdnn"]]
    table = []
    for system, rounds in figures.items():
        for name in rounds[0]:
            values = [figure[name] for figure in rounds]
            row: dict[str, Any] = {"system": system, "figure": name, "unit": UNITS.get(name, "s")}
            row |= {"values": values} | spread(values)
            if name == "seconds" and system != "skdnn":
                row["ratio"] = spread([a / b for a, b in zip(values, mine, strict=True)])
            table.append(row)
    return table
