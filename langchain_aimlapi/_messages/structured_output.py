"""`with_structured_output`: schemas to requests, and answers to objects.

A reply that was cut at the token limit, or in which the model refuses, is said to be that before
anybody tries to parse it: LangChain's JSON parser would mend a cut object and pass it as whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    PydanticToolsParser,
)
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables import AddableDict, Runnable, RunnableGenerator, RunnableLambda
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, RootModel, WithJsonSchema, create_model
from typing_extensions import override

from langchain_aimlapi._messages import schemas
from langchain_aimlapi.errors import (
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
    function = schemas.read(schema)
    named = function._replace(name=schemas.legal_name(function.name))
    return {"type": "json_schema", "json_schema": named.wire("schema", strict=strict)}


class StructuredOutput(Runnable[AIMessage, Any]):
    """The last link of the chain: message to object, and chunks to an object that grows.

    Each use is a run of its own, so that callbacks and traces see what was parsed and what failed.
    """

    name = "StructuredOutput"

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
        self._schema = schema
        self._parser = _parser_for(schema, method, tool_name)
        self._include_raw = include_raw
        self._of_whole = RunnableLambda(self.read, self._aread, name=self.name)
        self._of_chunks = RunnableGenerator(self._grow, self._agrow, name=self.name)

    @property
    @override
    def InputType(self) -> Any:
        return AIMessage

    @property
    @override
    def OutputType(self) -> Any:
        if self._include_raw:
            return dict[str, Any]
        if isinstance(self._schema, type) and is_basemodel_subclass(self._schema):
            return self._schema
        return dict[str, Any]

    @override
    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        kind = self.OutputType
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        shape: Any = dict[str, Any]
        if self._schema is not None and not self._include_raw:
            # Pydantic's v1 classes and older TypedDicts are strange to it; their schema is not.
            shape = Annotated[Any, WithJsonSchema(schemas.traced(self._schema))]
        return create_model("StructuredOutput", __base__=RootModel[shape])

    @override
    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return self._of_whole.invoke(input, config)

    @override
    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await self._of_whole.ainvoke(input, config)

    @override
    def transform(
        self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        return self._of_chunks.transform(input, config)

    @override
    def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        return self._of_chunks.atransform(input, config)

    def _grow(self, chunks: Iterator[Any]) -> Iterator[Any]:
        growing = _Growing(self, include_raw=self._include_raw)
        for chunk in chunks:
            yield from growing.add(chunk)
        yield from growing.end()

    async def _agrow(self, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
        growing = _Growing(self, include_raw=self._include_raw)
        async for chunk in chunks:
            for output in growing.add(chunk):
                yield output
        for output in growing.end():
            yield output

    async def _aread(self, message: Any) -> Any:
        return self.read(message)

    def read(self, message: Any) -> Any:
        """Return what was asked for: the object, or with `include_raw` the three.

        Raises:
            OutputParserException: As `parse`, without `include_raw`.
        """
        if not self._include_raw:
            return self.parse(message)
        try:
            return {"raw": message, "parsed": self.parse(message), "parsing_error": None}
        except Exception as error:  # noqa: BLE001 - every way to fail is part of the answer here
            return {"raw": message, "parsed": None, "parsing_error": error}

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
        whole = self._reader.read(self._message)
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
