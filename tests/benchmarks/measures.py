"""The measures and what is aimed at: the lines of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.subjects import LIMIT, OPENAI, OPENROUTER


@dataclass(frozen=True)
class Measure:
    """One line of the table.

    Attributes:
        name: What to call it on the command line; a part of it will do.
        task: The worker's task, and `arguments` for it.
        value: Which of the task's numbers counts.
        targets: By subject, the largest ratio to it that is aimed at; by "", the largest value.
            For rates it is the smallest.
        unit: Of the value.
        without: Subjects that are left out, because they would take minutes.
        is_rate: Whether more is better.
        is_slow: Whether to be content with fewer rounds.
    """

    name: str
    task: str
    value: str
    targets: dict[str, float] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    unit: str = "us"
    without: tuple[str, ...] = ()
    is_rate: bool = False
    is_slow: bool = False


def _streams(task: str, targets: list[dict[str, float]]) -> list[Measure]:
    sizes = {"each": (500, 1), "block": (500, 1), "ms": (200, 1)}
    return [
        Measure(
            f"{task}-{kind}",
            task,
            "cpu",
            target,
            {"kind": kind, "chunks": chunks, "count": count},
            unit="us a chunk",
        )
        for (kind, (chunks, count)), target in zip(sizes.items(), targets, strict=True)
    ]


def _concurrent() -> list[Measure]:
    measures = []
    for at_once in (32, 256, 1000):
        shared: dict[str, Any] = {
            "task": "concurrent",
            "arguments": {"count": max(320, at_once), "at_once": at_once},
            # The pool of httpx, without a limit, is quadratic in the calls at once.
            "without": (LIMIT, OPENROUTER) if at_once > 32 else (),
            "is_slow": True,
        }
        rate = {OPENAI: 3.0} if at_once > 32 else {}
        measures += [
            Measure(f"ainvoke-{at_once}", value="cpu", targets={OPENAI: 0.40}, **shared),
            Measure(
                f"rate-{at_once}",
                value="rate",
                targets=rate,
                unit="calls/s",
                is_rate=True,
                **shared,
            ),
            Measure(f"errors-{at_once}", value="errors", targets={"": 0}, unit="", **shared),
        ]
    return measures


def _objects() -> list[Measure]:
    """54 and 540 KB of structured output: at most what the text alone costs again."""
    return [
        Measure(
            f"object-{kilobytes}-{method}{'-raw' * include_raw}",
            "objects",
            "ratio",
            {"": 2.0},
            {"method": method, "chunks": kilobytes * 200, "include_raw": include_raw},
            unit="x text",
            without=(OPENAI, OPENROUTER, "mistral", LIMIT),
            is_slow=True,
        )
        for kilobytes in (54, 540)
        for method in ("json_schema", "function_calling")
        for include_raw in (False, True)
    ]


_CONSTRUCT = {"count": 20}
_LONG = {"count": 4, "messages": 400}
_SYNC = [{OPENAI: 0.16, LIMIT: 0.9}, {OPENAI: 0.12, LIMIT: 0.9}, {OPENAI: 0.36}]
_ASYNC = [{OPENAI: 0.16, LIMIT: 0.9}, {OPENAI: 0.12, LIMIT: 0.9}, {OPENAI: 0.50}]

MEASURES = (
    Measure("import", "imports", "growth", {"": 1.08}, unit="x core"),
    Measure("import-cpu", "imports", "cpu"),
    Measure("import-modules", "imports", "modules", {"": 15}, unit=""),
    Measure("import-memory", "imports", "mb", {"": 2}, unit="MB"),
    Measure("construct-cpu", "construct", "cpu", {"": 100}, _CONSTRUCT),
    Measure("construct-memory", "construct", "kb", {"": 10}, _CONSTRUCT, "KB"),
    Measure("invoke", "invoke", "cpu", {OPENAI: 0.42, LIMIT: 1.5}, {"count": 40}),
    Measure("first-chunk", "first_chunk", "wall", {OPENAI: 0.40, LIMIT: 1.25}, {"count": 20}),
    *_streams("stream", _SYNC),
    *_streams("astream", _ASYNC),
    *_concurrent(),
    Measure(
        "after-burst",
        "after_burst",
        "growth",
        {"": 1.5},
        {"count": 40, "burst": 400},
        unit="x",
        without=(LIMIT, OPENROUTER),
        is_slow=True,
    ),
    Measure("batch", "batch", "cpu", {OPENAI: 0.60}, {"count": 200, "threads": 32}, is_slow=True),
    Measure("conversation", "conversation", "cpu", {OPENAI: 0.06}, _LONG, is_slow=True),
    Measure(
        "conversation-growth", "conversation", "growth", {"": 2.2}, _LONG, unit="x", is_slow=True
    ),
    Measure("image", "image", "cpu", {OPENAI: 0.35}, {"count": 2, "size": 10_000_000}),
    Measure(
        "image-memory",
        "image_memory",
        "mb",
        {"": 15},  # the text of 10 MB in base64 has 13.3 MB: one copy
        {"size": 10_000_000},
        unit="MB",
        is_slow=True,
    ),
    Measure("large-reply", "invoke", "cpu", {OPENAI: 0.65}, {"count": 8, "size": 1_000_000}),
    Measure(
        "tool-deltas",
        "stream",
        "cpu",
        {OPENAI: 0.15, LIMIT: 0.30},
        {"kind": "tool", "chunks": 2000},
        unit="us a delta",
        is_slow=True,
    ),
    Measure(
        "tool-growth",
        "tool_growth",
        "growth",
        {"": 1.25},
        {"few": 500, "many": 4000},
        unit="x",
        is_slow=True,
    ),
    *_objects(),
    Measure("stall-text", "stall", "longest", {OPENAI: 1.2}, {"kind": "block", "chunks": 2000}),
    Measure("stall-tool", "stall", "longest", {OPENAI: 1.0}, {"kind": "tool", "chunks": 500}),
)
