"""The emulated gateway without I/O: requests in, answers out. Its doors are in `doors/`."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
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
from langchain_aimlapi.emulator.answers.replies import Reply
from langchain_aimlapi.emulator.answers.rules import default_reply
from langchain_aimlapi.emulator.errors import (
    OUT_OF_CREDITS,
    ErrorShape,
    RefusalError,
    error_answer,
)
from langchain_aimlapi.emulator.exchange import Answer, Dialect, RecordedRequest, json_answer
from langchain_aimlapi.emulator.scripts.faults import Fault
from langchain_aimlapi.emulator.wire.render import Call, render
from langchain_aimlapi.emulator.wire.responses import output_items
from langchain_aimlapi.emulator.wire.validation import validate_request

if TYPE_CHECKING:
    from typing_extensions import Self

Outcome = Reply | Fault
Step = Outcome | Callable[[RecordedRequest], Outcome | None]
"""What a script is made of; a function may return `None` for the default reply."""

_INFERENCE: Mapping[str, Dialect] = {
    "/v1/chat/completions": "chat_completions",
    "/chat/completions": "chat_completions",
    # POST /responses without /v1 was in the first codex page (2025-11) and is gone from the docs.
    "/v1/responses": "responses",
}
_ENDPOINTS = {"chat_completions": "/v1/chat/completions", "responses": "/v1/responses"}
_CATALOGUE = {"/v1/models", "/models", "/api/v1/models"}
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Gateway:
    """What an `Emulator` is but for its doors. See there."""

    def __init__(
        self,
        *,
        models: Mapping[str, Collection[Dialect]] | None = None,
        api_key: str = "emulator-key",
        balance_usd: float = 100.0,
        seed: int = 0,
        honour_stop: bool = False,
        validate: bool = True,
        model_error_status: int = 404,
        error_shape: ErrorShape = "flat",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Set up an account with a balance and no requests."""
        self.models = catalogue.EMULATED_MODELS if models is None else models
        self.api_key = api_key
        self._seed = seed
        self._honour_stop = honour_stop
        self._validate = validate
        self._model_error_status = model_error_status
        self._error_shape: ErrorShape = error_shape
        self._clock = clock
        self._lock = threading.Lock()
        self._first_balance = balance_usd
        self._fallback: Callable[[RecordedRequest], Outcome | None] | None = None
        self.reset()

    def __repr__(self) -> str:
        """Without the key."""
        return f"Emulator({len(self.requests)} requests, {self.balance_usd} USD)"

    def reset(self) -> None:
        """Forget requests, bills, scripts and stored responses, and restore the balance."""
        with self._lock:
            self.requests: list[RecordedRequest] = []
            self._steps: deque[Step] = deque()
            self._fallback = None
            self._stored: dict[str, list[Mapping[str, Any]]] = {}
            self._count = 0
            self._account = Account(self._first_balance)

    # Scripts.

    def script(self, *steps: Step) -> Self:
        """Queue replies and faults; each inference request that is accepted takes the next one.

        Requests that are refused before (key, model, form, balance) take none.

        Args:
            steps: `Reply`, `Fault`, or functions that make one from the request. Functions must
                not block: the socket door runs them in its event loop.

        Returns:
            The emulator, so that it can be made and scripted in one expression.
        """
        with self._lock:
            self._steps.extend(steps)
        return self

    def respond_with(self, function: Callable[[RecordedRequest], Outcome | None] | None) -> None:
        """Ask `function` for each request once the queue is empty; `None` from it: the rules."""
        self._fallback = function

    def assert_done(self) -> None:
        """Check that the whole script was used.

        Raises:
            AssertionError: Naming the steps that are left.
        """
        with self._lock:
            left = list(self._steps)
        if left:
            raise AssertionError(
                f"{len(left)} scripted step(s) were not used: {', '.join(map(repr, left))}"
            )

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
        key = hashlib.sha256(f"{self._seed}/{number}".encode()).hexdigest()[:32]
        sent_id = request.headers.get("x-client-request-id", "")
        # An id that does not fit is dropped silently: no echo, null in the logs.
        valid = _CLIENT_REQUEST_ID.fullmatch(sent_id) is not None
        request.client_request_id = sent_id if valid else None
        try:
            answer = self._route(request, key)
        except RefusalError as refusal:
            answer = error_answer(
                self._error_shape,
                refusal.status,
                refusal.message,
                headers=_tracing_headers(request),
                path=request.path,
                request_id=request.inference_id,
                now=self._clock(),
            )
            self._record(request, answer.status, None)
        request.status = answer.status
        return answer

    def _route(self, request: RecordedRequest, key: str) -> Answer:
        path, method = request.path, request.method
        if method == "POST" and path in _INFERENCE:
            return self._infer(request, _INFERENCE[path], key)
        if method == "GET" and path in _CATALOGUE:
            return catalogue.list_models(
                self.models, request.query, request.headers.get("if-none-match")
            )
        if method == "GET" and path.startswith("/model/"):
            found = catalogue.one_model(self.models, unquote(path.removeprefix("/model/")))
            if found is not None:
                return found
        if method == "GET" and path in ACCOUNT_PATHS:
            self._check_key(request)
            page = account_page(path, self._account, request.query, self._clock())
            return json_answer(200, page)
        # A wrong method is a 404 here too, and so is a doubled /v1/v1.
        raise RefusalError(404)

    def _check_key(self, request: RecordedRequest) -> None:
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            raise RefusalError(401)

    def _infer(self, request: RecordedRequest, dialect: Dialect, key: str) -> Answer:
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
        answer, generation = self._perform(self._next_outcome(request), call)
        self._record(request, answer.status, generation)
        if generation is not None and payload.get("store") is True:
            items = [*earlier, *input_items(payload), *output_items(generation)]
            self._stored[f"resp_{key}"] = items
        return answer

    def _check_model(self, model: Any, dialect: Dialect) -> None:
        endpoint, served = _ENDPOINTS[dialect], self.models.get(str(model))
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
        return self._stored[name]

    def _next_outcome(self, request: RecordedRequest) -> Outcome | None:
        with self._lock:
            step = self._steps.popleft() if self._steps else self._fallback
        return step(request) if callable(step) else step

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

    def _record(self, request: RecordedRequest, status: int, generation: Generation | None) -> None:
        """Log an inference request, and take what it costs from the balance."""
        if request.dialect is None or request.inference_id is None:
            return
        payload = request.json if isinstance(request.json, dict) else {}
        entry = LedgerEntry(
            inference_id=request.inference_id,
            client_request_id=request.client_request_id,
            model=str(payload.get("model")),
            endpoint=request.dialect,
            status=status,
            usage=None if generation is None else generation.usage,
            credits=0 if generation is None else generation.credits,
            created=self._clock(),
        )
        self._account.record(entry)


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
