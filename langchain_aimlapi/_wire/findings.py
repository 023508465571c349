"""What a validator found wrong with a request, wherever in a JSON error it is kept.

The gateway's validation errors say no more in their message than that the payload is invalid; the
parameter stands in a list beside it. Known forms: that of the gateway, `{"meta": [{"path":
["max_tokens"], "message": "…"}]}` (zod), those of upstream providers and proxies, `{"detail":
[{"loc": […], "msg": "…"}]}` (pydantic), `{"fieldErrors": {"max_tokens": ["…"]}}`, `{"errors":
{"max_tokens": "…"}}`, `{"error": {"param": "…", "metadata": {"raw": "…"}}}`, ajv's `instancePath`,
JSON:API's `source`, and `invalid-params` of problem+json (RFC 9457).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HOLDERS = (
    *("meta", "metadata", "detail", "details", "errors", "issues", "fieldErrors", "children"),
    *("invalid_params", "invalid-params", "violations", "validation", "data", "unionErrors"),
)
_BY_FIELD = frozenset({"detail", "errors", "fieldErrors", "validation", "violations"})
"""Holders in which a text under any other name is what is wrong with the field of that name."""
_WHOLE = frozenset({"_errors", "formErrors", "non_field_errors"})
"""Names of no field: what is wrong with the object around them."""
_PLACES = (
    *("path", "loc", "field", "param", "parameter", "property", "name", "pointer"),
    *("instancePath", "source"),
)
_WORDS = ("message", "msg", "reason", "description", "detail", "raw", "error", "title", "issue")
_MAX_FINDINGS = 8
_MAX_DEPTH = 6


def findings_in(data: Mapping[str, Any]) -> list[str]:
    """Return what a JSON error says besides its message, such as `max_tokens: must be positive`.

    Args:
        data: The body, decoded.

    Returns:
        At most eight findings, each once, in the order of the body.
    """
    error = data.get("error")
    holders = (error, data) if isinstance(error, dict) else (data,)
    found = dict.fromkeys(_walk_all(holders))
    param = next((holder["param"] for holder in holders if holder.get("param")), None)
    if isinstance(param, str) and not found:
        found[f"parameter: {param}"] = None
    return list(islice(found, _MAX_FINDINGS))


def _walk_all(holders: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    for holder in holders:
        for name in _HOLDERS:
            if isinstance(holder.get(name), (list, dict)):
                yield from _walk(holder[name], "", 0, by_field=name in _BY_FIELD)
    if isinstance(listed := holders[-1].get("error"), list):
        yield from _walk(listed, "", 0)


def _walk(found: object, place: str, depth: int, *, by_field: bool = False) -> Iterator[str]:
    if isinstance(found, str) and (words := found.strip()):
        yield f"{place}: {words}" if place else words
    elif isinstance(found, list) and depth < _MAX_DEPTH:
        for each in found:
            yield from _walk(each, place, depth + 1, by_field=by_field)
    elif isinstance(found, dict) and depth < _MAX_DEPTH:
        yield from _walk_object(found, place, depth + 1, by_field=by_field)


def _walk_object(
    found: Mapping[str, Any], place: str, depth: int, *, by_field: bool
) -> Iterator[str]:
    here = _join(place, _place_in(found))
    words = next((found[key] for key in _WORDS if isinstance(found.get(key), str)), None)
    nested = [key for key in _HOLDERS if isinstance(found.get(key), (list, dict))]
    yield from _walk(words, here, depth)
    for key in nested:
        around = "" if key == "unionErrors" else here  # zod's paths in there begin at the root
        yield from _walk(found[key], around, depth, by_field=by_field or key in _BY_FIELD)
    if words is None and not nested:
        # Names of fields, each with what is wrong with it.
        for key, each in found.items():
            if isinstance(each, (list, dict)) or by_field:
                name = "" if key in _WHOLE else key
                yield from _walk(each, _join(place, name), depth, by_field=by_field)


def _place_in(finding: Mapping[str, Any]) -> str:
    """Return the path of the field that a finding is about, with dots."""
    place = next((finding[key] for key in _PLACES if finding.get(key)), ())
    if isinstance(place, dict):
        place = place.get("pointer") or place.get("parameter") or ()
    if isinstance(place, list):
        return ".".join(str(part) for part in place if isinstance(part, (str, int)))
    return place if isinstance(place, str) else ""


def _join(place: str, more: str) -> str:
    return f"{place}.{more}" if place and more else place or more
