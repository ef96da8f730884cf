"""Who may import whom: the house of docs/architecture.md."""

import ast
import re
from pathlib import Path

import pytest

import skdnn

ROOT = Path(skdnn.__file__).parent
FLOORS = [
    {"__main__"},
    {"cli"},
    {"comparison"},
    {"_folds", "_history_display", "_network_display", "_rivals", "_statistics", "datasets"}
    | {"display"},
    {"classifier", "regressor", "wrappers"},
    {"_base", "_wrapper"},
    {"_assembling", "_learning"},
    {"_holding_out", "_layout", "_receiving"},
    {"_building", "_checking", "_encoding", "_fitting"},
    {"_packing"},
    {"_seeding"},
    {"_model_engine"},
    {"_keras_callbacks"},
    {"_callbacks", "_chunks", "_columns", "_embedding", "_engine", "_inference", "_inputs"}
    | {"_layers", "_members", "_stacks", "_targets", "_validation", "_weights"},
    {"_feeding", "_model_program", "_program"},
    {"_losses", "_network"},
    {"_lookup", "_optimizers", "_scikeras", "_session"},
    {"_keras_layers"},
    {"_keras", "_spec"},
    {"_plotting", "_presets", "_programs", "_schedules", "_text"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# What starts TensorFlow: imported only when something is trained or a Keras object is asked for.
HEAVY = {
    "_engine",
    "_keras",
    "_keras_callbacks",
    "_keras_layers",
    "_lookup",
    "_losses",
    "_model_engine",
    "_model_program",
    "_network",
    "_optimizers",
    "_program",
    "_session",
}
HEAVY |= {"wrappers", "_wrapper", "_building", "_checking", "_encoding", "_fitting", "_packing"}
HEAVY |= {"_assembling", "_scikeras", "_seeding"}
ROOMS = sorted(path.stem for path in ROOT.glob("*.py") if path.stem != "__init__")


def imports(room, *, at_import_only=False):
    """Names of the modules that a room imports, as dotted names."""
    tree = ast.parse((ROOT / f"{room}.py").read_text(encoding="utf-8"))
    for node in tree.body if at_import_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_in(names):
    return {name.split(".")[1] for name in names if name.startswith("skdnn.")} & LEVEL.keys()


def test_every_room_has_its_floor():
    assert set(ROOMS) == LEVEL.keys()


def test_the_page_has_the_same_floors():
    page = Path(__file__).parents[1] / "docs" / "architecture.md"
    floors, number = [], 0
    rows = re.findall(r"^\| *(\d*) *\| `(\w+)` \|", page.read_text(encoding="utf-8"), re.M)
    for stated, room in rows:
        if stated:
            number += 1
            assert int(stated) == number
            floors.append(set())
        floors[-1].add(room)
    assert floors == FLOORS


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_downward(room):
    assert all(LEVEL[other] > LEVEL[room] for other in rooms_in(imports(room)))


@pytest.mark.parametrize("room", ROOMS)
def test_tensorflow_and_keras_are_imported_in_one_room_each(room):
    found = {name.split(".")[0] for name in imports(room)} & {"tensorflow", "keras", "scikeras"}
    # Keras on whichever backend it runs is the other room's.
    rooms = {"_keras": {"tensorflow", "keras"}, "_scikeras": {"keras", "scikeras"}}
    assert found <= rooms.get(room, set())


@pytest.mark.parametrize("room", sorted(set(ROOMS) - HEAVY))
def test_importing_a_light_room_starts_no_tensorflow(room):
    assert not rooms_in(imports(room, at_import_only=True)) & HEAVY


@pytest.mark.parametrize("room", ["_engine", "_inference", "_network", "_program", "_spec"])
def test_the_network_knows_nothing_of_scikit_learn(room):
    assert not any(name.split(".")[0] == "sklearn" for name in imports(room))


@pytest.mark.parametrize("room", sorted(set(ROOMS) - {"__main__", "cli"}))
def test_only_the_command_prints(room):
    tree = ast.parse((ROOT / f"{room}.py").read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not any(isinstance(f, ast.Name) and f.id == "print" for f in calls)
