import re

import numpy as np
import pandas as pd
import pytest

from skdnn.cli.datasets import load
from skdnn.cli.errors import CommandError
from skdnn.cli.tables import Choice

N = 40


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    towns = ["Köln", "Aix, Provence", "Ulm; Donau"]
    return pd.DataFrame(
        {
            "size": rng.normal(size=N).round(3),
            "town": rng.choice(towns, N),
            "rooms": rng.integers(1, 9, N),
            "price": 1000 * rng.random(N).round(5),
        }
    )


def read(path, **choice):
    """Return the input and the target as one table, and the remarks."""
    loaded = load(path, Choice(**{"target": "price", **choice}))
    return pd.concat([loaded.X, loaded.y], axis=1), loaded.remarks


def refused(path, **choice):
    with pytest.raises(CommandError) as caught:
        read(path, **choice)
    return str(caught.value)


class TestText:
    @pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
    @pytest.mark.parametrize(
        "ending", ["csv", "tsv", "csv.gz", "tsv.xz", "csv.bz2", "CSV", "tsv.GZ"]
    )
    def test_the_separator_is_found_and_remarked(self, frame, sep, ending):
        packed = {"gz": "gzip", "xz": "xz", "bz2": "bz2"}.get(ending.lower()[4:])
        frame.to_csv(f"a.{ending}", sep=sep, index=False, compression=packed)
        found, remarks = read(f"a.{ending}")
        pd.testing.assert_frame_equal(found, frame)
        usual = {"csv": ",", "tsv": "\t"}[ending.lower()[:3]]
        name = "tab" if sep == "\t" else repr(sep)
        assert remarks == ([] if sep == usual else [f"separator {name}"])

    @pytest.mark.parametrize(
        ("encoding", "remarks"),
        [
            ("utf-8", []),
            ("utf-8-sig", []),
            ("utf-16", []),
            ("latin-1", ["encoding cp1252, as the file is not UTF-8"]),
            ("cp1252", ["encoding cp1252, as the file is not UTF-8"]),
        ],
    )
    def test_the_encoding_is_found(self, frame, encoding, remarks):
        frame = frame.rename(columns={"size": "Größe"})
        frame.to_csv("a.csv", index=False, encoding=encoding)
        found, said = read("a.csv")
        pd.testing.assert_frame_equal(found, frame)
        assert said == remarks

    def test_an_odd_letter_far_down_is_read_too(self, folder):
        text = "town,price\n" + "Bonn,1\n" * 20_000 + "Köln,2\n"
        (folder / "a.csv").write_text(text, encoding="latin-1")
        assert read("a.csv")[0]["town"].iloc[-1] == "Köln"

    @pytest.mark.parametrize("sep", [";", "\t", ","])
    def test_decimal_commas_are_numbers(self, frame, sep):
        frame.loc[3, "size"] = np.nan
        frame.to_csv("a.csv", index=False, sep=sep, decimal=",")
        found, remarks = read("a.csv")
        pd.testing.assert_frame_equal(found, frame)
        assert remarks[-1] == "decimal commas in size, price"

    @pytest.mark.parametrize(
        ("sep", "cells", "numbers"),
        [
            (";", ["1.234,5", "12,25", "7"], [1234.5, 12.25, 7]),
            (";", ["1,234", "12,25", "7"], [1.234, 12.25, 7]),
            (";", ["1,234.5", "12.25", "7"], [1234.5, 12.25, 7]),
            (",", ["1,234", "12,345,678", "7"], [1234, 12345678, 7]),
            (",", ["1,25", "-12,5e-1", "7"], [1.25, -1.25, 7]),
        ],
    )
    def test_commas_group_digits_or_are_decimal_commas(self, folder, sep, cells, numbers):
        lines = [sep.join(["a", "price"]), *(f'"{cell}"{sep}1' for cell in cells)]
        (folder / "a.csv").write_text("\n".join(lines))
        assert read("a.csv")[0]["a"].tolist() == numbers

    def test_text_with_commas_stays_text(self, folder):
        (folder / "a.csv").write_text('a,price\n"1,5",1\n"1, or 5",2\n')
        assert read("a.csv")[0]["a"].tolist() == ["1,5", "1, or 5"]

    def test_a_given_separator_is_used(self, folder):
        (folder / "a.csv").write_text("a:b;price\n1:2;3\n")
        assert read("a.csv", sep=":", target="b;price")[0].columns.tolist() == ["a", "b;price"]

    def test_spaces_around_names_and_before_values_are_ignored(self, folder):
        (folder / "a.csv").write_text("a , b , price\n1 , x , 2\n3, x , ?\n 5 , y, 6\n")
        found, _ = read("a.csv", target="a")
        assert found.columns.tolist() == ["b", "price", "a"]
        assert found["a"].tolist() == [1, 3, 5]
        assert np.isnan(found["price"][1])

    def test_a_table_of_one_row_is_read(self, folder):
        (folder / "a.csv").write_text("a,price\n1,2")
        assert read("a.csv")[0].to_numpy().tolist() == [[1, 2]]


class TestIntegers:
    LARGE = 1_790_000_000_000_000_000

    @pytest.mark.parametrize("first", [LARGE, -LARGE, 2**63 + 5, 10**25])
    @pytest.mark.parametrize("gap", [False, True])
    def test_identifiers_keep_every_digit(self, folder, first, gap):
        ids = [first + i % 4 for i in range(N)]
        lines = [f"{'' if gap and not i else shop},{i}" for i, shop in enumerate(ids)]
        (folder / "a.csv").write_text("\n".join(["shop,price", *lines]))
        shops = read("a.csv")[0]["shop"]
        assert [int(shop) for shop in shops.iloc[int(gap) :]] == ids[int(gap) :]
        assert shops.isna().sum() == gap

    def test_labels_keep_every_digit(self, folder):
        ids = [self.LARGE + i % 4 for i in range(N)]
        (folder / "a.csv").write_text(
            "a,price\n" + "".join(f"{i},{y}\n" for i, y in enumerate(ids))
        )
        assert read("a.csv")[0]["price"].tolist() == ids

    def test_large_floats_stay_numbers(self, folder):
        (folder / "a.csv").write_text("a,price\n1e300,1\n,2\n5.5,3\n")
        assert read("a.csv")[0]["a"].dropna().tolist() == [1e300, 5.5]


class TestSelection:
    @pytest.mark.parametrize(
        ("choice", "columns"),
        [
            ({"drop": ["town"]}, ["size", "rooms"]),
            ({"columns": ["rooms", "size"]}, ["rooms", "size"]),
            ({"columns": ["rooms", "size", "price"], "drop": ["size"]}, ["rooms"]),
        ],
    )
    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_columns_are_chosen_and_dropped(self, frame, choice, columns, ending):
        frame.to_csv("a.csv", index=False)
        frame.to_parquet("a.parquet")
        assert read(f"a.{ending}", **choice)[0].columns.tolist() == [*columns, "price"]

    @pytest.mark.parametrize(
        ("choice", "message"),
        [
            ({"drop": ["twn"]}, "--drop: a.csv has no column 'twn' (did you mean 'town'?); it has"),
            ({"columns": ["sze"]}, "--columns: a.csv has no column 'sze' (did you mean 'size'?)"),
            ({"drop": ["price"]}, "--drop: 'price' is the target, which cannot be dropped"),
            ({"columns": ["price"]}, "no column besides 'price'"),
            ({"sep": "|"}, "--target: a.csv has no column 'price'"),
        ],
    )
    def test_a_wrong_choice_is_an_error(self, frame, choice, message):
        frame.to_csv("a.csv", index=False)
        assert message in refused("a.csv", **choice)

    @pytest.mark.parametrize(
        ("dataset", "choice", "message"),
        [
            ("iris", {"drop": ["x"]}, "--drop is for files; iris has its own columns"),
            ("iris", {"sep": ";"}, "--sep is for files"),
            ("a.npz", {"columns": ["x"]}, "--columns is for tables, and a.npz has arrays"),
            ("a.parquet", {"sep": ";"}, "--sep is for text files, and a.parquet is none"),
        ],
    )
    def test_a_choice_that_does_not_fit_is_an_error(self, frame, dataset, choice, message):
        np.savez("a.npz", X=np.zeros((3, 2)), y=[1, 2, 3])
        frame.to_parquet("a.parquet")
        assert message in refused(dataset, target=None, **choice)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "a.csv is empty: the first line must name the columns"),
            ("\n \n", "a.csv is empty"),
            ("a,price\n", "cannot read a.csv: it names columns but has no rows"),
            ("price\n1\n2\n", "a.csv has no column besides 'price'"),
            ("a,price\n1,2\n1,2,3\n", "line 3 has 3 fields, and the lines above have 2"),
            ("a,price\n1,2,\n1,2,\n", "its rows have more fields than its first line has names"),
            ("1.5,2\n3.5,4\n", "the first line of the file must name the columns, and these look"),
            ("a,price\n\0\0,1\n", "cannot read a.csv: it is not a text file"),
            ("\na, a ,price\n1,2,3\n", "cannot read a.csv: two of its columns are named 'a'"),
            ("a,price\n1,2\n,2\n-inf,3\n", "column 'a' of a.csv holds an infinite number in row 3"),
            ("a,price\n1,inf\n", "column 'price' of a.csv holds an infinite number in row 1"),
        ],
    )
    def test_the_error_names_the_file_and_the_fix(self, folder, text, message):
        (folder / "a.csv").write_text(text)
        assert message in refused("a.csv")

    def test_columns_without_a_name_and_a_number_after_a_name_are_fine(self, folder):
        (folder / "a.csv").write_text("x,,x.1,,price\n1,2,3,4,5\n")
        assert read("a.csv")[0].to_numpy().tolist() == [[1, 2, 3, 4, 5]]

    def test_an_index_in_parquet_is_no_column(self, frame):
        frame.index = [f"row {i}" for i in range(N)]
        frame.to_parquet("a.parquet")
        pd.testing.assert_frame_equal(read("a.parquet")[0], frame.reset_index(drop=True))

    def test_an_unknown_ending_is_reported(self, folder):
        (folder / "a.xls").write_text("")
        assert re.match("cannot read a.xls: .* must end in .csv or .tsv", refused("a.xls"))
