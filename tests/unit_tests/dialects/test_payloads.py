"""What is sent: messages of every role and shape, and parameters of every kind.

The payloads are those that the emulator received, and each is also checked against the vendor's
schemas (see conftest).
"""

from __future__ import annotations

import functools
import json
import warnings
from typing import TYPE_CHECKING, Any, Literal

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool
from pydantic import BaseModel
from pydantic.v1 import BaseModel as BaseModelV1
from typing_extensions import TypedDict

from langchain_aimlapi import AIMLAPIConfigurationError, AIMLAPIInvalidRequestError, ChatAIMLAPI
from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._messages.tools import wire_tool, wire_tool_choice
from langchain_aimlapi.emulator import Emulator, Reply, ToolCall
from tests.conftest import MODELS, SPEC, collect, complain

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "openai/gpt-5-1"
PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
PICTURE = "https://example.com/cat.png"
ASKED = HumanMessage("What now?")


@pytest.fixture
def send(emulator: Emulator) -> Callable[..., dict[str, Any]]:
    """Send messages to chat completions with the parameters of a call; return the payload."""

    def send_them(messages: Any = "Hello", /, **call: Any) -> dict[str, Any]:
        llm = ChatAIMLAPI(model=MODEL, use_responses_api=False, **emulator.connection())
        llm.invoke(messages, **call)
        return emulator.requests[-1].json

    return send_them


@pytest.fixture
def built(emulator: Emulator) -> Callable[..., dict[str, Any]]:
    """Make a model of these parameters, send a word with it, and return the payload."""

    def build(prompt: Any = "Hello", /, **parameters: Any) -> dict[str, Any]:
        ChatAIMLAPI(**{**emulator.connection(), **parameters}).invoke(prompt)
        return emulator.requests[-1].json

    return build


@pytest.fixture
def respond(emulator: Emulator) -> Callable[..., dict[str, Any]]:
    """Send messages to responses; return the payload."""

    def send_them(messages: Any = "Hello", /, **call: Any) -> dict[str, Any]:
        llm = ChatAIMLAPI(model=MODEL, use_responses_api=True, **emulator.connection())
        llm.invoke(messages, **call)
        return emulator.requests[-1].json

    return send_them


def user_content(send: Any, *blocks: Any) -> Any:
    return send([HumanMessage(list(blocks))])["messages"][0]["content"]


def calling(*ids: str, **fields: Any) -> AIMessage:
    """Make an assistant turn that calls a tool once for each id."""
    calls = [{"name": "look", "args": {"at": name}, "id": name} for name in ids]
    return AIMessage(fields.pop("content", ""), tool_calls=calls, **fields)


def wire_call(call_id: str) -> dict[str, Any]:
    function = {"name": "look", "arguments": json.dumps({"at": call_id}, separators=(",", ":"))}
    return {"id": call_id, "type": "function", "function": function}


@pytest.mark.skipif(not SPEC.exists(), reason="the vendor's schemas are kept elsewhere")
@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("/chat/completions", {"messages": [{"role": "assistant", "content": None}]}),
        ("/chat/completions", {"messages": [{"role": "tool", "content": []}]}),
        ("/chat/completions", {"messages": [], "reasoning_effort": "none"}),
        ("/responses", {"messages": []}),
        ("/responses", {"input": [], "max_output_tokens": 1}),
    ],
)
def test_the_check_of_payloads_finds_what_is_wrong(path, payload):
    assert complain(path, {"model": MODEL, **payload})


# --- roles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (HumanMessage("Hi"), {"role": "user", "content": "Hi"}),
        (HumanMessage(""), {"role": "user", "content": ""}),
        (HumanMessage("Hi", name="ada"), {"role": "user", "content": "Hi", "name": "ada"}),
        (SystemMessage("Be brief."), {"role": "system", "content": "Be brief."}),
        (
            SystemMessage("Be brief.", name="house"),
            {"role": "system", "content": "Be brief.", "name": "house"},
        ),
        (
            SystemMessage("Be brief.", additional_kwargs={"__openai_role__": "developer"}),
            {"role": "developer", "content": "Be brief."},
        ),
        (
            SystemMessage([{"type": "text", "text": "Be"}, " brief."]),
            {
                "role": "system",
                "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": " brief."}],
            },
        ),
        (ChatMessage("Hi", role="user"), {"role": "user", "content": "Hi"}),
        (ChatMessage("Be brief.", role="system"), {"role": "system", "content": "Be brief."}),
        (ChatMessage("Be brief.", role="developer"), {"role": "developer", "content": "Be brief."}),
        (AIMessage("Hello."), {"role": "assistant", "content": "Hello."}),
        (AIMessage(""), {"role": "assistant", "content": ""}),
        (AIMessage([]), {"role": "assistant", "content": ""}),
        (AIMessageChunk("Hello."), {"role": "assistant", "content": "Hello."}),
        (
            AIMessage("Hello.", name="bob"),
            {"role": "assistant", "content": "Hello.", "name": "bob"},
        ),
        (
            AIMessage(["Hel", {"type": "text", "text": "lo."}]),
            {"role": "assistant", "content": "Hello."},
        ),
    ],
    ids=repr,
)
def test_a_message_of_each_role(send, message, wire):
    assert send([message, ASKED])["messages"][0] == wire


def test_ways_to_write_a_conversation(send):
    expected = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Bye"},
    ]
    pairs = [("system", "Be brief."), ("human", "Hi"), ("ai", "Hello."), ("user", "Bye")]
    assert send(pairs)["messages"] == expected
    assert send(expected)["messages"] == expected


def test_a_developer_message_in_openai_form(send):
    sent = send([{"role": "developer", "content": "Be brief."}, ASKED])
    assert sent["messages"][0] == {"role": "developer", "content": "Be brief."}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (ChatMessage("Hi", role="critic"), "'critic'.*assistant"),
        (RemoveMessage(id="1"), "'remove'"),
    ],
    ids=["unknown", "remove"],
)
def test_a_role_that_the_api_does_not_have(send, message, words):
    with pytest.raises(AIMLAPIInvalidRequestError, match=words):
        send([ASKED, message])


@pytest.mark.parametrize("use_responses_api", [False, True])
def test_an_empty_conversation(emulator, use_responses_api):
    llm = ChatAIMLAPI(use_responses_api=use_responses_api, **emulator.connection())
    with pytest.raises(AIMLAPIInvalidRequestError, match="no message"):
        llm.invoke([])
    assert emulator.requests == []


@pytest.mark.parametrize("message", [SystemMessage, lambda c: ChatMessage(c, role="developer")])
def test_instructions_take_text_only(send, message):
    with pytest.raises(AIMLAPIInvalidRequestError, match=r"text only.*image_url"):
        send([message([{"type": "image", "url": PICTURE}]), ASKED])


# --- content --------------------------------------------------------------------------------------

IMAGE_URL = {"type": "image_url", "image_url": {"url": PICTURE}}
IMAGE_DATA = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
FILE = {
    "type": "file",
    "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "document.pdf"},
}
NAMED_FILE = {"type": "file", "file": {**FILE["file"], "filename": "report.pdf"}}
TEXT = {"type": "text", "text": "Hi"}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("Hi", TEXT),
        (TEXT, TEXT),
        ({**TEXT, "cache_control": {"type": "ephemeral"}, "id": "1", "index": 0}, TEXT),
        ({"type": "input_text", "text": "Hi"}, TEXT),
        ({"type": "text-plain", "text": "Hi", "mime_type": "text/plain"}, TEXT),
        # LangChain's v1 blocks.
        ({"type": "image", "url": PICTURE}, IMAGE_URL),
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, IMAGE_DATA),
        ({"type": "file", "base64": PDF, "mime_type": "application/pdf"}, FILE),
        (
            {
                "type": "file",
                "base64": PDF,
                "mime_type": "application/pdf",
                "extras": {"filename": "report.pdf"},
            },
            NAMED_FILE,
        ),
        # LangChain's v0 blocks.
        ({"type": "image", "source_type": "url", "url": PICTURE}, IMAGE_URL),
        (
            {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
            IMAGE_DATA,
        ),
        (
            {"type": "file", "source_type": "base64", "data": PDF, "mime_type": "application/pdf"},
            FILE,
        ),
        (
            {
                "type": "file",
                "source_type": "base64",
                "data": PDF,
                "mime_type": "application/pdf",
                "filename": "report.pdf",
            },
            NAMED_FILE,
        ),
        ({"type": "text", "source_type": "text", "text": "Hi"}, TEXT),
        # OpenAI's.
        (IMAGE_URL, IMAGE_URL),
        (IMAGE_DATA, IMAGE_DATA),
        ({"type": "image_url", "image_url": PICTURE}, IMAGE_URL),
        ({"type": "input_image", "image_url": PICTURE}, IMAGE_URL),
        (FILE, FILE),
        (NAMED_FILE, NAMED_FILE),
        (
            {
                "type": "input_file",
                "file_data": f"data:application/pdf;base64,{PDF}",
                "filename": "report.pdf",
            },
            NAMED_FILE,
        ),
        # Anthropic's.
        ({"type": "image", "source": {"type": "url", "url": PICTURE}}, IMAGE_URL),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            IMAGE_DATA,
        ),
        (
            {
                "type": "document",
                "title": "report.pdf",
                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            },
            NAMED_FILE,
        ),
        (
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "Hi"},
            },
            TEXT,
        ),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else "string",
)
def test_a_block_of_each_shape(send, block, part):
    assert user_content(send, block) == [part]


@pytest.mark.parametrize("detail", ["low", "high", "auto"])
@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": PICTURE, "detail": "DETAIL"}},
        {"type": "image", "url": PICTURE, "detail": "DETAIL"},
        {"type": "image", "url": PICTURE, "extras": {"detail": "DETAIL"}},
        {"type": "input_image", "image_url": PICTURE, "detail": "DETAIL"},
    ],
    ids=["openai", "v1", "v1 extras", "responses"],
)
def test_detail_is_kept(send, respond, block, detail):
    block = json.loads(json.dumps(block).replace("DETAIL", detail))
    assert user_content(send, block) == [
        {"type": "image_url", "image_url": {"url": PICTURE, "detail": detail}}
    ]
    sent = respond([HumanMessage([block])])
    assert sent["input"][0]["content"] == [
        {"type": "input_image", "image_url": PICTURE, "detail": detail}
    ]


def test_the_order_of_blocks_is_kept(send):
    blocks = ["one", {"type": "image", "url": PICTURE}, "two", NAMED_FILE, "three"]
    assert user_content(send, *blocks) == [
        {"type": "text", "text": "one"},
        IMAGE_URL,
        {"type": "text", "text": "two"},
        NAMED_FILE,
        {"type": "text", "text": "three"},
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "video", "url": "https://example.com/film.mp4"},
        {"type": "video_url", "video_url": {"url": "https://example.com/film.mp4"}},
    ],
    ids=lambda block: block["type"],
)
@pytest.mark.parametrize("use_responses_api", [False, True])
def test_sound_and_film_cannot_be_sent(emulator, block, use_responses_api):
    llm = ChatAIMLAPI(use_responses_api=use_responses_api, **emulator.connection())
    with pytest.raises(AIMLAPIInvalidRequestError, match=r"(audio|video).*text, images and PDF"):
        llm.invoke([HumanMessage(["Listen:", block])])
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "hologram", "data": "…"}, "'hologram'"),
        ({"words": "no type"}, "None"),
        ({"type": "image"}, "URL or base64"),
        ({"type": "file", "url": "https://example.com/report.pdf"}, "base64"),
        ({"type": "file", "base64": "UEs=", "mime_type": "application/zip"}, "application/zip"),
        ({"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}}, "base64"),
    ],
)
def test_a_block_that_cannot_be_sent(send, emulator, block, words):
    with pytest.raises(AIMLAPIInvalidRequestError, match=words):
        user_content(send, block)
    assert emulator.requests == []


@pytest.mark.parametrize(
    "text",
    ["naïve café", "你好", "\u2028\u2029", "\x00\x1f", "👩‍👩‍👧", 'quote " and \\', "\ud800 alone"],
    ids=ascii,
)
def test_any_text_arrives(send, text):
    # A lone half of a pair is no Unicode text: it is replaced and not refused.
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert send(text)["messages"][0]["content"] == expected


def test_messages_are_not_changed_by_sending(send):
    human = HumanMessage([{"type": "image", "base64": PNG, "mime_type": "image/png"}])
    result = ToolMessage([IMAGE_URL], tool_call_id="a")
    messages = [human, calling("a"), result]
    before = [message.model_dump_json() for message in messages]
    send(messages)
    assert [message.model_dump_json() for message in messages] == before


# --- assistant turns and tool results -------------------------------------------------------------


def test_calls_without_text_leave_content_out(send):
    sent = send([ASKED, calling("a"), ToolMessage("done", tool_call_id="a")])["messages"]
    assert sent[1:] == [
        {"role": "assistant", "tool_calls": [wire_call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": "done"},
    ]


def test_calls_beside_text(send):
    sent = send([ASKED, calling("a", content="Let me see."), ToolMessage("", tool_call_id="a")])
    assert sent["messages"][1:] == [
        {"role": "assistant", "content": "Let me see.", "tool_calls": [wire_call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": ""},
    ]


def test_an_invalid_call_goes_back_as_it_came(send, respond):
    bad = {"name": "look", "args": '{"at": "half', "id": "a", "error": "no JSON"}
    turn = AIMessage("", invalid_tool_calls=[bad])
    messages = [ASKED, turn, ToolMessage("That was no JSON.", tool_call_id="a", status="error")]
    function = {"name": "look", "arguments": '{"at": "half'}
    assert send(messages)["messages"][1]["tool_calls"] == [
        {"id": "a", "type": "function", "function": function}
    ]
    assert respond(messages)["input"][1] == {"type": "function_call", "call_id": "a", **function}


def test_an_invalid_call_of_the_model_goes_round(emulator, send):
    emulator.script(Reply(tool_calls=[ToolCall("look", '["no object"', id="a")]))
    llm = ChatAIMLAPI(model=MODEL, **emulator.connection())
    turn = llm.invoke([ASKED])
    assert [call["args"] for call in turn.invalid_tool_calls] == ['["no object"']
    sent = send([ASKED, turn, ToolMessage("No.", tool_call_id="a")])["messages"]
    assert sent[1]["tool_calls"][0]["function"] == {"name": "look", "arguments": '["no object"'}


def test_unicode_in_arguments_is_not_escaped(send, emulator):
    call = {"name": "look", "args": {"at": "你好"}, "id": "a"}
    turn = AIMessage("", tool_calls=[call])
    sent = send([ASKED, turn, ToolMessage("好", tool_call_id="a")])["messages"]
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == '{"at":"你好"}'
    assert "你好".encode() in emulator.requests[-1].body


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("done", "done"),
        ([], ""),
        (["one", "two"], "one\ntwo"),
        ([{"type": "text", "text": "one"}, "two"], "one\ntwo"),
        ([{"temperature": 3, "wind": "nö"}], '{"temperature":3,"wind":"nö"}'),
        ([{"type": "sunny", "at": 12}], '{"type":"sunny","at":12}'),
        ([{"type": "input_text", "text": "one"}], "one"),
    ],
    ids=repr,
)
def test_a_tool_result_is_text(send, respond, content, text):
    messages = [ASKED, calling("a"), ToolMessage(content, tool_call_id="a", name="look")]
    assert send(messages)["messages"][2:] == [
        {"role": "tool", "tool_call_id": "a", "content": text}
    ]
    assert respond(messages)["input"][2:] == [
        {"type": "function_call_output", "call_id": "a", "output": text}
    ]


@pytest.mark.parametrize("block", [IMAGE_URL, {"type": "image", "url": PICTURE}])
def test_a_picture_of_a_tool_moves_to_the_user_turn_that_follows(send, respond, block):
    messages = [ASKED, calling("a"), ToolMessage(["Here:", block], tool_call_id="a")]
    label = "Attached by the tool call a:"
    assert send(messages)["messages"][2:] == [
        {"role": "tool", "tool_call_id": "a", "content": "Here:"},
        {"role": "user", "content": [{"type": "text", "text": label}, IMAGE_URL]},
    ]
    assert respond(messages)["input"][2:] == [
        {"type": "function_call_output", "call_id": "a", "output": "Here:"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": label},
                {"type": "input_image", "image_url": PICTURE},
            ],
        },
    ]


def test_a_picture_alone_leaves_a_word_in_its_place(send):
    sent = send([ASKED, calling("a"), ToolMessage([IMAGE_URL], tool_call_id="a")])["messages"]
    assert sent[2]["content"] == "See the attachment in the next message."


def test_parallel_results_are_followed_by_one_turn_of_attachments(send):
    messages = [
        ASKED,
        calling("a", "b", "c"),
        ToolMessage([IMAGE_URL], tool_call_id="a"),
        ToolMessage("nothing", tool_call_id="b"),
        ToolMessage(["Read this.", NAMED_FILE], tool_call_id="c"),
        AIMessage("I see."),
        HumanMessage("Good."),
    ]
    sent = send(messages)["messages"]
    assert [message["role"] for message in sent] == [
        *("user", "assistant", "tool", "tool", "tool", "user", "assistant", "user"),
    ]
    assert sent[5]["content"] == [
        {"type": "text", "text": "Attached by the tool call a:"},
        IMAGE_URL,
        {"type": "text", "text": "Attached by the tool call c:"},
        NAMED_FILE,
    ]


def test_attachments_of_two_rounds_stay_apart(send):
    picture, other = "https://example.com/1.png", "https://example.com/2.png"
    messages = [
        ASKED,
        calling("a"),
        ToolMessage([{"type": "image", "url": picture}], tool_call_id="a"),
        calling("b"),
        ToolMessage([{"type": "image", "url": other}], tool_call_id="b"),
    ]
    sent = send(messages)["messages"]
    assert [message["role"] for message in sent] == [
        *("user", "assistant", "tool", "user", "assistant", "tool", "user"),
    ]
    assert sent[3]["content"][1]["image_url"]["url"] == picture
    assert sent[6]["content"][1]["image_url"]["url"] == other


def test_anthropic_turns(send):
    messages = [
        HumanMessage([{"type": "text", "text": "Look.", "cache_control": {"type": "ephemeral"}}]),
        AIMessage(
            [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "a"}},
            ]
        ),
        HumanMessage(
            [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "is_error": False,
                    "content": [{"type": "text", "text": "A cat."}],
                },
                {"type": "text", "text": "And now?"},
            ]
        ),
    ]
    assert send(messages)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Look."}]},
        {"role": "assistant", "content": "I look.", "tool_calls": [wire_call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": "A cat."},
        {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
    ]


def test_calls_stand_once_however_often_the_message_tells_them(send):
    content = [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "a"}},
    ]
    openai_form = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turn = calling("a", content=content, additional_kwargs={"tool_calls": [openai_form]})
    sent = send([ASKED, turn, ToolMessage("A cat.", tool_call_id="a")])["messages"]
    assert sent[1] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [wire_call("a")],
    }


@pytest.mark.parametrize("use_responses_api", [False, True])
def test_v1_content_comes_back(emulator, use_responses_api):
    """A message as LangChain's agents keep it under protocol v3: a list with all there is."""
    llm = ChatAIMLAPI(
        model=MODEL,
        use_responses_api=use_responses_api,
        output_version="v1",
        **emulator.connection(),
    )
    emulator.script(
        Reply("I look.", reasoning="Hm.", tool_calls=[ToolCall("look", {"at": "a"}, id="a")])
    )
    turn = llm.invoke([ASKED])
    assert [block["type"] for block in turn.content] == ["reasoning", "text", "tool_call"]
    llm.invoke([ASKED, turn, ToolMessage("A cat.", tool_call_id="a")])
    sent = emulator.requests[-1].json
    if use_responses_api:
        kinds = [item.get("type", item.get("role")) for item in sent["input"]]
        assert kinds == ["user", "reasoning", "message", "function_call", "function_call_output"]
        assert sent["input"][2]["content"][0]["text"] == "I look."
    else:
        assert sent["messages"][1] == {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [wire_call("a")],
            "reasoning_content": "Hm.",
        }


@pytest.mark.filterwarnings("ignore:.* was left out. hologram")
@pytest.mark.parametrize("kind", ["tool_call", "invalid_tool_call", "reasoning", "non_standard"])
def test_blocks_of_an_assistant_turn_that_have_no_place_are_left_out(send, kind):
    block = {
        "tool_call": {"type": "tool_call", "id": "a", "name": "look", "args": {"at": "a"}},
        "invalid_tool_call": {"type": "invalid_tool_call", "id": "a", "name": "look", "args": "{"},
        "reasoning": {"type": "reasoning", "reasoning": "Hm."},
        "non_standard": {"type": "non_standard", "value": {"type": "hologram"}},
    }[kind]
    turn = AIMessage([{"type": "text", "text": "I look."}, block], tool_calls=[])
    result = [ToolMessage("A cat.", tool_call_id="a")] if "tool_call" in kind else []
    sent = send([ASKED, turn, *result, ASKED])["messages"][1]
    assert sent["content"] == "I look."
    assert set(sent) <= {"role", "content", "tool_calls"}
    assert ("tool_calls" in sent) == ("tool_call" in kind)


# --- what a reply said goes back ------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_details"])
def test_reasoning_goes_round(emulator, field, streamed):
    llm = ChatAIMLAPI(model=MODEL, use_responses_api=False, **emulator.connection())
    emulator.script(
        Reply(
            "I look.",
            reasoning="Hm, where?",
            reasoning_field=field,
            tool_calls=[ToolCall("look", {"at": "a"}, id="a")],
        )
    )
    turn = collect(llm.stream([ASKED])) if streamed else llm.invoke([ASKED])
    assert turn.additional_kwargs["reasoning_content"] == "Hm, where?"
    llm.invoke([ASKED, turn, ToolMessage("A cat.", tool_call_id="a")])
    back = emulator.requests[-1].json["messages"][1]
    if field == "reasoning_details":
        told = "".join(detail["text"] for detail in back["reasoning_details"])
        assert told == "Hm, where?"
    else:
        assert back["reasoning_content"] == "Hm, where?"


def test_other_providers_reasoning_stays_here(send):
    turn = AIMessage(
        [{"type": "reasoning", "reasoning": "Secret thoughts."}, "Hello."],
        additional_kwargs={"reasoning_content": "Secret thoughts."},
        response_metadata={"model_provider": "openai"},
    )
    assert send([ASKED, turn, ASKED])["messages"][1] == {"role": "assistant", "content": "Hello."}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("use_responses_api", [False, True])
def test_a_refusal_goes_round(emulator, use_responses_api, streamed):
    llm = ChatAIMLAPI(model=MODEL, use_responses_api=use_responses_api, **emulator.connection())
    emulator.script(Reply(refusal="I will not."))
    turn = collect(llm.stream([ASKED])) if streamed else llm.invoke([ASKED])
    llm.invoke([ASKED, turn, ASKED])
    sent = emulator.requests[-1].json
    back = sent["input" if use_responses_api else "messages"][1]
    assert back["role"] == "assistant"
    assert back["content"] == [{"type": "refusal", "refusal": "I will not."}]


def test_a_refusal_block_of_another_provider(send):
    turn = AIMessage([{"type": "text", "text": "Well. "}, {"type": "refusal", "refusal": "No."}])
    assert send([ASKED, turn, ASKED])["messages"][1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "Well. "}, {"type": "refusal", "refusal": "No."}],
    }


# --- parameters of the constructor ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({"temperature": 0}, {"temperature": 0}),
        ({"temperature": 1.5}, {"temperature": 1.5}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"max_tokens": 100}, {"max_completion_tokens": 100}),
        ({"n": 2}, {"n": 2}),
        ({"seed": 7}, {"seed": 7}),
        ({"logprobs": True}, {"logprobs": True}),
        ({"logprobs": True, "top_logprobs": 0}, {"logprobs": True, "top_logprobs": 0}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"model_kwargs": {"verbosity": "low"}}, {"verbosity": "low"}),
        ({"extra_body": {"cache": {"ttl": 5}}}, {"cache": {"ttl": 5}}),
        ({"stop": ["STOP"]}, {}),
        ({"stop": ["STOP"], "send_stop": True}, {"stop": ["STOP"]}),
        ({"stop": "STOP", "send_stop": True}, {"stop": ["STOP"]}),
        ({"stop": [], "send_stop": True}, {}),
        ({"timeout": 5, "max_retries": 0, "stream_usage": False, "attribution": False}, {}),
    ],
    ids=repr,
)
def test_a_parameter_and_nothing_else_is_sent(built, parameters, sent):
    payload = built(model=MODEL, **parameters)
    minimal = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    assert payload == {**minimal, **sent}


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_sent_that_was_not_set(built, model):
    assert built(model=model) == {
        "model": model,
        "messages": [{"role": "user", "content": "Hello"}],
    }


@pytest.mark.parametrize("model", [*MODELS, "gpt-5-1", "vendor/model-of-tomorrow"])
def test_the_model_id_is_sent_as_it_is(model):
    emulator = Emulator(models={model: ("chat_completions",)})
    ChatAIMLAPI(model=model, **emulator.connection()).invoke("Hello")
    assert emulator.requests[0].json["model"] == model


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("model_name", "model", "openai/gpt-5-1-codex"),
        ("max_completion_tokens", "max_tokens", 50),
        ("max_output_tokens", "max_tokens", 50),
        ("request_timeout", "timeout", 5.0),
        ("stop_sequences", "stop", ["STOP"]),
        ("aimlapi_api_base", "base_url", "https://gateway.example/v1"),
    ],
)
def test_aliases(alias, name, value):
    llm = ChatAIMLAPI(api_key="key", **{alias: value})
    assert getattr(llm, name) == value
    same = ChatAIMLAPI(api_key="key", **{alias: value, name: value})
    assert getattr(same, name) == value


def test_the_alias_of_the_key():
    llm = ChatAIMLAPI(aimlapi_api_key="key")
    assert llm.api_key.get_secret_value() == "key"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"model": "a", "model_name": "b"}, "'model' and 'model_name'"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "'max_tokens' and 'max_completion_tokens'"),
        ({"timeout": 1, "request_timeout": 2}, "'timeout' and 'request_timeout'"),
        ({"stop": ["a"], "stop_sequences": ["b"]}, "'stop' and 'stop_sequences'"),
        ({"base_url": "https://a", "aimlapi_api_base": "https://b"}, "'base_url' and"),
    ],
)
def test_two_spellings_with_different_values(arguments, names):
    with pytest.raises(AIMLAPIConfigurationError, match=names):
        ChatAIMLAPI(api_key="key", **arguments)


def test_two_spellings_in_a_call(llm, emulator):
    with pytest.raises(AIMLAPIConfigurationError, match="'max_tokens' and 'max_output_tokens'"):
        llm.invoke("Hello", max_tokens=1, max_output_tokens=2)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("temprature", "'temperature'"),
        ("max_token", "'max_tokens'"),
        ("modle", "'model'"),
        ("reasoning_efort", "'reasoning_effort'"),
        ("api_keys", "'api_key'"),
        ("timeouts", "'timeout'"),
        ("qqqqqqqq", "extra_body"),
    ],
)
def test_an_unknown_argument_of_the_constructor(wrong, hint):
    with pytest.raises(AIMLAPIConfigurationError, match=f"'{wrong}'.*{hint}"):
        ChatAIMLAPI(api_key="key", **{wrong: "value"})


@pytest.mark.parametrize("use_responses_api", [True, False])
def test_what_a_call_takes_the_constructor_takes(use_responses_api):
    given = {"verbosity": "low", "service_tier": "flex", "prompt_cache_key": "k", "user": "u"}
    payloads = []
    for made, called in ((given, {}), ({}, given)):
        llm = ChatAIMLAPI(api_key="key", model=MODEL, use_responses_api=use_responses_api, **made)
        with llm._turn([HumanMessage("Hello")], None, llm._given(called), stream=False) as turn:
            payloads.append(turn.payload)
    assert payloads[0] == payloads[1]
    verbosity = payloads[0]["text"]["verbosity"] if use_responses_api else payloads[0]["verbosity"]
    assert verbosity == "low"
    assert payloads[0]["user"] == "u"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("temprature", "'temperature'"),
        ("tool_choise", "'tool_choice'"),
        ("reponse_format", "'response_format'"),
        ("qqqqqqqq", "extra_body"),
    ],
)
@pytest.mark.parametrize("way", ["invoke", "stream", "bind"])
def test_an_unknown_argument_of_a_call(llm, emulator, wrong, hint, way):
    call: dict[str, Callable[..., Any]] = {
        "invoke": llm.invoke,
        "stream": lambda prompt, **kwargs: list(llm.stream(prompt, **kwargs)),
        "bind": lambda prompt, **kwargs: llm.bind(**kwargs).invoke(prompt),
    }
    with pytest.raises(AIMLAPIConfigurationError, match=f"'{wrong}'.*{hint}"):
        call[way]("Hello", **{wrong: "value"})
    assert emulator.requests == []


def test_model_kwargs_do_not_hide_a_parameter():
    with pytest.raises(AIMLAPIConfigurationError, match="temperature"):
        ChatAIMLAPI(api_key="key", model_kwargs={"temperature": 1})


def test_extra_body_lies_over_all(built):
    payload = built(model=MODEL, temperature=1, extra_body={"temperature": 0.5, "new": [1]})
    assert payload["temperature"] == 0.5
    assert payload["new"] == [1]


def test_extra_body_of_a_call_goes_with_that_of_the_model(emulator):
    llm = ChatAIMLAPI(extra_body={"one": 1, "two": 2}, **emulator.connection())
    llm.invoke("Hello", extra_body={"two": 3})
    sent = emulator.requests[0].json
    assert (sent["one"], sent["two"]) == (1, 3)
    assert llm.extra_body == {"one": 1, "two": 2}


@pytest.mark.nonsense
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"temperature": 2.5}, "temperature=2.5"),
        ({"temperature": -1}, "temperature=-1"),
        ({"top_p": 0}, r"top_p=0\.0.*0\.01"),
        ({"top_p": 1.5}, "top_p=1.5"),
        ({"max_tokens": 0}, "max_tokens=0"),
        ({"n": 0}, "n=0"),
        ({"seed": 0}, "seed=0"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs=21"),
        ({"top_logprobs": 3}, "needs logprobs"),
        ({"reasoning_effort": "none"}, "reasoning_effort='none'"),
        ({"reasoning_effort": "minimal"}, "reasoning_effort='minimal'"),
    ],
    ids=repr,
)
class TestValuesThatTheSchemaRulesOut:
    def test_warn(self, parameters, words):
        emulator = Emulator(validate=False)
        llm = ChatAIMLAPI(model=MODEL, **parameters, **emulator.connection())
        with pytest.warns(UserWarning, match=words):
            llm.invoke("Hello")
        assert len(emulator.requests) == 1

    def test_error(self, emulator, parameters, words):
        llm = ChatAIMLAPI(
            model=MODEL, validate_params="error", **parameters, **emulator.connection()
        )
        with pytest.raises(AIMLAPIInvalidRequestError, match=words):
            llm.invoke("Hello")
        with pytest.raises(AIMLAPIInvalidRequestError, match=words):
            list(llm.stream("Hello"))
        assert emulator.requests == []

    def test_off(self, parameters, words):
        emulator = Emulator(validate=False)
        llm = ChatAIMLAPI(model=MODEL, validate_params="off", **parameters, **emulator.connection())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            llm.invoke("Hello")
        assert len(emulator.requests) == 1

    def test_an_unknown_model_is_not_checked(self, parameters, words):
        models = {"vendor/model-of-tomorrow": ("chat_completions",)}
        emulator = Emulator(models=models, validate=False)
        llm = ChatAIMLAPI(model="vendor/model-of-tomorrow", **parameters, **emulator.connection())
        llm.invoke("Hello")
        assert len(emulator.requests) == 1


@pytest.mark.parametrize("model", MODELS[1:])
def test_an_undocumented_parameter_is_sent_with_a_warning(emulator, model):
    llm = ChatAIMLAPI(model=model, temperature=1, **emulator.connection())
    with pytest.warns(UserWarning, match="temperature is not documented"):
        llm.invoke("Hello")
    assert emulator.requests[0].json["temperature"] == 1


def test_the_dotted_spelling_is_the_same_model(emulator):
    llm = ChatAIMLAPI(
        model="openai/gpt-5.1-codex",
        temperature=1,
        validate_params="error",
        **emulator.connection(),
    )
    with pytest.raises(AIMLAPIInvalidRequestError, match="temperature is not documented"):
        llm.invoke("Hello")
    assert emulator.requests == []


def test_a_doubt_is_told_once_a_call(emulator):
    llm = ChatAIMLAPI(model=MODELS[1], temperature=1, **emulator.connection())
    with pytest.warns(UserWarning, match="not documented") as caught:
        llm.invoke("Hello")
    assert len(caught) == 1


# --- parameters of a call -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        ({"temperature": 0.5}, {"temperature": 0.5}),
        ({"max_tokens": 9}, {"max_completion_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_completion_tokens": 9}),
        ({"model": MODELS[2]}, {"model": MODELS[2]}),
        ({"model_name": MODELS[2]}, {"model": MODELS[2]}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ({"user": "u1"}, {"user": "u1"}),
        ({"logit_bias": {"50256": -100}}, {"logit_bias": {"50256": -100}}),
        ({"extra_body": {"anything": None}}, {"anything": None}),
        ({"temperature": None}, {}),
        ({"tools": []}, {}),
        ({"tools": None, "tool_choice": None}, {}),
        ({"response_format": None}, {}),
        ({"stream_options": {"include_usage": True}}, {}),
        ({"stop": ["STOP"]}, {}),
    ],
    ids=repr,
)
def test_a_parameter_of_a_call(send, call, sent):
    minimal = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    assert send(**call) == {**minimal, **sent}


def test_a_calls_own_parameter_wins(emulator):
    llm = ChatAIMLAPI(model=MODEL, temperature=1, max_tokens=10, **emulator.connection())
    llm.bind(max_tokens=20).invoke("Hello", temperature=0)
    sent = emulator.requests[0].json
    assert (sent["temperature"], sent["max_completion_tokens"]) == (0, 20)


def test_none_in_a_call_takes_a_parameter_back(emulator):
    llm = ChatAIMLAPI(model=MODEL, temperature=1, **emulator.connection())
    llm.invoke("Hello", temperature=None)
    assert "temperature" not in emulator.requests[0].json


def test_the_callers_arguments_are_not_changed(llm):
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    call = {"tools": tools, "tool_choice": "any", "extra_body": {"a": {"b": 1}}}
    before = json.dumps(call)
    llm.invoke("Hello", **call)
    assert json.dumps(call) == before


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("of_the_call", [True, False])
def test_stream_usage(emulator, usage, of_the_call):
    settings = {} if of_the_call else {"stream_usage": usage}
    call = {"stream_usage": usage} if of_the_call else {}
    llm = ChatAIMLAPI(model=MODEL, **settings, **emulator.connection())
    list(llm.stream("Hello", **call))
    sent = emulator.requests[0].json
    assert sent["stream"] is True
    assert sent.get("stream_options") == ({"include_usage": True} if usage else None)


def test_stream_options_of_the_user(llm, emulator):
    list(llm.stream("Hello", stream_options={"include_usage": False}))
    assert emulator.requests[0].json["stream_options"] == {"include_usage": False}


def test_invoke_that_streams_says_so_once(llm, emulator):
    llm.invoke("Hello", stream=True)
    llm.invoke("Hello", stream=False)
    streamed, whole = (request.json for request in emulator.requests)
    assert streamed["stream"] is True
    assert "stream" not in whole


@pytest.mark.parametrize("of_the_call", [True, False])
def test_several_answers_cannot_be_streamed(emulator, of_the_call):
    settings, call = ({}, {"n": 2}) if of_the_call else ({"n": 2}, {})
    llm = ChatAIMLAPI(model=MODEL, **settings, **emulator.connection())
    with pytest.raises(AIMLAPIConfigurationError, match="n > 1"):
        list(llm.stream("Hello", **call))
    assert emulator.requests == []


def test_several_answers_of_generate(emulator):
    llm = ChatAIMLAPI(model=MODEL, n=2, **emulator.connection())
    emulator.script(Reply(choices=[Reply("one"), Reply("two")]))
    [generations] = llm.generate([[ASKED]]).generations
    assert [generation.text for generation in generations] == ["one", "two"]
    first, second = (generation.message for generation in generations)
    assert first.usage_metadata is not None
    assert second.usage_metadata is None
    assert "cost" in first.response_metadata
    assert "cost" not in second.response_metadata


@pytest.mark.parametrize("name", ["api_key", "default_headers", "headers", "extra_headers"])
def test_keys_and_headers_are_no_parameters_of_a_call(llm, emulator, name):
    with pytest.raises(AIMLAPIConfigurationError, match=name):
        llm.invoke("Hello", **{name: "sk-secret"})
    assert emulator.requests == []


# --- tools ----------------------------------------------------------------------------------------


def look(at: str) -> str:
    """Look at something."""
    return at


class Look(BaseModel):
    """Look at something."""

    at: str


class LookV1(BaseModelV1):
    """Look at something."""

    at: str


class LookDict(TypedDict):
    """Look at something."""

    at: str


AT = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}


def function_tool(name: str, parameters: dict[str, Any] = AT, **more: Any) -> dict[str, Any]:
    function = {"name": name, "description": "Look at something.", "parameters": parameters}
    return {"type": "function", "function": {**function, **more}}


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        (look, "look"),
        (tool(look), "look"),
        (Look, "Look"),
        (LookV1, "LookV1"),
        (LookDict, "LookDict"),
        ({"title": "Look", "description": "Look at something.", **AT}, "Look"),
        (function_tool("look"), "look"),
        ({"name": "look", "description": "Look at something.", "parameters": AT}, "look"),
        (
            {"name": "look", "description": "Look at something.", "input_schema": AT},
            "look",
        ),
    ],
    ids=[
        *("function", "tool", "pydantic", "pydantic v1", "typeddict", "json schema", "openai tool"),
        *("openai function", "anthropic"),
    ],
)
@pytest.mark.parametrize("bound", [True, False])
def test_a_tool_of_each_kind(emulator, offered, name, bound):
    llm = ChatAIMLAPI(model=MODEL, **emulator.connection())
    if bound:
        llm.bind_tools([offered]).invoke("Hello")
    else:
        llm.invoke("Hello", tools=[offered])
    [sent] = emulator.requests[0].json["tools"]
    assert sent == function_tool(name)


def test_a_tool_without_parameters(emulator, llm):
    @tool
    def now() -> str:
        """Tell the time."""
        return "noon"

    llm.bind_tools([now]).invoke("Hello")
    [sent] = emulator.requests[0].json["tools"]
    assert sent["function"]["parameters"] == {"type": "object", "properties": {}}


def test_a_tool_dict_without_parameters_gets_them(emulator, llm):
    llm.bind_tools([{"type": "function", "function": {"name": "now"}}]).invoke("Hello")
    [sent] = emulator.requests[0].json["tools"]
    assert sent["function"]["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize("strict", [True, False, None])
def test_strict_tools(emulator, llm, strict):
    llm.bind_tools([Look], strict=strict).invoke("Hello")
    function = emulator.requests[0].json["tools"][0]["function"]
    assert function.get("strict") is strict
    assert function["parameters"].get("additionalProperties") is (False if strict else None)


@pytest.mark.parametrize("offered", [42, "look", {"no": "tool"}, {"type": "object"}, None])
def test_what_is_no_tool(llm, offered):
    with pytest.raises(AIMLAPIConfigurationError, match="Not a tool"):
        llm.bind_tools([offered])


@pytest.mark.parametrize("extra", [{}, {"tool_choice": None}, {"tool_choice": "any"}])
def test_no_tools_are_no_tools(emulator, llm, extra):
    llm.bind_tools([], **extra).invoke("Hello")
    assert set(emulator.requests[0].json) == {"model", "messages"}


def test_no_tools_beside_other_settings(emulator, llm):
    """As an agent without tools binds them."""
    llm.bind_tools([], tool_choice=None, parallel_tool_calls=False, temperature=0).invoke("Hello")
    assert set(emulator.requests[0].json) == {"model", "messages", "temperature"}


LOOK_CHOICE = {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (False, None),
        ("", None),
        (True, "required"),
        ("any", "required"),
        ("required", "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("look", LOOK_CHOICE),
        (LOOK_CHOICE, LOOK_CHOICE),
        ({"type": "function", "name": "look"}, LOOK_CHOICE),
        ({"type": "tool", "name": "look"}, LOOK_CHOICE),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("bound", [True, False])
def test_tool_choice(emulator, llm, choice, sent, bound):
    if bound:
        llm.bind_tools([look, Look], tool_choice=choice).invoke("Hello")
    else:
        llm.invoke("Hello", tools=[look, Look], tool_choice=choice)
    assert emulator.requests[0].json.get("tool_choice") == sent


@pytest.mark.parametrize("bound", [True, False])
def test_a_choice_that_is_none_of_the_tools(llm, emulator, bound):
    choose = functools.partial(llm.invoke, "Hello", tools=[look])
    if bound:
        choose = functools.partial(llm.bind_tools, [look])
    with pytest.raises(AIMLAPIConfigurationError, match=r"'lock'.*look"):
        choose(tool_choice="lock")
    assert emulator.requests == []


@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_tool_calls(emulator, llm, parallel):
    llm.bind_tools([look], parallel_tool_calls=parallel).invoke("Hello")
    assert emulator.requests[0].json["parallel_tool_calls"] is parallel


# --- response format ------------------------------------------------------------------------------


class Joke(BaseModel):
    """A joke to tell."""

    setup: str
    punchline: str | None = None


def test_response_formats_that_need_nothing(send):
    assert send("Say it in JSON.", response_format={"type": "json_object"})["response_format"] == {
        "type": "json_object"
    }
    assert send(response_format={"type": "text"})["response_format"] == {"type": "text"}


@pytest.mark.parametrize("strict", [True, False, None])
def test_response_format_of_a_class(send, strict):
    llm_format = {"type": "json_schema", "json_schema": {"name": "Joke", "schema": {**AT}}}
    if strict is not None:
        llm_format["json_schema"]["strict"] = strict
    sent = send(response_format=llm_format)["response_format"]["json_schema"]
    assert sent["name"] == "Joke"
    assert sent.get("strict") is strict
    assert sent["schema"]["properties"] == AT["properties"]
    assert sent["schema"].get("additionalProperties") is (False if strict else None)


@pytest.mark.parametrize("strict", [True, False, None])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("use_responses_api", [False, True])
def test_structured_output(emulator, use_responses_api, method: Literal["json_schema"], strict):
    llm = ChatAIMLAPI(use_responses_api=use_responses_api, **emulator.connection())
    chain = llm.with_structured_output(Joke, method=method, strict=strict)
    assert isinstance(chain.invoke("Tell me one."), Joke)
    sent = emulator.requests[0].json
    if method == "json_schema":
        named = sent["text"]["format"] if use_responses_api else sent["response_format"]
        named = named if use_responses_api else named["json_schema"]
        schema = named["schema"]
        assert "tools" not in sent
    else:
        named = sent["tools"][0] if use_responses_api else sent["tools"][0]["function"]
        schema = named["parameters"]
        assert sent["parallel_tool_calls"] is False
        choice = sent["tool_choice"]
        assert (choice if use_responses_api else choice["function"])["name"] == "Joke"
    assert named["name"] == "Joke"
    # On responses a function has to say whether it is strict.
    says_nothing = False if use_responses_api and method == "function_calling" else None
    assert named.get("strict") is (says_nothing if strict is None else strict)
    if strict:
        assert schema["additionalProperties"] is False
        assert schema["required"] == ["setup", "punchline"]


def test_json_mode(emulator, llm):
    chain = llm.with_structured_output(Joke, method="json_mode")
    assert isinstance(chain.invoke("Tell a joke as JSON with keys 'setup' and 'punchline'."), Joke)
    assert emulator.requests[0].json["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize("strict", [True, False, None])
def test_bind_tools_with_a_response_format(emulator, llm, strict):
    """As an agent's ProviderStrategy binds it: the schema straight from pydantic."""
    given = {"name": "Joke", "schema": Joke.model_json_schema()}
    if strict is not None:
        given["strict"] = strict
    llm.bind_tools(
        [look], strict=strict, response_format={"type": "json_schema", "json_schema": given}
    ).invoke("Hello")
    sent = emulator.requests[0].json
    named = sent["response_format"]["json_schema"]
    assert named.get("strict") is strict
    assert named["schema"].get("additionalProperties") is (False if strict else None)
    assert sent["tools"][0]["function"].get("strict") is strict


# --- responses ------------------------------------------------------------------------------------


def test_parameters_on_responses(respond):
    sent = respond(
        "Hello",
        max_tokens=100,
        temperature=0.5,
        top_p=0.5,
        reasoning_effort="low",
        tools=[look],
        tool_choice="look",
        parallel_tool_calls=True,
        truncation="auto",
        instructions="Be brief.",
    )
    assert sent == {
        "model": MODEL,
        "input": [{"role": "user", "content": "Hello"}],
        "max_output_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.5,
        "reasoning": {"effort": "low"},
        "tools": [
            {
                "type": "function",
                "name": "look",
                "description": "Look at something.",
                "parameters": AT,
                "strict": False,
            }
        ],
        "tool_choice": {"type": "function", "name": "look"},
        "parallel_tool_calls": True,
        "truncation": "auto",
        "instructions": "Be brief.",
        "include": ["reasoning.encrypted_content"],
    }


def test_effort_and_summary_go_together(respond):
    sent = respond("Hello", reasoning_effort="low", reasoning={"summary": "auto"})
    assert sent["reasoning"] == {"effort": "low", "summary": "auto"}


def test_reasoning_of_the_call_is_not_changed(respond):
    reasoning = {"summary": "auto"}
    respond("Hello", reasoning=reasoning, reasoning_effort="low")
    assert reasoning == {"summary": "auto"}


@pytest.mark.parametrize("name", ["seed", "logprobs"])
def test_a_parameter_without_a_place_on_responses(emulator, name):
    llm = ChatAIMLAPI(use_responses_api=True, **emulator.connection())
    with pytest.warns(UserWarning, match=f"{name} has no place on the responses endpoint"):
        llm.invoke("Hello", **{name: 1})
    assert name not in emulator.requests[0].json


def test_several_answers_on_responses(emulator):
    llm = ChatAIMLAPI(use_responses_api=True, n=2, **emulator.connection())
    with pytest.raises(AIMLAPIInvalidRequestError, match="n > 1"):
        llm.invoke("Hello")
    assert emulator.requests == []


def test_a_stream_on_responses_asks_for_no_usage(emulator):
    llm = ChatAIMLAPI(use_responses_api=True, **emulator.connection())
    streamed = collect(llm.stream("Hello"))
    sent = emulator.requests[0].json
    assert sent["stream"] is True
    assert "stream_options" not in sent
    assert streamed.usage_metadata is not None


def test_roles_on_responses(respond):
    sent = respond(
        [
            SystemMessage("Be brief."),
            ChatMessage("Be kind.", role="developer"),
            HumanMessage("Hi", name="ada"),
            AIMessage("Hello."),
            HumanMessage(["Look: ", {"type": "image", "url": PICTURE}, NAMED_FILE]),
        ]
    )
    assert sent["input"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look: "},
                {"type": "input_image", "image_url": PICTURE},
                {"type": "input_file", **NAMED_FILE["file"]},
            ],
        },
    ]


def test_a_conversation_goes_round_on_responses(emulator):
    llm = ChatAIMLAPI(
        model=MODEL, use_responses_api=True, reasoning_effort="low", **emulator.connection()
    )
    emulator.script(
        Reply("I look.", reasoning="Hm.", tool_calls=[ToolCall("look", {"at": "a"}, id="a")]),
        Reply("A cat."),
    )
    turn = llm.bind_tools([look]).invoke([ASKED])
    result = ToolMessage("miaow", tool_call_id="a")
    last = llm.bind_tools([look]).invoke([ASKED, turn, result])
    llm.invoke([ASKED, turn, result, last, ASKED])
    items = emulator.requests[-1].json["input"]
    kinds = [item.get("type", item.get("role")) for item in items]
    assert kinds[:5] == ["user", "reasoning", "message", "function_call", "function_call_output"]
    assert items[1]["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert items[1]["encrypted_content"]
    assert items[2]["content"] == [{"type": "output_text", "text": "I look.", "annotations": []}]
    assert items[3]["call_id"] == items[4]["call_id"] == "a"
    assert json.loads(items[3]["arguments"]) == {"at": "a"}
    assert kinds[-1] == "user"


CUSTOM = {"type": "custom", "name": "patch", "description": "Patch.", "format": {"type": "text"}}
LOOK = {"type": "function", "function": {"name": "look"}}


def on_both(tool_choice: Any) -> list[dict[str, Any]]:
    """Return what each endpoint is sent; the published schemas have neither of these choices."""
    tools = [wire_tool(CUSTOM), wire_tool(look)]
    params = {
        "model": MODEL,
        "tools": tools,
        "tool_choice": wire_tool_choice(tool_choice, tools),
    }
    return [
        dialect.build_payload([HumanMessage("Hello")], params)
        for dialect in (ResponsesDialect(), ChatCompletionsDialect())
    ]


def test_a_custom_tool_on_each_endpoint():
    responses, chat = on_both("patch")
    assert responses["tools"][0] == CUSTOM
    assert responses["tool_choice"] == {"type": "custom", "name": "patch"}
    assert chat["tools"][0]["function"]["name"] == "patch"
    assert chat["tool_choice"] == {"type": "function", "function": {"name": "patch"}}


@pytest.mark.parametrize("bound", [True, False])
def test_a_custom_tool_is_not_converted_twice(emulator, llm, bound):
    if bound:
        llm.bind_tools([CUSTOM]).invoke("Hello")
    else:
        llm.invoke("Hello", tools=[CUSTOM])
    [sent] = emulator.requests[0].json["tools"]
    assert list(sent["function"]["parameters"]["properties"]) == ["__arg1"]


def test_allowed_tools_on_each_endpoint():
    flat = [{"type": "function", "name": "look"}, {"type": "custom", "name": "patch"}]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": flat}
    responses, chat = on_both(allowed)
    assert responses["tool_choice"] == allowed
    patch = {"type": "function", "function": {"name": "patch"}}
    inner = {"mode": "auto", "tools": [LOOK, patch]}
    assert chat["tool_choice"] == {"type": "allowed_tools", "allowed_tools": inner}


@pytest.mark.nonsense  # not in the schemas of the four models
@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
def test_the_emulator_calls_the_tools_that_are_allowed(endpoint):
    emulator = Emulator()
    llm = ChatAIMLAPI(use_responses_api=endpoint == "responses", **emulator.connection())
    tools = [{"name": name, "parameters": {}} for name in ("look", "listen", "touch")]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": ["listen"]}
    answer = llm.bind_tools(tools, tool_choice=allowed).invoke("Call look and listen.")
    assert [call["name"] for call in answer.tool_calls] == ["listen"]
    with pytest.raises(AIMLAPIInvalidRequestError, match="'absent' is not among the tools"):
        llm.invoke("Hi", extra_body={"tool_choice": _absent(endpoint)}, tools=tools)


def _absent(endpoint: str) -> dict[str, Any]:
    tool = {"name": "absent"}
    return {"type": "function", **(tool if endpoint == "responses" else {"function": tool})}


@pytest.mark.parametrize("doubt", ["warn", "error", "off"])
def test_a_deferred_tool_is_a_plain_one_on_chat_completions(doubt):
    emulator = Emulator()
    llm = ChatAIMLAPI(validate_params=doubt, **emulator.connection())
    bound = llm.bind_tools([{"name": "look", "parameters": {}, "defer_loading": True}])
    if doubt == "error":
        with pytest.raises(AIMLAPIInvalidRequestError, match="defer_loading"):
            bound.invoke("Hi")
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bound.invoke("Hi")
    assert ["defer_loading" in str(each.message) for each in caught] == [True] * (doubt == "warn")
    assert set(emulator.requests[0].json["tools"][0]) == {"type", "function"}
