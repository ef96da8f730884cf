"""
Flatten instead of reshape
==========================

A dense layer wants a row of numbers, and an image is a square. This page compares two ways to
flatten it, and finds out what a dense network knows about neighbouring pixels.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, KerasClassifier
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)

# %%
# What flattening does
# --------------------
#
# It puts the 28 rows of an image one after the other. Here are an image, and ten of its rows (10 to
# 19) as the network gets them: 280 numbers, drawn as narrow bars.

shoe = X_train[np.flatnonzero(y_train == 9)[2]]
fig, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 2.4), width_ratios=(1, 3), layout="constrained"
)
left.imshow(shoe, cmap="gray_r")
left.set_title(f"image {shoe.shape}")
left.set_axis_off()
right.imshow(shoe[10:20].reshape(1, -1), cmap="gray_r", aspect="auto")
right.set(title=f"ten rows of {shoe.reshape(-1).shape}", yticks=[], xlabel="row of the image")
right.set_xticks(np.arange(13.5, 280, 28), range(10, 20))
for edge in range(28, 280, 28):
    right.axvline(edge - 0.5, color="#D55E00", linewidth=1)
plt.show()

# %%
# With ``reshape``, before the network
# ------------------------------------
#
# It can be done by hand, together with the division by 255.


def prepare(images):
    return images.reshape(len(images), -1) / 255


by_hand = KerasClassifier(
    [layers.Dense(100, activation="relu"), layers.Dense(10, activation="softmax")],
    optimizer="adam",
    epochs=5,
    random_state=0,
    verbose=0,
)
by_hand.fit(prepare(X_train), y_train)
print(f"accuracy: {by_hand.score(prepare(X_test), y_test):.3f}")

# %%
# But then everyone who uses the network has to do the same, for ever. Forget it once, and this
# happens:

try:
    by_hand.predict(X_test)
except ValueError as error:
    print(error)

# %%
# Forget only the division, and there is not even an error. The predictions are just worse, and
# above all the network is now sure of every answer, of the wrong ones as well:

for name, X in {"divided": prepare(X_test), "forgotten": X_test.reshape(-1, 784)}.items():
    largest = by_hand.predict_proba(X).max(axis=1)
    print(
        f"{name:10} accuracy {by_hand.score(X, y_test):.3f}, mean confidence {largest.mean():.3f}"
    )

# %%
# Why so sure, and still mostly right? All sums are about 255 times as large, so mostly the same
# class has the largest. But the ten sums now lie far apart, and then softmax gives nearly all of
# the probability to the largest. (Never to divide, in training either, is no way out: page 2.)
#
# With ``Flatten``, inside the network
# ------------------------------------
#
# Now the network takes images as they are, when it learns and when it predicts.

inside = KerasClassifier(
    [
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    optimizer="adam",
    epochs=5,
    random_state=0,
    verbose=0,
)
inside.fit(X_train, y_train)
print(f"accuracy: {inside.score(X_test, y_test):.3f}")

difference = np.abs(inside.predict_proba(X_test) - by_hand.predict_proba(prepare(X_test))).max()
print(f"largest difference to the network by hand: {difference:.0e}")

# %%
# ``DNNClassifier`` does both by itself. They are the first two layers of its :doc:`summary
# <04_parameters>`, and are saved with it.

dense = DNNClassifier((100,), epochs=5, random_state=0).fit(X_train, y_train)
print(f"accuracy: {dense.score(X_test, y_test):.3f}")

# %%
# What a dense network does not know
# ----------------------------------
#
# After flattening, nothing says which pixels were neighbours. Does the network miss that? Shuffle
# the pixels, in the same way for all images.

order = np.random.default_rng(0).permutation(28 * 28)


def shuffle_pixels(images):
    return images.reshape(-1, 784)[:, order].reshape(-1, 28, 28)


fig, axes = plt.subplots(2, 6, figsize=(7.5, 2.9), layout="constrained")
fig.suptitle("Six images, and below them the same pixels, shuffled")
for (top, bottom), image in zip(axes.T, X_train[:6], strict=True):
    top.imshow(image, cmap="gray_r")
    bottom.imshow(shuffle_pixels(image)[0], cmap="gray_r")
    top.set_axis_off()
    bottom.set_axis_off()
plt.show()

# %%
shuffled = DNNClassifier((100,), epochs=5, random_state=0)
shuffled.fit(shuffle_pixels(X_train), y_train)
print(f"as they are: {dense.score(X_test, y_test):.3f}")
print(f"shuffled:    {shuffled.score(shuffle_pixels(X_test), y_test):.3f}")

# %%
# You would be lost in the lower row. The network does not mind: to a dense layer, the order of its
# inputs means nothing. That is why it works for tables, where the columns have no order either.
# With images it is a weakness: what the network learns about an edge at one place, it has to learn
# again at every other. *Convolutional* layers look for the same small pattern everywhere. The
# lesson leaves them out, but ``KerasClassifier`` takes them, too: see :doc:`the user guide
# </user_guide/keras_wrappers>`.
#
# Whatever the layers are, something has to change their weights: the optimizer, on :doc:`the next
# page <09_optimizers>`.
