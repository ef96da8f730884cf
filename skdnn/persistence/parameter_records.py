"""Constructor parameters <-> JSON values, and the errors for those that a file cannot hold."""

from collections.abc import Mapping
from typing import Any

from skdnn._utils.sklearn_compat import validate_parameters
from skdnn.dnn.base import BaseDNN
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.fields import Fields
from skdnn.persistence.strict_json import shown
from skdnn.persistence.value_records import read_value, write_value

# What to write instead of an object, in a call of `set_params` that changes no prediction.
_INSTEAD = {
    "activation": ("activation='relu'", ", or another activation by its name, and fit again"),
    "callbacks": ("callbacks=None", ""),
    "kernel_initializer": (
        "kernel_initializer='he_normal'",
        ", or another initializer by its name",
    ),
    "learning_rate": ("learning_rate=0.001", ", or another number"),
    "monitor": ("monitor='loss'", ", or a scorer of scikit-learn by its name"),
    "loss": ("loss='auto'", ", or another loss by its name"),
    "validation": ("validation=None", ", or a number of folds"),
    "optimizer": ("optimizer='adam', learning_rate=0.001", ", or another name and rate"),
}


def parameter_record(estimator: BaseDNN) -> dict[str, Any]:
    """Return the constructor parameters of an estimator as JSON values.

    Raises
    ------
    TypeError
        If a parameter is, or holds, an object that a file cannot hold.
    """
    owner = type(estimator).__name__
    validate_parameters(estimator)
    params = estimator.get_params(deep=False)
    return {name: _written(name, value, owner) for name, value in params.items()}


def _written(name: str, value: Any, owner: str) -> Any:
    try:
        return write_value(value, name)
    except TypeError as error:
        params, more = _INSTEAD.get(name, (f"{name}=...", " with numbers, text or lists of them"))
        if name == "optimizer" and (same := _same_optimizer(value)):
            params, more = same, ""
        raise TypeError(
            f"A .skdnn file cannot hold the {name!r} parameter of this {owner}, because a file "
            f"holds no objects or code: {error}. Before saving, call set_params({params}){more}. "
            "Or use pickle, which runs code when it is loaded."
        ) from None


def _same_optimizer(value: Any) -> str:
    """Return the parameters that stand for a Keras optimizer object. Empty if none do."""
    if isinstance(value, type) or not type(value).__module__.startswith("keras."):
        return ""
    rate = value.get_config().get("learning_rate")
    name = type(value).__name__.lower()
    return f"optimizer={name!r}, learning_rate={rate:.6g}" if isinstance(rate, float) else ""


def read_parameters(fields: Fields, kind: type[BaseDNN]) -> BaseDNN:
    """Return an unfitted estimator with the parameters of a record.

    A parameter that the record lacks has its default, so that files of earlier versions are read.
    Names that were changed or removed since are to be converted here.

    Parameters
    ----------
    fields : Fields
        The record.
    kind : type
        The class of the estimator.
    """
    known = kind._get_param_names()
    names = fields.names()
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise InvalidFileError(
            f"params has {shown(unknown[0])}, which {kind.__name__} does not have"
        )
    params = {name: read_value(fields, name) for name in names}
    estimator = kind(**params)
    try:
        validate_parameters(estimator)
    except (TypeError, ValueError) as error:
        raise InvalidFileError(f"params has a value that is not valid: {error}") from None
    return estimator


# ------------------------------------------------------------------------------ resolved values


def resolved_record(resolved: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return resolved parameters as JSON values.

    An object that a user has replaced with `set_params` since the fit gives way to the parameter.
    """
    record = {}
    for name, value in resolved.items():
        try:
            record[name] = write_value(value, name)
        except TypeError:
            record[name] = params[name]
    return record
