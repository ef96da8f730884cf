"""Errors for unknown arguments name the argument that is meant."""

import inspect

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, DNNRegressor, compare
from skdnn._utils.arguments import SYNONYMS, explains_unknown_arguments, hint
from skdnn.dnn.base import BaseDNN

pytestmark = pytest.mark.quick

BOTH = pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])


@BOTH
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("max_iter", "did you mean 'epochs'?"),
        ("epoch", "did you mean 'epochs'?"),
        ("solver", "did you mean 'optimizer'?"),
        ("learning_rate_init", "did you mean 'learning_rate'?"),
        ("optimizer__lr", "did you mean 'learning_rate'?"),
        ("validation_split", "did you mean 'validation_fraction'?"),
        ("patience", "did you mean 'n_iter_no_change'?"),
        ("units", "did you mean 'hidden_layer_sizes'?"),
        ("model__units", "did you mean 'hidden_layer_sizes'?"),
        ("dropout_rate", "did you mean 'dropout'?"),
        ("hiden_layer_sizes", "did you mean 'hidden_layer_sizes'?"),
        ("Batch_Size", "did you mean 'batch_size'"),
        ("beta_1", "such as optimizer=keras.optimizers.Adam(beta_1=...)"),
        ("betas", "such as optimizer=keras.optimizers.Adam(beta_1=...)"),
        ("rho", "such as optimizer=keras.optimizers.RMSprop(rho=...)"),
        ("nesterovs_momentum", "write optimizer='nesterov', or without it optimizer='momentum'"),
        ("power_t", "give learning_rate= a schedule of Keras"),
        ("max_fun", "it belongs to L-BFGS, which is not an optimizer here; give epochs="),
        ("model_kwargs", "write each of its entries as a parameter, such as epochs=40"),
        ("metrics", "history_ has a metric already"),
        ("n_threads", "did you mean 'n_jobs'?"),
        ("n_estimators", "did you mean 'n_members'?"),
        ("max_depth", "only trees have it"),
        ("num_leaves", "only trees have it"),
    ],
)
def test_unknown_parameters_name_the_one_that_is_meant(kind, given, meant):
    start = rf"{kind.__name__}\(\) got an unexpected keyword argument '{given}': "
    with pytest.raises(TypeError, match=start) as error:
        kind(**{given: 1})
    assert meant in str(error.value)
    with pytest.raises(ValueError, match=f"'{given}' for estimator {kind.__name__}: ") as error:
        kind().set_params(**{given: 1})
    assert meant in str(error.value)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(DNNClassifier, MLPClassifier), (DNNRegressor, MLPRegressor)]
)
def test_each_parameter_of_the_networks_of_scikit_learn_is_known_or_explained(ours, theirs):
    known = ours().get_params()
    for name in set(theirs().get_params()) - set(known):
        with pytest.raises(TypeError, match=f"'{name}': (did you mean|give|write|it belongs)"):
            ours(**{name: 1})


@BOTH
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"learning_rate": "adaptive"}, "write learning_rate_schedule='reduce_on_plateau', and "),
        ({"learning_rate": "constant"}, "write learning_rate_schedule='constant', and "),
        ({"learning_rate": "invscaling"}, r"schedules.InverseTimeDecay\(0.01, decay_steps=100, "),
        ({"optimizer": "lbfgs"}, "not an optimizer of Keras; write optimizer='adam'"),
    ],
)
def test_values_of_the_networks_of_scikit_learn_are_explained(kind, given, meant):
    (name, value), *_ = given.items()
    start = f"The '{name}' parameter of {kind.__name__} does not take '{value}': "
    with pytest.raises(ValueError, match=f"{start}.*{meant}"):
        kind(**given).fit([[0.0], [1.0]], [0, 1])


def test_several_unknown_parameters_are_one_error():
    with pytest.raises(TypeError, match=r"arguments 'max_iter': .*'epochs'\?; 'lr': .*rate'\?"):
        DNNClassifier(max_iter=3, lr=0.1)


def test_parameters_of_the_other_estimator_are_named_as_such():
    with pytest.raises(TypeError, match="'quantile': only DNNRegressor has it"):
        DNNClassifier(quantile=0.5)
    with pytest.raises(TypeError, match="'class_weight': only classifiers have it"):
        DNNRegressor(class_weight="balanced")


@BOTH
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("eval_set", "pass validation rows as X_val= and y_val="),
        ("validation_data", "pass validation rows as X_val= and y_val="),
        ("y_valid", "did you mean 'y_val'?"),
        ("sample_weights", "did you mean 'sample_weight'"),
        ("epochs", "it is a parameter of the estimator, so write {}(epochs=...)"),
        ("max_iter", "it is a parameter of the estimator, so write {}(epochs=...)"),
        ("validation_split", "so write {}(validation_fraction=...)"),
        ("early_stopping_rounds", "so write {}(n_iter_no_change=...)"),
        ("foo", "it takes X, y, "),
    ],
)
def test_unknown_arguments_of_fit_name_what_is_meant(kind, method, given, meant):
    call = rf"{kind.__name__}\.{method}\(\) got an unexpected keyword argument '{given}': "
    with pytest.raises(TypeError, match=call) as error:
        getattr(kind(), method)([[0], [1]], [0, 1], **{given: 1})
    assert meant.format(kind.__name__) in str(error.value)


@BOTH
def test_prediction_needs_no_batches(kind):
    with pytest.raises(TypeError, match="'batch_size': leave it out, because prediction"):
        kind().predict([[0]], batch_size=32)
    with pytest.raises(TypeError, match="'verbose': leave it out, because prediction"):
        DNNClassifier().predict_proba([[0]], verbose=0)


def test_a_search_names_the_parameter_that_is_meant(iris):
    for name, step in [("units", DNNClassifier()), ("dnnclassifier__units", None)]:
        model = step or make_pipeline(StandardScaler(), DNNClassifier())
        with pytest.raises(ValueError, match="did you mean 'hidden_layer_sizes'"):
            GridSearchCV(model, {name: [3]}, error_score="raise").fit(*iris)


@BOTH
def test_signatures_are_those_of_the_methods(kind):
    assert [*inspect.signature(kind).parameters][:2] == ["hidden_layer_sizes", "activation"]
    assert "kwargs" not in inspect.signature(kind).parameters
    assert [*inspect.signature(kind.fit).parameters][:4] == ["self", "X", "y", "sample_weight"]
    assert kind.fit.__doc__ == BaseDNN.fit.__doc__


@BOTH
def test_synonyms_are_not_parameters_themselves(kind):
    names = set(kind().get_params())
    assert not names & SYNONYMS.keys()


def test_an_exact_name_comes_before_a_synonym():
    assert hint("model__units", {"units": "model__units"}) == ": did you mean 'model__units'?"
    assert hint("units", {"hidden_layer_sizes": "sizes"}) == ": did you mean 'sizes'?"
    assert hint("zzz", ["epochs"]) == ""


def test_a_function_is_explained_too():
    @explains_unknown_arguments
    def compare(X, y, *, scoring=None):
        return X

    assert compare(3, y=2) == 3
    with pytest.raises(TypeError, match=r"^compare\(\) got .* 'scorings': did you mean 'scoring'"):
        compare(1, 2, scorings=3)


@pytest.mark.parametrize(
    ("given", "meant"), [("estimators", "models"), ("n_folds", "cv"), ("metrics", "scoring")]
)
def test_compare_names_the_argument_that_is_meant(iris, given, meant):
    message = rf"compare\(\) got an unexpected keyword argument '{given}': did you mean '{meant}'"
    with pytest.raises(TypeError, match=message):
        compare(*iris, **{given: 3})
