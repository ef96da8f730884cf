"""Division of rows into graph calls. Rows are fetched while the previous graph call runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

import numpy as np

# A graph call cannot be interrupted. A call takes at most about this many seconds, so that Ctrl-C
# and the progress bar respond. The result does not depend on the number.
_SECONDS_PER_CALL = 0.5
# The maximum number of multiply-adds of the first call, before the duration of a step is known.
_WORK_PER_CALL = 5 * 10**9
# The maximum number of values in the rows of one call, which limits the memory for copies of rows.
VALUES_PER_CALL = 2**21
# The maximum number of values of X that are fetched at once for a forward pass in NumPy.
_VALUES_PER_FETCH = 2**22

# Takes row indices, and returns the arrays of the rows in the order that a program expects.
Fetch = Callable[[np.ndarray], Sequence[np.ndarray]]


def rows_per_fetch(batch_size: int, n_inputs: int) -> int:
    """Return the number of rows to fetch at once for a forward pass: at most `batch_size`."""
    return max(1, min(batch_size, _VALUES_PER_FETCH // n_inputs))


class Call(NamedTuple):
    """The rows of one graph call and the bounds of the batches.

    Attributes
    ----------
    arrays : sequence of ndarray
        The arrays of a program, such as x and y, with the rows of all batches of the call.
    bounds : ndarray of shape (n_steps + 1,), int32
        The index of the first row of each batch, followed by the number of rows.
    """

    arrays: Sequence[np.ndarray]
    bounds: np.ndarray

    @property
    def n_steps(self) -> int:
        return len(self.bounds) - 1

    @property
    def n_rows(self) -> int:
        return int(self.bounds[-1])


class Feeder:
    """A context manager that divides rows into graph calls and fetches the rows ahead of each call.

    A graph call takes about half a second.

    Parameters
    ----------
    program : object
        The compiled program. The attribute `stride` of the program, which is the maximum number of
        steps in one call, is adjusted to the duration of a step.
    fetch : callable
        Takes row indices, and returns the arrays of the rows. The function is called in a second
        thread.
    n_values : int
        The number of values in one row, which limits the number of rows in one call.

    Attributes
    ----------
    one_by_one : bool
        Whether each step is a separate call because a report must be called after each step.
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
        """Limit the number of steps of the next call, so that the call is short.

        The parameter `work` is the number of multiply-adds of a step.
        """
        self.program.stride = max(1, min(self.program.stride, _WORK_PER_CALL // max(1, work)))

    def rounds_per_call(self, n_rows: int, n_steps: int) -> int:
        """Return the number of epochs of `n_rows` rows and `n_steps` steps that fit into one call.

        The number is 1 if an epoch needs several calls.
        """
        most = VALUES_PER_CALL // max(1, n_rows * self.n_values)
        return max(1, min(most, int(self.program.stride) // n_steps))

    def calls(self, rows: np.ndarray, steps: np.ndarray) -> Iterator[Call]:
        """Yield the graph calls that pass over rows in the given order.

        The caller runs a yielded call and then requests the next call. The time between the two
        determines the number of steps of later calls.

        Parameters
        ----------
        rows : ndarray of int
            The row indices in training order.
        steps : ndarray of int
            The number of rows of each step.

        Yields
        ------
        Call
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
    """Return the number of rows of each batch. The last batch may be smaller than the others."""
    sizes = np.full(-(-n_rows // batch_size), min(batch_size, n_rows))
    sizes[-1] = n_rows - (len(sizes) - 1) * sizes[0]
    return sizes


def fetch_both(fetch: Fetch, n_rows: int, fetch_held_out: Fetch | None) -> Fetch:
    """Return a function that fetches training rows or held-out rows.

    The indices of the held-out rows follow the indices of the training rows.

    Parameters
    ----------
    fetch : callable
        Fetches training rows.
    n_rows : int
        The number of training rows, which is the index of the first held-out row.
    fetch_held_out : callable or None
        Fetches held-out rows, with indices that start at 0. None if there are no held-out rows.

    Returns
    -------
    callable
        Takes row indices, and returns the arrays of the rows. The indices of one call must be all
        of training rows or all of held-out rows.
    """
    if fetch_held_out is None:
        return fetch
    return lambda rows: fetch(rows) if rows[0] < n_rows else fetch_held_out(rows - n_rows)
