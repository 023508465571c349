"""How an answer ended, in the words of all routes."""

from __future__ import annotations

import pytest

from langchain_aimlapi._messages.endings import ending_of, is_cut, normalized_finish_reason
from langchain_aimlapi._messages.tool_calls import parse_tool_call

WORDS = {
    "stop": ("stop", "end_turn", "STOP_SEQUENCE", "completed"),
    "length": ("length", "MAX_TOKENS", "max_output_tokens", "model_context_window_exceeded"),
    "tool_call": ("tool_calls", "tool_call", "tool_use", "function_call"),
    "content_filter": ("content_filter", "SAFETY", "recitation"),
    "error": ("error",),
    None: ("whatever", "", None, 5),
}
pairs = pytest.mark.parametrize(
    ("word", "ending"), [(word, ending) for ending, words in WORDS.items() for word in words]
)


@pairs
def test_each_word_is_one_ending(word, ending):
    assert ending_of(word) == ending
    assert is_cut(word) is (ending in {"length", "content_filter", "error"})
    assert normalized_finish_reason(word, refused=False, called=False) == ending
    assert normalized_finish_reason(word, refused=True, called=True) == "refusal"
    called = normalized_finish_reason(word, refused=False, called=True)
    assert called == ("tool_call" if ending == "stop" else ending)


@pairs
def test_arguments_that_never_came_are_none_if_the_model_itself_ended(word, ending):
    call = parse_tool_call("f", " ", "call_1", word)
    is_whole = ending not in {"length", "content_filter", "error"}
    assert call["type"] == ("tool_call" if is_whole else "invalid_tool_call")
    assert is_whole or f"was cut ({word})" in call["error"]
