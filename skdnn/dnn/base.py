"""`BaseDNN`: the base class of the dense-network classifier and regressor.

The class has the constructor, `fit`, `predict` and scikit-learn's protocols. The module `fit.py`
has the steps of a fit.
"""

import copy
from abc import ABC
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skdnn._data.chunks import as_chunks
from skdnn._data.splits import ValidationData
from skdnn._network.lazy_model import LazyModel
from skdnn._network.summary import NetworkTableMixin
from skdnn._utils.annotations import (
    Activation,
    Columns,
    Floats,
    Initializer,
    Integers,
    KerasSequential,
    Monitor,
    Optimizer,
    Rate,
    ValidationRows,
)
from skdnn._utils.arguments import check_parameters, explains_unknown_arguments
from skdnn._utils.other_attributes import check_attribute
from skdnn._utils.sklearn_compat import (
    ExplainedValuesMixin,
    ParametersTableMixin,
    fit_context,
    validate_parameters,
)
from skdnn._utils.snapshot import of_one_fit, snapshot
from skdnn.dnn.checks import check_rows
from skdnn.dnn.constraints import CONSTRAINTS, INSTEAD_OF_VALUES
from skdnn.dnn.copying import CopyableEstimator
from skdnn.dnn.fit import fit
from skdnn.dnn.fit_chunks import fit_chunks, partial_fit_chunks
from skdnn.dnn.fit_result import FITTED_ATTRIBUTES, FitResult, Request
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.loss_and_targets import resolve_loss
from skdnn.dnn.presets import is_auto
from skdnn.dnn.settings import optimizer_spec, parameters
from skdnn.typing import (
    Auto,
    Blend,
    DType,
    LearningRateSchedule,
    NumericEmbedding,
    Parametrization,
    Patience,
    Preset,
    Scaling,
)


class BaseDNN(
    NetworkTableMixin, ParametersTableMixin, ExplainedValuesMixin, CopyableEstimator, ABC
):
    """Base class of `DNNClassifier` and `DNNRegressor`, which document the parameters."""

    _network: FittedNetwork

    _parameter_constraints: dict[str, list[Any]] = CONSTRAINTS
    _instead_of_values = INSTEAD_OF_VALUES

    @explains_unknown_arguments
    def __init__(
        self,
        hidden_layer_sizes: int | Integers | Auto = "auto",
        activation: Activation | Sequence[Activation] | Auto = "auto",
        *,
        preset: Preset = "auto",
        dropout: float | Floats | Auto = "auto",
        batch_norm: bool = False,
        kernel_initializer: Initializer | Auto = "auto",
        alpha: float = 0.0,
        scaling: Scaling | None = "auto",
        categorical_features: Columns | Auto | None = "auto",
        n_features_to_select: int | Auto | None = "auto",
        one_hot_max_size: int | Auto = "auto",
        numeric_embedding: NumericEmbedding | None = "auto",
        n_members: int | Auto = "auto",
        parametrization: Parametrization = "auto",
        blend: Blend | None = "auto",
        loss: Any = "auto",
        optimizer: Optimizer = "adam",
        learning_rate: Rate | Auto | None = "auto",
        learning_rate_schedule: LearningRateSchedule = "auto",
        warmup: float | Auto = "auto",
        momentum: float | None = None,
        weight_decay: float | Auto | None = "auto",
        clipnorm: float | None = None,
        ema_momentum: float | None = None,
        epochs: int | Auto = "auto",
        time_limit: float | None = None,
        batch_size: int | Auto = "auto",
        shuffle: bool = True,
        early_stopping: bool | Auto = "auto",
        validation: ValidationRows | None = None,
        validation_fraction: float | None = None,
        n_iter_no_change: int | Patience = "auto",
        tol: float = 1e-4,
        monitor: Monitor = "auto",
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: DType = "float32",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = 0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.preset = preset
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.kernel_initializer = kernel_initializer
        self.alpha = alpha
        self.scaling = scaling
        self.categorical_features = categorical_features
        self.n_features_to_select = n_features_to_select
        self.one_hot_max_size = one_hot_max_size
        self.numeric_embedding = numeric_embedding
        self.n_members = n_members
        self.parametrization = parametrization
        self.blend = blend
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.warmup = warmup
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.ema_momentum = ema_momentum
        self.epochs = epochs
        self.time_limit = time_limit
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation = validation
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.monitor = monitor
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the estimator.

        Parameters
        ----------
        **params : dict
            Parameter values by name.

        Returns
        -------
        self : object
            The estimator.
        """
        check_parameters(params, self.get_params(deep=False), type(self).__name__)
        super().set_params(**params)
        return self

    # ------------------------------------------------------------------ fit

    @explains_unknown_arguments
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train the network for `epochs` epochs, or until early stopping ends training.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training samples: a table of shape (n_samples, n_features), or samples of any other
            shape, such as images of shape (n_samples, 28, 28). One of:

            - a numeric array or memory map of any dtype, with NaN for missing numbers;
            - a DataFrame of pandas, Polars or PyArrow with columns of numbers, text, categories
              or booleans;
            - a sparse matrix or array of SciPy;
            - without y, for data larger than memory: an iterable of chunks (X, y) or
              (X, y, sample_weight), or a function that returns such an iterable. The chunks are
              iterated once per epoch, and once before the first epoch to collect all class labels
              and to sample up to 100,000 rows on which scaling and categories are fitted.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target values. None only with chunks.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss. The weights are divided by their mean over the training
            rows, or with chunks over the rows of the chunk. A row of weight 0 has no effect.
        X_val : array-like of shape (n_val, ...), default=None
            Validation samples, used instead of rows held out from X, and scaled like X. In a
            `Pipeline`, `transform_input=["X_val"]` transforms the validation samples like X.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Target values of X_val.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the rows of X_val.
        groups : array-like of shape (n_samples,), default=None
            Group labels of the rows. If rows of X are held out, no group is split between training
            and held-out rows. A splitter in `validation` gets the labels.

        Returns
        -------
        self : object
            The fitted estimator. A fit that fails or is interrupted does not change the previous
            fitted state of the estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or if training diverges.
        """
        owner = type(self).__name__
        validation = ValidationData(X_val, y_val, sample_weight_val, groups)
        validation.check(owner)
        chunks = as_chunks(X, y, owner)
        previous = FitResult.of(self) if self.warm_start else None
        draft = self._draft(previous)
        if chunks is not None:
            chunks.check_weights(sample_weight)
            return self._keep(draft, fit_chunks(draft, chunks, validation, previous))
        request = Request(X, y, sample_weight, validation, verbose=bool(self.verbose))
        return self._keep(draft, fit(draft, request, previous))

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        validate_parameters(self)  # scikit-learn skips this if already fitted
        chunks = as_chunks(X, y, type(self).__name__)
        previous = FitResult.of(self)
        draft = self._draft(previous)
        if chunks is not None:
            chunks.check_weights(sample_weight)
            return self._keep(draft, partial_fit_chunks(draft, chunks, classes, previous))
        request = Request(
            X, y, sample_weight, classes=classes, is_whole=False, verbose=bool(self.verbose)
        )
        return self._keep(draft, fit(draft, request, previous))

    def _draft(self, previous: FitResult | None) -> Self:
        """Return an unfitted copy of the estimator, with the feature attributes of `previous`."""
        draft = copy.copy(self)
        features = {} if previous is None else previous.features
        draft.__dict__ = {**self._unfitted(), **features}
        return draft

    def _unfitted(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in FITTED_ATTRIBUTES}

    def _keep(self, draft: Self, result: FitResult) -> Self:
        # Attributes come from the draft, because callbacks of scikit-learn may have set some.
        # There is one assignment, so that an interruption leaves either the old or the new fit.
        self.__dict__ = {**draft._unfitted(), **result.attributes()}
        return self

    # -------------------------------------------------------------- predict

    def _forward(self, X: Any, *, of_members: bool = False) -> np.ndarray:
        """Return the outputs of the network for X, as `FittedNetwork.forward` describes them."""
        if "_network" not in vars(self):
            check_is_fitted(self)
        fitted = self._network
        if "feature_names_in_" not in vars(self) and fitted.takes_unchecked(X):
            return fitted.forward(X, of_members=of_members, is_finite=True)
        return fitted.forward(check_rows(self, X, fitted), of_members=of_members)

    @explains_unknown_arguments
    @of_one_fit
    def predict(self, X: Any) -> np.ndarray:
        """Predict the target values of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples, each of the same shape as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted class labels or regression targets, in the form of the y passed to `fit`.
        """
        output = self._forward(X)
        decoded: np.ndarray = self._network.targets.decode(output)
        return decoded

    @of_one_fit
    def encode(self, X: Any) -> Any:
        """Encode X as the numeric input of the Keras model that `to_keras` returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples, each of the same shape as in `fit`.

        Returns
        -------
        X_encoded : ndarray or CSR matrix of shape (n_samples, ...)
            For a table with categories, text or booleans, one column of floats per column of X.
            Numbers are unchanged, and missing numbers are NaN. Categories are integer codes, and a
            category that was not seen in `fit` has code 0. Any other X is returned unchanged.
        """
        check_is_fitted(self)
        X = check_rows(self, X, self._network)
        return X if issparse(X) else X.reshape(len(X), *self._network.spec.input_shape)

    # -------------------------------------------------------------- inspect

    @of_one_fit
    def to_keras(self) -> KerasSequential:
        """Build the network, with its preprocessing, as a compiled Keras model.

        Returns
        -------
        model : keras.Sequential
            A new model in each call. Changes of the model do not change the estimator. The model
            takes numbers of the shape of X in `fit`. `encode` converts tables with text,
            categories or booleans to such numbers.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted, because the shapes of the layers depend on X and y.
        RuntimeError
            In a process that was forked from one that has used TensorFlow.
        """
        self._check_has_shapes("Keras model")
        owner, params = type(self).__name__, parameters(self)
        loss = resolve_loss(params, owner, is_classifier(self))
        optimizer = optimizer_spec(params, self.resolved_params_, owner)
        return self._network.keras_model(loss, optimizer)

    if not TYPE_CHECKING:  # type checkers would accept any attribute

        def __getattr__(self, name: str) -> Any:
            # Not a property: scikit-learn's `dir` and HTML representation read every property.
            if name == "model_":
                self._check_has_shapes("model_")
                return LazyModel(snapshot(self).to_keras)
            check_attribute(name, self)
            return super().__getattribute__(name)  # raises the original error

    def _resolved_values(self) -> dict[str, Any]:
        given = self.get_params(deep=False)
        resolved = vars(self).get("resolved_params_", {})
        autos = {name: value for name, value in resolved.items() if is_auto(given.get(name))}
        return {name: value for name, value in autos.items() if not is_auto(value)}

    def __sklearn_is_fitted__(self) -> bool:
        return "_network" in vars(self)

    def _check_has_shapes(self, what: str) -> None:
        owner = type(self).__name__
        message = (
            f"This {owner} has no {what} yet, because the shapes of its layers come from the data: "
            "call fit(X, y) first."
        )
        check_is_fitted(self, msg=message)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        return tags
