"""Time that passes when a test says so, for deadlines alone: a busy machine may take long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._http import deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Instead:
    """A module in which some names mean something else."""

    def __init__(self, module: Any, **others: Any) -> None:
        self._module = module
        vars(self).update(others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def let_it_pass(patch: pytest.MonkeyPatch, seconds: float, is_met: Callable[[], bool]) -> None:
    """Let so much of each call's time pass as soon as `is_met()`, and stay true."""

    def monotonic() -> float:
        return time.monotonic() + seconds * is_met()

    patch.setattr(deadline, "time", Instead(time, monotonic=monotonic))
