"""What classifier and regressor share: the constructor, and fit and predict as their steps."""

import copy
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context, clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import (
    Tags,
    _safe_indexing,
    check_array,
    check_consistent_length,
    check_random_state,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    _num_samples,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from skdnn import _inference
from skdnn._callbacks import (
    CallbackSupportMixin,
    EarlyStopping,
    EpochLines,
    FitTasks,
    Plateau,
    Several,
    with_callbacks,
)
from skdnn._chunks import Chunks, as_chunks
from skdnn._columns import Columns
from skdnn._inputs import Inputs, as_rows, may_miss
from skdnn._layers import NetworkTableMixin
from skdnn._schedules import Schedule
from skdnn._spec import (
    Activation,
    CategoryEmbedding,
    ColumnTransform,
    NetworkSpec,
    State,
    dense_network,
    embedding_length,
)
from skdnn._targets import Targets
from skdnn._validation import Given, hold_out

# Values sent through the network together when predicting: bounds the memory that it takes.
_VALUES = 2**22
_LEAST_ROWS = 256
# Rows from which TensorFlow, where it is loaded, may be faster: see docs/architecture.md.
_COMPILED_ROWS = 8192
# As in scikit-learn's HistGradientBoosting: more rows than these stop early by themselves.
_MANY_ROWS = 10_000
_EPOCHS, _MOST_EPOCHS = 50, 200  # without early stopping, and with it
_VALIDATION_FRACTION = 0.1
# What of the optimizer's settings is a parameter whose value is data to a compiled program.
_STRENGTHS = ("clipnorm", "weight_decay", "ema_momentum")
# What scikit-learn's validation lets through of X.
_ACCEPTED = {"accept_sparse": "csr", "ensure_all_finite": "allow-nan"}


class BaseDNN(NetworkTableMixin, CallbackSupportMixin, BaseEstimator, ABC):
    """A dense network as an estimator; see `DNNClassifier` and `DNNRegressor`.

    A subclass says what its targets are: `_check_y` and `_make_targets`.
    """

    model_: Any
    _columns: Columns
    _rng: np.random.Generator
    _targets: Targets

    @abstractmethod
    def _check_y(self, y: Any) -> np.ndarray:
        """Validate the targets, and give them the shape in which they are learned."""

    @abstractmethod
    def _make_targets(
        self, y: np.ndarray, rows: np.ndarray, weight: np.ndarray | None, classes: Any, loss: Any
    ) -> Targets:
        """Choose the head and the loss, and learn how y is encoded."""

    @abstractmethod
    def _choose_loss(self) -> Any:
        """Return the name of a loss of skdnn's own, or a `LossSpec`; refuse what is no loss."""

    def _describe(self, loss: Any) -> str:
        """Tell a loss from others, as text that is the same in other processes."""
        return loss if isinstance(loss, str) else loss.text

    def _class_weights(self, y: np.ndarray, rows: np.ndarray, weight: np.ndarray | None) -> Any:
        """Return `ClassWeights` learned from some rows; None where classes have no weights."""
        return None

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, callable, "array-like"],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "batch_norm": ["boolean"],
        "kernel_initializer": [str, callable],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "scaling": [StrOptions({"auto", "standard", "minmax"}), None],
        "categorical_features": ["array-like", StrOptions({"auto"}), None],
        "loss": [str, callable, HasMethods(["call", "get_config"])],
        "optimizer": [str, type, HasMethods(["apply", "get_config"])],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), callable, None],
        "momentum": [Interval(Real, 0, 1, closed="left"), None],
        "learning_rate_schedule": [
            StrOptions({"constant", "cosine", "one_cycle", "reduce_on_plateau"})
        ],
        "warmup": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left"), None],
        "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "ema_momentum": [Interval(Real, 0, 1, closed="left"), None],
        "epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "callbacks": [None, "array-like", callable, HasMethods("on_epoch_end")],
        "warm_start": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Callable | Sequence[str | Callable] = "relu",
        *,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        alpha: float = 0.0,
        scaling: str | None = "auto",
        categorical_features: Any = "auto",
        loss: Any = "auto",
        optimizer: Any = "adam",
        learning_rate: Any = None,
        learning_rate_schedule: str = "constant",
        warmup: float = 0.0,
        momentum: float | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        ema_momentum: float | None = None,
        epochs: int | str = "auto",
        batch_size: int = 32,
        shuffle: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = 0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.kernel_initializer = kernel_initializer
        self.alpha = alpha
        self.scaling = scaling
        self.categorical_features = categorical_features
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
        given = Given(X_val, y_val, sample_weight_val, groups)
        given.check(type(self).__name__)
        chunks = as_chunks(X, y, type(self).__name__)
        if chunks is not None:
            return self._learn_from(chunks, given)
        return self._learn(X, y, sample_weight, given=given, resume=self.warm_start)

    def _learn_from(self, chunks: Chunks, given: Given) -> Self:
        chunks.check_lasts()
        stops = self._stops_early(0, given)
        self._check_for_chunks(given, stops)
        draft = copy.copy(self)
        draft.verbose = 0
        callbacks = draft.__dict__.pop("_skl_callbacks", None)
        goes_on = self.warm_start and hasattr(self, "_state")
        if not goes_on:
            rng = np.random.default_rng(_draw_seed(self.random_state))
            sample, labels = chunks.look(rng, is_classifier(self))
            draft._train(*sample, resume=False, classes=labels, begin_only=True)
        n_epochs = self._most_epochs(stops)
        lines = EpochLines(n_epochs) if self.verbose else None
        stopping = EarlyStopping(self.n_iter_no_change, self.tol, goes_on) if stops else None
        report = Several([part for part in (lines, stopping) if part is not None])
        start = draft._forget_stopping()
        if stopping is not None and goes_on:
            draft._train(*next(iter(chunks)), resume=True, part=given, before=stopping)
        state, history = chunks.train(draft, given, n_epochs, report)
        draft._take_over(state, history, stopping, start)
        self.__dict__ = {**draft.__dict__, "verbose": self.verbose}
        if callbacks:
            self._skl_callbacks = callbacks
        return self

    def _check_for_chunks(self, given: Given, stops: bool) -> None:
        """Refuse what takes all rows at once."""
        schedule = self.learning_rate_schedule != "constant" or self.warmup > 0
        balanced = isinstance(getattr(self, "class_weight", None), str)
        troubles = {
            "early stopping without X_val and y_val": stops and given.X is None,
            "a validation_fraction: pass X_val and y_val": self.validation_fraction is not None,
            "groups": given.groups is not None,
            "class_weight='balanced': pass a dict": balanced,
            "callbacks": self.callbacks is not None,
            "a learning_rate_schedule or warmup": schedule,
        }
        for what in (name for name, is_so in troubles.items() if is_so):
            raise ValueError(f"{type(self).__name__} was given X in chunks, which excludes {what}.")

    def _partial_learn_from(self, chunks: Chunks, **options: Any) -> Self:
        draft = copy.copy(self)
        for X, y, weight in chunks:
            draft.partial_fit(X, y, sample_weight=weight, **options)
        self.__dict__ = draft.__dict__
        return self

    def _learn(self, *args: Any, **kwargs: Any) -> Self:
        # A shallow copy learns, so that a fit that fails or is interrupted leaves nothing
        # half-learned behind and loses nothing that was learned before.
        draft = copy.copy(self)
        draft._train(*args, **kwargs)
        self.__dict__ = draft.__dict__
        return self

    @with_callbacks
    def _train(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        resume: bool,
        given: Given | None = None,
        classes: Any = None,
        part: Given | None = None,
        begin_only: bool = False,
        before: Any = None,
    ) -> None:
        """Train; for one epoch and without validation where nothing is `given` to do so.

        With a `part` these are some rows of many: for one epoch, validated on what that has.
        `before` is a report that is shown where training would begin, and nothing is trained.
        """
        from skdnn._engine import Plan, check_process

        check_process()
        self._validate_params()  # partial_fit is not validated by scikit-learn once it is fitted
        optimizer = self._resolve_optimizer()
        schedule = None if given is None else self._schedule(optimizer)
        self.callbacks_ = [] if given is None else self._renew_callbacks()
        loss = self._choose_loss()
        hidden = self._hidden_layers()
        resume = resume and hasattr(self, "_state")
        as_given = X, y, sample_weight
        X, y, weight, shape = self._check_data(X, y, sample_weight, reset=not resume)
        if resume:
            self._check_unchanged(hidden, loss)
            self._rng = copy.deepcopy(self._rng)
        else:
            self._rng = np.random.default_rng(_draw_seed(self.random_state))
            self._split_seed = int(self._rng.integers(2**31))
        rows = np.arange(len(y)) if weight is None else np.flatnonzero(weight)
        stops = given is not None and self._stops_early(len(rows), given)
        rows, held_out = self._split(y, rows, given, stops)
        if self._columns.reads(X):
            columns = self._columns
            X = self._checked(columns.transform(X) if resume else columns.fit_transform(X, rows))
        if weight is not None:
            weight = weight / weight[rows].mean()
        if not resume:
            self._begin(X, y, weight, rows, shape, classes, hidden, loss)
        if begin_only:
            return
        of_classes = self._class_weights(y, rows, weight)
        if of_classes is not None:
            factors = of_classes.of(y)
            weight = factors if weight is None else weight * factors
            rows, held_out = rows[weight[rows] > 0], held_out[weight[held_out] > 0]
            if not len(rows):
                raise ValueError(
                    f"class_weight leaves {type(self).__name__} no row of any weight to train on."
                )
            weight = weight / weight[rows].mean()
        validation = self._check_given(given or part, of_classes)
        recipe, fetch, constants = self._assemble(X, y, weight, validation, optimizer, loss)
        recipe = replace(recipe, scheduled=schedule is not None)
        if validation is not None:
            held_out = len(y) + np.arange(len(validation[1]))
        epochs = int(before is None) if given is None else self._most_epochs(stops)
        plan = Plan(rows, held_out, epochs, self.batch_size, bool(self.shuffle), schedule)
        self._run(recipe, fetch, constants, plan, stops, as_given, before)

    def _stops_early(self, n_rows: int, given: Given) -> bool:
        if self.early_stopping != "auto":
            return bool(self.early_stopping)
        return self.epochs == "auto" and (given.X is not None or n_rows > _MANY_ROWS)

    def _most_epochs(self, stops: bool) -> int:
        if self.epochs == "auto":
            return _MOST_EPOCHS if stops else _EPOCHS
        return int(self.epochs)

    def _resolve_optimizer(self) -> Any:
        from skdnn._lookup import resolve_optimizer

        owner = type(self).__name__
        strengths = {name: getattr(self, name) for name in _STRENGTHS}
        return resolve_optimizer(
            self.optimizer, self.learning_rate, self.momentum, owner, **strengths
        )

    def _renew_callbacks(self) -> list[Any]:
        if self.callbacks is None:
            return []
        from skdnn._keras_callbacks import renew

        return renew(self.callbacks, type(self).__name__)

    def _schedule(self, optimizer: Any) -> Schedule | None:
        """Return the schedule of the learning rate; None where that is constant."""
        if self.learning_rate_schedule == "constant" and not self.warmup:
            return None
        if optimizer.learning_rate is None:
            raise ValueError(
                f"The 'learning_rate_schedule' and 'warmup' parameters of {type(self).__name__} "
                "need a learning rate that is a number, but the optimizer's follows a schedule of "
                f"Keras: {optimizer.config['learning_rate']!r}. Give learning_rate a number, or "
                "leave learning_rate_schedule at 'constant' and warmup at 0. Got "
                f"{self.learning_rate_schedule!r} and {self.warmup!r}."
            )
        return Schedule(self.learning_rate_schedule, float(self.warmup))

    def _split(
        self, y: np.ndarray, rows: np.ndarray, given: Given | None, stops: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose which rows to train on, and which to hold out."""
        fraction = self.validation_fraction
        if fraction is None and stops:
            fraction = _VALIDATION_FRACTION
        if given is None or given.X is not None or fraction is None:
            return rows, rows[:0]
        groups = given.groups
        if groups is not None:
            check_consistent_length(y, groups)
            groups = column_or_1d(groups)[rows]
        labels = y[rows] if is_classifier(self) and y.ndim == 1 else None
        return hold_out(rows, labels, fraction, self._split_seed, groups)

    def _check_data(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[int, ...]]:
        X, shape = as_rows(X)
        if reset:
            self._columns = Columns(self.categorical_features, type(self).__name__)
        else:
            self._check_shape(shape)
        checks = {"multi_output": True, "y_numeric": not is_classifier(self)}
        if self._columns.reads(X):  # what is in it is checked when it is read
            X, y = validate_data(self, X, y, reset=reset, skip_check_array=True)
            y = _check_y(y, estimator=self, **checks)
            check_consistent_length(X, y)
        else:
            X, y = validate_data(self, X, y, reset=reset, **_ACCEPTED, **checks)
            self._check_numbers(X)
        y = self._check_y(y)
        return X, y, self._weights_of(X, y, sample_weight), shape

    def _weights_of(self, X: np.ndarray, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """Return the weights of rows, to train or to validate on, (n_samples,); None for all 1."""
        if sample_weight is None:
            return None
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if np.any(weight < 0) or not np.any(weight > 0):
            raise ValueError(
                f"The sample_weight of {type(self).__name__}.fit must not be negative, nor zero "
                f"for every row. Got weights from {weight.min():g} to {weight.max():g}."
            )
        return weight

    def _check_given(
        self, given: Given | None, of_classes: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
        """Return the X, y and weights to validate on, if `fit` was given any."""
        if given is None or given.X is None:
            return None
        try:
            X, y, weight, _ = self._check_data(given.X, given.y, given.sample_weight, reset=False)
            if self._columns.reads(X):
                X = self._checked(self._columns.transform(X))
            if is_classifier(self) and y.ndim == self.classes_.ndim == 1:
                unknown = np.setdiff1d(y, self.classes_)
                if len(unknown):
                    raise ValueError(
                        f"y_val has labels that y does not have: {unknown.tolist()}. Those of y "
                        f"are {self.classes_.tolist()}."
                    )
            self._targets.encode(y, self._spec.dtype)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"The data to validate on (X_val, y_val, sample_weight_val) do not fit: {error}"
            ) from error
        if of_classes is not None:
            weight = of_classes.of(y) * (1 if weight is None else weight)
            if not weight.any():
                raise ValueError("class_weight leaves no row of X_val with any weight.")
        return X, y, None if weight is None else weight / weight.mean()

    def _convert(self, X: Any) -> Any:
        """Check X that comes after `fit`, and turn it into what `Inputs` takes.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_inputs)
            For `Inputs.fetch_from`, or by parts for `Inputs.apply`.
        """
        X, shape = as_rows(X)
        self._check_shape(shape)
        if self._columns.reads(X):
            validate_data(self, X, reset=False, skip_check_array=True)
            return self._checked(self._columns.transform(X))
        X = validate_data(self, X, reset=False, **_ACCEPTED)
        self._check_numbers(X)
        return X

    def _checked(self, matrix: np.ndarray) -> np.ndarray:
        return check_array(matrix, ensure_all_finite="allow-nan", estimator=self, input_name="X")

    def _check_numbers(self, X: Any) -> None:
        if X.dtype.kind not in "biuf":
            raise TypeError(
                f"The X of {type(self).__name__} must hold numbers. Got {X.dtype}: turn dates into "
                "numbers, such as days since a start, and name categories in categorical_features."
            )
        if issparse(X) and may_miss(X.data) and np.isnan(X.data).any():
            raise ValueError(
                f"Sparse X of {type(self).__name__} must hold no missing values. Input X contains "
                "NaN: fill them in with SimpleImputer, or bring X as an array."
            )

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        fitted = self._spec.input_shape
        # Tables are left to scikit-learn's own check of the number of features.
        if shape != fitted and max(len(shape), len(fitted)) > 1:
            raise ValueError(
                f"One sample of X has shape {shape}, but {type(self).__name__} was fitted on "
                f"samples of shape {fitted}: bring X of shape (n_samples, "
                f"{', '.join(map(str, fitted))}), a single sample as X[np.newaxis]."
            )

    def _begin(
        self,
        X: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray | None,
        rows: np.ndarray,
        shape: tuple[int, ...],
        classes: Any,
        hidden: list[tuple[int, Activation, float]],
        loss: Any,
    ) -> None:
        """Learn all that comes before training, from the training rows alone."""
        from skdnn._network import initial_weights

        self._targets = self._make_targets(y, rows, weight, classes, loss)
        self._loss = self._describe(loss)
        self._inputs = Inputs(self.scaling, shape, self._columns.codes).fit(X, rows, weight)
        self._spec = self._lay_out(shape, hidden)
        owner = type(self).__name__
        weights = initial_weights(self._spec, self.kernel_initializer, self._rng, owner)
        weights[-1] += self._targets.start
        self._state = State(weights)
        self.history_: dict[str, list[float]] = {}
        self.n_iter_ = 0

    def _hidden_layers(self) -> list[tuple[int, Activation, float]]:
        """Return the units, the activation and the dropout rate of each hidden layer."""
        from skdnn._lookup import resolve_activation

        owner = type(self).__name__
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)).tolist()
        if any(not _is_count(size) for size in sizes):
            raise ValueError(
                f"The 'hidden_layer_sizes' parameter of {owner} must be ints of at least 1, one "
                f"per hidden layer. Got {self.hidden_layer_sizes!r} instead."
            )
        rates = self._per_layer("dropout", len(sizes))
        if any(not isinstance(rate, Real) or not 0 <= float(rate) < 1 for rate in rates):
            raise ValueError(
                f"The 'dropout' parameter of {owner} must be floats in the range [0, 1), one per "
                f"hidden layer. Got {self.dropout!r} instead."
            )
        activations = self._per_layer("activation", len(sizes))
        activations = [resolve_activation(x, owner) for x in activations]
        return list(zip(map(int, sizes), activations, map(float, rates), strict=True))

    def _lay_out(
        self, shape: tuple[int, ...], hidden: list[tuple[int, Activation, float]]
    ) -> NetworkSpec:
        inputs, sizes = self._inputs, self._columns.sizes
        entry: list[ColumnTransform | CategoryEmbedding] = []
        if inputs.sorts:
            positions = [inputs.numbers, inputs.signed, inputs.codes]
            numbers, signed, codes = (tuple(p.tolist()) for p in positions)
            entry.append(ColumnTransform(numbers, signed, codes))
        if sizes:
            entry.append(CategoryEmbedding(sizes, tuple(map(embedding_length, sizes))))
        return dense_network(
            shape,
            hidden,
            (self._targets.n_outputs, self._targets.activation),
            scaled=inputs.offset is not None,
            entry=tuple(entry),
            batch_norm=bool(self.batch_norm),
            ascending=self._targets.ascending,
            dtype=self.dtype,
        )

    def _per_layer(self, parameter: str, n_layers: int) -> list[Any]:
        value = getattr(self, parameter)
        if isinstance(value, str) or np.ndim(value) == 0:
            return [value] * n_layers
        if len(value) != n_layers:
            raise ValueError(
                f"The {parameter!r} parameter of {type(self).__name__} must be one value, or one "
                f"per hidden layer: {n_layers} of them for hidden_layer_sizes="
                f"{self.hidden_layer_sizes!r}. Got {value!r} instead."
            )
        return list(value)

    def _check_unchanged(self, hidden: list[tuple[int, Activation, float]], loss: Any) -> None:
        if (
            self._lay_out(self._spec.input_shape, hidden) != self._spec
            or self.scaling != self._inputs.scaling
            or self._loss != self._describe(loss)
            or not np.array_equal(
                np.asarray(self.categorical_features, object),
                np.asarray(self._columns.categorical_features, object),
            )
        ):
            raise ValueError(
                f"The network that {type(self).__name__} has begun to train is not the one that "
                "its parameters now describe (hidden_layer_sizes, activation, dropout, batch_norm, "
                "scaling, categorical_features, loss, quantile or dtype was changed): set them "
                "back, or start anew with fit and warm_start=False."
            )

    def _assemble(
        self,
        X: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray | None,
        validation: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None,
        optimizer: Any,
        loss: Any,
    ) -> tuple[Any, Any, Any]:
        """Put parameters and data into what the engine takes.

        The rows to validate on are numbered after those of X.
        """
        from skdnn._program import SMOOTHED, Constants, Recipe

        dtype = self._spec.dtype
        weighted = weight is not None or (validation is not None and validation[2] is not None)
        codes = self._targets.encode(y, dtype)
        fetch = self._fetch_from(X, codes, weight, weighted)
        if validation is not None:
            X_val, y_val, weight_val = validation
            codes_val = self._targets.encode(y_val, dtype)
            fetch = _one_after_the_other(
                fetch, len(y), self._fetch_from(X_val, codes_val, weight_val, weighted)
            )
        smoothing = getattr(self, "label_smoothing", 0.0)
        if smoothing and (not isinstance(loss, str) or self._targets.loss not in SMOOTHED):
            raise ValueError(
                f"The 'label_smoothing' parameter of {type(self).__name__} is for the "
                f"cross-entropies, and has no meaning for the loss {self.loss!r}: leave it at 0. "
                f"Got {smoothing!r}."
            )
        constants = Constants(
            unit=self._targets.unit.astype(dtype),
            alpha=np.asarray(self.alpha, dtype),
            center=self._targets.mean.astype(dtype),
            levels=self._targets.levels.astype(dtype),
            label_smoothing=smoothing,
            **{name: optimizer.config[name] for name in optimizer.given},
        )
        recipe = Recipe(
            spec=self._spec.body,
            optimizer=optimizer,
            loss=self._targets.loss if isinstance(loss, str) else loss,
            metric=self._targets.metric,
            y_dtype=codes.dtype.name,
            y_ndim=codes.ndim,
            weighted=weighted,
            penalized=self.alpha > 0,
            smoothed=smoothing > 0,
        )
        return recipe, fetch, constants

    def _fetch_from(
        self, X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None, weighted: bool
    ) -> Callable[[np.ndarray], list[np.ndarray]]:
        dtype = self._spec.dtype
        columns = [self._inputs.fetch_from(X, dtype), codes.__getitem__]
        if weighted:
            weight = np.ones(len(codes)) if weight is None else weight
            columns.append(weight.astype(dtype).__getitem__)
        return lambda rows: [column(rows) for column in columns]

    def _run(
        self,
        recipe: Any,
        fetch: Any,
        constants: Any,
        plan: Any,
        stops: bool,
        as_given: tuple[Any, Any, Any],
        before: Any = None,
    ) -> None:
        from skdnn._engine import train

        # Another optimizer, or another setting of it, cannot go on from the state of this one.
        optimizer = f"{recipe.optimizer.kind.__qualname__} {recipe.optimizer.baked}"
        if getattr(self, "_optimizer", optimizer) != optimizer:
            self._state = replace(self._state, optimizer=None)
        self._optimizer = optimizer
        lines = EpochLines(plan.epochs) if self.verbose else None
        stopping = None
        if stops:
            stopping = EarlyStopping(self.n_iter_no_change, self.tol, goes_on=self.n_iter_ > 0)
        start = self._forget_stopping()
        tasks = self._begin_tasks(plan, as_given)
        callbacks = self._keras_callbacks(plan, fetch)
        parts = [lines, self._plateau(plan), stopping, callbacks, tasks, before]
        report = Several([part for part in parts if part is not None])
        state, history = train(recipe, fetch, constants, self._state, plan, self._rng, report)
        if not history:  # nothing was to be done, or a callback found nothing left
            self._state = state
        else:
            best = self._take_over(state, history, stopping, start)
            if stopping is not None and lines is not None:
                lines.say(stopping.verdict())
            if best:
                self._warn_if_lost(history["loss"][best - 1])
        if tasks is not None:
            tasks.end()

    def _forget_stopping(self) -> int:
        """Drop what early stopping told of the fit before; return the epoch that it ended with."""
        start = getattr(self, "best_epoch_", self.n_iter_)
        for name in ("best_epoch_", "best_score_", "validation_scores_"):
            self.__dict__.pop(name, None)
        return start

    def _take_over(
        self,
        state: State,
        history: dict[str, list[float]],
        stopping: EarlyStopping | None,
        start: int,
    ) -> int:
        """Keep what was learned; return in which epoch of this training, 0 for before it.

        `start` is the epoch whose weights it began with.
        """
        n_before = self.n_iter_
        if stopping is None:
            self.__dict__.update(self._fitted(state, history))
            return len(history["loss"])
        if not np.isfinite(stopping.best_loss):
            raise ValueError(
                "Training diverged: the validation loss was not finite after any epoch. Lower "
                "learning_rate, or look for huge values among the rows to validate on."
            )
        best = stopping.best_epoch
        self.__dict__.update(self._fitted(stopping.best or self._state, history))
        self.best_epoch_ = n_before + best if best else start
        self.best_score_ = -stopping.best_loss
        self.validation_scores_ = -np.array(self.history_["val_loss"])
        return best

    def _begin_tasks(self, plan: Any, as_given: tuple[Any, Any, Any]) -> FitTasks | None:
        """Tell scikit-learn's callbacks, if there are any, that a fit begins."""
        if not getattr(self, "_skl_callbacks", None):
            return None
        X, y, weight = as_given
        rows = None if len(plan.rows) == _num_samples(y) else plan.rows

        def part(data: Any) -> Callable[[], Any]:
            return cache(lambda: data if rows is None else _safe_indexing(data, rows))

        data = {"X": part(X), "y": part(y)}
        if weight is not None:
            data["metadata"] = cache(lambda: {"sample_weight": part(np.asarray(weight))()})
        context = self._init_callback_context(max_subtasks=plan.epochs)
        return FitTasks(self, context, data, self._fitted)

    def _fitted(self, state: State, history: dict[str, list[float]]) -> dict[str, Any]:
        """Return the attributes that more epochs change."""
        n_epochs = len(next(iter(history.values())))
        # Every list has one entry per epoch: NaN for those that did not have what it tells of.
        before, now = [np.nan] * self.n_iter_, [np.nan] * n_epochs
        told = {
            name: self.history_.get(name, before) + history.get(name, now)
            for name in {**self.history_, **history}
        }
        return {"_state": state, "history_": told, "n_iter_": self.n_iter_ + n_epochs}

    def _plateau(self, plan: Any) -> Plateau | None:
        if plan.schedule is None or plan.schedule.name != "reduce_on_plateau":
            return None
        return Plateau(max(1, self.n_iter_no_change // 2), self.tol)

    def _keras_callbacks(self, plan: Any, fetch: Any) -> Any:
        if not self.callbacks_:
            return None
        from skdnn._keras_callbacks import KerasCallbacks

        return KerasCallbacks(
            self.callbacks_,
            self._make_model(),
            self._targets.in_units,
            fetch(plan.rows[:1])[1],
            n_epochs=plan.epochs,
            n_steps=-(-len(plan.rows) // plan.batch_size),
            scheduled=plan.schedule is not None,
            owner=type(self).__name__,
        )

    def _warn_if_lost(self, loss: float) -> None:
        # Far off and still finite: rectified units, once dead, keep a loss from overflowing.
        if loss > 1000 * self._targets.chance_loss:
            warnings.warn(
                f"The loss of {type(self).__name__} is {loss:.3g} after the last epoch, where a "
                f"guess has at most {self._targets.chance_loss:.3g}: training diverged. Lower "
                "learning_rate or alpha, or scale the inputs (scaling='standard').",
                ConvergenceWarning,
                stacklevel=2,
            )

    # -------------------------------------------------------------- predict

    def _forward(self, X: Any) -> np.ndarray:
        """Send X through the network: shape (n_samples, n_outputs), not decoded."""
        missing = sparse = False
        if not self._is_plain(X):
            check_is_fitted(self)
            X = self._convert(X)
            sparse = issparse(X)
            missing = not sparse and may_miss(X)
        # As precise as X is: scikit-learn's estimators keep float64 for float64.
        dtype = np.result_type(X.dtype, self._spec.dtype)
        n_rows = X.shape[0]
        kept = sparse and self._inputs.keeps_zeros and _inference.covers(self._spec.body)
        # Where rows stay sparse, NumPy's way: it begins with a product, which SciPy has, too.
        network, size = self._forward_function(0 if kept else n_rows, dtype)
        if sparse and not kept:
            size = min(size, max(1, _VALUES // self._spec.widest))
        output = np.empty((n_rows, self._targets.n_outputs), dtype)
        # scikit-learn's gen_batches would take as long as a row.
        for start in range(0, n_rows, size):
            part = slice(start, start + size)
            x = self._inputs.apply(X[part], dtype, missing)
            output[part] = network(x.toarray() if sparse and not kept and issparse(x) else x)
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

    def _forward_function(
        self, n_rows: int, dtype: np.dtype
    ) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
        """Return the quickest way through the network, and how many rows to send at a time."""
        body, weights = self._spec.body, self._state.weights
        # Loaded where this process has trained; half of it, where another thread is about to.
        engine: Any = sys.modules.get("skdnn._engine")
        gains = getattr(engine, "gains", None)
        if not _inference.covers(body):
            from skdnn._engine import check_process
            from skdnn._network import build

            check_process()
            model = build(body)
            model.set_weights(weights)
            return lambda x: np.asarray(model(x, training=False)), _COMPILED_ROWS
        if n_rows >= _COMPILED_ROWS and dtype == body.dtype and gains and gains(body):
            return partial(engine.forward, body, weights), _COMPILED_ROWS
        size = max(_LEAST_ROWS, _VALUES // body.widest)
        return partial(_inference.forward, body, weights), size

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
        from skdnn._losses import compiled_loss
        from skdnn._network import build, rescale_outputs

        model = build(self._spec, *self._inputs.constants)
        *weights, kernel, bias = self._state.weights
        model.set_weights([*weights, *self._targets.in_units(kernel, bias)])
        targets, loss = self._targets, self._choose_loss()
        if targets.ascending:
            rescale_outputs(model, targets.unit, targets.mean)
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


def _one_after_the_other(
    first: Callable[[np.ndarray], list[np.ndarray]],
    n_rows: int,
    second: Callable[[np.ndarray], list[np.ndarray]],
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Fetch from two sources; those asked for together are of the same."""
    return lambda rows: first(rows) if rows[0] < n_rows else second(rows - n_rows)


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
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.losses.Loss)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _draw_seed(random_state: Any) -> int:
    """Draw a seed; with None from the operating system, never from NumPy's global generator."""
    if random_state is None:
        random_state = np.random.RandomState()
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
