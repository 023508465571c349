"""A `Reply` as an answer to one call: picks the renderer and adds the headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.account.ledger import to_usd
from langchain_aimlapi.emulator.answers.replies import UNSET
from langchain_aimlapi.emulator.errors import ErrorShape, error_answer, error_value
from langchain_aimlapi.emulator.exchange import Answer, Dialect, RecordedRequest, json_answer
from langchain_aimlapi.emulator.wire import chat_completions, responses, responses_stream
from langchain_aimlapi.emulator.wire.event_stream import stream_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_aimlapi.emulator.answers.conversation import Conversation
    from langchain_aimlapi.emulator.answers.generation import Generation


@dataclass(frozen=True)
class Call:
    """An inference request that was accepted.

    Attributes:
        request: The request as recorded.
        payload: Its body.
        dialect: Which API.
        conversation: What it asks for.
        headers: Headers of every answer to it: inference id, and the echoed client request id.
        key: Hexadecimal digits for the ids of its answer.
        now: Unix time in seconds.
        error_shape: The shape of errors where a fault does not choose one.
    """

    request: RecordedRequest
    payload: Mapping[str, Any]
    dialect: Dialect
    conversation: Conversation
    headers: Mapping[str, str]
    key: str
    now: float
    error_shape: ErrorShape = "flat"

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return self.payload.get("stream") is True

    def error(
        self,
        status: int,
        message: str,
        *,
        shape: ErrorShape | None = None,
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> Answer:
        """An error as the answer to this call; `shape` defaults to the emulator's."""
        return error_answer(
            shape or self.error_shape,
            status,
            message,
            headers={**self.headers, **(headers or {})},
            path=self.request.path,
            request_id=self.request.inference_id,
            now=self.now,
            code=code,
        )


def render(generation: Generation, call: Call) -> Answer:
    """Spell `generation` as the answer to `call`."""
    reply = generation.reply
    if reply.body is not UNSET:
        answer = json_answer(reply.status, reply.body, _priced(generation, call))
    elif call.stream:
        answer = _streamed(generation, call)
    elif reply.failure is not None and call.dialect == "chat_completions":
        answer = call.error(500, reply.failure.get("message", ""))
    else:
        module = chat_completions if call.dialect == "chat_completions" else responses
        answer = json_answer(reply.status, module.whole_body(generation), _priced(generation, call))
    headers = {**answer.headers, **{name.lower(): v for name, v in reply.headers.items()}}
    return Answer(
        answer.status, {name: v for name, v in headers.items() if v is not None}, answer.pieces
    )


def _priced(generation: Generation, call: Call) -> dict[str, str]:
    """The call's headers with those of the price, which only whole replies have.

    Source: AI/ML API documentation, request tracing and cost, 2026-08.
    """
    if not generation.told:
        return dict(call.headers)
    return {
        **call.headers,
        "x-aimlapi-credits-used": str(generation.credits),
        "x-aimlapi-usd-spent": f"{to_usd(generation.credits):.9f}",
    }


def _streamed(generation: Generation, call: Call) -> Answer:
    reply, chat = generation.reply, call.dialect == "chat_completions"
    style = reply.stream
    events: Iterable[Any]
    if reply.events is not None:
        events = reply.events
    elif chat and reply.failure is not None:
        events = [error_value("openai", 500, reply.failure.get("message", ""))]
    elif chat:
        events = chat_completions.stream_chunks(generation)
    else:
        events = responses_stream.stream_events(generation)
    return stream_answer(
        events,
        style,
        # Neither the dump nor the Responses pages show it; the documentation's parsers expect it.
        done=chat if style.done is None else style.done,
        named=not chat and style.event_lines,
        headers=call.headers,
        status=reply.status,
    )
