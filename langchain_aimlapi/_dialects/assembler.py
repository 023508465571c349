"""Puts one reply together, whole or in pieces, for both dialects.

Whatever the endpoint, and whether the reply streams or not, its pieces pass through a
`MessageAssembler`. That is why all four ways give the same message:

- `content`: the visible text, a string.
- `tool_calls`, `invalid_tool_calls`, `usage_metadata`, `id`: LangChain's own.
- `additional_kwargs`: `reasoning_content`, `refusal`, `annotations` and what else has to be sent
  back as it came.
- `response_metadata`: where it came from, how it ended and what it cost.

LangChain adds chunks up key by key: equal strings are joined and differing numbers summed, so each
key rides on one chunk only. Ids are on the first (they survive a cut), the rest on the last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk

from langchain_aimlapi._dialects.base import unreadable
from langchain_aimlapi._dialects.light_chunk import chunk_of
from langchain_aimlapi._messages.stop import StopFilter
from langchain_aimlapi._messages.tool_calls import parse_tool_call
from langchain_aimlapi._wire.json import STUMBLES
from langchain_aimlapi.errors import AIMLAPIStreamInterruptedError
from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages.ai import UsageMetadata
    from langchain_core.messages.tool import ToolCallChunk

    from langchain_aimlapi._dialects.base import CallFacts

_HELD_BACK = frozenset({"refusal", "annotations"})


class MessageAssembler:
    """Collects the pieces of one answer.

    A stream adds pieces and takes a chunk after each event; a whole reply adds all pieces and
    takes the message at the end. What comes after a stop sequence does not count.
    """

    def __init__(self, facts: CallFacts) -> None:
        """Start with nothing.

        Args:
            facts: What is known of the call; its `stop` sequences are applied to the text.
        """
        self._facts = facts
        self._stop = StopFilter(facts.stop) if facts.stop else None
        self._text: list[str] = []
        self._calls: list[_Call] = []
        self._kwargs: dict[str, Any] = {}
        self._logprobs: dict[str, Any] = {}
        self._pending = _Pieces()
        self._first = True
        self.output_started = False
        self.id: str | None = None
        self.finish_reason: str | None = None
        self.usage: UsageMetadata | None = None
        self.cost: dict[str, Any] | None = None
        self.closing: dict[str, Any] = {}

    @property
    def stopped(self) -> bool:
        """True once a stop sequence was met."""
        return self._stop is not None and self._stop.matched

    def identify(self, answer_id: Any) -> None:
        """Take the answer's id; some routes leave it out or empty on some chunks."""
        if isinstance(answer_id, str) and answer_id:
            self.id = answer_id

    # --- pieces ---------------------------------------------------------------------------------

    def add_text(self, text: str) -> None:
        """Add visible text, up to a stop sequence."""
        _require_text(text)
        if self._stop is not None:
            text = self._stop.feed(text)
        if text:
            self._show_text(text)

    def add_reasoning(self, text: str) -> None:
        """Add to the reasoning text."""
        _require_text(text)
        if text and not self.stopped:
            self._kwargs.setdefault("reasoning_content", []).append(text)
            kwargs = self._pending.kwargs
            kwargs["reasoning_content"] = kwargs.get("reasoning_content", "") + text
            self.output_started = True

    def add_refusal(self, text: str) -> None:
        """Add to the refusal, which is shown whole, on the last chunk.

        LangChain's event stream keeps only the last piece of a refusal that comes in several.
        """
        _require_text(text)
        if text and not self.stopped:
            self._kwargs.setdefault("refusal", []).append(text)

    def add_items(self, key: str, items: Sequence[Any]) -> None:
        """Add entries to a list in `additional_kwargs`, such as `output_items`."""
        if items and not self.stopped:
            self._kwargs.setdefault(key, []).extend(items)
            self._pending.kwargs.setdefault(key, []).extend(items)

    def add_annotations(self, annotations: Sequence[Any]) -> None:
        """Add citations of the text, which are shown together, on the last chunk.

        LangChain's event stream keeps only the annotations of the last chunk that has any.
        """
        if annotations and not self.stopped:
            self._kwargs.setdefault("annotations", []).extend(annotations)

    def add_logprobs(self, logprobs: dict[str, Any]) -> None:
        """Add token log probabilities: `{"content": […], "refusal": […]}`, either may be None."""
        for part, tokens in logprobs.items():
            if not isinstance(tokens, (list, type(None))):
                raise TypeError(f"a list expected, not {type(tokens).__name__}")
            for target in (self._logprobs, self._pending.logprobs):
                if target.get(part) is None:
                    target[part] = None if tokens is None else list(tokens)
                elif tokens is not None:
                    target[part].extend(tokens)

    def add_tool_call(
        self, position: int, *, name: str | None, arguments: str, call_id: str | None
    ) -> None:
        """Add a call or a fragment of one.

        Args:
            position: Which call of the answer, counted from 0.
            name: The function's name; None or empty in later fragments.
            arguments: JSON text, or the next piece of it.
            call_id: The call's id; None or empty in later fragments.
        """
        _require_text(name or "", arguments, call_id or "")
        self._settle_text()
        if self.stopped:
            return
        while position >= len(self._calls):
            self._calls.append(_Call())
        call = self._calls[position]
        fresh_id = call_id if call_id and not call.id else None
        fresh_name = name if name and not call.name else None
        call.id = call.id or fresh_id
        call.name = call.name or fresh_name
        call.arguments.append(arguments)
        self._pending.add_call(position, fresh_name, arguments, fresh_id)
        self.output_started = True

    def _settle_text(self) -> None:
        """Show text that was held back as the possible start of a stop sequence."""
        if self._stop is not None and (rest := self._stop.flush()):
            self._show_text(rest)

    def _show_text(self, text: str) -> None:
        self._text.append(text)
        self._pending.text += text
        self.output_started = True

    # --- what is made of them -------------------------------------------------------------------

    def take_chunk(self) -> ChatGenerationChunk | None:
        """Return the pieces added since the last time as one chunk, or None if there are none."""
        if not (self._first or self._pending):
            return None
        return chunk_of(*self._taken())

    def take_last_chunk(self) -> ChatGenerationChunk:
        """Return the chunk that ends the stream.

        Raises:
            AIMLAPIStreamInterruptedError: No finish reason has come.
        """
        self._end()
        kwargs = self._joined_kwargs()
        held_back = {key: value for key, value in kwargs.items() if key in _HELD_BACK}
        text, arguments, metadata, calls, message_id = self._taken()
        message = AIMessageChunk(
            content=text,
            additional_kwargs={**arguments, **held_back},
            response_metadata={**metadata, **self._closing()},
            tool_call_chunks=calls,
            id=message_id,
            usage_metadata=self.usage,
            chunk_position="last",
        )
        return ChatGenerationChunk(
            message=message, generation_info={"finish_reason": self.finish_reason}
        )

    def _taken(
        self,
    ) -> tuple[str, dict[str, Any], dict[str, Any], list[ToolCallChunk], str | None]:
        """Take the pending pieces: text, kwargs, metadata, calls and the message's id."""
        pieces, self._pending = self._pending, _Pieces()
        metadata: dict[str, Any] = {"model_provider": MODEL_PROVIDER}
        if self._first:
            self._first = False
            metadata.update(self._opening())
        if pieces.logprobs:
            metadata["logprobs"] = pieces.logprobs
        return pieces.text, pieces.kwargs, metadata, list(pieces.calls.values()), self.id

    def message(self) -> AIMessage:
        """Return the whole message of a reply that did not stream."""
        self._end()
        calls, invalid = self._parsed_calls()
        metadata = {"model_provider": MODEL_PROVIDER, **self._opening(), **self._closing()}
        if self._logprobs:
            metadata["logprobs"] = self._logprobs
        return AIMessage(
            content="".join(self._text),
            additional_kwargs=self._joined_kwargs(),
            response_metadata=metadata,
            tool_calls=calls,
            invalid_tool_calls=invalid,
            usage_metadata=self.usage,
            id=self.id,
        )

    def generation(self) -> ChatGeneration:
        """Return the whole message as LangChain's generation."""
        info = {"finish_reason": self.finish_reason}
        return ChatGeneration(
            message=self.message(),
            generation_info={**info, "logprobs": self._logprobs} if self._logprobs else info,
        )

    def partial_message(self) -> AIMessageChunk:
        """Return what has come so far; text that a stop sequence held back included."""
        held = self._stop.flush() if self._stop is not None else ""
        return AIMessageChunk(
            content="".join(self._text) + held,
            additional_kwargs=self._joined_kwargs(),
            response_metadata={"model_provider": MODEL_PROVIDER, **self._opening()},
            tool_call_chunks=[
                tool_call_chunk(name=call.name, args="".join(call.arguments), id=call.id, index=i)
                for i, call in enumerate(self._calls)
            ],
            id=self.id,
        )

    def _end(self) -> None:
        self._settle_text()
        if self.stopped:
            self.finish_reason = "stop"
        if self.finish_reason is None:
            details = self._facts.error_details()
            details["is_retryable"] = not self.output_started
            partial = self.partial_message()
            is_empty = not (partial.content or partial.additional_kwargs or self._calls)
            arrived = "Nothing had come" if is_empty else "What had come is in partial_message"
            raise AIMLAPIStreamInterruptedError(
                "The stream ended before the answer did: no finish reason came. "
                f"{arrived}; ask again.",
                partial_message=None if is_empty else partial,
                **details,
            )

    def _opening(self) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        if self.id:
            metadata["id"] = self.id
        if inference_id := self._facts.inference_id:
            metadata["inference_id"] = inference_id
        if self._facts.client_request_id:
            metadata["client_request_id"] = self._facts.client_request_id
        return metadata

    def _closing(self) -> dict[str, Any]:
        metadata = {key: value for key, value in self.closing.items() if value is not None}
        metadata["finish_reason"] = self.finish_reason
        metadata["endpoint"] = self._facts.endpoint
        metadata["attempts"] = self._facts.attempts
        if self.cost is not None:
            metadata["cost"] = self.cost
        return metadata

    def _joined_kwargs(self) -> dict[str, Any]:
        joined = dict(self._kwargs)
        for key in ("reasoning_content", "refusal"):
            if key in joined:
                joined[key] = "".join(joined[key])
        return joined

    def _parsed_calls(self) -> tuple[list[Any], list[Any]]:
        valid: list[Any] = []
        invalid: list[Any] = []
        for call in self._calls:
            parsed = parse_tool_call(call.name, "".join(call.arguments), call.id)
            (valid if parsed["type"] == "tool_call" else invalid).append(parsed)
        return valid, invalid


class AssemblingParser(ABC):
    """A `StreamParser` that puts its pieces into an assembler; a dialect says how to read them."""

    def __init__(self, facts: CallFacts) -> None:
        """Start before the first event."""
        self.facts = facts
        self.assembler = MessageAssembler(facts)

    @abstractmethod
    def read(self, event: dict[str, Any]) -> None:
        """Put what an event tells into the assembler."""

    @property
    def done(self) -> bool:
        """True when a stop sequence ended the answer."""
        return self.assembler.stopped

    @property
    def output_started(self) -> bool:
        """True once there was anything to show."""
        return self.assembler.output_started

    def feed(self, event: dict[str, Any]) -> Iterable[ChatGenerationChunk]:
        """Take one event; see `StreamParser.feed`."""
        try:
            self.read(event)
            chunk = self.assembler.take_chunk()
        except STUMBLES as error:
            raise unreadable(error, self.facts) from error
        return () if chunk is None else (chunk,)

    def close(self) -> Iterable[ChatGenerationChunk]:
        """Take the end of the stream; see `StreamParser.close`."""
        try:
            return (self.assembler.take_last_chunk(),)
        except STUMBLES as error:
            raise unreadable(error, self.facts) from error

    def partial_message(self) -> AIMessageChunk:
        """Return what has come so far."""
        return self.assembler.partial_message()


def _require_text(*values: Any) -> None:
    """Refuse what is no text before it is kept: what is kept must make a message, even in part.

    Raises:
        TypeError: One of the values is of another type.
    """
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"text expected, not {type(value).__name__}")


class _Call:
    """One tool call as it grows."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []


class _Pieces:
    """What was added since the last chunk."""

    __slots__ = ("calls", "kwargs", "logprobs", "text")

    def __init__(self) -> None:
        self.text = ""
        self.kwargs: dict[str, Any] = {}
        self.logprobs: dict[str, Any] = {}
        self.calls: dict[int, ToolCallChunk] = {}

    def add_call(self, position: int, name: str | None, args: str, call_id: str | None) -> None:
        """Add a fragment; LangChain adds up fragments of different chunks, not within one."""
        if earlier := self.calls.get(position):
            name, call_id = earlier["name"] or name, earlier["id"] or call_id
            args = (earlier["args"] or "") + args
        self.calls[position] = tool_call_chunk(name=name, args=args, id=call_id, index=position)

    def __bool__(self) -> bool:
        return bool(self.text or self.kwargs or self.calls or self.logprobs)
