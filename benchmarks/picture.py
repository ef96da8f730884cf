"""The picture of the README: scores of `compare` on scikit-learn's digits, light and dark."""

from pathlib import Path
from typing import Any

from benchmarks.report import save
from benchmarks.work import ROOT

FOLDER = ROOT / "docs" / "pictures"
SIZE = (7.5, 3.9)  # inches
# File -> style sheet of matplotlib, and the settings that follow it.
LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "compare.svg": ("default", {"figure.facecolor": "white"}),
    "compare-dark.svg": (
        "dark_background",
        {"figure.facecolor": "#0d1117", "axes.facecolor": "#0d1117", "text.color": "#e6edf3"}
        | dict.fromkeys(("axes.labelcolor", "xtick.color", "ytick.color"), "#e6edf3"),
    ),
}


def run(folder: Path = FOLDER) -> str:
    """Compare the default models as `skdnn compare` does, draw the result, and return it."""
    from sklearn.datasets import load_digits

    from skdnn import compare

    images = load_digits()
    result = compare(images.images, images.target)
    draw(result, folder)
    return str(result)


def draw(result: Any, folder: Path) -> None:
    """Draw the scores once for each look; text becomes outlines, as fonts differ."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    for name, (style, settings) in LOOKS.items():
        with plt.style.context([style, settings]):
            figure, ax = plt.subplots(figsize=SIZE, layout="constrained")
            _, times = plt.subplots()  # not shown: they depend on the machine
            result.plot(ax=[ax, times])
            save(figure, str(folder / name), fonttype="path")
            plt.close("all")
