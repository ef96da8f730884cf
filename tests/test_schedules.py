"""The factors of the learning rate."""

import numpy as np
import pytest

from skdnn._keras import keras
from skdnn._schedules import SCHEDULES, Schedule

N = 40


def factors(name, warmup=0.0, n_steps=N):
    return Schedule(name, warmup).factors(np.arange(n_steps), n_steps)


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
def test_cosine_is_that_of_keras(warmup):
    n_warmup = int(warmup * N)
    warming = {"warmup_target": 0.1, "warmup_steps": n_warmup} if n_warmup else {}
    first = 0.0 if n_warmup else 0.1
    schedule = keras.optimizers.schedules.CosineDecay(first, N - n_warmup, **warming)
    expected = [float(schedule(step)) for step in range(N)]
    np.testing.assert_allclose(0.1 * factors("cosine", warmup), expected, rtol=1e-5, atol=1e-8)


def test_one_cycle_rises_to_the_rate_and_falls_below_where_it_began():
    rates = factors("one_cycle", n_steps=1000)
    peak = int(np.argmax(rates))
    assert peak == 300
    assert rates[peak] == 1
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[-1] < 1e-4
    assert np.all(np.diff(rates[: peak + 1]) > 0)
    assert np.all(np.diff(rates[peak:]) < 0)


@pytest.mark.parametrize("name", ["constant", "reduce_on_plateau"])
def test_what_is_not_known_beforehand_is_one(name):
    np.testing.assert_array_equal(factors(name), 1)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_warmup_rises_from_zero_to_where_the_schedule_begins(name):
    rates, first = factors(name, warmup=0.25), SCHEDULES[name](np.zeros(1))[0]
    np.testing.assert_allclose(rates[:11], np.arange(11) / 10 * first)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_very_few_steps(name, n_steps):
    rates = factors(name, warmup=0.9, n_steps=n_steps)
    assert np.isfinite(rates).all()
    assert rates[-1] > 0
