"""`python -m langchain_aimlapi.emulator`: an offline AI/ML API on a port of this machine."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Before the imports that take long: Ctrl-C ends the process as it ends any other, silently.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import math
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_aimlapi._version import __version__
from langchain_aimlapi.emulator.account.catalogue import (
    CHAT_ONLY,
    CODEX_ON_RESPONSES_ONLY,
    EMULATED_MODELS,
)
from langchain_aimlapi.emulator.answers.rules import RULES
from langchain_aimlapi.emulator.emulator import Emulator
from langchain_aimlapi.emulator.gateway import check_key
from langchain_aimlapi.emulator.scripts import script_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from langchain_aimlapi.emulator.account.ledger import LedgerEntry
    from langchain_aimlapi.emulator.exchange import Dialect, RecordedRequest

_CODEX: Mapping[str, Mapping[str, Collection[Dialect]]] = {
    "both": EMULATED_MODELS,
    "chat": {
        model: CHAT_ONLY[model] if "codex" in model else dialects
        for model, dialects in EMULATED_MODELS.items()
    },
    "responses": CODEX_ON_RESPONSES_ONLY,
}
_PORTS = 65_535


def _port(text: str) -> int:
    """A port number, or an error that argparse shows."""
    if not (text.isascii() and text.isdecimal()) or int(text) > _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to {_PORTS}")
    return int(text)


def _key(text: str) -> str:
    """A key that HTTP can carry, or an error that argparse shows."""
    try:
        return check_key(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _dollars(text: str) -> float:
    """An amount, or an error that argparse shows."""
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount: a number such as 0.50")
    return amount


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_aimlapi.emulator",
        description="Serve an offline AI/ML API. Nothing leaves this machine and nothing is paid.\n"
        "Each answered request is a line of the log: time, path, model, status, tokens, cost.",
        epilog=f"What it answers without a script:\n\n{RULES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=8000, help="port to listen on; 0: a free one")
    parser.add_argument("--api-key", type=_key, default="emulator-key", help="the one valid key")
    parser.add_argument(
        "--codex",
        choices=sorted(_CODEX),
        default="both",
        help="the APIs that serve the codex models",
    )
    parser.add_argument("--balance", type=_dollars, default=100.0, help="USD on the account")
    parser.add_argument(
        "--script",
        type=Path,
        metavar="FILE",
        help="JSON: a list of {reply or fault, when, times}, as "
        f"help({script_file.__name__}) tells",
    )
    parser.add_argument("--seed", type=int, help="the same ids in each run; left out: new ones")
    parser.add_argument("--quiet", action="store_true", help="no log of requests")
    return parser


def log_line(request: RecordedRequest, entry: LedgerEntry | None, moment: float) -> str:
    """One answered request as a line of the log.

    Args:
        request: The request.
        entry: What the ledger says of it; `None` if no model was asked.
        moment: Unix time in seconds.
    """
    clock = time.strftime("%H:%M:%S", time.localtime(moment))
    parts = [clock, request.method, request.path]
    if entry is not None and entry.model:
        parts.append(entry.model)
    parts.append("no answer" if request.status is None else str(request.status))
    if entry is not None and entry.usage is not None:
        usage = entry.usage
        parts.append(f"{usage.input_tokens}+{usage.output_tokens} tokens")
        parts.append(f"{entry.usd:.6f} USD")
    # A path or a model is whatever a client sent: no line breaks, and no signs for terminals.
    return " ".join("".join(sign if sign.isprintable() else "?" for sign in part) for part in parts)


def _write(text: str) -> None:
    """Print; where nobody reads any more, or the disk is full, the server goes on without a log."""
    try:
        print(text, end="", flush=True)
    except OSError:
        # Else the interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted.

    Args:
        arguments: Command line; `None` means the process's own.

    Returns:
        The exit code: 1 if the address cannot be listened on or the script is none, else 0.
    """
    options = _parser().parse_args(arguments)
    emulator = Emulator(
        models=_CODEX[options.codex],
        api_key=options.api_key,
        balance_usd=options.balance,
        seed=options.seed,
        on_answer=None
        if options.quiet
        else lambda request, entry: _write(f"{log_line(request, entry, time.time())}\n"),
    )
    # Before the address is told, so that whoever reads it may end the process at once.
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a console that lacks a sign shows a question mark
    try:
        if options.script is not None:
            emulator.load_script(options.script)
        server = emulator.serve(options.host, options.port)
    except script_file.ScriptFileError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        unreadable = error.filename is not None
        what = (
            f"read {error.filename}" if unreadable else f"listen on {options.host}:{options.port}"
        )
        reason, *_ = str(error.strerror).partition(" (while ")  # asyncio repeats the address
        sys.stderr.write(f"Cannot {what}: {reason}\n")
        return 1
    default = _parser().get_default("api_key")
    key = default if options.api_key == default else '"..."  # the one given'
    with server:
        _write(
            f"An offline AI/ML API listens on {server.base_url}\n"
            "In another shell:\n"
            f"  export AIMLAPI_API_BASE={server.base_url}\n"
            f"  export AIMLAPI_API_KEY={key}\n"
            "Stop it with Ctrl-C.\n"
        )
        stopped.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
