"""Training epoch by epoch, with a compiled program; knows nothing of scikit-learn.

An epoch is one graph call, several where it is long, or a part of one where epochs are short and
no report has to see them apart. While a call runs, the rows of the next are fetched.
"""

import os
from collections.abc import Iterator
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from skdnn._network.spec import NetworkSpec, State
from skdnn._training import compiled_forward
from skdnn._training.batches import Feeder, Fetch
from skdnn._training.callbacks import Report
from skdnn._training.data_pass import NetworkPass, Pass
from skdnn._training.dense_program import Constants, Program, ProgramKey
from skdnn._training.forward_program import Forward, Predictor
from skdnn._training.keras_program import ModelProgram
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.session import Threads, available_threads
from skdnn._training.training_job import Job, Plan, Training
from skdnn._utils.tensorflow import tf

__all__ = ["Forward", "Job", "Plan", "check_process", "run_epochs", "threads_for", "train"]

# Multiply-adds in a step from which one more thread pays, and how many rows' worth of them the
# update of the weights counts as: see docs/architecture.md.
_WORK_PER_THREAD = 2**27
_ROWS_OF_AN_UPDATE = 96
_process: int | None = None  # the process that trains


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


def threads_for(program: Program | ModelProgram, batch_size: int) -> Threads:
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
