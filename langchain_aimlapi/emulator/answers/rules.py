"""The default replies: deterministic, made by rules, and saying that they are the emulator's.

No rule pretends to understand; `RULES` tells them all.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.answers.hints import Hints, words
from langchain_aimlapi.emulator.answers.replies import Reply, ToolCall
from langchain_aimlapi.emulator.answers.schema_filler import fill
from langchain_aimlapi.emulator.tokens import split_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi.emulator.answers.conversation import Conversation, Tool

SPEAKER = "The emulator of the AI/ML API"
"""How the default replies call themselves."""

RULES = """\
- Tools: a tool is called if the user's last message has its name, or at least two points of words
  in common with its name (2 each) and description (1 each); with tool_choice "required" always.
  `add(1, b=2)` in the message is taken at its word. Else the arguments fit the tool's schema and
  take from the message: `key: value`, quoted words, names, numbers.
- After a tool's result: a sentence that repeats it. With "required", the tools that were not called
  yet come first.
- JSON schemas (response_format, text.format): an object that fits, filled in the same way.
- JSON mode: an object with the keys that the prompt names ("with keys a and b", "keys: a, b"), or
  that fits a schema which stands in the prompt.
- All else: a sentence that repeats the first 160 characters of the user's last message.
- Reasoning: a summary if it is asked for, an empty one from codex models; none from chat-latest.
- Limits: what is longer than max_tokens is cut there, with the finish reason "length". Stop strings
  are not honoured, unless it was made to.
- Tokens are words and signs. The prices are examples."""
"""The default replies, in words."""

_EXCERPT = 160
# Words of tool names and descriptions that do not tell one tool from another.
_COMMON = frozenset(
    words(
        "a about an and any apply are as at be by call can create do does for from function get "
        "give given has have in input into is it its make my of on or output return returns run "
        "set string that the their this to tool tools use used user value what when which with "
        "you your"
    )
)
_ARGUMENT = re.compile(r"""\s*(?:(\w+)\s*=\s*)?("[^"]*"|'[^']*'|[^,]+?)\s*(?:,|$)""")


def default_reply(conversation: Conversation, model: str, *, honour_stop: bool = False) -> Reply:
    """What the emulator answers where no script says otherwise.

    Args:
        conversation: The request.
        model: The requested model; only reasoning models have reasoning.
        honour_stop: Whether the text ends at the first stop string sent.
    """
    calls = _tool_calls(conversation)
    if calls:
        reply = _shorten_calls(Reply(tool_calls=calls), conversation.max_tokens)
    else:
        reply = _shorten_text(Reply(_text(conversation)), conversation, honour_stop=honour_stop)
    reply = replace(reply, reasoning=_reasoning(conversation, model))
    if conversation.n > 1:
        # Like `Reply.choices` itself, equal choices: nothing here is random.
        return replace(reply, choices=[reply] * conversation.n)
    return reply


def _reasoning(conversation: Conversation, model: str) -> str | tuple[str, ...] | None:
    """Reasoning models only; codex samples have a reasoning item even when nothing was asked."""
    if "chat-latest" in model:
        return None
    if conversation.reasoning:
        return f"{SPEAKER} does not reason. This is its reasoning summary."
    return () if conversation.encrypted or "codex" in model else None


# Tools.


def _tool_calls(conversation: Conversation) -> list[ToolCall]:
    choice, tools = conversation.tool_choice, conversation.tools
    if choice == "none" or not tools:
        return []
    if choice not in {"auto", "required"}:
        tools = tuple(tool for tool in tools if tool.name == choice) or tools
        return _calls(tools[0], conversation)
    wanted = _mentioned(conversation)
    if choice == "required":
        # An agent's loop ends when the one tool that is its answer is called: so others first.
        called = {name for message in conversation.since_prompt for name in message.called}
        fresh = [tool for tool in (*wanted, *tools) if tool.name not in called]
        wanted = wanted if wanted and not called else [*fresh, *tools][:1]
    elif conversation.last.role != "user":
        return []
    calls = [call for tool in wanted for call in _calls(tool, conversation)]
    return calls if conversation.parallel else calls[:1]


def _mentioned(conversation: Conversation) -> list[Tool]:
    """The tools that the user's last turn asks for, the likeliest one if none is named."""
    prompt = conversation.prompt
    named = [tool for tool in conversation.tools if _position(tool, prompt) is not None]
    if named:
        return sorted(named, key=lambda tool: _position(tool, prompt) or 0)
    said = set(words(prompt)) - _COMMON
    scores = [(_score(tool, said), tool) for tool in conversation.tools]
    best, tool = max(scores, key=lambda scored: scored[0])
    return [tool] if best > 1 else []


def _position(tool: Tool, prompt: str) -> int | None:
    found = re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", prompt)
    return None if found is None else found.start()


def _score(tool: Tool, said: set[str]) -> int:
    """A word of the name counts for two of the description."""
    in_name = said.intersection(words(tool.name))
    return 2 * len(in_name) + len(said.intersection(words(tool.description)))


def _calls(tool: Tool, conversation: Conversation) -> list[ToolCall]:
    """The call of `tool`; several where the prompt writes several or quotes several words."""
    prompt = conversation.prompt
    written = re.findall(rf"(?<!\w){re.escape(tool.name)}\s*\(([^()]*)\)", prompt)
    if written:
        calls = [ToolCall(tool.name, _written(text, tool)) for text in written]
        return calls if conversation.parallel else calls[:1]
    if "*** Begin Patch" in tool.description:
        return [ToolCall(tool.name, {next(iter(tool.parameters["properties"])): _patch(prompt)})]
    hints, required = Hints(prompt), list(tool.parameters.get("required") or ())
    if len(required) == 1 and len(hints.quoted) > 1 and conversation.parallel:
        spec = tool.parameters.get("properties", {}).get(required[0], {})
        if spec.get("type") == "string":
            return [ToolCall(tool.name, {required[0]: word}) for word in hints.quoted]
    return [ToolCall(tool.name, _arguments(tool, hints))]


def _patch(prompt: str) -> str:
    """The patch that the prompt holds, else one that adds a file which says whose it is."""
    found = re.search(r"\*\*\* Begin Patch\n.*?\n\*\*\* End Patch", prompt, re.DOTALL)
    if found:
        return found.group()
    excerpt = textwrap.shorten(prompt, _EXCERPT, placeholder=" …")
    added = f"+{SPEAKER} heard: {excerpt}"
    return f"*** Begin Patch\n*** Add File: emulator.txt\n{added}\n*** End Patch"


def _arguments(tool: Tool, hints: Hints) -> dict[str, Any]:
    value = fill({"type": "object", **tool.parameters}, hints)
    return value if isinstance(value, dict) else {}


def _written(text: str, tool: Tool) -> dict[str, Any]:
    """The arguments of a call written out in the prompt, such as `add(1, b=2)`."""
    properties = tool.parameters.get("properties") or {}
    free = iter(properties)
    given: dict[str, Any] = {}
    for key, value in _ARGUMENT.findall(text):
        name = key or next(free, None)
        if name is not None and name in properties:
            given[name] = _literal(value, properties[name])
    return {**_arguments(tool, Hints("")), **given}


def _literal(text: str, schema: dict[str, Any]) -> Any:
    unquoted = text[1:-1] if text[:1] in {"'", '"'} and text[-1:] == text[:1] else text
    if schema.get("type") == "string":
        return unquoted
    try:
        return json.loads(unquoted)
    except ValueError:
        return unquoted


def _shorten_calls(reply: Reply, limit: int | None) -> Reply:
    """Cut the arguments where the reply is over its limit, as a model does that runs out."""
    if limit is None:
        return reply
    kept: list[ToolCall] = []
    for call in reply.tool_calls:
        parts = split_tokens(call.arguments)
        if len(parts) > limit:
            cut = ToolCall(call.name, "".join(parts[:limit]))
            return replace(reply, tool_calls=[*kept, cut], finish_reason="length")
        limit -= len(parts)
        kept.append(call)
    return reply


# Text and JSON.


def _text(conversation: Conversation) -> str:
    if conversation.format == "json_schema" and conversation.schema:
        return _json(fill(conversation.schema, Hints(conversation.prompt)))
    if conversation.format in {"json_object", "json_schema"}:
        return _json(_json_object(conversation))
    return _prose(conversation)


def _prose(conversation: Conversation) -> str:
    results = [m for m in conversation.since_prompt if m.role == "tool"]
    if results:
        told = "; ".join(f'{m.name or "a tool"} answered "{m.text}"' for m in results)
        return f"{SPEAKER} has its result: {told}."
    excerpt = textwrap.shorten(conversation.prompt, _EXCERPT, placeholder=" …")
    return f'{SPEAKER} heard: "{excerpt}"' if excerpt else f"{SPEAKER} heard nothing."


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_object(conversation: Conversation) -> dict[str, Any]:
    """An object with the keys, or for the schema, that the prompt names."""
    texts = [conversation.prompt, *(m.text for m in conversation.messages)]
    for text in texts:
        schema = _schema_in(text)
        if schema is not None:
            # What the schema itself quotes is no offer.
            value = fill(schema, Hints(conversation.prompt.partition("{")[0]))
            return value if isinstance(value, dict) else {"value": value}
    keys = next(filter(None, map(_keys_in, texts)), None)
    if keys is None:
        return {"emulator": _prose(conversation)}
    return {key: f"emulated {key}" for key in keys}


def _keys_in(text: str) -> Sequence[str]:
    """The keys of "JSON with keys setup and punchline" or "with 'setup' and 'punchline' keys"."""
    for sentence in re.split(r"(?<=[.!?])\s+|\n", text):
        if re.search(r"\b(?:keys?|fields?|properties)\b", sentence, re.IGNORECASE):
            quoted = re.findall(r"""['"`“](\w+)['"`”]""", sentence)
            if quoted:
                return list(dict.fromkeys(quoted))
            listed = re.search(
                r"\b(?:keys?|fields?|properties)\b:?\s+((?:\w+\s*,\s*)*\w+(?:,?\s+and\s+\w+)?)",
                sentence,
                re.IGNORECASE,
            )
            if listed:
                return [w for w in re.split(r"\s*,\s*|\s+and\s+|\s+", listed[1]) if w != "and"]
    return []


def _schema_in(text: str) -> dict[str, Any] | None:
    """The JSON schema that output-parser instructions paste into a prompt."""
    decoder, at, schema = json.JSONDecoder(), 0, None
    while '"properties"' in text and (at := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            at += 1
            continue
        # The last one counts: such instructions show a little example first.
        if isinstance(value, dict) and isinstance(value.get("properties"), dict):
            schema = value
    return schema


def _shorten_text(reply: Reply, conversation: Conversation, *, honour_stop: bool) -> Reply:
    text = reply.text or ""
    tokens = split_tokens(text)
    if conversation.max_tokens is not None and len(tokens) > conversation.max_tokens:
        text = "".join(tokens[: conversation.max_tokens])
        reply = replace(reply, text=text, finish_reason="length")
    stops = conversation.stop if honour_stop else ()
    ends = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return replace(reply, text=text[: min(ends)], finish_reason="stop") if ends else reply
