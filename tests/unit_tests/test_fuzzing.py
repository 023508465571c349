"""Whatever comes in, from the network or out of a checkpoint: an answer, or an error of ours.

What the streams' parsers make of strange JSON is in `test_chunking.py`; `python -m tests.fuzz` goes
on for as long as one likes, and what it has found is replayed here.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from pydantic_core import from_json

from langchain_aimlapi import ChatAIMLAPI, JSONLinesHandler, account
from langchain_aimlapi._dialects import routing
from langchain_aimlapi._messages.tool_calls import parse_tool_call
from langchain_aimlapi._wire.json import dumps, dumps_in_pieces
from langchain_aimlapi._wire.refusals import error_from_response
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPIProtocolError,
    AIMLAPIStreamInterruptedError,
)
from tests.conftest import WAYS, call, ways
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import DIALECTS, PARAMS, TARGETS, run

if TYPE_CHECKING:
    from collections.abc import Callable

CRASHES = Path(__file__).parents[1] / "fuzz" / "crashes"

endpoints = pytest.mark.parametrize("endpoint", DIALECTS)
few = settings(max_examples=30, phases=set(Phase) - {Phase.explain})
many = settings(few, max_examples=100)


@pytest.fixture(autouse=True)
def _no_catalogue_is_kept(monkeypatch):
    monkeypatch.setattr(account, "_catalogues", {})


@dataclass
class Item:
    """Something that only pydantic can look into."""

    numbers: list[float]


# --- what fuzzing has found -----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(file.name for file in CRASHES.iterdir()))
def test_what_was_found_once(name):
    run(name.partition("-")[0], (CRASHES / name).read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_what_fuzzing_begins_with(target):
    for seed in seeds(target):
        run(target, seed)


# --- conversations of any shape -------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=()), max_size=6) | st.sampled_from(
    ["", "\ud83d", "x\udc00", "\ufeff", "x" * 200]
)
maybe = st.none() | texts
keys = texts | st.sampled_from(
    [
        *("type", "text", "id", "name", "input", "args", "content", "tool_use_id", "source"),
        *("source_type", "data", "mime_type", "media_type", "url", "base64", "image_url", "detail"),
        *("file", "file_id", "file_data", "filename", "extras", "metadata", "refusal", "value"),
        *("reasoning", "index", "title", "call_id", "span", "annotations", "status", "summary"),
        *("encrypted_content", "output", "function", "arguments", "error"),
    ]
)
kinds = st.sampled_from(
    [
        *("text", "input_text", "output_text", "text-plain", "image", "image_url", "input_image"),
        *("file", "input_file", "document", "audio", "input_audio", "video", "refusal"),
        *("reasoning", "thinking", "tool_use", "tool_call", "invalid_tool_call", "tool_result"),
        *("server_tool_call", "non_standard", "citation", "item_reference", "message"),
        *("mcp_approval_response", "function_call", "web_search_call", "base64", "url", "id"),
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=3) | kinds | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
fields = st.dictionaries(keys, texts | anything, max_size=4)
blocks = fields | st.tuples(fields, kinds | anything).map(lambda made: {**made[0], "type": made[1]})
common = {
    "content": texts | st.lists(texts | blocks, max_size=3),
    "additional_kwargs": st.dictionaries(
        texts
        | st.sampled_from(
            [
                *("refusal", "output_items", "reasoning_details", "reasoning_content"),
                *("annotations", "tool_calls", "function_call", "audio", "__openai_role__"),
            ]
        ),
        anything | st.lists(blocks, max_size=2),
        max_size=3,
    ),
    "response_metadata": st.fixed_dictionaries(
        {},
        optional={
            "model_provider": st.sampled_from(["aimlapi", "openai", "anthropic"]) | anything,
            "endpoint": st.sampled_from(["chat_completions", "responses"]) | anything,
            "output_version": st.sampled_from(["v0", "v1", "responses/v1"]) | anything,
            "id": anything,
        },
    ),
    "name": maybe,
    "id": maybe,
}
arguments = st.dictionaries(texts, anything, max_size=2)
made_calls = st.fixed_dictionaries({"name": texts, "args": arguments, "id": maybe})
bad_calls = st.fixed_dictionaries({"name": maybe, "args": maybe, "id": maybe, "error": maybe})


def of(kind: type[BaseMessage], **more: Any) -> st.SearchStrategy[BaseMessage | None]:
    """Make messages of a kind; None for what LangChain does not take."""

    def made(values: dict[str, Any]) -> BaseMessage | None:
        with contextlib.suppress(Exception):
            return kind(**values)
        return None

    return st.fixed_dictionaries({**common, **more}).map(made)


conversations = st.lists(
    st.one_of(
        of(HumanMessage),
        of(SystemMessage),
        of(
            AIMessage,
            tool_calls=st.lists(made_calls, max_size=2),
            invalid_tool_calls=st.lists(bad_calls, max_size=2),
        ),
        of(AIMessageChunk),
        of(ToolMessage, tool_call_id=texts, artifact=anything),
        of(FunctionMessage, name=texts),
        of(ChatMessage, role=st.sampled_from(["user", "developer", "assistant", "tool"]) | texts),
        texts.filter(str.isascii).map(lambda name: RemoveMessage(id=name)),
    ).filter(lambda message: message is not None),
    max_size=3,
)


def payload_of(endpoint: str, messages: list[BaseMessage]) -> Any:
    """Return what is sent, as the server reads it."""
    with warnings.catch_warnings():
        # What is mended is told in warnings; here it is the rule and not the exception.
        warnings.simplefilter("ignore", UserWarning)
        payload = DIALECTS[endpoint].build_payload(messages, PARAMS)
    sent = dumps(payload)
    return json.loads(sent, parse_constant=pytest.fail)


@endpoints
@many
@given(messages=conversations)
@example(messages=[AIMessage([{"text": "no type"}])])
@example(messages=[HumanMessage([{"type": []}])])
@example(messages=[AIMessage("", additional_kwargs={"refusal": ["no text"]})])
@example(messages=[SystemMessage("x", additional_kwargs={"__openai_role__": {}})])
def test_any_conversation_is_sent_or_refused_and_not_changed(endpoint, messages):
    before = repr(messages)
    with contextlib.suppress(AIMLAPIConfigurationError, AIMLAPIInvalidRequestError):
        payload_of(endpoint, messages)
    assert repr(messages) == before


@many
@given(messages=conversations)
def test_a_large_payload_is_the_same_in_pieces(messages):
    payload = {"messages": [message.model_dump() for message in messages]}
    whole = outcome_of(dumps, payload)
    assert outcome_of(lambda value: b"".join(dumps_in_pieces(value)), payload) == whole


def outcome_of(encode: Callable[[Any], bytes], value: Any) -> bytes | str:
    """Return the JSON, or the words in which it is refused."""
    try:
        return encode(value)
    except AIMLAPIConfigurationError as error:
        return str(error)


@pytest.mark.parametrize("hide", [set, frozenset, Item], ids=lambda kind: kind.__name__)
def test_no_number_that_json_lacks_is_sent_in_any_wrapping(hide):
    assert json.loads(dumps({"a": hide([1.5])}))
    with pytest.raises(AIMLAPIConfigurationError, match="NaN or infinity"):
        dumps({"a": hide([float("nan")])})


@endpoints
@pytest.mark.parametrize(
    ("kwargs", "content"),
    [
        ({"refusal": ["no text"]}, "Hello"),
        ({"output_items": [{"id": "no type"}], "annotations": 5}, "Hello"),
        ({"reasoning_content": {}, "function_call": 7, "audio": {"id": "a"}}, "Hello"),
        ({}, ["Hello", {"text": "no type"}, {"type": ["a", "list"]}, {"type": "thinking"}]),
    ],
)
def test_what_other_providers_leave_behind_does_not_end_a_conversation(endpoint, kwargs, content):
    turn = AIMessage(content, additional_kwargs=kwargs)
    sent = payload_of(endpoint, [HumanMessage("Hi"), turn, HumanMessage("And?")])
    assert "Hello" in json.dumps(sent)


def test_arguments_with_a_number_beyond_floats_go_back_as_they_came():
    call = parse_tool_call("f", '{"a": 1e999}', "call_1")
    assert call["type"] == "invalid_tool_call"
    turn = AIMessage("", invalid_tool_calls=[call])
    sent, _ = payload_of("chat_completions", [turn])["messages"]
    assert sent["tool_calls"][0]["function"]["arguments"] == '{"a": 1e999}'


# --- every text arrives ---------------------------------------------------------------------------

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
Marked = tuple[Any, list[str]]
"""Something to send, and the texts in it that must arrive."""


def marked(make: Any) -> st.SearchStrategy[Marked]:
    return words.map(lambda word: (make(word), [word]))


def several(items: st.SearchStrategy[Marked]) -> st.SearchStrategy[Marked]:
    """Make lists, with all texts of their items."""
    return st.lists(items, min_size=1, max_size=3).map(
        lambda made: ([item for item, _ in made], [word for _, found in made for word in found])
    )


def block(kind: str, key: str = "text", **more: Any) -> st.SearchStrategy[Marked]:
    return marked(lambda word: {"type": kind, key: word, **more})


plain = marked(str)
written = plain | block("text") | block("input_text") | block("output_text")
documents = (
    block("text-plain", mime_type="text/plain")
    | marked(lambda w: {"type": "document", "source": {"type": "text", "data": w}})
    | marked(lambda w: {"type": "non_standard", "value": {"type": "text", "text": w}})
)
pictures = marked(lambda w: {"type": "image", "url": w}) | marked(
    lambda w: {"type": "image_url", "image_url": {"url": w}}
)
attached = pictures | block("file", "file_id")
results = plain | several(written | documents | attached)


def messages_of(kind: Any, contents: st.SearchStrategy[Marked]) -> st.SearchStrategy[Marked]:
    return contents.map(lambda made: (kind(made[0]), made[1]))


def calling(word: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "f", "args": {"a": [word]}, "id": "call_1"}])


def using(word: str) -> AIMessage:
    return AIMessage([{"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": word}}])


def misspelling(word: str) -> AIMessage:
    bad = {"name": "f", "args": word, "id": "call_1", "error": "no JSON"}
    return AIMessage("", invalid_tool_calls=[bad])


answers = st.one_of(
    messages_of(lambda content: ToolMessage(content, tool_call_id="call_1"), results),
    messages_of(
        lambda content: HumanMessage(
            [{"type": "tool_result", "tool_use_id": "call_1", "content": content}]
        ),
        results,
    ),
)
"""Results, which are sent behind their call alone."""

turns = st.one_of(
    messages_of(SystemMessage, plain | several(written)),
    messages_of(HumanMessage, plain | several(written | documents | attached)),
    messages_of(AIMessage, plain | several(written)),
    messages_of(AIMessage, several(block("refusal", "refusal"))),
    marked(lambda word: AIMessage("", additional_kwargs={"refusal": word})),
    marked(calling),
    marked(using),
    marked(misspelling),
    marked(lambda word: ChatMessage(role="developer", content=word)),
)


def strings_in(value: Any) -> list[str]:
    """Return all texts in a JSON value, and those in texts that are JSON themselves."""
    if isinstance(value, str):
        inner: list[str] = []
        # The pieces of a tool's result stand on lines of their own.
        for line in value.split("\n"):
            if line[:1] == "{":
                with contextlib.suppress(ValueError):
                    inner += strings_in(json.loads(line))
        return [value, *inner]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for item in value for text in strings_in(item)] if isinstance(value, list) else []


@endpoints
@many
@given(conversation=several(turns), answer=answers)
def test_every_text_of_a_conversation_arrives(endpoint, conversation, answer):
    messages, expected = conversation
    messages = [*messages, calling("word"), answer[0]]
    expected = [*expected, *answer[1]]
    arrived = "\0".join(strings_in(payload_of(endpoint, messages)))
    assert [word for word in expected if word not in arrived] == []


# --- replies of any shape -------------------------------------------------------------------------

BODIES = [body for kind in DIALECTS for body in seeds(f"{kind.partition('_')[0]}_stream")] + [
    body for kind in DIALECTS for body in seeds(f"{kind.partition('_')[0]}_reply")
]
ACCOUNT = seeds("account")


@st.composite
def spoiled(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """Make a body that is right, cut, has other bytes in it, or is no body at all."""
    body = draw(st.sampled_from(bodies))
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 40)))
    return draw(
        st.sampled_from([body, body[:start], body[start:], gzip.compress(body), b""])
        | st.binary(max_size=12).map(lambda other: body[:start] + other + body[end:])
        | st.binary(max_size=60)
    )


tokens = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
numbers = st.sampled_from(["0", "-1", "1e999", "nan", "9" * 400, "Thu, 31 Feb 2026 25:00:00 GMT"])
headers = st.fixed_dictionaries(
    {},
    optional={
        "content-type": tokens | st.sampled_from(["text/event-stream", "application/json", ";"]),
        "content-encoding": tokens | st.sampled_from(["gzip", "deflate", "br", "gzip, gzip"]),
        "retry-after": tokens | numbers,
        "retry-after-ms": tokens | numbers,
        "x-inference-id": tokens,
        "x-request-id": tokens,
        "x-aimlapi-credits-used": tokens | numbers,
        "x-aimlapi-usd-spent": tokens | numbers,
        "location": tokens | st.sampled_from(["//[", "https://h:port/", "/x"]),
        "etag": tokens,
    },
)
statuses = st.sampled_from([200, 200, 200, 201, 204, 304]) | st.integers(200, 599)


class Server(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Answers every request with the same bytes, a few at a time."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes, size: int) -> None:
        self.status, self.headers = status, headers
        self.parts = [body[start : start + size] for start in range(0, len(body), size)]

    def __iter__(self):
        yield from self.parts

    async def __aiter__(self):
        for part in self.parts:
            yield part

    def model(self, **options: Any) -> ChatAIMLAPI:
        transport = httpx.MockTransport(
            lambda _: httpx.Response(self.status, headers=self.headers, stream=self)
        )
        return ChatAIMLAPI(
            api_key="sk-very-secret-key",
            max_retries=0,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
            **options,
        )


servers = st.builds(Server, statuses, headers, spoiled(BODIES), st.sampled_from([1, 7, 100_000]))


async def outcome(llm: ChatAIMLAPI, way: str, **keywords: Any) -> Any:
    """Call a model; return the message, or an error of ours."""
    try:
        return await call(llm, way, **keywords)
    except AIMLAPIError as error:
        return error


@endpoints
@ways
@many
@given(server=servers)
async def test_any_reply_is_an_answer_or_an_error_of_ours(endpoint, way, server):
    routing.forget()
    log = io.StringIO()
    handler = JSONLinesHandler(log, include_text=True)
    handler.raise_error = True
    llm = server.model(use_responses_api=endpoint == "responses")
    answer = await outcome(llm, way, config={"callbacks": [handler]})
    if isinstance(answer, AIMLAPIError):
        assert "very-secret" not in f"{answer!r}{vars(answer)}"
        assert answer.retry_after is None or answer.retry_after >= 0
    else:
        assert isinstance(answer.content, str)
    [line] = log.getvalue().splitlines()
    assert from_json(line)["status"] in {"ok", "error"}


@few
@given(server=st.builds(Server, statuses, headers, spoiled(ACCOUNT), st.just(100)))
async def test_any_reply_about_the_account(server):
    llm = server.model()
    for ask in (llm.balance, llm.list_models, llm.usage_log):
        with contextlib.suppress(AIMLAPIError):
            ask()
    for aask in (llm.abalance, llm.alist_models, llm.ausage_log):
        with contextlib.suppress(AIMLAPIError):
            await aask()


@few
@given(st.integers(100, 999), headers, spoiled(BODIES))
def test_any_refusal_becomes_an_error_that_can_be_shown(status, headers, body):
    error = error_from_response(
        status, headers, body, secrets=["secret"], url="https://h/", model="m"
    )
    assert isinstance(error, AIMLAPIError)
    assert str(error)
    assert error.response is not None


# --- what came before an error --------------------------------------------------------------------


def chunk(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


@pytest.mark.parametrize("way", [way for way in WAYS if "stream" in way])
@pytest.mark.parametrize("size", [1, 100_000], ids=["byte by byte", "in one piece"])
async def test_what_stands_before_a_bad_event_is_shown(way, size):
    body = chunk("Hello, ") + chunk("wor") + b"data: \xff\n\n" + chunk("ld")
    server = Server(200, {"content-type": "text/event-stream"}, body, size)
    with pytest.raises(AIMLAPIStreamInterruptedError, match="not UTF-8") as caught:
        await call(server.model(), way)
    assert caught.value.partial_message.content == "Hello, wor"
    assert type(caught.value.__cause__) is AIMLAPIProtocolError


# --- the log of calls -----------------------------------------------------------------------------


@few
@given(prompt=texts)
def test_any_prompt_can_be_logged_to_a_file(tmp_path_factory, prompt):
    assume(prompt)
    file = tmp_path_factory.mktemp("log") / "calls.jsonl"
    handler = JSONLinesHandler(file, include_text=True)
    handler.raise_error = True
    server = Server(200, {}, seeds("chat_reply")[0], 100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        server.model().invoke([HumanMessage(prompt)], config={"callbacks": [handler]})
    [line] = file.read_text(encoding="utf-8").split("\n")[:-1]
    assert len(json.loads(line)["prompt"][0]["data"]["content"]) >= len(prompt)
