"""On the pages of the DNN estimators, the parameters stand in groups."""

import re
from typing import Any

GROUPS = {
    "Network": [
        "hidden_layer_sizes",
        "activation",
        "preset",
        "dropout",
        "batch_norm",
        "kernel_initializer",
        "alpha",
        "parametrization",
        "dtype",
    ],
    "Data": [
        "scaling",
        "categorical_features",
        "n_features_to_select",
        "one_hot_max_size",
        "numeric_embedding",
        "class_weight",
        "clip",
    ],
    "Training": [
        "loss",
        "quantile",
        "optimizer",
        "learning_rate",
        "learning_rate_schedule",
        "warmup",
        "momentum",
        "weight_decay",
        "clipnorm",
        "ema_momentum",
        "label_smoothing",
        "epochs",
        "time_limit",
        "batch_size",
        "shuffle",
        "warm_start",
    ],
    "Validation": [
        "early_stopping",
        "validation",
        "validation_fraction",
        "n_iter_no_change",
        "tol",
        "monitor",
        "calibration",
    ],
    "Ensemble": ["n_members", "blend"],
    "Other": ["callbacks", "n_jobs", "random_state", "verbose"],
}
ESTIMATORS = {"DNNClassifier", "DNNRegressor"}


def grouped(lines: list[str]) -> list[str]:
    """Return the text of a class, which numpydoc has written, with one field for each group."""
    begin = lines.index(":Parameters:")
    end = begin + 1
    while end < len(lines) and (not lines[end] or lines[end].startswith(" ")):
        end += 1
    entries = split(lines[begin + 1 : end])
    fields: list[str] = []
    for group, names in GROUPS.items():
        fields += [f":{group}:", ""]
        for name in names:
            fields += entries.pop(name, [])
    if entries:
        raise ValueError(f"These parameters are in no group: {', '.join(entries)}.")
    return lines[:begin] + fields + lines[end:]


def split(lines: list[str]) -> dict[str, list[str]]:
    """Return the lines of each parameter, by its name."""
    entries: dict[str, list[str]] = {}
    name = None
    for line in lines:
        if start := re.match(r" {4}\*\*(\w+)\*\*", line):
            name = start[1]
            entries[name] = []
        if name:
            entries[name].append(line)
    return entries


def group(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Group the parameters of the DNN estimators."""
    if what == "class" and obj.__name__ in ESTIMATORS and ":Parameters:" in lines:
        lines[:] = grouped(lines)


def setup(app: Any) -> dict[str, bool]:
    """Connect the function to autodoc, after numpydoc."""
    app.connect("autodoc-process-docstring", group, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
