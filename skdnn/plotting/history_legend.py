"""The legend of `TrainingHistoryDisplay`: colours, line styles and best epochs."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from skdnn._utils.annotations import Axes, Line2D

# Line styles of training and validation values. Markers show values without neighbours.
STYLES: dict[str, dict[str, Any]] = {
    "": {"linestyle": "-", "marker": "o"},
    "val_": {"linestyle": "--", "marker": "X"},
}
_N_ROWS = 20


def write_legend(
    ax: Axes,
    lines: Mapping[str, Mapping[str, Line2D]],
    best: Sequence[int],
    training_label: str,
    *,
    is_own: bool,
) -> None:
    """Write the legend of the colours and the line styles.

    Parameters
    ----------
    ax : Axes
        The Axes with the lines, which get the legend.
    lines : dict of str to dict of str to Line2D
        The lines of each history, as in `TrainingHistoryDisplay.lines_`.
    best : sequence of int
        The best epochs that are marked.
    training_label : str
        The label of the training values.
    is_own : bool
        Whether the figure was created for the display, and has space next to the Axes.
    """
    from matplotlib import lines as shapes

    shown, labels = ax.get_legend_handles_labels()  # also of earlier plots on these Axes
    handles: list[Any] = [copy(handle) for handle in shown]
    for handle in handles:
        if isinstance(handle, shapes.Line2D) and handle.get_markevery() is not None:
            handle.set_marker("")
    ink = ax.xaxis.label.get_color()
    number = f" {best[0]}" if len(best) == len(labels) == 1 else ""
    drawn = {key: line for own in lines.values() for key, line in own.items()}
    if any(key.startswith("val_") for key in drawn):
        has_marks = any(line.get_markevery() for line in drawn.values())
        for word, style in zip((training_label, "validation"), STYLES.values(), strict=True):
            shape = style if has_marks else {**style, "marker": ""}
            handles.append(shapes.Line2D([], [], color=ink, markersize=5, **shape))
            labels.append(word)
    if best:
        handles.append(shapes.Line2D([], [], color=ink, linestyle="", marker="o", mfc="none"))
        labels.append(f"best epoch{number}")
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if is_own else {"loc": "best"}
    n_columns = -(-len(labels) // _N_ROWS)
    small = "small" if len(labels) > 8 else None
    ax.legend(handles, labels, frameon=not is_own, ncols=n_columns, fontsize=small, **place)
