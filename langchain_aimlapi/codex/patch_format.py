"""The patch format that the codex models were trained to write: text in, operations out.

Written from the public grammar and prose of the format (Codex CLI, 2025-11). A patch is an envelope
of file sections:

    *** Begin Patch
    *** Add File: path            every line that follows begins with "+"
    *** Delete File: path
    *** Update File: path
    *** Move to: path             optional, after the line above
    @@ a line to search from      optional, several for nested places
     context, -removed, +added
    *** End of File               optional: the lines above are the file's last
    *** End Patch

Nothing here touches a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAMMAR = """\
start: "*** Begin Patch" LF section+ "*** End Patch" LF?
section: add | remove | update
add: "*** Add File: " PATH LF ("+" TEXT? LF)+
remove: "*** Delete File: " PATH LF
update: "*** Update File: " PATH LF ("*** Move to: " PATH LF)? change?
change: (anchor | line)+ ("*** End of File" LF)?
anchor: "@@" (" " TEXT)? LF
line: ("+" | "-" | " ") TEXT? LF
PATH: /[^\\n]+/
TEXT: /[^\\n]+/
%import common.LF
"""
"""The format in Lark's notation, as `tools` of the responses endpoint take it."""

_BEGIN, _END, _END_OF_FILE = "*** Begin Patch", "*** End Patch", "*** End of File"
_ADD, _DELETE, _UPDATE = "*** Add File:", "*** Delete File:", "*** Update File:"
_MOVE = "*** Move to:"
_HEREDOC = re.compile(r"\A(?:apply_?patch\s+)?<<\s*(['\"]?)(\w+)\1\s*\n(.*)\n\2\s*\Z", re.DOTALL)
_LINE_NUMBERS = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")
_FENCE = re.compile(r"\A```\w*\n(.*)\n```\Z", re.DOTALL)


class PatchError(ValueError):
    """A patch that cannot be read or does not fit; the text tells the model how to mend it."""


@dataclass(frozen=True)
class Hunk:
    """One place of a file that changes.

    Attributes:
        anchors: Lines to search from, outermost first.
        lines: Marker (`" "`, `"-"` or `"+"`) and text of each line.
        at_end: Whether its lines are the file's last.
    """

    anchors: tuple[str, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    at_end: bool = False

    @property
    def old(self) -> list[str]:
        """The lines that stand there before."""
        return [text for marker, text in self.lines if marker != "+"]

    @property
    def new(self) -> list[str]:
        """The lines that stand there afterwards."""
        return [text for marker, text in self.lines if marker != "-"]

    @property
    def removes(self) -> bool:
        """Whether a line goes away."""
        return any(marker == "-" for marker, _ in self.lines)


@dataclass(frozen=True)
class Add:
    """A new file."""

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Delete:
    """A file that goes away."""

    path: str


@dataclass(frozen=True)
class Update:
    """A file that changes, moves, or both."""

    path: str
    hunks: tuple[Hunk, ...] = ()
    move_to: str | None = None


Operation = Add | Delete | Update


def parse_patch(text: str) -> list[Operation]:
    """Read a patch.

    What models are known to wrap around one is taken off: white space, a code fence, a shell
    here-document. An empty line in a hunk stands for an empty line of context, one between the
    lines of a new file for an empty line there.

    Args:
        text: The patch.

    Returns:
        Its operations in order, at least one.

    Raises:
        PatchError: It is no patch; the text names the line.
    """
    return _Reader(_unwrapped(text)).operations()


def render_patch(operations: Sequence[Operation]) -> str:
    """Write operations as a patch; `parse_patch` reads them back as they are."""
    lines = [_BEGIN]
    for operation in operations:
        if isinstance(operation, Add):
            lines += [f"{_ADD} {operation.path}", *(f"+{line}" for line in operation.lines)]
        elif isinstance(operation, Delete):
            lines.append(f"{_DELETE} {operation.path}")
        else:
            lines.append(f"{_UPDATE} {operation.path}")
            if operation.move_to is not None:
                lines.append(f"{_MOVE} {operation.move_to}")
            for hunk in operation.hunks:
                lines += [f"@@ {anchor}" for anchor in hunk.anchors] or ["@@"]
                lines += [marker + line for marker, line in hunk.lines]
                lines += [_END_OF_FILE] if hunk.at_end else []
    return "\n".join([*lines, _END, ""])


def inverse(operation: Update) -> Update:
    """Return the update that takes this one back; anchors must be context for it to be found."""
    turned = {"+": "-", "-": "+", " ": " "}
    hunks = tuple(
        replace(hunk, lines=tuple((turned[marker], line) for marker, line in hunk.lines))
        for hunk in operation.hunks
    )
    if operation.move_to is None:
        return Update(operation.path, hunks)
    return Update(operation.move_to, hunks, operation.path)


def _unwrapped(text: str) -> list[str]:
    text = text.strip("\ufeff\r\n\t ")
    if "\r\n" in text and text.count("\r\n") == text.count("\n"):
        text = text.replace("\r\n", "\n")
    for wrapping, group in ((_FENCE, 1), (_HEREDOC, 3)):
        if found := wrapping.match(text):
            text = found.group(group).strip("\n")
    return text.split("\n")


class _Reader:
    """Reads a patch line by line."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0

    def operations(self) -> list[Operation]:
        if self._lines[0].strip() != _BEGIN:
            raise PatchError(f'A patch begins with the line "{_BEGIN}"; this one does not.')
        if self._lines[-1].strip() != _END:
            raise PatchError(
                f'A patch ends with the line "{_END}"; this one does not. Is it whole? Nothing '
                "was changed."
            )
        body, self._lines, self._at = self._lines[1:-1], self._lines[:-1], 1
        if not any(line.strip() for line in body):
            raise PatchError("The patch holds no file section.")
        operations: list[Operation] = []
        while self._at < len(self._lines):
            if self._lines[self._at].strip():
                operations.append(self._section())
            else:
                self._at += 1
        return operations

    def _section(self) -> Operation:
        for header, read in ((_ADD, self._add), (_DELETE, Delete), (_UPDATE, self._update)):
            if (path := self._value(header)) is not None:
                return read(path)
        raise self._error(f'a file section ("{_ADD} …", "{_DELETE} …" or "{_UPDATE} …") expected')

    def _value(self, header: str) -> str | None:
        """Take the line if it is this header, and return what stands behind it."""
        if self._at >= len(self._lines) or not self._lines[self._at].strip().startswith(header):
            return None
        value = self._lines[self._at].strip()[len(header) :].strip()
        if not value:
            raise self._error("a path expected")
        self._at += 1
        return value

    def _add(self, path: str) -> Add:
        lines: list[str] = []
        while self._next_line()[:1] == "+":
            lines.append(self._lines[self._at][1:])
            self._at += 1
        self._expect_section('every line of a new file begins with "+"')
        return Add(path, tuple(lines))

    def _update(self, path: str) -> Update:
        move_to = self._value(_MOVE)
        self._drop_copied_ends()
        hunks: list[Hunk] = []
        while not self._next_line().startswith("*** "):
            hunks.append(self._hunk())
        self._expect_section("a file section expected")
        if not hunks and move_to is None:
            raise PatchError(f"{path}: the section changes nothing. Add a hunk, or leave it out.")
        return Update(path, tuple(hunks), move_to)

    def _drop_copied_ends(self) -> None:
        """Take off the carriage returns of hunks copied from a file that has them everywhere."""
        copied = []
        for number in range(self._at, len(self._lines)):
            line = self._lines[number]
            if line.startswith("*** ") and line.rstrip() != _END_OF_FILE:
                break
            if not line.startswith(("@@", "*** ")):
                copied.append(number)
        if all(self._lines[number].endswith("\r") for number in copied):
            for number in copied:
                self._lines[number] = self._lines[number][:-1]

    def _next_line(self) -> str:
        """Return the next line that is not blank; the end is a section of its own."""
        return next((line for line in self._lines[self._at :] if line), "*** ")

    def _hunk(self) -> Hunk:
        anchors: list[str] = []
        while self._at < len(self._lines) and self._lines[self._at].startswith("@@"):
            line = self._lines[self._at]
            if line.rstrip() != "@@" and not line.startswith("@@ "):
                raise self._error('"@@" and a space expected before the line to search from')
            if _LINE_NUMBERS.match(line):
                raise self._error('"@@" takes no line numbers, but a line of the file, or nothing')
            if anchor := line[3:]:
                anchors.append(anchor)
            self._at += 1
        lines: list[tuple[str, str]] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.rstrip() == _END_OF_FILE:
                self._at += 1
                return self._made(anchors, lines, at_end=True)
            if line.startswith(("@@", "*** ")):
                break
            if line[:1] not in {"", " ", "-", "+"}:
                raise self._error('a line of a hunk begins with " ", "-" or "+"')
            lines.append((line[:1], line[1:]))
            self._at += 1
        while lines and lines[-1][0] == "":
            # A blank line before the next section; as context it would tell nothing anyway.
            lines.pop()
        return self._made(anchors, lines, at_end=False)

    def _made(self, anchors: list[str], lines: list[tuple[str, str]], *, at_end: bool) -> Hunk:
        if not lines:
            self._at -= 1
            raise self._error("a hunk without lines")
        if any(marker != "+" and text.endswith("\r") for marker, text in lines):
            self._at -= 1
            raise self._error("a hunk has no carriage returns; the file keeps its line ends")
        return Hunk(
            tuple(anchors), tuple((marker or " ", text) for marker, text in lines), at_end=at_end
        )

    def _expect_section(self, rule: str) -> None:
        """Refuse what stands behind a section and begins no other."""
        rest = self._lines[self._at : self._at + 1]
        if rest and rest[0].strip() and not rest[0].strip().startswith("*** "):
            raise self._error(rule)

    def _error(self, rule: str) -> PatchError:
        line = self._lines[self._at] if self._at < len(self._lines) else _END
        return PatchError(f"Line {self._at + 1} of the patch, {line[:200]!r}: {rule}.")
