"""Where the default wins and loses: a page made of the results that `accuracy` stored."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import show_ratio
from benchmarks.scoreboard import BUSY, grid, short
from benchmarks.standings import REFERENCE, by_fold

DEFAULT = "skdnn"
TREES = ("RandomForest", "ExtraTrees", "HistGradientBoosting", "LightGBM", "XGBoost")
MARGIN = 0.005  # of a score or a log-loss; below, two systems count as even
SLOW = 5  # times a forest's fit
# Stored result -> what its tables are, and the command that measures them.
COMMAND = "python -m benchmarks accuracy"
RESULTS = {
    "accuracy": ("the tables of the presets", COMMAND),
    "held-out": ("held-out tables", f"{COMMAND} --data tables/held-out --folder-only"),
    "accuracy-split": ("split by time or by group", f"{COMMAND} --only-tables split"),
    "accuracy-large": ("20,000 to 250,000 rows", f"{COMMAND} --only-tables large"),
    "accuracy-wide": ("500 to 5,000 columns", f"{COMMAND} --only-tables wide"),
}
Size = dict[str, Any]
KINDS: dict[str, Callable[[Size], bool]] = {
    "up to 1,000 training rows": lambda t: t["n_train"] <= 1000,
    "1,001 to 5,000 training rows": lambda t: 1000 < t["n_train"] <= 5000,
    "5,001 to 19,999 training rows": lambda t: 5000 < t["n_train"] < 20_000,
    "20,000 training rows and more": lambda t: t["n_train"] >= 20_000,
    "more than 256 columns": lambda t: t["columns"] > 256,
    "two classes": lambda t: t.get("classes") == 2,
    "three classes and more": lambda t: (t.get("classes") or 0) > 2,
    "numeric target": lambda t: t["kind"] == "regression",
    "categories or missing values": lambda t: not t["plain"],
    "a category of more than 50 values": lambda t: t.get("most values", 0) > 50,
    "5 % of the rows and more repeat another": lambda t: t.get("repeated", 0) >= 0.05,
    "trained on the past, tested on the future": lambda t: t.get("split") == "time",
    "groups apart": lambda t: t.get("split") == "group",
    "generated": lambda t: t.get("generated", False),
    "real": lambda t: not t.get("generated", False),
}


class Outcome(NamedTuple):
    """What was found on one table.

    `scores` and `log_losses` are means over folds by system, without skdnn's other variants; None
    is for a system that failed. `differences` (n_folds,) are the default's scores less those of the
    best other system, `ratio` is the default's fit time over the forest's.
    """

    size: Size
    scores: dict[str, float | None]
    log_losses: dict[str, float | None]
    differences: np.ndarray
    ratio: float | None

    def best(self) -> str:
        """Return the system with the best score among all others."""
        others = {s: v for s, v in self.scores.items() if v is not None and s != DEFAULT}
        return max(others, key=others.__getitem__)

    def gap(self, other: str) -> float:
        """Return the default's score less another system's; who failed loses."""
        mine, its = self.scores[DEFAULT], self.scores[other]
        if mine is None or its is None:
            return 0.0 if mine is its else -np.inf if mine is None else np.inf
        return mine - its

    @property
    def rank(self) -> float:
        """The default's place among all systems: 1 is the best, ties share their mean."""
        gaps = np.array([self.gap(other) for other in self.scores if other != DEFAULT]).round(12)
        return float(1 + np.sum(gaps < 0) + np.sum(gaps == 0) / 2)


def page(folder: Path) -> str:
    """Return the page as Markdown, without a heading of its own."""
    results = {name: read(folder / f"{name}.json") for name in RESULTS}
    found = [o for result in results.values() if result for o in outcomes(result)]
    if not found:
        raise SystemExit(f"There is no result in {folder}: run `{COMMAND}` first.")
    busy = any(r.get("busy") for result in results.values() if result for r in result["records"])
    return "\n".join(
        [
            *introduction(results, found),
            *([BUSY, ""] if busy else []),
            *score_tables(found),
            *log_loss_table(found),
            *times_table(found),
            *kinds_table(found),
        ]
    )


def read(path: Path) -> dict[str, Any] | None:
    """Return a stored result, if there is one."""
    if not path.is_file():
        return None
    result = json.loads(path.read_text(encoding="utf-8"))
    missing = {DEFAULT, REFERENCE} - set(result["systems"])
    if missing:
        raise SystemExit(f"{path} has no result of {' and '.join(sorted(missing))}.")
    return result


def outcomes(result: dict[str, Any]) -> list[Outcome]:
    """Return what was found on each table but the images."""
    others = [name for name, system in result["systems"].items() if not system["mine"]]
    systems = [DEFAULT, *others]
    found = []
    for size in result["tables"]:
        if size["kind"] not in ("classification", "regression"):
            continue
        folds = {
            figure: by_fold(result["records"], [size], systems, figure)[0]
            for figure in ("score", "log_loss", "fit_seconds")
        }
        means = {figure: by_system(systems, values) for figure, values in folds.items()}
        rows = dict(zip(systems, folds["score"], strict=True))
        seconds = [means["fit_seconds"].get(name) for name in (DEFAULT, REFERENCE)]
        ratio = seconds[0] / seconds[1] if all(seconds) else None
        one = Outcome(size, means["score"], means["log_loss"], np.array([]), ratio)
        if all(one.scores[system] is None for system in others):
            continue
        found.append(one._replace(differences=rows[DEFAULT] - rows[one.best()]))
    return found


def by_system(systems: list[str], values: np.ndarray) -> dict[str, float | None]:
    """Return the mean of each system's folds, None where one is missing."""
    means = values.mean(axis=-1)
    return {s: float(m) if np.isfinite(m) else None for s, m in zip(systems, means, strict=True)}


def introduction(results: dict[str, dict[str, Any] | None], found: list[Outcome]) -> list[str]:
    """Return what is compared, with how many tables, and which have no stored figures."""
    gaps = [outcome.gap(outcome.best()) for outcome in found]
    lost, won = (sum(sign * gap >= MARGIN for gap in gaps) for sign in (-1, 1))
    lines = [
        f"Of {len(found)} tables, the default of skdnn is worse than the best of all other systems "
        f"on {lost} and better on {won}, by {MARGIN} or more in accuracy or R2. On the other "
        f"{len(found) - lost - won} they are even. The best other system is chosen for each table "
        "after the test, so this comparison is harder than one with any single system. p is of the "
        "corrected resampled t-test over the folds, not adjusted for the number of tables; a table "
        "with one split has none.",
        "",
    ]
    rows = []
    for name, (title, command) in RESULTS.items():
        result = results[name]
        shown = (
            [str(len(outcomes(result))), version(result)] if result else ["no figures stored", ""]
        )
        rows.append([f"{title}: `{command}`", *shown])
    return [*lines, *grid(["measured by", "tables", "version"], rows)]


def version(result: dict[str, Any]) -> str:
    """Return the version of skdnn that was measured, with the digest of its source code."""
    return result["systems"][DEFAULT]["version"].partition(",")[0].removeprefix("skdnn ")


def title_of(size: Size) -> str:
    """Return the name of a table with its size and what is special about it."""
    split = {"time": "time", "group": "groups"}.get(size.get("split", ""), "")
    remarks = [split, "generated" if size.get("generated") else ""]
    told = "".join(f", {remark}" for remark in remarks if remark)
    score = ", R2" if size["kind"] == "regression" else ""
    return f"{size['table']} ({size['rows']:,} x {size['columns']:,}{told}){score}"


def p_value(outcome: Outcome) -> str:
    """Return the p-value of the difference over the folds; nothing where there is one split."""
    from skdnn.comparison.significance import corrected_t_test

    differences, size = outcome.differences, outcome.size
    if len(differences) < 2 or not np.isfinite(differences).all():
        return ""
    p = corrected_t_test(differences, size["n_test"] / size["n_train"])
    return f"{p:.3f}" if np.isfinite(p) else ""


def score_tables(found: list[Outcome]) -> list[str]:
    """Return the tables lost, the worst first, and those won."""
    rows = []
    for outcome in found:
        best = outcome.best()
        gap, mine = outcome.gap(best), outcome.scores[DEFAULT]
        other = f"{outcome.scores[best]:.4f}, {short(best)}"
        shown = ["failed", other, ""] if mine is None else [f"{mine:.4f}", other, f"{gap:+.4f}"]
        rows.append((gap, [title_of(outcome.size), *shown, p_value(outcome)]))
    rows.sort(key=lambda row: row[0])
    head = ["table", "default", "best other", "difference", "p"]
    parts = {
        "Lost: the default is worse than the best other system": [
            cells for gap, cells in rows if gap <= -MARGIN
        ],
        "Won: the default is better than all other systems": [
            cells for gap, cells in reversed(rows) if gap >= MARGIN
        ],
    }
    return [
        line
        for title, part in parts.items()
        for line in (f"**{title}, by {MARGIN} or more**", "", *(grid(head, part) if part else NONE))
    ]


NONE = ["None.", ""]


def log_loss_table(found: list[Outcome]) -> list[str]:
    """Return the tables on which another system has better probabilities."""
    rows = []
    for outcome in found:
        losses = {s: v for s, v in outcome.log_losses.items() if v is not None}
        if DEFAULT in losses and len(losses) > 1:
            mine = losses.pop(DEFAULT)
            best = min(losses, key=losses.__getitem__)
            gap = mine - losses[best]
            other = f"{losses[best]:.4f}, {short(best)}"
            cells = [title_of(outcome.size), f"{mine:.4f}", other, f"{gap:+.4f}"]
            rows.append((gap, cells))
    lost = [cells for gap, cells in sorted(rows, reverse=True) if gap >= MARGIN]
    head = ["table", "default", "best other", "difference"]
    return [
        f"**Log-loss: worse than the best other system, by {MARGIN} or more, on {len(lost)} of "
        f"{len(rows)} tables**",
        "",
        *(grid(head, lost) if lost else NONE),
    ]


def times_table(found: list[Outcome]) -> list[str]:
    """Return the tables on which a fit takes long beside a forest's."""
    timed = sorted(
        ((o.ratio, title_of(o.size)) for o in found if o.ratio is not None), reverse=True
    )
    slow = [[title, show_ratio(ratio)] for ratio, title in timed if ratio > SLOW]
    return [
        f"**Fit time: more than {SLOW} times {REFERENCE}'s, on {len(slow)} of {len(timed)} "
        "tables**",
        "",
        *(grid(["table", f"as a multiple of {REFERENCE}'s"], slow) if slow else NONE),
    ]


def kinds_table(found: list[Outcome]) -> list[str]:
    """Return what the tables of each kind add up to: those that trees win first."""
    rows = []
    for title, belongs in KINDS.items():
        part = [outcome for outcome in found if belongs(outcome.size)]
        if part:
            trees = [min(o.gap(s) for s in TREES if s in o.scores) for o in part]
            ratios = [outcome.ratio for outcome in part if outcome.ratio is not None]
            cells = [
                title,
                str(len(part)),
                f"{mean(outcome.rank for outcome in part):.2f}",
                counts(part, trees),
                counts(part, [outcome.gap(REFERENCE) for outcome in part]),
                show_ratio(median(ratios)) if ratios else "",
            ]
            rows.append((mean(np.sign(trees)), cells))
    rows.sort(key=lambda row: row[0])
    n_systems = sorted({len(outcome.scores) for outcome in found})
    head = ["kind of table", "tables", "mean rank", "best tree ensemble", REFERENCE, "fit time"]
    return [
        "**By kind of table: where tree ensembles are better comes first**",
        "",
        "<!-- kinds -->",
        "",
        "The mean rank is the default's among "
        f"{' to '.join(map(str, n_systems[:: max(len(n_systems) - 1, 1)]))} systems. Then come the "
        f"tables won, even and lost against the best of {len(TREES)} tree ensembles, which is "
        f"chosen after the test, and against {REFERENCE}. The fit time is the median multiple of "
        f"{REFERENCE}'s. Less than {MARGIN} in accuracy or R2 is even. A table is of several "
        "kinds.",
        "",
        *grid(head, [cells for _, cells in rows]),
        "<!-- end of kinds -->",
        "",
    ]


def counts(part: list[Outcome], gaps: list[float]) -> str:
    """Return the numbers of tables won, even and lost."""
    won, lost = (sum(sign * gap >= MARGIN for gap in gaps) for sign in (1, -1))
    return f"{won} - {len(part) - won - lost} - {lost}"
