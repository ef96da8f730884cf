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
# - *Momentum* is SGD with a memory: each step keeps 90% of the last one and adds its own. Steps to
#   and fro cancel, and steps in one direction add up, to ten times their length.
# - *RMSprop* gives each weight a rate of its own: rate × gradient / (typical size of the gradient
#   of this weight). Such a rate is called *adaptive*. The typical size is the root of the mean
#   square over the last batches.
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
# A name is enough for the usual settings. An object takes all others as well: in
# ``keras.optimizers.Adam(beta_1=0.8)``, the memory keeps 80% of the last step instead of 90%.
# With a name, ``DNNClassifier`` takes the rate as ``learning_rate``, a parameter of its own. In
# ``KerasClassifier``, what follows ``optimizer__`` is handed to Keras's optimizer.

stack = [
    layers.Rescaling(1 / 255),
    layers.Flatten(),
    layers.Dense(100, activation="relu"),
    layers.Dense(10, activation="softmax"),
]
common = {"epochs": 5, "random_state": 0, "verbose": 0}
sgd_object = keras.optimizers.SGD(learning_rate=0.1)
networks = {
    "DNN, by name": DNNClassifier((100,), optimizer="sgd", learning_rate=0.1, **common),
    "DNN, by object": DNNClassifier((100,), optimizer=sgd_object, **common),
    "Keras, by name": KerasClassifier(
        stack, optimizer="sgd", optimizer__learning_rate=0.1, **common
    ),
    "Keras, by object": KerasClassifier(stack, optimizer=sgd_object, **common),
}
for name, network in networks.items():
    print(f"{name:17} {network.fit(X_train, y_train).score(X_test, y_test):.3f}")

# %%
# In each family, name and object give the same network. (Each fit makes a new optimizer with the
# settings of your object, so the object can be used twice.) "momentum" is a name of
# ``DNNClassifier`` only. Keras writes ``keras.optimizers.SGD(momentum=0.9)``.
#
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
plt.title("The loss with four optimizers, at Keras's learning rates")
plt.show()

# %%
# SGD looks poor, and the other three do not. (The circles mark the lowest validation loss, as on
# page 2. That of momentum lies under that of Adam.) But is that the method, or the rate?
#
# Every rate for every optimizer
# ------------------------------

rates = [0.00003, 0.0003, 0.001, 0.01, 0.03, 0.1, 0.3]
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
    "momentum": ("#E69F00", "^-"),
    "rmsprop": ("#009E73", "s--"),
    "adam": ("#CC79A7", "D--"),
}
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for optimizer, (colour, style) in styles.items():
    ax.semilogx(rates, accuracies[optimizer], style, color=colour, linewidth=2, label=optimizer)
ax.set(xlabel="learning rate", ylabel="accuracy on test images", ylim=(0, 0.95))
ax.set_title("Accuracy after five epochs, by learning rate")
ax.legend()
plt.show()

for optimizer, values in accuracies.items():
    best = int(np.argmax(values))
    print(f"{optimizer:9} best rate {rates[best]:6}, accuracy {values[best]:.3f}")

# %%
# Each curve is a hill: on the left, the network does not get far in five epochs, and on the right,
# it jumps over the goal. The hills of Adam and RMSprop lie further to the left. They divide by the
# size of the gradient, so their rate is about the length of a step. With SGD, the step is the rate
# times a gradient that is mostly far smaller than 1.
#
# The usual rates of momentum (0.01) and Adam (0.001) are near the tops of their hills. That of SGD
# (0.01) is not. Adam alone has a wide top: it is above 0.8 from 0.0003 to 0.03, a range of a
# hundred times, and momentum only at 0.01 and 0.03. This is a good part of Adam's fame: a rate that
# is not quite right does little harm.
#
# The adaptive rate alone does not do it. RMSprop has one, too, but is best below its usual rate of
# 0.001, and from there to 0.03 it stays behind Adam. It has no memory of its last steps, so each
# step follows one batch alone. (This is one start of five epochs, and partly luck: in the picture
# above, RMSprop keeps up with Adam.) At their tops, Adam and momentum are alike, and SGD and
# RMSprop are two to three hundredths behind after five epochs.
#
# Why Adam is not always better
# -----------------------------
#
# Now give momentum and Adam their best rate of the picture, twice as many epochs, and three starts.


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
# So what is an adaptive rate good for? Think of the loss as a landscape. Here is a long valley. Its
# walls are 300 times as steep as its bottom, so a rate that is small enough for the walls is far
# too small for the bottom. If the valley lies along one weight, a rate per weight helps: large for
# this weight, small for the other. If it lies diagonally, it cannot: both weights have steep and
# flat at once. We try 40 rates for each optimizer in each valley, and draw the fastest walk.


def sgd(gradient, memory, rate):
    return -rate * gradient, memory


def momentum(gradient, memory, rate):
    step = 0.9 * (0 if memory is None else memory) - rate * gradient
    return step, step


def rmsprop(gradient, memory, rate):
    square = 0.9 * (0 if memory is None else memory) + 0.1 * gradient**2
    return -rate * gradient / np.sqrt(square + 1e-16), square


def adam(gradient, memory, rate):
    mean, square, n = (0, 0, 0) if memory is None else memory
    mean, square, n = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2, n + 1
    # Both memories start at 0, which makes them too small at first. The divisions undo that, and
    # 1e-16 avoids a division by zero.
    step = rate * (mean / (1 - 0.9**n)) / np.sqrt(square / (1 - 0.999**n) + 1e-16)
    return -step, (mean, square, n)


def walk(rule, rate, valley, start, n_steps=600):
    places, memory = [start], None
    for _ in range(n_steps):
        gradient = valley @ places[-1]  # of the height below
        step, memory = rule(gradient, memory, rate)
        places.append(places[-1] + step)
    return np.array(places)


def height(places, valley):
    return 0.5 * np.sum((places @ valley) * places, axis=-1)


def steps_to_the_ground(places, valley):
    """Return the number of steps after which the height stays below 0.01."""
    below = height(places, valley) <= 0.01
    return len(places) - np.argmin(below[::-1])


def fastest_rate(rule, valley, start):
    """Return the rate that reaches the ground in the fewest steps, of 40 rates."""
    rates = np.geomspace(0.001, 1, 40)
    with np.errstate(all="ignore"):  # with too large a rate, a walk flies out of the valley
        n_steps = [steps_to_the_ground(walk(rule, rate, valley, start), valley) for rate in rates]
    return rates[int(np.argmin(n_steps))]


along = np.diag([1.0, 300.0])
turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)  # by 45 degrees
start = np.array([-2.0, 0.3])
rules = {"sgd": sgd, "momentum": momentum, "rmsprop": rmsprop, "adam": adam}
grid = np.stack(np.meshgrid(np.linspace(-2.4, 2.4, 121), np.linspace(-2.4, 2.4, 121)), axis=-1)

fig, axes = plt.subplots(1, 2, figsize=(8.5, 4.1), sharey=True, layout="constrained")
rotations = {"valley along a weight": np.eye(2), "diagonal valley": turn}
for ax, (name, rotation) in zip(axes, rotations.items(), strict=True):
    valley = rotation @ along @ rotation.T
    levels = np.geomspace(0.1, 900, 9)
    ax.contour(*np.moveaxis(grid, -1, 0), height(grid, valley), levels, colors="0.75", linewidths=1)
    print(name)
    for rule_name, rule in rules.items():
        rate = fastest_rate(rule, valley, rotation @ start)
        places = walk(rule, rate, valley, rotation @ start)
        n_steps = steps_to_the_ground(places, valley)
        colour, style = styles[rule_name]
        ax.plot(
            *places[:n_steps].T, style, color=colour, linewidth=1.2, markersize=2.5, label=rule_name
        )
        print(f"  {rule_name:9} {n_steps:3} steps to the ground, at the rate {rate:.3f}")
    ax.set(title=name, xlabel="first weight", xlim=(-2.4, 2.4), ylim=(-2.4, 2.4))
axes[0].set_ylabel("second weight")
axes[0].legend()
plt.show()

# %%
# SGD and momentum take the same steps in both valleys, only turned. The walls force a small rate on
# SGD, and then it creeps along the bottom. The steps of momentum across the valley point to and fro
# and cancel, and those along it add up.
#
# RMSprop shows the adaptive rate alone. In the left valley it needs a third of the steps of SGD. In
# the right one both weights feel the walls, so both are divided by about the same number, and it is
# no faster than SGD.
#
# Adam has the memory and the adaptive rate. In the left valley it is the fastest. In the right one
# it is slower than momentum, even at another rate. The division gains nothing there, and it does
# harm: the typical size changes on the way, so no rate suits the whole walk, as one does for
# momentum. Nobody knows beforehand how the valleys of a loss lie.
#
# So start with Adam, which is seldom bad. It is the default of ``DNNClassifier``
# (``KerasClassifier`` has Keras's default, RMSprop, so name Adam there). On these images momentum
# was as good, not better. If the last percent matters, try both with several rates, and a
# :doc:`schedule </user_guide/training>` that lets the rate fall. But choose the rate on images that
# are set aside, not on the test images as this page did.
#
# How the optimizer and the loss are chosen in Keras itself is the subject of :doc:`the next page
# <10_compile_fit_evaluate>`.
