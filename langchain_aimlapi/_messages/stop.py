"""Stop sequences, applied here: the API has no documented parameter for them on these models.

The text ends before the first stop string in it. Of two that overlap, the one that begins first
counts. A stream shows the same text, however it is cut into pieces: what could be the beginning
of a stop string is held back until that is known, and nothing else is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def cut_at_stop(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """Cut a whole text at the first stop string.

    Args:
        text: The text.
        stops: The stop strings; empty ones are ignored.

    Returns:
        The text before the stop string (which is left out), and whether there was one.
    """
    starts = [start for stop in stops if stop and (start := text.find(stop)) >= 0]
    return (text[: min(starts)], True) if starts else (text, False)


class StopFilter:
    """Cuts a streamed text at the first stop string.

    The time it takes grows with the text's length, whatever the stop strings are.

    Attributes:
        matched: Whether a stop string was met. From then on nothing more is shown.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """Start before the first piece.

        Args:
            stops: The stop strings; empty ones are ignored.
        """
        self.matched = False
        self._searches = [_Search(stop) for stop in stops if stop]
        self._held = ""

    def feed(self, text: str) -> str:
        """Take a piece of text and return what may be shown now."""
        if self.matched:
            return ""
        if not self._searches:
            return text
        held = self._held + text
        for search in self._searches:
            search.feed(text)
        # Where the text may have to end, counted from its end as the searches do.
        safe = len(held) - max(search.reach for search in self._searches)
        found = [search for search in self._searches if search.found]
        if found and max(search.reach for search in found) == len(held) - safe:
            self.matched = True
        self._held = "" if self.matched else held[safe:]
        return held[:safe]

    def flush(self) -> str:
        """Return what was held back, now that the text has ended."""
        rest = self._held
        self._held = ""
        found = [search.reach for search in self._searches if search.found]
        if self.matched or not found:
            return rest
        self.matched = True
        return rest[: len(rest) - max(found)]


class _Search:
    """Looks for one stop string in text that comes in pieces (Knuth, Morris, Pratt).

    Attributes:
        found: Whether the stop string was met.
        reach: How many characters before the end of the text the stop string begins, or may
            begin: the length of the longest end of the text that is a beginning of it.
    """

    def __init__(self, stop: str) -> None:
        self.found = False
        self.reach = 0
        self._stop = stop
        self._borders = _borders(stop)

    def feed(self, text: str) -> None:
        if self.found:
            self.reach += len(text)
            return
        stop, borders, reach = self._stop, self._borders, self.reach
        position = 0
        while position < len(text):
            if not reach:
                position = text.find(stop[0], position)
                if position < 0:
                    break
            while reach and stop[reach] != text[position]:
                reach = borders[reach - 1]
            reach += stop[reach] == text[position]
            position += 1
            if reach == len(stop):
                self.found = True
                reach += len(text) - position
                break
        self.reach = reach


def _borders(stop: str) -> list[int]:
    """Return, for each beginning of a text, the length of its longest proper end that begins it."""
    borders = [0]
    length = 0
    for character in stop[1:]:
        while length and stop[length] != character:
            length = borders[length - 1]
        length += stop[length] == character
        borders.append(length)
    return borders
