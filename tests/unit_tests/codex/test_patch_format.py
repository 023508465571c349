"""The text of a patch: what is read, what is refused, and that reading undoes writing."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_aimlapi.codex import PatchError
from langchain_aimlapi.codex.patch_format import (
    GRAMMAR,
    Add,
    Delete,
    Hunk,
    Update,
    inverse,
    parse_patch,
    render_patch,
)

EXAMPLE = """\
*** Begin Patch
*** Add File: hello.txt
+Hello
+
*** Update File: src/app.py
*** Move to: src/main.py
@@ class App:
@@ def greet():
-print("Hi")
+print("Hello")

 end
*** End of File
*** Delete File: obsolete.txt
*** End Patch"""
READ = [
    Add("hello.txt", ("Hello", "")),
    Update(
        "src/app.py",
        (
            Hunk(
                ("class App:", "def greet():"),
                (("-", 'print("Hi")'), ("+", 'print("Hello")'), (" ", ""), (" ", "end")),
                at_end=True,
            ),
        ),
        "src/main.py",
    ),
    Delete("obsolete.txt"),
]


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        f"\n\n{EXAMPLE}\n\n",
        EXAMPLE.replace("\n", "\r\n"),
        f"```diff\n{EXAMPLE}\n```",
        f"apply_patch <<'EOF'\n{EXAMPLE}\nEOF\n",
        f"<<PATCH\n{EXAMPLE}\nPATCH",
        EXAMPLE.replace("*** Delete", "\n*** Delete"),
        EXAMPLE.replace("*** Begin Patch", "*** Begin Patch  "),
        f"applypatch << EOF\n{EXAMPLE}\nEOF",
        f"\ufeff{EXAMPLE}",
    ],
    ids=[
        *("plain", "blank lines", "crlf", "fence", "shell", "heredoc", "gap", "trailing space"),
        *("other name", "byte order mark"),
    ],
)
def test_a_patch_is_read(text):
    assert parse_patch(text) == READ


def test_an_empty_line_may_lack_its_plus():
    [add] = parse_patch("*** Begin Patch\n*** Add File: a\n+x\n\n\n+y\n\n*** End Patch")
    assert add.lines == ("x", "", "", "y")


def test_a_first_hunk_needs_no_header():
    [update] = parse_patch("*** Begin Patch\n*** Update File: a\n-x\n+y\n@@\n z\n*** End Patch")
    assert [hunk.lines for hunk in update.hunks] == [(("-", "x"), ("+", "y")), ((" ", "z"),)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "no file section"),
        ("*** Add File: a\nno plus", 'begins with "+"'),
        ("*** Add File:", "a path expected"),
        ("*** Rename File: a", "a file section"),
        ("+x", "a file section"),
        ("*** Update File: a", "changes nothing"),
        ("*** Update File: a\n@@\n*** Delete File: b", "a hunk without lines"),
        ("*** Update File: a\n@@x\n-x", '"@@" and a space'),
        ("*** Update File: a\n@@ -1,2 +1,2 @@\n-x", "no line numbers"),
        ("*** Update File: a\n@@\nx", 'begins with " ", "-" or "+"'),
        ("*** Update File: a\n@@\n-x\n*** End of File\n-y\n*** End of Files", "a file section"),
        ("*** Delete File: a\n-x", "a file section"),
    ],
)
def test_what_is_no_patch_is_refused(body, said):
    with pytest.raises(PatchError, match=re.escape(said)):
        parse_patch(f"*** Begin Patch\n{body}\n*** End Patch\n")


@pytest.mark.parametrize("text", ["", "diff --git a/a b/a", EXAMPLE.rpartition("\n")[0]])
def test_a_cut_patch_is_refused(text):
    with pytest.raises(PatchError, match=r"A patch (begins|ends)"):
        parse_patch(text)


texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
paths = st.from_regex(r"[a-z]{1,5}(/[a-z é.]{0,4}[a-z]){0,2}", fullmatch=True)
marked = st.tuples(st.sampled_from(" -+"), texts)
anchors = texts.filter(lambda text: text.strip() == text != "")
hunks = st.builds(
    Hunk,
    st.lists(anchors, max_size=2).map(tuple),
    st.lists(marked, min_size=1, max_size=4).map(tuple),
    st.booleans(),
)
updates = st.builds(
    Update, paths, st.lists(hunks, min_size=1, max_size=3).map(tuple), st.none() | paths
)
operations = st.one_of(
    st.builds(Add, paths, st.lists(texts, max_size=3).map(tuple)), st.builds(Delete, paths), updates
)


@settings(max_examples=50)
@given(st.lists(operations, min_size=1, max_size=4))
def test_what_is_written_is_read_back(written):
    assert parse_patch(render_patch(written)) == written


@settings(max_examples=50)
@given(updates)
def test_the_inverse_of_the_inverse_is_the_update(update):
    assert inverse(inverse(update)) == update


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(PatchError):
        assert parse_patch(text)
    with contextlib.suppress(PatchError):
        assert parse_patch(f"*** Begin Patch\n{text}\n*** End Patch")


def test_the_grammar_has_the_markers_of_the_format():
    for marker in re.findall(r"^\*\*\* [A-Za-z ]+", EXAMPLE, re.MULTILINE):
        assert f'"{marker}' in GRAMMAR
