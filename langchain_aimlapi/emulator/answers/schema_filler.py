"""A value that is valid for a JSON schema, made from what a prompt offers.

Knows what tool and structured-output schemas are made of: `$ref`, `$defs`, `allOf`, `anyOf`,
`oneOf`, `const`, `enum`, objects, arrays, numbers and strings with their limits and formats. Of
`pattern` it knows only what one of its own samples happens to match; it ignores `not` and `if`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from langchain_aimlapi.emulator.answers.hints import Hints, words

_DEEP = 6
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "PT1H",
    "email": "emulator@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/emulated",
    "url": "https://example.com/emulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "binary": "emulated",
    "byte": "ZW11bGF0ZWQ=",
}
_SAMPLES = (
    *_FORMATS.values(),
    "a",
    "A",
    "abc",
    "ABC",
    "0",
    "1",
    "123",
    "12345",
    "+15550100",
    "AB-1",
)
# Keys for which the prompt itself is the best thing on offer.
_ASKING = {"query", "question", "text", "input", "topic", "prompt", "message", "content", "task"}


def fill(schema: Mapping[str, Any], hints: Hints) -> Any:
    """A value valid for `schema`, filled with `hints` where they fit."""
    return _Filler(schema, hints).value(schema, "", 0)


class _Filler:
    def __init__(self, root: Mapping[str, Any], hints: Hints) -> None:
        self._root = root
        self._hints = hints

    def value(self, schema: Any, key: str, depth: int) -> Any:
        """A value for `schema`, which stands under `key`."""
        flat = self._flatten(schema, depth)
        if "const" in flat:
            return flat["const"]
        if flat.get("enum"):
            return self._one_of(flat["enum"])
        if flat.get("default") is not None and not self._hints.mentions(key):
            return flat["default"]
        makers: dict[str, Callable[[], Any]] = {
            "object": lambda: self._object(flat, depth),
            "array": lambda: self._array(flat, key, depth),
            "integer": lambda: self._number(flat, key, whole=True),
            "number": lambda: self._number(flat, key, whole=False),
            "boolean": lambda: self._hints.named(key) not in {"false", "False", "no"},
            "null": lambda: None,
        }
        return makers.get(_kind(flat, deep=depth > _DEEP), lambda: self._string(flat, key))()

    def _flatten(self, schema: Any, depth: int) -> dict[str, Any]:
        """The schema without references and unions: one branch of each, all merged."""
        flat: dict[str, Any] = dict(schema) if isinstance(schema, Mapping) else {}
        for _ in range(50):
            if "$ref" in flat:
                flat = _merge(self._resolve(flat.pop("$ref")), flat)
            elif "allOf" in flat:
                for part in flat.pop("allOf"):
                    flat = _merge(flat, part)
            elif flat.get("anyOf") or flat.get("oneOf"):
                options = flat.pop("anyOf", None) or flat.pop("oneOf")
                flat = _merge(flat, self._choose(options, deep=depth > _DEEP))
            else:
                break
        return flat

    def _resolve(self, reference: str) -> Any:
        target: Any = self._root
        for part in reference.removeprefix("#").strip("/").split("/"):
            if part:
                target = target.get(part.replace("~1", "/").replace("~0", "~"), {})
        return target

    def _choose(self, options: list[Any], *, deep: bool) -> Any:
        """The first option that is not null; deep down the one that ends soonest."""
        if not deep:
            return next((o for o in options if o != {"type": "null"}), options[0])
        ends = {"null": 0, "boolean": 1, "integer": 1, "number": 1, "string": 1, "array": 2}
        return min(options, key=lambda option: ends.get(option.get("type"), 3))

    def _one_of(self, options: list[Any]) -> Any:
        text = self._hints.text.lower()
        mentioned = (o for o in options if isinstance(o, str) and o and o.lower() in text)
        return next(mentioned, next((o for o in options if o is not None), None))

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = list(schema.get("required") or ())
        wanted = [
            key
            for key in properties
            if key in required or (depth <= _DEEP and self._hints.mentions(key))
        ]
        wanted += [key for key in required if key not in properties]
        filled = {key: self.value(properties.get(key, {}), key, depth + 1) for key in wanted}
        more = schema.get("additionalProperties")
        for number in range(len(filled), schema.get("minProperties", 0)):
            spare = [key for key in properties if key not in filled]
            key = spare[0] if spare else f"key{number}"
            filled[key] = self.value(properties.get(key, more or {}), key, depth + 1)
        return filled

    def _array(self, schema: dict[str, Any], key: str, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 100)
        first = schema.get("prefixItems") or ()
        filled = [self.value(part, key, depth + 1) for part in first]
        items = schema.get("items", {})
        if items is False:
            return filled
        kind = self._flatten(items, depth)
        offers = {
            "integer": len(self._hints.numbers),
            "number": len(self._hints.numbers),
            "string": len(self._hints.quoted),
        }
        several = 1 if "enum" in kind or first else offers.get(str(kind.get("type")), 1)
        length = least if depth > _DEEP else min(max(least, several, 1), most)
        taken: list[Any] = []
        while len(filled) < length:
            choices = kind.get("enum")
            value = self.value(items, key, depth + 1)
            if schema.get("uniqueItems") and value in taken:
                value = _different(value, taken, choices)
            taken.append(value)
            filled.append(value)
        return filled

    def _number(self, schema: dict[str, Any], key: str, *, whole: bool) -> float:
        named = self._hints.named(key)
        if named is not None and re.fullmatch(r"-?\d+(\.\d+)?", named):
            value = _parse(named, whole=whole)
            if value is not None and _fits(value, schema):
                if named in self._hints.numbers:
                    self._hints.numbers.remove(named)
                return value
        for text in list(self._hints.numbers):
            value = _parse(text, whole=whole)
            if value is not None and _fits(value, schema):
                self._hints.numbers.remove(text)
                return value
        return _within(schema, whole=whole)

    def _string(self, schema: dict[str, Any], key: str) -> str:
        pattern = schema.get("pattern")
        offers = [self._hints.named(key), *self._hints.quoted, *_SAMPLES]
        if pattern:
            return next((o for o in offers if o is not None and re.search(pattern, o)), "emulated")
        if "format" in schema:
            return _FORMATS.get(schema["format"], "emulated")
        offer = offers[0]
        if offer is None and not self._hints.quoted and key.lower() in _ASKING and self._hints.text:
            offer = self._hints.text
        if offer is None:
            offer = self._hints.string()
        elif offer in self._hints.quoted:
            self._hints.quoted.remove(offer)
        text = offer if offer is not None else " ".join(["emulated", *words(key)])
        return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _merge(first: Any, second: Any) -> dict[str, Any]:
    """Both schemas in one; `properties` and `required` add up, else the second wins."""
    one = dict(first) if isinstance(first, Mapping) else {}
    two = dict(second) if isinstance(second, Mapping) else {}
    merged = {**one, **two}
    if "properties" in one and "properties" in two:
        merged["properties"] = {**one["properties"], **two["properties"]}
    if "required" in one and "required" in two:
        merged["required"] = [*one["required"], *two["required"]]
    return merged


def _kind(schema: dict[str, Any], *, deep: bool) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        if deep and "null" in kind:
            return "null"
        kind = next((k for k in kind if k != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _parse(text: str, *, whole: bool) -> float | None:
    if not whole:
        return float(text) if "." in text else int(text)
    return None if "." in text else int(text)


def _fits(value: float, schema: dict[str, Any]) -> bool:
    step = schema.get("multipleOf")
    above, below = (
        schema.get("exclusiveMinimum", -math.inf),
        schema.get("exclusiveMaximum", math.inf),
    )
    return (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and above < value < below
        and (not step or value % step == 0)
    )


def _within(schema: dict[str, Any], *, whole: bool) -> float:
    """A number inside the limits: 1 where it fits."""
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    lows = [schema[k] for k in ("minimum", "exclusiveMinimum") if k in schema]
    highs = [schema[k] for k in ("maximum", "exclusiveMaximum") if k in schema]
    low, high = max(lows, default=None), min(highs, default=None)
    candidates: list[float] = [1, step, 0]
    if low is not None:
        start = math.ceil(low / step) * step
        candidates += [start, start + step]
    if high is not None:
        end = math.floor(high / step) * step
        candidates += [end, end - step]
    if low is not None and high is not None and not whole:
        candidates += [low, high, (low + high) / 2]
    value = next((c for c in candidates if _fits(c, schema)), candidates[-1])
    return int(value) if whole else value


def _different(value: Any, taken: list[Any], choices: list[Any] | None) -> Any:
    """A value that is not in `taken`, as near to `value` as may be."""
    if choices:
        return next((choice for choice in choices if choice not in taken), value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return not value if isinstance(value, bool) else value
    if isinstance(value, str):
        return f"{value} {len(taken) + 1}"
    return max(number for number in taken if isinstance(number, int | float)) + 1
