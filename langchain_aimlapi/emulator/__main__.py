"""`python -m langchain_aimlapi.emulator`: an offline AI/ML API on a port of this machine."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING

from langchain_aimlapi.emulator.account.catalogue import (
    CHAT_ONLY,
    CODEX_ON_RESPONSES_ONLY,
    EMULATED_MODELS,
)
from langchain_aimlapi.emulator.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from langchain_aimlapi.emulator.exchange import Dialect

_CODEX: Mapping[str, Mapping[str, Collection[Dialect]]] = {
    "both": EMULATED_MODELS,
    "chat": {
        model: CHAT_ONLY[model] if "codex" in model else dialects
        for model, dialects in EMULATED_MODELS.items()
    },
    "responses": CODEX_ON_RESPONSES_ONLY,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_aimlapi.emulator",
        description="Serve an offline AI/ML API. Nothing leaves this machine and nothing is paid.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0: a free one")
    parser.add_argument("--api-key", default="emulator-key", help="the one valid key")
    parser.add_argument(
        "--codex",
        choices=sorted(_CODEX),
        default="both",
        help="the APIs that serve the codex models",
    )
    parser.add_argument("--balance", type=float, default=100.0, help="USD on the account")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted.

    Args:
        arguments: Command line; `None` means the process's own.

    Returns:
        The exit code: 1 if the address cannot be listened on, else 0.
    """
    options = _parser().parse_args(arguments)
    emulator = Emulator(
        models=_CODEX[options.codex], api_key=options.api_key, balance_usd=options.balance
    )
    # Before the address is told, so that whoever reads it may end the process at once.
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        server = emulator.serve(options.host, options.port)
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    default = _parser().get_default("api_key")
    key = default if options.api_key == default else "<the key given>"
    with server:
        sys.stdout.write(
            f"An offline AI/ML API listens on {server.base_url}\n"
            "In another shell:\n"
            f"  export AIMLAPI_API_BASE={server.base_url}\n"
            f"  export AIMLAPI_API_KEY={key}\n"
            "Stop it with Ctrl-C.\n"
        )
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
