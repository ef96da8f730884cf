"""
Predict a number
================

So far, networks chose among classes. In *regression* they predict a number. This page lets them
see how far a pair of trousers has been turned, and shows what an activation of the output does.
"""

# %%
# Turned trousers
# ---------------
#
# Take trousers, and turn each by a random angle between -90 and 90 degrees. The angle is what the
# network has to find.

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from scipy.ndimage import rotate
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

from skdnn import DNNRegressor, KerasRegressor
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
trousers = images[labels == 1][:2000]
angles = np.random.default_rng(0).uniform(-90, 90, size=len(trousers))
turned = np.stack(
    [
        rotate(image, angle, reshape=False, order=1)
        for image, angle in zip(trousers, angles, strict=True)
    ]
)
X_train, X_test, y_train, y_test = train_test_split(turned, angles, test_size=500, random_state=0)

fig, axes = plt.subplots(2, 6, figsize=(8, 3.3), layout="constrained")
fig.suptitle("Trousers, turned by the angle above them")
for ax, image, angle in zip(axes.flat, X_train, y_train, strict=False):
    ax.imshow(image, cmap="gray_r")
    ax.set_title(f"{angle:.0f}°")
    ax.set_axis_off()
plt.show()

# %%
# With DNNRegressor
# -----------------
#
# The output layer is a single unit *without* activation: its sum is the prediction. The loss is the
# mean squared error. ``DNNRegressor`` also scales the angles inside, so that their size does not
# matter for training.

dense = DNNRegressor((100,), epochs=30, random_state=0).fit(X_train, y_train)
dense.summary()

# %%
# ``score`` is R²: 1 is perfect, and 0 is as good as always predicting the mean. The *mean
# absolute error* is easier to imagine.

print(f"R²: {dense.score(X_test, y_test):.3f}")
print(f"mean absolute error: {mean_absolute_error(y_test, dense.predict(X_test)):.1f} degrees")

# %%
# With KerasRegressor
# -------------------
#
# One unit, no activation. The loss follows from the estimator: the mean squared error. A network of
# your own gets ``y`` as it is. A new network answers numbers of about the size of 1, and has a long
# way to go to 90. So here the angles are given in units of 90 degrees: from -1 to 1.


def build(output_activation=None):
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
            layers.Dense(1, activation=output_activation),
        ]
    )


stacked = KerasRegressor(build, optimizer="adam", epochs=30, random_state=0, verbose=0)
stacked.fit(X_train, y_train / 90)
error = mean_absolute_error(y_test, 90 * stacked.predict(X_test))
print(f"mean absolute error: {error:.1f} degrees")

# %%
# With an output activation
# -------------------------
#
# An activation limits what can come out. A sigmoid only returns numbers between 0 and 1, and ReLU
# never a negative number: half of the angles are then out of reach. *tanh* has the shape of a
# sigmoid, but goes from -1 to 1: in units of 90 degrees, it reaches all angles. Here are all four,
# from two starts each.

activations = {"none": None, "tanh": "tanh", "sigmoid": "sigmoid", "ReLU": "relu"}
starts = {"one start": 0, "another": 2}
fig, axes = plt.subplots(2, 4, figsize=(9, 4.9), sharex=True, sharey=True, layout="constrained")
fig.suptitle("Predicted angles with four activations of the output, from two starts")
for row, (start, seed) in zip(axes, starts.items(), strict=True):
    for ax, (name, activation) in zip(row, activations.items(), strict=True):
        clone = KerasRegressor(
            build, model__output_activation=activation, optimizer="adam", epochs=30,
            random_state=seed, verbose=0,
        )  # fmt: skip
        predicted = 90 * clone.fit(X_train, y_train / 90).predict(X_test)
        error = mean_absolute_error(y_test, predicted)
        ax.plot([-90, 90], [-90, 90], color="0.6", linewidth=1)
        ax.plot(y_test, predicted, ".", color="#0072B2", alpha=0.5, markersize=5)
        ax.set_title(f"{name}: error {error:.1f}°")
    row[0].set(ylabel=f"{start}:\npredicted angle", yticks=[-90, 0, 90])
for ax in axes[-1]:
    ax.set(xlabel="true angle", xticks=[-90, 0, 90])
plt.show()

# %%
# Points on the line are right. Where the activation forbids an answer, the network can only press
# itself against the border: see the sigmoid, and ReLU from one of the starts. From the other, ReLU
# is stuck: its sum is negative for every image, so its gradient is 0, it is a dead unit
# (:doc:`page 6 <06_sigmoid_and_relu>`), and the prediction is always 0.
#
# Without an activation, every number can come out. So this is the way to start, and what
# ``DNNRegressor`` does. But tanh is better here, from both starts: all angles lie within its
# limits, and it cannot go beyond them. For prices, which have no such limits, it would fail as the
# sigmoid does here.
#
# Look at the worst
# -----------------

predicted = dense.predict(X_test)
worst = np.argsort(np.abs(predicted - y_test))[::-1][:6]
fig, axes = plt.subplots(1, 6, figsize=(8.5, 2.2), layout="constrained")
fig.suptitle("The six largest errors: true and predicted angle")
for ax, i in zip(axes, worst, strict=True):
    ax.imshow(X_test[i], cmap="gray_r")
    ax.set_title(f"{y_test[i]:.0f}°, said {predicted[i]:.0f}°", fontsize=9)
    ax.set_axis_off()
plt.show()

# %%
# Lying trousers at 90 and at -90 degrees differ only in where the waist is. A network that
# hesitates between the two answers something in between, because that is what makes the squared
# error small. (Two of the six are odd: the first image shows more than one pair, and the second
# hardly looks like trousers. The last one does not lie, and is simply wrong.) The user guide has
# :doc:`other losses </user_guide/targets_and_losses>`, and shows how to predict an interval instead
# of a number.
#
# A network is not the only way to learn from images. :doc:`The next page
# <13_forests_and_networks>` puts it beside forests.
