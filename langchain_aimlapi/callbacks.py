"""Handlers that write down what each call was: to a file of JSON lines, and to LangSmith."""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessageChunk, message_to_dict
from langchain_core.tracers.langchain import LangChainTracer
from typing_extensions import Self, override

from langchain_aimlapi._model.watch import watch_call
from langchain_aimlapi.cost.spend import is_cached, own_message, spend_of
from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import LLMResult
    from langchain_core.tracers.schemas import Run
    from langchain_protocol.protocol import MessagesData

_DIGITS = 6  # of times in seconds


class JSONLinesHandler(BaseCallbackHandler):
    """Writes one line of JSON for each call of this package's models that ends.

    ```python
    llm.invoke("Hello", config={"callbacks": [JSONLinesHandler("calls.jsonl")]})
    ```

    A line has these keys, null where a value is not known: `time` (of the start, ISO 8601, UTC),
    `status` (`ok` or `error`), `error` (its class) and `status_code`, `model` (as asked for),
    `endpoint`, `input_tokens`, `output_tokens`, `cached_tokens`, `reasoning_tokens`, `cost_usd`,
    `cost_credits` (2,000,000 are 1 USD), `from_cache` (LangChain's: the answer cost nothing),
    `latency_s`, `first_token_s` (streams only), `attempts` (HTTP requests), `unpriced` (those of
    them that may have been billed, but of which no price came), `inference_id`,
    `client_request_id`, `run_id` and `parent` (the name of the run around the call).

    Prompts, answers and texts of errors are not written, unless `include_text` is set: then the
    keys `prompt` (messages) and `answer` are added. Keys and headers never are.

    A file is opened for each line, so it may be moved away while calls run. One handler may be used
    by many threads and tasks at once. If a line cannot be written, LangChain logs a warning and the
    call goes on. A call that was cancelled has the class of what ended it as its `error`.
    """

    run_inline = True
    """In async code too: times would otherwise count the wait for a thread."""

    def __init__(
        self, file: str | os.PathLike[str] | TextIO, *, include_text: bool = False
    ) -> None:
        """Write nothing yet.

        Args:
            file: A path, whose file is appended to and made if need be, or an open text file, which
                is flushed after each line and never closed.
            include_text: Write prompts and answers too.
        """
        self._file = file
        self._include_text = include_text
        self._lock = threading.Lock()
        self._calls: dict[UUID, _Started] = {}
        self._names: dict[UUID, str] = {}

    def __copy__(self) -> Self:
        """Return the handler itself: copies of a configuration write to the same file."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return the handler itself: copies of a configuration write to the same file."""
        return self

    # --- the runs around a call, for their names --------------------------------------------------

    @override
    def on_chain_start(
        self, serialized: dict[str, Any], inputs: dict[str, Any], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Keep the name of a chain, an agent or a node while it runs."""
        self._names[run_id] = str(kwargs.get("name") or (serialized or {}).get("name") or "")

    @override
    def on_chain_end(self, outputs: dict[str, Any], *, run_id: UUID, **kwargs: Any) -> None:
        """Forget its name."""
        self._names.pop(run_id, None)

    @override
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget its name."""
        self._names.pop(run_id, None)

    @override
    def on_tool_start(
        self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Keep the name of a tool while it runs."""
        self._names[run_id] = str(kwargs.get("name") or (serialized or {}).get("name") or "")

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget its name."""
        self._names.pop(run_id, None)

    @override
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget its name."""
        self._names.pop(run_id, None)

    # --- the calls --------------------------------------------------------------------------------

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note when a call begins."""
        facts = metadata or {}
        if facts.get("ls_provider") != MODEL_PROVIDER:
            return
        prompt = [message_to_dict(message) for batch in messages for message in batch]
        self._calls[run_id] = _Started(
            time=datetime.now(timezone.utc),
            clock=time.perf_counter(),
            model=facts.get("ls_model_name"),
            parent=self._names.get(parent_run_id) if parent_run_id else None,
            prompt=prompt if self._include_text else None,
        )
        watch_call(run_id, functools.partial(self._end_cancelled, run_id))

    @override
    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note when the first text, reasoning or tool call comes; chunks before it are empty."""
        message = getattr(kwargs.get("chunk"), "message", None)
        if isinstance(message, AIMessageChunk) and (
            message.content
            or message.tool_call_chunks
            or message.additional_kwargs.get("reasoning_content")
        ):
            self._note_output(run_id)

    @override
    def on_stream_event(self, event: MessagesData, *, run_id: UUID, **kwargs: Any) -> None:
        """Do the same for streams of content-block events."""
        if event["event"] == "content-block-delta":
            self._note_output(run_id)

    def _note_output(self, run_id: UUID) -> None:
        started = self._calls.get(run_id)
        if started is not None and started.first is None:
            self._calls[run_id] = started._replace(first=time.perf_counter())

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Write the line of a call that ended well."""
        self._end(run_id, response, None)

    @override
    def on_llm_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        response: LLMResult | None = None,
        **kwargs: Any,
    ) -> None:
        """Write the line of a call that failed, was stopped, or was not made."""
        self._end(run_id, response, error)

    def _end_cancelled(self, run_id: UUID, error: BaseException, sent: bool) -> None:  # noqa: FBT001
        self._end(run_id, None, error, sent=sent)

    def _end(
        self,
        run_id: UUID,
        response: LLMResult | None,
        error: BaseException | None,
        *,
        sent: bool = True,
    ) -> None:
        started = self._calls.pop(run_id, None)
        if started is None:
            return
        message = own_message(response)
        line = _line(run_id, started, time.perf_counter(), message, error)
        line["unpriced"] = spend_of(message, error, sent=sent).unpriced
        if self._include_text:
            answer = None if message is None else message_to_dict(message)
            line |= {"prompt": started.prompt, "answer": answer}
        text = json.dumps(line, ensure_ascii=False, default=str)
        # Half of a character that was cut becomes JSON's escape for it.
        self._write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def _write(self, line: str) -> None:
        with self._lock:
            if isinstance(self._file, (str, os.PathLike)):
                with Path(self._file).open("a", encoding="utf-8") as file:
                    file.write(line)
            else:
                self._file.write(line)
                self._file.flush()


class _Started(NamedTuple):
    """A call that has begun."""

    time: datetime
    clock: float
    model: str | None
    parent: str | None
    prompt: list[dict[str, Any]] | None
    first: float | None = None
    """When output began, by the clock."""


def _line(
    run_id: UUID,
    started: _Started,
    now: float,
    message: AIMessage | None,
    error: BaseException | None,
) -> dict[str, Any]:
    found = message.response_metadata if message is not None else {}
    usage: Mapping[str, Any] = dict(message.usage_metadata or {}) if message is not None else {}
    from_cache = message is not None and is_cached(message)
    cost = {"usd": 0.0, "credits": 0} if from_cache else found.get("cost") or {}
    first = started.first
    return {
        "time": started.time.isoformat(),
        "status": "ok" if error is None else "error",
        "error": None if error is None else type(error).__name__,
        "status_code": getattr(error, "status_code", None),
        "model": started.model,
        "endpoint": found.get("endpoint"),
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cached_tokens": usage.get("input_token_details", {}).get("cache_read"),
        "reasoning_tokens": usage.get("output_token_details", {}).get("reasoning"),
        "cost_usd": cost.get("usd"),
        "cost_credits": cost.get("credits"),
        "from_cache": from_cache,
        "latency_s": round(now - started.clock, _DIGITS),
        "first_token_s": None if first is None else round(first - started.clock, _DIGITS),
        "attempts": found.get("attempts") or getattr(error, "attempts", None),
        "inference_id": found.get("inference_id") or getattr(error, "request_id", None),
        "client_request_id": found.get("client_request_id")
        or getattr(error, "client_request_id", None),
        "run_id": str(run_id),
        "parent": started.parent,
    }


class AIMLAPITracer(LangChainTracer):
    """LangChain's tracer for LangSmith, which also tells it what each call was billed.

    ```python
    llm.invoke("Hello", config={"callbacks": [AIMLAPITracer(project_name="my-project")]})
    ```

    LangSmith then shows the gateway's price in place of an estimate, or of none. Arguments are
    those of `LangChainTracer`. Where tracing is on by environment variables, LangChain leaves its
    own tracer away for a run that has this one.

    The price is put into the traced run alone, as `total_cost` of its usage. In a message's own
    `usage_metadata` it would break LangChain's adding up of usage, which takes whole numbers only.
    """

    @override
    def _update_run_single(self, run: Run) -> None:  # type: ignore[override] # static there
        _add_price(run)
        super()._update_run_single(run)


def _add_price(run: Run) -> None:
    """Put the price that the messages of a run state into the usage that LangSmith reads."""
    prices = [
        cost["usd"]
        for generations in (run.outputs or {}).get("generations") or ()
        for generation in generations
        if (cost := _price_in(generation)) is not None
    ]
    if run.run_type != "llm" or not prices:
        return
    metadata = run.extra.setdefault("metadata", {})
    # A copy: this may be the message's own dict.
    metadata["usage_metadata"] = {
        "total_cost": sum(prices),
        **(metadata.get("usage_metadata") or {}),  # a cached answer has a price already, 0
    }


def _price_in(generation: Any) -> dict[str, Any] | None:
    """Return the cost in the dump of a generation."""
    try:
        found = generation["message"]["kwargs"]["response_metadata"]
    except (KeyError, TypeError):
        return None
    is_ours = found.get("model_provider") == MODEL_PROVIDER
    return found.get("cost") if is_ours else None
