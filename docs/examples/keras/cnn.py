"""
Use a convolutional network as an estimator
===========================================

Give a list of Keras layers to :class:`~skdnn.KerasClassifier`, and the network fits, predicts,
clones and cross-validates like any estimator of scikit-learn. A convolutional network recognises a
digit that is not in the middle of the image. A dense network has to learn each position anew.
"""

# %%
# Digits at any position
# ----------------------
# The digits of scikit-learn have 8 × 8 pixels. Here, each is placed on a canvas of 14 × 14 pixels,
# in the middle for training and at random positions for a second test.

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from skdnn import DNNClassifier, KerasClassifier, NetworkDisplay

digits = load_digits()
rng = np.random.default_rng(0)


def place(images, shift):
    """Return the images on canvases, moved by up to `shift` pixels in each direction."""
    canvas = np.zeros((len(images), 14, 14), dtype="float32")
    for i, (row, column) in enumerate(3 + rng.integers(-shift, shift + 1, (len(images), 2))):
        canvas[i, row : row + 8, column : column + 8] = images[i] / 16
    return canvas


small_train, small_test, y_train, y_test = train_test_split(
    digits.images, digits.target, test_size=0.4, random_state=0
)
X_train, X_test = place(small_train, 1), place(small_test, 1)

# %%
# The network
# -----------
# The shape of the input comes from X, and the loss from y and the output layer.

network = KerasClassifier(
    [
        layers.Reshape((14, 14, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(10, activation="softmax"),
    ],
    optimizer="adam",
    optimizer__learning_rate=0.005,
    metrics=["accuracy"],
    epochs=12,
    random_state=0,
    verbose=0,
)
network.fit(X_train, y_train)
dense = DNNClassifier((64,), epochs=20, random_state=0).fit(X_train, y_train)
print(f"convolutions  {network.score(X_test, y_test):.3f}")
print(f"dense         {dense.score(X_test, y_test):.3f}")

# %%
# The layers, from the input to the output:

NetworkDisplay.from_estimator(network, name="convolutional network")

# %%
# Move the digits
# ---------------
# In training, the digits were moved by at most one pixel.

shifts = [0, 1, 2, 3]
fig, ax = plt.subplots()
for name, model, marker in [("convolutions", network, "o"), ("dense", dense, "s")]:
    scores = [100 * model.score(place(small_test, shift), y_test) for shift in shifts]
    (line,) = ax.plot(shifts, scores, marker=marker, ms=8)
    ax.annotate(
        name,
        (shifts[-1], scores[-1]),
        (12, 0),
        textcoords="offset points",
        va="center",
        color=line.get_color(),
        weight="bold",
    )
ax.axhline(10, color="0.6", ls="--", lw=1)
ax.text(3, 11, "chance", color="0.4", va="bottom", ha="right")
ax.axvspan(-0.1, 1, color="0.93", zorder=0)
ax.text(0.45, 35, "as in training", color="0.4", ha="center")
ax.set(xticks=shifts, ylim=(0, 102), xlim=(-0.1, 3.1))
ax.set(xlabel="digits are moved by up to so many pixels", ylabel="accuracy in %")
ax.set_title("Convolutions find a digit at another position")

# %%
# What the first convolution sees
# -------------------------------
# ``model_`` is the trained Keras network. Eight of its sixteen filters on one image:

model = network.model_
first = keras.Sequential(model.layers[:2])
maps = first.predict(X_test[:1], verbose=0)[0]
fig, axes = plt.subplots(1, 9, figsize=(9.6, 1.3))
axes[0].imshow(X_test[0], cmap="gray_r")
axes[0].set_title("image", loc="center", fontsize=9.5)
busiest = np.argsort(-maps.mean(axis=(0, 1)))[:8]
for number, (ax, channel) in enumerate(zip(axes[1:], busiest, strict=True), start=1):
    ax.imshow(maps[:, :, channel], cmap="cividis")
    ax.set_title(f"filter {number}", loc="center", fontsize=9.5)
for ax in axes:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)

# %%
# Search its parameters
# ---------------------
# A function that builds the network has parameters of its own. The search sets them with the prefix
# ``model__``.


def build(filters=8, pool=True):
    """Return a network for images of one channel."""
    model = keras.Sequential([layers.Reshape((14, 14, 1))])
    model.add(layers.Conv2D(filters, 3, activation="relu"))
    if pool:
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(10, activation="softmax"))
    return model


candidate = KerasClassifier(
    build,
    optimizer="adam",
    optimizer__learning_rate=0.005,
    epochs=8,
    random_state=0,
    verbose=0,
)
grid = {"model__filters": [4, 16], "model__pool": [False, True]}
search = GridSearchCV(candidate, grid, cv=2).fit(X_train, y_train)
for parameters, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{score:.3f}  {parameters}")

# %%
# See also
# --------
# :doc:`/user_guide/keras_wrappers` explains all ways to give a network, and
# :doc:`/auto_examples/keras/lstm` does the same for sequences.

# sphinx_gallery_thumbnail_number = 2
