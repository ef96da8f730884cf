"""Check the output layer of the network of a regressor."""

import numpy as np

from skdnn.wrappers.scikeras_compat import keras


def check_units(model: keras.Model, y: np.ndarray, n_outputs: int, owner: str) -> None:
    """Raise an error if the number of units of a network differs from the number of columns of y.

    Parameters
    ----------
    model : keras.Model
        The network. Nothing is checked if the network has several outputs, or an output with a
        number of dimensions other than 2.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Encoded targets.
    n_outputs : int
        Number of columns of y.
    owner : str
        Name of the estimator, for error messages.
    """
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or y.ndim > 2:
        return
    units = shape[1]
    if units != n_outputs:
        raise ValueError(
            f"The network of {owner} returns {units} value{'s' if units > 1 else ''} for each "
            f"sample, but y has {n_outputs}: end it with Dense({n_outputs})."
        )
