"""Resident memory over many fits of data whose numbers of rows and columns all differ."""

import gc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks.systems import require

MEGABYTE = 2**20
FITS, QUICK_FITS, ROWS_SHOWN = 1000, 10, 10


def resident_over_sizes(fits: int) -> list[float]:
    """Return the resident MB of this process after each of many tiny fits of random sizes."""
    import psutil

    from skdnn import DNNClassifier

    rng, process, curve = np.random.default_rng(0), psutil.Process(), []
    for _ in range(fits):
        n_rows, n_columns, batch_size = rng.integers([40, 2, 20], [2000, 300, 300])
        X = rng.normal(size=(n_rows, n_columns)).astype("float32")
        net = DNNClassifier((32,), epochs=1, batch_size=int(batch_size), random_state=0)
        net.fit(X, X[:, 0] > 0).predict(X)
        gc.collect()
        curve.append(process.memory_info().rss / MEGABYTE)
    return curve


def run(fits: int | None = None, quick: bool = False) -> list[float]:
    """Measure the curve in a fresh process."""
    require({"psutil"})
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(resident_over_sizes, fits or (QUICK_FITS if quick else FITS)).result()


def show(curve: list[float]) -> str:
    """Return a Markdown table of some points of the curve."""
    shown = np.unique(np.linspace(1, len(curve), ROWS_SHOWN, dtype=int))
    lines = ["| fits of random sizes | resident memory, MB |", "|---:|---:|"]
    return "\n".join([*lines, *(f"| {i} | {curve[i - 1]:.0f} |" for i in shown)]) + "\n"
