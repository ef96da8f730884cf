"""The libraries that the table of needs compares, each as its own users would write it.

Every function returns an unfitted classifier with one hidden layer for `n_features` columns. `CNN`
has a convolutional network of each library that takes one. Nothing heavy is imported before a
classifier is asked for.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

RATE = 0.01


def mlp(n_features: int, units: int = 32, epochs: int = 50, **options: Any) -> Any:
    """Return scikit-learn's classifier."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        (units,), max_iter=epochs, learning_rate_init=RATE, random_state=0, **options
    )


def keras_network(shape: tuple[int, ...], n_classes: int, units: int) -> Any:
    """Return a Keras model for rows of a shape, not compiled."""
    import keras

    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )


def keras_cnn(shape: tuple[int, ...], n_classes: int) -> Any:
    """Return a convolutional Keras model for grey images, not compiled."""
    import keras

    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Reshape((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )


def network_of_meta(meta: dict[str, Any], units: int = 32) -> Any:
    """Build a network as SciKeras asks for it."""
    return keras_network(meta["X_shape_"][1:], meta["n_classes_"], units)


def cnn_of_meta(meta: dict[str, Any]) -> Any:
    """Build a convolutional network as SciKeras asks for it."""
    return keras_cnn(meta["X_shape_"][1:], meta["n_classes_"])


def compiled(model: Any, rate: float) -> Any:
    """Compile a model for the one-hot labels that Keras's wrapper passes to it."""
    import keras

    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy")
    return model


def network_of_arrays(X: Any, y: Any, units: int = 32, rate: float = RATE) -> Any:
    """Build a network as Keras's wrapper asks for it."""
    return compiled(keras_network(X.shape[1:], y.shape[1], units), rate)


def cnn_of_arrays(X: Any, y: Any) -> Any:
    """Build a convolutional network as Keras's wrapper asks for it."""
    return compiled(keras_cnn(X.shape[1:], y.shape[1]), RATE)


def around_keras(
    make: Callable[..., Any],
    units: int | None = 32,
    epochs: int = 50,
    model: Callable = network_of_meta,
    **options: Any,
) -> Any:
    """Return a classifier with SciKeras's parameters around a Keras network."""
    if units is not None:
        options["model__units"] = units
    return make(
        model,
        optimizer="adam",
        optimizer__learning_rate=RATE,
        epochs=epochs,
        verbose=0,
        random_state=0,
        **options,
    )


def scikeras(n_features: int, **settings: Any) -> Any:
    """Return SciKeras's classifier."""
    from scikeras.wrappers import KerasClassifier

    return around_keras(KerasClassifier, loss="sparse_categorical_crossentropy", **settings)


def keras_wrapper(
    n_features: int,
    units: int | None = 32,
    epochs: int = 50,
    model: Any = network_of_arrays,
    fit_kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Return the wrapper that Keras has itself."""
    from keras.wrappers import SKLearnClassifier

    return SKLearnClassifier(
        model,
        model_kwargs=None if units is None else {"units": units},
        fit_kwargs={"epochs": epochs, "verbose": 0} | (fit_kwargs or {}),
        **options,
    )


def torch_network(n_features: int, n_classes: int, units: int, convolutional: bool = False) -> Any:
    """Return a PyTorch module that puts out logits, for rows of any shape."""
    from torch import nn

    if convolutional:
        layers = [nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(8 * 6 * 6, n_classes))
    return nn.Sequential(
        nn.Flatten(), nn.Linear(n_features, units), nn.ReLU(), nn.Linear(units, n_classes)
    )


def skorch(n_features: int, units: int = 32, epochs: int = 50, **options: Any) -> Any:
    """Return skorch's classifier."""
    import torch
    from skorch import NeuralNetClassifier

    torch.manual_seed(0)
    return NeuralNetClassifier(
        **{
            "module": torch_network,
            "module__n_features": n_features,
            "module__n_classes": 10 if n_features == 64 else 3,
            "module__units": units,
            "criterion": torch.nn.CrossEntropyLoss,
            "optimizer": torch.optim.Adam,
            "lr": RATE,
            "max_epochs": epochs,
            "iterator_train__shuffle": True,
            "train_split": None,
            "verbose": 0,
        }
        | options
    )


def dnn(n_features: int, units: int | None = 32, epochs: int = 50, **options: Any) -> Any:
    """Return skdnn's classifier, as one plain network of the same size."""
    from skdnn import DNNClassifier

    return DNNClassifier((units,), learning_rate=RATE, epochs=epochs, random_state=0, **options)


def wrapped(n_features: int, **settings: Any) -> Any:
    """Return skdnn's classifier around a Keras network."""
    from skdnn import KerasClassifier

    return around_keras(KerasClassifier, **settings)


DNN, WRAPPED = "skdnn: DNNClassifier", "skdnn: KerasClassifier"
MAKE: dict[str, Callable[..., Any]] = {
    "MLPClassifier": mlp,
    "SciKeras": scikeras,
    "Keras's wrappers": keras_wrapper,
    "skorch": skorch,
    DNN: dnn,
    WRAPPED: wrapped,
}
CNN: dict[str, Callable[..., Any]] = {
    "SciKeras": partial(scikeras, units=None, model=cnn_of_meta),
    "Keras's wrappers": partial(keras_wrapper, units=None, model=cnn_of_arrays),
    "skorch": partial(skorch, module__convolutional=True),
    WRAPPED: partial(wrapped, units=None, model=cnn_of_meta),
}
# The distributions to install for each, and what they bring along.
INSTALLED = {
    "MLPClassifier": ("scikit-learn",),
    "SciKeras": ("scikeras", "tensorflow"),
    "Keras's wrappers": ("keras", "tensorflow", "scikit-learn"),
    "skorch": ("skorch", "torch"),
    DNN: ("skdnn",),
    WRAPPED: ("skdnn",),
}
