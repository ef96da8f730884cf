"""
Count the parameters
====================

``summary()`` lists the layers with the numbers of their parameters: here 78,500 and 1,010. This
page works out where they come from, and looks at them.
"""

# %%
# The parameters of a network are its weights and biases: all the numbers that training changes. We
# take the network of one hidden layer, 784 pixels, 100 units and 10 classes. Its activation is the
# sigmoid again: outputs from 0 to 1 make the picture below easy to read.

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
dense = DNNClassifier((100,), "sigmoid", epochs=10, random_state=0).fit(X_train, y_train)
dense.summary()

# %%
# ``None`` in a shape stands for the number of images, which may be any. All parameters are
# trainable here. Some other kinds of layers have numbers that training leaves alone.
#
# ``KerasClassifier`` prints the same table for your own layers.

stacked = KerasClassifier(
    [
        layers.Rescaling(1 / 255, name="scaling"),
        layers.Flatten(name="flatten"),
        layers.Dense(100, activation="sigmoid", name="hidden"),
        layers.Dense(10, activation="softmax", name="output"),
    ],
    optimizer="adam",
    epochs=10,
    random_state=0,
    verbose=0,
)
stacked.fit(X_train, y_train).summary()

# %%
# The arithmetic
# --------------
#
# A unit has one weight for each of its inputs, and one bias. So a dense layer has
# ``units * (inputs + 1)`` parameters. For the two layers:

hidden = 100 * (784 + 1)
output = 10 * (100 + 1)
print(f"hidden layer: 100 * (784 + 1) = {hidden:,}")
print(f"output layer:  10 * (100 + 1) =  {output:,}")
print(f"together:                       {hidden + output:,}")

# %%
# The weights are stored as a matrix, one column per unit, and the biases as a vector. Here they
# are:

for weights in dense.model_.get_layer("hidden_1").get_weights():
    print(weights.shape, "=", f"{weights.size:,} numbers")

# %%
# ``Flatten`` and the scaling have nothing to learn, so they have 0 parameters. Which of the two
# comes first makes no difference. (``Scaling`` is the layer of ``DNNClassifier`` for what
# ``Rescaling`` does in Keras.) Nearly all parameters lie between the pixels and the first hidden
# layer. A second hidden layer of 100 units would only add 100 × (100 + 1) = 10,100.
#
# What the parameters do
# ----------------------
#
# Every hidden unit has 784 weights, one per pixel, so they can be drawn as an image. Ink on purple
# pixels pushes the output of the unit towards 1, and ink on orange pixels towards 0. For each
# class, here is the unit that speaks for it most strongly: the one with the largest weight to its
# output.

pixels_to_hidden, hidden_to_class = (
    dense.model_.get_layer(name).get_weights()[0] for name in ("hidden_1", "output")
)
names = load_fashion_mnist().target_names
strongest = hidden_to_class.argmax(axis=0)
limit = np.abs(pixels_to_hidden[:, strongest]).max()
fig, axes = plt.subplots(2, 5, figsize=(8, 3.8), layout="constrained")
fig.suptitle("Weights of the unit that speaks most strongly for each class")
for ax, unit, name in zip(axes.flat, strongest, names, strict=True):
    weights = pixels_to_hidden[:, unit].reshape(28, 28)
    picture = ax.imshow(weights, cmap="PuOr", vmin=-limit, vmax=limit)
    ax.set_title(name)
    ax.set_axis_off()
fig.colorbar(picture, ax=axes, label="weight", shrink=0.8)
plt.show()

# %%
# Look at the trousers: ink in the stripe between the legs speaks against them. With the T-shirt, it
# is ink to the left and right of the body, where long sleeves would hang. Most of the rest looks
# like nothing that we have a word for, and some of it is still the noise of the start. Nobody told
# the units what to look for: the loss did.
#
# More parameters, better network?
# --------------------------------
#
# Count them for some sizes, and take the exam.

print("units  parameters   training   test accuracy")
for units in (3, 10, 30, 100, 300):
    clf = DNNClassifier(units, "sigmoid", epochs=10, random_state=0).fit(X_train, y_train)
    n_parameters = units * (784 + 1) + 10 * (units + 1)
    scores = clf.score(X_train, y_train), clf.score(X_test, y_test)
    print(f"{units:4}   {n_parameters:10,}   {scores[0]:8.3f}   {scores[1]:.3f}")

# %%
# The first units bring most. From 30 units on, ten times the parameters buy less on the test images
# than the luck of a start.
# Size alone is not what makes a network good. What each hidden unit needs, whatever their number,
# is an activation: see :doc:`the next page <05_activation>`.
