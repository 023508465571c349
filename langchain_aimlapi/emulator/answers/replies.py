"""What a test scripts: replies in terms that belong to neither API.

One `Reply` can be rendered on Chat Completions and on Responses, whole and streamed, and carries
the same facts each time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from langchain_aimlapi.emulator.exchange import check_head

if TYPE_CHECKING:
    from langchain_aimlapi.emulator.account.ledger import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
"""Why the model stopped, in Chat Completions terms."""


class _Unset:
    """The type of a parameter that was not given, where `None` is a value."""

    def __repr__(self) -> str:
        """For signatures."""
        return "UNSET"


UNSET: Any = _Unset()
"""Stands for "not given"."""


def _expect(name: str, value: Any, kinds: type | tuple[type, ...], hint: str = "") -> None:
    """Raise a `TypeError` unless `value` is of one of `kinds`."""
    if not isinstance(value, kinds):
        known = kinds if isinstance(kinds, tuple) else (kinds,)
        named = " or ".join("None" if k is type(None) else k.__name__ for k in known)
        raise TypeError(f"{name} takes {named}, not {value!r}{hint}")


@dataclass(frozen=True)
class ToolCall:
    """A call of a function tool.

    Attributes:
        name: The tool's name.
        args: The arguments as a dict, or a string that is sent verbatim and may be invalid JSON.
        id: The call's id; the emulator makes one where it is `None`.
    """

    name: str
    args: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no call, before a request meets it."""
        _expect("name", self.name, str)
        _expect("args", self.args, (Mapping, str))

    @property
    def arguments(self) -> str:
        """The arguments as the string that is sent."""
        if isinstance(self.args, str):
            return self.args
        return json.dumps(self.args, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class StreamStyle:
    """How a reply is cut into a stream. The defaults follow the one full dump that is published.

    Source: AI/ML API documentation, code-generation page (stream of an OpenAI chat model, March
    2026); the other forms were seen on pages of other models behind the same gateway.

    Attributes:
        delta_size: Characters in a delta; `None` means about one token.
        tool_index: The `index` of tool-call deltas: as it should be, absent, null, or always 0.
        repeat_ids: Every tool-call delta repeats id, type and name; else only the first has them.
        whole_calls: A tool call comes in one delta instead of many.
        repeat_role: Every delta has the role; else only the first.
        empty_ids: The chunks' `id` is an empty string.
        null_content: Deltas without text say `content: null`; else the key is absent.
        usage: Whether the usage chunk is sent when asked for (`stream_options`), always, or never.
            The dump shows it unasked. Responses streams: `never` leaves it out of the last event.
        price: Where `meta.usage` is: in a last chunk of its own, in the chunk (Responses: in the
            last event's response) that has the usage, or nowhere. `None` is `own_chunk` on Chat
            Completions, as the tracing page's example has it, and `with_usage` on Responses, where
            the place is undocumented.
        done: Whether `data: [DONE]` ends the stream. `None`: on Chat Completions only.
        event_lines: Whether Responses events have an `event:` line (undocumented; upstream does).
        comments: A comment line stands before every n-th event; 0 for none.
        ids: Whether each event has an `id:` line.
        line_end: The line end.
        space: Whether a space follows `data:`.
        multiline: Whether the JSON is spread over several `data:` lines.
        bom: Whether the stream starts with a byte order mark.
    """

    delta_size: int | None = None
    tool_index: Literal["normal", "missing", "null", "zero"] = "normal"
    repeat_ids: bool = False
    whole_calls: bool = False
    repeat_role: bool = False
    empty_ids: bool = False
    null_content: bool = False
    usage: Literal["asked", "always", "never"] = "always"
    price: Literal["own_chunk", "with_usage", "none"] | None = None
    done: bool | None = None
    event_lines: bool = True
    comments: int = 0
    ids: bool = False
    line_end: Literal["\n", "\r\n", "\r"] = "\n"
    space: bool = True
    multiline: bool = False
    bom: bool = False


@dataclass(frozen=True, repr=False)
class Reply:
    """A reply of the model, or of the gateway in the model's place.

    Example:
        ```python
        emulator.script(
            Reply(tool_calls=[ToolCall("get_weather", {"city": "Oslo"})]),
            Reply("It rains in Oslo.", usage=Usage(20, 7, cached_tokens=5)),
        )
        ```

    Attributes:
        text: The visible text.
        tool_calls: Calls of function tools.
        reasoning: Reasoning text, or several summary parts. On Responses an empty list gives a
            reasoning item with an empty summary, as published samples have it.
        refusal: The model's refusal.
        annotations: URL citations `{"url", "title", "start_index", "end_index"}`.
        finish_reason: `None` means what follows from the content. `length` and `content_filter`
            make a Responses reply incomplete.
        usage: Token counts; `None` means counted by the emulator.
        cost: Credits billed (2,000,000 credits are 1 USD). `None`: computed from the usage and
            billed, but told neither in body nor headers, as older deployments do. Not given:
            computed and told.
        logprobs: Whether log probabilities are sent; `None` means if the request asks for them.
        choices: Several choices (`n` > 1); the other content fields are then ignored.
        model: The model name that comes back; `None` echoes the requested one.
        reasoning_field: The key of reasoning text on Chat Completions; the gateway's documentation
            shows several.
        encrypted_content: The reasoning item's encrypted content, sent if the request includes it;
            `None` is one that no other answer has. The emulator opens what it sealed itself, for
            the same model, and refuses the rest with `invalid_encrypted_content`.
        built_in_calls: Responses only: calls of built-in tools, like `{"type": "web_search_call"}`.
        raw_output: Responses only: these output items, verbatim, instead of all others.
        failure: `{"code", "message"}`: a Responses reply with status `failed`; on Chat Completions
            a 500 (whole) or an error event (streamed). Not billed.
        body: Any JSON, sent verbatim as `application/json`, streamed or not.
        events: Streams only: these events instead, each a JSON value or ready-made bytes.
        status: HTTP status. Gateways have answered 201 to a completion.
        headers: Headers that are added, or that replace the emulator's; values of `None` remove.
        stream: How it is cut when streamed.
    """

    text: str | None = None
    _: KW_ONLY
    tool_calls: Sequence[ToolCall] = ()
    reasoning: str | Sequence[str] | None = None
    refusal: str | None = None
    annotations: Sequence[Mapping[str, Any]] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    cost: int | None = UNSET
    logprobs: bool | None = None
    choices: Sequence[Reply] = ()
    model: str | None = None
    reasoning_field: Literal["reasoning_content", "reasoning", "reasoning_details"] = (
        "reasoning_content"
    )
    encrypted_content: str | None = None
    built_in_calls: Sequence[Mapping[str, Any]] = ()
    raw_output: Sequence[Mapping[str, Any]] | None = None
    failure: Mapping[str, str] | None = None
    body: Any = UNSET
    events: Sequence[Any] | None = None
    status: int = 200
    headers: Mapping[str, str | None] = field(default_factory=dict)
    stream: StreamStyle = field(default_factory=StreamStyle)

    def __post_init__(self) -> None:
        """Refuse what is no reply, before a request meets it."""
        hint = "; for an object, Reply(json.dumps(...))"
        _expect("text", self.text, (str, type(None)), hint)
        for name, parts, kind in (
            ("tool_calls", self.tool_calls, ToolCall),
            ("choices", self.choices, Reply),
        ):
            _expect(name, parts, Sequence)
            for part in parts:
                _expect(name, part, kind)
        check_head(self.status, self.headers)

    def __repr__(self) -> str:
        """What differs from an empty reply."""
        empty = Reply()
        shown = [
            f"{part.name}={getattr(self, part.name)!r}"
            for part in fields(self)
            if part.name != "_" and getattr(self, part.name) != getattr(empty, part.name)
        ]
        return f"Reply({', '.join(shown)})"
