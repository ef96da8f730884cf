"""What a default fit takes with `n_jobs`: measured with few threads, and simulated with more.

For a simulation, the groups of ensemble members are trained one after the other, and each part of
the training is timed alone. With a core for each thread, the groups would be trained at the same
time: of each part, the longest time of a group counts.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from statistics import median
from typing import Any, Self
from unittest.mock import patch

from benchmarks.report import QUICK, conditions, show_seconds, show_spread
from benchmarks.speed import hush, machine, say, spread

ROUNDS, QUICK_ROUNDS = 3, 1
ROWS, QUICK_ROWS = (2_000, 20_000, 100_000), (200,)
N_COLUMNS, N_INFORMATIVE = 20, 10
MEASURED: tuple[int | None, ...] = (None, 1, 2)
SIMULATED = (4, 8)
PACKAGES = ("numpy", "scikit-learn", "tensorflow", "keras", "joblib")


class OneByOne:
    """Takes the place of skdnn's threads: calls the functions one after the other, and times each.

    Parameters
    ----------
    saved : list of float
        Receives, for each call of `map`, the seconds that threads would have saved.
    """

    def __init__(self, saved: list[float], n_workers: int):
        self.saved = saved

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def map(self, function: Callable[..., Any], *arguments: Iterable[Any]) -> list[Any]:
        """Call the function for each tuple of arguments."""
        results, seconds = [], []
        for given in zip(*arguments, strict=True):
            begin = time.perf_counter()
            results.append(function(*given))
            seconds.append(time.perf_counter() - begin)
        self.saved.append(sum(seconds) - max(seconds))
        return results


def fit(n_rows: int, n_jobs: int | None, simulates: bool) -> dict[str, float]:
    """Fit once, and return the seconds and the CPU seconds, with compilation."""
    from sklearn.datasets import make_classification

    from skdnn import DNNClassifier, clear_program_cache
    from skdnn._training import member_groups

    X, y = make_classification(
        n_rows, N_COLUMNS, n_informative=N_INFORMATIVE, n_classes=3, random_state=0
    )
    model = DNNClassifier(n_jobs=n_jobs, random_state=0)
    clear_program_cache()
    saved: list[float] = []
    workers = partial(OneByOne, saved) if simulates else member_groups.Workers
    with patch.object(member_groups, "Workers", workers):
        begin, cpu = time.perf_counter(), time.process_time()
        model.fit(X.astype("float32"), y)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return {"seconds": seconds - sum(saved), "cpu": cpu}


def measure(rows: Iterable[int], rounds: int) -> list[dict[str, Any]]:
    """Measure everything in this process, after a first fit that starts TensorFlow."""
    fit(100, None, simulates=False)
    ways = [(n, False) for n in MEASURED] + [(n, True) for n in SIMULATED]
    found = []
    for n_rows in rows:
        turns = [[fit(n_rows, *way) for way in ways] for _ in range(rounds)]
        for (n_jobs, simulates), figures in zip(ways, zip(*turns, strict=True), strict=True):
            values = {name: [figure[name] for figure in figures] for name in figures[0]}
            found.append({"rows": n_rows, "n_jobs": n_jobs, "simulated": simulates, **values})
    return found


def run(rounds: int | None = None, quick: bool = False) -> dict[str, Any]:
    """Measure in a fresh process, and return all figures, ready for JSON."""
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    result = {"machine": machine(PACKAGES), "rounds": rounds, "quick": quick}
    begin = time.perf_counter()
    say("fitting")
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=hush) as pool:
        result["fits"] = pool.submit(measure, QUICK_ROWS if quick else ROWS, rounds).result()
    return result | {"minutes": (time.perf_counter() - begin) / 60}


def markdown(result: dict[str, Any]) -> str:
    """Return the table of all fits, with the conditions."""
    lines = [QUICK, ""] if result["quick"] else []
    lines += [
        "| rows | `n_jobs` | | seconds | CPU seconds | times as fast as `n_jobs=1` |",
        "|---:|---:|---|---:|---:|---:|",
    ]
    alone = {f["rows"]: median(f["seconds"]) for f in result["fits"] if f["n_jobs"] == 1}
    for fit in result["fits"]:
        cells = [
            f"{fit['rows']:,}",
            f"`{fit['n_jobs']}`",
            "simulated" if fit["simulated"] else "measured",
            show_spread(spread(fit["seconds"]), show_seconds),
            show_spread(spread(fit["cpu"]), show_seconds),
            f"{alone[fit['rows']] / median(fit['seconds']):.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *conditions(result)]) + "\n"
