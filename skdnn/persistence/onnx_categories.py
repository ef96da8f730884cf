"""The nodes that replace the categories of a column by codes, compared exactly."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from skdnn._data.categories import Categories
from skdnn._network.onnx_graph import OnnxGraph

# Texts of missing values. onnxruntime converts None, NaN and pandas's NA in an array of objects to
# the last three.
MISSING_TEXTS = ("", "None", "nan", "<NA>")
_LEAST, _GREATEST = -(2**63), 2**63 - 1


def encode_categories(
    graph: OnnxGraph, x: str, kind: str, categories: Categories, about: str
) -> str:
    """Add nodes that compute the codes of a column, as `Categories.encode` does.

    Parameters
    ----------
    graph : OnnxGraph
        The graph.
    x : str
        Name of the column, of shape (n_samples, 1).
    kind : str
        The kind of the column, a key of `skdnn._network.onnx_graph.TYPES`.
    categories : Categories
        The categories.
    about : str
        The column's name for errors.

    Returns
    -------
    str
        Name of the codes, of shape (n_samples, 1), int64.
    """
    code_of = categories.code_of
    is_text = [isinstance(key, str) for key in code_of][:1]
    if is_text and is_text[0] != (kind == "text"):
        there, here = ("text", "numbers") if is_text[0] else ("numbers", "text")
        raise ValueError(
            f"{about} held {there} in fit, but its ONNX input holds {here}: "
            f"declare an input of {there}."
        )
    missing = categories.size if categories.has_missing else 0
    if kind == "text":
        check_unicode(code_of, f"{about} has the category")
        texts = dict.fromkeys(MISSING_TEXTS, missing) if missing else {}
        return _look_up(graph, x, {**texts, **code_of}, "strings", "")
    if np.dtype(kind).kind != "f":
        return _codes_of_integers(graph, x, kind, code_of)
    if all(_is_integer(key) for key in code_of):
        codes = _codes_of_whole_floats(graph, x, kind, code_of)
    else:
        codes = _codes_of_floats(graph, x, kind, code_of, about)
    return graph.add("Where", graph.add("IsNaN", x), np.array(missing), codes)


def check_unicode(texts: Iterable[str], about: str) -> None:
    """Raise an error if a text cannot be encoded as UTF-8, the encoding of ONNX."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{about} {text!a}, which is not valid Unicode ({error.reason}): repair the "
                "text before fit, such as with text.encode(errors='replace').decode()."
            ) from error


def is_exact(key: Any, dtype: str) -> bool:
    """Return whether a category is text, or a number that a dtype of floats holds exactly."""
    return isinstance(key, str) or _as_float(key, dtype) == key


def _as_float(key: Any, dtype: str) -> float:
    try:
        return float(np.dtype(dtype).type(float(key)))
    except OverflowError:
        return np.inf


def _is_integer(key: Any) -> bool:
    return bool(np.isfinite(float(key)) and key == int(key) and _LEAST <= key <= _GREATEST)


def _look_up(graph: OnnxGraph, x: str, code_of: Mapping[Any, int], keys: str, none: Any) -> str:
    # A look-up of nothing is not valid.
    pairs = dict(code_of) or {none: 0}
    lists = {f"keys_{keys}": list(pairs), "values_int64s": list(pairs.values())}
    return graph.add_ml("LabelEncoder", x, default_int64=0, **lists)


def _codes_of_integers(graph: OnnxGraph, x: str, kind: str, code_of: Mapping[Any, int]) -> str:
    """Look up the codes of integers or booleans. Other categories than integers are never met."""
    shift = 0
    least, greatest = _LEAST, _GREATEST
    if kind == "uint64":  # the conversion to int64 subtracts 2**64 from large integers
        least, greatest, shift = 0, 2**64 - 1, 2**64
    whole = {int(key): code for key, code in code_of.items() if key == int(key)}
    known = {
        key - shift * (key > _GREATEST): code
        for key, code in whole.items()
        if least <= key <= greatest
    }
    return _look_up(graph, graph.cast(x, kind, "int64"), known, "int64s", 0)


def _codes_of_whole_floats(graph: OnnxGraph, x: str, kind: str, code_of: Mapping[Any, int]) -> str:
    """Look up the codes of floats whose categories are integers. Fractions have code 0."""
    whole = graph.cast(x, kind, "int64")
    codes = _look_up(graph, whole, {int(k): code for k, code in code_of.items()}, "int64s", 0)
    rest = graph.add("Sub", x, graph.cast(whole, "int64", kind))
    is_fraction = graph.add("Greater", graph.add("Abs", rest), np.zeros((), kind))
    return graph.add("Where", is_fraction, np.array(0), codes)


def _codes_of_floats(
    graph: OnnxGraph, x: str, kind: str, code_of: Mapping[Any, int], about: str
) -> str:
    """Compare floats with each category. The look-up of ONNX would round them to float32."""
    for key in code_of:
        if not is_exact(key, "float64"):
            raise ValueError(
                f"{about} has the category {key}, which no number of ONNX holds exactly: convert "
                "the column to text before fit, such as with .astype(str)."
            )
    keys = np.array([float(key) for key in code_of])
    distance = graph.add("Abs", graph.add("Sub", graph.cast(x, kind, "float64"), keys))
    differs = graph.add("Cast", graph.add("Greater", distance, np.zeros(())), to="float32")
    equals = graph.add("Sub", np.ones((), np.float32), differs)
    codes = np.array(list(code_of.values()), np.float32)[:, np.newaxis]
    return graph.add("Cast", graph.add("MatMul", equals, codes), to="int64")
