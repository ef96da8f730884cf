"""The cache of compiled programs."""

import gc
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

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


def test_both_copies_of_a_program_are_kept_and_used_again():
    cache = ProgramCache(maxsize=3)
    with cache.lend("a", Program) as first, cache.lend("a", Program) as second:
        pass
    assert cache.n_idle == 2
    with cache.lend("a", Program) as third, cache.lend("a", Program) as fourth:
        assert {id(third), id(fourth)} == {id(first), id(second)}
        assert cache.n_idle == 0
    use(cache, "b")
    use(cache, "c")
    assert cache.n_idle == 3
    assert [first.open, second.open].count(True) == 1
    assert use(cache, "a").open
    cache.trim(0)
    assert (cache.n_idle, first.open, second.open) == (0, False, False)


def test_threads_lose_no_program():
    """Every program is either kept or closed, however many threads use the same keys at once."""
    cache, made, together = ProgramCache(maxsize=3), [], Barrier(4)

    def compile(key):
        made.append(Program(key))
        return made[-1]

    def work(thread):
        for i in range(50):
            with cache.lend(i % 2, compile) as program:
                assert program.open
                together.wait(timeout=60)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    kept = [program for programs in cache._idle.values() for program in programs]
    assert all(program.open for program in kept)
    assert cache.n_lent == 0
    assert cache.n_idle == len(kept) == 3
    assert sum(program.open for program in made) == len(kept)
    cache.trim(0)
    assert not any(program.open for program in made)


def test_fits_in_threads_leave_only_open_programs_that_are_kept(iris, monkeypatch):
    from skdnn._training.session import SessionFunctions

    clear_program_cache()
    opened, closed, close = [], [], SessionFunctions.close

    def init(self, *args, init=SessionFunctions.__init__):
        opened.append(self)
        init(self, *args)

    monkeypatch.setattr(SessionFunctions, "__init__", init)
    monkeypatch.setattr(SessionFunctions, "close", lambda self: (closed.append(self), close(self)))

    def fit(seed):
        return DNNClassifier((5,), epochs=2, random_state=seed).fit(*iris).history_["loss"][-1]

    alone = [fit(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_allclose(list(pool.map(fit, [0, 1, 2, 3] * 3)), alone * 3, rtol=1e-4)
    assert len(opened) - len(closed) == PROGRAMS.n_idle
    assert PROGRAMS.n_lent == 0
    clear_program_cache()
    assert len(opened) == len(closed)


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
    gc.collect()
    gc.freeze()  # what others left makes each collection below slow


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
