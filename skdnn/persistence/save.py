"""`save`: writes a fitted estimator to a file that contains no code."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from skdnn._utils.sklearn_compat import has_callbacks
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.regressor import DNNRegressor
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.container import write_container
from skdnn.persistence.estimator_records import CLASSES, PROFILES, document_of
from skdnn.persistence.fields import MOST_TEXT
from skdnn.persistence.open_file import check_path
from skdnn.persistence.value_records import write_value
from skdnn.typing import Profile

_MOST_METADATA = 1000  # entries


def save(
    estimator: DNNClassifier | DNNRegressor,
    path: str | os.PathLike[str],
    *,
    profile: Profile = "predict",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a fitted estimator to a `.skdnn` file, which runs no code when it is loaded.

    The file is a safetensors file. It contains the arrays, and a description of the estimator as
    JSON. An existing file is replaced only when the new one is complete, so an error or a crash
    leaves it unchanged.

    Parameters
    ----------
    estimator : DNNClassifier or DNNRegressor
        The fitted estimator. Its parameters must be numbers, text, or lists, tuples, dicts and
        arrays of these.
    path : str or path
        The file to write, usually with the ending `.skdnn`. An existing file is replaced.
    profile : {"predict", "resume"}, default="predict"
        What the file contains:

        - "predict": all that predictions need: weights, preprocessing and classes. It also
          contains `history_`.
        - "resume": also the state of the optimizer and of the random generator. `partial_fit` and
          `warm_start` then continue training exactly as without saving. The file is about three
          times as large.

    metadata : dict of str to str, int, float or bool, default=None
        Values to store in the file, such as the name of the target. `skdnn info` prints them.

    Raises
    ------
    TypeError
        If the estimator is of another class, or a parameter is an object that a file cannot hold,
        such as a Keras optimizer or a function. Also if the path is not the name of a file.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the profile or the metadata is not valid, or the estimator was fitted on a table with
        more than about 8,000 columns of text categories.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read a `.skdnn` file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> import skdnn
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = skdnn.DNNClassifier((10,), epochs=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.skdnn")
    ...     skdnn.save(clf, path, metadata={"target": "species"})
    ...     loaded = skdnn.load(path)
    >>> bool(np.array_equal(loaded.predict_proba(X), clf.predict_proba(X)))
    True
    """
    _check_estimator(estimator)
    check_path(path, "save")
    if profile not in PROFILES:
        raise ValueError(
            f"The 'profile' parameter of save must be 'predict' or 'resume'. Got {profile!r}."
        )
    if profile == "resume" and vars(estimator)["_continuation"] is None:
        raise ValueError(
            "profile='resume' of save needs the state of the optimizer, but the estimator was "
            "loaded from a file without it: use profile='predict', or fit again."
        )
    document, arrays = document_of(estimator, profile, _checked_metadata(metadata))
    try:
        write_container(path, document, arrays)
    except InvalidFileError as error:  # a limit of the format
        raise ValueError(
            f"This {type(estimator).__name__} is too large for a .skdnn file. {error} Use pickle, "
            "or fit it on fewer columns of categories."
        ) from None


def _check_estimator(estimator: Any) -> None:
    """Raise an error unless the object is a fitted DNNClassifier or DNNRegressor."""
    kind = type(estimator)
    if kind not in CLASSES.values():
        raise TypeError(
            f"save writes a fitted DNNClassifier or DNNRegressor. Got {_described(estimator)}"
        )
    if "_network" not in vars(estimator):
        raise NotFittedError(
            f"save writes fitted estimators, but this {kind.__name__} is not fitted: call "
            "fit(X, y) first."
        )
    if has_callbacks(estimator):
        raise TypeError(
            f"A .skdnn file cannot hold the callbacks that were passed to set_callbacks of this "
            f"{kind.__name__}: call set_callbacks() before saving, or use pickle."
        )


def _described(value: Any) -> str:
    """Return what a value is that cannot be saved, and what to do instead."""
    name = type(value).__name__
    if isinstance(value, type):
        return f"the class {value.__name__}: fit an object of it, {value.__name__}().fit(X, y)."
    bases = {base.__module__ + "." + base.__name__ for base in type(value).__mro__}
    if "skdnn.wrappers.base.BaseWrapper" in bases:
        return (
            f"{name}, whose network may have code of its own: save the Keras model with "
            "estimator.model_.save('model.keras'), or the whole estimator with pickle."
        )
    if "skdnn.dnn.base.BaseDNN" in bases:
        return f"{name}, a class of your own, which may have code of its own: use pickle."
    if hasattr(value, "steps") or hasattr(value, "transformers"):
        return f"{name}: write it with skops.io.dump, which skdnn supports."
    if hasattr(value, "best_estimator_"):
        return f"{name}: save the estimator that it has found, search.best_estimator_."
    if hasattr(value, "param_grid") or hasattr(value, "param_distributions"):
        return f"{name}, which is not fitted: fit it, and save search.best_estimator_."
    if isinstance(value, BaseEstimator):
        return f"{name}: write it with skops.io.dump."
    if isinstance(value, str | bytes | os.PathLike):
        return f"the path {value!r:.100}: write save(estimator, path)."
    return f"{name}."


def _checked_metadata(metadata: Any) -> dict[str, Any]:
    if metadata is None:
        return {}
    expected = "must be a dict of text to text, numbers or booleans"
    if not isinstance(metadata, Mapping):
        raise TypeError(f"The 'metadata' parameter of save {expected}. Got {metadata!r:.100}.")
    found = {}
    for name, value in metadata.items():
        plain = value.item() if isinstance(value, np.generic) else value
        if not isinstance(name, str) or not isinstance(plain, str | bool | int | float):
            raise TypeError(
                f"The 'metadata' parameter of save {expected}. Got {name!r:.60}: {value!r:.60}."
            )
        if max(len(name), len(plain) if isinstance(plain, str) else 0) > MOST_TEXT:
            raise ValueError(
                f"The 'metadata' parameter of save {expected} of at most {MOST_TEXT:,} "
                f"characters. {name!r:.60} has more."
            )
        try:
            write_value(name, "the name")
            write_value(plain, f"{name!r:.60}")
        except TypeError as error:
            raise ValueError(f"The 'metadata' parameter of save is not valid: {error}.") from None
        found[name] = plain
    if len(found) > _MOST_METADATA:
        raise ValueError(
            f"The 'metadata' parameter of save must have at most {_MOST_METADATA:,} entries. Got "
            f"{len(found):,}."
        )
    return found
