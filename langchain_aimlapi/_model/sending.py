"""How a model reaches the API: the sender of a call, and its share in the kept connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._http.emulated import emulated_address
from langchain_aimlapi._http.request import normalize_base_url
from langchain_aimlapi._model.connection import DEFAULT_BASE_URL, read_key
from langchain_aimlapi._model.options import checked_timeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr
    from typing_extensions import Self

    from langchain_aimlapi._http.transport import Transport
    from langchain_aimlapi._model.fields import AIMLAPISettings as _Settings
else:
    # Plain methods: a class of pydantic's costs more than all they do.
    _Settings = object


class SendingMethods(_Settings):
    """The methods of `ChatAIMLAPI` that make a sender of what its fields say, and close it."""

    def _transport(self, given: Mapping[str, Any] | None = None) -> Transport:
        """Make the sender of one call from what the fields say now; the call's own keywords win."""
        from langchain_aimlapi._http.transport import Timeouts, Transport

        given = given or {}
        return Transport(
            base_url=self._address(),
            api_key=self._key,
            headers={**(self.default_headers or {}), **(given.get("extra_headers") or {})},
            timeouts=Timeouts.of(
                checked_timeout(given.get("timeout", self.timeout)),
                given.get("deadline", self.deadline),
                self.stream_chunk_timeout,
            ),
            http_client=self.http_client,
            http_async_client=self.http_async_client,
            allow_http=self.allow_http,
            attribution=self.attribution,
            lease=self._leased(),
            proxy=self.proxy,
            query=self.default_query,
        )

    def _address(self) -> str:
        """Return the API's address as the fields say it now, in its one spelling."""
        emulated = emulated_address(self.http_client, self.http_async_client)
        return normalize_base_url(emulated or self.base_url or DEFAULT_BASE_URL, self.allow_http)

    def _key(self) -> SecretStr:
        """Return the key; a model that was pickled finds it in its new process's environment."""
        return read_key(self.api_key)

    def _leased(self) -> Any:
        kept = self._kept
        if kept.lease is None:
            from langchain_aimlapi._http.pool import Lease, lock

            with lock():  # the calls of a first batch begin at once, and `close` gives up one lease
                if kept.lease is None:
                    kept.lease = Lease()
        return kept.lease

    def close(self) -> None:
        """Give up this model's share in the kept connections.

        Connections are shared by all models of the process: the idle ones are closed when the last
        model gives them up. Running calls finish, and a later call opens connections again.
        """
        if self._kept.lease is not None:
            from langchain_aimlapi._http.pool import release

            release(self._kept.lease)

    async def aclose(self) -> None:
        """Give up this model's share in the kept connections; see `close`."""
        if self._kept.lease is not None:
            from langchain_aimlapi._http.pool import arelease

            await arelease(self._kept.lease)

    def __enter__(self) -> Self:
        """Return the model; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the model."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the model; leaving the block closes it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the model."""
        await self.aclose()
