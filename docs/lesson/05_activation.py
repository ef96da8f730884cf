"""
Why hidden layers need an activation
====================================

Without an activation, a hundred layers can do no more than one. This page shows it in numbers,
and then asks whether the bend of ReLU is bend enough.
"""

# %%
# Without an activation, a layer multiplies by a matrix and adds a vector. Two such layers after
# each other, with the weights W and V and the biases b and c, make of an input x
# ``V (W x + b) + c = (V W) x + (V b + c)``, which is again one matrix and one vector.
# Mathematicians call this *linear*. We try it.

import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from scipy.special import softmax
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)

# %%
# A linear stack
# --------------
#
# Three layers without an activation. In Keras, a ``Dense`` layer has none unless you give one. In
# ``DNNClassifier``, its name is "linear".

stacked = KerasClassifier(
    [
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(100, name="first"),
        layers.Dense(100, name="second"),
        layers.Dense(10, activation="softmax", name="output"),
    ],
    optimizer="adam",
    epochs=5,
    random_state=0,
    verbose=0,
)
stacked.fit(X_train, y_train)
print(f"{stacked.model_.count_params():,} parameters, "
      f"accuracy {stacked.score(X_test, y_test):.3f}")  # fmt: skip

# %%
# It collapses
# ------------
#
# Multiply the three matrices. What is left is a single matrix with one column per class, and one
# bias per class. (In code an image is a row, so the matrices stand in the other order.)

(W1, b1), (W2, b2), (W3, b3) = (
    stacked.model_.get_layer(name).get_weights() for name in ("first", "second", "output")
)
W = W1 @ W2 @ W3
b = (b1 @ W2 + b2) @ W3 + b3
print("W:", W.shape, " b:", b.shape, " together", f"{W.size + b.size:,} numbers")

by_hand = softmax(X_test.reshape(-1, 784) / 255 @ W + b, axis=1)
difference = np.abs(by_hand - stacked.predict_proba(X_test)).max()
print(f"largest difference between the probabilities: {difference:.1e}")

# %%
# The same predictions, up to rounding. All those layers are worth one. This is *logistic
# regression*, which needs no hidden layer at all. Now three networks with ``DNNClassifier``, which
# differ only in what lies between the pixels and the output:

variants = {
    "no hidden layer": {"hidden_layer_sizes": ()},
    "two hidden layers, linear": {"hidden_layer_sizes": (100, 100), "activation": "linear"},
    "two hidden layers, ReLU": {"hidden_layer_sizes": (100, 100), "activation": "relu"},
}
for name, parameters in variants.items():
    print(f"{name}, from two starts")
    for seed in range(2):
        clf = DNNClassifier(**parameters, epochs=10, random_state=seed).fit(X_train, y_train)
        training, test = clf.score(X_train, y_train), clf.score(X_test, y_test)
        print(f"  accuracy: training {training:.3f}, test {test:.3f}")

# %%
# The linear layers add parameters, and no new possibilities. The two linear kinds differ no more
# than two starts do. The bend between the layers makes the difference: the training accuracy shows
# it clearly. On test images the lead is small, hardly more than luck, so here is a task that shows
# it better.
#
# Is ReLU non-linear enough?
# --------------------------
#
# *ReLU*, the rectified linear unit, is ``max(0, x)``: zero for negative sums, and the sum
# itself for positive ones. That is two straight lines with one bend. How can this be enough?
#
# Because a layer has many bends, each at another place: where the sum of its unit is 0, which its
# weight and its bias decide. Add them up, and the result bends wherever one of its units does. Here
# are networks with 1, 8 and 200 hidden units that learn a wave. :class:`~skdnn.DNNRegressor`
# predicts numbers instead of classes. (``learning_rate``, the size of the optimizer's steps, is a
# subject of page 9.)

x = np.linspace(-3, 3, 600).reshape(-1, 1)
wave = np.sin(2 * x[:, 0]) + 0.5 * x[:, 0]

fig, axes = plt.subplots(1, 4, figsize=(9, 3.1), sharey=True, layout="constrained")
fig.suptitle("Four networks that learn a wave, named by their hidden units")
fig.supxlabel("input")
fig.supylabel("output")
errors = {}
for ax, (units, activation) in zip(
    axes, [(200, "linear"), (1, "relu"), (8, "relu"), (200, "relu")], strict=True
):
    network = DNNRegressor(units, activation, epochs=200, learning_rate=0.01, random_state=0)
    network.fit(x, wave)
    errors[units, activation] = np.sqrt(np.mean((network.predict(x) - wave) ** 2))
    ax.plot(x, wave, color="0.6", linewidth=4, label="wave")
    ax.plot(x, network.predict(x), color="#0072B2", linewidth=1.8, label="network")
    ax.set_title(f"{units} {activation}")
axes[0].legend(loc="lower right")
plt.show()

# %%
for (units, activation), error in errors.items():
    print(f"{units:3} units, {activation:6}  typical error {error:.3f}")

# %%
# One unit gives one bend. With 200 units, there are enough bends to follow the curve. Look at the
# corners: training does not spread the bends evenly, and with 8 units some bends lie so close
# together that you see fewer corners. A mathematical theorem (Cybenko 1989 for the sigmoid, Leshno
# and others 1993 for ReLU) says that for any continuous curve good weights exist, if there are
# enough units. It does not say that training finds them. And 200 linear units are still one
# straight line.
#
# The theorem holds for many inputs, too. A unit with 784 pixels bends where its sum is 0 as well:
# not at a point, but along a flat cut through the space of all images. With two inputs the cut is a
# straight line, which :doc:`page 7 <07_depth>` draws.
#
# So a sigmoid is not more powerful for being curved. Which of the two learns more easily is another
# question, and :doc:`the next page <06_sigmoid_and_relu>` answers it.
