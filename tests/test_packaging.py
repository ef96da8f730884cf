"""What is installed: the oldest versions that are allowed, and every file of the package."""

import json
import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

import skdnn
from skdnn import DNNClassifier

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


# A process in which the packages that are named cannot be imported.
PREDICT = """
import json, sys
sys.modules.update(dict.fromkeys({missing!r}))
import skdnn
model = skdnn.load(sys.argv[1])
print(json.dumps(model.predict_proba({X!r}).tolist()))
try:
    model.fit({X!r}, [0, 1])
except ImportError as error:
    print(error)
"""


def test_the_packages_of_the_deployment_page_are_enough_to_predict(tmp_path, iris):
    page = (ROOT / "docs" / "user_guide" / "deployment.md").read_text(encoding="utf-8")
    enough = {*re.search(r"^pip install (numpy .+)$", page, re.MULTILINE)[1].split(), "joblib"}
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    required = set(minima(config["options"]["install_requires"]))
    assert enough <= required  # joblib is installed with scikit-learn
    missing = [*sorted(required - enough), "pandas"]
    assert {"keras", "tensorflow"} <= {*missing}
    X, y = iris
    clf = DNNClassifier(epochs=1, n_members=2, random_state=0).fit(X, y)
    skdnn.save(clf, tmp_path / "model.skdnn")
    program = PREDICT.format(missing=missing, X=X[:2].tolist())
    command = [sys.executable, "-c", program, tmp_path / "model.skdnn"]
    environment = {**os.environ, "PYTHONPATH": str(Path(skdnn.__file__).parents[1])}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    predicted, error = result.stdout.splitlines()
    assert json.loads(predicted) == clf.predict_proba(X[:2]).tolist()
    assert error.startswith(
        "Not installed: keras, tensorflow. To train a network or make a Keras model"
    )
