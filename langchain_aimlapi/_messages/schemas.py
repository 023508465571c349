"""From all that Python calls a schema to a name, a description and a JSON schema.

LangChain's own converter resolves references of a recursive class away, fails on `NotRequired` and
takes an `Enum` for a function. So kinds are told apart here, and pydantic describes them.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import inspect
import re
from contextlib import contextmanager
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
)

from langchain_core.tools import BaseTool, Tool, create_schema_from_function
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError
from typing_extensions import NotRequired, ReadOnly, Required, get_type_hints, is_typeddict

from langchain_aimlapi._messages import json_schema
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What the API takes for the name of a schema or of a function."""

_NO_OBJECTS = (str, bytes, int, float, complex, list, tuple, set, frozenset, dict, enum.Enum)
SCHEMA_KEYS = (
    *("parameters", "input_schema", "inputSchema", "schema"),
    *("parametersJsonSchema", "parameters_json_schema"),
)
"""Where the schema stands: OpenAI's functions, Anthropic's and MCP's tools, OpenAI's formats,
Google's functions."""
_NOT_FUNCTIONS: tuple[Any, ...] = (Any, object)


class Function(NamedTuple):
    """What the API wants to know of a schema or a function."""

    name: str
    description: str | None
    schema: dict[str, Any]
    strict: bool | None = None
    """What the given dict itself says about it."""

    def wire(self, key: str, *, strict: bool | None) -> dict[str, Any]:
        """Return it as the API takes it, its schema under `key`.

        Args:
            key: `parameters` or `schema`.
            strict: Counts where the function has no word of its own.

        Raises:
            AIMLAPIConfigurationError: The schema is none of an object, or cannot be strict.
        """
        strict = strict if self.strict is None else self.strict
        wire: dict[str, Any] = {"name": self.name}
        if self.description:
            wire["description"] = self.description
        with _describing(repr(self.name)):
            schema = _object(self.name, json_schema.inlined(self.schema))
            wire[key] = json_schema.strict(schema) if strict else schema
        if strict is not None:
            wire["strict"] = strict
        return wire


def read(given: Any) -> Function:
    """Tell what kind of schema something is, and describe it.

    Args:
        given: A pydantic class (v1 or v2), `TypedDict`, dataclass, function, `BaseTool`, or a dict:
            a JSON schema with a title, or a function as OpenAI, Anthropic, Bedrock or MCP write it.

    Raises:
        AIMLAPIConfigurationError: It is nothing of the kind.
    """
    with _describing(kind_of(given)):
        return _read(given)


@contextmanager
def _describing(what: str) -> Iterator[None]:
    """Name what has no description or a broken one."""
    try:
        yield
    except AIMLAPIConfigurationError:
        raise
    except (PydanticUserError, *_BROKEN) as error:
        raise AIMLAPIConfigurationError(
            f"Not a tool or schema: {what} cannot be described as JSON "
            f"({type(error).__name__}: {error})."
        ) from error


_BROKEN = (ValueError, TypeError, KeyError, NameError, AttributeError, RecursionError)


def _read(given: Any) -> Function:
    if isinstance(given, dict):
        return _from_dict(given)
    if isinstance(given, BaseTool):
        return _from_tool(given)
    if isinstance(given, type) and is_basemodel_subclass(given):
        return _from_pydantic(given)
    if is_typeddict(given):
        return _from_typed_dict(given)
    kind = get_origin(given) or given  # of Box[int]
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or is_typeddict(kind)):
        return _from_dataclass(given, kind)
    is_function = callable(given) and get_origin(given) is None and given not in _NOT_FUNCTIONS
    if hasattr(given, "__supertype__"):  # a NewType
        is_function = False
    if is_function and not (isinstance(given, type) and issubclass(given, _NO_OBJECTS)):
        return _from_callable(given)
    raise _no_object(kind_of(given))


def traced(given: Any) -> dict[str, Any]:
    """Return the JSON schema of a schema, its name for title, as traces and callers like it."""
    function = read(given)
    described = {"description": function.description} if function.description else {}
    return {"title": function.name, **described, **json_schema.inlined(function.schema)}


def legal_name(title: str) -> str:
    """Make a title a name that the API takes: letters, digits, `_` and `-`, 64 at most."""
    if name := re.sub(r"[^a-zA-Z0-9_-]+", "_", title).strip("_")[:64]:
        return name
    # Titles in other scripts differ, and their names have to.
    digest = hashlib.sha256(title.encode(errors="replace")).hexdigest()[:8]
    return f"schema_{digest}" if title else "schema"


def kind_of(value: Any) -> str:
    """Name a value for an error, without what may be secret in it."""
    if isinstance(value, dict):
        return f"a dict with the keys {sorted(map(str, value))}"
    if get_origin(value) is not None:
        return str(value)
    if isinstance(value, type) or value is Any or hasattr(value, "__supertype__"):
        return str(value.__name__)
    return repr(type(value).__name__)


def _no_object(what: str) -> AIMLAPIConfigurationError:
    return AIMLAPIConfigurationError(
        f"Not a tool or schema of an object: {what}. The API takes objects alone. Pass a function, "
        "a BaseTool, a pydantic class, a TypedDict, a dataclass or a JSON schema with a title; to "
        "get a list or a choice, make it a field of one of these."
    )


def _object(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object, with its properties named, be there none.

    Raises:
        AIMLAPIConfigurationError: It is the schema of something else.
    """
    kind = schema.get("type")
    if kind is None and not {"anyOf", "oneOf", "$ref", "enum", "const"}.intersection(schema):
        kind = "object"
    if isinstance(kind, list) and "object" in kind:
        kind = "object"
    if kind != "object":
        raise _no_object(name)
    properties = schema.get("properties") or {}
    if not isinstance(properties, dict):
        raise TypeError("its properties are no dict")
    return {**schema, "type": "object", "properties": properties}


# --- kinds --------------------------------------------------------------------------------------


def _from_dict(given: Mapping[str, Any]) -> Function:
    if isinstance(given.get("function"), dict):
        given = given["function"]
    elif isinstance(given.get("json_schema"), dict):
        given = given["json_schema"]
    elif isinstance(given.get("toolSpec"), dict):
        spec = given["toolSpec"]
        given = {**spec, "parameters": (spec.get("inputSchema") or {}).get("json")}
        given.pop("inputSchema")
    if isinstance(name := given.get("name"), str):
        schema: Any = next((given[key] for key in SCHEMA_KEYS if given.get(key)), {})
        if not isinstance(schema, dict):
            raise _no_object(name)
        return Function(name, given.get("description"), schema, given.get("strict"))
    if isinstance(title := given.get("title"), str):
        rest = {key: given[key] for key in given if key not in {"title", "description", "strict"}}
        return Function(legal_name(title), given.get("description"), rest, given.get("strict"))
    raise AIMLAPIConfigurationError(
        f"Not a tool or schema: {kind_of(dict(given))} has no name. Give a JSON schema a 'title', "
        "a function a 'name'."
    )


def _from_tool(tool: BaseTool) -> Function:
    schema = tool.tool_call_schema
    if isinstance(tool, Tool) and not tool.args_schema:
        # The name that LangChain gives the one argument of such a tool.
        text = {"type": "string"}
        schema = {"type": "object", "properties": {"__arg1": text}, "required": ["__arg1"]}
    described = json_schema.inlined(schema if isinstance(schema, dict) else _schema_of(schema))
    described.pop("description", None)
    return Function(tool.name, tool.description, json_schema.without_titles(described))


def _from_pydantic(model: Any, name: str | None = None) -> Function:
    # A recursive class is described in a definition, title and all: inlining fetches it.
    schema = json_schema.inlined(_schema_of(model))
    title, description = schema.pop("title", model.__name__), schema.pop("description", None)
    return Function(name or legal_name(title), description, json_schema.without_titles(schema))


def _schema_of(model: Any) -> dict[str, Any]:
    schema = model.model_json_schema() if issubclass(model, BaseModel) else model.schema()
    return dict(schema)


def _from_dataclass(given: Any, kind: type) -> Function:
    """Describe a dataclass; also a generic one or a generic `TypedDict` with its types filled in.

    Args:
        given: What was given.
        kind: The class, without its types.
    """
    schema = json_schema.inlined(TypeAdapter(given).json_schema())
    schema.pop("description", None)
    title = schema.pop("title", kind.__name__)
    # Without a docstring the class is given its signature for one.
    words = inspect.cleandoc(kind.__doc__ or "")
    words = "" if words.startswith(f"{kind.__name__}(") else words
    return Function(legal_name(title), words, json_schema.without_titles(schema))


def _from_callable(given: Any) -> Function:
    bound: Mapping[str, Any] = {}
    function = given
    if isinstance(given, functools.partial):
        function = given.func
        bound = inspect.signature(function).bind_partial(*given.args, **given.keywords).arguments
    name = getattr(function, "__name__", None) or type(function).__name__
    if not isinstance(function, type) and not inspect.isroutine(function):
        function = function.__call__  # of an object
    model = create_schema_from_function(
        name,
        function,
        filter_args=tuple(bound),
        parse_docstring=True,
        error_on_invalid_docstring=False,
        include_injected=False,
    )
    described = _from_pydantic(model, name)
    return described._replace(description=model.__doc__ or described.description)


def _from_typed_dict(given: Any) -> Function:
    made: dict[Any, Any] = {}
    model = _model_of(given, made)
    for each in made.values():
        each.model_rebuild(_types_namespace={one.__name__: one for one in made.values()})
    return _from_pydantic(model)


def _model_of(given: Any, made: dict[Any, Any]) -> Any:
    """Make a pydantic class of a `TypedDict`; pydantic itself refuses typing's own before 3.12.

    Docstrings and `Annotated[type, default, description]` count, as LangChain has it. Fields stand
    under aliases: keys of a `TypedDict` may be what names of a class may not.
    """
    made[given] = ForwardRef(given.__name__)
    words, of_keys = _documented(given.__doc__)
    fields: dict[str, Any] = {}
    for position, (key, hint) in enumerate(get_type_hints(given, include_extras=True).items()):
        kind, required, metadata = _unwrapped(hint, key in given.__required_keys__)
        default, description, others = _annotated(metadata)
        settings: dict[str, Any] = {"alias": key}
        if text := of_keys.get(key, description):
            settings["description"] = text
        if default is not ...:
            settings["default"] = default
        elif not required:
            settings["default_factory"] = dict  # Not required, and no default to show.
        kind = _without_typed_dicts(kind, made)
        for other in others:
            kind = Annotated[kind, other]
        fields[f"field_{position}"] = (kind, Field(**settings))
    config = ConfigDict(extra="forbid") if getattr(given, "__closed__", None) else None
    model: Any = create_model(given.__name__, __config__=config, **fields)
    model.__doc__ = words
    made[given] = model
    return model


def _unwrapped(hint: Any, required: bool) -> tuple[Any, bool, tuple[Any, ...]]:  # noqa: FBT001
    """Take `Annotated`, `Required`, `NotRequired` and `ReadOnly` off a type, in any order."""
    metadata: tuple[Any, ...] = ()
    while (origin := get_origin(hint)) in _WRAPPERS:
        if origin is Annotated:
            metadata = (*metadata, *hint.__metadata__)
            hint = hint.__origin__
            continue
        if origin is not ReadOnly:
            required = origin is Required
        hint = get_args(hint)[0]
    return hint, required, metadata


_WRAPPERS = {Annotated, Required, NotRequired, ReadOnly}


def _annotated(metadata: tuple[Any, ...]) -> tuple[Any, str | None, tuple[Any, ...]]:
    """Read LangChain's `default, description`; return default, description and all else."""
    if not metadata:
        return ..., None, ()
    first, *rest = metadata
    if rest and isinstance(rest[0], str):
        return first, rest[0], tuple(rest[1:])
    if first is ... or isinstance(first, (bool, int, float)):
        return first, None, tuple(rest)
    if isinstance(first, str):
        return ..., first, tuple(rest)
    return ..., None, metadata


def _without_typed_dicts(kind: Any, made: dict[Any, Any]) -> Any:
    """Replace each `TypedDict` inside of a type by a pydantic class."""
    if is_typeddict(kind):
        return made.get(kind) or _model_of(kind, made)
    origin, args = get_origin(kind), get_args(kind)
    if origin in {None, Literal}:
        return kind
    inner = tuple(_without_typed_dicts(arg, made) for arg in args)
    if origin is Annotated:
        for other in kind.__metadata__:
            inner = (Annotated[inner[0], other],)
        return inner[0]
    if origin in {Union, UnionType}:
        return Union[inner]  # noqa: UP007
    return origin[inner]


def _documented(docstring: str | None) -> tuple[str | None, dict[str, str]]:
    """Split a Google style docstring into its description and what it says of each key."""
    words, _, arguments = inspect.cleandoc(docstring or "").partition("Args:\n")
    entries = re.findall(r"^\s+(\w+)(?: \([^)]*\))?: (.+(?:\n\s{8,}.+)*)", arguments, re.MULTILINE)
    return words.strip() or None, {key: " ".join(text.split()) for key, text in entries}
