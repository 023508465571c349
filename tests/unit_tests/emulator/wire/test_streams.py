"""The order and the spelling of streams, and what the vendor has published of them."""

from __future__ import annotations

import json

import pytest

from langchain_aimlapi.emulator import EMULATED_MODELS, Reply, StreamStyle, ToolCall

LOOK = Reply("Let me see.", tool_calls=[ToolCall("look", {"at": 1}), ToolCall("stop")])


@pytest.fixture
def stream(emulator, chat, events):
    """The events of one scripted chat stream."""

    def run(reply, **body):
        emulator.script(reply)
        return events(chat(stream=True, **body).text)

    return run


def tool_deltas(chunks):
    choices = [choice for chunk in chunks[:-1] for choice in chunk.get("choices", ())]
    return [call for c in choices for call in c["delta"].get("tool_calls", ())]


def test_the_order_of_chunks_is_that_of_the_published_dump(stream, sample, events):
    dump = events(sample("gpt-4o.chat.stream.sse"))
    mine = stream(Reply("Hello! As an AI, I have no views.", stream=StreamStyle(done=False)))

    def shape(chunk):
        choice = chunk["choices"][0] if chunk["choices"] else None
        delta = sorted(choice["delta"]) if choice else None
        reason = choice["finish_reason"] if choice else None
        return sorted(chunk), delta, reason, sorted(chunk["usage"] or ())

    priceless = [chunk for chunk in mine if "choices" in chunk]
    assert [shape(c) for c in priceless[:2]] == [shape(c) for c in dump[:2]]
    assert [shape(c) for c in priceless[-2:]] == [shape(c) for c in dump[-2:]]
    assert {str(shape(c)) for c in priceless} == {str(shape(c)) for c in dump}
    assert list(mine[-1]) == ["meta"]


@pytest.mark.parametrize(
    ("style", "body", "usages"),
    [
        (StreamStyle(usage="always"), {}, 1),
        (StreamStyle(usage="asked"), {}, 0),
        (StreamStyle(usage="asked"), {"stream_options": {"include_usage": False}}, 0),
        (StreamStyle(usage="asked"), {"stream_options": {"include_usage": True}}, 1),
        (StreamStyle(usage="never"), {"stream_options": {"include_usage": True}}, 0),
    ],
)
def test_when_usage_is_sent(stream, style, body, usages):
    chunks = stream(Reply("x", stream=style), **body)
    assert len([c for c in chunks[:-1] if c.get("usage")]) == usages
    assert chunks[-1] == "[DONE]"


def test_where_the_price_is(stream):
    own = stream(Reply("x"))
    assert list(own[-2]) == ["meta"]
    within = stream(Reply("x", stream=StreamStyle(price="with_usage")))
    assert (within[-2]["choices"], "meta" in within[-2]) == ([], True)
    usageless = stream(Reply("x", stream=StreamStyle(price="with_usage", usage="never")))
    assert list(usageless[-2]) == ["meta"]
    assert not any("meta" in c for c in stream(Reply("x", stream=StreamStyle(price="none")))[:-1])
    assert not any("meta" in c for c in stream(Reply("x", cost=None))[:-1])


@pytest.mark.parametrize(
    ("index", "seen"),
    [("normal", [0, 1]), ("missing", ["absent"]), ("null", [None]), ("zero", [0])],
)
def test_tool_call_indices(stream, index, seen):
    deltas = tool_deltas(
        stream(Reply(tool_calls=LOOK.tool_calls, stream=StreamStyle(tool_index=index)))
    )
    assert sorted({d.get("index", "absent") for d in deltas}, key=str) == seen


def test_tool_call_fragments(stream):
    plain = tool_deltas(stream(LOOK))
    assert [d["function"]["name"] for d in plain if "id" in d] == ["look", "stop"]
    assert all("name" not in d["function"] for d in plain if "id" not in d)
    repeated = tool_deltas(
        stream(Reply(tool_calls=LOOK.tool_calls, stream=StreamStyle(repeat_ids=True)))
    )
    assert all({"id", "type"} <= set(d) and "name" in d["function"] for d in repeated)
    whole = tool_deltas(
        stream(Reply(tool_calls=LOOK.tool_calls, stream=StreamStyle(whole_calls=True)))
    )
    assert [d["function"]["arguments"] for d in whole] == ['{"at": 1}', "{}"]


def test_roles_ids_and_null_content(stream):
    style = StreamStyle(repeat_role=True, empty_ids=True, null_content=True)
    chunks = stream(Reply(tool_calls=LOOK.tool_calls, stream=style))
    choices = [choice for chunk in chunks[:-2] for choice in chunk["choices"]]
    assert {chunk["id"] for chunk in chunks[:-2]} == {""}
    assert all(choice["delta"]["content"] is None for choice in choices)
    assert all("role" in c["delta"] for c in choices if c["finish_reason"] is None)
    plain = [c for chunk in stream(LOOK)[:-2] for c in chunk["choices"]]
    assert [c["delta"].get("role") for c in plain].count("assistant") == 1


def test_spelling_of_events(emulator, chat):
    style = StreamStyle(
        line_end="\r\n", space=False, bom=True, comments=1, multiline=True, done=False
    )
    emulator.script(Reply("x", stream=style), Reply("x", stream=StreamStyle(line_end="\r")))
    raw = chat(stream=True).content
    assert raw.startswith(b"\xef\xbb\xbf: keep-alive\r\n\r\ndata:{\r\ndata: ")
    assert b"[DONE]" not in raw
    assert raw.replace(b"\r\n", b"").count(b"\n") == 0
    events = [e for e in raw.decode("utf-8-sig").split("\r\n\r\n") if e.startswith("data:")]
    joined = "".join(line.removeprefix("data:") for line in events[0].split("\r\n"))
    assert json.loads(joined)["object"] == "chat.completion.chunk"
    assert b"\n" not in chat(stream=True).content


def test_ids_of_events(emulator, chat):
    emulator.script(Reply("x", stream=StreamStyle(ids=True)))
    *events, done = chat(stream=True).text.strip().split("\n\n")
    ids, data = zip(*(event.split("\n") for event in events), strict=True)
    assert ids == tuple(f"id: {number}" for number in range(len(events)))
    assert all(line.startswith("data: {") for line in data)
    assert done == "data: [DONE]"


def test_responses_lines(emulator, respond):
    style = StreamStyle(event_lines=False, done=True, price="own_chunk", usage="never")
    emulator.script(Reply("x"), Reply("x", stream=style))
    plain, other = respond(stream=True).text, respond(stream=True).text
    assert plain.startswith("event: response.created\ndata: {")
    assert "[DONE]" not in plain
    assert "event:" not in other
    assert other.endswith("data: [DONE]\n\n")
    last, price = (json.loads(part.removeprefix("data: ")) for part in other.split("\n\n")[-4:-2])
    assert "usage" not in last["response"]
    assert "meta" not in last["response"]
    assert list(price) == ["meta"]


CHAT_MODELS = ["gpt-5-1", "gpt-5-1-chat-latest"]
CONTENT = {
    "text": Reply("Hello."),
    "reasoning": Reply("Hello.", reasoning="Hm."),
    "refusal": Reply("", refusal="No."),
    "length": Reply("Hel", finish_reason="length"),
    "tool": Reply("", tool_calls=[ToolCall("look", {"at": 1})]),
    "citation": Reply(
        "It is.",
        annotations=[{"url": "https://e.org", "title": "t", "start_index": 0, "end_index": 1}],
    ),
}


@pytest.mark.parametrize("reply", CONTENT.values(), ids=CONTENT)
@pytest.mark.parametrize("model", CHAT_MODELS)
def test_whole_chat_replies_fit_the_published_schema(emulator, chat, spec, model, reply):
    emulator.script(reply)
    spec(f"{model}.chat.response").validate(chat(model=f"openai/{model}").json())


def test_chunks_fit_the_published_schema_where_the_dump_does(stream, spec):
    # The schema wants role, content and finish reason in every chunk, which no real stream has.
    validator = spec("gpt-5-1.chat.chunk")
    for chunk in stream(Reply("Hello there."))[:-2]:
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
            choice["delta"] = {"role": "assistant", "content": "", **choice["delta"]}
        validator.validate(chunk)


@pytest.mark.parametrize(
    "reply",
    [*CONTENT.values(), Reply("x", failure={"code": "server_error", "message": "m"})],
    ids=[*CONTENT, "failed"],
)
@pytest.mark.parametrize("model", [model.removeprefix("openai/") for model in EMULATED_MODELS])
def test_responses_fit_the_published_schemas(emulator, respond, events, spec, model, reply):  # noqa: PLR0917
    emulator.script(reply, reply)
    spec(f"{model}.responses.response").validate(respond(model=f"openai/{model}").json())
    validator = spec(f"{model}.responses.event")
    for event in events(respond(model=f"openai/{model}", stream=True).text):
        validator.validate(event)


@pytest.mark.parametrize(
    ("name", "api"),
    [
        ("gpt-5-1", "chat"),
        ("gpt-5-1-chat-latest", "chat"),
        ("gpt-5-1-chat-latest", "responses"),
        ("gpt-5-1-codex", "responses"),
        ("gpt-5-1-codex-mini", "responses"),
    ],
)
def test_replies_have_the_keys_of_the_published_samples(chat, respond, sample, spec, name, api):  # noqa: PLR0917
    published = json.loads(sample(f"{name}.{api}.response.json"))
    spec(f"{name}.{api}.response").validate(published)
    mine = (chat if api == "chat" else respond)(model=f"openai/{name}").json()
    assert set(published) - set(mine) == set()
    if api == "chat":
        theirs, own = published["choices"][0], mine["choices"][0]
        assert set(theirs["message"]) - set(own["message"]) == set()
    else:
        assert [i["type"] for i in mine["output"]] == [i["type"] for i in published["output"]]


def test_the_image_object_is_the_one_that_was_published(sample):
    from langchain_aimlapi.emulator.scripts.faults import IMAGE_OBJECT

    assert json.loads(sample("owner-document.image.json")) == IMAGE_OBJECT
