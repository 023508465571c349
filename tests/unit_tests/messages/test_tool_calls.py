"""Tool calls, as pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._messages.tool_calls import (
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
        ('{"a": 1e999}', "too large"),
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
