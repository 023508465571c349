from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages.ai import add_usage

from langchain_aimlapi._messages.usage import (
    combined_llm_outputs,
    cost_from,
    llm_output,
    meta_from,
    usage_from_chat,
    usage_from_responses,
)

CHAT = {
    "prompt_tokens": 16,
    "completion_tokens": 102,
    "total_tokens": 118,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 64,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
RESPONSES = {
    "input_tokens": 18,
    "input_tokens_details": {"cached_tokens": 5},
    "output_tokens": 231,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 249,
}


def test_chat():
    assert usage_from_chat(CHAT) == {
        "input_tokens": 16,
        "output_tokens": 102,
        "total_tokens": 118,
        "input_token_details": {"cache_read": 0},
        "output_token_details": {"reasoning": 64},
    }


def test_responses():
    assert usage_from_responses(RESPONSES) == {
        "input_tokens": 18,
        "output_tokens": 231,
        "total_tokens": 249,
        "input_token_details": {"cache_read": 5},
        "output_token_details": {"reasoning": 0},
    }


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ("12", None),
        ({"prompt_tokens": None, "completion_tokens": "12", "total_tokens": True}, None),
        ({"input_tokens": 1, "output_tokens": 2}, None),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4, 7)),
        ({"prompt_tokens": 3}, (3, 0, 3)),
        ({"total_tokens": 9}, (0, 0, 9)),
        ({"prompt_tokens": 3.0, "completion_tokens": 4.0, "total_tokens": 7.0}, (3, 4, 7)),
        ({"prompt_tokens": 3, "completion_tokens": float("nan")}, (3, 0, 3)),
        ({"prompt_tokens": 3, "completion_tokens": -4}, (3, 0, 3)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (0, 0, 0)),
        ({"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": None}, (3, 4, 7)),
        ({"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": [1]}, (3, 4, 7)),
    ],
)
def test_odd_blocks(usage, expected):
    found = usage_from_chat(usage)
    if expected is None:
        assert found is None
    else:
        names = ("input_tokens", "output_tokens", "total_tokens")
        assert found == dict(zip(names, expected, strict=True))
        assert all(type(count) is int for count in found.values())


def test_details_that_are_null_are_absent_and_audio_is_named_if_there_was_some():
    found = usage_from_chat(
        {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "prompt_tokens_details": {
                "cached_tokens": None,
                "cache_write_tokens": 2.0,
                "audio_tokens": 2.0,
            },
            "completion_tokens_details": {"reasoning_tokens": None, "audio_tokens": 1},
        }
    )
    assert found["input_token_details"] == {"cache_creation": 2, "audio": 2}
    assert found["output_token_details"] == {"audio": 1}
    assert type(found["input_token_details"]["audio"]) is int


@pytest.mark.parametrize("usage", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_tracing_packages_find_the_counts_of_both_endpoints_in_one_place(usage):
    output = llm_output({"model": "m", "id": "a"}, usage)
    assert (output["model_name"], output["id"]) == ("m", "a")
    counts = output["token_usage"]
    assert counts["total_tokens"] == usage["total_tokens"]
    assert counts["prompt_tokens"] == usage.get("prompt_tokens", usage.get("input_tokens"))
    assert counts["completion_tokens_details"]["reasoning_tokens"] in {64, 0}
    assert counts["prompt_tokens_details"]["cached_tokens"] in {0, 5}
    assert llm_output({"model": "m"}, "none") == {"model_name": "m"}


@pytest.mark.parametrize(
    ("counts", "total"),
    [
        (
            [{"a": 1, "b": {"c": 2}}, {"a": 3, "b": {"c": 4, "d": 1}}],
            {"a": 4, "b": {"c": 6, "d": 1}},
        ),
        ([{"a": None}, {"a": 3}, {"a": None}], {"a": 3}),
        ([{"b": None}, {"b": {"c": 2}}], {"b": {"c": 2}}),
        ([{"tier": "x"}, {"tier": "y"}], {"tier": "y"}),
        ([{}, {"a": None}], {"a": None}),
    ],
)
def test_the_counts_of_several_replies_add_up(counts, total):
    outputs = [{"model_name": "m", "token_usage": each} for each in counts]
    before = repr(outputs)
    wanted = {"model_name": "m", "token_usage": total}
    assert combined_llm_outputs([None, *outputs, {"model_name": "m"}]) == wanted
    assert repr(outputs) == before
    assert combined_llm_outputs([None, {}]) == {}


def test_the_route_is_told_by_the_body_and_else_by_the_headers():
    headers = {"x-aimlapi-model": "m", "x-aimlapi-provider": "p", "x-other": "o"}
    body = {"meta": {"provider": "q", "metrics": {"tps": 3}, "usage": {"credits_used": 1}}}
    assert meta_from(body, headers) == {"model": "m", "provider": "q", "metrics": {"tps": 3}}
    assert meta_from(billed(credits_used=1)) is None


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*CHAT, *RESPONSES]), garbage))
def test_no_block_can_raise_and_results_can_be_added_up(usage):
    for found in (usage_from_chat(usage), usage_from_responses(usage)):
        assert found is None or add_usage(found, found)["total_tokens"] == 2 * found["total_tokens"]


HEADERS = {"x-aimlapi-credits-used": "2480", "x-aimlapi-usd-spent": "0.001240000"}
COST = {"usd": 0.00124, "credits": 2480}


def billed(**usage):
    return {"meta": {"usage": usage}}


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (billed(credits_used=2480, usd_spent=0.00124), None, COST),
        (billed(credits_used=2480.0, usd_spent="0.00124"), {}, COST),
        # Older replies have the credits only.
        (billed(credits_used=2480), None, COST),
        (billed(credits_used=2480, usd_spent=None), None, COST),
        (billed(usd_spent=0.00124), None, COST),
        ({}, HEADERS, COST),
        ({"meta": None}, HEADERS, COST),
        ({"meta": {"usage": None}}, HEADERS, COST),
        ({"meta": {"usage": "none"}}, HEADERS, COST),
        (billed(credits_used="?", usd_spent=True), HEADERS, COST),
        ({}, {"x-aimlapi-credits-used": "2480"}, COST),
        ({}, {"x-aimlapi-usd-spent": " 0.00124 "}, COST),
        # The body goes before the headers.
        (billed(credits_used=1), HEADERS, {"usd": 0.0000005, "credits": 1}),
        # Free, and said so.
        (billed(credits_used=0, usd_spent=0), HEADERS, {"usd": 0.0, "credits": 0}),
        # Silence and noise are not a price of nothing.
        ({}, None, None),
        ({}, {}, None),
        ({}, {"content-type": "application/json"}, None),
        ({}, {"x-aimlapi-usd-spent": "free"}, None),
        ({}, {"x-aimlapi-usd-spent": "nan", "x-aimlapi-credits-used": "-1"}, None),
        (billed(), None, None),
        (billed(credits_used=float("inf")), None, None),
    ],
)
def test_cost(body, headers, expected):
    found = cost_from(body, headers)
    assert found == expected
    if found is not None:
        assert type(found["usd"]) is float
        assert type(found["credits"]) is int


@given(garbage, st.dictionaries(st.sampled_from([*HEADERS]), st.text(max_size=5)))
def test_no_body_can_raise(meta, headers):
    for body in ({"meta": meta}, {"meta": {"usage": meta}}, billed(usd_spent=meta)):
        found = cost_from(body, headers)
        assert found is None or (found["usd"] >= 0 and found["credits"] >= 0)
