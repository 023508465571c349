"""The command: starts the server, runs the calls, compares the counts, prints the table."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.load.client import Client
from tests.load.fates import FATES, fate
from tests.load.limits import Usage, allow_many_files, usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

_ROOT = Path(__file__).resolve().parents[2]
_BURST = {"ainvoke": 1000, "astream": 500, "invoke": 16, "stream": 16}
_STEADY = {"ainvoke": 60, "astream": 40, "invoke": 8, "stream": 8}
_MOMENTS = ("one third", "two thirds", "end")  # of a soak, when all is quiet and measured
_BLOCK = 200  # calls between two looks at the clock
_LEAST = 400  # calls between two moments
_MANY_TIMERS = 1000
# By how much what is found at the end of a soak may exceed what was found after a third of it.
_MORE_MEMORY = 1.15
_MORE_OBJECTS = 0.05  # a call


class Server:
    """The other process."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.load.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        self.base_url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def counts(self) -> dict[str, Any]:
        """Return what it has counted so far."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def complaints(client: Client, server: Server, numbers: Iterable[int]) -> list[str]:
    """Print the counts of both sides, and say where they are not those expected."""
    calls = Counter(fate(number).name for number in numbers)
    counted = server.counts()
    found = list(client.wrong)
    sys.stdout.write(f"{'fate':14}{'calls':>9}{'right':>9}{'requests':>10}{'received':>10}\n")
    for each in FATES:
        name = each.name
        sent, received = calls[name] * each.requests, counted["requests"].get(name, 0)
        line = f"{name:14}{calls[name]:9}{client.right[name]:9}{sent:10}{received:10}"
        sys.stdout.write(f"{line}\n")
        if client.right[name] != calls[name] or received != sent:
            found.append(f"{name}: {calls[name]} calls, {sent} requests were to be made")
    sys.stdout.write(f"{counted['connections']} connections\n")
    return found


async def burst(client: Client, server: Server, calls: int) -> list[str]:
    """Make so many calls, all at once as far as the crowd goes."""
    began = time.perf_counter()
    await client.run(range(calls))
    seconds = time.perf_counter() - began
    sys.stdout.write(f"{calls} calls in {seconds:.1f} s, {calls / seconds:.0f} a second\n")
    return complaints(client, server, range(calls))


async def soak(client: Client, server: Server, seconds: float) -> list[str]:
    """Make calls for so long, measuring in quiet moments."""
    began, calls = time.monotonic(), 0
    seen = {"before": usage()}
    for third, name in enumerate(_MOMENTS, 1):
        while calls < third * _LEAST or time.monotonic() < began + seconds * third / len(_MOMENTS):
            await client.run(range(calls, calls + _BLOCK))
            calls += _BLOCK
        await client.close()
        await forget_timers()
        seen[name] = usage()
    took = time.monotonic() - began
    sys.stdout.write(f"{calls} calls in {took:.0f} s, {calls / took:.0f} a second\n")
    sys.stdout.write(f"{'':14}{'resident MB':>12}{'objects':>10}{'files':>7}{'tasks':>7}\n")
    for name, (memory, objects, files, tasks) in seen.items():
        sys.stdout.write(f"{name:14}{memory / 1e6:12.1f}{objects:10}{files:7}{tasks:7}\n")
    return complaints(client, server, range(calls)) + growth(*seen.values(), calls=calls)


async def forget_timers() -> None:
    """Have asyncio forget the timers of calls that are over: it keeps cancelled ones until many."""
    loop = asyncio.get_running_loop()
    for _ in range(_MANY_TIMERS):
        loop.call_later(_MANY_TIMERS, loop.time).cancel()
    await asyncio.sleep(0)


def growth(before: Usage, early: Usage, _: Usage, late: Usage, *, calls: int) -> list[str]:
    """Say what has grown."""
    found = []
    if late.memory > early.memory * _MORE_MEMORY:
        found.append("memory grew")
    if late.objects > early.objects + calls * _MORE_OBJECTS:
        found.append("objects are kept")
    if late.files > before.files:
        found.append("files are left open")
    if late.tasks > before.tasks:
        found.append("tasks are left")
    return found


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000, help="how many")
    parser.add_argument("--soak", type=float, help="go on for so many seconds instead")
    asked = parser.parse_args()
    allow_many_files()
    with Server() as server:
        client = Client(server.base_url, _STEADY if asked.soak else _BURST)
        if asked.soak:
            found = asyncio.run(soak(client, server, asked.soak))
        else:
            found = asyncio.run(burst(client, server, asked.calls))
    for complaint in found[:20]:
        sys.stdout.write(f"WRONG: {complaint}\n")
    sys.stdout.write("FAILED\n" if found else "ok\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
