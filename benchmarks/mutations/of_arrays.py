"""Damages arrays so that the file is still consistent in itself."""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from benchmarks.mutations.of_documents import changed_text
from benchmarks.mutations.parts import ITEM_SIZES, Parts

OTHER_DTYPES = ["F16", "BF16", "I8", "U16", "C64", "F8_E4M3", "f4", "", "O"]
FLOATS = ["0000c07f", "0000807f", "000080ff", "ffff7f7f", "00000080", "01000000", "ffffffff"]

Tensor = list[Any]  # name, dtype, shape, bytes


def swap_tensors(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Exchange the names or the contents of two arrays."""
    one, other = rng.choice(tensors), rng.choice(tensors)
    if rng.random() < 0.5:
        one[0], other[0] = other[0], one[0]
    else:
        one[1:], other[1:] = other[1:], one[1:]


def remove_tensor(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Leave one array out."""
    tensors.remove(rng.choice(tensors))


def add_tensor(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Add one array under another name, or replace one by that of another file."""
    name = rng.choice([rng.choice(tensors)[0] + ".more", rng.choice(tensors)[0], "x", ""])
    tensors[:] = [tensor for tensor in tensors if tensor[0] != name]
    source = rng.choice(others).tensors
    if source:
        tensors.append([name, *rng.choice(source)[1:]])


def rename_tensor(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Change the name of an array."""
    tensor = rng.choice(tensors)
    tensor[0] = changed_text(tensor[0], rng)


def resize_tensor(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Give an array more or fewer elements along one axis."""
    tensor = rng.choice(tensors)
    shape = list(tensor[2])
    if shape:
        i = rng.randrange(len(shape))
        shape[i] = max(0, rng.choice([shape[i] - 1, shape[i] + 1, 0, 1, shape[i] * 2]))
        n_bytes = math.prod(shape) * ITEM_SIZES.get(tensor[1], 1)
        if n_bytes < 2**20:
            content = tensor[3] or bytes(1)
            tensor[2:] = shape, (content * (n_bytes // len(content) + 1))[:n_bytes]


def reshape_tensor(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Change the shape of an array, but not the number of its elements."""
    tensor = rng.choice(tensors)
    shape = list(tensor[2])
    size = math.prod(shape)
    new = [shape[::-1], [size], [1, *shape], [*shape, 1], [*shape[:-2], math.prod(shape[-2:])]]
    tensor[2] = rng.choice([other for other in new if math.prod(other) == size])


def recast_tensor(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Say that the elements of an array have another dtype."""
    tensor = rng.choice(tensors)
    size = ITEM_SIZES.get(tensor[1], 1)
    alike = [dtype for dtype in ITEM_SIZES if ITEM_SIZES[dtype] == size]
    tensor[1] = rng.choice([*alike, *alike, *OTHER_DTYPES])
    if rng.random() < 0.3:  # the same number of elements in more or fewer bytes
        tensor[1] = rng.choice([*ITEM_SIZES])
        n_bytes = len(tensor[3]) // size * ITEM_SIZES.get(tensor[1], 1)
        tensor[3] = (tensor[3] * 8)[:n_bytes]


def change_elements(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Put NaN, infinity, huge, tiny, negative or random values into an array."""
    tensor = rng.choice(tensors)
    content, size = tensor[3], ITEM_SIZES.get(tensor[1], 1)
    values = [bytes(size), b"\xff" * size, rng.randbytes(size), (1).to_bytes(size, "little")]
    if size == 4:
        values += map(bytes.fromhex, FLOATS)
    if size == 8:
        tops = ["f87f", "f07f", "f0ff", "ef7f", "0080", "ff7f", "f03f"]
        values += [bytes(6) + bytes.fromhex(top) for top in tops]
    value = rng.choice(values)
    if rng.random() < 0.2:
        tensor[3] = (value * (len(content) // size + 1))[: len(content)]
    elif content:
        at = rng.randrange(len(content) // size) * size
        tensor[3] = content[:at] + value + content[at + size :]


def shuffle_elements(tensors: list[Tensor], others: Sequence[Parts], rng: Random) -> None:
    """Put the first elements of an array in another order."""
    tensor = rng.choice(tensors)
    size = ITEM_SIZES.get(tensor[1], 1)
    items = [tensor[3][i : i + size] for i in range(0, min(len(tensor[3]), 800), size)]
    rng.shuffle(items)
    tensor[3] = b"".join(items) + tensor[3][size * len(items) :]


TENSORS: list[Callable[[list[Tensor], Sequence[Parts], Random], None]] = [
    swap_tensors,
    remove_tensor,
    add_tensor,
    rename_tensor,
    resize_tensor,
    reshape_tensor,
    recast_tensor,
    change_elements,
    change_elements,
    shuffle_elements,
]
