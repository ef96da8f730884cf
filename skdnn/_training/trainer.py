"""Training, epoch by epoch, with what `_program` has compiled; knows nothing of scikit-learn.

An epoch is one graph call, several where it is long, or a part of one where epochs are short and
nobody looks between them. While a call runs, the rows of the next are fetched.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from skdnn._network.spec import NetworkSpec, State
from skdnn._training.batches import VALUES_PER_CALL, Feeder, Fetch, batch_sizes
from skdnn._training.callbacks import Report
from skdnn._training.program import Constants, Predictor, Program, ProgramKey
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.schedules import Schedule
from skdnn._training.session import Threads, available_threads
from skdnn._utils.tensorflow import tf

_EVALUATION_BATCH = 2048
# Multiply-adds in a step from which one more thread pays, and how many rows' worth of them the
# update of the weights counts as: see docs/architecture.md.
_WORK_PER_THREAD = 2**27
_ROWS_OF_AN_UPDATE = 96
_process: int | None = None  # the one that trains


class Training:
    """What may be seen and changed between two epochs.

    Attributes
    ----------
    epoch : int
        Number of epochs that are over; where it is set before the first, training begins there.
    step : int
        Number of steps of this epoch that are over; no more than to the first whose loss is lost.
    logs : dict of str to float
        Loss and metric over these steps.
    told : list of dict of str to float
        The logs of the epochs that are over.
    validation_logs : list of dict of str to float
        The same of the held-out rows, over their batches so far, where each step is watched.
    factor : float
        Of the learning rate, where it is scheduled.
    each_step : bool
        Whether each step is watched: it is then a graph call of its own.
    stop : bool
        Whether to stop before the epoch is over.
    """

    def __init__(self, program: Program, evaluate: Callable[[Any], dict[str, float]]):
        self._program = program
        self._evaluate = evaluate
        self.told: list[dict[str, float]] = []
        self.epoch = self.step = 0
        self.logs: dict[str, float] = {}
        self.validation_logs: list[dict[str, float]] = []
        self.factor = 1.0
        self.each_step = self.stop = False

    def evaluate(self) -> dict[str, float]:
        """Return what there is to tell of the held-out rows, as they stand now."""
        return {f"val_{name}": value for name, value in self._evaluate(self).items()}

    def history(self) -> dict[str, list[float]]:
        """Return the logs by their names; NaN where an epoch has nothing of a name to tell."""
        names = dict.fromkeys(name for logs in self.told for name in logs)
        return {name: [logs.get(name, np.nan) for logs in self.told] for name in names}

    def read(self) -> State:
        """Copy the state out."""
        return self._program.read()

    def write(self, state: State) -> None:
        """Go on from another state."""
        self._program.restore(state)


@dataclass
class Plan:
    """How long to train, on which rows and in which order."""

    rows: np.ndarray
    held_out: np.ndarray
    epochs: int
    batch_size: int
    shuffle: bool
    schedule: Schedule | None = None  # of the learning rate; None: it is constant
    evaluation_epochs: frozenset[int] | None = (
        None  # epochs, from 1 on, to evaluate after; None: each
    )


def train(
    recipe: ProgramKey,
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
    recipe : ProgramKey
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
        Per epoch: "loss" and the metric; the same of the held-out rows under "val_"; the
        "learning_rate" of its last step, where the plan has a schedule.

    Raises
    ------
    ValueError
        When the loss or the weights are no longer finite.
    RuntimeError
        In a process forked from one that has trained.
    """
    with (
        PROGRAMS.lend(recipe, Program) as program,
        Feeder(program, fetch, recipe.spec.n_inputs) as feeder,
    ):
        threads = threads_for(program, min(plan.batch_size, len(plan.rows)))
        program.load(state, recipe.optimizer.learning_rate, rng, threads)
        feeder.limit(program.work * min(plan.batch_size, len(plan.rows)))
        training = Training(program, partial(_evaluate, program, feeder, constants, plan))
        report.training_begins(training)
        feeder.one_by_one = training.each_step
        base_rate = recipe.optimizer.learning_rate
        epochs = _epochs(program, feeder, constants, plan, base_rate, rng, report, training)
        for logs in epochs:
            training.epoch += 1
            _check_finite(isfinite(logs["loss"]), training.epoch, program)
            training.told.append(logs)
            if report.epoch_ends(logs, training) or training.stop:
                break
        report.training_ends(training)
        state = program.read()
        # The last step of all comes after the last loss.
        are_finite = all(np.isfinite(w).all() for w in state.weights)
        _check_finite(are_finite, training.epoch, program)
    return state, training.history()


def forward(spec: NetworkSpec, weights: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Send many rows through a network, compiled and with all threads: see `_inference.forward`."""
    with PROGRAMS.lend(Forward(spec), lambda key: Predictor(key.spec)) as predictor:
        return predictor.run(weights, x, Threads(available_threads()))


def gains(spec: NetworkSpec) -> bool:
    """Whether `forward` is faster for many rows than NumPy.

    Where this very process has trained and has processors to share the activations between, as
    NumPy does not, if these are more than the inputs, which have to be copied.
    """
    if not tf.executing_eagerly():
        return False
    n_units = sum(row.shape[-1] for row in spec.rows())
    return _process == os.getpid() and available_threads() > 1 and n_units > spec.n_inputs


class Forward(NamedTuple):
    """The key of a compiled forward pass."""

    spec: NetworkSpec


def _epochs(
    program: Program,
    feeder: Feeder,
    constants: Constants,
    plan: Plan,
    base_rate: float | None,
    rng: np.random.Generator,
    report: Report,
    training: Training,
) -> Iterator[dict[str, float]]:
    """Yield what there is to tell of each epoch, when it is over."""
    order = rng.permutation if plan.shuffle else np.asarray
    steps = batch_sizes(len(plan.rows), plan.batch_size)
    done = training.epoch
    for _ in range(done):  # those of epochs that were trained elsewhere
        order(plan.rows)
    while done < plan.epochs:
        most = feeder.rounds_per_call(len(plan.rows), len(steps)) if report.silent else 1
        if len(plan.held_out):
            most = min(most, _next_look(plan, done) - done)
        n_epochs = min(most, plan.epochs - done)
        rows = np.concatenate([order(plan.rows) for _ in range(n_epochs)])
        report.epoch_begins(done + 1, len(steps))
        rates = None
        if plan.schedule is not None and base_rate is not None:
            numbers = np.arange(done * len(steps), (done + n_epochs) * len(steps))
            factors = plan.schedule.factors(numbers, plan.epochs * len(steps))
            rates = base_rate * training.factor * factors
        all_steps = np.tile(steps, n_epochs)
        sums = _train(program, feeder, constants, rows, all_steps, rates, report, training)
        means = sums.reshape(n_epochs, len(steps), 2).sum(axis=1) / len(plan.rows)
        for number in range(n_epochs):
            logs = training.logs if training.stop else _named(program, means[number])
            if rates is not None:
                last = training.step if training.stop else (number + 1) * len(steps)
                logs["learning_rate"] = float(rates[last - 1])
            epoch = done + number + 1
            is_looked_at = epoch == _next_look(plan, epoch - 1)
            yield logs | (training.evaluate() if is_looked_at else {})
        done += n_epochs


def _next_look(plan: Plan, epoch: int) -> int:
    """Return the next epoch to evaluate after; the last one at the latest."""
    if plan.evaluation_epochs is None:
        return epoch + 1
    return min((look for look in plan.evaluation_epochs if look > epoch), default=plan.epochs)


def _named(program: Program, values: np.ndarray) -> dict[str, float]:
    loss, metric, *tempered = map(float, values)
    refinement = {"refinement": min(tempered)} if tempered else {}
    return {"loss": loss, program.recipe.metric: metric} | refinement


def _train(
    program: Program,
    feeder: Feeder,
    constants: Constants,
    rows: np.ndarray,
    steps: np.ndarray,
    rates: np.ndarray | None,
    report: Report,
    training: Training,
) -> np.ndarray:
    """Take steps; return the sums of loss and metric of each, (n_steps, 2), NaN from where lost."""
    sums = np.full((len(steps), 2), np.nan)
    done, total, n_rows = 0, np.zeros(2), 0
    for call in feeder.calls(rows, steps):
        part = slice(done, done + call.n_steps)
        own_rates = None if rates is None else rates[part]
        told = program.run("train", call.arrays, call.bounds, constants, own_rates)
        sums[part] = told
        is_finite = np.isfinite(told[:, 0])
        n_steps = call.n_steps if is_finite.all() else int(np.argmin(is_finite)) + 1
        total += told[:n_steps].sum(axis=0)
        n_rows += int(call.bounds[n_steps])
        training.step = done + n_steps
        training.logs = _named(program, total / n_rows)
        done += call.n_steps
        report.steps_done(call.n_steps)
        if training.stop or not is_finite.all():
            break
    return sums


def _evaluate(
    program: Program, feeder: Feeder, constants: Constants, plan: Plan, training: Training
) -> dict[str, float]:
    """Return loss and metric of the held-out rows, as predictions would have them."""
    if not len(plan.held_out):
        return {}
    total, sums = 0.0, np.zeros(1)
    training.validation_logs = []
    batch_size = max(1, min(_EVALUATION_BATCH, VALUES_PER_CALL // feeder.n_values))
    if training.each_step:
        batch_size = plan.batch_size
    for call in feeder.calls(plan.held_out, batch_sizes(len(plan.held_out), batch_size)):
        told = program.run("evaluate", call.arrays, call.bounds, constants)
        sums = sums + told.sum(axis=0, dtype=np.float64)
        _, _, *weights = call.arrays
        # Where there are members, each row has a weight for each of them.
        total += np.mean(weights[0], dtype=np.float64) * call.n_rows if weights else call.n_rows
        if training.each_step:
            training.validation_logs.append(_named(program, sums / total))
    return _named(program, sums / total)


def threads_for(program: Any, batch_size: int) -> Threads:
    """Return what batches of a size are best computed with.

    Parts of a step that do not wait for each other come first: small operations are no faster with
    two threads, but two of them are.
    """
    share = available_threads() // max(1, PROGRAMS.n_lent)
    between = max(1, min(share, program.n_branches))
    work = program.work * (batch_size + _ROWS_OF_AN_UPDATE) // between
    return Threads(max(1, min(share // between, 1 + work // _WORK_PER_THREAD)), between)


def check_process() -> None:
    """Refuse to train where TensorFlow cannot."""
    # TensorFlow's threads do not survive a fork: the child would wait for them for ever.
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            "This process was forked from one that has trained a network, and TensorFlow cannot be "
            "used in both: start it with joblib's loky backend or with multiprocessing's 'spawn'."
        )
    if not tf.executing_eagerly():
        raise RuntimeError(
            "skdnn computes on arrays: call it outside of tf.function and of tf.Graph, with eager "
            "execution on."
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
