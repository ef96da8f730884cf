"""Results as Markdown and as plots."""

from typing import Any

SCALES = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"))
QUICK = (
    "**Quick mode: far less work than the titles say. This shows that the command runs; the "
    "figures mean nothing.**"
)


def show_seconds(seconds: float) -> str:
    """Return three digits with the unit that suits them."""
    scale, unit = next((s for s in SCALES if abs(seconds) >= s[0]), SCALES[-1])
    return f"{seconds / scale:.3g} {unit}"


FORMATS = {
    "accuracy": "{:.3f}".format,
    "s": show_seconds,
    "MB": "{:.0f} MB".format,
    "kB": "{:,.0f} kB".format,
}


def show_spread(spread: dict[str, float], show: Any) -> str:
    """Return the median, and in parentheses the range, if there is one."""
    if spread["min"] == spread["max"]:
        return str(show(spread["median"]))
    return f"{show(spread['median'])} ({show(spread['min'])} - {show(spread['max'])})"


def show_ratio(ratio: float) -> str:
    """Return a multiple, with the digits that matter."""
    return f"{ratio:.0f}x" if ratio >= 100 else f"{ratio:.3g}x"


def table_row(row: dict[str, Any]) -> str:
    """Return one line of the table."""
    figure = "" if row["figure"] == "seconds" else f", {row['figure']}"
    cells = [
        row["system"] + figure,
        str(len(row["values"])),
        show_spread(row, FORMATS[row["unit"]]),
        show_spread(row["ratio"], show_ratio) if "ratio" in row else "",
    ]
    return f"| {' | '.join(cells)} |"


def work_table(work: dict[str, Any]) -> list[str]:
    """Return the lines of one work."""
    return [
        f"**{work['title']}** (`{work['work']}`)",
        "",
        "| system | rounds | median (min - max) | time as a multiple of skdnn's |",
        "|---|---:|---:|---:|",
        *map(table_row, work["rows"]),
        "",
    ]


def spread_of(values: list[float], middle: float) -> dict[str, float]:
    """Return a median with the range of its values."""
    return {"median": middle, "min": min(values), "max": max(values)}


def growth_table(points: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the growth of time."""
    lines = [
        "**Growth of skdnn's time with rows, width and depth** (`growth`)",
        "",
        "| from | | million multiply-adds | an epoch | arithmetic grows | time grows |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for p in points:
        cells = [
            f"{p['base']}, {p['rows']:,} rows" if p["factor"] == 1 else "",
            f"{p['axis']} x{p['factor']}",
            f"{p['multiply_adds'] / 1e6:,.0f}",
            show_spread(spread_of(p["values"], p["seconds"]), show_seconds),
            show_ratio(p["arithmetic_grown"]),
            show_ratio(p["time_grown"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def conditions(result: dict[str, Any]) -> list[str]:
    """Return the lines that say on what and how it was measured."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    rounds = f"rounds: {result['rounds']}; " if "rounds" in result else ""
    return [
        f"{machine['cores']} cores ({machine['processor']}, {machine['system']}); {rounds}load of "
        f"the machine before: {machine['load before']}; minutes: {result['minutes']:.1f}. "
        f"{versions}.",
        "",
    ]


def markdown(result: dict[str, Any]) -> str:
    """Return the whole result as Markdown, with no heading of its own."""
    lines = [QUICK, ""] if result["quick"] else []
    lines += conditions(result)
    for work in result["works"]:
        lines += work_table(work)
    if "growth" in result:
        lines += growth_table(result["growth"])
    return "\n".join(lines)


def figure_with_axes(n_axes: int) -> tuple[Any, list[Any]]:
    """Return a new figure with axes side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * n_axes, 3.5), layout="constrained")
    return figure, list(figure.subplots(1, n_axes, squeeze=False)[0])


def save(figure: Any, path: str, fonttype: str = "none") -> None:
    """Save a figure so that the same figures make the same file."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "skdnn", "svg.fonttype": fonttype}):
        figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)
