"""`ChatAIMLAPI`: the chat model that users and LangChain see.

A call takes one path: `_turn` gathers the parameters and builds the payload, the transport sends it
and hands back a body or events, and the turn's dialect reads them. `_generate`, `_agenerate`,
`_stream` and `_astream` are that path, and differ in `await` alone.
"""

from __future__ import annotations

import re
import sys
import uuid
from typing import TYPE_CHECKING, Any

from typing_extensions import override

import langchain_aimlapi._messages.content_blocks  # noqa: F401  # registers the translator
from langchain_aimlapi._model.account import AccountMethods
from langchain_aimlapi._model.binding import BindingMethods
from langchain_aimlapi._model.fields import REQUEST_FIELDS, AIMLAPISettings
from langchain_aimlapi._model.options import of_call
from langchain_aimlapi._model.parameters import (
    CALL_OPTIONS,
    REQUEST_PARAMETERS,
    check_values,
    refuse_unknown,
)
from langchain_aimlapi._model.sending import SendingMethods
from langchain_aimlapi._model.state import StateMethods
from langchain_aimlapi._model.tokens import TokenMethods
from langchain_aimlapi._model.watch import NotingEnd, Watch, watching_first
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from langchain_core.callbacks import (
        AsyncCallbackManagerForLLMRun,
        CallbackManagerForLLMRun,
    )
    from langchain_core.messages import AIMessageChunk, BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, ChatResult, LLMResult

    from langchain_aimlapi._messages.seal import Seal
    from langchain_aimlapi._turn import Turn


_CALL_KEYWORDS = REQUEST_PARAMETERS | CALL_OPTIONS

# Longer or other ids are dropped by the gateway without a word (its documentation on request
# tracing, 2026-08), so they are refused here.
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class ChatAIMLAPI(
    BindingMethods, AccountMethods, SendingMethods, StateMethods, TokenMethods, AIMLAPISettings
):
    """A chat model of the AI/ML API's GPT-5.1 family.

    Setup:
        Set the environment variable `AIMLAPI_API_KEY`; keys are made at
        <https://aimlapi.com/app/keys>. Without one, use the emulator:
        `ChatAIMLAPI(**Emulator().connection())`, from `langchain_aimlapi.emulator`.

    Key init args — completion params:
        model: `openai/gpt-5-1` (default), `openai/gpt-5-1-chat-latest`, `openai/gpt-5-1-codex`,
            `openai/gpt-5-1-codex-mini`, or any other id.
        temperature: Sampling temperature, 0 to 2.
        max_tokens: Most tokens to generate, reasoning included.
        reasoning_effort: `"low"`, `"medium"` or `"high"`.
        reasoning: The same with a summary: `{"effort": "low", "summary": "auto"}`.
        top_p: Nucleus sampling, 0.01 to 1.
        n, seed, logprobs, top_logprobs: As the API has them, on chat completions.
        stop, send_stop: Stop sequences, applied to the visible text here; sent too if asked.
        tools, tool_choice, parallel_tool_calls, response_format: For all calls; see `bind_tools`.
        model_kwargs, extra_body: What the API has and this class has not.
        disabled_params: Parameters never to send, or values of them.
        validate_params: `"warn"`, `"error"` or `"off"`: what to do about undocumented values.

    Key init args — responses endpoint:
        use_responses_api: Which endpoint; by default found out.
        store, previous_response_id, use_previous_response_id: Conversations that the vendor keeps.
        include, instructions, prompt, text, truncation, background: As the API has them there.

    Key init args — streaming:
        streaming: Whether `invoke` streams inside; False: `stream` does not.
        stream_usage, stream_options: Usage in streams, on by default, and what else to say.
        stream_chunk_timeout: Seconds between two reads of a stream.

    Key init args — client params:
        api_key: The key, if not from the environment.
        base_url, allow_http: Another address than the API's; a plain `http://` one if allowed.
        timeout, deadline: Seconds that any one wait may take, and a whole call with its retries.
        max_retries, retry_read_timeouts: Requests after the first; whether silence counts.
        default_headers, default_query, include_response_headers: What is sent along and shown.
        attribution: Whether to name this package to the vendor.
        proxy, http_client, http_async_client: How to get there: a proxy's URL, or httpx clients.
        client_request_id: A prefix of the ids in the vendor's log, or what makes them.

    All fields are described where they are defined, in `AIMLAPISettings`.

    Instantiate:
        ```python
        from langchain_aimlapi import ChatAIMLAPI

        llm = ChatAIMLAPI(model="openai/gpt-5-1", max_tokens=2000, max_retries=2)
        ```

    Invoke:
        ```python
        messages = [("system", "Translate to French."), ("human", "I love programming.")]
        answer = llm.invoke(messages)
        answer.text
        ```

    Stream:
        ```python
        for chunk in llm.stream(messages):
            print(chunk.text, end="")
        ```

        Chunks add up to the message that `invoke` gives:

        ```python
        stream = llm.stream(messages)
        full = next(stream)
        for chunk in stream:
            full += chunk
        ```

    Async:
        ```python
        async def main():
            await llm.ainvoke(messages)
            async for chunk in llm.astream(messages):
                print(chunk.text, end="")
            await llm.abatch([messages, messages])
        ```

    Tool calling:
        ```python
        from pydantic import BaseModel, Field


        class GetWeather(BaseModel):
            '''Get the weather in a place.'''

            place: str = Field(description="city and country")


        answer = llm.bind_tools([GetWeather]).invoke("The weather in Oslo, Norway?")
        answer.tool_calls
        ```

    Reasoning output:
        ```python
        thinking = ChatAIMLAPI(reasoning={"effort": "low", "summary": "auto"})
        answer = thinking.invoke("How many moons has Mars?")
        [block["reasoning"] for block in answer.content_blocks if block["type"] == "reasoning"]
        ```

    Structured output:
        ```python
        class Joke(BaseModel):
            '''A joke to tell.'''

            setup: str
            punchline: str


        llm.with_structured_output(Joke).invoke("Tell me a joke about cats.")
        ```

    JSON mode:
        ```python
        json_llm = llm.with_structured_output(method="json_mode")
        json_llm.invoke("Answer in JSON with the keys name and country: the Eiffel Tower.")
        ```

    Image input:
        ```python
        image = {"type": "image", "url": "https://example.com/cat.png"}
        text = {"type": "text", "text": "What is this?"}
        llm.invoke([{"role": "user", "content": [text, image]}]).text
        ```

        A PDF is `{"type": "file", "base64": ..., "mime_type": "application/pdf"}`.

    Token usage:
        ```python
        answer = llm.invoke(messages)
        answer.usage_metadata
        ```

    Cost:
        What the gateway billed for this call; absent where it does not say.

        ```python
        answer.response_metadata["cost"]  # {"usd": 0.0001775, "credits": 355}
        ```

    Logprobs:
        ```python
        scored = ChatAIMLAPI(logprobs=True, top_logprobs=2).invoke(messages)
        scored.response_metadata["logprobs"]["content"]
        ```

    Response metadata:
        ```python
        answer.response_metadata["inference_id"]  # in the vendor's usage log
        answer.response_metadata["client_request_id"]  # the LangChain run id, where it is known
        answer.response_metadata["endpoint"]  # "chat_completions" or "responses"
        ```
    """

    # --- the four entry points --------------------------------------------------------------------

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        given = self._given(kwargs, stop)
        with self._turn(messages, run_manager, given, stream=False) as turn:
            reply = self._transport(given).post(turn)
            return turn.result(reply)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        given = self._given(kwargs, stop)
        with (
            NotingEnd(run_manager),
            self._turn(messages, run_manager, given, stream=False) as turn,
        ):
            reply = await self._transport(given).apost(turn)
            return turn.result(reply)

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        # LangChain itself tells the run manager of each chunk.
        given = self._given(kwargs, stop)
        with (
            self._turn(messages, run_manager, given, stream=True) as turn,
            self._transport(given).stream(turn) as events,
        ):
            parser = turn.parser(events)
            with parser.keeping_partial():
                for event in events:
                    yield from parser.feed(event)
                    if parser.done:
                        break
                yield from parser.close()

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        given = self._given(kwargs, stop)
        with (
            NotingEnd(run_manager),
            self._turn(messages, run_manager, given, stream=True) as turn,
        ):
            async with self._transport(given).astream(turn) as events:
                parser = turn.parser(events)
                with parser.keeping_partial():
                    async for event in events:
                        for chunk in parser.feed(event):
                            yield chunk
                        if parser.done:
                            break
                    for chunk in parser.close():
                        yield chunk

    @override
    def generate(self, *args: Any, **kwargs: Any) -> LLMResult:
        return super().generate(*args, **self._whole_if_several(kwargs))

    @override
    async def agenerate(self, *args: Any, **kwargs: Any) -> LLMResult:
        with Watch():  # LangChain tells no handler of a call that is cancelled
            return await super().agenerate(*args, **self._whole_if_several(kwargs))

    @override
    def astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[AIMessageChunk]:
        chunks: Any = super().astream(*args, **kwargs)
        # Nor of one that is cancelled while it waits for the limiter.
        return chunks if self.rate_limiter is None else watching_first(chunks)

    def _whole_if_several(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Make a call for several answers whole, though a handler would like it streamed."""
        number = kwargs.get("n", self.n)
        several = isinstance(number, int) and number > 1
        return {"stream": False, **kwargs} if several else kwargs

    @override
    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        from langchain_aimlapi._messages.usage import combined_llm_outputs

        return combined_llm_outputs(llm_outputs)

    # --- from arguments to a turn -----------------------------------------------------------------

    def _turn(
        self,
        messages: Sequence[BaseMessage],
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
        given: Mapping[str, Any],
        *,
        stream: bool,
    ) -> Turn:
        # All of one module: each import costs each call.
        from langchain_aimlapi._turn import Retries, RetryPolicy, Route, Turn, last_stored

        # A spending limit exists only where the application has imported the tracker.
        if (cost := sys.modules.get("langchain_aimlapi.cost.tracker")) is not None:
            cost.check_spend_limit(run_manager.run_id if run_manager is not None else None)
        params = self._params(given, stream=stream)
        extra_body = {**self.extra_body, **given.get("extra_body", {})}
        if (params | extra_body).get("background"):
            raise AIMLAPIConfigurationError(
                "background=True gives a response that is still queued, without an answer, and "
                "this class does not wait for it. Leave background out; deadline bounds a call."
            )
        stops = given.get("stop", self.stop)
        stops = [stops] if isinstance(stops, str) else list(stops or ())
        if stops and self.send_stop:
            params["stop"] = stops
        is_kept = params.get("store") and self.use_responses_api is not False
        if self.use_previous_response_id and is_kept:
            params = {**last_stored(messages), **params}
        address = self._address()
        route = Route(address, params["model"], params, self.use_responses_api)
        tries = given.get("max_retries", self.max_retries)
        return Turn(
            messages,
            params,
            route=route,
            query={**(self.default_query or {}), **given.get("extra_query", {})},
            shows_headers=self.include_response_headers,
            validate=self.validate_params,
            stream=stream,
            stop=[text for text in stops if text],
            extra_body=extra_body,
            retries=Retries(RetryPolicy(tries, self.retry_read_timeouts)),
            client_request_id=self._request_id(given.get("client_request_id"), run_manager),
            seal=self._seal(address, params["model"]) if route.may_seal else None,
        )

    def _seal(self, address: str, model: str) -> Seal:
        """Say who asks, for reasoning that only its own model and account can open."""
        from langchain_aimlapi._messages.seal import Seal, fingerprint

        account = fingerprint(address, self._key().get_secret_value())
        return Seal(model=model, account=account, refused=self._kept.refused_seals)

    def _given(self, kwargs: Mapping[str, Any], stop: list[str] | None = None) -> dict[str, Any]:
        """Return the keywords of a call under their real names, none of them unknown."""
        given = of_call(kwargs, stop)
        refuse_unknown(given, _CALL_KEYWORDS, "A call", type(self).model_fields)
        return given

    def _params(self, given: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
        """Gather the request's parameters, in chat completions terms; a call's own win."""
        params = {name: getattr(self, name) for name in REQUEST_FIELDS}
        params.update(self.model_kwargs)
        if "effort" in (given.get("reasoning") or {}):
            del params["reasoning_effort"]  # the same in other words
        if stream and given.get("stream_usage", self.stream_usage):
            params["stream_options"] = {"include_usage": True, **(self.stream_options or {})}
        said = (name for name in given if name in REQUEST_PARAMETERS and name != "stop")
        params.update((name, given[name]) for name in said)
        params = {name: value for name, value in params.items() if value is not None}
        if not stream:
            params.pop("stream_options", None)
        elif params.get("n", 1) > 1:
            raise AIMLAPIConfigurationError(
                "n > 1 cannot be streamed: LangChain's chunks do not say which answer they belong "
                "to. Use generate() or invoke(), or n=1."
            )
        if "tools" in params or "tool_choice" in params:
            from langchain_aimlapi._messages.tools import wire_tools

            params |= wire_tools(params.pop("tools", ()), params.pop("tool_choice", None))
        if "tools" not in params:
            # Agents bind it whether or not they have tools; the API wants it with tools alone.
            params.pop("parallel_tool_calls", None)
        if "response_format" in params:
            from langchain_aimlapi._messages.structured_output import response_format

            params["response_format"] = response_format(params["response_format"])
        for name, values in (self.disabled_params or {}).items():
            if name in params and (values is None or params[name] in values):
                del params[name]
        check_values(params["model"], params, self.validate_params)
        return params

    def _request_id(
        self,
        given: str | None,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
    ) -> str:
        """Make the id that joins trace, usage log and ledger: the run's own where it is known."""
        made: Any = str(run_manager.run_id if run_manager is not None else uuid.uuid4())
        if given is not None:
            made = given
        elif callable(self.client_request_id):
            made = self.client_request_id()
        elif self.client_request_id is not None:
            made = self.client_request_id + made
        if not isinstance(made, str) or not _CLIENT_REQUEST_ID.fullmatch(made):
            raise AIMLAPIConfigurationError(
                "A client request id is 1 to 128 letters, digits or any of . _ : - ; the gateway "
                f"drops others silently. This one is {made!r:.200}."
            )
        return str(made)


ChatAimlapi = ChatAIMLAPI
"""The name that langchain-aimlapi 0.1.x gave the class."""
