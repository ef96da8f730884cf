"""Resident memory over many fits: of one architecture, and of more than the program cache holds."""

import gc
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.systems import Network, require, skdnn_estimator
from benchmarks.work import digits

MEGABYTE = 2**20
Architectures = Callable[[int], Iterator[Network]]


def one(fits: int) -> Iterator[Network]:
    """Yield the same architecture again and again."""
    return (Network((32,)) for _ in range(fits))


def many(fits: int) -> Iterator[Network]:
    """Yield architectures that are all different, and of nearly one size."""
    return (Network((32 + i % 25, 32 + i // 25)) for i in range(fits))


# Title, architectures, and how many fits: 100 architectures are more than any cache should hold.
CURVES: dict[str, tuple[str, Architectures, int]] = {
    "one": ("fits of one architecture", one, 500),
    "many": ("fits of as many different architectures", many, 100),
}
QUICK_FITS = 4


def resident_after_fits(name: str, fits: int) -> list[float]:
    """Return the resident MB of this process before the first fit and after each."""
    import psutil

    process = psutil.Process()
    X, y = digits()

    def resident() -> float:
        return process.memory_info().rss / MEGABYTE

    curve = [resident()]
    for seed, network in enumerate(CURVES[name][1](fits)):
        estimator = skdnn_estimator(network, 2, 32).set_params(random_state=seed)
        estimator.fit(X, y).predict(X[:10])
        curve.append(resident())
    gc.collect()
    return [*curve, resident()]


def measure_curve(name: str, fits: int) -> dict[str, Any]:
    """Measure one curve in a fresh process; return it with what it says."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        before, *curve, collected = pool.submit(resident_after_fits, name, fits).result()
    half = len(curve) // 2
    slope = float(np.polyfit(np.arange(len(curve) - half), curve[half:], 1)[0])
    return {
        "curve": name,
        "title": f"{fits} {CURVES[name][0]}",
        "before": before,
        "start": curve[0],
        "half": curve[half],
        "end": curve[-1],
        "after a full collection": collected,
        "slope": slope,
        "resident": curve,
    }


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Measure all curves, one after the other."""
    require({"psutil"})
    return [measure_curve(name, QUICK_FITS if quick else CURVES[name][2]) for name in CURVES]


def show(curves: list[dict[str, Any]]) -> str:
    """Return a Markdown table: MB after the first, the middle and the last fit, and the slope."""
    lines = [
        "| resident memory, MB | first fit | half-way | last fit | MB per fit, second half |",
        "|---|---:|---:|---:|---:|",
    ]
    for curve in curves:
        values = " | ".join(f"{curve[key]:.1f}" for key in ("start", "half", "end"))
        lines.append(f"| {curve['title']} | {values} | {curve['slope']:+.3f} |")
    return "\n".join(lines) + "\n"


def plot(curves: list[dict[str, Any]], path: str) -> None:
    """Draw the curves."""
    from benchmarks.report import figure_with_axes, save

    figure, axes = figure_with_axes(len(curves))
    for ax, curve in zip(axes, curves, strict=True):
        resident = curve["resident"]
        ax.plot(range(1, len(resident) + 1), resident)
        ax.set(title=curve["title"], xlabel="fits", ylim=(0, 1.1 * max(resident)))
    axes[0].set_ylabel("resident memory, MB")
    save(figure, path)


def write(curves: list[dict[str, Any]], folder: Path) -> None:
    """Write the curves as JSON, as a table and as a plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.json").write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")
    (folder / "memory.md").write_text(show(curves), encoding="utf-8")
    plot(curves, str(folder / "memory.svg"))
