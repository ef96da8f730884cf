"""Threads of joblib that train the groups of an ensemble at the same time."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, Self

from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend

_Tasks = SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None]


def effective_threads(n_jobs: int | None) -> int | None:
    """Return the number of threads that `n_jobs` stands for, or None if it leaves the number open.

    The number is left open by None outside of `joblib.parallel_config`, and in a worker of joblib,
    which has its part of the cores only.

    Parameters
    ----------
    n_jobs : int or None
        The parameter of the estimators.
    """
    if n_jobs == 1:
        return 1
    backend, _ = get_active_backend()
    n_threads = int(effective_n_jobs(n_jobs))
    is_open = bool(backend.nesting_level) or (n_jobs is None and n_threads == 1)
    return None if is_open else n_threads


class Workers:
    """A context manager with threads of joblib that call functions.

    The threads wait for functions between two calls of `map`. joblib itself would start threads for
    each call, and looks for results only every 10 ms.

    Parameters
    ----------
    n_workers : int
        The number of threads.
    """

    def __init__(self, n_workers: int):
        self._n_workers = n_workers
        self._tasks: _Tasks = SimpleQueue()
        # The active `joblib.parallel_config` is that of the current thread.
        self._parallel = Parallel(
            n_workers, prefer="threads", require="sharedmem", pre_dispatch="all", batch_size=1
        )
        self._host = Thread(target=self._start, daemon=True)

    def __enter__(self) -> Self:
        self._host.start()
        return self

    def __exit__(self, *_: Any) -> None:
        for _worker in range(self._n_workers + 1):
            self._tasks.put(None)
        self._host.join()

    def _start(self) -> None:
        try:
            self._parallel(delayed(_work)(self._tasks) for _ in range(self._n_workers))
        finally:
            _work(self._tasks)  # if joblib could not start its threads

    def map(self, function: Callable[..., Any], *arguments: Iterable[Any]) -> list[Any]:
        """Call a function for each tuple of arguments, and return the list of the results."""
        futures: list[Future[Any]] = []
        for given in zip(*arguments, strict=True):
            futures.append(Future())
            self._tasks.put((futures[-1], function, given))
        return [future.result() for future in futures]


def _work(tasks: _Tasks) -> None:
    """Call the functions of a queue until the queue yields None."""
    while (task := tasks.get()) is not None:
        future, function, arguments = task
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)
