"""One request on its way: what the network may take for it, and how far it got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._http.deadline import NO_DEADLINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._http.deadline import Deadline
    from langchain_aimlapi._http.proxies import Proxy

_EXTENSION = "langchain_aimlapi.attempt"


class Attempt:
    """One request; it rides in the request's extensions, past whatever hooks into httpx.

    Attributes:
        deadline: When the call must be over.
        proxy: The proxy to go through.
        wants_fresh: Whether no kept connection will do: the one before had been closed.
        is_reused: Whether the connection had served before; None while it has not come to one of
            our own, as with a user's client.
        is_written: Whether the network took the whole request.
        is_answered: Whether a byte of an answer came.
    """

    __slots__ = ("deadline", "is_answered", "is_reused", "is_written", "proxy", "wants_fresh")

    def __init__(
        self,
        deadline: Deadline = NO_DEADLINE,
        proxy: Proxy | None = None,
        *,
        wants_fresh: bool = False,
    ) -> None:
        """Start before anything is sent."""
        self.deadline = deadline
        self.proxy = proxy
        self.wants_fresh = wants_fresh
        self.is_reused: bool | None = None
        self.is_written = False
        self.is_answered = False

    @property
    def met_a_closed_connection(self) -> bool:
        """Whether a kept connection gave no byte back: the server may have closed it before."""
        return bool(self.is_reused) and not self.is_answered

    @property
    def is_sent(self) -> bool:
        """Whether somebody may have begun to answer, for all that is known before it fails."""
        return self.is_reused is None or self.is_written

    def extensions(self) -> dict[str, Any]:
        """Return what is to stand in the request's extensions."""
        return {_EXTENSION: self}

    @classmethod
    def riding_in(cls, extensions: Mapping[str, Any]) -> Attempt:
        """Return the attempt that is there; one without limits if a hook has left it out."""
        found = extensions.get(_EXTENSION)
        return found if isinstance(found, cls) else cls()
