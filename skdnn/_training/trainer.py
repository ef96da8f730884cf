"""Training epoch by epoch, with a compiled program; knows nothing of scikit-learn.

An epoch is one graph call, several where it is long, or a part of one where epochs are short and
no report has to see them apart. While a call runs, the rows of the next are fetched.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any, Protocol

import numpy as np

from skdnn._network.spec import NetworkSpec, State
from skdnn._training import compiled_forward
from skdnn._training.batches import VALUES_PER_CALL, Feeder, Fetch, batch_sizes
from skdnn._training.callbacks import Report
from skdnn._training.passes import NetworkPass, Pass
from skdnn._training.predictor import Forward, Predictor
from skdnn._training.program import Constants, Program, ProgramKey
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.schedules import Schedule
from skdnn._training.session import Threads, available_threads
from skdnn._utils.tensorflow import tf

_EVALUATION_BATCH = 2048
# Multiply-adds in a step from which one more thread pays, and how many rows' worth of them the
# update of the weights counts as: see docs/architecture.md.
_WORK_PER_THREAD = 2**27
_ROWS_OF_AN_UPDATE = 96
_process: int | None = None  # the process that trains


@dataclass
class Plan:
    """How long to train, on which rows and in which batches.

    Attributes
    ----------
    rows, held_out : ndarray of int
        The numbers of the rows to train on, and of those to validate on.
    epochs : int
        The most that there are.
    batch_size : int
        Rows of a step.
    shuffle : bool
        Whether each epoch has an order of its own.
    schedule : Schedule or None
        Of the learning rate; None where it is constant.
    evaluation_epochs : frozenset of int or None
        The epochs, from 1 on, to evaluate after, besides the last; None for all.
    validation_batch_size : int or None
        Rows that are evaluated together; None to choose.
    """

    rows: np.ndarray
    held_out: np.ndarray
    epochs: int
    batch_size: int
    shuffle: bool
    schedule: Schedule | None = None
    evaluation_epochs: frozenset[int] | None = None
    validation_batch_size: int | None = None


class Trainable(Protocol):
    """What the trainer needs of a compiled program."""

    stride: int  # steps in one call

    @property
    def work(self) -> int:
        """Multiply-adds that a row takes on its way through the network."""

    @property
    def n_branches(self) -> int:
        """Number of parts of a step that do not wait for each other."""

    def read(self) -> Any:
        """Copy the state out."""

    def restore(self, state: Any) -> None:
        """Set the state to what `read` gave."""


@dataclass
class Job:
    """One fit: a program, the rows that it is given, and in which order.

    Attributes
    ----------
    program : Trainable
        Loaded with the state to start from.
    start_pass : callable
        Starts a pass: given "train" or "evaluate", and the learning rates of the steps.
    feeder : Feeder
        Fetches the rows.
    plan : Plan
        Which rows.
    order : callable
        Given the number of an epoch, from 0, returns its rows in their order.
    base_rate : float or None
        The learning rate that the schedule is relative to.
    must_be_finite : bool
        Whether a loss that is not finite is an error.
    """

    program: Trainable
    start_pass: Callable[[str, np.ndarray | None], Pass]
    feeder: Feeder
    plan: Plan
    order: Callable[[int], np.ndarray]
    base_rate: float | None = None
    must_be_finite: bool = True
    steps: np.ndarray = field(init=False)  # the number of rows of each step of an epoch

    def __post_init__(self) -> None:
        self.steps = batch_sizes(len(self.plan.rows), self.plan.batch_size)


class Training:
    """What a report may see and change between two steps.

    Attributes
    ----------
    epoch : int
        Number of finished epochs. A report may set it before the first: training resumes there.
    step : int
        Number of finished steps of this epoch, to the first one that diverged.
    logs : dict of str to float
        Loss and metrics over these steps.
    epoch_logs : list of dict of str to float
        The logs of the finished epochs.
    validation_logs : list of dict of str to float
        Loss and metrics of the held-out rows after each of their batches, where `each_step`.
    learning_rate_factor : float
        What the scheduled learning rate is multiplied by.
    each_step : bool
        Whether a report has to see each step: it is then a graph call of its own.
    stop : bool
        Whether to stop before the epoch is over.
    """

    def __init__(self, job: Job):
        self._job = job
        self.epoch = self.step = 0
        self.logs: dict[str, float] = {}
        self.epoch_logs: list[dict[str, float]] = []
        self.validation_logs: list[dict[str, float]] = []
        self.learning_rate_factor = 1.0
        self.each_step = self.stop = False

    def evaluate(self) -> dict[str, float]:
        """Return loss and metrics of the held-out rows, as predictions would have them."""
        if not len(self._job.plan.held_out):
            return {}
        logs = _evaluate(self._job, self)
        return {f"val_{name}": value for name, value in logs.items()}

    def history(self) -> dict[str, list[float]]:
        """Return the logs of the epochs by name; NaN where an epoch has no value of a name."""
        names = dict.fromkeys(name for logs in self.epoch_logs for name in logs)
        return {name: [logs.get(name, np.nan) for logs in self.epoch_logs] for name in names}

    def read(self) -> Any:
        """Copy the state out."""
        return self._job.program.read()

    def write(self, state: Any) -> None:
        """Resume from another state."""
        self._job.program.restore(state)


def train(
    key: ProgramKey,
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
    key : ProgramKey
        What to compile, or to find compiled.
    fetch : callable
        Given the numbers of rows, returns their arrays. May be called in another thread.
    constants : Constants
        What is the same for all rows.
    state : State
        Where to start; it is not changed.
    plan : Plan
        How long to train, on which rows and in which batches.
    rng : numpy.random.Generator
        Draws the dropout seeds and the order of the rows.
    report : Report
        Is called between steps and epochs.

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
        PROGRAMS.lend(key, Program) as program,
        Feeder(program, fetch, key.spec.n_inputs) as feeder,
    ):
        rate = key.optimizer.learning_rate
        program.load(state, rate, rng, threads_for(program, min(plan.batch_size, len(plan.rows))))

        def start_pass(name: str, rates: np.ndarray | None) -> NetworkPass:
            return NetworkPass(program, name, constants, rates)

        order = partial(_order, plan, rng)
        training = run_epochs(Job(program, start_pass, feeder, plan, order, rate), report)
        state = program.read()
        # The last step of all comes after the last loss.
        are_finite = all(np.isfinite(w).all() for w in state.weights)
        _check_finite(are_finite, training.epoch, program)
    return state, training.history()


def run_epochs(job: Job, report: Report, initial_epoch: int = 0) -> Training:
    """Train epoch by epoch, until the plan is done or a report stops.

    Parameters
    ----------
    job : Job
        Program and rows.
    report : Report
        Is called between steps and epochs.
    initial_epoch : int, default=0
        Number of epochs that count as finished.

    Returns
    -------
    Training
        With the logs of all epochs.
    """
    job.feeder.limit(job.program.work * min(job.plan.batch_size, len(job.plan.rows)))
    training = Training(job)
    training.epoch = initial_epoch
    report.training_begins(training)
    job.feeder.one_by_one = training.each_step
    for epoch in range(initial_epoch, training.epoch):
        job.order(epoch)  # drawn, because these were trained elsewhere
    for logs in _epochs(job, report, training):
        training.epoch += 1
        if job.must_be_finite:
            _check_finite(isfinite(logs["loss"]), training.epoch, job.program)
        training.epoch_logs.append(logs)
        if report.epoch_ends(logs, training) or training.stop:
            break
    report.training_ends(training)
    return training


def _order(plan: Plan, rng: np.random.Generator, epoch: int) -> np.ndarray:
    """Return the rows of an epoch in their order: drawn anew for each, or as they are."""
    return rng.permutation(plan.rows) if plan.shuffle else np.asarray(plan.rows)


def _epochs(job: Job, report: Report, training: Training) -> Iterator[dict[str, float]]:
    """Yield the logs of each epoch, when it is over."""
    plan, n_steps, done = job.plan, len(job.steps), training.epoch
    while done < plan.epochs:
        n_epochs = _epochs_of_a_call(job, report, done)
        rows = np.concatenate([job.order(done + i) for i in range(n_epochs)])
        report.epoch_begins(done + 1, n_steps)
        rates = _learning_rates(job, training, done, n_epochs)
        finished = _train(job, rows, np.tile(job.steps, n_epochs), rates, report, training)
        all_logs = finished.epoch_logs(n_epochs, n_steps, len(plan.rows))
        for number, logs in enumerate(all_logs, start=1):
            logs = training.logs if training.stop else logs
            if rates is not None:
                last = training.step if training.stop else number * n_steps
                logs["learning_rate"] = float(rates[last - 1])
            epoch = done + number
            if len(plan.held_out) and epoch == _next_evaluation(plan, epoch - 1):
                report.evaluation_begins(training)
                held_out = training.evaluate()
                report.evaluation_ends(held_out, training)
                logs = logs | held_out
            yield logs
        done += n_epochs


def _epochs_of_a_call(job: Job, report: Report, done: int) -> int:
    """Return how many epochs may be trained before a report or an evaluation is due."""
    most = job.plan.epochs - done
    if not report.silent:
        return 1
    if len(job.plan.held_out):
        most = min(most, _next_evaluation(job.plan, done) - done)
    return min(most, job.feeder.rounds_per_call(len(job.plan.rows), len(job.steps)))


def _next_evaluation(plan: Plan, epoch: int) -> int:
    """Return the next epoch to evaluate after; the last one at the latest."""
    if plan.evaluation_epochs is None:
        return epoch + 1
    later = (number for number in plan.evaluation_epochs if number > epoch)
    return min(later, default=plan.epochs)


def _learning_rates(job: Job, training: Training, done: int, n_epochs: int) -> np.ndarray | None:
    """Return the learning rate of each step of some epochs; None where it is constant."""
    schedule, n_steps = job.plan.schedule, len(job.steps)
    if schedule is None or job.base_rate is None:
        return None
    numbers = np.arange(done * n_steps, (done + n_epochs) * n_steps)
    factors = schedule.factors(numbers, job.plan.epochs * n_steps)
    return job.base_rate * training.learning_rate_factor * factors


def _train(
    job: Job,
    rows: np.ndarray,
    steps: np.ndarray,
    rates: np.ndarray | None,
    report: Report,
    training: Training,
) -> Pass:
    """Take steps, until the loss is no longer finite or a report stops; return the pass."""
    current, done = job.start_pass("train", rates), 0
    for call in job.feeder.calls(rows, steps):
        training.step = done + current.run(call)
        training.logs = current.logs()
        done += call.n_steps
        report.steps_done(call.n_steps)
        if training.stop or not current.is_finite:
            break
    return current


def _evaluate(job: Job, training: Training) -> dict[str, float]:
    """Return loss and metrics of the held-out rows."""
    plan, feeder = job.plan, job.feeder
    training.validation_logs = []
    batch_size = max(1, min(_EVALUATION_BATCH, VALUES_PER_CALL // feeder.n_values))
    if training.each_step:
        batch_size = plan.batch_size
    steps = batch_sizes(len(plan.held_out), plan.validation_batch_size or batch_size)
    current = job.start_pass("evaluate", None)
    for call in feeder.calls(plan.held_out, steps):
        current.run(call)
        if training.each_step:
            training.validation_logs.append(current.logs())
    return current.logs()


def threads_for(program: Trainable, batch_size: int) -> Threads:
    """Return the threads that are best for batches of a size.

    Parts of a step that do not wait for each other come first: a small operation is no faster with
    two threads, but two operations are.
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


def _check_finite(is_finite: bool, epoch: int, program: Any) -> None:
    if not is_finite:
        raise ValueError(
            f"Training diverged in epoch {epoch}: the loss is no longer finite. Lower "
            f"learning_rate (it was {program.learning_rate():.3g}), or scale the inputs "
            "(scaling='standard')."
        )


def _forward(spec: NetworkSpec, weights: Any, x: np.ndarray) -> np.ndarray:
    """Send many rows through a network, compiled and with all threads."""
    with PROGRAMS.lend(Forward(spec), Predictor) as predictor:
        output: np.ndarray = predictor.run(weights, x, Threads(available_threads()))
    return output


def _faster_forward(spec: NetworkSpec) -> compiled_forward.ForwardPass | None:
    """Return the compiled forward pass of a network, where it is faster than NumPy.

    That is where this very process has trained, and has several processors to share the
    activations between, which NumPy does not do; if there are more units than inputs, which have
    to be copied.
    """
    if _process != os.getpid() or not tf.executing_eagerly() or available_threads() < 2:
        return None
    n_units = sum(row.shape[-1] for row in spec.rows())
    return partial(_forward, spec) if n_units > spec.n_inputs else None


compiled_forward.register(_faster_forward)
