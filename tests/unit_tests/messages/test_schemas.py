"""Schemas as they go out: references, strictness, and every way to write one in Python."""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import json
import re
import typing
from typing import Annotated, Any, Literal

import hypothesis
import pytest
import typing_extensions
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.v1 import BaseModel as BaseModelV1

from langchain_aimlapi._messages import schemas
from langchain_aimlapi._messages.structured_output import response_format
from langchain_aimlapi._messages.tools import wire_tool
from langchain_aimlapi.errors import AIMLAPIConfigurationError

SAYABLE = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const"),
    *("anyOf", "$ref", "$defs", "description", "pattern", "format", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
}


def assert_strict(node: dict[str, Any], root: dict[str, Any] | None = None) -> None:
    """Hold a schema to the published rules of strict structured outputs."""
    if root is None:
        root = node
        assert node["type"] == "object"
    assert set(node) <= SAYABLE, set(node) - SAYABLE
    assert node.keys() & {"type", "enum", "const", "anyOf", "$ref"}, "anything goes"
    if "$ref" in node:
        assert set(node) == {"$ref"}
        assert node["$ref"] == "#" or node["$ref"].removeprefix("#/$defs/") in root["$defs"]
    if node.get("type") == "object" or "object" in (node.get("type") or ()):
        assert node["additionalProperties"] is False
        assert sorted(node["required"]) == sorted(node["properties"])
    if node.get("type") == "array":
        assert "items" in node
    inner = [*node.get("properties", {}).values(), *node.get("$defs", {}).values()]
    inner += node.get("anyOf", [])
    inner += [node["items"]] if "items" in node else []
    for each in inner:
        assert_strict(each, root)


def sent(given: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Return the schema of a response format; a tool's is the same."""
    schema = response_format(given, strict=strict)["json_schema"]["schema"]
    Draft202012Validator.check_schema(schema)
    json.dumps(schema, allow_nan=False)
    assert wire_tool(given, strict=strict)["function"]["parameters"] == schema
    return schema


# --- recursion ----------------------------------------------------------------------------------


class Node(BaseModel):
    """A node."""

    value: int = Field(description="What it holds")
    children: list[Node] = []
    best: Node | None = Field(None, description="The best child")


class Leaf(BaseModel):
    """A leaf."""

    name: str


class Tree(BaseModel):
    """A tree."""

    root: Node
    left: Leaf
    right: Leaf = Field(description="On the right")


class Employee(BaseModel):
    """One of two that know each other."""

    boss: Manager | None = None


class Manager(BaseModel):
    """The other."""

    team: list[Employee]


class OldNode(BaseModelV1):
    """A node of pydantic 1."""

    children: list[OldNode] = []


OldNode.update_forward_refs()


class TypedNode(typing.TypedDict):
    """A node."""

    value: int
    children: list[TypedNode]


@dataclasses.dataclass
class DataNode:
    """A node."""

    value: int
    children: list[DataNode] = dataclasses.field(default_factory=list)


RECURSIVE_JSON = {
    "title": "Thing",
    "type": "object",
    "properties": {"inside": {"type": "array", "items": {"$ref": "#"}}},
}
NESTED = {"children": [{"children": [], "value": 2}], "value": 1}


@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize(
    "given", [Node, OldNode, TypedNode, DataNode], ids=lambda kind: kind.__name__
)
def test_a_recursive_class_keeps_its_shape(given, strict):
    schema = sent(given, strict=strict)
    assert schema["type"] == "object"
    validator = Draft202012Validator(schema)
    bad = {"children": [{"children": 7}]}
    assert any(
        list(error.absolute_path)[:1] == ["children"] for error in validator.iter_errors(bad)
    )
    items = schema["properties"]["children"]["items"]
    assert items == {"$ref": f"#/$defs/{given.__name__}"}
    if strict:
        assert_strict(schema)


def test_only_circular_references_stay():
    schema = sent(Tree)
    assert list(schema["$defs"]) == ["Node"]
    assert schema["properties"]["left"]["properties"] == {"name": {"type": "string"}}
    assert schema["properties"]["right"]["description"] == "On the right"
    assert "children" in schema["$defs"]["Node"]["properties"]
    assert_strict(sent(Tree, strict=True))


def test_classes_that_know_each_other():
    schema = sent(Employee)
    assert schema["properties"]["boss"]["anyOf"][0] == {"$ref": "#/$defs/Manager"}
    assert set(schema["$defs"]) == {"Employee", "Manager"}
    assert_strict(sent(Employee, strict=True))


def test_a_schema_that_refers_to_its_root():
    assert sent(RECURSIVE_JSON)["properties"]["inside"]["items"] == {"$ref": "#"}
    assert_strict(sent(RECURSIVE_JSON, strict=True))


@pytest.mark.parametrize("pointer", ["#/$defs/Absent", "https://example.com/a.json", "#/a/b"])
def test_a_reference_that_leads_nowhere_is_named(pointer):
    given = {"title": "T", "type": "object", "properties": {"a": {"$ref": pointer}}}
    with pytest.raises(AIMLAPIConfigurationError, match=re.escape(pointer)):
        response_format(given)


def test_a_definition_of_nothing_but_itself_ends():
    given = {"title": "T", "$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}
    with pytest.raises(AIMLAPIConfigurationError, match="object"):
        response_format(given)


# --- strict -------------------------------------------------------------------------------------


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(9, ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = Field(default_factory=list, max_length=3)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Zoo(BaseModel):
    """A zoo."""

    name: str = Field("Zoo", min_length=1, max_length=9, pattern="^[A-Z]")
    opened: str | None = None
    animals: list[Annotated[Cat | Dog, Field(discriminator="kind")]]
    star: Cat | None = None
    colour: Colour = Field(Colour.RED, description="The colour")
    count: int = Field(1, multiple_of=2)


class Named(BaseModel):
    """Properties that are called what keywords are called."""

    title: str
    default: int
    type: str
    properties: list[str]
    items: str
    enum: str
    ref: str = Field(alias="$ref")


@pytest.mark.parametrize("given", [Zoo, Named, Tree])
def test_strict_is_legal_at_every_depth(given):
    assert_strict(sent(given, strict=True))


def test_strict_keeps_what_it_may_and_adds_no_null():
    schema = sent(Zoo, strict=True)
    assert schema["properties"]["name"] == {"type": "string", "pattern": "^[A-Z]"}
    assert schema["properties"]["count"] == {"type": "integer", "multipleOf": 2}
    cat, dog = schema["properties"]["animals"]["items"]["anyOf"]
    assert cat["properties"]["lives"] == {"type": "integer", "minimum": 1, "maximum": 9}
    assert dog["properties"]["tricks"]["maxItems"] == 3
    assert schema["properties"]["opened"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert schema["properties"]["colour"]["enum"] == ["red", "blue"]
    assert schema["properties"]["colour"]["description"] == "The colour"


@pytest.mark.parametrize("strict", [None, True])
def test_properties_that_are_called_as_keywords_are(strict):
    schema = sent(Named, strict=strict)
    named = {"title", "default", "type", "properties", "items", "enum", "$ref"}
    assert set(schema["properties"]) == set(schema["required"]) == named
    assert schema["properties"]["title"] == {"type": "string"}
    assert schema["properties"]["$ref"] == {"type": "string"}


def test_without_strict_the_schema_is_left_alone():
    inner = {"type": "object", "title": "In", "properties": {"b": {"minLength": 2, "default": "x"}}}
    given = {"title": "T", "type": "object", "properties": {"a": inner}, "minProperties": 1}
    before = copy.deepcopy(given)
    assert sent(given) == {key: given[key] for key in given if key != "title"}
    assert_in = wire_tool(given)["function"]["parameters"]
    assert_in["properties"]["a"]["title"] = "Changed"
    assert given == before


def open_dict(inner: Any) -> dict[str, Any]:
    return {"title": "T", "type": "object", "properties": {"a": inner}}


UNSAYABLE = {
    "allOf": open_dict({"allOf": [{"type": "string"}, {"minLength": 1}]}),
    "allOf beside a type": open_dict(
        {"type": "string", "allOf": [{"minLength": 1}, {"maxLength": 9}]}
    ),
    "not": open_dict({"type": "string", "not": {"const": "x"}}),
    "if": open_dict({"type": "string", "if": {"const": "x"}, "then": {}}),
    "oneOf": open_dict({"oneOf": [{"type": "string"}], "anyOf": [{"type": "string"}]}),
    "dependentRequired": open_dict({"type": "object", "dependentRequired": {"a": ["b"]}}),
    "dependentSchemas": open_dict({"type": "object", "dependentSchemas": {}}),
    "prefixItems": open_dict({"type": "array", "prefixItems": [{"type": "string"}]}),
    "tuple": open_dict({"type": "array", "items": [{"type": "string"}]}),
    "patternProperties": open_dict({"type": "object", "patternProperties": {}}),
    "open dict": open_dict({"type": "object", "additionalProperties": {"type": "integer"}}),
    "free dict": open_dict({"type": "object"}),
    "Any": open_dict({}),
    "True": open_dict(True),
    "described Any": open_dict({"description": "Anything"}),
    "list of Any": open_dict({"type": "array"}),
    "list of {}": open_dict({"type": "array", "items": {}}),
    "deep": open_dict({"anyOf": [{"type": "array", "items": {"type": "object"}}]}),
}


@pytest.mark.parametrize("given", UNSAYABLE.values(), ids=UNSAYABLE.keys())
def test_what_strict_cannot_say_is_refused_with_its_path(given):
    with pytest.raises(
        AIMLAPIConfigurationError, match=r"strict=True cannot be kept: /properties/a"
    ):
        response_format(given, strict=True)
    assert response_format(given)["json_schema"]["schema"]["properties"] == given["properties"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"format": "date-time"}, True),
        ({"format": "uuid"}, True),
        ({"format": "uri"}, False),
        ({"format": "binary"}, False),
        ({"pattern": "^[A-Z]+$"}, True),
        ({"pattern": r"[(]?=x\(?!"}, True),
        ({"pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}, False),
        ({"pattern": r"\\(?<=a)b"}, False),
    ],
    ids=str,
)
def test_strict_keeps_the_formats_and_patterns_that_the_upstream_takes(said, kept):
    given = open_dict({"type": "string", **said})
    assert sent(given, strict=True)["properties"]["a"] == {
        "type": "string",
        **(said if kept else {}),
    }
    assert sent(given) == {key: given[key] for key in given if key != "title"}


ROOT = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "given",
    [
        {"allOf": [ROOT]},
        {"allOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": {"allOf": [ROOT]}}},
        {**ROOT, "type": ["object", "null"]},
        {**ROOT, "nullable": True},
        {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
    ],
    ids=str,
)
def test_a_root_that_is_an_object_in_other_words(given):
    schema = sent({"title": "T", **given}, strict=True)
    assert schema == {**ROOT, "required": ["a"], "additionalProperties": False}
    assert sent({"title": "T", **given})["properties"] == ROOT["properties"]


@pytest.mark.parametrize("choice", ["anyOf", "oneOf"])
def test_the_root_of_a_strict_schema_is_no_choice(choice):
    given = {"title": "T", **ROOT, choice: [{"required": ["a"]}]}
    with pytest.raises(AIMLAPIConfigurationError, match=f"the root is one with '{choice}'"):
        response_format(given, strict=True)


@pytest.mark.parametrize("strict", [None, True, False])
@pytest.mark.parametrize("is_flat", [False, True])
def test_a_format_of_either_endpoint_is_read_as_any_schema(strict, is_flat):
    inner = {
        "name": "my note.",
        "description": None,
        "strict": strict,
        "schema": {**open_dict({"$ref": "#/$defs/A"}), "$defs": {"A": {"type": "string"}}},
    }
    given = {"type": "json_schema", **(inner if is_flat else {"json_schema": inner})}
    wire = response_format(given)
    assert response_format(wire) == wire
    wire = wire["json_schema"]
    assert (wire["name"], wire.get("strict")) == ("my_note", strict)
    assert "description" not in wire
    assert wire["schema"]["properties"] == {"a": {"type": "string"}}
    assert wire["schema"].get("additionalProperties") is (False if strict else None)


def test_titles_in_other_scripts_become_names_that_differ():
    names = {response_format({"title": title, **ROOT})["json_schema"]["name"] for title in "天地人"}
    assert len(names) == 3
    assert all(schemas.NAME.fullmatch(name) for name in names)


# --- ways to write one --------------------------------------------------------------------------


class Inner(typing.TypedDict, total=False):
    x: typing_extensions.Required[int]
    y: str


class Booking(typing.TypedDict):
    """A booking.

    Args:
        city: Where to
            go.
    """

    city: str
    nights: typing_extensions.NotRequired[int]
    note: str | None
    room: Annotated[str, ..., "Kind of room"]
    guests: Annotated[int, 2, "How many"]
    beds: Annotated[typing_extensions.NotRequired[int], Field(ge=1)]
    view: Annotated[str, "To which side"]
    stars: typing_extensions.ReadOnly[Annotated[int, 3]]
    prices: list[Annotated[Annotated[int, Field(ge=1)], Field(le=9)]]
    inner: list[Inner]
    schema: dict[str, Inner]


def test_a_typed_dict():
    wire = response_format(Booking)["json_schema"]
    assert (wire["name"], wire["description"]) == ("Booking", "A booking.")
    schema = sent(Booking)
    assert schema["required"] == ["city", "note", "room", "view", "prices", "inner", "schema"]
    properties = schema["properties"]
    assert properties["city"] == {"type": "string", "description": "Where to go."}
    assert properties["nights"] == {"type": "integer"}
    assert properties["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert properties["room"] == {"type": "string", "description": "Kind of room"}
    assert properties["guests"] == {"type": "integer", "default": 2, "description": "How many"}
    assert properties["beds"] == {"type": "integer", "minimum": 1}
    assert properties["view"] == {"type": "string", "description": "To which side"}
    assert properties["stars"] == {"type": "integer", "default": 3}
    assert properties["prices"]["items"] == {"type": "integer", "minimum": 1, "maximum": 9}
    assert properties["inner"]["items"]["required"] == ["x"]
    assert properties["schema"]["additionalProperties"]["required"] == ["x"]


Spelled = typing.TypedDict("Spelled", {"a b": int, "$ref": str, "class": str, "_x": int})


def test_keys_of_a_typed_dict_that_are_no_names():
    assert list(sent(Spelled)["properties"]) == ["a b", "$ref", "class", "_x"]


@dataclasses.dataclass
class Point:
    """A point."""

    x: int
    y: int | None = None


@dataclasses.dataclass
class Bare:
    point: Point


def test_a_dataclass():
    wire = response_format(Point)["json_schema"]
    assert (wire["name"], wire["description"]) == ("Point", "A point.")
    assert sent(Point)["required"] == ["x"]
    assert "description" not in response_format(Bare)["json_schema"]
    assert sent(Bare)["properties"]["point"]["properties"]["x"] == {"type": "integer"}
    assert_strict(sent(Bare, strict=True))


class Titled(BaseModel):
    model_config = ConfigDict(title="Über my joke (v2)! " + "x" * 80)

    a: int


@pytest.mark.parametrize("title", ["A joke!", "a.b/c", "x" * 80, "Ünder", "Box[int]"])
def test_titles_become_legal_names(title):
    for given in ({"title": title, "type": "object"}, Titled):
        name = response_format(given)["json_schema"]["name"]
        assert schemas.NAME.fullmatch(name)
        assert wire_tool(given)["function"]["name"] == name


def test_a_description_of_none_is_left_out():
    given = {"name": "f", "description": None, "parameters": {"type": "object"}}
    assert "description" not in wire_tool(given)["function"]
    assert "description" not in response_format(Titled)["json_schema"]


@pytest.mark.parametrize(
    "given",
    [
        Colour,
        list[Point],
        list[int],
        int,
        str,
        dict,
        Cat | Dog,
        RootModel[list[int]],
        typing.NewType("Count", int),
        Any,
        object,
        {"title": "Names", "type": "array", "items": {"type": "string"}},
        {"title": "Broken", "type": "object", "properties": ["a"]},
        5,
        "Joke",
    ],
    ids=str,
)
@pytest.mark.parametrize("convert", [response_format, wire_tool])
def test_what_is_no_object_is_refused_by_name(given, convert):
    with pytest.raises(AIMLAPIConfigurationError, match="Not a tool or schema") as caught:
        convert(given)
    named = getattr(given, "__name__", "")
    assert named.partition("[")[0] in str(caught.value)


# --- what else is understood --------------------------------------------------------------------

Kind = typing.TypeVar("Kind")


class Box(BaseModel, typing.Generic[Kind]):
    inside: Kind


@dataclasses.dataclass
class DataBox(typing.Generic[Kind]):
    """A box."""

    inside: Kind


class TypedBox(typing_extensions.TypedDict, typing.Generic[Kind]):
    """A box."""

    inside: Kind


@pytest.mark.parametrize("given", [Box[Cat], DataBox[Cat], TypedBox[Cat]], ids=str)
def test_generics_with_their_types_filled_in(given):
    schema = sent(given, strict=True)
    assert set(schema["properties"]["inside"]["properties"]) == {"kind", "lives"}
    assert_strict(schema)


def add(a: int, b: str = "x", *, c: bool = True) -> str:
    """Add up."""
    return f"{a}{b}{c}"


class Adder:
    def __call__(self, a: int) -> int:
        """Add one."""
        return a + 1

    def named(self, a: int) -> int:
        """Add two."""
        return a + 2


@pytest.mark.parametrize(
    ("given", "name", "description", "properties"),
    [
        (functools.partial(add, c=False), "add", "Add up.", ["a", "b"]),
        (functools.partial(add, 1), "add", "Add up.", ["b", "c"]),
        (Adder(), "Adder", "Add one.", ["a"]),
        (Adder().named, "named", "Add two.", ["a"]),
    ],
)
def test_what_can_be_called(given, name, description, properties):
    function = wire_tool(given)["function"]
    assert (function["name"], function["description"]) == (name, description)
    assert list(function["parameters"]["properties"]) == properties


REFERENCES = {
    "anchor": ("#thing", {"$defs": {"a": {"$anchor": "thing", "type": "string"}}}),
    "old anchor": ("#thing", {"definitions": {"a": {"$id": "#thing", "type": "string"}}}),
    "escaped": ("#/$defs/A%20b~1c", {"$defs": {"A b/c": {"type": "string"}}}),
    "own address": ("https://a.b/c#/$defs/A", {"$defs": {"A": {"type": "string"}}}),
    "nested": ("#/properties/b/$defs/A", {}),
    "in a list": ("#/$defs/A/anyOf/1", {"$defs": {"A": {"anyOf": [{}, {"type": "string"}]}}}),
}


@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize(("pointer", "beside"), REFERENCES.values(), ids=REFERENCES)
def test_references_of_every_kind(pointer, beside, strict):
    inner = {"type": "object", "$defs": {"A": {"type": "string"}}, "additionalProperties": False}
    given = {
        "$id": "https://a.b/c",
        "title": "T",
        "type": "object",
        "properties": {"a": {"$ref": pointer}, "b": inner},
        **beside,
    }
    schema = sent(given, strict=strict)
    assert schema["properties"]["a"]["type"] == "string"
    assert "$defs" not in json.dumps(schema)
    if strict:
        assert_strict(schema)


_REFERENCE = {"$ref": "#/$defs/A"}


@pytest.mark.parametrize(
    "inner",
    [
        *(
            {key: _REFERENCE}
            for key in (
                *("items", "additionalProperties", "contains", "propertyNames", "not", "if"),
                *("then", "else", "unevaluatedItems", "unevaluatedProperties", "additionalItems"),
            )
        ),
        *({key: {"x": _REFERENCE}} for key in ("properties", "patternProperties")),
        {"dependentSchemas": {"x": _REFERENCE}},
        *(
            {key: [_REFERENCE, {"type": "null"}]}
            for key in ("anyOf", "allOf", "oneOf", "prefixItems")
        ),
    ],
    ids=lambda inner: next(iter(inner)),
)
def test_references_are_found_wherever_schemas_stand(inner):
    given = {**open_dict(inner), "$defs": {"A": {"type": "string"}}}
    wanted = json.loads(json.dumps(inner).replace(json.dumps(_REFERENCE), '{"type": "string"}'))
    assert sent(given) == {"type": "object", "properties": {"a": wanted}}


@pytest.mark.parametrize("key", ["default", "const", "examples", "enum"])
def test_what_looks_like_a_reference_in_data_is_none(key):
    data = [_REFERENCE] if key in {"examples", "enum"} else _REFERENCE
    assert sent(open_dict({key: data}))["properties"] == {"a": {key: data}}


def test_the_mapping_of_a_discriminator_goes_with_the_definitions():
    assert "#/$defs" not in json.dumps(sent(Zoo))
    assert sent(Zoo)["properties"]["animals"]["items"]["discriminator"] == {"propertyName": "kind"}


def test_words_of_none_are_left_out_at_every_depth():
    inner = {"type": "string", "description": None, "title": None, "default": None}
    given = {"title": "T", "type": "object", "properties": {"description": inner}}
    assert sent(given)["properties"] == {"description": {"type": "string", "default": None}}


@pytest.mark.parametrize(
    ("inner", "wanted"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "string", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        ({"const": 1, "nullable": True}, {"anyOf": [{"const": 1}, {"type": "null"}]}),
        ({"type": "string", "$comment": "x", "x-own": 1, "readOnly": True}, {"type": "string"}),
        ({"type": "string", "contentEncoding": "base64", "examples": ["x"]}, {"type": "string"}),
    ],
)
def test_what_strict_says_in_other_words_or_leaves_out(inner, wanted):
    schema = sent(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **open_dict(inner)}, strict=True
    )
    assert schema["properties"]["a"] == wanted
    assert_strict(schema)


def test_a_format_in_the_words_of_the_responses_endpoint():
    flat = {"type": "json_schema", "name": "x", "schema": open_dict({"type": "string"})}
    nested = {"type": "json_schema", "json_schema": {key: flat[key] for key in ("name", "schema")}}
    assert response_format(flat) == response_format(nested) == nested
    assert_strict(response_format(flat, strict=True)["json_schema"]["schema"])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "given",
    [
        {"title": "T", "$ref": "#/$defs/A", "$defs": {"A": open_dict({"type": "string"})}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        {"title": "T", "type": "object", "$comment": "x"},
    ],
)
def test_nothing_is_said_to_be_lost_of_a_schema_that_is_sent(given):
    assert wire_tool(given)["type"] == "function"


# --- any schema at all --------------------------------------------------------------------------


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Make schemas of many kinds, some of which strict schemas cannot say."""
    leaves = st.one_of(
        st.sampled_from(
            [
                {"type": "string", "minLength": 1, "pattern": "^a"},
                {"type": ["integer", "null"], "minimum": 1, "default": None},
                {"enum": ["a", 1, None], "title": "Choice"},
                {"const": "x", "description": "Always x"},
                {"type": "string", "format": "date", "nullable": True},
                {"$ref": "#/$defs/Leaf"},
                {"$ref": "#/$defs/Loop", "description": "Again"},
                {"$ref": "#"},
                {"type": "object", "additionalProperties": {"type": "string"}},
                {"type": "array"},
                {},
            ]
        )
    )
    names = st.sampled_from(["a", "title", "default", "properties", "$ref", "items", "enum"])

    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        lists = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            st.builds(lambda each: {"type": "array", "items": each, "uniqueItems": True}, inner),
            st.builds(lambda each: {"anyOf": each}, lists),
            st.builds(lambda each: {"oneOf": each, "discriminator": {"propertyName": "a"}}, lists),
            st.builds(lambda each: {"allOf": each, "description": "All"}, lists),
            st.builds(
                lambda each: {"type": "object", "properties": each, "minProperties": 1},
                st.dictionaries(names, inner, max_size=3),
            ),
        )

    return st.builds(
        lambda properties: {
            "title": "T",
            "type": "object",
            "properties": properties,
            "$defs": {
                "Leaf": {"type": "object", "properties": {"a": {"type": "string"}}},
                "Loop": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Loop"}}},
            },
        },
        st.dictionaries(names, st.recursive(leaves, grown, max_leaves=8), max_size=4),
    )


@hypothesis.settings(max_examples=150)
@hypothesis.given(documents())
def test_any_schema_becomes_a_strict_one_or_is_refused_with_its_path(given):
    before = copy.deepcopy(given)
    refused = None
    try:
        schema = response_format(given, strict=True)["json_schema"]["schema"]
        Draft202012Validator.check_schema(schema)
        assert_strict(schema)
    except AIMLAPIConfigurationError as error:
        refused = str(error)
    told = re.compile(r"strict=True cannot be kept: (/(properties|\$defs)|the root)")
    assert refused is None or told.match(refused)
    assert given == before
    plain = response_format(given)["json_schema"]["schema"]
    assert plain["properties"].keys() == given["properties"].keys()
