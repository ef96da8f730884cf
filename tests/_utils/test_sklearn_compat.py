"""Private names of scikit-learn, and what happens without them."""

import pytest
from sklearn.base import BaseEstimator, clone

from skdnn import DNNClassifier, KerasClassifier
from skdnn._utils import sklearn_compat

pytestmark = pytest.mark.quick


@pytest.mark.skipif(
    not hasattr(BaseEstimator, "_get_params_html"),
    reason="scikit-learn has tables of parameters from 1.7 on",
)
def test_table_without_the_private_method_is_unchanged(monkeypatch):
    table = object()
    assert sklearn_compat.extend_html(table, {"epochs": 3}, "<p>") is table
    monkeypatch.setattr(BaseEstimator, "_get_params_html", lambda self: table)
    assert DNNClassifier()._get_params_html() is table


def test_clone_of_a_wrapper_keeps_what_is_set_beside_the_parameters():
    clf = KerasClassifier()
    clf._sklearn_output_config = {"transform": "pandas"}
    clf._skl_callbacks = [object()]
    copied = clone(clf)
    assert copied._sklearn_output_config == clf._sklearn_output_config
    assert copied._sklearn_output_config is not clf._sklearn_output_config
    assert copied._skl_callbacks == clf._skl_callbacks
