"""What a file says of itself."""

import numpy as np
import pandas as pd
import pytest

import skdnn
from skdnn import DNNClassifier, DNNRegressor
from skdnn.persistence.info import read_info

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=60),
            "town": rng.choice(["Bonn", "Kiel"], 60),
            "rooms": rng.integers(1, 5, 60),
            "owner": rng.random(60) < 0.5,
        }
    )


def test_columns_classes_and_layers_of_a_classifier(table, tmp_path):
    y = np.where(table["size"] > 0, "high", "low")
    clf = DNNClassifier((5,), epochs=2, random_state=0).fit(table, y)
    skdnn.save(clf, tmp_path / "model", metadata={"target": "price", "score": np.float64(0.5)})
    info = read_info(tmp_path / "model")
    assert [tuple(column) for column in info.columns] == [
        ("size", "number", None),
        ("town", "text", 2),
        ("rooms", "integer", None),
        ("owner", "boolean", 2),
    ]
    assert (info.class_name, info.classes) == ("DNNClassifier", ["high", "low"])
    assert info.n_parameters == sum(weight.size for weight in clf._network.state.weights)
    assert info.layer_table in clf._text_table()
    assert info.metadata == {"target": "price", "score": 0.5}
    assert info.params == {"hidden_layer_sizes": (5,), "epochs": 2, "random_state": 0}
    assert info.last_scores == {name: values[-1] for name, values in clf.history_.items()}


def test_target_and_best_epoch_of_a_regressor(table, tmp_path):
    y = table["size"].to_numpy()
    reg = DNNRegressor((5,), epochs=3, early_stopping=True, loss="quantile", quantile=[0.1, 0.9])
    skdnn.save(reg.fit(table, y), tmp_path / "model", profile="resume")
    info = read_info(tmp_path / "model")
    assert info.target == "the quantiles 0.1, 0.9 of a number"
    assert info.profile == "resume"
    assert (info.best_epoch, info.best_score) == (reg.best_epoch_, reg.best_score_)
    assert info.last_scores["val_loss"] == reg.history_["val_loss"][reg.best_epoch_ - 1]


def test_epochs_without_an_evaluation_have_no_score(tmp_path):
    """With folds, only some epochs are evaluated. The other validation losses are NaN."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    reg = DNNRegressor((4,), preset="fast", epochs=3, parametrization="standard", random_state=0)
    reg.fit(X, X[:, 0])
    assert np.isnan(reg.history_["val_loss"][0])
    skdnn.save(reg, tmp_path / "m.skdnn")
    loaded = skdnn.load(tmp_path / "m.skdnn")
    np.testing.assert_array_equal(loaded.history_["val_loss"], reg.history_["val_loss"])
    assert read_info(tmp_path / "m.skdnn").last_scores["val_loss"] == reg.history_["val_loss"][-1]
