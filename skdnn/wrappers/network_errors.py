"""Errors of a network that does not take X, and plain text in place of Keras's errors."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from skdnn.wrappers.scikeras_compat import keras

Shape = tuple[int | None, ...]

# Codes for colours and bold text of terminals.
_CODES = re.compile(r"\x1b\[[0-9;]*m")
# What Keras adds to the error of a layer: the call before the error, and its arguments after it.
_CALL = re.compile(
    r"^(Exception encountered when calling [^\n]*?)\.?\n\n(.*?)\n\nArguments received by .*", re.S
)
# TensorFlow's error for a row that an Embedding layer does not have.
_INDEX = re.compile(r"indices\[[\d,]*\] = (-?\d+) is not in \[0, (\d+)\)")
_RANKS = re.compile(r"expected (?:min_|max_)?ndim=(\d+), found ndim=(\d+)")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Context manager that removes terminal codes and the arguments of layers from errors."""
    try:
        yield
    except Exception as error:
        text = str(error)
        if index := _INDEX.search(text):
            raise ValueError(_unknown_index(*map(int, index.groups()))) from error
        if _CODES.search(text):
            error.args = (_plain(text), *error.args[1:])
            if _CODES.search(str(error)):  # an error of TensorFlow, which keeps its text apart
                error._message = _plain(text)  # type: ignore[attr-defined]
        raise


def _unknown_index(index: int, n_rows: int) -> str:
    return (
        f"X has the code {index}, but a layer such as Embedding has the codes 0 to {n_rows - 1}: "
        f"write Embedding({index + 1}, ...) if no code is larger, or encode X with an "
        "OrdinalEncoder first."
    )


def _plain(text: str) -> str:
    return _CALL.sub(r"\1: \2", _CODES.sub("", text))


@contextmanager
def explained_shape(shape: Shape | None, owner: str) -> Iterator[None]:
    """Context manager that states the shape of a sample if no network can be built for it.

    Parameters
    ----------
    shape : tuple of int or None
        The shape of one sample. None if there are several inputs.
    owner : str
        Name of the estimator.
    """
    try:
        yield
    except ValueError as error:
        reason = _plain(str(error))
        ranks = _RANKS.search(reason)
        if ranks is None or shape is None:
            raise
        expected, found = map(int, ranks.groups())
        layer = (
            f"Reshape({(*shape, *[1] * (expected - found))})" if expected > found else "Flatten()"
        )
        raise ValueError(
            f"The network of {owner} does not take samples of shape {shape}: {reason}. Put "
            f"keras.layers.{layer} before this layer, or pass X in the shape that it expects."
        ) from error


def check_inputs(model: keras.Model, X: Any, owner: str) -> None:
    """Raise an error if the inputs of a network do not have the shapes of X.

    Parameters
    ----------
    model : keras.Model
        The network. Nothing is checked if its inputs are not known before the first call.
    X : array, sparse matrix, or structure of arrays
        Encoded samples.
    owner : str
        Name of the estimator.
    """
    given = _shapes_of(X)
    if isinstance(model, keras.Sequential) and not hasattr(X, "shape") and len(given) > 1:
        raise ValueError(
            f"X has the inputs {list(given)}, but the network of {owner} is a stack of layers, "
            "which takes one input: write keras.Model(inputs, outputs) with a keras.Input for each."
        )
    structure = _inputs_of(model)
    if structure is None:
        return
    by_name = isinstance(X, Mapping) and not hasattr(X, "shape")
    if by_name and not isinstance(structure, Mapping):
        structure = {tensor.name: tensor for tensor in model.inputs}
    expected = _shapes_of(structure)
    missing = expected.keys() - given.keys() if by_name else len(expected) != len(given)
    if missing:
        raise ValueError(
            f"X has {_named(given)}, but the network of {owner} takes {_named(expected)}: pass "
            f"X={_example(expected)}, with one array for each input."
        )
    for name in expected.keys() & given.keys():
        came, shape = given[name], expected[name]
        if not _fits(came, shape):
            which = f" {name!r}" if isinstance(name, str) else ""
            raise ValueError(
                f"X has samples of shape {came}, but the input{which} of the network of {owner} "
                f"takes samples of shape {shape}: write keras.Input({came}), or pass X in the "
                "shape of the input."
            )


def _inputs_of(model: keras.Model) -> Any:
    """Return the symbolic inputs of a model in their structure, or None if they are not known."""
    if not model.built or not getattr(model, "inputs", None):
        return None
    return model.inputs if isinstance(model, keras.Sequential) else getattr(model, "input", None)


def _shapes_of(data: Any) -> dict[Any, Shape]:
    """Return the shapes of one sample, by the key or the position of the input."""
    if isinstance(data, Mapping) and not hasattr(data, "shape"):
        return {key: tuple(x.shape[1:]) for key, x in data.items()}
    several = data if isinstance(data, list | tuple) else [data]
    return {position: tuple(x.shape[1:]) for position, x in enumerate(several)}


def _named(shapes: Mapping[Any, Shape]) -> str:
    if all(isinstance(name, str) for name in shapes):
        return f"the inputs {sorted(shapes)}"
    return "one input" if len(shapes) == 1 else f"{len(shapes)} inputs"


def _example(shapes: Mapping[Any, Shape]) -> str:
    if all(isinstance(name, str) for name in shapes):
        return "{" + ", ".join(f"{name!r}: ..." for name in shapes) + "}"
    return "..." if len(shapes) == 1 else "(" + ", ".join("..." for _ in shapes) + ")"


def _fits(came: Shape, shape: Shape) -> bool:
    # Keras adds or removes a last dimension of 1.
    forms = [came, (*came, 1), came[:-1] if came[-1:] == (1,) else came]
    return any(
        len(form) == len(shape) and all(b in (None, a) for a, b in zip(form, shape, strict=True))
        for form in forms
    )
