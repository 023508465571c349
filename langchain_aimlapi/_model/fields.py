"""The fields of a `ChatAIMLAPI`, and how they are checked.

Nothing in here sends or reads anything. Construction does no work that the first call can do: no
client, no TLS context, no import of httpx.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.language_models import BaseChatModel
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, model_validator
from typing_extensions import Self, override

from langchain_aimlapi._http.emulated import emulated_address
from langchain_aimlapi._model.connection import (
    BASE_URL_VARIABLES,
    check_connection,
    first_set,
    read_key,
)
from langchain_aimlapi._model.options import checked_timeout
from langchain_aimlapi._model.parameters import (
    NAMES_WHEN_MADE,
    REQUEST_PARAMETERS,
    refuse_unknown,
    rename_aliases,
    translated,
)
from langchain_aimlapi._version import __version__
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.errors import AIMLAPIConfigurationError
from langchain_aimlapi.profiles import PROFILE_KEYS, known_profile, profile_for

if TYPE_CHECKING:
    from httpx import AsyncClient as HttpAsyncClient
    from httpx import Client as HttpClient
    from langchain_core.language_models import ModelProfile
else:
    # Importing httpx costs more than the rest of this package; it waits for the first call.
    HttpClient = HttpAsyncClient = Any

DEFAULT_MODEL = "openai/gpt-5-1"

REQUEST_FIELDS = (
    *("model", "temperature", "top_p", "max_tokens", "n", "seed", "logprobs", "top_logprobs"),
    *("reasoning_effort", "reasoning", "include", "store", "previous_response_id", "truncation"),
    *("response_format", "tools", "tool_choice", "parallel_tool_calls", "stream_options"),
    *("instructions", "background", "prompt", "text"),
)


class Kept:
    """What a model keeps from call to call, and what is no part of it.

    One object, since each private attribute of pydantic's costs time whenever a model is made.
    """

    __slots__ = ("dumped", "lease", "refused_seals")

    def __init__(self, refused_seals: dict[str, None] | None = None) -> None:
        self.lease: Any = None
        self.dumped: tuple[Any, dict[str, Any]] | None = None
        # A set of ids; but an empty set takes three times the memory.
        self.refused_seals: dict[str, None] = {} if refused_seals is None else refused_seals

    def for_copy(self) -> Kept:
        """Return what a copy of the model begins with: a lease of its own, the same knowledge."""
        return Kept(self.refused_seals)


class AIMLAPISettings(BaseChatModel):
    """The fields of `ChatAIMLAPI`, and what LangChain wants to know of them."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, hide_input_in_errors=True, protected_namespaces=()
    )

    # --- what is asked of the model ---------------------------------------------------------------

    model: str = DEFAULT_MODEL
    """Model id, sent as it is. Alias: `model_name`."""

    temperature: float | None = None
    """Sampling temperature, 0 to 2. Documented for `openai/gpt-5-1` only."""

    top_p: float | None = None
    """Nucleus sampling, 0.01 to 1. Documented for `openai/gpt-5-1` only."""

    max_tokens: int | None = None
    """Most tokens to generate, reasoning included. Alias: `max_completion_tokens`."""

    n: int | None = None
    """Number of answers, for `generate` and `invoke` (which returns the first)."""

    seed: int | None = None
    """Seed for sampling, 1 or more."""

    logprobs: bool | None = None
    """Return log probabilities, in `response_metadata["logprobs"]`."""

    top_logprobs: int | None = None
    """Most likely tokens to return at each position, 0 to 20; needs `logprobs`."""

    reasoning_effort: str | None = None
    """`"low"`, `"medium"` or `"high"`; other words are sent with a warning."""

    reasoning: dict[str, Any] | None = None
    """`effort` as above, and `summary`: `"auto"`, `"concise"` or `"detailed"`. A summary of the
    reasoning exists on the responses endpoint, and selects it."""

    response_format: Any = None
    """Form of all answers: a schema, or the API's own dict. See `with_structured_output`."""

    tools: list[Any] | None = None
    """Tools that each call may use, as for `bind_tools`."""

    tool_choice: Any = None
    """Which of the tools to use, as for `bind_tools`."""

    parallel_tool_calls: bool | None = None
    """Whether several tools may be called at once."""

    stop: list[str] | str | None = None
    """Stop sequences. The API documents none for these models, so they are applied here, to the
    visible text. Alias: `stop_sequences`."""

    send_stop: bool = False
    """Send the stop sequences too."""

    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the API that this class has no field for. Those that a call takes may be given
    by name as well (`verbosity="low"`) and are kept here; the API's `metadata` only here, since
    the field of that name is LangChain's, for traces."""

    disabled_params: dict[str, Any] | None = None
    """Parameters never to send: `{"parallel_tool_calls": None}`, or with the values not to send:
    `{"reasoning_effort": ["high"]}`."""

    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Laid over the request's JSON as it is, last."""

    validate_params: Literal["warn", "error", "off"] = "warn"
    """What to do about a value that the vendor's schema of the model rules out."""

    # --- the responses endpoint -------------------------------------------------------------------

    use_responses_api: bool | None = None
    """True: always; False: never; None: where the call or the model needs it. A model that the
    gateway does not serve on chat completions is found out with its first call."""

    include: list[str] | None = None
    """Further output to ask for, such as `"reasoning.encrypted_content"`, which is asked for anyway
    unless `store` is set. Selects the responses endpoint, as the next three do."""

    store: bool | None = None
    """Keep the response at the vendor, false by default there."""

    previous_response_id: str | None = None
    """Continue a stored response; `response_metadata["id"]` names it. Of messages that hold its
    answer, those that follow it are sent."""

    truncation: str | None = None
    """`"auto"` drops the middle of a conversation that is too long; `"disabled"` refuses it."""

    use_previous_response_id: bool = False
    """Send only what follows the last answer that the vendor keeps, and name that answer. Needs
    `store=True`."""

    instructions: str | None = None
    """System text for this call alone, on the responses endpoint."""

    background: bool | None = None
    """Refused if true: an answer of the background is still queued, and nothing waits for it."""

    prompt: dict[str, Any] | None = None
    """A hosted prompt: `id`, `variables`, `version`. Responses endpoint."""

    text: dict[str, Any] | None = None
    """`format` and `verbosity` in the words of the responses endpoint."""

    # --- streaming --------------------------------------------------------------------------------

    streaming: bool | None = None
    """True: `invoke` streams inside. False: `stream` does not. None: as asked."""

    stream_usage: bool = True
    """Ask for token usage in streams."""

    stream_options: dict[str, Any] | None = None
    """What else to say of streams, beside the usage. Chat completions."""

    stream_chunk_timeout: float | None = Field(default=None, gt=0)
    """Seconds between two reads of a stream, if not as `timeout` has it."""

    # --- the connection ---------------------------------------------------------------------------

    api_key: SecretStr | None = Field(default=None, repr=False)
    """The key; by default the first of the variables `AIMLAPI_API_KEY`, `AIML_API_KEY` and
    `AIMLAPI_KEY` that is not blank. Alias: `aimlapi_api_key`."""

    base_url: str | None = None
    """Address of the API, with or without `/v1`; by default `AIMLAPI_API_BASE`, then
    `AIMLAPI_BASE_URL`, then `https://api.aimlapi.com/v1`. Alias: `aimlapi_api_base`. A client of an
    emulator in memory brings its own address, which nothing else can ask."""

    timeout: Any = None
    """Seconds that any one wait may take: to connect, for the first byte, between bytes. By default
    10, 600 (reasoning is slow) and 120. Also `(connect, read)`, or an `httpx.Timeout`. Alias:
    `request_timeout`."""

    deadline: float | None = Field(default=None, gt=0)
    """Seconds that a whole call may take: retries, pauses, slow headers and slow bytes included,
    and a stream with all that is done between its chunks. None: no limit. Where sync calls go
    through an `http_client` of your own, headers that come in drop by drop can exceed it: there it
    bounds each wait, and is looked at again once the headers are there. Async calls hold it."""

    max_retries: int = Field(default=2, ge=0)
    """Requests after the first, before any output; 0 means one request in all."""

    retry_read_timeouts: bool = False
    """Also retry when no answer came in time, though that call may have been billed."""

    default_headers: Mapping[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Headers to send with each request. Not part of cache keys, dumps and pickles: the place for
    secrets. Those of one call are its `extra_headers`."""

    default_query: Mapping[str, Any] | None = Field(default=None, exclude=True, repr=False)
    """Query parameters to send with each request. Those of one call are its `extra_query`."""

    include_response_headers: bool = False
    """Put the reply's headers into `response_metadata["headers"]`, cookies aside."""

    attribution: bool = True
    """Name this package to the vendor (`X-Title`), and to nobody else."""

    allow_http: bool = False
    """Allow a plain `http://` address that is not this machine: the key travels readable."""

    proxy: str | None = Field(default=None, exclude=True, repr=False)
    """URL of an HTTP proxy, for connections of this package's own: `"http://user:password@host:8080"`.
    By default `HTTPS_PROXY` and `NO_PROXY` are asked. Not part of dumps and pickles. Alias:
    `openai_proxy`."""

    http_client: HttpClient | None = Field(default=None, exclude=True, repr=False)
    """An `httpx.Client` to use for sync calls; it is never closed."""

    http_async_client: HttpAsyncClient | None = Field(default=None, exclude=True, repr=False)
    """An `httpx.AsyncClient` to use for async calls; it is never closed."""

    client_request_id: str | Callable[[], str] | None = Field(
        default=None, exclude=True, repr=False
    )
    """A prefix for the `X-Client-Request-Id` of each call, or a function that makes it. The keyword
    of the same name sets the id of one call."""

    _kept: Kept = PrivateAttr(default_factory=Kept)

    # --- construction -----------------------------------------------------------------------------

    @model_validator(mode="before")
    @classmethod
    def _prepare_arguments(cls, values: Any) -> Any:
        """Rename aliases, refuse unknown names, find key and address.

        Raises no ValueError: pydantic would print the arguments, and with them the key.
        """
        if not isinstance(values, dict):
            return values
        fields = cls.model_fields
        values = _said(rename_aliases(translated(values), cls.__name__))
        if others := [name for name in values if name not in fields]:
            refuse_unknown(others, fields.keys() | REQUEST_PARAMETERS, cls.__name__)
            # What a call takes is taken here as well, and finds its place in the same way.
            given = {name: values.pop(name) for name in others}
            values["model_kwargs"] = {**given, **(values.get("model_kwargs") or {})}
        values["api_key"] = read_key(values.get("api_key"))
        values["base_url"] = values.get("base_url") or first_set(BASE_URL_VARIABLES)
        check_connection(values)
        emulated = emulated_address(values.get("http_client"), values.get("http_async_client"))
        values["base_url"] = emulated or values["base_url"]
        if values.get("timeout") is not None:
            values["timeout"] = checked_timeout(values["timeout"])
        if values.get("tools"):
            from langchain_aimlapi._messages.tools import wire_tool

            values["tools"] = [wire_tool(tool) for tool in values["tools"]]
        if values.get("response_format"):
            from langchain_aimlapi._messages.structured_output import response_format

            values["response_format"] = response_format(values["response_format"])
        for name in values.get("model_kwargs") or ():
            real = NAMES_WHEN_MADE.get(name, name)
            if real in fields and real != "metadata":
                raise AIMLAPIConfigurationError(
                    f"model_kwargs holds {name!r}, which is a parameter of {cls.__name__}: pass "
                    f"{real}=…"
                )
        if values.get("use_previous_response_id") and not values.get("store"):
            raise AIMLAPIConfigurationError(
                "use_previous_response_id needs answers that the vendor keeps: pass store=True too."
            )
        if (given := values.get("profile")) and _is_another(given, values.get("model")):
            del values["profile"]
        return values

    @model_validator(mode="after")
    def _set_aimlapi_version(self) -> Self:
        """Let traces name this package's version."""
        self._add_version("langchain-aimlapi", __version__)
        return self

    @model_validator(mode="after")
    @override
    def _check_profile_keys(self) -> Self:
        """Check a user's own profile; to check ours costs more than the rest of construction."""
        if not PROFILE_KEYS.issuperset(self.profile or ()):
            super()._check_profile_keys()  # type: ignore[operator]  # a validator, to mypy
        return self

    @override
    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_for(self.model)

    @property
    def model_name(self) -> str:
        """The model's id, under the name that other integrations give it."""
        return self.model

    def __getattr__(self, name: str) -> Any:
        """Say what attributes of langchain-aimlapi 0.1 are called now."""
        if name == "_kept" and name in (private := self.__pydantic_private__ or {}):
            return private[name]  # pydantic's own way takes ten times as long, in each call
        if now := _RENAMED.get(name):
            raise AttributeError(f"{name} was of langchain-aimlapi 0.1. Use {now}.")
        return super().__getattr__(name)  # type: ignore[misc]  # pydantic hides it from checkers


_NEVER_NONE = frozenset(
    name
    for name in AIMLAPISettings.__annotations__
    if (field := AIMLAPISettings.model_fields.get(name)) is not None and field.default is not None
)
"""Fields that have a value, given or not."""


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out None for such a field, as configurations and the defaults of peers have it."""
    if None not in values.values():
        return values
    return {
        name: value
        for name, value in values.items()
        if value is not None or name not in _NEVER_NONE
    }


_RENAMED = {
    "openai_api_key": "api_key",
    "openai_api_base": "base_url",
    "request_timeout": "timeout",
    "client": "http_client, for an httpx.Client of your own",
    "async_client": "http_async_client, for an httpx.AsyncClient of your own",
    "root_client": "http_client, for an httpx.Client of your own",
    "root_async_client": "http_async_client, for an httpx.AsyncClient of your own",
    "aimlapi_api_key": "api_key",
    "aimlapi_api_base": "base_url",
    "openai_proxy": "proxy",
    "bind_functions": "bind_tools",
    **{
        name: f"model_kwargs[{name!r}]"
        for name in (
            *("frequency_penalty", "presence_penalty", "logit_bias", "service_tier", "verbosity"),
        )
    },
    "openai_organization": "nothing: the API has no organizations",
    "tiktoken_model_name": "custom_get_token_ids",
}
"""Attributes of langchain-aimlapi 0.1 and what they are called now."""


def _is_another(profile: Any, model: Any) -> bool:
    """Tell whether a profile is that of another model that this package knows."""
    return profile in PROFILES.values() and profile != known_profile(str(model or DEFAULT_MODEL))
