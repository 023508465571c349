"""`apply_patch`, the tool with which the codex models change files."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from langchain_core.tools import ToolException

from langchain_aimlapi.codex.custom import custom_tool, grammar
from langchain_aimlapi.codex.execution import lock_of
from langchain_aimlapi.codex.patch_format import GRAMMAR, PatchError, Update, parse_patch
from langchain_aimlapi.codex.patching import plan
from langchain_aimlapi.codex.tree import Tree, checked_path

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from langchain_core.tools import BaseTool

    from langchain_aimlapi.codex.patch_format import Operation
    from langchain_aimlapi.codex.patching import Change

_MOST_DIFF = 100_000  # characters of the artifact's diff

DESCRIPTION = """\
Change files with a patch. The input is the patch itself, not JSON:

*** Begin Patch
*** Add File: path/new.py
+every line of a new file begins with a plus
*** Update File: path/old.py
*** Move to: path/renamed.py
@@ def function_to_search_from():
 a line of context, kept
-a line that goes
+a line that comes
*** Delete File: path/useless.py
*** End Patch

Paths are relative. "*** Move to" is optional. Show about three lines of context above and below \
each change, exactly as they stand in the file. Begin each hunk with @@, and name a whole line of \
the file there (a class, a function) where the context stands more than once. All of the patch is \
applied, or none.
"""
"""What the model reads of `apply_patch`."""


class PatchArtifact(TypedDict):
    """What a patch changed: the `artifact` of the tool message.

    Attributes:
        changed: The paths that changed, relative to the root.
        diff: The changes as a unified diff, cut after 100,000 characters.
    """

    changed: list[str]
    diff: str


def apply_patch(
    root: str | os.PathLike[str], *, wire: Literal["custom", "function"] = "custom"
) -> BaseTool:
    """Make the tool with which the codex models change files, for the files under one root.

    Free-form where that can be sent (the responses endpoint), a function elsewhere. A patch is
    applied whole or not at all. Absolute paths, `..` and links are refused, also links that are
    made while the patch is at work; binary files are not updated. Line ends, a missing last
    newline, a byte order mark and permissions stay as they are. What is already as the patch would
    make it counts as done. A patch that does not fit is an error message for the model, which says
    what stands in the file instead.

    Killed in the midst of a patch of several files, the process leaves each file whole, old or new,
    and the same patch finishes the work.

    Args:
        root: The folder. It has to exist.
        wire: What is sent on the responses endpoint: `"custom"` a free-form tool with the format's
            grammar, `"function"` a function of one text, for gateways that refuse the former.

    Returns:
        A tool named `apply_patch`. Its message's `artifact` is a `PatchArtifact`, None on errors.

    Raises:
        NotADirectoryError: The root is no folder.
        ValueError: `wire` is something else.
    """
    if wire not in {"custom", "function"}:
        raise ValueError(f'wire is "custom" or "function", not {wire!r}.')
    tree = Tree(root)

    def run(patch: str) -> tuple[str, PatchArtifact]:
        try:
            return patched(tree, patch)
        except PatchError as error:
            raise ToolException(f"The patch was not applied. {error}") from error

    made: BaseTool = custom_tool(
        run,
        name="apply_patch",
        description=DESCRIPTION,
        format=grammar("lark", GRAMMAR),
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error="The patch was not applied. It is text: all of it, as one string.",
    )
    if wire == "function":
        made.metadata = None
    return made


def patched(tree: Tree, patch: str) -> tuple[str, PatchArtifact]:
    """Apply a patch to the files of a tree.

    Returns:
        What to tell the model, and the artifact.

    Raises:
        PatchError: It cannot be read or does not fit; nothing was changed.
    """
    operations = [_plain(operation) for operation in parse_patch(patch)]
    with lock_of(tree.root):
        planned = plan(operations, tree.read)
        tree.apply(planned.changes)
    said = "Done." if planned.changes else "Nothing to do: the files are already so."
    diff = "".join(_diff(planned.changes))
    cut = f"{diff[:_MOST_DIFF]}\n[…]\n" if len(diff) > _MOST_DIFF else diff
    changed = [change.path for change in planned.changes]
    return "\n".join([said, *planned.notes]), {"changed": changed, "diff": cut}


def _plain(operation: Operation) -> Operation:
    """Write the paths in their plain form, so that two spellings of one path are one path."""
    path = checked_path(operation.path)
    if isinstance(operation, Update) and operation.move_to is not None:
        return replace(operation, path=path, move_to=checked_path(operation.move_to))
    return replace(operation, path=path)


def _diff(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        before, after = _lines(change.before), _lines(change.after)
        old = "/dev/null" if change.before is None else f"a/{change.path}"
        new = "/dev/null" if change.after is None else f"b/{change.path}"
        for line in difflib.unified_diff(before, after, old, new):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes | None) -> list[str]:
    return [] if content is None else _kept(content.decode("utf-8", "replace"))


def _kept(text: str) -> list[Any]:
    """Split at newlines alone: form feeds and Unicode's separators end no line."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
