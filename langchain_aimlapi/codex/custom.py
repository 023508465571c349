"""Tools whose input is text in place of JSON: OpenAI's custom tools."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

_KIND = "custom_tool"


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
    return Tool(
        name=name,
        func=None if is_async else func,
        coroutine=func if is_async else None,
        description=description,
        metadata=metadata,
        **options,
    )
