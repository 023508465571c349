"""The contributing page against the code: the way of a message is the one that it draws."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator

if TYPE_CHECKING:
    from types import CodeType, FrameType

PAGE = Path(__file__).parents[2] / ".github" / "CONTRIBUTING.md"


def drawn() -> list[tuple[str, str]]:
    """Return the stations of the diagram, top to bottom: file and name."""
    _, _, rest = PAGE.read_text().partition('llm.invoke("Hello")\n')
    diagram, _, _ = rest.partition("```")
    return re.findall(r"^  [│▼]  (\S+) +(\S+)", diagram, re.MULTILINE)


def code_of(file: str, name: str) -> CodeType:
    """Return what runs at a station."""
    path = file.removesuffix(".py").replace("/", ".")
    module = importlib.import_module(f"langchain_aimlapi.{path}" if file != path else path)
    found: Any = functools.reduce(getattr, name.split("."), module)
    return inspect.unwrap(found).__code__


def test_the_diagram_is_small():
    assert 10 <= len(drawn()) == len(set(drawn())) <= 15


@pytest.mark.enable_socket
def test_a_call_passes_the_stations_in_the_order_drawn():
    stations = {code_of(*station): station for station in drawn()}
    passed: dict[tuple[str, str], None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and (station := stations.get(frame.f_code)):
            passed.setdefault(station)

    with Emulator().serve() as server:
        llm = ChatAIMLAPI(**server.connection())
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            llm.invoke("Hello")
        finally:
            sys.setprofile(before)
    assert list(passed) == drawn()
