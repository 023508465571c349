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

- `reply`: a text, or the fields of `Reply`.
- `fault`: the name of a method of `Fault`, alone or with the method's arguments.
- `when`: the fields of `Match`; a pattern is written `{"pattern": "..."}`. Without it the step is
  for the next request that no description fits.
- `times`: for how many requests; `null` is any number. Left out: 1, or with `when` any number.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, get_args

from langchain_aimlapi.emulator.account.ledger import Usage
from langchain_aimlapi.emulator.answers.replies import FinishReason, Reply, StreamStyle, ToolCall
from langchain_aimlapi.emulator.errors import ErrorShape
from langchain_aimlapi.emulator.scripts.faults import Fault
from langchain_aimlapi.emulator.scripts.script import Match
from langchain_aimlapi.emulator.wire.checks import (
    Check,
    anything,
    array,
    boolean,
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

    step: Reply | Fault
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
            value = json.loads(Path(source).read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise ScriptFileError(f"{name} is no JSON: {error}") from error
    complaints = list(_script(value, "script"))
    if complaints:
        raise ScriptFileError("\n".join([f"{name} is no script:", *complaints]))
    return [_line(entry) for entry in value]


# The form.

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
    "Mapping[str, str] | None": nullable(mapping),
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
            optional |= {"reply": _reply, "fault": _fault}
        elif parameter.name != "name":
            needed = parameter.default is inspect.Parameter.empty
            (required if needed else optional)[parameter.name] = _CHECKS[kind]
    return record(required, optional, closed=True)


def _reply(value: Any, path: str) -> Iterator[str]:
    yield from _reply_form(value, path)


def _fault(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        value = {"name": value}
    yield from tagged("name", _FAULT_FORMS)(value, path)


_strings = array(string)
_objects = array(mapping)
_style_form = record(
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
    closed=True,
)
_usage_form = record(
    {"input_tokens": _CHECKS["int"], "output_tokens": _CHECKS["int"]},
    {part.name: _CHECKS["int"] for part in fields(Usage) if part.name != "_"},
    closed=True,
)
_call_form = record(
    {"name": string}, {"args": string_or(mapping), "id": nullable(string)}, closed=True
)
_reply_form = string_or(
    record(
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
            "failure": nullable(record({"code": string, "message": string}, closed=True)),
            "events": nullable(array(anything)),
            "status": number(100, 599, whole=True),
            "headers": mapping,
            "stream": _style_form,
        },
        closed=True,
    )
)
_FAULT_FORMS: Mapping[str, Check] = {name: _fault_form(name) for name in FAULTS}
_text_or_pattern = nullable(string_or(record({"pattern": string}, closed=True)))
_match_form = record(
    {},
    {
        "model": nullable(string),
        "text": _text_or_pattern,
        "tool": nullable(string),
        "tool_result": _text_or_pattern,
        "endpoint": nullable(enum("chat_completions", "responses")),
    },
    closed=True,
)
_entry_form = record(
    {},
    {
        "reply": _reply,
        "fault": _fault,
        "when": _match_form,
        "times": nullable(number(1, whole=True)),
    },
    closed=True,
)


def _entry(value: Any, path: str) -> Iterator[str]:
    yield from _entry_form(value, path)
    if isinstance(value, Mapping) and sum(key in value for key in _WHAT) != 1:
        yield f"{path}: Expected either reply or fault"


_script = array(_entry)


# What is meant; the form is right by now.


def _line(entry: Mapping[str, Any]) -> ScriptStep:
    when = entry.get("when")
    match = None if when is None else Match(**{key: _wanted(v) for key, v in when.items()})
    return ScriptStep(_step(entry), match, entry.get("times", 1 if match is None else None))


def _step(entry: Mapping[str, Any]) -> Reply | Fault:
    return _make_reply(entry["reply"]) if "reply" in entry else _make_fault(entry["fault"])


def _wanted(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    try:
        return re.compile(value["pattern"])
    except re.error as error:
        raise ScriptFileError(f"The pattern {value['pattern']!r} is none: {error}") from error


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
