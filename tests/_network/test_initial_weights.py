"""The weights that training starts from."""

import numpy as np
import pytest

from skdnn._network.initial_weights import initial_weights
from skdnn._network.layers import Dense, OneHot, Periodic, PiecewiseLinear, SmoothClip
from skdnn._network.layers import TrainingSample as Sample
from skdnn._network.spec import NetworkSpec


def start(*layers, sample=None):
    spec = NetworkSpec((3,), layers)
    return initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner", sample)


def test_training_rows_are_read_once_for_all_layers():
    calls = []

    def numbers():
        calls.append(1)
        return np.arange(12.0).reshape(6, 2)

    start(SmoothClip("clip", 2), PiecewiseLinear("bins", 2, 3), sample=Sample(numbers))
    assert len(calls) == 1


def test_training_rows_are_not_read_where_no_layer_needs_them():
    def numbers():
        raise AssertionError("read")

    assert len(start(Dense("output", 2), sample=Sample(numbers))) == 2


def test_a_layer_that_needs_training_rows_is_not_started_without():
    with pytest.raises(ValueError, match="reads its weights off training rows"):
        start(SmoothClip("clip", 2))


def test_one_hot_columns_and_sizes_have_to_agree():
    with pytest.raises(ValueError, match=r"'one_hot' one-hot encodes 2 columns.*of 1\."):
        start(OneHot(1, 2, 8), sample=Sample(lambda: None, [4]))


def test_frequencies_are_drawn_ahead_of_all_kernels():
    layer = Periodic("waves", 2, 4)
    *_, behind = start(Dense("first", 3), layer)
    np.testing.assert_array_equal(behind, start(layer)[0])
