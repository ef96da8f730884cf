"""`FittedModel`: the trained network of a wrapper, to which a prediction takes one reference."""

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from typing import Any

import numpy as np

from skdnn._network.plain_layers import PlainLayer, PlainNetwork
from skdnn._training.process import check_not_forked, is_forked
from skdnn._utils.keras_internals import mark_as_called
from skdnn.wrappers.classifier_outputs import missing_activation
from skdnn.wrappers.keras_prediction import has_own_prediction
from skdnn.wrappers.pickling import Saved, save
from skdnn.wrappers.plain_network import plain_network
from skdnn.wrappers.scikeras_compat import as_array, keras

_InNumPy = tuple[PlainNetwork, list[np.ndarray]]


class FittedModel:
    """The trained network of a wrapper.

    If NumPy can compute the network, predictions use arrays. These are read from the Keras model
    when training ends, and again for each prediction if the user has got the model and may have
    changed its weights. Any other network is computed by the Keras model. If another thread trains
    the model further in place, predictions use the values from before.

    Parameters
    ----------
    model : keras.Model
        The trained model.
    """

    def __init__(self, model: keras.Model):
        self._start(model, None)
        self._in_numpy = _read(model)

    def _start(self, model: keras.Model | None, saved: Saved | None) -> None:
        self._model, self._saved = model, saved
        self._is_given_out = False
        self._before: dict[int, Any] | None = None  # values of the variables before more training
        self._n_reading = 0
        self._changed = threading.Condition(threading.RLock())
        _INSTANCES.add(self)

    @property
    def model(self) -> keras.Model:
        """The Keras model, which is built at its first use after unpickling."""
        check_not_forked()
        with self._changed:
            if self._model is None and self._saved is not None:
                self._model, self._saved = self._saved.restore(), None
            return self._model

    def give_out(self) -> keras.Model:
        """Return the model to the user, whose changes of its weights predictions follow."""
        model = self.model
        if not self._is_given_out:
            mark_as_called(model)
        self._is_given_out = True
        return model

    def model_to_read(self) -> keras.Model | None:
        """Return the model, whose layers are read, or None if this process cannot build it."""
        if self._model is not None:
            return self._model
        return None if is_forked() else self.model

    @property
    def missing_activation(self) -> str | None:
        """The activation that the loss applies to the outputs, if it expects logits."""
        if self._model is not None:
            self._missing_activation = missing_activation(self._model)
        return self._missing_activation

    def in_numpy(self) -> _InNumPy | None:
        """Return the network as plain data with its weights, or None if only Keras predicts."""
        if self._is_given_out and not is_forked():
            self.read_again()
        return self._in_numpy

    def read_again(self) -> None:
        """Read the weights of a model that the user may have changed."""
        with self._changed:
            if self._is_given_out and self._before is None:
                self._in_numpy = _read(self._model)

    # ------------------------------------------------------------------------- several threads

    @contextmanager
    def reading(self) -> Iterator[tuple[keras.Model, bool]]:
        """Context manager in which this thread computes with the model as this fit left it.

        Yields
        ------
        model : keras.Model
            The model.
        is_live : bool
            Whether the variables of the model have the values of this fit. Otherwise the model is
            trained further, and only calls of the model in this thread use the values of this fit.
        """
        model = self.model
        with self._changed:
            before = self._before
            self._n_reading += before is None
        try:
            with nullcontext() if before is None else _values_in_this_thread(model, before):
                yield model, before is None
        finally:
            if before is None:
                with self._changed:
                    self._n_reading -= 1
                    self._changed.notify_all()

    @contextmanager
    def trained_further(self) -> Iterator[keras.Model]:
        """Context manager in which the model is trained in place.

        If training fails or is interrupted, the weights and the optimizer state are restored.
        """
        model = self.model
        variables = _variables(model)
        values = [np.array(as_array(variable)) for variable in variables]
        try:
            with self._changed:
                self.read_again()
                self._before = {id(v): value for v, value in zip(variables, values, strict=True)}
                while self._n_reading:
                    self._changed.wait()
            yield model
        except BaseException:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            self._before = None
            raise

    # ------------------------------------------------------------------------- pickle and fork

    def saved(self) -> Saved:
        """Return the Keras model as plain parts."""
        saved: Any = self._saved
        if saved is None:
            with self.reading() as (model, _):
                saved = save(model)
        plain: Saved = saved
        return plain

    def plain_parts(self) -> dict[str, Any]:
        """Return what prediction in NumPy needs, as values of Python's and NumPy's own types."""
        network = self.in_numpy()
        parts: dict[str, Any] = {"missing_activation": self.missing_activation, "network": None}
        if network is not None:
            parts |= {"network": asdict(network[0]), "weights": network[1]}
        return parts

    @classmethod
    def of_parts(cls, saved: Saved, parts: dict[str, Any] | None) -> "FittedModel":
        """Return the fitted model of plain parts, which is built at the first use."""
        if parts is None:  # the state of an estimator whose `model_` the user has set
            return cls(saved.restore())
        fitted = cls.__new__(cls)
        fitted._start(None, saved)
        fitted._missing_activation = parts["missing_activation"]
        network = parts["network"]
        fitted._in_numpy = None
        if network is not None:
            layers = tuple(PlainLayer(**layer) for layer in network["layers"])
            shape = tuple(network["input_shape"])
            plain = PlainNetwork(shape, network["input_dtype"], layers)
            fitted._in_numpy = plain, parts["weights"]
        return fitted

    @property
    def is_built(self) -> bool:
        """Whether the Keras model exists, which is built at its first use after unpickling."""
        return self._model is not None

    def __reduce__(self) -> Any:
        return FittedModel.of_parts, (self.saved(), self.plain_parts())


def _read(model: keras.Model) -> _InNumPy | None:
    found = None if has_own_prediction(model) else plain_network(model)
    return None if found is None else (found[0], _arrays_of(found[1]))


def _arrays_of(tensors: Sequence[Any]) -> list[np.ndarray]:
    return [x if isinstance(x, np.ndarray) else np.array(as_array(x)) for x in tensors]


def _variables(model: keras.Model) -> list[Any]:
    optimizer = getattr(model, "optimizer", None)
    return [*model.variables, *(optimizer.variables if optimizer else ())]


def _values_in_this_thread(model: keras.Model, values: dict[int, Any]) -> Any:
    pairs = [(v, values[id(v)]) for v in _variables(model) if id(v) in values]
    return keras.StatelessScope(
        state_mapping=[(v, keras.ops.convert_to_tensor(value, v.dtype)) for v, value in pairs]
    )


# Models that the user may have changed are read again before a fork, because the child cannot.
_INSTANCES: weakref.WeakSet[FittedModel] = weakref.WeakSet()


def _before_fork() -> None:
    for fitted in list(_INSTANCES):
        fitted.read_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
