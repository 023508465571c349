"""Every notebook in the cookbook runs offline from top to bottom, and shows what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

COOKBOOK = Path(__file__).resolve().parents[2] / "cookbook"
NOTEBOOKS = sorted(COOKBOOK.glob("*.ipynb"))


def shown(cell: NotebookNode) -> list[Any]:
    """What a cell shows: its printed text joined, its values, its errors."""
    printed: dict[str, str] = {}
    others: list[Any] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            printed[output.name] = printed.get(output.name, "") + output.text
        else:
            others.append(output.get("data") or output)
    return [*printed.items(), *others]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_shows_what_is_stored(path: Path, monkeypatch: pytest.MonkeyPatch):
    # Of the kernel's own start, not of the notebook.
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    executed = nbformat.from_dict(stored)
    resources = {"metadata": {"path": str(path.parent)}}
    # "python3" is always the running interpreter's own kernel.
    NotebookClient(executed, kernel_name="python3", timeout=100, resources=resources).execute()
    for before, after in zip(stored.cells, executed.cells, strict=True):
        if before.cell_type == "code":
            assert shown(after) == shown(before), before.source
            assert all(output.output_type != "error" for output in before.outputs)
    printed = [
        cell for cell in stored.cells if cell.cell_type == "code" and "print(" in cell.source
    ]
    assert printed
    assert all(cell.outputs for cell in printed)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_shows_no_machine(path: Path):
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("/home/", "/root/", "/tmp/", "site-packages") if word in text]
