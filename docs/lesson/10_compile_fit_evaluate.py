"""
Compile, fit, evaluate
======================

Keras has its own words for what scikit-learn calls an estimator. This page trains the same
network in both languages and shows which word is which.
"""

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.metrics import accuracy_score, classification_report, log_loss
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier, KerasClassifier
from skdnn.datasets import load_fashion_mnist

data = load_fashion_mnist()
X_train, X_test, y_train, y_test = train_test_split(
    data.data, data.target, train_size=6000, test_size=2000, stratify=data.target, random_state=0
)

# %%
# In Keras
# --------
#
# ``compile`` says how to learn: with which optimizer, to make which loss small, and what to report
# besides. ``fit`` learns, ``evaluate`` takes the exam, and ``predict`` returns probabilities. The
# loss is the one of :doc:`page 2 <02_one_hidden_layer>`, called *cross-entropy* here. "sparse"
# means that each label is one number, and not a row of ten zeros and ones.

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((28, 28)),
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=5, batch_size=32, verbose=0)

loss, accuracy = model.evaluate(X_test, y_test, verbose=0)
print(f"loss {loss:.3f}, accuracy {accuracy:.3f}")

probabilities = model.predict(X_test, verbose=0)
classes = probabilities.argmax(axis=1)  # numbers of the classes, which you look up yourself
print(probabilities.shape, classes[:5])

# %%
# In scikit-learn's words
# -----------------------
#
# What goes into ``compile`` is a parameter of the estimator. So are the epochs. Everything is set
# before ``fit``, which then only takes the data.

stacked = KerasClassifier(
    [
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
    epochs=5,
    batch_size=32,
    random_state=0,
    verbose=0,
)
dense = DNNClassifier((100,), optimizer="adam", epochs=5, batch_size=32, random_state=0)

# Labels may be text. The estimator encodes them, and predicts text again.
names = np.array(data.target_names)
for clf in (stacked, dense):
    clf.fit(X_train, names[y_train])
    accuracy = clf.score(X_test, names[y_test])
    print(f"{type(clf).__name__:16} accuracy {accuracy:.3f}", clf.predict(X_test[:3]))

# %%
# The accuracies are not quite those of other pages with the same network. Text is sorted by the
# alphabet, so the classes have other numbers, and other random weights. (Where the networks name
# different classes for one image, at least one of them errs. Page 1 has the numbers of classes.)
#
# The dictionary
# --------------
#
# - ``compile(optimizer=..., loss=..., metrics=...)`` → parameters of the estimator. The loss
#   follows from ``y`` if you leave it out.
# - ``fit(X, y, epochs=..., batch_size=...)`` → ``fit(X, y)``. ``epochs`` and ``batch_size`` are
#   parameters of the estimator.
# - ``predict(X)`` → ``predict_proba(X)``. In scikit-learn, ``predict(X)`` returns the labels.
# - ``evaluate(X, y)`` → ``score(X, y)`` for the accuracy, and any function of
#   :mod:`sklearn.metrics` for other measures.
# - ``history = fit(...)`` → the attribute ``history_``, a dictionary with the loss of every epoch.
# - ``model`` → ``model_``, the trained network.
#
# Why two different words for predictions? Keras's model knows columns of numbers. A classifier of
# scikit-learn also knows the labels, as ``classes_``, in the order of these columns.
#
# The same numbers
# ----------------
#
# ``evaluate`` of the trained network and scikit-learn's metrics agree, up to rounding. Keras's
# model knows no text, so it needs the number of each label's column.

columns = np.searchsorted(stacked.classes_, names[y_test])
loss, accuracy = stacked.model_.evaluate(X_test, columns, verbose=0)
predicted, probabilities = stacked.predict(X_test), stacked.predict_proba(X_test)
print(f"evaluate        loss {loss:.4f}  accuracy {accuracy:.4f}")
print(
    f"sklearn.metrics loss {log_loss(names[y_test], probabilities):.4f}"
    f"  accuracy {accuracy_score(names[y_test], predicted):.4f}"
)

# %%
# Compare with the loss and the accuracy at the top of this page: the loss may be higher where the
# accuracy is higher, too. The accuracy only asks whether an answer is right. The loss also depends
# on the probability that the network gave to it.
#
# Here is one image, and what the network thinks of it:

fig, (left, right) = plt.subplots(
    1, 2, figsize=(7, 3.2), width_ratios=(1, 1.6), layout="constrained"
)
left.imshow(X_test[1], cmap="gray_r")
left.set_title(f"label: {names[y_test[1]]}")
left.set_axis_off()
right.barh(stacked.classes_, probabilities[1], color="#0072B2")
right.invert_yaxis()
right.set(xlim=(0, 1), xlabel="probability", title=f"prediction: {predicted[1]}")
plt.show()

# %%
# What you gain
# -------------
#
# All of scikit-learn now works on the network. A report, for instance, with *precision* (how many
# of those called a shirt are shirts) and *recall* (how many of the shirts were found). The
# *f1-score* is a mean of the two, and *support* the number of images of the class. The last two
# lines are means over the classes, without and with the support as weights (*macro*, *weighted*).

print(classification_report(names[y_test], dense.predict(X_test)))

# %%
# And a cross-validation, a pipeline, a search, which are the subject of :doc:`the last page
# <14_pipeline_and_search>`. But first: what happens :doc:`if you call fit again <11_fit_again>`?
