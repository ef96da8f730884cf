"""Files in the format of `.skdnn`, built by hand so that each of their parts can be wrong."""

import json

import pytest

import skdnn


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **others):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **others}


def document(**changes):
    whole = {"format": "skdnn", "format_version": 1, "skdnn_version": "0.1.0", "content": {}}
    return json.dumps({**whole, **changes})


def framed(header, data=b""):
    """The bytes of a file with a header, which is a text or an object."""
    text = header if isinstance(header, (str, bytes)) else json.dumps(header)
    text = text if isinstance(text, bytes) else text.encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.fixture
def file_of():
    """Builds a file from the text of its document, its tensors' entries, and their bytes."""

    def build(text=None, data=b"", **entries):
        text = document() if text is None else text
        return framed({"__metadata__": {"skdnn": text}, **entries}, data)

    build.entry, build.document, build.framed = entry, document, framed
    return build


@pytest.fixture
def round_trip(tmp_path):
    """Return a function that saves an estimator and loads it again."""

    def trip(estimator, **options):
        skdnn.save(estimator, tmp_path / "model.skdnn", **options)
        return skdnn.load(tmp_path / "model.skdnn")

    return trip
