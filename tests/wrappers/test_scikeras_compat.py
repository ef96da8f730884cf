"""What shows only in a process of its own: patches of Keras, new processes."""

import pickle
import subprocess
import sys
from os import environ

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.model_selection import GridSearchCV

from skdnn import KerasClassifier

# Prints what a plain Keras program can see of Keras: what its classes are made of, and what
# pickles and copies of its objects do.
PLAIN_KERAS = """
import copy, pickle
import keras
import numpy as np

def look():
    classes = [keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer]
    classes += [keras.Sequential, keras.layers.Layer, keras.layers.Dense, keras.callbacks.Callback]
    # Python adds an empty `__annotations__` to a class when it is asked for.
    seen = [sorted((k, repr(v)) for k, v in vars(cls).items() if v != {}) for cls in classes]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=[keras.metrics.MeanAbsoluteError()])
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        twin.fit(np.ones((4, 2)), np.ones(4), verbose=0)
        seen.append([w.tolist() for w in twin.get_weights()])
        seen.append(type(twin).__module__)
    for thing in (keras.losses.MeanSquaredError(), keras.optimizers.SGD(0.5)):
        seen.append(repr(thing.__reduce__()[0]))
    seen.append(sorted(keras.saving.get_custom_objects()))
    return seen
"""
BEFORE_AND_AFTER = f"""{PLAIN_KERAS}
before = look()
import skdnn.wrappers
assert look() == before
from skdnn import KerasClassifier
clf = KerasClassifier([keras.layers.Dense(2)], verbose=0).fit([[0.0], [1.0]], [0, 1])
pickle.loads(pickle.dumps(clf))
assert look() == before
"""
SCIKERAS_FIRST = """
import keras
import scikeras.wrappers
patched = keras.Model.__reduce__
import skdnn.wrappers
assert keras.Model.__reduce__ is patched
assert patched.__module__ == "scikeras._saving_utils"
import pickle
from skdnn import KerasClassifier
clf = KerasClassifier([keras.layers.Dense(2)], verbose=0).fit([[0.0], [1.0]], [0, 1])
twin = pickle.loads(pickle.dumps(clf))
assert (twin.predict_proba([[0.5]]) == clf.predict_proba([[0.5]])).all()
"""
LOAD = """
import pickle, sys
from pathlib import Path
import numpy as np
found = {}
for file in map(Path, sys.argv[2:]):
    clf, X = pickle.loads(file.read_bytes())
    found[file.stem] = clf.predict_proba(X)
np.savez(sys.argv[1], **found)
"""


class Doubled(keras.layers.Dense):
    """A layer that Keras does not know."""

    def call(self, x):
        return 2 * super().call(x)


def build(units=4):
    return keras.Sequential([Doubled(units, "relu"), keras.layers.Dense(3, "softmax")])


def run(code, *arguments, **environment):
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result


def test_keras_is_unpatched_after_import_and_use():
    run(BEFORE_AND_AFTER)


def test_patches_of_scikeras_imported_before_are_kept():
    run(SCIKERAS_FIRST)


def test_importing_the_package_imports_neither_keras_nor_scikeras():
    run("import sys, skdnn; assert not {'keras', 'scikeras', 'tensorflow'} & set(sys.modules)")


def test_new_process_predicts_the_same(iris, tmp_path):
    import cloudpickle

    layers = [keras.layers.Dense(4), keras.layers.Dense(3, "softmax")]
    of_layers, of_function = (
        KerasClassifier(model, verbose=0, random_state=0).fit(*iris) for model in (layers, build)
    )
    (tmp_path / "layers.pkl").write_bytes(pickle.dumps((of_layers, iris[0])))
    # By value, because the new process does not have this module.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        (tmp_path / "function.pkl").write_bytes(cloudpickle.dumps((of_function, iris[0])))
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    names = ["layers", "function"]
    run(LOAD, tmp_path / "out.npz", *[tmp_path / f"{name}.pkl" for name in names])
    predicted = np.load(tmp_path / "out.npz")
    for name, clf in zip(names, (of_layers, of_function), strict=True):
        proba = clf.predict_proba(iris[0])
        assert_allclose(predicted[name], proba, rtol=1e-4, atol=1e-6, err_msg=name)


def test_search_in_worker_processes_gives_the_same(iris):
    layers = [keras.layers.Dense(4, "relu"), keras.layers.Dense(3, "softmax")]
    clf = KerasClassifier(layers, verbose=0, random_state=0)
    grid = {"optimizer__learning_rate": [0.01, 0.1]}
    scores = [
        GridSearchCV(clf, grid, cv=2, n_jobs=n, scoring="neg_log_loss").fit(*iris) for n in (1, 2)
    ]
    one, two = (search.cv_results_["mean_test_score"] for search in scores)
    assert_allclose(one, two, rtol=1e-3)


def build_for_pickle(meta):
    inputs = keras.Input((meta["n_features_in_"],))
    return keras.Model(inputs, keras.layers.Dense(meta["n_classes_"], "softmax")(inputs))


def test_a_pickled_subclass_of_scikeras_becomes_one_of_skdnn(iris, monkeypatch):
    import scikeras.wrappers  # after skdnn, which keeps Keras unpatched

    def subclass(base):
        return type("Moved", (base,), {"__module__": __name__})

    X, y = iris
    monkeypatch.setitem(globals(), "Moved", subclass(scikeras.wrappers.KerasClassifier))
    params = {"loss": "sparse_categorical_crossentropy", "optimizer": "adam", "verbose": 0}
    old = Moved(build_for_pickle, batch_size=-1, **params)  # noqa: F821
    y, classes = np.array(["a", "b", "c"])[y], np.array(["c", "a", "b"])
    old.partial_fit(X, y, classes)  # which SciKeras leaves in this order
    pickled = pickle.dumps(old)
    monkeypatch.setitem(globals(), "Moved", subclass(KerasClassifier))
    with pytest.warns(InconsistentVersionWarning, match="Moved"):
        new = pickle.loads(pickled)
    assert isinstance(new, KerasClassifier)
    assert new.classes_.tolist() == ["c", "a", "b"]
    for _ in range(2):
        assert_allclose(new.predict_proba(X), old.predict_proba(X), atol=1e-5)
        for clf in (old, new):
            clf.partial_fit(X, y, classes)
    assert new.current_epoch == 3
