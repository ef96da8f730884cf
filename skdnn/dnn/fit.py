"""The steps of a fit, from parameters and data over the engine to what was learned."""

import copy
import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _num_samples

from skdnn._data.chunks import Chunks
from skdnn._data.preprocessing import Inputs
from skdnn._data.splits import ValidationData, member_weights
from skdnn._data.targets import Targets
from skdnn._network.initial_constants import bins, frequencies, one_hot, robust_scale
from skdnn._network.spec import Activation, OneHot, Periodic, PiecewiseLinear, SmoothClip, State
from skdnn._training.callbacks import (
    EarlyStopping,
    Plateau,
    ProgressLines,
    ReportList,
    SklearnCallbacks,
)
from skdnn._training.schedules import Schedule
from skdnn._utils.sklearn_compat import CallbackSupportMixin, with_callbacks
from skdnn.dnn.architecture import Layout
from skdnn.dnn.checks import Receiving
from skdnn.dnn.holding_out import HoldingOut
from skdnn.dnn.presets import (
    NAMES,
    NETWORK_PARAMETERS,
    WHOLE_FIT_PARAMETERS,
    Data,
    Task,
    choose,
    is_auto,
    resolve,
)

_SAMPLE = 2**25  # values that the constants of layers are read off
# What of the optimizer's settings is a parameter whose value is data to a compiled program.
_STRENGTHS = ("clipnorm", "weight_decay", "ema_momentum")


class Learning(Receiving, Layout, HoldingOut, CallbackSupportMixin):
    """The part of an estimator that learns.

    A subclass says what its targets are, by the methods without a body.
    """

    alpha: float
    callbacks: Any
    loss: Any
    momentum: float | None
    optimizer: Any
    preset: str
    learning_rate_schedule: str
    warmup: float | str
    random_state: int | np.random.RandomState | None
    shuffle: bool
    tol: float
    validation_fraction: float | None
    verbose: bool | int
    warm_start: bool
    _noise: np.ndarray | None
    _rng: np.random.Generator
    _targets: Targets
    _validate_params: Any

    @abstractmethod
    def _make_targets(
        self, y: np.ndarray, rows: np.ndarray, weight: np.ndarray | None, classes: Any, loss: Any
    ) -> Targets:
        """Choose the head and the loss, and learn how y is encoded."""

    @abstractmethod
    def _choose_loss(self) -> Any:
        """Return the name of a loss of skdnn's own, or a `LossSpec`; refuse what is no loss."""

    @abstractmethod
    def _make_model(self) -> Any:
        """Return the network as a compiled Keras model."""

    def _class_weights(self, y: np.ndarray, rows: np.ndarray, weight: np.ndarray | None) -> Any:
        """Return `ClassWeights` learned from some rows; None where classes have no weights."""
        return None

    def _learn_from(self, chunks: Chunks, given: ValidationData) -> Self:
        chunks.check_lasts()
        goes_on = self.warm_start and hasattr(self, "_state")
        draft = copy.copy(self)
        draft.verbose = 0
        data = Data(0, 0, is_given=given.X is not None, comes_in_parts=True)
        draft._resolve_params(data, goes_on)
        params = draft.resolved_params_
        stops = bool(params.early_stopping)
        draft._check_for_chunks(given, stops)
        if not goes_on:
            rng = np.random.default_rng(_draw_seed(self.random_state))
            sample, labels = chunks.look(rng, is_classifier(self))
            draft._train(*sample, resume=False, classes=labels, begin_only=True)
        n_epochs = int(params.epochs)
        lines = ProgressLines(n_epochs) if self.verbose else None
        stopping = draft._early_stopping(goes_on) if stops else None
        report = ReportList([part for part in (lines, stopping) if part is not None])
        start = draft._forget_stopping()
        if stopping is not None and goes_on:
            draft._train(*next(iter(chunks)), resume=True, part=given, before=stopping)
        state, history = chunks.train(draft, given, n_epochs, report)
        draft._take_over(state, history, stopping, start)
        draft.resolved_params_ |= {n: params[n] for n in WHOLE_FIT_PARAMETERS if n in params}
        self.__dict__ = {**draft.__dict__, "verbose": self.verbose}
        return self

    def _check_for_chunks(self, given: ValidationData, stops: bool) -> None:
        """Refuse what takes all rows at once."""
        params = self.resolved_params_
        schedule = params.learning_rate_schedule != "constant" or params.warmup > 0
        balanced = isinstance(getattr(self, "class_weight", None), str)
        troubles = {
            "early stopping without X_val and y_val": stops and given.X is None,
            "a validation_fraction: pass X_val and y_val": self.validation_fraction is not None,
            "groups": given.groups is not None,
            "class_weight='balanced': pass a dict": balanced,
            "calibration and blend": params.get("calibration") is not None
            or params.blend is not None,
            "callbacks": self.callbacks is not None or bool(getattr(self, "_skl_callbacks", None)),
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
        given: ValidationData | None = None,
        classes: Any = None,
        part: ValidationData | None = None,
        begin_only: bool = False,
        before: Any = None,
    ) -> None:
        """Train; for one epoch and without validation where nothing is `given` to do so.

        With a `part` these are some rows of many: for one epoch, validated on what that has.
        `before` is a report that is shown where training would begin, and nothing is trained.
        """
        from skdnn._training.trainer import Plan, check_process

        check_process()
        self._validate_params()  # partial_fit is not validated by scikit-learn once it is fitted
        self.callbacks_ = [] if given is None else self._renew_callbacks()
        resume = resume and hasattr(self, "_state")
        as_given = X, y, sample_weight
        X, y, weight, shape = self._check_data(X, y, sample_weight, reset=not resume)
        rows = np.arange(len(y)) if weight is None else np.flatnonzero(weight)
        data = Data(
            len(rows),
            X.shape[1],
            is_image=len(shape) > 1,
            is_sparse=issparse(X),
            is_given=given is not None and given.X is not None,
            comes_in_parts=given is None,
        )
        self._resolve_params(data, resume)
        loss = self._choose_loss()
        optimizer = self._resolve_optimizer()
        schedule = None if given is None else self._schedule(optimizer)
        hidden = self._hidden_layers()
        if resume:
            self._check_unchanged(hidden, loss)
            self._rng = copy.deepcopy(self._rng)
        else:
            self._rng = np.random.default_rng(_draw_seed(self.random_state))
            self._split_seed = int(self._rng.integers(2**31))
        stops = given is not None and bool(self.resolved_params_.early_stopping)
        is_dealt = self._deals_folds(given, stops, len(rows))
        everything = rows
        rows, held_out = self._split(y, rows, None if is_dealt else given, stops)
        if self._columns.reads(X):
            columns = self._columns
            X = self._checked(columns.transform(X) if resume else columns.fit_transform(X, rows))
        if is_dealt and self._split_categories()[1]:
            # All members learn the vectors of categories together: no row is new to any of them.
            is_dealt = False
            rows, held_out = self._split(y, everything, given, stops)
        if weight is not None:
            weight = weight / weight[rows].mean()
        if not resume:
            self._begin(X, y, weight, rows, shape, classes, hidden, loss)
        if "clip" in self.resolved_params_:
            targets: Any = self._targets
            self._targets = targets.within(y[rows] if self.resolved_params_.clip else None)
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
        if is_dealt and given is not None:
            fold = self._deal(y, rows, given)
            weight, weight_val = member_weights(weight, fold, self.resolved_params_.n_members)
            n_kinds = self._spec.n_members // weight.shape[1]
            weight, weight_val = np.tile(weight, n_kinds), np.tile(weight_val, n_kinds)
            validation = X, y, weight_val
        recipe, fetch, constants = self._assemble(X, y, weight, validation, optimizer, loss)
        recipe = replace(recipe, scheduled=schedule is not None)
        if is_dealt:
            held_out = len(y) + rows[weight_val[rows].any(axis=1)]
        elif validation is not None:
            held_out = len(y) + np.arange(len(validation[1]))
        params = self.resolved_params_
        epochs = int(before is None) if given is None else int(params.epochs)
        plan = Plan(rows, held_out, epochs, params.batch_size, bool(self.shuffle), schedule)
        among = self._candidates(plan)
        # By others, each epoch; and they may stop training after any.
        judged = self.callbacks_ or getattr(self, "_skl_callbacks", None) or self._plateau(plan)
        if is_dealt and not judged:  # some forty looks are enough to choose from
            looks = frozenset(range(epochs, 0, -max(1, epochs // 40)))
            plan.evaluation_epochs = looks if among is None else looks & among
        if given is not None:
            self._check_is_judged(len(held_out))
        stopping = self._early_stopping(self.n_iter_ > 0, among) if stops else None
        self._run(recipe, fetch, constants, plan, stopping, as_given, before)
        if given is not None and len(held_out):
            self._judge(fetch, held_out, is_dealt)

    def _resolve_params(self, data: Data, resume: bool) -> None:
        """Choose all that is left at "auto"; of a network that has begun, it is as it was."""
        loss = self.loss if isinstance(self.loss, str) else None
        given = {name: getattr(self, name) for name in NAMES if hasattr(self, name)}
        known = getattr(self, "resolved_params_", None) if resume else None
        preset = choose(self.preset, given, data)
        if known is not None and self.preset == "auto":
            preset = known.preset
        task = Task(
            classifies=is_classifier(self),
            adam=isinstance(self.optimizer, str) and self.optimizer.lower() == "adam",
            cross_entropy=is_classifier(self) and loss in ("auto", "log_loss"),
            batch_norm=bool(self.batch_norm),
        )
        params = resolve(given, preset, data, task)
        if known is not None and preset == known.preset:
            # One more part goes on as the whole began; a whole of parts has its own length.
            kept = set(NAMES) if data.comes_in_parts else set(NETWORK_PARAMETERS)
            kept -= set(WHOLE_FIT_PARAMETERS) if data.n_rows == 0 else set()
            kept -= {"learning_rate", "weight_decay"} if not task.adam else set()
            params |= {n: known[n] for n in given if n in kept and is_auto(given[n])}
        self.resolved_params_ = params

    def _resolve_optimizer(self) -> Any:
        from skdnn._training.optimizers import resolve_optimizer

        owner = type(self).__name__
        resolved = self.resolved_params_
        strengths = {name: resolved.get(name, getattr(self, name)) for name in _STRENGTHS}
        return resolve_optimizer(
            self.optimizer,
            resolved.learning_rate,
            self.momentum,
            owner,
            **strengths,
        )

    def _renew_callbacks(self) -> list[Any]:
        if self.callbacks is None:
            return []
        from skdnn._training.keras_callbacks import renew

        return renew(self.callbacks, type(self).__name__)

    def _schedule(self, optimizer: Any) -> Schedule | None:
        """Return the schedule of the learning rate; None where that is constant."""
        params = self.resolved_params_
        if optimizer.learning_rate is None:  # it follows a schedule of Keras
            if is_auto(self.learning_rate_schedule):
                params.learning_rate_schedule = "constant"
            if is_auto(self.warmup):
                params.warmup = 0.0
        name, warmup = params.learning_rate_schedule, float(params.warmup)
        if name == "constant" and not warmup:
            return None
        if optimizer.learning_rate is None:
            raise ValueError(
                f"The 'learning_rate_schedule' and 'warmup' parameters of {type(self).__name__} "
                "need a learning rate that is a number, but the optimizer's follows a schedule of "
                f"Keras: {optimizer.config['learning_rate']!r}. Give learning_rate a number, or "
                "leave learning_rate_schedule at 'constant' and warmup at 0. Got "
                f"{name!r} and {warmup!r}."
            )
        return Schedule(name, warmup)

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
        from skdnn._network.keras_model import initial_weights

        self._targets = self._make_targets(y, rows, weight, classes, loss)
        self._loss = self._describe(loss)
        inputs = Inputs(self.resolved_params_.scaling, shape, self._code_positions())
        self._inputs = inputs.fit(X, rows, weight)
        self._spec = self._lay_out(shape, hidden)
        owner = type(self).__name__
        constants = self._read_constants(X, rows)
        initializer = self.resolved_params_.kernel_initializer
        body = self._spec.without_mean()
        weights = initial_weights(body, initializer, self._rng, owner, constants)
        for layer, _, bias in body.outputs:
            start = np.asarray(self._targets.start / layer.bias_gain)
            weights[bias] += start.astype(self._spec.dtype)
        self._state = State(weights)
        self._temperatures = self._shares = self._noise = None
        self.history_: dict[str, list[float]] = {}
        self.n_iter_ = 0

    def _read_constants(self, X: Any, rows: np.ndarray) -> dict[type, list[np.ndarray]]:
        """Return what layers start from that is read off the training rows."""
        constants: dict[type, list[np.ndarray]] = {}
        layers = {type(row.layer): row.layer for row in self._spec.rows()}
        if OneHot in layers:
            few, _ = self._split_categories()
            sizes = [self._columns.sizes[i] for i in few]
            one_hot_layer: Any = layers[OneHot]
            constants[OneHot] = one_hot(sizes, one_hot_layer.width)
        if Periodic in layers:
            periodic: Any = layers[Periodic]
            shape = periodic.n_columns, periodic.n_frequencies
            constants[Periodic] = frequencies(*shape, self._rng)
        if {PiecewiseLinear, SmoothClip} & set(layers):
            sample = rows[:: -(-len(rows) // max(1000, _SAMPLE // self._spec.n_inputs))]
            numbers = self._inputs.fetch_from(X, "float64")(sample)
            numbers = numbers[:, : len(self._inputs.numbers)]
            if PiecewiseLinear in layers:
                binned: Any = layers[PiecewiseLinear]
                constants[PiecewiseLinear] = bins(numbers, binned.n_bins)
            if SmoothClip in layers:
                constants[SmoothClip] = robust_scale(numbers)
        return constants

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
        from skdnn._training.losses import SMOOTHED
        from skdnn._training.program import Constants, ProgramKey

        dtype = self._spec.dtype
        n_members = self._spec.n_members
        weighted = weight is not None or (validation is not None and validation[2] is not None)
        weighted = weighted or n_members > 1
        codes = self._targets.encode(y, dtype)
        source = self._inputs.fetch_from(X, dtype)
        fetch = self._fetch_from(source, codes, weight, weighted)
        if validation is not None:
            X_val, y_val, weight_val = validation
            if X_val is not X:
                source = self._inputs.fetch_from(X_val, dtype)
            codes_val = codes if y_val is y else self._targets.encode(y_val, dtype)
            fetch = _one_after_the_other(
                fetch, len(y), self._fetch_from(source, codes_val, weight_val, weighted)
            )
        monitor = self.resolved_params_.get("monitor", "loss")
        is_smooth = isinstance(loss, str) and self._targets.loss in SMOOTHED
        tempered = is_smooth and monitor != "loss" and validation is not None
        smoothing = self.resolved_params_.get("label_smoothing", 0.0)
        if smoothing and not is_smooth:
            raise ValueError(
                f"The 'label_smoothing' parameter of {type(self).__name__} is for the "
                f"cross-entropies, and has no meaning for the loss {self.loss!r}: leave it at 0. "
                f"Got {smoothing!r}."
            )
        if monitor == "refinement" and not is_smooth:
            raise ValueError(
                f"monitor='refinement' of {type(self).__name__} is for the cross-entropies, and "
                f"has no meaning for the loss {self.loss!r}: set monitor='loss'."
            )
        constants = Constants(
            unit=self._targets.unit.astype(dtype),
            alpha=np.asarray(self.alpha, dtype),
            center=self._targets.mean.astype(dtype),
            levels=self._targets.levels.astype(dtype),
            label_smoothing=smoothing,
            **{name: optimizer.config[name] for name in optimizer.given},
        )
        recipe = ProgramKey(
            spec=self._spec.body.without_mean(),
            optimizer=optimizer,
            loss=self._targets.loss if isinstance(loss, str) else loss,
            metric=self._targets.metric,
            y_dtype=codes.dtype.name,
            y_ndim=codes.ndim,
            weighted=weighted,
            penalized=self.alpha > 0,
            smoothed=smoothing > 0,
            tempered=tempered,
        )
        return recipe, fetch, constants

    def _fetch_from(
        self, source: Any, codes: np.ndarray, weight: np.ndarray | None, weighted: bool
    ) -> Callable[[np.ndarray], list[np.ndarray]]:
        dtype, n_members = self._spec.dtype, self._spec.n_members
        columns = [source, codes.__getitem__]
        if weighted:
            weight = np.ones(len(codes), dtype) if weight is None else weight.astype(dtype)
            if n_members > 1 and weight.ndim == 1:
                weight = np.broadcast_to(weight[:, np.newaxis], (len(weight), n_members))
            columns.append(weight.__getitem__)
        return lambda rows: [column(rows) for column in columns]

    def _run(
        self,
        recipe: Any,
        fetch: Any,
        constants: Any,
        plan: Any,
        stopping: EarlyStopping | None,
        as_given: tuple[Any, Any, Any],
        before: Any = None,
    ) -> None:
        from skdnn._training.trainer import train

        # Another optimizer, or another setting of it, cannot go on from the state of this one.
        optimizer = f"{recipe.optimizer.kind.__qualname__} {recipe.optimizer.baked}"
        if getattr(self, "_optimizer", optimizer) != optimizer:
            self._state = replace(self._state, optimizer=None)
        self._optimizer = optimizer
        lines = ProgressLines(plan.epochs) if self.verbose else None
        start = self._forget_stopping()
        tasks = self._begin_tasks(plan, as_given)
        callbacks = self._keras_callbacks(plan, fetch)
        parts = [lines, self._plateau(plan), stopping, callbacks, tasks, before]
        report = ReportList([part for part in parts if part is not None])
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
        told = {name: np.array(values) for name, values in self.history_.items()}
        self.validation_scores_ = -stopping.measure(told)
        return best

    def _begin_tasks(self, plan: Any, as_given: tuple[Any, Any, Any]) -> SklearnCallbacks | None:
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
        return SklearnCallbacks(self, context, data, self._fitted)

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
        return Plateau(max(1, self.resolved_params_.n_iter_no_change // 2), self.tol)

    def _keras_callbacks(self, plan: Any, fetch: Any) -> Any:
        if not self.callbacks_:
            return None
        from skdnn._training.keras_callbacks import KerasCallbacks

        return KerasCallbacks(
            self.callbacks_,
            self._make_model(),
            self._targets.in_units,
            self._spec.outputs,
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


def _one_after_the_other(
    first: Callable[[np.ndarray], list[np.ndarray]],
    n_rows: int,
    second: Callable[[np.ndarray], list[np.ndarray]],
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Fetch from two sources; those asked for together are of the same."""
    return lambda rows: first(rows) if rows[0] < n_rows else second(rows - n_rows)


def _draw_seed(random_state: Any) -> int:
    """Draw a seed; with None from the operating system, never from NumPy's global generator."""
    if random_state is None:
        random_state = np.random.RandomState()
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
