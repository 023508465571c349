"""The page's table: one line a fault, told apart only where calls end differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fault_matrix.outcomes import STREAMED, WHOLE
from tests.fault_matrix.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.fault_matrix.outcomes import Outcome
    from tests.fault_matrix.runner import Cell

    Results = Sequence[tuple[Cell, Outcome]]

_GROUPS = (WHOLE, STREAMED)
_SAME = "the same"
_TOLD_APART_BY: tuple[Callable[[Cell], str], ...] = (
    lambda cell: cell.dialect,
    lambda cell: cell.variant,
    lambda cell: cell.call,
    lambda cell: " ".join(filter(None, cell[1:])),
)


def render(results: Results) -> str:
    """Make the table of what cells ended in."""
    head = ["Fault", _names(WHOLE), _names(STREAMED), "Requests", "Retryable", "Partial message"]
    head.append("Billed, perhaps")
    lines = [_line(head), _line(["---"] * len(head))]
    for fault in dict.fromkeys(row.fault for row in ROWS):
        found = [(cell, outcome) for cell, outcome in results if cell.row.fault == fault]
        whole = _entry([pair for pair in found if pair[0].call in WHOLE], _ending)
        streamed = _entry([pair for pair in found if pair[0].call in STREAMED], _ending)
        others = (_both(found, say) for say in (_requests, _retryable, _partial, _unpriced))
        lines.append(_line([fault, whole, _SAME if streamed == whole else streamed, *others]))
    return "\n".join(lines)


def _names(calls: Sequence[str]) -> str:
    return ", ".join(f"`{call}`" for call in calls)


def _line(entries: Sequence[str]) -> str:
    return f"| {' | '.join(entries)} |"


def _both(found: Results, say: Callable[[Outcome], str]) -> str:
    """One entry for all calls, or two."""
    entries = [_entry([pair for pair in found if pair[0].call in group], say) for group in _GROUPS]
    return " / ".join(dict.fromkeys(entries))


def _entry(found: Results, say: Callable[[Outcome], str]) -> str:
    """Say what all these calls have in common, or tell them apart as coarsely as that is true."""
    for name in (lambda _: "", *_TOLD_APART_BY):
        said: dict[str, set[str]] = {}
        for cell, outcome in found:
            said.setdefault(name(cell), set()).add(say(outcome))
        if all(len(values) == 1 for values in said.values()):
            break
    together: dict[str, list[str]] = {}
    for where, values in said.items():
        together.setdefault(", ".join(values), []).append(where)
    if len(together) == 1:
        return next(iter(together))
    return "; ".join(f"{value} ({', '.join(where)})" for value, where in together.items())


def _ending(outcome: Outcome) -> str:
    return "answer" if outcome.ending is None else f"`{outcome.ending.__name__}`"


def _requests(outcome: Outcome) -> str:
    return str(outcome.requests)


def _retryable(outcome: Outcome) -> str:
    if outcome.ending is None:
        return "-"
    return "yes" if outcome.is_retryable else "no"


def _unpriced(outcome: Outcome) -> str:
    return str(outcome.unpriced or "-")


def _partial(outcome: Outcome) -> str:
    return "kept" if outcome.keeps_partial else "-"
