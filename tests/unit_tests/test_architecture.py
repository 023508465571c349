"""The shape of the package, read from its source: who may import whom, and how long a file is."""

from __future__ import annotations

import ast
import functools
import graphlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import langchain_aimlapi

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(langchain_aimlapi.__file__).parent
ROOT = "langchain_aimlapi"

BELOW = {"errors", "profiles", "_version", "_wire", "data"}
"""The modules and rooms that everybody may use, and that use nobody above them."""

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "_version": set(),
    "data": set(),
    "profiles": {"data"},
    "_wire": {"errors", "data", "profiles"},
    "_http": BELOW,
    "_messages": BELOW,
    "_dialects": BELOW | {"_messages"},
    "deepagents_profiles": BELOW,
    "codex": BELOW,
}
"""Whom a room may know, besides itself. What is not listed ties the rooms together, and may know
all but the emulator."""

EMULATOR_BELOW = {"exchange", "errors", "tokens"}
"""What everybody in the emulator may use, and that uses nobody but `exchange`."""

EMULATOR_ROOMS: dict[str, set[str]] = {
    "exchange": set(),
    "errors": {"exchange"},
    "tokens": set(),
    "account": EMULATOR_BELOW,
    "answers": EMULATOR_BELOW | {"account"},
    "wire": EMULATOR_BELOW | {"account", "answers"},
    "scripts": EMULATOR_BELOW | {"account", "answers", "wire"},
    "front_page": EMULATOR_BELOW | {"answers"},
    "gateway": EMULATOR_BELOW | {"account", "answers", "wire", "scripts", "front_page"},
    "doors": EMULATOR_BELOW | {"gateway"},
}
"""The same inside the emulator, bottom to top. What is not listed ties the rooms together."""

DOORS = {"", "__main__"}
"""What stands above everything: the public names and the command line."""


def module_name(file: Path) -> str:
    """Return the dotted name of a module, without the package's own."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}
OURS = {name for name in MODULES if name.partition(".")[0] != "emulator"}
EMULATOR = set(MODULES) - OURS


@functools.cache
def imports(name: str, *, lazy: bool = True, typing: bool = False) -> set[str]:
    """Return the full names that a module imports at run time.

    Args:
        name: The module.
        lazy: Whether imports inside functions count too.
        typing: Whether imports for type checkers alone count too.
    """
    tree = ast.parse(MODULES[name].read_text())
    found: set[str] = set()
    for node in ast.walk(tree) if typing else _executed(tree, lazy=lazy):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            found.update(_target(node.module or "", alias.name) for alias in node.names)
    return found


def _executed(node: ast.AST, *, lazy: bool) -> Iterator[ast.AST]:
    """Walk through what runs: not the blocks for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield other
                yield from _executed(other, lazy=lazy)
        elif lazy or not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
            yield from _executed(child, lazy=lazy)


def _target(module: str, name: str) -> str:
    """Return the module that `from module import name` needs: a submodule, or the module."""
    submodule = f"{module}.{name}"
    return submodule if submodule.removeprefix(f"{ROOT}.") in MODULES else module


def own_imports(name: str, *, typing: bool = False) -> set[str]:
    """Return the modules of this package that a module imports at run time."""
    return {
        target.removeprefix(ROOT).removeprefix(".")
        for target in imports(name, typing=typing)
        if target == ROOT or target.startswith(f"{ROOT}.")
    }


def room(name: str) -> str:
    """Return the room of a module: its folder, or itself at the top."""
    return name.partition(".")[0]


def test_the_rooms_are_there():
    rooms = {room(name) for name in MODULES}
    assert rooms >= set(ROOMS) >= BELOW
    assert len(list(PACKAGE.glob("[!_]*"))) + len(list(PACKAGE.glob("_[!_]*"))) <= 22


@pytest.mark.parametrize("name", sorted(OURS - DOORS))
def test_imports_run_downwards(name):
    known = {room(target) for target in own_imports(name) & OURS} - {room(name)}
    allowed = ROOMS.get(room(name))
    assert known.isdisjoint(DOORS)
    assert allowed is None or known <= allowed


@pytest.mark.parametrize("name", sorted(name for name in OURS if room(name) == "_http"))
def test_bytes_know_no_messages(name):
    assert not any(target.startswith("langchain_core.messages") for target in imports(name))


@pytest.mark.parametrize("name", sorted(name for name in OURS if room(name) == "codex"))
def test_the_tools_for_codex_know_langchains_tools_alone(name):
    langchain = {target for target in imports(name) if target.startswith("langchain_core")}
    assert langchain <= {"langchain_core.tools", "langchain_core.runnables"}


def test_nothing_knows_the_tools_for_codex():
    rooms = {room(name) for name in OURS if "codex" in {room(own) for own in own_imports(name)}}
    assert rooms <= {"codex"}


def test_no_import_runs_in_a_circle():
    graph = {name: own_imports(name) for name in MODULES}
    graphlib.TopologicalSorter(graph).prepare()


def reachable(name: str, seen: set[str] | None = None) -> set[str]:
    seen = set() if seen is None else seen
    for target in own_imports(name) - seen:
        seen.add(target)
        reachable(target, seen)
    return seen


def test_the_dialects_do_not_know_each_other():
    assert "_dialects.responses" not in reachable("_dialects.chat_completions")
    assert "_dialects.responses_input" not in reachable("_dialects.chat_completions")
    assert "_dialects.chat_completions" not in reachable("_dialects.responses")
    assert "_dialects.chat_completions" not in reachable("_dialects.responses_input")


def test_one_place_chooses_the_dialect():
    importers = {
        name
        for name in OURS
        for target in own_imports(name)
        if target in {"_dialects.chat_completions", "_dialects.responses"}
    }
    assert importers == {"_dialects.routing"}


@pytest.mark.parametrize("name", sorted(name for name in OURS if room(name) != "_http"))
def test_only_the_transport_imports_http(name):
    libraries = {target.partition(".")[0] for target in imports(name)}
    assert libraries & {"httpx", "httpcore", "h11", "anyio"} == set()


@pytest.mark.parametrize("name", sorted(name for name in OURS if room(name) != "_http"))
def test_the_transport_is_imported_by_the_first_call(name):
    at_once = {target.removeprefix(f"{ROOT}.") for target in imports(name, lazy=False)}
    assert not any("httpx" in imports(target) for target in at_once if room(target) == "_http")


@pytest.mark.parametrize("name", sorted(EMULATOR))
def test_the_emulator_shares_no_code_with_the_client(name):
    assert own_imports(name) - EMULATOR <= {"_version"}


@pytest.mark.parametrize("name", sorted(EMULATOR))
def test_imports_run_downwards_in_the_emulator(name):
    """For type checkers too: here no arrow points up even for an annotation."""
    here = room(name.removeprefix("emulator").removeprefix("."))
    known = {
        room(target.removeprefix("emulator").removeprefix("."))
        for target in own_imports(name, typing=True) & EMULATOR
    }
    assert here not in EMULATOR_ROOMS or known - {here} <= EMULATOR_ROOMS[here]


def test_the_rooms_of_the_emulator_are_there():
    folders = {path.name for path in (PACKAGE / "emulator").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == {"account", "answers", "wire", "scripts", "doors"}


def test_the_client_does_not_know_the_emulator():
    knowing = {name for name in OURS - {"__main__"} if own_imports(name) & EMULATOR}
    assert knowing == set()


def test_dependencies_are_those_declared():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    _, _, required = project.partition("\ndependencies = [")
    names = re.findall(r'^  "([\w-]+)', required.partition("\n]")[0], re.MULTILINE)
    declared = {name.replace("-", "_") for name in names}
    assert declared >= {"langchain_core", "httpx", "httpcore", "pydantic"}
    # Of a dependency's own interface: pydantic's, and what httpx and httpcore are built on.
    declared |= {"pydantic_core", "typing_extensions", "anyio", "h11"}
    optional = {"_messages.tokens": {"bpe_openai"}, "emulator.pytest_plugin": {"pytest"}}
    for name in MODULES:
        libraries = {target.partition(".")[0] for target in imports(name)}
        foreign = libraries - declared - {ROOT} - sys.stdlib_module_names
        assert foreign <= optional.get(name, set()), name


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_file_is_too_long(name):
    assert len(MODULES[name].read_text().splitlines()) <= 450


_LOADED = """
import sys
from langchain_core.language_models import FakeListChatModel
FakeListChatModel(responses=["LangChain's own imports"])
before = set(sys.modules)
import langchain_aimlapi
{code}
print(*sorted(set(sys.modules) - before))
"""


def loaded_by(code: str) -> set[str]:
    """Return the modules that a new process loads, beyond those that LangChain loads anyway."""
    script = _LOADED.format(code=code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_by("")
    assert {name for name in loaded if name.startswith(ROOT)} == {ROOT, f"{ROOT}._version"}


def test_a_model_is_made_without_what_its_calls_need():
    loaded = loaded_by("langchain_aimlapi.ChatAIMLAPI(api_key='key')")
    ours = {name.removeprefix(f"{ROOT}.") for name in loaded if name.startswith(f"{ROOT}.")}
    rooms = {room(name) for name in ours}
    assert rooms == {"chat_models", "_model", "_messages", "_http", *BELOW} - {"_wire"}
    messages = {name for name in ours if room(name) == "_messages"}
    assert messages == {"_messages", "_messages.content_blocks"}  # which registers a translator


def test_a_model_without_a_call_loads_no_http():
    loaded = loaded_by(
        "model = langchain_aimlapi.ChatAIMLAPI(api_key='key')\n"
        "model.bind_tools([])\n"
        "model.with_structured_output(method='json_mode')\n"
        "repr(model), model.model_copy(), langchain_aimlapi.AIMLAPIError('An error.')"
    )
    heads = {name.partition(".")[0] for name in loaded}
    assert heads & {"httpx", "httpcore", "h11", "anyio", "ssl"} == set()
    assert not any(name.startswith(f"{ROOT}.emulator") for name in loaded)
