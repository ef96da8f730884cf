"""What classifier and regressor share: the constructor, and fit and predict as their steps."""

import copy
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils import Tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skdnn._data.chunks import as_chunks
from skdnn._data.preprocessing import may_miss
from skdnn._data.splits import ValidationData
from skdnn._network import numpy_forward
from skdnn._network.spec import NetworkSpec, in_units
from skdnn._network.summary import NetworkTableMixin
from skdnn._training.compiled_forward import compiled_forward
from skdnn.dnn.fit import Learning
from skdnn.dnn.presets import PRESETS

# Values sent through the network together when predicting: bounds the memory that it takes.
_VALUES = 2**22
_LEAST_ROWS = 256
# Rows from which TensorFlow, where it is loaded, may be faster: see docs/architecture.md.
_COMPILED_ROWS = 8192
_AUTO = StrOptions({"auto"})


class BaseDNN(NetworkTableMixin, Learning, BaseEstimator, ABC):
    """A dense network as an estimator; see `DNNClassifier` and `DNNRegressor`.

    A subclass says what its targets are: `_check_y` and `_make_targets`.
    """

    model_: Any

    @abstractmethod
    def _check_y(self, y: Any) -> np.ndarray:
        """Validate the targets, and give them the shape in which they are learned."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left"), _AUTO],
        "activation": [str, callable, "array-like"],
        "preset": [StrOptions({"auto", *PRESETS})],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like", _AUTO],
        "batch_norm": ["boolean"],
        "kernel_initializer": [str, callable],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "scaling": [StrOptions({"auto", "standard", "minmax", "pixelwise"}), None],
        "categorical_features": ["array-like", StrOptions({"auto"}), None],
        "one_hot_max_size": [Interval(Integral, 0, None, closed="left"), _AUTO],
        "numeric_embedding": [StrOptions({"auto", "piecewise_linear", "periodic"}), None],
        "n_members": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "parametrization": [StrOptions({"auto", "standard", "realmlp", "both"})],
        "blend": [StrOptions({"auto", "greedy"}), None],
        "loss": [str, callable, HasMethods(["call", "get_config"])],
        "optimizer": [str, type, HasMethods(["apply", "get_config"])],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), callable, None, _AUTO],
        "momentum": [Interval(Real, 0, 1, closed="left"), None],
        "learning_rate_schedule": [
            StrOptions({"auto", "constant", "cosine", "coslog4", "one_cycle", "reduce_on_plateau"})
        ],
        "warmup": [Interval(Real, 0, 1, closed="left"), _AUTO],
        "weight_decay": [Interval(Real, 0, None, closed="left"), None, _AUTO],
        "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "ema_momentum": [Interval(Real, 0, 1, closed="left"), None],
        "epochs": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "batch_size": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean", _AUTO],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "tol": [Interval(Real, 0, None, closed="left")],
        "callbacks": [None, "array-like", callable, HasMethods("on_epoch_end")],
        "warm_start": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | str = "auto",
        activation: str | Callable | Sequence[str | Callable] = "auto",
        *,
        preset: str = "auto",
        dropout: float | Sequence[float] | str = "auto",
        batch_norm: bool = False,
        kernel_initializer: Any = "auto",
        alpha: float = 0.0,
        scaling: str | None = "auto",
        categorical_features: Any = "auto",
        one_hot_max_size: int | str = "auto",
        numeric_embedding: str | None = "auto",
        n_members: int | str = "auto",
        parametrization: str = "auto",
        blend: str | None = "auto",
        loss: Any = "auto",
        optimizer: Any = "adam",
        learning_rate: Any = "auto",
        learning_rate_schedule: str = "auto",
        warmup: float | str = "auto",
        momentum: float | None = None,
        weight_decay: float | str | None = "auto",
        clipnorm: float | None = None,
        ema_momentum: float | None = None,
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        shuffle: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: float | None = None,
        n_iter_no_change: int | str = "auto",
        tol: float = 1e-4,
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: str = "float32",
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
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    # ------------------------------------------------------------------ fit

    @_fit_context(prefer_skip_nested_validation=True)
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
        """Train the network for `epochs` epochs, or until it no longer gets better.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Tables (n_samples, n_features), or samples of any shape, such as images
            (n_samples, 28, 28), as they come: arrays and memory maps of numbers of any dtype, NaN
            where one is missing; DataFrames of Pandas, Polars or PyArrow with numbers, text,
            categories and booleans; SciPy's sparse matrices and arrays.
            Or, without y, data larger than memory: an iterable of chunks (X, y) or
            (X, y, sample_weight), or a function that returns one. It is gone over once for each
            epoch and once before, to find all labels and draw the 100,000 rows from which scales
            and categories are learned.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets; None only for chunks.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss, divided by their mean (that of their chunk); a row of
            weight 0 is as if it were not there.
        X_val : array-like of shape (n_val, ...), default=None
            Samples to validate on, in the place of rows held out from X. They are scaled as X is.
            In a `Pipeline` they are transformed as X is with `transform_input=["X_val"]`.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        groups : array-like of shape (n_samples,), default=None
            Where rows are held out from X, those of one group stay on one side.

        Returns
        -------
        self : object
            The fitted estimator. A fit that fails or is interrupted leaves it as it was before.

        Raises
        ------
        ValueError
            For bad parameters or data, and when training diverges.
        """
        given = ValidationData(X_val, y_val, sample_weight_val, groups)
        given.check(type(self).__name__)
        chunks = as_chunks(X, y, type(self).__name__)
        if chunks is not None:
            chunks.check_weights(sample_weight)
            return self._learn_from(chunks, given)
        return self._learn(X, y, sample_weight, given=given, resume=self.warm_start)

    # -------------------------------------------------------------- predict

    def _forward(self, X: Any, of_members: bool = False) -> np.ndarray:
        """Send X through the network: shape (n_samples, n_outputs), not decoded.

        Of members apart, (n_members, n_samples, n_outputs).
        """
        missing = sparse = False
        if not self._is_plain(X):
            check_is_fitted(self)
            X = self._convert(X)
            sparse = issparse(X)
            missing = not sparse and may_miss(X)
        # As precise as X is: scikit-learn's estimators keep float64 for float64.
        dtype = np.result_type(X.dtype, self._spec.dtype)
        n_rows = X.shape[0]
        kept = sparse and self._inputs.keeps_zeros and numpy_forward.takes_sparse(self._spec.body)
        # Where rows stay sparse, NumPy's way: it begins with a product, which SciPy has, too.
        body = self._spec.body.without_mean() if of_members else self._spec.body
        network, size = self._network(body, 0 if kept else n_rows, dtype)
        if sparse and not kept:
            size = min(size, max(1, _VALUES // self._spec.widest))
        members = (self._spec.n_members,) * of_members
        output = np.empty((*members, n_rows, self._targets.n_outputs), dtype)
        # scikit-learn's gen_batches would take as long as a row.
        for start in range(0, n_rows, size):
            part = slice(start, start + size)
            x = self._inputs.apply(X[part], dtype, missing)
            output[..., part, :] = network(
                x.toarray() if sparse and not kept and issparse(x) else x
            )
        return output

    def _is_plain(self, X: Any) -> bool:
        """Whether X is an array that needs no further checks: they are most of a row's time."""
        if (
            type(X) is not np.ndarray
            or X.dtype.kind not in "biuf"
            or not hasattr(self, "_state")
            or hasattr(self, "feature_names_in_")
            or self._columns.encoders
            or X.ndim == 0
            or len(X) == 0
            or not X.shape[1:] == self._spec.input_shape == (self.n_features_in_,)
        ):
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(X.sum(dtype=np.result_type(X.dtype, np.float32))))

    def _network(
        self, body: NetworkSpec, n_rows: int, dtype: np.dtype
    ) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
        """Return the quickest way through a network, and how many rows to send at a time."""
        weights = self._weights
        if body is not self._spec.body:  # without the members' shares, which come last
            weights = weights[: body.n_arrays]
        if not numpy_forward.covers(body):
            from skdnn._network.keras_model import build
            from skdnn._training.trainer import check_process

            check_process()
            model = build(body)
            model.set_weights(weights)
            return lambda x: np.asarray(model(x, training=False)), _COMPILED_ROWS
        compiled = compiled_forward(body) if n_rows >= _COMPILED_ROWS else None
        if compiled is not None and dtype == body.dtype:
            return partial(compiled, weights), _COMPILED_ROWS
        size = max(_LEAST_ROWS, _VALUES // body.widest)
        return partial(numpy_forward.forward, body, weights), size

    def predict(self, X: Any) -> np.ndarray:
        """Predict.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of the shape of those in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Labels or quantities, as they were given to `fit`.
        """
        output = self._forward(X)
        return self._targets.decode(output)

    def encode(self, X: Any) -> Any:
        """Turn X into the numbers that `model_` takes.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of the shape of those in `fit`.

        Returns
        -------
        X_encoded : ndarray or CSR matrix of shape (n_samples, ...)
            Of a table with categories, text or booleans, one column of floats for each of its
            columns: numbers as they are, NaN where missing, and categories as codes, 0 for one that
            was not in training. All else as it is.
        """
        check_is_fitted(self)
        X = self._convert(X)
        return X if issparse(X) else X.reshape(len(X), *self._spec.input_shape)

    # ----------------------------------------------------------------- look

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print the table of layers: output shapes (None for the batch), parameter counts.

        Parameters
        ----------
        print_fn : callable, default=None
            Is given the table instead of `print`.

        Raises
        ------
        NotFittedError
            Before `fit`: the shapes of the layers come from X and y.
        """
        self._check_has_shapes("summary")
        (print_fn or print)(self._spec.summary())

    def __getattr__(self, name: str) -> Any:
        # Not a property, because scikit-learn's `dir` and HTML representation ask for the value
        # of each: to look at an estimator would start TensorFlow.
        if name == "model_":
            return self._make_model()
        return super().__getattribute__(name)  # raises what the first look-up raised

    def _make_model(self) -> Any:
        self._check_has_shapes("model_")
        from skdnn._network.keras_model import build, clip_outputs, rescale_outputs
        from skdnn._training.losses import compiled_loss

        model = build(self._spec, *self._inputs.constants)
        outputs = self._spec.outputs
        model.set_weights(in_units(self._targets.in_units, outputs, self._weights))
        targets, loss = self._targets, self._choose_loss()
        if targets.ascending:
            rescale_outputs(model, targets.unit, targets.mean)
        if targets.bounds is not None:
            clip_outputs(model, *targets.bounds)
        model.compile(
            optimizer=self._resolve_optimizer().build(),
            loss=compiled_loss(targets.loss if isinstance(loss, str) else loss, targets.unit),
            metrics=None if targets.metric == "mean_pinball_loss" else [targets.metric],
        )
        # Else what is saved of it could not be loaded without a warning.
        model.optimizer.build(model.trainable_variables)
        return model

    def _check_has_shapes(self, what: str) -> None:
        owner = type(self).__name__
        message = (
            f"This {owner} has no {what} yet, because the shapes of its layers come from the data: "
            "call fit(X, y) first."
        )
        check_is_fitted(self, msg=message)

    def __sklearn_clone__(self) -> Self:
        # Keras's own copies of a loss may lose its settings, such as the delta of Huber's. It is
        # only read, so that clones can share it.
        bare = copy.copy(self)
        bare.loss = "auto"
        twin = super(BaseDNN, bare).__sklearn_clone__()
        twin.loss = self.loss if _is_keras_loss(self.loss) else clone(self.loss, safe=False)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        # Callbacks hold open files and what not, which no other process could use.
        state = {k: v for k, v in super().__getstate__().items() if k != "callbacks_"}
        return {**state, "loss": _Loss(self.loss)} if _is_keras_loss(self.loss) else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        loss = state.get("loss")
        super().__setstate__({**state, "loss": loss.value} if type(loss) is _Loss else state)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        return tags


class _Loss:
    """A loss of Keras on its way to another process, with all its settings."""

    def __init__(self, value: Any):
        self.value = value

    def __reduce__(self) -> tuple[Callable, tuple[type, dict[str, Any]]]:
        return _arrived, (type(self.value), vars(self.value))


def _arrived(kind: type, settings: dict[str, Any]) -> Any:
    loss: Any = object.__new__(kind)
    loss.__dict__.update(settings)
    return loss


def _is_keras_loss(value: Any) -> bool:
    kind = getattr(sys.modules.get("keras.losses"), "Loss", None)  # absent while Keras is imported
    return kind is not None and isinstance(value, kind)
