"""Attributes of other estimators name what to use instead."""

import pytest
from sklearn.feature_selection import SelectFromModel
from sklearn.pipeline import make_pipeline

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor

pytestmark = pytest.mark.quick

KINDS = [DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("feature_importances_", r"sklearn\.inspection\.permutation_importance\(model, X, y\)"),
        ("coef_", r"sklearn\.inspection\.permutation_importance"),
        ("coefs_", r"model_\.get_weights\(\)"),
        ("loss_curve_", "history_"),
    ],
)
def test_the_error_names_what_to_use(kind, name, instead):
    model = kind()
    assert not hasattr(model, name)
    with pytest.raises(
        AttributeError, match=f"'{kind.__name__}' object has .* '{name}': use {instead}"
    ):
        getattr(model, name)
    with pytest.raises(AttributeError, match=r"no attribute 'feature_importance_'$"):
        _ = model.feature_importance_


def test_the_error_of_a_property_of_a_subclass_stays():
    class Linear(DNNClassifier):
        @property
        def coef_(self):
            raise AttributeError("not yet fitted")

    with pytest.raises(AttributeError, match="not yet fitted"):
        _ = Linear().coef_


def test_a_selection_of_features_says_what_it_needs(iris):
    network = DNNClassifier((4,), epochs=1)
    with pytest.raises(ValueError, match="importance_getter"):
        make_pipeline(SelectFromModel(network), network).fit(*iris)
