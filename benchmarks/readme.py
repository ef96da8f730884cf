"""The figures of the README: taken from the pages of measurements, never measured here."""

import json
import re
from pathlib import Path
from statistics import median
from textwrap import wrap
from typing import Any

from benchmarks import peers
from benchmarks.report import FORMATS, show_ratio, show_seconds, show_spread
from benchmarks.work import ROOT

FILE = ROOT / "README.md"
PAGES = ROOT / "docs" / "development" / "benchmarks"
# Head of a column in the README -> its head on the page.
ACCURACY = {
    "mean rank": "mean rank",
    "rank by log-loss": "by log-loss",
    "accuracy": "mean score",
    "log-loss": "mean log-loss",
    "fit time": "relative fit time",
}
NAMES = {"skdnn": "**skdnn**", "skdnn-fast": '**skdnn**, `preset="fast"`'}
LEFT_OUT = ("skdnn-plain",)
ROWS = {"up to 1,000": (0, 1000), "1,001 to 5,000": (1001, 5000), "5,001 to 10,000": (5001, 10_000)}
# Work of `python -m benchmarks speed` -> what the README says of it, and whom it names.
SPEED = {
    "epoch-32": ("an epoch of 48,000 x 784, 100 units, batches of 32", ("Keras", "MLPClassifier")),
    "deep-256": ("an epoch, 3 x 256 units, batches of 256", ("Keras", "PyTorch")),
    "grid": ("a `GridSearchCV` of 40 fits on digits", ("SciKeras", "MLPClassifier")),
    "wrapped-grid": ("the same with `KerasClassifier`", ("SciKeras",)),
    "wrapped-convolution": ("a small CNN in `KerasClassifier`, first fit", ("SciKeras",)),
    "predict-1": ("`predict_proba` of one row", ("SciKeras", "MLPClassifier", "PyTorch")),
    "load": ("process start, unpickling, one prediction", ("SciKeras", "MLPClassifier")),
}


def update(file: Path = FILE) -> str:
    """Write every part between its marks in a file; return the new text."""
    text = file.read_text(encoding="utf-8")
    for name, lines in parts().items():
        begin, end = f"<!-- {name}: python -m benchmarks readme -->", f"<!-- end of {name} -->"
        pattern = re.escape(begin) + r".*?" + re.escape(end)
        content = "\n".join([begin, "", *lines, "", end])
        text, n = re.subn(pattern, lambda _, content=content: content, text, flags=re.DOTALL)
        if n != 1:
            raise SystemExit(f"{file} has no part between {begin} and {end}.")
    file.write_text(text, encoding="utf-8")
    return text


def parts() -> dict[str, list[str]]:
    """Return the lines of each part."""
    return {
        "needs": peers.table(read("peers.json")),
        "accuracy": accuracy(),
        "rows": fit_times_by_rows(),
        "speed": speed(),
    }


def read(name: str) -> Any:
    """Return the content of one of the JSON files."""
    return json.loads((PAGES / name).read_text(encoding="utf-8"))


def accuracy() -> list[str]:
    """Return what the held-out tables add up to: classification as a table, regression in words."""
    head, *rows = part_of_page("Classification: over the tables")
    lines = [["", *ACCURACY]]
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        if row[0] not in LEFT_OUT:
            shown = [cells[column].partition(" ")[0] for column in ACCURACY.values()]
            lines.append([NAMES.get(row[0], row[0]), *shown])
    head, *rows = part_of_page("Regression: over the tables")
    scores = {row[0]: dict(zip(head, row, strict=True))["mean score"] for row in rows}
    best = sorted(set(scores) - set(LEFT_OUT), key=scores.__getitem__, reverse=True)
    parts = [f"{name} {float(scores[name]):.2f}" for name in best]
    text = [won_and_lost(), f"Mean R² of the three regression tables: {', '.join(parts)}."]
    return [*table(lines), "", *wrap(" ".join(text), 100)]


def won_and_lost() -> str:
    """Return on how many tables skdnn is better than two baselines, and on how many worse."""
    texts = []
    for what, title in (
        ("more accurate", "tables won and lost"),
        ("better by log-loss", "tables won and lost by log-loss"),
    ):
        found = {row[0]: row for row in part_of_page(f"Classification: {title}")}
        parts = []
        for other in ("RandomForest", "LightGBM"):
            _, counts, *_, p = found[f"skdnn against {other}"]
            won, _, lost = counts.split(" - ")
            p = "p < 0.001" if p == "0.000" else f"p = {p}"
            parts.append(f"{other} on {won} tables and worse on {lost} ({p})")
        texts.append(f"{what} than {', than '.join(parts)}")
    return (
        f"The default is {', and '.join(texts)}; p is of Wilcoxon's test over the tables, "
        "Holm-adjusted."
    )


def part_of_page(title: str) -> list[list[str]]:
    """Return the head and the rows of a table on the page of the held-out tables."""
    page = (PAGES / "held-out.md").read_text(encoding="utf-8")
    found = re.search(rf"\*\*{title}\*\*.*?\n\n(.*?)\n\n", page, re.DOTALL)
    assert found
    head, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()
    )
    return [head, *rows]


def fit_times_by_rows() -> list[str]:
    """Return the median and the range of fit times as multiples of RandomForest's."""
    result = read("accuracy.json")
    sizes = {t["table"]: t["rows"] for t in result["tables"]}
    lines = [["rows", "tables", "default", '`preset="fast"`']]
    for title, (least, most) in ROWS.items():
        cells = []
        for system in ("skdnn", "skdnn-fast"):
            ratios = [
                ratio
                for kind in ("classification", "regression")
                for name, ratio in zip(
                    result["summaries"][kind]["means"]["score"],
                    result["summaries"][kind]["systems"][system]["fit ratios"],
                    strict=True,
                )
                if least <= sizes[name] <= most
            ]
            cells.append(spread(ratios))
        lines.append([title, str(len(ratios)), *cells])
    return table(lines)


def spread(ratios: list[float]) -> str:
    """Return the median and the range of some ratios."""
    told = {"median": median(ratios), "min": min(ratios), "max": max(ratios)}
    return show_spread(told, show_ratio)


def speed() -> list[str]:
    """Return times and memory of skdnn, and those of others as multiples."""
    result = read("speed.json")
    works = {work["work"]: {} for work in result["works"]}
    for work in result["works"]:
        for row in work["rows"]:
            works[work["work"]][row["system"], row["figure"]] = row
    lines = [["", "skdnn", "others, as a multiple"]]
    for name, (title, systems) in SPEED.items():
        rows = works[name]
        ratios = [f"{s} {show_ratio(rows[s, 'seconds']['ratio']['median'])}" for s in systems]
        lines.append([title, show_seconds(rows["skdnn", "seconds"]["median"]), ", ".join(ratios)])
    memory = {s: works["load"][s, "peak MB"]["median"] for s in ("skdnn", "SciKeras")}
    others = f"SciKeras {show_ratio(memory['SciKeras'] / memory['skdnn'])}"
    return table([*lines, ["peak memory of this process", FORMATS["MB"](memory["skdnn"]), others]])


def table(lines: list[list[str]]) -> list[str]:
    """Return a Markdown table whose columns but the first are numbers."""
    lines = [lines[0], ["---", *["---:"] * (len(lines[0]) - 1)], *lines[1:]]
    return [f"| {' | '.join(line)} |" for line in lines]
