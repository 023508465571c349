"""Half answers of every kind against two models: the table in `cookbook/half-answers.md`.

Run `python -m tests.half_answers` where langchain-openai is installed; it prints the table of what
it saw, chat completions, invoked and streamed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Fault, Reply, ToolCall
from tests.conftest import collect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_core.language_models import BaseChatModel

CUT = '{"path": "a.txt", "content": "Half'
SCHEMA = {
    "title": "Note",
    "description": "A note.",
    "type": "object",
    "properties": {"text": {"type": "string"}, "tags": {"type": "array", "items": {}}},
    "required": ["text", "tags"],
}


class Kind(NamedTuple):
    """A half answer."""

    words: str
    step: Reply | Fault
    method: str | None = None
    """Of `with_structured_output`; None: a plain call."""


def _call(arguments: str, ending: str, name: str = "write_file") -> Reply:
    return Reply(tool_calls=[ToolCall(name, arguments)], finish_reason=ending)


KINDS = [
    Kind("a call, cut at the token limit", _call(CUT, "length")),
    Kind("a call, cut by the content filter", _call(CUT, "content_filter")),
    Kind("a call, broken under a good ending", _call('{"a": 1} more', "tool_calls")),
    Kind("a call without arguments, cut at the token limit", _call("", "length")),
    Kind("a call of no object (`12`)", _call("12", "tool_calls")),
    Kind("a connection that ends early", Fault.cut(after=4)),
    Kind(
        "an object, cut at the token limit",
        Reply('{"text": "Half', finish_reason="length"),
        "json_schema",
    ),
    Kind(
        "an object, cut by the content filter",
        Reply('{"text": "Half', finish_reason="content_filter"),
        "json_schema",
    ),
    Kind("an object, left open under a good ending", Reply('{"text": "Half'), "json_schema"),
    Kind("the same with `json_mode`", Reply('{"text": "Half", "tags": ["a"'), "json_mode"),
    Kind(
        "a half call of `function_calling`",
        _call('{"text": "Half', "length", "Note"),
        "function_calling",
    ),
    Kind("no call of `function_calling`", Reply("I would rather not."), "function_calling"),
]
WAYS = ("invoke", "stream")
NOTHING = "nothing"


def ours(**connection: Any) -> BaseChatModel:
    """Make a model of this package."""
    return ChatAIMLAPI(max_retries=0, **connection)


def theirs(**connection: Any) -> BaseChatModel:
    """Make ChatOpenAI."""
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="openai/gpt-5-1", max_retries=0, **connection)


def outcome(make: Callable[..., BaseChatModel], kind: Kind, way: str) -> str:
    """Say what a caller gets."""
    emulator = Emulator(validate=False).script(kind.step)
    with emulator.serve() as server:
        llm: Any = make(**server.connection())
        if kind.method is not None:
            llm = llm.with_structured_output(SCHEMA, method=kind.method)
        try:
            found = llm.invoke("Hi") if way == "invoke" else _last(kind, llm.stream("Hi"))
        except Exception as error:  # noqa: BLE001 - any is an outcome
            return f"`{type(error).__name__}`"
    if kind.method is not None:
        return found if found == NOTHING else "`None`" if found is None else "an object"
    if found.tool_calls:
        return "**a valid call**"
    return "an invalid call" if found.invalid_tool_calls else "text, as if whole"


def _last(kind: Kind, stream: Iterator[Any]) -> Any:
    return collect(stream) if kind.method is None else [NOTHING, *stream][-1]


def row(kind: Kind, make: Callable[..., BaseChatModel]) -> str:
    """Return one cell: both ways in one, where they agree."""
    whole, streamed = (outcome(make, kind, way) for way in WAYS)
    return whole if whole == streamed else f"{whole}; streamed: {streamed}"


def table() -> str:
    """Return the table as it should be."""
    lines = ["| The answer | This package | `ChatOpenAI` |", "| --- | --- | --- |"]
    lines += [f"| {kind.words} | {row(kind, ours)} | {row(kind, theirs)} |" for kind in KINDS]
    return "\n".join(lines)


if __name__ == "__main__":
    for name in list(os.environ):
        if name.upper().startswith(("AIML", "OPENAI", "LANGSMITH", "LANGCHAIN_", "LC_")):
            del os.environ[name]
    print(table())  # noqa: T201
