"""How long the steps of a request may take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Timeouts:
    """How long each step may take, in seconds; None means no limit.

    Attributes:
        connect: To connect, and again to agree on encryption.
        first_byte: From the sent request to the first byte of a stream or the headers of a plain
            reply, whose body may then take as long between two reads. Reasoning is slow.
        idle: Between two reads of a stream.
        write: For each part of the request to be taken by the network.
        pool: To wait for a slot while as many calls run as the process may have connections.
        call: For a whole call, its retries and the reading of its stream included. Only looking a
            name up, in sync code, is not cut short; nor is a step of a user's own client that
            takes longer than its timeout, as each slow byte of headers may.
        explicit: Whether the user has set them. Only then do they replace those of a user's own
            client, where `first_byte` stands for every read.
    """

    connect: float | None = 10.0
    first_byte: float | None = 600.0
    idle: float | None = 120.0
    write: float | None = 60.0
    pool: float | None = 600.0
    call: float | None = None
    explicit: bool = False

    @classmethod
    def of(cls, given: Any, deadline: float | None = None, idle: float | None = None) -> Timeouts:
        """Return timeouts that a user has set.

        Args:
            given: One number for every wait, `(connect, read)` or `(connect, read, write, pool)`,
                an `httpx.Timeout`, or None for those of this package.
            deadline: Seconds for the whole call.
            idle: Seconds between two reads of a stream, where that is another number.
        """
        if given is None:
            made = cls(call=deadline)
        elif isinstance(given, tuple):
            connect, read, write, pool = (*given, given[1], given[1])[:4]
            made = cls(connect, read, read, write, pool, deadline, explicit=True)
        elif hasattr(given, "connect"):
            waits = (given.connect, given.read, given.read, given.write, given.pool)
            made = cls(*waits, deadline, explicit=True)
        else:
            made = cls(given, given, given, given, given, deadline, explicit=True)
        return replace(made, idle=idle) if idle is not None else made

    def by_step(self) -> dict[str, float | None]:
        """Return the seconds for each step of a request, as httpx names them."""
        return {
            "connect": self.connect,
            "read": self.first_byte,
            "write": self.write,
            "pool": self.pool,
        }
