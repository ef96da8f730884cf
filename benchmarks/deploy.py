"""What it takes to use a fitted classifier elsewhere: time, memory and the sizes of files.

Every figure is of a fresh process. The ways take turns within a round, and ratios are taken within
rounds.
"""

import pickle
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import tables
from benchmarks.fresh import READERS, WRITERS
from benchmarks.report import FORMATS, QUICK, conditions, show_ratio, show_spread
from benchmarks.speed import hush, machine, say, spread
from benchmarks.systems import require
from benchmarks.work import run_fresh

ROUNDS, QUICK_ROUNDS = 5, 1
PACKAGES = ("numpy", "scikit-learn", "pandas", "safetensors", "skops", "onnx", "onnxruntime")
N_ROWS, N_COLUMNS, QUICK_ROWS = 100_000, 20, 500  # of the CSV file
TRAINED_ON = 5_000  # of these; time and memory of a prediction do not depend on it
# Rows, numeric columns, and the numbers of categories of the others, as in the table "adult".
ADULT = (32_561, 6, (8, 16, 7, 14, 6, 5, 2, 41))
PRESETS = ("plain", "default")
# Rows of the table of latencies: figure of `benchmarks.fresh serve` -> its title.
LATENCIES = {
    "seconds": "from the start of the process to the first answer",
    "load": "of which loading, with its imports",
    "first": "of which the first prediction of a row",
    "later": "a later prediction of a row",
    "peak MB": "peak memory",
}
TITLES = {
    "predict": "Predicting a CSV file of {n_rows:,} rows and {n_columns} columns into another one, "
    "in a fresh process",
    "size": "Sizes of the files of a classifier fitted on {adult}",
    "serve": "Loading such a file in a fresh process, and predicting single rows",
    "save": "Writing such a file for the first time in a process, and again",
}


def run(data: Path, rounds: int | None = None, quick: bool = False) -> dict[str, Any]:
    """Measure all of it; return all figures, ready for JSON."""
    require({"onnx", "onnxruntime", "pandas", "skops"}, "test", "")
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    result = {"machine": machine(PACKAGES), "rounds": rounds, "quick": quick}
    begin = time.perf_counter()
    with TemporaryDirectory() as name:
        folder = Path(name)
        say("fitting")
        with ProcessPoolExecutor(1, get_context("spawn"), initializer=hush) as pool:
            result["titles"] = pool.submit(prepare, folder, data, quick).result()
        lines = predicting(folder, rounds)
        for preset in PRESETS:
            lines += saving(folder, preset, rounds)
            lines += serving(folder, preset, rounds)
    result["lines"] = lines
    return result | {"minutes": (time.perf_counter() - begin) / 60}


def prepare(folder: Path, data: Path, quick: bool) -> dict[str, str]:
    """Fit and pickle every classifier, and write the CSV file and the single row.

    Returns
    -------
    titles : dict of str
        The title of each part of the report.
    """
    adult, n_rows = write_classifiers_of_adult(folder, data, quick), QUICK_ROWS if quick else N_ROWS
    write_classifiers_of_numbers(folder, n_rows, quick)
    known = {"n_rows": n_rows, "n_columns": N_COLUMNS, "adult": adult}
    return {part: title.format(**known) for part, title in TITLES.items()}


def classifier(preset: str, quick: bool) -> Any:
    """Return the default classifier, or a plain one of the same sizes as `MLPClassifier()`."""
    from skdnn import DNNClassifier

    params: dict[str, Any] = {"preset": "plain"} if preset == "plain" else {}
    if quick:
        params["epochs"] = 1
    return DNNClassifier(random_state=0, **params)


def write_classifiers_of_numbers(folder: Path, n_rows: int, quick: bool) -> None:
    """Fit on random numbers; write files to predict with, and the table to predict."""
    import pandas as pd
    from sklearn.datasets import make_classification
    from sklearn.neural_network import MLPClassifier

    import skdnn

    X, y = make_classification(n_rows, N_COLUMNS, random_state=0)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(N_COLUMNS)])
    frame.to_csv(folder / "rows.csv", index=False)
    few, labels = frame[:TRAINED_ON], y[:TRAINED_ON]
    for preset in PRESETS:
        skdnn.save(classifier(preset, quick).fit(few, labels), folder / f"numbers-{preset}.skdnn")
    peer = MLPClassifier(max_iter=20, random_state=0).fit(few, labels)
    (folder / "numbers.pickle").write_bytes(pickle.dumps(peer))


def write_classifiers_of_adult(folder: Path, data: Path, quick: bool) -> str:
    """Fit and pickle a classifier for each preset, and write a row; return what the table is."""
    title, X, y = adult(data)
    if quick:
        X, y = X[:QUICK_ROWS], y[:QUICK_ROWS]
    for preset in PRESETS:
        fitted = classifier(preset, quick).fit(X, y)
        (folder / f"{preset}.pickle").write_bytes(pickle.dumps(fitted))
    row = X.dropna().iloc[[0]].to_json(orient="records")
    (folder / "row.json").write_text(row[1:-1], encoding="utf-8")
    return title


def adult(data: Path) -> tuple[str, Any, np.ndarray]:
    """Return the census table, or a random table of the same shape, with what it is."""
    index = tables.read_index(data, needed=False)
    if "adult" in index:
        _, X, y = tables.read(data, index["adult"])
        return f"the table adult ({len(X):,} rows, {X.shape[1]} columns)", X, y
    n_rows, n_numbers, categories = ADULT
    rng = np.random.default_rng(0)
    import pandas as pd

    X = pd.DataFrame(rng.normal(size=(n_rows, n_numbers)).round(2)).add_prefix("number")
    for i, n in enumerate(categories):
        names = np.array([f"category {j}" for j in range(n)])
        X[f"text{i}"] = pd.Categorical(names[rng.integers(n, size=n_rows)])
    title = f"a random table of the shape of adult ({n_rows:,} rows, {X.shape[1]} columns)"
    return title, X, (X["number0"] + rng.normal(size=n_rows) > 0).to_numpy(np.int64)


def predicting(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Measure the prediction of a file: scikit-learn's with a pickle, skdnn's by the command."""
    table, output = folder / "rows.csv", folder / "predicted.csv"
    ways = {"MLPClassifier, unpickled": ("pickle", folder / "numbers.pickle")}
    for preset in PRESETS:
        ways[f"skdnn predict, {preset}"] = ("command", folder / f"numbers-{preset}.skdnn")

    def measure(name: str) -> dict[str, float]:
        output.unlink(missing_ok=True)
        way, model = ways[name]
        return run_fresh("predict-table", way, str(model), str(table), str(output))

    figures = in_turns("predict", list(ways), measure, rounds)
    return [
        line("predict", "wall time", "s", figures, "seconds"),
        line("predict", "peak memory", "MB", figures, "peak MB"),
    ]


def saving(folder: Path, preset: str, rounds: int) -> list[dict[str, Any]]:
    """Measure the writing of every kind of file, and its size; the files stay."""

    def measure(way: str) -> dict[str, float]:
        file = file_of(folder, preset, way)
        figures = run_fresh("save", way, str(folder / f"{preset}.pickle"), str(file))
        return figures | {"kB": file.stat().st_size / 1000}

    figures = in_turns(f"save, {preset}", list(WRITERS), measure, rounds)
    return [
        line("size", preset, "kB", figures, "kB"),
        line("save", f"{preset}, first", "s", figures, "first"),
        line("save", f"{preset}, again", "s", figures, "later"),
    ]


def serving(folder: Path, preset: str, rounds: int) -> list[dict[str, Any]]:
    """Measure loading and the prediction of single rows, with the files that `saving` wrote."""

    def measure(way: str) -> dict[str, float]:
        return run_fresh("serve", way, str(file_of(folder, preset, way)), str(folder / "row.json"))

    figures = in_turns(f"serve, {preset}", list(READERS), measure, rounds)
    return [
        line("serve", f"{preset}: {title}", "MB" if "MB" in name else "s", figures, name)
        for name, title in LATENCIES.items()
    ]


def file_of(folder: Path, preset: str, way: str) -> Path:
    """Return the file of a preset that one of `WRITERS` writes."""
    return folder / f"{preset}.{way.lstrip('.').replace(', ', '-').replace(' ', '-')}.file"


def in_turns(
    part: str, ways: list[str], measure: Callable[[str], dict[str, float]], rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Return the figures of each way, one set for each round."""
    figures: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for turn in range(rounds):
        say(f"{part}, round {turn + 1} of {rounds}")
        first = turn % len(ways)  # no way is always behind the same other one
        for way in ways[first:] + ways[:first]:
            figures[way].append(measure(way))
    return figures


def line(
    part: str, title: str, unit: str, figures: dict[str, list[dict[str, float]]], name: str
) -> dict[str, Any]:
    """Return one line of a table: the values of each way, and their ratios to the first way's."""
    values = {way: [figure[name] for figure in rounds] for way, rounds in figures.items()}
    reference = next(iter(values.values()))
    ways = {}
    for way, these in values.items():
        ratios = [a / b for a, b in zip(these, reference, strict=True)]
        ways[way] = {"values": these} | spread(these) | {"ratio": spread(ratios)}
    return {"part": part, "title": title, "unit": unit, "ways": ways}


def markdown(result: dict[str, Any]) -> str:
    """Return the figures as tables, with the ratios to the first column."""
    text = [QUICK, ""] if result["quick"] else []
    text += conditions(result)
    for part, title in result["titles"].items():
        lines = [line for line in result["lines"] if line["part"] == part]
        text += [f"**{title}** (`{part}`)", "", *table(lines), ""]
    return "\n".join(text)


def table(lines: list[dict[str, Any]]) -> list[str]:
    """Return the lines of one table."""
    ways = list(lines[0]["ways"])
    text = [f"| | {' | '.join(ways)} |", f"|---|{'---:|' * len(ways)}"]
    for row in lines:
        cells = [cell(way, row, i) for i, way in enumerate(row["ways"].values())]
        text.append(f"| {row['title']} | {' | '.join(cells)} |")
    return text


def cell(way: dict[str, Any], row: dict[str, Any], position: int) -> str:
    """Return the median, the range if there is one, and the ratio to the first column."""
    show = FORMATS[row["unit"]]
    same = show(way["min"]) == show(way["max"])
    value = show(way["median"]) if same else show_spread(way, show)
    return f"{value}, {show_ratio(way['ratio']['median'])}" if position else value
