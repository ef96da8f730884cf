"""
From SGD to Adam
================

The optimizer decides how far each weight moves. This page names four of them, by name and by
object, walks with them through a valley, and finds out when Adam is better, and when it is not.
"""

# %%
# Four optimizers
# ---------------
#
# All of them get the gradient of the loss for one batch of images. The *learning rate* says how big
# the steps are.
#
# - *SGD*, stochastic gradient descent: step = rate × gradient. "Stochastic" because a batch is a
#   random sample of the images.
# - *Momentum* is SGD with a memory: each step keeps 90% of the last one, as a ball that
#   rolls downhill.
# - *RMSprop* gives each weight a rate of its own: rate × gradient / (typical size of the gradient
#   of this weight). Such a rate is called *adaptive*.
# - *Adam* is momentum and adaptive rates together.

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, KerasClassifier, TrainingHistoryDisplay
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)

# %%
# By name, or by object
# ---------------------
#
# A name is enough for the usual settings, and an object takes all the others. In both cases the
# estimator never trains your object: each fit makes a new one with the same settings.

stack = [
    layers.Rescaling(1 / 255),
    layers.Flatten(),
    layers.Dense(100, activation="relu"),
    layers.Dense(10, activation="softmax"),
]
common = {"epochs": 5, "random_state": 0, "verbose": 0}
fast_adam = keras.optimizers.Adam(learning_rate=0.002, beta_1=0.8)
networks = {
    "DNN, by name": DNNClassifier((100,), optimizer="sgd", learning_rate=0.1, **common),
    "DNN, by object": DNNClassifier((100,), optimizer=fast_adam, **common),
    "Keras, by name": KerasClassifier(
        stack, optimizer="sgd", optimizer__learning_rate=0.1, **common
    ),
    "Keras, by object": KerasClassifier(stack, optimizer=fast_adam, **common),
}
for name, network in networks.items():
    print(f"{name:17} {network.fit(X_train, y_train).score(X_test, y_test):.3f}")

# %%
# At their own learning rates
# ---------------------------
#
# Each name stands for an optimizer with Keras's learning rate, 0.01 for the first two and 0.001 for
# the others.

optimizers = ["sgd", "momentum", "rmsprop", "adam"]
runs = {
    optimizer: DNNClassifier(
        (100,), optimizer=optimizer, validation_fraction=0.2, epochs=12, random_state=0
    ).fit(X_train, y_train)
    for optimizer in optimizers
}
TrainingHistoryDisplay.from_estimator(runs, metric="loss")
plt.show()

# %%
# Adam and RMSprop start fast, and SGD looks poor. But is that the method, or the rate?
#
# Every rate for every optimizer
# ------------------------------

rates = [0.0001, 0.001, 0.01, 0.03, 0.1, 0.3]
accuracies = {
    optimizer: [
        DNNClassifier((100,), optimizer=optimizer, learning_rate=rate, epochs=5, random_state=0)
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for rate in rates
    ]
    for optimizer in optimizers
}
styles = {
    "sgd": ("#0072B2", "o-"),
    "momentum": ("#009E73", "^-"),
    "rmsprop": ("#CC79A7", "s--"),
    "adam": ("#D55E00", "D--"),
}
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for optimizer, (colour, style) in styles.items():
    ax.semilogx(rates, accuracies[optimizer], style, color=colour, linewidth=2, label=optimizer)
ax.set(xlabel="learning rate", ylabel="accuracy on test images", ylim=(0, 0.95))
ax.legend()
plt.show()

for optimizer, values in accuracies.items():
    best = int(np.argmax(values))
    print(f"{optimizer:9} best rate {rates[best]:6}, accuracy {values[best]:.3f}")

# %%
# Each curve is a hill: below, the network does not get far in five epochs, and above, it jumps over
# the goal. Adam's hill lies further to the left, and its usual rate of 0.001 is near its top. That
# of SGD is not. This is a good part of Adam's fame: it works without tuning.
#
# Why Adam is not always better
# -----------------------------
#
# Now give both their best rate, and three different starts.


def scores(**parameters):
    return [
        DNNClassifier((100,), epochs=10, random_state=seed, **parameters)
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for seed in range(3)
    ]


for optimizer in ("momentum", "adam"):
    rate = rates[int(np.argmax(accuracies[optimizer]))]
    values = scores(optimizer=optimizer, learning_rate=rate)
    spread = f"from {min(values):.3f} to {max(values):.3f}"
    print(f"{optimizer:9} rate {rate:5}: accuracy {np.mean(values):.3f}, {spread}")

# %%
# With a rate that suits it, the older method keeps up, at less cost per step: it remembers one
# number for each weight, Adam two.
#
# And there are losses on which Adam is slower. Think of the loss as a landscape. Here is a long
# valley with steep walls, 100 times as steep as its bottom. An adaptive rate per weight can stretch
# the valley, if the valley lies along one weight. If it lies across, there is nothing to stretch:
# every weight then has steep and flat at once.


def sgd(gradient, memory, rate):
    return -rate * gradient, memory


def momentum(gradient, memory, rate):
    step = 0.9 * (0 if memory is None else memory) - rate * gradient
    return step, step


def adam(gradient, memory, rate):
    mean, square, n = (0, 0, 0) if memory is None else memory
    mean, square, n = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2, n + 1
    step = rate * (mean / (1 - 0.9**n)) / np.sqrt(square / (1 - 0.999**n) + 1e-16)
    return -step, (mean, square, n)


def walk(rule, rate, valley, start, n_steps=200):
    places, memory = [start], None
    for _ in range(n_steps):
        step, memory = rule(valley @ places[-1], memory, rate)
        places.append(places[-1] + step)
    return np.array(places)


def height(places, valley):
    return 0.5 * np.sum((places @ valley) * places, axis=-1)


def steps_to_the_ground(places, valley):
    """Return the number of steps after which the height stays below 0.01."""
    below = height(places, valley) <= 0.01
    return len(places) - np.argmin(below[::-1])


turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)  # by 45 degrees
along = np.diag([1.0, 100.0])
valleys = {"along a weight": np.eye(2), "across": turn}
rules = {"sgd": sgd, "momentum": momentum, "adam": adam}

start = np.array([-2.0, 1.0])


def best_rate(rule):
    """Return the rate that reaches the ground of the first valley in the fewest steps."""
    rates = np.geomspace(0.001, 1, 80)
    with np.errstate(all="ignore"):  # with too large a rate, a walk flies out of the valley
        n_steps = [steps_to_the_ground(walk(rule, rate, along, start), along) for rate in rates]
    return rates[int(np.argmin(n_steps))]


grid = np.stack(np.meshgrid(np.linspace(-2.4, 2.4, 121), np.linspace(-2.4, 2.4, 121)), axis=-1)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 4.1), sharey=True, layout="constrained")
for ax, (name, rotation) in zip(axes, valleys.items(), strict=True):
    valley = rotation @ along @ rotation.T
    levels = np.geomspace(0.1, 300, 9)
    ax.contour(*np.moveaxis(grid, -1, 0), height(grid, valley), levels, colors="0.75", linewidths=1)
    print(f"valley {name}")
    for rule_name, rule in rules.items():
        places = walk(rule, best_rate(rule), valley, rotation @ start)
        n_steps = steps_to_the_ground(places, valley)
        colour, style = styles[rule_name]
        ax.plot(
            *places[:n_steps].T, style, color=colour, linewidth=1.2, markersize=3, label=rule_name
        )
        n_steps = n_steps if n_steps < len(places) else "more than 200"
        print(f"  {rule_name:9} {n_steps} steps to the ground")
    ax.set(title=f"valley {name}", xlabel="first weight", xlim=(-2.4, 2.4), ylim=(-2.4, 2.4))
axes[0].set_ylabel("second weight")
axes[0].legend()
plt.show()

# %%
# Each walks at the rate that suits it best in the left valley. In the right one, SGD and momentum
# take the same steps, only turned. Adam does not: there, each weight has the steep and the flat
# direction at once, and a rate per weight cannot tell them apart. Another rate would suit it
# better, but the lead that it had without tuning is gone.
#
# So start with Adam, which is the default here and seldom bad. If the last percent matters, try
# momentum with some rates, and a :doc:`schedule </user_guide/training>` that lets the rate fall.
