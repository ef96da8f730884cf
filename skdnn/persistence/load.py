"""`load`: reads a fitted estimator from a file, and runs no code of it."""

import os
from typing import Any

from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.regressor import DNNRegressor
from skdnn.persistence.container import read_container
from skdnn.persistence.estimator_records import estimator_of, read_metadata
from skdnn.persistence.fields import Arrays, Fields, named_errors
from skdnn.persistence.open_file import check_path


def load(path: str | os.PathLike[str]) -> DNNClassifier | DNNRegressor:
    """Read a fitted estimator from a `.skdnn` file.

    Loading runs no code of the file, and looks up no class or function by a name in it. The whole
    file is checked before anything is computed. So files from untrusted sources are safe to load,
    but their predictions may be wrong. TensorFlow is not imported.

    Parameters
    ----------
    path : str or path
        A file that `save` has written.

    Returns
    -------
    estimator : DNNClassifier or DNNRegressor
        The fitted estimator. It makes the same predictions as the saved one, and has the same
        parameters and fitted attributes, except `callbacks_`. `fit` trains it anew. `partial_fit`
        and `warm_start` continue training if the file was saved with `profile="resume"`.

    Raises
    ------
    TypeError
        If the path is not the name of a file.
    InvalidFileError
        If the file is not a `.skdnn` file, is damaged, or needs a newer version of skdnn.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Write a `.skdnn` file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_diabetes
    >>> import skdnn
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = skdnn.DNNRegressor((10,), epochs=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "diabetes.skdnn")
    ...     skdnn.save(reg, path)
    ...     loaded = skdnn.load(path)
    >>> loaded.n_iter_, loaded.score(X, y) == reg.score(X, y)
    (5, True)
    """
    check_path(path, "load")
    return load_with_metadata(path)[0]


def load_with_metadata(
    path: str | os.PathLike[str],
) -> tuple[DNNClassifier | DNNRegressor, dict[str, Any]]:
    """Read a fitted estimator as `load` does, and what the user has stored with it."""
    container = read_container(path)
    with named_errors(os.fsdecode(path), container.skdnn_version):
        metadata = read_metadata(Fields(container.document, "", Arrays({})))
        return estimator_of(container), metadata
