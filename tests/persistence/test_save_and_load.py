"""An estimator that was saved and loaded is the one that was fitted."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import skdnn
from skdnn import DNNClassifier

pytestmark = pytest.mark.quick


@pytest.fixture
def round_trip(tmp_path):
    """Return a function that saves an estimator and loads it again."""

    def trip(estimator, **options):
        skdnn.save(estimator, tmp_path / "model.skdnn", **options)
        return skdnn.load(tmp_path / "model.skdnn")

    return trip


def test_predictions_are_those_of_the_fitted_estimator(iris, round_trip):
    X, y = iris
    clf = DNNClassifier((10,), epochs=2, random_state=0).fit(X, y)
    loaded = round_trip(clf)
    assert type(loaded) is DNNClassifier
    assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert_array_equal(loaded.classes_, clf.classes_)
    assert np.isfinite(loaded.score(X, y))
