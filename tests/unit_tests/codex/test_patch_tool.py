"""`apply_patch` on real files: one root and nowhere else, and all of a patch or nothing."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi.codex import apply_patch
from langchain_aimlapi.codex.patching import Change
from langchain_aimlapi.codex.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.messages import ToolMessage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret\n")
    folder = tmp_path / "root"
    (folder / "src").mkdir(parents=True)
    (folder / "a.txt").write_text("one\ntwo\n")
    (folder / "src" / "b.txt").write_text("three\n")
    return folder


def call(root: Path, *sections: str) -> ToolMessage:
    patch = "\n".join(["*** Begin Patch", *sections, "*** End Patch"])
    call = {"type": "tool_call", "id": "c1", "name": "apply_patch", "args": {"__arg1": patch}}
    return apply_patch(root).invoke(call)


def contents(folder: Path) -> dict[str, str]:
    """Return all files below a folder, links and what they hold included."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


UPDATE = "*** Update File: a.txt\n@@\n-two\n+2"


def test_all_operations_of_a_patch_are_made(root):
    message = call(
        root,
        UPDATE,
        "*** Add File: new/deep/c.txt\n+c",
        "*** Update File: ./src/b.txt\n*** Move to: src/moved.txt",
        "*** Add File: gone.txt\n*** Delete File: gone.txt",
    )
    assert contents(root) == {
        "a.txt": "one\n2\n",
        "new/deep/c.txt": "c\n",
        "src/moved.txt": "three\n",
    }
    assert message.status == "success"
    assert message.content.splitlines()[:4] == [
        "Done.",
        "M a.txt (line 2)",
        "A new/deep/c.txt",
        "R src/b.txt -> src/moved.txt",
    ]
    assert message.artifact["changed"] == [
        "a.txt",
        "new/deep/c.txt",
        "src/b.txt",
        "src/moved.txt",
    ]
    assert "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n" in message.artifact["diff"]
    again = call(root, UPDATE)
    assert again.status == "success"
    assert again.content.startswith("Nothing to do")
    assert again.artifact == {"changed": [], "diff": ""}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("*** Add File: /x\n+x", "absolute"),
        ("*** Add File: ~/x\n+x", "absolute"),
        ("*** Add File: C:\\x\n+x", "absolute"),
        ("*** Add File: \\\\host\\x\n+x", "absolute"),
        ("*** Add File: ../outside/x\n+x", '".." is refused'),
        ("*** Add File: src/../../outside/x\n+x", '".." is refused'),
        ("*** Delete File: ../outside/secret.txt", '".." is refused'),
        ("*** Update File: a.txt\n*** Move to: ../outside/a.txt", '".." is refused'),
        ("*** Update File: out/secret.txt\n@@\n-secret\n+x", "out is a link"),
        ("*** Add File: out/new.txt\n+x", "out is a link"),
        ("*** Delete File: out/secret.txt", "out is a link"),
        ("*** Update File: a.txt\n*** Move to: out/a.txt", "out is a link"),
        ("*** Update File: link.txt\n@@\n-secret\n+x", "link.txt is a link"),
        ("*** Add File: dangling\n+x", "dangling is a link"),
        ("*** Delete File: link.txt", "link.txt is a link"),
        ("*** Add File: a.txt/x\n+x", "a.txt is a file"),
        ("*** Delete File: src", "is a folder"),
        ("*** Add File: ..\\x\n+x", '".." is refused'),
        ("*** Add File: a\x1bb\n+x", "no path"),
        ("*** Add File: \ud800\n+x", "half a character"),
        (f"*** Add File: {'x/' * 600}x\n+x", "longer than"),
        ("*** Update File: pipe\n@@\n-x\n+y", "no regular file"),
        ("*** Add File: .\n+x", "names no file"),
        ("*** Add File: src//x\n+x", "names no file"),
        ("*** Add File: a\0b\n+x", "no path"),
        (f"*** Add File: {'x' * 300}\n+x", "too long"),
        ("*** Update File: binary\n@@\n-x\n+y", "binary file"),
        ("*** Update File: large\n@@\n-x\n+y", "larger than"),
    ],
)
def test_nothing_leaves_the_root_and_nothing_is_changed(root, section, said):
    (root / "out").symlink_to(root.parent / "outside")
    (root / "link.txt").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "dangling").symlink_to(root.parent / "outside" / "nothing")
    os.mkfifo(root / "pipe")
    (root / "binary").write_bytes(b"x\0\n")
    with (root / "large").open("wb") as file:
        file.truncate(10_000_001)
    before = contents(root.parent)
    message = call(root, UPDATE, section)
    assert message.status == "error"
    assert message.content.startswith("The patch was not applied. ")
    assert said.casefold() in message.content.casefold()
    assert contents(root.parent) == before


def test_permissions_stay_and_move_along(root):
    (root / "a.txt").chmod(0o750)
    call(root, UPDATE)
    assert stat.S_IMODE((root / "a.txt").stat().st_mode) == 0o750
    call(root, "*** Update File: a.txt\n*** Move to: src/run.sh")
    assert stat.S_IMODE((root / "src" / "run.sh").stat().st_mode) == 0o750


def test_a_hard_link_outside_is_left_alone(root):
    os.link(root.parent / "outside" / "secret.txt", root / "same.txt")
    assert call(root, "*** Update File: same.txt\n@@\n-secret\n+x").status == "success"
    assert (root.parent / "outside" / "secret.txt").read_text() == "secret\n"


def test_a_root_behind_a_link_is_that_root(root, tmp_path):
    (tmp_path / "way").symlink_to(root)
    assert call(tmp_path / "way", UPDATE).status == "success"
    assert (root / "a.txt").read_text() == "one\n2\n"


def test_a_root_has_to_exist(tmp_path):
    with pytest.raises(NotADirectoryError, match="no folder"):
        apply_patch(tmp_path / "nowhere")


# --- all or nothing -------------------------------------------------------------------------------


def test_a_file_that_changed_meanwhile_is_not_overwritten(root):
    tree = Tree(root)
    changes = [Change("new", None, b"x"), Change("a.txt", b"read before\n", b"y")]
    with pytest.raises(ValueError, match="changed while"):
        tree.apply(changes)
    assert contents(root) == {"a.txt": "one\ntwo\n", "src/b.txt": "three\n"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("function", ["replace", "link", "unlink"])
def test_what_fails_on_the_way_is_rolled_back(root, monkeypatch, function, error):
    tree = Tree(root)
    (root / "a.txt").chmod(0o640)
    changes = [
        Change("new/deep/c.txt", None, b"c"),
        Change("a.txt", b"one\ntwo\n", b"changed"),
        Change("d.txt", None, b"d"),
        Change("src/b.txt", b"three\n", None),
    ]
    real, calls = getattr(os, function), []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) == (1 if function != "link" else 2):
            if function == "link" and isinstance(error, OSError):
                raise FileExistsError(17, "File exists")
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(os, function, failing)
    with pytest.raises((ValueError, KeyboardInterrupt)):
        tree.apply(changes)
    monkeypatch.undo()
    assert contents(root) == {"a.txt": "one\ntwo\n", "src/b.txt": "three\n"}
    assert stat.S_IMODE((root / "a.txt").stat().st_mode) == 0o640
    assert not (root / "new").exists()


def test_without_hard_links_files_are_made_too(root, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    assert call(root, "*** Add File: new.txt\n+x").status == "success"
    assert (root / "new.txt").read_text() == "x\n"


def test_where_folders_cannot_be_opened_each_step_is_checked(root, monkeypatch):
    monkeypatch.setattr("langchain_aimlapi.codex.tree._OPENS_AT", False)
    (root / "out").symlink_to(root.parent / "outside")
    assert call(root, UPDATE, "*** Add File: new/c.txt\n+c").status == "success"
    assert call(root, "*** Add File: out/x\n+x").status == "error"
    assert contents(root) == {
        "a.txt": "one\n2\n",
        "new/c.txt": "c\n",
        "out": str(root.parent / "outside"),
        "src/b.txt": "three\n",
    }


@pytest.mark.parametrize("step", ["open", "mkdir", "replace"])
def test_a_link_made_between_check_and_use_leads_nowhere(root, monkeypatch, step):
    """Swap a folder for a link just before the system is asked to use it."""
    real, outside = getattr(os, step), root.parent / "outside"

    def swapping(path, *args, **kwargs):
        if not (root / "src").is_symlink() and path != root:
            monkeypatch.setattr(os, step, real)
            (root / "src").rename(root / "was")
            (root / "src").symlink_to(outside)
        return real(path, *args, **kwargs)

    before = contents(outside)
    monkeypatch.setattr(os, step, swapping)
    call(root, "*** Update File: src/b.txt\n@@\n-three\n+3", "*** Add File: src/x/new.txt\n+x")
    assert contents(outside) == before


async def test_it_is_async_too(root):
    patch = f"*** Begin Patch\n{UPDATE}\n*** End Patch"
    assert (await apply_patch(root).ainvoke(patch)).startswith("Done.")
    assert (root / "a.txt").read_text() == "one\n2\n"
