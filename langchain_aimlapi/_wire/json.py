"""JSON in and out: one decoder and one encoder for the whole package.

Both come with pydantic and are several times faster than the standard library's. What they
refuse but the wire may hold is repaired on a second, slower way, so that the usual case pays
nothing for it.
"""

from __future__ import annotations

import json
import math
import os
import re
from typing import Any

from pydantic_core import from_json, to_json

from langchain_aimlapi.errors import AIMLAPIConfigurationError

# Every escape of a JSON text, pairs of surrogates as one, so that a lone one cannot be mistaken
# for half of a pair, nor `\\ud800` (an escaped backslash) for an escape.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

_LARGE = 1024 * 1024  # characters of a text that is encoded apart from the rest
_SLICE = 256 * 1024  # characters of it that are encoded at once
_STAND_IN = os.urandom(16).hex()  # no text that is sent can be equal to it

SHAPE_ERRORS = (AttributeError, KeyError, IndexError, OverflowError, TypeError, ValueError)
"""What reading JSON of an unexpected shape raises.

Readers take every part of a reply or a message as optional, but not every part of every type.
(OverflowError: JSON's 1e999 is infinity to Python.)
"""


def loads(data: bytes | str, *, keep_halves: bool = False) -> Any:
    """Decode JSON.

    A byte order mark is dropped, and the escape of a lone surrogate becomes U+FFFD: neither
    makes an answer that was paid for unreadable.

    Args:
        data: UTF-8 bytes or text.
        keep_halves: Leave lone surrogates in the texts: of a stream's event, the next one may
            bring the other half of the character.

    Returns:
        The value.

    Raises:
        ValueError: Not JSON, not UTF-8, or nested too deeply.
    """
    try:
        return from_json(data, allow_inf_nan=False)
    except (ValueError, TypeError):  # TypeError: text with lone surrogates in it
        text = data.decode() if isinstance(data, bytes) else data
        text = text.removeprefix("\ufeff")
        if keep_halves and any(found["lone"] for found in _ESCAPE.finditer(text)):
            return _loads_with_halves(text)
        repaired = _ESCAPE.sub(_without_lone_surrogate, without_surrogates(text))
    return from_json(repaired, allow_inf_nan=False)


def _loads_with_halves(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def may_go_on(text: str) -> bool:
    """Tell whether a text is JSON, or the beginning of some.

    The decoder's lenient mode takes more than beginnings; what it says of an end does not.
    """
    try:
        from_json(text)
    except ValueError as error:
        return str(error).startswith("EOF")
    return True


def dumps(value: Any) -> bytes:
    """Encode a value as JSON.

    Lone surrogates, which come from text that was cut between two halves of a character, become
    U+FFFD: a prompt is not refused because of them.

    Args:
        value: Plain data: dict, list, tuple, str, int, float, bool, None. Other kinds that
            pydantic knows (models, dates, enums …) are written as pydantic writes them.

    Returns:
        Compact JSON in UTF-8.

    Raises:
        AIMLAPIConfigurationError: JSON cannot hold the value: an unknown kind of object, NaN or
            infinity, a circle, or nesting without end.
    """
    try:
        encoded = to_json(value)
    except ValueError as error:
        encoded = _dumps_repaired(value, str(error))
    if _has_non_finite(value):
        raise AIMLAPIConfigurationError(
            "The request holds NaN or infinity, which JSON does not have. Pass a finite number."
        )
    return encoded


def dumps_in_pieces(value: Any) -> list[bytes]:
    """Encode a value as JSON like `dumps`, with no more than one copy of a large text in memory.

    An image or a file is one text of megabytes. Encoded as a part of the whole it would be held
    twice: in the encoder's buffer, and in the bytes that are made of it.

    Returns:
        What `dumps` returns, in pieces; a single one unless there are large texts.

    Raises:
        AIMLAPIConfigurationError: As in `dumps`.
    """
    texts: list[str] = []
    try:
        small = _take_out_large(value, texts) if _has_large_text([value]) else value
    except RecursionError:
        small = value  # a circle, which `dumps` names
    encoded = dumps(small)
    if not texts:
        return [encoded]
    first, *others = encoded.split(f'"{_STAND_IN}"'.encode())
    pieces = [first]
    for text, rest in zip(texts, others, strict=True):
        slices = (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))
        pieces += [b'"', *(to_json(part)[1:-1] for part in slices), b'"', rest]
    return pieces


def dicts_in(value: Any) -> list[dict[str, Any]]:
    """Return the objects in what should be a list of objects; whatever else it holds is left."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _has_large_text(holder: Any) -> bool:
    for item in holder.values() if isinstance(holder, dict) else holder:
        if isinstance(item, str):
            if len(item) >= _LARGE:
                return True
        elif isinstance(item, (dict, list)) and _has_large_text(item):
            return True
    return False


def _take_out_large(value: Any, texts: list[str]) -> Any:
    """Put a stand-in in the place of large texts, in the order in which they will be written."""
    if isinstance(value, str) and len(value) >= _LARGE and value.isascii():
        # In ASCII no surrogates are to be repaired, so it may be cut anywhere.
        texts.append(value)
        return _STAND_IN
    if isinstance(value, dict):
        return {key: _take_out_large(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_take_out_large(item, texts) for item in value]
    return value


def _without_lone_surrogate(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["lone"] else escape[0]


def _dumps_repaired(value: Any, reason: str) -> bytes:
    try:
        return to_json(without_surrogates(value))
    except (ValueError, RecursionError):
        raise AIMLAPIConfigurationError(
            f"The request cannot be written as JSON: {reason}. Pass plain values: dict, list, str, "
            "int, float, bool, None."
        ) from None


def without_surrogates(value: Any) -> Any:
    """Return plain data with pairs of surrogates joined, and lone ones made U+FFFD."""
    if isinstance(value, str):
        # By way of UTF-16 two halves that stand side by side become their character.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_surrogates(item) for item in value]
    return value


def with_surrogates(character: str) -> str:
    """Return a character as the two surrogates that JSON may cut it into; others as they are."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(
        units[at : at + 2].decode("utf-16-be", "surrogatepass") for at in range(0, len(units), 2)
    )


def _has_non_finite(value: Any) -> bool:
    # Looking through the values is cheaper than through the bytes of a large prompt.
    stack = [value]
    while stack:
        item = stack.pop()
        if item is None or isinstance(item, (str, int)):
            continue
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
        elif isinstance(item, float):
            if not math.isfinite(item):
                return True
        # What only pydantic can look into: sets, dataclasses, models …
        elif to_json(item) != to_json(item, inf_nan_mode="null"):
            return True
    return False
