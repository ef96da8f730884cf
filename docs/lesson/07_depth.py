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

side = np.linspace(0.02, 5.98, 150)
board = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
truth = np.floor(board).sum(axis=1) % 2
fig, axes = plt.subplots(1, 3, figsize=(8.5, 3.1), layout="constrained")
colours = ListedColormap(["#56B4E9", "#0B3C5D"])
pictures = {"the board": truth}
for name in shapes:
    best = networks[name][int(np.argmax(scores[name]))]
    pictures[f"{name}: {max(scores[name]):.0%} correct"] = best.predict(board)
for ax, (title, values) in zip(axes, pictures.items(), strict=True):
    ax.imshow(values.reshape(150, 150), origin="lower", extent=(0, 6, 0, 6), cmap=colours)
    ax.set(title=title, xticks=range(7), yticks=range(7))
plt.show()

# %%
# Every unit of a first layer makes one straight cut across the whole board, where its sum is 0. The
# wide network has to assemble all squares from such cuts: look at its long, straight borders. The
# deep one has only 22 cuts in its first layer, and yet its borders turn at nearly every corner of a
# square. A layer can fold the board, as the strip above: points on both sides of a cut get the same
# numbers. The next layer cuts straight through the folded board, and such a cut lies in several
# places of the board itself. Here is one unit of each hidden layer, dark where it is active:

model = networks["deep"][int(np.argmax(scores["deep"]))].model_
fig, axes = plt.subplots(1, 3, figsize=(8.5, 3.5), layout="constrained")
fig.suptitle("Where one unit of the deep network is active")
for number, ax in enumerate(axes, start=1):
    hidden = keras.Model(model.input, model.get_layer(f"hidden_{number}").output)
    active = hidden.predict(board, verbose=0) > 0
    unit = np.argmin(np.abs(active.mean(axis=0) - 0.5))  # active on about half of the board
    ax.imshow(active[:, unit].reshape(150, 150), origin="lower", extent=(0, 6, 0, 6), cmap=colours)
    ax.set(title=f"hidden layer {number}", xticks=range(7), yticks=range(7))
plt.show()

# %%
# The unit of the first layer has one straight border. Each of the other two has several, and bent
# ones.
#
# Is the wide network unable, or only slow? Give it five times the epochs, from one start:

longer = DNNClassifier((280,), epochs=300, learning_rate=0.005, random_state=0)
print(f"wide, 300 epochs: accuracy {longer.fit(X_train, y_train).score(X_test, y_test):.2f}")

# %%
# It gets better, but the deep ones of ``DNNClassifier`` were all ahead of that after 60 epochs. So
# it is slow. Whether its 280 units could ever do it, this does not show. With enough units, good
# weights exist (page 5).
#
# Is deeper always better?
# ------------------------
#
# No. Depth helps where a pattern is made of patterns, and where the layers can use that. On
# :doc:`the page before <06_sigmoid_and_relu>`, eight hidden layers were about as good as one on our
# small images of clothes, and they take longer to train. Images are made of patterns, too, but a
# dense layer cannot look for the same edge everywhere, as *convolutional* layers do. (They look for
# one small pattern at all places of the image. The lesson leaves them out.) Start with one or two
# hidden layers, and let a :doc:`search <14_pipeline_and_search>` say whether more pay off.
#
# What a dense layer makes of an image is the subject of :doc:`the next page <08_flatten>`.
