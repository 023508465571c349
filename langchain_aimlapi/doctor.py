"""`python -m langchain_aimlapi doctor`: does this key work, and what does it reach?

Checks the key, the balance, what the catalogue says of the four models, a small call, and which
versions of what it builds on are in use, and says what to do about each failure. Nothing is spent
before the user agrees. No secrets are printed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_aimlapi._http.request import KEY_VARIABLES, is_loopback
from langchain_aimlapi._model.connection import DEFAULT_BASE_URL
from langchain_aimlapi._version import __version__
from langchain_aimlapi._wire.deprecations import deprecation_of
from langchain_aimlapi._wire.error_text import host
from langchain_aimlapi.chat_models import ChatAIMLAPI
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.data._tested import NEWEST_TESTED
from langchain_aimlapi.errors import AIMLAPIConfigurationError, AIMLAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from langchain_aimlapi.account import ModelInfo

_MAX_TOKENS = 16
"""Of the small call; the responses endpoint takes no less."""

_NO_KEY = f"""\
Set {KEY_VARIABLES[0]} to a key from https://aimlapi.com/app/keys.
To try the package without one, serve its offline API and export what it tells:
  python -m langchain_aimlapi.emulator"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the doctor from the command line.

    Args:
        arguments: Command line after `doctor`; None means the process's own.

    Returns:
        The exit status: 0 if all is well, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m langchain_aimlapi doctor",
        description="Check key, balance, models and a small call, and say what to do.",
    )
    parser.add_argument("--yes", action="store_true", help="make the call without asking")
    parser.add_argument("--all", action="store_true", help="call all four models, not only one")
    options = parser.parse_args(arguments)
    return run_doctor(assume_yes=options.yes, every_model=options.all)


def run_doctor(
    *,
    assume_yes: bool = False,
    every_model: bool = False,
    confirm: Callable[[str], bool] | None = None,
    write: Callable[[str], object] = print,
    **connection: Any,
) -> int:
    """Run all checks, and tell of each.

    Args:
        assume_yes: Make the call that costs money without asking.
        every_model: Call each of the four models that the catalogue has, not only the first.
        confirm: Asks the user a question; None asks in the terminal.
        write: Takes the report, line by line.
        **connection: Key, address and clients, as `ChatAIMLAPI` takes them; by default the
            environment's.

    Returns:
        The exit status: 0 if all is well, else 1.
    """
    report = _Report(write)
    try:
        with ChatAIMLAPI(**connection) as llm:
            report.add("ok", "key", f"from {_origin_of_key(connection)}")
            if not _check_balance(llm, report):
                return 1
            names = _check_catalogue(llm, report)[: None if every_model else 1]
            question = f"Call {', '.join(names)}? It costs far less than 0.01 USD."
            if not names:
                return 1
            if assume_yes or _is_local(llm) or (confirm or _ask)(question):
                for name in names:
                    _check_call(llm.model_copy(update={"model": name}), report)
            else:
                report.add("note", "call", "not made; --yes makes it without asking")
    except AIMLAPIConfigurationError as error:
        is_key = "No API key" in str(error)
        report.add("FAIL", "key" if is_key else "setup", _NO_KEY if is_key else str(error))
    finally:
        check_versions(write)
    return int(report.has_failed)


def check_versions(write: Callable[[str], object] = print) -> list[str]:
    """Report the versions of Python and of the packages that this one works with.

    Args:
        write: Takes the report, line by line.

    Returns:
        The names of those that are newer than any that this release was tested with.
    """
    report = _Report(write)
    in_use = dict(_versions())
    named = ", ".join(f"{name} {version}" for name, version in in_use.items())
    report.add("ok", "versions", f"langchain-aimlapi {__version__}, {named}")
    newer = [name for name, version in in_use.items() if _is_newer(version, NEWEST_TESTED[name])]
    for name in newer:
        report.add(
            "note",
            "versions",
            f"{name} {in_use[name]} is newer than {NEWEST_TESTED[name]}, the newest that "
            f"langchain-aimlapi {__version__} was tested with",
        )
    return newer


def _versions() -> Iterator[tuple[str, str]]:
    """Yield what is installed, with its version."""
    yield "Python", platform.python_version()
    for name in NEWEST_TESTED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield name, metadata.version(name)


def _is_newer(version: str, tested: str) -> bool:
    """Compare as many numbers as the tested version has: 3.13.2 is not newer than 3.13."""
    numbers, known = ([int(part) for part in re.findall(r"\d+", v)] for v in (version, tested))
    return numbers[: len(known)] > known


class _Report:
    """Writes lines in columns, and remembers whether one was a failure."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self.has_failed = False

    def add(self, verdict: str, subject: str, text: str) -> None:
        """Write what was found: `ok`, `note` or `FAIL`."""
        self.has_failed = self.has_failed or verdict == "FAIL"
        first, *rest = text.splitlines()
        self._write(f"{verdict:<5} {subject:<8} {first}")
        for line in rest:
            self._write(" " * 15 + line)


def _check_balance(llm: ChatAIMLAPI, report: _Report) -> bool:
    """Ask for the balance, which shows at the same time whether the key is good."""
    try:
        balance = llm.balance()
    except AIMLAPIError as error:
        report.add("FAIL", "balance", str(error))
        return False
    if balance.usd > 0:
        report.add("ok", "balance", f"{balance.usd:.2f} {balance.currency}")
        return True
    report.add(
        "FAIL",
        "balance",
        f"{balance.usd:.2f} {balance.currency}\nTop up at https://aimlapi.com/app/billing",
    )
    return False


def _check_catalogue(llm: ChatAIMLAPI, report: _Report) -> list[str]:
    """Look the four models up; return those to call."""
    try:
        models = llm.list_models()
    except AIMLAPIError as error:
        report.add("note", "models", f"The catalogue could not be read. {error}")
        return list(PROFILES)
    found = []
    for name in PROFILES:
        entries = [model for model in models if model.is_called(name)]
        if entries:
            found.append(name)
            report.add("ok", "model", f"{name}: {'; '.join(map(_describe, entries))}")
            for going in {entry.deprecation.told() for entry in entries if entry.deprecation}:
                report.add("note", "model", going)
        else:
            gone = deprecation_of(host(llm._address()), name)  # noqa: SLF001
            told = gone.told() if gone else "not in the catalogue; calls may be refused"
            report.add("note", "model", f"{name}: {told}")
    if not found:
        report.add(
            "FAIL",
            "models",
            f"None of the {len(models)} models in the catalogue is one of this package's.\n"
            f"Check the address: it should be {DEFAULT_BASE_URL}",
        )
    return found


def _describe(model: ModelInfo) -> str:
    facts = [model.type or "endpoint unknown"]
    if model.context_length:
        facts.append(f"{model.context_length:,} tokens in")
    if model.max_output_tokens:
        facts.append(f"{model.max_output_tokens:,} out")
    return ", ".join(facts)


def _check_call(llm: ChatAIMLAPI, report: _Report) -> None:
    started = time.perf_counter()
    try:
        message = llm.invoke("Say OK.", max_tokens=_MAX_TOKENS)
    except AIMLAPIError as error:
        report.add("FAIL", "call", f"{llm.model}: {error}")
        return
    found = message.response_metadata
    cost = found.get("cost")
    price = "price not told" if cost is None else f"{cost['usd']:.9f} USD"
    seconds = time.perf_counter() - started
    report.add(
        "ok",
        "call",
        f"{llm.model}: {price}, {found['endpoint']}, {seconds:.1f} s\n"
        f"inference id {found.get('inference_id', 'not told')}\n"
        f"client request id {found['client_request_id']}",
    )


def _origin_of_key(connection: dict[str, Any]) -> str:
    """Name the place that the key was taken from."""
    if connection.get("api_key") or connection.get("aimlapi_api_key"):
        return "the arguments"
    return next(name for name in KEY_VARIABLES if os.environ.get(name, "").strip())


def _is_local(llm: ChatAIMLAPI) -> bool:
    """Tell whether calls stay on this machine, where nobody bills them."""
    return is_loopback(urlsplit(llm.base_url or DEFAULT_BASE_URL).hostname or "")


def _ask(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:  # nobody there to ask
        return False
