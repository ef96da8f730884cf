"""How many epochs end within a time limit."""

from types import SimpleNamespace

import pytest

from skdnn._training.time_limit import TimeLimit

pytestmark = pytest.mark.quick


class Clock:
    """A clock that stands still until a test moves it."""

    now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    fake = Clock()
    monkeypatch.setattr("skdnn._training.time_limit.time", fake)
    return fake


def train(limit, clock, seconds, calls=2, evaluation=0.0):
    """Let epochs of so many seconds pass, each of some calls, and return the plan after each."""
    training, plans = SimpleNamespace(n_epochs=limit.planned, n_trained=0), []
    for length in seconds:
        limit.epoch_begins(training.n_trained + 1, calls)
        for _ in range(calls):
            clock.now += length / calls
            limit.steps_done(1)
        training.n_trained += 1
        limit.steps_end(training)
        plans.append(training.n_epochs)
        if training.n_trained == training.n_epochs:
            break
        limit.evaluation_begins(training)
        clock.now += evaluation
        limit.evaluation_ends({}, training)
    return plans


def test_nothing_changes_while_all_epochs_fit(clock):
    limit = TimeLimit(10.5, 0.0, planned=10)
    assert train(limit, clock, [1] * 10) == [10] * 10
    assert not limit.is_reached(10)


def test_as_many_epochs_are_planned_as_fit(clock):
    limit = TimeLimit(5.5, 0.0, planned=10)
    assert train(limit, clock, [1] * 10) == [5] * 5
    assert limit.is_reached(5)
    assert not limit.is_reached(4)  # something else has ended the training


def test_the_seconds_count_from_the_start_of_the_fit(clock):
    clock.now = 103.0  # three seconds of preparation and compilation
    limit = TimeLimit(5.5, 100.0, planned=10)
    assert train(limit, clock, [1] * 10) == [2, 2]


def test_a_first_call_that_prepares_the_graph_does_not_set_the_pace(clock):
    limit = TimeLimit(20.5, 0.0, planned=15)
    plans = train(limit, clock, [10.0], calls=1)
    assert plans == [15]  # the pace is not yet known
    assert train(limit, clock, [0.5], calls=1) == [15]


def test_the_plan_grows_again_if_the_pace_rises(clock):
    limit = TimeLimit(12.0, 0.0, planned=10)
    plans = train(limit, clock, [4, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert plans[0] == 3
    assert plans[-1] == 10


def test_time_for_the_last_evaluation_and_for_calibration_is_kept(clock):
    limit = TimeLimit(10.0, 0.0, planned=100)
    n_epochs = len(train(limit, clock, [1] * 100, evaluation=1.0))
    # The fourth epoch ends after 7 seconds, its evaluation after 8, and calibration after 9.
    assert (n_epochs, clock.now) == (4, 7.0)


def test_one_epoch_is_trained_even_if_it_takes_too_long(clock):
    limit = TimeLimit(1.0, 0.0, planned=10)
    assert train(limit, clock, [60.0]) == [1]
    assert limit.is_reached(1)


def test_a_limit_may_be_infinite(clock):
    assert train(TimeLimit(float("inf"), 0.0, planned=3), clock, [1, 1, 1]) == [3, 3, 3]
