"""What keeps an emulated model emulated: the in-memory emulator has an address of its own.

A pickle, a dump or a rebuilt model loses its clients, but not its address; and that one is nobody's
(`.invalid` never resolves, RFC 2606), so nothing that was emulated can reach the API and be billed.
"""

from __future__ import annotations

from typing import Any

from langchain_aimlapi.errors import AIMLAPIConfigurationError

EMULATOR_HOST = "emulator.invalid"


def emulated_address(*clients: Any) -> str | None:
    """Return the emulator's address if one of these clients talks to an emulator in memory."""
    for client in clients:
        if client is not None:
            address = getattr(getattr(client, "_transport", None), "emulated_address", None)
            if isinstance(address, str):
                return address
    return None


def check_emulated(host: str, client: Any) -> None:
    """Refuse to send to the emulator's address what no client of the user's takes there.

    Args:
        host: Where the request goes.
        client: The user's client that would send it; None for our own connections.

    Raises:
        AIMLAPIConfigurationError: The model was emulated, and its client is not there.
    """
    if host == EMULATOR_HOST and client is None:
        raise AIMLAPIConfigurationError(
            "This model talks to an emulator in memory, and has no client for this kind of call: "
            "pickles, dumps and other processes leave clients behind, and one for sync calls does "
            "not serve async ones. Nothing was sent. Pass all of **emulator.connection(), or use "
            "emulator.serve(), whose server other processes reach too; for the real API make a new "
            "model."
        )
