"""What a worker does in one block. Each task returns numbers, and checks that the work was done.

Times are in microseconds a call (or a chunk), memory in MB.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, HumanMessage

from tests.benchmarks.server import WORD
from tests.benchmarks.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_core.language_models import BaseChatModel

Numbers = dict[str, float]

MB = 1_000_000
_REPLY = 40  # characters of a short reply
_PROMPT = "Say something short."

_SAVE = {"title": "save", "type": "object", "properties": {"text": {"type": "string"}}}

_IMPORT = """
import json, sys, time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
def now():
    return time.process_time() * 1e6, len(sys.modules), resident()
start = now()
import langchain_core.messages, langchain_core.outputs, langchain_core.load
import langchain_core.callbacks, langchain_core.utils.function_calling
from langchain_core.language_models import BaseChatModel
core = now()
{statement}
end = now()
cpu, modules, mb = (after - before for after, before in zip(end, core))
growth = (end[0] - start[0]) / (core[0] - start[0])
print(json.dumps({{"cpu": cpu, "modules": modules, "mb": mb, "growth": growth}}))
"""
"""Imports what every chat model needs of LangChain, then the subject; tells what that added."""


class Worker:
    """One subject, with its models and its event loop."""

    def __init__(self, subject: str, port: int) -> None:
        """Prepare; models are made when a scenario is first asked for."""
        self._subject = subject
        self._root = f"http://127.0.0.1:{port}"
        self._loop = asyncio.new_event_loop()
        self._model = functools.cache(self._make)

    def run(self, task: str, arguments: dict[str, Any]) -> Numbers:
        """Do one task; names are those of the methods below."""
        gc.collect()
        return getattr(self, task)(**arguments)

    def _make(self, scenario: str) -> BaseChatModel:
        return SUBJECTS[self._subject].make(f"{self._root}/{scenario}/v1")

    # --- without a call ---------------------------------------------------------------------------

    def imports(self) -> Numbers:
        """Import the class in a fresh interpreter that has LangChain's already."""
        code = _IMPORT.format(statement=SUBJECTS[self._subject].statement)
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return json.loads(run.stdout)

    def construct(self, count: int) -> Numbers:
        """Make instances after the first."""
        make = SUBJECTS[self._subject].make
        make(self._root)
        measured = _cpu(lambda: [make(self._root) for _ in range(count)], count)
        return {"cpu": measured, "kb": self._kilobytes(count)}

    def _kilobytes(self, count: int) -> float:
        import tracemalloc

        tracemalloc.start()
        kept = [SUBJECTS[self._subject].make(self._root) for _ in range(count)]
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return size / len(kept) / 1000

    # --- whole replies ----------------------------------------------------------------------------

    def invoke(self, count: int, size: int = _REPLY) -> Numbers:
        """Call again and again, one after another."""
        model = self._model(f"reply-{size}")
        self._check(model.invoke(_PROMPT).content, size)
        return {"cpu": _cpu(lambda: [model.invoke(_PROMPT) for _ in range(count)], count)}

    def batch(self, count: int, threads: int) -> Numbers:
        """Let `batch` call in threads."""
        model = self._model(f"reply-{_REPLY}")
        prompts, config = [_PROMPT] * count, {"max_concurrency": threads}
        return {"cpu": _cpu(lambda: model.batch(prompts, config), count)}

    def conversation(self, count: int, messages: int) -> Numbers:
        """Send a conversation of 2,500 characters a message; a short call's cost is taken off."""
        turn = [HumanMessage("Why? " * 500), AIMessage("Thus. " * 417)]
        growth, more = (self._extra(turn * (size // 2), count) for size in (messages, 2 * messages))
        return {"cpu": growth, "growth": more / growth}

    def image(self, count: int, size: int) -> Numbers:
        """Send an image of `size` bytes; a short call's cost is taken off."""
        return {"cpu": self._extra(_image(size), count)}

    def image_memory(self, size: int) -> Numbers:
        """Send an image in a fresh process, and see how far its memory rises."""
        arguments = [self._subject, self._root.rpartition(":")[2], str(size)]
        command = [sys.executable, "-m", "tests.benchmarks.peak", *arguments]
        run = subprocess.run(command, capture_output=True, check=True)
        return {"mb": float(run.stdout)}

    def _extra(self, messages: list[Any], count: int) -> float:
        model = self._model(f"reply-{_REPLY}")
        model.invoke(messages)
        short = _cpu(lambda: [model.invoke(_PROMPT) for _ in range(count * 3)], count * 3)
        return _cpu(lambda: [model.invoke(messages) for _ in range(count)], count) - short

    # --- many calls at once -----------------------------------------------------------------------

    def concurrent(self, count: int, at_once: int) -> Numbers:
        """Keep `at_once` calls open, each of which takes the server 50 ms."""
        model = self._model(f"think-{_REPLY}")
        left, errors = [count], [0]

        async def caller() -> None:
            while left[0] > 0:
                left[0] -= 1
                try:
                    await model.ainvoke(_PROMPT)
                except Exception:  # noqa: BLE001 - it is the number that is wanted
                    errors[0] += 1

        async def callers() -> None:
            await asyncio.gather(*(caller() for _ in range(at_once)))

        start = time.perf_counter()
        cpu = _cpu(lambda: self._loop.run_until_complete(callers()), count)
        return {
            "cpu": cpu,
            "rate": count / (time.perf_counter() - start),
            "errors": float(errors[0]),
        }

    def after_burst(self, count: int, burst: int) -> Numbers:
        """Call one by one before and after many calls at once."""
        model = self._model(f"reply-{_REPLY}")

        async def sequence() -> None:
            for _ in range(count):
                await model.ainvoke(_PROMPT)

        run = self._loop.run_until_complete
        run(sequence())
        before = _cpu(lambda: run(sequence()), count)
        self.concurrent(burst, burst)
        after = _cpu(lambda: run(sequence()), count)
        return {"before": before, "after": after, "growth": after / before}

    # --- streams ----------------------------------------------------------------------------------

    def first_chunk(self, count: int) -> Numbers:
        """Wait for the first chunk of a short stream, then read the rest."""
        model = self._model("each-8")
        waits = []
        for _ in range(count):
            start = time.perf_counter()
            stream = model.stream(_PROMPT)
            next(stream)
            waits.append(time.perf_counter() - start)
            for _ in stream:
                pass
        return {"wall": sorted(waits)[count // 2] * MB}

    def stream(self, kind: str, chunks: int, count: int = 1) -> Numbers:
        """Read streams of text or of a tool call."""
        model = self._model(f"{kind}-{chunks}")

        def read() -> None:
            for _ in range(count):
                texts = [_size(chunk) for chunk in model.stream(_PROMPT)]
                self._check_stream(kind, texts, chunks)

        return {"cpu": _cpu(read, count * chunks)}

    def astream(self, kind: str, chunks: int, count: int = 1) -> Numbers:
        """Read streams in an event loop."""
        model = self._model(f"{kind}-{chunks}")

        async def read() -> None:
            for _ in range(count):
                texts = [_size(chunk) async for chunk in model.astream(_PROMPT)]
                self._check_stream(kind, texts, chunks)

        return {"cpu": _cpu(lambda: self._loop.run_until_complete(read()), count * chunks)}

    def tool_growth(self, few: int, many: int) -> Numbers:
        """Compare a delta of a long tool call with one of a short call."""
        short = self.stream("tool", few, max(1, many // few))["cpu"]
        return {"growth": self.stream("tool", many)["cpu"] / short}

    def objects(self, method: str, chunks: int, *, include_raw: bool) -> Numbers:
        """Compare a stream that becomes an object with the same stream alone."""
        model = self._model(f"{'tool' if method == 'function_calling' else 'object'}-{chunks}")
        chain = model.with_structured_output(_SAVE, method=method, include_raw=include_raw)
        last: Any = None

        def read() -> None:
            nonlocal last
            for output in chain.stream(_PROMPT):
                last = output

        def listen() -> None:
            for _ in model.stream(_PROMPT):
                pass

        listen()
        alone, together = _cpu(listen, chunks), _cpu(read, chunks)
        self._check((last["parsed"] if include_raw else last)["text"], len("word ") * chunks)
        return {"ratio": together / alone}

    def stall(self, kind: str, chunks: int) -> Numbers:
        """See how long the event loop's other tasks wait while a stream is read."""
        model = self._model(f"{kind}-{chunks}")

        async def read() -> None:
            async for _ in model.astream(_PROMPT):
                pass

        gc.freeze()
        gc.disable()  # a full collection takes 100 ms, whoever the subject is
        try:
            return {"longest": self._loop.run_until_complete(_longest_wait(read)) * MB}
        finally:
            gc.enable()
            gc.unfreeze()

    # --- checks -----------------------------------------------------------------------------------

    def _check(self, text: str, size: int) -> None:
        if len(text) != size:
            raise AssertionError(f"{self._subject}: {len(text)} characters instead of {size}")

    def _check_stream(self, kind: str, texts: list[int], chunks: int) -> None:
        expected = len(json.dumps({"text": "word " * chunks})) if kind == "tool" else None
        self._check(" " * sum(texts), expected or len(WORD) * chunks)


def image_message(size: int) -> list[Any]:
    """Make a message with an image, in the form that all subjects take."""
    url = "data:image/png;base64," + "iVBORw0K" * (size // 6)
    return [HumanMessage([{"type": "image_url", "image_url": {"url": url}}])]


_image = functools.cache(image_message)


def _size(chunk: Any) -> int:
    return len(chunk.content) + sum(len(call["args"] or "") for call in chunk.tool_call_chunks)


def _cpu(work: Callable[[], Any], count: int) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * MB / count


async def _longest_wait(work: Callable[[], Awaitable[None]]) -> float:
    """Return the longest time that a task which wants every turn of the loop had to wait."""
    task = asyncio.ensure_future(work())
    longest, last = 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    await task
    return longest
