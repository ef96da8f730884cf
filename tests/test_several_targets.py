"""Errors for y that is a dict or a list of arrays, as networks of Keras take several targets."""

import numpy as np
import pytest

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor, compare
from skdnn.wrappers import BaseWrapper

pytestmark = pytest.mark.quick

X = np.random.default_rng(0).normal(size=(12, 3))
LEFT, RIGHT = np.arange(12) % 2, np.arange(12) % 3
MAPPING = {"left": LEFT, "right": RIGHT}
MODELS = [
    DNNClassifier(),
    DNNRegressor(),
    KerasClassifier(),
    KerasRegressor(),
    BaseWrapper(lambda: None),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (MAPPING, r"dict with the keys \['left', 'right'\].*np.column_stack\(\[\*y.values\(\)\]\)"),
        ([LEFT, RIGHT], r"list of 2 arrays with 12 rows each.*np.column_stack\(y\)"),
        ((LEFT.tolist(), RIGHT.tolist()), r"tuple of 2 arrays with 12 rows.*np.column_stack\(y\)"),
    ],
    ids=["dict", "list", "tuple"],
)
def test_y_of_several_arrays_is_to_be_stacked(model, y, message):
    with pytest.raises(TypeError, match=f"The y of {type(model).__name__} is a {message}"):
        model.fit(X, y)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (KerasClassifier(), "override target_encoder in a subclass, to split the columns"),
        (KerasRegressor(), "each output of the network gets one column, in this order"),
    ],
)
def test_a_wrapper_says_how_the_outputs_get_the_columns(model, message):
    with pytest.raises(TypeError, match=message):
        model.fit(X, MAPPING)


@pytest.mark.parametrize("y_val", [MAPPING, [LEFT, RIGHT]], ids=["dict", "list"])
def test_validation_targets_of_several_arrays(y_val):
    start = r"\(X_val, y_val, sample_weight_val\) do not fit: The y{} of DNNRegressor is a "
    with pytest.raises(TypeError, match=start.format("")):
        DNNRegressor().fit(X, LEFT, X_val=X, y_val=y_val)
    start = start.replace("DNNRegressor", "KerasRegressor").format("_val")
    with pytest.raises(TypeError, match=f"{start}.*in the form of y: target_encoder encodes both"):
        KerasRegressor(verbose=0).fit(X, LEFT, validation_data=(X, y_val))


def test_y_that_is_a_dict_in_compare():
    with pytest.raises(TypeError, match="The y of compare is a dict with the keys"):
        compare(X, MAPPING)


def test_rows_of_a_list_are_no_targets():
    y = np.column_stack([LEFT, RIGHT]).astype(float)
    reg = DNNRegressor((2,), preset="plain", epochs=1, random_state=0)
    assert reg.fit(X, [*y]).predict(X).shape == reg.fit(X, y.tolist()).predict(X).shape == (12, 2)


def test_class_weights_by_output_are_a_list():
    weights = {"left": {0: 1, 1: 2}, "right": {0: 1, 1: 1, 2: 3}}
    with pytest.raises(ValueError, match=r"must be a list of dicts .* if y has several columns"):
        KerasClassifier(class_weight=weights).fit(X, np.column_stack([LEFT, RIGHT]))
