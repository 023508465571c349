"""What this process may use, and what it does use."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from pathlib import Path
from typing import NamedTuple

from tests.programs import open_files

_FILES = 8192


def allow_many_files() -> None:
    """Raise the limit on open files as far as it may be."""
    with contextlib.suppress(ImportError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class Usage(NamedTuple):
    """What a process uses while it does nothing.

    Attributes:
        memory: Resident bytes. The allocator keeps some of what was freed.
        objects: What the garbage collector keeps track of: exact, where memory is rough.
        files: Open files.
        tasks: Of this loop.
    """

    memory: int
    objects: int
    files: int
    tasks: int


def usage() -> Usage:
    """Measure."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Usage(
        pages * os.sysconf("SC_PAGESIZE"),
        len(gc.get_objects()),
        open_files(),
        len(asyncio.all_tasks()),
    )
