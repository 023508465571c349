"""Tool calls, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_aimlapi._messages.tool_calls import (
    ToolCallSlots,
    parse_tool_call,
)

# --- calls that the model made ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        ("  \n", {}),
        ("{}", {}),
        ('{"a": 1, "b": [true, null, "é😀\u2028"]}', {"a": 1, "b": [True, None, "é😀\u2028"]}),
        # A raw line break inside a string, as models write now and then.
        ('{"code": "a\nb\tc"}', {"code": "a\nb\tc"}),
        (' {"a": 1.5}\n', {"a": 1.5}),
        ('{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_arguments_that_can_be_read(arguments, args):
    call = parse_tool_call("f", arguments, "call_1")
    assert call == {"name": "f", "args": args, "id": "call_1", "type": "tool_call"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{", "no JSON"),
        ('{"a": 1', "no JSON"),
        ('{"a": 1} x', "no JSON"),
        ("{'a': 1}", "no JSON"),
        ("f(1)", "no JSON"),
        ("[1]", "no JSON object"),
        ("null", "no JSON object"),
        ('"text"', "no JSON object"),
        ("5", "no JSON object"),
        ("[" * 200_000, "no JSON"),
        ('{"a": ' + "9" * 5_000 + "}", "no JSON"),
        # They could not be sent back: JSON has neither.
        ('{"a": NaN}', "no JSON"),
        ('{"a": -Infinity}', "no JSON"),
    ],
    ids=lambda value: value[:12],
)
def test_arguments_that_cannot_be_read_are_kept(arguments, words):
    call = parse_tool_call("f", arguments, "call_1")
    assert call["type"] == "invalid_tool_call"
    assert (call["name"], call["args"], call["id"]) == ("f", arguments, "call_1")
    assert words in call["error"]
    assert len(call["error"]) < 500


@pytest.mark.parametrize("name", [None, ""])
def test_a_call_without_a_name_is_invalid(name):
    call = parse_tool_call(name, '{"a": 1}', "call_1")
    assert call["type"] == "invalid_tool_call"
    assert call["args"] == '{"a": 1}'


def test_a_call_without_an_id():
    assert parse_tool_call("f", "{}", None)["id"] is None


@given(st.text())
def test_any_arguments_give_a_call_of_one_kind(arguments):
    call = parse_tool_call("f", arguments, "call_1")
    if call["type"] == "tool_call":
        assert isinstance(call["args"], dict)
    else:
        assert call["args"] == arguments


# --- streamed fragments -------------------------------------------------------------------------


def places(*fragments: tuple[Any, str | None]) -> list[int]:
    slots = ToolCallSlots()
    return [slots.place(index, call_id) for index, call_id in fragments]


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        # The standard form, one after the other and side by side.
        ([(0, "a"), (0, None), (1, "b"), (1, None), (0, None)], [0, 0, 1, 1, 0]),
        ([(0, "a"), (1, "b"), (0, None), (1, None)], [0, 1, 0, 1]),
        # Counted from something else, with gaps.
        ([(1, "a"), (1, None), (5, "b"), (5, None)], [0, 0, 1, 1]),
        # No index at all.
        ([(None, "a"), (None, None), (None, "b"), (None, None)], [0, 0, 1, 1]),
        # Every call is number 0.
        ([(0, "a"), (0, None), (0, "b"), (0, None)], [0, 0, 1, 1]),
        ([(0, "a"), (0, "a"), (0, "b"), (0, "b")], [0, 0, 1, 1]),
        # The id is repeated, and an empty one says nothing.
        ([(0, "a"), (1, "b"), (0, "a"), (1, "b")], [0, 1, 0, 1]),
        ([(None, "a"), (None, "b"), (None, "a")], [0, 1, 0]),
        ([(0, "a"), (0, ""), (1, "b"), (1, "")], [0, 0, 1, 1]),
        # The id comes late.
        ([(0, None), (0, "a"), (1, None), (1, "b")], [0, 0, 1, 1]),
        # A call without any id.
        ([(None, None), (None, None)], [0, 0]),
        # Numbers of other types.
        ([(0.0, "a"), (1.0, "b"), (0, None)], [0, 1, 0]),
        ([("0", "a"), ("1", "b"), ("1", None)], [0, 1, 1]),
        ([(True, "a"), (True, None)], [0, 0]),
        ([(-1, "a"), (-1, None)], [0, 0]),
    ],
)
def test_a_fragment_finds_its_call(fragments, expected):
    assert places(*fragments) == expected


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            st.none() | st.sampled_from(["", "a", "b", "c"]),
        )
    )
)
def test_places_are_counted_without_gaps(fragments):
    seen = 0
    for place in places(*[(i, c) for i, c in fragments if i not in (float("inf"), -float("inf"))]):
        assert 0 <= place <= seen
        seen = max(seen, place + 1)


def test_many_calls_take_time_in_proportion():
    """Each of 3,000 calls in turn; looking through all the others each time would show."""
    slots = ToolCallSlots()
    for number in range(3_000):
        assert slots.place(number, f"call_{number}") == number
        assert slots.place(number, None) == number
