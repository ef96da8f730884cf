"""JSON from files: what is refused, and that sizes are checked before anything is parsed."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdnn.exceptions import InvalidFileError
from skdnn.persistence import strict_json
from skdnn.persistence.fields import Arrays, Fields
from skdnn.persistence.strict_json import (
    MOST_DIGITS,
    MOST_NESTED,
    MOST_VALUES,
    parse_json,
    shown,
)
from skdnn.persistence.value_records import read_value, write_value

SCALARS = st.none() | st.booleans() | st.integers(-(2**127), 2**128) | st.text(max_size=20)
SCALARS |= st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner)
)

REFUSED = {
    "NaN": ('{"a": NaN}', "NaN is not a JSON number"),
    "Infinity": ("[-Infinity]", "-Infinity is not a JSON number"),
    "a float that overflows": ("[1e999]", "the number '1e999' is too large"),
    "a float of many digits": ("[0." + 99 * "1" + "]", "is too large or too long"),
    "thousands of digits": ("[" + 5000 * "9" + "]", "a number has 5,000 digits, and 40 are"),
    "a repeated key": ('{"a": 1, "b": 2, "a": 3}', "the key 'a' is there twice"),
    "a repeated key in an escape": (r'{"a": 1, "\u0061": 3}', "the key 'a' is there twice"),
    "a repeated key further in": ('[[{"x": {"": 1, "": 1}}]]', "the key '' is there twice"),
    "a high surrogate": (r'["\ud83d"]', "half of a character"),
    "a low surrogate": (r'["\uDE00"]', "half of a character"),
    "surrogates in the wrong order": (r'["\ude00\ud83d"]', "half of a character"),
    "a surrogate too many": (r'{"\ud83d\ude00\ude00": 1}', "half of a character"),
    "surrogates around a backslash": (r'["\ud83d\\\ude00"]', "half of a character"),
    "trailing text": ("{} {}", "Extra data (character 3)"),
    "a comma at the end": ("[1,]", "(character"),
    "a control character": ('["a\nb"]', "Invalid control character"),
    "single quotes": ("{'a': 1}", "Expecting property name"),
    "a comment": ("[1] // one", "Extra data"),
    "nothing": ("", "Expecting value (character 0)"),
    "an open text": ('["a]', "Unterminated string"),
}


@pytest.mark.quick
@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text, message):
    with pytest.raises(InvalidFileError, match="^m: the header .*" + re.escape(message)):
        parse_json(text.encode(), "m: the header")


@pytest.mark.parametrize("text", [b'["\xff\xfe"]', '["é"]'.encode(), b"\xef\xbb\xbf{}"])
def test_other_bytes_than_ascii_are_refused(text):
    with pytest.raises(InvalidFileError, match="bytes that are not ASCII text"):
        parse_json(text, "it")


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_all_that_json_can_say_comes_back(value):
    assert parse_json(json.dumps(value).encode(), "it") == value


def test_escaped_quotes_brackets_and_pairs_of_surrogates_are_text():
    value = {'"[[[{\\': '\\"]]}},,,', "\\\\ud83d": "\U0001f600\U0001f680", "\\": "\\\\"}
    assert parse_json(json.dumps(value).encode(), "it") == value


class TestLimits:
    @pytest.fixture(autouse=True)
    def no_parser(self, monkeypatch):
        monkeypatch.setattr(strict_json, "_DECODER", None)

    @pytest.mark.parametrize("start", ["[", '{"a":', '[0,{"a":', '["]]]]]]]]",'])
    def test_nesting_is_refused_before_it_is_parsed(self, start):
        with pytest.raises(InvalidFileError, match="nested more than 32 levels deep"):
            parse_json((start * (MOST_NESTED + 1)).encode(), "it")

    @pytest.mark.parametrize("text", [b"0,", b"[],", b'{"a":0},', b"[", b"{", b'"\\"",'])
    def test_values_are_counted_before_they_are_parsed(self, text):
        with pytest.raises(InvalidFileError, match="has more than 200,000 values"):
            parse_json(b"[" + text * (MOST_VALUES + 1) + b"0]", "it")


def test_the_limits_themselves_are_allowed():
    deepest = b"[" * MOST_NESTED + b"]" * MOST_NESTED
    assert np.ndim(parse_json(deepest, "it")) == MOST_NESTED
    assert len(parse_json(b"[" + b"0," * (MOST_VALUES - 2) + b"0]", "it")) == MOST_VALUES - 1
    commas = "," * MOST_VALUES + "[" * MOST_VALUES
    assert parse_json(json.dumps([commas]).encode(), "it") == [commas]


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_of_as_many_digits_as_are_written_are_read(sign):
    arrays, most = {}, sign * (10**MOST_DIGITS - 1)
    text = json.dumps({"a": write_value(most, "a")}).encode()
    assert read_value(Fields(parse_json(text, "it"), "", Arrays(arrays)), "a") == most
    with pytest.raises(TypeError, match="an integer of more than 40 digits"):
        write_value(most + sign, "a")
    with pytest.raises(InvalidFileError, match="a number has 41 digits, and 40 are the most"):
        parse_json(f"[{most + sign}]".encode(), "it")


def test_values_are_shown_in_one_short_line():
    assert shown("a\n\x1b[31m") == r"'a\n\x1b[31m'"
    assert len(shown("x" * 1000)) < 70
    assert len(shown(list(range(1000)))) < 70
