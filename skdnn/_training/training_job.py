"""The description of one fit for the trainer, and the progress that reports read and change.

This module does not import TensorFlow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from skdnn._training.batches import VALUES_PER_CALL, Feeder, batch_sizes
from skdnn._training.data_pass import Pass
from skdnn._training.schedules import Schedule

if TYPE_CHECKING:
    from skdnn._training.dense_program import Program
    from skdnn._training.keras_program import ModelProgram
    from skdnn._training.member_groups import GroupedProgram

_EVALUATION_BATCH = 2048

# Takes the planned number of epochs, and returns some of the epochs, which are counted from 1. None
# stands for all epochs.
EpochSet = Callable[[int], frozenset[int] | None]


def all_epochs(n_epochs: int) -> None:
    """Return None, which stands for all epochs."""


@dataclass
class Plan:
    """The number of epochs, the row indices and the batch sizes of a fit.

    Attributes
    ----------
    rows, held_out : ndarray of int
        The row indices of the training rows, and the row indices of the held-out rows.
    epochs : int
        The maximum number of epochs.
    batch_size : int
        The number of rows of a step.
    shuffle : bool
        Whether `trainer.train` shuffles the rows again for each epoch. The attribute has no effect
        if a `Job` is created in another way, because `Job.order` then determines the order.
    schedule : Schedule or None
        The schedule of the learning rate. None if the learning rate is constant.
    evaluation_epochs : callable
        Takes the planned number of epochs, and returns the epochs after which the held-out rows are
        evaluated, in addition to the last epoch. They are counted from 1, and None is all epochs.
    validation_batch_size : int or None
        The number of rows of a batch in an evaluation. None to choose a number automatically.
    n_folds : int
        The number of folds of the held-out rows. Element i of `held_out` is of fold i % n_folds,
        and a batch of an evaluation has as many rows of each fold.
    n_jobs : int or None
        The number of threads that train groups of ensemble members, as joblib interprets it.
    score : callable or None
        Takes the state of the program, and returns a score of the network on the held-out rows,
        which the logs of an evaluation contain as "val_score". None for no score.
    scored_epochs : callable
        Takes the planned number of epochs, and returns the epochs after which an evaluation
        contains the score, in addition to the last epoch. None is all epochs.
    """

    rows: np.ndarray
    held_out: np.ndarray
    epochs: int
    batch_size: int
    shuffle: bool = True
    schedule: Schedule | None = None
    evaluation_epochs: EpochSet = all_epochs
    validation_batch_size: int | None = None
    n_folds: int = 1
    n_jobs: int | None = None
    score: Callable[[Any], float] | None = None
    scored_epochs: EpochSet = all_epochs


@dataclass
class Job:
    """One fit, which is a compiled program with the plan and the order of the rows.

    Attributes
    ----------
    program : Program, GroupedProgram or ModelProgram
        The compiled program, into which the initial state is loaded.
    start_pass : callable
        Takes "train" or "evaluate" and the learning rates of the steps, and returns a new `Pass`
        over rows. The learning rates are None if no schedule sets the learning rate.
    feeder : Feeder
        The feeder that fetches the rows.
    plan : Plan
        The number of epochs, the row indices and the batch sizes.
    order : callable
        Takes the number of an epoch, counted from 0, and returns the row indices of the epoch in
        training order.
    base_rate : float or None
        The learning rate that the factors of the schedule multiply. None if the learning rate is
        not set by `Plan.schedule`.
    advice : callable or None
        Returns what to do about a loss that is not finite, for the error that such a loss raises.
        None if the loss need not be finite.
    steps : ndarray of int
        The number of rows of each step of an epoch.
    """

    program: "Program | GroupedProgram | ModelProgram"
    start_pass: Callable[[str, np.ndarray | None], Pass]
    feeder: Feeder
    plan: Plan
    order: Callable[[int], np.ndarray]
    base_rate: float | None = None
    advice: Callable[[], str] | None = None
    steps: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.steps = batch_sizes(len(self.plan.rows), self.plan.batch_size)


def divergence_error(epoch: int, advice: str) -> ValueError:
    """Return the error for a loss that is not finite after an epoch, which is counted from 1."""
    return ValueError(f"Training diverged in epoch {epoch}: the loss is no longer finite. {advice}")


class Training:
    """The progress of a fit, which reports may read and change between two steps.

    Attributes
    ----------
    epoch : int
        The number of finished epochs. A report may set the number before the first epoch, and
        training resumes from that epoch.
    n_epochs : int
        The planned number of epochs. A report may change the number in `steps_end`, to at least
        `n_trained`. The schedule of the learning rate then ends with that epoch.
    n_trained : int
        The number of epochs whose steps are done, of which the last ones may not be finished.
    step : int
        The number of finished steps of the current epoch, up to the first step that diverged.
    logs : dict of str to float
        The loss and the metrics over the finished steps of the current epoch.
    epoch_logs : list of dict of str to float
        The logs of the finished epochs.
    validation_logs : list of dict of str to float
        The loss and the metrics of the held-out rows after each batch of held-out rows. Empty
        unless `each_step` is set.
    learning_rate_factor : float
        The factor by which the learning rate of the schedule is multiplied.
    each_step : bool
        Whether a report must be called after each step. If so, each step is a separate graph call.
    stop : bool
        Whether to stop training after the current step, before the epoch is over.
    """

    def __init__(self, job: Job):
        self._job = job
        self.epoch = self.step = self.n_trained = 0
        self.n_epochs = job.plan.epochs
        self.logs: dict[str, float] = {}
        self.epoch_logs: list[dict[str, float]] = []
        self.validation_logs: list[dict[str, float]] = []
        self.learning_rate_factor = 1.0
        self.each_step = self.stop = False

    def evaluate(self) -> dict[str, float]:
        """Return the loss, metrics and score of the held-out rows, whose names start with "val_".

        The network computes as in prediction, without dropout. Empty if there are no held-out rows.
        """
        if not len(self._job.plan.held_out):
            return {}
        logs = {f"val_{name}": value for name, value in self._evaluated().items()}
        if self._job.plan.score is not None and self._is_scored():
            logs["val_score"] = self._job.plan.score(self.read())
        return logs

    def _is_scored(self) -> bool:
        """Return whether an evaluation now contains the score. True before the first epoch."""
        scored = self._job.plan.scored_epochs(self.n_epochs)
        return scored is None or self.n_trained in {0, self.n_epochs, *scored}

    def _evaluated(self) -> dict[str, float]:
        plan, feeder = self._job.plan, self._job.feeder
        self.validation_logs = []
        batch_size = max(1, min(_EVALUATION_BATCH, VALUES_PER_CALL // feeder.n_values))
        if self.each_step:
            batch_size = plan.batch_size
        batch_size = plan.validation_batch_size or batch_size
        batch_size = plan.n_folds * max(1, batch_size // plan.n_folds)
        steps = batch_sizes(len(plan.held_out), batch_size)
        current = self._job.start_pass("evaluate", None)
        for call in feeder.calls(plan.held_out, steps):
            current.run(call)
            if self.each_step:
                self.validation_logs.append(current.logs())
        return current.logs()

    def history(self) -> dict[str, list[float]]:
        """Return the list of values of each name in the logs, with one value for each epoch.

        The value is NaN if the logs of an epoch lack the name.
        """
        names = dict.fromkeys(name for logs in self.epoch_logs for name in logs)
        return {name: [logs.get(name, np.nan) for logs in self.epoch_logs] for name in names}

    def read(self) -> Any:
        """Return a copy of the program's state, such as the network weights."""
        return self._job.program.read()

    def write(self, state: Any) -> None:
        """Set the state of the program, from which training resumes."""
        self._job.program.restore(state)
