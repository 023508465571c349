"""A raw HTTP server: bodies made beforehand, requests read no further than their length.

The first part of a request's path names a scenario: `/reply-40/v1/chat/completions`.

- `reply-N`: a chat completion with N characters of text; `think-N`: the same after 50 ms.
- `each-N`, `block-N`, `ms-N`: a stream of N text chunks: an event per write, writes of 16 KiB, an
  event per millisecond.
- `tool-N`: a stream of one tool call in N pieces, an event per write; `object-N`: its arguments as
  text.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import sys
from typing import NamedTuple

THINK_TIME = 0.05  # seconds
BLOCK = 16 * 1024  # bytes
WORD = " streamed"  # the text of each chunk

_ENVELOPE = {
    "id": "chatcmpl-benchmark",
    "created": 1_780_000_000,
    "model": "openai/gpt-5-1",
    "system_fingerprint": "fp_0123456789",
}
_USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 34,
    "total_tokens": 46,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
_META = {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}


class Answer(NamedTuple):
    """What to write: `pieces`, the first at once after `delay` seconds, then one each `pause`."""

    pieces: tuple[bytes, ...]
    delay: float = 0.0
    pause: float = 0.0


@functools.cache
def answer(scenario: str) -> Answer:
    """Make the answer of a scenario."""
    kind, _, count = scenario.partition("-")
    size = int(count)
    if kind in {"reply", "think"}:
        return Answer((_reply(size),), delay=THINK_TIME if kind == "think" else 0.0)
    makers = {"tool": _tool_events, "object": _object_events}
    events = makers.get(kind, _text_events)(size)
    if kind == "block":
        body = b"".join(events)
        events = [body[start : start + BLOCK] for start in range(0, len(body), BLOCK)]
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
        b"x-inference-id: inf-benchmark\r\n\r\n"
    )
    written = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    return Answer((head + written[0], *written[1:], b"0\r\n\r\n"), pause=(kind == "ms") * 0.001)


def _reply(size: int) -> bytes:
    text = (WORD * (size // len(WORD) + 1))[:size]
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {**_ENVELOPE, "object": "chat.completion", "choices": [choice]}
    encoded = json.dumps({**body, "usage": _USAGE, "meta": _META}).encode()
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-inference-id: inf-benchmark\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(encoded), encoded)
    )


def _text_events(count: int) -> list[bytes]:
    return _events([{"role": "assistant", "content": ""}, *[{"content": WORD}] * count], "stop")


def _object_events(count: int) -> list[bytes]:
    return _events([{"content": piece} for piece in _arguments(count)], "stop")


def _arguments(count: int) -> list[str]:
    arguments = json.dumps({"text": "word " * count})
    step = max(1, len(arguments) // count)
    cuts = [*range(0, step * (count - 1), step), step * (count - 1), len(arguments)]
    return [arguments[start:end] for start, end in itertools.pairwise(cuts)]


def _tool_events(count: int) -> list[bytes]:
    first = {"id": "call_1", "type": "function", "function": {"name": "save", "arguments": ""}}
    deltas = [{"role": "assistant", "content": None, "tool_calls": [{"index": 0, **first}]}]
    for piece in _arguments(count):
        call = {"index": 0, "function": {"arguments": piece}}
        deltas.append({"tool_calls": [call]})
    return _events(deltas, "tool_calls")


def _events(deltas: list[dict], reason: str) -> list[bytes]:
    frame = {**_ENVELOPE, "object": "chat.completion.chunk"}
    bodies = [
        {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    bodies.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    bodies.append({**frame, "choices": [], "usage": _USAGE, "meta": _META})
    return [*(b"data: %b\n\n" % json.dumps(body).encode() for body in bodies), b"data: [DONE]\n\n"]


class _Connection(asyncio.Protocol):
    """One connection: waits for the end of a request, then answers."""

    def connection_made(self, transport):
        self._transport = transport
        self._head = b""
        self._missing = 0
        self._scenario = ""
        self._task = None

    def connection_lost(self, _):
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data):
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, received = self._head[:end].lower(), len(self._head) - end - 4
            self._scenario = head.split(b"/", 2)[1].decode()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._missing = int(length or 0) - received
            self._head = b""
        if not self._missing:
            self._task = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self):
        plan = answer(self._scenario)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        loop = asyncio.get_running_loop()
        due = loop.time()
        for position, piece in enumerate(plan.pieces):
            if position:
                due += plan.pause
                # A turn of the loop in between keeps two writes from becoming one.
                await asyncio.sleep(max(0.0, due - loop.time()))
            self._transport.write(piece)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # The end of the parent closes this process's input, and ends it.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    asyncio.run(_serve())
