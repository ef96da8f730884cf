"""The cache of compiled programs."""

import gc
import os
import subprocess
import sys

import numpy as np
import psutil
import pytest

from skdnn import DNNClassifier, clear_program_cache
from skdnn._training.program_cache import PROGRAMS, ProgramCache


class Program:
    def __init__(self, key):
        self.key = key
        self.open = True

    def close(self):
        self.open = False


def use(cache, key):
    with cache.lend(key, Program) as program:
        return program


def test_a_program_is_compiled_once():
    cache = ProgramCache(maxsize=2)
    assert use(cache, "a") is use(cache, "a")


def test_the_longest_unused_is_closed_and_thrown_away():
    cache = ProgramCache(maxsize=2)
    a, b = use(cache, "a"), use(cache, "b")
    use(cache, "a")
    use(cache, "c")
    assert (a.open, b.open) == (True, False)
    assert use(cache, "a") is a
    assert use(cache, "b") is not b


def test_a_program_is_lent_to_one_fit_at_a_time():
    cache = ProgramCache(maxsize=2)
    with cache.lend("a", Program) as first, cache.lend("a", Program) as second:
        assert first is not second
        assert cache.n_lent == 2
    assert cache.n_lent == 0


def test_a_broken_off_run_does_not_give_its_program_back():
    cache = ProgramCache(maxsize=2)
    with pytest.raises(KeyboardInterrupt), cache.lend("a", Program) as program:
        raise KeyboardInterrupt
    assert not program.open
    assert use(cache, "a") is not program


def test_a_cache_of_no_size_keeps_nothing():
    cache = ProgramCache(maxsize=0)
    assert not use(cache, "a").open


def test_clearing_leaves_fitted_estimators_alone(iris):
    clf = DNNClassifier((3,), epochs=2, warm_start=True, random_state=0).fit(*iris)
    before = clf.predict_proba(iris[0])
    clear_program_cache()
    assert not PROGRAMS._idle
    np.testing.assert_array_equal(clf.predict_proba(iris[0]), before)
    assert clf.fit(*iris).n_iter_ == 4


def run(code, **environment):
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


def test_the_environment_decides_how_many_are_kept():
    code = "from skdnn._training.program_cache import PROGRAMS; print(PROGRAMS.maxsize)"
    assert run(code, SKDNN_PROGRAM_CACHE_SIZE="3").stdout == "3\n"
    assert "must be a whole number" in run(code, SKDNN_PROGRAM_CACHE_SIZE="many").stderr


def growth(fits):
    """Memory, in MB, that fits take for good."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    for fit in fits:
        fit()
    gc.collect()
    return (psutil.Process().memory_info().rss - before) / 2**20


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(PROGRAMS, "maxsize", 2)
    clear_program_cache()


def test_fits_leave_no_memory_behind(few, iris):
    def fit():
        DNNClassifier((4,), epochs=1).fit(*iris)

    for _ in range(10):
        fit()
    assert growth([fit] * 150) < 5


def test_architectures_leave_no_memory_behind(few, iris):
    def fit(units):
        gc.collect()
        DNNClassifier((units,), epochs=1).fit(*iris)

    for units in range(3, 10):
        fit(units)
    # A Keras model and its compiled step take some megabytes each.
    assert growth(lambda u=units: fit(u) for units in range(10, 35)) < 10
