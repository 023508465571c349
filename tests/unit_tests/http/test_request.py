"""What was sent in headers and must not come back in a text."""

from __future__ import annotations

import pytest

from langchain_aimlapi._http.request import secret_values, source_of_key

TOKEN = "Abcdefgh12345678"


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("authorization", "Bearer abc", {"Bearer abc", "abc"}),
        ("x-api-key", "abc", {"abc"}),
        ("cookie", "a=1234; b = xyz", {"a=1234; b = xyz", "1234", "xyz", "b = xyz"}),
        # The looks of a value tell, where its name does not.
        ("x-own", TOKEN, {TOKEN}),
        ("x-own", "sk-1", {"sk-1"}),
        ("x-own", "my password", {"my password", "password"}),
        ("x-own", "production", set()),
        ("x-own", "a" * 40, set()),
        ("x-own", "1" * 40, set()),
        ("x-own", "123e4567-e89b-12d3-a456-426614174000", set()),
        # What everybody sends is no secret, whatever it looks like.
        *((name, TOKEN, set()) for name in ("traceparent", "x-request-id", "user-agent", "host")),
        ("content-type", "application/json", set()),
        ("x-auth", "", set()),
    ],
)
def test_secrets_are_told_from_labels(name, value, secrets):
    assert set(secret_values({name: value})) == secrets


def test_an_error_says_which_variable_holds_the_key(monkeypatch):
    monkeypatch.setenv("AIML_API_KEY", " sk-1\n")
    assert source_of_key("sk-1") == "in AIML_API_KEY"
    assert source_of_key("sk-2") == "that was passed as api_key"
