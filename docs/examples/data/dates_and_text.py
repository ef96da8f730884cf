"""
Use dates and free text with skrub
==================================

A date as text and a free text differ in nearly every row, so they are no categories. Put the
``TableVectorizer`` of `skrub <https://skrub-data.org>`_ in front of the network: it turns a date
into its parts and a text into a few numbers, and the pipeline still takes raw rows.
"""

# %%
# Support tickets
# ---------------
# Each row is a ticket, with the time at which it was opened, a subject and a product. The target is
# the time to the solution in hours. The tickets are generated. They take longer if they come in at
# the weekend, and if the subject is about a hard problem.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from skrub import TableVectorizer

from skdnn import DNNRegressor

rng = np.random.default_rng(0)
n = 900
problems = {"login fails": 2, "invoice is wrong": 5, "page is slow": 9, "data are lost": 16}
openings = ["Please help:", "Urgent!", "Question:", "Hello,", "Again:"]
endings = ["since this morning", "on my phone", "for all users", "after the update", "in Chrome"]
problem = rng.choice(list(problems), n)
subjects = [
    f"{rng.choice(openings)} {text} {rng.choice(endings)} (no. {rng.integers(10_000)})"
    for text in problem
]
opened = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 365 * 24 * 60, n), "min")
tickets = pd.DataFrame(
    {
        "opened": opened.strftime("%Y-%m-%d %H:%M"),
        "subject": subjects,
        "product": rng.choice(["shop", "app", "forum"], n),
    }
)
weekend = np.where(opened.dayofweek >= 5, 12.0, 0.0)
hours = (pd.Series(problem).map(problems) + weekend) * rng.lognormal(0, 0.2, n)
tickets.head()

# %%
# Without skrub
# -------------
# The network takes the table, too, and warns: as categories, these columns teach nothing about new
# rows, because each of their values is new.

import warnings
from textwrap import fill

network = DNNRegressor((64,), epochs=30, learning_rate=0.003, alpha=0.001, random_state=0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    network.fit(tickets, hours)
print(fill(str(caught[0].message), 88))

# %%
# With skrub
# ----------
# ``TableVectorizer`` finds out by itself which columns are dates, texts and categories. The weekday
# is asked for explicitly, as it is not among the parts of a date by default.

from skrub import DatetimeEncoder, StringEncoder

vectorizer = TableVectorizer(
    datetime=DatetimeEncoder(add_weekday=True),
    high_cardinality=StringEncoder(n_components=12, random_state=0),
)
pipeline = make_pipeline(vectorizer, network)
pipeline

# %%
# The columns that reach the network:

print(fill(", ".join(vectorizer.fit(tickets).get_feature_names_out()), 88))

# %%
# Cross-validation fits the vectorizer on the training rows of each fold, so nothing leaks.

candidates = {
    "product only": (network, tickets[["product"]]),
    "+ subject": (pipeline, tickets[["product", "subject"]]),
    "+ subject and time": (pipeline, tickets),
}
scores = {}
for name, (model, X) in candidates.items():
    scores[name] = cross_validate(model, X, hours, cv=3)["test_score"]
    print(f"{name:18}  R² {scores[name].mean():5.2f} ± {scores[name].std():.2f}")

# %%
# How much each column adds:

fig, ax = plt.subplots(figsize=(7.6, 3))
means = [score.mean() for score in scores.values()]
ax.barh(list(scores), means, color=["#BBBBBB", "#56B4E9", "#0072B2"], height=0.6)
for row, score in enumerate(scores.values()):
    ax.plot(score, np.full(len(score), row), "o", color="k", mfc="w", ms=5)
ax.axvline(0, color="0.4", lw=1)
ax.invert_yaxis()
ax.set(xlim=(None, 1), xlabel="R² on the test rows (circles: folds, bars: means)")
ax.tick_params(axis="y", length=0)
ax.set_title("Subject and time explain the hours, the product does not")

# %%
# New tickets
# -----------
# The pipeline takes new rows as they come. The same problem is solved later at the weekend:

pipeline.fit(tickets, hours)
days = pd.date_range("2025-06-02 09:00", periods=7)
week = pd.DataFrame(
    {
        "opened": days.strftime("%Y-%m-%d %H:%M"),
        "subject": "Hello, page is slow on my phone (no. 4711)",
        "product": "shop",
    }
)
fig, ax = plt.subplots(figsize=(7.6, 3.2))
colours = np.where(days.dayofweek >= 5, "#E69F00", "#0072B2")
ax.bar(days.day_name(), pipeline.predict(week), color=colours, width=0.65)
ax.set(ylabel="predicted hours", title="A slow page, reported at 9 in the morning")
ax.tick_params(axis="x", length=0)

# %%
# See also
# --------
# :doc:`/user_guide/data` lists what the network does with each kind of column, and
# :doc:`/user_guide/model_selection` how pipelines are searched.
