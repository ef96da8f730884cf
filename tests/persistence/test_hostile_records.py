"""Every change of a record or an array ends in a correct load or in `InvalidFileError`."""

import copy
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest

from skdnn import DNNClassifier, DNNRegressor
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.container import Container
from skdnn.persistence.estimator_records import document_of, estimator_of

pytestmark = pytest.mark.quick

N = 40
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N)),
        "town": RNG.choice(["Bonn", "Kiel", "Ulm"], N),
        "owner": RNG.random(N) < 0.5,
        "id": RNG.integers(2**53, 2**53 + 4, N),
    }
)
NUMBERS = RNG.normal(size=(N, 3))
Y, NUMERIC = RNG.choice(["no", "yes"], N), RNG.normal(size=N)
FEW = {"hidden_layer_sizes": (3,), "epochs": 1, "random_state": 0}
MODELS = {
    "table": (
        DNNClassifier(n_members=2, parametrization="both", dropout=0.1, blend="greedy",
                      one_hot_max_size=2, categorical_features=["town", "owner", "id"],
                      numeric_embedding="piecewise_linear", early_stopping=True, **FEW),
        TABLE, Y,
    ),
    "quantiles": (
        DNNRegressor(n_members=2, loss="quantile", quantile=[0.1, 0.9], **FEW),
        NUMBERS, NUMERIC,
    ),
    "selected": (DNNRegressor(n_features_to_select=2, **FEW), NUMBERS, NUMERIC),
}  # fmt: skip
VALUES = [
    *(None, True, 0, 1, -1, 2, 10**18, 10**38, 0.5, -1e300, "", "x", "\x00", "__import__('os')"),
    *([], [1], [[]], {}, {"type": "tuple"}, {"type": "tuple", "items": [[]]}),
    *({"type": "object", "items": []}, {"type": "float", "value": "nan"}),
    *({"type": "dict", "items": [[[], 1]]}, {"type": "dict", "items": [1]}),
    *({"type": "scalar", "dtype": "int8", "value": 300}, {"type": "array", "dtype": "object"}),
    {"type": "array", "dtype": "float64", "shape": [10**9], "items": []},
]
EVERY = 11  # of the changes is tested: all of them take a minute, and passed
ARRAYS = [
    *(np.zeros(0), np.zeros(1, np.float32), np.full(2, np.nan), np.zeros((0, 2**40), np.float32)),
    *(np.array(3), np.array([True]), np.array([-1, 2**62]), np.array([2**64 - 1], np.uint64)),
    *(np.frombuffer(b"\xff\xfe", np.uint8), np.zeros((1,) * 8)),
]


@pytest.fixture(scope="module", params=MODELS)
def saved(request):
    """A document, its arrays, and X."""
    model, X, y = MODELS[request.param]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    return *document_of(model, "resume", {"target": "y"}), X


def outcome(document, arrays, X):
    """Load and predict. Return whether the file was refused."""
    try:
        model = estimator_of(Container(document, arrays, "0.1.0"))
    except InvalidFileError:
        return True
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model.predict(X)
        model.summary(lambda text: None)
        repr(model)
    return False


def places(value, path=()):
    """The path of each value in a document."""
    if path:
        yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, child in value.items() if isinstance(value, dict) else ():
        yield from places(child, (*path, key))


def parent_of(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


def test_the_document_itself_is_accepted(saved):
    assert not outcome(*saved)


def test_values_of_other_types_and_sizes(saved):
    document, arrays, X = saved
    changes = list(product(places(document), VALUES))
    for path, value in changes[::EVERY]:
        parent, key = parent_of(document, path), path[-1]
        before, parent[key] = parent[key], value
        outcome(document, arrays, X)
        parent[key] = before


def test_missing_and_unknown_fields_are_refused(saved):
    document, arrays, X = saved
    free = ("libraries", "metadata", "params")  # these may have fewer entries
    for path in list(places(document)):
        parent, key = parent_of(document, path), path[-1]
        if isinstance(parent, dict) and path[0] not in free and len(path) > 1:
            before = parent.pop(key)
            refused = outcome(document, arrays, X)
            parent[key] = before
            assert refused or path[:2] == ("fit", "resolved"), path
        if isinstance(parent[key], dict) and path[0] not in free and key != "resolved":
            parent[key]["further"] = 1
            assert outcome(document, arrays, X), path
            del parent[key]["further"]


def test_lists_of_other_lengths(saved):
    document, arrays, X = saved
    for path in list(places(document)):
        value = parent_of(document, path)[path[-1]]
        if isinstance(value, list) and value:
            before = list(value)
            for changed in (before[1:], before + before[-1:], before[::-1], before * 2):
                value[:] = copy.deepcopy(changed)
                outcome(document, arrays, X)
            value[:] = before


def test_other_arrays(saved):
    document, arrays, X = saved
    names = list(arrays)
    for i, name in enumerate(names):
        before = arrays[name]
        others = [*ARRAYS, arrays[names[i - 1]], before[..., np.newaxis], before.astype(np.float64)]
        for other in [*others, before.T, before.ravel()[:-1], -before][:: 2 if i % 2 else 3]:
            arrays[name] = np.asarray(other)
            outcome(document, arrays, X)
        del arrays[name]
        outcome(document, arrays, X)
        arrays = {**arrays, name: before}
    assert outcome(document, {**arrays, "further": np.zeros(1)}, X)


def layers_of(document):
    return document["network"]["layers"]


CHANGES = {
    "units": (lambda d: layers_of(d)[2].update(units=10**18), r"network\.layers\[2\]\.units is 10"),
    "many_units": (lambda d: layers_of(d)[2].update(units=2**31 - 1), "2147483647. is expected"),
    "members": (lambda d: layers_of(d)[1].update(n_members=2**31 - 1), "weights"),
    "type": (
        lambda d: layers_of(d)[1].update(type="os.system"),
        r"layers\[1\]\.type is 'os.system'",
    ),
    "many_layers": (lambda d: d["network"].update(layers=[{}] * 5000), "has 5,000 entries"),
    "no_layers": (lambda d: d["network"].update(layers=[]), "a layer is expected"),
    "class": (lambda d: d.update({"class": "skdnn.DNNRegressor"}), "'DNNRegressor' is expected"),
    "other_class": (
        lambda d: d.update({"class": "DNNClassifier"}),
        "which DNNClassifier does not have",
    ),
    "shape": (lambda d: d["inputs"].update(shape=[2**31 - 1] * 2), "'inputs.fill' has the shape"),
    "activation": (lambda d: layers_of(d)[-3].update(activation="eval"), r"activation is 'eval'"),
    "parameter": (lambda d: d["params"].update(own=1), "which DNNRegressor does not have"),
    "value": (lambda d: d["params"].update(epochs=-1), "The 'epochs' parameter"),
    "preset": (lambda d: d["fit"]["resolved"].update(preset="x"), r"fit\.resolved\.preset is 'x'"),
    "profile": (lambda d: d.update(profile="predict"), "does not fit the continuation"),
    "scaling": (lambda d: d["inputs"].update(scaling="exec"), r"inputs\.scaling is 'exec'"),
    "generator": (
        lambda d: d["continuation"]["generator"].update(type="Own"),
        "'PCG64' is expected",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_errors_name_the_place_and_what_is_expected(name, of_quantiles):
    document, arrays = copy.deepcopy(of_quantiles[0]), of_quantiles[1]
    change, message = CHANGES[name]
    change(document)
    with pytest.raises(InvalidFileError, match=message):
        estimator_of(Container(document, arrays, "0.1.0"))


def test_labels_that_numpy_would_shorten_are_refused():
    document, arrays = document_of(DNNClassifier(**FEW).fit(NUMBERS, Y), "predict", {})
    arrays["targets.classes.text"] = np.frombuffer(b"noyes\0", np.uint8)
    arrays["targets.classes.ends"] = np.array([2, 6])
    document["targets"]["width"] = 4
    with pytest.raises(InvalidFileError, match="classes that end in"):
        estimator_of(Container(document, arrays, "0.1.0"))


@pytest.mark.parametrize(
    "empty",
    [
        {"columns.kinds": np.zeros(0, np.uint8)},
        {"inputs.outlier_positions": np.zeros(0, np.int64), "inputs.outliers": np.zeros((2, 0))},
    ],
)
def test_empty_arrays_of_what_is_not_there_are_refused(empty, of_quantiles):
    with pytest.raises(InvalidFileError, match=f"'{list(empty)[-1]}' is empty"):
        estimator_of(Container(of_quantiles[0], of_quantiles[1] | empty, "0.1.0"))


def test_texts_of_parameters_that_numpy_would_shorten_are_refused(of_quantiles):
    document, arrays = copy.deepcopy(of_quantiles[0]), of_quantiles[1]
    names = {"type": "array", "dtype": "str", "shape": [1], "items": ["a\0"]}
    document["params"]["categorical_features"] = names
    with pytest.raises(InvalidFileError, match=r"do not end in '\\0' are expected"):
        estimator_of(Container(document, arrays, "0.1.0"))


@pytest.fixture(scope="module")
def of_quantiles():
    model, X, y = MODELS["quantiles"]
    return document_of(model.fit(X, y), "resume", {})
