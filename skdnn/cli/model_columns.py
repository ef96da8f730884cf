"""Reads the columns of a table as a fitted model expects them."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from skdnn.cli.datasets import (
    DATASETS,
    NO_TABLE,
    find_source,
    load_by_name,
    read_npz_input,
    read_table,
    readable,
    refuse,
)
from skdnn.cli.errors import CommandError, did_you_mean, listed
from skdnn.cli.sources import Source
from skdnn.cli.table_checks import check_finite
from skdnn.cli.tables import (
    Choice,
    Writing,
    find_layout,
    is_written_as,
    number_form,
    parse,
    parse_parts,
    to_numbers,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# What a column holds: text, numbers or booleans that are categories, or numbers.
TEXT, CODES, NUMBERS = "text", "codes", "numbers"
_PART = 2**17  # rows of a text that are in memory at a time
_WHOLE = re.compile(r"[+-]?\d+")


class ModelInput(NamedTuple):
    """What a model takes as its input.

    Parameters
    ----------
    names : list of str or None
        The names of the columns. None if the model was trained on an array.
    kinds : list of str
        What each column holds: `TEXT`, `CODES` or `NUMBERS`.
    long : set of int
        Positions of columns of `CODES` with integers that are not exact as floats.
    shape : tuple of int
        The shape of a sample.
    target : str
        The name of the target, which the data may hold as well.
    writing : Writing
        How the numbers of the training file were written.
    """

    names: list[str] | None
    kinds: list[str]
    long: set[int]
    shape: tuple[int, ...]
    target: str
    writing: Writing


def input_of(model: Any, target: str, writing: Writing) -> ModelInput:
    """Return what a fitted model takes as its input."""
    from skdnn._data.exact_integers import LARGEST_EXACT

    fitted = model._network
    shape = fitted.spec.input_shape
    kinds, long = [NUMBERS] * math.prod(shape), set()
    for i, categories in fitted.columns.encoders.items():
        is_text = all(isinstance(value, str) for value in categories.values)
        kinds[i] = TEXT if is_text else CODES
        if not is_text and any(abs(value) > LARGEST_EXACT for value in categories.values):
            long.add(i)
    names = getattr(model, "feature_names_in_", None)
    return ModelInput(None if names is None else list(names), kinds, long, shape, target, writing)


def writing_of(text: object) -> Writing:
    """Return how numbers were written, from the metadata of a model file."""
    try:
        told = json.loads(text) if isinstance(text, str) else {}
        return Writing(str(told["sep"]), {str(k): str(v) for k, v in told["forms"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Writing()


def read_parts(data: str, choice: Choice, model: ModelInput) -> Iterator[Any]:
    """Yield the input of a model in parts of many rows.

    Parameters
    ----------
    data : str
        A name in `DATASETS`, the path of a file, or a dash for standard input.
    choice : Choice
        What to read from a table. The target is not read.
    model : ModelInput
        What the model takes.

    Yields
    ------
    X : ndarray or DataFrame of shape (n_samples, ...)
    """
    if data in DATASETS:
        refuse(choice, ["columns", "drop", "sep"], f"is for files; {data} has its own columns")
        yield _array(load_by_name(data)[0], data, model)
        return
    source = find_source(data)
    with readable(source):
        if source.ending.kind == ".npz":
            refuse(choice, ["columns", "drop", "sep"], NO_TABLE.format(source.name))
            yield _array(read_npz_input(source, model.target), source.name, model)
        elif model.names is None:
            yield _unnamed(source, choice, model)
        elif source.is_text:
            yield from _text_parts(source, choice, model)
        else:
            frame = read_table(source, choice).frame
            needed = _chosen(list(frame), source.name, choice, model)
            yield _typed(frame[needed], model, source)


def _array(X: Any, name: str, model: ModelInput) -> Any:
    if model.names is not None:
        raise CommandError(
            f"{name} is an array, and the model needs a table with the columns "
            f"{listed(model.names).removeprefix('it has ')}"
        )
    if X.shape[1:] != model.shape:
        raise CommandError(
            f"one sample of {name} has the shape {_text(X.shape[1:])}, but the model was trained "
            f"on samples of {_text(model.shape)}"
        )
    return X


def _text(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _unnamed(source: Source, choice: Choice, model: ModelInput) -> "np.ndarray":
    """Return the columns of a table in their order, for a model that was trained on an array."""
    if len(model.shape) > 1:
        raise CommandError(
            f"the model was trained on samples of {_text(model.shape)}: pass an array X in an "
            f".npz file, and not the table {source.name}"
        )
    frame = read_table(source, choice).frame
    given = list(choice.columns or frame)
    for option, asked in (("columns", choice.columns), ("drop", choice.drop)):
        _check_known(asked or (), list(frame), source.name, f"--{option}: ")
    ignored = {*(choice.drop or ()), *(() if choice.columns else (model.target,))}
    kept = [name for name in given if name not in ignored]
    if len(kept) != len(model.kinds):
        raise CommandError(
            f"the model was trained on {len(model.kinds)} columns without names, and "
            f"{source.name} has {len(kept)}: choose them with --columns, in the order of training"
        )
    if TEXT not in model.kinds:
        for name in kept:
            if frame[name].dtype.kind not in "iufb":
                frame[name] = _floats(frame[name], source)
    array: np.ndarray = frame[kept].to_numpy()
    return array


def _chosen(known: list[str], name: str, choice: Choice, model: ModelInput) -> list[str]:
    """Return the columns of the model, or raise an error that names all missing ones."""
    for option, asked in (("columns", choice.columns), ("drop", choice.drop)):
        _check_known(asked or (), known, name, f"--{option}: ")
    allowed = [c for c in choice.columns or known if c not in (choice.drop or ())]
    needed = model.names or []
    _check_known(needed, allowed, name, "")
    return needed


def _check_known(needed: Sequence[str], known: Sequence[str], file: str, start: str) -> None:
    missing = [name for name in needed if name not in known]
    if not missing:
        return
    spare = [name for name in known if name not in needed]
    hints = [did_you_mean(name, spare) for name in missing[:10]]
    if len(missing) == len(needed) and 2 * sum(map(bool, hints)) < len(hints):
        hints = [""] * len(hints)  # another table, in which one name happens to be similar
    shown = ", ".join(f"{name!r}{text}" for name, text in zip(missing, hints, strict=False))
    more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
    columns = "the column" if len(missing) == 1 else f"{len(missing)} columns"
    raise CommandError(f"{start}{file} lacks {columns} {shown}{more}; {listed(known)}")


def _text_parts(source: Source, choice: Choice, model: ModelInput) -> Iterator["pd.DataFrame"]:
    """Yield the columns of the model in a text, whose types are those of the training."""
    layout, _ = find_layout(source, choice.sep)
    first = parse(source, layout, nrows=1)
    if not len(first):
        raise CommandError(f"{source.name} has no rows below the names of its columns")
    needed = _chosen(list(first), source.name, choice, model)
    forms = model.writing.forms if model.writing.sep == layout.sep else {}
    as_text = {
        name: str
        for i, name in enumerate(needed)
        if model.kinds[i] == TEXT or i in model.long or name in forms
    }
    # Each name is given without the spaces around it. All columns are read, because pandas accepts
    # rows with too many fields if it reads some columns only.
    options = {"names": list(first), "header": 0, "dtype": as_text}
    for part in parse_parts(source, layout, _PART, **options):
        yield _typed(part[needed], model, source, layout.sep, forms)


def _typed(
    frame: "pd.DataFrame",
    model: ModelInput,
    source: Source,
    sep: str = "",
    forms: Mapping[str, str] | None = None,
) -> "pd.DataFrame":
    """Return a table with numbers in the columns of numbers that were read as texts."""
    read = {}
    for name, kind in zip(frame, model.kinds, strict=True):
        texts = frame[name].dropna()
        if kind == TEXT or texts.dtype.kind in "iufb" or not texts.map(type).eq(str).all():
            continue
        if kind == CODES and texts.str.fullmatch(_WHOLE).all():
            read[name] = _integers(frame[name])
            continue
        form = (forms or {}).get(name)
        if form is None or not is_written_as(texts, form):
            form = number_form(frame[name], sep) if sep else None
        what = "True, False or numbers" if kind == CODES else "numbers"
        column = frame[name]
        read[name] = to_numbers(column, form) if form else _floats(column, source, what)
    numbers = frame.assign(**read)
    check_finite(numbers, source.name)
    return numbers


def _integers(column: "pd.Series") -> "pd.Series":
    """Return texts as integers of any size. Floats would merge some of these."""
    import pandas as pd

    values = [int(text) if isinstance(text, str) else None for text in column]
    return pd.Series(values, column.index, dtype=object)


def _floats(column: "pd.Series", source: Source, expected: str = "numbers") -> "pd.Series":
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    wrong = (numbers.isna() & column.notna()).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise CommandError(
            f"column {column.name!r} of {source.name} holds {str(column.iloc[row])!r:.40} in row "
            f"{int(column.index[row]) + 1:,}, and the model expects {expected} there"
        )
    return numbers.astype("float64")
