"""Puts one reply together, whole or in pieces, for both dialects.

Whatever the endpoint, and whether the reply streams or not, its pieces pass through a
`MessageAssembler`. That is why all four ways give the same message:

- `content`: the visible text, a string.
- `tool_calls`, `invalid_tool_calls`, `usage_metadata`: LangChain's own. So is `id`, which LangChain
  gives: some gateways repeat ids, and LangGraph replaces messages by id.
- `additional_kwargs`: `reasoning_content`, `refusal`, `annotations` and what else has to be sent
  back as it came.
- `response_metadata`: where it came from, how it ended and what it cost.

LangChain adds chunks up key by key: equal strings are joined and differing numbers summed, so each
key rides on one chunk only. Ids are on the first (they survive a cut), the rest on the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk

from langchain_aimlapi._dialects.calls import ToolCalls
from langchain_aimlapi._dialects.light_chunk import chunk_of
from langchain_aimlapi._messages.endings import normalized_finish_reason
from langchain_aimlapi._messages.foreign_blocks import text_in
from langchain_aimlapi._messages.reasoning import ReasoningDetails
from langchain_aimlapi._messages.stop import StopFilter
from langchain_aimlapi._wire.json import without_surrogates
from langchain_aimlapi.errors import AIMLAPIStreamInterruptedError
from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages.ai import UsageMetadata
    from langchain_core.messages.tool import ToolCallChunk

    from langchain_aimlapi._dialects.call_facts import CallFacts

_Plain = TypeVar("_Plain")


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
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._annotations: list[Any] = []
        self._logprobs: dict[str, Any] = {}
        self.calls = ToolCalls(facts.tools)
        self.output_items: list[dict[str, Any]] = []
        # What was added since the last chunk, calls aside.
        self._new_text = ""
        self._new_reasoning = ""
        self._new_logprobs: dict[str, Any] = {}
        self._first = True
        self._is_identified = False
        self._halves: dict[str | int, str] = {}
        self._is_halved = False
        self._details = ReasoningDetails()
        self._reasoning_source: str | None = None
        self.output_started = False
        self.id: str | None = None
        self.finish_reason: str | None = None
        self.usage: UsageMetadata | None = None
        self.token_usage: dict[str, Any] | None = None
        self.cost: dict[str, Any] | None = None
        self.closing: dict[str, Any] = {}

    @property
    def stopped(self) -> bool:
        """True once a stop sequence was met."""
        return self._stop is not None and self._stop.matched

    def identify(self, answer_id: Any) -> None:
        """Take the answer's id; some routes leave it out, empty or change it on some chunks."""
        if self.id is None and isinstance(answer_id, str) and answer_id:
            self.id = answer_id

    def count(self, token_usage: Any, usage: UsageMetadata | None) -> None:
        """Take the API's usage, and LangChain's; zeros that close a stream replace no counts."""
        if usage is not None:
            is_news = usage["input_tokens"] or usage["output_tokens"] or usage["total_tokens"]
            if is_news or self.usage is None:
                self.token_usage, self.usage = token_usage, usage

    def bill(self, cost: dict[str, float] | None) -> None:
        """Take the price that the API tells; nothing in place of something is not one."""
        if cost is not None and (self.cost is None or any(cost.values())):
            self.cost = cost

    def told(self) -> dict[str, str]:
        """Return the texts that have come: `content`, `reasoning`, `refusal`."""
        self._settle_text()
        texts = {"content": self._text, "reasoning": self._reasoning, "refusal": self._refusal}
        return {name: "".join(pieces) for name, pieces in texts.items()}

    # --- pieces ---------------------------------------------------------------------------------

    def add_text(self, text: str) -> None:
        """Add visible text, up to a stop sequence."""
        text = self._whole_characters("text", text)
        if self._stop is not None:
            text = self._stop.feed(text)
        if text:
            self._show_text(text)

    def add_reasoning(self, text: str, source: str = "") -> None:
        """Add to the reasoning text.

        Args:
            text: The next piece.
            source: The key that it came under. Some routes tell the same thoughts under several:
                the first that has any counts.
        """
        _require_text(text)
        if self._reasoning_source is None and text:
            self._reasoning_source = source
        if source != self._reasoning_source or self.stopped:
            return
        if text := self._whole_characters("reasoning", text):
            self._reasoning.append(text)
            self._new_reasoning += text
            self.output_started = True

    def add_reasoning_details(self, details: Sequence[Any]) -> None:
        """Add reasoning blocks, or pieces of them, to be sent back as they came.

        They are shown on the last chunk: LangChain joins texts that are equal, such as `format`.
        """
        for detail in details:
            if self.stopped:
                return
            text = self._details.add(detail) if isinstance(detail, dict) else text_in(detail)
            self.add_reasoning(text, "reasoning_details")

    def add_refusal(self, text: str) -> None:
        """Add to the refusal, which is shown whole, on the last chunk.

        LangChain's event stream keeps only the last piece of a refusal that comes in several.
        """
        text = self._whole_characters("refusal", text)
        if text and not self.stopped:
            self._refusal.append(text)

    def add_annotations(self, annotations: Sequence[Any]) -> None:
        """Add citations of the text, which are shown together, on the last chunk.

        LangChain's event stream keeps only the annotations of the last chunk that has any.
        """
        if not self.stopped:
            self._annotations += [note for note in annotations if note not in self._annotations]

    def add_logprobs(self, logprobs: dict[str, Any]) -> None:
        """Add token log probabilities: `{"content": […], "refusal": […]}`, either may be None."""
        for part, tokens in self._mended(logprobs).items():
            if not isinstance(tokens, (list, type(None))):
                raise TypeError(f"a list expected, not {type(tokens).__name__}")
            for target in (self._logprobs, self._new_logprobs):
                if target.get(part) is None:
                    target[part] = None if tokens is None else list(tokens)
                elif tokens is not None:
                    target[part].extend(tokens)

    def add_tool_call(
        self,
        position: int,
        *,
        name: str | None,
        arguments: str,
        call_id: str | None,
        index: Any = None,
    ) -> None:
        """Add a call or a fragment of one; see `ToolCalls.add`."""
        _require_text(name or "", call_id or "")
        arguments = self._whole_characters(position, arguments)
        self._settle_text()
        if self.stopped:
            return
        self.calls.add(position, name, arguments, call_id, index)
        if self.calls.fresh:
            self.output_started = True

    def _whole_characters(self, channel: str | int, text: str) -> str:
        """Return text without halves of characters: some gateways cut between two surrogates.

        The first half waits for the second, which the next piece brings, or never.
        """
        if type(text) is str and text.isascii() and not self._halves:
            return text
        _require_text(text)
        text = self._halves.pop(channel, "") + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._halves[channel] = text[:-1], text[-1]
            self._is_halved = True
        return str(without_surrogates(text))

    def _mended(self, values: _Plain) -> _Plain:
        """Return other data of an answer whose texts were cut inside characters."""
        return without_surrogates(values) if self._is_halved else values

    def _settle_text(self) -> None:
        """Show text that was held back as the possible start of a stop sequence."""
        if self._stop is not None and (rest := self._stop.flush()):
            self._show_text(rest)

    def _show_text(self, text: str) -> None:
        self._text.append(text)
        self._new_text += text
        self.output_started = True

    # --- what is made of them -------------------------------------------------------------------

    def take_chunk(self) -> ChatGenerationChunk | None:
        """Return the pieces added since the last time as one chunk, or None if there are none."""
        is_news = self._new_text or self.calls.fresh or self._new_reasoning or self._new_logprobs
        return chunk_of(*self._taken()) if is_news or self._first else None

    def take_last_chunks(self) -> Iterable[ChatGenerationChunk]:
        """Return the chunks that end the stream, the last one among them.

        Raises:
            AIMLAPIStreamInterruptedError: No finish reason has come.
        """
        finish_reason = self._end()
        self.calls.end(finish_reason)
        if self.calls.fresh:
            yield chunk_of(*self._taken())
        text, kwargs, metadata, calls = self._taken()
        message = AIMessageChunk(
            content=text,
            additional_kwargs={**kwargs, **self._held_back()},
            response_metadata={**metadata, **self._closing()},
            tool_call_chunks=calls,
            usage_metadata=self.usage,
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=message, generation_info={"finish_reason": finish_reason})

    def _taken(self) -> tuple[str, dict[str, Any], dict[str, Any], list[ToolCallChunk]]:
        """Take the pending pieces: text, kwargs, metadata and calls."""
        metadata: dict[str, Any] = {"model_provider": MODEL_PROVIDER}
        if self._first:
            self._first = False
            metadata.update(self._opening())
        if self.id and not self._is_identified:
            self._is_identified = True
            metadata["id"] = self.id
        kwargs: dict[str, Any] = {}
        if self._new_logprobs:
            metadata["logprobs"], self._new_logprobs = self._new_logprobs, {}
        if self._new_reasoning:
            kwargs["reasoning_content"], self._new_reasoning = self._new_reasoning, ""
        text, self._new_text = self._new_text, ""
        return text, kwargs, metadata, self.calls.take()

    def message(self) -> AIMessage:
        """Return the whole message of a reply that did not stream."""
        calls, invalid = self.calls.parsed(self._end())
        metadata = {"model_provider": MODEL_PROVIDER, **self._opening()}
        if self.id:
            metadata["id"] = self.id
        metadata.update(self._closing())
        if self._logprobs:
            metadata["logprobs"] = self._logprobs
        return AIMessage(
            content="".join(self._text),
            additional_kwargs=self._kwargs(),
            response_metadata=metadata,
            tool_calls=calls,
            invalid_tool_calls=invalid,
            usage_metadata=self.usage,
        )

    def generation(self) -> ChatGeneration:
        """Return the whole message as LangChain's generation."""
        message = self.message()
        info = {"finish_reason": self.finish_reason}
        return ChatGeneration(
            message=message,
            generation_info={**info, "logprobs": self._logprobs} if self._logprobs else info,
        )

    def partial_message(self) -> AIMessageChunk:
        """Return what has come so far, text that a stop sequence held back included.

        Calls that are not whole are marked, so that none of them passes as valid.
        """
        held = self._stop.flush() if self._stop is not None else ""
        metadata = {"model_provider": MODEL_PROVIDER, **self._opening()}
        return AIMessageChunk(
            content="".join(self._text) + held,
            additional_kwargs=self._kwargs(),
            response_metadata={**metadata, "id": self.id} if self.id else metadata,
            tool_call_chunks=self.calls.interrupted(),
        )

    def _end(self) -> str:
        """Take the end of the answer, and return its finish reason."""
        for channel, add in (
            ("text", self.add_text),
            ("reasoning", self._end_reasoning),
            ("refusal", self.add_refusal),
        ):
            if self._halves.pop(channel, None):
                add("\ufffd")
        self._settle_text()
        if self.stopped:
            self.finish_reason = "stop"
        if self.finish_reason is not None:
            return self.finish_reason
        details = self._facts.error_details()
        details["is_retryable"] = not self.output_started
        partial = self.partial_message()
        is_empty = not (partial.content or partial.additional_kwargs or self.calls)
        arrived = "Nothing had come" if is_empty else "What had come is in partial_message"
        raise AIMLAPIStreamInterruptedError(
            f"The stream ended before the answer did: no finish reason came. {arrived}; ask again.",
            partial_message=None if is_empty else partial,
            **details,
        )

    def _end_reasoning(self, text: str) -> None:
        self.add_reasoning(text, self._reasoning_source or "")

    def _opening(self) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        if inference_id := self._facts.inference_id:
            metadata["inference_id"] = inference_id
        if self._facts.client_request_id:
            metadata["client_request_id"] = self._facts.client_request_id
        return metadata

    def _closing(self) -> dict[str, Any]:
        metadata = {key: value for key, value in self.closing.items() if value is not None}
        metadata["finish_reason"] = self.finish_reason
        normalized = normalized_finish_reason(
            self.finish_reason, refused=bool(self._refusal), called=bool(self.calls)
        )
        if normalized is not None:
            metadata["normalized_finish_reason"] = normalized
        metadata["endpoint"] = self._facts.endpoint
        metadata["attempts"] = self._facts.attempts
        if self._facts.unpriced_attempts:
            metadata["unpriced_attempts"] = self._facts.unpriced_attempts
        if self.token_usage is not None:
            metadata["token_usage"] = self.token_usage
        if self._facts.shows_headers:
            metadata["headers"] = {
                name: value for name, value in self._facts.headers.items() if "cookie" not in name
            }
        if self.cost is not None:
            metadata["cost"] = self.cost
        return metadata

    def _kwargs(self) -> dict[str, Any]:
        """Return `additional_kwargs` of all that has come."""
        reasoning = "".join(self._reasoning)
        return {**({"reasoning_content": reasoning} if reasoning else {}), **self._held_back()}

    def _held_back(self) -> dict[str, Any]:
        """Return what is shown once, on the last chunk: of several pieces readers lose some."""
        held_back: dict[str, Any] = {
            "reasoning_details": self._details.blocks,
            "refusal": "".join(self._refusal),
            "annotations": self._annotations,
            "output_items": self.output_items,
        }
        return {key: self._mended(value) for key, value in held_back.items() if value}


def _require_text(*values: Any) -> None:
    """Refuse what is no text before it is kept: what is kept must make a message, even in part.

    Raises:
        TypeError: One of the values is of another type.
    """
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"text expected, not {type(value).__name__}")
