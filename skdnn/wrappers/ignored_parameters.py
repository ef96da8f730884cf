"""A warning for parameters of `compile` that are not used, because the network is compiled."""

import inspect
from collections.abc import Mapping
from typing import Any

from skdnn._utils.keras_internals import compile_settings
from skdnn._utils.user_warning import warn_user
from skdnn.wrappers.scikeras_compat import keras, loss_name

_PARAMETERS = ("optimizer", "loss", "metrics", "run_eagerly")
_PREFIXES = ("optimizer__", "loss__", "metrics__", "compile__")


def warn_if_ignored(
    model: keras.Model, params: Mapping[str, Any], arguments: Any, signature: inspect.Signature
) -> None:
    """Warn if parameters are set that differ from what the network is compiled with.

    Parameters
    ----------
    model : keras.Model
        The network, which the user compiled.
    params : dict
        All parameters of the wrapper.
    arguments : callable
        Function that returns the arguments of `compile` that the parameters stand for.
    signature : inspect.Signature
        Signature of the class of the wrapper, whose defaults are never reported.
    """
    given = {name: x for name, x in params.items() if _is_set(name, x, signature)}
    if not given:
        return
    used, wanted = compile_settings(model), arguments()
    agrees = {
        target: _loss_agrees(params.get("loss"), wanted, used)
        if target == "loss"
        else _agrees(wanted.get(target), used.get(target))
        for target in map(_target, given)
    }
    ignored = {name: x for name, x in given.items() if not agrees[_target(name)]}
    if not ignored:
        return
    kept = {target: used.get(target) for target in map(_target, ignored)}
    warn_user(
        f"The network is already compiled, so that {_listed(ignored)} "
        f"{'have' if len(ignored) > 1 else 'has'} no effect: it is trained with its own "
        f"{_listed(kept)}. Give a network that is not compiled, or leave the "
        f"parameter{'s' if len(ignored) > 1 else ''} out."
    )


def _is_set(name: str, value: Any, signature: inspect.Signature) -> bool:
    if name.startswith(_PREFIXES):
        return True
    if name not in _PARAMETERS:
        return False
    parameter = signature.parameters.get(name)
    default = None if parameter is None else parameter.default
    return value is not None and value is not default and not _is_equal(value, default)


def _target(name: str) -> str:
    """Return the argument of `compile` that a parameter sets."""
    prefix, _, rest = name.partition("__")
    return rest if prefix == "compile" else prefix


def _agrees(value: Any, own: Any) -> bool:
    is_one_metric = isinstance(value, list) and isinstance(own, str)
    return _is_equal(value, [own] if is_one_metric else own)


def _loss_agrees(given: Any, wanted: Mapping[str, Any], used: Mapping[str, Any]) -> bool:
    value, own = wanted.get("loss"), used.get("loss")
    if not all(isinstance(x, str | type | keras.losses.Loss) for x in (given, own)):
        return _is_equal(value, keras.losses.get(own) if isinstance(own, str) else own)
    # A loss of another name is an error (see `output_checks.py`).
    both = isinstance(value, keras.losses.Loss) and isinstance(own, keras.losses.Loss)
    return loss_name(given) != loss_name(own) or not both or _is_equal(value, own)


def _is_equal(value: Any, other: Any) -> bool:
    """Return whether two arguments of `compile` have the same configuration, apart from names."""
    if isinstance(value, list | tuple) and isinstance(other, list | tuple):
        pairs = zip(value, other, strict=False)
        return len(value) == len(other) and all(_is_equal(*pair) for pair in pairs)
    if hasattr(value, "get_config") and type(value) is type(other):
        value, other = ({**x.get_config(), "name": None} for x in (value, other))
    return bool(value == other)


def _listed(values: Mapping[str, Any]) -> str:
    *first, last = [f"{name}={_short(value)}" for name, value in values.items()]
    return f"{', '.join(first)} and {last}" if first else last


def _short(value: Any) -> str:
    is_object = isinstance(value, keras.optimizers.Optimizer | keras.losses.Loss)
    return type(value).__name__ if is_object else repr(value)
