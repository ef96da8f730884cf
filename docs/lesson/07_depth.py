"""
Why depth helps
===============

A layer that follows another can use again what the first has made. This page folds a line by
hand, and then lets a wide and a deep network of similar size compete on a chessboard.
"""

# %%
# Folding
# -------
#
# Take a strip of paper from 0 to 1 and fold it in the middle. Two ReLU units do that:
# ``fold(x) = max(0, 2 x) - 2 max(0, 2 x - 1)``.
#
# The next layer folds the folded strip, and so on. Each layer is as small as the first.

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from matplotlib.colors import ListedColormap

from skdnn import DNNClassifier, KerasClassifier


def fold(x):
    return np.maximum(0, 2 * x) - 2 * np.maximum(0, 2 * x - 1)


x = np.linspace(0, 1, 1025)
fig, axes = plt.subplots(1, 4, figsize=(9, 2.7), sharey=True, layout="constrained")
axes[0].set_ylabel("output")
folded = x
for n_layers, ax in enumerate(axes, start=1):
    folded = fold(folded)
    n_pieces = 1 + np.sum(np.diff(np.sign(np.diff(folded))) != 0)
    ax.plot(x, folded, color="#0072B2", linewidth=2)
    ax.set(title=f"{n_layers} layer{'s' if n_layers > 1 else ''}, {n_pieces} pieces", xlabel="x")
plt.show()

# %%
# Every layer adds two units: one for the slope at 0, and one for the bend. If they give a and b,
# the sums of the next layer are 2 (a - 2 b) and 2 (a - 2 b) - 1. Every layer doubles the number of
# straight pieces. A single hidden layer only adds one bend per unit: for the 16 pieces of the last
# picture, which have 15 bends, it needs at least 15 units, and for a thousand pieces at least 999.
# Ten layers of two units make 1,024 pieces with 20. (That some functions need exponentially more
# units when a network is shallow is a theorem: Telgarsky 2016.)
#
# A chessboard
# ------------
#
# That was built by hand. Does training find such things? Let it learn the colours of a board of 6 ×
# 6 squares, from 3,000 points.

rng = np.random.default_rng(0)


def draw_points(n_points):
    X = rng.uniform(0, 6, size=(n_points, 2))
    return X, np.floor(X).sum(axis=1).astype(int) % 2


X_train, y_train = draw_points(3000)
X_test, y_test = draw_points(3000)

# %%
# One network is wide, the other deep. The deep one even has fewer parameters. The learning rate,
# the size of the optimizer's steps (page 9), is larger than usual, which saves time here.

shapes = {"wide": (280,), "deep": (22, 22, 22)}
training = {"epochs": 60, "learning_rate": 0.005}
networks, scores = {}, {}
for name, sizes in shapes.items():
    networks[name] = [
        DNNClassifier(sizes, **training, random_state=seed).fit(X_train, y_train)
        for seed in range(3)
    ]
    scores[name] = [network.score(X_test, y_test) for network in networks[name]]
    n_parameters = networks[name][0].model_.count_params()
    print(
        f"{name} {sizes!s:13} {n_parameters:,} parameters, accuracy from three starts:",
        ", ".join(f"{score:.2f}" for score in scores[name]),
    )

# %%
# The same with your own layers:


def build(sizes):
    hidden = [layers.Dense(size, activation="relu") for size in sizes]
    normalise = layers.Rescaling(1 / 3, offset=-1)  # from [0, 6] to [-1, 1]
    return keras.Sequential([normalise, *hidden, layers.Dense(2, activation="softmax")])


for name, sizes in shapes.items():
    accuracies = []
    for seed in range(3):
        clf = KerasClassifier(
            build, model__sizes=sizes, optimizer="adam", optimizer__learning_rate=0.005,
            epochs=60, random_state=seed, verbose=0,
        )  # fmt: skip
        accuracies.append(clf.fit(X_train, y_train).score(X_test, y_test))
    print(
        f"{name}: accuracy from three starts:",
        ", ".join(f"{accuracy:.2f}" for accuracy in accuracies),
    )

# %%
# The start matters: a bad one costs the deep network many squares. But each deep one is better than
# every wide one. Here is what the networks of ``DNNClassifier`` have made of the board, each from
# its best start:

side = np.linspace(0, 6, 151)
board = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
truth = np.floor(board).sum(axis=1) % 2
fig, axes = plt.subplots(1, 3, figsize=(8.5, 3.1), layout="constrained")
colours = ListedColormap(["#56B4E9", "#0B3C5D"])
pictures = {"the board": truth}
for name in shapes:
    best = networks[name][int(np.argmax(scores[name]))]
    pictures[f"{name}: {max(scores[name]):.0%} correct"] = best.predict(board)
for ax, (title, values) in zip(axes, pictures.items(), strict=True):
    ax.imshow(values.reshape(151, 151), origin="lower", extent=(0, 6, 0, 6), cmap=colours)
    ax.set(title=title, xticks=range(7), yticks=range(7))
plt.show()

# %%
# Every unit of a first layer makes one straight cut across the whole board. The wide network has to
# assemble all squares from such cuts. The later layers of the deep one can use a cut again and
# again, as the folds above. (Is the wide network unable, or only slow? Some of both. With 300
# epochs, three starts of ``DNNClassifier`` came to 0.74, 0.75 and 0.79, and the deep ones to 0.93.)
#
# Is deeper always better?
# ------------------------
#
# No. Depth helps where a pattern is made of patterns, and where the layers can use that. On
# :doc:`the page before <06_sigmoid_and_relu>`, eight hidden layers were about as good as one on our
# small images of clothes, and they take longer to train. Images are made of patterns, too, but a
# dense layer cannot look for the same edge everywhere, as convolutional layers do. Start with one
# or two hidden layers, and let a :doc:`search <14_pipeline_and_search>` say whether more pay off.
#
# What a dense layer makes of an image is the subject of :doc:`the next page <08_flatten>`.
