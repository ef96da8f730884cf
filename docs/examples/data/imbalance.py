"""
Choose a threshold where one class is rare
==========================================

Train on the rows as they are, and choose the threshold on the probability by what a mistake costs:
:class:`~sklearn.model_selection.TunedThresholdClassifierCV` does this for
:class:`~skdnn.DNNClassifier` by cross-validation. ``class_weight="balanced"`` moves the decision,
too, but its probabilities are far too high, as the last figure shows.
"""

# %%
# A rare class
# ------------
# Of 6,000 machines, a few percent will fail within a week. The data are generated.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, confusion_matrix, make_scorer, recall_score
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split

from skdnn import DNNClassifier

X, y = make_classification(
    6000, 12, n_informative=6, n_clusters_per_class=3, weights=[0.97], class_sep=0.9, random_state=5
)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
print(f"{y_train.sum()} of {len(y_train):,} training rows are failures ({y_train.mean():.1%})")

# %%
# Accuracy hides the problem: predicting "no failure" for each machine is right nearly always. The
# network at its default threshold of 0.5 misses many failures. The average precision evaluates the
# ranking, without a threshold. Leave out ``epochs``, which only makes this page quick.

network = DNNClassifier(preset="fast", epochs=20, random_state=0)
plain = network.fit(X_train, y_train)
risk = plain.predict_proba(X_test)[:, 1]
print(f"accuracy of 'no failure'   {1 - y_test.mean():.3f}")
print(f"accuracy of the network    {plain.score(X_test, y_test):.3f}")
print(f"recall of the network      {recall_score(y_test, plain.predict(X_test)):.3f}")
print(f"average precision          {average_precision_score(y_test, risk):.3f}")

# %%
# State what a mistake costs
# --------------------------
# A missed failure costs 500 euros, and an inspection of a healthy machine costs 20. The cost of a
# set of decisions follows from their confusion matrix.

MISSED, INSPECTED = 500, 20  # euros


def cost_per_machine(y_true, y_predicted):
    """Return the mean cost in euros."""
    _, false_alarms, misses, _ = confusion_matrix(y_true, y_predicted, labels=[0, 1]).ravel()
    return (MISSED * misses + INSPECTED * false_alarms) / len(y_true)


# %%
# The threshold is chosen on rows that the network was not trained on, by cross-validation within
# the training rows. The test rows only measure the result.

tuned = TunedThresholdClassifierCV(
    network, scoring=make_scorer(cost_per_machine, greater_is_better=False), cv=3, random_state=0
)
tuned.fit(X_train, y_train)
for name, model in (("threshold 0.5", plain), ("tuned", tuned)):
    predicted = model.predict(X_test)
    print(
        f"{name:13}  recall {recall_score(y_test, predicted):.2f}"
        f"  cost {cost_per_machine(y_test, predicted):5.2f} euros per machine"
    )

# %%
# For calibrated probabilities, the best threshold is also known from the costs alone: inspect if
# the expected cost of a miss exceeds that of an inspection.

theory = INSPECTED / (INSPECTED + MISSED)
print(f"tuned threshold      {tuned.best_threshold_:.3f}")
print(f"threshold by costs   {theory:.3f}")

# %%
# The costs at all thresholds, on the test rows:

thresholds = np.geomspace(0.005, 0.9, 120)
costs = [cost_per_machine(y_test, risk >= threshold) for threshold in thresholds]
fig, ax = plt.subplots()
ax.plot(thresholds, costs, label="network, test rows")
marks = [
    (0.5, "#D55E00", "0.5", 14),
    (tuned.best_threshold_, "#009E73", "tuned on training rows", -24),
]
for threshold, colour, text, shift in marks:
    cost = cost_per_machine(y_test, risk >= threshold)
    ax.plot(threshold, cost, "o", color=colour, ms=9)
    ax.annotate(text, (threshold, cost), (0, shift), textcoords="offset points", ha="center",
                color=colour, fontweight="bold")  # fmt: skip
ax.axhline(MISSED * y_test.mean(), color="0.5", ls="--", lw=1)
ax.text(0.9, MISSED * y_test.mean(), "never inspect", color="0.4", ha="right", va="bottom")
ax.axvline(theory, color="0.5", ls=":", lw=1)
ax.text(theory * 1.03, 0.3, "by the costs alone", color="0.4", va="bottom")
ax.set(xscale="log", ylim=0, xticks=[0.01, 0.03, 0.1, 0.3, 0.9])
ax.set_xticklabels(["1 %", "3 %", "10 %", "30 %", "90 %"])
ax.minorticks_off()
ax.set(xlabel="inspect from this probability of a failure", ylabel="cost per machine in euros")
ax.set_title("The best threshold is far below one half")

# %%
# Class weights distort the probabilities
# ---------------------------------------
# ``class_weight="balanced"`` gives the rare class as much weight as the other one. The network then
# predicts the probabilities of a world in which half of the machines fail. Choose weights only if
# you need no probabilities.

weighted = DNNClassifier(preset="fast", epochs=20, class_weight="balanced", random_state=0)
weighted.fit(X_train, y_train)
weighted_risk = weighted.predict_proba(X_test)[:, 1]
print(f"failures in the test rows       {y_test.mean():.1%}")
print(f"mean risk, rows as they are     {risk.mean():.1%}")
print(f"mean risk, balanced weights     {weighted_risk.mean():.1%}")
print(f"average precision, as they are  {average_precision_score(y_test, risk):.3f}")
print(f"average precision, balanced     {average_precision_score(y_test, weighted_risk):.3f}")

# %%
# Points on the diagonal are calibrated: of the machines with a predicted risk of 20 percent, 20
# percent fail. Points below it are risks that are too high. Each point is a bin of the same number
# of machines, and the figure beside it is the number of their failures: few failures scatter by
# chance. The axes are stretched near 0, because nearly all risks are small.

N_BINS = 5
fig, ax = plt.subplots(figsize=(5.6, 5))
ax.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--")
curves = [("rows as they are", risk, "o-", -4), ("balanced weights", weighted_risk, "s-", 4)]
for name, values, style, side in curves:
    observed, mean_risk = calibration_curve(y_test, values, n_bins=N_BINS, strategy="quantile")
    (line,) = ax.plot(mean_risk, observed, style, label=name, ms=6)
    for x, fraction in zip(mean_risk, observed, strict=True):
        failures = f"{fraction * len(y_test) / N_BINS:.0f}"
        ax.annotate(failures, (x, fraction), (2 * side, 5), textcoords="offset points",
                    ha="right" if side < 0 else "left", color=line.get_color())  # fmt: skip
ticks = [0, 0.01, 0.05, 0.2, 0.5, 1]
ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
ax.set_xscale("function", functions=(np.sqrt, np.square))
ax.set_yscale("function", functions=(np.sqrt, np.square))
ax.set(xticks=ticks, yticks=ticks)
ax.set(xlabel="predicted risk (mean of a bin)", ylabel="fraction of machines that fail")
ax.set_title("Balanced weights distort the probabilities")
ax.legend(loc="upper left")

# %%
# See also
# --------
# :doc:`/user_guide/targets_and_losses` explains the weights of classes, and
# :doc:`/user_guide/ensembles_and_calibration` the calibration.
