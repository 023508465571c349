"""From events to chunks: what both dialects' readers of streams share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._dialects.assembler import MessageAssembler
from langchain_aimlapi._dialects.call_facts import unreadable
from langchain_aimlapi._wire.json import SHAPE_ERRORS
from langchain_aimlapi.errors import AIMLAPIError, AIMLAPIStreamInterruptedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_core.messages import AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk

    from langchain_aimlapi._dialects.call_facts import CallFacts


class StreamParser(ABC):
    """Reads one stream, and holds all of its state; a dialect says how to read an event."""

    def __init__(self, facts: CallFacts) -> None:
        """Start before the first event."""
        self.facts = facts
        self.assembler = MessageAssembler(facts)

    @abstractmethod
    def read(self, event: dict[str, Any]) -> None:
        """Put what an event tells into the assembler."""

    @property
    def done(self) -> bool:
        """True when a stop sequence ended the answer and the rest need not be read."""
        return self.assembler.stopped

    @property
    def output_started(self) -> bool:
        """True once text, reasoning or a tool call was handed out."""
        return self.assembler.output_started

    def feed(self, event: dict[str, Any]) -> Iterable[ChatGenerationChunk]:
        """Take one event; return the chunks that it makes, often one, sometimes none.

        Raises:
            AIMLAPIProtocolError: The event has another shape than the API documents.
        """
        try:
            self.read(event)
            chunk = self.assembler.take_chunk()
        except SHAPE_ERRORS as error:
            raise unreadable(error, self.facts) from error
        return () if chunk is None else (chunk,)

    def close(self) -> Iterable[ChatGenerationChunk]:
        """Take the end of the stream; return the last chunk.

        Raises:
            AIMLAPIStreamInterruptedError: The answer was not finished.
        """
        try:
            return list(self.assembler.take_last_chunks())
        except SHAPE_ERRORS as error:
            raise unreadable(error, self.facts) from error

    def partial_message(self) -> AIMessageChunk:
        """Return what has come so far as one message."""
        return self.assembler.partial_message()

    @contextmanager
    def keeping_partial(self) -> Iterator[None]:
        """Turn an error that strikes inside a stream into one that carries what had come.

        An error before any output is raised as it is: to the caller the request simply failed, and
        trying again shows nothing twice.
        """
        try:
            yield
        except AIMLAPIStreamInterruptedError:
            raise
        except AIMLAPIError as error:
            if not self.output_started:
                raise
            raise AIMLAPIStreamInterruptedError(
                f"The stream broke off inside the answer: {error}",
                partial_message=self.partial_message(),
                status_code=error.status_code,
                code=error.code,
                request_id=error.request_id,
                client_request_id=error.client_request_id,
                attempts=error.attempts,
                body=error.body,
                response=error.response,
            ) from error
