"""Damaged `.skdnn` files, for the fuzz run and for tests."""

from benchmarks.mutations.mutate import mutate

__all__ = ["mutate"]
