"""The one place that talks HTTP: requests out, replies and events in, failures as our errors.

`Transport` sends a `Call`, which knows what to send and whether to send it again. Sync and async
differ in `await` alone; what they share are pure functions. Foreign exceptions end here: those of
httpx hold the request and with it the key, so ours are raised outside of their handlers, with
neither cause nor context. No frame keeps the error that it raises: the two would hold each other,
and what was sent, until Python looks for circles.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from langchain_aimlapi._http import pool as _pool
from langchain_aimlapi._http.attempt import Attempt
from langchain_aimlapi._http.client import (
    aclose,
    address,
    close,
    limit_reads,
    network_errors,
    own_request,
    proxy_to,
    users_request,
    within,
)
from langchain_aimlapi._http.deadline import Deadline
from langchain_aimlapi._http.emulated import check_emulated
from langchain_aimlapi._http.exchange import Body, Exchange, Reply, encode
from langchain_aimlapi._http.request import (
    check_headers,
    check_http_client,
    check_key,
    normalize_base_url,
    request_headers,
)
from langchain_aimlapi._http.streams import AsyncEventStream, EventStream, achunks, chunks
from langchain_aimlapi._http.timeouts import Timeouts
from langchain_aimlapi.errors import AIMLAPIError

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Coroutine,
        Iterator,
        Mapping,
        Sequence,
    )

    import httpx
    from pydantic import SecretStr

    from langchain_aimlapi._http.call import Call

__all__ = [
    "AsyncEventStream",
    "EventStream",
    "Reply",
    "Timeouts",
    "Transport",
    "check_headers",
    "check_http_client",
    "normalize_base_url",
]

_ERROR_BODY_WAIT = 10.0  # seconds for each read of an error's body: its status is known already

_T = TypeVar("_T")


class Transport:
    """Sends calls to one address with one key; cheap to make, so a model makes one for each call.

    Connections are shared by all transports of the process, and kept while a lease counts.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: SecretStr | Callable[[], SecretStr],
        headers: Mapping[str, str],
        timeouts: Timeouts,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
        allow_http: bool = False,
        attribution: bool = True,
        lease: _pool.Lease | None = None,
        proxy: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep the settings; nothing is connected yet.

        Args:
            base_url: See `normalize_base_url`.
            api_key: The key, or what returns it; asked before each request.
            headers: The user's headers; they go over ours.
            timeouts: See there.
            http_client: A user's client for sync calls; never closed here.
            http_async_client: The same for async calls.
            allow_http: Let the key go over plain http to another machine.
            attribution: Tell the vendor's own host the calling application.
            lease: The model's interest in kept connections.
            proxy: The URL of a proxy, in place of the environment's.
            query: Query parameters of each GET; a turn brings its own.

        Raises:
            AIMLAPIConfigurationError: An address or header that cannot be used.
        """
        self._base_url = normalize_base_url(base_url, allow_http)
        self._api_key = api_key
        self._headers = check_headers(headers)
        self._timeouts = timeouts
        self._client = http_client
        self._async_client = http_async_client
        self._attribution = attribution
        self._lease = _pool.Lease() if lease is None else lease
        self._proxy = proxy
        self._query = dict(query or {})

    # ------------------------------------------------------------------------------ the calls

    def post(self, call: Call) -> Reply:
        """Send `call` until it is answered; the answer is a JSON object that is no error.

        Raises:
            AIMLAPIError: What is final, as `call.failed` says.
        """
        return self._until_final(call, self._receive)

    def apost(self, call: Call) -> Coroutine[Any, Any, Reply]:
        """Send `call` until it is answered; see `post`."""
        return self._auntil_final(call, self._areceive)

    @contextlib.contextmanager
    def stream(self, call: Call) -> Iterator[EventStream]:
        """Send `call` until a stream begins; leaving the block closes it.

        Raises:
            AIMLAPIError: What is final, as `call.failed` says. Once headers have come, nothing is
                sent again: the stream itself raises.
        """
        events = self._until_final(call, self._open)
        try:
            yield events
        finally:
            events.close()

    def astream(self, call: Call) -> _AsyncStreaming:
        """Send `call` until a stream begins; see `stream`."""
        return _AsyncStreaming(self._auntil_final(call, self._aopen))

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one GET; nothing is sent again.

        Args:
            path: From the API's root, with its version: `/v1/models`, `/v2/billing`.
            params: The query.
            headers: For this request, such as `If-None-Match`; a 304 is a reply without a body.

        Raises:
            AIMLAPIError: Anything but an answer.
        """
        return self._receive(self._getting(path, params, headers, self._client))

    async def aget(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one GET; see `get`."""
        return await self._areceive(self._getting(path, params, headers, self._async_client))

    # ------------------------------------------------------------------------------- attempts

    def _until_final(self, call: Call, receive: Callable[[Exchange], _T]) -> _T:
        deadline = Deadline(self._timeouts.call)
        while (wait := call.wait()) and deadline.allows(wait):
            time.sleep(wait)
        encoded, wants_fresh = None, False
        while True:
            encoded = encode(call.payload, encoded)
            attempt = Attempt(deadline, wants_fresh=wants_fresh)
            exchange = self._posting(call, encoded.pieces, self._client, attempt)
            try:
                return receive(exchange)
            except AIMLAPIError as error:
                call.attempt = None
                if exchange.met_a_closed_connection(error):
                    wants_fresh = True
                    continue
                delay = call.failed(exchange.noted(error), deadline)
                if delay is None:
                    raise
            time.sleep(delay)

    async def _auntil_final(self, call: Call, receive: Callable[[Exchange], Awaitable[_T]]) -> _T:
        deadline = Deadline(self._timeouts.call)
        # Another thread may be what it waits for.
        while (wait := call.wait()) and deadline.allows(wait):  # noqa: ASYNC110
            await asyncio.sleep(wait)
        encoded, wants_fresh = None, False
        while True:
            encoded = encode(call.payload, encoded)
            attempt = Attempt(deadline, wants_fresh=wants_fresh)
            exchange = self._posting(call, encoded.pieces, self._async_client, attempt)
            try:
                return await receive(exchange)
            except AIMLAPIError as error:
                call.attempt = None
                if exchange.met_a_closed_connection(error):
                    wants_fresh = True
                    continue
                delay = call.failed(exchange.noted(error), deadline)
                if delay is None:
                    raise
            await asyncio.sleep(delay)

    def _receive(self, exchange: Exchange) -> Reply:
        response = self._send(exchange)
        return exchange.reply(response, self._read(exchange, response, Body(response)))

    async def _areceive(self, exchange: Exchange) -> Reply:
        response = await self._asend(exchange)
        body = await self._aread(exchange, response, Body(response))
        return exchange.reply(response, body)

    def _open(self, exchange: Exchange) -> EventStream:
        response = self._send(exchange)
        whole: Sequence[dict[str, Any]] = ()
        if exchange.is_plain(response):
            body = self._read(exchange, response, Body(response))
            whole = exchange.reply(response, body).objects
        waits = self._timeouts
        return EventStream(exchange, response, waits.first_byte, waits.idle, whole)

    async def _aopen(self, exchange: Exchange) -> AsyncEventStream:
        response = await self._asend(exchange)
        whole: Sequence[dict[str, Any]] = ()
        if exchange.is_plain(response):
            body = await self._aread(exchange, response, Body(response))
            whole = exchange.reply(response, body).objects
        waits = self._timeouts
        return AsyncEventStream(exchange, response, waits.first_byte, waits.idle, whole)

    def _send(self, exchange: Exchange) -> httpx.Response:
        """Return a response with a success status; its body is still to be read."""
        client = self._client or _pool.client(self._lease)
        try:
            response = client.send(exchange.request, stream=True, follow_redirects=False)
        except network_errors() as foreign:
            failure = exchange.failure(foreign)
        else:
            if exchange.is_success(response):
                return response
            body = Body(response, is_error=True)
            with contextlib.suppress(AIMLAPIError):  # what has come by then will do
                self._read(exchange, response, body, _ERROR_BODY_WAIT)
            failure = exchange.refusal(response, body.content())
        try:
            raise failure
        finally:
            del failure

    async def _asend(self, exchange: Exchange) -> httpx.Response:
        """Return a response with a success status; its body is still to be read."""
        client = self._async_client or _pool.async_client(self._lease)
        try:
            with within(exchange.attempt.deadline):
                response = await client.send(exchange.request, stream=True, follow_redirects=False)
        except network_errors() as foreign:
            failure = exchange.failure(foreign)
        else:
            if exchange.is_success(response):
                return response
            body = Body(response, is_error=True)
            with contextlib.suppress(AIMLAPIError):  # what has come by then will do
                await self._aread(exchange, response, body, _ERROR_BODY_WAIT)
            failure = exchange.refusal(response, body.content())
        try:
            raise failure
        finally:
            del failure

    def _read(
        self, exchange: Exchange, response: httpx.Response, body: Body, wait: float | None = None
    ) -> bytes:
        limit_reads(response, self._timeouts.first_byte if wait is None else wait)
        try:
            for chunk in chunks(exchange, response):
                if body.is_full(chunk):
                    break
            return body.content()
        except network_errors() as foreign:
            failure = exchange.failure(foreign, response)
        finally:
            close(response)
        try:
            raise failure
        finally:
            del failure

    async def _aread(
        self, exchange: Exchange, response: httpx.Response, body: Body, wait: float | None = None
    ) -> bytes:
        limit_reads(response, self._timeouts.first_byte if wait is None else wait)
        try:
            async for chunk in achunks(exchange, response):
                if body.is_full(chunk):
                    break
            return body.content()
        except network_errors() as foreign:
            failure = exchange.failure(foreign, response)
        finally:
            await aclose(response)
        try:
            raise failure
        finally:
            del failure

    # --------------------------------------------------------------------------- the requests

    def _posting(
        self,
        call: Call,
        pieces: list[bytes],
        client: httpx.Client | httpx.AsyncClient | None,
        attempt: Attempt,
    ) -> Exchange:
        url = address(self._base_url, call.path)
        headers = request_headers(
            self._key(),
            self._headers,
            host=url.host,
            stream=call.stream,
            client_request_id=call.client_request_id,
            attribution=self._attribution,
        )
        check_emulated(url.host, client)
        request = self._request(client, url, headers, pieces, attempt)
        call.retries.attempts += 1
        call.attempt = attempt
        return Exchange(
            request,
            attempt,
            call.model,
            call.client_request_id,
            call.retries.attempts,
            call.lacks,
            call.payload.keys(),
        )

    def _getting(
        self,
        path: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        client: httpx.Client | httpx.AsyncClient | None,
    ) -> Exchange:
        if query := urlencode({**self._query, **(params or {})}, doseq=True):
            path = f"{path}?{query}"
        url = address(self._base_url.removesuffix("/v1"), path)
        check_emulated(url.host, client)
        extra = self._headers | check_headers(headers or {})
        sent = request_headers(self._key(), extra, host=url.host, attribution=self._attribution)
        attempt = Attempt(Deadline(self._timeouts.call))
        return Exchange(self._request(client, url, sent, None, attempt), attempt)

    def _key(self) -> str:
        key = self._api_key() if callable(self._api_key) else self._api_key
        return check_key(key.get_secret_value())

    def _request(
        self,
        client: httpx.Client | httpx.AsyncClient | None,
        url: httpx.URL,
        headers: dict[str, str],
        pieces: list[bytes] | None,
        attempt: Attempt,
    ) -> httpx.Request:
        waits = self._timeouts.by_step()
        if client is None:
            attempt.proxy = proxy_to(url, self._proxy)
            return own_request(url, headers, pieces, waits=waits, attempt=attempt)
        theirs = waits if self._timeouts.explicit else None
        return users_request(client, url, headers, pieces, waits=theirs, attempt=attempt)


class _AsyncStreaming:
    """The block of an `async with` that holds a stream open.

    Not a generator: at the end of a loop asyncio closes all generators at once, and one that is
    closed by another complains.
    """

    def __init__(self, opening: Coroutine[Any, Any, AsyncEventStream]) -> None:
        self._opening = opening

    async def __aenter__(self) -> AsyncEventStream:
        self._events = await self._opening
        return self._events

    async def __aexit__(self, *_: object) -> None:
        await self._events.aclose()
