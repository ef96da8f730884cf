"""Pictures of training and of networks: curves, folds, layers, and the table in a notebook.

Run it with `python docs/examples/looking_at_training.py --folder pictures`; it writes two plots of
training and one of a network as SVG, and a page with the table that a notebook shows.
The pictures in the user guide are these, the table as a screenshot.
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import estimator_html_repr

from skdnn import DNNClassifier, NetworkDisplay, TrainingHistoryDisplay


def draw_training(X: Any, y: Any, epochs: int) -> TrainingHistoryDisplay:
    """Draw three networks on few rows: in the end they learn these by heart."""
    networks = {
        "16 units": DNNClassifier((16,)),
        "128 units": DNNClassifier((128,)),
        "128 units, dropout": DNNClassifier((128,), dropout=0.5),
    }
    for network in networks.values():
        network.set_params(epochs=epochs, validation_fraction=0.3, random_state=0).fit(X, y)
    return TrainingHistoryDisplay.from_estimator(networks)


def draw_folds(X: Any, y: Any, epochs: int) -> TrainingHistoryDisplay:
    """Draw the five folds of a cross-validation, with their mean."""
    network = DNNClassifier((128,), epochs=epochs, validation_fraction=0.2, random_state=0)
    result = cross_validate(network, X, y, cv=5, return_estimator=True)
    return TrainingHistoryDisplay.from_estimator(result, metric="loss")


def draw_network(X: Any, y: Any) -> NetworkDisplay:
    """Draw the layers of a network for images."""
    network = DNNClassifier((64, 32), dropout=[0.2, 0], epochs=1).fit(X, y)
    return NetworkDisplay.from_estimator(network)


def write_table(X: Any, y: Any) -> str:
    """Return what a notebook shows of a pipeline that ends with a network."""
    pipe = make_pipeline(MinMaxScaler(), DNNClassifier((64, 32), epochs=1))
    pipe.fit(X.reshape(len(X), -1), y)
    # In a notebook a click opens a step; here all are open.
    click = "for (const x of document.querySelectorAll('.sk-toggleable__control')) x.checked = true"
    return f"<meta charset='utf-8'>{estimator_html_repr(pipe)}<script>{click}</script>"


def run(folder: Path, epochs: int = 40) -> list[Path]:
    """Write all pictures into a folder, and return their paths.

    Parameters
    ----------
    folder : Path
        It is made if it is not there.
    epochs : int, default=40
        Epochs of the networks whose training is shown.
    """
    X, y = make_classification(
        600, 40, n_informative=8, n_classes=3, class_sep=0.8, flip_y=0.1, random_state=0
    )
    images, digits = load_digits().images, load_digits().target
    folder.mkdir(parents=True, exist_ok=True)
    displays = {
        "training.svg": draw_training(X, y, epochs),
        "folds.svg": draw_folds(X, y, epochs),
        "network.svg": draw_network(images, digits),
    }
    with plt.rc_context({"svg.hashsalt": "skdnn"}):  # the same file each time
        for name, display in displays.items():
            display.figure_.savefig(folder / name, metadata={"Date": None})
            plt.close(display.figure_)
    (folder / "table.html").write_text(write_table(images, digits), encoding="utf-8")
    return [folder / name for name in (*displays, "table.html")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("pictures"), help="where to write")
    parser.add_argument("--epochs", type=int, default=40, help="epochs shown (default 40)")
    arguments = parser.parse_args()
    run(arguments.folder, arguments.epochs)
