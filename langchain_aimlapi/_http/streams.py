"""An open stream: bytes read as they come, handed out as JSON objects, sync or async.

Errors are raised as in `transport`: outside of the handlers of foreign ones, and kept by no frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from typing import TYPE_CHECKING, Any, cast

from langchain_aimlapi._http.client import (
    aclose,
    clock_of,
    close,
    headers_of,
    limit_reads,
    network_errors,
    within,
)
from langchain_aimlapi._http.encoding import is_left_to_httpx
from langchain_aimlapi._http.exchange import EventDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    import httpx

    from langchain_aimlapi._http.exchange import Exchange
    from langchain_aimlapi.errors import AIMLAPIError, TimeoutPhase

_DRAIN_WAIT = 0.1  # seconds for the end of a body after its last event
_MAX_DRAIN = 16  # chunks of it
_EVENTS_A_TURN = 16  # events handed out before the loop's other tasks get a turn


def chunks(exchange: Exchange, response: httpx.Response) -> Iterator[bytes]:
    """Return the body as it comes, encoded as it was sent unless httpx decodes it."""
    body = (
        response.iter_bytes()
        if is_left_to_httpx(response)
        else iter(cast("httpx.SyncByteStream", response.stream))
    )
    return body if clock_of(response) is not None else _in_time(body, exchange)


def _in_time(body: Iterator[bytes], exchange: Exchange) -> Iterator[bytes]:
    for chunk in body:
        yield chunk
        exchange.check_deadline()


def achunks(exchange: Exchange, response: httpx.Response) -> AsyncIterator[bytes]:
    """Return the body as it comes, for a loop; see `chunks`."""
    body = (
        response.aiter_bytes()
        if is_left_to_httpx(response)
        else aiter(cast("httpx.AsyncByteStream", response.stream))
    )
    return body if clock_of(response) is not None else _ain_time(body, exchange)


async def _ain_time(body: AsyncIterator[bytes], exchange: Exchange) -> AsyncIterator[bytes]:
    deadline = exchange.attempt.deadline
    while True:
        with within(deadline):
            chunk = await anext(body, None)
        if chunk is None:
            return
        yield chunk


class _Events:
    """What both kinds of stream share: all but the waiting.

    Attributes:
        status_code: A success status.
        headers: Names in lower case.
        output_started: Tells whether the events so far held output; by default any event does.
            Who reads them knows better: to think takes long, to fall silent within words should
            not.
    """

    def __init__(
        self,
        exchange: Exchange,
        response: httpx.Response,
        patience: float | None,
        idle: float | None,
        whole: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Take over an open response, or one that was read already as `whole`.

        Args:
            exchange: The request that was answered.
            response: The answer, its headers read.
            patience: Seconds between two reads until output begins; all that comes before is a
                sign of life.
            idle: The same from then on.
            whole: Its objects, if it was read already.
        """
        self.output_started: Callable[[], bool] = lambda: True
        self.status_code = response.status_code
        self.headers: Mapping[str, str] = headers_of(response)
        self._exchange = exchange
        self._response = response
        self._patience = patience
        self._idle = idle
        self._whole = whole
        self._phase: TimeoutPhase = "read"
        self._decoder = EventDecoder(exchange, response)

    def _take(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        return self._decoder.feed(chunk) if self._phase == "idle" else self._until_output(chunk)

    def _until_output(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        event = None
        for event in self._decoder.feed(chunk):
            yield event
        if event is not None and self.output_started():
            self._phase = "idle"
            limit_reads(self._response, self._idle)
        else:
            limit_reads(self._response, self._patience)

    def _failure(self, foreign: BaseException) -> AIMLAPIError:
        return self._exchange.failure(foreign, self._response, self._phase)

    def _is_reusable(self) -> bool:
        """Prepare to read the body's end after `[DONE]`, so that the connection serves again."""
        limit_reads(self._response, _DRAIN_WAIT)
        return self._decoder.is_done and clock_of(self._response) is not None


class EventStream(_Events):
    """The JSON objects of an open stream, each as soon as its last byte is there.

    `[DONE]` or the end of the body ends it. The event's name stands as "type" in an object that
    has none. It can be gone through once.
    """

    _body: Iterator[bytes]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the objects.

        Raises:
            AIMLAPIError: The connection broke or fell silent, or what came is not JSON events.
        """
        if self._whole:
            yield from self._whole
            return
        self._body = chunks(self._exchange, self._response)
        try:
            for chunk in self._body:
                yield from self._take(chunk)
                if self._decoder.is_done:
                    return
            yield from self._decoder.close()
        except network_errors() as foreign:
            failure = self._failure(foreign)
        else:
            return
        try:
            raise failure
        finally:
            del failure

    def close(self) -> None:
        """Close the response, and its connection too unless the body comes to its end now."""
        if sys.is_finalizing():  # parts of httpx may be gone; the system closes the socket
            return
        try:
            if self._is_reusable():
                with contextlib.suppress(*network_errors()):
                    for _ in itertools.islice(self._body, _MAX_DRAIN):
                        pass
        finally:
            close(self._response)


class AsyncEventStream(_Events):
    """The JSON objects of an open stream; see `EventStream`."""

    _body: AsyncIterator[bytes]

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the objects; see `EventStream`."""
        if self._whole:
            for event in self._whole:
                yield event
            return
        self._body = achunks(self._exchange, self._response)
        handed_out = 0
        try:
            async for chunk in self._body:
                for event in self._take(chunk):
                    yield event
                    handed_out += 1
                    if handed_out % _EVENTS_A_TURN == 0:
                        await asyncio.sleep(0)
                if self._decoder.is_done:
                    return
            for event in self._decoder.close():
                yield event
        except network_errors() as foreign:
            failure = self._failure(foreign)
        else:
            return
        try:
            raise failure
        finally:
            del failure

    async def aclose(self) -> None:
        """Close the response, and its connection too unless the body comes to its end now."""
        try:
            if self._is_reusable():
                with contextlib.suppress(*network_errors(), StopAsyncIteration):
                    for _ in range(_MAX_DRAIN):
                        await anext(self._body)
        finally:
            await aclose(self._response)
