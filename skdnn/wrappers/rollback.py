"""All or nothing: a fit that fails or is interrupted leaves the estimator as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from skdnn.wrappers.scikeras_compat import as_array, keras

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


@contextmanager
def restored_on_failure(estimator: "BaseWrapper", trained: keras.Model | None) -> Iterator[None]:
    """Restore an estimator and a model where the code inside fails or is interrupted.

    Parameters
    ----------
    estimator : BaseWrapper
        All its attributes are restored.
    trained : keras.Model or None
        A model that is trained in place: its weights and the state of its optimizer are restored.
    """
    attributes = dict(vars(estimator))
    variables = _variables(trained)
    values = [np.array(as_array(variable)) for variable in variables]
    try:
        yield
    except BaseException:
        estimator.__dict__ = attributes
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        raise


def _variables(model: keras.Model | None) -> list[Any]:
    if model is None:
        return []
    optimizer = getattr(model, "optimizer", None)
    return [*model.variables, *(optimizer.variables if optimizer else ())]
