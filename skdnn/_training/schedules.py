"""Learning-rate schedules.

A schedule returns the factor by which the learning rate is multiplied at each step of a fit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# A learning-rate factor up to `_LOW` counts as low. The factor is also low at the start of the
# first cycle, which is not the end of a cycle. The start is over after the fraction `_BEGINNING` of
# the steps.
_LOW, _BEGINNING = 0.1, 1 / 30
# The one-cycle schedule is defined by the fraction of the steps in which the learning rate rises,
# the first learning-rate factor and the last learning-rate factor.
_RISE, _FIRST, _LAST = 0.3, 1 / 25, 1 / 250_000


def _half_cosine(start: float, stop: float, t: np.ndarray) -> np.ndarray:
    """Return values that change from `start` to `stop` along half a period of a cosine.

    At t = 0 the value is `start`, and at t = 1 the value is `stop`.

    The formula is equation 5 of Loshchilov & Hutter (2017).
    """
    return stop + (start - stop) * np.asarray(1 + np.cos(np.pi * t)) / 2


def _cosine(t: np.ndarray) -> np.ndarray:
    return _half_cosine(1, 0, t)


def _coslog4(t: np.ndarray) -> np.ndarray:
    """Return learning-rate factors with four cycles, of which each is longer than the previous one.

    The schedule is that of Holzmüller et al. (2024), "Better by Default". The factor is never below
    0.001, because otherwise a fit of a single step would have a learning rate of zero.
    """
    return np.maximum(1e-3, np.asarray(1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))) / 2)


def _one_cycle(t: np.ndarray) -> np.ndarray:
    """Return learning-rate factors that rise to 1 and then fall far below the first factor.

    The schedule is that of Smith & Topin (2018). The fraction of steps in which the factor rises
    and the cosine shape are those of fastai (Howard & Gugger 2020).
    """
    rising = _half_cosine(_FIRST, 1, t / _RISE)
    falling = _half_cosine(1, _LAST, (t - _RISE) / (1 - _RISE))
    return np.where(t < _RISE, rising, falling)


# Functions from the finished fraction of the steps, in [0, 1), to the factor of the learning rate.
# "reduce_on_plateau" depends on the loss and is implemented by `callbacks.Plateau`.
SCHEDULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "constant": np.ones_like,
    "cosine": _cosine,
    "coslog4": _coslog4,
    "one_cycle": _one_cycle,
    "reduce_on_plateau": np.ones_like,
}


@dataclass(frozen=True)
class Schedule:
    """A learning-rate schedule with an optional warm-up at the start.

    Parameters
    ----------
    name : str
        A key of `SCHEDULES`.
    warmup : float, default=0.0
        The fraction of all steps that precede the schedule. In these steps, the learning rate rises
        linearly from zero to the first value of the schedule (Goyal et al. 2017, section 2.2).
    """

    name: str
    warmup: float = 0.0

    def factors(self, steps: np.ndarray, n_steps: int) -> np.ndarray:
        """Return the factor by which the learning rate is multiplied at each of the given steps.

        Parameters
        ----------
        steps : ndarray of int
            The numbers of the steps, counted from 0.
        n_steps : int
            The total number of steps of the fit.

        Returns
        -------
        factors : ndarray of float64, of the shape of `steps`
        """
        n_warmup = int(self.warmup * n_steps)
        fraction = np.maximum(0, steps - n_warmup) / (n_steps - n_warmup)
        factors = SCHEDULES[self.name](fraction)
        return factors * np.minimum(1, steps / n_warmup) if n_warmup else factors

    @property
    def has_cycles(self) -> bool:
        """Whether the learning rate rises and falls several times."""
        return self.name == "coslog4"

    def ends_of_cycles(self, n_epochs: int) -> frozenset[int] | None:
        """Return the epochs, counted from 1, that end near the end of a cycle.

        The learning rate is low after these epochs. The last epoch is always included. If the fit
        has very few epochs, only the last epoch is included.

        Parameters
        ----------
        n_epochs : int
            The total number of epochs of the fit.

        Returns
        -------
        frozenset of int or None
            The numbers of the epochs. None if the schedule does not have several cycles.
        """
        if not self.has_cycles:
            return None
        over = np.arange(1, n_epochs + 1) / n_epochs
        fraction = np.maximum(0, over - self.warmup) / (1 - self.warmup)
        is_low = (SCHEDULES[self.name](fraction) <= _LOW) & (fraction > _BEGINNING)
        return frozenset((np.flatnonzero(is_low) + 1).tolist())
