"""Ranks of numeric columns by their relation to y."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import f_oneway
from sklearn.feature_selection import SelectFdr, f_regression

from skdnn._data import column_selection
from skdnn._data.column_selection import rank_columns


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def rank(X, y, weight=None, *, classifies=False):
    rows, numbers = np.arange(X.shape[0]), np.arange(X.shape[1])
    return rank_columns(X, y, rows, weight, numbers, classifies=classifies, seed=0)


def dense_p_values(X, y):
    weight = np.ones(len(y))
    target = column_selection._targets(y, weight, None, classifies=False)
    return column_selection._test_dense(X, target, weight).p_values


def test_p_values_of_two_levels_are_those_of_scikit_learn(rng):
    X = rng.integers(2, size=(200, 6))
    y = X[:, 0] + rng.normal(size=200)
    np.testing.assert_allclose(dense_p_values(X, y), np.minimum(1, 2 * f_regression(X, y)[1]))


def test_a_relation_that_is_no_trend_has_the_p_value_of_an_analysis_of_variance(rng):
    X = np.repeat([0, 1, 2, 3], 50)[:, np.newaxis]
    y = np.isin(X[:, 0], [1, 2]) + rng.normal(size=200)
    expected = f_oneway(*(y[X[:, 0] == level] for level in range(4))).pvalue
    np.testing.assert_allclose(dense_p_values(X, y), [2 * expected])


def test_p_values_of_a_sparse_matrix_are_those_of_scikit_learn(rng):
    X = sparse.random(200, 30, density=0.2, format="csr", random_state=0)
    y = X[:, [3]].toarray().ravel() + rng.normal(size=200)
    weight = np.ones(200)
    target = column_selection._targets(y, weight, None, classifies=False)
    got = column_selection._test_sparse(X, target, weight).p_values
    np.testing.assert_allclose(got, f_regression(X, y)[1])


def test_as_many_columns_are_significant_as_scikit_learn_selects(rng):
    X = rng.normal(size=(100, 50))
    y = X[:, :12] @ np.linspace(0.1, 1, 12) + rng.normal(size=100)
    selector = SelectFdr(f_regression, alpha=0.05).fit(X, y)
    n = column_selection._n_significant(np.sort(selector.pvalues_))
    assert n == selector.get_support().sum() > 0


def test_a_column_that_matters_only_together_with_another_is_found(rng):
    X = rng.normal(size=(2000, 300))
    side = np.sign(X[:, 17])
    y = side + side * X[:, 210] + 0.5 * rng.normal(size=2000)
    assert dense_p_values(X, y)[210] > 0.01
    assert set(rank(X, y).order[:3]) >= {17, 210}


@pytest.mark.parametrize("classifies", [True, False])
def test_linear_and_other_relations_come_first(rng, classifies):
    X = rng.normal(size=(1000, 300))
    y = X[:, 5] + np.abs(X[:, 7]) * 2 + 0.5 * rng.normal(size=1000)
    y = np.digitize(y, [0, 2]) if classifies else y
    found = rank(X, y, classifies=classifies)
    assert set(found.order[:2]) == {5, 7}
    assert 2 <= found.n_related < 100


def test_all_columns_are_kept_where_many_are_related(rng):
    X = rng.normal(size=(1000, 300))
    assert rank(X, X[:, :150].sum(axis=1)).n_related == 300


def test_missing_numbers_may_be_what_is_related(rng):
    X = rng.normal(size=(1000, 300))
    y = rng.normal(size=1000)
    X[y > 1, 40] = np.nan
    assert rank(X, y).order[0] == 40


def test_constant_and_empty_columns_come_last(rng):
    X = rng.normal(size=(100, 20))
    X[:, 2], X[:, 9] = 7, np.nan
    assert set(rank(X, X[:, 4]).order[-2:]) == {2, 9}


def test_a_row_of_weight_2_counts_as_two_rows(rng):
    X = rng.normal(size=(300, 40))
    y = X[:, 3] + rng.normal(size=300)
    weight = rng.integers(1, 3, size=300)
    target = column_selection._targets(y, weight, None, classifies=False)
    got = column_selection._test_dense(np.sign(X), target, weight).explained
    twice = np.repeat(np.arange(300), weight)
    np.testing.assert_allclose(got, np.corrcoef(np.sign(X[twice]).T, y[twice])[-1, :-1] ** 2)


def test_weights_do_not_make_unrelated_columns_significant(rng):
    X, y, weight = rng.normal(size=(300, 1000)), rng.normal(size=300), rng.random(300)
    assert rank(X, y, weight).n_related < 100


@pytest.mark.parametrize("x", [1.0, np.nan])
def test_some_columns_are_kept_where_none_is_related(rng, x):
    assert rank(np.full((60, 300), x), rng.normal(size=60)).n_related == 32
    assert rank(rng.normal(size=(60, 300)), np.zeros(60)).n_related == 300


@pytest.mark.parametrize("shape", [(200, 3), (200, 12)])
def test_several_targets_and_labels(rng, shape):
    X = rng.normal(size=(200, 50))
    y = X[:, [8]] + 0.1 * rng.normal(size=shape)
    assert rank(X, y).order[0] == 8
    assert rank(X, (y > 0).astype(int), classifies=True).order[0] == 8


def test_many_classes(rng):
    X = rng.normal(size=(600, 50))
    assert rank(X, np.floor(10 * X[:, 8]).astype(str), classifies=True).order[0] == 8
