"""Paths, keys, headers, money and the account's endpoints."""

from __future__ import annotations

import pytest

from langchain_aimlapi.emulator import (
    CHAT_ONLY,
    CODEX_ON_RESPONSES_ONLY,
    EMULATED_MODELS,
    Emulator,
    Fault,
    Reply,
    Usage,
)
from langchain_aimlapi.emulator.answers.rules import RULES

MODEL = "openai/gpt-5-1"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
INPUT = {"model": "openai/gpt-5-1", "input": "Hello"}
KEYED = {"authorization": "Bearer emulator-key"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_chat_completions_have_two_paths(http, path):
    assert http.post(path, json=BODY).json()["object"] == "chat.completion"


def test_responses_have_one_path(http):
    assert http.post("/v1/responses", json=INPUT).json()["object"] == "response"
    assert http.post("/responses", json=INPUT).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/v1/chat/completions"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/models"),
        ("POST", "/"),
        ("GET", "/model/openai/unheard-of"),
    ],
)
def test_wrong_paths_and_methods_are_404(http, method, path):
    response = http.request(method, path, json=BODY)
    assert response.status_code == 404
    assert response.json()["path"] == path


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer x"}, {"authorization": "x"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/chat/completions"), ("POST", "/v1/responses"), ("GET", "/v2/billing")],
)
def test_a_wrong_key_is_401_in_the_gateways_words(emulator, header, method, path):
    with emulator.client(base_url="https://api.aimlapi.com") as client:
        response = client.request(method, path, json=BODY, headers=header)
    assert response.status_code == 401
    assert response.json()["statusCode"] == 401
    assert "valid API key" in response.json()["message"]
    assert set(response.json()) == {"message", "path", "requestId", "statusCode", "timestamp"}


def test_the_catalogue_needs_no_key_and_has_an_etag(emulator):
    with emulator.client(base_url="https://api.aimlapi.com") as client:
        first = client.get("/v1/models")
        tag = first.headers["etag"]
        again = client.get("/models", headers={"if-none-match": tag})
        other = client.get(
            "/v1/models", params={"include": "pricing"}, headers={"if-none-match": tag}
        )
        one = client.get("/model/gpt-5-1-codex")
    assert {entry["id"] for entry in first.json()["data"]} == set(emulator.models)
    assert "pricing" not in first.json()["data"][0]
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200
    unit = other.json()["data"][0]["pricing"]["units"][0]
    assert unit == {"name": "input", "measure": "token", "price": 1.625, "per": 1_000_000}
    assert one.json()["data"]["id"] == "openai/gpt-5-1-codex"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"id": "gpt-5-1"}, 1),
        ({"id": "openai/gpt-5-1,gpt-5-1-codex"}, 2),
        ({"id": ["gpt-5-1", "gpt-5-1-codex"]}, 2),
        ({"id": "gpt-5-1", "type": "openai/responses/submit"}, 0),
        ({"type": "openai/chat-completions"}, 4),
        ({"input_modalities": "audio"}, 0),
        ({"unheard": "of"}, 4),
    ],
)
def test_catalogue_filters(http, query, count):
    assert len(http.get("/v1/models", params=query).json()["data"]) == count


FEED = [
    {"id": "openai/gone", "replaced_by": "openai/gpt-5-1", "shutdown_at": "2026-08-10"},
    {"id": "openai/going", "status": "deprecated", "deprecated_at": "2026-08-20"},
    {"id": "openai/folded", "status": "superseded"},
]


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/api/v1/models"])
@pytest.mark.parametrize("name", ["deprecations", "deprecated"])
def test_the_feed_of_deprecations_needs_no_key_and_has_an_etag(path, name):
    emulator = Emulator(deprecations=FEED)
    with emulator.client(base_url="https://api.aimlapi.com") as client:
        first = client.get(f"{path}/{name}")
        same = client.get(f"{path}/{name}", headers={"if-none-match": first.headers["etag"]})
    assert first.json()["data"][0] == {
        "id": "openai/gone",
        "aliases": ["gone"],
        "status": "withdrawn",
        "deprecated_at": None,
        "shutdown_at": "2026-08-10",
        "replaced_by": "openai/gpt-5-1",
        "reason": "unknown",
    }
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 3),
        ({"status": "Withdrawn,superseded"}, 2),
        ({"status": "deprecated"}, 1),
        ({"status": "lost"}, 3),
        ({"since": "2026-08-15"}, 1),
        ({"since": "2026-08-10"}, 2),
        ({"since": "yesterday"}, 3),
    ],
)
def test_filters_of_the_feed(emulator, http, query, count):
    emulator.deprecations = FEED
    assert len(http.get("/v1/models/deprecations", params=query).json()["data"]) == count


@pytest.mark.parametrize("given", ["a", "A-b_c.d:9", "x" * 128])
def test_a_valid_client_request_id_is_echoed_and_logged(emulator, http, given):
    response = http.post("/v1/chat/completions", json=BODY, headers={"X-Client-Request-Id": given})
    assert response.headers["x-client-request-id"] == given
    assert emulator.requests[-1].client_request_id == given
    assert emulator.ledger[-1].client_request_id == given


@pytest.mark.parametrize("given", ["", "has space", "x" * 129, "né".encode().decode("latin-1")])
def test_an_invalid_client_request_id_is_dropped_silently(emulator, http, given):
    headers = [(b"x-client-request-id", given.encode("latin-1"))]
    response = http.post("/v1/chat/completions", json=BODY, headers=headers)
    assert response.status_code == 200
    assert "x-client-request-id" not in response.headers
    assert emulator.requests[-1].client_request_id is None


def test_tracing_headers_on_whole_streamed_and_failed_replies(emulator, chat):
    whole, streamed = chat(), chat(stream=True)
    emulator.script(Fault.status(500))
    failed = chat()
    ids = [response.headers["x-inference-id"] for response in (whole, streamed, failed)]
    assert len(set(ids)) == 3
    assert [request.inference_id for request in emulator.requests] == ids
    assert "x-aimlapi-credits-used" in whole.headers
    assert "x-aimlapi-credits-used" not in streamed.headers
    assert "x-aimlapi-usd-spent" not in failed.headers


def test_the_price_is_the_same_everywhere_and_exact_to_the_credit(emulator, chat, http):
    emulator.script(Reply("x", usage=Usage(1000, 100, cached_tokens=400, reasoning_tokens=60)))
    response = chat()
    # 600 fresh tokens at 3.25 credits, 400 cached at 0.325, 100 generated at 26.
    credits_used = 1950 + 130 + 2600
    assert response.headers["x-aimlapi-credits-used"] == str(credits_used)
    assert response.headers["x-aimlapi-usd-spent"] == "0.002340000"
    assert response.json()["meta"]["usage"] == {"credits_used": credits_used, "usd_spent": 0.00234}
    usage = response.json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 400
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 60
    (entry,) = emulator.ledger
    assert (entry.credits, entry.usd, entry.endpoint) == (credits_used, 0.00234, "chat_completions")
    assert entry.inference_id == response.headers["x-inference-id"]
    assert emulator.balance_usd == 100 - 0.00234
    assert http.get("/v2/billing").json() == {
        "current_balance": 100 - 0.00234,
        "currency": "USD",
    }
    assert http.get("/v1/billing/balance").json()["balance"] == 200_000_000 - credits_used
    (transaction,) = http.get("/v2/billing/transactions").json()["data"]
    assert transaction["reference_id"] == entry.inference_id
    assert http.get("/v2/billing/detail").json()["current_balance"] == emulator.balance_usd


def test_fractions_of_a_credit_are_rounded_up(emulator, chat):
    emulator.script(Reply("x", usage=Usage(1, 0)))
    chat()
    assert emulator.ledger[0].credits == 4


def test_a_given_cost_is_billed_and_none_is_not_told(emulator, chat):
    emulator.script(Reply("x", cost=2480), Reply("x", cost=None, usage=Usage(4, 1)))
    told, silent = chat(), chat()
    assert told.json()["meta"]["usage"] == {"credits_used": 2480, "usd_spent": 0.00124}
    assert "meta" not in silent.json()
    assert "x-aimlapi-credits-used" not in silent.headers
    assert [entry.credits for entry in emulator.ledger] == [2480, 39]


def test_an_empty_account_is_403_and_bills_nothing(emulator, chat):
    emulator.balance_usd = 0.00124
    emulator.script(Reply("x", cost=2480))
    assert chat().status_code == 200
    refused = chat()
    assert refused.status_code == 403
    assert "run out of credits" in refused.json()["message"]
    assert (emulator.balance_usd, len(emulator.ledger)) == (0.0, 1)


def test_logs_have_one_row_a_request(http, chat, respond):
    chat()
    respond()
    chat(seed=0)
    page = http.get("/v2/logs", params={"period": "1h"}).json()
    assert [row["status"] for row in page["data"]] == ["failed", "succeeded", "succeeded"]
    assert page["data"][0]["cost"] == {"usd": 0.0, "credits": 0}
    done = http.get("/v2/logs", params={"period": "1h", "status": "succeeded", "limit": 1}).json()
    assert (done["total"], len(done["data"])) == (2, 1)
    row = done["data"][0]
    assert row["endpoint"] == "responses"
    assert row["tokens"]["total"] == row["tokens"]["input"] + row["tokens"]["output"] > 0
    rest = http.get("/v2/logs", params={"period": "1h", "offset": 2}).json()["data"]
    assert [row["endpoint"] for row in rest] == ["chat_completions"]
    other = http.get("/v2/logs", params={"period": "1h", "model": "openai/gpt-5-1-codex"}).json()
    assert other["data"] == []


def test_logs_between_two_moments():
    moment = 1_800_000_000.0  # 2027-01-15T08:00:00Z
    emulator = Emulator(clock=lambda: moment)
    with emulator.client(base_url="https://api.aimlapi.com", headers=KEYED) as http:
        http.post("/v1/chat/completions", json=BODY)
        hit = http.get(
            "/v2/logs", params={"start": "2027-01-15T07:59:00Z", "end": "2027-01-15T08:01:00"}
        )
        miss = http.get("/v2/logs", params={"start": "2027-01-01", "end": "2027-01-02"})
    assert (len(hit.json()["data"]), len(miss.json()["data"])) == (1, 0)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"period": "soon"},
        {"period": "93d"},
        {"period": "1h", "start": "2026-01-01"},
        {"start": "2026-01-01"},
        {"start": "2026-01-01", "end": "2026-06-01"},
        {"start": "2026-01-02", "end": "2026-01-01"},
        {"start": "yesterday", "end": "2026-01-01"},
        {"period": "1h", "limit": "0"},
        {"period": "1h", "limit": "101"},
        {"period": "1h", "offset": "-1"},
    ],
)
def test_wrong_log_queries_are_400(http, query):
    assert http.get("/v2/logs", params=query).status_code == 400


@pytest.mark.parametrize("status", [400, 404])
def test_a_model_that_is_not_served_there_is_named_with_the_endpoint(status):
    emulator = Emulator(models=CODEX_ON_RESPONSES_ONLY, model_error_status=status)
    emulator.script(Reply("from responses"))
    codex = {"model": "openai/gpt-5-1-codex"}
    with emulator.client(base_url="https://api.aimlapi.com", headers=KEYED) as http:
        refused = http.post("/v1/chat/completions", json={**BODY, **codex})
        unknown = http.post("/v1/chat/completions", json={**BODY, "model": "openai/unheard-of"})
        taken = http.post("/v1/responses", json={**INPUT, **codex})
    assert (refused.status_code, unknown.status_code) == (status, status)
    message = refused.json()["message"]
    assert "openai/gpt-5-1-codex" in message
    assert "/v1/chat/completions" in message
    assert "openai/unheard-of" in unknown.json()["message"]
    assert taken.json()["output_text"] == "from responses"
    assert len(emulator.ledger) == 1


def test_chat_only_refuses_responses():
    emulator = Emulator(models=CHAT_ONLY)
    with emulator.client(base_url="https://api.aimlapi.com", headers=KEYED) as http:
        assert http.post("/v1/responses", json=INPUT).status_code == 404
        assert http.post("/v1/chat/completions", json=BODY).status_code == 200


def test_recorded_requests_show_no_header_value(emulator, chat):
    chat("Hello", seed=3)
    (request,) = emulator.requests
    assert request.headers["authorization"] == "Bearer emulator-key"
    assert "emulator-key" not in repr(request) + repr(emulator) + repr(emulator.requests)
    assert (request.dialect, request.status, request.json["seed"]) == ("chat_completions", 200, 3)
    assert request.path == "/v1/chat/completions"


def test_ids_are_the_same_for_the_same_seed():
    def first_id(seed: int) -> str:
        emulator = Emulator(seed=seed, clock=lambda: 0.0)
        with emulator.client(base_url="https://api.aimlapi.com", headers=KEYED) as http:
            return http.post("/v1/chat/completions", json=BODY).json()["id"]

    assert first_id(1) == first_id(1) != first_id(2)


def test_reset_forgets_everything(emulator, chat):
    emulator.script(Reply("left over"))
    chat(seed=0)
    emulator.balance_usd = 1
    emulator.reset()
    assert (emulator.requests, emulator.ledger, emulator.balance_usd) == ([], [], 100.0)
    emulator.assert_done()
    assert chat().status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null"])
def test_a_body_that_is_no_object_is_400(http, body):
    assert http.post("/v1/chat/completions", content=body).status_code == 400


def test_ids_are_new_in_each_process_without_a_seed():
    def ids(emulator: Emulator) -> list[str]:
        with emulator.client(base_url="https://api.aimlapi.com", headers=KEYED) as http:
            return [http.post("/v1/chat/completions", json=BODY).json()["id"] for _ in range(3)]

    emulator = Emulator()
    found = [*ids(emulator), *ids(Emulator())]
    emulator.reset()
    found += ids(emulator)
    assert len(set(found)) == 9


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_listed_alias_is_answered_and_billed_as_the_model(http, emulator, path):
    listed = http.get("/v1/models").json()["data"]
    for model in listed:
        for name in model["aliases"]:
            body = {"input": "Hello"} if "responses" in path else {"messages": BODY["messages"]}
            replies = [http.post(path, json={**body, "model": m}) for m in (name, model["id"])]
            assert [reply.status_code for reply in replies] == [200, 200]
            assert replies[0].json()["model"] == name
    by_alias, by_id = emulator.ledger[::2], emulator.ledger[1::2]
    assert len(by_alias) == 4
    assert [entry.credits for entry in by_alias] == [entry.credits for entry in by_id]


def test_the_front_page_says_what_it_is(emulator):
    with emulator.client(base_url="http://127.0.0.1:8000") as client:
        page = client.get("/")
    assert page.headers["content-type"].startswith("text/plain")
    assert "emulator of the AI/ML API" in page.text
    assert "AIMLAPI_API_BASE=http://127.0.0.1:8000/v1" in page.text
    assert RULES in page.text
    for model in EMULATED_MODELS:
        assert model in page.text


def test_a_stored_response_can_be_read_again(http):
    body = {"model": MODEL, "input": "Hello"}
    kept = http.post("/v1/responses", json={**body, "store": True}).json()
    other = http.post("/v1/responses", json=body).json()
    assert http.get(f"/v1/responses/{kept['id']}").json() == kept
    assert http.get(f"/v1/responses/{other['id']}").status_code == 404
    keyless = {"authorization": "Bearer wrong"}
    assert http.get(f"/v1/responses/{kept['id']}", headers=keyless).status_code == 401


def test_whoever_listens_hears_of_each_answer():
    heard = []
    emulator = Emulator(on_answer=lambda request, entry: heard.append((request.status, entry)))
    with emulator.client(base_url="https://api.aimlapi.com", headers=KEYED) as client:
        client.get("/v1/models")
        client.post("/v1/chat/completions", json=BODY)
        client.post("/v1/chat/completions", json={**BODY, "model": "gpt-0"})
    assert [status for status, _ in heard] == [200, 200, 404]
    assert heard[0][1] is None
    assert heard[1][1] == emulator.ledger[0]
    assert (heard[2][1].model, heard[2][1].usage) == ("gpt-0", None)
