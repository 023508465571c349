"""How a model is copied, pickled, dumped, traced and cached."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.base import LangSmithParams
from langchain_core.load import dumpd
from typing_extensions import Self, override

from langchain_aimlapi._http.emulated import emulated_address
from langchain_aimlapi._http.request import KEY_VARIABLES
from langchain_aimlapi._model.fields import REQUEST_FIELDS, Kept
from langchain_aimlapi._model.options import HiddenValues, for_cache, hidden
from langchain_aimlapi._model.parameters import rename_aliases
from langchain_aimlapi.profiles import MODEL_PROVIDER, known_profile, profile_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.outputs import ChatGeneration, Generation

    from langchain_aimlapi._model.fields import AIMLAPISettings as _Settings
else:
    # Plain methods: a class of pydantic's costs more than all they do.
    _Settings = object

_SHARED_FIELDS = (
    *("api_key", "default_headers", "http_client", "http_async_client", "client_request_id"),
    *("callbacks", "rate_limiter", "cache", "proxy"),
)
"""Held by reference in copies; left out of pickles, the cache aside."""


class StateMethods(_Settings):
    """The methods of `ChatAIMLAPI` that say what copies, dumps, traces and caches keep of it."""

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the model with changes; another `model` brings its own profile."""
        copied = super().model_copy(update=update, deep=deep)
        if "profile" not in (update or {}) and self.profile == known_profile(self.model):
            copied.profile = profile_for(copied.model)
        return copied

    def __copy__(self) -> Self:
        """Copy the model with its key and clients; the copy holds a lease of its own."""
        copied = super().__copy__()
        copied._kept = self._kept.for_copy()  # noqa: SLF001
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy the model deeply; key, clients, callbacks and limiter stay shared."""
        memo = {} if memo is None else memo
        memo.update(
            {id(shared): shared for name in _SHARED_FIELDS if (shared := getattr(self, name))}
        )
        memo[id(self._kept)] = self._kept.for_copy()
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        """Leave keys, headers, clients, callbacks and limiter out of pickles."""
        state = copy.copy(super().__getstate__())
        left_out = {name: None for name in _SHARED_FIELDS if name != "cache"}
        address = emulated_address(self.http_client, self.http_async_client) or self.base_url
        state["__dict__"] = {**state["__dict__"], **left_out, "base_url": address}
        private = state["__pydantic_private__"] or {}
        state["__pydantic_private__"] = {k: v for k, v in private.items() if k != "_kept"}
        return state

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take a pickle, also one of an earlier version, which may have fewer fields."""
        values = state["__dict__"]
        defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in type(self).model_fields.items()
            if name not in values
        }
        private = {"_kept": Kept(), **(state["__pydantic_private__"] or {})}
        super().__setstate__(
            {**state, "__dict__": {**defaults, **values}, "__pydantic_private__": private}
        )

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        return True

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        return {"api_key": KEY_VARIABLES[0]}

    @property
    def _serialized(self) -> dict[str, Any]:
        """The dump that cache keys are made of, fresh after each change.

        LangChain computes it once an instance and copies it with the instance, so a changed
        attribute or a `model_copy` would be answered from the cache of the original. Here it counts
        as long as the fields are what they were, those edited in place included.
        """
        kept = self._kept
        if (dumped := kept.dumped) is None or dumped[0] != self.__dict__:
            kept.dumped = dumped = _snapshot(self.__dict__), dumpd(self)
        return dumped[1]

    # --- tracing and caching ----------------------------------------------------------------------

    @property
    @override
    def _llm_type(self) -> str:
        return "aimlapi-chat"

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        params = {name: getattr(self, name) for name in (*REQUEST_FIELDS, "stop")}
        params.update(self.model_kwargs)
        return {name: value for name, value in params.items() if value is not None}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = rename_aliases(kwargs, "The call")
        stops = self.stop if stop is None else stop
        params = LangSmithParams(
            ls_provider=MODEL_PROVIDER,
            ls_model_name=given.get("model") or self.model,
            ls_model_type="chat",
        )
        temperature = given.get("temperature", self.temperature)
        if temperature is not None:
            params["ls_temperature"] = temperature
        max_tokens = given.get("max_tokens", self.max_tokens)
        if max_tokens is not None:
            params["ls_max_tokens"] = max_tokens
        if stops:
            params["ls_stop"] = list(stops) if isinstance(stops, (list, tuple)) else [stops]
        return params

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        # Two addresses or tenants must not share answers.
        query = {"default_query": HiddenValues(self.default_query)} if self.default_query else {}
        return super()._get_llm_string(stop=stop, **for_cache({**query, **kwargs}))

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        return super()._get_invocation_params(stop=stop, **hidden(kwargs))

    @override
    def bind(self, **kwargs: Any) -> Any:
        return super().bind(**hidden(kwargs))

    @override
    def _convert_cached_generations(self, cache_val: list[Generation]) -> list[ChatGeneration]:
        """Take answers from a cache: they cost nothing, and are new messages.

        On copies, for a cache in memory hands out what it keeps.
        """
        found = super()._convert_cached_generations([copy.copy(kept) for kept in cache_val])
        for generation in found:
            message = generation.message
            metadata = message.response_metadata
            if "cost" in metadata:
                metadata = {**metadata, "cost": {"usd": 0.0, "credits": 0}}
            generation.message = message.model_copy(
                update={"id": None, "response_metadata": metadata}
            )
        return found


def _snapshot(value: Any) -> Any:
    """Copy dicts and lists, but nothing that they hold."""
    if isinstance(value, dict):
        return {key: _snapshot(item) for key, item in value.items()}
    return [_snapshot(item) for item in value] if isinstance(value, list) else value
