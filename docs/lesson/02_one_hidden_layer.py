"""
One hidden layer
================

The first network: 784 pixels go in, 100 units look at them, ten probabilities come out. This page
builds it twice, trains it, and looks at what it gets right and wrong.
"""

# %%
# What is in a network
# --------------------
#
# - A *unit* adds up its inputs, each multiplied by a *weight*, and then adds a number of its own,
#   the *bias*. What it passes on is a function of this sum, the *activation*.
# - A *layer* is a number of units side by side. They all get the same inputs.
# - A *hidden* layer lies between the inputs and the outputs. The *depth* of a network is the number
#   of its hidden layers. This page has one; with several, a network is *deep*. A *dense* layer
#   connects every input with every unit.
# - The *output* layer has one unit per class. Its activation, *softmax*, turns ten sums into ten
#   probabilities that add up to 1. It takes ``exp`` of every sum, which is positive even where the
#   sum is negative, and divides each by their total.
#
# A classic activation is the *sigmoid*, ``1 / (1 + exp(-x))``. It squeezes any sum into the range
# from 0 ("I do not see my pattern") to 1 ("here it is").

import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, KerasClassifier, NetworkDisplay, TrainingHistoryDisplay
from skdnn.datasets import load_fashion_mnist

data = load_fashion_mnist()
images, labels, names = data.data, data.target, data.target_names
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)

# %%
# With DNNClassifier
# ------------------
#
# Say how many hidden units, and with which activation. The rest is there: the network flattens the
# images, divides the pixels by 255, and ends in one softmax unit per class.
#
# Why divide? The weights start at a size that suits inputs from about 0 to 1. With pixels up to
# 255, the sums of the units would be 255 times as large, a hundred and more. There the sigmoid is
# flat, and a unit hardly learns (:doc:`page 6 <06_sigmoid_and_relu>`).
#
# Training shows the network *batches* of 32 images. After each batch, an *optimizer* changes all
# weights a little so that the *loss* falls. One pass over all training images is an *epoch*. Here
# it has 188 batches, and so 188 steps. All 6,000 images at once would give one step, in a more
# exact direction, for the same work: many rough steps get further. (Which optimizers there are,
# such as "rmsprop", is the subject of :doc:`page 9 <09_optimizers>`.)
#
# The loss of one image is minus the logarithm of the probability that its true class gets: 0 for a
# probability of 1, 0.7 for a half, 2.3 for a tenth. The surer a wrong answer is, the larger the
# loss, without limit. The loss of many images is their mean. It is called *cross-entropy*, or
# log-loss.
#
# Why not train for the accuracy? If a weight changes a little, mostly no answer changes, so the
# accuracy does not say which way to go. The probabilities always change a little, and the loss with
# them.

dense = DNNClassifier(
    hidden_layer_sizes=(100,), activation="sigmoid", optimizer="rmsprop", epochs=10, random_state=0
)
dense.fit(X_train, y_train)

# %%
# The table shows the layers. "Parameters" has two meanings here. Click on *Parameters* for the
# settings of the estimator. The numbers in the column *Parameters* of the layers count weights and
# biases (:doc:`page 4 <04_parameters>`).
#
# And now the exam, on images that the network has never seen:

print(f"accuracy: {dense.score(X_test, y_test):.3f}")

# %%
# With KerasClassifier
# --------------------
#
# The same network, layer by layer. Nothing is done for you here: ``Rescaling`` divides by 255,
# ``Flatten`` turns 28 × 28 pixels into a row of 784, and the output layer needs its softmax.

stacked = KerasClassifier(
    [
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(100, activation="sigmoid"),
        layers.Dense(10, activation="softmax"),
    ],
    optimizer="rmsprop",
    epochs=10,
    random_state=0,
    verbose=0,
)
stacked.fit(X_train, y_train)
print(f"accuracy: {stacked.score(X_test, y_test):.3f}")

# %%
# Both beat the 0.687 of the nearest average by far. And they are nearly the same number, because it
# is the same network. It is not exactly the same, because weights start at random values and the
# two draw different ones. (If all weights started at 0, all hidden units would compute the same,
# change in the same way, and remain copies of one another.)
#
# So there is luck in every such number. Another start, or another test set, moves the accuracy by
# one or two hundredths. Keep this in mind on all pages: smaller differences mean nothing.
#
# :class:`~skdnn.NetworkDisplay` draws the layers. ``None`` in a shape stands for the number of
# images.

NetworkDisplay.from_estimator(stacked)
plt.title("A network with one hidden layer")
plt.show()

# %%
# Watch it learn
# --------------
#
# ``validation_fraction`` sets some training images aside and looks at them after every epoch,
# without learning from them. :class:`~skdnn.TrainingHistoryDisplay` draws what happened.

watched = DNNClassifier(
    (100,), "sigmoid", optimizer="rmsprop", epochs=15, validation_fraction=0.2, random_state=0
)
display = TrainingHistoryDisplay.from_estimator(watched.fit(X_train, y_train))
display.figure_.suptitle("Loss and accuracy after each epoch")
plt.show()

# %%
# The loss falls fast at first, then ever more slowly. The solid curve is for images that the
# network learns from, the dashed one for images that it does not. The dotted line with a circle
# marks the best epoch, the one with the lowest dashed loss. (The network has the weights of the
# last epoch all the same. :doc:`Page 11 <11_fit_again>` shows how to get those of the best one.) At
# first the dashed curve may be better: the solid one is a mean over the whole epoch, while the
# network was still learning, and the dashed one is measured at its end. When the solid one
# continues to improve and the dashed one no longer does, the network has begun to learn its images
# by heart. This is called *overfitting*. Here it is near: from epoch 9 on, the dashed loss falls
# hardly any more.
#
# Where it is wrong
# -----------------
#
# The *confusion matrix* has a row for each true class, and says what became of its images.

fig, ax = plt.subplots(figsize=(6.5, 5.6), layout="constrained")
ax.set_title("Confusion matrix on the test images")
ConfusionMatrixDisplay.from_estimator(
    dense, X_test, y_test, display_labels=names, normalize="true", values_format=".0%",
    cmap="Blues", xticks_rotation=45, colorbar=False, text_kw={"fontsize": 8}, ax=ax,
)  # fmt: skip
plt.show()

# %%
right = dense.predict(X_test) == y_test
proportions = np.array([right[y_test == label].mean() for label in range(10)])
print(f"hardest class: {names[proportions.argmin()]}, {proportions.min():.0%} correct")
print(f"easiest class: {names[proportions.argmax()]}, {proportions.max():.0%} correct")

# %%
# The network finds hard what you found hard. Look at some mistakes. Above each image is what it is,
# and what the network took it for, with the probability that it gave to this answer.

probabilities = dense.predict_proba(X_test)
predicted = probabilities.argmax(axis=1)
wrong = np.flatnonzero(predicted != y_test)[:10]
fig, axes = plt.subplots(2, 5, figsize=(7.5, 4.2), layout="constrained")
fig.suptitle("Ten mistakes: true class, and the class predicted")
for ax, i in zip(axes.flat, wrong, strict=True):
    ax.imshow(X_test[i], cmap="gray_r")
    guess = f"{names[predicted[i]]}? ({probabilities[i].max():.0%})"
    ax.set_title(f"{names[y_test[i]]}\n{guess}", fontsize=9)
    ax.set_axis_off()
plt.show()

# %%
# .. note::
#
#    **Try it.** How many units are enough? Change 100 to 10, and to 1,000. Then see on :doc:`the
#    next page <03_stacking_layers>` how to write such a network in other ways.
