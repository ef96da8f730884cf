"""
Fit again to continue training
==============================

By default, every ``fit`` starts from nothing. With ``warm_start`` it continues where the last one
stopped, and ``partial_fit`` continues with other images. This page shows why another fit improves a
network, and when it no longer does.
"""

# %%
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

# %%
# Two fits without and with a warm start
# --------------------------------------
#
# scikit-learn's rule is that ``fit`` forgets. So the second fit gives the same network as the
# first:

fresh = DNNClassifier((100,), epochs=3, random_state=0)
print("fresh:", [round(fresh.fit(X_train, y_train).score(X_test, y_test), 3) for _ in range(3)])

# %%
# Keras's own ``model.fit`` remembers. ``warm_start=True`` does that here, in both families:

warm = DNNClassifier((100,), epochs=3, warm_start=True, random_state=0)
print("DNN:  ", [round(warm.fit(X_train, y_train).score(X_test, y_test), 3) for _ in range(3)])

stacked = KerasClassifier(
    [
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    optimizer="adam",
    epochs=3,
    warm_start=True,
    random_state=0,
    verbose=0,
)
print("Keras:", [round(stacked.fit(X_train, y_train).score(X_test, y_test), 3) for _ in range(3)])

# %%
# Why another fit improves
# ------------------------
#
# Because training is a long walk downhill, and every fit is a piece of it. Three fits of three
# epochs are the same walk as one fit of nine. The weights, and the memory of the optimizer, are
# taken along:

in_one_go = DNNClassifier((100,), epochs=9, random_state=0).fit(X_train, y_train)
difference = np.abs(in_one_go.predict_proba(X_test) - warm.predict_proba(X_test)).max()
print(f"3 fits of 3 epochs against 1 fit of 9, largest difference: {difference:.0e}")

# %%
# And it goes downhill because the loss still has a slope. As long as the gradient is not zero, a
# small enough step against it makes the loss on the training images smaller. Here is the walk, one
# epoch per fit.

walker = DNNClassifier((100,), epochs=1, warm_start=True, random_state=0)
training, test = [], []
for _ in range(40):
    walker.fit(X_train, y_train)
    training.append(1 - walker.score(X_train, y_train))
    test.append(1 - walker.score(X_test, y_test))

fits = np.arange(1, 41)
best = int(np.argmin(test))
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.plot(fits, training, color="#0072B2", linewidth=2, label="training images")
ax.plot(fits, test, "--", color="#D55E00", linewidth=2, label="test images")
ax.plot(fits[best], test[best], "o", color="#D55E00", markersize=10, fillstyle="none")
ax.set(xlabel="fits of one epoch", ylabel="fraction of errors", ylim=(0, None))
ax.legend()
plt.show()

print(f"test errors after  1 fit:  {test[0]:.3f}")
print(f"test errors after {best + 1:2} fits: {test[best]:.3f}, the fewest")
print(f"test errors after 40 fits: {test[-1]:.3f}, training errors {training[-1]:.3f}")

# %%
# The training errors go on falling. The test errors fall at first, and then they do not: from there
# on, the network learns its images by heart. So do not fit again for ever. *Early stopping* watches
# images that are set aside and stops by itself:

careful = DNNClassifier((100,), early_stopping=True, epochs=100, random_state=0)
careful.fit(X_train, y_train)
print(f"stopped after {careful.n_iter_} epochs, kept the weights of epoch {careful.best_epoch_}")
print(f"test errors: {1 - careful.score(X_test, y_test):.3f}")

# %%
# ``partial_fit``: images that come later
# ---------------------------------------
#
# ``partial_fit`` trains for one epoch on the images that it gets, and starts from the weights that
# it has. The first call needs the list of all classes, because its images may not show them all.

stream = DNNClassifier((100,), random_state=0)
keras_stream = KerasClassifier(stacked.model, optimizer="adam", random_state=0, verbose=0)
for day, rows in enumerate(np.array_split(np.arange(6000), 6), start=1):
    for clf in (stream, keras_stream):
        clf.partial_fit(X_train[rows], y_train[rows], classes=np.arange(10))
    print(
        f"day {day}, {1000 * day} images:  DNN {stream.score(X_test, y_test):.3f}"
        f"  Keras {keras_stream.score(X_test, y_test):.3f}"
    )

# %%
# The user guide has more about :doc:`continuing training </user_guide/training>`, and about
# :doc:`early stopping </user_guide/early_stopping>`.
