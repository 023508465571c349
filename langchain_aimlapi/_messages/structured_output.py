"""`with_structured_output`: schemas to requests, and answers to objects.

A reply that was cut at the token limit, or in which the model refuses, is said to be that before
anybody tries to parse it: LangChain's JSON parser would mend a cut object and pass it as whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    PydanticToolsParser,
)
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables import AddableDict, Runnable
from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_core.utils.pydantic import is_basemodel_subclass
from typing_extensions import override

from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIRefusalError,
    AIMLAPITruncatedOutputError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_core.output_parsers import BaseLLMOutputParser
    from langchain_core.runnables import RunnableConfig

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


class StructuredOutput(Runnable[AIMessage, Any]):
    """The last link of the chain: message to object, and chunks to an object that grows."""

    def __init__(
        self, schema: Any, method: Method, *, tool_name: str | None, include_raw: bool
    ) -> None:
        """Choose the parser.

        Args:
            schema: What was asked for: a pydantic class gives its instances, all else gives dicts.
            method: How it was asked for.
            tool_name: Name of the tool, with `function_calling`.
            include_raw: Give `{"raw", "parsed", "parsing_error"}` instead of the object alone.
        """
        self._parser = _parser_for(schema, method, tool_name)
        self._include_raw = include_raw

    @override
    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        if not self._include_raw:
            return self.parse(input)
        try:
            return {"raw": input, "parsed": self.parse(input), "parsing_error": None}
        except Exception as error:  # noqa: BLE001 - every way to fail is part of the answer here
            return {"raw": input, "parsed": None, "parsing_error": error}

    @override
    def transform(
        self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        growing = _Growing(self, include_raw=self._include_raw)
        for chunk in input:
            yield from growing.add(chunk)
        yield from growing.end()

    @override
    async def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        growing = _Growing(self, include_raw=self._include_raw)
        async for chunk in input:
            for output in growing.add(chunk):
                yield output
        for output in growing.end():
            yield output

    def parse(self, message: Any) -> Any:
        """Return the object that a finished message holds.

        Raises:
            AIMLAPIRefusalError: The model refused.
            AIMLAPITruncatedOutputError: It was cut at the token limit.
            OutputParserException: It holds no such object.
        """
        check_finished(message)
        return self._parser.parse_result([ChatGeneration(message=message)])

    def parse_part(self, message: Any) -> Any:
        """Return what can be told of the object so far, None if nothing."""
        try:
            return self._parser.parse_result([ChatGeneration(message=message)], partial=True)
        except (OutputParserException, ValueError):
            return None


class _Growing:
    """One streamed object: its outputs after each chunk, and at the end the strictly parsed one."""

    def __init__(self, reader: StructuredOutput, *, include_raw: bool) -> None:
        self._reader = reader
        self._include_raw = include_raw
        self._message: Any = None
        self._shown: Any = None

    def add(self, chunk: Any) -> Iterator[Any]:
        self._message = chunk if self._message is None else self._message + chunk
        if self._include_raw:
            yield AddableDict(raw=chunk)
        yield from self._show(self._reader.parse_part(self._message))

    def end(self) -> Iterator[Any]:
        if not self._include_raw:
            yield from self._show(self._reader.parse(self._message))
            return
        whole = self._reader.invoke(self._message)
        if whole["parsing_error"] is None:
            yield from self._show(whole["parsed"])
            yield AddableDict(parsing_error=None)
        else:
            yield AddableDict(parsed=None, parsing_error=whole["parsing_error"])

    def _show(self, parsed: Any) -> Iterator[Any]:
        if parsed is not None and parsed != self._shown:
            self._shown = parsed
            yield AddableDict(parsed=parsed) if self._include_raw else parsed


def _parser_for(schema: Any, method: Method, tool_name: str | None) -> BaseLLMOutputParser[Any]:
    is_pydantic = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method == "function_calling":
        if is_pydantic:
            return PydanticToolsParser(tools=[schema], first_tool_only=True)
        return JsonOutputKeyToolsParser(key_name=tool_name or "", first_tool_only=True)
    return PydanticOutputParser(pydantic_object=schema) if is_pydantic else JsonOutputParser()


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
