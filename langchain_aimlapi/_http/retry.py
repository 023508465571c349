"""Which errors are worth another request, and how long to wait before it. Pure decisions."""

from __future__ import annotations

import random as _random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_aimlapi._http.deadline import NO_DEADLINE
from langchain_aimlapi._wire.error_text import parse_retry_after
from langchain_aimlapi.errors import (
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPITimeoutError,
)
from langchain_aimlapi.errors.facts import UNBILLED_PHASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_aimlapi._http.deadline import Deadline

__all__ = ["Retries", "RetryPolicy", "parse_retry_after", "should_retry"]

# Doubling ends here: no wait grows that long, and a float cannot hold 2 ** 2000.
_MAX_DOUBLINGS = 30


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try again, and how patiently. All times in seconds.

    Attributes:
        max_retries: Requests after the first; 0 means one request in all.
        retry_read_timeouts: Also retry when the answer did not come in time. Such a call may
            have been billed, so that is up to the user.
        max_retry_after: The longest wait that a server may ask for. If it asks for more, the
            error is raised: waiting that long is the caller's decision.
        initial_delay: The wait before the first retry, when the server names none; doubles with
            each retry.
        max_delay: Where the doubling stops.
    """

    max_retries: int = 2
    retry_read_timeouts: bool = False
    max_retry_after: float = 60.0
    initial_delay: float = 0.5
    max_delay: float = 8.0


def should_retry(error: AIMLAPIError, policy: RetryPolicy) -> bool:
    """Say whether the same request is worth sending again.

    True for rate limits, faults of the server, broken connections, and timeouts in which nothing
    can have been billed; for other timeouts only if the policy says so, and never for the
    deadline of the whole call, which has no time left.
    """
    if not error.is_retryable:
        return False
    if isinstance(error, AIMLAPITimeoutError):
        return error.phase in UNBILLED_PHASES or (
            policy.retry_read_timeouts and error.phase != "deadline"
        )
    return isinstance(error, (AIMLAPIRateLimitError, AIMLAPIServerError, AIMLAPIConnectionError))


class Retries:
    """The retries of one call.

    Attributes:
        attempts: HTTP requests made so far for the call. Whoever sends one adds 1 before it.
        unpriced_attempts: Those of them that failed and were sent again, but may have been billed.
    """

    def __init__(self, policy: RetryPolicy, random: Callable[[], float] = _random.random) -> None:
        """Start before the first request.

        Args:
            policy: The rules.
            random: A source of numbers in [0, 1) for the jitter.
        """
        self.attempts = 0
        self.unpriced_attempts = 0
        self._policy = policy
        self._random = random
        self._retried = 0

    def delay_after(self, error: AIMLAPIError, deadline: Deadline = NO_DEADLINE) -> float | None:
        """Return the seconds to wait before the request is sent again; None if `error` is final.

        It is final if it is not worth a retry, if no retry is left, or if the server asks for too
        long a wait (see `error.retry_after`), or for one that the deadline does not allow.

        A wait that the server asked for is taken as it is. Otherwise it doubles from retry to
        retry, less up to a half at random, so that many clients do not come back at once.

        Args:
            error: Why the last request failed; its `attempts` and `unpriced_attempts` are set.
            deadline: When the call must be over.
        """
        error.attempts, error.unpriced_attempts = self.attempts, self.unpriced_attempts
        policy = self._policy
        asked = error.retry_after
        if (
            self._retried >= policy.max_retries
            or not should_retry(error, policy)
            or (asked is not None and not 0 <= asked <= policy.max_retry_after)
        ):
            return None
        delay = asked if asked is not None else self._growing_delay()
        if not deadline.allows(delay):
            return None
        self._retried += 1
        self.unpriced_attempts += bool(error.may_be_billed)
        return delay

    def _growing_delay(self) -> float:
        policy = self._policy
        doublings = min(self._retried, _MAX_DOUBLINGS)
        return min(policy.initial_delay * 2.0**doublings, policy.max_delay) * (
            1 - self._random() / 2
        )
