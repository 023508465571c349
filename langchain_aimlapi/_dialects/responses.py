"""The responses dialect: `POST /responses`.

Facts from the vendor's published response and event schemas of the four models (2026-08), which are
the same for all of them. A whole reply is read as a stream of one event, its last: what an event
has already told is not told again.

What a message was made of is kept in `additional_kwargs["output_items"]`, so that the next turn can
give the model its reasoning back. The items are as they came, but for two: messages hold a `span`
of the text instead of the text, function calls leave name and arguments to `tool_calls`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.outputs import ChatResult
from typing_extensions import override

from langchain_aimlapi._dialects.assembler import AssemblingParser
from langchain_aimlapi._dialects.responses_input import wire_items, wire_params
from langchain_aimlapi._messages.content_blocks import listed
from langchain_aimlapi._messages.custom_tools import (
    CLOSING,
    OPENING,
    SHELL_TOOL,
    json_piece,
    shell_arguments,
)
from langchain_aimlapi._messages.endings import is_cut
from langchain_aimlapi._messages.usage import (
    cost_from,
    llm_output,
    meta_from,
    usage_from_responses,
)
from langchain_aimlapi.errors import AIMLAPIServerError
from langchain_aimlapi.profiles import profile_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._dialects.base import CallFacts
    from langchain_aimlapi._messages.seal import Seal

_FINISH_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_Told = TypeVar("_Told", str, list[Any])
_FAILED = frozenset({"failed", "cancelled"})
_CALLS = {"function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action"}
"""Items that are calls of our tools, and where they keep the arguments."""


class ResponsesDialect:
    """Speaks `POST /responses`."""

    name = "responses"
    path = "/responses"

    def build_payload(
        self, messages: Sequence[BaseMessage], params: Mapping[str, Any], seal: Seal | None = None
    ) -> dict[str, Any]:
        """Make the request's body; see `Dialect.build_payload`."""
        profile = profile_for(params["model"]) or {}
        reasons = bool(profile.get("reasoning_output"))
        stored = bool(params.get("store"))
        return {
            **wire_params(params, reasons=reasons),
            "input": wire_items(
                messages,
                stored=stored,
                reasons=reasons,
                continued=bool(params.get("previous_response_id")),
                seal=seal,
            ),
        }

    def lacks(self, body: Mapping[str, Any]) -> str | None:
        """Say what a whole reply lacks to be an answer; see `Dialect.lacks`."""
        told = body.get("output") is not None or body.get("output_text") is not None
        return None if told else "no output"

    def parse_response(self, body: Mapping[str, Any], facts: CallFacts) -> ChatResult:
        """Read a whole reply; see `Dialect.parse_response`."""
        parser = ResponsesStreamParser(facts)
        parser.finish(body)
        return ChatResult(
            generations=[parser.assembler.generation()],
            llm_output=llm_output(body, body.get("usage")),
        )

    def stream_parser(self, facts: CallFacts) -> ResponsesStreamParser:
        """Make the reader of one stream."""
        return ResponsesStreamParser(facts)


class ResponsesStreamParser(AssemblingParser):
    """Reads one stream of response events, and remembers what they have told.

    Text comes as deltas, then whole when its part is done, again when its item is done, and again
    in the last event. `_told` counts the characters of each piece that are already there.
    """

    def __init__(self, facts: CallFacts) -> None:
        """Start before the first event."""
        super().__init__(facts)
        self._told: dict[tuple[Any, ...], int] = {}
        self._length = 0
        self._reasoned = False
        self._positions: dict[Any, int] = {}
        self._kinds: dict[Any, str] = {}
        self._unclosed: dict[Any, str | None] = {}
        self._starts: dict[tuple[Any, ...], int] = {}
        self._finished_items: set[Any] = set()
        self._annotated: set[tuple[Any, ...]] = set()
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "response.created": self._on_envelope,
            "response.in_progress": self._on_envelope,
            "response.output_item.added": self._on_item_added,
            "response.output_item.done": self._on_item_done,
            "response.output_text.delta": self._on_text_delta,
            "response.output_text.done": self._on_text_done,
            "response.output_text.annotation.added": self._on_annotation,
            "response.refusal.delta": self._on_refusal_delta,
            "response.refusal.done": self._on_refusal_done,
            "response.reasoning_summary_text.delta": self._on_summary_delta,
            "response.reasoning_summary_text.done": self._on_summary_done,
            "response.reasoning_text.delta": self._on_reasoning_delta,
            "response.reasoning_text.done": self._on_reasoning_done,
            "response.function_call_arguments.delta": self._on_arguments_delta,
            "response.function_call_arguments.done": self._on_arguments_done,
            "response.custom_tool_call_input.delta": self._on_arguments_delta,
            "response.custom_tool_call_input.done": self._on_arguments_done,
            "response.completed": self._on_end,
            "response.incomplete": self._on_end,
            "response.failed": self._on_end,
        }

    @override
    def read(self, event: dict[str, Any]) -> None:
        # The types of events that say nothing new are passed over.
        if handler := self._handlers.get(event.get("type", "")):
            handler(event)
        elif event.get("object") == "response":
            self.finish(event)
        if "meta" in event:
            self._cost(event)

    def finish(self, response: Mapping[str, Any]) -> None:
        """Take the whole response, and of it what no event has told."""
        self._envelope(response)
        if response.get("status") in _FAILED:
            raise AIMLAPIServerError(
                "The response failed, and does not say why. Try again later.",
                **self.facts.error_details(),
            )
        items = response.get("output") or []
        for index, item in enumerate(items):
            self._item(index, item)
        if not self._length and not any(item.get("type") in _CALLS for item in items):
            # What SDKs add as a convenience this gateway sends; it counts where nothing else does.
            self._text(("output_text",), response.get("output_text") or "")
        usage = response.get("usage")
        self.assembler.count(usage, usage_from_responses(usage))
        self.assembler.finish_reason = self._finish_reason(response)
        self._close_calls(
            cut=is_cut(self.assembler.finish_reason) or response.get("status") == "incomplete"
        )

    def _close_calls(self, *, cut: bool) -> None:
        """End the arguments of calls whose items do not tell by themselves whether they are whole.

        A function's JSON does, free text does not: it is whole if its item says so, or does not say
        otherwise and the response was not cut. Until then its arguments lack their end, as those of
        a call that was cut do.
        """
        for index, status in self._unclosed.items():
            if status == "completed" or (status != "incomplete" and not cut):
                self._add_arguments(index, CLOSING[self._kinds[index]])

    def _finish_reason(self, response: Mapping[str, Any]) -> str:
        """Say in chat completions words how the response ended.

        A response that was cut is that also if it holds a call: the call may be the part that is
        missing its end.
        """
        reason = (response.get("incomplete_details") or {}).get("reason")
        if reason:
            return str(_FINISH_REASONS.get(reason, reason))
        if response.get("status") == "incomplete":
            return "length"
        return "tool_calls" if self._positions else "stop"

    # --- events -----------------------------------------------------------------------------------

    def _on_envelope(self, event: dict[str, Any]) -> None:
        self._envelope(event["response"])

    def _on_end(self, event: dict[str, Any]) -> None:
        self.finish(event["response"])

    def _on_item_added(self, event: dict[str, Any]) -> None:
        item = event["item"]
        # The action of a shell call comes whole, with the finished item.
        if item.get("type") in _CALLS and item["type"] != "local_shell_call":
            self._call(event["output_index"], item)

    def _on_item_done(self, event: dict[str, Any]) -> None:
        self._item(event["output_index"], event["item"])

    def _on_text_delta(self, event: dict[str, Any]) -> None:
        self._text(_part(event), event["delta"], delta=True)
        self._logprobs(_part(event), event.get("logprobs"), delta=True)

    def _on_text_done(self, event: dict[str, Any]) -> None:
        self._text(_part(event), event["text"])
        self._logprobs(_part(event), event.get("logprobs"))

    def _on_annotation(self, event: dict[str, Any]) -> None:
        index = event.get("annotation_index")
        if isinstance(index, int):  # else the whole item will tell it
            start = self._starts.get(_part(event), 0)
            self._annotation((*_part(event), index), event.get("annotation"), start)

    def _on_refusal_delta(self, event: dict[str, Any]) -> None:
        self.assembler.add_refusal(self._news(_part(event), event["delta"], delta=True))

    def _on_refusal_done(self, event: dict[str, Any]) -> None:
        self.assembler.add_refusal(self._news(_part(event), event["refusal"]))

    def _on_summary_delta(self, event: dict[str, Any]) -> None:
        self._reasoning(_summary(event), event["delta"], delta=True)

    def _on_summary_done(self, event: dict[str, Any]) -> None:
        self._reasoning(_summary(event), event["text"])

    def _on_reasoning_delta(self, event: dict[str, Any]) -> None:
        self._reasoning(("raw", *_part(event)), event["delta"], delta=True)

    def _on_reasoning_done(self, event: dict[str, Any]) -> None:
        self._reasoning(("raw", *_part(event)), event["text"])

    def _on_arguments_delta(self, event: dict[str, Any]) -> None:
        self._arguments(event["output_index"], event["delta"], delta=True)

    def _on_arguments_done(self, event: dict[str, Any]) -> None:
        self._arguments(event["output_index"], event.get("arguments") or event.get("input") or "")

    # --- pieces -----------------------------------------------------------------------------------

    def _envelope(self, response: Mapping[str, Any]) -> None:
        self.assembler.identify(response.get("id"))
        closing = {
            "model_name": response.get("model"),
            "created": response.get("created_at"),
            "service_tier": response.get("service_tier"),
        }
        self.assembler.closing.update({k: v for k, v in closing.items() if v is not None})
        self._cost(response)

    def _cost(self, holder: Mapping[str, Any]) -> None:
        # Where in a stream the price rides is not documented: it is taken from wherever it is.
        self.assembler.cost = cost_from(holder, self.facts.headers) or self.assembler.cost
        if meta := meta_from(holder, self.facts.headers):
            self.assembler.closing["meta"] = meta

    def _item(self, index: int, item: Mapping[str, Any]) -> None:
        """Take a finished output item."""
        if index in self._finished_items:
            return
        self._finished_items.add(index)
        kind = item.get("type")
        if kind == "message":
            self._message(index, item)
        elif kind in _CALLS:
            self._call(index, item)
            if index in self._unclosed:
                self._unclosed[index] = item.get("status")
            kept = {"type": kind, "call_id": self._call_id(index, item)}
            self._keep({**kept, **_present(item, "id", "status")})
        else:
            if kind == "reasoning":
                for number, part in enumerate(item.get("summary") or ()):
                    self._reasoning((index, "summary", number), part.get("text") or "")
                for number, part in enumerate(item.get("content") or ()):
                    self._reasoning(("raw", index, number), part.get("text") or "")
                seal = self.facts.seal
                item = seal.mark(dict(item)) if seal is not None else item
            if isinstance(kind, str):
                self._keep(item)

    def _message(self, index: int, item: Mapping[str, Any]) -> None:
        parts = item.get("content") or ()
        start: int | None = None
        annotations: list[Any] = []
        for number, part in enumerate(parts):
            key = (index, number)
            if part.get("type") == "refusal":
                self.assembler.add_refusal(self._news(key, part.get("refusal") or ""))
                continue
            self._text(key, part.get("text") or "")
            begin = self._starts.get(key, self._length)
            start = begin if start is None else start
            for position, annotation in enumerate(listed(part.get("annotations"))):
                self._annotation((*key, position), annotation, begin)
                annotations.append(_shifted(annotation, begin - start))
            self._logprobs(key, part.get("logprobs"))
        if item.get("id"):
            span = [self._length if start is None else start, self._length]
            kept = {"type": "message", "span": span, **_present(item, "id", "status")}
            self._keep({**kept, "annotations": annotations} if annotations else kept)

    def _keep(self, item: Mapping[str, Any]) -> None:
        self.assembler.add_items("output_items", [dict(item)])

    def _news(self, key: tuple[Any, ...], whole: _Told, *, delta: bool = False) -> _Told:
        """Return the part of a text or list that was not told before; all of a delta is news."""
        told = self._told.get(key, 0)
        news = whole if delta else whole[told:]
        self._told[key] = told + len(news)
        return news

    def _text(self, key: tuple[Any, ...], text: str, *, delta: bool = False) -> None:
        if news := self._news(key, text, delta=delta):
            self._starts.setdefault(key, self._length)
            self._length += len(news)
            self.assembler.add_text(news)

    def _reasoning(self, key: tuple[Any, ...], text: str, *, delta: bool = False) -> None:
        begins = key not in self._told
        if news := self._news(key, text, delta=delta):
            # Summaries come in paragraphs.
            self.assembler.add_reasoning("\n\n" + news if begins and self._reasoned else news)
            self._reasoned = True

    def _annotation(self, key: tuple[Any, ...], annotation: Any, start: int) -> None:
        if key not in self._annotated:
            self._annotated.add(key)
            self.assembler.add_annotations([_shifted(annotation, start)])

    def _logprobs(self, part: tuple[Any, ...], tokens: Any, *, delta: bool = False) -> None:
        if news := self._news(("logprobs", *part), list(tokens or ()), delta=delta):
            self.assembler.add_logprobs({"content": news})

    def _call(self, index: int, item: Mapping[str, Any]) -> None:
        kind = item["type"]
        if index not in self._positions:
            self._positions[index] = len(self._positions)
            self._kinds[index] = kind
            self.assembler.add_tool_call(
                self._positions[index],
                name=SHELL_TOOL if kind == "local_shell_call" else item.get("name"),
                arguments=OPENING.get(kind, ""),
                call_id=item.get("call_id") or item.get("id"),
            )
            if kind in CLOSING:
                self._unclosed[index] = None
        given = item.get(_CALLS[kind])
        self._arguments(
            index, shell_arguments(given) if kind == "local_shell_call" else given or ""
        )

    def _call_id(self, index: int, item: Mapping[str, Any]) -> Any:
        """Return the id under which the call stands in `tool_calls`."""
        position = self._positions[index]
        return (
            item.get("call_id") if self.assembler.stopped else self.assembler.calls.settle(position)
        )

    def _arguments(self, index: int, text: str, *, delta: bool = False) -> None:
        # Before its item is known a call has no name; the item brings all of its arguments.
        if index in self._positions and (
            news := self._news(("arguments", index), text, delta=delta)
        ):
            is_text = self._kinds[index] == "custom_tool_call"
            self._add_arguments(index, json_piece(news) if is_text else news)

    def _add_arguments(self, index: int, arguments: str) -> None:
        self.assembler.add_tool_call(
            self._positions[index], name=None, arguments=arguments, call_id=None
        )


def _part(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return event["output_index"], event["content_index"]


def _summary(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return event["output_index"], "summary", event.get("summary_index", 0)


def _present(item: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: item[key] for key in keys if item.get(key) is not None}


def _shifted(annotation: Any, by: int) -> Any:
    """Move an annotation's place from its part to the whole text; leave what has none."""
    if not isinstance(annotation, dict):
        return annotation
    places = {
        key: annotation[key] + by
        for key in ("start_index", "end_index")
        if isinstance(annotation.get(key), int)
    }
    return {**annotation, **places}
