"""Fitted estimators in MLflow's format without pickle, in a store of files."""

import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skdnn import DNNClassifier, DNNRegressor

# MLflow and pandas warn of each other's types. What skdnn warns of stays an error.
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error:.*DNN"),
]

_RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": _RNG.normal(size=60),
        "town": pd.Categorical(["Bonn", "Köln", "Trier"] * 20),
        "kind": ["flat", "house"] * 30,
        "new": _RNG.random(60) > 0.5,
    }
)
LABELS = np.array(["cheap", "dear"])[(TABLE["size"] > 0).astype(int)]


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    """MLflow with a store in a temporary folder, without a server and without a network."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing MLflow warns of its own type hints
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        import mlflow.pyfunc
        import mlflow.sklearn

        mlflow.set_tracking_uri((tmp_path_factory.mktemp("mlflow") / "store").as_uri())
        yield mlflow


def logged(mlflow, model, **options):
    """Log a model without pickle and return where MLflow keeps it."""
    types = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    with mlflow.start_run():
        return mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=types,
            pip_requirements=["skdnn"],  # otherwise MLflow loads the model in another process
            **options,
        )


def test_the_default_estimator_of_a_table_is_loaded_by_both_flavors(mlflow):
    clf = DNNClassifier((4,), epochs=1, random_state=0).fit(TABLE, LABELS)
    info = logged(mlflow, clf, input_example=TABLE[:3])
    twin = mlflow.sklearn.load_model(info.model_uri)
    assert_array_equal(twin.predict_proba(TABLE), clf.predict_proba(TABLE))
    served = mlflow.pyfunc.load_model(info.model_uri)
    assert_array_equal(served.predict(TABLE), clf.predict(TABLE))


def test_a_pipeline_serves_probabilities(mlflow, tmp_path):
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["town", "kind"]), (SimpleImputer(), ["size"])
    )
    ends = {"predict_proba": (DNNClassifier, LABELS), "predict": (DNNRegressor, TABLE["size"])}
    for method, (estimator, y) in ends.items():
        pipeline = make_pipeline(columns, estimator((4,), preset="plain", epochs=1, random_state=0))
        pipeline.fit(TABLE, y)
        info = logged(mlflow, pipeline, pyfunc_predict_fn=method)
        twin = mlflow.sklearn.load_model(info.model_uri)
        assert_array_equal(twin.predict(TABLE), pipeline.predict(TABLE))
        served = mlflow.pyfunc.load_model(info.model_uri)
        assert_array_equal(served.predict(TABLE), getattr(pipeline, method)(TABLE))
