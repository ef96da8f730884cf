"""The command-line interface `skdnn`."""

from skdnn.cli.main import main

__all__ = ["main"]
