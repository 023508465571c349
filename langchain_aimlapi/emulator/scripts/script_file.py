"""Scripts as JSON, for the command line and for tests that keep them in files.

```json
[
  {"reply": "Hello."},
  {"reply": {"tool_calls": [{"name": "get_weather", "args": {"city": "Oslo"}}]},
   "when": {"model": "openai/gpt-5-1-codex", "text": "weather"}, "times": null},
  {"fault": {"name": "status", "code": 429, "retry_after": 1}, "times": 2},
  {"fault": {"name": "cut", "after": 3, "reply": "This breaks off."}}
]
```

- `reply`: a text, or the fields of `Reply`; `null` is what the emulator answers by itself.
- `fault`: the name of a method of `Fault`, alone or with the method's arguments.
- `when`: the fields of `Match`; a pattern is written `{"pattern": "..."}`. Without it the step is
  for the next request that no description fits.
- `times`: for how many requests; `null` is any number. Left out: 1, or with `when` any number.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

from langchain_aimlapi.emulator.account.ledger import Usage
from langchain_aimlapi.emulator.answers.replies import FinishReason, Reply, StreamStyle, ToolCall
from langchain_aimlapi.emulator.errors import ErrorShape
from langchain_aimlapi.emulator.exchange import check_head
from langchain_aimlapi.emulator.scripts.faults import Fault
from langchain_aimlapi.emulator.scripts.script import Match
from langchain_aimlapi.emulator.wire.checks import (
    Check,
    anything,
    array,
    boolean,
    describe,
    either,
    enum,
    mapping,
    nullable,
    number,
    record,
    string,
    string_or,
    tagged,
)


class ScriptFileError(Exception):
    """A script that is not one; its text names every place that is wrong."""


class ScriptStep(NamedTuple):
    """One step of a script file."""

    step: Reply | Fault | None
    match: Match | None
    times: int | None


def read_script(source: str | Path | Sequence[Mapping[str, Any]]) -> list[ScriptStep]:
    """Read a script.

    Args:
        source: The path of a JSON file, or its value.

    Raises:
        ScriptFileError: If it is not a script.
        OSError: If the file cannot be read.
    """
    value: Any = source
    name = "script"
    if isinstance(source, str | Path):
        name = str(source)
        try:
            text = Path(source).read_text(encoding="utf-8-sig")
            value = json.loads(text, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise ScriptFileError(f"{name} is no JSON: {error}") from error
    complaints = list(_script(value, "script"))
    if complaints:
        raise ScriptFileError("\n".join([f"{name} is no script:", *complaints]))
    try:
        return [_line(entry) for entry in value]
    except ValueError as error:  # of what HTTP cannot carry
        raise ScriptFileError(f"{name} is no script: {error}") from error


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which a key that stands twice would hide what is under the first."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"an object has the key {key!r} twice")
        made[key] = value
    return made


# The form.

_form = partial(record, closed=True, telling=True)


def _text_or(form: Check) -> Check:
    """A text, or an object of a form."""

    def check(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, Mapping):
            yield from form(value, path)
        elif not isinstance(value, str):
            yield f"{path}: Expected string or object, received {describe(value)}"

    return check


def _either_of_two(value: Mapping[str, Any], path: str, *, needed: bool) -> Iterator[str]:
    """One of reply and fault; none only where it is not `needed`."""
    count = sum(key in value for key in _WHAT)
    if count > 1 or (needed and count == 0):
        yield f"{path}: Expected either reply or fault"


def _headers(value: Any, path: str) -> Iterator[str]:
    yield from mapping(value, path)
    try:
        check_head(_OK, value if isinstance(value, Mapping) else {})
    except ValueError as error:
        yield f"{path}: {error}"


_OK = 200
_status = number(_OK, 599, whole=True)
_whole_or_null = nullable(number(0, whole=True))
_CHECKS: Mapping[str, Check] = {
    "bool": boolean,
    "int": number(0, whole=True),
    "int | None": _whole_or_null,
    "float": number(0),
    "float | None": nullable(number(0)),
    "float | str | None": nullable(string_or(number(0))),
    "bytes": string,
    "str": string,
    "str | None": nullable(string),
    "Mapping[str, str] | None": nullable(_headers),
    "ErrorShape": enum(*get_args(ErrorShape)),
    "ErrorShape | None": nullable(enum(*get_args(ErrorShape))),
}
_WHAT = ("reply", "fault")


def _maker(name: str) -> Any:
    return inspect.getattr_static(Fault, name, None)


FAULTS = tuple(
    name
    for name in vars(Fault)
    if not name.startswith("_") and isinstance(_maker(name), classmethod)
)
"""The names of faults."""


def _fault_form(name: str) -> Check:
    """The form of one fault, as its method is declared."""
    required: dict[str, Check] = {"name": string}
    optional: dict[str, Check] = {}
    for parameter in inspect.signature(getattr(Fault, name)).parameters.values():
        kind = str(parameter.annotation)
        if kind == "Reply | Fault | None":
            optional |= {"reply": nullable(_reply), "fault": _fault}
        elif parameter.name != "name":
            needed = parameter.default is inspect.Parameter.empty
            check = _status if parameter.name in {"code", "status"} else _CHECKS[kind]
            (required if needed else optional)[parameter.name] = check
    return _form(required, optional)


def _reply(value: Any, path: str) -> Iterator[str]:
    yield from _reply_form(value, path)


def _fault(value: Any, path: str) -> Iterator[str]:
    named = {"name": value} if isinstance(value, str) else value
    if not isinstance(named, Mapping):
        yield from _text_or(mapping)(named, path)
        return
    yield from tagged("name", _FAULT_FORMS)(named, path)
    yield from _either_of_two(named, path, needed=False)


_strings = array(string)
_objects = array(mapping)
_style_form = _form(
    {},
    {
        "delta_size": nullable(number(1, whole=True)),
        "comments": number(0, whole=True),
        "tool_index": enum("normal", "missing", "null", "zero"),
        "usage": enum("asked", "always", "never"),
        "price": nullable(enum("own_chunk", "with_usage", "none")),
        "done": nullable(boolean),
        "line_end": enum("\n", "\r\n", "\r"),
        **{part.name: boolean for part in fields(StreamStyle) if part.type == "bool"},
    },
)
_usage_form = _form(
    {"input_tokens": _CHECKS["int"], "output_tokens": _CHECKS["int"]},
    {part.name: _CHECKS["int"] for part in fields(Usage) if part.name != "_"},
)
_call_form = _form({"name": string}, {"args": _text_or(mapping), "id": nullable(string)})
_reply_form = _text_or(
    _form(
        {},
        {
            # A field that is not named here is one of JSON of any form.
            **{part.name: anything for part in fields(Reply) if part.name != "_"},
            "text": nullable(string),
            "tool_calls": array(_call_form),
            "reasoning": nullable(either(string, _strings)),
            "refusal": nullable(string),
            "annotations": _objects,
            "finish_reason": nullable(enum(*get_args(FinishReason))),
            "usage": nullable(_usage_form),
            "cost": _whole_or_null,
            "logprobs": nullable(boolean),
            "choices": array(_reply),
            "model": nullable(string),
            "reasoning_field": enum("reasoning_content", "reasoning", "reasoning_details"),
            "encrypted_content": string,
            "built_in_calls": _objects,
            "raw_output": nullable(_objects),
            "failure": nullable(_form({"code": string, "message": string})),
            "events": nullable(array(anything)),
            "status": _status,
            "headers": _headers,
            "stream": _style_form,
        },
    )
)
_FAULT_FORMS: Mapping[str, Check] = {name: _fault_form(name) for name in FAULTS}


def _pattern(value: Any, path: str) -> Iterator[str]:
    """A regular expression."""
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        yield f"{path}: {value!r} is no regular expression: {error}"


_text_or_pattern = nullable(_text_or(_form({"pattern": _pattern})))
_match_form = _form(
    {},
    {
        "model": nullable(string),
        "text": _text_or_pattern,
        "tool": nullable(string),
        "tool_result": _text_or_pattern,
        "endpoint": nullable(enum("chat_completions", "responses")),
    },
)
_entry_form = _form(
    {},
    {
        "reply": nullable(_reply),
        "fault": _fault,
        "when": _match_form,
        "times": nullable(number(1, whole=True)),
    },
)


def _entry(value: Any, path: str) -> Iterator[str]:
    yield from _entry_form(value, path)
    if isinstance(value, Mapping):
        yield from _either_of_two(value, path, needed=True)


_script = array(_entry)


# What is meant; the form is right by now.


def _line(entry: Mapping[str, Any]) -> ScriptStep:
    when = entry.get("when")
    match = None if when is None else Match(**{key: _wanted(v) for key, v in when.items()})
    return ScriptStep(_step(entry), match, entry.get("times", 1 if match is None else None))


def _step(entry: Mapping[str, Any]) -> Reply | Fault | None:
    if "fault" in entry:
        return _make_fault(entry["fault"])
    return None if entry["reply"] is None else _make_reply(entry["reply"])


def _wanted(value: Any) -> Any:
    return re.compile(value["pattern"]) if isinstance(value, Mapping) else value


def _make_reply(value: Any) -> Reply:
    if isinstance(value, str):
        return Reply(value)
    made = dict(value)
    if "tool_calls" in made:
        made["tool_calls"] = [ToolCall(**call) for call in made["tool_calls"]]
    if "choices" in made:
        made["choices"] = [_make_reply(choice) for choice in made["choices"]]
    if made.get("usage") is not None:
        made["usage"] = Usage(**made["usage"])
    if "stream" in made:
        made["stream"] = StreamStyle(**made["stream"])
    return Reply(**made)


def _make_fault(value: Any) -> Fault:
    given = {"name": value} if isinstance(value, str) else dict(value)
    make = getattr(Fault, given.pop("name"))
    if "data" in given:
        given["data"] = given["data"].encode()
    if given.keys() & set(_WHAT):
        step = _step(given)
        given = {key: v for key, v in given.items() if key not in _WHAT} | {"reply": step}
    fault: Fault = make(**given)
    return fault
