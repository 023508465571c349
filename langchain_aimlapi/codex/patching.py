"""What a patch makes of files: operations and the files' bytes in, changes out. No file is touched.

Lines are compared exactly, but for their ends: a file keeps its own line ends, its byte order mark
and the absence of a last newline. An anchor (`@@ …`) names a whole line; its white space at both
ends does not count, since models leave the indentation out there.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_aimlapi.codex.patch_format import Add, Delete, PatchError, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_aimlapi.codex.patch_format import Hunk, Operation

_BOM = "\ufeff"
_SHOWN = 12  # lines of the file that an error shows
_LONGEST_SHOWN = 300  # characters of a line that an error shows
_SEARCHED = 4_000  # lines that are searched for those of a hunk
_COMPARED = 1_000  # lines, and below characters of them, that are compared letter by letter
_COMPARED_CHARACTERS = 100


@dataclass(frozen=True)
class Change:
    """What becomes of one path.

    Attributes:
        path: The path, relative to the root.
        before: Its bytes, or None where there is no file.
        after: Its bytes afterwards, or None where it goes away.
        mode_of: The path whose permissions it gets: that of the file it was moved from.
    """

    path: str
    before: bytes | None
    after: bytes | None
    mode_of: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a patch does, and what of it is there already.

    Attributes:
        changes: One for each path that changes.
        notes: A line for each operation, such as `M stats.py (line 2)`.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def plan(operations: Sequence[Operation], read: Callable[[str], bytes | None]) -> Plan:
    """Work out what a patch makes of the files.

    Args:
        operations: The patch. Later operations see what earlier ones did.
        read: Returns the bytes of a path, or None where there is nothing. It is asked once a path.

    Raises:
        PatchError: An operation does not fit. The text says which hunk, and what stands there.
    """
    return _Planner(read).plan(operations)


class _Planner:
    """The files as they were, and as they are after the operations so far."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._before: dict[str, bytes | None] = {}
        self._after: dict[str, bytes | None] = {}
        self._mode_of: dict[str, str] = {}

    def plan(self, operations: Sequence[Operation]) -> Plan:
        notes = [self._apply(operation) for operation in operations]
        changes = tuple(
            Change(path, before, self._after[path], self._mode_of.get(path))
            for path, before in self._before.items()
            if self._after[path] != before
        )
        return Plan(changes, tuple(notes))

    def _get(self, path: str) -> bytes | None:
        if path not in self._before:
            self._before[path] = self._after[path] = self._read(path)
        return self._after[path]

    def _apply(self, operation: Operation) -> str:
        if isinstance(operation, Add):
            return self._add(operation)
        if isinstance(operation, Delete):
            there = self._get(operation.path) is not None
            self._after[operation.path] = None
            return f"D {operation.path}" + ("" if there else _ALREADY)
        return self._update(operation)

    def _add(self, add: Add) -> str:
        content = _encoded(add.path, "".join(f"{line}\n" for line in add.lines))
        there = self._get(add.path)
        if there is not None and there != content:
            raise PatchError(
                f'{add.path} exists already, with other content. Change it with "*** Update File".'
            )
        self._after[add.path] = content
        return f"A {add.path}" + ("" if there is None else _ALREADY)

    def _update(self, update: Update) -> str:
        source, target = update.path, update.move_to or update.path
        moved = source != target
        here, there = self._get(source), self._get(target)
        if here is None and there is not None and _in_place(update, _File(target, there).texts):
            return f"R {source} -> {target}{_ALREADY}"
        if here is None:
            raise PatchError(f"{source} does not exist, so it cannot be updated.")
        file, where = _File(source, here), ""
        if not _in_place(update, file.texts):
            starts = _starts(update, file.texts)
            here = file.patched(update.hunks, starts)
            where = f" (line {', '.join(str(start + 1) for start in starts)})"
        elif not moved:
            where = _ALREADY
        if moved and there not in {None, here}:
            raise PatchError(f"{target} exists already, so {source} cannot be moved there.")
        self._after[target] = here
        if not moved:
            return f"M {source}{where}"
        self._after[source] = None
        self._mode_of[target] = self._mode_of.pop(source, source)
        return f"R {source} -> {target}{where}"


_ALREADY = ": already so"


class _File:
    """The lines of a text file, each with its own end."""

    def __init__(self, path: str, content: bytes) -> None:
        """Read the bytes.

        Raises:
            PatchError: They are no text.
        """
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise PatchError(f"{path} is a binary file (no UTF-8 text); a patch cannot update it.")
        self._path = path
        self._bom = _BOM if text.startswith(_BOM) else ""
        pieces = text[len(self._bom) :].split("\n")
        self._ends_open = bool(pieces[-1])
        self._lines = [_split_end(piece) for piece in pieces[:-1]]
        if self._ends_open:
            self._lines.append((pieces[-1], ""))
        crlf = sum(end == "\r\n" for _, end in self._lines)
        self._end = "\r\n" if crlf * 2 > len(pieces) - 1 else "\n"

    @property
    def texts(self) -> list[str]:
        """The lines without their ends."""
        return [text for text, _ in self._lines]

    def patched(self, hunks: Sequence[Hunk], starts: Sequence[int]) -> bytes:
        """Return the file's bytes with the hunks applied at these lines."""
        made: list[tuple[str, str]] = []
        at = 0
        for hunk, start in zip(hunks, starts, strict=True):
            made += self._lines[at:start]
            at = start
            for marker, text in hunk.lines:
                if marker == "+":
                    made.append((text, self._end))
                    continue
                if marker == " ":
                    made.append(self._lines[at])
                at += 1
        made += self._lines[at:]
        text = "".join(text + (end or self._end) for text, end in made)
        if self._ends_open:
            text = text.removesuffix(self._end)
        return _encoded(self._path, self._bom + text)


def _encoded(path: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise PatchError(f"{path}: a line of the patch holds half a character.") from None


def _split_end(piece: str) -> tuple[str, str]:
    return (piece[:-1], "\r\n") if piece.endswith("\r") else (piece, "\n")


# --- where hunks belong ---------------------------------------------------------------------------


def _starts(update: Update, lines: list[str]) -> list[int]:
    """Return the line at which each hunk applies.

    Raises:
        PatchError: One of them does not fit.
    """
    starts: list[int] = []
    cursor = 0
    for number, hunk in enumerate(update.hunks, 1):
        name = f"{update.path}, hunk {number} of {len(update.hunks)}"
        begin = _anchored(hunk, lines, cursor)
        if isinstance(begin, str):
            sought = begin[:_LONGEST_SHOWN]
            raise PatchError(f"{name}: no line after line {cursor} is {sought!r}, as its @@ says.")
        start = _start(hunk, lines, begin)
        if start is None:
            raise PatchError(f"{name}: {_mismatch(hunk, lines, cursor, begin)}")
        starts.append(start)
        cursor = start + len(hunk.old)
    return starts


def _in_place(update: Update, lines: list[str]) -> bool:
    """Tell whether the file is already as the update would make it.

    What a hunk removes must be gone. One that only adds is in place if its lines stand where it
    would put them.
    """
    cursor = 0
    for hunk in update.hunks:
        begin = _anchored(hunk, lines, cursor)
        if isinstance(begin, str):
            return False
        new, place = hunk.new, _start(hunk, lines, begin)
        if place is None:
            start = _find(new, lines, begin, at_end=hunk.at_end) if new else None
        elif hunk.removes:
            return False
        else:
            around = range(max(begin, place - len(new)), place + 1)
            start = next((n for n in around if lines[n : n + len(new)] == new), None)
        if start is None:
            return False
        cursor = start + len(new)
    return True


def _anchored(hunk: Hunk, lines: list[str], cursor: int) -> int | str:
    """Return where to search from: at its innermost anchor. An anchor that is missing, instead."""
    for anchor in hunk.anchors:
        exact = (n for n in range(cursor, len(lines)) if lines[n] == anchor)
        loose = (n for n in range(cursor, len(lines)) if lines[n].strip() == anchor.strip())
        found = next(exact, next(loose, None))
        if found is None:
            return anchor
        cursor = found + 1
    # Some models repeat the anchor as the first line of context.
    return cursor - 1 if hunk.anchors else cursor


def _start(hunk: Hunk, lines: list[str], begin: int) -> int | None:
    """Return the line at which a hunk applies: the first that fits."""
    if hunk.old:
        return _find(hunk.old, lines, begin, at_end=hunk.at_end)
    return begin + 1 if hunk.anchors and not hunk.at_end else len(lines)


def _find(wanted: list[str], lines: list[str], begin: int, *, at_end: bool) -> int | None:
    last = len(lines) - len(wanted)
    return next(
        (
            start
            for start in range(max(begin, last) if at_end else begin, last + 1)
            if lines[start : start + len(wanted)] == wanted
        ),
        None,
    )


def _mismatch(hunk: Hunk, lines: list[str], cursor: int, begin: int) -> str:
    """Say what stands in the file instead of what a hunk expects."""
    old = hunk.old
    if (elsewhere := _find(old, lines, 0, at_end=False)) is not None:
        rule = (
            "they are not its last lines"
            if elsewhere >= begin
            else "hunks go from top to bottom, and an @@ line stands above its hunk"
        )
        return f"its lines stand at line {elsewhere + 1}, but {rule}."
    expected = "\n".join(f"  {text[:_LONGEST_SHOWN]}" for text in old[:_SHOWN])
    said = f"these lines do not stand in the file as they are:\n{expected}\n"
    if not lines:
        return f"{said}The file is empty."
    start = _nearest(old, lines[:_SEARCHED], cursor)
    shown = lines[start : start + max(len(old), 3)][:_SHOWN]
    there = "\n".join(f"{n}: {text[:_LONGEST_SHOWN]}" for n, text in enumerate(shown, start + 1))
    return f"{said}The nearest lines of the file are:\n{there}"


def _nearest(old: list[str], lines: list[str], cursor: int) -> int:
    """Return where the lines that resemble a hunk most begin."""
    wanted = [text.strip() for text in old]
    bare = [text.strip() for text in lines]
    scores = [
        sum(a == b and bool(a) for a, b in zip(wanted, bare[n:], strict=False))
        for n in range(len(bare))
    ]
    if any(scores):
        return scores.index(max(scores))
    longest = max(wanted, key=len)
    parts = [text[:_COMPARED_CHARACTERS] for text in bare[:_COMPARED]]
    if close := difflib.get_close_matches(longest[:_COMPARED_CHARACTERS], parts, n=1, cutoff=0.4):
        return max(0, parts.index(close[0]) - wanted.index(longest))
    return min(cursor, len(lines) - 1)
