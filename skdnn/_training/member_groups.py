"""Trains an ensemble in groups of members, each in a compiled program and a thread of its own."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from skdnn._network.spec import State
from skdnn._training.dense_program import Program
from skdnn._training.dense_program_key import Constants, ProgramKey
from skdnn._training.program_cache import ProgramCache
from skdnn._training.session import Threads
from skdnn._training.workers import Workers
from skdnn._utils.tensorflow import keras

# Optimizers whose step of one value depends on the gradients of this value only. An ensemble member
# is then trained in the same way with and without the other members.
_ELEMENTWISE = {
    getattr(keras.optimizers, name)
    for name in (
        "Adadelta",
        "Adagrad",
        "Adam",
        "AdamW",
        "Adamax",
        "Ftrl",
        "Lion",
        "Nadam",
        "RMSprop",
        "SGD",
    )
    if hasattr(keras.optimizers, name)
}


@contextmanager
def lent_program(
    programs: ProgramCache, key: ProgramKey, n_threads: int | None
) -> "Iterator[Program | GroupedProgram]":
    """Context manager that yields the compiled program of a network.

    Parameters
    ----------
    programs : ProgramCache
        The cache of compiled programs.
    key : ProgramKey
        The key of the program of the whole network.
    n_threads : int or None
        The number of threads. None trains the network in one program.
    """
    n_groups = count_groups(key, n_threads)
    with ExitStack() as stack:
        if n_groups == 1:
            yield stack.enter_context(programs.lend(key, Program))
            return
        groups: list[Group] = []
        for members in np.array_split(np.arange(_n_members(key)), n_groups):
            own = replace(key, spec=key.spec.with_members(len(members)))
            alike = [group.program.copy for group in groups if group.program.key == own]
            # Programs with the same key share the compiled functions.
            make = (lambda _, copy=alike[0]: copy()) if alike else Program
            program = stack.enter_context(programs.lend(own, make))
            groups.append(Group(program, slice(int(members[0]), int(members[-1]) + 1)))
        workers = stack.enter_context(Workers(n_groups))
        yield GroupedProgram(key, groups, workers)


def count_groups(key: ProgramKey, n_threads: int | None) -> int:
    """Return the number of groups in which an ensemble is trained with a number of threads.

    The number is 1 if ensemble members depend on each other: if they share weights that are
    trained, or if the optimizer computes norms over the weights of several members.
    """
    optimizer = key.optimizer
    clips = any(optimizer.config.get(name) is not None for name in ("clipnorm", "global_clipnorm"))
    if clips or optimizer.kind not in _ELEMENTWISE or key.spec.shares_trained_weights:
        return 1
    return min(n_threads or 1, _n_members(key))


def _n_members(key: ProgramKey) -> int:
    """Return the number of ensemble members of each architecture."""
    return key.spec.n_members // len(key.spec.outputs)


class Group(NamedTuple):
    """Some ensemble members of each architecture, and the program that trains them.

    Parameters
    ----------
    program : Program
        The program of a network with these members only.
    members : slice
        The positions of the members among those of an architecture.
    """

    program: Program
    members: slice

    @property
    def size(self) -> int:
        """The number of members of each architecture."""
        return int(self.members.stop - self.members.start)


class GroupedProgram:
    """The programs of groups of ensemble members, which are used like the program of the ensemble.

    All groups take the same steps at the same time, so that reports see the whole ensemble.

    Parameters
    ----------
    key : ProgramKey
        The key of the program of the whole network.
    groups : list of Group
        The groups, in the order of their members.
    workers : Workers
        The threads, one for each group.
    """

    def __init__(self, key: ProgramKey, groups: Sequence[Group], workers: Workers):
        self.key = key
        self._groups = groups
        self._workers = workers
        self._n_members = _n_members(key)

    @property
    def stride(self) -> int:
        """The maximum number of steps in one graph call."""
        return self._groups[0].program.stride

    @stride.setter
    def stride(self, stride: int) -> None:
        for group in self._groups:
            group.program.stride = stride

    @property
    def work(self) -> int:
        """The number of multiply-adds of the forward pass of one row in the largest group."""
        return max(group.program.work for group in self._groups)

    @property
    def n_branches(self) -> int:
        """The number of independent parts of a step of a group."""
        return self._groups[0].program.n_branches

    @property
    def n_groups(self) -> int:
        """The number of groups."""
        return len(self._groups)

    def load(
        self, state: State, learning_rate: float | None, rng: np.random.Generator, threads: Threads
    ) -> None:
        """Set every variable, as `Program.load` does. `threads` are those of each group."""
        seeds = state.seeds or self._groups[0].program.fresh_seeds(rng)
        state = replace(state, seeds=seeds)

        def load(group: Group) -> None:
            group.program.load(self._part(state, group), learning_rate, rng, threads)

        self._workers.map(load, self._groups)

    def restore(self, state: State) -> None:
        """Restore a state that `read` returned."""

        def restore(group: Group) -> None:
            group.program.restore(self._part(state, group))

        self._workers.map(restore, self._groups)

    def _part(self, state: State, group: Group) -> State:
        """Return the state of the members of a group."""
        weights = self.key.spec.select_members(state.weights, group.members)
        slots = state.optimizer
        if slots is not None:
            # All weights that are trained have an axis for the members, and so have the arrays of
            # an elementwise optimizer. The other variables of the optimizer are numbers.
            slots = [array[group.members] if np.ndim(array) else array for array in slots]
        return State(weights, slots, state.seeds)

    def read(self) -> State:
        """Return a copy of every variable as the state of the whole ensemble."""
        states = self._workers.map(lambda group: group.program.read(), self._groups)
        weights = zip(*(state.weights for state in states), strict=True)
        slots = zip(*(state.optimizer or [] for state in states), strict=True)
        has_axis = self.key.spec.has_member_axis
        return State(
            [np.concatenate(w) if x else w[0] for w, x in zip(weights, has_axis, strict=True)],
            [np.concatenate(s) if np.ndim(s[0]) else s[0] for s in slots],
            states[0].seeds,
        )

    def learning_rate(self) -> float:
        """Return the optimizer's current learning rate."""
        return self._groups[0].program.learning_rate()

    def run(
        self,
        name: str,
        rows: Sequence[np.ndarray],
        bounds: np.ndarray,
        constants: Constants,
        rates: np.ndarray | None = None,
    ) -> np.ndarray:
        """Train or evaluate on consecutive batches, as `Program.run` does."""

        def run(group: Group) -> np.ndarray:
            own_rows, own_bounds = self._rows(rows, bounds, group)
            own = constants._replace(first_member=group.members.start)
            return group.program.run(name, own_rows, own_bounds, own, rates)

        results: np.ndarray = np.stack(self._workers.map(run, self._groups))
        shares = np.array([group.size / self._n_members for group in self._groups])
        if self.key.penalized:  # the penalty is a sum over the members, and the rest are means
            last = results[..., -1:]
            results = np.concatenate([results[..., :-1], last / shares[:, None, None]], axis=-1)
        merged: np.ndarray = np.tensordot(shares, results, axes=1)
        return merged

    def _rows(
        self, rows: Sequence[np.ndarray], bounds: np.ndarray, group: Group
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the rows of a group with the weights for its members, and bounds of batches."""
        x, y, weight = rows
        if weight.ndim == 1:  # row i is of fold i % n_members, which is the fold of this member
            own = [self._fold_rows(array, group) for array in rows]
            return own, bounds // self._n_members * group.size
        by_architecture = weight.reshape(len(weight), -1, self._n_members)
        return [x, y, by_architecture[:, :, group.members].reshape(len(weight), -1)], bounds

    def _fold_rows(self, array: np.ndarray, group: Group) -> np.ndarray:
        """Return the rows of the folds of a group."""
        by_fold = array.reshape(-1, self._n_members, *array.shape[1:])
        own: np.ndarray = by_fold[:, group.members].reshape(-1, *array.shape[1:])
        return own
