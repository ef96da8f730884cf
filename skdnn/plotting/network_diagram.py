"""The layers of a network, as a plot."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from skdnn._network.summary import layers_of
from skdnn.plotting.common import innermost, pyplot

# In inches; text is of the size below.
_POINTS = 9.0
_CHARACTER = 0.085
_HEIGHT, _GAP = 0.46, 0.22
_PITCH = _HEIGHT + _GAP
_LANE = 0.3  # what an arrow takes that goes past layers
_LONGEST = 40

Point = tuple[float, float]


class NetworkDisplay:
    """The layers of a network from top to bottom: names, types, output shapes, parameters.

    Make it with :meth:`from_estimator`; draw it again with :meth:`plot`. The more of the network's
    parameters a layer has, the stronger its colour.

    Parameters
    ----------
    names : sequence of str, of length n_layers
        From the input on: a layer comes after those that it takes its input from.
    kinds : sequence of str, of length n_layers
        Their types, with activations.
    output_shapes : sequence of str, of length n_layers
        What they put out, None for the batch.
    n_parameters : sequence of int, of length n_layers
        How many numbers they have learned.
    sources : sequence of sequence of int, of length n_layers, default=None
        For each layer the layers that it takes its input from, counted from 0. None is a stack,
        each layer on the one before.
    name : str, default=None
        Title. None writes none.

    Attributes
    ----------
    ax_ : Axes
        Where it is drawn.
    figure_ : Figure
        The figure that it is in.
    boxes_ : list of FancyBboxPatch
        One for each layer.

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
        cls, estimator: Any, *, ax: Any = None, name: str | None = None
    ) -> "NetworkDisplay":
        """Draw the network of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted: `DNNClassifier`, `DNNRegressor`, `KerasClassifier`, `KerasRegressor`, or a
            pipeline or search that has one inside.
        ax : Axes, default=None
            Where to draw. None makes a figure that is large enough.
        name : str, default=None
            Title. None is the name of the class.

        Returns
        -------
        display : NetworkDisplay
            Drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no network.

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

    def plot(self, ax: Any = None) -> "NetworkDisplay":
        """Draw the layers.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; text becomes as small as it has to. None makes a figure that is large
            enough.

        Returns
        -------
        display : NetworkDisplay
            Itself, with `ax_`, `figure_` and `boxes_`.

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
            points *= min(1.0, *(ax.get_window_extent().size / ax.figure.dpi / size))
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        ax.set(xlim=(left - 0.1, right + 0.1), ylim=(bottom, -_HEIGHT / 2 - 0.1), aspect="equal")
        if self.name:
            ax.set_title(self.name)
        for path in paths:
            self._draw_arrow(path, points)
        most = max(1, *self.n_parameters)
        shares = [count / most for count in self.n_parameters]
        self.boxes_ = [
            self._draw_layer(place, width, head, foot, share, points)
            for place, head, foot, share in zip(places, heads, feet, shares, strict=True)
        ]
        total = f"{_count(sum(self.n_parameters))} in all"
        middle = (left + right) / 2
        ax.text(middle, bottom - _GAP, total, ha="center", va="center", size=points)
        return self

    def _sources(self) -> list[Sequence[int]]:
        if self.sources is None:
            return [range(max(0, number - 1), number) for number in range(len(self.names))]
        return list(self.sources)

    def _draw_arrow(self, path: list[Point], points: float) -> None:
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        ink = self.ax_.xaxis.label.get_color()  # of whatever style is in force, light or dark
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
        share: float,
        points: float,
    ) -> Any:
        """Draw one box: name and type, and below them output shape and parameters."""
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
            facecolor=to_rgba("C0", 0.15 + 0.4 * share if share else 0),
        )
        self.ax_.add_patch(box)
        lines = ((head, -_HEIGHT / 5, "bold", points), (foot, _HEIGHT / 5, None, 0.9 * points))
        for (begin, end), down, weight, size in lines:
            beside = {"va": "center", "size": size}
            self.ax_.text(left + 0.1, y + down, begin, ha="left", weight=weight, **beside)
            self.ax_.text(right - 0.1, y + down, end, ha="right", **beside)
        return box


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _count(n_parameters: int) -> str:
    return f"{n_parameters:,} parameter{'s' * (n_parameters != 1)}"


def _lay_out(sources: list[Sequence[int]], width: float) -> tuple[list[Point], list[list[Point]]]:
    """Place layers at as many steps from the top as their longest way from an input has.

    An arrow that goes past a layer has a lane of its own beside it (Sugiyama, Tagawa & Toda 1981,
    "Methods for visual understanding of hierarchical system structures").

    Parameters
    ----------
    sources : list of sequence of int
        For each layer the layers before it.
    width : float
        Of a layer.

    Returns
    -------
    places : list of (x, y)
        Middle of each layer, y downwards.
    paths : list of list of (x, y)
        For each arrow the points that it goes through.
    """
    depths = _depths(sources)
    chains: list[list[Any]] = [
        [source, *((source, target, d) for d in range(depths[source] + 1, depths[target])), target]
        for target, own in enumerate(sources)
        for source in own
    ]
    levels: list[list[Any]] = [[] for _ in range(max(depths) + 1)]
    for number, depth in enumerate(depths):
        levels[depth].append(number)
    above: dict[Any, list[Any]] = {}
    for chain in chains:
        for lane in chain[1:-1]:
            levels[lane[2]].append(lane)
        for upper, lower in pairwise(chain):
            above.setdefault(lower, []).append(upper)
    x: dict[Any, float] = {}
    for level in levels:
        x |= _spread(level, x, above, width)
    places = [(x[number], depth * _PITCH) for number, depth in enumerate(depths)]
    return places, [_path(chain, places, x) for chain in chains]


def _depths(sources: list[Sequence[int]]) -> list[int]:
    if not any(map(len, sources)):  # how they hang together is not known: one below the other
        return list(range(len(sources)))
    depths: list[int] = []
    for own in sources:
        depths.append(1 + max((depths[source] for source in own), default=-1))
    return depths


def _spread(
    level: list[Any], x: dict[Any, float], above: dict[Any, list[Any]], width: float
) -> dict[Any, float]:
    """Put what is at one depth side by side, as near as may be below what it comes from."""

    def is_lane(node: Any) -> bool:
        return isinstance(node, tuple)

    def wanted(node: Any) -> float:
        before = above.get(node, [])
        near = [x[one] for one in before if not is_lane(one)] or [x[one] for one in before]
        return float(np.mean(near)) if near else 0.0

    level = sorted(level, key=lambda node: (wanted(node), is_lane(node)))
    widths = np.array([_LANE if is_lane(node) else width + _GAP for node in level])
    centres = np.cumsum(widths) - widths / 2
    shift = np.mean([wanted(n) - c for n, c in zip(level, centres, strict=True) if not is_lane(n)])
    return dict(zip(level, (centres + shift).tolist(), strict=True))


def _path(chain: list[Any], places: list[Point], x: dict[Any, float]) -> list[Point]:
    (begin, top), (end, bottom) = places[chain[0]], places[chain[-1]]
    lanes = [
        (x[lane], lane[2] * _PITCH + side)
        for lane in chain[1:-1]
        for side in (-_HEIGHT / 2, _HEIGHT / 2)
    ]
    return [(begin, top + _HEIGHT / 2), *lanes, (end, bottom - _HEIGHT / 2)]
