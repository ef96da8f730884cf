import json
import subprocess
import sys

import numpy as np
import pytest

from skdnn import DNNClassifier
from skdnn.cli import main
from skdnn.persistence.info import read_info
from skdnn.persistence.save import save


def shown(capsys, path, *options):
    assert main(["info", str(path), *options]) == 0
    out, err = capsys.readouterr()
    assert not err
    return out


def test_text_has_every_fact(capsys, classification):
    info = read_info(classification)
    words = " ".join(shown(capsys, classification).split())
    for fact in (
        "DNNClassifier in ",
        "target kind: one of 2 classes",
        "classes 2: hut, large house",
        "input 5 columns",
        f"one network, {info.n_parameters:,} parameters, preset plain",
        "settings epochs=2, preset='plain', random_state=0",
        "training 2 epochs, data ",
        "45 rows",
        f"held out accuracy {info.metadata['held_out_accuracy']:.4g}, log-loss ",
        "format 1, profile predict",
        f"written by skdnn {info.skdnn_version}, python ",
        "town text 4 rooms integers garden booleans 2 code text 4",
        f"Total parameters: {info.n_parameters:,}",
    ):
        assert fact in words


def test_json_has_every_field(capsys, classification):
    told = json.loads(shown(capsys, classification, "--json"))
    info = read_info(classification)
    assert told["file"] == str(classification)
    assert told.keys() == {"file", *vars(info)}
    assert told["columns"] == [column._asdict() for column in info.columns]
    assert told["classes"] == ["hut", "large house"]
    assert told["layers"][-1]["n_parameters"] == info.layers[-1].n_parameters
    assert told["metadata"] == info.metadata


def test_standard_input_is_a_dash(capsys, classification, pipe):
    expected = shown(capsys, classification, "--json")
    pipe(classification.read_bytes())
    assert json.loads(shown(capsys, "-", "--json")) == {
        **json.loads(expected),
        "file": "standard input",
    }


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_fits_into_the_terminal(capsys, monkeypatch, tmp_path, classification, width):
    monkeypatch.setenv("COLUMNS", str(width))
    short = tmp_path / "m.skdnn"
    short.write_bytes(classification.read_bytes())
    monkeypatch.chdir(tmp_path)
    lines = shown(capsys, "m.skdnn").splitlines()
    assert max(map(len, lines)) <= width
    assert ("Type" in " ".join(lines)) == (width > 40)


def test_many_classes_and_columns_are_counted(capsys, tmp_path):
    X = np.zeros((50, 3))
    model = DNNClassifier((2,), preset="plain", epochs=1).fit(X, np.arange(50) % 25)
    save(model, tmp_path / "m.skdnn", metadata={"note": "x" * 1000, "score": float("nan")})
    out = shown(capsys, tmp_path / "m.skdnn")
    assert "25: 0, 1, 2, " in out
    assert "19 and 5 more" in out
    assert "Column" not in out  # an array has no names
    assert out.count("x") < 400
    told = json.loads(shown(capsys, tmp_path / "m.skdnn", "--json"))
    assert (len(told["classes"]), told["metadata"]["score"]) == (25, "nan")


def test_control_characters_cannot_change_the_terminal(capsys, tmp_path):
    model = DNNClassifier((2,), preset="plain", epochs=1).fit(
        np.zeros((4, 1)), ["a\x1b[2J", "b"] * 2
    )
    save(model, tmp_path / "m.skdnn", metadata={"target": "\x1b[31mred\n"})
    out = shown(capsys, tmp_path / "m.skdnn")
    assert "\x1b" not in out
    assert "a\\x1b[2J" in out


def test_starts_no_tensorflow(classification):
    code = (
        f"import sys; from skdnn.cli import main; main(['info', {str(classification)!r}]); "
        "sys.exit(','.join({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.stderr.strip() == ""
    assert "DNNClassifier" in run.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m.skdn", "there is no file m.skdn (did you mean 'm.skdnn'"),
        (".", "cannot read .: it is a folder, not a model"),
        ("half.skdnn", "half.skdnn"),
        ("empty.skdnn", "empty.skdnn is empty"),
        ("m.pkl", "m.pkl is not a .skdnn file. It looks like a pickle"),
        ("a.csv", "a.csv is a data file, but MODEL must be a file"),
    ],
)
def test_a_bad_file_is_reported_in_one_line(folder, classification, problem, name, message):
    content = classification.read_bytes()
    files = {"m.skdnn": content, "half.skdnn": content[: len(content) // 2], "empty.skdnn": b""}
    for path, data in (files | {"m.pkl": b"\x80\x04K\x01.", "a.csv": b"x\n1\n"}).items():
        (folder / path).write_bytes(data)
    assert message in problem("info", name)
