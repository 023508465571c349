"""A stand-in for a turn, for tests of the transport alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_aimlapi._http.deadline import Deadline
    from langchain_aimlapi.errors import AIMLAPIError


@dataclass
class Call:
    """A turn with as many retries as it has delays."""

    payload: dict[str, Any] = field(default_factory=lambda: {"model": "m"})
    stream: bool = False
    path: str = "/chat/completions"
    model: str = "openai/gpt-5-1"
    client_request_id: str = "call-1"
    attempts: int = 0
    delays: list[float] = field(default_factory=list)
    failures: list[AIMLAPIError] = field(default_factory=list)

    def wait(self):
        return 0.0

    def lacks(self, body):
        return None

    def failed(self, error: AIMLAPIError, deadline: Deadline) -> float:
        self.failures.append(error)
        if not self.delays:
            raise error
        return self.delays.pop(0)
