"""Passes over rows with a compiled program.

A pass runs graph calls and computes logs, such as the mean loss, from the results of the calls.

TensorFlow is imported only inside a method.
"""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skdnn._training.batches import Call

if TYPE_CHECKING:
    from skdnn._training.dense_program import Program
    from skdnn._training.dense_program_key import Constants
    from skdnn._training.keras_program import ModelProgram
    from skdnn._training.member_groups import GroupedProgram


class Pass(Protocol):
    """The interface of a pass over rows, which runs graph calls and computes the logs.

    Attributes
    ----------
    is_finite : bool
        Whether the loss of all steps so far is finite.
    """

    is_finite: bool

    def run(self, call: Call) -> int:
        """Run a graph call, and return the number of steps of the call.

        If the loss becomes infinite or NaN in training, later steps may be left out of the number.
        """

    def logs(self) -> dict[str, float]:
        """Return the mean loss and metrics over the rows of the steps so far."""

    def epoch_logs(self, n_epochs: int, n_steps: int, n_rows: int) -> list[dict[str, float]]:
        """Return the mean loss and metrics over the rows of each epoch of the pass.

        Each of the `n_epochs` epochs has `n_steps` steps and `n_rows` rows.
        """


class NetworkPass:
    """A pass over rows with a `Program`, in which the losses and metrics of the steps are summed.

    Parameters
    ----------
    program : Program or GroupedProgram
        A compiled program with a loaded state.
    name : {"train", "evaluate"}
        Whether to take a training step on each batch or to evaluate each batch.
    constants : Constants
        The values that are the same for all batches.
    rates : ndarray of shape (n_steps,), default=None
        The learning rates of the steps. None if the learning rate is not scheduled.

    Attributes
    ----------
    is_finite : bool
        Whether the loss of all steps so far is finite.
    """

    def __init__(
        self,
        program: "Program | GroupedProgram",
        name: str,
        constants: "Constants",
        rates: np.ndarray | None = None,
    ):
        self._program = program
        self._name = name
        self._constants = constants
        self._rates = rates
        self._sums: list[np.ndarray] = []
        self._total: np.ndarray = np.zeros(1)
        self._weight = 0.0
        self._n_steps = 0
        self.is_finite = True

    def run(self, call: Call) -> int:
        """Run a graph call, and return the number of steps of the call.

        If the loss becomes infinite or NaN in training, only the steps up to and including the
        first such step count.
        """
        first, n_steps = self._n_steps, call.n_steps
        rates = None if self._rates is None else self._rates[first : first + n_steps]
        arrays, weight = call.arrays, float(call.n_rows)
        if self._name == "evaluate":
            arrays, weight = self._with_own_weights(call)
        sums = self._program.run(self._name, arrays, call.bounds, self._constants, rates)
        if self._program.key.penalized:
            # The weights of the network, and so the penalty, do not change in an evaluation.
            trains = self._name == "train"
            n_rows = np.diff(call.bounds) if trains else weight / call.n_steps
            sums, penalty = sums[:, :-1], sums[:, -1]
            sums[:, 0] += penalty * n_rows
        is_finite = np.isfinite(sums[:, 0])
        if self._name == "train" and not is_finite.all():
            n_steps = int(np.argmin(is_finite)) + 1
            weight, self.is_finite = float(call.bounds[n_steps]), False
        self._sums.append(sums)
        self._total = self._total + sums[:n_steps].sum(axis=0, dtype=np.float64)
        self._weight += weight
        self._n_steps += n_steps
        return n_steps

    def _with_own_weights(self, call: Call) -> tuple[list[np.ndarray], float]:
        """Return the arrays to evaluate, and the sum of the weights averaged over the members.

        In an ensemble, each row has one sample weight for each ensemble member. If each member has
        a fold of its own, a row keeps the weight for its fold.
        """
        x, y, *weights = call.arrays
        if not weights:
            return [x, y], float(call.n_rows)
        n_folds, (weight,) = self._program.key.n_folds, weights
        if n_folds > 1:
            by_fold = weight.reshape(-1, n_folds, weight.shape[1])
            weight = np.diagonal(by_fold[:, :, :n_folds], axis1=1, axis2=2).ravel()
        total = call.n_rows * np.mean(weight, dtype=np.float64) / n_folds
        return [x, y, weight], float(total)

    def logs(self) -> dict[str, float]:
        """Return the means of the loss and the metric over the rows of the steps so far.

        The means are weighted with the sample weights. In training, the weighted sums are divided
        by the number of rows, and in an evaluation, by the sum of the sample weights.
        """
        return self._named(self._total / self._weight)

    def epoch_logs(self, n_epochs: int, n_steps: int, n_rows: int) -> list[dict[str, float]]:
        """Return the means of the loss and the metric over the rows of each epoch.

        The means are NaN for epochs that are not finished.
        """
        sums = np.full((n_epochs * n_steps, 2), np.nan)
        done = np.concatenate(self._sums)
        sums[: len(done)] = done
        means = sums.reshape(n_epochs, n_steps, 2).sum(axis=1) / n_rows
        return [self._named(values) for values in means]

    def _named(self, values: np.ndarray) -> dict[str, float]:
        loss, metric, *at_temperatures = map(float, values)
        refinement = {"refinement": min(at_temperatures)} if at_temperatures else {}
        return {"loss": loss, self._program.key.metric: metric} | refinement


class KerasPass:
    """A pass over rows with the compiled program of a Keras model.

    The Keras metrics in the program accumulate the values of the steps.

    Parameters
    ----------
    program : ModelProgram
        A compiled program with a loaded state.
    name : {"train", "evaluate"}
        Whether to take a training step on each batch or to evaluate each batch.
    metric_names : dict of str to str
        The names of metrics in the program, mapped to the names in the model, as in
        `ModelProgramKey.metric_names`.
    """

    is_finite = True  # Keras continues training when the loss is not finite

    def __init__(self, program: "ModelProgram", name: str, metric_names: dict[str, str]):
        self._program = program
        self._name = name
        self._metric_names = metric_names
        self._results: dict[str, Any] = {}
        self._starts = True

    def run(self, call: Call) -> int:
        """Run a graph call, and return the number of steps of the call."""
        self._results = self._program.run(self._name, call.arrays, call.bounds, self._starts)
        self._starts = False
        return call.n_steps

    def logs(self) -> dict[str, float]:
        """Return the loss and metrics since the start of the pass, under the model's names."""
        from skdnn._utils.tensorflow import tf

        return {
            self._own_name(name): tf.nest.map_structure(_as_number, value)
            for name, value in self._results.items()
        }

    def epoch_logs(self, n_epochs: int, n_steps: int, n_rows: int) -> list[dict[str, float]]:
        """Return a list that contains only the logs of the pass, because a pass is one epoch."""
        return [self.logs()]

    def _own_name(self, name: str) -> str:
        """Return the model's name for a result whose name ends with a metric's name."""
        for ending, own in self._metric_names.items():
            if name.endswith(ending):
                return name.removesuffix(ending) + own
        return name


def _as_number(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else np.asarray(value)
