"""
Fit again to continue training
==============================

By default, every ``fit`` starts from nothing. With ``warm_start`` it continues where the last one
stopped, and ``partial_fit`` continues with other images. This page shows why another fit mostly
improves a network, and when it no longer does.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.metrics import log_loss
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
# small enough step against it makes the loss on the training images smaller. That is true on the
# whole, not of every fit: a step follows the gradient of one batch, and the accuracy is not the
# loss. So an accuracy above may fall from one fit to the next. Here is the loss, one epoch per fit.

walker = DNNClassifier((100,), epochs=1, warm_start=True, random_state=0)
training, test = [], []
for _ in range(40):
    walker.fit(X_train, y_train)
    training.append(log_loss(y_train, walker.predict_proba(X_train)))
    test.append(log_loss(y_test, walker.predict_proba(X_test)))

fits = np.arange(1, 41)
best = int(np.argmin(test))
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.plot(fits, training, color="#0072B2", linewidth=2, label="training images")
ax.plot(fits, test, "--", color="#D55E00", linewidth=2, label="test images")
ax.plot(fits[best], test[best], "o", color="#D55E00", markersize=10, fillstyle="none")
ax.set(xlabel="fits of one epoch", ylabel="loss", ylim=(0, None))
ax.set_title("The loss after each fit (circle: the lowest on test images)")
ax.legend()
plt.show()

print(f"test loss after  1 fit:  {test[0]:.3f}")
print(f"test loss after {best + 1:2} fits: {test[best]:.3f}, the lowest")
print(f"test loss after 40 fits: {test[-1]:.3f}, training loss {training[-1]:.3f}")

# %%
# On the whole, the training loss keeps falling. The test loss falls at first, then stays about
# level, and then it rises: the network learns its images by heart, and is too sure of its wrong
# answers. (Single jumps come from the last batches of an epoch, so the place of the circle is
# partly luck.)
#
# Does that harm if you only need the class? Hardly. The accuracy does not depend on how sure the
# network is (:doc:`page 10 <10_compile_fit_evaluate>`). :doc:`Page 13 <13_forests_and_networks>`
# trains the same network for 64 epochs, and its accuracy on test images does not fall with the
# rising loss. But the probabilities get worse, and the fits take time.
#
# So do not fit again for ever. *Early stopping* sets 10% of the training images aside and watches
# the loss on them. It stops when that loss has not fallen for ten epochs, and takes the weights of
# the best epoch. It needs no look at the test images:

careful = DNNClassifier((100,), early_stopping=True, epochs=100, random_state=0)
careful.fit(X_train, y_train)
print(f"stopped after {careful.n_iter_} epochs, kept the weights of epoch {careful.best_epoch_}")
print(f"test loss: {log_loss(y_test, careful.predict_proba(X_test)):.3f}")

# %%
# That is well below the loss after 40 fits, and a little above the lowest. But this network had
# fewer images to learn from, and the circle was chosen on the test images, which are only for the
# exam.
#
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
at_once = DNNClassifier((100,), epochs=1, random_state=0).fit(X_train, y_train)
print(f"one epoch with all 6,000 at once: DNN {at_once.score(X_test, y_test):.3f}")

# %%
# After six days, the networks have seen every image once, and are about as good as after one epoch
# with all images. On some days the accuracy falls: the last batches have pulled the weights their
# way. On the whole it rises.
#
# The user guide has more about :doc:`continuing training </user_guide/training>`, and about
# :doc:`early stopping </user_guide/early_stopping>`. So far, nearly all networks have chosen among
# classes. :doc:`The next page <12_regression>` predicts numbers.
