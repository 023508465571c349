"""Every notebook of the cookbook runs from top to bottom, without a key and with one.

Without a key it shows what is stored, apart from the cells that are tagged `varies`. With a key it
has to do with whatever a model answers: here with an emulator that has none of its scripts.

A notebook whose packages are not installed is skipped. With `COOKBOOK=all` in the environment it
fails; with `COOKBOOK=extra` too, and those are left out that need no more than `test`.
"""

from __future__ import annotations

import ast
import functools
import os
import re
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

if TYPE_CHECKING:
    from nbformat import NotebookNode

COOKBOOK = Path(__file__).resolve().parents[2] / "cookbook"
NOTEBOOKS = sorted(COOKBOOK.glob("*.ipynb"))

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]
notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@functools.cache
def read(path: Path) -> NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def modules(notebook: NotebookNode) -> set[str]:
    """Return the modules that a notebook imports, in full."""
    found: set[str] = set()
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
    return found


def needs_more_than_tests(found: set[str]) -> bool:
    """Tell whether one of the modules comes with the extra `cookbook` and not with `test`."""
    extras: dict[str, set[str]] = {"cookbook": set(), "test": set()}
    for requirement in requires("langchain-aimlapi") or []:
        name, extra = re.match(r"([\w-]+)(?:.*extra == .(\w+))?", requirement).groups()
        extras.get(extra, set()).add(name)
    assert all(extras.values())
    more = tuple(f"{name}-" for name in extras["cookbook"] - extras["test"])
    return any(f"{re.sub('[._]', '-', name)}-".startswith(more) for name in found)


def run(path: Path, monkeypatch: pytest.MonkeyPatch) -> NotebookNode:
    """Run a notebook in a kernel of its own and return it with its new outputs."""
    found = modules(read(path))
    wanted = os.environ.get("COOKBOOK")
    if wanted == "extra" and not needs_more_than_tests(found):
        pytest.skip("needs no more than the extra `test`")
    packages = {name.partition(".")[0] for name in found}
    missing = sorted(name for name in packages if find_spec(name) is None)
    if missing and wanted:
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed, but in the extra `cookbook`: {', '.join(missing)}")
    # Of the kernel's own start, not of the notebook.
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    executed = nbformat.from_dict(read(path))
    with TemporaryDirectory() as folder:
        # Sockets in a folder: a port could be taken between the choice and the use of it.
        sockets = {"transport": "ipc", "ip": f"{folder}/kernel"}
        NotebookClient(
            executed,
            kernel_name="python3",  # always the running interpreter's own kernel
            timeout=100,
            resources={"metadata": {"path": str(path.parent)}},
            config=Config({"KernelManager": sockets}),
        ).execute()
    return executed


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


@notebooks
def test_it_runs_and_shows_what_is_stored(path: Path, monkeypatch: pytest.MonkeyPatch):
    executed = run(path, monkeypatch)
    for before, after in zip(code_cells(read(path)), code_cells(executed), strict=True):
        if "varies" not in before.metadata.get("tags", ()):
            assert shown(after) == shown(before), before.source


@notebooks
def test_it_runs_with_a_key(path: Path, monkeypatch: pytest.MonkeyPatch, emulator):
    with emulator.serve() as server:
        connection = server.connection()
        monkeypatch.setenv("AIMLAPI_API_KEY", connection["api_key"])
        monkeypatch.setenv("AIMLAPI_API_BASE", connection["base_url"])
        executed = run(path, monkeypatch)
    assert shown(code_cells(executed)[0]) == [("stdout", "LIVE: calls are billed.\n")]
    assert emulator.ledger


@notebooks
def test_it_is_stored_as_it_ran(path: Path):
    cells = code_cells(read(path))
    assert "live = bool(os.environ.get(" in cells[0].source
    assert shown(cells[0]) == [("stdout", "OFFLINE: the emulator answers.\n")]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    silent = [cell.source for cell in cells if not cell.outputs]
    assert [source for source in silent if re.search("^print", source, re.MULTILINE)] == []


@notebooks
def test_it_opens_with_what_it_shows_and_ends_with_what_was_seen(path: Path):
    first, *_, last = read(path).cells
    title, _, opening = first.source.partition("\n\n")
    assert (title[:2], "\n" in title) == ("# ", False)
    assert "AIMLAPI_API_KEY" in opening
    assert last.source.startswith("## What was seen\n\n- ")


@notebooks
def test_it_shows_no_machine(path: Path):
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("/home/", "/root/", "/tmp/", "site-packages") if word in text]


@notebooks
def test_its_links_lead_to_notebooks(path: Path):
    prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    linked = set(re.findall(r"\(([^()\s]+\.ipynb)\)", "\n".join(prose)))
    assert linked <= {notebook.name for notebook in NOTEBOOKS}
