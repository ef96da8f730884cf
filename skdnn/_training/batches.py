"""Rows for graph calls: cut into calls of a good size, and fetched while the last call runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

import numpy as np

# A graph call cannot be interrupted. One takes no more than about this many seconds, so that Ctrl-C
# and the progress bar respond; the result is the same.
_SECONDS_PER_CALL = 0.5
# Multiply-adds of the first call, before it is known how long they take.
_WORK_PER_CALL = 5 * 10**9
# Values in the rows of one call: limits the memory that training needs besides the data.
VALUES_PER_CALL = 2**21

# Given the numbers of rows, returns their arrays in the order that a program takes them.
Fetch = Callable[[np.ndarray], Sequence[np.ndarray]]


class Call(NamedTuple):
    """The rows of one graph call, and the bounds of its batches: (n_steps + 1,), int32."""

    arrays: Sequence[np.ndarray]
    bounds: np.ndarray

    @property
    def n_steps(self) -> int:
        return len(self.bounds) - 1

    @property
    def n_rows(self) -> int:
        return int(self.bounds[-1])


class Feeder:
    """Cuts rows into graph calls of about half a second each, and fetches them ahead.

    Parameters
    ----------
    program : object
        Its `stride`, the number of steps in one call, is adapted to how long they take.
    fetch : callable
        Given the numbers of rows, returns their arrays. It is called in a second thread.
    n_values : int
        Number of values in one row.

    Attributes
    ----------
    one_by_one : bool
        Whether each step is a call of its own, because a report has to see each.
    """

    def __init__(self, program: Any, fetch: Fetch, n_values: int):
        self.program = program
        self.fetch = fetch
        self.n_values = n_values
        self.one_by_one = False
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def limit(self, work: int) -> None:
        """Keep the first call from taking longer than others, by the multiply-adds of a step."""
        self.program.stride = max(1, min(self.program.stride, _WORK_PER_CALL // max(1, work)))

    def rounds_per_call(self, n_rows: int, n_steps: int) -> int:
        """Return how many epochs of so many rows and steps fit into one call; at least one."""
        most = VALUES_PER_CALL // max(1, n_rows * self.n_values)
        return max(1, min(most, int(self.program.stride) // n_steps))

    def calls(self, rows: np.ndarray, steps: np.ndarray) -> Iterator[Call]:
        """Yield one call after the other, for rows in order and the number of rows of each step.

        The time until the caller asks for the next call decides how many steps that one has.
        """
        parts = self._parts(rows, steps)
        part, bounds = next(parts)
        arrays = self.fetch(part)
        for following, following_bounds in parts:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=1)
            fetching = self._pool.submit(self.fetch, following)
            yield from self._timed(Call(arrays, bounds))
            arrays, bounds = fetching.result(), following_bounds
        yield from self._timed(Call(arrays, bounds))

    def _parts(
        self, rows: np.ndarray, steps: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        bounds = np.concatenate([[0], np.cumsum(steps)])
        most = max(1, int(VALUES_PER_CALL // max(1, self.n_values * steps[0])))
        most = 1 if self.one_by_one else most
        done = 0
        while done < len(steps):
            stop = min(done + min(self.program.stride, most), len(steps))
            own = bounds[done : stop + 1]
            yield rows[own[0] : own[-1]], (own - own[0]).astype(np.int32)
            done = stop

    def _timed(self, call: Call) -> Iterator[Call]:
        begin = time.perf_counter()
        yield call
        seconds, program = time.perf_counter() - begin, self.program
        if seconds > 2 * _SECONDS_PER_CALL:
            program.stride = max(1, call.n_steps // 2)
        elif call.n_steps == program.stride and seconds < _SECONDS_PER_CALL / 2:
            program.stride *= 2


def batch_sizes(n_rows: int, batch_size: int) -> np.ndarray:
    """Return the number of rows of each batch; the last has what is left."""
    sizes = np.full(-(-n_rows // batch_size), min(batch_size, n_rows))
    sizes[-1] = n_rows - (len(sizes) - 1) * sizes[0]
    return sizes
