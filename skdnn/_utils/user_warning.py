"""Warnings that point at the line of the user."""

import inspect
import warnings

_PACKAGES = {"joblib", "skdnn", "sklearn"}


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning that points at the first caller outside skdnn, scikit-learn and joblib."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and _package(frame.f_globals) in _PACKAGES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(namespace: dict[str, object]) -> str:
    return str(namespace.get("__name__", "")).partition(".")[0]
