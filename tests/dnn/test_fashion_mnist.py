"""The textbook networks on all of the real Fashion-MNIST."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier
from skdnn._utils.tensorflow import keras

# The steps of a first course: activation and optimizer of one hidden layer of 100.
STEPS = [("sigmoid", "rmsprop"), ("relu", "sgd"), ("relu", "rmsprop"), ("relu", "adam")]


@pytest.fixture(scope="module")
def split(fashion_mnist):
    return train_test_split(*fashion_mnist, test_size=0.2, random_state=42)


def plain_keras(activation, optimizer, weights):
    """Write the same network as one would without skdnn."""
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(100, activation=activation),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.set_weights(weights)
    # The steps are the same, however many of them one call of the compiled function makes.
    model.compile(optimizer, "sparse_categorical_crossentropy", steps_per_execution=100)
    return model


@pytest.mark.parametrize(("activation", "optimizer"), STEPS)
def test_three_epochs_agree_with_plain_keras(split, activation, optimizer):
    X_train, X_val, y_train, y_val = split
    # No shuffling: the split has done it, and so both see the same batches.
    settings = {"activation": activation, "shuffle": False, "random_state": 0, "preset": "plain"}
    begin = DNNClassifier(**settings, optimizer="sgd", learning_rate=1e-30, epochs=1)
    weights = begin.fit(X_train[:1000], y_train[:1000]).model_.get_weights()
    network = DNNClassifier(**settings, optimizer=optimizer, epochs=3).fit(X_train, y_train)
    model = plain_keras(activation, optimizer, weights)
    model.fit(X_train / 255, y_train, epochs=3, batch_size=32, shuffle=False, verbose=0)
    proba = model.predict(X_val / 255, batch_size=1000, verbose=0)
    accuracy = np.mean(proba.argmax(axis=1) == y_val)
    assert network.score(X_val, y_val) == pytest.approx(accuracy, abs=0.01)


def test_summary_of_the_textbook_network(split, capsys):
    X_train, _, y_train, _ = split
    DNNClassifier((100,), epochs=1).fit(X_train[:500], y_train[:500]).summary()
    printed = capsys.readouterr().out
    assert all(count in printed for count in (" 78,500", " 1,010", " 79,510"))
    assert "(None, 784)" in printed


def test_flat_images_and_images_give_the_same_network(split):
    X_train, X_val, y_train, y_val = split
    scores = [
        DNNClassifier((100,), epochs=5, random_state=0)
        .fit(X_train[:12000].reshape(12000, *shape), y_train[:12000])
        .score(X_val.reshape(-1, *shape), y_val)
        for shape in [(28, 28), (784,)]
    ]
    assert min(scores) > 0.8
