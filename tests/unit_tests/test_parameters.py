"""Names of parameters: what is refused, and where the error then points."""

from __future__ import annotations

import inspect
import json
import pydoc
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from langchain_aimlapi import (
    AIMLAPIConfigurationError,
    AIMLAPIInvalidRequestError,
    ChatAIMLAPI,
)
from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._dialects.routing import needs_responses
from langchain_aimlapi._model.options import of_call
from langchain_aimlapi._model.parameters import (
    ALIASES,
    CALL_OPTIONS,
    PARAMETERS,
    REQUEST_PARAMETERS,
    check_values,
)
from langchain_aimlapi.chat_models import _CALL_KEYWORDS
from langchain_aimlapi.emulator import Emulator, Reply
from langchain_aimlapi.emulator.wire.validation import validate_request
from tests.parameters_page import PAGE, page, words_of_fields

NAMES = sorted({*ChatAIMLAPI.model_fields, *ALIASES, *REQUEST_PARAMETERS, *_CALL_KEYWORDS})
MISSPELT = [*(name.replace("e", "", 1) for name in NAMES), *(f"{name}s" for name in NAMES)]
PLACES = ("call", "bound", "model")


def refusal(place: str, llm: ChatAIMLAPI, **arguments: Any) -> str | None:
    """Give the arguments there; return the text of the refusal, None if they are taken."""
    try:
        match place:
            case "model":
                ChatAIMLAPI(api_key="key", **arguments)
            case "bound":
                llm.bind(**arguments).invoke("x")
            case _:
                # As LangChain hands keywords on, some of which are its own.
                llm._params(llm._given(arguments), stream=False)
    except AIMLAPIConfigurationError as error:
        return str(error) if "has no parameter" in str(error) else None
    except Exception:  # noqa: BLE001
        return None  # the name was taken, the value was not
    return None


def follow(hint: str) -> tuple[str | None, dict[str, Any]]:
    """Return where a hint points, None for the same place, and what to pass there."""
    if found := re.search(r"pass model_kwargs={'(\w+)': …}\.$", hint):
        return None, {"model_kwargs": {found[1]: 1}}
    if found := re.search(r"It belongs to the model: pass (\w+)=… when you make it\.$", hint):
        return "model", {found[1]: None}
    if found := re.search(r"Did you mean '(\w+)', which you pass when you make the model\?$", hint):
        return "model", {found[1]: None}
    if found := re.search(r"Did you mean '(\w+)'\?$", hint):
        return None, {found[1]: None}
    assert hint.endswith("Parameters that this package does not know go into extra_body."), hint
    return None, {"extra_body": {"name": 1}}


@pytest.mark.nonsense
@pytest.mark.parametrize("place", PLACES)
def test_no_hint_points_at_what_is_refused_as_well(llm, place):
    hints = {}
    for name in (*NAMES, *MISSPELT, "zzz"):
        if (hint := refusal(place, llm, **{name: None})) is not None:
            hints[name] = hint
    assert {"zzz", "temperatur"} & set(hints)
    for name, hint in hints.items():
        elsewhere, arguments = follow(hint)
        assert refusal(elsewhere or place, llm, **arguments) is None, (name, hint)
        # A parameter of the request, laid into model_kwargs, is sent.
        if arguments.get("model_kwargs"):
            made = ChatAIMLAPI(api_key="key", **arguments)
            assert made.model_kwargs == arguments["model_kwargs"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("allow_http", "It belongs to the model: pass allow_http=… when you make it."),
        ("aimlapi_api_base", "It belongs to the model: pass base_url=… when you make it."),
        ("use_responses_ap", "'use_responses_api', which you pass when you make the model?"),
        ("timeot", "Did you mean 'timeout'?"),
        ("temprature", "Did you mean 'temperature'?"),
        ("max_output_token", "Did you mean 'max_output_tokens'?"),
        ("zzz", "Parameters that this package does not know go into extra_body."),
    ],
)
def test_a_call_says_where_a_parameter_belongs(llm, emulator, name, hint):
    with pytest.raises(AIMLAPIConfigurationError) as caught:
        llm.invoke("x", **{name: 5})
    assert str(caught.value).endswith(hint)
    assert emulator.requests == []


# --- the table ----------------------------------------------------------------------------------


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "run: python -m tests.parameters_page"


def test_every_field_has_words():
    words = words_of_fields()
    own = ChatAIMLAPI.model_fields.keys() - BaseChatModel.model_fields.keys()
    assert words.keys() == own
    for name, text in words.items():
        assert text.endswith("."), name
        assert len(text.split()) > 3, name
        # What the page says beside a name is more than the name again.
        said = set(re.findall(r"[a-z]+", text.lower())) - set(name.split("_"))
        assert len(said) > 2, name


def test_help_has_words_for_every_field():
    shown = inspect.getdoc(ChatAIMLAPI) or ""
    assert shown in pydoc.plain(pydoc.render_doc(ChatAIMLAPI)).replace("\n |  ", "\n").replace(
        "\n |\n", "\n\n"
    )
    named: dict[str, str] = {}
    for names, text in re.findall(r"^    ([a-z][a-z_, ]*): (.+(?:\n {8}.+)*)", shown, re.MULTILINE):
        named |= dict.fromkeys(names.split(", "), text)
    assert named.keys() == words_of_fields().keys()
    assert all(len(text.split()) > 2 for text in named.values())


# Values that the vendor's published schemas of the four models or of a sister model take.
SENT: dict[str, Any] = {
    "max_tokens": 99,
    "temperature": 1,
    "top_p": 0.5,
    "n": 1,
    "seed": 3,
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning_effort": "low",
    "reasoning": {"effort": "low"},
    "response_format": {"type": "json_object"},
    "stop": ["x"],
    "tools": [{"type": "function", "name": "f"}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "stream_options": {"include_usage": True},
    "include": ["reasoning.encrypted_content"],
    "instructions": "Be brief.",
    "store": True,
    "previous_response_id": "resp_1",
    "truncation": "auto",
    "prompt": {"id": "p"},
    "text": {"format": {"type": "text"}},
    "verbosity": "low",
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "logit_bias": {"5": 1},
    "prediction": {"type": "content", "content": "x"},
    "web_search_options": {},
    "provider": "auto",
    "normalize_tool_schemas": True,
    "user": "u",
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "prompt_cache_key": "k",
    "prompt_cache_options": {},
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "max_tool_calls": 3,
    "audio": {"voice": "alloy"},
    "modalities": ["text"],
}
BESIDE = {"top_logprobs": {"logprobs": True}, "tool_choice": {"tools": SENT["tools"]}}
SPECS = Path(__file__).parents[3] / "shared" / "spec"


def test_each_parameter_has_a_value_here():
    assert SENT.keys() == PARAMETERS.keys() - {"model", "background"}


@pytest.mark.filterwarnings("ignore:.*(not documented|has no place)")
@pytest.mark.parametrize("given", ["call", "model"])
@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
@pytest.mark.parametrize("model", PARAMETERS["model"].documented)
def test_each_parameter_makes_a_payload_that_the_schemas_take(model, endpoint, given):
    schema: dict[str, Any] = {}
    kind = "chat" if endpoint == "chat_completions" else "responses"
    if (spec := SPECS / f"{model.partition('/')[2]}.{kind}.request.schema.json").exists():
        schema = json.loads(spec.read_text())
    for name, value in SENT.items():
        if endpoint == "chat_completions" and PARAMETERS[name].chat_completions is None:
            continue
        asked = {**BESIDE.get(name, {}), name: value}
        fields: dict[str, Any] = {}
        if given == "model":
            fields, asked = asked, {}
            if name == "metadata":
                fields = {"model_kwargs": fields}
        responses = endpoint == "responses"
        llm = ChatAIMLAPI(api_key="key", model=model, use_responses_api=responses, **fields)
        with llm._turn([HumanMessage("json")], None, llm._given(asked), stream=False) as turn:
            sent = json.loads(json.dumps(turn.payload))
        assert validate_request(sent, endpoint, []) == [], name
        assert not list(Draft202012Validator(schema).iter_errors(sent)), name


VALUES: dict[str, Any] = {
    "model": "openai/gpt-5-1",
    "max_tokens": 99,
    "n": 1,
    "logprobs": True,
    "top_logprobs": 2,
    "seed": 3,
    "temperature": 1,
    "top_p": 0.5,
    "reasoning_effort": "low",
    "reasoning": {"effort": "low"},
    "response_format": {"type": "json_object"},
    "stop": ["x"],
    "include": ["x"],
    "text": {"format": {"type": "text"}},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_go_where_the_table_says(name):
    params = {"model": "openai/gpt-5-1", name: VALUES.get(name, "value")}
    where = PARAMETERS[name]
    for dialect, place in (
        (ChatCompletionsDialect(), where.chat_completions),
        (ResponsesDialect(), where.responses),
    ):
        plain = dialect.build_payload([HumanMessage("json")], {"model": "openai/gpt-5-1"})
        payload = dialect.build_payload([HumanMessage("json")], params)
        if place is None:
            # What only responses takes selects it, so chat completions is never asked for it.
            assert needs_responses(params) or payload == plain
            continue
        found: Any = payload
        for key in place.split("."):
            found = found[key]
        assert found
    assert needs_responses(params) is (where.chat_completions is None)


# --- what is said twice, otherwise, or not at all -----------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("model", "max_retries", "model_kwargs", "extra_body", "stream_usage", "send_stop"),
        *("validate_params", "retry_read_timeouts", "attribution", "allow_http"),
        *("use_previous_response_id", "include_response_headers"),
    ],
)
def test_none_is_no_word_about_a_field(name):
    made, plain = ChatAIMLAPI(api_key="key", **{name: None}), ChatAIMLAPI(api_key="key")
    assert getattr(made, name) == getattr(plain, name)


@pytest.mark.parametrize("name", sorted({*CALL_OPTIONS, "stop", "stop_sequences", "model_name"}))
def test_none_is_no_word_of_a_call(name):
    emulator = Emulator().script(Reply("one two three"), Reply("one two three"))
    llm = ChatAIMLAPI(stop=[" two"], extra_body={"user": "u"}, **emulator.connection())
    assert llm.invoke("Hi", **{name: None}).text == "one"
    assert "".join(chunk.text for chunk in llm.stream("Hi", **{name: None})) == "one"
    plain, streamed = (request.json for request in emulator.requests)
    assert plain["user"] == "u"
    assert streamed["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("given", [(None, 30), (30, None), (30, 30)])
def test_an_alias_of_none_says_nothing(given):
    pair = dict(zip(("max_tokens", "max_completion_tokens"), given, strict=True))
    assert ChatAIMLAPI(api_key="key", **pair).max_tokens == 30
    assert ChatAIMLAPI(api_key="key")._params(of_call(pair), stream=False)["max_tokens"] == 30


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n", "2"), ("stop", 5), ("deadline", "soon"), ("extra_body", "x"), ("model", 5)),
        *(("reasoning", "low"), ("max_retries", "x"), ("extra_headers", [("a", "b")])),
        *(("deadline", True), ("stop_sequences", 5), ("text", "low")),
    ],
)
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_word_of_a_call_of_another_kind(name, value, way):
    with pytest.raises(AIMLAPIConfigurationError, match=" takes "):
        list(getattr(ChatAIMLAPI(**Emulator().connection()), way)("Hi", **{name: value}))


@pytest.mark.parametrize("name", ["stop", "stop_sequences"])
@pytest.mark.parametrize("sent", [False, True])
def test_stop_sequences_of_a_call_are_applied_under_either_name(name, sent):
    emulator = Emulator(validate=False).script(Reply("one two three"), Reply("one two three"))
    llm = ChatAIMLAPI(send_stop=sent, **emulator.connection())
    assert llm.invoke("Hi", **{name: [" two"]}).text == "one"
    assert llm.bind(**{name: " three"}).invoke("Hi").text == "one two"
    assert [request.json.get("stop") for request in emulator.requests] == (
        [[" two"], [" three"]] if sent else [None, None]
    )


@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
@pytest.mark.parametrize(
    ("fields", "call", "effort"),
    [
        ({"reasoning": {"effort": "low"}}, {"reasoning_effort": "high"}, "high"),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "high"}}, "high"),
        ({"reasoning_effort": "low"}, {"reasoning": {"summary": "auto"}}, "low"),
        ({"reasoning_effort": "low", "reasoning": {"effort": "high"}}, {}, "low"),
    ],
)
def test_an_effort_in_two_words(endpoint, fields, call, effort):
    emulator = Emulator()
    is_responses = endpoint == "responses"
    llm = ChatAIMLAPI(use_responses_api=is_responses, **fields, **emulator.connection())
    llm.invoke("Hi", **call)
    sent = emulator.requests[0].json
    assert (sent["reasoning"]["effort"] if is_responses else sent["reasoning_effort"]) == effort


def test_an_effort_is_doubted_under_either_name():
    with pytest.raises(AIMLAPIInvalidRequestError, match="'extreme' is outside"):
        check_values("openai/gpt-5-1", {"reasoning": {"effort": "extreme"}}, "error")


@pytest.mark.parametrize(
    ("name", "real"),
    [
        *(("max_completion_tokens", "max_tokens"), ("request_timeout", "timeout")),
        *(("extra_headers", "default_headers"), ("extra_query", "default_query")),
        *(("functions", "tools"), ("stream", "streaming"), ("stop_sequences", "stop")),
    ],
)
def test_model_kwargs_hold_no_other_names_of_fields(name, real):
    with pytest.raises(AIMLAPIConfigurationError, match=f"{name!r}.*pass {real}="):
        ChatAIMLAPI(api_key="key", model_kwargs={name: "secret"})
