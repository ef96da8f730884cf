"""
Forecast a time series with an LSTM
===================================

Give an LSTM to :class:`~skdnn.KerasRegressor` and windows of the series as X, of shape (n_windows,
n_steps, n_series). Scale y, keep the order of time in the cross-validation, and compare with the
forecast that repeats last week.
"""

# %%
# A series with two rhythms
# -------------------------
# The hourly demand for heat of a building for 16 weeks. It depends on the hour, on the weekday and
# on the outdoor temperature. The data are generated.

import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.preprocessing import StandardScaler

from skdnn import KerasRegressor

rng = np.random.default_rng(0)
time = np.arange(16 * 7 * 24)
weekday = time // 24 % 7
cold = np.cumsum(rng.normal(size=len(time))) * 0.15
cold -= np.linspace(cold[0], cold[-1], len(time))
daily = np.where(weekday < 5, 12, 4) * np.exp(-((time % 24 - 8) ** 2) / 8)
evening = 8 * np.exp(-((time % 24 - 19) ** 2) / 6)
heat = 30 + daily + evening + 2 * cold + rng.normal(scale=0.8, size=len(time))  # kW

# %%
# Windows
# -------
# Each sample is the last 24 hours, and the target is the value six hours ahead. Hour and weekday of
# the forecast are known in advance, so they are further series of the window.

STEPS, AHEAD = 24, 6
known = time + AHEAD
series = np.column_stack(
    [
        (heat - heat[:1000].mean()) / heat[:1000].std(),
        np.sin(2 * np.pi * known / 24),
        np.cos(2 * np.pi * known / 24),
        known // 24 % 7 >= 5,
    ]
).astype("float32")
starts = np.arange(7 * 24, len(time) - STEPS - AHEAD)
X = np.stack([series[start : start + STEPS] for start in starts])
target_time = starts + STEPS - 1 + AHEAD
y = heat[target_time]
test = slice(len(X) - 2 * 7 * 24, None)  # the last two weeks
train = slice(0, len(X) - 2 * 7 * 24 - STEPS - AHEAD)  # no window reaches into the test weeks
X.shape, y.shape

# %%
# The network
# -----------
# A network of your own gets y as it is, so its target is standardised here.

lstm = KerasRegressor(
    [layers.LSTM(24), layers.Dense(1)],
    optimizer="adam",
    optimizer__learning_rate=0.01,
    epochs=8,
    batch_size=128,
    random_state=0,
    verbose=0,
)
model = TransformedTargetRegressor(lstm, transformer=StandardScaler())
model.fit(X[train], y[train])

# %%
# Compare with simple forecasts
# -----------------------------
# A forecast is only as good as its distance to a simple one. Histogram gradient boosting gets the
# windows as flat rows.

boosting = HistGradientBoostingRegressor(random_state=0)
boosting.fit(X[train].reshape(len(X[train]), -1), y[train])
forecasts = {
    "the value one week before": heat[target_time[test] - 7 * 24],
    "the latest value": heat[target_time[test] - AHEAD],
    "gradient boosting": boosting.predict(X[test].reshape(len(X[test]), -1)),
    "LSTM": model.predict(X[test]),
}
for name, forecast in forecasts.items():
    print(f"{name:26} mean absolute error {mean_absolute_error(y[test], forecast):.2f} kW")

# %%
# The last week:

hours = target_time[test][-7 * 24 :]
days = (hours - hours[0]) / 24
fig, (top, bottom) = plt.subplots(2, 1, figsize=(9.4, 5.4), sharex=True, height_ratios=[3, 1.4])
top.plot(days, y[test][-len(days) :], color="k", lw=1.2, label="measured")
styles = {"the value one week before": ("#E69F00", 1.2), "LSTM": ("#0072B2", 2)}
for name, (colour, width) in styles.items():
    forecast = forecasts[name][-len(days) :]
    top.plot(days, forecast, color=colour, lw=width, label=name)
    bottom.plot(days, forecast - y[test][-len(days) :], color=colour, lw=width)
bottom.axhline(0, color="k", lw=1)
top.set(ylabel="heat in kW", title=f"Forecasts {AHEAD} hours ahead")
bottom.set(ylabel="error in kW", xlabel="days", xlim=(0, 7))
top.set_ylim(None, 1.12 * y[test][-len(days) :].max())
top.legend(ncols=3, loc="upper left", bbox_to_anchor=(0, 1.02))

# %%
# Cross-validate in the order of time
# -----------------------------------
# Random folds would put neighbouring windows into training and test rows, which share most of their
# hours. :class:`~sklearn.model_selection.TimeSeriesSplit` always tests on later rows, and its
# ``gap`` keeps the windows apart.

folds = TimeSeriesSplit(2, gap=STEPS + AHEAD, test_size=14 * 24)
scores = -cross_val_score(model, X[train], y[train], cv=folds, scoring="neg_mean_absolute_error")
print("mean absolute error in kW by fold:", scores.round(2))

# %%
# See also
# --------
# :doc:`/user_guide/keras_wrappers` explains the wrappers, and :doc:`/auto_examples/keras/cnn` has a
# convolutional network.
