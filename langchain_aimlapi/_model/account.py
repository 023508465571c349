"""What a model tells of the account behind its key: `langchain_aimlapi.account` knows how to ask.

Sync and async differ in `await` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi.errors import AIMLAPIError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from langchain_aimlapi._model.sending import SendingMethods as _Sending
    from langchain_aimlapi.account import (
        Balance,
        CatalogueFilters,
        ModelInfo,
        UsageLogEntry,
        UsageLogQuery,
    )
else:
    # Plain methods: a class of pydantic's costs more than all they do.
    _Sending = object


class AccountMethods(_Sending):
    """The methods of `ChatAIMLAPI` that ask about the account behind its key.

    All raise an `AIMLAPIError` where the key is wrong or may not ask, or no answer comes.
    """

    def balance(self) -> Balance:
        """Return what is left on the account."""
        from langchain_aimlapi import account

        return account.read_balance(self._transport().get(*account.BALANCE))

    async def abalance(self) -> Balance:
        """Return what is left on the account."""
        from langchain_aimlapi import account

        return account.read_balance(await self._transport().aget(*account.BALANCE))

    def list_models(self, **filters: Unpack[CatalogueFilters]) -> list[ModelInfo]:
        """Return the models that the API serves now, with their limits and prices.

        Errors of later calls in this process name what replaces a model that is gone.

        Args:
            **filters: See `CatalogueFilters`; models that pass all of them are returned.
        """
        from langchain_aimlapi import account

        query, transport = account.CatalogueQuery(self.base_url, filters), self._transport()
        models = query.read(transport.get(*query.request))
        try:
            reply = transport.get(*account.DEPRECATIONS)
            feed = account.read_deprecations(reply, self._address())
        except AIMLAPIError:  # an API that does not tell has none
            feed = []
        return account.with_deprecations(models, feed)

    async def alist_models(self, **filters: Unpack[CatalogueFilters]) -> list[ModelInfo]:
        """Return the models that the API serves now; see `list_models`."""
        from langchain_aimlapi import account

        query, transport = account.CatalogueQuery(self.base_url, filters), self._transport()
        models = query.read(await transport.aget(*query.request))
        try:
            reply = await transport.aget(*account.DEPRECATIONS)
            feed = account.read_deprecations(reply, self._address())
        except AIMLAPIError:  # an API that does not tell has none
            feed = []
        return account.with_deprecations(models, feed)

    def usage_log(self, **asked: Unpack[UsageLogQuery]) -> list[UsageLogEntry]:
        """Return requests from the usage log, such as those whose price never arrived.

        ```python
        llm.usage_log(inference_id=message.response_metadata["inference_id"])
        ```

        The log cannot be asked for an id, so its pages are looked through, 50 of 100 rows at most;
        narrow the time or the model where an account is busy. It may lag behind a call a little.

        Args:
            **asked: See `UsageLogQuery`; without an id, all requests of the time.

        Raises:
            AIMLAPIConfigurationError: Times that the log does not take.
        """
        from langchain_aimlapi import account

        search, transport = account.UsageLogSearch(asked), self._transport()
        while search.request is not None:
            search.read(transport.get(*search.request))
        return search.found

    async def ausage_log(self, **asked: Unpack[UsageLogQuery]) -> list[UsageLogEntry]:
        """Return requests from the usage log; see `usage_log`."""
        from langchain_aimlapi import account

        search, transport = account.UsageLogSearch(asked), self._transport()
        while search.request is not None:
            search.read(await transport.aget(*search.request))
        return search.found
