"""`with_structured_output`: schemas to requests, and answers to objects.

An object is given only if it is whole: its text is JSON from the first brace to the last, and the
answer ended well. LangChain's own parsers mend what was cut and pass it on, so they are used for
objects that are still growing alone.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda
from langchain_core.utils.json import parse_partial_json
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, RootModel, create_model
from pydantic_core import from_json
from typing_extensions import override

from langchain_aimlapi._messages import schemas
from langchain_aimlapi._messages.endings import ending_of
from langchain_aimlapi._messages.growing_object import GrowingObject, apieces, pieces
from langchain_aimlapi._messages.tool_calls import parse_tool_call
from langchain_aimlapi._wire.json import loads
from langchain_aimlapi.errors import (
    AIMLAPIContentFilterError,
    AIMLAPINoToolCallError,
    AIMLAPIRefusalError,
    AIMLAPITruncatedOutputError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator

    from langchain_core.runnables import RunnableConfig

Method = Literal["json_schema", "function_calling", "json_mode"]

_FENCE = re.compile(r"\s*```\w*\s*(.*?)\s*```\s*", re.DOTALL)


class WireFormat(dict[str, Any]):
    """A format that is converted already: a bound format passes here again with each call."""


def response_format(schema: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Convert a schema to the API's `response_format`.

    Args:
        schema: A pydantic class (v1 or v2), `TypedDict`, JSON schema with a title, an OpenAI
            function, or a `response_format` dict of either endpoint already.
        strict: Ask for output that fits the schema exactly; closes its objects, as the API wants
            it then. None leaves what the schema says of itself.

    Returns:
        `{"type": "json_schema", "json_schema": {name, schema, description?, strict?}}`, or the
        `text` and `json_object` forms as they came.

    Raises:
        AIMLAPIConfigurationError: It cannot be read as a schema.
    """
    if isinstance(schema, WireFormat):
        return schema
    if isinstance(schema, dict) and schema.get("type") in ("text", "json_object"):
        return schema
    function = schemas.read(schema)
    named = function._replace(name=schemas.legal_name(function.name))
    return WireFormat(type="json_schema", json_schema=named.wire("schema", strict=strict))


class StructuredOutput(Runnable[AIMessage, Any]):
    """The last link of the chain: message to object, and chunks to an object that grows.

    Each use is a run of its own, so that callbacks and traces see what was parsed and what failed.
    """

    name = "StructuredOutput"

    def __init__(
        self,
        schema: Any,
        method: Method,
        *,
        tool_name: str | None,
        include_raw: bool,
        other_tools: Collection[str] = (),
    ) -> None:
        """Know what to look for.

        Args:
            schema: What was asked for: a pydantic class gives its instances, all else gives dicts.
            method: How it was asked for.
            tool_name: Name of the tool, with `function_calling`.
            include_raw: Give `{"raw", "parsed", "parsing_error"}` instead of the object alone.
            other_tools: Names of tools that may be called in place of the object.
        """
        self._schema = schema
        self._is_pydantic = isinstance(schema, type) and is_basemodel_subclass(schema)
        self.tool_name = tool_name if method == "function_calling" else None
        self._amid_prose = method == "json_mode"
        self._other_tools = frozenset(other_tools)
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
        if self._is_pydantic:
            return self._schema
        return dict[str, Any]

    @override
    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        kind = self.OutputType
        if kind is self._schema and issubclass(kind, BaseModel):
            model: type[BaseModel] = kind
            return model
        if self._schema is None or self._include_raw:
            return create_model("StructuredOutput", __base__=RootModel[dict[str, Any]])
        return _described(schemas.traced(self._schema))

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
        return self._of_chunks.transform(pieces(input), config)

    @override
    def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        return self._of_chunks.atransform(apieces(input), config)

    def _grow(self, pieces: Iterator[Any]) -> Iterator[Any]:
        growing = GrowingObject(self, include_raw=self._include_raw)
        for piece in pieces:
            yield from growing.add(piece)

    async def _agrow(self, pieces: AsyncIterator[Any]) -> AsyncIterator[Any]:
        growing = GrowingObject(self, include_raw=self._include_raw)
        async for piece in pieces:
            for output in growing.add(piece):
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
        """Return the object that a finished message holds; None if it calls another tool instead.

        Raises:
            AIMLAPIRefusalError: The model refused.
            AIMLAPITruncatedOutputError: It was cut at the token limit, or ended with an error.
            AIMLAPIContentFilterError: A content filter cut it.
            AIMLAPINoToolCallError: By `function_calling`: it holds no call that is whole.
            OutputParserException: It holds no such object.
        """
        if not isinstance(message, BaseMessage):
            raise OutputParserException("There is no message to read an object from.")
        check_finished(message)
        value = self._in_text(message) if self.tool_name is None else self._in_calls(message)
        return None if value is None else self._made(value)

    def _in_text(self, message: BaseMessage) -> Any:
        text = str(message.text)
        try:
            return whole_value(text, amid_prose=self._amid_prose)
        except ValueError as error:
            calls = _calls_of(message)
            if any(name in self._other_tools for name, args, _ in calls if args is not None):
                return None
            raise OutputParserException(
                f"The answer is no whole JSON object: {text!r:.1000}", llm_output=text
            ) from error

    def _in_calls(self, message: BaseMessage) -> Any:
        calls = _calls_of(message)
        for name, args, text in calls:
            if name == self.tool_name:
                if args is not None:
                    return args
                raise AIMLAPINoToolCallError(
                    f"The arguments of {name!r} are no whole JSON object: {text!r:.1000}",
                    llm_output=text,
                    raw_message=message,  # type: ignore[arg-type]
                )
        if any(name in self._other_tools and args is not None for name, args, _ in calls):
            return None
        said = str(message.text)
        raise AIMLAPINoToolCallError(
            f"The model did not call {self.tool_name!r}. "
            + (f"It said: {said!r:.1000}" if said.strip() else "It said nothing.")
            + " Ask again, or use method='json_schema'.",
            llm_output=said,
            raw_message=message,  # type: ignore[arg-type]
        )

    def _made(self, value: Any) -> Any:
        if not self._is_pydantic:
            return value
        try:
            if issubclass(self._schema, BaseModel):
                return self._schema.model_validate(value)
            return self._schema.parse_obj(value)
        except ValueError as error:
            if self.tool_name is not None:
                raise
            text = json.dumps(value, ensure_ascii=False)
            raise OutputParserException(
                f"Failed to parse {self._schema.__name__} from completion {text}. Got: {error}",
                llm_output=text,
            ) from error

    def parse_part(self, text: str) -> Any:
        """Return what can be told of the object so far, None if nothing."""
        start = text.find("{")
        before = text[: max(start, 0)].strip()
        may_begin = not before or before.startswith("```") or self._amid_prose
        if start < 0 or not may_begin or before.startswith("["):
            return None
        text = text[start:]
        try:
            value = from_json(text, allow_partial="trailing-strings", allow_inf_nan=False)
        except (ValueError, TypeError):  # TypeError: pydantic before 2.10 keeps no open strings
            try:
                value = parse_partial_json(text)
                _check_finite(value)
            except (ValueError, RecursionError):
                return None
        try:
            return self._made(value)
        except ValueError:
            return None


def _described(schema: dict[str, Any]) -> type[BaseModel]:
    """Make a class of a JSON schema that pydantic might not resolve: one that refers to itself."""

    class Described(RootModel[dict[str, Any]]):
        @classmethod
        @override
        def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
            return schema

    return Described


def whole_value(text: str, *, amid_prose: bool = False) -> Any:
    """Return the object or list that a text is, white space and one code fence taken off.

    Args:
        text: What the model wrote. Line breaks inside of strings are let pass.
        amid_prose: Take the first object if the text is more than that.

    Raises:
        ValueError: The text is something else, or is not whole.
    """
    if fenced := _FENCE.fullmatch(text):
        text = fenced[1]
    try:
        value = _decoded(text, amid_prose=amid_prose)
        _check_finite(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, (dict, list)):
        raise ValueError("neither an object nor a list")  # noqa: TRY004 - a text of another kind
    return value


def _decoded(text: str, *, amid_prose: bool) -> Any:
    try:
        return loads(text)
    except ValueError:
        decoder = json.JSONDecoder(strict=False)
        if not amid_prose:
            return decoder.decode(text)
        # The first brace only: in an object that was cut, an inner one may be whole.
        return decoder.raw_decode(text, max(text.find("{"), 0))[0]


def _check_finite(value: Any) -> None:
    """Raise ValueError for what JSON cannot hold: NaN, and numbers that Python takes for infinity.

    An agent could not send them back; as a tool's arguments they are refused too.
    """
    json.dumps(value, allow_nan=False)


def _calls_of(message: BaseMessage) -> list[tuple[str | None, dict[str, Any] | None, str]]:
    """Return the calls of a message: name, arguments if they are whole, and their text."""
    if not isinstance(message, AIMessage):
        return []
    valid, invalid = message.tool_calls, message.invalid_tool_calls
    if isinstance(message, AIMessageChunk):
        # LangChain mends the calls in a sum of chunks, so they are read as those of a whole reply.
        read = [
            parse_tool_call(call["name"], call["args"] or "", call["id"])
            for call in message.tool_call_chunks
        ]
        valid = [call for call in read if call["type"] == "tool_call"]
        invalid = [call for call in read if call["type"] == "invalid_tool_call"]
    return [
        *((call["name"], call["args"], "") for call in valid),
        *((bad["name"], None, bad["args"] or "") for bad in invalid),
    ]


def check_finished(message: Any) -> None:
    """Refuse a message that cannot hold the whole object, whatever it holds.

    Raises:
        AIMLAPIRefusalError: The model refused.
        AIMLAPITruncatedOutputError: It was cut at the token limit, or ended with an error.
        AIMLAPIContentFilterError: A content filter cut it.
    """
    if not isinstance(message, AIMessage):
        return
    if refusal := message.additional_kwargs.get("refusal"):
        raise AIMLAPIRefusalError(refusal=refusal, raw_message=message)
    ending = ending_of(message.response_metadata.get("finish_reason"))
    if ending == "length":
        raise AIMLAPITruncatedOutputError(raw_message=message)
    if ending == "content_filter":
        raise AIMLAPIContentFilterError(raw_message=message)
    if ending == "error":
        raise AIMLAPITruncatedOutputError(
            "The answer ended with an error before the structured output was whole; ask again.",
            raw_message=message,
        )
