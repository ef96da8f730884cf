"""A network that is compiled wins over the parameters of `compile`, and a warning says so."""

import warnings

import keras
import pytest
from keras.layers import Dense, Input
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skdnn import KerasClassifier, KerasRegressor

SILENT = {"verbose": 0, "random_state": 0}
LOSS = "sparse_categorical_crossentropy"


def network():
    return keras.Sequential([Input((4,)), Dense(3, "softmax")])


def compiled(optimizer="sgd", loss=LOSS, metrics=("accuracy",)):
    model = network()
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def build(units=3):
    return compiled()


def fits_without_a_warning(estimator, iris):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return estimator.fit(*iris)


@pytest.mark.parametrize("give", [compiled, lambda: build], ids=["model", "function"])
@pytest.mark.parametrize(
    ("params", "ignored", "kept"),
    [
        ({"optimizer": "adam"}, "optimizer='adam' has no effect", "optimizer=SGD"),
        (
            {"optimizer": keras.optimizers.Adam(0.1)},
            "optimizer=Adam has no effect",
            "optimizer=SGD",
        ),
        ({"optimizer__learning_rate": 0.5}, "optimizer__learning_rate=0.5 has", "optimizer=SGD"),
        ({"metrics": ["mae"]}, r"metrics=\['mae'\] has no effect", r"metrics=\['accuracy'\]"),
        ({"run_eagerly": True}, "run_eagerly=True has no effect", "run_eagerly=False"),
        ({"compile__jit_compile": True}, "compile__jit_compile=True has", "jit_compile=False"),
        (
            {"optimizer": "adam", "metrics": "mae"},
            "optimizer='adam' and metrics='mae' have no effect",
            r"optimizer=SGD and metrics=\['accuracy'\]",
        ),
    ],
)
def test_warning_names_what_is_ignored_and_what_wins(iris, give, params, ignored, kept):
    clf = KerasClassifier(give(), **params, **SILENT)
    message = f"already compiled, so that {ignored}.*: it is trained with its own {kept}. Give a"
    with pytest.warns(UserWarning, match=message) as warned:
        clf.fit(*iris)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert type(clf.model_.optimizer) is keras.optimizers.SGD
    assert "accuracy" in clf.history_


@pytest.mark.parametrize("give", [compiled, lambda: build], ids=["model", "function"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"optimizer": "rmsprop", "loss": None, "metrics": None, "run_eagerly": False},
        {"optimizer": "sgd"},
        {"optimizer": keras.optimizers.SGD, "optimizer__learning_rate": 0.01},
        {"loss": LOSS},
        {"loss": keras.losses.SparseCategoricalCrossentropy},
        {"metrics": ["accuracy"]},
        {"metrics": "accuracy"},
    ],
    ids=str,
)
def test_defaults_and_parameters_that_agree_are_no_warning(iris, give, params):
    fits_without_a_warning(KerasClassifier(give(), **params, **SILENT), iris)


def test_function_that_compiles_with_the_parameters(iris):
    def by_arguments(compile_kwargs):
        model = network()
        model.compile(**{**compile_kwargs, "loss": LOSS})
        return model

    def by_params(params):
        return compiled(params["optimizer"], metrics=params["metrics"])

    class Own(KerasClassifier):
        def _keras_build_fn(self):
            return compiled(self.optimizer)

    for clf in (KerasClassifier(by_arguments), KerasClassifier(by_params), Own()):
        clf.set_params(optimizer="adam", metrics=["mae"], **SILENT)
        fitted = fits_without_a_warning(clf, iris)
        assert type(fitted.model_.optimizer) is keras.optimizers.Adam


def test_network_that_is_not_compiled_uses_the_parameters(iris):
    clf = KerasClassifier(network(), optimizer="adam", metrics=["accuracy"], **SILENT)
    assert type(fits_without_a_warning(clf, iris).model_.optimizer) is keras.optimizers.Adam


def test_another_setting_of_the_same_loss_and_another_loss(iris):
    smooth = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model = compiled(loss=keras.losses.CategoricalCrossentropy())
    with pytest.warns(UserWarning, match="loss=CategoricalCrossentropy has no effect"):
        KerasClassifier(model, loss=smooth, **SILENT).fit(*iris)
    with pytest.raises(ValueError, match="loss=mse but model compiled with"):
        KerasClassifier(model, loss="mse", **SILENT).fit(*iris)


def test_clones_folds_and_regressors_warn_as_well(iris):
    X, y = iris
    clf = KerasClassifier(compiled(), optimizer="adam", **SILENT)
    with pytest.warns(UserWarning, match="optimizer='adam' has no effect"):
        clone(clf).fit(X, y)
    with pytest.warns(UserWarning, match="optimizer='adam' has no effect"):
        cross_val_score(clf, X, y, cv=2)
    model = keras.Sequential([Input((4,)), Dense(1)])
    model.compile("sgd", "mse")
    reg = KerasRegressor(model, optimizer__learning_rate=1.0, **SILENT)
    with pytest.warns(UserWarning, match="optimizer__learning_rate=1.0 has no effect"):
        reg.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reg.partial_fit(X, y)  # the network exists already
