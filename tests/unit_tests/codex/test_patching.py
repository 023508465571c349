"""What a patch makes of files, without files: where hunks go, line ends, and random edits."""

from __future__ import annotations

import difflib
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from langchain_aimlapi.codex import PatchError
from langchain_aimlapi.codex.patch_format import Hunk, Update, inverse, parse_patch, render_patch
from langchain_aimlapi.codex.patching import plan


def patched(files: dict[str, bytes], body: str) -> dict[str, bytes]:
    """Return the files after a patch of these sections."""
    done = plan(parse_patch(f"*** Begin Patch\n{body}\n*** End Patch"), files.get)
    after = {**files, **{change.path: change.after for change in done.changes}}
    return {path: content for path, content in after.items() if content is not None}


def updated(content: bytes, hunks: str) -> bytes:
    return patched({"f": content}, f"*** Update File: f\n{hunks}")["f"]


# --- where a hunk goes ----------------------------------------------------------------------------

BLOCKS = b"class A:\n    def f():\n        x = 1\n\nclass B:\n    def f():\n        x = 1\n"


@pytest.mark.parametrize(
    ("before", "hunks", "after"),
    [
        (b"a\nb\nc\n", "@@\n a\n-b\n+B\n c", b"a\nB\nc\n"),
        (b"a\na\n", "@@\n-a\n+b", b"b\na\n"),
        (b"a\na\n", "@@\n-a\n+b\n*** End of File", b"a\nb\n"),
        (b"a\nx\na\n", "@@\n-a\n+b\n@@\n-a\n+c", b"b\nx\nc\n"),
        (b"a\nx\na\n", "@@ x\n-a\n+b", b"a\nx\nb\n"),
        (b"a\nx\na\n", "@@ x\n x\n-a\n+b", b"a\nx\nb\n"),
        (BLOCKS, "@@ class B:\n@@ def f():\n-        x = 1\n+        x = 2", None),
        (b"a\nb\n", "@@\n+c", b"a\nb\nc\n"),
        (b"a\nb\n", "@@ a\n+c", b"a\nc\nb\n"),
        (b"a\n", "@@\n-a", b""),
        (b"", "@@\n+a", b"a\n"),
        (b"a\n\nb\n", "@@\n a\n\n-b\n+c", b"a\n\nc\n"),
    ],
)
def test_a_hunk_goes_where_its_lines_stand(before, hunks, after):
    after = after if after is not None else BLOCKS[:-2] + b"2\n"
    assert updated(before, hunks) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\r\nb\r\n", b"a\r\nB\r\nnew\r\n"),
        (b"a\nb", b"a\nB\nnew"),
        (b"a\r\nb", b"a\r\nB\r\nnew"),
        (b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbfa\nB\nnew\n"),
        ("a\nb\né\u2028\x0c\n".encode(), "a\nB\nnew\né\u2028\x0c\n".encode()),
        (b"a\nb\nc\r\nd\n", b"a\nB\nnew\nc\r\nd\n"),
    ],
    ids=["crlf", "open end", "crlf, open end", "bom", "separators", "mixed"],
)
def test_line_ends_stay_as_they_are(before, after):
    assert updated(before, "@@\n a\n-b\n+B\n+new") == after


def test_hunks_may_be_copied_with_their_line_ends():
    hunks = "@@ a\n b\r\n\r\n-c\r\n+C\r\n*** End of File"
    assert updated(b"a\r\nb\r\n\r\nc\r\n", hunks) == b"a\r\nb\r\n\r\nC\r\n"
    with pytest.raises(PatchError, match="keeps its line ends"):
        updated(b"a\r\n", "@@\n-a\r\n+a")  # other line ends are no change of the text


@pytest.mark.parametrize(
    ("before", "hunks", "said"),
    [
        (b"a\nb\nc\n", "@@\n-x", r"f, hunk 1 of 1: these lines do not stand"),
        (b"one\ntwo\nthree\n", "@@\n one\n-twoo\n three", r"1: one\n2: two\n3: three"),
        (b"a\n    b\n", "@@\n a\n-b\n+c", r"1: a\n2:     b"),
        (b"a\nb\n", "@@\n-b\n+x\n@@\n-a\n+y", "hunk 2 of 2: .*line 1, but hunks go from top"),
        (b"a\nb\n", "@@\n-a\n+x\n*** End of File", "line 1, but they are not its last"),
        (b"a\n", "@@ def f():\n-a", r"no line after line 0 is 'def f\(\):'"),
        (b"", "@@\n-a\n+b", "The file is empty"),
        (b"a\0b\n", "@@\n-a\n+b", "binary"),
        (b"\xff\xfe\n", "@@\n-a\n+b", "binary"),
    ],
)
def test_a_hunk_that_does_not_fit_says_what_stands_there(before, hunks, said):
    with pytest.raises(PatchError, match=said):
        updated(before, hunks)


def test_what_an_error_shows_is_short():
    line = "x" * 1_000_000
    with pytest.raises(PatchError) as raised:
        updated(f"{line}\n".encode(), f"@@\n-{line}y\n+z")
    assert len(str(raised.value)) < 1_000
    with pytest.raises(PatchError) as raised:
        updated(b"a\n", f"@@ {line}\n-a\n+z")
    assert len(str(raised.value)) < 1_000


# --- whole files ----------------------------------------------------------------------------------


def test_operations_see_what_earlier_ones_did():
    after = patched(
        {"a": b"1\n"},
        "*** Update File: a\n*** Move to: b\n@@\n-1\n+2\n*** Update File: b\n@@\n-2\n+3\n"
        "*** Add File: a\n+new\n*** Add File: c\n+c\n*** Delete File: c",
    )
    assert after == {"a": b"new\n", "b": b"3\n"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("*** Add File: a\n+other", "a exists already"),
        ("*** Update File: x\n@@\n-1", "x does not exist"),
        ("*** Update File: a\n*** Move to: b", "b exists already"),
        ("*** Update File: x\n*** Move to: y", "x does not exist"),
        ("*** Delete File: a\n*** Update File: a\n@@\n-1", "a does not exist"),
        ("*** Add File: x\n+half \ud800", "half a character"),
    ],
)
def test_what_does_not_fit_the_files_is_refused(body, said):
    with pytest.raises(PatchError, match=said):
        patched({"a": b"1\n", "b": b"2\n"}, body)


@pytest.mark.parametrize(
    "body",
    [
        "*** Add File: new\n+1",
        "*** Add File: new",
        "*** Delete File: a",
        "*** Update File: a\n@@\n one\n-two\n+2",
        "*** Update File: a\n@@\n one\n+and\n two",
        "*** Update File: a\n@@\n+end",
        "*** Update File: a\n@@\n one\n+and",
        "*** Update File: a\n*** Move to: b",
        "*** Update File: a\n*** Move to: b\n@@\n-one\n+1\n@@\n two\n+2",
        "*** Update File: a\n@@\n one\n-two\n*** Add File: new\n+1",
    ],
)
def test_a_patch_that_is_already_applied_is_success(body):
    files = {"a": b"one\ntwo\n"}
    once = patched(files, body)
    assert once != files
    assert patched(once, body) == once


def test_a_patch_that_was_applied_in_part_is_finished():
    body = "*** Update File: a\n@@\n-1\n+2\n*** Update File: b\n*** Move to: c\n@@\n-1\n+2"
    whole = {"a": b"2\n", "c": b"2\n"}
    for half in (
        {"a": b"1\n", "b": b"1\n"},
        {"a": b"2\n", "b": b"1\n"},
        {"a": b"2\n", "b": b"1\n", "c": b"2\n"},
        whole,
    ):
        assert patched(half, body) == whole


# --- random edits ---------------------------------------------------------------------------------

line = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=3)
documents = st.lists(line | st.sampled_from(["a", "b", "    a"]), max_size=15)


def hunks_between(before: list[str], after: list[str]) -> tuple[Hunk, ...]:
    """Return the hunks of a diff, each with all of what stands before it as context."""
    lines = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, i, j, k, end in matcher.get_opcodes():
        if kind == "equal":
            lines += [(" ", text) for text in before[i:j]]
            continue
        lines += [("-", text) for text in before[i:j]] + [("+", text) for text in after[k:end]]
    return (Hunk((), tuple(lines)),)


@settings(max_examples=50)
@given(documents, documents, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_random_edits_apply_invert_and_repeat(before, after, end, open_end):
    def written(lines: list[str]) -> bytes:
        text = "".join(line + end for line in lines)
        return (text.removesuffix(end) if open_end else text).encode()

    # Without an end to read the line end from, or a last line to see, there is nothing to keep.
    assume(len(before) > 1 and after)
    assume(not open_end or (before[-1] and after[-1]))
    update = Update("f", hunks_between(before, after))
    files = {"f": written(before)}
    sections = render_patch([update]).split("\n", 1)[1].rpartition("\n*** End Patch")[0]
    assert parse_patch(render_patch([update])) == [update]
    assert patched(files, sections) == {"f": written(after)}

    def result(operation: Update, content: bytes) -> bytes:
        changes = plan([operation], {"f": content}.get).changes
        return changes[0].after if changes else content

    assert result(update, written(before)) == written(after)
    assert result(update, written(after)) == written(after)
    if end.encode() in written(after):
        assert result(inverse(update), written(after)) == written(before)


@settings(max_examples=50)
@given(documents, st.lists(st.tuples(st.integers(0, 14), line), max_size=4))
def test_a_random_hunk_fits_or_is_refused_and_touches_nothing_else(before, edits):
    lines = dict(edits)
    hunk = Hunk(
        (), tuple(("-" if n % 2 else " ", text) for n, text in lines.items()) or ((" ", ""),)
    )
    content = "".join(f"{text}\n" for text in before).encode()
    try:
        changes = plan([Update("f", (hunk,))], {"f": content}.get).changes
    except PatchError as error:
        if not re.match("f, hunk 1 of 1", str(error)):
            raise
        return
    kept = changes[0].after.decode().split("\n") if changes else content.decode().split("\n")
    gone = [text for n, text in lines.items() if n % 2]
    assert sorted([*kept, *(gone if changes else [])]) == sorted(content.decode().split("\n"))
