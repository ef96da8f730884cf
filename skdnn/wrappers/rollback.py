"""Restore an estimator if a fit fails or is interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from skdnn.wrappers.scikeras_compat import as_array, keras

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


@contextmanager
def restored_on_failure(estimator: "BaseWrapper", trained: keras.Model | None) -> Iterator[None]:
    """Context manager that restores an estimator and a model if the body fails or is interrupted.

    Parameters
    ----------
    estimator : BaseWrapper
        The estimator, whose attributes are all restored.
    trained : keras.Model or None
        A model that is trained in place. The network weights and the optimizer state are restored.
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
