"""
Three ways to stack layers
==========================

A network of layers can be written as a list, with names, or step by step with an ``if``. This
page writes one network in all three ways, and shows that they are the same network.
"""

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, KerasClassifier, NetworkDisplay
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)
training = {"optimizer": "adam", "epochs": 5, "random_state": 0, "verbose": 0}

# %%
# 1. Layer objects, in a list or a Sequential
# -------------------------------------------
#
# Make each layer first, then put them into a list. The order of the list is the way of the data.
# This is good when you want to keep hold of a layer. The hidden layer has the activation *ReLU*
# here, max(0, x), and *Adam* trains the network. Both are common choices nowadays: pages 5 and 6
# say why for ReLU, and page 9 for Adam.

scale = layers.Rescaling(1 / 255)
flatten = layers.Flatten()
hidden = layers.Dense(100, activation="relu")
output = layers.Dense(10, activation="softmax")

from_list = KerasClassifier([scale, flatten, hidden, output], **training)
from_list.fit(X_train, y_train)

# %%
# ``keras.Sequential`` does the same in Keras's own words. An ``Input`` at its start states the
# shape of one image; without it, the shape is taken from ``X``.

sequential = keras.Sequential([keras.Input((28, 28)), scale, flatten, hidden, output])
from_sequential = KerasClassifier(sequential, **training)
from_sequential.fit(X_train, y_train)

# %%
# Your layers are a plan, not the network itself: each ``fit`` trains a copy, ``model_``. So one
# plan can be fitted again and again, in a cross-validation or a search, and each fit starts afresh.
#
# 2. Inline, with names
# ---------------------
#
# Most people write the layers directly into the list. Then a name helps to find a layer again.
# (Keras calls the weights of a layer its *kernel*.)

inline = KerasClassifier(
    [
        layers.Rescaling(1 / 255, name="scale"),
        layers.Flatten(name="flatten"),
        layers.Dense(100, activation="relu", name="hidden"),
        layers.Dense(10, activation="softmax", name="output"),
    ],
    **training,
)
inline.fit(X_train, y_train)

kernel, bias = inline.model_.get_layer("hidden").get_weights()
print("weights of the hidden layer:", kernel.shape, " biases:", bias.shape)

# %%
# 3. ``.add()``, with an ``if``
# -----------------------------
#
# A function can decide. Its arguments become parameters of the estimator, with ``model__`` in
# front, so that a search can try them (:doc:`the last page <14_pipeline_and_search>` does).


def build(units=100, second_layer=False):
    model = keras.Sequential()
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Flatten())
    model.add(layers.Dense(units, activation="relu"))
    if second_layer:
        model.add(layers.Dense(units, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    return model


added = KerasClassifier(build, **training)
added.fit(X_train, y_train)

deeper = KerasClassifier(build, model__units=50, model__second_layer=True, **training)
deeper.fit(X_train, y_train)

NetworkDisplay.from_estimator(deeper)
plt.title("A network with two hidden layers")
plt.show()

# %%
# And with DNNClassifier
# ----------------------
#
# For a stack of dense layers, a tuple says it all: one number per hidden layer. ReLU and Adam are
# the defaults of ``DNNClassifier``.

tuple_of_sizes = DNNClassifier((100,), epochs=5, random_state=0).fit(X_train, y_train)

# %%
# Are they the same?
# ------------------
#
# With the same ``random_state``, the ways with ``KerasClassifier`` start from the same weights and
# see the batches in the same order. So the trained networks should give the same probabilities, up
# to rounding.

first = from_list.predict_proba(X_test)
for name, clf in {"Sequential": from_sequential, "inline": inline, ".add()": added}.items():
    difference = np.abs(clf.predict_proba(X_test) - first).max()
    print(f"{name:10} largest difference to the list: {difference:.1e}")

# %%
for name, clf in {"list": from_list, "DNNClassifier": tuple_of_sizes, "deeper": deeper}.items():
    n_parameters = clf.model_.count_params()
    print(f"{name:13} {n_parameters:,} parameters, accuracy {clf.score(X_test, y_test):.3f}")

# %%
# So the three ways give the same network. ``DNNClassifier`` draws other random weights, and the
# last one has other layers. Their accuracies differ no more than two starts of the same network do.
#
# Choose the way that reads best. A list for a plain stack, a function when something depends on a
# parameter, and ``DNNClassifier`` when you would rather not write layers at all. The user guide has
# :doc:`more ways to give a network </user_guide/keras_wrappers>`, with branches and several inputs.
#
# Where the numbers of parameters come from is the subject of :doc:`the next page <04_parameters>`.
