import sys

import numpy as np
import onnxruntime
import pandas as pd

from skdnn.cli import main
from skdnn.persistence.load import load


def inputs(X):
    """One input of shape (n, 1) per column of a table."""
    kinds = {"size": np.float64, "rooms": np.int64, "garden": bool}
    return {
        name: X[name].to_numpy(kinds[name])[:, np.newaxis]
        if name in kinds
        else X[name].fillna("").to_numpy(object)[:, np.newaxis]
        for name in X
    }


def test_the_graph_predicts_as_the_model(folder, capsys, classification, houses):
    assert main(["export", str(classification), "m.onnx"]) == 0
    model = load(classification)
    X = pd.DataFrame(houses[list(model.feature_names_in_)])
    session = onnxruntime.InferenceSession("m.onnx")
    label, probabilities = session.run(["label", "probabilities"], inputs(X))
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
    assert label.tolist() == model.predict(X).tolist()


def test_inputs_and_outputs_are_printed(folder, capsys, classification):
    assert main(["export", str(classification), "m.onnx"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    session = onnxruntime.InferenceSession("m.onnx")
    named = [("input", x.name) for x in session.get_inputs()]
    named += [("output", x.name) for x in session.get_outputs()]
    assert [tuple(line[:2]) for line in lines[2 : 2 + len(named)]] == named
    assert lines[2] == ["input", "size", "double", "rows", "x", "1"]
    assert lines[-1][:2] == ["Wrote", "m.onnx"]


def test_standard_output_is_the_graph_alone(folder, capfdbinary, pipe, classification):
    assert main(["export", str(classification), "m.onnx"]) == 0
    capfdbinary.readouterr()
    pipe(classification.read_bytes())
    assert main(["export", "-", "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == (folder / "m.onnx").read_bytes()
    assert b"probabilities" in err


def test_bad_input_is_reported_in_one_line(folder, problem, classification, monkeypatch):
    assert "m.pb must end in .onnx, or be -" in problem("export", classification, "m.pb")
    assert "OUT.onnx: there is no folder no" in problem("export", classification, "no/m.onnx")
    assert "there is no file m.skdnn" in problem("export", "m.skdnn", "m.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert 'needs onnx, the extra onnx: pip install ".[onnx]"' in problem(
        "export", classification, "m.onnx"
    )
