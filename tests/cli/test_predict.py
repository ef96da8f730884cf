import io
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from skdnn import DNNClassifier, DNNRegressor
from skdnn.cli import main
from skdnn.persistence.load import load
from skdnn.persistence.save import save

QUICK = ["--preset", "plain", "--epochs", "2", "--quiet"]
N = 60  # rows of the houses


def predict(capsys, *argv):
    """Return the table that the command prints. Texts are not read as numbers."""
    assert main(["predict", *map(str, argv)]) == 0
    out, err = capsys.readouterr()
    assert not err
    return pd.read_csv(io.StringIO(out), dtype=str, keep_default_na=False)


def numbers(table):
    return table.astype("float64").to_numpy()


@pytest.fixture
def csv(folder, houses):
    houses.to_csv("houses.csv", index=False)
    return "houses.csv"


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    """A regression of several networks, on an array."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = DNNRegressor(preset="plain", n_members=2, epochs=1, random_state=0)
    model.fit(X, X[:, 0])
    path = tmp_path_factory.mktemp("ensemble") / "m.skdnn"
    save(model, path)
    return path, model, X


class TestPredictions:
    def test_are_those_of_python(self, capsys, csv, regression, in_python):
        found = predict(capsys, regression, csv)
        assert list(found) == ["price"]
        expected = in_python["price"].predict(in_python["X"])
        np.testing.assert_array_equal(numbers(found)[:, 0], expected)

    def test_probabilities_have_a_column_per_class(self, capsys, csv, classification):
        found = predict(capsys, classification, csv, "--proba")
        assert list(found) == ["kind", "proba_hut", "proba_large house"]
        model = load(classification)
        X = pd.read_csv(csv)[list(model.feature_names_in_)]
        np.testing.assert_array_equal(numbers(found.iloc[:, 1:]), model.predict_proba(X))
        assert found["kind"].tolist() == model.predict(X).tolist()

    def test_standard_deviations_are_those_of_python(self, capsys, folder, ensemble):
        path, model, X = ensemble
        np.savez("a.npz", X=X)
        found = predict(capsys, path, "a.npz", "--std")
        assert list(found) == ["prediction", "prediction_std"]
        np.testing.assert_array_equal(
            numbers(found), np.column_stack(model.predict(X, return_std=True))
        )

    def test_quantiles_have_a_column_per_level(self, capsys, folder, ensemble):
        X = ensemble[2]
        model = DNNRegressor(preset="plain", epochs=1, loss="quantile", quantile=[0.1, 0.9])
        save(model.fit(X, X[:, 0]), "q.skdnn", metadata={"target": "price"})
        np.savez("a.npz", X=X)
        found = predict(capsys, "q.skdnn", "a.npz")
        assert list(found) == ["price_q0.1", "price_q0.9"]
        np.testing.assert_array_equal(numbers(found), model.predict(X))

    def test_several_targets_are_numbered(self, capsys, folder, ensemble):
        X = ensemble[2]
        model = DNNRegressor(preset="plain", epochs=1).fit(X, X[:, :2])
        save(model, "r.skdnn")
        labels = DNNClassifier(preset="plain", epochs=1).fit(X, (X[:, :2] > 0).astype(int))
        save(labels, "l.skdnn", metadata={"target": "tag"})
        np.savez("a.npz", X=X)
        found = predict(capsys, "r.skdnn", "a.npz")
        assert list(found) == ["prediction_0", "prediction_1"]
        np.testing.assert_array_equal(numbers(found), model.predict(X))
        found = predict(capsys, "l.skdnn", "a.npz", "--proba")
        assert list(found) == ["tag_0", "tag_1", "proba_tag_0", "proba_tag_1"]
        np.testing.assert_array_equal(numbers(found.iloc[:, :2]), labels.predict(X))
        np.testing.assert_array_equal(numbers(found.iloc[:, 2:]), labels.predict_proba(X))

    def test_labels_are_exact(self, capsys, folder):
        rows = "".join(f"{i},00{i % 2},{2**60 + i % 2}\n" for i in range(40))
        (folder / "a.csv").write_text("x,code,shop\n" + rows)
        for target, labels in (
            ("code", {"000", "001"}),
            ("shop", {str(2**60), str(2**60 + 1)}),
        ):
            argv = ["train", "a.csv", "--target", target, "--columns", "x", "-o", "m.skdnn"]
            assert main([*argv, *QUICK]) == 0
            capsys.readouterr()
            found = predict(capsys, "m.skdnn", "a.csv", "--proba")
            assert set(found[target]) <= labels
            assert set(found) == {target} | {f"proba_{label}" for label in labels}

    def test_images_are_predicted_by_name_and_from_an_archive(self, capsys, folder):
        rng = np.random.default_rng(0)
        X = rng.integers(0, 256, (40, 4, 4), dtype=np.uint8)
        np.savez("a.npz", X=X, y=np.repeat(["cat", "dog"], 20))
        assert main(["train", "a.npz", *QUICK]) == 0
        capsys.readouterr()
        found = predict(capsys, "a.skdnn", "a.npz", "--proba")
        assert list(found) == ["y", "proba_cat", "proba_dog"]
        # Floats of 32 bits are written with as many digits as they have.
        expected = load("a.skdnn").predict_proba(X)
        assert expected.dtype == np.float32
        np.testing.assert_array_equal(found.iloc[:, 1:].astype("float32"), expected)

    def test_a_data_set_is_known_by_name(self, capsys, folder, iris):
        assert main(["train", "iris", *QUICK]) == 0
        capsys.readouterr()
        found = predict(capsys, "iris.skdnn", "iris")
        expected = load("iris.skdnn").predict(iris[0])
        assert found["prediction"].astype(int).tolist() == expected.tolist()


class TestReading:
    """A file to predict is read like the file of the training, also if it has few rows."""

    @pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_text_of_any_kind(self, capsys, csv, houses, regression, sep, encoding):
        expected = predict(capsys, regression, csv)
        houses.to_csv("other.csv", index=False, sep=sep, encoding=encoding)
        assert predict(capsys, regression, "other.csv").equals(expected)

    @pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "tsv.xz", "parquet"])
    @pytest.mark.parametrize("piped", [False, True])
    def test_every_format(self, capsys, csv, houses, regression, pipe, folder, ending, piped):
        expected = predict(capsys, regression, csv)
        if ending == "parquet":
            houses.to_parquet("other.parquet")
        else:
            houses.to_csv(f"other.{ending}", index=False, sep="\t" if "tsv" in ending else ",")
        pipe((folder / f"other.{ending}").read_bytes())
        data = "-" if piped else f"other.{ending}"
        assert predict(capsys, regression, data).equals(expected)

    def test_single_rows(self, capsys, csv, houses, regression, in_python):
        """In a single row, text may look like a number, and a column may be empty."""
        for row in range(12):
            houses[row : row + 1].to_csv("row.csv", index=False)
            found = predict(capsys, regression, "row.csv")
            expected = in_python["price"].predict(in_python["X"][row : row + 1])
            np.testing.assert_array_equal(numbers(found)[:, 0], expected)

    def test_columns_in_another_order_and_more_of_them(self, capsys, csv, houses, regression):
        expected = predict(capsys, regression, csv)
        other = houses[list(houses)[::-1]].drop(columns=["price", "kind"]).assign(more="a")
        other.to_csv("other.csv", index=False)
        assert predict(capsys, regression, "other.csv").equals(expected)

    def test_unknown_categories_and_missing_values(self, capsys, csv, regression, in_python):
        rows = "town,code,rooms,size,garden\nRome,8,NA,?,\n,,3,,True\n"
        with open("other.csv", "w") as file:
            file.write(rows)
        X = pd.DataFrame(
            {
                "size": [np.nan, np.nan],
                "town": ["Rome", None],
                "rooms": [np.nan, 3],
                "garden": [None, True],
                "code": ["8", None],
            }
        )
        found = predict(capsys, regression, "other.csv")
        np.testing.assert_array_equal(numbers(found)[:, 0], in_python["price"].predict(X))

    def test_numbers_are_written_as_in_the_training_file(self, capsys, folder, houses):
        """1.234 is a thousand and more if other numbers of the training have decimal commas."""
        frame = houses[["rooms", "price"]].assign(area=[f"{i}.234,5" for i in range(1, N + 1)])
        frame.to_csv("haus.csv", index=False, sep=";", decimal=",")
        assert main(["train", "haus.csv", "--target", "price", *QUICK]) == 0
        capsys.readouterr()
        model = load("haus.skdnn")
        (folder / "new.csv").write_text("rooms;area\n3;7.234\n")
        expected = model.predict(pd.DataFrame({"rooms": [3], "area": [7234.0]}))
        assert numbers(predict(capsys, "haus.skdnn", "new.csv"))[0] == expected
        (folder / "new.csv").write_text("rooms,area\n3,7.234\n")  # another kind of file
        expected = model.predict(pd.DataFrame({"rooms": [3], "area": [7.234]}))
        assert numbers(predict(capsys, "haus.skdnn", "new.csv"))[0] == expected

    def test_grouped_digits_are_numbers(self, capsys, folder, regression, csv):
        text = 'size,town,rooms,garden,code\n"1,234.5",Ulm,2,True,x\n'
        (folder / "a.csv").write_text(text)
        (folder / "b.csv").write_text(text.replace('"1,234.5"', "1234.5"))
        assert predict(capsys, regression, "a.csv").equals(predict(capsys, regression, "b.csv"))

    def test_long_integers_that_are_categories_keep_every_digit(self, capsys, folder):
        ids = [2**60 + i % 3 for i in range(N)]
        X = pd.DataFrame({"id": ids, "x": np.arange(N) % 2})
        model = DNNClassifier(
            preset="plain", epochs=3, categorical_features=["id"], random_state=0
        ).fit(X, np.arange(N) % 3)
        save(model, "m.skdnn")
        gap = X.astype({"id": "Int64"})
        gap.loc[5, "id"] = pd.NA
        gap.to_csv("a.csv", index=False)
        found = numbers(predict(capsys, "m.skdnn", "a.csv", "--proba"))
        np.testing.assert_array_equal(found[:, 1:], model.predict_proba(gap))

    def test_a_text_is_read_in_parts(self, capsys, csv, houses, regression, monkeypatch):
        houses.iloc[: N // 2].to_csv("a.csv", index=False)
        houses.iloc[N // 2 :].to_csv("b.csv", index=False)
        parts = [predict(capsys, regression, name) for name in ("a.csv", "b.csv")]
        monkeypatch.setattr("skdnn.cli.model_columns._PART", N // 2)
        whole = predict(capsys, regression, csv)
        assert whole.equals(pd.concat(parts, ignore_index=True))

    def test_a_model_of_an_array_takes_a_table_of_as_many_columns(self, capsys, folder, ensemble):
        path, model, X = ensemble
        pd.DataFrame(X, columns=list("abc")).assign(prediction=1).to_csv("a.csv", index=False)
        expected = model.predict(X)
        found = numbers(predict(capsys, path, "a.csv"))[:, 0]
        np.testing.assert_allclose(found, expected)  # the CSV has rounded the last digit
        swapped = numbers(predict(capsys, path, "a.csv", "--columns", "c,b,a"))[:, 0]
        np.testing.assert_allclose(swapped, model.predict(X[:, ::-1]))


class TestOutput:
    @pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "tsv.bz2", "parquet", "npz"])
    def test_is_in_the_format_of_the_ending(self, capsys, csv, classification, folder, ending):
        expected = predict(capsys, classification, csv, "--proba")
        name = f"out.{ending}"
        (folder / name).write_text("an older file")
        assert main(["predict", str(classification), csv, "--proba", "-o", name]) == 0
        assert capsys.readouterr() == ("", "")
        if ending == "parquet":
            found = pd.read_parquet(name)
        elif ending == "npz":
            with np.load(name) as archive:
                found = pd.DataFrame(dict(archive))
        else:
            found = pd.read_csv(name, sep="\t" if "tsv" in ending else ",")
        assert list(found) == list(expected)
        assert found["kind"].tolist() == expected["kind"].tolist()
        np.testing.assert_allclose(found.iloc[:, 1:], numbers(expected.iloc[:, 1:]), rtol=1e-14)
        assert not [path.name for path in folder.iterdir() if path.suffix == ".tmp"]

    def test_a_model_comes_through_a_pipe(self, capsys, csv, regression, pipe):
        expected = predict(capsys, regression, csv)
        pipe(regression.read_bytes())
        assert predict(capsys, "-", csv).equals(expected)

    @pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="there is no /dev/fd")
    def test_data_is_read_from_a_pipe_with_a_name(self, capsys, csv, regression, folder):
        """As in `skdnn predict houses.skdnn <(zcat houses.csv.gz)`."""
        expected = predict(capsys, regression, csv)
        ours, theirs = os.pipe()
        os.write(theirs, (folder / csv).read_bytes())
        os.close(theirs)
        assert predict(capsys, regression, f"/dev/fd/{ours}").equals(expected)
        os.close(ours)

    def test_starts_no_tensorflow(self, regression):
        code = (
            "import sys; from skdnn.cli import main; "
            f"main(['predict', {str(regression)!r}, {str(regression.parent / 'houses.csv')!r}]); "
            "sys.exit(','.join({'tensorflow', 'keras'} & set(sys.modules)))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
        )
        assert run.stderr.strip() == ""
        assert run.stdout.count("\n") == N + 1

    def test_a_reader_who_leaves_early_is_no_error(self, regression):
        argv = [sys.executable, "-m", "skdnn", "predict", regression]
        with subprocess.Popen(
            [*argv, regression.parent / "houses.csv"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as run:
            run.stdout.close()
            assert run.stderr.read() == b""
        assert run.returncode == 141


class TestBadInput:
    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["MODEL", "nix.csv"], "there is no file nix.csv"),
            (["nix.skdnn", "houses.csv"], "there is no file nix.skdnn"),
            (["houses.csv", "MODEL"], "houses.csv is a data file, but MODEL must be a file"),
            (["MODEL", "MODEL"], "is a model, but DATA must be a file"),
            (["MODEL", "."], "cannot read .: it is a folder"),
            ([".", "houses.csv"], "cannot read .: it is a folder"),
            (["bad.skdnn", "houses.csv"], "bad.skdnn"),
            (["m.pkl", "houses.csv"], "m.pkl"),
            (["-", "-"], "MODEL and DATA cannot both be -"),
            (["-", "houses.csv"], "standard input is empty"),
            (["MODEL", "-"], "standard input is empty"),
            (["MODEL", "empty.csv"], "empty.csv is empty"),
            (["MODEL", "rowless.csv"], "rowless.csv has no rows below the names"),
            (["MODEL", "houses.csv", "-o", "o.txt"], "-o: o.txt must end in .csv"),
            (["MODEL", "houses.csv", "-o", "houses.csv"], "-o: houses.csv is DATA, and would be"),
            (["MODEL", "houses.csv", "-o", "no/o.csv"], "-o: there is no folder no"),
            (["MODEL", "houses.csv", "--proba"], "--proba is for classifiers"),
            (["MODEL", "houses.csv", "--std"], "--std needs an ensemble"),
            (["KINDS", "houses.csv", "--std"], "--std is for regression"),
            (["MODEL", "houses.csv", "--drop", "town"], "houses.csv lacks the column 'town'"),
            (["MODEL", "houses.csv", "--drop", "twn"], "lacks the column 'twn' (did you mean 't"),
            (["MODEL", "fewer.csv"], "lacks 2 columns 'size' (did you mean 'Size'?), 'garden'"),
            (["MODEL", "other.csv"], "'town', 'rooms', 'garden'"),
            (["MODEL", "words.csv"], "column 'rooms' of words.csv holds 'five' in row 2, and the"),
            (
                ["MODEL", "infinite.csv"],
                "column 'size' of infinite.csv holds an infinite number in",
            ),
            (["MODEL", "twice.csv"], "cannot read twice.csv: two of its columns are named 'size'"),
            (["MODEL", "wide.csv"], "line 3 has 6 fields, and the lines above have 5"),
            (["MODEL", "iris"], "iris is an array, and the model needs a table with the columns"),
            (["MODEL", "a.npz"], "a.npz is an array, and the model needs a table"),
            (["ARRAY", "houses.csv"], "trained on 3 columns without names, and houses.csv has 8"),
            (["ARRAY", "a.npz"], "one sample of a.npz has the shape 2, but the model was trained"),
        ],
    )
    def test_is_reported_in_one_line(
        self, folder, csv, problem, pipe, regression, classification, ensemble, argv, message
    ):
        files = {
            "bad.skdnn": regression.read_bytes()[:500],
            "m.pkl": b"\x80\x04K\x01.",
            "empty.csv": b"",
            "rowless.csv": b"size,town,rooms,garden,code\n",
            "fewer.csv": b"Size,town,rooms,code\n1,Ulm,2,x\n",
            "other.csv": b"Rooms,age\n1,2\n",
            "words.csv": b"size,town,rooms,garden,code\n1,Ulm,2,True,x\n1,Ulm,five,True,x\n",
            "infinite.csv": b"size,town,rooms,garden,code\ninf,Ulm,2,True,x\n",
            "twice.csv": b"size,town,rooms,garden,code,size\n1,Ulm,2,True,x,1\n",
            "wide.csv": b"size,town,rooms,garden,code\n1,Ulm,2,True,x\n1,Ulm,2,True,x,y\n",
        }
        for name, content in files.items():
            (folder / name).write_bytes(content)
        np.savez("a.npz", X=np.zeros((3, 2)))
        pipe(b"")
        names = {"MODEL": regression, "KINDS": classification, "ARRAY": ensemble[0]}
        assert message in problem("predict", *[names.get(name, name) for name in argv])

    def test_missing_pandas_is_reported(self, csv, problem, regression, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        assert "reading houses.csv needs pandas: pip" in problem("predict", regression, csv)


def test_a_closed_standard_output_is_an_error(csv, regression, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout", None)
    assert main(["predict", str(regression), csv]) == 2
    err = capsys.readouterr().err
    assert err == "skdnn predict: error: standard output is closed: name a file with -o\n"
    assert main(["info", str(regression)]) == 0  # print writes nothing
