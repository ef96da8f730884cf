"""What is drawn of training is what `history_` holds."""

import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from numpy.testing import assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, TrainingHistoryDisplay

pytestmark = pytest.mark.quick

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def clf(iris):
    return DNNClassifier((8,), epochs=6, validation_fraction=0.2, random_state=0).fit(*iris)


@pytest.fixture(scope="module")
def reg(diabetes):
    return DNNRegressor((8,), epochs=3, random_state=0).fit(*diabetes)


@pytest.fixture(scope="module")
def folds(clf, iris):
    return cross_validate(clf, *iris, cv=3, return_estimator=True)


@pytest.fixture
def history():
    """Its best epoch is the second."""
    return {
        "loss": [0.9, 0.5, 0.3, 0.2],
        "accuracy": [0.3, 0.6, 0.8, 0.9],
        "val_loss": [0.8, 0.4, 0.6, 0.7],
        "val_accuracy": [0.4, 0.7, 0.6, 0.6],
    }


def legend(display):
    ax = np.ravel(display.ax_)[-1]
    return [text.get_text() for text in ax.get_legend().get_texts()]


def marks(ax):
    """Points that are marked as best epochs."""
    return [line.get_xydata()[0].tolist() for line in ax.lines if line.get_marker() == "o"
            and line.get_markerfacecolor() == "none"]  # fmt: skip


class TestPlot:
    def test_lines_are_the_history_epoch_by_epoch(self, clf):
        display = TrainingHistoryDisplay.from_estimator(clf)
        lines = display.lines_["DNNClassifier"]
        assert lines.keys() == clf.history_.keys()
        for key, line in lines.items():
            assert_array_equal(line.get_xdata(), np.arange(1, 7))
            assert_array_equal(line.get_ydata(), clf.history_[key])

    def test_loss_and_metric_stand_side_by_side(self, clf):
        display = TrainingHistoryDisplay.from_estimator(clf)
        assert [ax.get_ylabel() for ax in display.ax_] == ["loss", "accuracy"]
        assert display.lines_["DNNClassifier"]["val_loss"].axes is display.ax_[0]
        assert display.lines_["DNNClassifier"]["val_accuracy"].axes is display.ax_[1]

    def test_validation_and_training_have_different_lines(self, clf):
        lines = TrainingHistoryDisplay.from_estimator(clf).lines_["DNNClassifier"]
        assert lines["loss"].get_linestyle() == lines["accuracy"].get_linestyle() == "-"
        assert lines["val_loss"].get_linestyle() == lines["val_accuracy"].get_linestyle() == "--"
        assert same_color(lines["loss"].get_color(), lines["val_loss"].get_color())

    def test_without_validation_there_is_one_line_and_no_mark(self, reg):
        display = TrainingHistoryDisplay.from_estimator(reg)
        assert list(display.lines_["DNNRegressor"]) == ["loss", "mean_absolute_error"]
        assert not marks(display.ax_[0])
        assert legend(display) == ["DNNRegressor"]

    @pytest.mark.parametrize("metric", ["loss", "accuracy"])
    def test_one_of_them_has_one_axes(self, clf, metric):
        display = TrainingHistoryDisplay.from_estimator(clf, metric=metric)
        assert display.ax_.get_ylabel() == metric
        assert list(display.lines_["DNNClassifier"]) == [metric, f"val_{metric}"]

    def test_a_list_of_metrics_is_drawn_in_its_order(self, clf):
        display = TrainingHistoryDisplay.from_estimator(clf, metric=["accuracy", "loss"])
        assert [ax.get_ylabel() for ax in display.ax_] == ["accuracy", "loss"]

    def test_an_epoch_that_stands_alone_is_a_mark(self, history):
        history = {"loss": [np.nan, 0.5, np.nan, 0.3, 0.2], "val_loss": [np.nan] * 5}
        (line,) = TrainingHistoryDisplay.from_history(history).lines_["network"].values()
        assert line.get_markevery() == [1]
        assert line.get_marker() == "o"

    def test_validation_values_are_connected_from_mark_to_mark(self):
        told = {"loss": [4.0, 3, 2, 1], "val_loss": [np.nan, 3.5, np.nan, 2.5]}
        lines = TrainingHistoryDisplay.from_history(told).lines_["network"]
        assert lines["val_loss"].get_xydata().tolist() == [[2, 3.5], [4, 2.5]]
        assert lines["val_loss"].get_markevery() == [0, 1]
        assert lines["val_loss"].get_marker() == "X"
        assert lines["loss"].get_markevery() == []

    def test_one_epoch_is_a_mark_at_its_number(self, history):
        one = {key: values[:1] for key, values in history.items()}
        display = TrainingHistoryDisplay.from_history(one)
        assert all(x.get_markevery() == [0] for x in display.lines_["network"].values())
        assert display.ax_[0].get_xticks().tolist() == [1]

    def test_epochs_have_whole_numbers(self, clf):
        ax = TrainingHistoryDisplay.from_estimator(clf).ax_[0]
        ticks = ax.get_xticks()
        assert_array_equal(ticks, ticks.round())

    def test_keywords_reach_the_lines(self, clf):
        display = TrainingHistoryDisplay.from_estimator(clf, line_kw={"linewidth": 5})
        assert display.lines_["DNNClassifier"]["val_loss"].get_linewidth() == 5

    def test_an_unknown_metric_is_an_error(self, clf):
        with pytest.raises(ValueError, match=r"'metric' parameter .* loss, accuracy. Got 'auc'"):
            TrainingHistoryDisplay.from_estimator(clf, metric="auc")

    @pytest.mark.parametrize("history", [{}, {"loss": []}, {"loss": [np.nan, np.nan]}])
    def test_nothing_to_draw_is_an_error(self, history):
        with pytest.raises(ValueError, match="nothing to draw"):
            TrainingHistoryDisplay.from_history(history)

    def test_without_matplotlib_names_what_to_install(self, history, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(
            ImportError, match=r"TrainingHistoryDisplay.plot .*pip install ..\[plot"
        ):
            TrainingHistoryDisplay.from_history(history)

    @pytest.mark.parametrize("style", ["default", "dark_background"])
    def test_nothing_is_cut_off_or_overlaps(self, history, style):
        with plt.style.context(style):
            display = TrainingHistoryDisplay({f"a network {n}": history for n in range(30)}).plot()
        display.figure_.canvas.draw()
        left, right = (ax.get_tightbbox() for ax in display.ax_)
        assert left.x1 <= right.x0
        assert left.x0 >= 0
        assert right.x1 <= display.figure_.bbox.x1
        assert right.y0 >= 0


class TestTrainingLabel:
    @pytest.mark.parametrize(
        ("options", "label"),
        [
            ({}, "training"),
            ({"dropout": [0.0, 0.0]}, "training"),
            ({"dropout": [0.0, 0.5]}, "training (dropout)"),
            ({"label_smoothing": 0.1}, "training (smoothed labels)"),
            ({"label_smoothing": 0.1, "dropout": 0.1}, "training (smoothed labels, dropout)"),
        ],
    )
    def test_it_names_what_only_the_training_loss_has(self, iris, options, label):
        clf = DNNClassifier((4, 4), epochs=1, validation_fraction=0.2, **options).fit(*iris)
        display = TrainingHistoryDisplay.from_estimator(clf)
        assert display.training_label == label
        assert legend(display)[1:3] == [label, "validation"]

    def test_training_loss_is_of_smoothed_labels_and_validation_loss_of_the_labels(self, iris):
        X, y = iris
        options = {"epochs": 1, "learning_rate": 1e-9, "batch_size": 150, "random_state": 0}
        clf = DNNClassifier((4,), label_smoothing=0.3, **options).fit(X, y, X_val=X, y_val=y)
        log_p = np.log(clf.predict_proba(X))
        smoothed = np.eye(3)[y] * 0.7 + 0.3 / 3
        expected = [-(labels * log_p).sum(axis=1).mean() for labels in (smoothed, np.eye(3)[y])]
        found = [clf.history_[key][0] for key in ("loss", "val_loss")]
        np.testing.assert_allclose(found, expected, rtol=1e-4)


class TestBestEpoch:
    def test_it_is_that_of_the_least_validation_loss(self, history):
        display = TrainingHistoryDisplay.from_history(history)
        assert marks(display.ax_[0]) == [[2, 0.4]]
        assert marks(display.ax_[1]) == [[2, 0.7]]
        assert legend(display)[-1] == "best epoch 2"

    def test_a_missing_value_is_never_the_best(self, history):
        history["val_loss"] = [np.nan, 0.4, np.inf, 0.3]
        assert marks(TrainingHistoryDisplay.from_history(history).ax_[0]) == [[4, 0.3]]

    def test_the_best_epoch_of_the_estimator_takes_precedence(self, clf):
        told = DNNClassifier()
        told.__dict__ = {**vars(clf), "best_epoch_": 3}
        display = TrainingHistoryDisplay.from_estimator(told)
        assert marks(display.ax_[0]) == [[3, clf.history_["val_loss"][2]]]

    @pytest.mark.parametrize("epoch", [0, 7])
    def test_one_that_is_not_in_the_history_is_not_marked(self, clf, epoch):
        told = DNNClassifier()
        told.__dict__ = {**vars(clf), "best_epoch_": epoch}
        assert not marks(TrainingHistoryDisplay.from_estimator(told).ax_[0])

    def test_each_of_several_has_its_own(self, history):
        other = {**history, "val_loss": [0.8, 0.7, 0.6, 0.5]}
        histories = {"a": history, "b": other}
        display = TrainingHistoryDisplay(histories, best_epochs={"a": 2, "b": 4}).plot()
        assert marks(display.ax_[0]) == [[2, 0.4], [4, 0.5]]
        assert legend(display) == ["a", "b", "training", "validation", "best epoch"]


class TestSeveral:
    def test_a_dict_has_its_keys_in_the_legend(self, clf, reg):
        display = TrainingHistoryDisplay.from_estimator({"iris": clf, "sugar": reg}, metric="loss")
        assert list(display.lines_) == ["iris", "sugar"]
        assert legend(display)[:2] == ["iris", "sugar"]
        assert_array_equal(display.lines_["sugar"]["loss"].get_ydata(), reg.history_["loss"])

    def test_each_has_a_colour(self, history):
        for n in (2, 30):
            display = TrainingHistoryDisplay({f"{x}": history for x in range(n)}).plot()
            colours = {
                matplotlib.colors.to_hex(lines["loss"].get_color())
                for lines in display.lines_.values()
            }
            assert len(colours) == n

    def test_a_list_is_numbered_where_classes_are_the_same(self, clf, reg):
        display = TrainingHistoryDisplay.from_estimator([clf, reg, clf], metric="loss")
        assert list(display.lines_) == ["DNNClassifier 1", "DNNRegressor", "DNNClassifier 2"]

    def test_names_may_be_given(self, clf, reg):
        display = TrainingHistoryDisplay.from_estimator([clf, reg], metric="loss", name=["a", "b"])
        assert list(display.lines_) == ["a", "b"]

    @pytest.mark.parametrize("name", ["a", ["a"], ["a", "a"]])
    def test_the_wrong_number_of_names_is_an_error(self, clf, reg, name):
        with pytest.raises(ValueError, match="must be 2 different names"):
            TrainingHistoryDisplay.from_estimator([clf, reg], name=name)

    @pytest.mark.parametrize("nobody", [[], {}])
    def test_no_estimator_is_an_error(self, nobody):
        with pytest.raises(ValueError, match="no estimator was given"):
            TrainingHistoryDisplay.from_estimator(nobody)


class TestFolds:
    def test_all_have_one_colour_and_the_mean_is_theirs(self, folds):
        display = TrainingHistoryDisplay.from_estimator(folds)
        assert list(display.lines_) == ["fold 1", "fold 2", "fold 3", "mean of 3 folds"]
        losses = [fold.history_["val_loss"] for fold in folds["estimator"]]
        mean = display.lines_["mean of 3 folds"]["val_loss"]
        np.testing.assert_allclose(mean.get_ydata(), np.mean(losses, axis=0))
        assert len({str(lines["loss"].get_color()) for lines in display.lines_.values()}) == 1
        assert legend(display)[:2] == ["each fold", "mean of 3 folds"]

    def test_the_mean_ends_with_the_shortest_fold(self, history):
        short = {key: values[:2] for key, values in history.items()}
        folds = {"fold 1": history, "fold 2": short}
        display = TrainingHistoryDisplay(folds, mean_name="mean").plot()
        assert_array_equal(display.lines_["mean"]["loss"].get_ydata(), history["loss"][:2])

    def test_a_result_without_estimators_is_an_error(self, iris):
        result = cross_validate(LogisticRegression(max_iter=500), *iris, cv=2)
        with pytest.raises(ValueError, match="return_estimator=True"):
            TrainingHistoryDisplay.from_estimator(result)


class TestEstimators:
    def test_the_network_in_a_search_of_a_pipeline_is_found(self, iris):
        pipe = make_pipeline(StandardScaler(), DNNClassifier((4,), epochs=2, random_state=0))
        search = GridSearchCV(pipe, {"dnnclassifier__epochs": [2, 3]}, cv=2).fit(*iris)
        display = TrainingHistoryDisplay.from_estimator(search)
        loss = search.best_estimator_[-1].history_["loss"]
        assert_array_equal(display.lines_["GridSearchCV"]["loss"].get_ydata(), loss)

    def test_the_network_in_a_transformed_target_regressor_is_found(self, diabetes):
        model = TransformedTargetRegressor(DNNRegressor((4,), epochs=2)).fit(*diabetes)
        lines = TrainingHistoryDisplay.from_estimator(model, name="x").lines_["x"]
        assert_array_equal(lines["loss"].get_ydata(), model.regressor_.history_["loss"])

    def test_a_wrapper_and_keras_s_own_history_draw_the_same(self, iris):
        import keras

        layers = [keras.layers.Dense(3, activation="softmax")]
        wrapper = KerasClassifier(layers, epochs=2, metrics=["accuracy"], verbose=0).fit(*iris)
        own = keras.callbacks.History()
        own.history = dict(wrapper.history_)
        displays = [
            TrainingHistoryDisplay.from_estimator(wrapper, name="network"),
            TrainingHistoryDisplay.from_history(own),
        ]
        for display in displays:
            line = display.lines_["network"]["accuracy"]
            assert_array_equal(line.get_ydata(), wrapper.history_["accuracy"])

    @pytest.mark.parametrize(
        "unfitted", [DNNClassifier(), make_pipeline(StandardScaler(), DNNClassifier())]
    )
    def test_one_that_is_not_fitted_is_an_error(self, unfitted):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            TrainingHistoryDisplay.from_estimator(unfitted)

    def test_one_without_a_history_is_an_error(self, iris):
        with pytest.raises(TypeError, match=r"keep a history_.* Got LogisticRegression instead"):
            TrainingHistoryDisplay.from_estimator(LogisticRegression(max_iter=500).fit(*iris))


class TestGivenAxes:
    def test_they_are_drawn_into(self, clf):
        figure, axes = plt.subplots(2, 1)
        display = TrainingHistoryDisplay.from_estimator(clf, ax=axes)
        assert display.figure_ is figure
        assert [ax.get_ylabel() for ax in axes] == ["loss", "accuracy"]

    def test_one_axes_gets_the_loss(self, clf):
        _, ax = plt.subplots()
        assert TrainingHistoryDisplay.from_estimator(clf, ax=ax).ax_ is ax
        assert ax.get_ylabel() == "loss"

    def test_a_second_display_on_the_same_axes_has_another_colour(self, clf, history):
        first = TrainingHistoryDisplay.from_estimator(clf, name="first")
        second = TrainingHistoryDisplay.from_history(history, name="second", ax=first.ax_)
        lines = first.lines_["first"]["loss"], second.lines_["second"]["loss"]
        assert not same_color(*(line.get_color() for line in lines))
        assert legend(second) == ["first", "second", "training", "validation", "best epoch"]

    def test_the_wrong_number_of_axes_is_an_error(self, clf):
        _, axes = plt.subplots(1, 3)
        with pytest.raises(ValueError, match=r"as many Axes .* 2: loss, accuracy. Got 3 instead"):
            TrainingHistoryDisplay.from_estimator(clf, ax=axes)
