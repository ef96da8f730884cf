"""
Read the learning curves of a network
=====================================

:class:`~skdnn.TrainingHistoryDisplay` draws the loss and a metric over the epochs. If the training
loss keeps falling while the validation loss rises, the network overfits: regularise it, stop
earlier or get more rows. If both stay high, the network is too small or is trained too briefly.
"""

# %%
# Three networks
# --------------
# There are few rows and much noise, so that a large network can learn the rows by heart. A fraction
# of the rows is held out and evaluated after each epoch. It is not used for training.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.model_selection import LearningCurveDisplay, StratifiedKFold, cross_validate

from skdnn import DNNClassifier, TrainingHistoryDisplay

X, y = make_classification(
    600, 40, n_informative=8, n_classes=3, class_sep=0.8, flip_y=0.1, random_state=0
)
common = {"epochs": 40, "validation_fraction": 0.3, "random_state": 0}
networks = {
    "4 units": DNNClassifier((4,), **common),
    "128 units": DNNClassifier((128,), **common),
    "128 units, dropout": DNNClassifier((128,), dropout=0.6, **common),
}
for network in networks.values():
    network.fit(X, y)

# %%
# The curves
# ----------
# Training is solid, validation dashed. A ring marks the best epoch.
#
# - The small network learns slowly, and its two curves stay together: it underfits.
# - The training loss of the large network falls towards zero, and its validation loss rises again:
#   it overfits.
# - With dropout, the validation loss of the large network stays lower.

display = TrainingHistoryDisplay.from_estimator(networks)

# %%
# The numbers behind the picture are in ``history_``:

for name, network in networks.items():
    loss, validation = network.history_["loss"][-1], network.history_["val_loss"]
    print(
        f"{name:18}  training loss {loss:.2f}, validation loss {validation[-1]:.2f},"
        f" best in epoch {np.argmin(validation) + 1}"
    )

# %%
# Is it one lucky split?
# ----------------------
# The result of :func:`~sklearn.model_selection.cross_validate` is drawn as thin lines for the
# folds, and their mean.

folds = StratifiedKFold(4, shuffle=True, random_state=0)
result = cross_validate(networks["128 units"], X, y, cv=folds, return_estimator=True)
TrainingHistoryDisplay.from_estimator(result)

# %%
# Would more rows help?
# ---------------------
# :class:`~sklearn.model_selection.LearningCurveDisplay` of scikit-learn answers this: it trains on
# more and more rows. If the test score still rises at the right end, more rows will help.

fig, ax = plt.subplots()
LearningCurveDisplay.from_estimator(
    DNNClassifier((128,), dropout=0.6, epochs=20, random_state=0),
    X,
    y,
    train_sizes=[0.2, 0.4, 0.6, 0.8, 1.0],
    cv=folds,
    score_name="accuracy",
    std_display_style="fill_between",
    ax=ax,
)
ax.set_xlabel("training rows")
ax.set_title("Accuracy by the number of rows")

# %%
# Let the fit stop by itself
# --------------------------
# With ``early_stopping=True`` the weights of the best epoch are kept.

stopped = DNNClassifier((128,), early_stopping=True, validation_fraction=0.3, random_state=0)
stopped.fit(X, y)
print(f"stopped after {stopped.n_iter_} epochs, kept epoch {stopped.best_epoch_}")

# %%
# See also
# --------
# :doc:`/user_guide/inspection` has all plots, :doc:`/user_guide/early_stopping` the rules of early
# stopping, and :doc:`/user_guide/training` the ways to regularise a network.
