"""One call as the transport sees it, without its I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._http.deadline import NO_DEADLINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._http.attempt import Attempt
    from langchain_aimlapi._http.deadline import Deadline
    from langchain_aimlapi._http.retry import Retries
    from langchain_aimlapi.errors import AIMLAPIError


class Call:
    """What to send, and whether to send it again: the same to the same place, as it stands here.

    Attributes:
        path: Path of the endpoint in use now, below the base URL.
        payload: The request's JSON; another object where it is to be encoded anew.
        model: The model, for messages of errors.
        stream: Whether events are asked for.
        client_request_id: `X-Client-Request-Id` of all requests.
        retries: Counts the requests, and says when to give up.
        attempt: The request on its way, if there is one.
    """

    attempt: Attempt | None = None

    def __init__(
        self,
        *,
        path: str,
        payload: dict[str, Any],
        model: str,
        stream: bool,
        client_request_id: str,
        retries: Retries,
    ) -> None:
        """Start before the first request."""
        self.path = path
        self.payload = payload
        self.model = model
        self.stream = stream
        self.client_request_id = client_request_id
        self.retries = retries

    def wait(self) -> float:
        """Return the seconds to wait before the first request, then ask again; 0 means go."""
        return 0.0

    def lacks(self, body: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Say what a whole reply lacks to be an answer; None if nothing."""
        return None

    def failed(self, error: AIMLAPIError, deadline: Deadline = NO_DEADLINE) -> float | None:
        """Return the seconds to wait before the next request; None if `error` is final."""
        return self.retries.delay_after(error, deadline)
