"""`load`: a fitted estimator from a file, without executing anything in it."""

import os
from typing import TYPE_CHECKING

from skdnn.persistence.container import read_container
from skdnn.persistence.estimator_records import estimator_of
from skdnn.persistence.fields import named_errors

if TYPE_CHECKING:
    from skdnn.dnn.classifier import DNNClassifier
    from skdnn.dnn.regressor import DNNRegressor


def load(path: str | os.PathLike[str]) -> "DNNClassifier | DNNRegressor":
    """Read a fitted estimator from a `.skdnn` file.

    Nothing in the file is executed, and no name in it is looked up as a class or a function. The
    whole file is checked before anything is computed. Files of untrusted sources are safe to load;
    whether their predictions are worth anything is another question. TensorFlow is not imported.

    Parameters
    ----------
    path : str or path
        A file that `save` has written.

    Returns
    -------
    estimator : DNNClassifier or DNNRegressor
        The fitted estimator. It predicts exactly as before, has the same parameters and fitted
        attributes except `callbacks_`, and can be fitted anew. `partial_fit` and `warm_start` go
        on if the file was saved with `profile="resume"`.

    Raises
    ------
    InvalidFileError
        If the file is not a `.skdnn` file, is damaged, or needs a newer version of skdnn.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Write such a file.

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
    container = read_container(path)
    with named_errors(os.fsdecode(path)):
        return estimator_of(container)
