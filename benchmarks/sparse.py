"""What an epoch on a large sparse matrix takes: 80 GB as a dense one in float64."""

import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.systems import require

MEGABYTE = 2**20
SHAPE, DENSITY, BATCH_SIZE = (200_000, 50_000), 0.001, 256
QUICK_ROWS = 2_000


def matrix(n_rows: int, n_columns: int) -> sparse.csr_array:
    """Make a random CSR array row by row: SciPy's own takes the memory of a dense one."""
    rng = np.random.default_rng(0)
    each = int(DENSITY * n_columns)
    columns = rng.integers(n_columns, size=(n_rows, each), dtype=np.int32)
    starts = np.arange(0, n_rows * each + 1, each, dtype=np.int32)
    values = rng.random(n_rows * each, np.float32)
    made = sparse.csr_array((values, columns.ravel(), starts), shape=(n_rows, n_columns))
    made.sum_duplicates()
    return made


class Peak:
    """The greatest resident memory of this process while it lasts, in MB above the start."""

    def __enter__(self) -> "Peak":
        import psutil

        self._process, self._over = psutil.Process(), threading.Event()
        self._start = self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.most = max(self.most, self._process.memory_info().rss)

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        self.megabytes = (self.most - self._start) / MEGABYTE


def epoch(n_rows: int) -> dict[str, Any]:
    """Train one epoch and predict, in this process; memory is counted after all imports."""
    import skdnn._training.trainer  # noqa: F401
    from skdnn import DNNClassifier

    with Peak() as peak:
        X = matrix(n_rows, SHAPE[1])
        y = np.arange(n_rows) % 2
        begin = time.perf_counter()
        model = DNNClassifier((100,), epochs=1, batch_size=BATCH_SIZE).fit(X, y)
        trained = time.perf_counter()
        model.predict(X)
        predicted = time.perf_counter()
    parts = (X.data, X.indices, X.indptr)
    return {
        "rows": n_rows,
        "of the data, MB": sum(part.nbytes for part in parts) / MEGABYTE,
        "peak, MB": peak.megabytes,
        "an epoch, s": trained - begin,
        "predict, s": predicted - trained,
    }


def run(quick: bool = False) -> dict[str, Any]:
    """Measure in a fresh process."""
    require({"psutil"})
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(epoch, QUICK_ROWS if quick else SHAPE[0]).result()


def show(figures: dict[str, Any]) -> str:
    """Return the figures in a line of text."""
    return (
        f"{figures['rows']:,} rows of {SHAPE[1]:,} columns at density {DENSITY}: "
        f"{figures['peak, MB']:.0f} MB above the imports, {figures['of the data, MB']:.0f} of them "
        f"the data; an epoch {figures['an epoch, s']:.0f} s, predict {figures['predict, s']:.1f} s."
    )
