"""The emulator in a process of its own: says its port, then its counts whenever it is asked."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

from langchain_aimlapi.emulator import Emulator, Fault, Reply
from tests.load.fates import fate, text
from tests.load.limits import allow_many_files

if TYPE_CHECKING:
    from langchain_aimlapi.emulator.exchange import RecordedRequest

_KEPT = 1000  # requests that the emulator remembers before it is made to forget
_NUMBER = re.compile(rb"This is call (\d+)\.")


class Fates:
    """Lets each request meet its fate, and counts."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._begun: Counter[int] = Counter()  # requests of the calls that want several
        self._requests: Counter[str] = Counter()

    def __call__(self, request: RecordedRequest) -> Reply | Fault:
        if len(self._emulator.requests) > _KEPT:
            self._emulator.reset()
            self._emulator.respond_with(self)
        [number] = map(int, _NUMBER.findall(request.body))
        met = fate(number)
        self._requests[met.name] += 1
        self._begun[number] += 1
        is_last = self._begun[number] == met.requests
        if is_last:
            del self._begun[number]
        reply = Reply(text(number))
        spared = met.fault is None or (is_last and met.error is None)
        return reply if spared else met.fault(reply)

    def counts(self) -> dict[str, int]:
        """Return the requests of each fate so far."""
        return dict(self._requests)


def main() -> None:
    """Serve until the parent ends, which closes this process's input."""
    allow_many_files()
    emulator = Emulator()
    fates = Fates(emulator)
    emulator.respond_with(fates)
    with emulator.serve() as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        for _ in sys.stdin:
            counts = {"requests": fates.counts(), "connections": server.accepted}
            sys.stdout.write(json.dumps(counts) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
