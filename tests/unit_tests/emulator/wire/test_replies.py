"""Scripted replies on both APIs, whole and streamed: the same facts each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_aimlapi.emulator import Emulator, Reply, StreamStyle, ToolCall, Usage

CITATION = {"url": "https://example.com/a", "title": "A", "start_index": 0, "end_index": 2}
REPLIES = {
    "text": Reply("Grüße, 世界!\u2028Second line."),
    "empty": Reply(""),
    "tools": Reply(
        tool_calls=[ToolCall("add", {"a": 1, "b": [2, "é"]}), ToolCall("stop", {}, id="call_1")]
    ),
    "invalid tool arguments": Reply(tool_calls=[ToolCall("add", '{"a": ')]),
    "text and tool": Reply("Let me see.", tool_calls=[ToolCall("look", {"at": "it"})]),
    "reasoning": Reply("42", reasoning=["First part.", "Second part."]),
    "refusal": Reply(refusal="I will not do that."),
    "citations": Reply("It is so.", annotations=[CITATION]),
    "length": Reply("Cut sho", finish_reason="length"),
    "filtered": Reply("", finish_reason="content_filter"),
    "usage": Reply("x", usage=Usage(20, 7, cached_tokens=5, reasoning_tokens=3), cost=2480),
    "untold price": Reply("x", cost=None),
    "model": Reply("x", model="gpt-5.1-2025-11-13"),
}
STYLES = {
    "plain": StreamStyle(),
    "one character": StreamStyle(delta_size=1),
    "whole": StreamStyle(delta_size=10_000),
    "odd": StreamStyle(null_content=True, repeat_role=True, empty_ids=True, price="with_usage"),
}


def chat_facts(choice: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    calls = message.get("tool_calls") or []
    return {
        "text": message.get("content") or "",
        "refusal": message.get("refusal"),
        "calls": [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in calls],
        "reasoning": message.get("reasoning_content"),
        "annotations": message.get("annotations") or [],
        "finish_reason": choice["finish_reason"],
        "usage": body["usage"],
        "meta": body.get("meta"),
        "model": body["model"],
    }


def fold_chat(chunks: list[Any]) -> list[dict[str, Any]]:
    """The whole body's choices, put together from a stream's chunks."""
    body: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        if chunk == "[DONE]":
            continue
        if chunk.get("usage"):
            body["usage"] = chunk["usage"]
        if chunk.get("meta"):
            assert "meta" not in body
            body["meta"] = chunk["meta"]
        if chunk.get("model"):
            body["model"] = chunk["model"]
        for part in chunk.get("choices", ()):
            choice = choices.setdefault(part["index"], {"message": {}, "logprobs": None})
            choice["finish_reason"] = part["finish_reason"]
            for entry in (part["logprobs"] or {}).get("content", ()):
                choice["logprobs"] = [*(choice["logprobs"] or []), entry]
            add_delta(choice["message"], part["delta"])
    return [
        {**chat_facts(choice, body), "logprobs": choice["logprobs"]}
        for _, choice in sorted(choices.items())
    ]


def add_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("content", "refusal", "reasoning_content"):
        if delta.get(key):
            message[key] = message.get(key, "") + delta[key]
    if delta.get("annotations"):
        message["annotations"] = delta["annotations"]
    for fragment in delta.get("tool_calls", ()):
        calls = message.setdefault("tool_calls", [])
        if fragment.get("id"):
            calls.append({"id": fragment["id"], "function": dict(fragment["function"])})
        else:
            function = calls[fragment["index"]]["function"]
            function["arguments"] += fragment["function"]["arguments"]


def ask(reply: Reply, path: str, payload: dict[str, Any]) -> Any:
    """Whole and streamed answers of two fresh emulators with the same ids."""
    answers = []
    for stream in (False, True):
        emulator = Emulator(seed=0, clock=lambda: 1_800_000_000.0).script(reply)
        with emulator.client(
            base_url="https://api.aimlapi.com", headers={"Authorization": "Bearer emulator-key"}
        ) as http:
            answers.append(http.post(path, json={**payload, "stream": stream}))
        emulator.assert_done()
    return answers


def ask_chat(reply: Reply, **body: Any) -> Any:
    messages = [{"role": "user", "content": "Hello"}]
    payload = {"model": "openai/gpt-5-1", "messages": messages, **body}
    return ask(reply, "/v1/chat/completions", payload)


def ask_responses(reply: Reply, **body: Any) -> Any:
    return ask(reply, "/v1/responses", {"model": "openai/gpt-5-1", "input": "Hello", **body})


def with_style(reply: Reply, style: StreamStyle) -> Reply:
    from dataclasses import replace

    return replace(reply, stream=style)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_chat_stream_carries_the_facts_of_the_whole_reply(reply, style, events):
    whole, streamed = ask_chat(with_style(reply, style))
    body = whole.json()
    facts = [{**chat_facts(choice, body), "logprobs": None} for choice in body["choices"]]
    assert fold_chat(events(streamed.text)) == facts
    assert facts[0]["text"] == (reply.text or "")
    assert [name for _, name, _ in facts[0]["calls"]] == [call.name for call in reply.tool_calls]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_responses_stream_carries_the_facts_of_the_whole_reply(reply, style, events):
    whole, streamed = ask_responses(with_style(reply, style))
    parts = events(streamed.text)
    body = whole.json()
    last = parts[-1]
    assert last["type"] == f"response.{body['status']}"
    assert last["response"] == body
    assert [part["sequence_number"] for part in parts] == list(range(len(parts)))
    done = [part["item"] for part in parts if part["type"] == "response.output_item.done"]
    assert done == body["output"]
    for index, item in enumerate(body["output"]):
        mine = [part for part in parts if part.get("output_index") == index]
        assert mine[0]["type"] == "response.output_item.added"
        assert mine[0]["item"]["id"] == item["id"]
        deltas = "".join(part["delta"] for part in mine if part["type"].endswith(".delta"))
        assert deltas == item_text(item)


def item_text(item: dict[str, Any]) -> str:
    if item["type"] == "function_call":
        return item["arguments"]
    if item["type"] == "reasoning":
        return "".join(part["text"] for part in item["summary"])
    return "".join(part.get("text", part.get("refusal")) for part in item["content"])


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_both_apis_carry_the_same_facts(reply):
    chat = ask_chat(reply)[0].json()
    answer = ask_responses(reply)[0].json()
    facts = chat_facts(chat["choices"][0], chat)
    assert answer["output_text"] == facts["text"]
    assert answer.get("meta") == facts["meta"]
    assert answer["model"] == facts["model"]
    usage = answer["usage"]
    assert usage["input_tokens"] == facts["usage"]["prompt_tokens"]
    assert usage["output_tokens"] == facts["usage"]["completion_tokens"]
    details = facts["usage"]["completion_tokens_details"]
    assert usage["output_tokens_details"]["reasoning_tokens"] == details["reasoning_tokens"]
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    assert [(c["call_id"], c["name"], c["arguments"]) for c in calls] == facts["calls"]
    summaries = [
        "\n\n".join(part["text"] for part in item["summary"])
        for item in answer["output"]
        if item["type"] == "reasoning"
    ]
    assert summaries == ([facts["reasoning"]] if facts["reasoning"] else [])


@pytest.mark.parametrize(
    ("reason", "incomplete"), [("length", "max_output_tokens"), ("content_filter",) * 2]
)
def test_incomplete_responses(reason, incomplete):
    body = ask_responses(Reply("x", finish_reason=reason))[0].json()
    assert body["status"] == "incomplete"
    assert body["incomplete_details"] == {"reason": incomplete}
    assert body["output"][0]["status"] == "incomplete"


def test_choices(events):
    reply = Reply(choices=[Reply("one"), Reply("two", finish_reason="length")])
    whole, streamed = ask_chat(reply, n=2)
    body = whole.json()
    assert [c["message"]["content"] for c in body["choices"]] == ["one", "two"]
    folded = fold_chat(events(streamed.text))
    assert [(f["text"], f["finish_reason"]) for f in folded] == [
        ("one", "stop"),
        ("two", "length"),
    ]


def test_logprobs_when_asked(events):
    whole, streamed = ask_chat(Reply("Hello there"), logprobs=True, top_logprobs=2)
    content = whole.json()["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["Hello", " there"]
    assert all(len(entry["top_logprobs"]) == 2 and entry["logprob"] <= 0 for entry in content)
    assert bytes(content[1]["bytes"]) == b" there"
    assert fold_chat(events(streamed.text))[0]["logprobs"] == content
    assert ask_chat(Reply("Hello"))[0].json()["choices"][0]["logprobs"] is None
    assert ask_chat(Reply("Hello", logprobs=True))[0].json()["choices"][0]["logprobs"] is not None


def test_failed_replies_are_not_billed(events):
    failure = Reply("half", failure={"code": "server_error", "message": "It broke."})
    whole, streamed = ask_responses(failure)
    body = whole.json()
    assert (body["status"], body["output"]) == ("failed", [])
    assert body["error"] == {"code": "server_error", "message": "It broke."}
    assert events(streamed.text)[-1]["type"] == "response.failed"
    emulator = Emulator().script(failure, failure)
    with emulator.client(headers={"Authorization": "Bearer emulator-key"}) as http:
        payload = {"model": "openai/gpt-5-1", "messages": [{"role": "user", "content": "x"}]}
        url = "https://api.aimlapi.com/v1/chat/completions"
        whole, streamed = (
            http.post(url, json=payload),
            http.post(url, json={**payload, "stream": True}),
        )
    assert (whole.status_code, whole.json()["message"]) == (500, "It broke.")
    assert events(streamed.text)[0]["error"]["message"] == "It broke."
    assert emulator.ledger == []


def test_reasoning_under_its_other_names():
    body = ask_chat(Reply("x", reasoning="Hm.", reasoning_field="reasoning"))[0].json()
    assert body["choices"][0]["message"]["reasoning"] == "Hm."
    whole, streamed = ask_chat(Reply("x", reasoning="Hm.", reasoning_field="reasoning_details"))
    details = whole.json()["choices"][0]["message"]["reasoning_details"]
    assert details == [{"type": "reasoning.text", "text": "Hm."}]
    assert '"reasoning_details":[{' in streamed.text


def test_encrypted_reasoning_only_when_asked_and_not_stored():
    reply = Reply("x", reasoning="Hm.", encrypted_content="c2VjcmV0")
    include = {"include": ["reasoning.encrypted_content"]}
    asked = ask_responses(reply, **include)[0].json()["output"][0]
    assert asked["encrypted_content"] == "c2VjcmV0"
    for other in ({}, {**include, "store": True}):
        assert "encrypted_content" not in ask_responses(reply, **other)[0].json()["output"][0]


def test_built_in_calls_and_raw_output(events):
    reply = Reply("Found it.", built_in_calls=[{"type": "web_search_call"}])
    whole, streamed = ask_responses(reply)
    kinds = [item["type"] for item in whole.json()["output"]]
    assert kinds == ["web_search_call", "message"]
    types = [part["type"] for part in events(streamed.text)]
    steps = ["in_progress", "searching", "completed"]
    at = types.index("response.web_search_call.in_progress")
    assert types[at : at + 3] == [f"response.web_search_call.{step}" for step in steps]
    raw = [{"type": "mystery", "id": "m_1", "x": 1}]
    whole, streamed = ask_responses(Reply("ignored", raw_output=raw))
    assert whole.json()["output"] == raw
    assert events(streamed.text)[-1]["response"]["output"] == raw


def test_stored_responses_are_continued(respond):
    first = respond("My name is Ada.", store=True).json()
    second = respond("Who am I?", previous_response_id=first["id"]).json()
    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] > respond("Who am I?").json()["usage"]["input_tokens"]
    unstored = respond("x").json()
    missing = respond("y", previous_response_id=unstored["id"])
    assert missing.status_code == 400
    assert unstored["id"] in missing.json()["message"]


def test_any_status_headers_body_and_events(emulator, chat):
    emulator.script(
        Reply("x", status=201, headers={"X-Extra": "1", "x-inference-id": None}),
        Reply(body=["anything"]),
        Reply(events=[{"a": 1}, b"data: raw\n\n"], stream=StreamStyle(done=False)),
    )
    created = chat()
    assert (created.status_code, created.headers["x-extra"]) == (201, "1")
    assert "x-inference-id" not in created.headers
    verbatim = chat(stream=True)
    assert verbatim.json() == ["anything"]
    assert verbatim.headers["content-type"].startswith("application/json")
    assert chat(stream=True).text == 'data: {"a":1}\n\ndata: raw\n\n'


def test_scripts_are_taken_in_order_and_functions_may_pass(emulator, chat):
    emulator.script(
        Reply("first"),
        lambda request: Reply(request.json["messages"][0]["content"].upper()),
        lambda _: None,
    )
    emulator.respond_with(
        lambda request: Reply("fallback") if "fall" in str(request.json) else None
    )
    texts = [
        chat(p).json()["choices"][0]["message"]["content"] for p in ("a", "b", "c", "fall", "e")
    ]
    assert texts[:2] == ["first", "B"]
    assert texts[2].startswith("The emulator")
    assert texts[3] == "fallback"
    assert texts[4].startswith("The emulator")


def test_assert_done_names_what_is_left(emulator):
    emulator.assert_done()
    assert emulator.script(Reply("never sent")) is emulator
    with pytest.raises(AssertionError, match=r"1 scripted step.*Reply\(text='never sent'\)"):
        emulator.assert_done()


def test_refused_requests_take_no_step(emulator, chat):
    emulator.script(Reply("kept"))
    assert chat(seed=0).status_code == 400
    assert chat().json()["choices"][0]["message"]["content"] == "kept"


def test_tool_arguments_are_sent_verbatim_or_as_json(emulator, chat):
    emulator.script(Reply(tool_calls=[ToolCall("f", {"ü": 1}), ToolCall("g", "not json")]))
    calls = chat().json()["choices"][0]["message"]["tool_calls"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"ü": 1}
    assert "ü" in calls[0]["function"]["arguments"]
    assert calls[1]["function"]["arguments"] == "not json"
