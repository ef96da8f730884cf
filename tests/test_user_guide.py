"""The pages for users: figures are those of the benchmarks, messages those of the package."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "user_guide"
BENCHMARKS = ROOT / "docs" / "development" / "benchmarks"
TREES = ["RandomForest", "ExtraTrees", "HistGB", "LightGBM", "XGBoost"]
PAGES = [
    *sorted(GUIDE.glob("*.md")),
    ROOT / "docs" / "getting_started.md",
    ROOT / "docs" / "migration.md",
]
# Messages of scikit-learn and of TensorFlow that the page explains too.
FOREIGN = {"The feature names should match", "oneDNN custom operations are on"}


def rows(text):
    """Return the cells of each row of the tables in Markdown, without bold type."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("*") for cell in line.strip("|").split("|")] for line in lines]


def scores():
    """Return the score of each system on each table, {table: {system: score}}."""
    found = {}
    for name in ("accuracy.md", "held-out.md"):
        parts = (BENCHMARKS / name).read_text(encoding="utf-8").split("\n\n**")
        for part in parts:
            if part.startswith(("Classification: accuracy**", "Regression: R2**")):
                head, _, *body = rows(part)
                for table, *values in body:
                    found[table] = dict(zip(head[1:], map(float, values), strict=True))
    return found


def margin(systems):
    """Return by how much the default network is better than the best tree ensemble."""
    return round(systems["skdnn"] - max(systems[name] for name in TREES), 4)


def in_benchmark(name):
    return name.replace("\N{MULTIPLICATION SIGN}", "x").removesuffix(", R²")


def section(heading):
    text = (GUIDE / "choosing.md").read_text(encoding="utf-8")
    return text.split(f"# {heading}\n")[1].split("\n## ")[0]


def test_the_tables_that_the_network_loses_are_those_of_the_benchmark():
    measured = scores()
    lost = {table for table, systems in measured.items() if margin(systems) <= -0.005}
    _, _, *listed = rows(section("Tables on which the network loses"))
    assert {in_benchmark(name) for name, *_ in listed} == lost
    for name, network, best in listed:
        systems = measured[in_benchmark(name)]
        score, system = best.split(", ")
        assert float(network) == systems["skdnn"]
        assert systems[system] == float(score) == max(systems[tree] for tree in TREES)


def test_the_numbers_of_tables_lost_and_won_are_those_of_the_benchmark():
    margins = [margin(systems) for systems in scores().values()]
    text = section("Tables on which the network loses")
    assert f"has {len(margins)} tables. On {sum(m <= -0.005 for m in margins)} of them" in text
    assert f"On {sum(m >= 0.005 for m in margins)} tables the network is better" in text


@pytest.mark.parametrize("preset", ["balanced", "fast", "plain"])
def test_the_ranks_of_presets_are_those_of_the_held_out_tables(preset):
    text = (BENCHMARKS / "held-out.md").read_text(encoding="utf-8")
    over_tables = rows(text.split("**Classification: over")[1])
    name = {"balanced": "skdnn"}.get(preset, f"skdnn-{preset}")
    ranks = rows(section("Which preset").split("1 is the best")[1])
    listed = {row[0]: row[1:3] for row in ranks}
    measured = {row[0]: row[1:3] for row in reversed(over_tables)}  # of two, the first
    assert listed[f'`"{preset}"`'] == measured[name]


@pytest.mark.parametrize(("preset", "system"), [("balanced", "skdnn"), ("fast", "skdnn-fast")])
def test_the_times_of_presets_are_those_of_the_benchmark(preset, system):
    listed = {row[0]: row[1:] for row in rows(section("Which preset"))}[preset]
    for name, time in zip(("accuracy.md", "held-out.md"), listed, strict=True):
        text = (BENCHMARKS / name).read_text(encoding="utf-8")
        head, _, *body = rows(text.split("**Classification: over")[1].split("\n\n**")[0])
        row = next(cells for cells in body if cells[0] == system)
        assert row[head.index("relative fit time")] == time


def test_what_the_preset_fast_loses_is_that_of_the_benchmark():
    measured = scores()
    lost = {name: round(row["skdnn"] - row["skdnn-fast"], 4) for name, row in measured.items()}
    n_lost, worst = sum(loss > 0.01 for loss in lost.values()), max(lost, key=lost.__getitem__)
    text = " ".join(section("Which preset").split())
    assert f"more than 0.01 on {n_lost} of all {len(lost)} tables" in text
    assert f"by {lost[worst]:.3f} on one, {worst.partition(' ')[0]}." in text
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"on {n_lost} of all {len(lost)} tables, and at most {lost[worst]:.2f}" in readme


def test_the_gains_of_searches_are_those_of_the_benchmark():
    measured = (BENCHMARKS / "search.md").read_text(encoding="utf-8").split("\n\n**")[0]
    text = (GUIDE / "model_selection.md").read_text(encoding="utf-8")
    listed = text.split("# What a search gains\n")[1].split("\n## ")[0]
    _, _, *found = rows(measured)
    _, _, *quoted = rows(listed)
    assert quoted == [
        [system, ratio, f"{better} tables", seconds] for system, ratio, better, _, seconds in found
    ]


def messages():
    """Return every text of the package; values in an f-string are dots."""
    for path in (ROOT / "skdnn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = node.values
                yield "".join(p.value if isinstance(p, ast.Constant) else "..." for p in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_messages_in_troubleshooting_are_those_of_the_package():
    first_cells = [
        row[0] for row in rows((GUIDE / "troubleshooting.md").read_text(encoding="utf-8"))
    ]
    quoted = {text for cell in first_cells for text in re.findall(r'"([^"]+)"', cell)} - FOREIGN
    known = "\n".join(messages())
    assert len(quoted) > 60
    assert [text for text in sorted(quoted) if text not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_starts_with_its_answer(page):
    title, paragraph = page.read_text(encoding="utf-8").split("\n\n")[:2]
    assert title.startswith("# ")
    assert not paragraph.startswith(("This page", "```", "|"))


SEARCHED = """
    hyperparameter; hyperparameter tuning; dropout; overfitting; regularisation; regularization;
    learning rate; batch size; early stopping; class imbalance; missing values; categorical
    features; one-hot; calibration; uncertainty; GPU; memory leak; reproducibility; seed; save;
    deploy; ONNX; feature importance; SHAP; learning curve; warm start; MLPClassifier; SciKeras;
    skorch; Keras wrapper; cross-validation; grid search; random search; batch normalisation;
    batch normalization; validation data; data leakage; NaN; embedding; LSTM; callbacks; progress;
    multilabel; quantile; prediction interval; threshold; pipeline; pickle; n_jobs; sparse; Optuna
"""


@pytest.mark.parametrize("words", [w.strip() for w in " ".join(SEARCHED.split()).split(";")])
def test_the_words_that_people_search_for_are_in_the_guide(words):
    pattern = re.compile(words.replace(" ", r"[\s-]+"), re.IGNORECASE)
    assert [page.stem for page in PAGES if pattern.search(page.read_text(encoding="utf-8"))]
