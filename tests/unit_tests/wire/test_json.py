from __future__ import annotations

import itertools
import json
import tracemalloc
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._wire.json import dumps, dumps_in_pieces, loads, may_go_on
from langchain_aimlapi.errors import AIMLAPIConfigurationError

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Surrogates have tests of their own.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children)
    ),
    max_leaves=20,
)


@given(json_values)
def test_round_trip_and_agreement_with_the_standard_library(value):
    assert loads(dumps(value)) == value
    assert json.loads(dumps(value)) == value
    assert loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        ('{"a": "ö"}', {"a": "ö"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('\ufeff{"a": 1}', {"a": 1}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"a\xe2\x80\xa8b"', "a\u2028b"),
    ],
)
def test_loads(data, value):
    assert loads(data) == value


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (rb'"\ud83d"', "\ufffd"),
        (rb'"\uDE00"', "\ufffd"),
        (rb'"x\ud83dy\ude00z"', "x\ufffdy\ufffdz"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (rb'"\ud83d\u0041"', "\ufffdA"),
        # An escaped backslash in front of "ud83d" is plain text, though another one is not.
        (rb'"\\ud83d\ud83d"', "\\ud83d\ufffd"),
    ],
)
def test_lone_surrogate_escapes_are_replaced(data, text):
    assert loads(data) == text
    assert loads(data.decode()) == text


def test_lone_surrogates_in_text_are_replaced():
    assert loads('{"a": "\ud83d", "b": "\ud83d\ude00"}') == {"a": "\ufffd", "b": "😀"}


@given(st.text())
def test_any_text_that_python_escapes_is_read_without_surrogates(text):
    loads(json.dumps(text)).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xef\xbb\xbf",
        b"<html></html>",
        b'{"a": 1',
        b'{"a": 1} {"b": 2}',
        b"{'a': 1}",
        b"[NaN]",
        b"[Infinity]",
        b'"\xff"',
        b'"\xed\xa0\xbd"',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b'"' + rb"\ud83d" + b"\xff" + b'"',
        '"\ud83d',
        '["\ud83d" x]',
    ],
)
def test_what_is_no_json_is_a_value_error(data):
    with pytest.raises(ValueError):
        loads(data)


@given(json_values)
def test_a_beginning_may_go_on(value):
    text = json.dumps([value])
    assert all(may_go_on(text[:end]) for end in range(1, len(text) + 1))


@pytest.mark.parametrize("text", ["{a", '{"a":1}}', '{"a": "b" c', '{"a":{"a"1', "]"])
def test_what_is_no_json_may_not_go_on(text):
    assert not may_go_on(text)


def test_dumps_is_compact_utf8():
    assert dumps({"a": [1, 2.5, None, True, "ö\u2028"]}) == (
        '{"a":[1,2.5,null,true,"ö\u2028"]}'.encode()
    )


def test_dumps_takes_tuples_and_what_pydantic_knows():
    assert dumps({"a": (1, 2), "day": date(2026, 1, 2)}) == b'{"a":[1,2],"day":"2026-01-02"}'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("cut \ud83d", "cut \ufffd"),
        ("\ude00 cut", "\ufffd cut"),
        # The two halves of one character, which some libraries hand over like this.
        ("\ud83d\ude00", "😀"),
        ({"\ud83d": ["\ude00", ("x",), 1, None]}, {"\ufffd": ["\ufffd", ["x"], 1, None]}),
    ],
)
def test_lone_surrogates_in_a_prompt_are_replaced(value, written):
    assert json.loads(dumps(value)) == written


def test_dumps_does_not_change_its_argument():
    value = {"a": ["\ud83d", {"b": "\ude00"}]}
    dumps(value)
    assert value == {"a": ["\ud83d", {"b": "\ude00"}]}


def circle():
    items = []
    items.append(items)
    return items


def deep():
    items = []
    for _ in range(100_000):
        items = [items]
    return items


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": object()}, "<class 'object'>"),
        ({"a": [1, float("nan")]}, "NaN or infinity"),
        ({"a": {"b": (float("-inf"),)}}, "NaN or infinity"),
        (float("inf"), "NaN or infinity"),
        (["NaN", float("nan")], "NaN or infinity"),
        (b"\xff", "utf-8"),
        (circle(), "Circular reference"),
        (deep(), "depth"),
        (["\ud83d", object()], "cannot be written as JSON"),
    ],
    ids=["object", "nan", "-inf", "inf", "nan beside text", "bytes", "circle", "deep", "both"],
)
def test_what_json_cannot_hold_is_a_configuration_error(value, reason):
    with pytest.raises(AIMLAPIConfigurationError, match=reason) as caught:
        dumps(value)
    with pytest.raises(AIMLAPIConfigurationError, match=reason):
        dumps_in_pieces(value)
    assert caught.value.attempts == 0
    assert not caught.value.is_retryable


def test_words_like_nan_are_plain_text():
    assert dumps(["NaN", "Infinity"]) == b'["NaN","Infinity"]'


LARGE = (
    "a" * 2_000_000,
    'quotes " and \\ and \n and \x00' * 60_000,
    "\u00e9" * 2_000_000,
    "a" * 1_500_000 + "\ud83d" + "\ude00",
)


@pytest.mark.parametrize(("first", "second"), [*itertools.product(LARGE, ("", *LARGE[:2]))])
def test_pieces_are_what_the_whole_is(first, second):
    value = {"a": [{"b": {"c": first}}, second, 1.5], "d": (None, first), first: True}
    assert b"".join(dumps_in_pieces(value)) == dumps(value)


@given(json_values)
def test_small_values_are_one_piece(value):
    assert dumps_in_pieces(value) == [dumps(value)]


def test_a_large_text_is_held_once():
    value = {"messages": [{"content": [{"image_url": {"url": "iVBORw0K" * 1_000_000}}]}]}
    tracemalloc.start()
    try:
        pieces = dumps_in_pieces(value)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, pieces)) > 8_000_000
    assert peak < 10_000_000
