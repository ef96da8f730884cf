"""The learning rate over a fit: factors of it, one per step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Factors up to this one are low; so they are, too, where the first cycle begins.
_LOW, _BEGINNING = 0.1, 1 / 30
# Of one cycle: the share of the steps in which the rate rises, and where it begins and ends.
_RISE, _FIRST, _LAST = 0.3, 1 / 25, 1 / 250_000


def _half_cosine(start: float, stop: float, t: np.ndarray) -> np.ndarray:
    """Go from start to stop while t goes from 0 to 1 (Loshchilov & Hutter 2017, equation 5)."""
    return stop + (start - stop) * (1 + np.cos(np.pi * t)) / 2


def _cosine(t: np.ndarray) -> np.ndarray:
    return _half_cosine(1, 0, t)


def _coslog4(t: np.ndarray) -> np.ndarray:
    """Four cycles, each longer than the last (Holzmüller et al. 2024, "Better by Default").

    Where a cycle would stand still at zero, there is a thousandth: a fit may have one step.
    """
    return np.maximum(1e-3, (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))) / 2)


def _one_cycle(t: np.ndarray) -> np.ndarray:
    """Up and down again, far below where it began (Smith & Topin 2018).

    Shares and half cosines are those of fastai (Howard & Gugger 2020).
    """
    rising = _half_cosine(_FIRST, 1, t / _RISE)
    falling = _half_cosine(1, _LAST, (t - _RISE) / (1 - _RISE))
    return np.where(t < _RISE, rising, falling)


# Factors of the learning rate, for the share of the steps that is over, in [0, 1). What depends on
# the loss is not known beforehand: see `_callbacks.Plateau`.
SCHEDULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "constant": np.ones_like,
    "cosine": _cosine,
    "coslog4": _coslog4,
    "one_cycle": _one_cycle,
    "reduce_on_plateau": np.ones_like,
}


@dataclass(frozen=True)
class Schedule:
    """The factors of a learning rate, with a warm-up before them.

    Parameters
    ----------
    name : str
        A key of `SCHEDULES`.
    warmup : float, default=0.0
        Share of all steps in which the rate first rises, in proportion to the steps taken, from
        zero to where the schedule begins (Goyal et al. 2017, section 2.2).
    """

    name: str
    warmup: float = 0.0

    def factors(self, steps: np.ndarray, n_steps: int) -> np.ndarray:
        """Return the factor at each of some steps.

        Parameters
        ----------
        steps : ndarray of int
            Numbers of steps, from 0.
        n_steps : int
            How many there will be in all.

        Returns
        -------
        factors : ndarray of float64, of the shape of `steps`
        """
        n_warmup = int(self.warmup * n_steps)
        share = np.maximum(0, steps - n_warmup) / (n_steps - n_warmup)
        factors = SCHEDULES[self.name](share)
        return factors * np.minimum(1, steps / n_warmup) if n_warmup else factors

    def ends_of_cycles(self, n_epochs: int) -> frozenset[int] | None:
        """Return the epochs, from 1 on, after which the rate is low, about the ends of its cycles.

        None where there are no cycles. Of very few epochs it may be the last alone, which is always
        one of them.
        """
        if self.name != "coslog4":
            return None
        over = np.arange(1, n_epochs + 1) / n_epochs
        share = np.maximum(0, over - self.warmup) / (1 - self.warmup)
        is_low = (SCHEDULES[self.name](share) <= _LOW) & (share > _BEGINNING)
        return frozenset((np.flatnonzero(is_low) + 1).tolist())
