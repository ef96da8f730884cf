"""Files of version 1 are read for ever: every name that they may hold stays known.

These lists are those of the first version of the format. Never remove a name. Where the package
renames something, convert the old name when a file is read.
"""

import numpy as np
import pytest

import skdnn
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.container import read_container, write_container
from skdnn.persistence.estimator_records import CLASSES
from skdnn.persistence.fields import Arrays, Fields
from skdnn.persistence.info import read_info
from skdnn.persistence.input_records import KINDS, SCALINGS
from skdnn.persistence.layer_records import ACTIVATIONS
from skdnn.persistence.parameter_records import read_parameters
from skdnn.persistence.value_records import read_value, write_value

pytestmark = pytest.mark.quick

NAMES_OF_ACTIVATIONS = """celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish
hard_tanh leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink
softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink"""
NAMES_OF_KINDS = """text bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32
float64"""
# Values of parameters, each of which the constructor had in the first version.
VALUES = {
    "activation": ["relu", "auto"],
    "blend": ["auto", "greedy", None],
    "dtype": ["float32", "float64"],
    "learning_rate_schedule": [
        "auto",
        "constant",
        "cosine",
        "coslog4",
        "one_cycle",
        "reduce_on_plateau",
    ],
    "loss": ["auto"],
    "numeric_embedding": ["auto", "piecewise_linear", "periodic", None],
    "optimizer": ["adam", "sgd"],
    "parametrization": ["auto", "both", "realmlp", "standard"],
    "preset": ["plain", "fast", "balanced", "best"],
    "scaling": ["auto", "standard", "minmax", "pixelwise", "robust", None],
}
OF_CLASSIFIERS = {"calibration": ["auto", "temperature", None], "class_weight": ["balanced", None]}
OF_CLASSIFIERS |= {"monitor": ["auto", "accuracy", "loss", "refinement"]}
OTHER_PARAMETERS = """alpha batch_norm batch_size callbacks categorical_features clipnorm dropout
early_stopping ema_momentum epochs hidden_layer_sizes kernel_initializer learning_rate momentum
n_features_to_select n_iter_no_change n_members one_hot_max_size random_state shuffle tol
validation_fraction verbose warm_start warmup weight_decay"""


def parameters(kind, params):
    return read_parameters(Fields(params, "params", Arrays({})), CLASSES[kind])


def test_activations_and_scalings_are_known():
    assert set(NAMES_OF_ACTIVATIONS.split()) <= ACTIVATIONS
    assert {"auto", "standard", "minmax", "pixelwise", "robust"} <= set(SCALINGS)


def test_kinds_of_columns_have_the_same_numbers():
    assert KINDS[:13] == tuple(NAMES_OF_KINDS.split())


@pytest.mark.parametrize("kind", CLASSES)
def test_parameters_and_their_values_are_known(kind):
    own = OF_CLASSIFIERS if kind == "DNNClassifier" else {"quantile": [0.5], "clip": [True]}
    for name, values in (VALUES | own).items():
        for value in values:
            assert parameters(kind, {name: value}).get_params()[name] == value
    default = CLASSES[kind]().get_params()
    for name in OTHER_PARAMETERS.split():
        params = {name: write_value(default[name], name)}
        assert parameters(kind, params).get_params()[name] == default[name]


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"type": "tuple", "items": [1, "a"]}, (1, "a")),
        ({"type": "dict", "items": [[1, 2.5]]}, {1: 2.5}),
        ({"type": "float", "value": "-inf"}, -np.inf),
        ({"type": "scalar", "dtype": "int8", "value": 3}, np.int8(3)),
        (
            {"type": "array", "dtype": "str", "shape": [2], "items": ["a", "b"]},
            np.array(["a", "b"]),
        ),
        ({"type": "array", "dtype": "object", "shape": [1], "items": [0]}, np.array([0], object)),
    ],
    ids=["tuple", "dict", "float", "scalar", "str", "object"],
)
def test_values_with_a_type_are_known(record, value):
    found = read_value(Fields({"x": record}, "params", Arrays({})), "x")
    assert type(found) is type(value)
    np.testing.assert_array_equal(found, value)
    assert getattr(found, "dtype", None) == getattr(value, "dtype", None)


def test_random_states_are_known():
    state = np.random.RandomState(3)
    words = state.get_state(legacy=False)["state"]
    record = {"type": "random_state", "keys": words["key"].tolist(), "position": words["pos"]}
    record |= {"has_gauss": False, "gauss": 0.0}
    found = read_value(Fields({"x": record}, "params", Arrays({})), "x")
    assert found.normal() == np.random.RandomState(3).normal()


# ---------------------------------------------------------------- parameters of other versions


@pytest.fixture
def rewritten(tmp_path):
    """Saves an estimator, lets a function change the document, and returns the path."""
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = skdnn.DNNRegressor((2,), epochs=1, tol=0.5, random_state=0).fit(X, X[:, 0])
    path = tmp_path / "model.skdnn"
    skdnn.save(model, path)

    def rewrite(change):
        found = read_container(path)
        change(found.document)
        write_container(path, found.document, found.arrays)
        return path

    return rewrite


def test_a_parameter_that_a_file_lacks_has_its_default(rewritten):
    def change(document):
        del document["params"]["tol"], document["fit"]["resolved"]["warmup"]

    model = skdnn.load(rewritten(change))
    assert model.tol == skdnn.DNNRegressor().tol != 0.5
    assert model.predict(np.zeros((1, 2))).shape == (1,)


@pytest.mark.parametrize("read", [skdnn.load, read_info])
def test_a_parameter_of_a_newer_version_asks_for_an_upgrade(read, rewritten, monkeypatch):
    monkeypatch.setattr("skdnn.persistence.container.__version__", "99.1.0")
    path = rewritten(lambda document: document["params"].update(further=1))
    message = (
        r"written by skdnn 99\.1\.0.*'further', which DNNRegressor does not have\. Install a new"
    )
    with pytest.raises(InvalidFileError, match=message):
        read(path)


def test_a_damaged_file_of_this_version_does_not_ask_for_an_upgrade(rewritten):
    path = rewritten(lambda document: document["params"].update(further=1))
    with pytest.raises(InvalidFileError, match=r"is not a valid .skdnn file: .*have\.$"):
        skdnn.load(path)
