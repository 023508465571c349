"""`with_structured_output`: every method, every kind of schema, every way to call."""

from __future__ import annotations

import itertools
import json
from typing import Annotated, Any, Optional

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as BaseModelV1
from pydantic.v1 import Field as FieldV1
from typing_extensions import TypedDict

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._messages.structured_output import StructuredOutput
from langchain_aimlapi.emulator import Emulator, Fault, Reply, StreamStyle, ToolCall
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIContentFilterError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPINoToolCallError,
    AIMLAPIRefusalError,
    AIMLAPITruncatedOutputError,
)

MODEL = "openai/gpt-5-1"


class Joke(BaseModel):
    """A joke."""

    setup: str = Field(description="The question")
    rating: int


class JokeV1(BaseModelV1):
    """A joke."""

    setup: str = FieldV1(description="The question")
    rating: int


class JokeDict(TypedDict):
    """A joke."""

    setup: Annotated[str, ..., "The question"]
    rating: int


JOKE_SCHEMA = {
    "title": "Joke",
    "description": "A joke.",
    "type": "object",
    "properties": {
        "setup": {"type": "string", "description": "The question"},
        "rating": {"type": "integer"},
    },
    "required": ["setup", "rating"],
}
SCHEMAS = {"pydantic": Joke, "pydantic v1": JokeV1, "TypedDict": JokeDict, "JSON": JOKE_SCHEMA}
NAMES = {"pydantic": "Joke", "pydantic v1": "JokeV1", "TypedDict": "JokeDict", "JSON": "Joke"}
METHODS = ("json_schema", "function_calling", "json_mode")
WAYS = ("invoke", "ainvoke", "stream", "astream")
ENDPOINTS = {"chat_completions": False, "responses": True}
PROMPT = 'Tell a joke as json with the keys "setup" and "rating".'
ANSWER = {"setup": "Why 😀?", "rating": 7}

methods = pytest.mark.parametrize("method", METHODS)
schemas = pytest.mark.parametrize("kind", SCHEMAS)
ways = pytest.mark.parametrize("way", WAYS)
endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS)


def answering(method: str, answer: Any, name: str, **fields: Any) -> Reply:
    """Make the reply of a model that answers with an object."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    fields = {"stream": StreamStyle(delta_size=3), **fields}
    if method == "function_calling":
        return Reply(tool_calls=[ToolCall(name, text)], **fields)
    return Reply(text, **fields)


def model_on(emulator: Emulator, endpoint: str = "chat_completions", **fields: Any) -> ChatAIMLAPI:
    connection = emulator.connection()
    return ChatAIMLAPI(
        model=MODEL, use_responses_api=ENDPOINTS[endpoint], **{**connection, **fields}
    )


async def call(chain: Any, way: str, prompt: Any = PROMPT, config: Any = None) -> list[Any]:
    """Call a chain and return all that it gave."""
    match way:
        case "invoke":
            return [chain.invoke(prompt, config)]
        case "ainvoke":
            return [await chain.ainvoke(prompt, config)]
        case "stream":
            return list(chain.stream(prompt, config))
        case _:
            return [part async for part in chain.astream(prompt, config)]


def as_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, BaseModel):
        return value.model_dump()
    return value.dict() if isinstance(value, BaseModelV1) else value


# --- what is sent -------------------------------------------------------------------------------


@endpoints
@schemas
@pytest.mark.parametrize("strict", [None, False, True])
async def test_json_schema_is_the_default(emulator, endpoint, kind, strict):
    emulator.script(answering("json_schema", ANSWER, ""))
    llm = model_on(emulator, endpoint)
    llm.with_structured_output(SCHEMAS[kind], strict=strict).invoke("Tell a joke.")
    sent = emulator.requests[0].json
    if endpoint == "responses":
        found = sent["text"]["format"]
        assert found.pop("type") == "json_schema"
    else:
        assert sent["response_format"]["type"] == "json_schema"
        found = sent["response_format"]["json_schema"]
    assert found["name"] == NAMES[kind]
    assert found.get("description") == "A joke."
    assert found.get("strict") is strict
    schema = found["schema"]
    assert schema["properties"]["setup"] == {"type": "string", "description": "The question"}
    assert schema["properties"]["rating"]["type"] == "integer"
    assert sorted(schema["required"]) == ["rating", "setup"]
    assert schema.get("additionalProperties") is (False if strict else None)
    assert "tools" not in sent


@endpoints
@schemas
@pytest.mark.parametrize("strict", [None, False, True])
async def test_function_calling_forces_one_tool(emulator, endpoint, kind, strict):
    emulator.script(answering("function_calling", ANSWER, NAMES[kind]))
    llm = model_on(emulator, endpoint)
    chain = llm.with_structured_output(SCHEMAS[kind], method="function_calling", strict=strict)
    chain.invoke("Tell a joke.")
    sent = emulator.requests[0].json
    assert len(sent["tools"]) == 1
    assert sent["parallel_tool_calls"] is False
    if endpoint == "responses":
        function = sent["tools"][0]
        assert sent["tool_choice"] == {"type": "function", "name": NAMES[kind]}
        assert function["strict"] is bool(strict)
    else:
        function = sent["tools"][0]["function"]
        assert sent["tool_choice"] == {"type": "function", "function": {"name": NAMES[kind]}}
        assert function.get("strict") is strict
    assert function["name"] == NAMES[kind]
    assert sorted(function["parameters"]["properties"]) == ["rating", "setup"]
    assert "response_format" not in sent
    assert "text" not in sent


@endpoints
@pytest.mark.parametrize("kind", [*SCHEMAS, None])
async def test_json_mode_asks_for_any_object(emulator, endpoint, kind):
    emulator.script(answering("json_mode", ANSWER, ""))
    chain = model_on(emulator, endpoint).with_structured_output(
        SCHEMAS[kind] if kind else None, method="json_mode"
    )
    assert as_dict(chain.invoke(PROMPT)) == ANSWER
    sent = emulator.requests[0].json
    if endpoint == "responses":
        assert sent["text"] == {"format": {"type": "json_object"}}
    else:
        assert sent["response_format"] == {"type": "json_object"}


@methods
def test_keywords_go_with_each_call(emulator, method):
    emulator.script(answering(method, ANSWER, "Joke"))
    chain = model_on(emulator).with_structured_output(Joke, method=method, max_tokens=99, seed=3)
    chain.invoke(PROMPT)
    assert emulator.requests[0].json["max_completion_tokens"] == 99
    assert emulator.requests[0].json["seed"] == 3


def test_tools_may_go_along(emulator):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    emulator.script(answering("json_schema", ANSWER, ""))
    chain = model_on(emulator).with_structured_output(Joke, tools=[tool])
    assert chain.invoke(PROMPT) == Joke(**ANSWER)
    assert emulator.requests[0].json["tools"][0]["function"]["name"] == "f"


def test_nested_and_optional_fields_of_a_strict_schema(emulator):
    class Inner(BaseModel):
        value: Optional[int] = None  # noqa: UP045 - as users write it

    class Outer(BaseModel):
        inner: Inner
        more: list[Inner] = []

    answer = {"inner": {"value": None}, "more": [{"value": 2}]}
    emulator.script(answering("json_schema", answer, ""))
    chain = model_on(emulator).with_structured_output(Outer, strict=True)
    assert chain.invoke(PROMPT) == Outer(**answer)
    schema = emulator.requests[0].json["response_format"]["json_schema"]["schema"]
    assert "$ref" not in json.dumps(schema)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["inner"]["additionalProperties"] is False
    assert schema["properties"]["more"]["items"]["additionalProperties"] is False


def test_a_schema_is_not_changed(emulator):
    before = json.dumps(JOKE_SCHEMA)
    for method in METHODS:
        emulator.script(answering(method, ANSWER, "Joke"))
        strict = None if method == "json_mode" else True
        chain = model_on(emulator).with_structured_output(JOKE_SCHEMA, method=method, strict=strict)
        chain.invoke(PROMPT)
    assert json.dumps(JOKE_SCHEMA) == before


# --- what comes back ----------------------------------------------------------------------------


@endpoints
@methods
@schemas
@ways
async def test_the_object_comes_back(emulator, endpoint, method, kind, way):
    emulator.script(answering(method, ANSWER, NAMES[kind], reasoning="Hm."))
    chain = model_on(emulator, endpoint).with_structured_output(SCHEMAS[kind], method=method)
    parts = await call(chain, way)
    schema = SCHEMAS[kind]
    expected = schema(**ANSWER) if isinstance(schema, type) and kind != "TypedDict" else ANSWER
    assert parts[-1] == expected
    assert type(parts[-1]) is type(expected)


@methods
@pytest.mark.parametrize("kind", ["TypedDict", "JSON"])
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_the_object_grows(emulator, method, kind, way):
    emulator.script(answering(method, ANSWER, NAMES[kind]))
    chain = model_on(emulator).with_structured_output(SCHEMAS[kind], method=method)
    parts = [part for part in await call(chain, way) if part]
    assert len(parts) > 2
    assert parts[-1] == ANSWER
    for before, after in itertools.pairwise(parts):
        assert list(before) == list(after)[: len(before)]
        assert after.get("setup", "").startswith(before.get("setup", ""))


@endpoints
@methods
@schemas
@ways
async def test_the_raw_message_comes_along(emulator, endpoint, method, kind, way):
    emulator.script(answering(method, ANSWER, NAMES[kind]))
    chain = model_on(emulator, endpoint).with_structured_output(
        SCHEMAS[kind], method=method, include_raw=True
    )
    parts = await call(chain, way)
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            adds = key == "raw" and key in result
            result[key] = result[key] + value if adds else value
    assert set(result) == {"raw", "parsed", "parsing_error"}
    assert isinstance(result["raw"], AIMessage)
    assert result["raw"].usage_metadata["output_tokens"] > 0
    assert as_dict(result["parsed"]) == ANSWER
    assert result["parsing_error"] is None


@ways
@endpoints
async def test_an_answer_without_the_call_shows_what_was_said(emulator, endpoint, way):
    emulator.script(Reply("I would rather not."))
    chain = model_on(emulator, endpoint).with_structured_output(Joke, method="function_calling")
    with pytest.raises(AIMLAPINoToolCallError, match="I would rather not") as caught:
        await call(chain, way)
    assert isinstance(caught.value, OutputParserException)
    assert caught.value.llm_output == "I would rather not."
    assert caught.value.raw_message.content == "I would rather not."


@ways
@endpoints
@pytest.mark.parametrize(
    ("arguments", "setup"),
    [
        ('{"setup": "two\nlines", "rating": 1}', "two\nlines"),
        ('\ufeff{"setup": "x", "rating": 1}', None),
        ('{"setup": NaN, "rating": 1}', None),
        ('{"setup": "x", "rating": 1} more', None),
    ],
)
async def test_arguments_are_read_alike_whole_and_streamed(
    emulator, endpoint, way, arguments, setup
):
    emulator.script(Reply(tool_calls=[ToolCall("Joke", arguments)]))
    chain = model_on(emulator, endpoint).with_structured_output(
        Joke, method="function_calling", include_raw=True
    )
    result = added_up(await call(chain, way))
    if setup is None:
        assert result["parsed"] is None
        assert isinstance(result["parsing_error"], AIMLAPINoToolCallError)
    else:
        assert result["parsed"].setup == setup
        assert result["parsing_error"] is None


def added_up(parts: list[Any]) -> dict[str, Any]:
    """Add up with `+` alone, as LangChain does."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


SEARCH = {
    "title": "search",
    "description": "Search.",
    "type": "object",
    "properties": {"query": {"type": "string"}},
}


@ways
@endpoints
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("include_raw", [False, True])
async def test_another_tool_may_be_called_instead(emulator, endpoint, method, way, include_raw):
    emulator.script(Reply(tool_calls=[ToolCall("search", {"query": "jokes"})]))
    chain = model_on(emulator, endpoint).with_structured_output(
        Joke, method=method, tools=[SEARCH], include_raw=include_raw
    )
    parts = await call(chain, way)
    if not include_raw:
        assert parts in ([None], [])
    else:
        result = added_up(parts)
        assert (result["parsed"], result["parsing_error"]) == (None, None)
        assert result["raw"].tool_calls[0]["args"] == {"query": "jokes"}
    sent = emulator.requests[0].json["tools"]
    names = {tool.get("name") or tool["function"]["name"] for tool in sent}
    assert names == ({"Joke", "search"} if method == "function_calling" else {"search"})


@ways
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_the_object_may_come_though_there_are_other_tools(emulator, method, way):
    emulator.script(answering(method, ANSWER, "Joke"))
    chain = model_on(emulator).with_structured_output(Joke, method=method, tools=[SEARCH])
    assert (await call(chain, way))[-1] == Joke(**ANSWER)


# --- what goes wrong ----------------------------------------------------------------------------


@endpoints
@methods
@schemas
@ways
async def test_a_cut_answer_is_said_to_be_cut(emulator, endpoint, method, kind, way):
    """Also where what came would parse: LangChain's parser mends a cut object."""
    text = json.dumps(ANSWER)[:-1]
    emulator.script(answering(method, text, NAMES[kind], finish_reason="length"))
    chain = model_on(emulator, endpoint).with_structured_output(SCHEMAS[kind], method=method)
    with pytest.raises(AIMLAPITruncatedOutputError, match="max_tokens") as caught:
        await call(chain, way)
    assert caught.value.raw_message.response_metadata["finish_reason"] == "length"


WHOLE = json.dumps(ANSWER)
ENDINGS = {
    "length": AIMLAPITruncatedOutputError,
    "MAX_TOKENS": AIMLAPITruncatedOutputError,
    "max_output_tokens": AIMLAPITruncatedOutputError,
    "content_filter": AIMLAPIContentFilterError,
    "SAFETY": AIMLAPIContentFilterError,
}


@methods
@ways
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("text", [WHOLE, WHOLE[:12]])
async def test_an_answer_that_was_ended_is_no_object(emulator, method, way, ending, text):
    emulator.script(answering(method, text, "JokeDict", finish_reason=ending))
    chain = model_on(emulator).with_structured_output(JokeDict, method=method)
    with pytest.raises(ENDINGS[ending]) as caught:
        await call(chain, way)
    assert caught.value.raw_message.response_metadata["finish_reason"] == ending
    assert caught.value.is_retryable is False


@methods
@ways
@pytest.mark.parametrize("cut", range(2, len(WHOLE), 9))
@pytest.mark.parametrize("ending", ["stop", "whatever"])
async def test_an_object_left_open_is_an_error(emulator, method, way, cut, ending):
    emulator.script(answering(method, WHOLE[:cut], "JokeDict", finish_reason=ending))
    chain = model_on(emulator).with_structured_output(JokeDict, method=method)
    with pytest.raises(OutputParserException):
        await call(chain, way)


@methods
@ways
@pytest.mark.parametrize(
    "text",
    [
        *('{"setup": NaN, "rating": 1}', '{"setup": "a", "rating": 1e999}', "12", "null", '"a"'),
        *('{"setup": {"rating": 1}, "r', '{"setup": ' + "[" * 20_000),
    ],
    ids=lambda text: text[:24],
)
async def test_what_is_no_whole_object(emulator, method, way, text):
    emulator.script(answering(method, text, "JokeDict"))
    chain = model_on(emulator).with_structured_output(JokeDict, method=method)
    with pytest.raises(OutputParserException):
        await call(chain, way)


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@ways
@pytest.mark.parametrize(
    ("text", "amid_prose"),
    [
        (f" \n{WHOLE}\n ", False),
        (f"```json\n{WHOLE}\n```", False),
        (f"```\n{WHOLE}\n```\n", False),
        (f"Here you are:\n```json\n{WHOLE}\n```\nEnjoy!", True),
        (f"Here you are: {WHOLE} Enjoy!", True),
    ],
)
async def test_what_may_stand_around_an_object(emulator, method, way, text, amid_prose):
    emulator.script(Reply(text, stream=StreamStyle(delta_size=3)))
    chain = model_on(emulator).with_structured_output(JokeDict, method=method)
    if amid_prose and method == "json_schema":
        with pytest.raises(OutputParserException):
            await call(chain, way)
    else:
        assert (await call(chain, way))[-1] == ANSWER


@methods
@pytest.mark.parametrize("text", [WHOLE, WHOLE[:20]])
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_chunks_with_the_raw_message_add_up(emulator, method, way, text):
    emulator.script(answering(method, text, "JokeDict"))
    chain = model_on(emulator).with_structured_output(JokeDict, method=method, include_raw=True)
    result = added_up(await call(chain, way))
    is_whole = text == WHOLE
    assert result["parsed"] == (ANSWER if is_whole else None)
    assert isinstance(result["parsing_error"], type(None) if is_whole else OutputParserException)
    assert isinstance(result["raw"], AIMessage)


@methods
def test_a_long_object_is_shown_as_it_grows(emulator, method):
    """Each chunk of the first 4 KB; then whenever it has grown by 0.5 %."""
    long = {"setup": "x" * 40_000, "rating": 7}
    reply = answering(method, long, "JokeDict", stream=StreamStyle(delta_size=12))
    emulator.script(reply)
    chain = model_on(emulator).with_structured_output(JokeDict, method=method)
    sizes = [len(part.get("setup", "")) for part in chain.stream(PROMPT)]
    assert sizes[-1] == 40_000
    for before, after in itertools.pairwise(sizes):
        assert after - before <= max(12, before * 0.005 + 12)


@endpoints
@methods
@ways
async def test_a_refusal_is_said_to_be_one(emulator, endpoint, method, way):
    emulator.script(Reply(refusal="I will not joke."))
    chain = model_on(emulator, endpoint).with_structured_output(Joke, method=method)
    with pytest.raises(AIMLAPIRefusalError, match="I will not joke") as caught:
        await call(chain, way)
    assert caught.value.refusal == "I will not joke."
    assert caught.value.raw_message.additional_kwargs["refusal"] == "I will not joke."
    assert caught.value.is_retryable is False


@methods
@ways
@pytest.mark.parametrize("error", [AIMLAPITruncatedOutputError, AIMLAPIRefusalError])
async def test_with_the_raw_message_nothing_is_raised(emulator, method, way, error):
    if error is AIMLAPIRefusalError:
        emulator.script(Reply(refusal="I will not joke."))
    else:
        text = json.dumps(ANSWER)[:-1]
        emulator.script(answering(method, text, "JokeDict", finish_reason="length"))
    chain = model_on(emulator).with_structured_output(JokeDict, method=method, include_raw=True)
    result: dict[str, Any] = {}
    for part in await call(chain, way):
        result |= {key: value for key, value in part.items() if key != "raw"}
        if "raw" in part:
            result["raw"] = result["raw"] + part["raw"] if "raw" in result else part["raw"]
    assert type(result["parsing_error"]) is error
    assert result["parsed"] is None
    assert isinstance(result["raw"], AIMessage)


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize("text", ["no json at all", '{"setup": "x", "rating": "many"}'])
async def test_an_answer_of_another_shape(emulator, method, way, text):
    emulator.script(Reply(text), Reply(text))
    chain = model_on(emulator).with_structured_output(Joke, method=method)
    with pytest.raises(OutputParserException):
        await call(chain, way)
    raw = model_on(emulator).with_structured_output(Joke, method=method, include_raw=True)
    result = raw.invoke(PROMPT)
    assert result["raw"].content == text
    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], OutputParserException)


def test_arguments_of_another_shape(emulator):
    reply = answering("function_calling", {"setup": "x"}, "Joke")
    emulator.script(reply, reply)
    llm = model_on(emulator)
    with pytest.raises(Exception, match="rating"):
        llm.with_structured_output(Joke, method="function_calling").invoke(PROMPT)
    raw = llm.with_structured_output(Joke, method="function_calling", include_raw=True)
    result = raw.invoke(PROMPT)
    assert result["parsed"] is None
    assert "rating" in str(result["parsing_error"])


@ways
async def test_errors_of_the_call_are_raised_though_raw_is_included(emulator, way):
    emulator.script(Fault.status(400))
    chain = model_on(emulator).with_structured_output(Joke, include_raw=True)
    with pytest.raises(AIMLAPIInvalidRequestError):
        await call(chain, way)


@pytest.mark.parametrize("schema", [5, "Joke", {"type": "object", "properties": {}}, int, []])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_what_is_no_schema(llm, schema, method):
    with pytest.raises(AIMLAPIConfigurationError):
        llm.with_structured_output(schema, method=method)


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_schema_is_needed(llm, method):
    with pytest.raises(AIMLAPIConfigurationError, match="needs a schema"):
        llm.with_structured_output(None, method=method)


@pytest.mark.parametrize("method", ["json", "", None, "tool_calling"])
def test_an_unknown_method(llm, method):
    with pytest.raises(AIMLAPIConfigurationError, match="json_schema"):
        llm.with_structured_output(Joke, method=method)


def test_strict_json_mode(llm):
    with pytest.raises(AIMLAPIConfigurationError, match="strict"):
        llm.with_structured_output(Joke, method="json_mode", strict=True)


@methods
def test_an_unknown_keyword_is_refused_before_anything_is_sent(emulator, method):
    chain = model_on(emulator).with_structured_output(Joke, method=method, temprature=1)
    with pytest.raises(AIMLAPIConfigurationError, match="temperature"):
        chain.invoke(PROMPT)
    assert emulator.requests == []


# --- beside the object --------------------------------------------------------------------------


class Started(BaseCallbackHandler):
    def __init__(self) -> None:
        self.options: dict[str, Any] = {}

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.options = kwargs["options"]


@methods
@schemas
@ways
async def test_traces_are_told_the_schema(emulator, method, kind, way):
    emulator.script(answering(method, ANSWER, NAMES[kind]))
    chain = model_on(emulator).with_structured_output(SCHEMAS[kind], method=method)
    started = Started()
    await call(chain, way, config={"callbacks": [started]})
    told = started.options["ls_structured_output_format"]
    assert told["kwargs"]["method"] == method
    assert told["schema"]["title"] == NAMES[kind]
    assert sorted(told["schema"]["properties"]) == ["rating", "setup"]
    assert "ls_structured_output_format" not in emulator.requests[0].json


@methods
def test_the_chain_is_an_ordinary_runnable(emulator, method):
    emulator.script(*[answering(method, {**ANSWER, "rating": n}, "Joke") for n in range(3)])
    chain = RunnableLambda(str.strip) | model_on(emulator).with_structured_output(
        Joke, method=method
    )
    answers = chain.batch([f" {PROMPT} "] * 3, {"max_concurrency": 1})
    assert [answer.rating for answer in answers] == [0, 1, 2]


@methods
def test_fallbacks_see_the_refusal(emulator, method):
    emulator.script(Reply(refusal="No."))
    chain = model_on(emulator).with_structured_output(Joke, method=method)
    fallback = RunnableLambda(lambda _: Joke(setup="None", rating=0))
    answer = chain.with_fallbacks([fallback], exceptions_to_handle=(AIMLAPIError,)).invoke(PROMPT)
    assert answer == Joke(setup="None", rating=0)


@endpoints
@methods
def test_the_emulators_own_answers_fit(emulator, endpoint, method):
    chain = model_on(emulator, endpoint).with_structured_output(Joke, method=method)
    if method == "json_mode":
        emulator.script(Reply('{"setup": "x", "rating": 1}'))
    assert isinstance(chain.invoke(PROMPT), Joke)


# --- the run and its type ------------------------------------------------------------------------


class Runs(BaseCallbackHandler):
    """Notes the runs of the parser, and how they end."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self.ends: list[Any] = []

    def on_chain_start(self, serialized, inputs, *, run_id, name=None, **kwargs):
        if name == "StructuredOutput":
            self.names[run_id] = name

    def on_chain_end(self, outputs, *, run_id, **kwargs):
        if run_id in self.names:
            self.ends.append(outputs)

    def on_chain_error(self, error, *, run_id, **kwargs):
        if run_id in self.names:
            self.ends.append(type(error))


@methods
@ways
async def test_parsing_is_one_run(emulator, method, way):
    emulator.script(answering(method, ANSWER, "Joke"))
    chain = model_on(emulator).with_structured_output(Joke, method=method)
    runs = Runs()
    answers = await call(chain, way, config={"callbacks": [runs]})
    assert len(runs.names) == 1
    assert runs.ends == [answers[-1]] == [Joke(**ANSWER)]


@ways
async def test_a_failure_to_parse_is_the_runs(emulator, way):
    emulator.script(Reply("no json"))
    chain = model_on(emulator).with_structured_output(Joke)
    runs = Runs()
    with pytest.raises(OutputParserException):
        await call(chain, way, config={"callbacks": [runs]})
    assert runs.ends == [OutputParserException]


@methods
@schemas
def test_the_chain_tells_its_type(llm, method, kind):
    chain = llm.with_structured_output(SCHEMAS[kind], method=method)
    is_class = kind.startswith("pydantic")
    assert chain.OutputType == (SCHEMAS[kind] if is_class else dict[str, Any])
    schema = chain.get_output_jsonschema()
    assert schema["title"] == NAMES[kind]
    assert {"setup", "rating"} <= schema["properties"].keys()


class Thread(TypedDict):
    """A thread."""

    replies: list[Thread]


class OldThread(BaseModelV1):
    """A thread."""

    replies: list[OldThread]


OldThread.update_forward_refs()


@pytest.mark.parametrize("schema", [Thread, OldThread], ids=["typed dict", "pydantic v1"])
@methods
def test_the_chain_tells_its_type_if_it_refers_to_itself(llm, method, schema):
    told = llm.with_structured_output(schema, method=method).get_output_jsonschema()
    assert told["title"] == schema.__name__
    reference = told["properties"]["replies"]["items"]["$ref"]
    assert "replies" in told["$defs"][reference.removeprefix("#/$defs/")]["properties"]


def test_the_chain_tells_that_it_gives_the_message_too(llm):
    chain = llm.with_structured_output(Joke, include_raw=True)
    assert chain.OutputType == dict[str, Any]
    assert chain.get_output_jsonschema()["type"] == "object"
    assert (
        llm.with_structured_output(method="json_mode").get_output_jsonschema()["type"] == "object"
    )


def parser(method: str, **fields: Any) -> StructuredOutput:
    fields = {"tool_name": "Joke", "include_raw": False, **fields}
    return StructuredOutput(Joke, method, **fields)


def test_the_last_link_reads_what_any_chain_before_it_gives():
    read = parser("json_schema")
    text, wanted = json.dumps(ANSWER), Joke(**ANSWER)
    assert read.invoke(HumanMessage(text)) == wanted
    assert list(read.transform(iter([AIMessage(text)]))) == [wanted]
    assert read.InputType is AIMessage
    with pytest.raises(AIMLAPINoToolCallError, match="did not call 'Joke'"):
        parser("function_calling").invoke(HumanMessage(text))


@pytest.mark.parametrize("include_raw", [False, True])
def test_a_stream_of_nothing_is_no_object(include_raw):
    read = parser("json_schema", include_raw=include_raw)
    if include_raw:
        (given,) = read.transform(iter([]))
        assert given["parsed"] is None
        assert isinstance(given["parsing_error"], OutputParserException)
    else:
        with pytest.raises(OutputParserException, match="no message"):
            list(read.transform(iter([])))


@pytest.mark.parametrize("size", [3, 50])
def test_the_raw_message_is_whole_however_seldom_it_is_handed_on(size):
    text = json.dumps({"setup": "x" * 9_000, "rating": 7})
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    given = [*parser("json_mode", include_raw=True).transform(map(AIMessageChunk, pieces))]
    raw = [part["raw"] for part in given if "raw" in part]
    assert "".join(part.content for part in raw) == text
    assert len(raw) < len(pieces) / 2
    assert given[-1]["parsed"] == Joke(setup="x" * 9_000, rating=7)


@pytest.mark.parametrize("text", ["{nobody", '{"setup": "x", nobody', '[{"setup"', "Joke: {"])
def test_what_cannot_become_the_object_is_not_shown(text):
    assert parser("json_schema").parse_part(text) is None


@pytest.mark.parametrize("fence", ["", "```json\n", " ```\n"])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"setup": "Wh', {"setup": "Wh"}),
        ('{"setup": "Why?", "rating": 7', {"setup": "Why?", "rating": 7}),
        ('{"setup": "Why?"}\n``', {"setup": "Why?"}),
        ('{"setup": "a\nb', {"setup": "a\nb"}),
        ("{", {}),
        ("[1", None),
        ("", None),
        ('{"setup": NaN', None),
        ('{"setup": ' + "[" * 100_000, None),
    ],
    ids=lambda text: str(text)[:24],
)
def test_what_is_shown_of_an_object_so_far(fence, text, shown):
    read = StructuredOutput(JOKE_SCHEMA, "json_schema", tool_name=None, include_raw=False)
    assert read.parse_part(fence + text) == shown
    assert read.parse_part(f"Here you are: {text}") is None
    amid = StructuredOutput(JOKE_SCHEMA, "json_mode", tool_name=None, include_raw=False)
    assert amid.parse_part(f"Here you are: {fence}{text}") == shown
    assert amid.parse_part(f"[{text}") is None
