"""Every fault by every kind of call on both endpoints; see `tests.fault_matrix`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from langchain_aimlapi import AIMLAPIAuthenticationError, AIMLAPIServerError, ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Fault
from tests.fault_matrix import rows
from tests.fault_matrix.gateways import KEY, scripted
from tests.fault_matrix.outcomes import DIALECTS, answers, fails
from tests.fault_matrix.report import render
from tests.fault_matrix.runner import CELLS, Cell, Matrix

pytestmark = pytest.mark.enable_socket

PAGE = Path(__file__).resolve().parents[2] / "cookbook" / "faults.md"
MARKED = re.compile(r"<!-- fault-matrix -->\n+(.*?)\n+<!-- /fault-matrix -->", re.DOTALL)


@pytest.fixture(scope="module")
def matrix():
    with scripted() as gateway:
        yield Matrix(gateway)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_cell(matrix, cell):
    assert matrix.run(cell) == cell.row.expected(cell.call)


@pytest.mark.parametrize("call", ["stream", "astream"])
def test_an_event_of_64_mib_in_full_size(matrix, call):
    (row,) = (row for row in rows.ROWS if row.prepare is rows.lower_bound)
    event = b'data: {"choices": "' + b"x" * 64 * 2**20 + b'"}\n\n'
    large = {"": (Fault.body(event, "text/event-stream"),)}
    cell = Cell(replace(row, variants=large, prepare=None), "", DIALECTS[0], call)
    assert matrix.run(cell) == row.expected(call)


def test_what_a_gateway_echoes_is_told_without_the_key():
    """Else the cells would prove little: a text that is dropped shows no key either."""
    emulator = Emulator(api_key=KEY).script(*rows.refuses(401))
    with pytest.raises(AIMLAPIAuthenticationError) as caught:
        ChatAIMLAPI(**emulator.connection()).invoke("Hello")
    assert "Refused: key [redacted] (Authorization: [redacted])." in str(caught.value)


def test_the_page_shows_what_is_declared():
    """The cells hold what is declared to what happens, so the table cannot go stale."""
    marked = MARKED.search(PAGE.read_text(encoding="utf-8"))
    assert marked is not None, "the page lacks the markers of the table"
    assert marked[1] == render([(cell, cell.row.expected(cell.call)) for cell in CELLS])


def test_the_table_tells_apart_what_differs():
    def seen(cell):
        if cell.row is not rows.ROWS[0]:
            return cell.row.expected(cell.call)
        return answers(2) if cell.dialect == DIALECTS[1] else fails(AIMLAPIServerError)

    line = render([(cell, seen(cell)) for cell in CELLS]).splitlines()[2]
    ending = "`AIMLAPIServerError` (chat completions); answer (responses)"
    assert line == (
        f"| 401 | {ending} | the same | 1 (chat completions); 2 (responses) "
        "| yes (chat completions); - (responses) | - | - |"
    )
