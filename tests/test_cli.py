import json
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import skdnn
from skdnn import comparison
from skdnn.cli import datasets, main
from skdnn.comparison import baselines

CHEAP = ["--models", "linear,dummy", "--quiet"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def houses(folder):
    """A table of houses in all supported formats."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=60), "town": rng.choice(["north", None], 60)})
    frame["price"] = 3 * frame["size"] + 5 * frame["town"].isna()
    frame.loc[::9, "size"] = np.nan
    frame.to_csv("houses.csv", index=False)
    frame.to_csv("houses.csv.gz", index=False)
    frame.to_parquet("houses.parquet")
    return frame


@pytest.fixture
def images(folder):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (40, 4, 4), dtype=np.uint8)
    np.savez("images.npz", X=X, y=np.repeat(["cat", "dog"], 20), age=np.arange(40) / 2)
    return X


def problem(capsys, *argv):
    """Run a command that fails, and return its error, which is one line."""
    assert main(["compare", *argv]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert err.startswith("skdnn compare: error: ")
    return err


def in_a_terminal(width, *argv):
    """Run the command in a pseudo-terminal, and return everything that it wrote there."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, width, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    argv = [sys.executable, "-m", "skdnn", *argv]
    with subprocess.Popen(argv, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 2**16):
                parts.append(part)
        except OSError:  # the terminal is closed
            pass
    os.close(ours)
    return b"".join(parts).decode()


class TestCompare:
    def test_prints_the_table_only(self, capsys):
        assert main(["compare", "iris", *CHEAP]) == 0
        out, err = capsys.readouterr()
        assert out.startswith("iris: 150 rows of 4 columns, classification\n\nmodel ")
        assert not err

    def test_digits_are_the_default_and_images(self, capsys):
        assert main(["compare", *CHEAP]) == 0
        assert "digits: 1,797 rows of 8 x 8 values" in capsys.readouterr().out

    @pytest.mark.parametrize("name", ["wine", "breast-cancer", "diabetes"])
    def test_other_data_sets_have_names(self, capsys, name):
        assert main(["compare", name, *CHEAP]) == 0
        assert "Linear  " in capsys.readouterr().out.splitlines()[4]

    def test_fashion_mnist_is_sampled(self, capsys, fashion_mnist):
        assert main(["compare", "fashion-mnist", "--rows", "200", "--cv", "2", *CHEAP]) == 0
        out = capsys.readouterr().out
        assert "fashion-mnist: 200 rows of 28 x 28 values" in out
        assert "2 folds of 100 rows to train on" in out

    @pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
    def test_reads_tables(self, capsys, houses, ending):
        assert main(["compare", f"houses.{ending}", "--target", "price", *CHEAP]) == 0
        assert f"houses.{ending}: 60 rows of 2 columns, regression" in capsys.readouterr().out

    def test_reads_npz(self, capsys, images):
        assert main(["compare", "images.npz", *CHEAP]) == 0
        assert "40 rows of 4 x 4 values, classification" in capsys.readouterr().out

    def test_target_names_the_array_of_an_npz(self, capsys, images):
        assert main(["compare", "images.npz", "--target", "age", *CHEAP]) == 0
        assert "regression" in capsys.readouterr().out

    def test_standard_output_is_json_only(self, capsys):
        argv = [
            "compare",
            "iris",
            "--models",
            "dummy",
            "--cv",
            "3",
            "--scoring",
            "f1_macro,accuracy",
        ]
        assert main([*argv, "--json", "--seed", "4"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["dataset"], told["shape"], told["seed"]) == ("iris", [150, 4], 4)
        assert list(told["models"][0]["scores"]) == ["f1_macro", "accuracy"]
        assert len(told["n_test"]) == 3

    def test_progress_goes_to_standard_error(self, capsys):
        assert main(["compare", "iris", "--models", "dummy"]) == 0
        out, err = capsys.readouterr()
        assert "0/5" in err
        assert "0/5" not in out

    def test_nicknames_of_models_are_accepted(self, capsys):
        assert main(["compare", "iris", "--models", "baseline,lr", "--quiet"]) == 0
        assert {"Linear", "Dummy"} <= set(capsys.readouterr().out.split())

    def test_how_a_file_was_read_is_stated(self, capsys, houses):
        houses.to_csv("haus.csv", index=False, sep=";", decimal=",")
        argv = ["compare", "haus.csv", "--target", "price", *CHEAP]
        assert main(argv) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "haus.csv: 60 rows of 2 columns, regression"
        assert lines[1] == "Read with separator ';'; decimal commas in size, price."
        assert main([*argv, "--json"]) == 0
        read_with = json.loads(capsys.readouterr().out)["read_with"]
        assert read_with == ["separator ';'", "decimal commas in size, price"]

    def test_columns_are_dropped_and_chosen(self, capsys, houses):
        argv = ["compare", "houses.csv", "--target", "price", *CHEAP]
        for choice in (["--drop", "town"], ["--columns", "size"], ["--columns", '"size"']):
            assert main([*argv, *choice]) == 0
            assert "houses.csv: 60 rows of 1 column, regression" in capsys.readouterr().out

    @pytest.mark.parametrize("sep", [";", "semicolon"])
    def test_the_separator_is_an_option(self, capsys, houses, sep):
        houses.to_csv("b.csv", index=False, sep=";")
        argv = ["compare", "b.csv", "--target", "price", "--sep", sep, *CHEAP]
        assert main(argv) == 0
        assert "Read with" not in capsys.readouterr().out

    def test_large_labels_stay_apart(self, capsys, folder):
        rows = "".join(f"{i % 4},{1_790_000_000_000_000_000 + i % 4}\n" for i in range(40))
        (folder / "shops.csv").write_text("x,shop\n" + rows)
        assert main(["compare", "shops.csv", "--target", "shop", *CHEAP, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["task"] == "classification"
        assert told["models"][0]["scores"]["accuracy"]["mean"] == 1

    @pytest.mark.parametrize(
        ("width", "headers"),
        [
            (40, ["model", "accuracy", "fit s"]),
            (120, ["model", "accuracy", "f1_macro", "fit s", "predict s", "vs best"]),
        ],
    )
    def test_a_narrow_terminal_gets_fewer_columns(self, capsys, monkeypatch, width, headers):
        monkeypatch.setenv("COLUMNS", str(width))
        argv = ["--scoring", "accuracy,f1_macro", "--cv", "3", "--models", "dummy,rf"]
        assert main(["compare", "iris", *argv, "--quiet"]) == 0
        out = capsys.readouterr().out
        assert all(len(line) <= width for line in out.splitlines())
        table = next(line for line in out.splitlines() if line.startswith("model "))
        assert re.split(r"  +", table) == headers

    def test_plot_is_saved(self, folder):
        assert main(["compare", "iris", *CHEAP, "--plot", "iris.png"]) == 0
        assert (folder / "iris.png").read_bytes().startswith(b"\x89PNG")

    def test_task_overrules(self, capsys):
        assert main(["compare", "iris", "--task", "regression", *CHEAP]) == 0
        assert " r2 " in capsys.readouterr().out

    @pytest.mark.filterwarnings("default::skdnn._data.column_warnings.ColumnWarning")
    def test_useless_columns_are_named_once_with_the_option_to_drop_them(self, capsys, folder):
        rows = "".join(f"2024-{i:03},id{i},{i},{i % 2}\n" for i in range(60))
        (folder / "visits.csv").write_text("day,id,x,y\n" + rows)
        argv = ["compare", "visits.csv", "--target", "y", "--models", "dummy,linear", "--quiet"]
        assert main(argv) == 0
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert "Columns 'day', 'id' of X hold text" in lines[0]
        assert "with --drop NAME,NAME" in lines[0]
        assert main([*argv, "--drop", "day,id"]) == 0
        assert not capsys.readouterr().err

    @pytest.mark.filterwarnings("default:half as good")
    def test_warnings_are_one_line(self, capsys, monkeypatch):
        def loud(*_, **__):
            warnings.warn("half as good\nand more", UserWarning, stacklevel=1)
            raise ValueError("the end")

        monkeypatch.setattr(comparison, "compare", loud)
        assert main(["compare"]) == 2
        assert capsys.readouterr().err.splitlines()[0] == "skdnn compare: warning: half as good"


class TestBadInput:
    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["digts"], "no data set 'digts' (did you mean 'digits'"),
            (["no.csv", "--target", "x"], "there is no file no.csv"),
            (["iris", "--target", "x"], "--target is for files"),
            (
                ["houses.csv"],
                "needs --target COLUMN, the column to predict; it has size, town, price",
            ),
            (["houses.csv", "--target", "prise"], "no column 'prise' (did you mean 'price'?)"),
            (["houses.csv", "--target", "town"], "column 'town' of houses.csv is empty in "),
            (["iris", "--models", "random-florest"], "Did you mean 'random-forest'?"),
            (["iris", "--models", ","], "--models: expected names with commas between them"),
            (["iris", "--scoring", "acuracy"], "Did you mean 'accuracy'"),
            (["iris", "--cv", "1"], "--cv: expected a whole number from 2, got '1'"),
            (["iris", "--cv", "51", *CHEAP], "Got 51 folds and 50 rows of class '0'"),
            (["diabetes", "--cv", "443", *CHEAP], "diabetes: --cv must be at most 442"),
            (["iris", "--sep", "::"], "--sep: expected one character or tab, got '::'"),
            (["iris", "--models", "rf,forest"], "--models must name each model once"),
            (["houses.csv", "--target", "size"], "column 'size' of houses.csv is empty in 7 of 60"),
            (["rare.csv", "--target", "y"], "rare.csv: --cv must not exceed the rows of the small"),
            (["rare.csv", "--target", "y"], "class 'c' (3 classes in 23 rows): write --cv 3 or"),
            (["one.csv", "--target", "y"], "one.csv: the input must have two rows or more. Got 1"),
            (["few.csv", "--target", "y"], "few.csv: --cv must be at most 3, the number of rows"),
            (["iris", "--rows", "many"], "--rows: expected a whole number from 2, got 'many'"),
            (["iris", "--plot", "iris.doc"], "iris.doc must end in .png, .svg or .pdf"),
            (["iris", "--plot", "nowhere/iris.png"], "cannot write to the folder nowhere"),
        ],
    )
    def test_is_reported_in_one_line(self, capsys, houses, folder, argv, message):
        rows = "".join(f"{i},{y}\n" for i, y in enumerate("ab" * 10 + "ccc"))
        (folder / "rare.csv").write_text("x,y\n" + rows)
        (folder / "one.csv").write_text("x,y\n1,2\n")
        (folder / "few.csv").write_text("x,y\n1,2.5\n2,3.5\n3,4.5\n")
        assert message in problem(capsys, *argv)

    @pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "npz"])
    def test_an_unreadable_file_is_reported(self, capsys, folder, ending):
        (folder / f"rubbish.{ending}").write_bytes(b"\xff\xfe\x00\x81")
        message = problem(capsys, f"rubbish.{ending}", "--target", "x")
        assert f"cannot read rubbish.{ending}: " in message

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"X": np.zeros((3, 2))}, "no array 'y' to predict; it has X; choose with --target"),
            ({"a": np.zeros((3, 2)), "b": [1], "y": [1, 2, 3]}, "hold the input as an array X"),
            ({"X": np.zeros((3, 2)), "y": [1, 2]}, "their shapes are (3, 2) and (2,)"),
            (
                {"X": np.array([[{}]]), "y": [1]},
                "cannot read a.npz: Object arrays cannot be loaded",
            ),
        ],
    )
    def test_an_npz_without_the_needed_arrays_is_reported(self, capsys, folder, arrays, message):
        np.savez("a.npz", **arrays)
        assert message in problem(capsys, "a.npz")

    def test_a_table_of_the_target_alone_is_reported(self, capsys, folder):
        (folder / "one.csv").write_text("y\n1\n2\n")
        assert "no column besides 'y'" in problem(capsys, "one.csv", "--target", "y")

    def test_missing_pandas_is_reported(self, capsys, houses, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        assert "needs pandas: pip install" in problem(capsys, "houses.csv", "--target", "price")

    def test_a_failed_download_is_reported(self, capsys, monkeypatch):
        def nowhere():
            raise OSError("no network\nand no copy")

        monkeypatch.setitem(datasets.DATASETS, "fashion-mnist", datasets.NamedData("", nowhere))
        assert "error: no network and no copy" in problem(capsys, "fashion-mnist")


class TestSample:
    def test_has_classes_in_proportion(self):
        y = np.repeat(["a", "b", "c"], [600, 300, 100])
        rows = datasets.sample(y, 100, seed=0)
        assert np.unique(y[rows], return_counts=True)[1].tolist() == [60, 30, 10]
        assert len(np.unique(rows)) == 100

    def test_has_numbers_in_proportion(self):
        y = np.random.default_rng(0).normal(size=1000)
        rows = datasets.sample(y, 100, seed=0)
        assert np.median(y[rows]) == pytest.approx(np.median(y), abs=0.02)

    def test_follows_the_seed(self):
        y = np.zeros(100)
        one, same, other = (datasets.sample(y, 10, seed) for seed in (1, 1, 2))
        assert one.tolist() == same.tolist() != other.tolist()


class TestProgram:
    def test_alone_prints_help(self, capsys):
        assert main([]) == 0
        out = capsys.readouterr().out
        assert "cross-validate the network" in out
        assert all(f"    {name} " in out for name in ("train", "predict", "export", "info"))

    @pytest.mark.parametrize("argv", [["--version"], ["--help"], ["compare", "--help"]])
    def test_prints_version_and_help(self, capsys, argv):
        with pytest.raises(SystemExit, match="0"):
            main(argv)
        assert capsys.readouterr().out.split()[:2] in (
            ["skdnn", skdnn.__version__],
            ["usage:", "skdnn"],
        )

    def test_help_names_every_model_and_fits_80_columns(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit, match="0"):
            main(["compare", "--help"])
        text = capsys.readouterr().out
        assert all(baselines.short(name) in text for name in baselines.BASELINES)
        assert max(map(len, text.splitlines())) <= 80

    @pytest.mark.parametrize("command", ["train", "predict", "export", "info"])
    def test_help_of_every_command_is_a_manual(self, capsys, monkeypatch, command):
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        text = capsys.readouterr().out
        assert text.startswith(f"usage: skdnn {command} ")
        assert all(part in text for part in ("examples:\n", "exit status:\n  0 done, 2 bad input"))
        assert max(map(len, text.splitlines())) <= 80

    def test_an_unknown_command_is_reported(self, capsys):
        assert main(["compar"]) == 2
        assert "skdnn: error: argument COMMAND: invalid choice: 'compar'" in capsys.readouterr().err

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
    @pytest.mark.parametrize("width", [40, 80])
    def test_nothing_is_wider_than_a_real_terminal(self, width):
        printed = in_a_terminal(width, "compare", "iris", "--models", "dummy,rf", "--cv", "3")
        lines = re.split(r"[\r\n]+", printed)
        assert max(map(len, lines)) <= width
        assert any(re.match(r"RandomForest: +\d+%", line) for line in lines)
        assert ("predict s  vs best" in printed) == (width == 80)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
    def test_a_terminal_shows_the_epochs_of_a_training_and_no_binary_file(self, folder):
        options = ["--preset", "plain", "--epochs", "3"]
        lines = re.split(r"[\r\n]+", in_a_terminal(40, "train", "iris", *options))
        assert max(map(len, lines)) <= 40
        assert any(re.match(r"epoch \d/3: +\d+%", line) for line in lines)
        assert (folder / "iris.skdnn").exists()
        refused = in_a_terminal(80, "train", "iris", "-o", "-")
        assert refused.startswith("skdnn train: error: standard output is a terminal")

    def test_ctrl_c_is_reported_in_one_line(self, capsys, monkeypatch):
        def interrupted(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(comparison, "compare", interrupted)
        assert main(["compare"]) == 130
        assert capsys.readouterr().err == "\nskdnn compare: stopped\n"

    def test_help_imports_nothing_heavy(self):
        code = (
            "import sys; from skdnn.cli import main; main([]); "
            "sys.exit(','.join({'numpy', 'sklearn', 'tensorflow'} & set(sys.modules)))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
        )
        assert run.stderr.strip() == ""

    def test_a_reader_who_leaves_early_is_no_error(self):
        argv = [sys.executable, "-m", "skdnn", "compare", "iris", *CHEAP]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            run.stdout.close()
            assert run.stderr.read() == b""
        assert run.returncode == 141
