"""JSON schemas as the API takes them: references inlined, and strict where that is asked for.

What strict schemas may hold is from the upstream's published rules of structured outputs (2026-08):
closed objects, all properties required, `anyOf` as the only choice, some keywords not at all. That
some routes of this gateway choke on `$defs` is from the vendor's own SDK, which cuts them off.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Schema = dict[str, Any]

# Where schemas stand inside of a schema. All else is data, in which `$ref` or `title` mean nothing.
_IN_MAPS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
_IN_LISTS = frozenset({"anyOf", "allOf", "oneOf", "prefixItems", "items"})
_ALONE = frozenset(
    {
        *("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then"),
        *("else", "unevaluatedItems", "unevaluatedProperties", "additionalItems"),
    }
)
_DEFINITIONS = frozenset({"$defs", "definitions"})
_OF_REFERENCES = _DEFINITIONS | {"$anchor", "$id"}
"""What means nothing any more once references are replaced."""

_SAYABLE = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const"),
        *("anyOf", "$ref", "$defs", "description", "pattern", "format", "minimum", "maximum"),
        *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
    }
)
"""What a strict schema may hold. All else but what is refused can go: limits that the model then
does not know, and words for readers."""
_REFUSED = frozenset(
    {
        *("not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies"),
        *("prefixItems", "patternProperties", "$dynamicRef", "$recursiveRef"),
    }
)
_ABOVE_STRICT = frozenset({"anyOf", "oneOf", "enum", "const"})
"""What the root of a strict schema may not be: it is one object."""
_FORMATS = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"),
    }
)
"""Formats of texts in strict schemas; the upstream refuses others, pydantic's `uri` among them."""
_LOOKAROUND = re.compile(r"(?<!\\)(?:\\\\)*\(\?<?[=!]")
"""Not in the patterns of strict schemas; pydantic writes one for each `Decimal`."""
_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_ANYTHING = "a value of any type (Any)"
_KINDS = frozenset({"type", "enum", "const", "anyOf", "oneOf", "$ref", "properties"})
"""One of these says what a value may be; a schema without them takes anything."""


def inlined(schema: Schema) -> Schema:
    """Replace references by what they refer to.

    A reference that leads back to itself cannot be: it stays, and what it refers to stands in
    `$defs`. A reference at the root is always replaced, since the root has to be an object.

    Args:
        schema: Any JSON schema; `definitions`, as pydantic 1 makes them, are read too.

    Returns:
        A new schema, which shares nothing with the given one.

    Raises:
        AIMLAPIConfigurationError: A reference leads nowhere, or out of the schema.
    """
    schema = _plain(copy.deepcopy(schema))
    circular = _circular(schema)
    names: dict[str, str] = {}

    def change(node: Schema) -> Schema:
        node = {key: value for key, value in node.items() if key not in _OF_REFERENCES}
        if isinstance(discriminator := node.get("discriminator"), dict):
            # Its mapping refers to definitions, which the alternatives have taken the place of.
            rest = {key: value for key, value in discriminator.items() if key != "mapping"}
            node["discriminator"] = rest
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return _mapped(node, change)
        beside = _mapped({key: value for key, value in node.items() if key != "$ref"}, change)
        if reference not in circular:
            return {**change(_target(schema, reference)), **beside}
        if reference == "#":
            return {"$ref": "#", **beside}
        name = names.setdefault(reference, _unused(_last_part(reference), names.values()))
        return {"$ref": f"#/$defs/{name}", **beside}

    whole = change(_root(schema))
    kept: dict[str, Schema] = {}
    while len(kept) < len(names):
        for reference, name in list(names.items()):
            if name not in kept:
                kept[name] = change(_target(schema, reference))
    return {**whole, "$defs": kept} if kept else whole


def _root(schema: Schema) -> Schema:
    """Return the root without definitions, and without being a reference or an `allOf` of one."""
    root = _merged({key: value for key, value in schema.items() if key not in _DEFINITIONS})
    passed: set[str] = set()
    while isinstance(reference := root.get("$ref"), str) and reference not in passed:
        passed.add(reference)
        beside = {key: value for key, value in root.items() if key != "$ref"}
        root = _merged({**_target(schema, reference), **beside})
    return root


def _plain(node: Schema) -> Schema:
    """Write `allOf` of one reference, as pydantic did before 2.9, as the reference that it is.

    Words that are None, as some frameworks have them, are none; types in capitals are Google's.
    """
    node = {
        key: value
        for key, value in node.items()
        if value is not None or key not in {"title", "description"}
    }
    kind = node.get("type")
    if isinstance(kind, str) and kind not in _TYPES and kind.lower() in _TYPES:
        node["type"] = kind.lower()
    parts = node.get("allOf")
    if isinstance(parts, list) and len(parts) == 1 and [*parts[0]] == ["$ref"]:
        node = {**{key: node[key] for key in node if key != "allOf"}, **parts[0]}
    return _mapped(node, _plain)


def _circular(schema: Schema) -> set[str]:
    """Return the references that lead back to themselves."""
    leads_to: dict[str, set[str]] = {}
    ahead = _references(schema)
    while ahead:
        reference = ahead.pop()
        if reference not in leads_to:
            leads_to[reference] = _references(_target(schema, reference))
            ahead |= leads_to[reference]
    return {start for start in leads_to if start in _reachable(leads_to, start)}


def _reachable(leads_to: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = set(leads_to[start])
    while ahead:
        reference = ahead.pop()
        if reference not in seen:
            seen.add(reference)
            ahead |= leads_to[reference]
    return seen


def _references(node: Schema) -> set[str]:
    """Return the references inside of a schema, not those of its definitions."""
    found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    for key, inner in _inside(node):
        if key not in _DEFINITIONS:
            found |= _references(inner)
    return found


def _target(schema: Schema, reference: str) -> Schema:
    start, _, pointer = reference.partition("#")
    own = {"", schema.get("$id"), schema.get("id")}
    node: Any = schema if "#" in reference and start in own else None
    if pointer and not pointer.startswith("/"):
        node = node and _anchored(node, unquote(pointer))
        pointer = ""
    for part in pointer.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            node = node.get(key) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        raise AIMLAPIConfigurationError(
            f"The schema refers to {reference!r}, which it does not hold. Put the definition into "
            "its $defs."
        )
    return node


def _anchored(node: Schema, name: str) -> Schema | None:
    """Return the schema that has a name of its own, today's or that of older drafts."""
    if node.get("$anchor") == name or node.get("$id") == f"#{name}":
        return node
    found = (_anchored(inner, name) for _, inner in _inside(node))
    return next((each for each in found if each is not None), None)


def _last_part(reference: str) -> str:
    """Name a definition: the last part of a reference, in letters that need no escaping."""
    return re.sub(r"[^\w.-]+", "_", unquote(reference.rpartition("/")[2])).strip("_") or "schema"


def _unused(name: str, taken: Any) -> str:
    while name in taken:
        name += "_"
    return name


def without_titles(schema: Schema) -> Schema:
    """Return a schema without the titles that pydantic makes up; properties of that name stay."""
    bare = {key: value for key, value in schema.items() if key != "title"}
    return _mapped(bare, without_titles)


def strict(schema: Schema) -> Schema:
    """Make a schema one that the upstream takes with `strict`.

    Objects are closed and all of their properties required, those with a default too; no null is
    added. `oneOf` becomes `anyOf`. What strict schemas may not say about a value is left out, and
    what cannot be said without it is refused.

    Args:
        schema: A schema whose references are inlined.

    Raises:
        AIMLAPIConfigurationError: It needs what strict schemas cannot say; names the path.
    """
    if above := sorted(_ABOVE_STRICT.intersection(schema)):
        _refuse("", f"one with {above[0]!r}")
    return _strict({key: value for key, value in schema.items() if key != "nullable"}, "")


def _strict(node: Any, path: str) -> Schema:
    if not isinstance(node, dict):
        _refuse(path, _ANYTHING)
    node = _with_null(_merged(node))
    _check(node, path)
    named = {("anyOf" if key == "oneOf" else key): value for key, value in node.items()}
    wire = {key: value for key, value in named.items() if key in _SAYABLE}
    if wire.get("format") not in _FORMATS:
        wire.pop("format", None)
    if _LOOKAROUND.search(str(wire.get("pattern"))):
        del wire["pattern"]
    if len(wire) > 1 and "$ref" in wire:
        wire = {"anyOf": [{"$ref": wire.pop("$ref")}], **wire}
    if _is(wire, "object"):
        wire.setdefault("properties", {})
        wire["additionalProperties"] = False
        wire["required"] = list(wire["properties"])
    for key in _IN_MAPS.intersection(wire):
        wire[key] = {
            name: _strict(inner, f"{path}/{key}/{name}") for name, inner in wire[key].items()
        }
    for position, inner in enumerate(choices := list(wire.get("anyOf", ()))):
        choices[position] = _strict(inner, f"{path}/anyOf/{position}")
    if choices:
        wire["anyOf"] = choices
    if "items" in wire:
        wire["items"] = _strict(wire["items"], f"{path}/items")
    return wire


def _check(node: Schema, path: str) -> None:
    """Refuse what a strict schema cannot say."""
    if refused := sorted(_REFUSED.intersection(node)):
        _refuse(path, f"one with {refused[0]!r}")
    if "allOf" in node:
        _refuse(path, "one with 'allOf' of several")
    if isinstance(node.get("items"), list):
        _refuse(path, "a tuple (a list of items)")
    if {"oneOf", "anyOf"} <= node.keys():
        _refuse(path, "one with 'oneOf' beside 'anyOf'")
    if path and _KINDS.isdisjoint(node):
        _refuse(path, _ANYTHING)
    if _is(node, "array") and "items" not in node:
        _refuse(f"{path}/items", _ANYTHING)
    # A root without properties is a tool that takes no arguments.
    is_open = node.get("additionalProperties", "properties" not in node and bool(path))
    if _is(node, "object") and is_open is not False:
        _refuse(path, "an open dict")


def _merged(node: Schema) -> Schema:
    """Take the one schema of an `allOf` for what it is: pydantic 1 writes so."""
    parts = node.get("allOf")
    if not isinstance(parts, list) or len(parts) != 1 or not isinstance(parts[0], dict):
        return node
    return _merged({**parts[0], **{key: node[key] for key in node if key != "allOf"}})


def _with_null(node: Schema) -> Schema:
    """Say in JSON schema what OpenAPI's `nullable` says."""
    if node.get("nullable") is not True:
        return node
    rest = {key: value for key, value in node.items() if key != "nullable"}
    if not isinstance(kind := node.get("type"), str):
        return {"anyOf": [rest, {"type": "null"}]}
    choices = {"enum": [*node["enum"], None]} if None not in node.get("enum", (None,)) else {}
    return {**rest, **choices, "type": [kind, "null"]}


def _is(node: Schema, kind: str) -> bool:
    named = node.get("type", "object" if "properties" in node else None)
    return named == kind or (isinstance(named, list) and kind in named)


def _refuse(path: str, what: str) -> NoReturn:
    raise AIMLAPIConfigurationError(
        f"strict=True cannot be kept: {path or 'the root'} is {what}, which strict schemas cannot "
        "say. Give it a type that they can, such as a class with fields, or leave strict out."
    )


def _inside(node: Schema) -> Iterator[tuple[str, Schema]]:
    """Return the schemas right inside of a schema, each with the keyword that holds it."""
    for key, value in node.items():
        inner: list[Any] = []
        if key in _IN_MAPS and isinstance(value, dict):
            inner = list(value.values())
        elif key in _IN_LISTS and isinstance(value, list):
            inner = value
        elif key in _ALONE:
            inner = [value]
        yield from ((key, item) for item in inner if isinstance(item, dict))


def _mapped(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Change the schemas right inside of a schema."""

    def changed(value: Any) -> Any:
        return change(value) if isinstance(value, dict) else value

    wire: Schema = {}
    for key, value in node.items():
        if key in _IN_MAPS and isinstance(value, dict):
            wire[key] = {name: changed(item) for name, item in value.items()}
        elif key in _IN_LISTS and isinstance(value, list):
            wire[key] = [changed(item) for item in value]
        else:
            wire[key] = changed(value) if key in _ALONE else value
    return wire
