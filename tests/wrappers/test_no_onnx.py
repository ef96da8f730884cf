"""The networks of the wrappers as ONNX models: what skl2onnx is told, and the way out."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from onnxruntime import InferenceSession
from skl2onnx import to_onnx
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import KerasClassifier

pytestmark = pytest.mark.quick


def test_skl2onnx_refuses_a_wrapper_and_names_the_way_out(iris):
    pipeline = make_pipeline(StandardScaler(), KerasClassifier(epochs=1, verbose=0))
    with pytest.raises(NotImplementedError, match=r"model_\.export\('network\.onnx', format='onnx"):
        to_onnx(pipeline, iris[0][:1])


def functional():
    given = keras.Input((4,))
    return keras.Model(given, keras.layers.Dense(3, "softmax")(given))


# tf2onnx uses a name that NumPy is about to change.
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
@pytest.mark.parametrize("model", [[keras.layers.Dense(3, "softmax")], functional])
def test_the_network_is_exported_before_its_first_call(model, iris, tmp_path):
    X, y = iris[0].astype(np.float32), iris[1]
    clf = KerasClassifier(model, epochs=1, verbose=0, random_state=0).fit(X, y)
    clf.model_.export(tmp_path / "network.onnx", format="onnx", verbose=False)
    session = InferenceSession(tmp_path / "network.onnx")
    (entry,) = session.get_inputs()
    (output,) = session.run(None, {entry.name: X})
    assert_allclose(output, clf.predict_proba(X), 0, 1e-5)
