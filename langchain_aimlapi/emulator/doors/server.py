"""The socket door: a real HTTP/1.1 server on this machine, in a thread with its own event loop.

Raw asyncio and h11 rather than a web framework: only so can it reset a connection, stop in the
middle of a chunk, or send bytes that are no HTTP.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import h11

from langchain_aimlapi.emulator.exchange import Answer, Piece, RecordedRequest

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from langchain_aimlapi.emulator.gateway import Gateway

_BACKLOG = 1024
# Addresses to listen on that are none to connect to: they mean every network of this machine.
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked for, not used
# What was sent must be read by the client before a reset, which makes some systems drop it.
_BEFORE_RESET = 0.02
_WITHOUT_BODY = {204, 304}
# Pieces after which other connections get their turn.
_TURN = 32


class EmulatorServer:
    """A running server; `Emulator.serve` makes it.

    Example:
        ```python
        with Emulator().serve() as server:
            llm = ChatAIMLAPI(model="openai/gpt-5-1", **server.connection())
        ```

    Args:
        emulator: Who answers.
        host: Address to listen on.
        port: Port; 0 takes a free one.

    Attributes:
        emulator: Who answers.
        host: Address it listens on.
        port: Port it listens on.

    Raises:
        OSError: If the address cannot be listened on.
    """

    def __init__(self, emulator: Gateway, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, and start the thread."""
        self.emulator = emulator
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self.host, self.port = self._socket.getsockname()[:2]
        self._changed = threading.Condition()
        self._connections: set[_Connection] = set()
        self._accepted = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        name = f"aimlapi-emulator-{self.port}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def base_url(self) -> str:
        """The address that a client on this machine is given, `/v1` included."""
        host = _REACHED_AT.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    def connection(self) -> dict[str, Any]:
        """Keyword arguments that connect a `ChatAIMLAPI` to this server."""
        return {"api_key": self.emulator.api_key, "base_url": self.base_url}

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        with self._changed:
            return len(self._connections)

    @property
    def accepted(self) -> int:
        """Connections accepted since the start."""
        with self._changed:
            return self._accepted

    def wait_for_connections(self, count: int, timeout: float = 5.0) -> bool:
        """Wait until exactly `count` connections are open.

        Args:
            count: How many.
            timeout: Seconds to wait at most.

        Returns:
            Whether it came to that.
        """
        with self._changed:
            return self._changed.wait_for(lambda: len(self._connections) == count, timeout)

    def close(self) -> None:
        """Drop all connections and end the thread. May be called twice."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        self._thread.join()

    def __enter__(self) -> Self:
        """The server, which runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), sock=self._socket)
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = [task for connection in list(self._connections) for task in connection.drop()]
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        # Each dropped connection hears of it in the loop's next turn, and is counted out in the one
        # after that.
        for _ in range(2):
            await asyncio.sleep(0)

    def opened(self, connection: _Connection) -> None:
        """Count a connection in; called in the loop's thread."""
        with self._changed:
            self._connections.add(connection)
            self._accepted += 1
            self._changed.notify_all()

    def closed(self, connection: _Connection) -> None:
        """Count a connection out; called in the loop's thread."""
        with self._changed:
            self._connections.discard(connection)
            self._changed.notify_all()


class _Connection(asyncio.Protocol):
    """One connection: requests in, answers out, one after the other."""

    def __init__(self, server: EmulatorServer) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER)
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None
        self._request: h11.Request | None = None
        self._body = bytearray()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._task is not None:
            self._task.cancel()
        # asyncio closes the socket after this call: whoever counts files would still find it.
        asyncio.get_running_loop().call_soon(self._server.closed, self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read_on()

    def drop(self) -> list[asyncio.Task[None]]:
        """Cut the connection; the tasks that end with it."""
        if self._transport is not None:
            self._transport.abort()
        if self._task is None:
            return []
        self._task.cancel()
        return [self._task]

    # Requests.

    def _read_on(self) -> None:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                self._close()
                return
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.Request):
                self._request, self._body = event, bytearray()
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._task = asyncio.get_running_loop().create_task(self._respond())
            else:
                self._close()
                return

    def _received(self) -> RecordedRequest:
        request = self._request
        if request is None:
            raise AssertionError("a message ended that never began")
        headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers]
        method, target = request.method.decode("ascii"), request.target.decode("latin-1")
        return RecordedRequest.received(method, target, headers, bytes(self._body))

    # Answers.

    async def _respond(self) -> None:
        request = self._received()
        try:
            answer = self._server.emulator.handle(request)
        except Exception as error:  # noqa: BLE001 - a script's function; it must not go unseen
            text = f"The emulator's script raised {type(error).__name__}: {error}"
            answer = Answer(500, {"content-type": "text/plain"}, (Piece(text.encode()),))
            request.status = 500
        try:
            await self._carry_out(answer, request)
        except Exception:
            self._close()  # rather than leave the client waiting
            raise

    async def _carry_out(self, answer: Answer, request: RecordedRequest) -> None:
        await asyncio.sleep(answer.delay)
        if not answer.silent:
            has_body = request.method != "HEAD" and answer.status not in _WITHOUT_BODY
            await self._send(answer, with_body=has_body)
        if answer.ending == "complete":
            self._next_cycle()
        elif answer.ending == "stall":
            await asyncio.Event().wait()
        elif answer.ending == "reset":
            await self._reset()
        else:
            if answer.ending == "bad_framing":
                await self._write(b"this is no chunk size\r\n")
            self._close()

    async def _send(self, answer: Answer, *, with_body: bool) -> None:
        headers = list(answer.headers.items())
        sized = answer.ending == "complete" and len(answer.pieces) <= 1
        if answer.status in _WITHOUT_BODY:
            pass
        elif sized:
            headers.append(("content-length", str(len(answer.body))))
        else:
            headers.append(("transfer-encoding", "chunked"))
        head = self._http.send(
            h11.Response(
                status_code=answer.status,
                headers=[(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers],
            )
        )
        if answer.header_pause:
            for byte in head:
                await asyncio.sleep(answer.header_pause)
                await self._write(bytes([byte]))
            head = b""
        for number, piece in enumerate(answer.pieces if with_body else ()):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            if piece.delay:
                await self._write(head)
                head = b""
                await asyncio.sleep(piece.delay)
            await self._write(head + self._encode(h11.Data(data=piece.data)))
            head = b""
        if answer.ending == "complete":
            head += self._encode(h11.EndOfMessage())
        await self._write(head)

    def _encode(self, event: h11.Data | h11.EndOfMessage) -> bytes:
        return self._http.send(event) or b""

    async def _write(self, data: bytes) -> None:
        await self._writable.wait()
        # A client may go away between two pieces; this task is cancelled somewhat later.
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _next_cycle(self) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._task = None
            self._http.start_next_cycle()
            self._read_on()
        else:
            self._close()

    async def _reset(self) -> None:
        await asyncio.sleep(_BEFORE_RESET)
        if self._transport is None:
            return
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
