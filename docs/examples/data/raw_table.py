"""
Compare a network with forests on a raw table
=============================================

:func:`~skdnn.compare` takes a table as it comes, with text, categories and missing values, and
cross-validates the network and tree ensembles on the same folds. :class:`~skdnn.DNNRegressor` needs
no encoder, no imputer and no scaler. The other models get one-hot columns and imputed medians.
"""

# %%
# A raw table
# -----------
# The table has 1,800 used cars. It is generated, so that this page needs no download. Seven percent
# of the mileages are missing, and some sellers do not state the gearbox. To use a table of your
# own, read it with ``pandas.read_csv`` and leave it as it is.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n = 1800
models = {"Astra": 21, "Corsa": 16, "Golf": 24, "Passat": 31, "Polo": 18, "Yaris": 19, "Zoe": 28}
cars = pd.DataFrame(
    {
        "model": rng.choice(list(models), n),
        "fuel": rng.choice(["petrol", "diesel", "hybrid"], n, p=[0.6, 0.3, 0.1]),
        "gearbox": rng.choice(["manual", "automatic"], n, p=[0.7, 0.3]),
        "age": rng.gamma(3, 2.2, n).round(1),
        "owners": rng.integers(1, 5, n),
        "town": rng.choice(["Bonn", "Kiel", "Ulm", "Jena", "Trier", "Emden"], n),
        "accident": rng.random(n) < 0.12,
    }
)
cars.loc[cars["model"] == "Zoe", "fuel"] = "electric"
cars["mileage"] = (13_000 * cars["age"] * rng.lognormal(0, 0.35, n)).round(-2)  # km
rate = np.where(cars["fuel"] == "electric", 0.25, 0.18)
value_left = 0.12 + 0.88 * np.exp(-rate * cars["age"] - 0.002 * cars["mileage"] / 1000)
price = (
    1000
    * cars["model"].map(models)
    * value_left
    * np.where(cars["gearbox"] == "automatic", 1.12, 1.0)
    * np.where(cars["accident"], 0.75, 1.0)
    * (1 - 0.03 * (cars["owners"] - 1))
    * rng.lognormal(0, 0.1, n)
).round(-1)  # euros
cars.loc[rng.random(n) < 0.07, "mileage"] = np.nan
cars.loc[rng.random(n) < 0.05, "gearbox"] = None
cars.head()

# %%
# The comparison
# --------------
# Prices span a wide range, so the models learn the logarithm of the price. A good score then means
# a small error in percent. The last column tests the difference of each model to the best one.
# "Within noise" means that these folds do not show a difference. With three folds only a large and
# steady difference counts; five or ten show more.
#
# The network is made here, so that it gets the table as it is. In ``compare(cars, ...)`` without
# ``competitors``, it gets one-hot columns and medians like the others.

from skdnn import DNNRegressor, compare
from skdnn.comparison import default_models

names = ["random-forest", "extra-trees", "hist-gradient-boosting"]
competitors = {
    "DNN": DNNRegressor(preset="fast", random_state=0),
    **default_models("regression", cars, names=names, random_state=0),
}
result = compare(cars, np.log(price), competitors, cv=5)
result

# %%
# The circles are the folds, and the bars their means. The right panel shows the price of a score in
# time. A network takes longer to train than a forest.

result.plot()

# %%
# When a forest is better
# -----------------------
# These prices are a smooth function of age and mileage, times a factor for each model, fuel and
# gearbox. Networks fit such functions from few rows, while trees approximate them by steps. Where
# the target jumps at thresholds, or where most columns do not matter, a forest is often better.
# :doc:`/development/accuracy` has results on many real tables, with those that the network loses.
#
# The predictions for one car at each age show the difference. The steps of the forest are at ages
# of single training rows.

import matplotlib.pyplot as plt

network = competitors["DNN"].fit(cars, np.log(price))
forest = competitors["RandomForest"].fit(cars, np.log(price))
age = np.linspace(0, 20, 201)
golf = {"model": "Golf", "fuel": "petrol", "gearbox": "manual", "owners": 1, "town": "Kiel"}
golfs = pd.DataFrame({**golf, "age": age, "accident": False, "mileage": 13_000 * age})
golfs = golfs[cars.columns]
rule = 24 * (0.12 + 0.88 * np.exp(-0.18 * age - 0.026 * age))  # 2 percent for 10,000 km

fig, ax = plt.subplots()
ax.plot(age, rule, color="0.6", lw=6, alpha=0.5, label="rule that made the data")
ax.plot(age, np.exp(forest.predict(golfs)) / 1000, "#E69F00", lw=1.5, label="random forest")
ax.plot(age, np.exp(network.predict(golfs)) / 1000, "#0072B2", label="network")
ax.set(xlabel="age in years", ylabel="price in 1,000 euros", xlim=(0, 20), ylim=0)
ax.set_title("A petrol Golf that is driven 13,000 km a year")
ax.legend()

# %%
# Predict new rows
# ----------------
# A row may have missing values, and a town that was not in training.

new_car = cars[:1].assign(age=4.0, mileage=np.nan, town="Rome", gearbox=None)
print(f"{np.exp(network.predict(new_car)[0]):,.0f} euros")

# %%
# See also
# --------
# :doc:`/user_guide/comparison` explains the test, and :doc:`/user_guide/data` what happens to text,
# categories and missing values.

# sphinx_gallery_thumbnail_number = 2
