"""Synchronisation of a Keras model with the compiled program that trains the model's network."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


class ModelMirror:
    """Synchronises a Keras model with the compiled program that trains the model's network.

    The model receives the trained values, and the program receives changes of the model.

    Parameters
    ----------
    variables : sequence of keras.Variable
        The variables of the model to synchronise.
    read : callable
        Returns the values of the variables in the program.
    write : callable
        Takes the list of values of the variables, and a list of booleans that state which values
        were changed. Sets the values in the program.

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
        """Set the variables of the model to their values in the program."""
        if self.is_stale:
            self._values = self._read()
            for variable, value in zip(self.variables, self._values, strict=True):
                variable.assign(value)
            self.is_stale = False

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Context manager in which callbacks read and change the model.

        The model is updated from the program on entry. The changes of the callbacks are written to
        the program on exit.
        """
        self.update()
        yield
        values = [np.array(v.numpy()) for v in self.variables]
        pairs = zip(values, self._values, strict=True)
        changed = [not np.array_equal(new, old, equal_nan=True) for new, old in pairs]
        if any(changed):
            self._write(values, changed)
            self._values = values
