"""The file itself: what is written comes back, and whatever is wrong is named."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import skdnn
from skdnn.exceptions import InvalidFileError
from skdnn.persistence import container
from skdnn.persistence.container import pack, read_container, unpack, write_container

DTYPES = ["?", "u1", "i4", "u4", "i8", "u8", "f4", "f8"]
VALUES = np.array([[0, 1, 5], [7, 250, 3]])


@pytest.fixture(scope="module")
def arrays():
    """One array of each dtype; special values; arrays of no dimension and of no elements."""
    numbers = {f"of {code}": VALUES.astype(code) for code in DTYPES}
    special = np.array([np.nan, -np.inf, -0.0, 5e-324, np.pi])
    empty = {"empty": np.zeros((0, 3), np.float32), "empty too": np.zeros((2, 0), np.int64)}
    return {**numbers, "special": special, "one": np.array(2.5), "true": np.array(True), **empty}


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        assert (actual[name].dtype, actual[name].shape) == (array.dtype, array.shape), name
        assert actual[name].tobytes() == array.tobytes(), name


@pytest.mark.quick
def test_a_document_and_arrays_come_back(tmp_path, arrays):
    document = {"a": [1, 2.5, None, True, "ä\0\U0001f600"], "b": {"": 2**127, "1e-300": 1e-300}}
    write_container(tmp_path / "m.skdnn", document, arrays)
    found = read_container(tmp_path / "m.skdnn")
    assert found.document == document
    assert found.skdnn_version == skdnn.__version__
    assert_same(found.arrays, arrays)
    assert list(found.arrays) == sorted(arrays)


def test_arrays_that_come_back_can_be_written_to_and_share_no_memory(arrays):
    data = pack({}, arrays)
    found = list(unpack(data).arrays.values())
    for array in found:
        assert all(array.flags[name] for name in ("C_CONTIGUOUS", "WRITEABLE", "ALIGNED"))
        array[...] = 1
    assert not any(np.shares_memory(a, b) for a in found for b in found if a is not b)
    assert_same(unpack(data).arrays, arrays)


@pytest.mark.quick
@pytest.mark.parametrize("code", DTYPES)
def test_arrays_of_any_order_are_written(code):
    values = VALUES.astype(code)
    base = np.zeros((4, 6), code)
    base[::2, ::2] = values
    kinds = {
        "big-endian": values.astype(values.dtype.newbyteorder(">")),
        "Fortran": np.asfortranarray(values),
        "strided": base[::2, ::2],
        "reversed": values[::-1, ::-1][::-1, ::-1],
        "read-only": np.broadcast_to(values, values.shape),
        "no dimension": values[1, 1].astype(values.dtype.newbyteorder(">")),
    }
    expected = dict.fromkeys(kinds, values) | {"no dimension": values[1, 1]}
    assert_same(unpack(pack({}, kinds)).arrays, expected)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1 + 1j]), np.array([None]), "f2"])
def test_other_dtypes_are_not_written(array):
    array = np.zeros(3, array) if isinstance(array, str) else array
    with pytest.raises(ValueError, match=r"Array 'x' has dtype .*, which a \.skdnn file has not"):
        pack({}, {"x": array})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": "\ud800"}, 10**50, object()])
def test_what_could_not_be_read_is_not_written(tmp_path, value):
    with pytest.raises((ValueError, TypeError)):
        write_container(tmp_path / "m.skdnn", {"a": value}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.quick
def test_other_tools_read_the_file(tmp_path, arrays):
    write_container(tmp_path / "m.skdnn", {"a": 1}, arrays)
    assert_same(safetensors.numpy.load_file(tmp_path / "m.skdnn"), arrays)
    with safetensors.safe_open(tmp_path / "m.skdnn", "numpy") as opened:
        metadata = opened.metadata()
    assert list(metadata) == ["skdnn"]
    assert json.loads(metadata["skdnn"]) == {
        "format": "skdnn",
        "format_version": 1,
        "skdnn_version": skdnn.__version__,
        "content": {"a": 1},
    }


def test_the_same_content_is_the_same_bytes_in_every_process(tmp_path):
    code = """
import sys, numpy as np
from skdnn.persistence.container import write_container
arrays = {name: np.arange(i).astype(["f4", "i8", "?"][i % 3]) for i, name in enumerate("dbaegcf")}
write_container(sys.argv[1], {"b": 1, "a": [2]}, arrays)
"""
    contents = set()
    for seed in "12":
        path = tmp_path / seed
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        subprocess.run([sys.executable, "-c", code, path], env=environment, check=True)
        contents.add(path.read_bytes())
    assert len(contents) == 1


@pytest.fixture
def refused():
    """Expects that bytes are refused with a message."""

    def check(data, message):
        with pytest.raises(InvalidFileError, match="^" + re.escape("m.skdnn" + message)) as caught:
            unpack(data, "m.skdnn")
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    return check


def test_truncated_and_extended_files(refused):
    data = pack({"a": 1}, {"x": np.arange(1234, dtype=np.uint8)})
    length = int.from_bytes(data[:8], "little")
    refused(
        data[:-234],
        " is truncated: its header promises 1,234 bytes of arrays, and 1,000 follow.",
    )
    refused(data + b"ab", " is too long: bytes follow its last array (2).")
    refused(data[: 8 + length], " is truncated: its header promises 1,234 bytes of arrays, and 0")
    header = f" is truncated: a header of {length} bytes should follow the first 8, and "
    refused(data[:100], header + "92 follow.")
    refused(data[:8], header + "0 follow.")
    refused(data[:1], " is truncated")
    refused(b"", " is empty: it has no bytes.")


@pytest.mark.parametrize("n_kept", range(0, 400, 7))
def test_no_file_that_is_cut_off_is_read(n_kept):
    data = pack({"a": 1}, {"x": np.arange(12.0), "y": np.zeros(0)})
    with pytest.raises(InvalidFileError):
        unpack(data[: min(n_kept, len(data) - 1)])


def test_a_newer_format_says_what_reads_it(file_of, refused):
    text = file_of.document(format_version=2, skdnn_version="0.5.0", more=1)
    refused(
        file_of(text, bytes(2), x=file_of.entry("BF16", (1,), (0, 2))),
        f" was written by skdnn 0.5.0 in format version 2; this skdnn {skdnn.__version__} reads "
        "version 1: install a newer skdnn.",
    )


DOCUMENTS = {
    "another format": ({"format": "other"}, ": the document must be an object with the format"),
    "no version": ({"format_version": None}, " has no format version: None."),
    "true as a version": ({"format_version": True}, " has no format version: True."),
    "a float as a version": ({"format_version": 1.0}, " has no format version: 1.0."),
    "version 0": ({"format_version": 0}, " has no format version: 0."),
    "a version of skdnn in bad taste": (
        {"skdnn_version": "1\x1b[31m"},
        r" has no version of skdnn: '1\x1b[31m'.",
    ),
    "a long version of skdnn": ({"skdnn_version": "1" * 99}, " has no version of skdnn: '111"),
    "another key": ({"more": 1}, ": the document has other keys than format version 1:"),
    "a list as content": ({"content": []}, ": the document must have an object as its content."),
}


@pytest.mark.parametrize(("changes", "message"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents_that_are_refused(file_of, refused, changes, message):
    refused(file_of(file_of.document(**changes)), message)


def test_texts_that_are_no_document(file_of, refused):
    refused(file_of("[]"), ": the document must be an object with the format 'skdnn'.")
    refused(file_of("{"), ": the document is not valid JSON: ")
    refused(file_of('{"a": NaN}'), ": the document is not valid JSON: NaN is not a JSON number.")
    refused(file_of('{"a": 1, "a": 2}'), ": the document is not valid JSON: the key 'a' is there")
    refused(file_of("ä"), ": the document has bytes that are not ASCII text.")
    refused(file_of("[" * 99), ": the document is nested more than 32 levels deep.")
    refused(file_of("[" + "0," * 200_000), ": the document has more than 200,000 values.")
    refused(file_of(r'["\ud800"]'), ": the document has half of a character")


def test_headers_that_are_refused(file_of, refused):
    framed, text = file_of.framed, file_of.document()
    refused(framed('{"__metadata__":{}}'), " is not a .skdnn file. It looks like a safetensors")
    refused(framed({"__metadata__": [text]}), " is not a .skdnn file. It looks like a safetensors")
    refused(framed({"__metadata__": {"skdnn": 1}}), ": the metadata must be one text, 'skdnn'.")
    more = {"skdnn": text, "a": "b"}
    refused(framed({"__metadata__": more}), ": the metadata must be one text, 'skdnn'.")
    refused(framed('{"a":1,"a":1}'), ": the header is not valid JSON: the key 'a' is there twice")
    refused(framed('{"a":' + "[" * 99), ": the header is nested more than 32 levels deep.")
    refused(framed('{"a":[' + "0," * 200_000), ": the header has more than 200,000 values.")
    refused(framed(b'{"\xff":1}'), ": the header has bytes that are not ASCII text.")
    refused(framed('{"a":1}  x'), ": the header is not valid JSON: Extra data")
    refused(framed(" {}"), " is not a .skdnn file.")
    refused(b"\xff" * 7 + b"\x7f{}", " has a header of 9,223,372,036,854,775,807 bytes")


ENTRIES = {
    "a text": ("F32", " must have dtype, shape and data_offsets, and no more."),
    "another key": ({"more": 1}, " must have dtype, shape and data_offsets, and no more."),
    "no dtype": ({"dtype": None}, " has the dtype None, and there are: BOOL, U8, I32, U32,"),
    "a dtype of others": ({"dtype": "BF16"}, " has the dtype 'BF16', and there are: BOOL, U8"),
    "a list as a dtype": ({"dtype": ["F32"]}, " has the dtype ['F32'], and there are"),
    "a shape that is a number": ({"shape": 2}, " has the shape 2: up to 8 lengths"),
    "a negative length": ({"shape": [-2]}, " has the shape [-2]: up to 8 lengths"),
    "true as a length": ({"shape": [2, True]}, " has the shape [2, True]: up to 8 lengths"),
    "a float as a length": ({"shape": [2.0]}, " has the shape [2.0]: up to 8 lengths"),
    "a text as a length": ({"shape": ["2"]}, " has the shape ['2']: up to 8 lengths"),
    "many dimensions": ({"shape": [1] * 9}, " has the shape [1, 1, 1, 1, 1, 1, 1, 1, 1]: up to"),
    "an overflow": ({"shape": [2**33, 2**33]}, " has the shape [8589934592, 8589934592], which"),
    "an overflow without elements": (
        {"shape": [0, 2**63], "data_offsets": [0, 0]},
        " has the shape [0, 9223372036854775808], which is too large.",
    ),
    "a shape of more bytes": ({"shape": [3]}, " of 12 bytes must have the data_offsets [0, 12]"),
    "a shape of fewer bytes": ({"shape": []}, " of 4 bytes must have the data_offsets [0, 4], not"),
    "a wider dtype": ({"dtype": "F64"}, " of 16 bytes must have the data_offsets [0, 16], not"),
    "a gap": ({"data_offsets": [8, 16]}, " of 8 bytes must have the data_offsets [0, 8], not [8"),
    "before the start": ({"data_offsets": [-8, 0]}, " of 8 bytes must have the data_offsets [0"),
    "a swap": ({"data_offsets": [8, 0]}, " of 8 bytes must have the data_offsets [0, 8], not"),
    "three offsets": ({"data_offsets": [0, 8, 8]}, " of 8 bytes must have the data_offsets [0"),
    "floats": ({"data_offsets": [0.0, 8.0]}, " of 8 bytes must have the data_offsets [0, 8], not"),
    "false": ({"data_offsets": [False, 8]}, " of 8 bytes must have the data_offsets [0, 8], not"),
}


@pytest.mark.parametrize(("change", "message"), ENTRIES.values(), ids=ENTRIES)
def test_arrays_that_are_refused(file_of, refused, change, message):
    entry = change if isinstance(change, str) else file_of.entry() | change
    refused(file_of(data=bytes(16), x=entry), ": array 'x'" + message)


@pytest.mark.parametrize("offsets", [(0, 8), (4, 12), (12, 20)])
def test_arrays_must_follow_each_other(file_of, refused, offsets):
    entries = {"x": file_of.entry(), "y": file_of.entry(offsets=offsets)}
    refused(
        file_of(data=bytes(20), **entries),
        f": array 'y' of 8 bytes must have the data_offsets [8, 16], not {list(offsets)}.",
    )


def test_too_many_arrays(file_of, refused):
    empty = file_of.entry(shape=(0,), offsets=(0, 0))
    names = [f"{i}" for i in range(container.MOST_ARRAYS + 1)]
    refused(file_of(**dict.fromkeys(names, empty)), " has 16,385 arrays, and 16,384 are most.")
    assert len(unpack(file_of(**dict.fromkeys(names[1:], empty))).arrays) == 16_384


@pytest.mark.parametrize("byte", [2, 128, 255])
def test_booleans_must_be_0_or_1(file_of, refused, byte):
    entry = file_of.entry("BOOL", (3,), (0, 3))
    assert unpack(file_of(data=b"\0\1\0", x=entry)).arrays["x"].tolist() == [False, True, False]
    refused(
        file_of(data=bytes([0, 1, byte]), x=entry), ": array 'x' has bytes that are not 0 or 1."
    )


def test_sizes_are_refused_before_anything_is_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "parse_json", None)
    monkeypatch.setattr(container.safetensors, "deserialize", None)
    path = tmp_path / "m.skdnn"
    path.write_bytes((2**22 + 1).to_bytes(8, "little") + b"{" * 2**22)
    with pytest.raises(InvalidFileError, match="has a header of 4,194,305 bytes, and 4,194,304"):
        read_container(path)
    os.truncate(path, container.MOST_BYTES + 1)  # a sparse file: it takes no space
    with pytest.raises(InvalidFileError, match="has 68,719,476,737 bytes, and 68,719,476,736 are"):
        read_container(path)


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "m.skdnn"
    write_container(path, {}, {"x": np.zeros(2**20)})
    parse = container.parse_json

    def truncating(text, what):
        os.truncate(path, 2**22 + 100)
        return parse(text, what)

    monkeypatch.setattr(container, "parse_json", truncating)
    with pytest.raises(InvalidFileError, match=r"m\.skdnn changed while it was read\.$"):
        read_container(path)


# Reads each file in a process of its own, and prints how far its resident memory grew, in bytes.
PEAKS = """
import os, sys
import numpy as np
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.container import pack, read_container, unpack

def memory(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key)) * 1024

unpack(pack({"a": 1}, {"x": np.eye(3)}))
for path in sys.argv[1:]:
    if os.fork() == 0:
        start = memory("VmRSS")
        try:
            read_container(path)
        except InvalidFileError:
            pass
        print(memory("VmHWM") - start, flush=True)
        os._exit(0)
    os.wait()
"""
_MOST = container.MOST_HEADER_BYTES


def hostile_files(file_of):
    framed, document = file_of.framed, file_of.document
    empty = file_of.entry("U8", (0, 0, 0, 0), (0, 0))
    numbered = ",".join(f'"{i}":0' for i in range(190_000))
    return [
        framed('{"a":' + "[" * (_MOST - 9)),
        framed("{" + "]" * (_MOST - 9)),
        framed('{"a":' + "9" * (_MOST - 9)),
        framed('{"a":[' + "0," * (_MOST // 2 - 9)),
        framed('{"a":[' + '{"":{"":{"":{}}}},' * 39_000 + "0]}"),
        framed('{"a":[' + "1234567890123456789," * 190_000 + "0]}"),
        file_of(document(content=json.loads("{" + numbered + "}"))),
        file_of(document(content={"a": [{"a": 1.5}] * 90_000})),
        file_of(document(content={"a": ["\U0001f600aaaaa"] * 90_000})),
        file_of(document(content={"a": "\U0001f600" + "a" * (_MOST - 999)})),
        framed({"__metadata__": {"skdnn": "\U0001f600" + "a" * (_MOST - 999)}}),
        file_of(**{f"{i}": empty for i in range(container.MOST_ARRAYS)}),
        pack({}, {"x": np.ones(2**23), "y": np.ones(2**22, np.float32)}),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_stays_within_twice_the_file_and_64_megabytes(tmp_path, file_of):
    sizes = {}
    for i, data in enumerate(hostile_files(file_of)):
        path = tmp_path / str(i)
        path.write_bytes(data)
        sizes[path] = len(data)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PEAKS, *sizes]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    peaks = list(map(int, run.stdout.split()))
    allowed = [2 * size + 64 * 2**20 for size in sizes.values()]
    assert len(peaks) == len(allowed)
    assert not [pair for pair in zip(peaks, allowed, strict=True) if pair[0] > pair[1]]
    assert peaks[-1] > sizes[path]  # the last file is large and is read: the peak is measured
