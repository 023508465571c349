"""Pytest fixtures with an emulator.

Pytest loads this module in every run of whoever has the package installed, so it imports nothing
but pytest until a fixture is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.emulator import Emulator, EmulatorServer


@pytest.fixture
def aimlapi_emulator() -> Emulator:
    """A fresh in-memory emulator of the AI/ML API.

    ```python
    def test_greeting(aimlapi_emulator):
        aimlapi_emulator.script(Reply("Hello!"))
        llm = ChatAIMLAPI(model="openai/gpt-5-1", **aimlapi_emulator.connection())
        assert greet(llm) == "Hello!"
        aimlapi_emulator.assert_done()
    ```
    """
    from langchain_aimlapi.emulator import Emulator  # noqa: PLC0415

    return Emulator()


@pytest.fixture
def aimlapi_emulator_server(aimlapi_emulator: Emulator) -> Iterator[EmulatorServer]:
    """The same emulator behind a real server on 127.0.0.1, closed when the test ends."""
    with aimlapi_emulator.serve() as server:
        yield server
