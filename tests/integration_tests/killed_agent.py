"""Runs a coding agent that dies at a write to its checkpoints, and resumes it; prints what came.

A program of its own, since it forks: once for each write, and again for each resumption. The fork
that dies ends without a word to anybody, as a process that is killed does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aiosqlite
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.codex import Journal, LocalExecutor, apply_patch, shell_command
from langchain_aimlapi.emulator import Emulator, Reply, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROKEN, MENDED = "mean = total / (count - 1)\n", "mean = total / count\n"
PATCH = f"*** Begin Patch\n*** Update File: a.py\n@@\n-{BROKEN}+{MENDED}*** End Patch"


def look(name: str) -> ToolCall:
    """Make a call whose command leaves a trace outside of the root."""
    return ToolCall("shell_command", {"command": f"echo {name} >> ../ran; cat a.py"})


STEPS = (
    Reply(tool_calls=[look("first")]),
    Reply(tool_calls=[ToolCall("apply_patch", {"__arg1": PATCH})]),
    Reply(tool_calls=[look("second")]),
    Reply("Mended."),
)
ASKED: Any = {"messages": [("user", "Mend a.py.")]}
CONFIG: Any = {"configurable": {"thread_id": "1"}}


class Death:
    """Comes at the nth time that it is asked for."""

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os._exit(9)


class Mortal(SqliteSaver):
    """Dies before a write."""

    dies: Callable[[], None]

    def put(self, *args: Any) -> Any:
        self.dies()
        return super().put(*args)

    def put_writes(self, *args: Any) -> None:
        self.dies()
        super().put_writes(*args)


class AsyncMortal(AsyncSqliteSaver):
    """Dies before a write."""

    dies: Callable[[], None]

    async def aput(self, *args: Any) -> Any:
        self.dies()
        return await super().aput(*args)

    async def aput_writes(self, *args: Any) -> None:
        self.dies()
        await super().aput_writes(*args)


class MortalExecutor(LocalExecutor):
    """Dies after a command, before anybody hears of it."""

    dies: Callable[[], None]

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        ended = super().execute(*args, **kwargs)
        self.dies()
        return ended


def work(folder: Path, options: dict[str, Any], at: int) -> Any:
    """Run the agent until it dies or ends; return its messages."""
    saved = list(saved_messages(folder))
    answered = sum(isinstance(message, AIMessage) for message in saved)
    emulator = Emulator().script(*STEPS[answered:])
    llm = ChatAIMLAPI(
        model="openai/gpt-5-1-codex",
        use_responses_api=options["endpoint"] == "responses",
        validate_params="off",
        **emulator.connection(),
    )
    executor = MortalExecutor(folder / "root")
    executor.dies = Death(at if options["dies"] == "after a command" else 0)
    journal = Journal(folder / "journal") if options["journal"] else None
    tools = [shell_command(executor, journal=journal), apply_patch(folder / "root")]
    death = Death(at if options["dies"] == "before a write" else 0)
    given = ASKED if not saved else None

    async def in_a_loop() -> Any:
        async with aiosqlite.connect(folder / "threads") as database:
            saver = AsyncMortal(database)
            saver.dies = death
            agent = create_agent(llm, tools, checkpointer=saver)
            return await agent.ainvoke(given, CONFIG, durability=options["durability"])

    if options["way"] == "ainvoke":
        return asyncio.run(in_a_loop())["messages"]
    with closing(connected(folder)) as database:
        saver = Mortal(database)
        saver.dies = death
        agent = create_agent(llm, tools, checkpointer=saver)
        return agent.invoke(given, CONFIG, durability=options["durability"])["messages"]


def connected(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "threads", check_same_thread=False)


def saved_messages(folder: Path) -> Iterator[BaseMessage]:
    """Yield the messages that a resumed thread begins with, writes of its last step included."""
    with closing(connected(folder)) as database:
        found = SqliteSaver(database).get_tuple(CONFIG)
    if found is None:
        return
    yield from found.checkpoint["channel_values"].get("messages", ())
    for _, channel, value in found.pending_writes or ():
        if channel == "messages":
            yield from value if isinstance(value, list) else [value]


def results_in(messages: list[BaseMessage]) -> Iterator[str]:
    """Yield the names of the commands whose results are among the messages."""
    ended = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    for message in messages:
        for call in message.tool_calls if isinstance(message, AIMessage) else ():
            if call["id"] in ended and call["name"] == "shell_command":
                yield call["args"]["command"].split()[1]


def in_a_fork(work: Callable[[], Any]) -> Any:
    """Return what a fork of this process returns, or None if it dies."""
    reads, writes = os.pipe()
    if not os.fork():
        try:
            os.write(writes, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as told:
        text = told.read()
    os.wait()
    return json.loads(text) if text else None


def texts(messages: list[BaseMessage]) -> list[str]:
    return [str(message.text) for message in messages]


@contextmanager
def project() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        (Path(name) / "root").mkdir()
        (Path(name) / "root" / "a.py").write_text(BROKEN)
        yield Path(name)


def killed_and_resumed(options: dict[str, Any], at: int) -> dict[str, Any] | None:
    """Return what became of an agent that died at some time; None if its time never came."""
    with project() as folder:
        if in_a_fork(lambda: texts(work(folder, options, at))) is not None:
            return None
        ran = folder / "ran"
        before = ran.read_text().split() if ran.exists() else []
        saved = list(results_in(list(saved_messages(folder))))
        told = in_a_fork(lambda: texts(work(folder, options, 0)))
        return {
            "at": at,
            "before": before,
            "saved": saved,
            "told": told,
            "ran": ran.read_text().split(),
            "file": (folder / "root" / "a.py").read_text(),
        }


def all_reports(options: dict[str, Any]) -> list[dict[str, Any]]:
    reports, at = [], 1
    while (report := killed_and_resumed(options, at)) is not None:
        reports.append(report)
        at += options.get("every", 1)
    return reports


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    with project() as place:  # so that no fork has to load and build anew what this one did
        work(place, {**asked[0], "way": "invoke"}, 0)
    sys.stdout.write(json.dumps([all_reports(options) for options in asked]))
