"""A pass over rows with a compiled program: from what its calls return to an epoch's logs."""

from typing import Any, Protocol

import numpy as np

from skdnn._training.batches import Call
from skdnn._training.dense_program import Constants, Program
from skdnn._training.keras_program import ModelProgram
from skdnn._utils.tensorflow import tf


class Pass(Protocol):
    """One pass over rows: runs calls, one after the other, and keeps the logs."""

    is_finite: bool  # whether the loss of all steps so far is

    def run(self, call: Call) -> int:
        """Run the steps of a call; return how many there were, to the first one that diverged."""

    def logs(self) -> dict[str, float]:
        """Return loss and metrics over the steps so far."""

    def epoch_logs(self, n_epochs: int, n_steps: int, n_rows: int) -> list[dict[str, float]]:
        """Return the same for each of the epochs that the pass consists of."""


class NetworkPass:
    """One pass over rows with a `Program`: adds up what the steps return.

    Parameters
    ----------
    program : Program
        Loaded.
    name : {"train", "evaluate"}
        What to do with each batch.
    constants : Constants
        What is the same for all batches.
    rates : ndarray of shape (n_steps,), default=None
        The learning rates of the steps, where they are scheduled.

    Attributes
    ----------
    is_finite : bool
        Whether the loss of all steps so far is finite.
    """

    def __init__(
        self, program: Program, name: str, constants: Constants, rates: np.ndarray | None = None
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
        """Run the steps of a call; return how many there were, to the first one that diverged."""
        first, n_steps = self._n_steps, call.n_steps
        rates = None if self._rates is None else self._rates[first : first + n_steps]
        given = call.arrays, call.bounds, self._constants
        sums = self._program.run(self._name, *given, rates)
        is_finite = np.isfinite(sums[:, 0])
        weight: float = call.n_rows
        if self._name == "evaluate":
            # With ensemble members, each row has a weight for each of them.
            _, _, *weights = call.arrays
            weight *= np.mean(weights[0], dtype=np.float64) if weights else 1.0
        elif not is_finite.all():
            n_steps = int(np.argmin(is_finite)) + 1
            weight, self.is_finite = float(call.bounds[n_steps]), False
        self._sums.append(sums)
        self._total = self._total + sums[:n_steps].sum(axis=0, dtype=np.float64)
        self._weight += weight
        self._n_steps += n_steps
        return n_steps

    def logs(self) -> dict[str, float]:
        """Return the means of loss and metric over the steps so far."""
        return self._named(self._total / self._weight)

    def epoch_logs(self, n_epochs: int, n_steps: int, n_rows: int) -> list[dict[str, float]]:
        """Return the same of each of several epochs; NaN where steps are missing."""
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
    """One pass over rows with the program of a Keras model, whose metrics add up by themselves.

    Parameters
    ----------
    program : ModelProgram
        Loaded.
    name : {"train", "evaluate"}
        What to do with each batch.
    metric_names : dict of str to str
        See `ModelKey.metric_names`.
    """

    is_finite = True  # Keras trains on where the loss is not

    def __init__(self, program: ModelProgram, name: str, metric_names: dict[str, str]):
        self._program = program
        self._name = name
        self._metric_names = metric_names
        self._results: dict[str, Any] = {}
        self._starts = True

    def run(self, call: Call) -> int:
        """Run the steps of a call; return how many there were."""
        self._results = self._program.run(self._name, call.arrays, call.bounds, self._starts)
        self._starts = False
        return call.n_steps

    def logs(self) -> dict[str, float]:
        """Return the loss and the metrics since the pass started, by the model's names."""
        return {
            self._own_name(name): tf.nest.map_structure(_as_number, value)
            for name, value in self._results.items()
        }

    def epoch_logs(self, n_epochs: int, n_steps: int, n_rows: int) -> list[dict[str, float]]:
        """Return the same: a pass is one epoch."""
        return [self.logs()]

    def _own_name(self, name: str) -> str:
        """Return the model's name of a result, which ends with the name of a metric."""
        for ending, own in self._metric_names.items():
            if name.endswith(ending):
                return name.removesuffix(ending) + own
        return name


def _as_number(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else np.asarray(value)
