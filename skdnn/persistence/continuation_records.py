"""What training needs to go on <-> a record and arrays: optimizer, dropout seeds and generator."""

from dataclasses import replace
from typing import Any

import numpy as np

from skdnn._network.layers import Dropout
from skdnn._network.spec import NetworkSpec, State
from skdnn.dnn.fitted import Continuation
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.fields import LARGEST_SIZE, MOST_TEXT, Fields

_MOST_SLOTS = 16_384
_SLOT_DTYPES = ("bool", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64")


def continuation_record(
    continuation: Continuation, state: State, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return the record of what training needs, and add its arrays to those of the file.

    Parameters
    ----------
    continuation : Continuation
        The generator, the seed of the split, and the texts of loss and optimizer.
    state : State
        The state of the network, of which the optimizer and the seeds are written.
    arrays : dict of ndarray
        The arrays of the file.
    """
    record: dict[str, Any] = {
        "loss": continuation.loss,
        "optimizer": continuation.optimizer,
        "split_seed": int(continuation.split_seed),
        "generator": _generator_record(continuation.rng),
    }
    for name, values in (("slots", state.optimizer), ("seeds", state.seeds)):
        record[f"n_{name}"] = None if values is None else len(values)
        for i, value in enumerate(values or []):
            arrays[f"continuation.{name}[{i}]"] = np.asarray(value)
    return record


def _generator_record(rng: np.random.Generator) -> dict[str, Any]:
    state = rng.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise TypeError(
            f"A .skdnn file holds the state of PCG64, not of {state['bit_generator']}: save with "
            "profile='predict', or fit again."
        )
    return {
        "type": "PCG64",
        "state": int(state["state"]["state"]),
        "increment": int(state["state"]["inc"]),
        "has_uint32": bool(state["has_uint32"]),
        "uint32": int(state["uinteger"]),
    }


def read_continuation(
    fields: Fields, spec: NetworkSpec, state: State
) -> tuple[Continuation, State]:
    """Return what training needs, and the network's state with optimizer and seeds."""
    loss = fields.text("loss", MOST_TEXT)
    optimizer = fields.take("optimizer")
    if optimizer is not None and (type(optimizer) is not str or len(optimizer) > MOST_TEXT):
        raise fields.error("optimizer", optimizer, "a text is expected")
    split_seed = fields.integer("split_seed", 0, LARGEST_SIZE)
    rng = _read_generator(fields.record("generator"))
    n_slots = fields.optional_integer("n_slots", 0, _MOST_SLOTS)
    n_seeds = fields.optional_integer("n_seeds", 0, _MOST_SLOTS)
    slots = None if n_slots is None else [_read_slot(fields, i) for i in range(n_slots)]
    seeds = None if n_seeds is None else [_read_seed(fields, i) for i in range(n_seeds)]
    n_dropouts = sum(isinstance(row.layer, Dropout) for row in spec.rows())
    if seeds is not None and len(seeds) != n_dropouts:
        raise InvalidFileError(f"{fields.where} has {len(seeds)} seeds, not {n_dropouts}")
    fields.end()
    state = replace(state, optimizer=slots, seeds=seeds)
    return Continuation(rng, split_seed, loss, optimizer), state


def _read_slot(fields: Fields, i: int) -> np.ndarray:
    name = f"{fields.where}.slots[{i}]"
    n_axes = fields.arrays.n_axes(name)
    return fields.arrays.take(name, _SLOT_DTYPES, (None,) * n_axes)


def _read_seed(fields: Fields, i: int) -> np.ndarray:
    return fields.array(f"seeds[{i}]", ("int64", "uint32"), (2,))


def _read_generator(fields: Fields) -> np.random.Generator:
    fields.choice("type", ("PCG64",))
    bits = np.random.PCG64(0)
    increment = fields.integer("increment", 1, 2**128 - 1)
    if increment % 2 == 0:
        raise fields.error("increment", increment, "an odd integer is expected")
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": fields.integer("state", 0, 2**128 - 1), "inc": increment},
        "has_uint32": int(fields.flag("has_uint32")),
        "uinteger": fields.integer("uint32", 0, 2**32 - 1),
    }
    fields.end()
    return np.random.Generator(bits)
