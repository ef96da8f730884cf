"""Wide tables: many columns, few of which are related to the target, made by a seeded generator.

`python -m benchmarks accuracy --only-tables wide` measures on all of them. Each has one split: as
many rows to train on as its entry says, and 4,000 more to test on.
"""

import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

CLASSIFICATION, REGRESSION = "classification", "regression"
N_TEST = 4000
Data = tuple[np.ndarray, np.ndarray]


class Wide(NamedTuple):
    """How a wide table is made.

    `make` takes a generator, the number of rows and the number of columns, and returns X and y. The
    first `n_related` columns are related to y.
    """

    task: str
    n_rows: int
    n_columns: int
    n_related: int
    make: Callable[[np.random.Generator, int, int], Data]


def clusters(
    n_classes: int, n_informative: int, n_redundant: int = 0, n_clusters: int = 1, **params: float
) -> Callable[[np.random.Generator, int, int], Data]:
    """Return scikit-learn's `make_classification`, with 5 % of the labels drawn at random."""

    def make(rng: np.random.Generator, n_rows: int, n_columns: int) -> Data:
        from sklearn.datasets import make_classification

        X, y = make_classification(
            n_rows,
            n_columns,
            n_informative=n_informative,
            n_redundant=n_redundant,
            n_classes=n_classes,
            n_clusters_per_class=n_clusters,
            **{"flip_y": 0.05} | params,
            shuffle=False,
            random_state=int(rng.integers(2**31)),
        )
        return X, y.astype(np.int64)

    return make


def linear(n_informative: int, noise: float = 0.5) -> Callable[..., Data]:
    """Return a linear function of some columns, plus noise of this standard deviation."""

    def make(rng: np.random.Generator, n_rows: int, n_columns: int) -> Data:
        X = rng.normal(size=(n_rows, n_columns))
        weights = rng.normal(size=n_informative)
        signal = X[:, :n_informative] @ weights
        return X, signal / np.linalg.norm(weights) + noise * rng.normal(size=n_rows)

    return make


def friedman(rng: np.random.Generator, n_rows: int, n_columns: int) -> Data:
    """Return Friedman's first problem (1991): 5 uniform columns matter, with one product."""
    X = rng.uniform(size=(n_rows, n_columns))
    a, b, c, d, e = X[:, :5].T
    y = 10 * np.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e
    return X, y + rng.normal(size=n_rows)


def bumps(n_informative: int) -> Callable[..., Data]:
    """Return a sum of functions that are not monotone, and of products of two columns."""

    def make(rng: np.random.Generator, n_rows: int, n_columns: int) -> Data:
        X = rng.normal(size=(n_rows, n_columns))
        own = X[:, :n_informative]
        y = np.abs(own[:, ::2]).sum(axis=1) + (own[:, :-1:2] * own[:, 1::2]).sum(axis=1)
        return X, y / y.std() + 0.3 * rng.normal(size=n_rows)

    return make


def logistic(n_informative: int) -> Callable[..., Data]:
    """Return two classes, whose log-odds are linear in some columns."""

    def make(rng: np.random.Generator, n_rows: int, n_columns: int) -> Data:
        X, y = linear(n_informative, noise=0)(rng, n_rows, n_columns)
        return X, (rng.random(n_rows) < 1 / (1 + np.exp(-4 * y))).astype(np.int64)

    return make


def spectra(rng: np.random.Generator, n_rows: int, n_columns: int) -> Data:
    """Return smooth curves, mixtures of 12 broad peaks; the target is the amount of one."""
    grid, centres = np.arange(n_columns) / n_columns, rng.uniform(size=12)
    widths = rng.uniform(0.03, 0.15, size=12)
    peaks = np.exp(-0.5 * ((grid - centres[:, np.newaxis]) / widths[:, np.newaxis]) ** 2)
    amounts = rng.gamma(2, size=(n_rows, 12))
    X = amounts @ peaks + 0.02 * rng.normal(size=(n_rows, n_columns))
    return X, amounts[:, 0] + 0.1 * rng.normal(size=n_rows)


def counts(rng: np.random.Generator, n_rows: int, n_columns: int) -> Data:
    """Return counts of words in texts of four subjects, each of which changes a tenth of them."""
    frequency = 1 / np.arange(10, n_columns + 10)
    frequency = frequency[rng.permutation(n_columns)]
    y = rng.integers(4, size=n_rows)
    factors = np.ones((4, n_columns))
    for factor in factors:
        factor[rng.permutation(n_columns)[: n_columns // 10]] = 2.0
    rates = factors * frequency
    rates *= 40 / rates.sum(axis=1, keepdims=True)
    return rng.poisson(rates[y]).astype(np.float64), y.astype(np.int64)


MADELON = clusters(2, 5, n_redundant=15, n_clusters=16, flip_y=0.01, class_sep=2.0)
WIDE: dict[str, Wide] = {
    "wide-clusters-500": Wide(CLASSIFICATION, 2000, 500, 10, clusters(2, 10, n_clusters=2)),
    "wide-clusters-1000": Wide(CLASSIFICATION, 5000, 1000, 10, clusters(4, 10, n_clusters=2)),
    "wide-clusters-5000": Wide(CLASSIFICATION, 5000, 5000, 10, clusters(4, 10, n_clusters=2)),
    "wide-clusters-50": Wide(CLASSIFICATION, 10_000, 1000, 50, clusters(5, 50, n_clusters=2)),
    "wide-logistic-500": Wide(CLASSIFICATION, 1000, 500, 20, logistic(20)),
    "wide-logistic-2000": Wide(CLASSIFICATION, 500, 2000, 10, logistic(10)),
    "wide-madelon-500": Wide(CLASSIFICATION, 2000, 500, 20, MADELON),
    "wide-madelon-2000": Wide(CLASSIFICATION, 5000, 2000, 20, MADELON),
    "wide-counts-2000": Wide(CLASSIFICATION, 2000, 2000, 2000, counts),
    "wide-friedman-500": Wide(REGRESSION, 1000, 500, 5, friedman),
    "wide-friedman-5000": Wide(REGRESSION, 5000, 5000, 5, friedman),
    "wide-linear-1000": Wide(REGRESSION, 2000, 1000, 50, linear(50)),
    "wide-linear-dense": Wide(REGRESSION, 2000, 500, 500, linear(500)),
    "wide-linear-few": Wide(REGRESSION, 500, 2000, 5, linear(5)),
    "wide-bumps-1000": Wide(REGRESSION, 5000, 1000, 10, bumps(10)),
    "wide-spectra-500": Wide(REGRESSION, 500, 500, 500, spectra),
}


class WideTable(NamedTuple):
    """A wide table: the first `n_train` rows are for training, all others for a test.

    `related` (n_related,) holds the positions of the columns that are related to y.
    """

    task: str
    X: np.ndarray
    y: np.ndarray
    n_train: int
    related: np.ndarray


def make(name: str, seed: int) -> WideTable:
    """Make a wide table, in a random order of rows and columns."""
    wide = WIDE[name]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    X, y = wide.make(rng, wide.n_rows + N_TEST, wide.n_columns)
    rows, columns = rng.permutation(len(y)), rng.permutation(wide.n_columns)
    related = np.flatnonzero(columns < wide.n_related)
    return WideTable(wide.task, X[rows][:, columns], y[rows], wide.n_rows, related)
