"""Data sets in files, and models that the command has trained on them once."""

import io
import sys

import numpy as np
import pandas as pd
import pytest

from skdnn import DNNRegressor
from skdnn.cli import main

N = 60
QUICK = ["--preset", "plain", "--epochs", "2", "--quiet"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def problem(capsys):
    """Run a command that fails, and return its error, which is one line."""

    def run(command, *argv):
        assert main([command, *map(str, argv)]) == 2
        out, err = capsys.readouterr()
        assert not out
        assert err.count("\n") == 1
        assert err.startswith(f"skdnn {command}: error: ")
        return err

    return run


@pytest.fixture
def pipe(monkeypatch):
    """Pass bytes, or the content of a file, to standard input."""

    def pass_on(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return pass_on


@pytest.fixture(scope="session")
def houses():
    """A table of numbers, text, text that may look like numbers, booleans and missing values."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(1500, 900, N).round(2),
            "town": rng.choice(["Köln", "Aix, Provence", "Ulm"], N),
            "rooms": rng.integers(1, 9, N),
            "garden": rng.choice([True, False], N),
            "code": rng.choice(["1", "2", "007", "x"], N),
        }
    )
    frame["price"] = (1000 * frame["size"] + 1e5 * (frame["town"] == "Ulm")).round() + 0.5
    frame["kind"] = np.where(frame["size"] > 1500, "large house", "hut")
    frame.loc[::7, "size"] = np.nan
    frame.loc[::9, "town"] = None
    frame["big"] = 2**60 + np.arange(N) % 3
    return frame


@pytest.fixture(scope="session")
def regression(houses, tmp_path_factory):
    """A model of the price, which the command has trained on CSV."""
    folder = tmp_path_factory.mktemp("regression")
    houses.to_csv(folder / "houses.csv", index=False)
    path = folder / "houses.skdnn"
    argv = ["train", folder / "houses.csv", "--target", "price", "--drop", "kind,big", "-o", path]
    assert main([*map(str, argv), *QUICK]) == 0
    return path


@pytest.fixture(scope="session")
def classification(houses, tmp_path_factory):
    """A model of the kind of house, which the command has trained on CSV."""
    folder = tmp_path_factory.mktemp("classification")
    houses.to_csv(folder / "houses.csv", index=False)
    path = folder / "kinds.skdnn"
    argv = ["train", folder / "houses.csv", "--target", "kind", "--drop", "price,big", "-o", path]
    assert main([*map(str, argv), "--valid", "0.25", *QUICK]) == 0
    return path


@pytest.fixture(scope="session")
def in_python(houses):
    """The same models, trained in Python, on the table that pandas reads from the CSV."""
    read = pd.read_csv(io.StringIO(houses.to_csv(index=False)))
    X = read[["size", "town", "rooms", "garden", "code"]]
    settings = {"preset": "plain", "epochs": 2, "random_state": 0}
    return {
        "price": DNNRegressor(**settings).fit(X, read["price"]),
        "X": X,
    }
