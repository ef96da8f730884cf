import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score

from skdnn import DNNClassifier
from skdnn.cli import main
from skdnn.cli.held_out import rows_to_hold_out, scores, task_and_reason
from skdnn.cli.train import Rows
from skdnn.persistence.info import read_info
from skdnn.persistence.load import load

QUICK = ["--preset", "plain", "--epochs", "2", "--quiet"]
N = 60  # rows of the houses


def table(out):
    """The numbers in the printed table of scores, by row."""
    rows = [line.split() for line in out.splitlines() if line.startswith(("this model", "dummy"))]
    return {row[0]: [float(cell.replace(",", "")) for cell in row[-2:]] for row in rows}


class TestModel:
    def test_is_the_one_of_python(self, regression, in_python):
        loaded = load(regression)
        X = in_python["X"]
        np.testing.assert_array_equal(loaded.predict(X), in_python["price"].predict(X))
        assert loaded.get_params() == in_python["price"].get_params()

    def test_is_named_after_the_data(self, folder, capsys):
        assert main(["train", "iris", "--jobs", "2", *QUICK]) == 0
        out = capsys.readouterr().out
        assert "Saved iris.skdnn (" in out
        assert "on all 150 rows." in out.replace("\n", " ")
        X, y = load_iris(return_X_y=True)
        expected = DNNClassifier(preset="plain", epochs=2, random_state=0).fit(X, y)
        found = load("iris.skdnn")
        np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-6)
        assert found.n_jobs == 2

    def test_has_the_time_limit_and_the_monitor(self, folder):
        given = ["--time-limit", "600", "--monitor", "neg_log_loss"]
        assert main(["train", "iris", *QUICK, *given]) == 0
        params = load("iris.skdnn").get_params()
        assert (params["time_limit"], params["monitor"]) == (600.0, "neg_log_loss")

    def test_metadata_has_target_task_and_data(self, regression, classification):
        told = read_info(regression).metadata
        assert (told["target"], told["task"], told["rows"]) == ("price", "regression", N)
        assert told["data"].endswith("houses.csv")
        told = read_info(classification).metadata
        assert (told["target"], told["task"]) == ("kind", "classification")
        assert told["rows_trained_on"] == 45
        assert set(told) >= {"held_out_accuracy", "held_out_log_loss"}

    def test_goes_through_pipes(self, folder, pipe, houses, regression, capfdbinary):
        pipe(houses.to_csv(index=False).encode())
        argv = ["train", "-", "--target", "price", "--drop", "kind,big", "-o", "-"]
        assert main([*argv, *QUICK]) == 0
        out, err = capfdbinary.readouterr()
        (folder / "m.skdnn").write_bytes(out)
        same = load("m.skdnn")
        X = houses[list(same.feature_names_in_)]
        np.testing.assert_array_equal(same.predict(X), load(regression).predict(X))
        assert b"standard input: 60 rows of 5 columns" in err

    @pytest.mark.parametrize("ending", ["parquet", "npz"])
    def test_is_trained_on_other_formats_through_a_pipe(self, folder, pipe, houses, ending):
        if ending == "parquet":
            houses.to_parquet("a.parquet")
        else:
            np.savez("a.npz", X=np.arange(2.0 * N).reshape(N, 2), price=houses["price"])
        pipe((folder / f"a.{ending}").read_bytes())
        argv = ["train", "-", "--target", "price", "-o", "m.skdnn"]
        drop = [] if ending == "npz" else ["--drop", "big"]
        assert main([*argv, *drop, *QUICK]) == 0
        assert load("m.skdnn").n_features_in_ == (2 if ending == "npz" else 6)

    def test_weights_are_used_and_no_input(self, folder, houses):
        frame = houses[["size", "rooms", "kind"]].assign(w=np.arange(N) % 2)
        frame.to_csv("a.csv", index=False)
        argv = ["train", "a.csv", "--target", "kind", "--weight", "w"]
        assert main([*argv, *QUICK]) == 0
        X = pd.read_csv("a.csv")[["size", "rooms"]]
        expected = DNNClassifier(preset="plain", epochs=2, random_state=0)
        expected.fit(X, frame["kind"], sample_weight=frame["w"])
        found = load("a.skdnn")
        np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))

    def test_a_plain_file_name_never_replaces_a_file(self, folder, problem):
        (folder / "iris.skdnn").write_text("mine")
        assert "iris.skdnn exists: write -o iris.skdnn" in problem("train", "iris")
        assert main(["train", "iris", "-o", "iris.skdnn", *QUICK]) == 0
        assert load("iris.skdnn").n_features_in_ == 4

    def test_labels_keep_leading_zeros_and_every_digit(self, folder):
        rows = "".join(f"{i},00{i % 2},{2**60 + i % 2}\n" for i in range(40))
        (folder / "a.csv").write_text("x,code,shop\n" + rows)
        classes = {"code": ["000", "001"], "shop": [2**60, 2**60 + 1]}
        for target, expected in classes.items():
            argv = ["train", "a.csv", "--target", target, "--columns", "x", "-o", "m.skdnn"]
            assert main([*argv, *QUICK]) == 0
            assert load("m.skdnn").classes_.tolist() == expected
        argv = ["train", "a.csv", "--target", "code", "--task", "regression", "--columns", "x"]
        assert main([*argv, *QUICK]) == 0


class TestTask:
    @pytest.mark.parametrize(
        ("task", "y", "expected"),
        [
            ("auto", ["a", "b", "c"], "classification of 3 classes, because the target has text"),
            ("auto", [True, False], "classification of 2 classes, because the target is true or"),
            ("auto", [3, 1, 3], "classification of 2 classes, because the target has 2 distinct"),
            ("auto", [0.5, 1], "regression, because the target has numbers with fractions"),
            ("auto", list(range(40)), "regression, because the target has more than 30 distinct"),
            ("regression", [1, 2], "regression, as --task says"),
            ("classification", list(range(40)), "classification of 40 classes, as --task says"),
        ],
    )
    def test_comes_with_its_reason(self, task, y, expected):
        assert task_and_reason(task, np.array(y))[1].startswith(expected)

    def test_is_printed(self, folder, houses, capsys):
        houses.to_csv("houses.csv", index=False, sep=";")
        argv = ["train", "houses.csv", "--target", "rooms", "--columns", "size", "-o", "m.skdnn"]
        assert main([*argv, *QUICK]) == 0
        words = " ".join(capsys.readouterr().out.split())
        assert "houses.csv: 60 rows of 1 column Read with separator ';'." in words
        assert "Target rooms: classification of 8 classes, because the target has 8" in words
        assert "(else: --task regression)" in words


class TestHeldOutScore:
    def test_is_that_of_the_saved_model_beside_a_dummy(self, folder, houses, capsys):
        houses.to_csv("houses.csv", index=False)
        argv = ["train", "houses.csv", "--target", "price", "--drop", "kind,big"]
        assert main([*argv, "--valid", "0.25", *QUICK]) == 0
        out = capsys.readouterr().out
        model, y = load("houses.skdnn"), houses["price"].to_numpy()
        held, kept = rows_to_hold_out(y, 0.25, 0, "regression")
        X = pd.read_csv("houses.csv")[list(model.feature_names_in_)]
        dummy = DummyRegressor().fit(X.iloc[kept], y[kept])
        for name, m in (("this", model), ("dummy", dummy)):
            predicted = m.predict(X.iloc[held])
            exact = [r2_score(y[held], predicted), mean_absolute_error(y[held], predicted)]
            assert table(out)[name] == pytest.approx(exact, rel=1e-3)
        assert "on 45 rows, without the 15 held-out rows" in " ".join(out.split())
        told = read_info("houses.skdnn").metadata
        assert told["held_out_r2"] == r2_score(y[held], model.predict(X.iloc[held]))

    def test_of_classes_is_accuracy_and_log_loss_with_weights(self, iris):
        X, y = iris
        weight = np.arange(150) % 3 + 1.0
        held, kept = rows_to_hold_out(y, 0.2, 0, "classification")
        job = Rows(X, y, weight, "classification")
        model = DNNClassifier(preset="plain", epochs=1, random_state=0)
        model.fit(X[kept], y[kept], weight[kept])
        dummy = DummyClassifier().fit(X[kept], y[kept], weight[kept])
        found = scores(model, job.at(kept), job.at(held))
        for i, m in enumerate((model, dummy)):
            w = {"sample_weight": weight[held]}
            assert found["accuracy"][i] == accuracy_score(y[held], m.predict(X[held]), **w)
            expected = log_loss(y[held], m.predict_proba(X[held]), **w)
            assert found["log_loss"][i] == pytest.approx(expected)

    def test_rows_are_stratified_and_no_class_is_lost(self):
        y = np.array(["a"] * 60 + ["b"] * 30 + ["c"])
        held, kept = rows_to_hold_out(y, 0.3, 0, "classification")
        assert np.unique(y[held], return_counts=True)[1].tolist() == [18, 9]
        assert "c" in y[kept]
        assert sorted([*held, *kept]) == list(range(91))
        other, _ = rows_to_hold_out(y, 0.3, 1, "classification")
        assert held.tolist() != other.tolist()


class TestBadInput:
    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["hauses.csv", "--target", "price"], "there is no file hauses.csv (did you mean 'hou"),
            (["irs"], "no data set 'irs' (did you mean 'iris'"),
            (["houses.csv"], "houses.csv needs --target COLUMN"),
            (["houses.csv", "--target", "prize"], "no column 'prize' (did you mean 'price'"),
            (["houses.csv", "--target", "price", "--weight", "rom"], "--weight: houses.csv has no"),
            (["houses.csv", "--target", "price", "--weight", "town"], "must be numbers without"),
            (["houses.csv", "--target", "price", "--weight", "price"], "cannot be the weight"),
            (["iris", "--target", "x"], "--target is for files"),
            (["iris", "-o", "iris.pkl"], "-o: iris.pkl must end in .skdnn, or be -"),
            (["iris", "-o", "no/iris.skdnn"], "-o: there is no folder no"),
            (["iris", "--valid", "1"], "--valid: expected a number between 0 and 1, got '1'"),
            (["iris", "--valid", "0.99"], "iris: --valid 0.99 of 150 rows leaves too few"),
            (["iris", "--preset", "super"], "argument --preset: invalid choice: 'super'"),
            (["iris", "--epochs", "0"], "--epochs: expected a whole number from 1, got '0'"),
            (["iris", "--jobs", "0"], "--jobs: expected a number of threads, or -1 for all cores"),
            (["iris", "--time-limit", "0"], "--time-limit: expected a number of seconds above 0"),
            (["iris", "--monitor", "roc_acu"], "iris: --monitor must be one of auto, loss, accura"),
            (
                ["iris", "--seed", "4294967296"],
                "--seed: expected a whole number from 0 to 4,294,967,2",
            ),
            (["houses.csv", "--target", "kind", "--task", "regression"], "must be numbers for reg"),
            (["m.skdnn", "--target", "x"], "m.skdnn is a model, but DATA must be a file"),
            (["-", "--target", "x"], "standard input is empty"),
            ([".", "--target", "x"], "cannot read .: it is a folder"),
            (["one.csv", "--target", "y"], "must have two classes or more. Got only a."),
        ],
    )
    def test_is_reported_in_one_line(self, folder, houses, problem, pipe, argv, message):
        houses.to_csv("houses.csv", index=False)
        (folder / "m.skdnn").write_bytes(b"")
        (folder / "one.csv").write_text("x,y\n1,a\n2,a\n")
        pipe(b"")
        before = sorted(os.listdir())
        assert message in problem("train", *argv)
        assert sorted(os.listdir()) == before

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
    def test_a_full_disk_is_reported(self, houses, regression):
        argv = ["-m", "skdnn", "predict", regression, regression.parent / "houses.csv"]
        with open("/dev/full", "w") as full:
            run = subprocess.run(
                [sys.executable, *argv], stdout=full, stderr=subprocess.PIPE, text=True
            )
        assert (run.returncode, run.stderr) == (
            2,
            "skdnn predict: error: No space left on device\n",
        )

    def test_a_folder_that_cannot_be_written_is_reported_before_training(self, folder, problem):
        os.mkdir("closed")
        os.chmod("closed", 0o500)
        if os.access("closed", os.W_OK):
            pytest.skip("root writes everywhere")
        message = problem("train", "iris", "-o", "closed/a.skdnn")
        assert "cannot write to the folder closed" in message
        Path("old.skdnn").touch(0o400)
        assert "old.skdnn is write-protected" in problem("train", "iris", "-o", "old.skdnn")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_ctrl_c_leaves_no_file(folder):
    argv = ["train", "digits", "--preset", "best"]
    with subprocess.Popen(
        [sys.executable, "-m", "skdnn", *argv], stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        run.stdout.readline()  # the data is read, and training begins
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate()
    assert (run.returncode, err) == (130, b"\nskdnn train: stopped\n")
    assert not os.listdir()


def test_the_number_form_of_the_data_is_kept(folder, houses):
    houses.to_csv("haus.csv", index=False, sep=";", decimal=",")
    argv = ["train", "haus.csv", "--target", "price", "--columns", "size,town"]
    assert main([*argv, *QUICK]) == 0
    form = json.loads(read_info("haus.skdnn").metadata["data_form"])
    assert form == {"sep": ";", "forms": {"size": "decimal commas"}}
