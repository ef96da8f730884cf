"""Damages any bytes of a file."""

from collections.abc import Callable
from random import Random

from benchmarks.mutations.parts import SIZES


def _span(data: bytes, rng: Random) -> tuple[int, int]:
    """Return begin and end of some bytes; of the header as often as of the arrays."""
    length = min(len(data), 8 + int.from_bytes(data[:8], "little"))
    low, high = rng.choice([(0, 8), (8, length), (length, len(data)), (0, len(data))])
    begin = min(len(data), rng.randint(low, max(low, high)))
    return begin, min(len(data), begin + rng.choice([1, 1, 1, 2, 4, 8, 100]))


def flip_bits(data: bytes, rng: Random) -> bytes:
    """Flip one bit, or some."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        begin, end = _span(data, rng)
        if begin < end:
            changed[begin] ^= 1 << rng.randrange(8)
    return bytes(changed)


def change_bytes(data: bytes, rng: Random) -> bytes:
    """Replace some bytes by random ones, zeros or ones."""
    begin, end = _span(data, rng)
    new = rng.choice([rng.randbytes(end - begin), bytes(end - begin), b"\xff" * (end - begin)])
    return data[:begin] + new + data[end:]


def remove_bytes(data: bytes, rng: Random) -> bytes:
    """Leave some bytes out."""
    begin, end = _span(data, rng)
    return data[:begin] + data[end:]


def insert_bytes(data: bytes, rng: Random) -> bytes:
    """Insert some bytes, among them those that mean something in JSON."""
    begin, end = _span(data, rng)
    known = [b'"', b"[", b"{", b"}", b"]", b",", b":", b"0", b"\\", b"\\u0000", b"NaN", b"\xff"]
    return data[:begin] + rng.choice([*known, data[begin:end], rng.randbytes(8)]) + data[begin:]


def truncate(data: bytes, rng: Random) -> bytes:
    """Cut the end off."""
    return data[: rng.choice([rng.randrange(20), rng.randint(0, len(data)), len(data) - 1])]


def extend(data: bytes, rng: Random) -> bytes:
    """Append some bytes."""
    return data + rng.choice([b"\0", rng.randbytes(rng.randint(1, 100)), bytes(8), data])


def change_length(data: bytes, rng: Random) -> bytes:
    """Change the length of the header that the file begins with."""
    length = int.from_bytes(data[:8], "little")
    new = rng.choice([length - 1, length + 1, length - 8, length + 8, length ^ 256, *SIZES])
    return (new % 2**64).to_bytes(8, "little") + data[8:]


BYTES: list[Callable[[bytes, Random], bytes]] = [
    flip_bits,
    change_bytes,
    remove_bytes,
    insert_bytes,
    truncate,
    extend,
    change_length,
]
