"""Learning-rate schedules: the factor of the learning rate at each step of a fit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Factors up to this one count as low. They are low at the start of the first cycle, too, which is
# no end of a cycle: it is over by this share of the steps.
_LOW, _BEGINNING = 0.1, 1 / 30
# Of the one-cycle schedule: the share of the steps in which the rate rises, and the first and the
# last factor.
_RISE, _FIRST, _LAST = 0.3, 1 / 25, 1 / 250_000


def _half_cosine(start: float, stop: float, t: np.ndarray) -> np.ndarray:
    """Fall or rise from start to stop, for t from 0 to 1 (Loshchilov & Hutter 2017, equation 5)."""
    return stop + (start - stop) * np.asarray(1 + np.cos(np.pi * t)) / 2


def _cosine(t: np.ndarray) -> np.ndarray:
    return _half_cosine(1, 0, t)


def _coslog4(t: np.ndarray) -> np.ndarray:
    """Four cycles, each longer than the last (Holzmüller et al. 2024, "Better by Default").

    It never falls below a thousandth: the only step of a short fit must not have a rate of zero.
    """
    return np.maximum(1e-3, np.asarray(1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))) / 2)


def _one_cycle(t: np.ndarray) -> np.ndarray:
    """Rise, and fall far below the first rate (Smith & Topin 2018).

    Shares and half cosines are those of fastai (Howard & Gugger 2020).
    """
    rising = _half_cosine(_FIRST, 1, t / _RISE)
    falling = _half_cosine(1, _LAST, (t - _RISE) / (1 - _RISE))
    return np.where(t < _RISE, rising, falling)


# Factors of the learning rate, for the share of the steps that is over, in [0, 1). What
# "reduce_on_plateau" does depends on the loss: see `callbacks.Plateau`.
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
        zero to the start of the schedule (Goyal et al. 2017, section 2.2).
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
            How many steps the fit has in all.

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
