"""Damaged files: each is refused by name, or loads and is what it says. Some of many.

`python -m benchmarks fuzz` tries as many as one likes, in processes that are watched.
"""

import contextlib
import importlib
import sys
import warnings
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import skdnn
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.container import pack, unpack

ROOT = Path(__file__).parents[2]
N_CONTAINERS, N_MODELS, N_EXAMPLES = 1000, 400, 40
QUICK = settings(max_examples=N_EXAMPLES, deadline=None)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64) | TEXTS
SCALARS |= st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXTS, v))
DTYPES = st.sampled_from(["?", "u1", "i4", "u4", "i8", "u8", "f4", "f8", ">f8", ">i4"])
SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
ARRAYS = st.dictionaries(NAMES, arrays_of.arrays(DTYPES, SHAPES), max_size=4)


@pytest.fixture(scope="module")
def mutate():
    """The function that damages files; benchmarks/ is not installed."""
    sys.path.append(str(ROOT))
    yield importlib.import_module("benchmarks.mutations").mutate
    sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def subject():
    sys.path.append(str(ROOT))
    yield importlib.import_module("benchmarks.fuzz_subject")
    sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def containers():
    content = {"a": [1, 2.5, None, "ü\U0001f600"], "n": 2**127, "b": {"c": {"type": "d"}}}
    arrays = {"x": np.eye(3), "y": np.arange(5), "z": np.ones((2, 3), np.float32)}
    flags = {"flags": np.array([True, False]), "none": np.zeros((0, 2)), "one": np.array(2.5)}
    return [pack(content, arrays), pack({}, flags), pack({"a": "b"}, {})]


@pytest.fixture(scope="module")
def models():
    """The frozen files of every kind."""
    files = sorted((Path(__file__).parent / "files").rglob("*.skdnn"))
    return [file.read_bytes() for file in files]


def outcome(load, content):
    """What comes of a file: the error's text, or None for a load."""
    try:
        load(content)
    except InvalidFileError as error:
        return str(error)
    return None


def test_damaged_containers(containers, mutate):
    refused = 0
    for seed in range(N_CONTAINERS):
        rng = Random(seed)
        _, damaged = mutate(rng.choice(containers), containers, rng)
        text = outcome(lambda content: unpack(content, "m.skdnn"), damaged)
        assert text is None or text.startswith("m.skdnn")
        refused += text is not None
    assert N_CONTAINERS / 4 < refused < N_CONTAINERS


def test_damaged_models(models, mutate, subject, tmp_path):
    """What loads says the same when it is saved again, and predicts or raises a ValueError."""
    path = tmp_path / "m.skdnn"
    refused = 0
    for seed in range(N_MODELS):
        rng = Random(seed)
        path.write_bytes(mutate(rng.choice(models), models, rng)[1])
        try:
            loaded = skdnn.load(path)
        except InvalidFileError:
            refused += 1
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that overflow in a damaged network
            with contextlib.suppress(ValueError):
                subject.use(loaded, path)
    assert N_MODELS / 2 < refused < N_MODELS


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes(content):
    assert outcome(unpack, content)
    assert outcome(unpack, len(content).to_bytes(8, "little") + content)
    assert outcome(unpack, (len(content) + 2).to_bytes(8, "little") + b"{" + content + b"}")


@QUICK
@given(content=st.dictionaries(TEXTS, VALUES, max_size=4), arrays=ARRAYS)
def test_any_content_comes_back(content, arrays):
    assert "__metadata__" not in arrays
    found = unpack(pack(content, arrays))
    assert found.document == content
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found.arrays[name].shape == array.shape
        np.testing.assert_array_equal(found.arrays[name], array)


@QUICK
@given(
    seed=st.integers(0, 2**32), content=st.dictionaries(TEXTS, VALUES, max_size=3), arrays=ARRAYS
)
def test_any_content_that_is_damaged(mutate, seed, content, arrays):
    data = pack(content, arrays)
    _, damaged = mutate(data, [data], Random(seed))
    if outcome(unpack, damaged) is None:
        found = unpack(damaged)
        again = unpack(pack(found.document, found.arrays))
        assert again.document == found.document
        assert {name: a.tobytes() for name, a in again.arrays.items()} == {
            name: a.tobytes() for name, a in found.arrays.items()
        }


@QUICK
@given(content=VALUES)
def test_a_model_of_any_document(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.skdnn"
    path.write_bytes(pack(content if isinstance(content, dict) else {"a": content}, {}))
    with pytest.raises(InvalidFileError, match=r"any\.skdnn"):
        skdnn.load(path)
