"""What one fit consists of for the trainer, and what a report may see and change of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skdnn._training.batches import VALUES_PER_CALL, Feeder, batch_sizes
from skdnn._training.data_pass import Pass
from skdnn._training.dense_program import Program
from skdnn._training.keras_program import ModelProgram
from skdnn._training.schedules import Schedule

_EVALUATION_BATCH = 2048


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


@dataclass
class Job:
    """One fit: a program, the rows that it is given, and in which order.

    Attributes
    ----------
    program : Program or ModelProgram
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

    program: Program | ModelProgram
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
        return {f"val_{name}": value for name, value in self._evaluated().items()}

    def _evaluated(self) -> dict[str, float]:
        plan, feeder = self._job.plan, self._job.feeder
        self.validation_logs = []
        batch_size = max(1, min(_EVALUATION_BATCH, VALUES_PER_CALL // feeder.n_values))
        if self.each_step:
            batch_size = plan.batch_size
        steps = batch_sizes(len(plan.held_out), plan.validation_batch_size or batch_size)
        current = self._job.start_pass("evaluate", None)
        for call in feeder.calls(plan.held_out, steps):
            current.run(call)
            if self.each_step:
                self.validation_logs.append(current.logs())
        return current.logs()

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
