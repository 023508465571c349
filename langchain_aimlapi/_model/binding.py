"""What is bound to a model: tools to call, and the form of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable
    from langchain_core.tools import BaseTool

    from langchain_aimlapi._messages.structured_output import Method
    from langchain_aimlapi._model.fields import AIMLAPISettings as _Settings
else:
    # Plain methods: a class of pydantic's costs more than all they do.
    _Settings = object


class BindingMethods(_Settings):
    """The methods of `ChatAIMLAPI` that bind tools and schemas to its calls."""

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Let the model call tools.

        Args:
            tools: Functions, `BaseTool`s, pydantic classes, `TypedDict`s, dataclasses, JSON
                schemas, and tool dicts of OpenAI (nested or flat, custom and built-in ones too),
                Anthropic and MCP.
            tool_choice: `"auto"`, `"none"`, `"required"`; `"any"` or True for some tool; the name
                of a tool; or a dict.
            strict: Ask for arguments that fit the schemas exactly.
            parallel_tool_calls: Whether several calls may come at once.
            **kwargs: Bound to each call, `response_format` among them.

        Returns:
            A model with the tools bound.

        Raises:
            AIMLAPIConfigurationError: A tool cannot be read, or `tool_choice` names none of them.
        """
        from langchain_aimlapi._messages.structured_output import response_format
        from langchain_aimlapi._messages.tools import wire_tools

        converted = wire_tools(tools, tool_choice, strict=strict)
        if kwargs.get("response_format") is not None:
            kwargs["response_format"] = response_format(kwargs["response_format"], strict=strict)
        bound = {**converted, "parallel_tool_calls": parallel_tool_calls, **kwargs}
        model: Runnable[LanguageModelInput, AIMessage] = self.bind(
            **{name: value for name, value in bound.items() if value is not None}
        )
        return model

    @override
    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Make the model answer with an object.

        Args:
            schema: A pydantic class (v1 or v2), a `TypedDict`, a dataclass, or a JSON schema with
                a title. Only `json_mode` does without.
            method: `"json_schema"` (the API's own structured output), `"function_calling"`, or
                `"json_mode"` (any JSON; the prompt must ask for it and describe it).
            include_raw: Return `{"raw": message, "parsed": object, "parsing_error": error}` and
                raise nothing for an answer that cannot be parsed.
            strict: Ask for output that fits the schema exactly. Not with `json_mode`.
            **kwargs: Bound to each call. `tools` are more tools that the model may call instead.

        Returns:
            A runnable that gives an instance of a pydantic class, or a dict. Streamed, it gives the
            object as it grows, and raises at the end if it did not become whole. None stands for an
            answer that calls one of `tools`.

        Raises:
            AIMLAPIConfigurationError: The schema cannot be read or does not go with the method.
            AIMLAPITruncatedOutputError: When run: the answer was cut at the token limit.
            AIMLAPIContentFilterError: When run: a content filter cut the answer.
            AIMLAPINoToolCallError: When run, with `function_calling`: there is no whole call.
            AIMLAPIRefusalError: When run: the model refused.
            OutputParserException: When run: the answer is no such object.
        """
        from langchain_aimlapi._messages import schemas
        from langchain_aimlapi._messages.structured_output import StructuredOutput, response_format
        from langchain_aimlapi._messages.tools import wire_tool

        if schema is None and method != "json_mode":
            raise AIMLAPIConfigurationError(f"method={method!r} needs a schema.")
        tool_name = None
        others = [wire_tool(tool) for tool in kwargs.pop("tools", None) or ()]
        if method == "function_calling":
            own = wire_tool(schema, strict=strict)
            tool_name = own["function"]["name"]
            kwargs.setdefault("tool_choice", "required" if others else tool_name)
            kwargs.setdefault("parallel_tool_calls", False)
            llm = self.bind_tools([own, *others], **kwargs)
        elif method == "json_schema":
            kwargs["response_format"] = response_format(schema, strict=strict)
            llm = self.bind_tools(others, **kwargs)
        elif method == "json_mode":
            if strict is not None:
                raise AIMLAPIConfigurationError("strict does not go with method='json_mode'.")
            llm = self.bind_tools(others, response_format={"type": "json_object"}, **kwargs)
        else:
            raise AIMLAPIConfigurationError(
                f"method={method!r} is none of 'json_schema', 'function_calling', 'json_mode'."
            )
        traced = {
            "kwargs": {"method": method, "strict": strict},
            "schema": schemas.traced(schema) if schema is not None else None,
        }
        llm = llm.bind(ls_structured_output_format=traced)
        return llm | StructuredOutput(
            schema,
            method,
            tool_name=tool_name,
            include_raw=include_raw,
            other_tools=[tool["function"]["name"] for tool in others if "function" in tool],
        )
