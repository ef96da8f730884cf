"""What a regressor's targets mean for its network."""

import numpy as np

from skdnn.wrappers.scikeras_compat import keras


def check_units(model: keras.Model, y: np.ndarray, n_outputs: int, owner: str) -> None:
    """Check that a network has a unit for each column of y.

    Parameters
    ----------
    model : keras.Model
        The network. Of several outputs, or outputs of a higher rank, nothing is checked.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Encoded targets.
    n_outputs : int
        Number of columns of y.
    owner : str
        Name of the estimator, for errors.
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
