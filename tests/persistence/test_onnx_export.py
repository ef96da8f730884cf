"""ONNX models of fitted estimators, run by onnxruntime."""

import pickle
import subprocess
import sys

import numpy as np
import onnx
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, load, save, to_onnx

pytestmark = [
    pytest.mark.quick,
    pytest.mark.filterwarnings("ignore:X of DNN.* another order of magnitude:UserWarning"),
]

N_ROWS = 60
PRESETS = ["plain", "fast", "balanced", "best"]
# Parameters that lead to other layers, or to other weights of predictions.
NETWORKS = {
    "realmlp": {"parametrization": "realmlp"},
    "both": {"parametrization": "both", "n_members": 2},
    "periodic": {"numeric_embedding": "periodic"},
    "bins": {"numeric_embedding": "piecewise_linear"},
    "batch_norm": {"batch_norm": True, "n_members": 2},
    "one_member_with_batch_norm": {"batch_norm": True, "dropout": 0.2},
    "embedded": {"one_hot_max_size": 0},
    "one_hot": {"one_hot_max_size": 100},
    "weighted": {"n_members": 3, "blend": "greedy", "early_stopping": True},
    "activations": {"activation": ["selu", "gelu", "mish"], "hidden_layer_sizes": [5, 4, 3]},
    "not_scaled": {"scaling": None},
    "minmax": {"scaling": "minmax"},
    "robust": {"scaling": "robust"},
    "selected": {"n_features_to_select": 3},
    "float64": {"dtype": "float64"},
}


def table(seed=0, n=N_ROWS):
    """A table with a column of each kind."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=n)
    X = pd.DataFrame(
        {
            "number": numbers,
            "narrow": rng.normal(size=n).astype("float32"),
            "time": 1.7e9 + rng.uniform(0, 100, n),
            "whole": rng.integers(0, 9, n),
            "byte": rng.integers(0, 200, n).astype("uint8"),
            "spoiled": np.where(numbers > 1.5, 1e9, numbers),
            "gap": np.where(rng.random(n) < 0.2, np.nan, numbers),
            "town": rng.choice(["Kiel", "Köln", "Bonn", None], n),
            "street": [f"street {i}" for i in rng.integers(0, 30, n)],
            "flag": rng.random(n) < 0.5,
            "grade": pd.Categorical(rng.choice([0.1, 1.5, 2.0], n)),
            "id": pd.Categorical(2**53 + rng.integers(0, 3, n)),
        }
    )
    return X.astype({"town": object, "street": object})


def changed(X):
    """The same table with missing numbers and with unknown and missing categories."""
    X = X.astype({"grade": float, "id": "int64"})
    X.loc[:3, ["number", "time", "spoiled"]] = np.nan
    X.loc[2:5, "town"] = "Rom"
    X.loc[6:7, "town"] = None
    X.loc[4:6, "street"] = ""
    X.loc[5:8, "grade"] = [0.1 + 1e-9, np.nan, 3.0, 2.0]
    X.loc[7:8, "id"] = [2**53 + 5, 0]
    return X


def fitted(kind, X, y, **parameters):
    defaults = {"preset": "plain", "epochs": 1, "random_state": 0}
    return kind(**{**defaults, **parameters}).fit(X, y)


def labels(X, kinds=("no", "perhaps", "yes")):
    return np.asarray(kinds)[np.arange(len(X)) % len(kinds)]


def assert_classifies(model, clf, X, run_onnx, precision=1e-5):
    out = run_onnx(model, X)
    assert list(out) == ["label", "probabilities"]
    np.testing.assert_array_equal(out["label"], clf.predict(X))
    assert np.abs(out["probabilities"] - clf.predict_proba(X)).max() < precision


def assert_predicts(model, reg, X, run_onnx, precision=1e-5):
    variable = run_onnx(model, X)["variable"]
    expected = reg.predict(X).reshape(len(variable), -1)
    np.testing.assert_allclose(variable, expected, rtol=precision)


@pytest.fixture(scope="module", name="X")
def made_table():
    return table()


@pytest.fixture(scope="module", name="Z")
def changed_table(X):
    return changed(X)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_classifier_of_a_table_with_each_preset(preset, X, Z, run_onnx):
    clf = fitted(DNNClassifier, X, labels(X), preset=preset)
    assert_classifies(to_onnx(clf), clf, Z, run_onnx, 1e-12)


@pytest.mark.parametrize("preset", ["plain", "fast"])
def test_a_classifier_of_a_table_in_float32(preset, X, Z, run_onnx):
    kinds = {"number": "float32", "spoiled": "float32", "gap": "float32", "whole": "int16"}
    X, Z = (frame.drop(columns="time").astype(kinds) for frame in (X, Z))
    clf = fitted(DNNClassifier, X, labels(X), preset=preset)
    model = to_onnx(clf)
    assert_classifies(model, clf, Z, run_onnx)
    assert model.graph.output[1].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("preset", PRESETS)
def test_a_regressor_with_each_preset(preset, diabetes, run_onnx):
    X, y = (values[:N_ROWS].copy() for values in diabetes)
    reg = fitted(DNNRegressor, X.astype("f"), y, preset=preset)
    X[3:5, 1:3] = np.nan
    assert_predicts(to_onnx(reg), reg, X.astype("f"), run_onnx)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_each_network(name, X, Z, run_onnx):
    clf = fitted(DNNClassifier, X, labels(X), **NETWORKS[name])
    assert_classifies(to_onnx(clf), clf, Z, run_onnx, 1e-6)


def test_calibrated_probabilities(iris, run_onnx):
    X, y = iris
    clf = fitted(DNNClassifier, X.astype("f"), y, preset="fast", epochs=3)
    assert clf._network.temperatures is not None
    assert_classifies(to_onnx(clf), clf, X.astype("f"), run_onnx)


@pytest.mark.parametrize(
    ("kinds", "number"),
    [
        (["b", "a"], onnx.TensorProto.STRING),
        ([7, 3, -1], onnx.TensorProto.INT64),
        ([2**53 + 1, 2**53], onnx.TensorProto.INT64),
        ([True, False], onnx.TensorProto.INT64),
        ([2.0, 1.0], onnx.TensorProto.INT64),
        (np.array([2**63 + 1, 2**63], np.uint64), onnx.TensorProto.UINT64),
    ],
)
def test_labels_of_each_type(kinds, number, iris, run_onnx):
    X = iris[0][:N_ROWS].astype("f")
    clf = fitted(DNNClassifier, X, labels(X, kinds))
    model = to_onnx(clf)
    assert model.graph.output[0].type.tensor_type.elem_type == number
    assert_classifies(model, clf, X, run_onnx)


def test_equal_probabilities_give_the_first_class(iris, run_onnx):
    X = iris[0][:N_ROWS].astype("f")
    clf = fitted(DNNClassifier, X, labels(X))
    for weights in clf._network.state.weights:
        weights[:] = 0
    assert set(run_onnx(to_onnx(clf), X)["label"]) == {"no"} == set(clf.predict(X))


def test_several_labels_for_each_row(iris, run_onnx):
    X = iris[0][:N_ROWS].astype("f")
    clf = fitted(DNNClassifier, X, np.random.default_rng(0).integers(0, 2, (N_ROWS, 3)))
    model = to_onnx(clf)
    assert_classifies(model, clf, X, run_onnx)
    assert model.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.INT64


TARGETS = {
    "one_column": ({}, (N_ROWS, 1)),
    "two_columns": ({}, (N_ROWS, 2)),
    "positive": ({"loss": "poisson"}, (N_ROWS,)),
    "absolute": ({"loss": "absolute_error", "clip": True}, (N_ROWS,)),
    "quantile": ({"loss": "quantile", "quantile": 0.9}, (N_ROWS, 2)),
    "quantiles": ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9], "n_members": 2}, (N_ROWS,)),
    "keras_loss": ({"loss": "LogCosh"}, (N_ROWS,)),
}


@pytest.mark.parametrize("name", TARGETS)
def test_each_kind_of_numeric_target(name, iris, run_onnx):
    parameters, shape = TARGETS[name]
    X, y = iris[0][:N_ROWS].astype("f"), np.random.default_rng(0).uniform(3, 900, shape)
    reg = fitted(DNNRegressor, X, y, **parameters)
    model = to_onnx(reg)
    assert_predicts(model, reg, 3 * X, run_onnx)
    opset = {x.domain: x.version for x in model.opset_import}
    assert opset == {"": 11 if name == "quantiles" else 9}


def test_targets_of_which_float32_would_lose_digits(iris, run_onnx):
    X = iris[0][:N_ROWS].astype("f")
    reg = fitted(DNNRegressor, X, 1.7e9 + np.arange(N_ROWS))
    assert np.ptp(reg.predict(X)) < 100
    assert_predicts(to_onnx(reg), reg, X, run_onnx, 1e-14)


def types_of(model):
    names = onnx.TensorProto.DataType.Name
    return {x.name: names(x.type.tensor_type.elem_type) for x in model.graph.input}


def test_the_columns_of_a_table_are_inputs_with_their_types(X):
    model = to_onnx(fitted(DNNClassifier, X, labels(X)))
    assert types_of(model) == {
        "number": "DOUBLE",
        "narrow": "FLOAT",
        "time": "DOUBLE",
        "whole": "INT64",
        "byte": "UINT8",
        "spoiled": "DOUBLE",
        "gap": "DOUBLE",
        "town": "STRING",
        "street": "STRING",
        "flag": "BOOL",
        "grade": "DOUBLE",
        "id": "INT64",
    }
    dimensions = [x.type.tensor_type.shape.dim for x in model.graph.input]
    assert all(len(d) == 2 and d[0].WhichOneof("value") is None for d in dimensions)
    assert all(d[1].dim_value == 1 for d in dimensions)


def test_a_table_of_numbers_has_one_input_for_each_column(iris, run_onnx):
    X = pd.DataFrame(iris[0], columns=list("abcd")).astype({"b": "float32", "c": "int64"})
    clf = fitted(DNNClassifier, X, iris[1])
    model = to_onnx(clf)
    assert types_of(model) == {"a": "DOUBLE", "b": "FLOAT", "c": "INT64", "d": "DOUBLE"}
    assert_classifies(model, clf, X, run_onnx)


def test_tables_of_polars(X, run_onnx):
    clf = fitted(
        DNNClassifier, pl.DataFrame({"a": ["u", "v", None] * 20, "b": range(60)}), labels(X)
    )
    Z = pl.DataFrame({"a": ["v", None, "w"], "b": [1, 2, 3]})
    model = to_onnx(clf)
    assert types_of(model) == {"a": "STRING", "b": "INT64"}
    probabilities = run_onnx(model, Z.to_pandas())["probabilities"]
    assert np.abs(probabilities - clf.predict_proba(Z)).max() < 1e-12


def test_images(digits, run_onnx):
    X, y = (values[:N_ROWS] for values in digits)
    for data in (X.astype("f"), (10 * X).astype("uint8")):
        clf = fitted(DNNClassifier, data, y, scaling="auto")
        model = to_onnx(clf)
        (entry,) = model.graph.input
        assert [d.dim_value for d in entry.type.tensor_type.shape.dim] == [0, 8, 8]
        assert_classifies(model, clf, data.astype("f"), run_onnx)
        assert_classifies(to_onnx(clf, X=data), clf, data, run_onnx)


def test_time_stamps_keep_their_digits(run_onnx):
    X = 1.7e9 + np.random.default_rng(0).uniform(0, 100, (N_ROWS, 2))
    clf = fitted(DNNClassifier, X, labels(X))
    model = to_onnx(clf)
    assert types_of(model) == {"X": "DOUBLE"}
    assert_classifies(model, clf, X, run_onnx, 1e-12)


@pytest.mark.parametrize(("mean", "kind"), [(50, "FLOAT"), (100, "DOUBLE")])
def test_columns_far_from_zero_keep_their_digits(mean, kind, run_onnx):
    X = np.random.default_rng(0).normal(mean, size=(N_ROWS, 3))
    y = (X - mean).sum(axis=1)
    reg = fitted(DNNRegressor, X, y, epochs=20)
    model = to_onnx(reg)
    assert types_of(model) == {"X": kind}
    error = run_onnx(model, X)["variable"][:, 0] - reg.predict(X)
    assert np.abs(error).max() < 1e-5 * reg.predict(X).std()


@pytest.mark.parametrize("parametrization", ["standard", "both"])
def test_narrow_bins_keep_their_digits(parametrization, run_onnx):
    X = np.exp(4 * np.random.default_rng(0).normal(size=(N_ROWS, 2)))  # most values are close to 0
    bins = {"numeric_embedding": "piecewise_linear", "n_members": 2}
    reg = fitted(DNNRegressor, X, np.arange(N_ROWS), parametrization=parametrization, **bins)
    model = to_onnx(reg)
    assert types_of(model) == {"X": "DOUBLE"}
    assert_predicts(model, reg, X, run_onnx)


@pytest.mark.parametrize(("start", "dtype"), [(2**60, "int64"), (2**63, "uint64")])
def test_integers_beyond_those_of_float64(start, dtype, run_onnx):
    X = np.array([[start + i % 5] for i in range(N_ROWS)], dtype)
    reg = fitted(DNNRegressor, X, np.arange(N_ROWS) % 5)
    assert_predicts(to_onnx(reg), reg, X, run_onnx, 1e-12)
    far = np.array([[0], [start // 2]], dtype)
    assert_predicts(to_onnx(reg), reg, far, run_onnx)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "bool"])
def test_the_dtype_of_a_sample_is_the_type_of_the_input(dtype, iris, run_onnx):
    X, y = iris
    clf = fitted(DNNClassifier, X, y)
    X = X.astype(dtype)
    model = to_onnx(clf, X=X[:1])
    assert_classifies(model, clf, X, run_onnx)
    is_wide = clf.predict_proba(X).dtype == "float64"
    number = onnx.TensorProto.DOUBLE if is_wide else onnx.TensorProto.FLOAT
    assert model.graph.output[1].type.tensor_type.elem_type == number


def test_a_table_may_become_one_input_and_an_array_a_table(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    with pytest.warns(UserWarning, match="feature names"):
        assert types_of(to_onnx(fitted(DNNClassifier, frame, y), X=X)) == {"X": "DOUBLE"}
    with pytest.warns(UserWarning, match="feature names"):
        assert list(types_of(to_onnx(fitted(DNNClassifier, X, y), X=frame))) == list("abcd")


def test_arrays_of_text_and_of_several_types(run_onnx):
    rng = np.random.default_rng(0)
    X = rng.choice(["a", "b", "c"], (N_ROWS, 2)).astype(object)
    clf = fitted(DNNClassifier, X, labels(X), categorical_features=[0, 1])
    assert types_of(to_onnx(clf)) == {"X": "STRING"}
    assert_classifies(to_onnx(clf), clf, X, run_onnx)
    X[:, 1] = rng.normal(size=N_ROWS)
    clf = fitted(DNNClassifier, X, labels(X), categorical_features=[0])
    model = to_onnx(clf)
    assert types_of(model) == {"x0": "STRING", "x1": "DOUBLE"}
    probabilities = run_onnx(model, pd.DataFrame(X, columns=["x0", "x1"]))["probabilities"]
    assert np.abs(probabilities - clf.predict_proba(X)).max() < 1e-12


def test_an_array_of_numbers_with_categories(run_onnx):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=N_ROWS), rng.integers(0, 4, N_ROWS), rng.random(N_ROWS)])
    clf = fitted(DNNClassifier, X, labels(X), categorical_features=[1])
    X[:3, 1] = [9, 2.5, np.nan]
    model = to_onnx(clf)
    assert types_of(model) == {"X": "FLOAT"}
    assert_classifies(model, clf, X.astype("f"), run_onnx)


@pytest.mark.parametrize("preset", ["plain", "fast"])
def test_networks_trained_on_sparse_rows(preset, run_onnx):
    X = sparse.random(N_ROWS, 20, 0.1, "csr", "float32", random_state=0)
    clf = fitted(DNNClassifier, X, labels(np.zeros(N_ROWS)), preset=preset)
    assert_classifies(to_onnx(clf), clf, X.toarray(), run_onnx)


def test_names_of_outputs_that_are_names_of_columns(iris, run_onnx):
    X = pd.DataFrame(iris[0], columns=["label", "probabilities", "constant", "MatMul"])
    clf = fitted(DNNClassifier, X, iris[1])
    out = run_onnx(to_onnx(clf), X)
    assert list(out) == ["label1", "probabilities1"]
    np.testing.assert_array_equal(out["label1"], clf.predict(X))


def test_batches_of_each_size(iris, run_onnx):
    X, y = iris[0].astype("f"), iris[1]
    clf = fitted(DNNClassifier, X, y)
    model = to_onnx(clf)
    assert run_onnx(model, X[:0])["probabilities"].shape == (0, 3)
    for rows in (X[:1], np.tile(X, (100, 1))):
        assert_classifies(model, clf, rows, run_onnx)


def test_the_model_names_its_producer(iris):
    model = to_onnx(fitted(DNNClassifier, *iris))
    assert (model.producer_name, model.graph.name) == ("skdnn", "DNNClassifier")
    assert model.producer_version
    assert model.ir_version == 4
    assert model.graph.doc_string == ""


def test_each_weight_is_stored_once(iris):
    X, y = iris
    clf = fitted(DNNClassifier, X, y, preset="fast")
    size = sum(w.nbytes for w in clf._network.weights)
    for sample in (None, X):
        assert size < to_onnx(clf, X=sample).ByteSize() < 1.1 * size


def test_a_loaded_estimator_gives_the_same_model(X, tmp_path):
    clf = fitted(DNNClassifier, X, labels(X))
    save(clf, tmp_path / "model.skdnn")
    assert to_onnx(load(tmp_path / "model.skdnn")) == to_onnx(clf)


def test_the_file_is_the_model(iris, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    model = to_onnx(fitted(DNNClassifier, *iris), path)
    assert onnx.load(path) == model
    assert to_onnx(fitted(DNNClassifier, *iris), str(path)) == model
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_conversion_needs_no_tensorflow(iris, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(fitted(DNNClassifier, *iris, preset="fast")))
    code = (
        "import pickle, sys, skdnn; from pathlib import Path; "
        "model = skdnn.to_onnx(pickle.loads(Path(sys.argv[1]).read_bytes())); "
        "print(model.producer_name, {'tensorflow', 'keras'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "skdnn set()\n"


def test_an_estimator_that_is_not_fitted():
    with pytest.raises(NotFittedError, match="this DNNClassifier is not: call fit"):
        to_onnx(DNNClassifier())


def test_other_objects_and_what_to_write_instead(iris):
    skrub = pytest.importorskip("skrub")
    clf = fitted(DNNClassifier, *iris)
    search = GridSearchCV(clf, {"alpha": [0.0]}, cv=2).fit(*iris)
    for wrong, advice in [
        (make_pipeline(StandardScaler(), clf), r"Got Pipeline: convert it with skl2onnx\.to_onnx"),
        (
            make_pipeline(skrub.TableVectorizer(), clf),
            "Got Pipeline with TableVectorizer of skrub, which has no ONNX: turn dates and text",
        ),
        (search, "Got GridSearchCV: pass its best_estimator_"),
        (KerasClassifier(), "Got KerasClassifier: write its Keras model, with model_.export"),
        (StandardScaler(), r"StandardScaler: convert it with skl2onnx\.to_onnx"),
        (DNNClassifier, r"the class DNNClassifier: pass an object"),
        (None, "Got NoneType"),
    ]:
        with pytest.raises(TypeError, match=f"takes a fitted DNNClassifier.*{advice}"):
            to_onnx(wrong)


def test_samples_in_place_of_the_path(iris):
    with pytest.raises(TypeError, match=r"path of skdnn\.to_onnx .* Got ndarray: .* as X="):
        to_onnx(fitted(DNNClassifier, *iris), iris[0])


def test_activations_that_onnx_cannot_express(iris):
    for activation in ("sparsemax", np.abs):
        clf = fitted(DNNClassifier, *iris, activation="relu")
        spec = clf._network.spec
        first, *others = spec.layers
        layers = [type(x)(x.name, x.units, activation) for x in others[:1]]
        clf._network = type(clf._network)(
            **{**vars(clf._network), "spec": type(spec)(spec.input_shape, (first, *layers))}
        )
        with pytest.raises(ValueError, match="'activation' parameter of DNNClassifier is"):
            to_onnx(clf)


def test_a_sample_with_other_columns_is_an_error(X):
    clf = fitted(DNNClassifier, X, labels(X))
    with pytest.raises(ValueError, match="feature names"):
        to_onnx(clf, X=X.rename(columns={"town": "city"}))


def test_a_dtype_that_onnx_lacks(iris):
    X, y = iris
    with pytest.raises(ValueError, match=r"Column 0 of .* dtype longdouble|float128.*as float64"):
        to_onnx(fitted(DNNClassifier, X, y), X=X.astype(np.longdouble))


def test_the_package_onnx_is_optional(iris, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'skdnn.to_onnx needs onnx, .* pip install "\.\[onnx\]"'):
        to_onnx(fitted(DNNClassifier, *iris))
