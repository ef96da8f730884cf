"""The wrapper of a Keras network that `KerasClassifier` and `KerasRegressor` share."""

import contextlib
import copy
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags, check_array, check_consistent_length
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from skdnn._network.summary import NetworkTableMixin
from skdnn.wrappers import fit_predict, scikeras_compat
from skdnn.wrappers.build import Assembling
from skdnn.wrappers.checks import check_samples, check_targets
from skdnn.wrappers.pickling import pack_all, unpack_all
from skdnn.wrappers.scikeras_compat import as_array, keras, metric_name, route_params
from skdnn.wrappers.seeding import draw_seed, seeded
from skdnn.wrappers.structures import inputs_of, take_rows
from skdnn.wrappers.target_encoders import Untouched


class BaseWrapper(NetworkTableMixin, Assembling):
    """A Keras network as an estimator, of whatever kind a subclass makes it.

    `KerasClassifier` and `KerasRegressor` are the two kinds that there are. This class is for
    others, such as an encoder that learns y = X.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        The network; see `KerasClassifier`. None needs a method `_keras_build_fn`.
    build_fn : callable, keras.Model or None, default=None
        The old name of `model`.
    warm_start : bool, default=False
        Whether `fit` goes on with the network that there is.
    random_state : int, RandomState instance or None, default=None
        Seed of the weights, the order of rows and dropout.
    optimizer : str, class or keras.optimizers.Optimizer, default="rmsprop"
        Of a network that is not compiled.
    loss : str, class, keras.losses.Loss, callable, list, dict or None, default=None
        Of a network that is not compiled.
    metrics : str, class, keras.metrics.Metric, callable, list, dict or None, default=None
        Of a network that is not compiled.
    batch_size : int or None, default=None
        Number of rows of one step; None is 32, -1 all of them.
    validation_batch_size : int or None, default=None
        Number of validation rows evaluated together.
    verbose : int, default=1
        What Keras writes.
    callbacks : keras.callbacks.Callback, class, list, dict or None, default=None
        What is told how training goes on.
    validation_split : float, default=0.0
        Share of the rows, the last ones, that is held out.
    shuffle : bool, default=True
        Whether each epoch has its rows in another order.
    run_eagerly : bool, default=False
        Whether a network that is not compiled is run step by step in Python.
    epochs : int, default=1
        Number of times that training goes over all rows.
    **kwargs : dict
        Routed parameters, and parameters of the build function.

    Attributes
    ----------
    model_ : keras.Model
        The network.
    history_ : dict of list of float
        Loss and metrics per epoch.
    feature_encoder_, target_encoder_ : transformer
        What X and y go through.
    X_shape_, X_dtype_, y_dtype_, y_ndim_, target_type_
        What the data of `fit` looked like.

    See Also
    --------
    KerasClassifier : For labels.
    KerasRegressor : For quantities.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from skdnn.wrappers.classifier import BaseWrapper
    >>> X = np.random.default_rng(0).random((20, 4))
    >>> layers = [keras.layers.Dense(2), keras.layers.Dense(4)]
    >>> autoencoder = BaseWrapper(layers, loss="mse", verbose=0).fit(X, X)
    >>> autoencoder.predict(X).shape
    (20, 4)
    """

    # Those of SciKeras, and two that it routes but refuses in `set_params`.
    _routing_prefixes = scikeras_compat.BaseWrapper._routing_prefixes | {"callbacks", "score"}

    # ------------------------------------------------------------------ fit

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Build the network, and train it for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of any rank. A dict or a tuple is one array for each input of the network.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss, divided by their mean; a row of weight 0 is as if it
            were not there.
        **kwargs : dict
            Arguments of Keras's `fit`. They count more than those of the constructor.

        Returns
        -------
        self : object
            The fitted estimator. A fit that fails or is interrupted leaves it as it was before.

        Raises
        ------
        ValueError, TypeError
            For bad parameters or data.
        """
        kwargs.setdefault("epochs", getattr(self, "fit__epochs", self.epochs))
        kwargs.setdefault("initial_epoch", 0)
        self._fit(X=X, y=y, sample_weight=sample_weight, warm_start=self.warm_start, **kwargs)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Train for one epoch on these rows, going on from where the last call stopped.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, as in `fit`.
        **kwargs : dict
            Arguments of Keras's `fit`.

        Returns
        -------
        self : object
            The estimator, one epoch on.
        """
        for name in ("epochs", "initial_epoch"):
            if name in kwargs:
                raise TypeError(
                    f"Invalid argument `{name}` to `partial_fit` of {type(self).__name__}: it "
                    "always trains for one epoch, from the current one."
                )
        epoch = self.current_epoch
        self._fit(X, y, sample_weight, warm_start=True, epochs=1, initial_epoch=epoch, **kwargs)
        return self

    def initialize(self, X: Any, y: Any = None) -> Self:
        """Build the network without training it.

        A model that is given as `model=` keeps its weights: this is how one that was trained
        elsewhere becomes an estimator that predicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples, for their shape and dtype.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets, for their kind.

        Returns
        -------
        self : object
            The estimator, ready to predict.
        """
        with self._all_or_nothing(resumes=False):
            self._keeps_weights = True
            X, _ = self._initialize(X, y)
            self._compile()
            self._learn_scale(X, None)
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        **kwargs: Any,
    ) -> None:
        resumes = (self.warm_start or warm_start) and self.initialized_
        with self._all_or_nothing(resumes):
            if resumes:
                X, y = self._validate_data(X, y)
                if self._callbacks_of != self._callback_params():
                    self._initialize_callbacks()
            else:
                self._keeps_weights = False
                X, y = self._initialize(X, y)
            self._ensure_compiled_model()
            if sample_weight is not None:
                X, y, sample_weight = self._validate_sample_weight(X, y, sample_weight)
                if sample_weight.min() >= 0:
                    sample_weight = sample_weight / sample_weight.mean()
            if not resumes:
                self._learn_scale(X, sample_weight)
            y = self.target_encoder_.transform(y)
            X = self.feature_encoder_.transform(X)
            self._check_model_compatibility(y)
            self._fit_keras_model(
                X,
                y,
                sample_weight=sample_weight,
                warm_start=warm_start,
                epochs=epochs,
                initial_epoch=initial_epoch,
                **kwargs,
            )

    @contextlib.contextmanager
    def _all_or_nothing(self, resumes: bool) -> Iterator[None]:
        """Put everything back as it was, where what is done meanwhile fails or is interrupted."""
        before = dict(vars(self))
        variables = self._variables() if resumes else []
        values = [np.array(as_array(variable)) for variable in variables]
        try:
            yield
        except BaseException:
            self.__dict__ = before
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            raise

    def _variables(self) -> list[Any]:
        optimizer = getattr(self.model_, "optimizer", None)
        return [*self.model_.variables, *(optimizer.variables if optimizer else ())]

    def _initialize(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        self._random_state = draw_seed(self.random_state)
        X, y = self._validate_data(X, y, reset=True)
        self.target_encoder_ = self.target_encoder.fit(y)
        self.__dict__.update(getattr(self.target_encoder_, "get_metadata", dict)())
        self.feature_encoder_ = self.feature_encoder.fit(X)
        self.__dict__.update(getattr(self.feature_encoder_, "get_metadata", dict)())
        with seeded(self._random_state):
            self.model_ = self._build_keras_model()
            self._ensure_built(X)
        self._fit_target_encoder_to_model(y)
        self._initialize_callbacks()
        return X, y

    def _callback_params(self) -> dict[str, Any]:
        return {k: v for k, v in self.get_params(deep=False).items() if "callbacks" in k}

    def _initialize_callbacks(self) -> None:
        super()._initialize_callbacks()
        self._callbacks_of = self._callback_params()

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = False
    ) -> tuple[Any, Any]:
        if reset and y is None and self.__sklearn_tags__().target_tags.required:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        both = X is not None and y is not None
        if X is not None:
            X = check_samples(self, X, reset=reset, same_dtype=both)
        if y is not None:
            y = check_targets(self, y, reset=reset, numeric=y_numeric, same_dtype=both)
        if both:
            check_consistent_length(*inputs_of(X), y)
        return X, y

    @staticmethod
    def _validate_sample_weight(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, np.ndarray]:
        given = np.asarray(sample_weight)
        if given.size and not given.any():
            raise ValueError(
                "No training samples had any weight; only zeros were passed in sample_weight: "
                "there is nothing to learn from. Give at least one row a weight above 0."
            )
        dtype = np.dtype(keras.config.floatx())
        sample_weight = _check_sample_weight(sample_weight, inputs_of(X)[0], dtype=dtype)
        rows = np.flatnonzero(sample_weight)
        if len(rows) == len(sample_weight):
            return X, y, sample_weight
        return take_rows(X, rows), take_rows(y, rows), sample_weight[rows]

    # ------------------------------------------------------------- training

    def _fit_keras_model(
        self,
        X: Any,
        y: Any,
        sample_weight: np.ndarray | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        **kwargs: Any,
    ) -> None:
        self._check_loss()
        arguments = route_params(self.get_params(), "fit", pass_filter=self._fit_kwargs)
        arguments.update(kwargs)
        for name in ("epochs", "initial_epoch", "sample_weight"):
            arguments.pop(name, None)
        for name in ("batch_size", "validation_batch_size"):
            if arguments.get(name) == -1:
                arguments[name] = _all_rows(name, X)
        arguments = {k: v for k, v in arguments.items() if not k.startswith("callbacks")}
        arguments["callbacks"] = self._fit_callbacks
        if isinstance(arguments.get("validation_data"), tuple | list):
            arguments["validation_data"] = self._encode_validation(*arguments["validation_data"])
        stop = initial_epoch + epochs
        history = self._train(self.model_, X, y, sample_weight, stop, initial_epoch, arguments)
        _let_go(self._fit_callbacks)
        self._add_to_history(history, anew=not warm_start or initial_epoch == 0)

    def _train(
        self,
        model: Any,
        X: Any,
        y: Any,
        sample_weight: np.ndarray | None,
        epochs: int,
        initial_epoch: int,
        fit_args: dict[str, Any],
    ) -> dict[str, list[float]]:
        """Train a compiled network on arrays that are ready for it.

        The one place where training happens. Whatever trains in its stead has to do what Keras's
        `fit` does with the same arguments, and to leave weights, the optimizer's state and the
        seeds of the layers in `model`. The seed for the order of the rows is
        `self._random_state`, an int or None.

        Parameters
        ----------
        model : keras.Model
            Compiled; it is trained in place.
        X : ndarray of shape (n_samples, ...), CSR matrix, or structure of them
            What the feature encoder made: an array, or a list, tuple or dict of arrays, one for
            each input.
        y : ndarray of shape (n_samples, ...), or structure of them
            What the target encoder made; a structure has one array for each output.
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the rows, none of them 0, with a mean of 1.
        epochs, initial_epoch : int
            As in Keras: the epochs trained are those from `initial_epoch` to `epochs` - 1.
        fit_args : dict
            All other arguments of Keras's `fit`: "batch_size" (None is 32), "verbose", "shuffle",
            "validation_split", "validation_data" (encoded), "callbacks" (a list), and what else
            the user gave.

        Returns
        -------
        history : dict of list of float
            Per epoch, by Keras's names.
        """
        return fit_predict.fit(
            model,
            X,
            y,
            sample_weight,
            epochs=epochs,
            initial_epoch=initial_epoch,
            seed=self._random_state,
            fit_args=fit_args,
        )

    def _forward(self, model: Any, X: Any, predict_args: dict[str, Any]) -> Any:
        """Return what a network puts out for arrays that are ready for it.

        The one place where predicting happens.

        Parameters
        ----------
        model : keras.Model
            The network.
        X : ndarray of shape (n_samples, ...), CSR matrix, or structure of them
            What the feature encoder made.
        predict_args : dict
            Arguments of Keras's `predict`: "batch_size", "verbose", "callbacks" and what else the
            user gave.

        Returns
        -------
        ndarray of shape (n_samples, ...), or structure of them
            One for each output.
        """
        return fit_predict.predict(model, X, predict_args)

    def _encode_validation(self, X: Any, y: Any, *weight: Any) -> tuple[Any, ...]:
        """Encode validation data as training data are; labels that are encoded already stay."""
        X = self.feature_encoder_.transform(check_samples(self, X, reset=False, same_dtype=False))
        labels = getattr(self, "classes_", None)
        if labels is None or np.isin(np.asarray(y), labels).all():
            y = self.target_encoder_.transform(check_array(y, ensure_2d=False, dtype=None))
        return (X, y, *(np.asarray(values) for values in weight if values is not None))

    def _add_to_history(self, history: dict[str, list[float]], *, anew: bool) -> None:
        old = {} if anew else getattr(self, "history_", {})
        merged = defaultdict(list, {name: list(values) for name, values in old.items()})
        for name, values in history.items():
            if name != "loss" and not name.startswith("val_"):
                with contextlib.suppress(ValueError):  # a metric of the user's own
                    name = metric_name(name)
            merged[name] += values
        self.history_ = merged

    # -------------------------------------------------------------- predict

    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of the shape of those in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`. They count more than those of the constructor.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the shape of y in `fit`.

        Raises
        ------
        NotFittedError
            Before `fit` or `initialize`.
        """
        output = self._predict_raw(X, **kwargs)
        return self.target_encoder_.inverse_transform(output)

    def _predict_raw(self, X: Any, **kwargs: Any) -> Any:
        message = (
            f"Estimator needs to be fit before `predict` can be called: call fit(X, y) of this "
            f"{type(self).__name__} first."
        )
        check_is_fitted(self, msg=message)
        X, _ = self._validate_data(X=X, y=None)
        X = self.feature_encoder_.transform(X)
        arguments = route_params(
            self.get_params(), "predict", pass_filter=self._predict_kwargs, strict=True
        )
        arguments = {k: v for k, v in arguments.items() if not k.startswith("callbacks")}
        arguments["callbacks"] = self._predict_callbacks
        arguments.update(kwargs)
        if arguments.get("batch_size") == -1:
            arguments["batch_size"] = _all_rows("batch_size", X)
        output = self._forward(self.model_, X, arguments)
        _let_go(self._predict_callbacks)
        return output

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return what `scorer`, which a subclass has to implement, says of the predictions.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The higher the better.
        """
        return self._score(X, y, sample_weight)

    def _score(self, X: Any, y: Any, sample_weight: Any) -> float:
        # First, for its error where there was no fit.
        y_pred = self.predict(X)
        _, y = self._validate_data(X=None, y=y)
        if sample_weight is not None:
            y_pred, y, sample_weight = self._validate_sample_weight(y_pred, y, sample_weight)
        arguments = route_params(self.get_params(), destination="score", pass_filter=set())
        return self.scorer(y, y_pred, sample_weight=sample_weight, **arguments)

    # -------------------------------------------------------------- encoders

    @property
    def feature_encoder(self) -> Any:
        """Transformer that X goes through on its way to the network; override to use another.

        Its `get_metadata`, where it has one, returns a dict of more attributes of the estimator.

        Returns
        -------
        transformer
            One that gives X back as it is.
        """
        return Untouched()

    @property
    def target_encoder(self) -> Any:
        """Transformer that y goes through on its way to the network; override to use another.

        Returns
        -------
        transformer
            One that gives y back as it is.
        """
        return Untouched()

    # ----------------------------------------------------- scikit-learn's own

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return self.initialized_

    def __sklearn_clone__(self) -> Self:
        # A network, its layers and an optimizer are only read: no clone needs a copy of its own,
        # and not all of them can be copied.
        params = self.get_params(deep=False)
        read = {name for name in ("model", "build_fn", "optimizer") if params.get(name) is not None}
        copies = {k: v if k in read else clone(v, safe=False) for k, v in params.items()}
        twin = type(self)(**copies)
        if hasattr(self, "_metadata_request"):
            twin._metadata_request = copy.deepcopy(self._metadata_request)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        return {name: pack_all(value) for name, value in state.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({name: unpack_all(value) for name, value in state.items()})

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return BaseEstimator.__repr__(self, N_CHAR_MAX)


def _all_rows(name: str, X: Any) -> int:
    if not hasattr(X, "shape"):
        raise ValueError(
            f"`{name}=-1` requires that `X` implement `shape`. The feature encoder made a "
            f"{type(X).__name__} of it: give the number of rows instead."
        )
    return int(X.shape[0])


def _let_go(callbacks: list[Any]) -> None:
    """Take the network out of callbacks, or each copy of one would be a copy of the network."""
    for callback in keras.tree.flatten(callbacks):
        if isinstance(getattr(callback, "_model", None), keras.Model):
            callback._model = None
