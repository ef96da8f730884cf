"""Which file may import which: folders import downward, and files never in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import skdnn

ROOT = Path(skdnn.__file__).parent
# A folder imports from folders of a greater level alone. Files beside the folders count as folders.
LEVELS = [
    {"__main__"},
    {"cli"},
    {"comparison", "datasets", "persistence"},
    {"dnn", "wrappers"},
    {"plotting", "_training"},
    {"_network"},
    {"_data"},
    {"_utils"},
    {"exceptions", "typing"},
]
LEVEL = {folder: level for level, folders in enumerate(LEVELS) for folder in folders}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
# What imports TensorFlow or Keras when it is imported itself. Others do so only when something is
# trained, or a Keras object is asked for.
HEAVY_FOLDERS = {"_training", "wrappers"}
HEAVY_FILES = {
    "_network/keras_layers.py",
    "_network/keras_model.py",
    "_utils/tensorflow.py",
}
LIGHT_FILES_OF_TRAINING = {
    "_training/__init__.py",
    "_training/batches.py",
    "_training/callbacks.py",
    "_training/compiled_forward.py",
    "_training/callback_model.py",
    "_training/data_pass.py",
    "_training/early_stopping.py",
    "_training/progress.py",
    "_training/dense_program_key.py",
    "_training/process.py",
    "_training/program_cache.py",
    "_training/schedules.py",
    "_training/time_limit.py",
    "_training/training_job.py",
    "_training/workers.py",
}
# Where each library is imported, and nowhere else.
IMPORTED_IN = {
    "_utils/keras_internals.py": {"tensorflow", "keras"},
    "_utils/tensorflow.py": {"tensorflow", "keras"},
    "_utils/tensorflow_internals.py": {"tensorflow"},
    "wrappers/scikeras_compat.py": {"keras", "scikeras"},
}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def folder_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def is_heavy(path):
    name = name_of(path)
    in_folder = folder_of(path) in HEAVY_FOLDERS and name not in LIGHT_FILES_OF_TRAINING
    return in_folder or name in HEAVY_FILES


def is_for_types(node):
    return isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING"


def statements(node):
    """Every node of a file but those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if not is_for_types(child):
            yield child
            yield from statements(child)


def imports(path, *, at_import_only=False):
    """Dotted names of the modules, and of what is taken from them, that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_import_only else statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(names):
    """Files of skdnn among dotted names."""
    for name in names:
        if name.startswith("skdnn."):
            path = ROOT.joinpath(*name.split(".")[1:])
            yield from (p for p in (path.with_suffix(".py"), path / "__init__.py") if p in FILES)


def test_every_folder_has_a_level():
    assert {folder_of(path) for path in FILES} <= LEVEL.keys()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_folders_import_downward(path):
    own = folder_of(path)
    others = {folder_of(other) for other in files_of(imports(path))} - {own}
    assert all(LEVEL[other] > LEVEL[own] for other in others)


def test_files_do_not_import_each_other_in_a_circle():
    files = [path for path in FILES if path.name != "__init__.py"]  # these gather public names
    graph = {path: set(files_of(imports(path))) & set(files) for path in files}
    TopologicalSorter(graph).prepare()  # raises CycleError with the files of a circle


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_tensorflow_and_keras_are_imported_in_few_files(path):
    found = {name.split(".")[0] for name in imports(path)} & {"tensorflow", "keras", "scikeras"}
    assert found <= IMPORTED_IN.get(name_of(path), set())


@pytest.mark.parametrize("path", [path for path in FILES if not is_heavy(path)], ids=name_of)
def test_importing_a_light_file_starts_no_tensorflow(path):
    assert not any(is_heavy(other) for other in files_of(imports(path, at_import_only=True)))


@pytest.mark.parametrize("folder", ["_network", "_training"])
def test_the_network_and_its_training_know_nothing_of_scikit_learn(folder):
    # The base class of scikit-learn's callbacks is the one thing of it that training names.
    allowed = ("sklearn.callback",) if folder == "_training" else ()
    for path in ROOT.joinpath(folder).rglob("*.py"):
        found = {name for name in imports(path) if name.split(".")[0] == "sklearn"}
        assert not {name for name in found if not name.startswith(allowed)}, path


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_command_prints(path):
    if folder_of(path) in ("__main__", "cli"):
        pytest.skip("the command prints")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not any(isinstance(f, ast.Name) and f.id == "print" for f in calls)


# Most of these two files is the description of the parameters.
FILES_OF_PARAMETERS = {"dnn/classifier.py", "dnn/regressor.py"}
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60


def lines_of_code(function):
    """Number of lines of a function from its signature to its end, without its docstring."""
    has_docstring = ast.get_docstring(function) is not None
    docstring = function.body[0] if has_docstring else None
    n_lines = function.end_lineno - function.lineno + 1
    return n_lines - (docstring.end_lineno - docstring.lineno + 1 if docstring else 0)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    if name_of(path) not in FILES_OF_PARAMETERS:
        assert len(text.splitlines()) < MOST_LINES_OF_A_FILE
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    # A constructor has one line for each parameter in its signature, and one in its body.
    named = {f.name: lines_of_code(f) for f in functions if f.name != "__init__"}
    assert {name: n for name, n in named.items() if n > MOST_LINES_OF_A_FUNCTION} == {}
