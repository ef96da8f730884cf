"""Unknown parameters, arguments and names of the wrappers name what is meant."""

import keras
import pytest
from keras import layers
from sklearn.model_selection import GridSearchCV

from skdnn import KerasClassifier, KerasRegressor
from skdnn.wrappers.unknown_names import make

pytestmark = pytest.mark.quick


def build(units=3):
    return keras.Sequential([layers.Dense(units, "relu"), layers.Dense(3, "softmax")])


LIST = [layers.Dense(3, "softmax")]
FOR_ALL = {
    "epoch": "did you mean 'epochs'?",
    "max_iter": "did you mean 'epochs'?",
    "solver": "did you mean 'optimizer'?",
    "optimiser": "did you mean 'optimizer'?",
    "learning_rate": "did you mean 'optimizer__learning_rate'?",
    "learning_rate_init": "did you mean 'optimizer__learning_rate'?",
    "lr": "did you mean 'optimizer__learning_rate'?",
    "validation_fraction": "did you mean 'validation_split'?",
    "n_iter_no_change": "give callbacks=keras.callbacks.EarlyStopping and callbacks__patience=",
    "early_stopping": "give callbacks=keras.callbacks.EarlyStopping and callbacks__patience=",
    "max_depth": "only trees have it",
    "preset": "only DNNClassifier and DNNRegressor have it",
    "model_kwargs": "write each of its entries as a parameter, such as model__units=5",
    "fit_kwargs": "such as epochs=4 for {'epochs': 4}, or with fit__ in front",
    "sk_params": "write each of its entries as a parameter, such as model__units=5",
    "beta_1": "write optimizer__beta_1=",
    "nesterovs_momentum": "write optimizer='sgd', optimizer__momentum= and optimizer__nesterov=",
    "power_t": "give optimizer__learning_rate=, which may be a schedule of Keras",
    "max_fun": "it belongs to L-BFGS",
    "loss_weights": "write compile__loss_weights=",
}


@pytest.mark.parametrize(
    ("model", "given", "meant"),
    [
        *[(None, given, meant) for given, meant in FOR_ALL.items()],
        *[(LIST, given, FOR_ALL[given]) for given in ("epoch", "lr", "model_kwargs")],
        *[(build, given, FOR_ALL[given]) for given in ("epoch", "lr", "fit_kwargs")],
        (None, "unit", "did you mean 'model__hidden_layer_sizes'?"),
        (None, "hidden_layers", "did you mean 'model__hidden_layer_sizes'?"),
        (build, "unit", "did you mean 'model__units'?"),
        (build, "hidden_units", "did you mean 'model__units'?"),
        (LIST, "units", "the network decides it"),
        (None, "optimizr__learning_rate", "did you mean 'optimizer__learning_rate'?"),
        (None, "callback__patience", "did you mean 'callbacks__patience'?"),
    ],
)
def test_unknown_parameters_name_the_one_that_is_meant(iris, model, given, meant):
    with pytest.raises(TypeError, match=given) as error:
        KerasClassifier(model, **{given: 1}, verbose=0).fit(*iris)
    assert meant in str(error.value)
    with pytest.raises(ValueError, match=f"Invalid parameter {given} for estimator Keras") as error:
        KerasClassifier(model).set_params(**{given: 1})
    assert meant in str(error.value)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda X, y, units=3: None, r"needs 'X' and 'y', .*the argument meta in place of 'X' and"),
        (lambda X, units: None, "needs 'X' and 'units', .*the argument meta in place of 'X', a"),
        (lambda units, *, rate: None, r"write KerasClassifier\(..., model__units=..., model__rate"),
        (lambda units, **other: None, "needs 'units', which KerasClassifier was not given"),
    ],
)
def test_arguments_without_a_value_are_named(iris, function, message):
    with pytest.raises(TypeError, match=message):
        KerasClassifier(function, verbose=0).fit(*iris)


def test_a_search_names_the_parameter_that_is_meant(iris):
    for model, meant in [(build, "model__units"), (None, "model__hidden_layer_sizes")]:
        with pytest.raises(ValueError, match=f"units for estimator .*: did you mean '{meant}'"):
            GridSearchCV(KerasClassifier(model), {"units": [3]}, error_score="raise").fit(*iris)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer__lr": 0.1}, r"RMSprop\(\) got .* 'lr': did you mean 'learning_rate'"),
        (
            {"callbacks": keras.callbacks.EarlyStopping, "callbacks__patients": 3},
            r"EarlyStopping\(\) got .* 'patients': did you mean 'patience'",
        ),
        (
            {"loss": keras.losses.SparseCategoricalCrossentropy, "loss__from_logit": True},
            "'from_logit': did you mean 'from_logits'",
        ),
        (
            {"metrics": [keras.metrics.TopKCategoricalAccuracy], "metrics__0__kk": 3},
            "'kk': did you mean 'k'",
        ),
        ({"compile__jit_compiled": True}, "'jit_compiled': did you mean 'jit_compile'"),
        ({"fit__eval_set": 3}, r"'eval_set': pass validation_data=\(X_val, y_val\)"),
        ({"optimizer": "adm"}, "'optimizer' parameter of KerasClassifier.*Did you mean 'Adam'"),
        ({"optimizer": "momentum"}, "Did you mean 'SGD'"),
        ({"optimizer": "lbfgs"}, "'optimizer' .* does not take 'lbfgs': .* write optimizer='adam'"),
        ({"optimizer__learning_rate": "adaptive"}, "callbacks=keras.callbacks.ReduceLROnPlateau"),
        ({"optimizer__learning_rate": "invscaling"}, "give a schedule, .*InverseTimeDecay"),
        ({"loss": "log_loss"}, "Did you mean 'sparse_categorical_crossentropy'"),
        ({"loss": "mean_squred_error"}, "'loss' .* Did you mean 'mean_squared_error'"),
        ({"metrics": ["acuracy"]}, "'metrics' .* Did you mean 'accuracy'"),
        ({"metrics": "roc_auc"}, "'metrics' .* Did you mean 'AUC'"),
        ({"callbacks": "EarlyStoping"}, "give the class, keras.callbacks.EarlyStopping"),
        ({"model__activation": "rleu"}, "'model__activation' .* Did you mean 'relu'"),
        ({"model__activation": "logistic"}, "'model__activation' .* Did you mean 'sigmoid'"),
        ({"model__kernel_initializer": "xavier"}, "Did you mean '[Gg]lorot_?[Uu]niform'"),
    ],
    ids=str,
)
def test_unknown_names_in_values_suggest_similar_ones(iris, given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        KerasClassifier(**given, verbose=0).fit(*iris)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("eval_set", r"pass validation_data=\(X_val, y_val\)"),
        ("X_val", r"pass validation_data=\(X_val, y_val\)"),
        ("max_iter", "did you mean 'epochs'"),
        ("batchsize", "did you mean 'batch_size'"),
        ("sample_weights", "did you mean 'sample_weight'"),
        ("learning_rate", r"so write KerasRegressor\(optimizer__learning_rate=...\)"),
        ("optimizer", r"so write KerasRegressor\(optimizer=...\)"),
        ("zzz", "takes batch_size, epochs, "),
    ],
)
def test_unknown_arguments_of_fit_name_what_is_meant(diabetes, method, given, meant):
    reg = KerasRegressor(verbose=0)
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{given}': .*{meant}"):
        getattr(reg, method)(*diabetes, **{given: 1})


def test_unknown_arguments_of_predict_name_what_is_meant(iris):
    clf = KerasClassifier(verbose=0).fit(*iris)
    with pytest.raises(TypeError, match="'batchsize': did you mean 'batch_size'"):
        clf.predict(iris[0], batchsize=3)
    with pytest.raises(TypeError, match="'zzz': it takes batch_size"):
        clf.predict_proba(iris[0], zzz=3)


def test_a_class_may_take_arguments_that_its_signature_does_not_name():
    class Own(keras.optimizers.SGD):
        def __init__(self, **kwargs):
            bonus = kwargs.pop("bonus")
            super().__init__(**kwargs)
            self.bonus = bonus

    assert make(Own, [], {"bonus": 3, "learning_rate": 1.0}).bonus == 3
    with pytest.raises(TypeError, match="'learning_rat': did you mean 'learning_rate'"):
        make(Own, [], {"bonus": 3, "learning_rat": 1.0})


def test_an_error_inside_a_constructor_is_not_replaced():
    def fails(self, units):
        raise ValueError("its own reason")

    with pytest.raises(ValueError, match="its own reason"):
        make(type("Own", (), {"__init__": fails}), [3], {})
