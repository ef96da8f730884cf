"""Build and compile a Keras model from the parameters of a wrapper."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from skdnn._network.lazy_model import unwrapped
from skdnn._utils.user_warning import warn_user
from skdnn.wrappers import network_errors, templates
from skdnn.wrappers.parameters import instantiate, resolve_names
from skdnn.wrappers.scikeras_compat import accepts_kwargs, has_param, keras, route_params
from skdnn.wrappers.structures import as_model_input, has_text, map_arrays, take_rows
from skdnn.wrappers.target_encoders import encode
from skdnn.wrappers.text_layers import has_lookup
from skdnn.wrappers.unknown_names import check_names, find_by_name

# Names of metrics that Keras chooses by the loss and the output shape when a model is compiled.
_RESOLVED_BY_KERAS = ("acc", "accuracy", "ce", "crossentropy")
# Kinds of arguments that can be passed by name.
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

# ------------------------------------------------------------------------- the function that builds


def given_model(model: Any, build_fn: Any) -> Any:
    """Return `model`, or the value of the deprecated parameter `build_fn` if `model` is None."""
    if model is not None or build_fn is None:
        return unwrapped(model)
    warn_user(
        "``build_fn`` will be renamed to ``model`` in a future release, at which point use of "
        "``build_fn`` will raise an Error instead."
    )
    return build_fn


def build_function(
    model: Any,
    method: Callable[..., keras.Model] | None,
    owner: str,
    *,
    sample_shape: tuple[int, ...] | None,
    rows: Any,
    keep_weights: bool,
) -> Callable[..., keras.Model]:
    """Return the function that builds the network.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None
        The `model` parameter of the user.
    method : callable or None
        The method `_keras_build_fn` of a subclass, used if `model` is None.
    owner : str
        Name of the estimator, for error messages.
    sample_shape : tuple of int or None
        Shape of one sample, for layers without an input layer. None if the shape is unknown.
    rows : ndarray or None
        Encoded rows of X, to which a first layer without a vocabulary is adapted. None if X has
        several inputs.
    keep_weights : bool
        Whether the new model always starts from the weights of `model`. Otherwise the new model
        starts from new initial weights if the weights of `model` are initial weights.
    """
    if model is None:
        if method is None:
            raise ValueError(
                f"{owner} has no network to build: if not using the ``model`` param, you must "
                "implement ``_keras_build_fn``."
            )
        return method
    if isinstance(model, keras.Model):
        return functools.partial(
            templates.from_model, model, owner, rows, keep_weights=keep_weights
        )
    if isinstance(model, list | tuple):
        return functools.partial(templates.from_layers, model, sample_shape, owner, rows)
    if not callable(model):
        raise TypeError(
            f"``model`` must be a function that builds a Keras model, a Keras model, a list of "
            f"layers or None. {owner} got {model!r}."
        )
    if method is not None:
        raise ValueError(
            f"{owner} cannot implement ``_keras_build_fn`` and be given ``model`` as well: leave "
            "one of them out."
        )
    function: Callable[..., keras.Model] = model
    return function


# ---------------------------------------------------------------------------------------- the model


class BuiltModel(NamedTuple):
    """A new model, and what the function that built the model knows.

    Parameters
    ----------
    model : keras.Model
        The model.
    infers_loss : bool
        Whether the loss of the model may be inferred if no loss is set.
    sees_parameters : bool
        Whether the function may have compiled the model with the parameters of the wrapper.
    """

    model: keras.Model
    infers_loss: bool
    sees_parameters: bool


def build_model(
    build: Callable[..., Any],
    arguments: Mapping[str, Any],
    on_request: Mapping[str, Callable[[], Any]],
    owner: str,
    suggest: Callable[[str], str],
) -> BuiltModel:
    """Call the function that builds the network.

    Parameters
    ----------
    build : callable
        The function returned by `build_function`.
    arguments : dict
        The arguments of `build` that the user set.
    on_request : dict of callable
        Functions that return the values of the arguments "meta", "compile_kwargs" and "params" of
        `build`. Each value is passed only if `build` has an argument of that name. No loss is
        inferred if `build` has the argument `compile_kwargs`.
    owner : str
        Name of the estimator, for error messages.
    suggest : callable
        Function that returns the hint for an unknown name, for error messages.
    """
    # A model class passes all further arguments to Keras, which rejects unknown arguments.
    takes_all = accepts_kwargs(build) and not isinstance(build, type)
    requested = [name for name in on_request if takes_all or has_param(build, name)]
    arguments = {**arguments, **{name: on_request[name]() for name in requested}}
    _check_arguments(build, arguments, owner, suggest)
    model = build(**arguments)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"The function given as 'model' to {owner} must return a Keras model. Got {model!r}: "
            "does it end with a return?"
        )
    sees_parameters = bool({"compile_kwargs", "params"} & set(requested))
    return BuiltModel(model, "compile_kwargs" not in requested, sees_parameters)


def _check_arguments(
    build: Callable[..., Any],
    arguments: Mapping[str, Any],
    owner: str,
    suggest: Callable[[str], str],
) -> None:
    known, called = inspect.signature(build).parameters, getattr(build, "__name__", "The model")
    if not accepts_kwargs(build):
        for name in arguments.keys() - known.keys():
            raise TypeError(
                f"{called} got an unexpected keyword argument {name!r}, which {owner} was given "
                f"as {name!r} or 'model__{name}'{suggest(name)}"
            )
    needed = [p.name for p in known.values() if p.kind in _BY_NAME and p.default is p.empty]
    missing = [name for name in needed if name not in arguments]
    if missing:
        raise TypeError(f"{called} needs {_listed(missing)}, {_advice_on_missing(missing, owner)}.")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(map(repr, names))


def _advice_on_missing(missing: list[str], owner: str) -> str:
    """Return what to write in place of arguments of a build function that have no value."""
    data = [name for name in missing if name in ("X", "y")]
    if data:
        return (
            f"but {owner} calls it without data: give it the argument meta in place of "
            f"{_listed(data)}, a dict in which meta['X_shape_'] is the shape of X, and "
            "meta['n_features_in_'], meta['n_classes_'] and others are numbers"
        )
    values = ", ".join(f"model__{name}=..." for name in missing)
    return f"which {owner} was not given: write {owner}(..., {values}), or give it a default"


def build_from_sample(model: keras.Model, X: Any, feature_encoder: Any, owner: str) -> None:
    """Use the first row of X to build a model that has no input layer, and check its inputs.

    Parameters
    ----------
    model : keras.Model
        The model, which is built in place. A model that is already built is only checked.
    X : array, sparse matrix, or structure of arrays
        Checked samples.
    feature_encoder : transformer
        Fitted encoder of X.
    owner : str
        Name of the estimator, for error messages.
    """
    sample = _first_row(X, feature_encoder)
    network_errors.check_inputs(model, sample, owner)
    if model.built:
        return
    is_one_input = isinstance(sample, np.ndarray) or issparse(sample)
    shape = tuple(sample.shape[1:]) if is_one_input else None
    with network_errors.explained_shape(shape, owner):
        if isinstance(model, keras.Sequential) and is_one_input and not has_text(sample):
            model.build((None, *sample.shape[1:]))
        else:
            model(as_model_input(sample))


def output_shape(model: keras.Model, X: Any, feature_encoder: Any) -> Any:
    """Return the shape of the outputs of a built model, or a structure of shapes.

    Parameters
    ----------
    model : keras.Model
        A built model. A model of a user-defined class is called on the first row of X, and so is a
        model with a layer such as TextVectorization, whose shapes Keras only knows then.
    X : array, sparse matrix, or structure of arrays
        Checked samples.
    feature_encoder : transformer
        Fitted encoder of X.
    """
    if getattr(model, "outputs", None) and not has_lookup(model):
        return model.output_shape
    outputs = model(as_model_input(_first_row(X, feature_encoder)))
    return map_arrays(lambda output: tuple(output.shape), outputs)


def _first_row(X: Any, feature_encoder: Any) -> Any:
    return encode(feature_encoder, take_rows(X, slice(1)))


# -------------------------------------------------------------------------------------- compilation


def compile_arguments(params: dict[str, Any], names: frozenset[str], owner: str) -> dict[str, Any]:
    """Return the arguments of `keras.Model.compile`, with new optimizers and metrics.

    Parameters
    ----------
    params : dict
        All parameters of the wrapper.
    names : set of str
        Names of the parameters that are arguments of `compile`.
    owner : str
        Name of the estimator, for error messages.
    """
    arguments = dict(route_params(params, "compile", pass_filter=names))
    # Strict routing ignores names with a second "__", which are not arguments of an optimizer.
    for name, by_name, module, strict in (
        ("optimizer", _optimizer_class, keras.optimizers, True),
        ("loss", keras.losses.get, keras.losses, False),
        ("metrics", _metric, keras.metrics, False),
    ):
        routed = dict(route_params(params, name, pass_filter=set(), strict=strict))
        find = find_by_name(name, owner, by_name, module)
        arguments[name] = instantiate(resolve_names(arguments[name], find), routed)
    if arguments["metrics"] is not None and not isinstance(arguments["metrics"], dict | list):
        arguments["metrics"] = [arguments["metrics"]]
    for name in ("optimizer", "metrics", "weighted_metrics"):
        if name in arguments:
            arguments[name] = templates.renew(arguments[name])
    return arguments


def _optimizer_class(name: str) -> type:
    return type(keras.optimizers.get(name))


def _metric(name: str) -> Any:
    return name if name in _RESOLVED_BY_KERAS else keras.metrics.get(name)


def compile_model(
    model: keras.Model,
    arguments: Callable[[], dict[str, Any]],
    infer_loss: Callable[[], Any] | None = None,
) -> None:
    """Compile a model that is not compiled, if a loss is set or can be inferred.

    Parameters
    ----------
    model : keras.Model
        The model, which is compiled in place. A compiled model is not changed.
    arguments : callable
        Function that returns the arguments of `compile`.
    infer_loss : callable or None, default=None
        Function that returns the default loss for the target type, or None if there is no default.
        The function is called if no loss is set.
    """
    if model.compiled:
        return
    given = arguments()
    if given["loss"] is None and infer_loss is not None:
        given["loss"] = infer_loss()
    if given["loss"] is not None:
        check_names(model.compile, given, type(model).__name__, {})
        model.compile(**given)


def check_compiled(model: keras.Model, owner: str) -> None:
    """Raise an error if a model has no loss or no optimizer."""
    for name in ("loss", "optimizer"):
        if not getattr(model, name, None):
            article = "an" if name == "optimizer" else "a"
            raise ValueError(
                f"You must provide {article} {name} or a compiled model to train {owner}: set its "
                f"``{name}`` parameter, or compile the network in the function that builds it."
            )
    each = list(model.loss.values()) if isinstance(model.loss, dict) else model.loss
    if isinstance(each, list) and not any(callable(x) or isinstance(x, str) for x in each):
        raise ValueError(
            f"No valid loss function found in {model.loss!r}. You must provide a loss function to "
            f"train {owner}: set its ``loss`` parameter, or compile the network in the function "
            "that builds it."
        )
