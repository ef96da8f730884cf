import io
import os
import subprocess
import sys

import pytest

from skdnn._utils.text import Column, align, can_encode, encodable, fit_columns

# Everything that skdnn prints, on the standard streams of the process and on others.
PRINTING = """
import io, sys
import numpy as np
from skdnn import DNNClassifier, compare
from skdnn.cli import main

class Bare:
    def __init__(self, buffer):
        self.buffer = buffer
    def write(self, text):
        self.buffer.write(text.encode({encoding!r}))
    def flush(self):
        pass

def wrapped(buffer):
    return io.TextIOWrapper(buffer, {encoding!r}, write_through=True)

X, y = np.random.default_rng(0).normal(size=(60, 3)), np.repeat(["a", "b"], 30)

def print_all():
    model = DNNClassifier((4,), epochs=2, random_state=0, verbose=1).fit(X, y)
    model.summary()
    print(compare(X, y, ["linear", "dummy"], verbose=1))
    assert main(["compare", "iris", "--models", "linear,dummy"]) == 0
    assert main(["compare", "bäume.csv"]) == 2
    main([])

out, err = sys.stdout, sys.stderr
print_all()
out.flush()
sys.stdout, sys.stderr = wrapped(out.buffer), wrapped(err.buffer)
print_all()
others = sys.stdout, sys.stderr  # alive, because they would close the buffers
sys.stdout, sys.stderr = Bare(out.buffer), Bare(err.buffer)
print_all()
sys.stdout, sys.stderr = out, err
"""


class Bare:
    """A stream that only writes, to a file in ASCII."""

    def __init__(self, encoding="ascii"):
        self.text = ""
        if encoding != "ascii":
            self.encoding = encoding

    def write(self, text):
        text.encode("ascii")
        self.text += text


def stream(encoding):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


class TestEncodable:
    @pytest.mark.parametrize(
        ("encoding", "expected"),
        [
            ("utf-8", "─ ± … ² ü 語"),
            ("utf-16", "─ ± … ² ü 語"),
            ("cp1252", "- ± … ² ü ?"),
            ("cp437", "─ ± ... ² ü ?"),
            ("latin-1", "- ± ... ² ü ?"),
            ("ascii", "- +/- ... 2 ? ?"),
        ],
    )
    def test_picks_similar_characters(self, encoding, expected):
        assert encodable("─ ± … ² ü 語", stream(encoding)) == expected

    @pytest.mark.parametrize("encoding", ["ascii", None, 8, "no such encoding"])
    def test_a_stream_of_an_unknown_encoding_gets_ascii(self, encoding):
        assert encodable("a ± b", Bare(encoding)) == "a +/- b"

    def test_a_string_buffer_and_no_stream_take_any_text(self, monkeypatch):
        assert encodable("±", io.StringIO()) == "±"
        monkeypatch.setattr(sys, "stdout", None)
        assert encodable("±") == "±"

    def test_half_of_a_surrogate_pair_is_replaced(self):
        assert encodable("a\udcfcb", stream("utf-8")) == "a?b"

    def test_standard_output_is_the_default(self, monkeypatch):
        monkeypatch.setattr(sys, "stdout", stream("ascii"))
        assert encodable("±") == "+/-"

    def test_can_encode(self):
        assert can_encode("▏█", stream("utf-8"))
        assert not can_encode("▏█", stream("cp1252"))


class TestTable:
    COLUMNS = (
        Column("model", ["short", "a long name"], left=True),
        Column("score", ["0.9 ± 0.1", "-"]),
        Column("seconds", ["1", "2"], rank=2),
        Column("verdict", ["best", "worse than the best"], rank=1),
    )

    def test_is_aligned_in_ascii_too(self, monkeypatch):
        monkeypatch.setattr(sys, "stdout", stream("ascii"))
        assert align(self.COLUMNS[:2]) == [
            "model              score",
            "-----------  -----------",
            "short        0.9 +/- 0.1",
            "a long name            -",
        ]

    @pytest.mark.parametrize(
        ("width", "headers"),
        [
            (100, ["model", "score", "seconds", "verdict"]),
            (52, ["model", "score", "seconds", "verdict"]),
            (51, ["model", "score", "verdict"]),
            (42, ["model", "score", "seconds"]),
            (22, ["model", "score"]),
        ],
    )
    def test_loses_columns_by_rank(self, width, headers):
        shown = fit_columns(self.COLUMNS, width)
        assert [column.header for column in shown] == headers
        assert max(map(len, align(shown))) <= width

    def test_shortens_names_at_last(self):
        assert align(fit_columns(self.COLUMNS, 20)) == [
            "model          score",
            "─────────  ─────────",
            "short      0.9 ± 0.1",
            "a long n…          -",
        ]


@pytest.mark.parametrize(
    ("encoding", "sd"),
    [pytest.param("ascii", "+/- sd.", marks=pytest.mark.quick), ("cp1252", "± sd.")],
)
def test_all_that_is_printed_can_be_encoded(encoding, sd):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    code = PRINTING.format(encoding=encoding)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, timeout=300
    )
    printed = run.stdout.decode(encoding)
    assert run.returncode == 0, run.stderr.decode(encoding)
    assert printed.count(f"Scores: mean {sd}") == (6 if encoding == "ascii" else 4)
    assert printed.count("Scores: mean +/- sd.") == (6 if encoding == "ascii" else 2)
    assert printed.count("Epoch 2/2") == 3
    assert "-----  " in printed
