"""Every private or undocumented name of a dependency that the package touches, in one list.

A name stands here with the reason why no public one would do, and with a test that fails by that
name when the dependency drops it or changes its shape. `test_the_list_is_whole` reads the package's
source and finds what is missing here, or touched no more.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

import langchain_aimlapi
from langchain_aimlapi import ChatAIMLAPI

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(langchain_aimlapi.__file__).parent


class Private(NamedTuple):
    """A name that a dependency does not promise."""

    holder: str
    """Where it is, `module:Class` or `module`."""
    name: str
    parameters: tuple[str, ...] | None
    """Those that it is called or overridden with; None if it is no function."""
    reason: str


CHAT_MODEL = "langchain_core.language_models.chat_models:BaseChatModel"
CHUNK = "langchain_core.messages:AIMessageChunk"

NAMES = [
    Private(
        CHAT_MODEL,
        "_add_version",
        ("self", "pkg", "version"),
        "Traces name the version of an integration only where it is told this way.",
    ),
    Private(
        CHAT_MODEL,
        "_check_profile_keys",
        ("self",),
        "To check a profile of ours costs more than the rest of construction.",
    ),
    Private(
        CHAT_MODEL,
        "_resolve_model_profile",
        ("self",),
        "The only hook by which an integration hands over its profiles.",
    ),
    Private(
        CHAT_MODEL,
        "_serialized",
        None,
        "Kept once an instance, so that a changed model is answered from the old one's cache.",
    ),
    Private(
        CHAT_MODEL,
        "_get_llm_string",
        ("self", "stop", "**kwargs"),
        "The cache's key: an id that differs with each call must not be in it.",
    ),
    Private(
        CHAT_MODEL,
        "_get_invocation_params",
        ("self", "stop", "**kwargs"),
        "Traces show it, and headers of a call must not be in them.",
    ),
    Private(
        CHAT_MODEL,
        "_convert_cached_generations",
        ("self", "cache_val"),
        "The only hook between a cache and the answer: without it the old cost and id come again.",
    ),
    Private(
        "langchain_core.tracers.langchain:LangChainTracer",
        "_update_run_single",
        ("run",),
        "The one place where a price can be added to a run before LangSmith gets it.",
    ),
    *(
        Private(CHUNK, name, None, "A chunk that is copied costs a third of one that is validated.")
        for name in ("__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")
    ),
    *(
        Private(f"httpcore:{pool}", "create_connection", ("self", "origin"), "A pool of httpcore's "
                "own scans all its connections with each call; ours asks it for one connection.")
        for pool in ("ConnectionPool", "AsyncConnectionPool")
    ),
    *(
        Private(f"httpcore:{connection}", name, ("self",), "Says whether a kept connection can be "
                "used again.")
        for connection in ("HTTPConnection", "AsyncHTTPConnection")
        for name in ("is_idle", "is_closed", "has_expired")
    ),
    *(
        Private(f"httpx:{client}", "_transport", None, "A client of the emulator's makes a model "
                "emulated, however it was made; no public name tells where a client sends.")
        for client in ("Client", "AsyncClient")
    ),
    *(
        Private(f"httpx:{transport}", "_pool", None, "Our connections stand in the place of "
                "httpcore's pool, so that what hooks into httpx's transport sees each request.")
        for transport in ("HTTPTransport", "AsyncHTTPTransport")
    ),
    Private(
        "deepagents.profiles.harness.harness_profiles",
        "_HARNESS_PROFILES",
        None,
        "There is no public way to read the profile that deepagents tuned for Codex.",
    ),
]  # fmt: skip

DOCUMENTED = frozenset(
    {
        # BaseChatModel's documented hooks of an integration.
        *("_generate", "_agenerate", "_stream", "_astream", "_llm_type", "_identifying_params"),
        *("_get_ls_params", "_combine_llm_outputs"),
    }
)


def holder_of(private: Private) -> Any:
    module, _, attribute = private.holder.partition(":")
    if module.startswith("deepagents"):
        pytest.importorskip("deepagents")
    found = importlib.import_module(module)
    held = getattr(found, attribute) if attribute else found
    return held() if private.name in {"_transport", "_pool"} else held  # its instances have it


@pytest.mark.parametrize("private", NAMES, ids=lambda private: f"{private.holder}.{private.name}")
def test_the_name_is_still_there(private):
    holder = holder_of(private)
    assert hasattr(holder, private.name), (
        f"{private.holder} has no {private.name} any more. It was used because: {private.reason}"
    )
    if private.parameters is not None:
        signature = inspect.signature(inspect.unwrap(getattr(holder, private.name)))
        prefix = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
        found = tuple(
            prefix.get(parameter.kind, "") + parameter.name
            for parameter in signature.parameters.values()
        )
        assert found == private.parameters, f"{private.holder}.{private.name} takes {found}"


# --- that nothing is missing ----------------------------------------------------------------------


def trees() -> Iterator[ast.AST]:
    for file in sorted(PACKAGE.rglob("*.py")):
        yield ast.parse(file.read_text())


def is_private(name: str) -> bool:
    return name.startswith("_") and name.strip("_") != "" and not name.endswith("__")


@functools.cache
def own_names() -> set[str]:
    """Return the names that the package itself defines, as attributes, functions or variables."""
    found: set[str] = set()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
    return found


def touched() -> set[str]:
    """Return the private names that the package reads, and has not defined."""
    found: set[str] = set()
    asked: set[str] = set()  # of objects that may be anybody's
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "getattr":
                name = node.args[1]
                asked.update([name.value] if isinstance(name, ast.Constant) else [])
            elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(
                langchain_aimlapi.__name__
            ):
                found.update(alias.name for alias in node.names)
    return {name for name in (found - own_names()) | asked if is_private(name)}


def pydantic_internals() -> set[str]:
    found: set[str] = set()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return {name for name in found if name.startswith("__pydantic_")}


def overridden() -> set[str]:
    """Return the private names of foreign base classes that classes of the package define anew."""
    found: set[str] = set()
    for module in pkgutil.walk_packages([str(PACKAGE)], f"{langchain_aimlapi.__name__}."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(kind) and kind.__module__ == module.name:
                # Parts of the chat model override what its other bases define.
                whole = ChatAIMLAPI if kind in ChatAIMLAPI.__mro__ else kind
                foreign = [
                    base
                    for base in whole.__mro__[1:]
                    if base.__module__.partition(".")[0]
                    not in {langchain_aimlapi.__name__, "builtins", "typing", "typing_extensions"}
                ]
                found |= {
                    name
                    for name in vars(kind)
                    if is_private(name) and not name.startswith("_abc_")
                    and any(name in vars(base) for base in foreign)
                }  # fmt: skip
                found |= {
                    name
                    for base in foreign if base in {httpx.HTTPTransport, httpx.AsyncHTTPTransport}
                    for name in vars(base()) if name in own_names()
                }  # fmt: skip
    return found - DOCUMENTED


# Python's own: a named tuple's, an enumeration's, and what typing makes of a protocol.
PYTHON = {"_fields", "_replace", "_asdict", "_is_protocol", "_is_runtime_protocol"}


def test_the_list_is_whole():
    found = (touched() | overridden() | pydantic_internals()) - PYTHON
    listed = {private.name for private in NAMES if private.name.startswith("_")}
    assert found - listed == set(), "touched, but not in the list"
    assert listed - found == set(), "in the list, but touched no more"
