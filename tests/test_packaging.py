"""What is installed: the oldest versions that are allowed, and every file of the package."""

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]


def minima(*requirements):
    """Return name and oldest version of every requirement, the version without zeros at its end."""
    pairs = re.findall(r"^([\w-]+)[>=]=([\d.]+)$", "\n".join(requirements), re.MULTILINE)
    return {name: re.sub(r"(\.0)+$", "", version) for name, version in pairs}


def test_the_oldest_versions_are_those_of_setup_cfg():
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = config["options.extras_require"]
    required = minima(config["options"]["install_requires"], extras["onnx"], extras["plot"])
    pinned = minima((ROOT / ".ci" / "oldest-requirements.txt").read_text(encoding="utf-8"))
    assert len(required) >= 10
    # Packages that users give data of, but that only the tests require, are pinned too.
    assert pinned == required | {
        name: version for name, version in minima(extras["test"]).items() if name in pinned
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The files that git has, and no others."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not in a clone of the repository")
    folder = tmp_path_factory.mktemp("checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def test_a_wheel_has_every_file_of_the_package(checkout, tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(checkout)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("skdnn-*.whl")
    packed = {
        name for name in ZipFile(wheel).namelist() if not re.match(r"[^/]+\.dist-info/", name)
    }
    files = (path for path in (checkout / "skdnn").rglob("*") if path.is_file())
    assert packed == {path.relative_to(checkout).as_posix() for path in files}
    assert "skdnn/py.typed" in packed
