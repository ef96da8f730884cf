"""Training with a compiled program, epoch by epoch. This module does not depend on scikit-learn.

An epoch is usually one graph call. A long epoch is several graph calls. Several short epochs are
one graph call if no report must be called between them. While a graph call runs, the rows of the
next graph call are fetched.
"""

from collections.abc import Iterator
from functools import partial
from math import isfinite

import numpy as np

from skdnn._network.spec import State

# The import registers the compiled forward pass, which is used for prediction after training.
from skdnn._training import forward_program  # noqa: F401
from skdnn._training.batches import Feeder, Fetch
from skdnn._training.callbacks import Report
from skdnn._training.data_pass import NetworkPass, Pass
from skdnn._training.dense_program import Program
from skdnn._training.dense_program_key import Constants, ProgramKey
from skdnn._training.keras_program import ModelProgram
from skdnn._training.member_groups import GroupedProgram, lent_program
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.progress import with_listener
from skdnn._training.session import Threads, available_threads
from skdnn._training.training_job import Job, Plan, Training, divergence_error
from skdnn._training.workers import effective_threads

# An additional thread makes a step faster only if the step has this many multiply-adds for each
# additional thread. The update of the network weights counts as the multiply-adds of 96 rows.
# Decision 4 in docs/development/decisions explains both numbers.
_WORK_PER_THREAD = 2**27
_ROWS_OF_AN_UPDATE = 96


def train(
    key: ProgramKey,
    fetch: Fetch,
    constants: Constants,
    state: State,
    plan: Plan,
    rng: np.random.Generator,
    report: Report,
) -> tuple[State, dict[str, list[float]]]:
    """Train the network that a program key describes, and return the final state and the logs.

    Parameters
    ----------
    key : ProgramKey
        The key of the compiled program, which is compiled unless the program cache holds it.
    fetch : callable
        Takes row indices, and returns the arrays of the rows. The function may be called in another
        thread.
    constants : Constants
        The values that are the same for all rows.
    state : State
        The initial state, which is not changed.
    plan : Plan
        The number of epochs, the row indices and the batch sizes.
    rng : numpy.random.Generator
        The random generator for the dropout seeds and the order of the rows.
    report : Report
        The report that is called between steps and epochs.

    Returns
    -------
    state : State
        The final state.
    history : dict of list of float
        The values of the loss and the metric by name, with one value for each epoch. The names of
        values of the held-out rows start with "val_". If the plan has a schedule, the values of
        "learning_rate" are the learning rates of the last step of each epoch.

    Raises
    ------
    ValueError
        If the loss or the network weights are no longer finite.
    RuntimeError
        If the process was forked from a process that has trained a network.
    """
    n_threads = effective_threads(plan.n_jobs)
    with (
        lent_program(PROGRAMS, key, n_threads) as program,
        Feeder(program, fetch, key.spec.n_inputs) as feeder,
    ):
        rate = key.optimizer.learning_rate
        batch_size = min(plan.batch_size, len(plan.rows))
        program.load(state, rate, rng, threads_for(program, batch_size, n_threads))

        def start_pass(name: str, rates: np.ndarray | None) -> NetworkPass:
            return NetworkPass(program, name, constants, rates)

        order = partial(_order, plan, rng)
        advice = partial(_advice, program)
        training = run_epochs(Job(program, start_pass, feeder, plan, order, rate, advice), report)
        state = program.read()
        # The last step changes the network weights after the last loss was computed.
        if not all(np.isfinite(w).all() for w in state.weights):
            raise divergence_error(training.epoch, advice())
    return state, training.history()


def run_epochs(job: Job, report: Report, initial_epoch: int = 0) -> Training:
    """Train epoch by epoch until the plan is complete or a report stops training.

    Parameters
    ----------
    job : Job
        The compiled program, the plan and the order of the rows.
    report : Report
        The report that is called between steps and epochs.
    initial_epoch : int, default=0
        The number of epochs that count as finished before training starts.

    Returns
    -------
    Training
        The progress of the fit, with the logs of all epochs.
    """
    report = with_listener(report, job.plan.epochs)
    job.feeder.limit(job.program.work * min(job.plan.batch_size, len(job.plan.rows)))
    training = Training(job)
    training.epoch = initial_epoch
    report.training_begins(training)
    job.feeder.one_by_one = training.each_step
    for epoch in range(initial_epoch, training.epoch):
        job.order(epoch)  # advances the random generator past epochs that are already trained
    for logs in _epochs(job, report, training):
        training.epoch += 1
        if job.advice is not None and not isfinite(logs["loss"]):
            raise divergence_error(training.epoch, job.advice())
        training.epoch_logs.append(logs)
        if report.epoch_ends(logs, training) or training.stop:
            break
    report.training_ends(training)
    return training


def _order(plan: Plan, rng: np.random.Generator, epoch: int) -> np.ndarray:
    """Return the row indices of an epoch, in a new random order if `plan.shuffle` is set."""
    return rng.permutation(plan.rows) if plan.shuffle else np.asarray(plan.rows)


def _epochs(job: Job, report: Report, training: Training) -> Iterator[dict[str, float]]:
    """Train epoch by epoch, and yield the logs of each epoch when the epoch is over."""
    plan, n_steps, done = job.plan, len(job.steps), training.epoch
    while done < training.n_epochs:
        n_epochs = _epochs_of_a_call(job, report, training, done)
        rows = np.concatenate([job.order(done + i) for i in range(n_epochs)])
        report.epoch_begins(done + 1, n_steps)
        rates = _learning_rates(job, training, done, n_epochs)
        finished = _train(job, rows, np.tile(job.steps, n_epochs), rates, report, training)
        training.n_trained = done + n_epochs
        report.steps_end(training)
        all_logs = finished.epoch_logs(n_epochs, n_steps, len(plan.rows))
        for number, logs in enumerate(all_logs, start=1):
            logs = training.logs if training.stop else logs
            if rates is not None:
                last = training.step if training.stop else number * n_steps
                logs["learning_rate"] = float(rates[last - 1])
            if number == n_epochs and _is_evaluated(plan, training):
                report.evaluation_begins(training)
                held_out = training.evaluate()
                report.evaluation_ends(held_out, training)
                logs = logs | held_out
            yield logs
        done += n_epochs


def _epochs_of_a_call(job: Job, report: Report, training: Training, done: int) -> int:
    """Return the number of epochs to train in one pass, without a report or an evaluation."""
    plan, most = job.plan, training.n_epochs - done
    if not report.silent:
        return 1
    if len(plan.held_out):
        evaluated = plan.evaluation_epochs(training.n_epochs)
        later = [] if evaluated is None else [epoch for epoch in evaluated if epoch > done]
        most = 1 if evaluated is None else min([done + most, *later]) - done
    return min(most, job.feeder.rounds_per_call(len(plan.rows), len(job.steps)))


def _is_evaluated(plan: Plan, training: Training) -> bool:
    """Return whether the held-out rows are evaluated after the last epoch whose steps are done."""
    if not len(plan.held_out):
        return False
    evaluated, epoch = plan.evaluation_epochs(training.n_epochs), training.n_trained
    return evaluated is None or epoch in evaluated or epoch == training.n_epochs


def _learning_rates(job: Job, training: Training, done: int, n_epochs: int) -> np.ndarray | None:
    """Return the learning rates of the steps of the next `n_epochs` epochs.

    `done` epochs are finished. None if the learning rate does not follow `Plan.schedule`.
    """
    schedule, n_steps = job.plan.schedule, len(job.steps)
    if schedule is None or job.base_rate is None:
        return None
    numbers = np.arange(done * n_steps, (done + n_epochs) * n_steps)
    factors = schedule.factors(numbers, training.n_epochs * n_steps)
    return job.base_rate * training.learning_rate_factor * factors


def _train(
    job: Job,
    rows: np.ndarray,
    steps: np.ndarray,
    rates: np.ndarray | None,
    report: Report,
    training: Training,
) -> Pass:
    """Take the training steps of a pass over rows, and return the pass.

    The pass ends early if the loss is no longer finite or if a report stops training.
    """
    current, done = job.start_pass("train", rates), 0
    for call in job.feeder.calls(rows, steps):
        training.step = done + current.run(call)
        training.logs = current.logs()
        done += call.n_steps
        report.steps_done(call.n_steps)
        if training.stop or not current.is_finite:
            break
    return current


def threads_for(
    program: Program | GroupedProgram | ModelProgram,
    batch_size: int,
    n_threads: int | None = None,
) -> Threads:
    """Return the numbers of threads that are expected to be fastest for a batch size.

    `n_threads` is the maximum number of threads. None means that the programs in use have equal
    parts of the processors.

    Threads are first assigned to independent parts of a step, and then to single operations. A
    small operation is not faster with two threads, but two independent operations are faster if
    each has a thread.
    """
    if n_threads is None:
        n_threads = available_threads() // max(1, PROGRAMS.n_lent)
    elif isinstance(program, GroupedProgram):
        n_threads //= program.n_groups
    between = max(1, min(n_threads, program.n_branches))
    work = program.work * (batch_size + _ROWS_OF_AN_UPDATE) // between
    return Threads(max(1, min(n_threads // between, 1 + work // _WORK_PER_THREAD)), between)


def _advice(program: Program | GroupedProgram) -> str:
    return (
        f"Lower learning_rate (it was {program.learning_rate():.3g}), or scale the inputs "
        "(scaling='standard')."
    )
