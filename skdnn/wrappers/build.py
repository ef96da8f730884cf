"""From the parameters of a wrapper to a compiled Keras network."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn._utils.text import nearest
from skdnn.wrappers import fit_predict, scikeras_compat, templates
from skdnn.wrappers.scikeras_compat import accepts_kwargs, has_param, keras, route_params
from skdnn.wrappers.target_encoders import Untouched


class Assembling(scikeras_compat.BaseWrapper):
    """The part of `BaseWrapper` that builds the network, and compiles it."""

    # Whether a model that is given keeps its weights, also those that are as they were drawn.
    _keeps_weights = False

    def _check_model_param(self) -> Callable[..., Any]:
        """Return the function that builds the network."""
        owner, model = type(self).__name__, self.model
        if model is None and self.build_fn is not None:
            model = self.build_fn
            warnings.warn(
                "``build_fn`` will be renamed to ``model`` in a future release, at which point use "
                "of ``build_fn`` will raise an Error instead.",
                stacklevel=2,
            )
        own = getattr(self, "_keras_build_fn", None)
        if model is None:
            return self._no_network if own is None else own
        if isinstance(model, keras.Model):
            keep = self._keeps_weights
            return functools.partial(templates.from_model, model, owner, keep_weights=keep)
        if isinstance(model, list | tuple):
            return functools.partial(templates.from_layers, model, self._sample_shape(), owner)
        if not callable(model):
            raise TypeError(
                f"``model`` must be a function that builds a Keras model, a Keras model, a list of "
                f"layers or None. {owner} got {model!r}."
            )
        if own is not None:
            raise ValueError(
                f"{owner} cannot implement ``_keras_build_fn`` and be given ``model`` as well: "
                "leave one of them out."
            )
        return model

    def _no_network(self) -> Any:
        raise ValueError(
            f"{type(self).__name__} has no network to build: if not using the ``model`` param, you "
            "must implement ``_keras_build_fn``."
        )

    def _sample_shape(self) -> tuple[int, ...] | None:
        plain = isinstance(self.X_dtype_, np.dtype) and isinstance(self.feature_encoder_, Untouched)
        return self.X_shape_[1:] if plain else None

    def _build_keras_model(self) -> Any:
        build = self._check_model_param()
        params = self.get_params()
        arguments = route_params(
            params,
            destination="model",
            pass_filter=getattr(self, "_user_params", set()),
            strict=True,
        )
        # A class of models hands on what it does not know to Keras, which does not know it either.
        any_name = accepts_kwargs(build) and not isinstance(build, type)
        if any_name or has_param(build, "meta"):
            arguments["meta"] = self._get_metadata()
        # A function that is given the arguments of `compile` decides on the loss by itself.
        self._infers_loss = not (any_name or has_param(build, "compile_kwargs"))
        if not self._infers_loss:
            arguments["compile_kwargs"] = self._get_compile_kwargs()
        if any_name or has_param(build, "params"):
            arguments["params"] = params
        self._check_arguments(build, arguments)
        model = build(**arguments)
        if not isinstance(model, keras.Model):
            raise TypeError(
                f"The function given as 'model' to {type(self).__name__} must return a Keras "
                f"model. Got {model!r}: does it end with a return?"
            )
        return model

    def _check_arguments(self, build: Callable[..., Any], arguments: dict[str, Any]) -> None:
        known = inspect.signature(build).parameters
        if accepts_kwargs(build):
            return
        for name in arguments.keys() - known.keys():
            near = nearest(name, known)
            raise TypeError(
                f"{getattr(build, '__name__', 'The model')} got an unexpected keyword argument "
                f"{name!r}, which {type(self).__name__} was given as {name!r} or 'model__{name}'."
                + (f" Did you mean {near}?" if near else "")
            )

    def _ensure_built(self, X: Any) -> None:
        """Have a network that does not say what it takes learn it from a sample."""
        model = self.model_
        if model.built:
            return
        sample = self.feature_encoder_.transform(fit_predict.take(X, slice(1)))
        is_one = isinstance(sample, np.ndarray) or issparse(sample)
        if isinstance(model, keras.Sequential) and is_one:
            model.build((None, *sample.shape[1:]))
        else:
            model(fit_predict.as_input(sample))

    def _get_compile_kwargs(self) -> dict[str, Any]:
        arguments = super()._get_compile_kwargs()
        for name in ("optimizer", "metrics", "weighted_metrics"):
            if name in arguments:
                arguments[name] = templates.renew(arguments[name])
        return arguments

    def _compile(self) -> None:
        """Compile the network with the parameters, where it is not compiled and has a loss."""
        if self.model_.compiled:
            return
        arguments = self._get_compile_kwargs()
        if arguments["loss"] is None and self._infers_loss:
            arguments["loss"] = self._infer_loss()
        if arguments["loss"] is not None:
            self.model_.compile(**arguments)

    def _ensure_compiled_model(self) -> None:
        self._compile()
        super()._ensure_compiled_model()

    def _infer_loss(self) -> Any:
        """Return the loss for the target, where the user says none; None where there is none."""
        return None

    def _fit_target_encoder_to_model(self, y: Any) -> None:
        """Adapt the encoder of y to what the network puts out."""

    def _learn_scale(self, X: Any, sample_weight: np.ndarray | None) -> None:
        """Have the network learn the scale of X, where it is one that does."""

    def _check_model_compatibility(self, y: Any) -> None:
        # A model of a class of the user's own may not know its outputs before it is called.
        if getattr(self.model_, "outputs", None):
            super()._check_model_compatibility(y)

    def _check_loss(self) -> None:
        loss = self.model_.loss
        each = list(loss.values()) if isinstance(loss, dict) else loss
        if isinstance(each, list) and not any(callable(x) or isinstance(x, str) for x in each):
            raise ValueError(
                f"No valid loss function found in {loss!r}. You must provide a loss function to "
                f"train {type(self).__name__}: as its ``loss`` parameter, or by compiling the "
                "network in the function that builds it."
            )
