"""The state of a wrapper: plain parts, code of the user in the open, nothing hidden that runs."""

import io
import json
import os
import pickle
import pickletools
import subprocess
import sys
from zipfile import ZipFile

import cloudpickle
import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout, Lambda
from numpy.testing import assert_array_equal

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor
from skdnn.wrappers.pickling import Saved, lazy_names

SILENT = {"verbose": 0, "random_state": 0}
LAYERS = [Dense(4, "relu"), Dropout(0.2), Dense(3, "softmax")]


def sine(x):
    return keras.ops.sin(x)


class Doubled(Dense):
    def call(self, x):
        return 2 * super().call(x)


def build():
    return keras.Sequential([Doubled(4, activation=sine), Dense(3, "softmax")])


def build_with_lambdas():
    layers = [Lambda(lambda x: 2 * x), Lambda(lambda x: sine(x)), Dense(3, "softmax")]
    return keras.Sequential(layers)


def saved_of(estimator, name="model_"):
    return estimator.__getstate__()[name]


def leaves(value):
    if isinstance(value, dict):
        value = [*value, *value.values()]
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        value = list(vars(value).values())
    if isinstance(value, list | tuple | set):
        for item in value:
            yield from leaves(item)
    else:
        yield value


# ---------------------------------------------------------------------------------- plain parts


@pytest.mark.parametrize("optimizer", ["sgd", keras.optimizers.Adam(0.01)])
def test_a_state_is_text_numbers_and_arrays(iris, optimizer):
    metrics = [keras.metrics.SparseCategoricalCrossentropy(name="entropy")]
    clf = KerasClassifier(LAYERS, optimizer=optimizer, metrics=metrics, **SILENT).fit(*iris)
    state = saved_of(clf)
    assert not [leaf for leaf in leaves(vars(state)) if isinstance(leaf, bytes)]
    config = json.loads(state.config)
    names = [layer["class_name"] for layer in config["config"]["layers"]]
    assert names == ["InputLayer", "Dense", "Dropout", "Dense"]
    shapes = [x.shape for name, x in state.archive.variables.items() if name.startswith("layers")]
    for weight in clf.model_.get_weights():
        assert weight.shape in shapes
    assert state.custom_objects == {}
    assert isinstance(clf.__getstate__()["model"][0], Saved)


def test_loading_builds_nothing_until_it_is_asked_for(iris):
    clf = KerasClassifier(LAYERS, optimizer=keras.optimizers.Adam(0.01), **SILENT).fit(*iris)
    twin = pickle.loads(pickle.dumps(clf))
    assert sorted(lazy_names(twin)) == ["model", "model_", "optimizer"]
    assert twin.initialized_
    assert twin.n_features_in_ == 4
    assert sorted(lazy_names(twin)) == ["model", "model_", "optimizer"]
    again = pickle.loads(pickle.dumps(twin))  # of the plain parts themselves
    assert "model_" in lazy_names(twin)
    assert_array_equal(again.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    assert sorted(lazy_names(again)) == ["model", "model_", "optimizer"]  # predicts in NumPy
    assert again.model_.count_params() == clf.model_.count_params()
    assert sorted(lazy_names(again)) == ["model", "optimizer"]
    assert [type(layer) for layer in again.get_params()["model"]] == [Dense, Dropout, Dense]
    assert float(again.optimizer.learning_rate) == pytest.approx(0.01)
    assert not lazy_names(again)


def test_a_failed_fit_of_a_loaded_estimator_leaves_it_as_it_was(iris):
    clf = KerasClassifier(LAYERS, **SILENT).fit(*iris)
    twin = pickle.loads(pickle.dumps(clf))
    with pytest.raises(ValueError, match="NaN"):
        twin.partial_fit(np.full_like(iris[0], np.nan), iris[1])
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    assert [type(layer) for layer in twin.model] == [Dense, Dropout, Dense]


def test_an_unknown_attribute_is_an_attribute_error():
    twin = pickle.loads(pickle.dumps(KerasClassifier(LAYERS)))
    with pytest.raises(AttributeError, match="no attribute 'modle_'"):
        twin.modle_  # noqa: B018


# --------------------------------------------------------------------------- code in the open


def test_functions_that_can_be_imported_are_names(iris):
    clf = KerasClassifier(build, **SILENT).fit(*iris)
    objects = saved_of(clf).custom_objects
    assert set(objects) == {"Doubled", "sine"}
    if not hasattr(objects["Doubled"], "value"):  # with a test runner that makes them importable
        assert objects == {"Doubled": Doubled, "sine": sine}


def globals_of(pickled):
    """Return the names that a pickle resolves, as an inspecting tool lists them."""
    strings, found = [], []
    for opcode, argument, _ in pickletools.genops(pickled):
        if isinstance(argument, str):
            strings.append(argument)
        if opcode.name == "STACK_GLOBAL":
            found.append(".".join(strings[-2:]))
    return found


def test_a_local_function_is_code_that_a_pickle_shows(iris):
    def local(x):
        return keras.ops.tanh(x)

    clf = KerasClassifier([Dense(4, activation=local), Dense(3, "softmax")], **SILENT).fit(*iris)
    pickled = pickle.dumps(clf)
    assert any(name.endswith("loads") for name in globals_of(pickled))
    assert_array_equal(pickle.loads(pickled).predict(iris[0]), clf.predict(iris[0]))
    plain = KerasClassifier(LAYERS, **SILENT).fit(*iris)
    assert not any(name.endswith("loads") for name in globals_of(pickle.dumps(plain)))


@pytest.mark.parametrize("copied", [pickle, cloudpickle])
def test_lambda_layers_are_restored_with_what_they_refer_to(iris, copied):
    clf = KerasClassifier(build_with_lambdas, **SILENT).fit(*iris)
    assert "__lambda__" not in saved_of(clf).config
    twin = copied.loads(copied.dumps(clf))
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    again = copied.loads(copied.dumps(twin))
    assert_array_equal(again.predict_proba(iris[0]), clf.predict_proba(iris[0]))


# ------------------------------------------------------------------------------------ attacks

MARK = "skdnn-attack"


@pytest.fixture
def attack(tmp_path):
    """A pickle that would make a file, and whether it did."""

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / MARK),)

    return pickle.dumps(Attack()), lambda: (tmp_path / MARK).exists()


@pytest.mark.parametrize("name", ["model_", "model", "optimizer", "own"])
def test_bytes_in_a_state_are_never_unpickled(iris, attack, name):
    pickled, has_run = attack
    clf = KerasClassifier(LAYERS, **SILENT).fit(*iris)
    for value in (pickled, {"data": pickled}, Saved(pickled, {}, None, [], [])):
        twin = object.__new__(KerasClassifier)
        twin.__setstate__({**clf.__getstate__(), name: value})
        with pytest.raises(Exception):  # noqa: B017
            getattr(twin, name).anything  # noqa: B018
    assert not has_run()


def node(module, name, config, **more):
    return {"module": module, "class_name": name, "config": config, **more}


def function(module, name, registered="function"):
    return node(module, "function", name, registered_name=registered)


LAMBDA_CODE = node(None, "__lambda__", {"code": "4wEAAAA=", "defaults": None, "closure": None})
ATTACKS = {
    "os": function("os", "system"),
    "builtins": function("builtins", "eval"),
    "registered": function("builtins", "no such", "exec"),
    "subprocess": node("subprocess", "Popen", {"args": "true"}, registered_name=None),
    "utility of Keras": function("keras.utils", "get_file"),
    "private utility of Keras": function("keras.src.utils.file_utils", "get_file"),
    "import of Keras": function("keras.src.saving.serialization_lib", "importlib"),
    "safe mode": function("keras.config", "enable_unsafe_deserialization"),
    "load": function("keras.saving", "load_model"),
    "saved model": node("keras.layers", "TFSMLayer", {"filepath": "here"}),
    "torch": node("keras.layers", "TorchModuleWrapper", {"module": "here"}),
    "callback": node("keras.callbacks", "ModelCheckpoint", {"filepath": "here"}),
    "lambda": LAMBDA_CODE,
    "typespec": {**node("os", "__typespec__", []), "spec_name": "system", "registered_name": None},
}


@keras.saving.register_keras_serializable("registered")
def registered_function(x):
    raise AssertionError("It has run.")


@pytest.mark.parametrize("place", ["activation", "kernel_initializer", "kernel_regularizer"])
@pytest.mark.parametrize("kind", ATTACKS)
def test_a_configuration_resolves_no_name_outside_of_keras(iris, kind, place):
    clf = KerasClassifier(LAYERS, **SILENT).fit(*iris)
    state = clf.__getstate__()
    config = json.loads(state["model_"].config)
    config["config"]["layers"][1]["config"][place] = ATTACKS[kind]
    state["model_"].config = json.dumps(config)
    twin = object.__new__(KerasClassifier)
    twin.__setstate__(state)
    with pytest.raises(ValueError, match=r"neither a layer or function of Keras nor saved"):
        twin.model_  # noqa: B018


@pytest.mark.parametrize("kind", ["os", "lambda", "utility of Keras"])
def test_a_lambda_layer_in_a_file_resolves_no_name_either(kind):
    layer = node("keras.layers", "Lambda", {"name": "x", "function": ATTACKS[kind]})
    with pytest.raises(ValueError, match=r"neither a layer or function of Keras nor saved"):
        Saved(json.dumps(layer), {}, None, [], []).restore()


def test_objects_registered_in_the_process_are_not_reached_by_a_file():
    name = keras.saving.get_registered_name(registered_function)
    layer = node("keras.layers", "Activation", {"activation": function("tests", name, name)})
    with pytest.raises(ValueError, match=r"neither a layer or function of Keras nor saved"):
        Saved(json.dumps(layer), {}, None, [], []).restore()


def test_files_stay_inside_the_archive(iris, tmp_path):
    state = saved_of(KerasClassifier(LAYERS, **SILENT).fit(*iris))
    state.archive.files["assets/../../outside"] = "text"
    with pytest.raises(ValueError, match="A saved network has no file"):
        state.restore()


# -------------------------------------------------------------------------------------- skops

sio = pytest.importorskip("skops.io")

CASES = {
    "default": (lambda: KerasClassifier(**SILENT), set()),
    "layers": (lambda: KerasClassifier(LAYERS, **SILENT), set()),
    "objects": (
        lambda: KerasClassifier(
            LAYERS,
            optimizer=keras.optimizers.Adam(0.01),
            loss=keras.losses.SparseCategoricalCrossentropy(),
            metrics=[keras.metrics.SparseCategoricalAccuracy()],
            **SILENT,
        ),
        set(),
    ),
    "functions": (lambda: KerasClassifier(build, **SILENT), {"build", "Doubled", "sine"}),
    "lambdas": (
        lambda: KerasClassifier(build_with_lambdas, **SILENT),
        {"build_with_lambdas", "<lambda>"},
    ),
    "regressor": (
        lambda: KerasRegressor([Dense(1)], loss=keras.losses.Huber(5), **SILENT),
        set(),
    ),
    "preset": (lambda: DNNClassifier(random_state=0).set_params(epochs=1), set()),
    "dense": (
        lambda: DNNRegressor(preset="plain", epochs=1, activation=sine, loss=keras.losses.Huber(5)),
        {"sine"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_skops_lists_all_code_and_refuses_without_trust(iris, case):
    make, code = CASES[case]
    estimator = make().fit(*iris)
    data = sio.dumps(estimator)
    untrusted = sio.get_untrusted_types(data=data)
    own = {name.rpartition(".")[2] for name in untrusted if "test_plain_state" in name}
    assert own == code
    with pytest.raises(TypeError, match="Untrusted types"):
        sio.loads(data)


@pytest.mark.parametrize("case", ["default", "layers", "objects", "regressor", "preset"])
def test_skops_restores_an_estimator_of_keras_own_parts(iris, case):
    estimator = CASES[case][0]().fit(*iris)
    data = sio.dumps(estimator)
    twin = sio.loads(data, trusted=sio.get_untrusted_types(data=data))
    assert_array_equal(twin.predict(iris[0]), estimator.predict(iris[0]))
    estimator.partial_fit(*iris)
    assert_array_equal(twin.partial_fit(*iris).predict(iris[0]), estimator.predict(iris[0]))


def rewritten(data, change):
    """Return a skops file after a change of the text of its schema."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as old, ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == "schema.json" else content)
    return out.getvalue()


def test_a_skops_file_with_the_types_of_a_wrapper_runs_no_code(iris, tmp_path):
    """The attack: only types that the user trusts, and a configuration that names a function."""
    clf = KerasClassifier([Dense(4, activation="relu"), Dense(3)], **SILENT).fit(*iris)
    data = sio.dumps(clf)
    trusted = sio.get_untrusted_types(data=data)

    def change(schema):
        # The configuration is JSON in a JSON string in the JSON of the schema.
        text = lambda value: json.dumps(json.dumps(json.dumps(value))[1:-1])[1:-1]  # noqa: E731
        bad = schema.decode().replace(text("relu"), text(function("os", "system")))
        assert bad != schema.decode()
        return bad.encode()

    attack = rewritten(data, change)
    assert sio.get_untrusted_types(data=attack) == trusted
    twin = sio.loads(attack, trusted=trusted)
    with pytest.raises(ValueError, match=r"refers to os\.function \('system'\)"):
        twin.model_.predict(iris[0])


def test_a_skops_file_of_the_old_layout_runs_no_code(attack):
    """Before, the state of a wrapper was bytes that were unpickled."""
    pickled, has_run = attack
    clf = KerasClassifier()
    clf.own = pickled
    data = sio.dumps(clf)
    twin = sio.loads(data, trusted=sio.get_untrusted_types(data=data))
    assert twin.own == pickled
    assert not has_run()


# ----------------------------------------------------------------- in a process of its own

SCRIPT = """
import pickle, sys
import keras
from skdnn import KerasClassifier
class Own(keras.layers.Dense):
    def call(self, x):
        return 3 * super().call(x)
def sine(x):
    return keras.ops.sin(x)
from sklearn.datasets import load_iris
X, y = load_iris(return_X_y=True)
layers = [Own(4, activation=sine), keras.layers.Dense(3, "softmax")]
clf = KerasClassifier(layers, verbose=0, random_state=0).fit(X, y)
pickle.dump((clf, X, clf.predict(X)), open(sys.argv[1], "wb"))
"""
LOAD = """
import pickle, sys
clf, X, expected = pickle.load(open(sys.argv[1], "rb"))
assert (clf.predict(X) == expected).all()
clf.partial_fit(X, expected)
"""


def test_classes_of_a_script_are_restored_in_another_process(tmp_path):
    for code in (SCRIPT, LOAD):
        command = [sys.executable, "-c", code, str(tmp_path / "clf.pkl")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr


def test_the_default_dense_estimator_holds_no_bytes(iris):
    clf = DNNClassifier(preset="plain", epochs=1).fit(*iris)
    assert not [leaf for leaf in leaves(clf.__getstate__()) if isinstance(leaf, bytes)]
