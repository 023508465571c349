"""The chat completions dialect: `POST /chat/completions`.

Facts from the vendor's published schemas of `openai/gpt-5-1` (2026-08) and the one full stream that
its documentation prints (2026-03). Where the two differ about stream chunks, the stream is right:
roles and ids come once or always or empty, `content` may be null or absent, `choices` empty, usage
and price may ride on chunks of their own. So everything is read as optional.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.outputs import ChatResult
from typing_extensions import override

from langchain_aimlapi._dialects.assembler import MessageAssembler
from langchain_aimlapi._dialects.calls import id_of, number_of
from langchain_aimlapi._dialects.stream_parser import StreamParser
from langchain_aimlapi._messages.content_blocks import listed
from langchain_aimlapi._messages.conversation import named, wire_messages
from langchain_aimlapi._messages.foreign_blocks import as_text, kind_of, text_in
from langchain_aimlapi._messages.tools import function_choice, function_tool
from langchain_aimlapi._messages.usage import cost_from, llm_output, meta_from, usage_from_chat
from langchain_aimlapi._wire.json import dumps
from langchain_aimlapi.profiles import MODEL_PROVIDER, known_profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._dialects.call_facts import CallFacts
    from langchain_aimlapi._messages.history import AssistantTurn
    from langchain_aimlapi._messages.seal import Seal

_OF_REASONING = frozenset({"effort", "summary"})
_REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thinking_blocks")
"""Names under which routes and servers are known to send reasoning text. None of them is
documented for the GPT-5.1 models: it is read if it is there."""
_THOUGHTS = frozenset({"thinking", "reasoning", "reasoning_content", "reasoning_text"})
"""Kinds of content parts that are thoughts."""
_ARGUMENTS = ("arguments", "input", "args")
_NO_REASONS = ("null", "None")
_METADATA = ("created", "system_fingerprint", "service_tier", "native_finish_reason")


class ChatCompletionsDialect:
    """Speaks `POST /chat/completions`."""

    name = "chat_completions"
    path = "/chat/completions"

    def build_payload(
        self,
        messages: Sequence[BaseMessage],
        params: Mapping[str, Any],
        seal: Seal | None = None,  # noqa: ARG002 - nothing is sealed here
    ) -> dict[str, Any]:
        """Make the request's body; see `Dialect.build_payload`."""
        is_other = known_profile(params["model"]) is None
        wire = wire_messages(messages, _wire_assistant, any_media=is_other)
        payload: dict[str, Any] = {"messages": wire, **params}
        if "max_tokens" in payload and not is_other:
            # Both caps are documented for these four. This one counts reasoning tokens, as bills
            # do; newer families document the other alone.
            payload["max_completion_tokens"] = payload.pop("max_tokens")
        if "tools" in payload:
            payload["tools"] = [function_tool(tool) for tool in payload["tools"]]
        if "tool_choice" in payload:
            payload["tool_choice"] = function_choice(payload["tool_choice"])
        if reasoning := payload.pop("reasoning", None):
            # Summaries exist on responses alone; the effort has a name of its own here.
            rest = {key: value for key, value in reasoning.items() if key not in _OF_REASONING}
            payload.update({"reasoning": rest} if rest else {})
            if (effort := reasoning.get("effort")) is not None:
                payload.setdefault("reasoning_effort", effort)
        return payload

    def lacks(self, body: Mapping[str, Any]) -> str | None:
        """Say what a whole reply lacks to be an answer; see `Dialect.lacks`."""
        choices = body.get("choices")
        told = choices if isinstance(choices, list) else ()
        return None if any(isinstance(choice, dict) for choice in told) else "no choices"

    def parse_response(self, body: Mapping[str, Any], facts: CallFacts) -> ChatResult:
        """Read a whole reply; see `Dialect.parse_response`.

        With `n > 1` there is one generation a choice. Usage and cost are those of all of them, and
        stand on the first.
        """
        generations = []
        for position, choice in enumerate(_dicts(body["choices"])):
            assembler = MessageAssembler(facts)
            _read_envelope(assembler, body, facts.headers)
            if position:
                assembler.id = assembler.usage = assembler.token_usage = assembler.cost = None
            message = _plain(choice.get("message"))
            _read_choice(assembler, choice, message)
            for index, call in enumerate(_dicts(message.get("tool_calls"))):
                _read_tool_call(assembler, call, index)
            # A whole reply is finished, whether or not a route says how.
            assembler.finish_reason = assembler.finish_reason or "stop"
            generations.append(assembler.generation())
        return ChatResult(generations=generations, llm_output=llm_output(body, body.get("usage")))

    def stream_parser(self, facts: CallFacts) -> ChatCompletionsStreamParser:
        """Make the reader of one stream."""
        return ChatCompletionsStreamParser(facts)


class ChatCompletionsStreamParser(StreamParser):
    """Reads one stream of `chat.completion.chunk` objects."""

    def __init__(self, facts: CallFacts) -> None:
        """Start before the first event."""
        super().__init__(facts)
        # The API's number of the answer that is read: the first that came. `n` may be more than
        # one, asked for or not, and a message holds one answer.
        self._choice: int | None = None
        # The last chunk that said something new beside its choices.
        self._envelope: dict[str, Any] = {}

    @override
    def read(self, event: dict[str, Any]) -> None:
        assembler = self.assembler
        choices = event.get("choices")
        self._envelope["choices"] = choices  # all but these is compared: every chunk repeats it
        if event != self._envelope:
            self._envelope = event.copy()
            _read_envelope(assembler, event, {})
        delta = self._delta_alone(choices)
        if type(text := delta.get("content")) is str:
            if text:
                assembler.add_text(text)
        elif "tool_calls" in delta:
            for call in _dicts(delta["tool_calls"]):
                _read_tool_call(assembler, call)
        else:
            self._read_choices(event)

    def _read_choices(self, event: dict[str, Any]) -> None:
        """Read choices that tell whatever there is to tell."""
        assembler = self.assembler
        for place, choice in enumerate(_dicts(event.get("choices"))):
            if not self._is_read(choice.get("index"), place):
                continue
            delta = _plain(choice.get("delta"))
            _read_choice(assembler, choice, delta)
            for call in _dicts(delta.get("tool_calls")):
                _read_tool_call(assembler, call)
            # A route that does not stream sends a whole `chat.completion` in place of a chunk;
            # others end a stream with one.
            if message := choice.get("message"):
                rest, calls = _not_told(_plain(message), assembler)
                _read_choice(assembler, {}, rest)
                for position, call in calls:
                    _read_tool_call(assembler, call, position)
                if event.get("object") == "chat.completion":
                    # A whole reply is finished, whether or not a route says how.
                    assembler.finish_reason = assembler.finish_reason or "stop"

    def _delta_alone(self, choices: Any) -> dict[str, Any]:
        """Return the delta of choices that tell one thing and nothing beside it, as most do."""
        if type(choices) is not list or len(choices) != 1 or type(choice := choices[0]) is not dict:
            return {}
        delta = choice.get("delta")
        if type(delta) is not dict or len(delta) != 1 or choice.get("index") != self._choice:
            return {}
        tells_more = choice.get("finish_reason") or choice.get("logprobs") or choice.get("message")
        return {} if tells_more else delta

    def _is_read(self, index: Any, place: int) -> bool:
        number = number_of(index)
        if number is None:
            return place == 0
        if self._choice is None:
            self._choice = number
        return number == self._choice


# --- reading ------------------------------------------------------------------------------------


def _read_envelope(
    assembler: MessageAssembler, body: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    """Read what a reply or chunk says beside its choices; what it leaves out stays as it was."""
    assembler.identify(body.get("id"))
    if model := body.get("model"):
        assembler.closing["model_name"] = model
    for key in _METADATA:
        if (value := body.get(key)) is not None:
            assembler.closing[key] = value
    if usage := body.get("usage"):
        assembler.count(usage, usage_from_chat(usage))
    if headers or "meta" in body:
        assembler.bill(cost_from(body, headers))
        if meta := meta_from(body, headers):
            assembler.closing["meta"] = meta


def _read_choice(
    assembler: MessageAssembler, choice: Mapping[str, Any], message: Mapping[str, Any]
) -> None:
    """Read a choice, its tool calls aside; `message` is its `message` or its `delta`."""
    for key in _REASONING:
        if (thoughts := message.get(key)) and (text := text_in(thoughts)):
            assembler.add_reasoning(text, key)
    if details := message.get("reasoning_details"):
        assembler.add_reasoning_details(listed(details))
    if content := message.get("content"):
        assembler.add_text(content)
    if refusal := message.get("refusal"):
        assembler.add_refusal(text_in(refusal))
    if annotations := listed(message.get("annotations")):
        assembler.add_annotations(annotations)
    if logprobs := choice.get("logprobs"):
        assembler.add_logprobs(logprobs)
    if (reason := choice.get("finish_reason")) and reason not in _NO_REASONS:
        assembler.finish_reason = reason


def _dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, or the one that stands in the place of a list."""
    return [item for item in listed(value) if isinstance(item, dict)]


def _plain(message: Any) -> dict[str, Any]:
    """Return a message or a delta in the documented shape, whichever it came in.

    Content in parts becomes text, thoughts and refusal; the old `function_call` a tool call.
    """
    plain: dict[str, Any] = message if isinstance(message, dict) else {"content": message or ""}
    content = plain.get("content")
    if content is not None and not isinstance(content, str):
        parts: dict[str, str] = {"content": "", "reasoning_content": "", "refusal": ""}
        for part in listed(content):
            kind = part.get("type") if isinstance(part, dict) else None
            key = "reasoning_content" if kind in _THOUGHTS else "content"
            parts["refusal" if kind == "refusal" else key] += text_in(part)
        told = {key: value for key, value in plain.items() if value}
        plain = {**parts, **told, "content": parts["content"]}
    if (call := plain.get("function_call")) and not plain.get("tool_calls"):
        plain = {**plain, "tool_calls": [{"function": call}]}
    return plain


def _not_told(
    message: Mapping[str, Any], assembler: MessageAssembler
) -> tuple[dict[str, Any], list[tuple[int, dict[str, Any]]]]:
    """Return of a whole message what no delta has told, and of its calls, with their positions."""
    told = assembler.told()
    rest = {
        key: value
        for key, value in message.items()
        if not (key in _REASONING or key == "reasoning_details") or not told["reasoning"]
    }
    for key in ("content", "refusal"):
        if told[key] and isinstance(text := rest.get(key), str):
            rest[key] = _news(text, told[key])
    calls = []
    told_calls = _dicts(message.get("tool_calls"))
    names = [(call.get("index"), id_of(call.get("id"))) for call in told_calls]
    for call, position in zip(told_calls, assembler.calls.places_of(names), strict=True):
        if before := assembler.calls.text_of(position):
            key = "custom" if call.get("custom") else "function"
            function = dict(call.get(key) or {})
            for name in ("arguments", "input"):
                if isinstance(text := function.get(name), str):
                    function[name] = _news(text, before)
            call = {**call, key: function}  # noqa: PLW2901 - it is the same call, less what is known
        calls.append((position, call))
    return rest, calls


def _news(text: str, told: str) -> str:
    """Return what a text adds to what was told: if it begins otherwise, it goes on with that."""
    if text.startswith(told):
        return text[len(told) :]
    return "" if text.strip() == told.strip() else text


def _read_tool_call(
    assembler: MessageAssembler, call: Mapping[str, Any], position: int | None = None
) -> None:
    """Read a tool call or a fragment of one; custom tools name their parts differently.

    Args:
        assembler: Where it goes.
        call: The call.
        position: Which call it is, if that is known.
    """
    named = (call.get("function"), call.get("custom"))
    function = next((part for part in named if isinstance(part, dict)), call)
    arguments = next((function[key] for key in _ARGUMENTS if key in function), None)
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else dumps(arguments).decode()
    name, index, call_id = function.get("name"), call.get("index"), id_of(call.get("id"))
    if position is None:
        position = assembler.calls.place(index, name, arguments, call_id)
    assembler.add_tool_call(position, name=name, arguments=arguments, call_id=call_id, index=index)


# --- writing ------------------------------------------------------------------------------------


def _wire_assistant(turn: AssistantTurn) -> list[dict[str, Any]]:
    """Convert an assistant turn.

    Null content is not allowed, and content may be left out only beside tool calls. Of list content
    only text and refusals are kept: other providers' thinking has no place here.
    """
    wire: dict[str, Any] = {"role": "assistant"}
    if turn.refusal:
        texts = [{"type": "text", "text": turn.text}] if turn.text else []
        wire["content"] = [*texts, {"type": "refusal", "refusal": turn.refusal}]
    elif turn.text:
        wire["content"] = turn.text
    if turn.calls:
        wire["tool_calls"] = [call.wire() for call in turn.calls]
    elif "content" not in wire:
        wire["content"] = ""
    wire.update(_own_reasoning(turn))
    return [named(wire, turn)]


def _own_reasoning(turn: AssistantTurn) -> dict[str, Any]:
    """Return reasoning that this endpoint sent, under the name that it came with.

    Routes that show reasoning here expect it back on turns with tool calls. What another provider
    or the other endpoint thought is not sent: no schema has a place for it. Nor is what is sealed:
    nothing tells which model and account made it.
    """
    came, kwargs = turn.message.response_metadata, turn.message.additional_kwargs
    if (came.get("model_provider"), came.get("endpoint")) != (MODEL_PROVIDER, "chat_completions"):
        return {}
    if isinstance(details := kwargs.get("reasoning_details"), list):
        readable = [
            detail
            for detail in details
            if isinstance(detail, dict) and "encrypted" not in str(detail.get("type"))
        ]
        if readable:
            return {"reasoning_details": readable}
    text = kwargs.get("reasoning_content")
    if not isinstance(text, str) or not text:
        thoughts = (block for block in turn.blocks if kind_of(block) == "reasoning")
        text = "".join(as_text(block.get("reasoning") or "") for block in thoughts)
    return {"reasoning_content": text} if text else {}
