"""Tools and tool choice as they go out, in chat completions terms.

Facts from the vendor's published request schema of `openai/gpt-5-1` (2026-08): a function tool is a
closed object `{type, function: {name, parameters, description?, strict?}}` in which `parameters` is
required; `tool_choice` is `none`, `auto`, `required` or a named function. `allowed_tools` and
custom tools are in its newer schema of a sister model. The responses dialect flattens what is made
here, all but custom tools: these are flat here too, and chat completions makes functions of them.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool

from langchain_aimlapi._messages import schemas
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_OF_TOOLS = frozenset({"defer_loading"})
"""What stands beside a function in a tool; responses takes it."""
_KNOWN = frozenset(
    {
        *("type", "function", "name", "description", "strict", "toolSpec", "json_schema"),
        *("title", "annotations", "outputSchema", "_meta", "icons", *schemas.SCHEMA_KEYS),
    }
)
"""Keys of tool dicts that are read, or that are MCP's own and mean nothing to a model."""
_NAMING = frozenset({"name", "function", "toolSpec", "json_schema"})
"""One of these keys has the name of a tool, which is then no bare schema."""
_WORDS = frozenset({"auto", "none", "required"})
_NOT_BUILTIN = frozenset(
    {
        *("function", "custom", "json_schema"),
        # A JSON schema's.
        *("object", "array", "string", "number", "integer", "boolean", "null"),
    }
)
"""Types of dicts that are no tools of the vendor's own."""


class WireTool(dict[str, Any]):
    """A tool that is converted already: a bound tool passes here again with each call."""


def wire_tool(tool: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Convert anything that LangChain calls a tool to the API's form.

    Args:
        tool: A function, `BaseTool`, pydantic class, `TypedDict`, dataclass, JSON schema, or a dict
            as OpenAI (nested or flat), Anthropic, Bedrock or MCP write tools. A dict of type
            `custom` is a tool that takes free text; of another `type` (`web_search_preview`,
            `mcp`, …) it is one of the API's built-in tools and passes as it is.
        strict: Ask for arguments that fit the schema exactly, where the tool itself does not say:
            its `strict`, in a `BaseTool` among the `extras`.

    Returns:
        A new dict; the caller's own is never changed.

    Raises:
        AIMLAPIConfigurationError: It cannot be read as a tool, or the API would refuse its name.
    """
    if isinstance(tool, WireTool):
        return tool
    if is_builtin_tool(tool):
        return WireTool(tool)
    if isinstance(tool, BaseTool) and (tool.metadata or {}).get("type") == "local_shell":
        return WireTool({"type": "local_shell"})
    if (custom := _custom(tool)) is not None:
        _check_name(custom["name"])
        return WireTool(custom)
    function = schemas.read(tool)
    _check_name(function.name)
    beside = _beside(tool, function.name)
    own = beside.pop("strict", strict)
    wire = {"type": "function", "function": function.wire("parameters", strict=own)}
    return WireTool({**wire, **beside})


def wire_tools(tools: Iterable[Any], choice: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Convert the tools of a call and the choice among them.

    Args:
        tools: See `wire_tool`.
        choice: See `wire_tool_choice`.
        strict: See `wire_tool`.

    Returns:
        The parameters `tools` and `tool_choice`; a choice among no tools is left out.

    Raises:
        AIMLAPIConfigurationError: One of them cannot be read, or the choice names no tool.
    """
    converted = [wire_tool(tool, strict=strict) for tool in tools]
    chosen = wire_tool_choice(choice, converted)
    if not converted:
        return {}
    return {"tools": converted, **({} if chosen is None else {"tool_choice": chosen})}


def is_builtin_tool(tool: Any) -> bool:
    """Tell whether a tool runs at the vendor's (`web_search_preview`, `mcp`, …), not here."""
    return (
        isinstance(tool, dict)
        and isinstance(tool.get("type"), str)
        and tool["type"].lower() not in _NOT_BUILTIN
        and "input_schema" not in tool
        and "properties" not in tool
    )


def _custom(tool: Any) -> dict[str, Any] | None:
    """Return a tool that takes free text, flat; None if it is another."""
    if isinstance(tool, BaseTool) and (tool.metadata or {}).get("type") == "custom_tool":
        custom: dict[str, Any] = {"name": tool.name, "description": tool.description}
        custom["format"] = (tool.metadata or {}).get("format")
    # Anthropic's word for a function with a schema is "custom" too.
    elif isinstance(tool, dict) and tool.get("type") == "custom" and "input_schema" not in tool:
        custom = {**tool, **(tool.get("custom") or {})}
        custom.pop("custom", None)
    else:
        return None
    if isinstance(form := custom.get("format"), dict) and isinstance(form.get("grammar"), dict):
        # Chat completions nests what responses has flat.
        custom["format"] = {"type": "grammar", **form["grammar"]}
    if not isinstance(custom.get("name"), str):
        raise AIMLAPIConfigurationError(f"A custom tool needs a name: {schemas.kind_of(tool)}.")
    return {"type": "custom", **{key: item for key, item in custom.items() if item is not None}}


def function_tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Make a function with one text argument of a custom tool, for where there are none of these.

    Nor is there a place for what says that a function is loaded later. The argument has the name
    that LangChain gives the text of a custom call. What the text has to look like is told to the
    model in words.
    """
    if tool["type"] != "custom":
        return {key: tool[key] for key in tool if key not in _OF_TOOLS}
    words = [tool.get("description") or ""]
    form = tool.get("format") or {}
    form = form.get("grammar") or form
    if definition := form.get("definition"):
        words.append(f"The text must follow this {form.get('syntax', '')} grammar:\n{definition}")
    text = {"type": "string", "description": "The whole input of the tool."}
    function: dict[str, Any] = {"name": tool["name"]}
    if description := "\n\n".join(filter(None, words)):
        function["description"] = description
    function["parameters"] = {
        "type": "object",
        "properties": {"__arg1": text},
        "required": ["__arg1"],
    }
    return {"type": "function", "function": function}


def _check_name(name: str) -> None:
    if not schemas.NAME.fullmatch(name):
        raise AIMLAPIConfigurationError(
            f"The API refuses the tool name {name!r}: names are 1 to 64 letters, digits, _ or -. "
            f"Call it {schemas.legal_name(name)!r}."
        )


def _beside(tool: Any, name: str) -> dict[str, Any]:
    """Return what stands in a tool beside its function, and say what is left out."""
    if isinstance(tool, BaseTool):
        given: Mapping[str, Any] = getattr(tool, "extras", None) or {}
    else:
        # A JSON schema with a title has nothing beside it.
        is_schema = isinstance(tool, dict) and not _NAMING.intersection(tool)
        given = tool if isinstance(tool, dict) and not is_schema else {}
    if isinstance(inner := given.get("function"), dict):
        given = {**inner, **given}
    if lost := given.keys() - _KNOWN - _OF_TOOLS:
        warnings.warn(
            f"{', '.join(sorted(map(str, lost)))} of the tool {name!r} was left out: the API's "
            "tools have no place for it.",
            stacklevel=4,
        )
    return {key: given[key] for key in (*_OF_TOOLS, "strict") if given.get(key) is not None}


# --- tool choice --------------------------------------------------------------------------------


def names_of(tools: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of the functions and custom tools among converted tools."""
    return [_name(tool) for tool in tools if tool["type"] in {"function", "custom"}]


def wire_tool_choice(choice: Any, tools: Sequence[dict[str, Any]]) -> str | dict[str, Any] | None:
    """Convert every form of `tool_choice` that LangChain has.

    Args:
        choice: None or False (no word about it), True or "any" (some tool), "auto", "none",
            "required", the name of a tool, or a dict in OpenAI's or Anthropic's form, for either
            endpoint, `allowed_tools` among them.
        tools: The tools it chooses from, already converted.

    Returns:
        What to send, or None for nothing.

    Raises:
        AIMLAPIConfigurationError: A name that none of the tools has, or no form of a choice.
    """
    if not choice:
        return None
    if choice is True or choice == "any":
        return "required"
    if isinstance(choice, str):
        return choice if choice in _WORDS else _named(choice, tools)
    if isinstance(choice, dict):
        return _from_dict(choice, tools)
    raise AIMLAPIConfigurationError(
        f"tool_choice takes text, True or a dict, not {type(choice).__name__}."
    )


def _named(name: str, tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Choose the tool of a name, or the built-in tool of a type."""
    names = {_name(tool): tool["type"] for tool in tools}
    kind = names.get(name)
    if kind == "function":
        return {"type": "function", "function": {"name": name}}
    if kind == "custom":
        return {"type": "custom", "name": name}
    if kind is not None:
        return {"type": name}
    raise AIMLAPIConfigurationError(
        f"tool_choice={name!r} names none of the tools ({', '.join(names) or 'there are none'}). "
        'Pass one of these names, "auto", "none", "required" or "any".'
    )


def _name(tool: Mapping[str, Any]) -> str:
    if tool["type"] == "function":
        return str(tool["function"]["name"])
    return str(tool["name"] if tool["type"] == "custom" else tool["type"])


def _from_dict(choice: Mapping[str, Any], tools: Sequence[dict[str, Any]]) -> str | dict[str, Any]:
    kind = choice.get("type") or ("function" if {"function", "name"} & choice.keys() else None)
    if kind in _WORDS:
        return str(kind)
    if kind == "any":
        return "required"
    if kind == "allowed_tools":
        allowed = choice.get("allowed_tools") or choice
        named = [
            _named(each, tools) if isinstance(each, str) else _from_dict(each, tools)
            for each in allowed.get("tools") or ()
        ]
        if not named:
            raise AIMLAPIConfigurationError("tool_choice allows no tools: name some in 'tools'.")
        mode = allowed.get("mode", "auto")
        mode = "required" if mode == "any" else mode
        return {"type": kind, "allowed_tools": {"mode": mode, "tools": named}}
    if kind in {"tool", "function", "custom"}:
        inner = choice.get(kind) or choice
        name = inner.get("name") if isinstance(inner, dict) else inner
        if isinstance(name, str):
            return _named(name, tools)
    elif isinstance(kind, str):
        # A choice may leave out the version of a tool.
        if not any(tool["type"].startswith(kind) for tool in tools):
            _named(kind, tools)
        return dict(choice)
    raise AIMLAPIConfigurationError(f"Not a tool_choice: {schemas.kind_of(choice)}.")


def function_choice(choice: Any) -> Any:
    """Choose the function that was made of a custom tool."""
    if not isinstance(choice, dict):
        return choice
    if choice["type"] == "custom":
        return {"type": "function", "function": {"name": choice["name"]}}
    if choice["type"] == "allowed_tools":
        allowed = choice["allowed_tools"]
        tools = [function_choice(each) for each in allowed["tools"]]
        return {"type": "allowed_tools", "allowed_tools": {**allowed, "tools": tools}}
    return choice
