"""Token counts: offline, exact with the vocabulary and close without."""

from __future__ import annotations

import base64
import socket
import sys
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._messages import tokens
from langchain_aimlapi.errors import AIMLAPIConfigurationError

TEXT = "Hello world, this is a test of some tokens."


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("Counting tokens went to the network.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def llm() -> ChatAIMLAPI:
    return ChatAIMLAPI(api_key="key-1")


@pytest.fixture
def vocabulary() -> None:
    """Make sure that the vocabulary is there and looked for anew."""
    pytest.importorskip("bpe_openai", reason="the extra `tokens` is not installed")
    tokens._encoding.cache_clear()


@pytest.fixture
def no_vocabulary(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tokens, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    tokens._encoding.cache_clear()
    yield
    tokens._encoding.cache_clear()


@pytest.fixture(params=["vocabulary", "no_vocabulary"])
def either(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue(request.param)
    return request.param


@tool
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


# Counted with o200k_base by another implementation of it.
KNOWN = [
    ("", []),
    ("hello world", [24912, 2375]),
    ("Hello, world!", [13225, 11, 2375, 0]),
]


@pytest.mark.usefixtures("vocabulary")
@pytest.mark.parametrize(("text", "ids"), KNOWN)
def test_token_ids_of_the_models_own_vocabulary(llm, text, ids):
    assert llm.get_token_ids(text) == ids
    assert llm.get_num_tokens(text) == len(ids)


@pytest.mark.usefixtures("vocabulary")
def test_special_tokens_are_text(llm):
    assert llm.get_num_tokens("<|endoftext|>") > 1


@pytest.mark.usefixtures("no_vocabulary")
def test_without_the_vocabulary_ids_need_the_extra(llm):
    with pytest.raises(AIMLAPIConfigurationError, match=r"langchain-aimlapi\[tokens\]"):
        llm.get_token_ids("hello")


@pytest.mark.usefixtures("no_vocabulary")
def test_without_the_vocabulary_a_text_is_counted_about_right(llm):
    assert llm.get_num_tokens("") == 0
    assert llm.get_num_tokens("a") == 1
    assert llm.get_num_tokens("a" * 400) == 100


@pytest.mark.usefixtures("either")
class TestEitherWay:
    """What holds with the vocabulary and without."""

    def test_a_text(self, llm):
        assert 8 <= llm.get_num_tokens(TEXT) <= 14
        assert llm.get_num_tokens("日本語 😀\u2028 naïve") > 0

    def test_a_users_own_counter_goes_first(self):
        llm = ChatAIMLAPI(api_key="key-1", custom_get_token_ids=lambda text: [0] * len(text))
        assert llm.get_token_ids("abc") == [0, 0, 0]
        assert llm.get_num_tokens("abcd") == 4

    def test_messages_cost_more_than_their_text(self, llm):
        messages = [SystemMessage("Be brief."), HumanMessage(TEXT)]
        alone = llm.get_num_tokens("Be brief.") + llm.get_num_tokens(TEXT)
        assert alone < llm.get_num_tokens_from_messages(messages) <= alone + 20

    def test_more_messages_cost_more(self, llm):
        messages = [HumanMessage(TEXT)]
        counts = [llm.get_num_tokens_from_messages(messages * n) for n in (1, 2, 3)]
        assert counts[0] < counts[1] < counts[2]
        assert counts[2] - counts[1] == counts[1] - counts[0]

    def test_tools_count(self, llm):
        messages = [HumanMessage(TEXT)]
        without = llm.get_num_tokens_from_messages(messages)
        assert llm.get_num_tokens_from_messages(messages, tools=[]) == without
        one = llm.get_num_tokens_from_messages(messages, tools=[add])
        assert one > without + 20
        builtin = [add, {"type": "web_search_preview"}]
        assert llm.get_num_tokens_from_messages(messages, tools=builtin) > one

    def test_an_image_costs_as_an_image_and_not_as_its_letters(self, llm):
        encoded = base64.b64encode(b"x" * 300_000).decode()
        text = {"type": "text", "text": TEXT}
        plain = llm.get_num_tokens_from_messages([HumanMessage([text])])
        for block in (
            {"type": "image", "base64": encoded, "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
            {"type": "image", "url": "https://example.com/a.png"},
        ):
            counted = llm.get_num_tokens_from_messages([HumanMessage([text, block])])
            assert 50 <= counted - plain <= 500

    def test_a_file_is_not_counted_by_its_letters(self, llm):
        encoded = base64.b64encode(b"x" * 300_000).decode()
        block = {"type": "file", "base64": encoded, "mime_type": "application/pdf"}
        assert llm.get_num_tokens_from_messages([HumanMessage([block])]) < 2_000

    def test_calls_and_results_count(self, llm):
        call = {"name": "add", "args": {"first": 1, "second": 2}, "id": "call_1"}
        without = llm.get_num_tokens_from_messages([AIMessage("")])
        turn = [AIMessage("", tool_calls=[call])]
        assert llm.get_num_tokens_from_messages(turn) > without + 5
        turn.append(ToolMessage("3", tool_call_id="call_1"))
        assert llm.get_num_tokens_from_messages(turn) > without + 8

    def test_every_kind_of_content(self, llm):
        messages = [
            HumanMessage(["plain", {"type": "text", "text": "block"}], name="me"),
            AIMessage([{"type": "reasoning", "reasoning": "x"}, {"type": "text", "text": "y"}]),
            AIMessage([{"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}}]),
            ToolMessage([{"type": "text", "text": "z"}], tool_call_id="a"),
            HumanMessage([{"type": "text", "text": ""}]),
            HumanMessage([]),
        ]
        assert 10 < llm.get_num_tokens_from_messages(messages) < 200

    def test_nothing_is_loaded_for_a_model_that_is_not_asked(self, llm):
        assert llm.model == "openai/gpt-5-1"
        assert tokens._encoding.cache_info().currsize == 0
