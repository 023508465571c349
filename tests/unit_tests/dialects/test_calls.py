"""Fragments of tool calls, as gateways send them, and calls that are not whole."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from langchain_aimlapi._dialects import calls as module
from langchain_aimlapi._dialects.assembler import MessageAssembler
from langchain_aimlapi._dialects.call_facts import CallFacts
from langchain_aimlapi._dialects.calls import ToolCalls
from langchain_aimlapi._messages.tool_calls import is_whole_object, mark_of, without_mark

Fragment = tuple[Any, "str | None", "str | None", str]
"""Index, id, name, arguments."""


def collected(
    fragments: list[Fragment], ending: str = "tool_calls", offered: tuple[str, ...] = ()
) -> tuple[list[tuple[str, str, str | None]], AIMessageChunk]:
    """Return the calls of an answer (name, arguments, id), and the sum of its chunks."""
    calls = ToolCalls(offered)
    chunks = []
    for index, call_id, name, arguments in fragments:
        position = calls.place(index, name, arguments, call_id)
        calls.add(position, name, arguments, call_id, index)
        chunks.append(AIMessageChunk(content="", tool_call_chunks=calls.take()))
    calls.end(ending)
    chunks.append(AIMessageChunk(content="", tool_call_chunks=calls.take()))
    streamed = chunks[0]
    for chunk in chunks[1:]:
        streamed += chunk
    valid, invalid = calls.parsed(ending)
    # However the calls came, the sum of the chunks says the same as the whole message.
    assert streamed.tool_calls == valid
    assert [
        {**call, "args": without_mark(call["args"] or ""), "error": None}
        for call in streamed.invalid_tool_calls
    ] == [{**call, "args": call["args"], "error": None} for call in invalid]
    whole = [(call["name"], json.dumps(call["args"]), call["id"]) for call in valid]
    return whole, streamed


A = ("read", '{"a": 1}', "a")
B = ("write", '{"b": 2}', "b")
B_WHOLE = ("b", "write", '{"b": 2}')


@pytest.mark.parametrize(
    "fragments",
    [
        pytest.param(
            [
                (0, "a", "read", ""),
                (0, None, None, '{"a":'),
                (0, None, None, " 1}"),
                (1, "b", "write", ""),
                (1, None, None, '{"b": 2}'),
            ],
            id="the standard form",
        ),
        pytest.param(
            [
                (0, "a", "read", ""),
                (1, "b", "write", ""),
                (0, None, None, '{"a": 1}'),
                (1, None, None, '{"b": 2}'),
            ],
            id="side by side",
        ),
        pytest.param(
            [
                ("0", "a", "read", '{"a"'),
                ("0", None, None, ": 1}"),
                ("1", "b", "write", '{"b": 2}'),
            ],
            id="index as text",
        ),
        pytest.param(
            [
                (0, "a", "re", ""),
                (0, "a", "ad", ""),
                (0, "a", None, '{"a": 1}'),
                (1, "b", "write", '{"b": 2}'),
            ],
            id="a name in pieces",
        ),
        pytest.param(
            [
                (0, "a", "read", '{"a":'),
                (0, "a", "read", " 1}"),
                (1, "b", "write", '{"b":'),
                (1, "b", "write", " 2}"),
            ],
            id="name and id in every fragment",
        ),
        pytest.param(
            [
                (0, None, "read", ""),
                (0, "a", None, '{"a": 1}'),
                (1, None, "write", ""),
                (1, "b", None, '{"b": 2}'),
            ],
            id="late ids",
        ),
        pytest.param(
            [
                (0, "a", "read", ""),
                (0, "x", None, '{"a"'),
                (0, "y", None, ": 1}"),
                (1, "b", "write", ""),
                (1, "z", None, '{"b": 2}'),
            ],
            id="ids that change",
        ),
        pytest.param(
            [(0, "a", "read", '{"a": 1}'), (0, "b", "write", '{"b"'), (0, None, None, ": 2}")],
            id="all calls numbered 0",
        ),
        pytest.param(
            [
                (0, "a", "read", ""),
                (0, "b", "write", ""),
                (0, "a", None, '{"a": 1}'),
                (0, "b", None, '{"b": 2}'),
            ],
            id="all calls numbered 0, side by side",
        ),
        pytest.param(
            [
                (None, "a", "read", '{"a":'),
                (None, None, None, " 1}"),
                (None, "b", "write", ""),
                (None, None, None, '{"b": 2}'),
            ],
            id="no index",
        ),
        pytest.param(
            [(5, "a", "read", '{"a": 1}'), (9.0, "b", "write", '{"b": 2}')], id="other numbers"
        ),
        pytest.param(
            [
                (0, "a", None, ""),
                (0, None, "read", '{"a": 1}'),
                (1, "b", None, ""),
                (1, None, "write", '{"b": 2}'),
            ],
            id="late names",
        ),
        pytest.param(
            [(0, "a", "read", "  "), (0, None, None, '{"a": 1}\n'), (1, "b", "write", '{"b": 2} ')],
            id="white space around",
        ),
    ],
)
def test_the_right_calls(fragments):
    assert collected(fragments)[0] == [A, B]


@pytest.mark.parametrize("index", [0, None])
def test_calls_without_ids_get_some(index):
    fragments: list[Fragment] = [
        (index, None, "read", '{"a": 1}'),
        (index, None, "write", '{"b":'),
        (index, None, None, " 2}"),
    ]
    calls, _ = collected(fragments)
    assert [call[:2] for call in calls] == [A[:2], B[:2]]
    assert len({call_id for *_, call_id in calls}) == 2
    assert all(call_id and call_id.startswith("call_") for *_, call_id in calls)


def test_two_calls_with_one_id_are_two_calls():
    calls, _ = collected([(0, "a", "read", '{"a": 1}'), (1, "a", "write", '{"b": 2}')])
    assert [call[:2] for call in calls] == [A[:2], B[:2]]
    assert calls[0][2] == "a"
    assert calls[1][2] not in {"a", None}


def test_a_name_that_grows_is_replaced_where_such_a_tool_was_offered():
    fragments: list[Fragment] = [(0, "a", "write", ""), (0, "a", "write_file", "{}")]
    assert collected(fragments, offered=("write", "write_file"))[0] == [("write_file", "{}", "a")]


@pytest.mark.parametrize("arguments", [[""], ["  "], [" ", "\n"]])
def test_no_arguments_are_an_empty_object(arguments):
    fragments: list[Fragment] = [(0, "a", "now", "")]
    fragments += [(0, None, None, text) for text in arguments]
    assert collected(fragments)[0] == [("now", "{}", "a")]
    for ending in ("length", "content_filter"):
        calls, streamed = collected(fragments, ending)
        assert calls == []
        assert ending in (streamed.invalid_tool_calls[0]["args"] or "")


def test_a_call_without_arguments_keeps_its_place():
    fragments: list[Fragment] = [(0, "a", "now", ""), (1, "b", "write", '{"b": 2}')]
    assert collected(fragments)[0] == [("now", "{}", "a"), B]


WHOLE = '{"path": "a\\\\b\\"c", "list": [1, {"x": "y ] z"}, [2]], "n": {"q": null, "é": "😀"}}'


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_no_beginning_of_a_call_passes_as_whole(size):
    for end in range(len(WHOLE)):
        cut = WHOLE[:end]
        fragments: list[Fragment] = [(0, "a", "write", "")]
        fragments += [(0, None, None, cut[i : i + size]) for i in range(0, end, size)]
        calls, streamed = collected(fragments, "length")
        assert calls == []
        (invalid,) = streamed.invalid_tool_calls
        assert without_mark(invalid["args"] or "") == cut


@pytest.mark.parametrize(
    "arguments",
    [
        '{"path": "a", "content": ',
        '{"a": 1} more',
        '["a"]',
        "12",
        "null",
        '"x"',
        '{"a": NaN}',
        "[{",
    ],
)
@pytest.mark.parametrize("ending", ["stop", "tool_calls", "length", "content_filter", "odd"])
def test_what_is_no_object_is_no_call_whatever_the_ending(arguments, ending):
    calls, streamed = collected([(0, "a", "write", arguments)], ending)
    assert calls == []
    assert without_mark(streamed.invalid_tool_calls[0]["args"] or "") == arguments


@given(st.text(alphabet='{}[]",:\\ 1an\n\u00e9/*', max_size=20))
def test_a_mark_comes_off_again(text):
    assert without_mark(text + mark_of(text, "length")) == text


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 3) | st.sampled_from(["0", "1", "x", 0.0, True, 1e300]),
            st.none() | st.sampled_from(["a", "b", "c"]),
            st.none() | st.sampled_from(["read", "write", "re", "ad"]),
            st.sampled_from(["", " ", "{", "}", '{"a": 1}', '"', "1", "[", '"k": ']),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["stop", "tool_calls", "length"]),
)
def test_any_fragments_give_one_result_streamed_and_whole(fragments, ending):
    _, streamed = collected(fragments, ending, ("read", "write"))
    ids = [call["id"] for call in (*streamed.tool_calls, *streamed.invalid_tool_calls)]
    assert None not in ids
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("manner", ["pieces", "all_so_far", "pieces_then_whole"])
@pytest.mark.parametrize(
    "arguments",
    [
        '{"not":{"not":{"not":{"not":1}}}}',
        '{"and": [{"and": [1, {"and": []}]}]}',
        '{"{": 0}',
        '{"{":{"{":"{"}}',
        '{":{":1}',
        '{"a": "{\\"a\\": 1}"}',
    ],
)
def test_arguments_that_go_on_with_their_own_beginning_are_whole(arguments, manner):
    # `collected` compares the sum of the chunks with the whole.
    sizes = [range(size, len(arguments), size) for size in (1, 2, 5)]
    for cuts in (*itertools.combinations(range(1, len(arguments)), 2), *sizes):
        ends = [0, *cuts, len(arguments)]
        pieces = [arguments[start:end] for start, end in itertools.pairwise(ends)]
        if manner == "all_so_far":
            pieces = list(itertools.accumulate(pieces))
        elif manner == "pieces_then_whole":
            pieces.append(arguments)
        fragments: list[Fragment] = [(0, "a", "f", ""), *((0, None, None, p) for p in pieces)]
        assert collected(fragments)[0] == [("f", json.dumps(json.loads(arguments)), "a")], pieces


def test_arguments_told_again_are_shown_as_they_come():
    calls = ToolCalls(["f"])
    shown = []
    for so_far in ('{"city": "', '{"city": "Os', '{"city": "Oslo"', '{"city": "Oslo"}'):
        calls.add(0, "f", so_far, "a", 0)
        shown += [call["args"] for call in calls.take()]
    assert shown == ['{"city": "', "Os", 'lo"', "}"]


def test_arguments_are_shown_as_they_come_also_after_an_empty_beginning():
    calls = ToolCalls(["f"])
    calls.add(0, "f", "", "a", 0)
    calls.add(0, None, '{"a":', None, 0)
    assert [call["args"] for call in calls.take()] == ['{"a":']


def test_many_calls_take_time_in_proportion():
    """Each of 3,000 calls in turn; looking through all the others each time would show."""
    calls = ToolCalls()
    for number in range(3_000):
        call_id = f"call_{number}"
        assert calls.place(number, "f", "", call_id) == number
        calls.add(number, "f", "", call_id, number)
        assert calls.place(number, None, '{"a": 1}', None) == number
        calls.add(number, None, '{"a": 1}', None, number)
    assert len(calls.take()) == 3_000


@pytest.mark.parametrize("name", [None, "f"])
def test_a_call_that_names_itself_in_each_fragment_is_not_parsed_in_each(monkeypatch, name):
    asked: list[str] = []

    def counted(text: str) -> bool:
        asked.append(text)
        return is_whole_object(text)

    monkeypatch.setattr(module, "is_whole_object", counted)
    calls = ToolCalls(["f"])
    calls.add(calls.place(0, "f", "", "a"), "f", "", "a", 0)
    for piece in ['{"text": "', *["some more {"] * 500, '"}']:
        calls.add(calls.place(0, name, piece, "a"), name, piece, "a", 0)
    assert len(asked) <= 2
    ((call,), _) = calls.parsed("tool_calls")
    assert call["args"] == {"text": "some more {" * 500}


@pytest.mark.parametrize(
    "fragment",
    [
        {"name": 5, "arguments": "", "call_id": "a"},
        {"name": "read", "arguments": {"a": 1}, "call_id": "a"},
        {"name": "read", "arguments": None, "call_id": "a"},
        {"name": "read", "arguments": "", "call_id": 7},
    ],
    ids=["name", "object", "nothing", "id"],
)
def test_what_is_no_text_is_refused_before_it_is_kept(fragment):
    assembler = MessageAssembler(CallFacts("chat_completions"))
    assembler.add_text("Let me see.")
    with pytest.raises(TypeError, match="text expected"):
        assembler.add_tool_call(0, **fragment)
    assert not assembler.calls.fresh
    partial = assembler.partial_message()
    assert (partial.text, partial.tool_call_chunks) == ("Let me see.", [])
