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

    @pytest.mark.parametrize(
        "block",
        [
            {"type": "media", "data": "QUFB" * 9_000, "mime_type": "image/png"},
            {"type": "image", "source_type": "base64", "data": "QUFB" * 9_000},
            {"type": "image", "source": {"type": "base64", "data": "QUFB" * 9_000}},
            {"type": "input_image", "image_url": "data:image/png;base64," + "QUFB" * 9_000},
            {"image": {"format": "png", "source": {"bytes": b"AAA" * 9_000}}},
            {"type": "tool_result", "content": [{"type": "image", "url": "https://x.example/a"}]},
        ],
        ids=lambda block: str(block)[:30],
    )
    @pytest.mark.parametrize("kind", [HumanMessage, ToolMessage])
    def test_an_image_is_one_in_every_spelling(self, llm, block, kind):
        fields = {"tool_call_id": "a"} if kind is ToolMessage else {}
        plain = llm.get_num_tokens_from_messages([kind([], **fields)])
        assert llm.get_num_tokens_from_messages([kind([block], **fields)]) == plain + 85

    def test_pages_of_a_file_count(self, llm):
        def count(pages: int) -> int:
            data = base64.b64encode(b"%PDF-1.7 /Type /Pages" + b" /Type /Page " * pages).decode()
            block = {"type": "file", "base64": data, "mime_type": "application/pdf"}
            return llm.get_num_tokens_from_messages([HumanMessage([block])])

        assert 500 < count(2) - count(1) == count(3) - count(2) < 2_000
        assert count(1) > 500

    def test_a_file_that_cannot_be_read_is_one_page(self, llm):
        block = {"type": "file", "file": {"file_data": "data:application/pdf;base64,A"}}
        plain = llm.get_num_tokens_from_messages([HumanMessage([])])
        assert llm.get_num_tokens_from_messages([HumanMessage([block])]) == plain + 750

    @pytest.mark.parametrize(
        "block",
        [
            {"type": "text-plain", "base64": base64.b64encode(TEXT.encode()).decode()},
            {"type": "search_result", "title": "T", "source": "S", "content": [{"text": TEXT}]},
            {"type": "tool_result", "content": [{"type": "text", "text": TEXT}]},
            {"type": "document", "source": {"type": "text", "data": TEXT}},
            {"text": TEXT},
            {"type": "json", "json": {"found": TEXT}},
        ],
        ids=lambda block: str(block)[:30],
    )
    def test_text_counts_wherever_it_stands(self, llm, block):
        plain = llm.get_num_tokens_from_messages([ToolMessage([], tool_call_id="a")])
        counted = llm.get_num_tokens_from_messages([ToolMessage([block], tool_call_id="a")])
        assert counted >= plain + llm.get_num_tokens(TEXT) - 2

    def test_invalid_calls_and_refusals_count(self, llm):
        bad = {"name": "add", "args": TEXT, "id": "a", "error": None}
        plain = llm.get_num_tokens_from_messages([AIMessage("")])
        for turn in (
            AIMessage("", invalid_tool_calls=[bad]),
            AIMessage("", additional_kwargs={"refusal": TEXT}),
        ):
            counted = llm.get_num_tokens_from_messages([turn])
            assert counted >= plain + llm.get_num_tokens(TEXT)

    def test_reasoning_counts_where_it_is_sent(self, llm):
        plain = llm.get_num_tokens_from_messages([AIMessage("y")])
        own = {"response_metadata": {"model_provider": "aimlapi"}}
        shown = AIMessage("y", additional_kwargs={"reasoning_content": TEXT}, **own)
        detail = {"type": "reasoning.text", "text": TEXT}
        detailed = AIMessage("y", additional_kwargs={"reasoning_details": [detail]}, **own)
        for turn in (shown, detailed):
            counted = llm.get_num_tokens_from_messages([turn])
            assert counted == plain + llm.get_num_tokens(TEXT)
        item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x" * 9_000}
        details = {"output_token_details": {"reasoning": 70}}
        usage = {"input_tokens": 1, "output_tokens": 99, "total_tokens": 100, **details}
        sealed = AIMessage(
            "y", additional_kwargs={"output_items": [item]}, usage_metadata=usage, **own
        )
        assert llm.get_num_tokens_from_messages([sealed]) == plain + 70
        unknown = sealed.model_copy(update={"usage_metadata": None})
        assert llm.get_num_tokens_from_messages([unknown]) == plain
        search = {"type": "web_search_call", "id": "ws_1", "action": {"query": TEXT}}
        searched = AIMessage("y", additional_kwargs={"output_items": [search]}, **own)
        assert llm.get_num_tokens_from_messages([searched]) >= plain + llm.get_num_tokens(TEXT)
        foreign = AIMessage(
            [{"type": "thinking", "thinking": TEXT}, {"type": "text", "text": "y"}],
            response_metadata={"model_provider": "anthropic"},
        )
        assert llm.get_num_tokens_from_messages([foreign]) == plain

    def test_nothing_is_loaded_for_a_model_that_is_not_asked(self, llm):
        assert llm.model == "openai/gpt-5-1"
        assert tokens._encoding.cache_info().currsize == 0
