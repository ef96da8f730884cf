"""
Stop early where rows belong together
=====================================

Pass ``groups`` to ``fit``, and early stopping holds out whole groups, such as patients, instead of
single rows. In a :class:`~sklearn.pipeline.Pipeline`, scikit-learn's metadata routing passes them
on, to the folds of a cross-validation as well as to the network.
"""

# %%
# Several recordings of each patient
# ----------------------------------
# Each patient has ten recordings, which resemble each other. Whether a patient is ill is the same
# in all of them. A model can therefore recognise the patient instead of the illness, and that does
# not help with new patients. The data are generated.

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier


def record(n_patients, seed):
    """Return recordings, diagnoses and the number of the patient of each recording."""
    rng = np.random.default_rng(seed)
    ill = rng.integers(0, 2, n_patients)
    person = rng.normal(size=(n_patients, 20))  # what is the same in all recordings
    person[:, :3] += 0.7 * ill[:, None]  # three of the twenty values depend on the illness
    patient = np.repeat(np.arange(n_patients), 10)
    return person[patient] + rng.normal(scale=0.4, size=(len(patient), 20)), ill[patient], patient


X, y, patient = record(80, seed=0)
X_new, y_new, _ = record(400, seed=1)  # patients who come later
print(f"{len(X)} recordings of {len(set(patient))} patients")

# %%
# The trap: rows held out at random
# ---------------------------------
# Without ``groups``, other recordings of the same patients are in the training rows. The validation
# loss then falls as long as the network learns to recognise patients. With ``groups``, it rises as
# soon as the network no longer learns about the illness.

settings = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 15}
network = DNNClassifier((64,), epochs=60, **settings, random_state=0)
by_row = sklearn.clone(network).fit(X, y)
by_patient = sklearn.clone(network).fit(X, y, groups=patient)

fig, axes = plt.subplots(1, 2, figsize=(10, 3.9), sharey=True)
for ax, model, name in zip(
    axes, (by_row, by_patient), ("Held out: single rows", "Held out: whole patients"), strict=True
):
    epochs = np.arange(1, model.n_iter_ + 1)
    ax.plot(epochs, model.history_["loss"], color="#E69F00", label="training rows")
    ax.plot(epochs, model.history_["val_loss"], "--", color="#0072B2", label="held-out rows")
    best = model.best_epoch_
    ax.plot(best, model.history_["val_loss"][best - 1], "o", color="#0072B2", mfc="w", ms=10, mew=2)
    ax.set(xlabel="epoch", title=name, ylim=0)
    loss = log_loss(y_new, model.predict_proba(X_new))
    note = f"kept: epoch {best}\ncross-entropy of new patients: {loss:.2f}"
    ax.text(0.98, 0.95, note, transform=ax.transAxes, ha="right", va="top")
axes[0].set_ylabel("cross-entropy")
axes[0].legend(loc="lower left")

# %%
# In a pipeline
# -------------
# With metadata routing, ``set_fit_request`` says which step wants the groups. A pipeline, a search
# and a cross-validation then pass them on.

sklearn.set_config(enable_metadata_routing=True)
pipeline = make_pipeline(StandardScaler(), sklearn.clone(network).set_fit_request(groups=True))
pipeline.fit(X, y, groups=patient)
print(f"pipeline kept epoch {pipeline[-1].best_epoch_}")

# %%
# Cross-validate by patient
# -------------------------
# The outer folds need the groups, too. ``params`` gives them to the splitter and to the network of
# each fold.

by_group = cross_validate(pipeline, X, y, cv=GroupKFold(5), params={"groups": patient})
no_groups = make_pipeline(StandardScaler(), network)
leaky = cross_validate(no_groups, X, y, cv=KFold(5, shuffle=True, random_state=0))
sklearn.set_config(enable_metadata_routing=False)

truth = pipeline.score(X_new, y_new)
estimates = {"folds of rows": leaky["test_score"], "folds of patients": by_group["test_score"]}
for name, score in estimates.items():
    print(f"{name:18} accuracy {score.mean():.3f}")
print(f"{'new patients':18} accuracy {truth:.3f}")

# %%
# Folds of single rows promise an accuracy that new patients do not have.

fig, ax = plt.subplots(figsize=(7.6, 2.8))
for row, (score, colour) in enumerate(zip(estimates.values(), ["#D55E00", "#0072B2"], strict=True)):
    ax.plot(score, np.full(len(score), row), "o", color=colour, mfc="none", ms=8)
    ax.plot([score.mean()] * 2, [row - 0.25, row + 0.25], color=colour, lw=3)
ax.axvline(truth, color="0.3", ls="--", lw=1.2)
ax.text(truth, -0.62, " new patients", color="0.3", va="bottom")
ax.set(yticks=[0, 1], yticklabels=list(estimates), ylim=(1.6, -0.65))
ax.set(xlabel="accuracy (circles: folds, bars: means)")
ax.tick_params(axis="y", length=0)

# %%
# See also
# --------
# :doc:`/user_guide/early_stopping` explains which rows are held out, and how to pass validation
# rows of your own.

# sphinx_gallery_thumbnail_number = 1
