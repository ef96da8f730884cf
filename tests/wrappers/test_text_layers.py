"""Text in front of a TextVectorization or StringLookup layer."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skdnn import KerasClassifier

pytestmark = pytest.mark.quick

TEXTS = ["good film", "bad film", "good day", "bad day"] * 5
IS_GOOD = np.array([1, 0, 1, 0] * 5)
SETTINGS = {"optimizer": "adam", "optimizer__learning_rate": 0.1, "epochs": 10, "verbose": 0}
SHAPES = {
    "list": TEXTS,
    "array": np.array(TEXTS),
    "column": np.array(TEXTS, dtype=object)[:, np.newaxis],
    "series": pd.Series(TEXTS),
    "frame": pd.DataFrame({"text": TEXTS}),
}


def words(**params):
    return layers.TextVectorization(output_mode="multi_hot", **params)


def stack(layer):
    return [layer, layers.Dense(2, "softmax")]


def fit(model, X=TEXTS, **params):
    return KerasClassifier(model, **SETTINGS, **{"random_state": 0, **params}).fit(X, IS_GOOD)


@pytest.mark.parametrize("form", SHAPES)
def test_text_of_any_form_reaches_the_network(form):
    X = SHAPES[form]
    clf = fit(stack(words()), X)
    assert clf.score(X, IS_GOOD) == 1
    assert clf.n_features_in_ == 1
    # The vocabulary is that of Keras's own layer, adapted to the same texts.
    own = words()
    own.adapt(TEXTS)
    assert clf.model_.layers[0].get_vocabulary() == own.get_vocabulary()
    weights, bias = (np.array(w) for w in clf.model_.layers[-1].get_weights())
    logits = np.array(own(np.array(TEXTS)[:, np.newaxis])) @ weights + bias
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(clf.predict_proba(X), proba, rtol=1e-5)


def adapted():
    layer = words()
    layer.adapt(["bad good unrelated"])
    return layer


def functional(layer):
    given = keras.Input((1,), dtype="string")
    return keras.Model(given, layers.Dense(2, "softmax")(layer(given)))


@pytest.mark.parametrize(
    "model",
    [
        lambda: stack(adapted()),
        lambda: keras.Sequential(stack(adapted())),
        lambda: keras.Sequential([keras.Input((1,), dtype="string"), *stack(adapted())]),
        lambda: functional(adapted()),
    ],
    ids=["list", "stack", "input", "functional"],
)
def test_a_vocabulary_of_the_user_is_kept(model):
    clf = fit(model())
    assert sorted(clf.model_.layers[-2].get_vocabulary()) == ["[UNK]", "bad", "good", "unrelated"]
    assert clf.score(TEXTS, IS_GOOD) == 1


def test_a_function_may_build_a_layer_without_vocabulary():
    assert fit(lambda: keras.Sequential(stack(words()))).score(TEXTS, IS_GOOD) == 1


def test_each_fit_has_its_own_vocabulary():
    layer = words()
    clf = fit(stack(layer))
    other = clone(clf).fit(["no", "yes"] * 10, IS_GOOD)
    assert other.model_.layers[0].get_vocabulary()[1:] == ["yes", "no"]
    assert "good" in clf.model_.layers[0].get_vocabulary()
    assert layer.get_vocabulary(include_special_tokens=False) == []  # the layer of the user
    assert cross_val_score(clf, TEXTS, IS_GOOD, cv=2).tolist() == [1, 1]


def test_categories_reach_a_string_lookup():
    X = np.array(["a", "b", "c", "d"] * 5)[:, np.newaxis]
    clf = fit(stack(layers.StringLookup(output_mode="one_hot")), X)
    assert clf.score(X, IS_GOOD) == 1
    assert clf.predict([["unknown"]]).shape == (1,)


@pytest.mark.parametrize(
    "params", [{"random_state": None}, {"validation_split": 0.2}, {"predict__verbose": 2}], ids=str
)
def test_every_way_of_training_and_prediction_takes_text(params):
    clf = fit(stack(words()), **params)
    assert clf.predict(TEXTS[:3]).shape == (3,)


def test_text_that_is_a_number_is_text_where_the_network_takes_text():
    years = ["1999", "2000", "1999", "2000"] * 5
    clf = fit(stack(words()), years)
    assert clf.model_.layers[0].get_vocabulary()[1:] == ["2000", "1999"]


def test_a_network_of_numbers_refuses_text():
    with pytest.raises(ValueError, match=r"X holds text.*start the network with keras\.layers\.Te"):
        fit(lambda: keras.Sequential([layers.Dense(2, "softmax")]))
    with pytest.raises(ValueError, match=r"holds text \(good film\)"):
        fit([layers.Dense(2, "softmax")], SHAPES["frame"])


def test_a_layer_without_vocabulary_behind_another_is_refused():
    given = {name: keras.Input((1,), dtype="string", name=name) for name in "ab"}
    merged = layers.Concatenate()([layers.StringLookup(name=f"words_{n}")(given[n]) for n in "ab"])
    model = keras.Model(given, layers.Dense(2, "softmax")(layers.Embedding(5, 2)(merged)[:, 0]))
    X = dict.fromkeys("ab", SHAPES["column"])
    with pytest.raises(ValueError, match=r"StringLookup layer 'words_a' .* call its adapt"):
        fit(model, X)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_text_is_refused(missing):
    with pytest.raises(ValueError, match="holds missing text"):
        fit(stack(words()), [*TEXTS[:-1], missing])
    clf = fit(stack(words()))
    with pytest.raises(ValueError, match="holds missing text"):
        clf.predict(["good film", missing])
