"""
Classify images, and see which ones are confused
================================================

Pass images as an array of shape (n_samples, height, width). :class:`~skdnn.DNNClassifier` flattens
and scales them itself, and its default preset chooses one wide network with dropout. This example
compares it with a forest on Fashion-MNIST, and looks at the mistakes.
"""

# %%
# The images
# ----------
# :func:`~skdnn.datasets.load_fashion_mnist` has 70,000 pictures of clothes. A part of them is
# enough here. They stay ``uint8``, with values from 0 to 255.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import confusion_matrix

from skdnn import DNNClassifier
from skdnn.datasets import load_fashion_mnist

data = load_fashion_mnist(split="train")
names = np.array(data.target_names)
X_train, y_train = data.data[:3000], names[data.target[:3000]]
X_test, y_test = data.data[-2000:], names[data.target[-2000:]]
X_train.shape, X_train.dtype

# %%
# Train a network and a forest
# ----------------------------
# The labels are text, and the predictions are text, too. The forest takes tables only, so it gets
# one row of 784 columns per image.

network = DNNClassifier(preset="fast", random_state=0).fit(X_train, y_train)
forest = ExtraTreesClassifier(random_state=0, n_jobs=2)
forest.fit(X_train.reshape(len(X_train), -1), y_train)
print(f"network  {network.score(X_test, y_test):.3f}")
print(f"forest   {forest.score(X_test.reshape(len(X_test), -1), y_test):.3f}")

# %%
# What the preset chose is in the layers and in ``resolved_params_``.

network.summary()
chosen = network.resolved_params_
print(f"\n{chosen.epochs} epochs, batches of {chosen.batch_size}, dropout {chosen.dropout}")

# %%
# The mistakes
# ------------
# The rows of this matrix are the true classes. The diagonal is left out, so that the colours show
# the mistakes only.

matrix = confusion_matrix(y_test, network.predict(X_test), labels=names)
mistakes = matrix - np.diag(np.diag(matrix))
fig, ax = plt.subplots(figsize=(6.6, 5.4))
image = ax.imshow(mistakes, cmap="Blues")
for row, column in zip(*np.nonzero(mistakes), strict=True):
    dark = mistakes[row, column] > mistakes.max() / 2
    ax.text(
        column, row, mistakes[row, column], ha="center", va="center", color="w" if dark else "k"
    )
ax.set(xticks=range(10), yticks=range(10), yticklabels=names)
ax.set_xticklabels(names, rotation=45, ha="right")
ax.set(xlabel="predicted class", ylabel="true class")
ax.set_title(f"{mistakes.sum()} mistakes in {len(y_test):,} test images")
fig.colorbar(image, label="images", shrink=0.8)

# %%
# The most confident mistakes
# ---------------------------
# Some of these images are hard for people, too. A confident mistake may also be a wrong label, so
# this plot is a quick check of a data set.

probability = network.predict_proba(X_test)
predicted = network.classes_[probability.argmax(axis=1)]
confidence = np.where(predicted == y_test, 0, probability.max(axis=1))
worst = np.argsort(-confidence)[:12]
fig, axes = plt.subplots(2, 6, figsize=(9.4, 4.3))
for ax, i in zip(axes.flat, worst, strict=True):
    ax.imshow(X_test[i], cmap="gray_r")
    ax.set_title(
        f"{predicted[i]}\n{confidence[i]:.0%}", fontsize=9.5, color="#D55E00", loc="center"
    )
    ax.set_xlabel(f"is: {y_test[i]}", fontsize=9.5)
    ax.set(xticks=[], yticks=[])

# %%
# Are the confidences right?
# --------------------------
# A preset on images holds no rows out, so its probabilities are not calibrated. Compare the mean
# confidence with the accuracy before you use a probability:

print(f"mean confidence {probability.max(axis=1).mean():.3f}")
print(f"accuracy        {(predicted == y_test).mean():.3f}")

# %%
# With ``early_stopping=True``, rows are held out and a temperature is fitted to them.

calibrated = DNNClassifier(preset="fast", early_stopping=True, random_state=0)
calibrated.fit(X_train, y_train)
print(f"mean confidence {calibrated.predict_proba(X_test).max(axis=1).mean():.3f}")
print(f"accuracy        {calibrated.score(X_test, y_test):.3f}")

# %%
# See also
# --------
# :doc:`/user_guide/data` explains how images are scaled, and
# :doc:`/user_guide/ensembles_and_calibration` how probabilities are calibrated.

# sphinx_gallery_thumbnail_number = 2
