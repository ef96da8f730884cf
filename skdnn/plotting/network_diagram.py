"""The class `NetworkDisplay`, a diagram of the layers of a network."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from skdnn._network.summary import layers_of
from skdnn._utils.annotations import Axes, FancyBboxPatch, Figure
from skdnn.plotting.common import innermost, pyplot

# Font size in points, and lengths in inches for text of this size.
_POINTS = 9.0
_CHARACTER = 0.085
_HEIGHT, _GAP = 0.46, 0.22
_PITCH = _HEIGHT + _GAP
_LANE = 0.3  # width of the lane of an arrow that bypasses layers
_LONGEST = 40  # maximum number of characters of a text

Point = tuple[float, float]
# The part of an arrow in a row that the arrow bypasses: (source, target, row).
Lane = tuple[int, int, int]
Node = int | Lane  # a layer by its index, or a lane


class _Arrow(NamedTuple):
    """An arrow between two layers, with a lane in each row that the arrow bypasses."""

    source: int
    target: int
    lanes: list[Lane]


class NetworkDisplay:
    """Diagram of the layers of a network, with names, types, output shapes and parameter counts.

    Create a display with :meth:`from_estimator`. Draw the display again with :meth:`plot`. Layers
    are drawn from top to bottom. Layers with more parameters have a stronger colour.

    Parameters
    ----------
    names : sequence of str, of length n_layers
        Names of the layers, ordered so that each layer comes after its input layers.
    kinds : sequence of str, of length n_layers
        Types of the layers with their activations.
    output_shapes : sequence of str, of length n_layers
        Output shapes of the layers. The batch dimension is None.
    n_parameters : sequence of int, of length n_layers
        Numbers of parameters of the layers.
    sources : sequence of sequence of int, of length n_layers, default=None
        Indices of the input layers of each layer, from 0. None means that the input of each layer
        is the previous layer.
    name : str, default=None
        Title of the diagram. None writes no title.

    Attributes
    ----------
    ax_ : Axes
        The Axes of the diagram.
    figure_ : Figure
        The figure of the Axes.
    boxes_ : list of FancyBboxPatch
        The boxes of the layers.

    See Also
    --------
    TrainingHistoryDisplay : Loss and metric per epoch.

    Examples
    --------
    >>> from skdnn import NetworkDisplay
    >>> display = NetworkDisplay(
    ...     ["input", "output"], ["Input", "Dense"], ["(None, 4)", "(None, 1)"], [0, 5]
    ... )
    >>> len(display.plot().boxes_)
    2
    """

    ax_: Axes
    figure_: Figure | Any  # a SubFigure, if the Axes are in one
    boxes_: list[FancyBboxPatch]

    def __init__(
        self,
        names: Sequence[str],
        kinds: Sequence[str],
        output_shapes: Sequence[str],
        n_parameters: Sequence[int],
        *,
        sources: Sequence[Sequence[int]] | None = None,
        name: str | None = None,
    ):
        self.names = names
        self.kinds = kinds
        self.output_shapes = output_shapes
        self.n_parameters = n_parameters
        self.sources = sources
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Axes | None = None, name: str | None = None
    ) -> Self:
        """Plot the network of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted `DNNClassifier`, `DNNRegressor`, `KerasClassifier` or `KerasRegressor`, or a
            pipeline or search that contains one.
        ax : Axes, default=None
            Axes to draw on. None creates a new figure of sufficient size.
        name : str, default=None
            Title of the diagram. None is the name of the class.

        Returns
        -------
        display : NetworkDisplay
            The display, plotted.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator has no network.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdnn import DNNClassifier, NetworkDisplay
        >>> clf = DNNClassifier((16, 8), epochs=2).fit(*load_iris(return_X_y=True))
        >>> NetworkDisplay.from_estimator(clf).names
        ['input', 'scaling', 'hidden_1', 'hidden_2', 'output']
        """
        inner = innermost(estimator)
        rows = layers_of(inner)
        if rows is None:
            raise TypeError(
                "NetworkDisplay.from_estimator draws estimators that are networks, such as "
                f"DNNClassifier. Got {type(inner).__name__} instead."
            )
        names, kinds, shapes, counts, sources = map(list, zip(*rows, strict=True))
        title = type(inner).__name__ if name is None else name
        return cls(names, kinds, shapes, counts, sources=sources, name=title).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Plot the layers.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on. The text size is reduced to fit the Axes. None creates a new figure of
            sufficient size.

        Returns
        -------
        display : NetworkDisplay
            The display itself, with the attributes `ax_`, `figure_` and `boxes_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        plt = pyplot("NetworkDisplay.plot")
        heads = [(_short(x), _short(y)) for x, y in zip(self.names, self.kinds, strict=True)]
        feet = [
            (_short(shape), _count(count) if count else "")
            for shape, count in zip(self.output_shapes, self.n_parameters, strict=True)
        ]
        width = 0.3 + _CHARACTER * max(len(x) + len(y) + 3 for x, y in heads + feet)
        places, paths = _lay_out(self._sources(), width)
        left = min(x for path in [places, *paths] for x, _ in path) - width / 2
        right = max(x for path in [places, *paths] for x, _ in path) + width / 2
        bottom = max(y for _, y in places) + _PITCH
        size = (right - left + 0.3, bottom + 0.2 + _HEIGHT / 2 + 0.35 * bool(self.name))
        points = _POINTS
        if ax is None:
            _, ax = plt.subplots(figsize=size, layout="constrained")
        else:
            given = np.array(ax.get_window_extent().size) / ax.figure.dpi
            points *= min(1.0, *(given / size))
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        ax.set(xlim=(left - 0.1, right + 0.1), ylim=(bottom, -_HEIGHT / 2 - 0.1), aspect="equal")
        if self.name:
            ax.set_title(self.name)
        for path in paths:
            self._draw_arrow(path, points)
        most = max(1, *self.n_parameters)
        fractions = [count / most for count in self.n_parameters]
        self.boxes_ = [
            self._draw_layer(place, width, head, foot, fraction, points)
            for place, head, foot, fraction in zip(places, heads, feet, fractions, strict=True)
        ]
        total = f"{_count(sum(self.n_parameters))} in all"
        middle = (left + right) / 2
        ax.text(middle, bottom - _GAP, total, ha="center", va="center", size=points)
        return self

    def _sources(self) -> list[Sequence[int]]:
        """Return the indices of the input layers of each layer."""
        if self.sources is None:
            return [range(max(0, number - 1), number) for number in range(len(self.names))]
        return list(self.sources)

    def _draw_arrow(self, path: list[Point], points: float) -> None:
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        ink = self.ax_.xaxis.label.get_color()  # the text colour of the current style
        line = Path(path)
        self.ax_.add_patch(
            FancyArrowPatch(path=line, arrowstyle="-|>", mutation_scale=8, color=ink)
        )

    def _draw_layer(
        self,
        place: Point,
        width: float,
        head: tuple[str, str],
        foot: tuple[str, str],
        fraction: float,
        points: float,
    ) -> FancyBboxPatch:
        """Draw the box of a layer.

        The first line is the name and the type. The second line is the output shape and the
        number of parameters.
        """
        from matplotlib.colors import to_rgba
        from matplotlib.patches import FancyBboxPatch

        x, y = place
        left, right = x - width / 2, x + width / 2
        ink = self.ax_.xaxis.label.get_color()
        box = FancyBboxPatch(
            (left, y - _HEIGHT / 2),
            width,
            _HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.07",
            edgecolor=ink,
            facecolor=to_rgba("C0", 0.15 + 0.4 * fraction if fraction else 0),
        )
        self.ax_.add_patch(box)
        lines = ((head, -_HEIGHT / 5, "bold", points), (foot, _HEIGHT / 5, None, 0.9 * points))
        for (begin, end), down, weight, size in lines:
            beside: dict[str, Any] = {"va": "center", "size": size}
            self.ax_.text(left + 0.1, y + down, begin, ha="left", weight=weight, **beside)
            self.ax_.text(right - 0.1, y + down, end, ha="right", **beside)
        return box


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _count(n_parameters: int) -> str:
    return f"{n_parameters:,} parameter{'s' * (n_parameters != 1)}"


def _lay_out(sources: list[Sequence[int]], width: float) -> tuple[list[Point], list[list[Point]]]:
    """Return the positions of layers and arrows.

    The row of a layer is the length of the longest path from an input. A layer is centred below its
    input layers. An arrow that bypasses a layer has a separate lane next to the layer (Sugiyama,
    Tagawa & Toda 1981, "Methods for visual understanding of hierarchical system structures").

    Parameters
    ----------
    sources : list of sequence of int
        Indices of the input layers of each layer.
    width : float
        Width of a layer in inches.

    Returns
    -------
    places : list of (x, y)
        Centre of each layer. The y axis points down.
    paths : list of list of (x, y)
        Points of the path of each arrow.
    """
    depths = _depths(sources)
    arrows = [
        _Arrow(
            source,
            target,
            [(source, target, row) for row in range(depths[source] + 1, depths[target])],
        )
        for target, own in enumerate(sources)
        for source in own
    ]
    rows: list[list[Node]] = [[] for _ in range(max(depths) + 1)]
    for number, depth in enumerate(depths):
        rows[depth].append(number)
    above: dict[Node, list[Node]] = {}
    for arrow in arrows:
        above.setdefault(arrow.target, []).append(arrow.source)
        for lane in arrow.lanes:
            rows[lane[2]].append(lane)
            above[lane] = [arrow.source]
    x: dict[Node, float] = {}
    for row in rows:
        x |= _spread(row, x, above, width)
    places = [(x[number], depth * _PITCH) for number, depth in enumerate(depths)]
    return places, [_path(arrow, places, x) for arrow in arrows]


def _depths(sources: list[Sequence[int]]) -> list[int]:
    """Return the row of each layer, counted from the top."""
    if not any(map(len, sources)):  # unknown connections: one layer per row
        return list(range(len(sources)))
    depths: list[int] = []
    for own in sources:
        depths.append(1 + max((depths[source] for source in own), default=-1))
    return depths


def _spread(
    row: list[Node], x: dict[Node, float], above: dict[Node, list[Node]], width: float
) -> dict[Node, float]:
    """Return the x coordinate of each node of a row, close to the layers that it comes from."""

    def is_lane(node: Node) -> bool:
        return isinstance(node, tuple)

    def wanted(node: Node) -> float:
        return float(np.mean([x[source] for source in above.get(node, [])] or [0.0]))

    row = sorted(row, key=lambda node: (wanted(node), is_lane(node)))
    widths = np.array([_LANE if is_lane(node) else width + _GAP for node in row])
    centres = np.cumsum(widths) - widths / 2
    boxes = [number for number, node in enumerate(row) if not is_lane(node)]
    centres += np.mean([wanted(row[number]) - centres[number] for number in boxes])
    # Lanes outside of the boxes run straight down from the layers that they come from.
    for number in reversed(range(boxes[0])):
        gap = (widths[number] + widths[number + 1]) / 2
        centres[number] = min(wanted(row[number]), centres[number + 1] - gap)
    for number in range(boxes[-1] + 1, len(row)):
        gap = (widths[number] + widths[number - 1]) / 2
        centres[number] = max(wanted(row[number]), centres[number - 1] + gap)
    return dict(zip(row, centres.tolist(), strict=True))


def _path(arrow: _Arrow, places: list[Point], x: dict[Node, float]) -> list[Point]:
    """Return the points of an arrow from the bottom of the source to the top of the target."""
    (begin, top), (end, bottom) = places[arrow.source], places[arrow.target]
    lanes = [
        (x[lane], lane[2] * _PITCH + side)
        for lane in arrow.lanes
        for side in (-_HEIGHT / 2, _HEIGHT / 2)
    ]
    return [(begin, top + _HEIGHT / 2), *lanes, (end, bottom - _HEIGHT / 2)]
