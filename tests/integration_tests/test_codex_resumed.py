"""A coding agent that was killed between any two steps goes on from its SQLite checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from langchain_aimlapi.codex import Journal, shell_command

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")

PROGRAM = Path(__file__).with_name("killed_agent.py")
ANSWERS = [
    "Mend a.py.",
    "",
    "Exit code: 0\nOutput:\nmean = total / (count - 1)\n",
    "",
    "Done.\nM a.py (line 1)",
    "",
    "Exit code: 0\nOutput:\nmean = total / count\n",
    "Mended.",
]
ALREADY = "Nothing to do: the files are already so.\nM a.py: already so"


WRITES: list[dict[str, Any]] = [
    {
        "endpoint": "responses",
        "way": "invoke",
        "durability": "sync",
        "journal": True,
        "dies": "before a write",
    },
    {
        "endpoint": "chat_completions",
        "way": "ainvoke",
        "durability": "async",
        "journal": False,
        "dies": "before a write",
        "every": 2,
    },
]
COMMANDS = {**WRITES[0], "dies": "after a command"}


def reports(*asked: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return what became of the agent, for each time at which it was killed."""
    pytest.importorskip("langgraph.checkpoint.sqlite")
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROGRAM.parents[2],
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_any_time_it_ends_with_the_same_files_and_answer():
    *at_writes, at_commands = reports(*WRITES, COMMANDS)
    for options, found in zip(WRITES, at_writes, strict=True):
        assert len(found) > 7
        before = {tuple(report["before"]) for report in found}
        assert before >= {(), ("first",), ("first", "second")}
        for report in found:
            check(options, report)
    # Nobody heard of the end of these commands.
    assert [report["ran"] for report in at_commands] == [
        ["first", "first", "second"],
        ["first", "second", "second"],
    ]


def check(options: dict[str, Any], report: dict[str, Any]) -> None:
    assert report["file"] == "mean = total / count\n", report
    assert report["told"][-2:] == ANSWERS[-2:], report
    for name in ("first", "second"):
        times = report["ran"].count(name)
        assert times in ({1} if name in report["saved"] else {1, 2}), report
    if options["journal"]:
        assert report["ran"] == ["first", "second"], report
        assert report["told"][4] in {ANSWERS[4], ALREADY}
        assert [*report["told"][:4], *report["told"][5:]] == [*ANSWERS[:4], *ANSWERS[5:]]


# --- the journal ----------------------------------------------------------------------------------


def run(tool: Any, call_id: str, thread: str | None, place: str = "", command: str = "") -> str:
    call = {"type": "tool_call", "id": call_id, "name": "shell_command"}
    call["args"] = {"command": command or "echo >> ran; wc -l < ran"}
    given = {"thread_id": thread} if thread else {}
    config: Any = {"configurable": {**given, "checkpoint_ns": place}}
    message = tool.invoke(call, config)
    assert isinstance(message, ToolMessage)
    assert message.artifact["exit_code"] == 0
    return message.content.split()[-1]


def test_a_call_runs_once_a_thread_and_place(tmp_path):
    journal = Journal(tmp_path / "journal")
    tool = shell_command(tmp_path, journal=journal)
    assert run(tool, "c1", "t1") == "1"
    assert run(tool, "c1", "t1") == "1"
    again = shell_command(tmp_path, journal=Journal(tmp_path / "journal"))
    assert run(again, "c1", "t1") == "1"
    assert run(tool, "c2", "t1") == "2"
    assert run(tool, "c1", "t2") == "3"
    assert run(tool, "c1", "t1", "tools:another-step") == "4"
    assert run(tool, "c1", "t1", command="echo another") == "another"
    assert run(tool, "c1", None) == "5"
    assert run(tool, "c1", None) == "6"
    journal.delete_thread("t1")
    assert run(tool, "c1", "t1") == "7"
    assert run(tool, "c1", "t2") == "3"


async def test_it_is_async_too(tmp_path):
    tool = shell_command(tmp_path, journal=Journal(tmp_path / "journal"))
    call = {
        "type": "tool_call",
        "id": "c",
        "name": "shell_command",
        "args": {"command": "date +%N"},
    }
    config: Any = {"configurable": {"thread_id": "t"}}
    first, second = await tool.ainvoke(call, config), await tool.ainvoke(call, config)
    assert first.content == second.content
    assert first.artifact == second.artifact


def test_a_tool_that_is_called_by_hand_needs_no_thread(tmp_path):
    tool = shell_command(tmp_path, journal=Journal(tmp_path / "journal"))
    for _ in range(2):
        tool.invoke({"command": "echo >> ran"})
    assert (tmp_path / "ran").read_text() == "\n\n"
