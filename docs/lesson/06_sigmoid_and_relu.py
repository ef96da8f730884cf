"""
Sigmoid against ReLU
====================

Both bend. But a network learns by gradients, and with sigmoids they fade from layer to layer.
This page draws the two functions, measures the fading, and shows what it does to training.
"""

# %%
# The functions and their gradients
# ---------------------------------
#
# The *gradient* of the loss says for each weight: if this weight grows a little, by how much does
# the loss grow? The optimizer moves every weight a small step against its gradient. No gradient, no
# learning.
#
# To reach a weight, the gradient travels back from the output through all layers in between. At
# each layer it is multiplied by the weights and by the slope of the activation there. This is
# called *backpropagation*.

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, KerasClassifier
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

x = np.linspace(-6, 6, 601)
sigmoid = 1 / (1 + np.exp(-x))
curves = {
    "sigmoid": (sigmoid, sigmoid * (1 - sigmoid), BLUE, "--"),
    "ReLU": (np.maximum(x, 0), (x > 0).astype(float), ORANGE, "-"),
}
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
for name, (value, slope, colour, style) in curves.items():
    left.plot(x, value, color=colour, linestyle=style, linewidth=2.5, label=name)
    right.plot(x, slope, color=colour, linestyle=style, linewidth=2.5, label=name)
left.set(title="the activations", xlabel="sum of the unit", ylim=(-0.2, 3))
right.set(title="their slopes", xlabel="sum of the unit", ylim=(-0.07, 1.1))
right.axhline(0.25, color="0.6", linewidth=1)
right.annotate("0.25", (-6, 0.27), color="0.35")
left.legend()
plt.show()

print(f"steepest slope of the sigmoid: {curves['sigmoid'][1].max()}")
print(f"after ten layers, at most:     {0.25**10:.0e}")

# %%
# The sigmoid is never steeper than a quarter, and flat at both ends: there it is *saturated*. Ten
# such slopes multiply the gradient by a millionth or less. (The weights multiply the gradient, too.
# Each is small, but many are added up, and their start size is chosen so that the sums are about as
# large as what goes in. So it is the slopes that make the gradient fade.) ReLU has the slope 1
# wherever it is active, and lets the gradient pass unchanged. The price is the slope 0 on the left:
# a unit that is negative for every image learns no more. One speaks of *dying* units.
#
# Gradients, measured
# -------------------
#
# Here is a network with eight hidden layers, before any training. ``initialize`` builds it without
# training it. TensorFlow's ``GradientTape`` records how the loss is computed, and then works out
# its gradient, for the weights (``kernel``) of each layer. "sparse_categorical_crossentropy" is
# Keras's name for the loss of page 2.


def build(activation="relu", depth=8, units=64):
    model = keras.Sequential()
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Flatten())
    for _ in range(depth):
        model.add(layers.Dense(units, activation=activation))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def gradient_sizes(model, X, y):
    """Return the mean size of the gradient of the loss, for the weights of each dense layer."""
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(y, model(X))
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, [layer.kernel.value for layer in dense])
    return [float(tf.reduce_mean(tf.abs(gradient))) for gradient in gradients]


sizes = {}
for activation in ("sigmoid", "relu"):
    clf = KerasClassifier(build, model__activation=activation, random_state=0, verbose=0)
    clf.initialize(X_train, y_train)
    sizes[activation] = gradient_sizes(clf.model_, X_train[:500], y_train[:500])

fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
ax.semilogy(range(1, 10), sizes["relu"], "o-", color=ORANGE, linewidth=2, label="ReLU")
ax.semilogy(range(1, 10), sizes["sigmoid"], "s--", color=BLUE, linewidth=2, label="sigmoid")
ax.set(xlabel="layer (9 is the output)", ylabel="mean size of the gradient")
ax.set_title("The gradient in each of nine layers, before training")
ax.legend()
plt.show()

for activation, gradients in sizes.items():
    ratio = gradients[0] / gradients[-1]
    print(f"{activation:8} gradient of the first layer / gradient of the last: {ratio:.0e}")
print(f"eight slopes of a quarter: {0.25**8:.0e}")

# %%
# Between the last layer and the first lie eight activations. So with sigmoids, the slopes alone
# leave the first layer at most the last number above, and it gets even less. It is the layer that
# sees the pixels, and it stays near its random weights. (In the last layer itself, the sigmoid is
# ahead: its units pass on about 0.5 each, and a gradient also grows with what comes in.)
#
# With ReLU, about half of the units are off, so each layer does lose a little, on the way forward
# as on the way back. The gradient of a weight is what comes in times what comes back. A later layer
# gets less of the first and more of the second, so the line is nearly level.
#
# What this does to training
# --------------------------
#
# ``DNNClassifier`` takes a tuple with one number per hidden layer, so a loop over the depth is
# short. *tanh* comes along: it has the shape of a sigmoid, but goes from -1 to 1. It is flat at
# both ends as well, but in the middle its slope is 1.

depths = [1, 2, 4, 8]
accuracies = {
    activation: [
        DNNClassifier((64,) * depth, activation, epochs=8, random_state=0)
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for depth in depths
    ]
    for activation in ("relu", "sigmoid", "tanh")
}

fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
ax.plot(depths, accuracies["relu"], "o-", color=ORANGE, linewidth=2, label="ReLU")
ax.plot(depths, accuracies["sigmoid"], "s--", color=BLUE, linewidth=2, label="sigmoid")
ax.plot(depths, accuracies["tanh"], "^:", color=GREEN, linewidth=2, label="tanh")
ax.set(xticks=depths, ylim=(0, 1), xlabel="hidden layers", ylabel="accuracy on test images")
ax.set_title("Accuracy after eight epochs, by depth")
ax.legend(loc="lower left")
plt.show()

print("layers  ", "       ".join(str(depth) for depth in depths))
for activation, values in accuracies.items():
    print(f"{activation:8}", "   ".join(f"{value:.3f}" for value in values))

# %%
# With one hidden layer there is little between them. With eight, the sigmoids have learned far less
# in the same time, and neither ReLU nor tanh minds. So it is the slope of a quarter that does the
# harm, more than the flat ends. Nowadays most hidden layers have ReLU, which is quick to compute,
# or one of its smoother relatives such as "gelu". The sigmoid still has its place in an output that
# has to be a probability.
#
# But eight layers of ReLU are hardly better than one here. So what is depth good for? See :doc:`the
# next page <07_depth>`.
