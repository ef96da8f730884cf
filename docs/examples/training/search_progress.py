"""
Watch a grid search with progress bars
======================================

Set scikit-learn's ``ProgressBar`` on a search, and it shows the candidates, the folds and the
epochs of each network while they run. It needs scikit-learn 1.9. The search itself is the usual
:class:`~sklearn.model_selection.GridSearchCV`.
"""

# %%
# A pipeline and a grid
# ---------------------
# Every parameter of :class:`~skdnn.DNNClassifier` can be searched. This grid varies the learning
# rate and the number of units. It trains plain networks, because ``hidden_layer_sizes`` is given.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from skdnn import DNNClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipeline = Pipeline(
    [("pca", PCA(30, random_state=0)), ("net", DNNClassifier(epochs=12, random_state=0))]
)
grid = {
    "net__hidden_layer_sizes": [(8,), (32,), (128,)],
    "net__learning_rate": [0.0003, 0.001, 0.003, 0.01, 0.03],
}
search = GridSearchCV(pipeline, grid, cv=2)

# %%
# Watch it
# --------
# On a terminal and in a notebook the bars move. The number of levels is ``max_propagation_depth``:
# 1 shows the search with its candidates, and ``None`` also the epochs of each network.

search.set_callbacks(ProgressBar(max_propagation_depth=1))
search.fit(X_train, y_train)

# %%
# One network alone, with a bar for its epochs:

single = DNNClassifier((32,), epochs=12, random_state=0).set_callbacks(ProgressBar())
single.fit(X_train, y_train)

# %%
# The result
# ----------
# The best candidate is trained again on all training rows. The test rows were not used for the
# choice.

print("best:", {key.removeprefix("net__"): value for key, value in search.best_params_.items()})
print(f"cross-validated {search.best_score_:.3f}, test rows {search.score(X_test, y_test):.3f}")

# %%
# All candidates, with their folds:

table = pd.DataFrame(search.cv_results_)
sizes, rates = grid["net__hidden_layer_sizes"], grid["net__learning_rate"]
fig, ax = plt.subplots()
for size, marker in zip(sizes, "os^", strict=True):
    rows = table[table["param_net__hidden_layer_sizes"].map(lambda value, size=size: value == size)]
    folds = 100 * rows[["split0_test_score", "split1_test_score"]].to_numpy()
    (line,) = ax.plot(rates, folds.mean(axis=1), marker=marker, ms=7, label=f"{size[0]} units")
    ax.fill_between(rates, folds.min(axis=1), folds.max(axis=1), alpha=0.18, color=line.get_color())
best = search.best_index_
ax.plot(
    table["param_net__learning_rate"][best],
    100 * search.best_score_,
    "o",
    color="k",
    mfc="none",
    ms=17,
    label="best",
)
ax.set(xscale="log", xticks=rates, xticklabels=[f"{rate:g}" for rate in rates])
ax.minorticks_off()
ax.set(xlabel="learning rate", ylabel="accuracy in %", title="Mean and range of the folds")
ax.legend(loc="lower right")

# %%
# The time of each fit
# --------------------
# A search compiles a network once for each architecture. Learning rates, seeds and folds share the
# compiled program, so later fits are faster than the first one of an architecture.

seconds = table["mean_fit_time"].to_numpy().reshape(len(sizes), len(rates))
for size, row in zip(sizes, seconds, strict=True):
    print(
        f"{size[0]:3} units  first {row[0]:.2f} s, median of the others {np.median(row[1:]):.2f} s"
    )

# %%
# See also
# --------
# :doc:`/user_guide/callbacks` lists what callbacks of scikit-learn and of Keras can do,
# :doc:`/user_guide/model_selection` explains searches, and
# :doc:`/auto_examples/training/optuna_pruning` stops bad candidates early.
