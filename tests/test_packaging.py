"""What is installed and published: versions, addresses, and every file of the distributions."""

import json
import os
import re
import subprocess
import sys
import tarfile
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


@pytest.fixture(scope="module")
def config():
    """Return the sections of setup.cfg."""
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def test_the_oldest_versions_are_those_of_setup_cfg(config):
    extras = config["options.extras_require"]
    required = minima(config["options"]["install_requires"], extras["onnx"], extras["plot"])
    pinned = minima((ROOT / ".ci" / "oldest-requirements.txt").read_text(encoding="utf-8"))
    assert len(required) >= 10
    # Packages that users give data of, but that only the tests require, are pinned too.
    assert pinned == required | {
        name: version for name, version in minima(extras["test"]).items() if name in pinned
    }


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_file_names_the_version_that_is_installed():
    assert re.search(r"^version: (.+)$", read("CITATION.cff"), re.MULTILINE)[1] == skdnn.__version__
    newest = re.search(
        r"^## (\S+) - (unreleased|\d{4}-\d\d-\d\d)$", read("CHANGELOG.md"), re.MULTILINE
    )
    assert skdnn.__version__ in (newest[1], f"{newest[1]}.dev0")


def test_addresses_are_those_of_the_metadata(config):
    urls = dict(
        line.split(" = ") for line in config["metadata"]["project_urls"].split("\n") if line
    )
    citation = read("CITATION.cff")
    assert f"\nrepository-code: {urls['Source']}\n" in citation
    assert f"\nurl: {urls['Documentation']}\n" in citation
    assert urls["Issues"] == urls["Source"] + "/issues"
    ours = "https://github.com/skdnn/"
    for name in ("SECURITY.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "RELEASING.md"):
        assert read(name).count(ours) == read(name).count(urls["Source"])


def test_pre_commit_has_the_linters_of_the_extra_test(config):
    hooks = re.findall(r"(ruff|mypy)\S*\n    rev: v(\S+)", read(".pre-commit-config.yaml"))
    pinned = re.findall(
        r"^(ruff|mypy)==(\S+)$", config["options.extras_require"]["test"], re.MULTILINE
    )
    assert dict(hooks) == dict(pinned)
    assert len(hooks) == 2


def test_workflows_and_classifiers_have_the_same_versions_of_python(config):
    classifiers = config["metadata"]["classifiers"]
    named = re.findall(r"Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    tried = re.search(r"python: \[(.+)\]", read(".github/workflows/tests.yml"))[1]
    assert re.findall(r"[\d.]+", tried) == named
    assert config["options"]["python_requires"] == f">={named[0]}"


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
    metadata = next(name for name in ZipFile(wheel).namelist() if name.endswith("/METADATA"))
    readme = ZipFile(wheel).read(metadata).decode().split("\n\n", 1)[1]
    # PyPI has no other file of the repository: links and pictures.
    targets = re.findall(r"(?:\]\(|(?:href|src|srcset)=\")([^)\"\s]+)", readme)
    assert len(targets) > 5
    assert all(re.match("https?://|#", target) for target in targets)


def test_the_source_distribution_has_every_file_of_the_repository(checkout, tmp_path):
    build = "from setuptools.build_meta import build_sdist as build; import sys; build(sys.argv[1])"
    command = [sys.executable, "-c", build, str(tmp_path)]
    subprocess.run(command, check=True, cwd=checkout, capture_output=True)
    (archive,) = tmp_path.glob("skdnn-*.tar.gz")
    with tarfile.open(archive) as packed:
        files = {name.split("/", 1)[1] for name in packed.getnames() if "/" in name}
    ours = {path.relative_to(checkout) for path in checkout.rglob("*") if path.is_file()}
    made = {path for path in ours if path.parts[0] in ("build", "skdnn.egg-info")}  # by builds
    assert {path.as_posix() for path in ours - made} <= files


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


def test_the_packages_of_the_deployment_page_are_enough_to_predict(tmp_path, iris, config):
    page = (ROOT / "docs" / "user_guide" / "deployment.md").read_text(encoding="utf-8")
    enough = {*re.search(r"^pip install (numpy .+)$", page, re.MULTILINE)[1].split(), "joblib"}
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


def test_every_hint_to_install_works_before_skdnn_is_published():
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = set(config["options.extras_require"])
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "skdnn").rglob("*.py")]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"pip install (-U )?\"?skdnn", text), path
        named = re.findall(r'pip install (?:-e )?"\.\[([\w,-]+)\]"', text)
        assert {extra for names in named for extra in names.split(",")} <= extras, path
