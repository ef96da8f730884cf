"""What holds for each layer."""

from dataclasses import replace

import pytest
from numpy.testing import assert_array_equal

from skdnn._network.layers import (
    Dense,
    LearnedScale,
    Members,
    MixedActivation,
    Parallel,
    ScaledDense,
    SmoothClip,
)
from skdnn._network.spec import NetworkSpec

N_COLUMNS, N_NUMERIC = 5, 3
LAYERS = {
    "clip": SmoothClip("layer", N_NUMERIC),
    "clip_all": SmoothClip("layer", N_COLUMNS),
    "scale": LearnedScale("layer", 3.0),
    "dense": ScaledDense("layer", 4, "tanh", 0.5, 0.1),
    "mixed": MixedActivation("layer", "selu", 0.1),
}


def network(*layers, dtype="float64"):
    return NetworkSpec((N_COLUMNS,), layers, dtype)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("place", ["alone", "members", "parallel"])
def test_numpy_computes_what_keras_does(layer, place, X, rng, assert_same_in_keras):
    behind = Members("members", 2), layer, Dense("output", 2)
    other = Members("others", 3), replace(layer, name="other"), Dense("end", 2)
    layers = {"alone": (layer,), "members": behind, "parallel": (Parallel("p", (behind, other)),)}
    spec = network(*layers[place])
    shapes = [shape for _, _, shapes in spec.walk() for shape in shapes]
    before = X.copy()
    got = assert_same_in_keras(spec, [rng.normal(size=shape) for shape in shapes], X)
    assert_array_equal(X, before)
    assert (
        got.shape
        == {
            "alone": (40, spec.n_outputs),
            "members": (2, 40, 2),
            "parallel": (5, 40, 2),
        }[place]
    )
