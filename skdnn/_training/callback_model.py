"""A Keras model that shows what a compiled program has trained, and takes changes back to it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


class ModelMirror:
    """Keeps the variables of a Keras model equal to those of the program that trains in its place.

    Parameters
    ----------
    variables : sequence of keras.Variable
        Of the model: those that are kept equal.
    read : callable
        Returns their values in the program.
    write : callable
        Is given all values, and for each whether it was changed; sets those of the program.

    Attributes
    ----------
    is_stale : bool
        Whether the program has trained since the model was last updated.
    """

    def __init__(
        self,
        variables: Sequence[Any],
        read: Callable[[], list[np.ndarray]],
        write: Callable[[list[np.ndarray], list[bool]], None],
    ):
        self.variables = variables
        self.is_stale = True
        self._read = read
        self._write = write
        self._values: list[np.ndarray] = []

    def update(self) -> None:
        """Set the model's variables to their values in the program."""
        if self.is_stale:
            self._values = self._read()
            for variable, value in zip(self.variables, self._values, strict=True):
                variable.assign(value)
            self.is_stale = False

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Update the model for callbacks to see, and then the program with what they changed."""
        self.update()
        yield
        values = [np.array(v.numpy()) for v in self.variables]
        pairs = zip(values, self._values, strict=True)
        changed = [not np.array_equal(new, old, equal_nan=True) for new, old in pairs]
        if any(changed):
            self._write(values, changed)
            self._values = values
