"""
Pipeline, cross-validation, search
==================================

The network is an estimator like any other. So it goes into a pipeline, is judged by
``cross_validate``, and ``GridSearchCV`` chooses its units, activation, layers, batch size and
epochs.
"""

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdnn import DNNClassifier, KerasClassifier
from skdnn.datasets import load_fashion_mnist

images, labels = load_fashion_mnist(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, train_size=6000, test_size=2000, stratify=labels, random_state=0
)

# %%
# In a Pipeline
# -------------
#
# A *pipeline* is a row of steps with an estimator at its end. Each step is fitted on the training
# images only. Here *PCA* (principal component analysis) reduces 784 pixels to 50 numbers before the
# network sees them: how far the image goes in each of the 50 directions in which images differ
# most.


def flatten(images):
    return images.reshape(len(images), -1) / 255


with_pca = make_pipeline(
    FunctionTransformer(flatten),
    PCA(50, random_state=0),
    DNNClassifier((100,), epochs=8, random_state=0),
)
with_pca.fit(X_train, y_train)
print(f"accuracy: {with_pca.score(X_test, y_test):.3f}")

# %%
# Cross-validation
# ----------------
#
# One test set is one exam, and luck plays a part. ``cross_validate`` gives three: it splits the
# training images into three folds, and each is the exam for a network that was trained on the
# others. Both families go in as they are.


def build(units=100, activation="relu", n_layers=1):
    model = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten()])
    for _ in range(n_layers):
        model.add(layers.Dense(units, activation=activation))
    model.add(layers.Dense(10, activation="softmax"))
    return model


dense = DNNClassifier((100,), epochs=8, random_state=0)
stacked = KerasClassifier(build, optimizer="adam", epochs=8, random_state=0, verbose=0)
for name, clf in {"DNN": dense, "Keras": stacked, "PCA + DNN": with_pca}.items():
    scores = cross_validate(clf, X_train, y_train, cv=3)["test_score"]
    print(f"{name:10} {scores.mean():.3f} ± {scores.std():.3f}   folds: {scores.round(3)}")

# %%
# If two models differ by less than their folds do, do not believe the difference. So here all three
# are about equally good, and 50 numbers per image can stand for 784 pixels.
#
# Search with DNNClassifier
# -------------------------
#
# Numbers that training does not find, such as the number of units, are *hyperparameters*.
# ``GridSearchCV`` tries all combinations of the values that you list, cross-validates each, and
# fits the best one again. The tuples say units and layers at once.

grid = {
    "hidden_layer_sizes": [(20,), (100,), (100, 100)],
    "activation": ["sigmoid", "relu"],
    "batch_size": [32, 128],
    "epochs": [3, 8],
}
search = GridSearchCV(DNNClassifier(random_state=0), grid, cv=2)
search.fit(X_train[:3000], y_train[:3000])
print(f"{len(search.cv_results_['params'])} combinations")
print("best:", search.best_params_)
print(f"cross-validated {search.best_score_:.3f}, test {search.score(X_test, y_test):.3f}")

# %%
# More telling than the winner is the whole table. Each square is one combination:

results = search.cv_results_
names = ["param_hidden_layer_sizes", "param_activation", "param_batch_size", "param_epochs"]
sizes, activations, batches, epochs = (results[name] for name in names)
rows = [f"{size}, {activation}" for size, activation in zip(sizes, activations, strict=True)]
columns = [f"{epoch} epochs,\nbatch {batch}" for epoch, batch in zip(epochs, batches, strict=True)]
row_names, column_names = list(dict.fromkeys(rows)), list(dict.fromkeys(columns))
table = np.zeros((len(row_names), len(column_names)))
for row, column, score in zip(rows, columns, results["mean_test_score"], strict=True):
    table[row_names.index(row), column_names.index(column)] = score

fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
ax.imshow(table, cmap="cividis", aspect="auto")
middle = (table.min() + table.max()) / 2
for (i, j), score in np.ndenumerate(table):
    ax.text(
        j, i, f"{score:.3f}", ha="center", va="center", color="white" if score < middle else "black"
    )
ax.set(xticks=range(len(column_names)), xticklabels=column_names)
ax.set(yticks=range(len(row_names)), yticklabels=row_names)
ax.set_title("Cross-validated accuracy of all combinations")
plt.show()

# %%
# With sigmoids, two layers are worse than one: :doc:`page 6 <06_sigmoid_and_relu>` says why.
# (There, with four times the images and so four times the steps, it only shows from four layers
# on.) Which of the four matters most here? The spread between the means of its values says it.

for name, values in zip(names, (sizes, activations, batches, epochs), strict=True):
    values = np.array([str(value) for value in values])
    means = [results["mean_test_score"][values == value].mean() for value in np.unique(values)]
    print(f"{name.removeprefix('param_'):19} {max(means) - min(means):.3f}")

# %%
# All four about the same: none may be left at a bad value. Batch size and epochs have much the same
# effect, because both decide how many steps training takes. An epoch over the 1,500 images that
# each network learns from here has 47 batches of 32, but only 12 of 128. The best values lie at the
# edge of the grid: the largest network, the smallest batches and the most epochs. So the next
# search would go beyond it.
#
# Search with KerasClassifier
# ---------------------------
#
# The arguments of your function are parameters, too, with ``model__`` in front. Inside a pipeline,
# the name of the step comes first: ``make_pipeline`` takes that of its class, in small letters. A
# list with one value sets it for all combinations. The first step here halves the images: each 2 ×
# 2 pixels become their mean.


def halve(images):
    return images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))


pipeline = make_pipeline(FunctionTransformer(halve), stacked)
keras_grid = {
    "kerasclassifier__model__units": [50, 100],
    "kerasclassifier__model__activation": ["relu", "tanh"],
    "kerasclassifier__model__n_layers": [1, 2],
    "kerasclassifier__batch_size": [64],
    "kerasclassifier__epochs": [5],
}
keras_search = GridSearchCV(pipeline, keras_grid, cv=2)
keras_search.fit(X_train[:3000], y_train[:3000])
for name, value in keras_search.best_params_.items():
    print(f"{name.removeprefix('kerasclassifier__'):17} {value}")
print(f"cross-validated {keras_search.best_score_:.3f}")
print(f"test            {keras_search.score(X_test, y_test):.3f}")

# %%
# The accuracy is lower than that of the first search. The number of steps is the likely reason: 5
# epochs with batches of 64 are 120 steps for 1,500 images, but the first winner took 376 steps. In
# the table above, 100 units and ReLU are not much better after 96 or 141 steps. Fewer pixels need
# not matter: 50 numbers per image were enough before.
#
# Both winners do better on the test images than in the cross-validation. A winner is fitted again
# on all 3,000 images, but the networks of the folds had only 1,500 each. With equally many images,
# the score of a winner would look a little too good, because it was chosen for it. The exam on the
# test images, which the search has never seen, is the honest one.
#
# The end, and what comes next
# ----------------------------
#
# You can now build, train, judge and tune a network, and you know what its parts are for. From
# here:
#
# - :doc:`/user_guide/presets`: leave the choice of layers and epochs to the estimator.
# - :doc:`/user_guide/keras_wrappers`: convolutions, several inputs, callbacks.
# - :doc:`/user_guide/model_selection`: larger searches, and what to vary.
# - :doc:`/user_guide/persistence`: save what you have trained.
