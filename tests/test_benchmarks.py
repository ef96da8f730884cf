"""The command of `benchmarks/`: that it runs and what it writes, never how long anything takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# As it is without the extra, whatever is installed here.
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["skorch"] = None
from benchmarks.__main__ import main
main(sys.argv[1:])
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What a quick run of the smallest work writes: figures and Markdown."""
    folder = tmp_path_factory.mktemp("benchmarks")
    files = ["--json", folder / "speed.json", "--markdown", folder / "speed.md"]
    result = run("-m", "benchmarks", "--quick", "--only", "iris", "--rounds", "2", *files)
    assert result.returncode == 0, result.stderr
    return json.loads(files[1].read_text(encoding="utf-8")), files[3].read_text(encoding="utf-8")


def test_every_system_has_a_row_with_a_value_for_each_round(written):
    (work,) = written[0]["works"]
    assert work["work"] == "iris"
    assert [row["system"] for row in work["rows"]] == ["skdnn", "MLPClassifier"]
    for row in work["rows"]:
        assert len(row["values"]) == 2
        assert 0 < row["min"] <= row["median"] <= row["max"]


def test_peers_are_compared_with_skdnn_within_rounds(written):
    mine, peer = written[0]["works"][0]["rows"]
    first, second = (a / b for a, b in zip(peer["values"], mine["values"], strict=True))
    assert peer["ratio"]["median"] == pytest.approx((first + second) / 2)
    assert peer["at least"] == pytest.approx(1 / 1.5)
    assert "ratio" not in mine


def test_a_quick_run_passes_no_verdict(written):
    figures, page = written
    assert figures["quick"]
    assert not [row for row in figures["works"][0]["rows"] if "holds" in row]
    assert page.startswith("**Quick mode")


def test_markdown_has_a_line_for_every_row(written):
    lines = written[1].splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith("| ")] == [
        "| system",
        "| skdnn",
        "| MLPClassifier",
    ]


def test_what_is_not_installed_is_named_with_its_extra():
    result = run("-c", WITHOUT_TORCH, "--quick", "--only", "epoch-32")
    assert result.returncode == 1
    assert "Not installed: skorch, torch." in result.stderr
    assert "pip install '.[bench]'" in result.stderr


def test_unknown_work_is_refused_with_those_that_there_are():
    result = run("-m", "benchmarks", "--only", "iris,ires")
    assert result.returncode == 2
    assert "unknown work ires; there are: epoch-32, " in result.stderr
