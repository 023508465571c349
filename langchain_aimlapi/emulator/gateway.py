"""The emulated gateway without I/O: requests in, answers out. Its doors are in `doors/`."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from langchain_aimlapi.emulator.account import catalogue
from langchain_aimlapi.emulator.account.ledger import Account, LedgerEntry, to_usd
from langchain_aimlapi.emulator.account.pages import ACCOUNT_PATHS, account_page
from langchain_aimlapi.emulator.answers.conversation import (
    input_items,
    read_chat_completions,
    read_responses,
)
from langchain_aimlapi.emulator.answers.generation import Generation, generate
from langchain_aimlapi.emulator.answers.rules import default_reply
from langchain_aimlapi.emulator.answers.seals import UNOPENED, Seals
from langchain_aimlapi.emulator.errors import (
    OUT_OF_CREDITS,
    ErrorShape,
    RefusalError,
    error_answer,
)
from langchain_aimlapi.emulator.exchange import Answer, Dialect, RecordedRequest, json_answer
from langchain_aimlapi.emulator.front_page import front_page
from langchain_aimlapi.emulator.scripts.faults import Fault
from langchain_aimlapi.emulator.scripts.script import Match, Outcome, Script, Step
from langchain_aimlapi.emulator.scripts.script_file import read_script
from langchain_aimlapi.emulator.wire.render import Call, render
from langchain_aimlapi.emulator.wire.responses import output_items, whole_body
from langchain_aimlapi.emulator.wire.validation import validate_request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from re import Pattern

    from typing_extensions import Self

_INFERENCE: Mapping[str, Dialect] = {
    "/v1/chat/completions": "chat_completions",
    "/chat/completions": "chat_completions",
    # POST /responses without /v1 was in the first codex page (2025-11) and is gone from the docs.
    "/v1/responses": "responses",
}
_ENDPOINTS = {"chat_completions": "/v1/chat/completions", "responses": "/v1/responses"}
_CATALOGUE = {"/v1/models", "/models", "/api/v1/models"}
_DEPRECATIONS = {f"{path}/{name}" for path in _CATALOGUE for name in ("deprecations", "deprecated")}
_STORED_RESPONSE = re.compile(r"(?:/v1)?/responses/([^/]+)")
_KEY = re.compile(r"[!-~]+")
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class _Stored(NamedTuple):
    """A response that was asked for with `store`."""

    items: list[Mapping[str, Any]]
    body: Mapping[str, Any]


def check_key(key: str) -> str:
    """Return a key that HTTP can carry.

    Raises:
        ValueError: If it cannot.
    """
    if not _KEY.fullmatch(key):
        raise ValueError("a key is ASCII text without white space, and not empty")
    return key


class Gateway:
    """What an `Emulator` is but for its doors. See there."""

    def __init__(
        self,
        *,
        models: Mapping[str, Collection[Dialect]] | None = None,
        deprecations: Sequence[Mapping[str, Any]] = (),
        api_key: str = "emulator-key",
        balance_usd: float = 100.0,
        seed: int | None = None,
        honour_stop: bool = False,
        validate: bool = True,
        model_error_status: int = 404,
        error_shape: ErrorShape = "flat",
        clock: Callable[[], float] = time.time,
        on_answer: Callable[[RecordedRequest, LedgerEntry | None], object] | None = None,
    ) -> None:
        """Set up an account with a balance and no requests."""
        self.models = catalogue.EMULATED_MODELS if models is None else models
        self.deprecations = deprecations
        self.api_key = check_key(api_key)
        self._seed = seed
        self._honour_stop = honour_stop
        self._validate = validate
        self._model_error_status = model_error_status
        self._error_shape: ErrorShape = error_shape
        self._clock = clock
        self._on_answer = on_answer
        self._lock = threading.Lock()
        self._first_balance = balance_usd
        self.reset()

    def __repr__(self) -> str:
        """Without the key."""
        return f"Emulator({len(self.requests)} requests, {self.balance_usd} USD)"

    def reset(self) -> None:
        """Forget requests, bills, scripts and stored responses, and restore the balance."""
        with self._lock:
            self.requests: list[RecordedRequest] = []
            self._script = Script()
            self._stored: dict[str, _Stored] = {}
            self._seals = Seals()
            self._count = 0
            # Without a seed ids are new each time: whoever resumes a conversation in another
            # process must not meet the ids that are in it already.
            self._origin = secrets.token_hex(8) if self._seed is None else str(self._seed)
            self._account = Account(self._first_balance)

    # Scripts.

    def script(self, *steps: Step) -> Self:
        """Queue replies and faults; each inference request that is accepted takes the next one.

        Requests that are refused before (key, model, form, balance) take none.

        Args:
            steps: `Reply`, `Fault`, a text (the reply that says it), `None` (the default reply), or
                functions that make one from the request. Functions must not block: the socket door
                runs them in its event loop.

        Returns:
            The emulator, so that it can be made and scripted in one expression.
        """
        for step in steps:
            self._script.add(step)
        return self

    def when(
        self,
        answer: Step,
        *,
        model: str | None = None,
        text: str | Pattern[str] | None = None,
        tool: str | None = None,
        tool_result: str | Pattern[str] | None = None,
        endpoint: Dialect | None = None,
        times: int | None = None,
    ) -> Self:
        """Answer requests that fit a description, before the queue of `script` is asked.

        What is not given fits every request. The first description that fits counts.

        Example:
            ```python
            emulator.when(Reply("It rains."), tool="get_weather", tool_result="rain")
            emulator.when(Fault.status(503), model="openai/gpt-5-1-codex", times=2)
            ```

        Args:
            answer: What `script` takes.
            model: The requested model.
            text: What the last message says, whoever says it: a part of it, or a pattern.
            tool: The name of a tool whose result the request ends with.
            tool_result: What a result says that the request ends with: a part, or a pattern; with
                `tool`, a result of that tool.
            endpoint: `chat_completions` or `responses`.
            times: For how many requests; `None` is any number.

        Returns:
            The emulator.
        """
        match = Match(model, text, tool, tool_result, endpoint)
        self._script.add(answer, match, times)
        return self

    def load_script(self, source: str | Path | Sequence[Mapping[str, Any]]) -> Self:
        """Add the steps of a script file, or of what such a file holds.

        Args:
            source: The path of a JSON file, or its value: a list of
                `{"reply": ... or "fault": ..., "when": {...}, "times": ...}`; `script_file` tells
                the whole form.

        Returns:
            The emulator.

        Raises:
            ScriptFileError: Naming each place that is wrong.
            OSError: If the file cannot be read.
        """
        for step, match, times in read_script(source):
            self._script.add(step, match, times)
        return self

    def respond_with(
        self, function: Callable[[RecordedRequest], Outcome | str | None] | None
    ) -> None:
        """Ask `function` for each request once the queue is empty; `None` from it: the rules."""
        self._script.fallback = function

    def assert_done(self) -> None:
        """Check that the whole script was used.

        Raises:
            AssertionError: Naming the steps that are left.
        """
        left = self._script.unused()
        if left:
            raise AssertionError(f"{len(left)} scripted step(s) were not used: {', '.join(left)}")

    # Money.

    @property
    def ledger(self) -> list[LedgerEntry]:
        """What was billed, oldest first; failed requests are not in it."""
        return self._account.billed

    @property
    def balance_usd(self) -> float:
        """What is left on the account, in USD. At zero or below, requests are answered with 403."""
        return to_usd(self._account.credits)

    @balance_usd.setter
    def balance_usd(self, amount: float) -> None:
        self._account.set_balance(amount)

    # Requests.

    def handle(self, request: RecordedRequest) -> Answer:
        """Answer one request. Every door comes here."""
        with self._lock:
            self._count += 1
            number = self._count
            self.requests.append(request)
        key = hashlib.sha256(f"{self._origin}/{number}".encode()).hexdigest()[:32]
        sent_id = request.headers.get("x-client-request-id", "")
        # An id that does not fit is dropped silently: no echo, null in the logs.
        valid = _CLIENT_REQUEST_ID.fullmatch(sent_id) is not None
        request.client_request_id = sent_id if valid else None
        entry: LedgerEntry | None = None
        try:
            answer, entry = self._route(request, key)
        except RefusalError as refusal:
            answer = error_answer(
                self._error_shape,
                refusal.status,
                refusal.message,
                headers=_tracing_headers(request),
                path=request.path,
                request_id=request.inference_id,
                now=self._clock(),
                code=refusal.code,
            )
            entry = self._record(request, answer.status, None)
        request.status = None if answer.silent else answer.status
        if self._on_answer is not None:
            self._on_answer(request, entry)
        return answer

    def _route(self, request: RecordedRequest, key: str) -> tuple[Answer, LedgerEntry | None]:
        path, method = request.path, request.method
        if method == "POST" and path in _INFERENCE:
            return self._infer(request, _INFERENCE[path], key)
        answer = self._look_up(request) if method in {"GET", "HEAD"} else None
        if answer is None:
            # A wrong method is a 404 here too, and so is a doubled /v1/v1.
            raise RefusalError(404)
        return answer, None

    def _look_up(self, request: RecordedRequest) -> Answer | None:
        """What is answered without a model being asked."""
        path = request.path
        if path == "/":
            return front_page(request.headers.get("host", ""), self.models)
        query, known = request.query, request.headers.get("if-none-match")
        if path in _CATALOGUE:
            return catalogue.list_models(self.models, query, known)
        if path in _DEPRECATIONS:
            feed = self.deprecations
            return catalogue.list_deprecations(feed, query, known, self._clock())
        if path.startswith("/model/"):
            return catalogue.one_model(self.models, unquote(path.removeprefix("/model/")))
        if path in ACCOUNT_PATHS:
            self._check_key(request)
            page = account_page(path, self._account, request.query, self._clock())
            return json_answer(200, page)
        found = _STORED_RESPONSE.fullmatch(path)
        stored = None if found is None else self._stored.get(found[1])
        if found is not None:
            self._check_key(request)
        return None if stored is None else json_answer(200, stored.body)

    def _check_key(self, request: RecordedRequest) -> None:
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            raise RefusalError(401)

    def _infer(
        self, request: RecordedRequest, dialect: Dialect, key: str
    ) -> tuple[Answer, LedgerEntry | None]:
        request.dialect, request.inference_id = dialect, f"inf_{key}"
        self._check_key(request)
        payload = request.json
        if not isinstance(payload, dict):
            raise RefusalError(400, "Body validation error\nExpected a JSON object")
        self._check_model(payload.get("model"), dialect)
        earlier = self._earlier(payload) if dialect == "responses" else []
        if self._validate:
            complaints = validate_request(payload, dialect, earlier)
            if complaints:
                raise RefusalError(400, "\n".join(["Body validation error", *complaints]))
            if dialect == "responses":
                unopened = self._seals.unopened(payload["model"], input_items(payload))
                if unopened is not None:
                    raise RefusalError(400, unopened, code=UNOPENED)
        if self._account.credits <= 0:
            raise RefusalError(403, OUT_OF_CREDITS["credits"])
        chat = dialect == "chat_completions"
        call = Call(
            request=request,
            payload=payload,
            dialect=dialect,
            conversation=(
                read_chat_completions(payload) if chat else read_responses(payload, earlier)
            ),
            headers=_tracing_headers(request),
            key=key,
            now=self._clock(),
            error_shape=self._error_shape,
        )
        answer, generation = self._perform(self._script.next(call), call)
        entry = self._record(request, answer.status, generation)
        if generation is not None and not chat:
            output, reply = output_items(generation), generation.reply
            self._seals.remember(str(payload.get("model")), [output, reply.events, reply.body])
            if payload.get("store") is True:
                items = [*earlier, *input_items(payload), *output]
                self._stored[f"resp_{key}"] = _Stored(items, whole_body(generation))
        return answer, entry

    def _check_model(self, model: Any, dialect: Dialect) -> None:
        endpoint, served = _ENDPOINTS[dialect], catalogue.served_on(self.models, str(model))
        if served is None:
            raise RefusalError(
                self._model_error_status, f"Model {model!r} does not exist ({endpoint})"
            )
        if dialect not in served:
            raise RefusalError(
                self._model_error_status, f"Model {model!r} is not available on {endpoint}"
            )

    def _earlier(self, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The stored conversation that the request goes on with."""
        name = payload.get("previous_response_id")
        if name is None:
            return []
        if name not in self._stored:
            # The upstream's wording; replies are kept only with store: true.
            raise RefusalError(400, f"Previous response with id {name!r} not found.")
        return self._stored[name].items

    def _perform(self, outcome: Outcome | None, call: Call) -> tuple[Answer, Generation | None]:
        """The answer to `call`, and what is billed for it."""
        if isinstance(outcome, Fault):
            if outcome.make is not None:
                return outcome.make(call), None
            answer, generation = self._perform(outcome.reply, call)
            if outcome.spoil is not None:
                answer = outcome.spoil(answer, call)
            return answer, generation if outcome.billed else None
        reply = outcome or default_reply(
            call.conversation, str(call.payload.get("model")), honour_stop=self._honour_stop
        )
        generation = generate(
            reply, call.conversation, call.payload, key=call.key, created=call.now
        )
        return render(generation, call), None if reply.failure is not None else generation

    def _record(
        self, request: RecordedRequest, status: int, generation: Generation | None
    ) -> LedgerEntry | None:
        """Log an inference request, and take what it costs from the balance."""
        if request.dialect is None or request.inference_id is None:
            return None
        payload = request.json if isinstance(request.json, dict) else {}
        entry = LedgerEntry(
            inference_id=request.inference_id,
            client_request_id=request.client_request_id,
            model=str(payload.get("model", "")),
            endpoint=request.dialect,
            status=status,
            usage=None if generation is None else generation.usage,
            credits=0 if generation is None else generation.credits,
            created=self._clock(),
        )
        self._account.record(entry)
        return entry


def _tracing_headers(request: RecordedRequest) -> dict[str, str]:
    """The ids in the headers of every inference response.

    Source: AI/ML API documentation, request tracing and cost, 2026-08.
    """
    headers = {
        "x-inference-id": request.inference_id,
        "x-client-request-id": request.client_request_id,
    }
    if request.inference_id is None:
        return {}
    return {name: value for name, value in headers.items() if value is not None}
