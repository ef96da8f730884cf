"""
Forests and networks
====================

A random forest is the classifier to beat, on many tables and without any tuning. This page shows
how differently it is trained, and puts both side by side with ``compare``.
"""

# %%
# How they are trained
# --------------------
#
# - A *random forest* is an *ensemble*, a team: hundreds of decision trees. Each tree is grown once,
#   alone, on its own random sample of the images, and is never touched again. The forest votes.
#   More trees make the vote steadier.
# - *Boosting* grows trees one after the other, each on what its predecessors got wrong. This page
#   leaves it out; scikit-learn has it as :class:`~sklearn.ensemble.HistGradientBoostingClassifier`.
# - A *network* has all its weights from the start, at random values. Each batch changes all of them
#   a little, again and again. More epochs change the same weights further.
#
# So a forest needs one look at the images, and a network needs many. Let us watch.

import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, KerasClassifier, compare
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)

# %%
# Both can go on where they stopped (:doc:`warm start <11_fit_again>`). For the forest this means
# more trees, and for the network more epochs over the same weights.

flat_train, flat_test = X_train.reshape(-1, 784), X_test.reshape(-1, 784)
sizes = [1, 2, 4, 8, 16, 32, 64]
curves = {"forest, training": [], "forest, test": [], "network, training": [], "network, test": []}

forest = RandomForestClassifier(warm_start=True, random_state=0)
network = DNNClassifier((100,), warm_start=True, random_state=0)
trained = 0
for size in sizes:
    forest.set_params(n_estimators=size).fit(flat_train, y_train)
    network.set_params(epochs=size - trained).fit(X_train, y_train)
    trained = size
    curves["forest, training"].append(forest.score(flat_train, y_train))
    curves["forest, test"].append(forest.score(flat_test, y_test))
    curves["network, training"].append(network.score(X_train, y_train))
    curves["network, test"].append(network.score(X_test, y_test))

fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), sharey=True, layout="constrained")
fig.suptitle("Accuracy with more trees, and with more epochs")
for ax, name, xlabel in zip(axes, ("forest", "network"), ("trees", "epochs"), strict=True):
    ax.semilogx(sizes, curves[f"{name}, training"], "o-", color="#0072B2", label="training images")
    ax.semilogx(sizes, curves[f"{name}, test"], "s--", color="#D55E00", label="test images")
    ax.set(title=name, xlabel=xlabel, xticks=sizes, xticklabels=sizes)
    ax.minorticks_off()
axes[0].set_ylabel("accuracy")
axes[1].legend(loc="lower right")
plt.show()

for name, values in curves.items():
    print(f"{name:18}", "  ".join(f"{value:.3f}" for value in values))

# %%
# The trees know their training images by heart from early on, and the vote of many evens out what
# each got wrong elsewhere. (Two trees are no better than one: where they disagree, neither can
# outvote the other.) The network gets better on both kinds of image at first. From 8 epochs on, it
# keeps improving on its training images, and on the others it rises and falls. This is the walk of
# :doc:`page 11 <11_fit_again>`, where the loss on test images rises after some 20 epochs. The
# accuracy does not fall with it, because it does not depend on how sure
# a wrong answer is.
#
# Networks can vote, too
# ----------------------
#
# Here are five networks from different starts, each alone, and the class to which they give the
# highest probability together.

members = [
    DNNClassifier((100,), epochs=8, random_state=seed).fit(X_train, y_train) for seed in range(5)
]
alone = [member.score(X_test, y_test) for member in members]
together = np.mean([member.predict_proba(X_test) for member in members], axis=0).argmax(axis=1)
print("alone:   ", "  ".join(f"{accuracy:.3f}" for accuracy in alone))
print(f"mean:     {np.mean(alone):.3f}")
print(f"together: {np.mean(together == y_test):.3f}")

for seed in range(2):
    clf = DNNClassifier((100,), n_members=5, epochs=8, random_state=seed).fit(X_train, y_train)
    print(f"n_members=5, start {seed}: {clf.score(X_test, y_test):.3f}")

# %%
# Each errs in other places, so a vote can be better than its voters are on average. Here it is, by
# less than another start changes a single network (page 2): one run cannot show how much a vote
# gains. ``n_members=5`` trains five networks inside one ``DNNClassifier``. They start from
# different weights, but see the same batches in the same order, and so they err more alike.
# :doc:`Ensembles and calibration </user_guide/ensembles_and_calibration>` has what more members
# gained on average over eight tables.
#
# All in one ``compare``
# ----------------------
#
# *ExtraTrees* is a forest whose trees ask even more random questions. The last column of the table
# has p: how often chance alone would make a difference at least as clear as this one, if both
# models were equally good. The table only says "worse" where p is below 0.05. The names of the test
# below it are for those who want to look it up.
#
# :func:`~skdnn.compare` cross-validates any estimators on the same *folds*: it splits the images
# into three parts, and each part is the exam for models that were trained on the other two. Images
# go to the networks as images, and to the others as rows of pixels.

stack = [
    layers.Rescaling(1 / 255),
    layers.Flatten(),
    layers.Dense(100, activation="relu"),
    layers.Dense(10, activation="softmax"),
]
models = {
    "DNNClassifier": DNNClassifier((100,), epochs=8, random_state=0),
    "DNN, 5 members": DNNClassifier((100,), n_members=5, epochs=8, random_state=0),
    "KerasClassifier": KerasClassifier(
        stack, optimizer="adam", epochs=8, random_state=0, verbose=0
    ),
    "RandomForest": RandomForestClassifier(random_state=0),
    "ExtraTrees": ExtraTreesClassifier(random_state=0),
}
result = compare(X_train[:3000], y_train[:3000], models, cv=3)
print(result)

# %%
result.plot()
plt.show()

# %%
# The last column of the table says whether a model is worse than the best one, or whether the
# difference could be chance. Here all of them could be chance: with three folds of 1,000 images, no
# winner can be named. (The p-value does not only depend on the difference, but also on how much it
# changes from fold to fold. So a larger difference may be less certain.) Forests and small networks
# are often close on few images, and forests need no tuning.
#
# *fit s* is the time of one fit in seconds, on the computer that made this page. One small network
# with 8 epochs may well be faster than a forest of 100 trees on 784 columns. On tables, the default
# ``DNNClassifier()`` takes several times as long as a forest: it is an ensemble of larger networks,
# each trained for longer (:doc:`/user_guide/presets`). The user guide also explains :doc:`the test
# behind it </user_guide/comparison>`.
#
# Tuning a network is the subject of :doc:`the last page <14_pipeline_and_search>`.
