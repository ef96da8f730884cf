"""
Search with Optuna and stop bad trials early
============================================

Give ``KerasPruningCallback`` to the parameter ``callbacks`` of :class:`~skdnn.DNNClassifier`, and
Optuna stops a trial whose validation loss falls behind that of the others. The time of a search
then goes to the promising parameters.
"""

# %%
# The data
# --------
# The digits of scikit-learn. The test rows are set aside until the end. The search evaluates its
# trials on rows that are held out of the training rows.

import matplotlib.pyplot as plt
import numpy as np
import optuna
from optuna_integration import KerasPruningCallback
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdnn import DNNClassifier

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images, digits.target, test_size=0.4, random_state=0
)
optuna.logging.set_verbosity(optuna.logging.WARNING)

# %%
# What a trial does
# -----------------
# Optuna proposes parameters. The callback reports the validation loss after each epoch, and ends
# the trial if the pruner says so. Parameters that change the shape of the network, such as the
# units, are taken from a short list, because each new architecture is compiled once.

base = DNNClassifier((64,), epochs=20, validation_fraction=0.25, random_state=0)


def objective(trial):
    """Return the validation loss after the last epoch."""
    network = clone(base).set_params(
        hidden_layer_sizes=(trial.suggest_categorical("units", [32, 128]),),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 0.3, log=True),
        alpha=trial.suggest_float("alpha", 1e-6, 1e-1, log=True),
        batch_size=trial.suggest_categorical("batch_size", [16, 64]),
        callbacks=KerasPruningCallback(trial, "val_loss"),
    )
    return network.fit(X_train, y_train).history_["val_loss"][-1]


# %%
# Run the study
# -------------
# ``MedianPruner`` compares a trial with the median of the earlier trials at the same epoch. It
# waits for three complete trials and for three epochs of each.

pruner = optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=3)
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=pruner)
study.optimize(objective, n_trials=18)

PRUNED = optuna.trial.TrialState.PRUNED
pruned = [trial for trial in study.trials if trial.state == PRUNED]
trained = sum(len(trial.intermediate_values) for trial in study.trials)
complete = base.epochs * len(study.trials)
print(f"{len(pruned)} of {len(study.trials)} trials were pruned")
print(f"{trained} of {complete} epochs were trained ({trained / complete:.0%})")
print("best:", {key: round(value, 6) for key, value in study.best_params.items()})

# %%
# What was pruned
# ---------------
# Each line is a trial. A cross marks where it was stopped. The best trial has the lowest loss in
# the last epoch, which is what the objective returns; others may be lower before.

fig, ax = plt.subplots()
for trial in study.trials:
    epochs = np.array(list(trial.intermediate_values)) + 1
    losses = list(trial.intermediate_values.values())
    if trial.state == PRUNED:
        ax.plot(epochs, losses, color="0.7", lw=1)
        ax.plot(epochs[-1], losses[-1], "x", color="#D55E00", ms=7, mew=2)
    else:
        ax.plot(epochs, losses, color="#56B4E9", lw=1.3)
best = study.best_trial.intermediate_values
ax.plot(np.array(list(best)) + 1, list(best.values()), color="#0072B2", lw=3)
for style, name in [
    ({"color": "#0072B2", "lw": 3}, "best trial"),
    ({"color": "#56B4E9"}, "other complete trials"),
    ({"color": "#D55E00", "marker": "x", "ls": "", "mew": 2}, "pruned"),
]:
    ax.plot([], [], **style, label=name)
ax.set(yscale="log", xlabel="epoch", ylabel="validation loss", xticks=range(0, 21, 5))
ax.set_title("Bad trials end early")
ax.legend(loc="upper right")

# %%
# Which parameters mattered
# -------------------------
# The low losses lie in a range of learning rates. The colour is the loss at the end of a trial, or
# where it was pruned.

rates = [trial.params["learning_rate"] for trial in study.trials]
alphas = [trial.params["alpha"] for trial in study.trials]
last = [list(trial.intermediate_values.values())[-1] for trial in study.trials]
was_pruned = np.array([trial.state == PRUNED for trial in study.trials])
fig, ax = plt.subplots()
for mask, marker, name in [(~was_pruned, "o", "complete"), (was_pruned, "X", "pruned")]:
    points = ax.scatter(
        np.array(rates)[mask],
        np.array(alphas)[mask],
        c=np.log10(last)[mask],
        vmin=np.log10(min(last)),
        vmax=np.log10(max(last)),
        marker=marker,
        s=90,
        cmap="cividis",
        edgecolor="w",
        label=name,
    )
ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="alpha (L2 penalty)")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
fig.colorbar(points, label="log10 of the last validation loss")

# %%
# Train the best network
# ----------------------
# The best of many trials looks better on the held-out rows than it is, because it was chosen by
# them. So the accuracy is measured on the test rows, once.

final = clone(base).set_params(
    hidden_layer_sizes=(study.best_params["units"],),
    learning_rate=study.best_params["learning_rate"],
    alpha=study.best_params["alpha"],
    batch_size=study.best_params["batch_size"],
    validation_fraction=None,
)
final.fit(X_train, y_train)
print(f"accuracy on the test rows {final.score(X_test, y_test):.3f}")

# %%
# See also
# --------
# :doc:`/user_guide/callbacks` explains callbacks, and :doc:`/user_guide/model_selection` the
# searches of scikit-learn.
