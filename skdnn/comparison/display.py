"""The plot of a comparison, and its tables as text and HTML."""

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skdnn._utils.annotations import Axes, Figure
from skdnn._utils.text import Column, align, fit_columns, terminal_width, wrapped
from skdnn.plotting.common import flat_axes, pyplot

if TYPE_CHECKING:
    from skdnn.comparison.result import Comparison
else:
    Comparison = Any  # the other file imports this one

# The axis of times is logarithmic if slowest time / fastest time exceeds this ratio.
LOG_RATIO = 30
# Mark and colour of networks of skdnn. Other models have the text colour of the style, so that the
# colour is also visible with colour blindness. Its contrast is at least 4 on #ffffff and #1e1e1e.
NETWORK_MARK, NETWORK_COLOUR = "◆", "#1f7fd4"
# Low scores that would shrink the range of the other scores by this factor are not drawn to scale.
SQUEEZE = 4


class ComparisonDisplay:
    """Plot of the scores of each fold and the fit times, one row per model.

    Networks of skdnn have filled blue diamonds, and other models have circles in the text colour.
    Create a display with `Comparison.plot` or :meth:`from_comparison`. Draw the display again with
    :meth:`plot`.

    Parameters
    ----------
    names : sequence of str, of length n_models
        Names of the models, from top to bottom.
    scores : ndarray of shape (n_models, n_folds), float
        Score of each model on each fold. NaN for folds that failed.
    fit_time : ndarray of shape (n_models, n_folds), float
        Seconds to fit each model on each fold.
    score_name : str, default="score"
        Name of the score, which is the label of the score axis.
    verdicts : sequence of str, of length n_models, default=None
        Texts under the names of the models. None writes no text.
    networks : sequence of str, default=()
        Names of the models that are networks of skdnn.

    Attributes
    ----------
    axes_ : ndarray of two Axes
        The Axes of the scores and of the times.
    figure_ : Figure
        The figure of the Axes.

    Examples
    --------
    >>> import numpy as np
    >>> from skdnn import ComparisonDisplay
    >>> scores = np.array([[0.97, 0.95, 0.96], [0.91, 0.92, 0.90]])
    >>> seconds = np.array([[2.1, 2.0, 2.2], [0.1, 0.1, 0.1]])
    >>> display = ComparisonDisplay(
    ...     ["network", "line"], scores, seconds, score_name="accuracy", networks=["network"]
    ... )
    >>> display.plot().axes_[0].get_xlabel()
    'accuracy'
    """

    axes_: np.ndarray
    figure_: Figure | Any  # a SubFigure, if the Axes are in one

    def __init__(
        self,
        names: Sequence[str],
        scores: np.ndarray,
        fit_time: np.ndarray,
        *,
        score_name: str = "score",
        verdicts: Sequence[str] | None = None,
        networks: Sequence[str] = (),
    ):
        self.names = names
        self.scores = scores
        self.fit_time = fit_time
        self.score_name = score_name
        self.verdicts = verdicts
        self.networks = networks

    @classmethod
    def from_comparison(
        cls,
        comparison: Comparison,
        *,
        scorer: str | None = None,
        ax: Sequence[Axes] | None = None,
    ) -> Self:
        """Plot the result of `compare`.

        Parameters
        ----------
        comparison : Comparison
            The result of `compare`.
        scorer : str, default=None
            Name of the score to plot. None is the first score, by which the texts
            under the model names compare the models.
        ax : two Axes, default=None
            Axes for the scores and the times. None creates a new figure.

        Returns
        -------
        display : ComparisonDisplay
            The display, plotted.

        Raises
        ------
        ValueError
            If the comparison has no score named `scorer`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdnn import ComparisonDisplay, compare
        >>> result = compare(*load_iris(return_X_y=True), ["linear", "dummy"], cv=3)
        >>> ComparisonDisplay.from_comparison(result).score_name
        'accuracy'
        """
        scorer = comparison.scorer if scorer is None else scorer
        if scorer not in comparison.scores:
            raise ValueError(
                f"The 'scorer' parameter must be a score of this comparison: "
                f"{', '.join(comparison.scores)}. Got {scorer!r} instead."
            )
        display = cls(
            comparison.names,
            comparison.scores[scorer],
            comparison.fit_time,
            score_name=scorer,
            verdicts=comparison.verdicts if scorer == comparison.scorer else None,
            networks=comparison.networks,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Sequence[Axes] | None = None) -> Self:
        """Plot the scores and the fit times.

        Parameters
        ----------
        ax : two Axes, default=None
            Axes for the scores and the times. None creates a new figure.

        Returns
        -------
        display : ComparisonDisplay
            The display itself, with the attributes `axes_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` is not two Axes.
        """
        plt = pyplot("ComparisonDisplay.plot")
        if ax is None:
            size = (9.5, 1.4 + 0.55 * len(self.names))
            _, ax = plt.subplots(1, 2, figsize=size, width_ratios=[3, 2], layout="constrained")
        self.axes_ = np.array(flat_axes(ax))
        if len(self.axes_) != 2:
            raise ValueError(
                f"The 'ax' parameter must be two Axes, for scores and times. "
                f"Got {len(self.axes_)} instead."
            )
        self.figure_ = self.axes_[0].figure
        self._draw_scores(self.axes_[0])
        self._draw_times(self.axes_[1])
        return self

    def _draw_scores(self, ax: Axes) -> None:
        means = self.scores.mean(axis=1)
        far = means < _low_limit(self.scores)
        self._draw_rows(ax, self.scores, np.where(far, np.nan, means), score_cells(self.scores))
        beside = ax.get_yaxis_transform()
        for note, rows in (("◂ far off", far), ("failed", np.isnan(means))):
            for row in np.flatnonzero(rows):
                colour = self._style(int(row), ax)["color"]
                place: dict[str, Any] = {"transform": beside, "va": "center", "style": "italic"}
                ax.text(0.02, int(row), note, color=colour, **place)
        ax.set(xlabel=self.score_name, yticks=range(len(self.names)), yticklabels=self._labels())
        for name, label in zip(self.names, ax.get_yticklabels(), strict=True):
            label.set_fontweight("bold" if name in self.networks else "normal")
        ax.set_title("○ one fold   | mean", fontsize="medium", loc="left")
        if self.networks:
            ax.set_title(
                f"{NETWORK_MARK} network", fontsize="medium", loc="right", color=NETWORK_COLOUR
            )

    def _draw_times(self, ax: Axes) -> None:
        medians = np.median(self.fit_time, axis=1)
        self._draw_rows(ax, self.fit_time, medians, time_cells(self.fit_time))
        if 0 < LOG_RATIO * np.nanmin(medians) < np.nanmax(medians):
            ax.set_xscale("log")
        else:
            ax.set_xlim(left=0)
        ax.set(xlabel="seconds to fit", yticks=[])
        ax.set_title("○ one fold   | median", fontsize="medium", loc="left")

    def _style(self, row: int, ax: Axes) -> dict[str, Any]:
        """Return the colour and the markers of a row."""
        if self.names[row] in self.networks:
            return {"color": NETWORK_COLOUR, "marker": "D", "ms": 4.5}
        ink = ax.xaxis.label.get_color()  # the text colour of the current style, light or dark
        return {"color": ink, "marker": "o", "ms": 4.5, "mfc": "none"}

    def _draw_rows(
        self, ax: Axes, table: np.ndarray, centres: np.ndarray, cells: list[str]
    ) -> None:
        """Draw a row for each model, with the value of each fold, the centre and a text.

        The centre is the mean or median of the values. Only the text is drawn if the centre is NaN.
        """
        beside = ax.get_yaxis_transform()  # x as a fraction of the panel's width, y in rows
        # The folds of a row are shifted vertically, so that equal scores do not overlap.
        steps = np.linspace(-0.2, 0.2, table.shape[1]) if table.shape[1] > 1 else np.zeros(1)
        for row, (values, centre, cell) in enumerate(zip(table, centres, cells, strict=True)):
            style = self._style(row, ax)
            if np.isfinite(centre):
                ax.plot(values, row + steps, linestyle="", alpha=0.7, **style)
                ax.plot([centre, centre], [row - 0.32, row + 0.32], color=style["color"], lw=2.5)
            text: dict[str, Any] = {"va": "center", "family": "monospace", "size": "small"}
            ax.text(1.02, row, cell, transform=beside, **text)
        ax.locator_params(axis="x", nbins=6)
        ax.set_ylim(len(table) - 0.5, -0.5)  # best at the top
        ax.grid(axis="x", alpha=0.3)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)

    def _labels(self) -> list[str]:
        if self.verdicts is None:
            return list(self.names)
        return [f"{name}\n{word}" for name, word in zip(self.names, self.verdicts, strict=True)]


def _low_limit(table: np.ndarray) -> float:
    """Return the mean score below which a model is not drawn to scale. -inf if there is none."""
    rows = table[np.isfinite(table).all(axis=1)]
    rows = rows[np.argsort(-rows.mean(axis=1))]
    for kept in range(len(rows) - 1, 1, -1):
        span, kept_span = np.ptp(rows), np.ptp(rows[:kept])
        if span > SQUEEZE * kept_span > 0:
            return float(rows[kept - 1].mean())
    return -np.inf


_ALIGN = {True: "left", False: "right"}


def text_table(columns: Sequence[Column], notes: Iterable[str]) -> str:
    """Return a table as aligned text for a terminal, followed by the notes.

    Columns that do not fit into the terminal are left out, and a note names these columns.

    Examples
    --------
    >>> from skdnn._utils.text import Column
    >>> from skdnn.comparison.display import text_table
    >>> print(text_table([Column("model", ["a"], left=True), Column("s", ["0.1"])], ["Seconds."]))
    model    s
    ─────  ───
    a      0.1
    <BLANKLINE>
    Seconds.
    """
    shown = fit_columns(columns, terminal_width())
    headers = [column.header for column in shown]
    missing = [column.header for column in columns if column.header not in headers]
    if missing:
        notes = [*notes, f"Too wide for this terminal: {', '.join(missing)}."]
    return "\n".join([*align(shown), "", *(line for note in notes for line in wrapped(note))])


def html_table(
    columns: Sequence[Column],
    notes: Iterable[str],
    *,
    best: str | None = None,
    networks: Collection[str] = (),
) -> str:
    """Return a table with its notes as HTML, which a notebook shows in the colours of the notebook.

    Parameters
    ----------
    columns : sequence of Column
        The columns. The first column holds the names of the models.
    notes : iterable of str
        The notes below the table.
    best : str or None, default=None
        The name of the model whose row is bold.
    networks : collection of str, default=()
        The names of the models whose rows have the mark and a tint of `NETWORK_COLOUR`.

    Examples
    --------
    >>> from skdnn._utils.text import Column
    >>> from skdnn.comparison.display import html_table
    >>> "<td" in html_table([Column("model", ["a"])], [])
    True
    """

    def line(tag: str, texts: Iterable[str], mark: str = "") -> str:
        styles = (f"text-align: {_ALIGN[column.left]}; padding: 0 0.6em" for column in columns)
        first, *cells = (
            f'<{tag} style="{style}; white-space: nowrap">{escape(text)}'
            for style, text in zip(styles, texts, strict=True)
        )
        return "".join(f"{cell}</{tag}>" for cell in (first + mark, *cells))

    def row(texts: Sequence[str]) -> str:
        styles, mark = "font-weight: bold" if texts[0] == best else "", ""
        if texts[0] in networks:
            styles += f"; background: {NETWORK_COLOUR}29"
            mark = f' <span style="color: {NETWORK_COLOUR}">{NETWORK_MARK}</span>'
        style = styles.removeprefix("; ")
        return f'<tr style="{style}">{line("td", texts, mark)}</tr>'

    head = line("th", [column.header for column in columns])
    body = "".join(map(row, zip(*(column.cells for column in columns), strict=True)))
    small = "<br>".join(map(escape, notes))
    return (
        f'<div style="overflow-x: auto"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div><p><small>{small}</small></p>"
    )


def score_cells(table: np.ndarray) -> list[str]:
    """Return "mean ± sd" of each row of scores. The first mean has three significant digits.

    Examples
    --------
    >>> import numpy as np
    >>> from skdnn.comparison.display import score_cells
    >>> score_cells(np.array([[0.9, 0.8], [0.5, 0.6]]))
    ['0.850 ± 0.071', '0.550 ± 0.071']
    """
    means = table.mean(axis=1)
    size = next((abs(mean) for mean in means if np.isfinite(mean) and mean), 1.0)
    digits = max(0, 3 - int(np.ceil(np.log10(size))))
    spreads = ["" if np.isnan(value) else f"{value:.{digits}f}" for value in sd(table)]
    width = max(map(len, spreads))
    return [
        "-" if np.isnan(mean) else f"{mean:.{digits}f}" + (f" ± {s.rjust(width)}" if s else "")
        for mean, s in zip(means, spreads, strict=True)
    ]


def time_cells(seconds: np.ndarray) -> list[str]:
    """Return the median seconds of each row as text, with the same decimals in all rows.

    The first fit of a network in a process includes the start of TensorFlow. This time hardly
    affects the median.

    Examples
    --------
    >>> import numpy as np
    >>> from skdnn.comparison.display import time_cells
    >>> time_cells(np.array([[4.1, 0.2, 0.1], [0.01, 0.02, 0.03]]))
    ['0.200', '0.020']
    """
    medians = np.median(seconds, axis=1)
    longest = np.nanmax(medians)
    digits = 3 if longest < 10 else 2 if longest < 100 else 1
    least = 10.0**-digits
    return [
        "-" if np.isnan(time) else f"<{least}" if time < least / 2 else f"{time:.{digits}f}"
        for time in medians
    ]


def sd(table: np.ndarray) -> np.ndarray:
    """Return the sample standard deviation of each row, or NaN for a single fold.

    Examples
    --------
    >>> import numpy as np
    >>> from skdnn.comparison.display import sd
    >>> sd(np.array([[0.9, 0.8]])).round(3)
    array([0.071])
    """
    return table.std(axis=1, ddof=1) if table.shape[1] > 1 else np.full(len(table), np.nan)
