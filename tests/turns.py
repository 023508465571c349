"""A stand-in for a turn, for tests of the transport alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._http import call
from langchain_aimlapi._http.retry import Retries, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi._http.deadline import Deadline
    from langchain_aimlapi.errors import AIMLAPIError


class Call(call.Call):
    """A turn with as many retries as it has delays."""

    def __init__(
        self,
        payload: dict[str, Any] | None = None,
        *,
        stream: bool = False,
        path: str = "/chat/completions",
        delays: Sequence[float] = (),
    ) -> None:
        super().__init__(
            path=path,
            payload={"model": "m"} if payload is None else payload,
            model="openai/gpt-5-1",
            stream=stream,
            client_request_id="call-1",
            retries=Retries(RetryPolicy()),
        )
        self.delays = list(delays)
        self.failures: list[AIMLAPIError] = []

    @property
    def attempts(self) -> int:
        return self.retries.attempts

    def failed(self, error: AIMLAPIError, deadline: Deadline) -> float | None:
        self.failures.append(error)
        return self.delays.pop(0) if self.delays else None
