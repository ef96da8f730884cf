"""mypy and pyright on scripts of a user: they accept the good one, and report the bad lines."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skdnn

HERE = Path(__file__).parent
PYRIGHT = ["pyright", "--outputjson", "--pythonpath", sys.executable]
MYPY = ["mypy", "--strict", "--no-error-summary", "--cache-dir=cache"]


def bad_lines():
    """Numbers of the lines after the comment that announces the errors."""
    lines = (HERE / "bad_script.txt").read_text(encoding="utf-8").splitlines()
    return set(range(lines.index("# errors from here on") + 2, len(lines) + 1))


def run(command, folder):
    """Return the standard output of a module that checks both scripts in a folder."""
    for name in ("good_script", "bad_script"):
        script = (HERE / f"{name}.txt").read_text(encoding="utf-8")
        (folder / f"{name}.py").write_text(script, encoding="utf-8")
    path = os.pathsep.join([str(Path(skdnn.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-m", *command, "good_script.py", "bad_script.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1, result.stdout + result.stderr  # there are errors
    return result.stdout


def mypy_errors(folder):
    errors = re.findall(r"^(\w+)\.py:(\d+): error: ", run(MYPY, folder), re.MULTILINE)
    return {(name, int(line)) for name, line in errors}


def pyright_errors(folder):
    found = json.loads(run(PYRIGHT, folder))["generalDiagnostics"]
    return {
        (Path(error["file"]).stem, error["range"]["start"]["line"] + 1)
        for error in found
        if error["severity"] == "error"
    }


@pytest.mark.parametrize("errors", [mypy_errors, pyright_errors])
def test_bad_lines_and_no_others_are_errors(errors, tmp_path):
    assert errors(tmp_path) == {("bad_script", line) for line in bad_lines()}
