"""Errors of the command that are printed on one line, and the texts of their messages."""

import re
import sys
from collections.abc import Iterable, Sequence

from skdnn._utils.text import encodable, nearest

# Texts of messages for Python -> what they are for the command
_TEXTS = {
    "X.drop(columns=[...])": "--drop NAME,NAME",
    "Name them in categorical_features or drop them if": "Use --drop NAME,NAME if",
    "convert y to numbers, or set": "convert it to numbers, or write",
}
# Code for columns of dates and text, which a shell has no place for
_CODE = re.compile(
    r", such as with (pd\..* or )?make_pipeline\(skrub.*?\.\.\.\)(, or name them \w+ \w+)?"
)
_ON_THE_PAGE = "see 'Dates, identifiers and free text' in the user guide"


class CommandError(Exception):
    """Error for bad input to the command, printed for the user on one line.

    Parameters
    ----------
    message : str
        Description of the problem and of the correct input.
    prog : str, default=None
        Name of the command in the printed line. None means the command that is running.
    """

    def __init__(self, message: str, prog: str | None = None):
        super().__init__(message)
        self.prog = prog


def say(text: str) -> None:
    """Print a text to standard error."""
    print(encodable(text, sys.stderr), file=sys.stderr)  # noqa: T201 - the command prints


def did_you_mean(name: str, known: Iterable[object]) -> str:
    """Return a hint with the known names most similar to `name`, or an empty string."""
    near = nearest(name, map(str, known))
    return f" (did you mean {near}?)" if near else ""


def listed(names: Sequence[object], most: int = 10) -> str:
    """Return the text "it has ..." with the first `most` names and the number of omitted names."""
    shown = ", ".join(map(str, names[:most]))
    return f"it has {shown}" + (f" and {len(names) - most} more" if len(names) > most else "")


def one_line(error: BaseException) -> str:
    """Return the message of an error on one line, or the type of an error without a message."""
    return " ".join(str(error).split()) or type(error).__name__


def in_options(message: str) -> str:
    """Return a message of a function with the options of the command instead of its parameters."""

    def option(match: re.Match[str]) -> str:
        name = match[1]
        return {"X": "the input", "y": "the target", "n_jobs": "--jobs"}.get(name, f"--{name}")

    message = re.sub(r"[Tt]he '(\w+)' parameter of \w+", option, message)
    message = _CODE.sub(_without_code, message)
    for text, of_command in _TEXTS.items():
        message = message.replace(text, of_command)
    message = re.sub(r"\b(cv|task)='?(\w+)'?", r"--\1 \2", message)
    return message.replace(" of y.", " of the target.")


def _without_code(match: re.Match[str]) -> str:
    drop = ", or use --drop NAME,NAME" if match[1] else ""
    return f" in the file{drop}: {_ON_THE_PAGE}"
