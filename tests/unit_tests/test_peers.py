"""Parameters that people bring from elsewhere: each is taken, or refused with what to do."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import ConfigurableField
from pydantic import BaseModel

import langchain_aimlapi
from langchain_aimlapi import AIMLAPIConfigurationError, ChatAIMLAPI
from langchain_aimlapi._model.parameters import _ADVICE, ALIASES, REQUEST_PARAMETERS
from langchain_aimlapi.emulator import Reply
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError
from tests.unit_tests.peer_names import CALLS, CONSTRUCTORS, OF_0_1_3
from tests.unit_tests.test_parameters import refusal

MODEL = "openai/gpt-5-1"

# langchain-openai 1.7.4: the fields of ChatOpenAI and their aliases, without BaseChatModel's own.
CHAT_OPENAI = {
    **dict.fromkeys(("model", "model_name"), MODEL),
    **dict.fromkeys(("api_key", "openai_api_key"), "key"),
    **dict.fromkeys(("base_url", "openai_api_base"), "https://example.com/v1"),
    **dict.fromkeys(("timeout", "request_timeout", "stream_chunk_timeout"), 5),
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_retries", "n", "seed"), 5),
    **dict.fromkeys(("temperature", "top_p", "presence_penalty", "frequency_penalty"), 0.5),
    **{key: ["x"] for key in ("stop", "stop_sequences", "include")},
    **{key: {"a": "b"} for key in ("default_headers", "default_query")},
    **{key: {} for key in ("extra_body", "model_kwargs", "logit_bias", "disabled_params")},
    **dict.fromkeys(("store", "streaming", "stream_usage", "use_responses_api", "logprobs"), True),
    "top_logprobs": 2,
    "reasoning": {"effort": "low"},
    "reasoning_effort": "low",
    "service_tier": "flex",
    "verbosity": "low",
    "truncation": "auto",
    "include_response_headers": True,
    "prompt_cache_options": {},
    "http_client": httpx.Client(),
    "http_async_client": httpx.AsyncClient(),
}
CHAT_OPENAI_REFUSED = (
    *("client", "async_client", "root_client", "root_async_client", "http_socket_options"),
    *("openai_organization", "organization", "tiktoken_model_name", "context_management"),
)
# Keywords of a call, of langchain-openai 1.7.4 and langchain-aimlapi 0.1.3.
CALL = {
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "response_format": None,
    "functions": [],
    "function_call": "auto",
    "previous_response_id": "resp_1",
    "user": "u",
    "extra_headers": {"X-A": "b"},
    "extra_query": {"a": "b"},
    "extra_body": {},
    "timeout": 5,
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "prediction": {"type": "content", "content": "x"},
    "web_search_options": {},
    "max_tool_calls": 3,
    "deadline": 5,
    "max_retries": 0,
}


@pytest.mark.parametrize("name", CHAT_OPENAI)
def test_the_constructor_of_chat_openai(name):
    made = {"api_key": "key", "store": True, "validate_params": "off"}
    if name == "openai_api_key":
        del made["api_key"]
    assert ChatAIMLAPI(**{**made, name: CHAT_OPENAI[name]})


@pytest.mark.parametrize("name", CHAT_OPENAI_REFUSED)
def test_what_is_refused_says_what_to_do(name):
    with pytest.raises(AIMLAPIConfigurationError, match="has no parameter") as caught:
        ChatAIMLAPI(api_key="key", **{name: "value"})
    _, _, advice = str(caught.value).partition(f"has no parameter {name!r}. ")
    assert len(advice) > 10
    assert "value" not in advice


@pytest.mark.parametrize("name", CALL)
@pytest.mark.parametrize("bound", [True, False])
def test_keywords_of_a_call(llm, name, bound):
    kwargs = {name: CALL[name]}
    if bound:
        kwargs = llm.bind(**kwargs).kwargs
    with llm._turn([HumanMessage("Hello")], None, llm._given(kwargs), stream=False) as turn:
        assert turn.payload["model"]


# --- every name of theirs -----------------------------------------------------------------------

PLACES = ("model", "call", "bound")
NAMES = {
    where: sorted({name for names in lists.values() for name in names})
    for where, lists in (("model", CONSTRUCTORS), ("call", {**CALLS, **CONSTRUCTORS}))
}
NAMES["model"] = sorted({*NAMES["model"], *NAMES["call"]})
NAMES["bound"] = NAMES["call"]
OTHER_SIGNATURES = {
    *inspect.signature(ChatAIMLAPI.bind_tools).parameters,
    *inspect.signature(ChatAIMLAPI.with_structured_output).parameters,
    *inspect.signature(ChatAIMLAPI.invoke).parameters,
}


def takes(where: str, llm: ChatAIMLAPI, name: str) -> bool:
    known = {*ChatAIMLAPI.model_fields, *ALIASES} if where == "model" else set()
    return name in known or refusal(where, llm, **{name: None}) is None


@pytest.mark.parametrize("where", PLACES)
def test_each_name_of_a_peer_is_taken_or_refused_with_what_helps(llm, where):
    taken = 0
    for name in NAMES[where]:
        text = None if takes(where, llm, name) else refusal(where, llm, **{name: None})
        taken += text is None
        if text is None:
            continue
        _, _, advice = text.partition("'. ")
        # Words of its own for each: no guess of a spelling, no general remark.
        assert advice == _ADVICE.get(name) or advice.startswith("It belongs to the model"), text
        for pointed in re.findall(r"\b(\w+)=", advice):
            here = takes("model", llm, pointed) or takes("call", llm, pointed)
            assert here or pointed in OTHER_SIGNATURES, (pointed, text)
            if where != "model" and "when you make" not in advice and "with the model" not in text:
                assert takes("call", llm, pointed) or pointed in OTHER_SIGNATURES, text
    assert taken > len(NAMES[where]) / 2


def test_advice_points_at_what_is_taken_and_is_of_no_name_that_is(llm):
    for name, advice in _ADVICE.items():
        for pointed in re.findall(r"\b(\w+)=", advice):
            known = takes("model", llm, pointed) or takes("call", llm, pointed)
            assert known or pointed in OTHER_SIGNATURES, (name, advice)
        assert not (takes("model", llm, name) and takes("call", llm, name)), name


# --- what they do -------------------------------------------------------------------------------


def payload_of(llm: ChatAIMLAPI, messages: Any = None, **kwargs: Any) -> dict[str, Any]:
    messages = messages or [HumanMessage("Hello")]
    with llm._turn(messages, None, llm._given(kwargs), stream=False) as turn:
        return turn.payload


def made(**fields: Any) -> ChatAIMLAPI:
    return ChatAIMLAPI(**{"api_key": "key", "model": MODEL, **fields})


class Look(BaseModel):
    """Look."""

    at: str


def test_functions_say_what_tools_say():
    function = {"name": "look", "parameters": Look.model_json_schema()}
    old = payload_of(made(), functions=[function], function_call={"name": "look"})
    new = payload_of(made(), tools=[{"type": "function", "function": function}], tool_choice="look")
    assert old == new


def test_tools_and_form_of_all_calls():
    llm = made(tools=[Look], tool_choice="any", response_format=Look, parallel_tool_calls=False)
    sent = payload_of(llm)
    assert sent["tools"][0]["function"]["name"] == "Look"
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("required", False)
    assert sent["response_format"]["json_schema"]["name"] == "Look"
    assert "Look" in dumps(llm)


def test_metadata_of_the_api_and_of_traces():
    llm = made(metadata={"trace": "mine"}, model_kwargs={"metadata": {"job": "7"}})
    assert payload_of(llm)["metadata"] == {"job": "7"}
    assert llm.metadata is not None
    assert llm.metadata["trace"] == "mine"
    assert "metadata" not in payload_of(made(metadata={"trace": "mine"}))


def test_disabled_parameters_are_not_sent():
    llm = made(disabled_params={"parallel_tool_calls": None, "reasoning_effort": ["high"]})
    sent = payload_of(llm, tools=[Look], parallel_tool_calls=True, reasoning_effort="high")
    assert not {"parallel_tool_calls", "reasoning_effort"} & set(sent)
    assert payload_of(llm, reasoning_effort="low")["reasoning_effort"] == "low"


def test_the_query_of_model_and_call(emulator):
    llm = ChatAIMLAPI(**emulator.connection(), default_query={"a": "1", "b": "2"})
    llm.invoke("Hello", extra_query={"b": "3"})
    list(llm.bind(extra_query={"c": ["4", "5"]}).stream("Hello"))
    llm.list_models()
    assert [asked.query for asked in emulator.requests] == [
        {"a": ["1"], "b": ["3"]},
        {"a": ["1"], "b": ["2"], "c": ["4", "5"]},
        {"a": ["1"], "b": ["2"], "include": ["all"]},
        {"a": ["1"], "b": ["2"]},
    ]


def test_headers_of_a_call(emulator):
    llm = ChatAIMLAPI(**emulator.connection(), default_headers={"X-A": "1", "X-B": "2"})
    llm.invoke("Hello", extra_headers={"X-B": "3"})
    llm.bind(extra_headers={"X-B": "4"}).invoke("Hello")
    found = [(sent.headers["x-a"], sent.headers["x-b"]) for sent in emulator.requests]
    assert found == [("1", "3"), ("1", "4")]
    with pytest.raises(AIMLAPIConfigurationError, match="uthorization"):
        llm.invoke("Hello", extra_headers={"Authorization": "Bearer x"})


class Traced(BaseCallbackHandler):
    """Keeps what traces are told at the start of a run."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.told.append((args, kwargs))


@pytest.mark.parametrize("name", ["extra_headers", "extra_query"])
@pytest.mark.parametrize("use_responses_api", [False, True])
def test_traces_of_any_way_to_call_tell_names_alone(emulator, name, use_responses_api):
    llm = ChatAIMLAPI(**emulator.connection(), use_responses_api=use_responses_api)
    own: dict[str, Any] = {name: {"X-Tenant": "secret-7"}}
    traced = Traced()
    config: Any = {"callbacks": [traced]}
    llm.invoke("Hello", config, **own)
    list(llm.stream("Hello", config, **own))
    llm.batch(["Hello"], config, **own)
    llm.bind_tools([Look], **own).invoke("Hello", config)
    structured = llm.with_structured_output(Look, **own)
    structured.invoke("Hello", config)
    told = f"{traced.told} {structured!r} {dumps(structured)}"
    assert len(traced.told) == 5
    assert "secret-7" not in told
    assert "X-Tenant" in told
    for asked in emulator.requests:
        sent = {**asked.query, "x-tenant": [asked.headers.get("x-tenant")]}
        assert sent.get("X-Tenant", sent["x-tenant"]) == ["secret-7"]


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize("name", ["extra_headers", "extra_query"])
def test_traces_dumps_and_reprs_tell_names_alone(emulator, way, name):
    bound = ChatAIMLAPI(**emulator.connection()).bind(**{name: {"X-Tenant": "secret-7"}})
    traced = Traced()
    call: Any = getattr(bound, way)("Hello", {"callbacks": [traced]})
    list(call) if way == "stream" else None
    told = f"{traced.told} {bound!r} {dumps(bound)}"
    assert "secret-7" not in told
    assert "X-Tenant" in told


@pytest.mark.parametrize("name", ["extra_headers", "extra_query"])
def test_tenants_do_not_share_answers(emulator, name):
    emulator.script(*(Reply(f"{number}") for number in range(3)))
    llm = ChatAIMLAPI(**emulator.connection(), cache=InMemoryCache())
    first = llm.invoke("Hello", **{name: {"X-Tenant": "a"}}).text
    second = llm.invoke("Hello", **{name: {"X-Tenant": "b"}}).text
    again = llm.invoke("Hello", **{name: {"X-Tenant": "a"}}, timeout=5, max_retries=0).text
    assert (first, second, again) == ("0", "1", "0")
    assert "tenant-7" not in llm._get_llm_string(**{name: {"X-Tenant": "tenant-7"}})


@pytest.mark.parametrize("timeout", [3, (1, 3), httpx.Timeout(3, connect=1), (1, 3, 3, 3)], ids=str)
def test_forms_of_timeout(timeout):
    from langchain_aimlapi._http.transport import Timeouts

    found = Timeouts.of(made(timeout=timeout).timeout, None)
    assert (found.connect, found.first_byte, found.idle) == (3 if timeout == 3 else 1, 3, 3)
    assert Timeouts.of(timeout, None, 7).idle == 7


@pytest.mark.parametrize("timeout", ["soon", (1,), {}, True])
def test_what_is_no_timeout(timeout):
    with pytest.raises(AIMLAPIConfigurationError, match="timeout takes seconds"):
        made(timeout=timeout)


def test_only_what_follows_the_last_stored_answer_is_sent():
    answer = AIMessage("Hi", response_metadata={"endpoint": "responses", "id": "resp_1"})
    messages = [HumanMessage("Hello"), answer, HumanMessage("And?")]
    sent = payload_of(made(use_previous_response_id=True, store=True), messages)
    assert sent["previous_response_id"] == "resp_1"
    assert json.dumps(sent["input"]).count("role") == 1
    assert "previous_response_id" not in payload_of(made(store=True), messages)
    with pytest.raises(AIMLAPIConfigurationError, match="store=True"):
        made(use_previous_response_id=True)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("use_responses_api", [False, True])
def test_the_headers_of_a_reply(emulator, streaming, use_responses_api):
    llm = ChatAIMLAPI(
        **emulator.connection(),
        include_response_headers=True,
        streaming=streaming,
        use_responses_api=use_responses_api,
    )
    assert "x-inference-id" in llm.invoke("Hello").response_metadata["headers"]
    plain = ChatAIMLAPI(**emulator.connection()).invoke("Hello")
    assert "headers" not in plain.response_metadata


# --- other models -------------------------------------------------------------------------------


def test_the_cap_has_another_name_for_other_models():
    assert payload_of(made(max_tokens=5))["max_completion_tokens"] == 5
    other = payload_of(made(model="other/model", max_tokens=5))
    assert (other["max_tokens"], "max_completion_tokens" in other) == (5, False)


def test_another_model_brings_its_profile():
    llm = made()
    other = "openai/gpt-5-1-chat-latest"
    wanted = made(model=other).profile
    assert wanted != llm.profile
    assert llm.model_copy(update={"model": other}).profile == wanted
    assert llm.model_copy(update={"model": "x/y"}).profile is None
    chosen = llm.configurable_fields(model=ConfigurableField(id="model"))
    prepared, _ = chosen.prepare({"configurable": {"model": other}})
    assert prepared.profile == wanted
    own = made(profile={"max_input_tokens": 5})
    assert own.model_copy(update={"model": other}).profile == {"max_input_tokens": 5}


@pytest.mark.parametrize("name", ["seed", "logprobs"])
def test_what_responses_lacks_is_told_as_the_model_is_told_to(name):
    fields = {"use_responses_api": True, name: 1, "model": MODEL}
    with pytest.warns(UserWarning, match="has no place on the responses endpoint"):
        payload_of(made(**fields))
    assert name not in payload_of(made(**fields, validate_params="off"))
    with pytest.raises(AIMLAPIInvalidRequestError, match="has no place"):
        payload_of(made(**fields, validate_params="error"))


SOUND = {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/mpeg"}
FILM = {"type": "video", "url": "https://example.com/film.mp4"}
TABLE = {"type": "file", "base64": "eA==", "mime_type": "text/csv", "filename": "a.csv"}


@pytest.mark.parametrize("use_responses_api", [False, True])
@pytest.mark.parametrize(
    ("block", "sent"),
    [
        (SOUND, {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "mp3"}}),
        ({**SOUND, "base64": None, "url": "https://a/b"}, {"audio_url": {"url": "https://a/b"}}),
        (FILM, {"type": "video_url", "video_url": {"url": "https://example.com/film.mp4"}}),
        ({**FILM, "base64": "eA=="}, {"video_url": {"url": "data:video/mp4;base64,eA=="}}),
        ({"type": "input_audio", "input_audio": {"data": "x"}}, {"input_audio": {"data": "x"}}),
        ({"type": "media", "data": b"x", "mime_type": "audio/wav"}, {"type": "input_audio"}),
        (TABLE, {"type": "file", "file": {"file_data": "data:text/csv;base64,eA=="}}),
    ],
)
def test_sound_and_film_are_the_gateways_to_refuse_elsewhere(use_responses_api, block, sent):
    messages = [HumanMessage(["Listen:", block])]
    llm = made(model="other/model", use_responses_api=use_responses_api)
    payload = payload_of(llm, messages)
    [message] = payload["input" if use_responses_api else "messages"]
    part = message["content"][1]
    if use_responses_api and block is TABLE:
        sent = {"type": "input_file", "filename": "a.csv"}
    assert part.items() >= {k: v for k, v in sent.items() if k != "file"}.items()
    with pytest.raises(AIMLAPIInvalidRequestError, match=r"cannot be sent|Only PDF"):
        payload_of(made(use_responses_api=use_responses_api), messages)


def test_speech_is_doubted_for_the_four_alone():
    asked: dict[str, Any] = {"modalities": ["text", "audio"], "audio": {"voice": "alloy"}}
    assert payload_of(made(model="other/model"), **asked).items() >= asked.items()
    with pytest.warns(UserWarning, match="is not documented for openai/gpt-5-1"):
        payload_of(made(), **asked)


def test_a_model_of_none_is_no_word_about_it():
    assert payload_of(made(), model=None)["model"] == MODEL


# --- 0.1 ----------------------------------------------------------------------------------------

REMOVED = tuple(name for name in OF_0_1_3["the package"] if name != "ChatAimlapi")
NOTEBOOK = Path(__file__).parents[2] / "cookbook" / "10_migrating.ipynb"


def test_the_notebook_lists_each_name_of_0_1_3_that_changed():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    text = "".join("".join(cell["source"]) for cell in cells)
    kept = {*ChatAIMLAPI.model_fields, *ALIASES, *REQUEST_PARAMETERS, *langchain_aimlapi.__all__}
    changed = [name for names in OF_0_1_3.values() for name in names if name not in kept]
    assert [name for name in changed if f"`{name}`" not in text] == []
    # What is an alias or has no field any more is not the attribute that it was.
    attributes = {*ChatAIMLAPI.model_fields, "model_name"}
    gone = [name for name in OF_0_1_3["fields"] if name not in attributes]
    assert [name for name in gone if f"`{name}`" not in text and name not in ALIASES] == []


@pytest.mark.parametrize("name", OF_0_1_3["fields"])
def test_each_attribute_of_0_1_3_is_there_or_says_what_to_use(llm, name):
    aliases = {"api_key", "base_url", "model", "organization", "stop_sequences", "timeout"}
    if name not in aliases and not hasattr(llm, name):
        with pytest.raises(AttributeError, match=r"was of langchain-aimlapi 0\.1\. Use "):
            getattr(llm, name)


@pytest.mark.parametrize("name", REMOVED)
def test_a_removed_name_says_that_it_is_and_what_to_use(name):
    with pytest.raises(ImportError, match=f"{name} was of langchain-aimlapi 0.1"):
        getattr(langchain_aimlapi, name)


@pytest.mark.parametrize(
    "name",
    [
        *("openai_api_key", "request_timeout", "client", "async_client", "openai_proxy"),
        *("aimlapi_api_key", "aimlapi_api_base", "verbosity", "service_tier", "bind_functions"),
    ],
)
def test_a_removed_attribute_says_what_to_use(llm, name):
    with pytest.raises(AttributeError, match=r"was of langchain-aimlapi 0\.1\. Use "):
        getattr(llm, name)
    assert not hasattr(llm, name)
