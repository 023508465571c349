"""What a test says shall come: steps in order, and steps for requests that fit a description."""

from __future__ import annotations

import inspect
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from re import Pattern
from typing import TYPE_CHECKING, Any, get_args

from langchain_aimlapi.emulator.answers.replies import Reply
from langchain_aimlapi.emulator.exchange import Dialect, RecordedRequest
from langchain_aimlapi.emulator.scripts.faults import Fault, as_outcome

if TYPE_CHECKING:
    from langchain_aimlapi.emulator.wire.render import Call

Outcome = Reply | Fault
Step = Outcome | str | None | Callable[[RecordedRequest], Outcome | str | None]
"""What a script is made of, or a function that makes one; `None` is the default reply."""


def _check(step: Any) -> None:
    """Refuse what is no step when it is scripted, not when a request comes."""
    if isinstance(step, type) or getattr(step, "__self__", None) is Fault:
        name = getattr(step, "__qualname__", step)
        raise TypeError(f"{name} makes a step when it is called: {name}(...)")
    if inspect.iscoroutinefunction(step):
        raise TypeError("functions in a script are plain ones, not async")
    if isinstance(step, list | tuple):
        raise TypeError("give the steps one by one: script(*steps)")
    if not callable(step):
        as_outcome(step)


@dataclass(frozen=True)
class Match:
    """A description of requests. What is `None` fits every request, texts fit where they stand in.

    Attributes:
        model: The requested model.
        text: What the last message says, whoever says it: a part of it, or a pattern.
        tool: The name of a tool whose result the request ends with.
        tool_result: What a result says that the request ends with: a part of it, or a pattern.
            With `tool`, one and the same result must be of that tool and say that.
        endpoint: `chat_completions` or `responses`.
    """

    model: str | None = None
    text: str | Pattern[str] | None = None
    tool: str | None = None
    tool_result: str | Pattern[str] | None = None
    endpoint: str | None = None

    def __post_init__(self) -> None:
        """Refuse a description that no request could fit."""
        for part in fields(self):
            kinds = (str, Pattern) if part.name in {"text", "tool_result"} else (str,)
            value = getattr(self, part.name)
            if value is not None and not isinstance(value, kinds):
                wanted = "a text or a pattern" if len(kinds) > 1 else "a text"
                raise TypeError(f"{part.name} takes {wanted}, not {value!r}")
        if self.endpoint not in {None, *get_args(Dialect)}:
            known = " or ".join(get_args(Dialect))
            raise ValueError(f"endpoint is {known}, not {self.endpoint!r}")

    def __repr__(self) -> str:
        """What is asked for."""
        given = ((part.name, getattr(self, part.name)) for part in fields(self))
        asked = ", ".join(f"{name}={value!r}" for name, value in given if value is not None)
        return f"Match({asked})"

    def fits(self, call: Call) -> bool:
        """Whether `call` is one of those described."""
        conversation = call.conversation
        results = conversation.results
        return (
            self.model in {None, call.payload.get("model")}
            and self.endpoint in {None, call.dialect}
            and (self.text is None or _said(self.text, conversation.last.text))
            and (
                (self.tool is None and self.tool_result is None)
                or any(
                    self.tool in {None, result.name}
                    and (self.tool_result is None or _said(self.tool_result, result.text))
                    for result in results
                )
            )
        )


def _said(wanted: str | Pattern[str], text: str) -> bool:
    return wanted in text if isinstance(wanted, str) else wanted.search(text) is not None


@dataclass(eq=False)
class _Entry:
    """A step and the requests that it is for; `left` counts down, `None` is any number."""

    step: Step
    match: Match | None
    left: int | None

    def __repr__(self) -> str:
        times = "" if self.left in {None, 1} else f" {self.left} times"
        return f"{self.step!r}{'' if self.match is None else f' for {self.match!r}'}{times}"


class Script:
    """Steps that wait for their requests, safe for use by several threads.

    A request takes the first step whose description fits it; if none does, the next of the steps
    without a description; then what the fallback says.
    """

    def __init__(self) -> None:
        """Begin with nothing in it."""
        self._lock = threading.Lock()
        self._plain: deque[_Entry] = deque()
        self._described: list[_Entry] = []
        self.fallback: Step | None = None

    def add(self, step: Step, match: Match | None = None, times: int | None = 1) -> None:
        """Append a step.

        Args:
            step: What is answered.
            match: For which requests; `None` for any.
            times: For how many of them; `None` for any number.
        """
        whole = isinstance(times, int) and not isinstance(times, bool)
        if times is not None and not (whole and times >= 1):
            raise ValueError(f"times must be 1 or more, or None for any number; not {times!r}")
        _check(step)
        with self._lock:
            entries = self._plain if match is None else self._described
            entries.append(_Entry(step, match, times))

    def next(self, call: Call) -> Outcome | None:
        """Take what the script has for `call`; `None`: the default reply."""
        with self._lock:
            entry = next((e for e in self._described if e.match and e.match.fits(call)), None)
            if entry is None and self._plain:
                entry = self._plain[0]
            if entry is not None and entry.left is not None:
                entry.left -= 1
                if entry.left == 0:
                    (self._plain if entry.match is None else self._described).remove(entry)
            step = self.fallback if entry is None else entry.step
        if callable(step):
            return as_outcome(step(call.request), "what a script's function returns")
        return as_outcome(step)

    def unused(self) -> list[str]:
        """The steps that still wait; those for any number of requests wait for none."""
        with self._lock:
            entries = [*self._described, *self._plain]
            return [repr(entry) for entry in entries if entry.left is not None]
