"""What the folds add up to: means, ranks, relative errors, times and duels; and as Markdown."""

from statistics import median
from typing import Any

import numpy as np

from benchmarks.report import QUICK, show_ratio

REFERENCE = "RandomForest"
# The least error that a ratio of errors takes for one, so that a perfect score has a ratio.
LEAST_ERROR = 1e-4
ALPHA = 0.05
KINDS = {
    "classification": ("Classification", "accuracy"),
    "regression": ("Regression", "R2"),
    "images": ("Images", "accuracy"),
}
BUSY = (
    "**Times marked as taken while the machine did other work: not for the record.** Scores do "
    "not depend on it."
)


def summaries(result: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of each kind of table that there is."""
    kinds = [kind for kind in KINDS if any(t["kind"] == kind for t in result["tables"])]
    return {kind: summary(result, kind) for kind in kinds}


def summary(result: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return means by table, what they add up to by system, and the duels of skdnn."""
    tables = [table for table in result["tables"] if table["kind"] == kind]
    names, systems = [table["table"] for table in tables], list(result["systems"])
    mine = [result["systems"][system]["mine"] for system in systems]
    records = [record for record in result["records"] if record["table"] in names]
    figures = sorted({f for r in records for f in r if isinstance(r[f], float)} - {"load"})
    folds = {f: by_fold(records, tables, systems, f) for f in figures}
    means = {f: np.array([v.mean(axis=-1) for v in folds[f]]) for f in figures}
    told = {system: {} for system in systems}
    for i, system in enumerate(systems):
        for figure, values in means.items():
            told[system][figure] = _mean(values[:, i])
    put(told, "rank", mean_ranks(means["score"], mine))
    if "log_loss" in means:
        put(told, "rank by log_loss", mean_ranks(-means["log_loss"], mine))
    if REFERENCE in systems:
        put(told, "relative error", relative_errors(means["score"], systems.index(REFERENCE)))
        seconds = means["fit_seconds"]
        ratios = seconds / seconds[:, [systems.index(REFERENCE)]]
        put(told, "fit ratios", [[_plain(value) for value in column] for column in ratios.T])
    return {
        "tables": names,
        "means": {
            figure: {name: dict(zip(systems, map(_plain, row), strict=True)) for name, row in pairs}
            for figure, values in means.items()
            for pairs in [list(zip(names, values, strict=True))]
        },
        "systems": told,
        "duels": [] if kind == "images" else duels(folds["score"], tables, systems, mine),
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

    Variants of skdnn are no rivals of each other: each is ranked among the rivals alone, and the
    rivals beside the first variant. Whoever failed on a table comes last there.

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
    rivals = [i for i, is_mine in enumerate(mine) if not is_mine]
    variants = [i for i, is_mine in enumerate(mine) if is_mine]
    ranks = []
    for i, is_mine in enumerate(mine):
        field = [*rivals, *([i] if is_mine else variants[:1])]
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
    return [_plain(value) for value in np.exp((errors - errors[:, [reference]]).mean(axis=0))]


def duels(
    scores: list[np.ndarray], tables: list[dict[str, Any]], systems: list[str], mine: list[bool]
) -> list[dict[str, Any]]:
    """Hold each variant of skdnn against each rival, over the tables that both did.

    Returns
    -------
    duels : list of dict
        Tables won, tied and lost; of these, those where the difference over the folds is more
        than noise, by the corrected resampled t-test [1]_, adjusted for the number of tables
        after Holm; and Wilcoxon's signed-rank test of the mean scores [2]_, also adjusted for
        the number of rivals.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine
       Learning 52:239-281.
    .. [2] J. Demsar (2006), "Statistical comparisons of classifiers over multiple data sets",
       Journal of Machine Learning Research 7:1-30, section 3.1.3.
    """
    from skdnn._statistics import corrected_t_test, holm

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
            row["p adjusted"] = _plain(p)
        found += rows
    return found


def signed_rank_test(differences: np.ndarray) -> float | None:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; None without a difference."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if differences.any() else None


def _mean(values: np.ndarray) -> float | None:
    return _plain(values.mean())


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


# ------------------------------------------------------------------ Markdown


def markdown(result: dict[str, Any]) -> str:
    """Return the whole result as Markdown, with no heading of its own."""
    lines = [QUICK, ""] if result["quick"] else []
    lines += conditions(result)
    if any(record.get("busy") for record in result["records"]):
        lines += [BUSY, ""]
    for kind, told in result["summaries"].items():
        title, score = KINDS[kind]
        lines += means_table(f"{title}: {score}", result, told, "score", max)
        lines += systems_table(title, told)
        if "log_loss" in told["means"] and kind != "images":
            lines += means_table(f"{title}: log-loss", result, told, "log_loss", min)
            lines += means_table(f"{title}: expected calibration error", result, told, "ece", min)
        lines += times_table(title, result, told)
        if told["duels"]:
            lines += duels_table(title, told["duels"])
    return "\n".join([*lines, *remarks(result)])


def conditions(result: dict[str, Any]) -> list[str]:
    """Return the lines that say on what and how it was measured."""
    machine = result["machine"]
    variants = "; ".join(
        f"{name}: {', '.join(f'{k}={v!r}' for k, v in s['params'].items()) or 'defaults'}"
        for name, s in result["systems"].items()
        if s["mine"]
    )
    return [
        f"{machine['cores']} cores ({machine['processor']}, {machine['system']}); seed "
        f"{result['seed']}. {'; '.join(machine['packages'])}. {variants or 'no skdnn'}.",
        "",
    ]


def grid(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table whose columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def means_table(
    title: str, result: dict[str, Any], told: dict[str, Any], figure: str, best: Any
) -> list[str]:
    """Return the mean over folds of each system on each table, the best one in bold."""
    systems, sizes = list(told["systems"]), {t["table"]: t for t in result["tables"]}
    rows = []
    for name, means in told["means"][figure].items():
        shown = {s: "failed" if means[s] is None else f"{means[s]:.4f}" for s in systems}
        done = [system for system in systems if means[system] is not None]
        top = shown[best(done, key=means.__getitem__)] if done else None
        size = sizes[name]
        on = f", {size['on']}" if "on" in size else ""
        cells = [f"**{text}**" if text == top else text for text in shown.values()]
        rows.append([f"{name} ({size['rows']:,} x {size['columns']}{on})", *cells])
    return [f"**{title}**", "", *grid(["table", *systems], rows)]


def systems_table(title: str, told: dict[str, Any]) -> list[str]:
    """Return what the tables add up to for each system."""
    shows = {
        "mean rank": ("rank", "{:.2f}"),
        "by log-loss": ("rank by log_loss", "{:.2f}"),
        "mean score": ("score", "{:.4f}"),
        "mean log-loss": ("log_loss", "{:.4f}"),
        "mean ECE": ("ece", "{:.4f}"),
        f"error / {REFERENCE}'s": ("relative error", "{:.3f}"),
    }
    systems = told["systems"]
    shows = {head: show for head, show in shows.items() if show[0] in next(iter(systems.values()))}
    rows = []
    for name, values in sorted(systems.items(), key=lambda item: item[1]["rank"]):
        cells = [values[key] for key, _ in shows.values()]
        texts = [
            "" if cell is None else form.format(cell)
            for cell, (_, form) in zip(cells, shows.values(), strict=True)
        ]
        ratios = [ratio for ratio in values.get("fit ratios", []) if ratio is not None]
        span = f"{show_ratio(median(ratios))} ({show_ratio(min(ratios))} - " if ratios else ""
        rows.append([name, *texts, f"{span}{show_ratio(max(ratios))})" if ratios else ""])
    head = ["system", *shows, f"fit time / {REFERENCE}'s: median (min - max)"]
    return [f"**{title}: over the tables**", "", *grid(head, rows)]


def times_table(title: str, result: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """Return seconds of a fit, and for all but the reference their ratio to its."""
    systems = told["systems"]
    rows = []
    for i, (name, means) in enumerate(told["means"]["fit_seconds"].items()):
        cells = []
        for system, seconds in means.items():
            ratio = systems[system].get("fit ratios", [None] * (i + 1))[i]
            shown = "" if ratio is None or system == REFERENCE else f" ({show_ratio(ratio)})"
            cells.append("failed" if seconds is None else f"{seconds:.3g}{shown}")
        rows.append([name, *cells])
    head = f"**{title}: seconds of a fit, mean over folds (as a multiple of {REFERENCE}'s)**"
    return [head, "", *grid(["table", *systems], rows)]


def duels_table(title: str, duels: list[dict[str, Any]]) -> list[str]:
    """Return the duels of skdnn."""
    rows = [
        [
            f"{d['skdnn']} against {d['rival']}",
            f"{d['won']} - {d['tied']} - {d['lost']}",
            f"{d['won beyond noise']} - {d['lost beyond noise']}",
            *("" if d[p] is None else f"{d[p]:.3f}" for p in ("p", "p adjusted")),
        ]
        for d in duels
    ]
    head = ["", "won - tied - lost", "beyond noise", "p (Wilcoxon)", "p adjusted (Holm)"]
    return [f"**{title}: tables won and lost**", "", *grid(head, rows)]


def remarks(result: dict[str, Any]) -> list[str]:
    """Return who failed and why, and what skdnn was not given raw."""
    lines = {}
    for record in result["records"]:
        where = f"{record['system']} on {record['table']}"
        if "failure" in record:
            lines.setdefault(f"- {where} failed: {record['failure']}")
        elif "refused" in record:
            lines.setdefault(f"- {where}: fed as MLP is, because of raw: {record['refused']}")
    return [*lines, ""] if lines else []
