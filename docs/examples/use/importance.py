"""
Explain a network with SHAP and permutation importance
======================================================

:func:`~sklearn.inspection.permutation_importance` measures how much worse a fitted network gets if
a column is shuffled. `SHAP <https://shap.readthedocs.io>`_ splits each prediction into a
contribution of each column. Both only call ``predict``. Correlated columns share their importance,
as the last part shows.
"""

# %%
# The network
# -----------
# The diabetes data of scikit-learn: ten measurements of 442 patients, and how far the disease
# progressed within a year. The columns have their original units.

import matplotlib.pyplot as plt
import numpy as np
import shap
from sklearn.datasets import load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from skdnn import DNNRegressor

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X = X.rename(
    columns={
        "bp": "blood pressure",
        "s1": "cholesterol",
        "s2": "LDL",
        "s3": "HDL",
        "s4": "cholesterol / HDL",
        "s5": "log triglycerides",
        "s6": "glucose",
    }
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
network = DNNRegressor(preset="fast", random_state=0).fit(X_train, y_train)
print(f"R² on the test rows {network.score(X_test, y_test):.2f}")

# %%
# Permutation importance
# ----------------------
# Use rows that the network was not trained on. Otherwise columns that it learned by heart look
# important. Each column is shuffled many times, and the dots are the single drops.

result = permutation_importance(network, X_test, y_test, n_repeats=10, random_state=0)
order = np.argsort(result.importances_mean)
fig, ax = plt.subplots()
for row, column in enumerate(order):
    drops = result.importances[column]
    ax.plot(drops, np.full(len(drops), row), "o", color="#56B4E9", alpha=0.5, ms=5, mew=0)
    ax.plot([drops.mean()] * 2, [row - 0.3, row + 0.3], color="#0072B2", lw=3)
ax.axvline(0, color="0.5", lw=1)
ax.set(yticks=range(len(order)), yticklabels=X.columns[order])
ax.tick_params(axis="y", length=0)
ax.set(xlabel="drop of R² where the column is shuffled (bars: means)")
ax.set_title("Columns that the network needs")

# %%
# SHAP values
# -----------
# A SHAP value says by how much a column moved one prediction away from the mean prediction, in the
# units of y. The explainer takes a function and some rows that stand for the data. With
# ``max_evals=63`` it goes three times through the ten columns, forwards and backwards.

background = shap.utils.sample(X_train, 20, random_state=0)
explainer = shap.explainers.Permutation(network.predict, background, seed=0)
values = explainer(X_test[:60], max_evals=63, batch_size=32, silent=True)
total = values.values.sum(axis=1) + values.base_values
print(f"sums equal the predictions: {np.allclose(total, network.predict(X_test[:60]))}")

# %%
# Each dot is a patient. A high body mass index raises the prediction, and a high HDL lowers it.

fig = plt.figure(figsize=(8, 5))
shap.plots.beeswarm(values, show=False, plot_size=None, color=plt.get_cmap("cividis"))
ax = plt.gca()
ax.set_xlabel("SHAP value: change of the predicted progression")

# %%
# One patient in detail: the contributions add up from the mean prediction to that of this patient.

patient = int(np.argmax(network.predict(X_test[:60])))
contribution = values.values[patient]
order = np.argsort(np.abs(contribution))
fig, ax = plt.subplots()
start = values.base_values[patient] + np.r_[0, np.cumsum(contribution[order])]
colours = np.where(contribution[order] > 0, "#D55E00", "#0072B2")
ax.barh(range(len(order)), contribution[order], left=start[:-1], color=colours, height=0.65)
labels = [f"{X.columns[i]} = {X_test.iloc[patient, i]:g}" for i in order]
ax.set(yticks=range(len(order)), yticklabels=labels)
ax.axvline(start[0], color="0.5", lw=1, ls="--")
ax.text(start[0], len(order) - 0.35, f" mean {start[0]:.0f}", va="bottom", color="0.4")
ax.text(start[-1], len(order) - 0.35, f"prediction {start[-1]:.0f}", ha="center", va="bottom")
ax.set(xlabel="predicted progression of the disease (orange raises it, blue lowers it)")
ax.set(xlim=(start.min() - 0.1 * np.ptp(start), start.max() + 0.1 * np.ptp(start)))
ax.set_ylim(None, len(order) + 0.3)
ax.tick_params(axis="y", length=0)

# %%
# The trap: correlated columns
# ----------------------------
# Cholesterol and LDL carry nearly the same information. If one is shuffled, the network still has
# the other one. Shuffling both together measures what the pair is worth.

pair = ["cholesterol", "LDL"]
print(f"correlation {X_train[pair].corr().iloc[0, 1]:.2f}")
rng = np.random.default_rng(0)
drops = []
for _ in range(10):
    shuffled = X_test.copy()
    shuffled[pair] = X_test[pair].to_numpy()[rng.permutation(len(X_test))]
    drops.append(network.score(X_test, y_test) - network.score(shuffled, y_test))
for column in pair:
    alone = result.importances_mean[X.columns.get_loc(column)]
    print(f"{column:12} shuffled alone: drop {alone:.3f}")
print(f"{'both':12} shuffled together: drop {np.mean(drops):.3f}")

# %%
# Neither method is about causes: both explain the network, not the disease.
#
# See also
# --------
# :doc:`/user_guide/inspection` shows what a fitted network consists of.

# sphinx_gallery_thumbnail_number = 2
