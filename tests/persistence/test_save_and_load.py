"""An estimator that was saved and loaded is the one that was fitted."""

import pickle
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone

import skdnn
from skdnn import DNNClassifier, DNNRegressor

pytestmark = [
    pytest.mark.quick,
    pytest.mark.filterwarnings("ignore"),  # of columns and labels, which other tests are for
]
N = 60
_RNG = np.random.default_rng(0)
NUMBERS = _RNG.normal(size=(N, 4)).astype(np.float32)
THREE, TWO = _RNG.integers(0, 3, N), _RNG.integers(0, 2, N)
NUMERIC = _RNG.normal(size=N)
POSITIVE = np.abs(NUMERIC) + 0.1
SEVERAL = np.column_stack([NUMERIC, NUMERIC**2])
MULTILABEL = _RNG.integers(0, 2, (N, 3))
IMAGES = _RNG.integers(0, 256, (N, 3, 4)).astype(np.uint8)
SPARSE = sparse.random(N, 6, 0.4, format="csr", random_state=0)
OUTLIERS = np.where(_RNG.random((N, 4)) < 0.05, 1e12, NUMBERS)
TIMES = _RNG.integers(10**18, 10**18 + 1000, (N, 2))
HUGE = np.array([[2**70 + int(i)] for i in THREE], object)
TABLE = pd.DataFrame(
    {
        "size": np.where(_RNG.random(N) < 0.2, np.nan, NUMERIC),
        "town": _RNG.choice(np.array(["Bonn", "Köln", None], object), N),
        "grade": pd.Categorical(_RNG.choice(["a", "b", "c"], N)),
        "owner": _RNG.random(N) < 0.5,
        "id": _RNG.integers(2**53, 2**53 + 4, N),
        "price": [Decimal(int(i)) / 7 for i in _RNG.integers(0, 4, N)],
    }
)
CATEGORIES = ["town", "grade", "owner", "id", "price"]


def clf(X=NUMBERS, y=THREE, **params):
    return DNNClassifier, X, y, params


def reg(X=NUMBERS, y=NUMERIC, **params):
    return DNNRegressor, X, y, params


def labels(*values):
    return clf(y=np.array(values)[THREE])


PLAIN = {"hidden_layer_sizes": (4,)}
ENSEMBLES = {
    "fast": reg(TABLE, preset="fast"),
    "balanced": clf(TABLE, preset="balanced"),
    "best": reg(TABLE, preset="best"),
    "both_and_batch_norm": clf(n_members=2, batch_norm=True, dropout=0.2, **PLAIN),
    "realmlp_ensemble": reg(parametrization="realmlp", n_members=2, **PLAIN),
    "blend": clf(parametrization="both", n_members=2, blend="greedy", early_stopping=True, **PLAIN),
    "ensemble_of_quantiles": reg(n_members=2, loss="quantile", quantile=[0.1, 0.9], **PLAIN),
    "sparse_ensemble": clf(SPARSE, n_members=2, **PLAIN),
}
SINGLES = {
    "text_labels": labels("aa", "b", "c"),
    "object_labels": clf(y=np.array(["aa", "b", "c"], object)[THREE]),
    "large_ids": labels(2**62, 2**62 + 1, 2**62 + 2),
    "uint64_labels": clf(y=np.array([1, 2**64 - 2, 2**64 - 1], np.uint64)[THREE]),
    "int8_labels": clf(y=THREE.astype(np.int8)),
    "float_labels": clf(y=THREE.astype(np.float32)),
    "boolean_labels": clf(y=TWO > 0),
    "date_labels": clf(y=np.array(["2020-01-01", "2020-01-02"], "M8[D]")[TWO]),
    "multilabel": clf(y=MULTILABEL),
    "own_loss_of_labels": clf(y=TWO, loss="binary_focal_crossentropy"),
    "absolute_error": reg(loss="absolute_error"),
    "poisson": reg(y=POSITIVE, loss="poisson"),
    "gamma": reg(y=POSITIVE, loss="gamma"),
    "loss_of_keras": reg(y=POSITIVE, loss="mean_squared_logarithmic_error"),
    "one_quantile": reg(loss="quantile", quantile=0.3),
    "quantiles": reg(loss="quantile", quantile=np.array([0.1, 0.5, 0.9])),
    "several_targets": reg(y=SEVERAL),
    "one_column_target": reg(y=NUMERIC[:, np.newaxis]),
    "clipped": reg(clip=True, early_stopping=True),
    "float64": reg(NUMBERS.astype(np.float64), dtype="float64"),
    "minmax": clf(scaling="minmax"),
    "robust": clf(scaling="robust"),
    "unscaled": clf(scaling=None),
    "outliers": clf(OUTLIERS),
    "images": clf(IMAGES),
    "pixelwise": clf(IMAGES, scaling="pixelwise"),
    "sparse": clf(SPARSE),
    "time_stamps": clf(TIMES),
    "beyond_64_bits": clf(HUGE, categorical_features=[0]),
    "mask": clf(np.c_[NUMBERS, THREE], categorical_features=np.arange(5) == 4),
    "table": clf(TABLE, categorical_features=CATEGORIES),
    "polars": clf(pl.from_pandas(TABLE.drop(columns="price")), numeric_embedding="periodic"),
    "one_hot": clf(TABLE, one_hot_max_size=3, numeric_embedding="piecewise_linear"),
    "selected": clf(n_features_to_select=3),
    "selected_sparse": clf(SPARSE, n_features_to_select=2),
    "selected_table": clf(TABLE, n_features_to_select=1, categorical_features=CATEGORIES),
    "realmlp": clf(parametrization="realmlp"),
    "batch_norm": clf(batch_norm=True, dropout=0.2),
    "activations": clf(hidden_layer_sizes=[5, 4], activation=["selu", "sparsemax"]),
    "early_stopping": clf(early_stopping=True),
    "class_weight": clf(class_weight={0: 1.0, np.int64(1): np.float32(2.5), 2: 3}),
}
MODELS = {**SINGLES, **ENSEMBLES}


def fit(name):
    """Return the fitted estimator of a name, with its X and y."""
    kind, X, y, params = MODELS[name]
    common = {"epochs": 2, "random_state": 0, **(PLAIN if name in SINGLES else {})}
    return kind(**{**common, **params}).fit(X, y), X, y


ATTRIBUTES = ("history_", "n_iter_", "best_epoch_", "best_score_", "n_features_in_")


def predictions(estimator, X):
    """All that an estimator predicts."""
    yield estimator.encode(X)
    if isinstance(estimator, DNNClassifier):
        yield estimator.predict_proba(X)
    yield estimator.predict(X)
    is_mean = isinstance(estimator, DNNRegressor) and estimator.loss != "quantile"
    if is_mean and estimator._network.spec.n_members > 1:
        yield from estimator.predict(X, return_std=True)


@pytest.mark.parametrize("name", MODELS)
def test_nothing_differs_after_loading(name, round_trip):
    model, X, y = fit(name)
    loaded = round_trip(model)
    assert type(loaded) is type(model)
    for now, before in zip(predictions(loaded, X), predictions(model, X), strict=True):
        if sparse.issparse(now):
            now, before = now.toarray(), before.toarray()
        assert now.dtype == before.dtype
        assert_array_equal(now, before)
    assert loaded.score(X, y) == model.score(X, y)
    assert repr(loaded) == repr(model)
    assert repr(loaded.resolved_params_) == repr(model.resolved_params_)
    for attribute in ATTRIBUTES:
        now, before = (str(getattr(x, attribute, None)) for x in (loaded, model))
        assert now == before
    for attribute in ("classes_", "validation_scores_", "feature_names_in_"):
        assert_array_equal(*(getattr(x, attribute, None) for x in (loaded, model)))
    assert vars(model).keys() - {"callbacks_"} == vars(loaded).keys()
    assert loaded._network.spec == model._network.spec
    assert loaded._text_table() == model._text_table()


def test_a_loaded_estimator_is_like_any_other(iris, round_trip):
    X, y = iris
    model = DNNClassifier((6,), epochs=2, random_state=0).fit(X, y)
    loaded = round_trip(model)
    expected = model.predict_proba(X)
    assert_array_equal(pickle.loads(pickle.dumps(loaded)).predict_proba(X), expected)
    assert_array_equal(clone(loaded).fit(X, y).predict_proba(X), expected)
    assert_array_equal(round_trip(loaded).predict_proba(X), expected)
    np.testing.assert_allclose(loaded.to_keras().predict(X, verbose=0), expected, atol=1e-6)
    assert_array_equal(loaded.fit(X, y).predict_proba(X), expected)
    assert loaded.partial_fit(X, y).n_iter_ == 3


def test_the_arrays_of_a_loaded_estimator_are_its_own(iris, tmp_path):
    X, y = iris
    model = DNNClassifier((6,), epochs=1, random_state=0).fit(X, y)
    skdnn.save(model, tmp_path / "model")
    loaded = skdnn.load(tmp_path / "model")
    (tmp_path / "model").write_bytes(b"")
    for weight in loaded._network.state.weights:
        weight[:] = 0
    assert np.ptp(loaded.predict_proba(X)) == 0


def test_the_same_estimator_gives_the_same_file(iris, tmp_path):
    X, y = iris
    model = DNNClassifier((6,), epochs=1, random_state=0).fit(X, y)
    for name in ("a", "b"):
        skdnn.save(model, tmp_path / name, profile="resume")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    skdnn.save(model, tmp_path / "a")
    skdnn.save(skdnn.load(tmp_path / "b"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_random_states_and_metadata_requests_are_kept(iris, round_trip):
    X, y = iris
    model = DNNClassifier((6,), epochs=1, random_state=np.random.RandomState(3))
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True, groups="site").fit(X, y)
        loaded = round_trip(model)
        before, now = (x.get_metadata_routing()._serialize() for x in (model, loaded))
    assert now == before
    assert now["fit"]["groups"] == "site"
    assert loaded.random_state.randint(2**31) == model.random_state.randint(2**31)


def test_loading_imports_neither_tensorflow_nor_keras(iris, tmp_path):
    X, y = iris
    model = DNNClassifier(preset="fast", epochs=1, random_state=0).fit(X, y)
    skdnn.save(model, tmp_path / "model", profile="resume")
    np.save(tmp_path / "X.npy", X)
    program = (
        "import sys, numpy as np, skdnn\n"
        "from skdnn.persistence.info import read_info\n"
        "model, info = skdnn.load('model'), read_info('model')\n"
        "np.save('found.npy', model.predict_proba(np.load('X.npy')))\n"
        "assert not {'tensorflow', 'keras', 'pickle5'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert_array_equal(np.load(tmp_path / "found.npy"), model.predict_proba(X))
