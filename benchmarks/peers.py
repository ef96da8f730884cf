"""What the ways to a neural network in scikit-learn offer: one small program for each need.

`NEEDS` has a row for each need, and a function that tries it with one library. What the function
returns is the cell of the table; "no" where it raises an exception, whose text is kept. The checks
of scikit-learn that fail are kept with their errors. Each library runs in a process of its own.
"""

import contextlib
import io
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from benchmarks.peer_needs import NEEDS, Partly, reason_of
from benchmarks.peer_systems import MAKE
from benchmarks.speed import hush, machine, say
from benchmarks.systems import require

PACKAGES = ("numpy", "scikit-learn", "tensorflow", "keras", "scikeras", "torch", "skorch")
MODULES = {"torch", "skorch", "jax", "skl2onnx", "skops", "onnx", "pandas", "packaging"}


def run(names: list[str] | None = None) -> dict[str, Any]:
    """Try every need, or those of these names, with every library; return all that is found."""
    require(MODULES, "bench,test")
    result: dict[str, Any] = {"machine": machine(PACKAGES), "needs": []}
    needs = [name for name in NEEDS if names is None or name in names]
    found = {system: column(system, needs) for system in MAKE}
    for need in needs:
        cells = {system: found[system][need] for system in MAKE}
        result["needs"].append({"need": need, "title": NEEDS[need].title, "cells": cells})
    return result


def column(system: str, needs: list[str]) -> dict[str, dict[str, Any]]:
    """Return the cells of one library."""
    say(system)
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=hush) as pool:
        return pool.submit(cells_of, system, needs).result()


def cells_of(system: str, needs: list[str]) -> dict[str, dict[str, Any]]:
    """Return the cells of one library, in this process."""
    warnings.simplefilter("ignore")
    return {need: cell(NEEDS[need].try_it, system) for need in needs}


def cell(try_it: Callable[[str], str | Partly], system: str) -> dict[str, Any]:
    """Return what is shown, and the reason where it does not work, or not all of it."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = try_it(system)
    except Exception as error:  # whatever a library raises: it is what the table is about
        return {"shown": "no", "reason": reason_of(error)}
    return found._asdict() if isinstance(found, Partly) else {"shown": found}


def table(result: dict[str, Any]) -> list[str]:
    """Return the lines of the table: a row for each need."""
    head = ["what you may need", *MAKE]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---|' * len(MAKE)}"]
    for need in result["needs"]:
        cells = [need["cells"][system]["shown"] for system in MAKE]
        lines.append(f"| {' | '.join([need['title'], *cells])} |")
    return lines


def markdown(result: dict[str, Any]) -> str:
    """Return the table, with what was run and why a cell is a no or a part."""
    versions = ", ".join(f"{name} {n}" for name, n in result["machine"]["versions"].items())
    needs = [need["need"] for need in result["needs"]]
    only = "" if needs == list(NEEDS) else f" --only {','.join(needs)}"
    lines = [f"`python -m benchmarks peers{only}` with {versions}.", "", *table(result), ""]
    lines += ["The reasons, as each library gives them:", ""]
    for need in result["needs"]:
        for system, found in need["cells"].items():
            if "reason" in found:
                lines.append(f"- {need['title']}, {system}: {_code(found['reason'])}")
            if "failed" in found:
                lines.append(f"- {need['title']}, {system}. These fail:")
                for reason, names in found["failed"].items():
                    lines.append(
                        f"  - {', '.join(map(_code, dict.fromkeys(names)))}: {_code(reason)}"
                    )
    return "\n".join([*lines, ""])


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"
