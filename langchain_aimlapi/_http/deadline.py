"""When a whole call must be over, however many waits and requests it has."""

from __future__ import annotations

import time

# A timer may ring this much before its time.
_CLOCK_RESOLUTION = 0.01


class Deadline:
    """The end of the time that one call may take, or none.

    Attributes:
        seconds: The time that the call had when it began; None: no limit.
    """

    def __init__(self, seconds: float | None = None) -> None:
        """Begin to count."""
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and time.monotonic() >= self._end - _CLOCK_RESOLUTION

    def bound(self, seconds: float | None) -> float | None:
        """Return the seconds that a step may take: those given, or what is left if it is less."""
        if self._end is None:
            return seconds
        left = max(0.0, self._end - time.monotonic())
        return left if seconds is None else min(seconds, left)

    def allows(self, seconds: float) -> bool:
        """Say whether time would be left after a wait."""
        return self._end is None or time.monotonic() + seconds < self._end - _CLOCK_RESOLUTION


NO_DEADLINE = Deadline()
"""The deadline of calls that may take as long as they take."""
