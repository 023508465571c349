"""What a reply may hold: one table for the tests that compare the ways to get it.

Each scenario says what the emulator replies and, written down by hand, what the message must hold,
so that ways that are equal but wrong do not pass.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, message_chunk_to_message

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Fault, Reply, StreamStyle, ToolCall, Usage

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.messages.content import ContentBlock

    from langchain_aimlapi.emulator import Answer

USAGE = Usage(11, 7)
NOW = 1_763_000_000.0
"""The emulator's clock, so that `created` is the same each time."""

USAGE_METADATA = {
    "input_tokens": 11,
    "output_tokens": 7,
    "total_tokens": 18,
    "input_token_details": {"cache_read": 0},
    "output_token_details": {"reasoning": 0},
}
COST = {"usd": 0.00124, "credits": 2480}

SEARCH = ToolCall("search", {"query": "naïve 😀", "limit": 3}, id="call_search")
CLOCK = ToolCall("clock", "", id="call_clock")
BROKEN = ToolCall("search", "not json", id="call_broken")
CITATION = {"url": "https://example.com/a", "title": "A", "start_index": 4, "end_index": 9}
CITATION_BLOCK = {"type": "citation", **CITATION}

SEARCH_CALL = {
    "name": "search",
    "args": {"query": "naïve 😀", "limit": 3},
    "id": "call_search",
    "type": "tool_call",
}
CLOCK_CALL = {"name": "clock", "args": {}, "id": "call_clock", "type": "tool_call"}
BROKEN_CALL = {
    "name": "search",
    "args": "not json",
    "id": "call_broken",
    "type": "invalid_tool_call",
}


@dataclass(frozen=True)
class Scenario:
    """A reply and the message that it must become.

    Attributes:
        name: For the test's id.
        reply: What the emulator answers.
        content: The expected text.
        tool_calls: The expected calls.
        invalid_tool_calls: The expected invalid calls, `error` aside.
        kwargs: The expected `additional_kwargs`, `annotations` and `output_items` aside.
        blocks: The expected `content_blocks`.
        finish_reason: The expected one.
        usage: The expected `usage_metadata`.
        cost: The expected cost; None if there is none.
        stop: Stop sequences to call with.
        call: Other keywords to call with.
        is_billed_when_streamed: False where the stream ends before usage and cost come.
    """

    name: str
    reply: Reply | Fault
    content: str = ""
    tool_calls: tuple[Any, ...] = ()
    invalid_tool_calls: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    blocks: tuple[Any, ...] = ()
    finish_reason: str = "stop"
    usage: dict[str, Any] | None = field(default_factory=lambda: USAGE_METADATA)
    cost: dict[str, Any] | None = field(default_factory=lambda: COST)
    stop: list[str] | None = None
    call: dict[str, Any] = field(default_factory=dict)
    is_billed_when_streamed: bool = True

    def model(self, style: StreamStyle | None = None, **fields: Any) -> ChatAIMLAPI:
        """Make a model that gets the reply once, from a new emulator with the same ids."""
        chunk_size = fields.pop("chunk_size", None)
        reply = self.reply
        if style is not None and isinstance(reply, Reply):
            reply = replace(reply, stream=style)
        emulator = Emulator(seed=0, clock=lambda: NOW).script(reply)
        connection = emulator.connection(chunk_size=chunk_size)
        return ChatAIMLAPI(**{"model": "openai/gpt-5-1", **connection, **fields})

    @property
    def keywords(self) -> dict[str, Any]:
        """What to pass to each call."""
        return {"stop": self.stop, **self.call}


def reply(text: str | None = None, **fields: Any) -> Reply:
    """Make a reply with the table's usage and cost."""
    return Reply(text, **{"usage": USAGE, "cost": COST["credits"], **fields})


def text(content: str) -> dict[str, Any]:
    """Make a text block."""
    return {"type": "text", "text": content}


def call_block(call: dict[str, Any]) -> dict[str, Any]:
    """Make the block of a call."""
    return {"type": call["type"], "id": call["id"], "name": call["name"], "args": call["args"]}


def _without_usage(answer: Answer, _: Any) -> Answer:
    """Take the token counts out of a whole reply; a stream can be told to leave them out."""
    if answer.is_stream():
        return answer
    body = json.loads(answer.body)
    del body["usage"]
    return answer.with_body(json.dumps(body).encode())


_UNCOUNTED = Fault(
    "without_usage()",
    spoil=_without_usage,
    reply=Reply("No usage.", cost=None, stream=StreamStyle(usage="never")),
)
_SPECIAL = "a\u2028b\u2029c\x85d naïve “quotes” 日本語 😀👩‍👩‍👧\r\n\te\\u0041 \x00"
_THINKING = "First I think.\nThen I think again 😀."

SCENARIOS = (
    Scenario("text", reply("Hello there, world."), "Hello there, world."),
    Scenario("empty", reply("")),
    Scenario("nothing", reply(None)),
    Scenario("white space", reply("  \n "), "  \n "),
    Scenario("unicode", reply(_SPECIAL), _SPECIAL),
    Scenario(
        "reasoning",
        reply("Four.", reasoning=_THINKING, usage=Usage(11, 7, reasoning_tokens=5)),
        "Four.",
        kwargs={"reasoning_content": _THINKING},
        blocks=({"type": "reasoning", "reasoning": _THINKING}, text("Four.")),
        usage={**USAGE_METADATA, "output_token_details": {"reasoning": 5}},
    ),
    Scenario(
        "reasoning in two parts",
        reply("Four.", reasoning=["First.", "Second."]),
        "Four.",
        kwargs={"reasoning_content": "First.\n\nSecond."},
        blocks=({"type": "reasoning", "reasoning": "First.\n\nSecond."}, text("Four.")),
    ),
    Scenario(
        "reasoning, text and call",
        reply("Let me look.", reasoning=_THINKING, tool_calls=[SEARCH]),
        "Let me look.",
        tool_calls=(SEARCH_CALL,),
        kwargs={"reasoning_content": _THINKING},
        blocks=(
            {"type": "reasoning", "reasoning": _THINKING},
            text("Let me look."),
            call_block(SEARCH_CALL),
        ),
        finish_reason="tool_calls",
    ),
    Scenario(
        "parallel calls",
        reply(tool_calls=[SEARCH, CLOCK, replace(SEARCH, id="call_again")]),
        tool_calls=(SEARCH_CALL, CLOCK_CALL, {**SEARCH_CALL, "id": "call_again"}),
        blocks=(
            call_block(SEARCH_CALL),
            call_block(CLOCK_CALL),
            call_block({**SEARCH_CALL, "id": "call_again"}),
        ),
        finish_reason="tool_calls",
    ),
    Scenario(
        "call without arguments",
        reply(tool_calls=[CLOCK]),
        tool_calls=(CLOCK_CALL,),
        blocks=(call_block(CLOCK_CALL),),
        finish_reason="tool_calls",
    ),
    Scenario(
        "invalid arguments",
        # LangChain's lenient parser, which reads streamed arguments, refuses these as well.
        reply(tool_calls=[SEARCH, BROKEN]),
        tool_calls=(SEARCH_CALL,),
        invalid_tool_calls=(BROKEN_CALL,),
        blocks=(call_block(SEARCH_CALL), call_block(BROKEN_CALL)),
        finish_reason="tool_calls",
    ),
    Scenario(
        "refusal",
        reply(refusal="I cannot help with that."),
        kwargs={"refusal": "I cannot help with that."},
        blocks=({"type": "refusal", "refusal": "I cannot help with that."},),
    ),
    Scenario(
        "text and refusal",
        reply("Well.", refusal="No."),
        "Well.",
        kwargs={"refusal": "No."},
        blocks=(text("Well."), {"type": "refusal", "refusal": "No."}),
    ),
    Scenario(
        "annotations",
        reply("See there, and here.", annotations=[CITATION, {**CITATION, "title": "B"}]),
        "See there, and here.",
        blocks=(
            {
                **text("See there, and here."),
                "annotations": [CITATION_BLOCK, {**CITATION_BLOCK, "title": "B"}],
            },
        ),
    ),
    Scenario("logprobs", reply("One, two.", logprobs=True), "One, two."),
    Scenario(
        "length",
        reply("Once upon a", finish_reason="length"),
        "Once upon a",
        finish_reason="length",
    ),
    Scenario("empty length", reply("", finish_reason="length"), finish_reason="length"),
    Scenario(
        "content filter",
        reply("Once", finish_reason="content_filter"),
        "Once",
        finish_reason="content_filter",
    ),
    Scenario(
        "cached and reasoning tokens",
        reply("Yes.", usage=Usage(100, 20, cached_tokens=64, reasoning_tokens=16)),
        "Yes.",
        usage={
            "input_tokens": 100,
            "output_tokens": 20,
            "total_tokens": 120,
            "input_token_details": {"cache_read": 64},
            "output_token_details": {"reasoning": 16},
        },
    ),
    Scenario("no usage", _UNCOUNTED, "No usage.", usage=None, cost=None),
    Scenario("no cost", reply("For free?", cost=None), "For free?", cost=None),
    Scenario("cost of zero", reply("Free.", cost=0), "Free.", cost={"usd": 0.0, "credits": 0}),
    Scenario("201", reply("Created.", status=201), "Created."),
    Scenario("another model's name", reply("Hi.", model="gpt-5.1-2025-11-13"), "Hi."),
    Scenario("stop, unmatched", reply("One STO two"), "One STO two", stop=["STOP", "\n\nHuman:"]),
    Scenario(
        "stop, matched",
        reply("One STOP two STOP three"),
        "One ",
        stop=["STOP", "three"],
        is_billed_when_streamed=False,
    ),
    Scenario("stop at the start", reply("STOP!"), stop=["STOP"], is_billed_when_streamed=False),
    Scenario(
        "stop at the end", reply("One STOP"), "One ", stop=["STOP"], is_billed_when_streamed=False
    ),
    Scenario("stop begun at the end", reply("One STO"), "One STO", stop=["STOP"]),
    Scenario(
        "stop, settled by the end",
        # "abcd" may still come when "bc" has come, so only the end decides.
        reply("xabc"),
        "xa",
        stop=["bc", "abcd"],
    ),
    Scenario(
        "stop, calls after",
        reply("One STOP two", tool_calls=[SEARCH]),
        "One ",
        stop=["STOP"],
        is_billed_when_streamed=False,
    ),
    Scenario(
        "stop, refusal and citation after",
        reply("One STOP two", refusal="No.", annotations=[CITATION]),
        "One ",
        stop=["STOP"],
        is_billed_when_streamed=False,
    ),
    Scenario(
        "stop, settled by the calls after",
        reply("xabc", tool_calls=[SEARCH]),
        "xa",
        stop=["bc", "abcd"],
        is_billed_when_streamed=False,
    ),
    Scenario(
        "stop, in a reasoning text",
        reply("One.", reasoning="I STOP here.", tool_calls=[replace(SEARCH, args='{"q": "STOP"}')]),
        "One.",
        tool_calls=({**SEARCH_CALL, "args": {"q": "STOP"}},),
        kwargs={"reasoning_content": "I STOP here."},
        blocks=(
            {"type": "reasoning", "reasoning": "I STOP here."},
            text("One."),
            call_block({**SEARCH_CALL, "args": {"q": "STOP"}}),
        ),
        finish_reason="tool_calls",
        stop=["STOP"],
    ),
    Scenario(
        "reasoning under another name",
        reply("Four.", reasoning=_THINKING, reasoning_field="reasoning"),
        "Four.",
        kwargs={"reasoning_content": _THINKING},
        blocks=({"type": "reasoning", "reasoning": _THINKING}, text("Four.")),
    ),
)

_VOLATILE = frozenset({"attempts", "client_request_id", "created", "id", "inference_id"})
_OF_THE_ENDPOINT = frozenset({"endpoint", "service_tier", "system_fingerprint", "token_usage"})


def blocks_of(message: BaseMessage) -> list[ContentBlock]:
    """Return the blocks without indices, refusals in the form that newer LangChains have."""
    blocks: list[Any] = []
    for block in message.content_blocks:
        plain = {key: value for key, value in block.items() if key not in {"index", "error"}}
        value = plain.get("value")
        if plain["type"] == "non_standard" and isinstance(value, dict) and "refusal" in value:
            plain = value
        blocks.append(plain)
    # LangChain's event stream finishes calls before the refusal, which we give last.
    return sorted(blocks, key=lambda block: "tool_call" in block["type"])


def project(message: BaseMessage) -> dict[str, Any]:
    """Return all of a message that must be the same whichever way it came."""
    message = message_chunk_to_message(message)
    assert isinstance(message, AIMessage)
    metadata = {k: v for k, v in message.response_metadata.items() if k not in _VOLATILE}
    metadata.pop("output_version", None)
    return {
        "text": str(message.text),
        "tool_calls": message.tool_calls,
        "invalid_tool_calls": [
            {key: value for key, value in call.items() if key != "error"}
            for call in message.invalid_tool_calls
        ],
        "additional_kwargs": message.additional_kwargs,
        "response_metadata": metadata,
        "usage_metadata": message.usage_metadata,
        "blocks": blocks_of(message),
    }


def without_endpoint(projection: dict[str, Any]) -> dict[str, Any]:
    """Return what must also be the same on both endpoints.

    The endpoints nest citations differently; their blocks are compared. The fingerprint and the
    tier are told by chat completions alone, as are log probabilities of refusals.
    """
    metadata = {
        k: v for k, v in projection["response_metadata"].items() if k not in _OF_THE_ENDPOINT
    }
    if "logprobs" in metadata:
        metadata["logprobs"] = metadata["logprobs"]["content"]
    kwargs = dict(projection["additional_kwargs"])
    kwargs.pop("annotations", None)
    kwargs.pop("output_items", None)
    return {**projection, "response_metadata": metadata, "additional_kwargs": kwargs}


def without_bill(projection: dict[str, Any]) -> dict[str, Any]:
    """Return what is left where a stream was closed at a stop sequence."""
    billed = ("cost", "token_usage")
    metadata = {k: v for k, v in projection["response_metadata"].items() if k not in billed}
    kwargs = {k: v for k, v in projection["additional_kwargs"].items() if k != "output_items"}
    return {
        **projection,
        "usage_metadata": None,
        "response_metadata": metadata,
        "additional_kwargs": kwargs,
    }
