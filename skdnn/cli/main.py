"""The entry point, the parser and the error handling of the command `skdnn`."""

import argparse
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

from skdnn import __version__
from skdnn.cli import compare, export, info, predict, train
from skdnn.cli.errors import CommandError, did_you_mean, in_options, one_line, say


class _Command(NamedTuple):
    """The functions and texts of a subcommand."""

    run: Callable[[argparse.Namespace], None]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    about: str
    description: str
    manual: str


_COMMANDS = {
    "train": _Command(
        train.run,
        train.add_arguments,
        "train a network on a file, and save it",
        train.DESCRIPTION,
        train.MANUAL,
    ),
    "predict": _Command(
        predict.run,
        predict.add_arguments,
        "predict the rows of a file with a saved network",
        predict.DESCRIPTION,
        predict.MANUAL,
    ),
    "export": _Command(
        export.run,
        export.add_arguments,
        "write a saved network as ONNX",
        export.DESCRIPTION,
        export.MANUAL,
    ),
    "info": _Command(
        info.run,
        info.add_arguments,
        "show what is in a saved network",
        info.DESCRIPTION,
        info.MANUAL,
    ),
    "compare": _Command(
        compare.run,
        compare.add_arguments,
        "cross-validate the network side by side with tree ensembles",
        compare.DESCRIPTION,
        compare.MANUAL,
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `skdnn` and return its exit status.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments. None uses the arguments of the command line.

    Returns
    -------
    status : int
        Exit status. 0 is success and 2 is bad input. 130 means that Ctrl-C stopped the command.
        141 means that the reader of the output closed the pipe.

    Examples
    --------
    >>> from skdnn.cli import main
    >>> main(["compare", "iris", "--models", "k-means"])
    2
    """
    prog = "skdnn"
    try:
        args = _arguments(argv)
        if args.command is None:
            return 0
        prog = f"skdnn {args.command}"
        with warnings.catch_warnings():
            warnings.showwarning = partial(_show_warning, prog)
            _COMMANDS[args.command].run(args)
        if sys.stdout is not None:  # None if it is closed
            sys.stdout.flush()
    except CommandError as error:
        say(f"{error.prog or prog}: error: {error}")
        return 2
    except KeyboardInterrupt:
        say(f"\n{prog}: stopped")
        return 130
    except BrokenPipeError:
        _drop_output()
        return 141
    except MemoryError:
        say(f"{prog}: error: there is too little memory for this data")
        return 2
    except ImportError as error:  # such as TensorFlow, which a server can do without
        say(f"{prog}: error: {one_line(error)}")
        return 2
    except OSError as error:  # such as a full disk, which is no fault of the program
        file = f"{error.filename}: " if error.filename else ""
        say(f"{prog}: error: {file}{error.strerror or one_line(error)}")
        _drop_output()
        return 2
    return 0


def _drop_output() -> None:
    """Drop what is not yet written, or Python would raise the error again when it ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """Parser that reports a bad argument on one line, in the same form as other bad input."""

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        hint = did_you_mean(wrong[1], re.findall(r"[\w-]+", wrong[2])) if wrong else ""
        raise CommandError(f"{message}{hint} (see {self.prog} --help)", self.prog)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed arguments. If no command is given, print the help."""
    parser, commands = _parsers()
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        parser = commands.get(args.command, parser)
        known = re.findall(r"--[\w-]+", parser.format_usage())
        parser.error(f"unknown argument {unknown[0]}{did_you_mean(unknown[0], known)}")
    if args.command is None:
        parser.print_help()
    return args


def _parsers() -> tuple[_Parser, dict[str, _Parser]]:
    """Return the parser, and that of each command by its name."""
    parser = _Parser(
        prog="skdnn",
        description="A deep neural network as a scikit-learn estimator.",
        epilog="'skdnn COMMAND --help' prints the manual of a command.",
    )
    parser.add_argument("--version", action="version", version=f"skdnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in _COMMANDS.items():
        command.add_arguments(
            commands.add_parser(
                name,
                help=command.about,
                formatter_class=argparse.RawDescriptionHelpFormatter,
                description=command.description,
                epilog=command.manual,
            )
        )
    return parser, dict(commands.choices)


def _show_warning(prog: str, message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"{prog}: warning: {in_options(str(message).splitlines()[0])}")
