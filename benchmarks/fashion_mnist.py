"""The four steps of a first course on all of Fashion-MNIST, beside plain Keras in the same run.

python -m benchmarks fashion-mnist
"""

import time

from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier
from skdnn._utils.tensorflow import keras
from skdnn.datasets import load_fashion_mnist

STEPS = [("sigmoid", "rmsprop"), ("relu", "sgd"), ("relu", "rmsprop"), ("relu", "adam")]


def timed(job):
    """Run a job; return its result and its seconds."""
    begin = time.perf_counter()
    result = job()
    return result, time.perf_counter() - begin


def fit_skdnn(activation, optimizer, X, y):
    """Train as a user of skdnn does."""
    network = DNNClassifier(
        (100,), activation, optimizer=optimizer, epochs=5, batch_size=32, random_state=0
    )
    return network.fit(X, y)


def fit_keras(activation, optimizer, X, y):
    """Train as a user of Keras does."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(100, activation=activation),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, y, epochs=5, batch_size=32, verbose=0)
    return model


def main():
    """Print the table."""
    X, y = load_fashion_mnist(return_X_y=True)
    X_test, y_test = load_fashion_mnist(split="test", return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, random_state=42)
    scaled = X_train / 255
    print("5 epochs, batch 32        skdnn                    Keras                    seconds")
    print("activation  optimizer     validation  test  (s)    validation  test  (s)    Keras/skdnn")
    for activation, optimizer in STEPS:
        network, seconds = timed(lambda s=(activation, optimizer): fit_skdnn(*s, X_train, y_train))
        mine = [network.score(X_val, y_val), network.score(X_test, y_test), seconds]
        model, seconds = timed(lambda s=(activation, optimizer): fit_keras(*s, scaled, y_train))
        sets = [(X_val, y_val), (X_test, y_test)]
        its = [*(model.evaluate(X / 255, y, verbose=0)[1] for X, y in sets), seconds]
        columns = "    ".join("{:10.4f} {:5.3f} {:4.1f}".format(*row) for row in (mine, its))
        print(f"{activation:11} {optimizer:10} {columns}    {its[2] / mine[2]:11.1f}")


if __name__ == "__main__":
    main()
