"""The command `skdnn`."""

from skdnn.cli.command_line import main

__all__ = ["main"]
