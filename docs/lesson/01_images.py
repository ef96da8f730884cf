"""
Look at the images
==================

Before the first network comes the first rule of machine learning: look at the data. This page
loads the images, shows what is in them, sets some aside for the exam, and finds out how far one
gets without any network.
"""

# %%
# Load them
# ---------
#
# Fashion-MNIST has photographs of clothes in ten *classes*, such as trousers and bags. The class of
# an image is its *label*. :func:`~skdnn.datasets.load_fashion_mnist` returns the 60,000 images that
# are meant for training. (It has 10,000 more, on which others report their final results. The
# lesson leaves them alone.)

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestCentroid

from skdnn.datasets import load_fashion_mnist

data = load_fashion_mnist()
images, labels, names = data.data, data.target, data.target_names
print("images:", images.shape, images.dtype)
print("labels:", labels.shape, labels.dtype)

# %%
# 60,000 images, each of 28 rows and 28 columns. A label is a number from 0 to 9, which stands for a
# name.

for label, name in enumerate(names):
    print(label, name, f"({np.sum(labels == label):,} images)")

# %%
# Every class has the same number of images. So a guess by coin, or rather by a die with ten sides,
# is right one time in ten. Any classifier has to beat 10%.
#
# Look at them
# ------------

fig, axes = plt.subplots(10, 12, figsize=(7.2, 6.2), layout="constrained")
fig.suptitle("Twelve images of each class")
for label, row in enumerate(axes):
    for ax, image in zip(row, images[labels == label], strict=False):
        ax.imshow(image, cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    row[0].set_ylabel(names[label], rotation=0, ha="right", va="center")

# %%
# Trousers are easy. But which of the pullovers, coats and shirts would you have told apart? Keep
# this in mind when a network mixes them up.
#
# What the computer sees
# ----------------------
#
# A computer sees no shoe. It sees 28 × 28 = 784 numbers, one per *pixel*, from 0 (background) to
# 255.

shoe = images[np.flatnonzero(labels == 9)[0]]
rows, columns = slice(6, 14), slice(12, 20)
fig, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.7), layout="constrained")
left.imshow(shoe, cmap="gray_r")
left.add_patch(plt.Rectangle((11.5, 5.5), 8, 8, fill=False, edgecolor="#D55E00", linewidth=2))
left.set_title("what you see")
left.set_axis_off()
right.imshow(shoe[rows, columns], cmap="gray_r", vmin=0, vmax=255)
for (i, j), value in np.ndenumerate(shoe[rows, columns]):
    right.text(j, i, value, ha="center", va="center", color="white" if value > 127 else "black")
right.set_title("what the computer gets (the square)")
right.set_axis_off()
plt.show()

# %%
# Set some aside
# --------------
#
# A network with thousands of adjustable numbers can learn images by heart, as a student can learn
# the answers of an old exam. Only images that it has never seen show whether it has understood
# something. So we split: the *training images* are for learning, the *test images* for the exam.
#
# To be quick, the lesson takes 6,000 images for training and 2,000 for the test. All pages use
# these same images. ``stratify`` keeps the classes balanced in both parts.

X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)
print("train:", X_train.shape, " test:", X_test.shape)

# %%
# How far without a network?
# --------------------------
#
# Here is the simplest idea: average all training images of a class. A new image gets the class
# whose average is nearest. scikit-learn calls this :class:`~sklearn.neighbors.NearestCentroid`.
# Like most of scikit-learn it wants one row per image, so the 28 × 28 pixels become 784 columns.

centroids = NearestCentroid().fit(X_train.reshape(-1, 784), y_train)

fig, axes = plt.subplots(2, 5, figsize=(7, 3.5), layout="constrained")
fig.suptitle("The average of each class")
for ax, mean, name in zip(axes.flat, centroids.centroids_, names, strict=True):
    ax.imshow(mean.reshape(28, 28), cmap="gray_r")
    ax.set_title(name)
    ax.set_axis_off()
plt.show()

# %%
# Ten ghosts, each the average of 600 images. Now the exam. The *accuracy* is the fraction of the
# test images whose class is predicted correctly.

accuracy = accuracy_score(y_test, centroids.predict(X_test.reshape(-1, 784)))
print(f"accuracy of the nearest average: {accuracy:.3f}")

# %%
# Much better than 10%, from ten averages. This is the number to beat on :doc:`the next page
# <02_one_hidden_layer>`, with one hidden layer.
#
# .. note::
#
#    **Try it.** Which two classes have the most similar averages? See, before a network tells you.
#    ``sklearn.metrics.pairwise_distances(centroids.centroids_)`` returns how far each is from each.
