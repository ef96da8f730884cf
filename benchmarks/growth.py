"""How the time of skdnn grows with rows, width and depth, next to the arithmetic."""

from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.systems import Network
from benchmarks.work import epoch

# Two starting points: small steps, where overhead would show, and larger ones, where products do.
BASES: dict[str, dict[str, Any]] = {
    "100 wide, batch 32": {"rows": 4800, "width": 100, "depth": 1, "batch_size": 32},
    "256 wide, batch 256": {"rows": 4800, "width": 256, "depth": 1, "batch_size": 256},
}
AXES = {"rows": (1, 10, 100), "width": (1, 2, 4), "depth": (1, 2, 4)}
START = {"rows": 480}  # of an axis, instead of the base's
ROWS_MEASURED = 96_000  # a small epoch is done many times, for a time that can be told
QUICK = 10  # how many times fewer rows there are, and are measured, in quick mode


def multiply_adds(sizes: tuple[int, ...], rows: int) -> int:
    """Return those of an epoch's matrix products.

    Each layer has three: its output, the gradient of its kernel, and that of its input, which the
    first layer does not need.
    """
    products = [fan_in * fan_out for fan_in, fan_out in pairwise(sizes)]
    return rows * (3 * sum(products) - products[0])


def points(quick: bool) -> list[dict[str, Any]]:
    """Return one point for each base, axis and factor."""
    table: list[dict[str, Any]] = [
        {"base": base, "axis": axis, "factor": factor}
        | start
        | {axis: factor * START.get(axis, start[axis])}
        for base, start in BASES.items()
        for axis, factors in AXES.items()
        for factor in factors
    ]
    for point in table:
        point["rows"] //= QUICK if quick else 1
    return table


def _seconds(workers: Any, point: dict[str, Any], quick: bool) -> float:
    figures = workers.run(
        "skdnn",
        epoch,
        network=Network((point["width"],) * point["depth"]),
        rows=point["rows"],
        batch_size=point["batch_size"],
        epochs=ROWS_MEASURED // point["rows"] // (QUICK if quick else 1),
    )
    return figures["seconds"]


def measure_growth(workers: Any, rounds: int, quick: bool) -> list[dict[str, Any]]:
    """Measure every point in every round; return them with time and arithmetic."""
    table = points(quick)
    times = [[_seconds(workers, point, quick) for point in table] for _ in range(rounds)]
    for point, *values in zip(table, *times, strict=True):
        sizes = (784, *(point["width"],) * point["depth"], 10)
        point |= {"values": values, "seconds": median(values)}
        point["multiply_adds"] = multiply_adds(sizes, point["rows"])
    for point in table:
        point |= _against_first(point, table)
    return table


def _against_first(point: dict[str, Any], table: list[dict]) -> dict[str, Any]:
    """Return how much more the point takes than the first one of its axis."""
    first = next(p for p in table if (p["base"], p["axis"]) == (point["base"], point["axis"]))
    pairs = zip(point["values"], first["values"], strict=True)
    return {
        "time_grown": median(a / b for a, b in pairs),
        "arithmetic_grown": point["multiply_adds"] / first["multiply_adds"],
    }


def plot(table: list[dict[str, Any]], path: str) -> None:
    """Draw time over arithmetic, both as multiples of the first point of an axis."""
    from benchmarks.report import figure_with_axes, save

    figure, axes = figure_with_axes(len(AXES))
    for ax, axis in zip(axes, AXES, strict=True):
        on_axis = [point for point in table if point["axis"] == axis]
        for base, marker in zip(BASES, "os", strict=True):
            line = [point for point in on_axis if point["base"] == base]
            grown = [[p[k] for p in line] for k in ("arithmetic_grown", "time_grown")]
            ax.plot(*grown, marker=marker, label=f"skdnn, {base}")
        span = [1, max(point["arithmetic_grown"] for point in on_axis)]
        ax.plot(span, span, color="grey", linestyle=":", label="as the arithmetic")
        factors = ", ".join(f"x{factor}" for factor in AXES[axis])
        ax.set(xscale="log", yscale="log", title=f"{axis} {factors}", xlabel="multiply-adds")
        ticks = [factor for factor in AXES[axis] if factor <= span[1]]
        for side in (ax.xaxis, ax.yaxis):
            side.set_ticks(ticks, [f"x{factor}" for factor in ticks])
            side.set_ticks([], minor=True)
    axes[0].set_ylabel("time of an epoch")
    axes[0].legend()
    save(figure, path)
