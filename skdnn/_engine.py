"""Training, epoch by epoch, with what `_program` has compiled; knows nothing of scikit-learn.

An epoch is one graph call, several where it is long, or a part of one where epochs are short and
nobody looks between them. While a call runs, the rows of the next are fetched.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, Protocol

import numpy as np

from skdnn._keras import tf
from skdnn._program import Constants, Predictor, Program, Recipe
from skdnn._programs import PROGRAMS
from skdnn._session import available_threads
from skdnn._spec import NetworkSpec, State

# A graph call cannot be interrupted, nor seen into. One takes no more than about this many
# seconds, so that Ctrl-C and the progress bar answer; the result is the same.
_SECONDS_PER_CALL = 0.5
# Values of the rows of one call: bounds the memory that training takes beside the data.
_VALUES_PER_CALL = 2**21
_EVALUATION_BATCH = 2048
# Multiply-adds in a batch from which one more thread pays: see docs/architecture.md.
_WORK_PER_THREAD = 2**28
_process: int | None = None  # the one that trains

# Gives the rows of these numbers: x, (n_rows, n_inputs), y, and their weights where there are any;
# scaled and encoded, of the recipe's dtypes.
Fetch = Callable[[np.ndarray], Sequence[np.ndarray]]


class Report(Protocol):
    """Is told how training goes on."""

    silent: bool  # nothing is shown, so that many epochs may go by at once

    def epoch_begins(self, epoch: int, n_steps: int) -> None: ...
    def steps_done(self, n_steps: int) -> None: ...
    def epoch_ends(self, logs: dict[str, float]) -> None: ...


@dataclass
class Plan:
    """How long to train, on which rows and in which order."""

    rows: np.ndarray
    held_out: np.ndarray
    epochs: int
    batch_size: int
    shuffle: bool


class _Call(NamedTuple):
    """Row numbers, and where each batch of them begins and the last one ends."""

    rows: np.ndarray
    bounds: np.ndarray

    @property
    def n_steps(self) -> int:
        return len(self.bounds) - 1


def train(
    recipe: Recipe,
    fetch: Fetch,
    constants: Constants,
    state: State,
    plan: Plan,
    rng: np.random.Generator,
    report: Report,
) -> tuple[State, dict[str, list[float]]]:
    """Train a network.

    Parameters
    ----------
    recipe : Recipe
        What to compile, or to find compiled.
    fetch : callable
        Gives rows of the data by their numbers. May be called in another thread.
    constants : Constants
        What is the same for all rows.
    state : State
        Where to start; it is not changed.
    plan : Plan
        How long to train, on which rows and in which order.
    rng : numpy.random.Generator
        Draws the dropout seeds and the order of the rows.
    report : Report
        Is told how training goes on.

    Returns
    -------
    state : State
        Where training stopped.
    history : dict of list of float
        Per epoch: "loss" and the metric; the same of the held-out rows under "val_".

    Raises
    ------
    ValueError
        When the loss or the weights are no longer finite.
    RuntimeError
        In a process forked from one that has trained.
    """
    _check_process()
    history: dict[str, list[float]] = {}
    with PROGRAMS.lend(recipe, Program) as program, _Trainer(program, fetch, constants) as trainer:
        n_threads = _threads(program.work * plan.batch_size)
        program.load(state, recipe.optimizer.learning_rate, rng, n_threads)
        for number, logs in enumerate(trainer.train(plan, rng, report), start=1):
            _check_finite(isfinite(logs["loss"]), number, program)
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
            report.epoch_ends(logs)
        state = program.read()
        # The last step of all comes after the last loss.
        are_finite = all(np.isfinite(w).all() for w in state.weights)
        _check_finite(are_finite, plan.epochs, program)
    return state, history


def forward(spec: NetworkSpec, weights: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Send many rows through a network, compiled and with all threads: see `_inference.forward`."""
    with PROGRAMS.lend(Forward(spec), lambda key: Predictor(key.spec)) as predictor:
        return predictor.run(weights, x, available_threads())


def gains(spec: NetworkSpec) -> bool:
    """Whether `forward` is faster for many rows than NumPy.

    Where this very process has trained and has processors to share the activations between, as
    NumPy does not, if these are more than the inputs, which have to be copied.
    """
    n_units = sum(shape[-1] for _, shape, _ in spec.walk())
    return _process == os.getpid() and available_threads() > 1 and n_units > spec.n_inputs


class Forward(NamedTuple):
    """The key of a compiled forward pass."""

    spec: NetworkSpec


class _Trainer:
    """A program at work on one fit's data."""

    def __init__(self, program: Program, fetch: Fetch, constants: Constants):
        self.program = program
        self.fetch = fetch
        self.constants = constants
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> "_Trainer":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def train(
        self, plan: Plan, rng: np.random.Generator, report: Report
    ) -> Iterator[dict[str, float]]:
        """Yield what there is to tell of each epoch, when it is over."""
        names = ("loss", self.program.recipe.metric)
        order = rng.permutation if plan.shuffle else np.asarray
        batch_size = min(plan.batch_size, len(plan.rows))
        n_steps = -(-len(plan.rows) // batch_size)
        unseen = report.silent and not len(plan.held_out)
        done = 0
        while done < plan.epochs:
            n_epochs = self._epochs_per_call(len(plan.rows), n_steps) if unseen else 1
            epochs = [order(plan.rows) for _ in range(min(n_epochs, plan.epochs - done))]
            report.epoch_begins(done + 1, n_steps)
            for means in self._train(epochs, batch_size, report.steps_done):
                logs = dict(zip(names, map(float, means), strict=True))
                if len(plan.held_out):
                    values = self._evaluate(plan.held_out)
                    logs |= {f"val_{n}": float(x) for n, x in zip(names, values, strict=True)}
                yield logs
            done += len(epochs)

    def _epochs_per_call(self, n_rows: int, n_steps: int) -> int:
        """Return how many whole epochs one graph call has room for, at least one."""
        values = n_rows * self.program.recipe.spec.n_inputs
        return max(1, min(_VALUES_PER_CALL // values, self.program.stride // n_steps))

    def _train(
        self, epochs: list[np.ndarray], batch_size: int, steps_done: Callable[[int], None]
    ) -> np.ndarray:
        """Go over the rows of some epochs; return loss and metric of each, (n_epochs, 2)."""
        sizes = [_batch_sizes(len(rows), batch_size) for rows in epochs]
        steps = np.concatenate(sizes)
        told = []
        for call, rows in self._fetched(self._calls(np.concatenate(epochs), steps)):
            begin = time.perf_counter()
            told.append(self.program.run("train", rows, call.bounds, self.constants))
            self._adapt_stride(call.n_steps, time.perf_counter() - begin)
            steps_done(call.n_steps)
            if not np.isfinite(told[-1][:, 0]).all():
                told.append(np.full((len(steps) - sum(map(len, told)), 2), np.nan))
                break
        sums = np.concatenate(told).astype(np.float64)
        starts = np.cumsum([0, *map(len, sizes[:-1])])
        counts = np.array([len(rows) for rows in epochs])
        return np.add.reduceat(sums, starts) / counts[:, np.newaxis]

    def _evaluate(self, held_out: np.ndarray) -> np.ndarray:
        """Return loss and metric of rows, as predictions would have them."""
        steps = _batch_sizes(len(held_out), _EVALUATION_BATCH)
        total, sums = 0.0, np.zeros(2)
        for call, rows in self._fetched(self._calls(held_out, steps)):
            told = self.program.run("evaluate", rows, call.bounds, self.constants)
            sums += told.sum(axis=0, dtype=np.float64)
            weighted = len(rows) > 2
            total += np.sum(rows[2], dtype=np.float64) if weighted else len(call.rows)
        return sums / total

    def _calls(self, rows: np.ndarray, steps: np.ndarray) -> Iterator[_Call]:
        """Cut the way through rows, given the size of each step, into graph calls."""
        bounds = np.concatenate([[0], np.cumsum(steps)])
        n_inputs = self.program.recipe.spec.n_inputs
        most = max(1, int(_VALUES_PER_CALL // (n_inputs * steps[0])))
        done = 0
        while done < len(steps):
            stop = min(done + min(self.program.stride, most), len(steps))
            own = bounds[done : stop + 1]
            yield _Call(rows[own[0] : own[-1]], (own - own[0]).astype(np.int32))
            done = stop

    def _fetched(self, calls: Iterator[_Call]) -> Iterator[tuple[_Call, Sequence[np.ndarray]]]:
        """Fetch the rows of each call while the one before it runs."""
        call = next(calls)
        rows = self.fetch(call.rows)
        for following in calls:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=1)
            fetching = self._pool.submit(self.fetch, following.rows)
            yield call, rows
            call, rows = following, fetching.result()
        yield call, rows

    def _adapt_stride(self, n_steps: int, seconds: float) -> None:
        if seconds > 2 * _SECONDS_PER_CALL:
            self.program.stride = max(1, n_steps // 2)
        elif n_steps == self.program.stride and seconds < _SECONDS_PER_CALL / 2:
            self.program.stride *= 2


def _batch_sizes(n_rows: int, batch_size: int) -> np.ndarray:
    sizes = np.full(-(-n_rows // batch_size), batch_size)
    sizes[-1] -= len(sizes) * batch_size - n_rows
    return sizes


def _threads(work: int) -> int:
    """Return how many threads a batch of so many multiply-adds is best computed with."""
    share = available_threads() // PROGRAMS.n_lent
    return max(1, min(share, work // _WORK_PER_THREAD))


def _check_process() -> None:
    # TensorFlow's threads do not survive a fork: the child would wait for them for ever.
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            "This process was forked from one that has trained a network, and TensorFlow cannot be "
            "used in both: start it with joblib's loky backend or with multiprocessing's 'spawn'."
        )
    if tf.distribute.has_strategy():
        raise RuntimeError("skdnn trains on one device: call fit outside of tf.distribute's scope.")


def _check_finite(is_finite: bool, epoch: int, program: Program) -> None:
    if not is_finite:
        raise ValueError(
            f"Training diverged in epoch {epoch}: the loss is no longer finite. Lower "
            f"learning_rate (it was {program.learning_rate():.3g}), or scale the inputs "
            "(scaling='standard')."
        )
