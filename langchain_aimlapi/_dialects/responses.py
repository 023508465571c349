"""The responses dialect: `POST /responses`.

Facts from the vendor's published response and event schemas of the four models (2026-08), which are
the same for all of them. A whole reply is read as a stream of one event, its last: what an event
has already told is not told again.

What a message was made of is kept in `additional_kwargs["output_items"]`, so that the next turn can
give the model its reasoning back. The items are as they came, but for two: messages hold a `span`
of the text instead of the text, function calls leave name and arguments to `tool_calls`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.outputs import ChatResult
from typing_extensions import override

from langchain_aimlapi._dialects.calls import number_of
from langchain_aimlapi._dialects.item_calls import ItemCalls
from langchain_aimlapi._dialects.output_items import CALLS, Item, OutputItems, Told, texts_of, typed
from langchain_aimlapi._dialects.responses_input import wire_items, wire_params
from langchain_aimlapi._dialects.stream_parser import StreamParser
from langchain_aimlapi._messages.content_blocks import listed
from langchain_aimlapi._messages.endings import is_cut
from langchain_aimlapi._messages.foreign_blocks import as_text, text_in
from langchain_aimlapi._messages.usage import (
    cost_from,
    llm_output,
    meta_from,
    usage_from_responses,
)
from langchain_aimlapi.errors import AIMLAPIServerError
from langchain_aimlapi.profiles import known_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._dialects.call_facts import CallFacts
    from langchain_aimlapi._messages.seal import Seal

_FINISH_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_UNFINISHED = frozenset({"queued", "in_progress"})
_ENDS = frozenset({"completed", "incomplete", "failed", "cancelled"})
_FAILED = frozenset({"failed", "cancelled"})


class ResponsesDialect:
    """Speaks `POST /responses`."""

    name = "responses"
    path = "/responses"

    def build_payload(
        self, messages: Sequence[BaseMessage], params: Mapping[str, Any], seal: Seal | None = None
    ) -> dict[str, Any]:
        """Make the request's body; see `Dialect.build_payload`."""
        profile = known_profile(params["model"])
        reasons = bool((profile or {}).get("reasoning_output"))
        stored = bool(params.get("store"))
        return {
            **wire_params(params, reasons=reasons),
            "input": wire_items(
                messages,
                str(params["model"]),
                stored=stored,
                reasons=reasons,
                previous=params.get("previous_response_id"),
                tools=params.get("tools", ()),
                seal=seal,
                any_media=profile is None,
            ),
        }

    def lacks(self, body: Mapping[str, Any]) -> str | None:
        """Say what a whole reply lacks to be an answer; see `Dialect.lacks`."""
        if body.get("status") in _UNFINISHED and not (
            body.get("output") or body.get("output_text")
        ):
            return f"the response is still {body['status']}, as those in the background are"
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


class ResponsesStreamParser(StreamParser):
    """Reads one stream of response events, and remembers what they have told.

    Text comes as deltas, then whole when its part is done, again when its item is done, and again
    in the last event: what is there already is not told again.
    """

    def __init__(self, facts: CallFacts) -> None:
        """Start before the first event."""
        super().__init__(facts)
        self._items = OutputItems()
        self._told = Told()
        self._calls = ItemCalls(self.assembler, self._told)
        self._starts: dict[tuple[Any, ...], int] = {}
        self._kept: list[tuple[int, dict[str, Any]]] = []
        self._annotated: set[tuple[Any, ...]] = set()
        self._length = 0
        self._reasoned = False

    @override
    def read(self, event: dict[str, Any]) -> None:
        # The types of events that say nothing new are passed over.
        if handler := self._HANDLERS.get(event.get("type", "")):
            handler(self, event)
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
        output = [typed(told) for told in listed(response.get("output")) if told is not None]
        items = self._items.matched(output)
        for item, told in zip(items, output, strict=True):
            self._item(item, told)
        for item in self._items.untold():
            self._item(item, {**item.first, **item.parts})
        places = self._items.ranks(items)
        self._kept.sort(key=lambda kept: places[kept[0]])
        self._hand_on()
        is_silent = not self._length and not any(told.get("type") in CALLS for told in output)
        if is_silent and (text := response.get("output_text")):
            # What SDKs add as a convenience this gateway sends; it counts where nothing else does.
            self.assembler.add_text(text)
        usage = response.get("usage")
        self.assembler.count(usage, usage_from_responses(usage))
        reason = self._finish_reason(response)
        is_over = response.get("status") not in _UNFINISHED
        self.assembler.finish_reason = reason if is_over else None
        self._calls.close(cut=is_cut(reason) or response.get("status") == "incomplete")

    def _finish_reason(self, response: Mapping[str, Any]) -> str:
        """Say in chat completions words how the response ended.

        A response that was cut is that also if it holds a call: the call may be the part that is
        missing its end.
        """
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else details
        if reason:
            return str(_FINISH_REASONS.get(reason, reason))
        if response.get("status") == "incomplete":
            return "length"
        return "tool_calls" if self._calls else "stop"

    # --- events -----------------------------------------------------------------------------------

    def _on_envelope(self, event: dict[str, Any]) -> None:
        self._envelope(event.get("response") or {})

    def _on_end(self, event: dict[str, Any]) -> None:
        response = event.get("response") or {**event, "id": None}
        # What the event says, a response may leave out.
        status = response.get("status")
        self.finish({**response, "status": status if status in _ENDS else event["type"][9:]})

    def _on_item_added(self, event: dict[str, Any]) -> None:
        told = typed(event.get("item") or {})
        item = self._items.begun(told, event.get("output_index"))
        if item.kind in CALLS:
            self._calls.begin(item, told)

    def _on_item_done(self, event: dict[str, Any]) -> None:
        if event.get("item"):
            told = typed(event["item"])
            self._item(self._items.finished(told, event.get("output_index")), told)
            self._hand_on()

    def _on_text_delta(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "message")
        part = _part_of(event, item)
        self._text(item, part, _delta_in(event), delta=True)
        self._logprobs((item.number, part), event.get("logprobs"), delta=True)

    def _on_text_done(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "message")
        part = _part_of(event, item, ends=True)
        self._text(item, part, text_in(event.get("text")))
        self._logprobs((item.number, part), event.get("logprobs"))

    def _on_annotation(self, event: dict[str, Any]) -> None:
        index = event.get("annotation_index")
        if isinstance(index, int):  # else the whole item will tell it
            item = self._items.of_piece(event, "message")
            key = (item.number, _part_of(event, item))
            self._annotation((*key, index), event.get("annotation"), self._starts.get(key, 0))

    def _on_refusal_delta(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "message")
        key = (item.number, _part_of(event, item))
        self.assembler.add_refusal(self._told.news(key, _delta_in(event), delta=True))

    def _on_refusal_done(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "message")
        key = (item.number, _part_of(event, item, ends=True))
        self.assembler.add_refusal(self._told.news(key, text_in(event.get("refusal"))))

    def _on_summary_delta(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "reasoning")
        part = _part_of(event, item, "summary_index")
        self._reasoning(item, "summary", part, _delta_in(event), delta=True)

    def _on_summary_done(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "reasoning")
        part = _part_of(event, item, "summary_index", ends=True)
        self._reasoning(item, "summary", part, text_in(event.get("text")))

    def _on_reasoning_delta(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "reasoning")
        part = _part_of(event, item)
        self._reasoning(item, "raw", part, _delta_in(event), delta=True)

    def _on_reasoning_done(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, "reasoning")
        part = _part_of(event, item, ends=True)
        self._reasoning(item, "raw", part, text_in(event.get("text")))

    def _on_part_done(self, event: dict[str, Any]) -> None:
        """Keep a part that has ended; it counts where nothing else is told of the item."""
        part = event.get("part")
        if not isinstance(part, dict):
            return
        key = "summary" if "summary" in event["type"] else "content"
        is_thought = key == "summary" or part.get("type") == "reasoning_text"
        item = self._items.of_piece(event, "reasoning" if is_thought else "message")
        item.parts.setdefault(key, []).append(part)

    def _on_arguments_delta(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, _kind_of_call(event))
        delta = event.get("delta")
        self._calls.grow(item, "" if delta is None else as_text(delta))

    def _on_arguments_done(self, event: dict[str, Any]) -> None:
        item = self._items.of_piece(event, _kind_of_call(event))
        self._calls.take(item, event)

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
        self.assembler.bill(cost_from(holder, self.facts.headers))
        if meta := meta_from(holder, self.facts.headers):
            self.assembler.closing["meta"] = meta

    def _item(self, item: Item, told: Mapping[str, Any]) -> None:
        """Take a finished output item."""
        if item.done:
            return
        item.done = True
        if item.kind == "message":
            self._message(item, told)
        elif item.kind in CALLS:
            self._calls.take(item, told)
            item.status = told.get("status")
            kept = {"type": item.kind, "call_id": self._calls.id_of(item)}
            self._keep(item, {**kept, **_present(told, "id", "status")})
        else:
            if item.kind == "reasoning":
                for where, key in (("summary", "summary"), ("raw", "content")):
                    texts = texts_of(told.get(key))
                    self._told.settle((item.number, where), texts)
                    for number, text in enumerate(texts):
                        self._reasoning(item, where, number, text)
                seal = self.facts.seal
                told = seal.mark(dict(told)) if seal is not None else told
            if isinstance(told.get("type"), str):
                self._keep(item, dict(told))

    def _message(self, item: Item, told: Mapping[str, Any]) -> None:
        content = told.get("content")
        parts = [{"text": part} if isinstance(part, str) else part for part in listed(content)]
        parts = [part for part in parts if isinstance(part, dict)]
        words = texts_of(parts)
        self._told.settle((item.number,), words)
        annotations: list[tuple[Any, int]] = []
        for number, (part, text) in enumerate(zip(parts, words, strict=True)):
            key = (item.number, number)
            if part.get("type") == "refusal":
                self.assembler.add_refusal(self._told.news(key, text))
                continue
            self._text(item, number, text)
            begin = self._starts.setdefault(key, self._length)
            for position, annotation in enumerate(listed(part.get("annotations"))):
                self._annotation((*key, position), annotation, begin)
                annotations.append((annotation, begin))
            self._logprobs(key, part.get("logprobs"))
        start = self._length if item.start is None else item.start
        kept = {"type": "message", "span": [start, start + item.length]}
        kept.update(_present(told, "id", "status"))
        if annotations:
            kept["annotations"] = [_shifted(note, begin - start) for note, begin in annotations]
        self._keep(item, kept)

    def _keep(self, item: Item, told: dict[str, Any]) -> None:
        if not self.assembler.stopped:
            self._kept.append((item.number, told))

    def _hand_on(self) -> None:
        self.assembler.output_items = [told for _, told in self._kept]

    def _text(self, item: Item, part: int, text: str, *, delta: bool = False) -> None:
        key = (item.number, part)
        before = self._told.count(key)
        if news := self._told.news(key, text, delta=delta):
            self._starts.setdefault(key, self._length)
            if item.start is None:
                item.start, item.head = self._length, news
            length = self._told.count(key) - before
            item.length += length
            self._length += length
            self.assembler.add_text(news)

    def _reasoning(
        self, item: Item, where: str, part: int, text: str, *, delta: bool = False
    ) -> None:
        key = (item.number, where, part)
        begins = not self._told.count(key)
        if news := self._told.news(key, text, delta=delta):
            item.reasons_in = item.reasons_in or where
            if item.reasons_in != where:
                return  # the same thoughts, told once more
            # Summaries come in paragraphs.
            self.assembler.add_reasoning("\n\n" + news if begins and self._reasoned else news)
            self._reasoned = True

    def _annotation(self, key: tuple[Any, ...], annotation: Any, start: int) -> None:
        if key not in self._annotated:
            self._annotated.add(key)
            self.assembler.add_annotations([_shifted(annotation, start)])

    def _logprobs(self, part: tuple[Any, ...], tokens: Any, *, delta: bool = False) -> None:
        if news := self._told.news(("logprobs", *part), list(tokens or ()), delta=delta):
            self.assembler.add_logprobs({"content": news})

    _HANDLERS: ClassVar[dict[str, Callable[[Any, dict[str, Any]], None]]] = {
        "response.created": _on_envelope,
        "response.in_progress": _on_envelope,
        "response.output_item.added": _on_item_added,
        "response.output_item.done": _on_item_done,
        "response.output_text.delta": _on_text_delta,
        "response.output_text.done": _on_text_done,
        "response.output_text.annotation.added": _on_annotation,
        "response.content_part.done": _on_part_done,
        "response.reasoning_summary_part.done": _on_part_done,
        "response.refusal.delta": _on_refusal_delta,
        "response.refusal.done": _on_refusal_done,
        "response.reasoning_summary_text.delta": _on_summary_delta,
        "response.reasoning_summary_text.done": _on_summary_done,
        "response.reasoning_summary.delta": _on_summary_delta,
        "response.reasoning_summary.done": _on_summary_done,
        "response.reasoning_text.delta": _on_reasoning_delta,
        "response.reasoning_text.done": _on_reasoning_done,
        "response.reasoning.delta": _on_reasoning_delta,
        "response.reasoning.done": _on_reasoning_done,
        "response.function_call_arguments.delta": _on_arguments_delta,
        "response.function_call_arguments.done": _on_arguments_done,
        "response.custom_tool_call_input.delta": _on_arguments_delta,
        "response.custom_tool_call_input.done": _on_arguments_done,
        "response.completed": _on_end,
        "response.done": _on_end,
        "response.incomplete": _on_end,
        "response.failed": _on_end,
    }


def _part_of(
    event: Mapping[str, Any], item: Item, key: str = "content_index", *, ends: bool = False
) -> int:
    """Return the part of an item that an event speaks of; without a number it is the open one."""
    number = number_of(event.get(key))
    part = item.part if number is None else number
    item.part = part + 1 if ends else part
    return part


def _delta_in(event: Mapping[str, Any]) -> str:
    """Return the text of a delta, which some servers call `text` or send as an object."""
    delta = event.get("delta")
    return delta if isinstance(delta, str) else text_in(event.get("text", delta))


def _kind_of_call(event: Mapping[str, Any]) -> str:
    return "custom_tool_call" if "custom" in event["type"] else "function_call"


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
