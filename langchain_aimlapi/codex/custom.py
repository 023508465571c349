"""Tools whose input is text in place of JSON: OpenAI's custom tools."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.tools import Tool
from pydantic import BaseModel, StrictStr
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

_KIND = "custom_tool"
_ARGUMENT = "__arg1"


class _Input(BaseModel):
    """What a free-form tool takes; where it is sent as a function a model may send other JSON."""

    text: StrictStr


class _TextTool(Tool):
    """Takes one text, and has what is none refused as the arguments of any tool are."""

    @override
    def run(self, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
        return super().run(_one(tool_input), *args, **kwargs)

    @override
    async def arun(self, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
        return await super().arun(_one(tool_input), *args, **kwargs)


def _one(given: Any) -> Any:
    """Return the one argument among those that a model sent."""
    if not isinstance(given, dict) or len(given) == 1:
        return given
    return {_ARGUMENT: given.get(_ARGUMENT)}


def _checked(func: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function refuse what is no text."""

    @functools.wraps(func)
    def run(text: Any, *args: Any, **kwargs: Any) -> Any:
        return func(_Input(text=text).text, *args, **kwargs)

    @functools.wraps(func)
    async def arun(text: Any, *args: Any, **kwargs: Any) -> Any:
        return await func(_Input(text=text).text, *args, **kwargs)

    return arun if inspect.iscoroutinefunction(func) else run


def grammar(syntax: Literal["lark", "regex"], definition: str) -> dict[str, Any]:
    """Return the `format` of a custom tool whose input fits a grammar.

    Args:
        syntax: `"lark"` or `"regex"`.
        definition: The grammar, or the regular expression.
    """
    if syntax not in {"lark", "regex"}:
        raise ValueError(f'The syntax of a grammar is "lark" or "regex", not {syntax!r}.')
    return {"type": "grammar", "syntax": syntax, "definition": definition}


def custom_tool(
    func: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    format: dict[str, Any] | None = None,  # noqa: A002 - the API's word, as in langchain-openai
    **options: Any,
) -> Any:
    r"""Make a tool that takes free-form text, from a function of one string.

    The model writes the text as it is: no JSON, no escaping. On the responses endpoint the tool
    goes out as the API's custom tool. The AI/ML API's published schemas do not list these, the
    upstream documents them for the GPT-5 family. On chat completions it goes out as a function with
    one text argument. Its calls are LangChain's for a `Tool`: `{"__arg1": text}`. What
    `langchain_openai`'s `custom_tool` makes works here too.

    Example:
        ```python
        @custom_tool(format=grammar("regex", r"[0-9+*() ]+"))
        def calculate(expression: str) -> str:
            "Calculate with whole numbers."
            return str(eval(expression))
        ```

    Args:
        func: The function, sync or async; None makes a decorator.
        name: The tool's name; None for the function's.
        description: What the model reads; None for the function's docstring.
        format: What the text looks like: `{"type": "text"}`, or a `grammar`. None says nothing.
        options: Fields of LangChain's `Tool`, such as `response_format` or `handle_tool_error`.

    Returns:
        The tool, or a decorator that makes it.

    Raises:
        ValueError: There is neither a docstring nor a description.
    """
    if func is None:
        return lambda function: custom_tool(
            function, name=name, description=description, format=format, **options
        )
    name = name or func.__name__
    description = description or inspect.getdoc(func)
    if not description:
        raise ValueError(f"{name} needs a docstring or a description: the model reads it.")
    metadata = {**(options.pop("metadata", None) or {}), "type": _KIND}
    if format is not None:
        metadata["format"] = format
    is_async = inspect.iscoroutinefunction(func)
    checked = _checked(func)
    return _TextTool(
        name=name,
        func=None if is_async else checked,
        coroutine=checked if is_async else None,
        description=description,
        metadata=metadata,
        **options,
    )
