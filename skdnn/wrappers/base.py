"""`BaseWrapper`, the common base class of `KerasClassifier` and `KerasRegressor`."""

from typing import Any, Literal, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.multiclass import type_of_target

from skdnn._network.summary import NetworkTableMixin
from skdnn._utils.annotations import KerasFunctions, KerasModel, KerasNetwork, Optimizer
from skdnn._utils.boolean_keys import with_plain_dicts, with_wrapped_dicts
from skdnn._utils.other_attributes import check_attribute
from skdnn._utils.pickle_version import SAVE_NETWORK, checked_version, with_version
from skdnn._utils.sklearn_compat import ParametersTableMixin, fit_context
from skdnn._utils.snapshot import of_one_fit
from skdnn.wrappers import build, fit_steps, output_checks, parameters, predict_steps
from skdnn.wrappers.build_options import BuildOptions
from skdnn.wrappers.checks import check_data
from skdnn.wrappers.draft import with_fitted_model, with_parts
from skdnn.wrappers.fit_steps import FitCall
from skdnn.wrappers.no_onnx import NoOnnxMixin
from skdnn.wrappers.pickling import lazy_names, lazy_state, restored, saved_state
from skdnn.wrappers.routed_parameters import RoutedParameters
from skdnn.wrappers.scikeras_hooks import ScikerasHooks
from skdnn.wrappers.target_encoders import Identity


class BaseWrapper(
    NetworkTableMixin, NoOnnxMixin, ParametersTableMixin, ScikerasHooks, RoutedParameters
):
    """Keras network as an estimator with targets of any type.

    Use `KerasClassifier` for labels and `KerasRegressor` for numeric targets. Use or subclass
    `BaseWrapper` for other targets, such as the targets y = X of an autoencoder. A subclass may
    define `_keras_build_fn`, `feature_encoder`, `target_encoder` and `scorer`.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        Network, or the function that builds the network, as in `KerasClassifier`. None requires a
        subclass with a method `_keras_build_fn` that builds the network.
    build_fn : callable, keras.Model or None, default=None
        Deprecated name of the parameter `model`.
    warm_start : bool, default=False
        Whether `fit` continues to train the previous network, and to record `history_`, instead of
        building a new network.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the rows, and dropout.
    optimizer : str, class or keras.optimizers.Optimizer, default="rmsprop"
        Optimizer for compiling the network. Ignored if the network is already compiled.
    loss : str, class, keras.losses.Loss, callable, list, dict or None, default=None
        Loss for compiling the network. None requires a network that is already compiled.
    metrics : str, class, keras.metrics.Metric, callable, list, dict or None, default=None
        Metrics for compiling the network. Ignored if the network is already compiled.
    batch_size : int or None, default=None
        Number of rows per training step and per prediction batch. None means 32 in training and
        at least 32 in prediction. -1 means all rows.
    validation_batch_size : int or None, default=None
        Number of validation rows per evaluation batch.
    verbose : int, default=1
        Amount of output. 0 prints nothing, 1 prints a progress bar, and 2 prints a line per epoch.
    callbacks : keras.callbacks.Callback, class, list, dict or None, default=None
        Callbacks of training and prediction.
    validation_split : float, default=0.0
        Fraction of the rows that are held out for validation. The last rows are held out.
    shuffle : bool, default=True
        Whether the rows are shuffled in each epoch.
    run_eagerly : bool, default=False
        Whether to run the network eagerly in Python. Ignored if the network is already compiled.
    epochs : int, default=1
        Number of epochs, which are passes over the training rows.
    **kwargs : dict
        Arguments of the build function, and routed parameters, as in `KerasClassifier`.

    Attributes
    ----------
    model_ : keras.Model
        The trained network.
    n_iter_, current_epoch : int
        Number of epochs in `history_`. Before the first fit, `current_epoch` is 0.
    history_ : dict of list of float
        Values of the loss and of each metric in each epoch, by name.
    feature_encoder_, target_encoder_ : transformer
        The fitted encoders of X and y.
    X_shape_, X_dtype_, y_dtype_, y_ndim_, target_type_
        Shape and dtype of X in `fit`, and dtype, number of dimensions and target type of y.

    See Also
    --------
    KerasClassifier : The estimator for labels.
    KerasRegressor : The estimator for numeric targets.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from skdnn.wrappers import BaseWrapper
    >>> X = np.random.default_rng(0).random((20, 4))
    >>> layers = [keras.layers.Dense(2), keras.layers.Dense(4)]
    >>> autoencoder = BaseWrapper(layers, loss="mse", verbose=0).fit(X, X)
    >>> autoencoder.predict(X).shape
    (20, 4)
    """

    _parameter_constraints: dict[str, list[Any]] = parameters.CONSTRAINTS

    def __init__(
        self,
        model: KerasNetwork | None = None,
        *,
        build_fn: KerasNetwork | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        optimizer: Optimizer | None = "rmsprop",
        loss: KerasFunctions | None = None,
        metrics: KerasFunctions | None = None,
        batch_size: int | None = None,
        validation_batch_size: int | None = None,
        verbose: int | Literal["auto"] = 1,
        callbacks: Any = None,
        validation_split: float | None = 0.0,
        shuffle: bool | Literal["batch"] = True,
        run_eagerly: bool | None = False,
        epochs: int = 1,
        **kwargs: Any,
    ):
        self.model = model
        self.build_fn = build_fn
        self.warm_start = warm_start
        self.random_state = random_state
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.batch_size = batch_size
        self.validation_batch_size = validation_batch_size
        self.verbose = verbose
        self.callbacks = callbacks
        self.validation_split = validation_split
        self.shuffle = shuffle
        self.run_eagerly = run_eagerly
        self.epochs = epochs
        self.__dict__.update(kwargs)
        if kwargs:
            self._user_params = frozenset(kwargs)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Build the network and train the network for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples with any number of dimensions. A dict or tuple has one array per network input.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights in the loss. Rows of weight 0 are left out first, so `validation_split`
            takes none. The other weights are divided by their mean.
        **kwargs : dict
            Arguments of Keras's `fit`, which take precedence over parameters of the estimator.

        Returns
        -------
        self : object
            The fitted estimator. If `fit` fails or is interrupted, the estimator is restored.
        """
        parameters.check_arguments("fit", self.get_params(), kwargs, type(self).__name__)
        epochs = kwargs.pop("epochs", getattr(self, "fit__epochs", self.epochs))
        start = kwargs.pop("initial_epoch", 0)
        call = FitCall(epochs, start, self.warm_start, kwargs, BuildOptions())
        fit_steps.train(self, X, y, sample_weight, call)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Train the network for one more epoch, after building the network in the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, as in `fit`.
        **kwargs : dict
            Arguments of Keras's `fit`.

        Returns
        -------
        self : object
            The estimator, trained for one more epoch.
        """
        fit_steps.train_one_epoch(self, X, y, sample_weight, kwargs, BuildOptions())
        return self

    def initialize(self, X: Any, y: Any = None) -> Self:
        """Build the network without training.

        A Keras model that is passed as `model` keeps its network weights. An initialized estimator
        can therefore predict with a model that was trained elsewhere.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples. The samples determine the shapes and dtypes of the network inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets. The targets determine the attribute `target_type_`. `KerasClassifier` requires
            y, in which each label must occur.

        Returns
        -------
        self : object
            The initialized estimator, which can predict.
        """
        fit_steps.initialize_alone(self, X, y)
        return self

    @of_one_fit
    def to_keras(self) -> KerasModel:
        """Return a copy of the trained network, with the optimizer and the optimizer's state.

        Changes of the copy do not change the estimator. `model_` is the network itself.

        Returns
        -------
        model : keras.Model
            A new model in each call.
        """
        return predict_steps.copy_of_network(self)

    @property
    def current_epoch(self) -> int:
        """Number of epochs in `history_`, and index of the next epoch of `partial_fit`."""
        return len(self.history_["loss"]) if hasattr(self, "history_") else 0

    @property
    def n_iter_(self) -> int:
        """Number of epochs of training, including continued training."""
        return len(self.history_["loss"])

    @property
    def initialized_(self) -> bool:
        """Whether `fit`, `partial_fit` or `initialize` has built a network for `predict`."""
        return predict_steps.has_network(self)

    # ------------------------------------------------------- steps that subclasses may override

    def _initialize(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        return fit_steps.initialize(self, X, y)

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = False
    ) -> tuple[Any, Any]:
        return check_data(self, X, y, reset=reset, numeric=y_numeric)

    def _type_of_target(self, y: np.ndarray) -> str:
        with np.errstate(invalid="ignore"):  # scikit-learn casts numbers of any size to int
            return str(type_of_target(y))

    def _get_metadata(self) -> dict[str, Any]:
        """Return the fitted attributes by name, which a build function receives as `meta`."""
        names = filter(parameters.is_fitted, {*vars(self), *lazy_names(self)})
        return {name: getattr(self, name) for name in names}

    def _get_compile_kwargs(self) -> dict[str, Any]:
        owner = type(self).__name__
        return build.compile_arguments(self.get_params(), self._compile_kwargs, owner)

    def _output_layer(self) -> tuple[int, str]:
        """Return the number of units and the activation of the default network's output layer."""
        raise NotImplementedError

    def _infer_loss(self) -> Any:
        """Return the default loss for the target type, or None if there is no default."""
        return None

    def _fit_target_encoder_to_model(self, output_shape: Any) -> None:
        """Fit the target encoder to the outputs and the loss of the network."""

    def _check_model_compatibility(self, y: Any) -> None:
        output_checks.check_network(self, y)

    @of_one_fit
    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples, each with the same shape as a sample in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`, which take precedence over parameters of the estimator.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the shape of y in `fit`.
        """
        outputs = self._predict_raw(X, **kwargs)
        predictions: np.ndarray = self.target_encoder_.inverse_transform(outputs)
        return predictions

    def _predict_raw(self, X: Any, **kwargs: Any) -> Any:
        """Return the outputs of the network for samples."""
        return predict_steps.predict(self, X, kwargs)

    @of_one_fit
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score of the predictions, computed by the `scorer` of a subclass.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            The score. Higher is better.
        """
        return predict_steps.score(self, X, y, sample_weight)

    @staticmethod
    def scorer(y_true: np.ndarray, y_pred: np.ndarray, **kwargs: Any) -> float:
        """Compute the score of predictions. A subclass must implement `scorer`.

        Parameters
        ----------
        y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            True and predicted targets.
        **kwargs : dict
            The argument `sample_weight`, and the estimator parameters `score__ARGUMENT`.

        Returns
        -------
        score : float
            The score. Higher is better.
        """
        raise NotImplementedError(
            "Scoring is not implemented on BaseWrapper: implement `scorer(y_true, y_pred, "
            "**kwargs)` in a subclass."
        )

    @property
    def feature_encoder(self) -> Any:
        """Transformer applied to X before the network. The default returns X unchanged.

        Override `feature_encoder` to use a different transformer. If the transformer has a method
        `get_metadata`, the items of the returned dict become attributes of the estimator.
        """
        return Identity()

    @property
    def target_encoder(self) -> Any:
        """Transformer applied to y before training. The default returns y unchanged.

        Override `target_encoder` to use a different transformer. The method `inverse_transform`
        converts network outputs to predictions. If the transformer has a method `get_metadata`,
        the items of the returned dict become attributes of the estimator. The property may read
        `target_type_` and the attributes of the shapes and dtypes of X and y.
        """
        return Identity()

    # --------------------------------------------------- protocols of scikit-learn and pickle

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return self.initialized_

    def _check_has_shapes(self, what: str) -> None:
        predict_steps.check_is_fitted_for(self, what)

    def __getstate__(self) -> dict[str, Any]:
        return saved_state(with_parts(with_wrapped_dicts(with_version(super().__getstate__()))))

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = checked_version(state, type(self).__name__, SAVE_NETWORK)
        super().__setstate__(with_fitted_model(lazy_state(with_plain_dicts(state))))

    def __getattr__(self, name: str) -> Any:
        # Not properties: scikit-learn's `dir` and HTML representation read every property, and
        # displaying an unpickled estimator would start TensorFlow.
        fitted = vars(self).get("_fitted_model") if name == "model_" else None
        if fitted is not None:
            return fitted.give_out()
        if name in lazy_names(self):
            return restored(self, name)
        check_attribute(name, self)
        return super().__getattribute__(name)  # raises the original error
