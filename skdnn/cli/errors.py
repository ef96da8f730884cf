"""Errors of the command that are printed in one line, and the words in them."""

from collections.abc import Iterable, Sequence

from skdnn._utils.text import nearest


class CommandError(Exception):
    """Bad input to the command, reported to the user in one line.

    Parameters
    ----------
    message : str
        What was wrong and what to write instead.
    prog : str, default=None
        Name of the command in the report. None is the command that is running.
    """

    def __init__(self, message: str, prog: str | None = None):
        super().__init__(message)
        self.prog = prog


def did_you_mean(name: str, known: Iterable[object]) -> str:
    """Return a hint with the known names most similar to `name`, or an empty string."""
    near = nearest(name, map(str, known))
    return f" (did you mean {near}?)" if near else ""


def listed(names: Sequence[object], most: int = 10) -> str:
    """Return a list of the first `most` names, and how many more there are."""
    shown = ", ".join(map(str, names[:most]))
    return f"it has {shown}" + (f" and {len(names) - most} more" if len(names) > most else "")


def one_line(error: BaseException) -> str:
    """Return the message of an error on one line, or its type if it has no message."""
    return " ".join(str(error).split()) or type(error).__name__
