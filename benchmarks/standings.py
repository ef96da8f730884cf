"""What the folds add up to: means, ranks, relative errors, ratios of times, and duels."""

from typing import Any

import numpy as np

REFERENCE = "RandomForest"
# The least error that a ratio of errors takes for one, so that a perfect score has a ratio.
LEAST_ERROR = 1e-4
ALPHA = 0.05
_SECONDS = ("fit_seconds", "predict_seconds")
_CLASSIFICATION = ("score", "log_loss", "ece", *_SECONDS)
# What is measured on each kind of table.
FIGURES = {
    "classification": _CLASSIFICATION,
    "regression": ("score", "rmse", *_SECONDS),
    "images": _CLASSIFICATION,
}
NOT_ADDED = ("rmse", *_SECONDS)  # a mean over tables would say nothing


def summaries(result: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of each kind of table that there is."""
    kinds = [kind for kind in FIGURES if any(t["kind"] == kind for t in result["tables"])]
    return {kind: summary(result, kind) for kind in kinds}


def summary(result: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return means by table, what they add up to by system, and the duels of skdnn."""
    tables = [table for table in result["tables"] if table["kind"] == kind]
    names, systems = [table["table"] for table in tables], list(result["systems"])
    mine = [result["systems"][system]["mine"] for system in systems]
    folds = {f: by_fold(result["records"], tables, systems, f) for f in FIGURES[kind]}
    means = {f: np.array([v.mean(axis=-1) for v in values]) for f, values in folds.items()}
    told: dict[str, dict[str, Any]] = {system: {} for system in systems}
    for figure in set(means) - set(NOT_ADDED):
        put(told, figure, map(plain, means[figure].mean(axis=0)))
    put(told, "rank", mean_ranks(means["score"], mine))
    if "log_loss" in means:
        put(told, "rank by log_loss", mean_ranks(-means["log_loss"], mine))
    if REFERENCE in systems:
        reference = systems.index(REFERENCE)
        put(told, "relative error", relative_errors(means["score"], reference))
        ratios = means["fit_seconds"] / means["fit_seconds"][:, [reference]]
        put(told, "fit ratios", [list(map(plain, column)) for column in ratios.T])
    of_duels = {"duels": folds["score"]}
    if "log_loss" in folds:
        of_duels["duels by log_loss"] = [-values for values in folds["log_loss"]]
    return {
        "means": {f: as_dicts(values, names, systems) for f, values in means.items()},
        "systems": told,
        **{
            name: [] if kind == "images" else duels(values, tables, systems, mine)
            for name, values in of_duels.items()
        },
    }


def as_dicts(values: np.ndarray, names: list[str], systems: list[str]) -> dict[str, Any]:
    """Return the rows of an array (n_tables, n_systems) by name, and their values by system."""
    return {
        name: dict(zip(systems, map(plain, row), strict=True))
        for name, row in zip(names, values, strict=True)
    }


def put(told: dict[str, dict[str, Any]], name: str, values: Any) -> None:
    """Write one value of each system."""
    for system, value in zip(told, values, strict=True):
        told[system][name] = value


def by_fold(
    records: list[dict[str, Any]], tables: list[dict[str, Any]], systems: list[str], figure: str
) -> list[np.ndarray]:
    """Return an array (n_systems, n_folds) for each table, NaN where there is nothing."""
    found = {(r["table"], r["system"], r["fold"]): r.get(figure, np.nan) for r in records}
    return [
        np.array(
            [
                [found.get((t["table"], system, fold), np.nan) for fold in range(t["folds"])]
                for system in systems
            ]
        )
        for t in tables
    ]


def mean_ranks(values: np.ndarray, mine: list[bool]) -> list[float]:
    """Return mean ranks over tables, 1 for the highest; ties share the mean of their ranks.

    Each variant of skdnn is ranked among the baselines, without the other variants. The baselines
    are ranked with the first variant. A system that failed on a table is ranked last there.

    Parameters
    ----------
    values : ndarray of shape (n_tables, n_systems), float64
        NaN for who failed.
    mine : list of bool, of length n_systems
        Which ones are variants of skdnn.

    Returns
    -------
    ranks : list of float, of length n_systems
    """
    from scipy.stats import rankdata

    values = np.where(np.isnan(values), -np.inf, values.round(12))
    baselines = [i for i, is_mine in enumerate(mine) if not is_mine]
    variants = [i for i, is_mine in enumerate(mine) if is_mine]
    ranks = []
    for i, is_mine in enumerate(mine):
        field = [*baselines, *([i] if is_mine else variants[:1])]
        ranks.append(float(rankdata(-values[:, field], axis=1)[:, field.index(i)].mean()))
    return ranks


def relative_errors(scores: np.ndarray, reference: int) -> list[float | None]:
    """Return the geometric mean over tables of 1 - score over the reference's.

    Parameters
    ----------
    scores : ndarray of shape (n_tables, n_systems), float64
    reference : int
        Column of the system that all are held against.

    Returns
    -------
    errors : list of float or None, of length n_systems
        None for a system that failed on a table.
    """
    errors = np.log(np.maximum(1 - scores, LEAST_ERROR))
    return [plain(value) for value in np.exp((errors - errors[:, [reference]]).mean(axis=0))]


def duels(
    scores: list[np.ndarray], tables: list[dict[str, Any]], systems: list[str], mine: list[bool]
) -> list[dict[str, Any]]:
    """Compare each variant of skdnn with each baseline, over the tables of both.

    Returns
    -------
    duels : list of dict
        Tables won, tied and lost; of these, those where the difference over the folds is more
        than noise, by the corrected resampled t-test [1]_, adjusted for the number of tables
        after Holm; and Wilcoxon's signed-rank test of the mean scores [2]_, also adjusted for
        the number of baselines.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine
       Learning 52:239-281.
    .. [2] J. Demsar (2006), "Statistical comparisons of classifiers over multiple data sets",
       Journal of Machine Learning Research 7:1-30, section 3.1.3.
    """
    from skdnn.comparison.significance import corrected_t_test, holm

    found = []
    for i in np.flatnonzero(mine):
        rows = []
        for j in np.flatnonzero(~np.array(mine)):
            pairs = [
                (s[i] - s[j], t["n_test"] / t["n_train"])
                for s, t in zip(scores, tables, strict=True)
            ]
            pairs = [pair for pair in pairs if not np.isnan(pair[0]).any()]
            wins = np.array([difference.mean() for difference, _ in pairs]).round(12)
            told = holm([corrected_t_test(*pair) for pair in pairs]) < ALPHA
            rows.append(
                {
                    "skdnn": systems[i],
                    "rival": systems[j],
                    "won": int(np.sum(wins > 0)),
                    "tied": int(np.sum(wins == 0)),
                    "lost": int(np.sum(wins < 0)),
                    "won beyond noise": int(np.sum(told & (wins > 0))),
                    "lost beyond noise": int(np.sum(told & (wins < 0))),
                    "p": signed_rank_test(wins),
                }
            )
        p_values = holm([np.nan if row["p"] is None else row["p"] for row in rows])
        for row, p in zip(rows, p_values, strict=True):
            row["p adjusted"] = plain(p)
        found += rows
    return found


def signed_rank_test(differences: np.ndarray) -> float | None:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; None without a difference."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if differences.any() else None


def plain(value: float) -> float | None:
    """Return what JSON can say: None where there is no number."""
    return float(value) if np.isfinite(value) else None
