"""Subclasses that override methods of SciKeras."""

import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.multiclass import type_of_target

from skdnn import KerasClassifier, KerasRegressor
from skdnn.wrappers import BaseWrapper

pytestmark = pytest.mark.quick

SILENT = {"verbose": 0, "random_state": 0}


def build(units=4):
    return keras.Sequential([Dense(units, "relu"), Dropout(0.5), Dense(3, "softmax")])


class OwnInitialization(KerasClassifier):
    """Overrides `_initialize` with the arguments of SciKeras."""

    def _initialize(self, X, y=None):
        self.n_initializations = getattr(self, "n_initializations", 0) + 1
        return super()._initialize(X, y)


def test_subclass_with_the_initialization_of_scikeras_keeps_the_weights_of_a_model(iris):
    model = build()
    model.build((None, 4))
    clf = OwnInitialization(model, **SILENT).initialize(*iris)
    assert_allclose(clf.model_.get_weights()[0], model.get_weights()[0])
    assert "_build_options" not in vars(clf)


def test_subclass_with_the_initialization_of_scikeras_trains_on_a_part_of_the_classes(iris):
    X, y = iris
    clf = OwnInitialization(build, **SILENT).partial_fit(X[:60], y[:60], classes=[0, 1, 2])
    assert_array_equal(clf.classes_, [0, 1, 2])
    assert clf.partial_fit(X, y).predict_proba(X).shape == (150, 3)


def test_options_of_a_failed_call_are_not_kept(iris):
    clf = OwnInitialization(build, **SILENT)
    with pytest.raises(ValueError, match="NaN"):
        clf.partial_fit(np.full((3, 4), np.nan), [0, 1, 2], classes=[0, 1, 2])
    assert "_build_options" not in vars(clf)


def test_target_encoder_reads_the_attributes_that_scikeras_has_set(iris):
    X, y = iris[0][:100], iris[1][:100]
    read = []

    class Own(KerasClassifier):
        @property
        def target_encoder(self):
            read.append((self.target_type_, self.classes_.tolist(), self.X_shape_, self.y_dtype_))
            return super().target_encoder

    clf = Own(build, **SILENT).partial_fit(X, y, classes=[2, 1, 0])
    assert read[-1] == (type_of_target([0, 1, 2]), [0, 1, 2], X.shape, y.dtype)
    assert clf.predict_proba(X).shape == (100, 3)


def test_numeric_targets_can_be_required_as_in_scikeras(iris):
    class Numeric(BaseWrapper):
        def _validate_data(self, X=None, y=None, reset=False):
            return super()._validate_data(X, y, reset=reset, y_numeric=True)

    reg = Numeric([Dense(1)], loss="mse", **SILENT)
    # As scikit-learn, unlike SciKeras: in float64, which keeps the digits of the text.
    assert reg.fit(iris[0], iris[1].astype(str)).y_dtype_ == "float64"


@pytest.mark.parametrize(
    "name",
    [
        "_build_keras_model",
        "_check_model_param",
        "_ensure_compiled_model",
        "_fit",
        "_fit_keras_model",
        "_initialize_callbacks",
        "_validate_sample_weight",
    ],
)
@pytest.mark.parametrize("base", [BaseWrapper, KerasClassifier, KerasRegressor])
def test_error_for_a_method_of_scikeras_that_is_not_called(name, base):
    with pytest.raises(TypeError, match=f"Own defines `{name}`.*: override `"):
        type("Own", (base,), {name: lambda self: None})


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("_build_keras_model", "call initialize"),
        ("_check_model_param", "leave the call out"),
        ("_ensure_compiled_model", "leave the call out"),
        ("_fit", r"set warm_start=True and call fit\(X, y, epochs=n\)"),
        ("_fit_keras_model", r"set warm_start=True and call fit\(X, y, epochs=n\)"),
        ("_initialize_callbacks", "set the parameter `callbacks`"),
        ("_tags", "call `__sklearn_tags__"),
        ("_validate_sample_weight", "leave the call out"),
        ("_wrapper_params", r"call get_params\(deep=False\)"),
    ],
)
def test_error_for_a_call_of_a_method_of_scikeras_says_what_to_write(name, instead):
    class Own(KerasClassifier):
        def call(self):
            return getattr(super(), name)

    message = f"'Own' object has no attribute '{name}', which SciKeras has .*: {instead}"
    with pytest.raises(AttributeError, match=message):
        Own().call()
    with pytest.raises(AttributeError, match=message):
        getattr(Own(), name)
    assert not hasattr(BaseWrapper, name)


def test_what_replaces_the_private_fit_of_scikeras_trains_for_more_epochs(iris):
    class Slow(KerasClassifier):
        def partial_fit(self, X, y):
            return self.set_params(warm_start=True).fit(X, y, epochs=3)

    clf = Slow(build, **SILENT).partial_fit(*iris).partial_fit(*iris)
    assert clf.current_epoch == len(clf.history_["loss"]) == 6


@pytest.mark.parametrize("order", [1, -1])
def test_error_for_a_mixin_with_a_method_of_scikeras_that_is_not_called(order):
    mixin = type("Mixin", (), {"_fit_keras_model": lambda self: None})
    with pytest.raises(TypeError, match="_fit_keras_model"):
        type("Own", (mixin, KerasClassifier)[::order], {})


def test_one_hot_rows_with_an_encoder_of_scikeras(iris):
    from scikeras.utils.transformers import ClassifierLabelEncoder

    class Own(KerasClassifier):
        @property
        def target_encoder(self):
            return ClassifierLabelEncoder(loss=self.loss)

    X, y = iris
    clf = Own([Dense(3, "softmax")], **SILENT).fit(X, np.eye(3)[y])
    assert type(clf.model_.loss) is keras.losses.CategoricalCrossentropy


def test_warning_of_the_old_name_points_at_the_caller_of_fit(iris):
    with pytest.warns(UserWarning, match="build_fn") as warned:
        KerasClassifier(build_fn=build, **SILENT).fit(*iris)
    assert [str(x.filename) for x in warned] == [__file__]
