"""
Draw a band that contains nine of ten values
============================================

With ``loss="quantile"`` and several levels, :class:`~skdnn.DNNRegressor` predicts a lower bound, a
median and an upper bound together. They never cross, and the band is wide where the data vary and
narrow where they do not. Check its coverage on rows that were not used for training.
"""

# %%
# Data with a changing spread
# ---------------------------
# The demand for electricity of a small town, by hour of the day. In the evening, it depends on the
# weather and varies more than at night. The data are generated.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import train_test_split

from skdnn import DNNRegressor

rng = np.random.default_rng(0)
hour = rng.uniform(0, 24, 3000)
shape = 30 + 14 * np.exp(-((hour - 8) ** 2) / 6) + 24 * np.exp(-((hour - 19) ** 2) / 10)
spread = 1.0 + 6.5 * np.exp(-((hour - 19.5) ** 2) / 7)
demand = shape + spread * (rng.gamma(2.0, 1.0, len(hour)) - 2)  # MW, skewed to high values
X = hour[:, None]
X_train, X_test, y_train, y_test = train_test_split(X, demand, test_size=0.4, random_state=0)

# %%
# One network, three levels
# -------------------------
# The columns of the predictions are the levels of ``quantile``.

levels = [0.05, 0.5, 0.95]
band = DNNRegressor(preset="fast", epochs=40, loss="quantile", quantile=levels, random_state=0).fit(
    X_train, y_train
)
low, median, high = band.predict(X_test).T
inside = (low <= y_test) & (y_test <= high)
print(f"inside the band: {inside.mean():.1%} of the test rows, 90% were asked for")
print(f"bounds cross in {np.sum((low > median) | (median > high))} rows")

# %%
# Beside a band of constant width
# -------------------------------
# The default loss predicts the mean, and ``return_std=True`` adds a standard deviation. It
# describes the uncertainty on average, not hour by hour. A normal distribution has 90% of its
# values within 1.645 standard deviations of the mean.

mean_model = DNNRegressor(preset="fast", epochs=40, random_state=0).fit(X_train, y_train)
grid = np.linspace(0, 24, 241)[:, None]
mean, std = mean_model.predict(grid, return_std=True)
bands = {
    "Quantiles": band.predict(grid).T,
    "Mean and standard deviation": (mean - 1.645 * std, mean, mean + 1.645 * std),
}
fig, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True)
for ax, (name, (lower, centre, upper)) in zip(axes, bands.items(), strict=True):
    ax.plot(X_test, y_test, ".", color="0.55", ms=3, alpha=0.6, label="test rows")
    ax.fill_between(grid[:, 0], lower, upper, color="#56B4E9", alpha=0.35, lw=0, label="90% band")
    ax.plot(grid[:, 0], centre, color="#0072B2", label="median or mean")
    ax.set(xlim=(0, 24), xticks=range(0, 25, 4), xlabel="hour of the day", title=name)
axes[0].set_ylabel("demand in MW")
axes[0].legend(loc="upper left", markerscale=3)

# %%
# Coverage, hour by hour
# ----------------------
# Both bands contain about 90% of all rows. Only the quantiles do so at each hour: the constant band
# is too wide at night and too narrow in the evening.

test_mean, test_std = mean_model.predict(X_test, return_std=True)
constant = np.abs(y_test - test_mean) <= 1.645 * test_std
edges = np.arange(0, 25, 3)
part = np.digitize(X_test[:, 0], edges) - 1
fig, ax = plt.subplots()
for name, hit in [("quantiles", inside), ("mean and std", constant)]:
    coverage = [100 * hit[part == i].mean() for i in range(len(edges) - 1)]
    ax.plot(edges[:-1] + 1.5, coverage, "o-", label=f"{name}, {hit.mean():.1%} of all rows", ms=7)
ax.axhline(90, color="0.5", ls="--", lw=1)
ax.set(ylim=(None, 101), xlim=(0, 24), xticks=edges)
ax.set(xlabel="hour of the day", ylabel="test rows inside the band in %")
ax.set_title("Coverage within three hours")
ax.legend(loc="lower left")

# %%
# The pinball loss evaluates a quantile as the squared error evaluates a mean: lower is better. Take
# it for a search, because the coverage alone is also reached by a band that ignores X.

for level, predicted in zip(levels, (low, median, high), strict=True):
    everywhere = np.full(len(y_test), np.quantile(y_train, level))
    print(
        f"level {level:4}: pinball loss {mean_pinball_loss(y_test, predicted, alpha=level):.3f}, "
        f"constant {mean_pinball_loss(y_test, everywhere, alpha=level):.3f}"
    )

# %%
# See also
# --------
# :doc:`/user_guide/targets_and_losses` explains the losses, and
# :doc:`/user_guide/ensembles_and_calibration` what the standard deviation is made of.
