"""Any history is taken: orders, orphans, names, results and blocks of whatever kind."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi import AIMLAPIInvalidRequestError, ChatAIMLAPI
from langchain_aimlapi._messages.content import tool_result
from langchain_aimlapi._messages.history import NOT_RUN, Result, Spoken, legal_name, normal_form
from langchain_aimlapi._messages.seal import fingerprint
from langchain_aimlapi.emulator import Emulator, Fault, Reply, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "openai/gpt-5-1"
ASKED = HumanMessage("What now?")
endpoints = pytest.mark.parametrize("use_responses_api", [False, True], ids=["chat", "responses"])


def calling(*ids: str | None, **fields: Any) -> AIMessage:
    calls = [{"name": "look", "args": {}, "id": name} for name in ids]
    return AIMessage(fields.pop("content", ""), tool_calls=calls, **fields)


def result(call_id: str, content: Any = "seen") -> ToolMessage:
    return ToolMessage(content, tool_call_id=call_id)


@pytest.fixture
def sent(emulator: Emulator, use_responses_api: bool) -> Callable[..., list[str]]:
    """Send a history, and return its turns in short: roles, `call:id`, `result:id:text`."""

    def send(*messages: Any) -> list[str]:
        llm = ChatAIMLAPI(model=MODEL, use_responses_api=use_responses_api, **emulator.connection())
        llm.invoke(list(messages))
        body = emulator.requests[-1].json
        return list(short(body["input" if use_responses_api else "messages"]))

    return send


def short(items: list[dict[str, Any]]) -> Any:
    for item in items:
        if item.get("role") == "tool":
            yield f"result:{item['tool_call_id']}:{item['content']}"
        elif item.get("type") == "function_call":
            yield f"call:{item['call_id']}"
        elif item.get("type") == "function_call_output":
            yield f"result:{item['call_id']}:{item['output']}"
        else:
            if item["role"] != "assistant" or item.get("content"):
                yield item["role"]
            yield from (f"call:{call['id']}" for call in item.get("tool_calls", ()))


@endpoints
@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([calling("a"), HumanMessage("?"), result("a")], ["call:a", "result:a:seen", "user"]),
        (
            [calling("a"), result("a"), calling("a"), result("a", "again")],
            ["call:a", "result:a:seen", "call:a", "result:a:again"],
        ),
        (
            [calling("a", "a"), result("a", "1"), result("a", "2")],
            ["call:a", "call:a_1_1", "result:a:1", "result:a_1_1:2"],
        ),
        (
            [calling(None), ToolMessage("seen", tool_call_id="x")],
            ["call:call_1_0", "result:call_1_0:seen"],
        ),
        (
            [calling("a", "b"), result("b", "2"), result("a", "1")],
            ["call:a", "call:b", "result:a:1", "result:b:2"],
        ),
        (
            [calling("a"), calling("b"), result("a", "1"), result("b", "2")],
            ["call:a", "result:a:1", "call:b", "result:b:2"],
        ),
        (
            [calling(None), HumanMessage([{"type": "tool_result", "content": "seen"}])],
            ["call:call_1_0", "result:call_1_0:seen"],
        ),
        ([calling("a"), FunctionMessage("4", name="look")], ["call:a", "result:a:4"]),
        (
            [calling("a"), ChatMessage("4", role="tool", tool_call_id="a")],
            ["call:a", "result:a:4"],
        ),
        ([ChatMessage("Hello.", role="assistant"), AIMessage("More.")], ["assistant"] * 2),
    ],
)
def test_results_find_their_calls(sent, history, expected):
    assert sent(ASKED, *history) == ["user", *expected]


@endpoints
@pytest.mark.parametrize(
    ("history", "expected", "warning"),
    [
        ([calling("a")], ["call:a", f"result:a:{NOT_RUN}"], "has no result"),
        (
            [calling("a"), result("a", "1"), result("a", "2")],
            ["call:a", "result:a:2"],
            "several results",
        ),
        (
            [calling("a", "b"), result("a", "1"), result("a", "2"), result("b", "3")],
            ["call:a", "call:b", "result:a:2", "result:b:3"],
            "several results",
        ),
        ([result("a")], [], "answers no call"),
        ([result("a"), calling("a"), result("a")], ["call:a", "result:a:seen"], "answers no call"),
        ([FunctionMessage("4", name="add")], [], "answers no call"),
        ([ChatMessage("4", role="tool")], [], "answers no call"),
    ],
)
def test_what_no_rule_can_place_is_left_out_or_filled_in(sent, history, expected, warning):
    with pytest.warns(UserWarning, match=warning):
        assert sent(ASKED, *history) == ["user", *expected]


@endpoints
def test_an_invalid_call_is_answered_too(sent):
    bad = {"name": "look", "args": '{"at": "half', "id": "a", "error": "no JSON"}
    with pytest.warns(UserWarning, match="has no result"):
        turns = sent(ASKED, AIMessage("", invalid_tool_calls=[bad]))
    assert turns == ["user", "call:a", f"result:a:{NOT_RUN}"]


@endpoints
@pytest.mark.parametrize(
    ("message", "words"),
    [
        (RemoveMessage(id="1"), "Message 1.*'remove'"),
        (ChatMessage("Hi", role="critic"), "Message 1.*'critic'"),
        (HumanMessage([{"type": "audio", "base64": "eA=="}]), "Message 1.*Block 0.*audio"),
    ],
)
def test_what_is_refused_names_message_and_block(sent, message, words):
    with pytest.raises(AIMLAPIInvalidRequestError, match=words):
        sent(ASKED, message)


@endpoints
def test_nothing_left_is_refused(sent):
    with (
        pytest.warns(UserWarning, match="answers no call"),
        pytest.raises(AIMLAPIInvalidRequestError, match="no message"),
    ):
        sent(result("a"))


@endpoints
def test_calls_that_were_taken_out_do_not_come_back(sent):
    block = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    turn = AIMessage(
        [{"type": "text", "text": "I look."}, block],
        tool_calls=[{"name": "look", "args": {}, "id": "a"}],
        response_metadata={"model_provider": "anthropic"},
    )
    turn = turn.model_copy(update={"tool_calls": []})
    assert sent(ASKED, turn, ASKED) == ["user", "assistant", "user"]


def test_names_become_legal_and_stay_two():
    names = ["look", "look it up", "look/it/up", "ü" * 90, "", "x" * 65, "\ud800"]
    made = [legal_name(name) for name in names]
    assert made[0] == "look"
    assert len(set(made)) == len(names)
    assert made == [legal_name(name) for name in names]
    assert all(0 < len(name) <= 64 and name.isascii() for name in made)


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ({"a": 1}, '{"a":1}'),
        ([{"a": 1}, 2, None], '{"a":1}\n2\nnull'),
        (b"bytes", "bytes"),
        (ValueError("broken"), "ValueError: broken"),
        (Point(3), '{"x":3}'),
        (float("nan"), "null"),
        ([{"type": "file", "url": "https://x/a.zip"}], "https://x/a.zip"),
        ([{"type": "file", "name": "a.zip"}], "a.zip"),
        ([{"type": "audio", "url": "https://x/a.wav"}], "https://x/a.wav"),
        ([{"type": "resource_link", "uri": "file:///a", "name": "a"}], "file:///a"),
        ([{"type": "resource", "resource": {"uri": "x:1", "text": "read"}}], "read"),
        ([{"type": "image", "file_id": "file-1"}], "file-1"),
        ([{"type": "text-plain", "base64": "SGk=", "mime_type": "text/plain"}], "Hi"),
        (
            [{"type": "search_result", "title": "T", "source": "S", "content": ["one"]}],
            "T\nS\none",
        ),
        ([{"type": "tool_result", "content": [{"type": "text", "text": "in"}]}], "in"),
        ([{"text": "Bedrock's"}], "Bedrock's"),
    ],
    ids=repr,
)
def test_a_result_of_any_kind_is_text(content, text):
    told, moved = tool_result(content)
    assert text in told if text else told == ""
    assert moved == []


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "data": "eA==", "mimeType": "image/png"},
        {"type": "media", "data": b"x", "mime_type": "image/png"},
        {"image": {"format": "png", "source": {"bytes": b"x"}}},
    ],
)
def test_images_of_other_makers_are_images(block):
    url = "data:image/png;base64,eA=="
    assert tool_result([block]) == ("", [{"type": "image_url", "image_url": {"url": url}}])


def test_data_that_nobody_can_read_is_not_sent():
    told, _ = tool_result([{"type": "audio", "base64": "A" * 100_000, "mime_type": "audio/wav"}])
    assert len(told) < 200
    assert "audio/wav" in told


# --- foreign turns --------------------------------------------------------------------------------


@endpoints
def test_foreign_secrets_are_not_sent_and_texts_are(emulator, sent):
    turn = AIMessage(
        [
            {"type": "thinking", "thinking": "SECRET", "signature": "SECRET"},
            {"type": "redacted_thinking", "data": "SECRET"},
            {"type": "reasoning", "reasoning": "SECRET", "extras": {"signature": "SECRET"}},
            {"type": "file_search_call", "id": "fs_1", "status": "SECRET"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "SECRET"}},
            {"type": "text", "text": "Hello."},
            {"cachePoint": {"type": "default"}},
        ],
        additional_kwargs={"output_items": [{"type": "reasoning", "encrypted_content": "SECRET"}]},
        response_metadata={"model_provider": "anthropic"},
    )
    with pytest.warns(UserWarning, match="left out: file_search_call, server_tool_use"):
        assert sent(ASKED, turn, ASKED) == ["user", "assistant", "user"]
    body = json.dumps(emulator.requests[-1].json)
    assert "SECRET" not in body
    assert "Hello." in body


# --- sealed reasoning -----------------------------------------------------------------------------


def model(emulator: Emulator, **fields: Any) -> ChatAIMLAPI:
    return ChatAIMLAPI(
        **{**emulator.connection(), "model": MODEL, "use_responses_api": True, **fields}
    )


def sealed_in(emulator: Emulator) -> list[Any]:
    return [item for item in emulator.requests[-1].json["input"] if item.get("type") == "reasoning"]


@pytest.mark.parametrize(
    ("include", "wire"),
    [
        (None, ["reasoning.encrypted_content"]),
        ([], None),
        (
            ["code_interpreter_call.outputs"],
            ["code_interpreter_call.outputs", "reasoning.encrypted_content"],
        ),
    ],
)
@pytest.mark.parametrize("on_call", [False, True])
def test_encrypted_reasoning_can_be_switched_off(emulator, include, wire, on_call):
    given = {} if include is None else {"include": include}
    if on_call:
        model(emulator).invoke("Hi", **given)
    else:
        model(emulator, **given).invoke("Hi")
    assert emulator.requests[-1].json.get("include") == wire


def test_sealed_reasoning_goes_back_to_whom_it_came_from_alone(emulator):
    emulator.script(Reply("Hello.", reasoning="Hm."))
    first = model(emulator).invoke("Hi")
    history = [ASKED, first, ASKED]
    model(emulator).invoke(history)
    [item] = sealed_in(emulator)
    assert item.keys() <= {"type", "id", "summary", "encrypted_content", "status"}
    # A client of the user's own, for one of the emulator's asks no other address.
    inner = emulator.connection()["http_client"]._transport
    client = httpx.Client(transport=httpx.MockTransport(inner.handle_request))
    elsewhere = {
        "base_url": "https://other.example/v1",
        "http_client": client,
        "http_async_client": None,
    }
    for other in ({"model": "openai/gpt-5-1-codex"}, elsewhere):
        model(emulator, **other).invoke(history)
        assert sealed_in(emulator) == []
    assert fingerprint("a", "key-1") != fingerprint("a", "key-2")
    assert "key-1" not in fingerprint("a", "key-1")


def test_reasoning_never_goes_alone(emulator):
    emulator.script(Reply("Hello.", reasoning="Hm."))
    first = model(emulator).invoke("Hi")
    edited = first.model_copy(update={"content": ""})
    model(emulator).invoke([ASKED, edited, ASKED])
    assert sealed_in(emulator) == []


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_what_cannot_be_opened_is_left_out_from_then_on(emulator, way):
    emulator.script(Reply("Hello.", reasoning="Hm."))
    llm = model(emulator, max_retries=0)
    history = [ASKED, llm.invoke("Hi"), ASKED]
    refusal = {"error": {"message": "Could not be verified.", "code": "invalid_encrypted_content"}}
    emulator.script(Fault.body(json.dumps(refusal).encode(), status=400))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(llm.stream(history)) if way == "stream" else llm.invoke(history)
    assert len(emulator.requests) == 3
    assert sealed_in(emulator) == []
    llm.invoke(history)
    assert len(emulator.requests) == 4
    assert sealed_in(emulator) == []


@endpoints
def test_instructions_in_the_middle_and_empty_turns(sent):
    turns = sent(SystemMessage("a"), ASKED, SystemMessage("b"), AIMessage("x"), HumanMessage([]))
    assert turns == ["system", "user", "system", "assistant", "user"]


# --- the emulator's rule of sealed reasoning ------------------------------------------------------


def sealed_of(message: AIMessage) -> dict[str, Any]:
    items = message.additional_kwargs["output_items"]
    return next(item for item in items if item["type"] == "reasoning")


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_the_emulator_opens_what_it_sealed_and_nothing_else(emulator, way):
    llm = model(emulator, max_retries=0)
    first = llm.invoke("Hi")
    assert sealed_of(first)["encrypted_content"]
    history = [ASKED, first, ASKED]
    llm.invoke(history)
    assert len(sealed_in(emulator)) == 1
    assert len(emulator.requests) == 2
    sealed_of(first)["encrypted_content"] += "x"
    list(llm.stream(history)) if way == "stream" else llm.invoke(history)
    refused, answered = emulator.requests[2:]
    assert (refused.status, answered.status) == (400, 200)
    assert sealed_in(emulator) == []
    llm.invoke([*history, llm.invoke(history), ASKED])
    assert [request.status for request in emulator.requests[4:]] == [200, 200]
    # What the thread went on with is opened: only the item that was altered stays out.
    assert len(sealed_in(emulator)) == 1


def test_nothing_is_sealed_that_was_not_asked_for(emulator):
    first = model(emulator, include=[]).invoke("Hi", reasoning={"summary": "auto"})
    assert "encrypted_content" not in sealed_of(first)


def test_ids_of_another_account_stay_here(emulator):
    emulator.script(Reply("I look.", reasoning="Hm.", tool_calls=[ToolCall("look", {}, "a")]))
    first = model(emulator).invoke("Hi")
    history = [ASKED, first, result("a")]
    model(emulator).invoke(history)
    assert {"msg", "fc", "rs"} <= {item["id"][:3].rstrip("_") for item in with_ids(emulator)}
    model(emulator, model="openai/gpt-5-1-codex").invoke(history)
    assert [item for item in with_ids(emulator) if item["id"].startswith(("msg", "rs"))] == []


def with_ids(emulator: Emulator) -> list[dict[str, Any]]:
    return [item for item in emulator.requests[-1].json["input"] if "id" in item]


def test_items_go_only_to_models_that_take_them(emulator):
    code = {"type": "code_interpreter_call", "id": "ci_1", "code": "1", "container_id": "c"}
    items = [{**code, "status": "completed"}, {"type": "message", "id": "msg_1", "span": [0, 3]}]
    turn = AIMessage(
        "Hi.",
        additional_kwargs={"output_items": items},
        response_metadata={"model_provider": "aimlapi"},
    )
    model(emulator).invoke([ASKED, turn, ASKED])
    assert emulator.requests[-1].json["input"][1]["type"] == "code_interpreter_call"
    with pytest.warns(UserWarning, match="left out: code_interpreter_call"):
        model(emulator, model="openai/gpt-5-1-codex").invoke([ASKED, turn, ASKED])
    assert emulator.requests[-1].json["input"][1]["type"] == "message"


def test_a_call_of_the_local_shell_goes_to_other_models_as_a_functions(emulator):
    turn = AIMessage(
        "",
        tool_calls=[{"name": "shell_command", "args": {"command": "ls"}, "id": "a"}],
        additional_kwargs={
            "output_items": [{"type": "local_shell_call", "call_id": "a", "id": "lsh_1"}]
        },
        response_metadata={"model_provider": "aimlapi"},
    )
    history = [ASKED, turn, result("a")]
    model(emulator, model="openai/gpt-5-1-codex").invoke(history)
    assert emulator.requests[-1].json["input"][1]["type"] == "local_shell_call"
    model(emulator).invoke(history)
    assert [item.get("type") for item in emulator.requests[-1].json["input"]] == [
        None,
        "function_call",
        "function_call_output",
    ]


def test_a_result_without_an_id_answers_no_call_that_the_vendor_has():
    with pytest.warns(UserWarning, match="answers no call"):
        turns = normal_form([result(""), ASKED], continued=True)
    assert [type(turn) for turn in turns] == [Spoken]


def test_a_result_may_answer_a_call_that_the_vendor_has():
    turns = normal_form([result("call_1"), ASKED], continued=True)
    assert [type(turn) for turn in turns] == [Result, Spoken]


@pytest.mark.parametrize(("fields", "calls"), [({}, ["a"]), ({"tool_calls": []}, [])])
def test_a_call_in_the_content_counts_unless_the_calls_were_taken_out(fields, calls):
    block = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no result answers it
        _, turn = normal_form([ASKED, AIMessage([block], **fields)])
    assert [call.id for call in turn.calls] == calls


def test_one_message_may_hold_the_results_of_several_calls():
    results = [
        {"type": "tool_result", "tool_use_id": name, "content": f"saw {name}"} for name in "ab"
    ]
    _, turn = normal_form([ASKED, calling("a", "b"), HumanMessage(results)])
    assert [call.result for call in turn.calls] == ["saw a", "saw b"]


def test_a_made_up_id_is_that_of_no_other_call():
    with pytest.warns(UserWarning, match="has no result"):
        turns = normal_form([ASKED, calling("call_1_1", None, "call_1_1", "call_1_1")])
    ids = [call.id for call in turns[1].calls]
    assert len(set(ids)) == 4
    assert ids[0] == "call_1_1"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (AIMessage.model_construct(content="", tool_calls=[{"id": "a"}]), "KeyError"),
        (ChatMessage.model_construct(content="", role=5), "no role 5"),
        (RemoveMessage("a"), "no role 'remove'"),
    ],
)
def test_a_message_that_nobody_could_have_meant_is_named(message, words):
    with pytest.raises(AIMLAPIInvalidRequestError, match=f"Message 1.*{words}"):
        normal_form([ASKED, message])
