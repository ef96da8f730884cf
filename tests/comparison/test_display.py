import sys
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from skdnn import ComparisonDisplay, compare
from skdnn._utils.text import Column
from skdnn.comparison.display import (
    NETWORK_COLOUR,
    html_table,
    score_cells,
    sd,
    text_table,
    time_cells,
)

pytestmark = pytest.mark.quick

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def scores():
    return np.array([[0.97, 0.95, 0.96], [0.96, 0.94, 0.92], [0.1, 0.1, 0.11]])


@pytest.fixture
def seconds():
    return np.array([[3.0, 2.0, 2.2], [0.2, 0.1, 0.15], [0.001, 0.002, 0.002]])


@pytest.fixture
def display(scores, seconds):
    return ComparisonDisplay(["forest", "line", "dummy"], scores, seconds, score_name="accuracy")


def drawn(ax, row):
    """Values of the folds drawn in a row of a panel."""
    lines = [x for x in ax.lines if x.get_marker() == "o" and round(x.get_ydata().mean()) == row]
    return [x for line in lines for x in line.get_xdata()]


class Rows(HTMLParser):
    """The cells and the style of each row of a table. Every tag has to be closed in its order."""

    def __init__(self):
        super().__init__()
        self.open, self.cells, self.styles = [], [], []

    def handle_starttag(self, tag, attrs):
        assert tag != "script"
        if tag == "br":
            return
        self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
            self.styles.append(dict(attrs).get("style") or "")
        elif tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.cells[-1][-1] += data


def texts(ax):
    return [text.get_text() for text in ax.texts]


class TestComparisonDisplay:
    def test_every_fold_is_drawn_the_first_model_on_top(self, display, scores):
        ax = display.plot().axes_[0]
        assert drawn(ax, 0) == scores[0].tolist()
        assert ax.yaxis_inverted()
        assert [label.get_text() for label in ax.get_yticklabels()] == ["forest", "line", "dummy"]

    def test_a_very_low_score_is_not_drawn_to_scale(self, display):
        ax = display.plot().axes_[0]
        assert "◂ far off" in texts(ax)
        assert ax.get_xlim()[0] > 0.8
        assert "0.103 ± 0.006" in texts(ax)

    def test_two_models_are_both_drawn(self, scores, seconds):
        display = ComparisonDisplay(["forest", "dummy"], scores[::2], seconds[::2])
        assert drawn(display.plot().axes_[0], 1) == scores[2].tolist()

    def test_a_failed_model_is_a_row_without_folds(self, scores, seconds):
        scores[1] = np.nan
        ax = ComparisonDisplay(["a", "b", "c"], scores, seconds).plot().axes_[0]
        assert "failed" in texts(ax)
        assert not drawn(ax, 1)

    def test_times_far_apart_are_drawn_on_a_logarithmic_axis(self, display, seconds):
        assert display.plot().axes_[1].get_xscale() == "log"
        display.fit_time = seconds[[0, 0, 0]]
        assert display.plot().axes_[1].get_xscale() == "linear"

    def test_verdicts_stand_under_the_names(self, scores, seconds):
        display = ComparisonDisplay(list("abc"), scores, seconds, verdicts=["best", "x", "y"])
        labels = display.plot().axes_[0].get_yticklabels()
        assert labels[0].get_text() == "a\nbest"

    def test_colours_are_those_of_the_style(self, display):
        with plt.style.context("dark_background"):
            colours = {line.get_color() for line in display.plot().axes_[0].lines}
        assert colours == {"white"}

    @pytest.mark.parametrize("style", ["default", "dark_background"])
    def test_a_network_has_a_colour_and_a_marker_of_its_own(self, scores, seconds, style):
        names, numbers = ["forest", "net", "dummy"], scores[[0, 1, 1]]
        with plt.style.context(style):
            display = ComparisonDisplay(names, numbers, seconds, networks=["net"]).plot()
        ink = display.axes_[0].xaxis.label.get_color()
        for ax in display.axes_:
            lines = {round(float(np.mean(line.get_ydata()))): line for line in ax.lines[::2]}
            assert [lines[row].get_marker() for row in range(3)] == ["o", "D", "o"]
            assert [lines[row].get_color() for row in range(3)] == [ink, NETWORK_COLOUR, ink]
        weights = [label.get_fontweight() for label in display.axes_[0].get_yticklabels()]
        assert weights == ["normal", "bold", "normal"]

    @pytest.mark.parametrize("page", ["#ffffff", "#000000", "#111111", "#1e1e1e"])
    def test_the_colour_of_a_network_is_visible_in_light_and_dark_themes(self, page):
        # Contrast as in WCAG 2.2, which asks for 3 of graphical objects.
        def luminance(colour):
            rgb = np.array(to_rgb(colour))
            linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
            return linear @ [0.2126, 0.7152, 0.0722]

        dark, light = sorted(luminance(colour) for colour in (NETWORK_COLOUR, page))
        assert (light + 0.05) / (dark + 0.05) >= 4 - 0.01

    def test_one_fold_is_enough(self, display, scores, seconds):
        display.scores, display.fit_time = scores[:, :1], seconds[:, :1]
        assert drawn(display.plot().axes_[0], 0) == [0.97]

    def test_given_axes_are_drawn_into(self, display):
        figure, axes = plt.subplots(2, 1)
        assert display.plot(ax=axes).figure_ is figure
        assert drawn(axes[0], 1)

    def test_it_takes_two_axes(self, display):
        with pytest.raises(ValueError, match=r"'ax' parameter must be two Axes.* Got 1 instead"):
            display.plot(ax=plt.figure().gca())

    def test_nothing_is_cut_off_or_overlaps(self, display):
        figure = display.plot().figure_
        figure.canvas.draw()
        scores, times = (ax.get_tightbbox() for ax in display.axes_)
        assert scores.x1 <= times.x0
        assert scores.x0 >= 0
        assert times.x1 <= figure.bbox.x1

    def test_without_matplotlib_names_what_to_install(self, display, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(ImportError, match=r'pip install "\.\[plot\]"'):
            display.plot()


class TestFromComparison:
    @pytest.fixture
    def result(self, iris):
        models = {"dummy": DummyClassifier(), "bayes": GaussianNB()}
        return compare(*iris, models, cv=3, scoring=["accuracy", "neg_log_loss"])

    def test_draws_the_first_score_with_its_verdicts(self, result):
        display = ComparisonDisplay.from_comparison(result)
        assert display.score_name == "accuracy"
        assert display.verdicts == result.verdicts
        assert drawn(display.axes_[0], 0) == result.scores["accuracy"][0].tolist()

    def test_networks_are_those_of_the_comparison(self, result):
        display = ComparisonDisplay.from_comparison(replace(result, networks=("bayes",)))
        assert display.networks == ("bayes",)

    def test_another_score_has_no_verdicts(self, result):
        display = ComparisonDisplay.from_comparison(result, scorer="neg_log_loss")
        assert display.verdicts is None

    def test_an_unknown_score_is_reported(self, result):
        with pytest.raises(ValueError, match=r"accuracy, neg_log_loss. Got 'r2' instead"):
            ComparisonDisplay.from_comparison(result, scorer="r2")


class TestTables:
    def test_text_is_aligned_and_notes_are_wrapped(self):
        columns = [Column("model", ["a", "bcd"], left=True), Column("s", ["1.0", "10.0"])]
        assert text_table(columns, ["word " * 30]).splitlines()[:4] == [
            "model     s",
            "─────  ────",
            "a       1.0",
            "bcd    10.0",
        ]
        assert max(map(len, text_table(columns, ["word " * 30]).splitlines())) <= 80

    def test_html_holds_the_same_and_is_escaped(self):
        html = html_table([Column("<i>", ["a&b"])], ["1 < 2"])
        assert all(text in html for text in ("&lt;i&gt;", "a&amp;b", "1 &lt; 2"))

    def test_html_marks_the_best_model_and_the_networks(self):
        names = ["forest", "<script>", "net", "dummy"]
        columns = [Column("model", names), Column("s", ["4", "3", "2", "1"])]
        html = html_table(columns, ["A note."], best="forest", networks=["<script>", "net"])
        rows = Rows()
        rows.feed(html)
        assert rows.cells[1:] == [
            ["forest", "4"], ["<script> ◆", "3"], ["net ◆", "2"], ["dummy", "1"]
        ]  # fmt: skip
        assert ["bold" in style for style in rows.styles[1:]] == [True, False, False, False]
        tinted = [NETWORK_COLOUR in style for style in rows.styles[1:]]
        assert tinted == [False, True, True, False]
        assert rows.open == []

    @pytest.mark.parametrize(
        ("table", "cells"),
        [
            ([[1.0, 1.0], [0.5, 0.7]], ["1.000 ± 0.000", "0.600 ± 0.141"]),
            ([[-53.2, -55.2], [-153.2, -175.2]], ["-54.2 ±  1.4", "-164.2 ± 15.6"]),
            ([[-12345.0, -12347.0]], ["-12346 ± 1"]),
            ([[0.0004, 0.0006]], ["0.000500 ± 0.000141"]),
            ([[0.9, 0.8], [np.nan, 0.1]], ["0.850 ± 0.071", "-"]),
            ([[np.nan, np.nan]], ["-"]),
            ([[0.0, 0.0]], ["0.000 ± 0.000"]),
            ([[0.9]], ["0.900"]),
        ],
    )
    def test_scores_keep_three_digits_of_the_best(self, table, cells):
        assert score_cells(np.array(table)) == cells

    @pytest.mark.parametrize(
        ("table", "cells"),
        [
            ([[0.1, 9.0, 0.3], [0.0001, 0.0001, 0.0001]], ["0.300", "<0.001"]),
            ([[12.3456], [0.5]], ["12.35", "0.50"]),
            ([[123.456], [np.nan]], ["123.5", "-"]),
        ],
    )
    def test_times_are_medians_to_a_common_digit(self, table, cells):
        assert time_cells(np.array(table)) == cells

    def test_sd_is_the_sample_s(self):
        np.testing.assert_allclose(sd(np.array([[1.0, 3.0]])), [np.sqrt(2)])
        assert np.isnan(sd(np.array([[1.0]]))).all()
