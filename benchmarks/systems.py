"""The systems that are measured, each written as its own users would write it well.

A system is one function and one row of `SYSTEMS`. Nothing heavy is imported before a system is
asked to do something, so that each worker process holds its own system alone.
"""

import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

BLOCK = 1024  # rows at once, where a system predicts in blocks


class Network(NamedTuple):
    """A dense network, as every system can build it."""

    sizes: tuple[int, ...] = (100,)
    dropout: float = 0.0
    batch_norm: bool = False


class System(NamedTuple):
    """One way to do the work.

    `fit(network, X, y, epochs, batch_size)` trains with Adam and returns `predict_proba`.
    `make(network, epochs, batch_size)` returns an unfitted estimator, and `grid` the names of its
    learning rate and its layer sizes; what is no estimator has neither.
    """

    fit: Callable
    make: Any = None
    grid: tuple[str, str] = ("", "")
    modules: tuple[str, ...] = ()


def skdnn_estimator(network: Network, epochs: int, batch_size: int) -> Any:
    """Return skdnn's classifier; X is scaled already."""
    from skdnn import DNNClassifier

    return DNNClassifier(
        network.sizes,
        dropout=network.dropout,
        batch_norm=network.batch_norm,
        scaling=None,
        epochs=epochs,
        batch_size=batch_size,
    )


def mlp_estimator(network: Network, epochs: int, batch_size: int) -> Any:
    """Return scikit-learn's classifier, which is to train for all its epochs."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    if network.dropout or network.batch_norm:
        raise ValueError("MLPClassifier has neither dropout nor batch normalisation.")
    warnings.simplefilter("ignore", ConvergenceWarning)
    return MLPClassifier(
        network.sizes, batch_size=batch_size, max_iter=epochs, n_iter_no_change=10**6
    )


def keras_network(
    n_inputs: int, n_classes: int, sizes: tuple[int, ...], dropout: float, batch_norm: bool
) -> Any:
    """Return a Keras model that is not compiled."""
    import keras

    model = keras.Sequential([keras.Input((n_inputs,))])
    for size in sizes:
        model.add(keras.layers.Dense(size))
        if batch_norm:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation("relu"))
        if dropout:
            model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(n_classes, activation="softmax"))
    return model


def fit_keras(network: Network, X: Any, y: Any, epochs: int, batch_size: int) -> Callable:
    """Compile and fit, with arrays."""
    model = keras_network(X.shape[1], int(y.max()) + 1, *network)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, y, epochs=epochs, batch_size=batch_size, verbose=0)
    return partial(model.predict, batch_size=BLOCK, verbose=0)


def scikeras_network(
    meta: dict, sizes: tuple[int, ...] = (100,), dropout: float = 0.0, batch_norm: bool = False
) -> Any:
    """Return the model that SciKeras compiles."""
    return keras_network(meta["n_features_in_"], meta["n_classes_"], sizes, dropout, batch_norm)


def scikeras_estimator(network: Network, epochs: int, batch_size: int) -> Any:
    """Return SciKeras's classifier as it comes.

    It fits, searches and predicts on scikit-learn 1.9 without a subclass. Its mixin stands behind
    its base class, though, so that scikit-learn takes it for no classifier and would not stratify
    its folds; `speed` hands over the folds, the same ones for every system.
    """
    from scikeras.wrappers import KerasClassifier

    return KerasClassifier(
        scikeras_network,
        model__sizes=network.sizes,
        model__dropout=network.dropout,
        model__batch_norm=network.batch_norm,
        loss="sparse_categorical_crossentropy",
        optimizer="adam",
        optimizer__learning_rate=0.001,
        epochs=epochs,
        batch_size=batch_size,
        predict__batch_size=BLOCK,
        verbose=0,
    )


def torch_network(n_inputs: int, n_classes: int, network: Network) -> Any:
    """Return a PyTorch module that puts out logits."""
    from torch import nn

    layers: list[Any] = []
    for fan_in, fan_out in pairwise((n_inputs, *network.sizes)):
        layers.append(nn.Linear(fan_in, fan_out))
        if network.batch_norm:
            layers.append(nn.BatchNorm1d(fan_out))
        layers.append(nn.ReLU())
        if network.dropout:
            layers.append(nn.Dropout(network.dropout))
    return nn.Sequential(*layers, nn.Linear((n_inputs, *network.sizes)[-1], n_classes))


def fit_torch(network: Network, X: Any, y: Any, epochs: int, batch_size: int) -> Callable:
    """Train in a plain loop by hand: tensors gathered batch by batch, and the fused Adam."""
    import torch

    rows, labels = torch.from_numpy(X), torch.from_numpy(y)
    model = torch_network(X.shape[1], int(y.max()) + 1, network)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(rows)).split(batch_size):
            optimizer.zero_grad()
            loss_of(model(rows[batch]), labels[batch]).backward()
            optimizer.step()
    model.eval()

    def predict_proba(X: Any) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(X)).softmax(dim=1).numpy()

    return predict_proba


def fit_skorch(network: Network, X: Any, y: Any, epochs: int, batch_size: int) -> Callable:
    """Fit a skorch classifier without validation, printing or scoring."""
    import torch
    from skorch import NeuralNetClassifier

    net = NeuralNetClassifier(
        partial(torch_network, X.shape[1], int(y.max()) + 1, network),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=0.001,
        max_epochs=epochs,
        batch_size=batch_size,
        iterator_train__shuffle=True,
        iterator_valid__batch_size=BLOCK,
        train_split=None,
        callbacks__valid_acc=None,
        callbacks__print_log=None,
        verbose=0,
    )
    return net.fit(X, y).predict_proba


def fit_floor(network: Network, X: Any, y: Any, epochs: int, batch_size: int) -> None:
    """Do the matrix products of the same steps and nothing else, into arrays that are there."""
    rng = np.random.default_rng(0)
    sizes = (X.shape[1], *network.sizes, int(y.max()) + 1)
    kernels = [0.1 * rng.standard_normal(shape, np.float32) for shape in pairwise(sizes)]
    gradients = [np.empty_like(kernel) for kernel in kernels]
    outputs = [np.empty((batch_size, size), np.float32) for size in sizes[1:]]
    deltas = [rng.standard_normal((batch_size, size), np.float32) for size in sizes[1:]]
    for _ in range(epochs):
        for start in range(0, len(X), batch_size):
            x = X[start : start + batch_size]
            _products(x, kernels, gradients, outputs, deltas)


def _products(x: Any, kernels: list, gradients: list, outputs: list, deltas: list) -> None:
    """Forward through every layer, and back to every kernel and every input but the first."""
    n = len(x)
    inputs = [x, *(output[:n] for output in outputs)]
    for i, kernel in enumerate(kernels):
        np.matmul(inputs[i], kernel, out=inputs[i + 1])
    for i in reversed(range(len(kernels))):
        delta = deltas[i][:n]
        np.matmul(inputs[i].T, delta, out=gradients[i])
        if i:
            np.matmul(delta, kernels[i].T, out=deltas[i - 1][:n])


def fit_estimator(make: Callable, network: Network, X: Any, y: Any, epochs: int, size: int) -> Any:
    """Fit what `make` returns."""
    return make(network, epochs, size).fit(X, y).predict_proba


SYSTEMS = {
    "skdnn": System(
        partial(fit_estimator, skdnn_estimator),
        skdnn_estimator,
        ("learning_rate", "hidden_layer_sizes"),
    ),
    "Keras": System(fit_keras),
    "SciKeras": System(
        partial(fit_estimator, scikeras_estimator),
        scikeras_estimator,
        ("optimizer__learning_rate", "model__sizes"),
    ),
    "MLPClassifier": System(
        partial(fit_estimator, mlp_estimator),
        mlp_estimator,
        ("learning_rate_init", "hidden_layer_sizes"),
    ),
    "skorch": System(fit_skorch, modules=("torch", "skorch")),
    "PyTorch": System(fit_torch, modules=("torch",)),
    "BLAS": System(fit_floor),
}


def require(
    modules: set[str], extra: str = "bench", remark: str = " (the CPU build of torch will do)"
) -> None:
    """Stop with a hint if any of these cannot be imported."""
    missing = sorted(module for module in modules if find_spec(module) is None)
    if missing:
        raise SystemExit(
            f"Not installed: {', '.join(missing)}. The benchmarks need the extra '{extra}': "
            f"pip install '.[{extra}]'{remark}."
        )
