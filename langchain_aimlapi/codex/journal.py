"""What commands returned, kept in a file, so that an agent that is resumed runs none again."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TABLE = """
CREATE TABLE IF NOT EXISTS results (
    thread_id TEXT NOT NULL, call TEXT NOT NULL, result TEXT NOT NULL,
    PRIMARY KEY (thread_id, call)
)"""


class Journal:
    """Keeps the result of each command that ended, by thread and call.

    LangGraph runs a step at least once: what a process had done when it died, but not saved, is
    done again when the thread is resumed. A command whose result stands in the journal is not: its
    call returns that result. What is left is the moment between a command's end and the write to
    the journal, and a command that died with its process, which is run again from its beginning.

    The call itself has to be saved, else the model is asked again and makes another one:
    `durability="sync"` sees to that before the command runs; with "async" that write may be late,
    with "exit" it comes last of all. Where a run has no thread (no checkpointer) nothing is kept.

    One file serves any number of threads, agents and processes. Outputs stand in it as they are.

    Example:
        ```python
        agent = create_agent(
            llm,
            [shell_command("project", journal=Journal("commands.sqlite")), apply_patch("project")],
            checkpointer=SqliteSaver(sqlite3.connect("threads.sqlite", check_same_thread=False)),
        )
        agent.invoke(task, {"configurable": {"thread_id": "1"}}, durability="sync")
        ```
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Take a file.

        Args:
            path: An SQLite file, made if it is missing. Keep it out of the agent's own root.

        Raises:
            sqlite3.Error: The file cannot be made, or is no database.
        """
        self._path = os.fspath(path)
        with self._open() as database:
            database.execute(_TABLE)

    def delete_thread(self, thread_id: str) -> None:
        """Forget the results of a thread."""
        with self._open() as database:
            database.execute("DELETE FROM results WHERE thread_id = ?", (thread_id,))

    def find(self, arguments: Any) -> Any:
        """Return the result that the running call had before; None if it is new, or has no id."""
        if (place := _place(arguments)) is None:
            return None
        with self._open() as database:
            query = "SELECT result FROM results WHERE thread_id = ? AND call = ?"
            found = database.execute(query, place).fetchone()
        return None if found is None else json.loads(found[0])

    def keep(self, arguments: Any, result: Any) -> None:
        """Keep the result of the running call, any JSON value."""
        if (place := _place(arguments)) is not None:
            with self._open() as database:
                row = (*place, json.dumps(result))
                database.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", row)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection belongs to its thread and its process; a command costs far more than one.
        with contextlib.closing(sqlite3.connect(self._path, timeout=60)) as database, database:
            yield database


_running: ContextVar[tuple[str, str, str] | None] = ContextVar("_running", default=None)


@contextlib.contextmanager
def running(config: Mapping[str, Any] | None, call_id: str | None) -> Iterator[None]:
    """Tell the journal which call runs inside: its thread, its place in the graph, its id.

    The place is the same when a step is run again, and another for any other step: some gateways
    repeat the ids of calls.
    """
    given = (config or {}).get("configurable") or {}
    thread, place = given.get("thread_id"), str(given.get("checkpoint_ns") or "")
    token = _running.set((str(thread), place, call_id) if thread and call_id else None)
    try:
        yield
    finally:
        _running.reset(token)


def _place(arguments: Any) -> tuple[str, str] | None:
    if (call := _running.get()) is None:
        return None
    thread, place, call_id = call
    return thread, json.dumps([place, call_id, arguments])
