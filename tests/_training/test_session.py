"""Functions moved to sessions of their own."""

import numpy as np
import pytest

from skdnn._training.session import (
    SessionFunctions,
    Threads,
    UnsupportedFunctionError,
    available_threads,
)
from skdnn._utils.tensorflow import tf

SCALAR = tf.TensorSpec([], tf.float32)


@pytest.fixture
def functions():
    """Adds to a variable, which begins at what is loaded."""
    total = tf.Variable(0.0)
    functions = SessionFunctions([total])
    functions.add("add", lambda x: total.assign_add(x), [SCALAR])
    functions.template = total
    yield functions
    functions.close()


def test_a_function_changes_the_variables_of_its_session_alone(functions):
    functions.call(Threads(), "load", np.float32(5))
    assert functions.call(Threads(), "add", np.float32(2)) == 7
    assert functions.call(Threads(), "read") == [7]
    assert functions.template.numpy() == 0


def test_sessions_with_other_threads_have_other_variables(functions):
    functions.call(Threads(), "load", np.float32(1))
    functions.call(Threads(2), "load", np.float32(2))
    assert [functions.call(Threads(n), "read")[0] for n in (1, 2)] == [1, 2]


def test_a_session_has_the_threads_that_it_was_asked_for(functions):
    config = functions._session(Threads(within=3, between=2))._config
    assert config.intra_op_parallelism_threads == 3
    assert config.inter_op_parallelism_threads == 2
    assert config.use_per_session_threads


def test_constants_of_the_process_are_moved():
    two = tf.constant(2.0)
    functions = SessionFunctions([])
    functions.add("double", lambda x: x * two, [SCALAR])
    assert functions.call(Threads(), "double", np.float32(4)) == 8


def test_what_cannot_be_moved_is_told():
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1], [2]), -1)
    with pytest.raises(UnsupportedFunctionError, match="not the network's own"):
        SessionFunctions([]).add("look", lambda x: table.lookup(x), [tf.TensorSpec([], tf.int32)])


def test_a_user_or_joblib_may_limit_the_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert available_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "no number")
    assert available_threads() >= 1
