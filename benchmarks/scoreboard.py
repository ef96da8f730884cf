"""Accuracy as Markdown: means by table, standings, times, and duels."""

from statistics import median
from typing import Any

from benchmarks.report import QUICK, show_ratio
from benchmarks.standings import REFERENCE

KINDS = {
    "classification": ("Classification", "accuracy"),
    "regression": ("Regression", "R2"),
    "images": ("Images", "accuracy"),
}
# What the tables add up to: heading -> its name in the summary, and how to show it.
COLUMNS = {
    "mean rank": ("rank", "{:.2f}"),
    "by log-loss": ("rank by log_loss", "{:.2f}"),
    "mean score": ("score", "{:.4f}"),
    "mean log-loss": ("log_loss", "{:.4f}"),
    "mean ECE": ("ece", "{:.4f}"),
    "relative error": ("relative error", "{:.3f}"),
}
# Way of feeding a system that does not take a table raw -> how the page says it.
FED = {
    "ordinal": "as RandomForest is",
    "scaled": "as MLP is",
    "imputed": "with medians in the place of missing numbers",
}
LARGE = 5000  # rows, from which times are also told apart
BUSY = (
    "**The times were taken while the machine did other work, and are not for the record.** "
    "Scores do not depend on it."
)


def markdown(result: dict[str, Any]) -> str:
    """Return the whole result as Markdown, with no heading of its own."""
    lines = [QUICK, ""] if result["quick"] else []
    lines += conditions(result)
    if any(record.get("busy") for record in result["records"]):
        lines += [BUSY, ""]
    for kind, told in result["summaries"].items():
        title, score = KINDS[kind]
        lines += means_table(f"{title}: {score}", result, told, "score", max)
        lines += systems_table(title, result, told)
        if "log_loss" in told["means"] and kind != "images":
            lines += means_table(f"{title}: log-loss", result, told, "log_loss", min)
            lines += means_table(f"{title}: expected calibration error", result, told, "ece", min)
        lines += times_table(title, result, told)
        for name, what in (
            ("duels", "won and lost"),
            ("duels by log_loss", "won and lost by log-loss"),
        ):
            if told.get(name):
                lines += duels_table(f"{title}: tables {what}", told[name])
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


def short(system: str) -> str:
    """Return what fits at the head of a narrow column."""
    return system.replace("HistGradientBoosting", "HistGB")


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
    return [f"**{title}**", "", *grid(["table", *map(short, systems)], rows)]


def systems_table(title: str, result: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """Return what the tables add up to for each system, the first in rank first."""
    systems = told["systems"]
    shows = {
        head: show for head, show in COLUMNS.items() if show[0] in next(iter(systems.values()))
    }
    large = [t["rows"] >= LARGE for t in result["tables"] if t["table"] in told["means"]["score"]]
    rows = []
    for name, values in sorted(systems.items(), key=lambda item: item[1]["rank"]):
        cells = [
            "" if values[key] is None else form.format(values[key]) for key, form in shows.values()
        ]
        ratios = values.get("fit ratios", [None] * len(large))
        for part in (ratios, [r for r, is_large in zip(ratios, large, strict=True) if is_large]):
            part = [ratio for ratio in part if ratio is not None]
            least, middle, most = (show_ratio(f(part)) if part else "" for f in (min, median, max))
            cells.append(f"{middle} ({least}-{most})" if part else "")
        rows.append([name, *cells])
    head = ["system", *shows, "relative fit time", f"{LARGE:,}+ rows"]
    return [
        f"**{title}: over the tables** (relative to {REFERENCE}; of times median and range)",
        "",
        *grid(head, rows),
    ]


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
    return [head, "", *grid(["table", *map(short, systems)], rows)]


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
    return [f"**{title}**", "", *grid(head, rows)]


def remarks(result: dict[str, Any]) -> list[str]:
    """Return who failed and why, and who did not take a table raw; the first reason of each."""
    lines: dict[str, str] = {}
    for record in result["records"]:
        where = f"- {record['system']} on {record['table']}"
        if "failure" in record:
            lines.setdefault(f"{where} failed", record["failure"])
        elif "refused" in record:
            lines.setdefault(
                f"{where} is fed {FED[record['fed']]}; of the raw table it says", record["refused"]
            )
    return [*(f"{what}: {reason}" for what, reason in lines.items()), ""] if lines else []
