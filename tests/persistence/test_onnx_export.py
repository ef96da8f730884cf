"""ONNX models of fitted estimators, run by onnxruntime."""

import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession

from skdnn import DNNClassifier, DNNRegressor, to_onnx

pytestmark = pytest.mark.quick

NUMPY = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def run(model, X):
    """The outputs of a model by name, after the checks of the package onnx."""
    onnx.checker.check_model(model, full_check=True)
    session = InferenceSession(model.SerializeToString())
    (entry,) = session.get_inputs()
    names = [x.name for x in session.get_outputs()]
    values = session.run(None, {entry.name: X.astype(NUMPY[entry.type])})
    return dict(zip(names, values, strict=True))


@pytest.mark.parametrize("preset", ["plain", "fast", "balanced", "best"])
def test_a_classifier_of_numbers(preset, iris):
    X, y = iris
    clf = DNNClassifier(preset=preset, epochs=1, random_state=0).fit(X, y)
    out = run(to_onnx(clf), X)
    assert list(out) == ["label", "probabilities"]
    assert np.array_equal(out["label"], clf.predict(X.astype("f")))
    assert np.abs(out["probabilities"] - clf.predict_proba(X.astype("f"))).max() < 1e-5


@pytest.mark.parametrize("preset", ["plain", "fast", "balanced", "best"])
def test_a_regressor_of_numbers(preset, diabetes):
    X, y = diabetes
    reg = DNNRegressor(preset=preset, epochs=1, random_state=0).fit(X, y)
    out = run(to_onnx(reg), X)
    assert out["variable"].shape == (len(X), 1)
    assert np.abs(out["variable"][:, 0] / reg.predict(X) - 1).max() < 1e-5
