"""The diagram of a network: its boxes, their texts, and the arrows between them."""

import sys
from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, KerasClassifier, NetworkDisplay
from skdnn.plotting.network_diagram import _HEIGHT, _lay_out

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def clf(digits):
    return DNNClassifier((16, 8), dropout=0.1, epochs=1, random_state=0).fit(*digits)


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def arrows(display):
    return [patch for patch in display.ax_.patches if isinstance(patch, FancyArrowPatch)]


def middle(box):
    return box.get_x() + box.get_width() / 2


def stack(n_layers, **options):
    names = [f"layer_{number}" for number in range(n_layers)]
    return NetworkDisplay(names, ["Dense"] * n_layers, ["(None, 2)"] * n_layers, [6] * n_layers,
                          **options)  # fmt: skip


def test_each_layer_of_the_summary_is_a_box_under_the_input(clf):
    display = NetworkDisplay.from_estimator(clf)
    table = []
    clf.summary(table.append)
    assert len(display.boxes_) == len(display.names) == 8
    assert display.names[0] == "input"
    for line, name in zip(table[0].splitlines()[2:9], display.names[1:], strict=True):
        assert line.startswith(name)
    down = [box.get_y() for box in display.boxes_]
    assert down == sorted(down)
    assert display.ax_.yaxis_inverted()


def test_boxes_show_names_types_shapes_and_parameters(clf):
    said = texts(NetworkDisplay.from_estimator(clf))
    for text in ("(None, 8, 8)", "hidden_1", "Dense (relu)", "(None, 16)", "1,040 parameters"):
        assert text in said
    n_parameters = sum(weights.size for weights in clf._network.state.weights)
    assert said[-1] == f"{n_parameters:,} parameters in all"


def test_a_stack_has_an_arrow_from_each_layer_to_the_next(clf):
    assert len(arrows(NetworkDisplay.from_estimator(clf))) == 7


def test_the_title_is_the_class_or_what_is_given(clf):
    assert NetworkDisplay.from_estimator(clf).ax_.get_title() == "DNNClassifier"
    assert NetworkDisplay.from_estimator(clf, name="digits").ax_.get_title() == "digits"


def test_the_network_in_a_pipeline_is_found(iris):
    pipe = make_pipeline(StandardScaler(), DNNClassifier((4,), epochs=1)).fit(*iris)
    assert NetworkDisplay.from_estimator(pipe).names[-1] == "output"


def test_branches_stand_side_by_side_below_the_middle():
    display = stack(4, sources=[[], [0], [0], [1, 2]]).plot()
    top, left, right, bottom = display.boxes_
    assert left.get_y() == right.get_y()
    assert left.get_x() + left.get_width() < right.get_x()
    assert middle(top) == pytest.approx((middle(left) + middle(right)) / 2)
    assert middle(bottom) == pytest.approx(middle(top))
    assert len(arrows(display)) == 4


@pytest.mark.parametrize(
    "sources",
    [
        [[], [0], [1], [2], [0, 3]],
        [[], [0], [0], [1, 2, 0], [3, 0]],
        [[], [], [0], [2], [1, 3], [0, 1, 4]],
        [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]],
        [[], [0], [1], [0], [3], [4], [5], [2, 6], [7]],
        [[], [0], [0], [0], [1], [4], [5, 2, 3, 1], [0, 6]],
    ],
)
def test_no_arrow_passes_a_box(sources):
    width = 2.0
    places, paths = _lay_out(sources, width)
    assert len(paths) == sum(map(len, sources))
    for path in paths:
        for begin, end in pairwise(np.array(path)):
            line = begin + np.linspace(0, 1, 50)[:, None] * (end - begin)
            apart = np.abs(line[:, None] - places)
            inside = (apart < np.array([width / 2, _HEIGHT / 2]) - 1e-9).all(axis=2)
            assert not inside.any()


# Two branches of an ensemble: layers 1 to 2, and layers 3 to 6. Both go into layer 7.
BRANCHES = [[], [0], [1], [0], [3], [4], [5], [2, 6], [7]]


def test_branches_of_unequal_length_join_in_the_middle():
    display = stack(9, sources=BRANCHES).plot()
    top, join, bottom = (middle(display.boxes_[n]) for n in (0, 7, 8))
    assert join == bottom == pytest.approx(top)
    assert top == pytest.approx(np.mean(display.ax_.get_xlim()))


def test_the_arrow_of_the_shorter_branch_runs_straight_down_to_the_join():
    places, paths = _lay_out(BRANCHES, 2.0)
    (long,) = [path for path in paths if len(path) > 2]
    assert {x for x, _ in long[:-1]} == {places[2][0]}
    assert long[-1][0] == places[7][0]


@pytest.mark.parametrize("preset", ["balanced", "best"])
def test_an_ensemble_is_centred(iris, preset):
    ensemble = DNNClassifier(preset=preset, epochs=1, n_members=2).fit(*iris)
    display = NetworkDisplay.from_estimator(ensemble)
    spine = [display.boxes_[display.names.index(n)] for n in ("input", "scaling", "groups", "mean")]
    centre = np.mean(display.ax_.get_xlim())
    assert [middle(box) for box in spine] == pytest.approx([centre] * 4)


def test_a_layer_comes_below_all_that_it_takes_its_input_from():
    display = stack(5, sources=[[], [0], [1], [0], [2, 3]]).plot()
    down = [box.get_y() for box in display.boxes_]
    assert down[4] > down[2] > down[1] == down[3] > down[0]


class TestKeras:
    def test_a_sequential_is_a_stack(self, keras_layers, digits):
        layers = [keras_layers.Flatten(), keras_layers.Dense(10, activation="softmax")]
        wrapper = KerasClassifier(layers, epochs=1, verbose=0).fit(*digits)
        display = NetworkDisplay.from_estimator(wrapper)
        assert display.kinds == ["Input", "Flatten", "Dense (softmax)"]
        assert display.output_shapes == ["(None, 8, 8)", "(None, 64)", "(None, 10)"]
        assert sum(display.n_parameters) == wrapper.model_.count_params()
        assert display.sources == [(), (0,), (1,)]

    def test_a_functional_model_is_a_graph(self, keras_layers, digits):
        import keras

        def build(meta):
            start = keras.Input((8, 8), name="start")
            flat = keras_layers.Flatten(name="flat")(start)
            twice = keras_layers.Dense(64, name="twice")
            both = keras_layers.Add(name="both")([flat, twice(twice(flat))])
            end = keras_layers.Dense(10, activation="softmax", name="end")(both)
            return keras.Model(start, end)

        loss = "sparse_categorical_crossentropy"
        wrapper = KerasClassifier(build, loss=loss, epochs=1, verbose=0).fit(*digits)
        display = NetworkDisplay.from_estimator(wrapper)
        feeds = {
            (display.names[source], name)
            for name, own in zip(display.names, display.sources, strict=True)
            for source in own
        }
        assert feeds == {
            ("start", "flat"),
            ("flat", "twice"),
            ("flat", "both"),
            ("twice", "both"),
            ("both", "end"),
        }
        assert sum(display.n_parameters) == wrapper.model_.count_params()

    def test_a_subclassed_model_shows_its_layers_without_arrows(self, digits):
        import keras

        class Own(keras.Model):
            def __init__(self):
                super().__init__()
                self.flat = keras.layers.Flatten()
                self.end = keras.layers.Dense(10, activation="softmax")

            def call(self, x):
                return self.end(self.flat(x))

        loss = "sparse_categorical_crossentropy"
        wrapper = KerasClassifier(Own, loss=loss, epochs=1, verbose=0).fit(*digits)
        display = NetworkDisplay.from_estimator(wrapper)
        assert display.kinds == ["Flatten", "Dense (softmax)"]
        assert not arrows(display)

    @pytest.fixture
    def keras_layers(self):
        import keras

        return keras.layers


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("n_layers", [1, 2, 20])
def test_all_is_inside_and_no_text_leaves_its_box(style, n_layers):
    with plt.style.context(style):
        display = stack(n_layers, name="A network of many layers").plot()
    display.figure_.canvas.draw()
    page = display.figure_.bbox
    boxes = [box.get_window_extent() for box in display.boxes_]
    for text in (*display.ax_.texts, display.ax_.title):
        extent = text.get_window_extent()
        assert page.contains(*extent.min)
        assert page.contains(*extent.max)
    for number, text in enumerate(display.ax_.texts[:-1]):
        extent = text.get_window_extent()
        box = boxes[number // 4]
        assert extent.width == 0 or (box.x0 <= extent.x0 and extent.x1 <= box.x1), text
        assert 7 < text.get_size() < 10


def test_long_names_are_cut(clf):
    display = NetworkDisplay(["n" * 100], ["k" * 100], ["s"], [1]).plot()
    assert texts(display) == ["n" * 39 + "…", "k" * 39 + "…", "s", "1 parameter",
                              "1 parameter in all"]  # fmt: skip


def test_given_axes_are_drawn_into_in_letters_that_fit():
    figure, axes = plt.subplots(1, 2, figsize=(4, 4))
    display = stack(12).plot(ax=axes[1])
    assert display.figure_ is figure
    assert display.ax_ is axes[1]
    assert display.ax_.texts[0].get_size() < 9


@pytest.mark.parametrize(
    "unfitted", [DNNClassifier(), make_pipeline(StandardScaler(), DNNClassifier())]
)
def test_one_that_is_not_fitted_is_an_error(unfitted):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        NetworkDisplay.from_estimator(unfitted)


def test_one_without_a_network_is_an_error(iris):
    with pytest.raises(TypeError, match=r"that are networks.* Got LogisticRegression instead"):
        NetworkDisplay.from_estimator(LogisticRegression(max_iter=500).fit(*iris))


def test_without_matplotlib_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(
        ImportError, match=r"NetworkDisplay.plot needs matplotlib, .*pip install ..\[plot"
    ):
        stack(2).plot()
