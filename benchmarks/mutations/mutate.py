"""Damages a `.skdnn` file in one of many ways; a seed gives the same damage again."""

import json
from collections.abc import Sequence
from random import Random

from benchmarks.mutations.of_arrays import TENSORS
from benchmarks.mutations.of_bytes import BYTES
from benchmarks.mutations.of_documents import DOCUMENT, dumped
from benchmarks.mutations.of_headers import HEADER
from benchmarks.mutations.parts import framed, header_of, take_apart


def mutate(data: bytes, others: Sequence[bytes], rng: Random) -> tuple[str, bytes]:
    """Damage a file.

    Parameters
    ----------
    data : bytes
        A valid file.
    others : sequence of bytes
        Valid files that parts may be taken from.
    rng : random.Random
        What all draws come from.

    Returns
    -------
    kind : str
        What is damaged: "bytes", "header", "arrays" or "document".
    damaged : bytes
        The content of the damaged file. Now and then it is still a valid one.
    """
    kind = rng.choices(["bytes", "header", "arrays", "document"], [25, 15, 25, 35])[0]
    n_times = rng.choice([1, 1, 1, 2, 3])
    if kind == "bytes":
        for _ in range(n_times):
            data = rng.choice(BYTES)(data, rng) or data
        return kind, data
    parts = take_apart(data)
    tensors = [list(tensor) for tensor in parts.tensors]
    document, text = None, parts.text
    header = header_of(text, tensors)
    for _ in range(n_times):
        if kind == "header":
            rng.choice(HEADER)(header, rng)
        elif kind == "arrays" and tensors:
            rng.choice(TENSORS)(tensors, [take_apart(other) for other in others], rng)
        else:
            document = json.loads(text) if document is None else document
            other = json.loads(take_apart(rng.choice(others)).text)
            rng.choice(DOCUMENT)(document, other, rng)
    if kind != "header":
        header = header_of(text if document is None else dumped(document), tensors)
    return kind, framed(dumped(header), b"".join(tensor[3] for tensor in tensors))
