"""The version of skdnn in the state of a pickled object, and the warning of another version."""

import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

from skdnn import __version__

_KEY = "_skdnn_version"
# What to do in the version that wrote a pickle, so that later versions can read the object.
SAVE_FILE = "save it there by skdnn.save, whose files every later version reads"
SAVE_NETWORK = (
    "save its network there by model_.save('network.keras'), and here pass "
    "keras.saving.load_model('network.keras') as model= and call initialize(X, y)"
)


class _OtherVersionWarning(InconsistentVersionWarning):
    """scikit-learn's warning with the name of the package whose versions differ."""

    def __init__(self, *, advice: str | None, **fields: str):
        super().__init__(**fields)
        self.advice = advice

    def __str__(self) -> str:
        return (
            f"Trying to unpickle estimator {self.estimator_name} from version "
            f"{self.original_sklearn_version} of skdnn when using version "
            f"{self.current_sklearn_version} of skdnn. This may fail or give wrong results: make "
            "it again with this version, or load it with the version that wrote it"
            f"{', and ' + self.advice if self.advice else ''}."
        )


def with_version(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an object with the version of skdnn as one more entry."""
    return {**state, _KEY: __version__}


def checked_version(state: dict[str, Any], owner: str, advice: str | None = None) -> dict[str, Any]:
    """Return a state without the version of skdnn, and warn if another version has written it.

    Parameters
    ----------
    state : dict
        The state that `with_version` returned, or an older state without a version.
    owner : str
        The name of the class of the object, for the warning.
    advice : str or None, default=None
        What to do with the object in the version that wrote it, for the warning.
    """
    written_by = state.get(_KEY, "unknown (early)")  # the first versions wrote no version
    if written_by != __version__:
        warnings.warn(
            _OtherVersionWarning(
                estimator_name=owner,
                current_sklearn_version=__version__,
                original_sklearn_version=written_by,
                advice=advice,
            ),
            stacklevel=3,
        )
    return {name: value for name, value in state.items() if name != _KEY}
