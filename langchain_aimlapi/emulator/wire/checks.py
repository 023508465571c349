"""Small checks that request rules are put together from.

A check is given a value and its path and yields complaints, in the manner of the gateway's 400s:
"Invalid enum value. Expected ..., received ...".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any, str], Iterator[str]]
"""Yields what is wrong with a value; nothing where all is well."""


def describe(value: Any) -> str:
    """The JSON type of `value`, as complaints name it."""
    if value is None:
        return "null"
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "boolean"),
        ((int, float), "number"),
        (str, "string"),
        (list, "array"),
        (Mapping, "object"),
    ]
    return next((name for kind, name in kinds if isinstance(value, kind)), "unknown")


def _expected(what: str, value: Any, path: str) -> str:
    return f"{path}: Expected {what}, received {describe(value)}"


def anything(value: Any, path: str) -> Iterator[str]:  # noqa: ARG001
    """Every value is right."""
    yield from ()


def string(value: Any, path: str) -> Iterator[str]:
    """A string."""
    if not isinstance(value, str):
        yield _expected("string", value, path)


def boolean(value: Any, path: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield _expected("boolean", value, path)


def mapping(value: Any, path: str) -> Iterator[str]:
    """An object of any form."""
    if not isinstance(value, Mapping):
        yield _expected("object", value, path)


def number(least: float | None = None, most: float | None = None, *, whole: bool = False) -> Check:
    """A number within limits, both included; `whole` for integers."""

    def check(value: Any, path: str) -> Iterator[str]:
        good = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not good:
            yield _expected("integer" if whole else "number", value, path)
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{path}: Number must be finite"
        elif least is not None and value < least:
            yield f"{path}: Number must be greater than or equal to {least}"
        elif most is not None and value > most:
            yield f"{path}: Number must be less than or equal to {most}"

    return check


def enum(*options: str) -> Check:
    """One of some strings."""

    def check(value: Any, path: str) -> Iterator[str]:
        if value not in options:
            listed = " | ".join(f"'{option}'" for option in options)
            shown = f"'{value}'" if isinstance(value, str) else json.dumps(value, default=str)
            yield f"{path}: Invalid enum value. Expected {listed}, received {shown}"

    return check


def nullable(inner: Check) -> Check:
    """Null, or what `inner` takes."""

    def check(value: Any, path: str) -> Iterator[str]:
        if value is not None:
            yield from inner(value, path)

    return check


def array(items: Check, least: int = 0, most: int | None = None) -> Check:
    """An array of `items`, with at least and at most so many."""

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield _expected("array", value, path)
            return
        if len(value) < least:
            yield f"{path}: Array must contain at least {least} element(s)"
        if most is not None and len(value) > most:
            yield f"{path}: Array must contain at most {most} element(s)"
        for index, item in enumerate(value):
            yield from items(item, f"{path}[{index}]")

    return check


def either(text: Check, listed: Check) -> Check:
    """What `text` takes, or for an array what `listed` takes."""

    def check(value: Any, path: str) -> Iterator[str]:
        yield from (listed if isinstance(value, list) else text)(value, path)

    return check


def string_or(other: Check, options: Check = string) -> Check:
    """A string that `options` takes, or what `other` takes."""

    def check(value: Any, path: str) -> Iterator[str]:
        yield from (options if isinstance(value, str) else other)(value, path)

    return check


def record(
    required: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    *,
    closed: bool = False,
    telling: bool = False,
) -> Check:
    """An object.

    Args:
        required: Checks of the keys it must have.
        optional: Checks of the keys it may have.
        closed: Whether other keys are wrong.
        telling: Whether the complaint of them names those that are right, as the gateway's do not.
    """
    known = {**required, **(optional or {})}

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield _expected("object", value, path)
            return
        for key in required:
            if key not in value:
                yield f"{path}.{key}: Required"
        for key, inner in known.items():
            if key in value:
                yield from inner(value[key], f"{path}.{key}")
        extra = sorted(set(value) - set(known)) if closed else []
        if extra:
            told = f"; it may have {', '.join(sorted(known))}" if telling else ""
            yield f"{path}: Unrecognized key(s) in object: {', '.join(map(repr, extra))}{told}"

    return check


def tagged(key: str, forms: Mapping[str, Check], default: str | None = None) -> Check:
    """An object whose form hangs on the string under `key`; `default` where it has none."""
    known = enum(*forms)

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield _expected("object", value, path)
            return
        tag = value.get(key, default)
        wrong = list(known(tag, f"{path}.{key}"))
        yield from wrong or forms[tag](value, path)

    return check
