"""`with_structured_output`: schemas to requests, and answers to objects.

A reply that was cut at the token limit, or in which the model refuses, is said to be that before
anybody tries to parse it: LangChain's JSON parser would mend a cut object and pass it as whole.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    PydanticToolsParser,
)
from langchain_core.runnables import RunnableGenerator, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIRefusalError,
    AIMLAPITruncatedOutputError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_core.runnables import Runnable

Method = Literal["json_schema", "function_calling", "json_mode"]


def response_format(schema: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Convert a schema to the API's `response_format`.

    Args:
        schema: A pydantic class (v1 or v2), `TypedDict`, JSON schema with a title, an OpenAI
            function, or a `response_format` dict already.
        strict: Ask for output that fits the schema exactly; closes its objects, as the API wants
            it then. None leaves what the schema says of itself.

    Returns:
        `{"type": "json_schema", "json_schema": {name, schema, description?, strict?}}`, or the
        `text` and `json_object` forms as they came.

    Raises:
        AIMLAPIConfigurationError: It cannot be read as a schema.
    """
    if isinstance(schema, dict) and schema.get("type") in {"text", "json_object"}:
        return schema
    if isinstance(schema, dict) and schema.get("type") == "json_schema":
        given = schema["json_schema"]
        strict = given.get("strict") if strict is None else strict
        if not strict:
            return schema
        schema = {key: given[key] for key in ("name", "description") if key in given}
        schema["parameters"] = given.get("schema", {})
    try:
        function = convert_to_openai_function(schema, strict=strict)
    except (ValueError, TypeError, KeyError) as error:
        raise AIMLAPIConfigurationError(
            f"Not a schema for structured output: {error} Pass a pydantic class, a TypedDict, or a "
            "JSON schema with a title."
        ) from error
    named = {"name": function["name"], "schema": function.get("parameters", {"type": "object"})}
    named.update({key: function[key] for key in ("description", "strict") if key in function})
    return {"type": "json_schema", "json_schema": named}


def output_parser(schema: Any, method: Method, tool_name: str | None = None) -> Runnable[Any, Any]:
    """Make the last link of the chain: message to object.

    Args:
        schema: What was asked for: a pydantic class gives its instances, all else gives dicts.
        method: How it was asked for.
        tool_name: Name of the tool, with `function_calling`.
    """
    is_pydantic = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser: Runnable[Any, Any]
    if method == "function_calling":
        parser = (
            PydanticToolsParser(tools=[schema], first_tool_only=True)
            if is_pydantic
            else JsonOutputKeyToolsParser(key_name=tool_name or "", first_tool_only=True)
        )
    else:
        parser = PydanticOutputParser(pydantic_object=schema) if is_pydantic else JsonOutputParser()
    return RunnableGenerator(_pass_finished, _apass_finished, name="check_finished") | parser


def with_raw(llm: Runnable[Any, Any], parser: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Chain model and parser so that message, object and parsing error come out side by side."""
    parsed = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=llm) | parsed.with_fallbacks([failed], exception_key="parsing_error")


def check_finished(message: Any) -> None:
    """Refuse a message that cannot hold the whole object.

    Raises:
        AIMLAPIRefusalError: The model refused.
        AIMLAPITruncatedOutputError: It was cut at the token limit.
    """
    if not isinstance(message, AIMessage):
        return
    if refusal := message.additional_kwargs.get("refusal"):
        raise AIMLAPIRefusalError(refusal=refusal, raw_message=message)
    if message.response_metadata.get("finish_reason") == "length":
        raise AIMLAPITruncatedOutputError(raw_message=message)


def _pass_finished(messages: Iterator[Any]) -> Iterator[Any]:
    for message in messages:
        check_finished(message)
        yield message


async def _apass_finished(messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for message in messages:
        check_finished(message)
        yield message
