"""The first lesson of a course on deep networks, on Fashion-MNIST.

One hidden layer of 100 units, trained four times. First with sigmoid units and RMSprop, then with
ReLU units and plain gradient descent, RMSprop and Adam. All see the same rows of the 60,000
training images; a fifth of them, which none has seen, gives the score.

Run it with `python docs/examples/fashion_mnist_lesson.py`; `--help` lists the options.
"""

import argparse
import time

from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier
from skdnn.datasets import load_fashion_mnist

# What the lesson changes, one thing at a time.
STEPS = [
    {"activation": "sigmoid", "optimizer": "rmsprop"},
    {"activation": "relu", "optimizer": "sgd"},
    {"activation": "relu", "optimizer": "rmsprop"},
    {"activation": "relu", "optimizer": "adam"},
]


def run(epochs: int = 5, rows: int | None = None, verbose: int = 1) -> list[float]:
    """Train the four networks, print how well each does, and return their accuracies.

    Parameters
    ----------
    epochs : int, default=5
        Epochs of each.
    rows : int, default=None
        How many images to take, the first ones. None takes all 60,000.
    verbose : int, default=1
        1 shows each epoch; 0 does not.
    """
    images, labels = load_fashion_mnist(split="train", return_X_y=True)
    X_train, X_valid, y_train, y_valid = train_test_split(
        images[:rows], labels[:rows], test_size=0.2, random_state=42
    )
    accuracies = []
    for step in STEPS:
        network = DNNClassifier((100,), **step, epochs=epochs, random_state=42, verbose=verbose)
        begin = time.perf_counter()
        network.fit(X_train, y_train)
        seconds = time.perf_counter() - begin
        if not accuracies:
            network.summary()  # is the same for all four, but for the activation
        accuracies.append(network.score(X_valid, y_valid))
        name = f"{step['activation']}, {step['optimizer']}"
        print(f"{name:18} accuracy {accuracies[-1]:.3f} after {seconds:.1f} s")
    return accuracies


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each network (default 5)")
    parser.add_argument("--rows", type=int, help="take only so many images (default: all)")
    parser.add_argument("--verbose", type=int, default=1, choices=[0, 1], help="0: no epoch lines")
    run(**vars(parser.parse_args()))
