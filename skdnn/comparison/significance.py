"""Statistical tests of score differences between models on the same folds."""

import numpy as np
import numpy.typing as npt
from scipy import stats


def corrected_t_test(differences: npt.ArrayLike, ratio: float) -> float:
    """Return the p-value of a test whether the scores of two models on the same folds differ.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
        Score of the first model minus score of the second model, for at least two folds.
    ratio : float
        Number of test rows divided by number of training rows.

    Returns
    -------
    p : float
        Two-sided p-value of the corrected resampled t-test. The p-value is 1 if all differences
        are zero. The p-value is NaN if all differences are equal and not zero, because the
        variance of the differences is then zero.

    References
    ----------
    C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine Learning
    52:239-281, section 4.2: the corrected resampled t-test statistic.

    Examples
    --------
    >>> from skdnn.comparison.significance import corrected_t_test
    >>> round(corrected_t_test([0.02, 0.01, 0.03, 0.02, 0.02], ratio=0.25), 4)
    0.0135
    """
    differences = np.asarray(differences, dtype=np.float64)
    k = len(differences)
    if not differences.any():
        return 1.0
    if np.ptp(differences) <= 1e-9 * np.abs(differences).max():
        return np.nan
    t = differences.mean() / np.sqrt((1 / k + ratio) * differences.var(ddof=1))
    return float(2 * stats.t.sf(abs(t), df=k - 1))


def holm(p_values: npt.ArrayLike) -> np.ndarray:
    """Return p-values adjusted for the number of tests by Holm's step-down procedure.

    Parameters
    ----------
    p_values : array-like of shape (n_tests,)
        The p-values. NaN is ignored.

    Returns
    -------
    adjusted : ndarray of shape (n_tests,), float64
        The adjusted p-values, in the order of `p_values`. NaN is preserved.

    References
    ----------
    S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6:65-70.

    Examples
    --------
    >>> from skdnn.comparison.significance import holm
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.array(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested])]
    stepped = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    p[order] = np.minimum(stepped, 1.0)
    return p
