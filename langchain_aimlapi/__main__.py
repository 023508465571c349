"""`python -m langchain_aimlapi "prompt"`: a tour of the package, live or offline.

Each model streams its answer to the prompt; then the first of them runs a batch, a tool call and a
structured answer. A table at the end tells what each step took. With a key in the environment the
API answers and bills; without one the package's emulator answers, and the first line says so.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Before the imports that take long: Ctrl-C ends the process as it ends any other, silently.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from langchain_aimlapi._http.request import KEY_VARIABLES
from langchain_aimlapi._model.connection import BASE_URL_VARIABLES, DEFAULT_BASE_URL
from langchain_aimlapi._version import __version__
from langchain_aimlapi.chat_models import ChatAIMLAPI
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.emulator import CODEX_ON_RESPONSES_ONLY, Emulator
from langchain_aimlapi.errors import (
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIServerError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessage

_PROMPT = "Why is the sky blue? Answer in two sentences."
_BATCH = ("Name a colour.", "Name a river.", "Name a planet.")
_TOOL_PROMPT = "Multiply 6 by 7. Use the tool."
_PLACE = {
    "title": "Place",
    "description": "A place and the country it is in.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "country": {"type": "string"}},
    "required": ["name", "country"],
}
_PLACE_PROMPT = 'Tell me where the "Eiffel Tower" stands.'


class _Step(NamedTuple):
    """A line of the table."""

    name: str
    messages: Sequence[AIMessage]
    seconds: float

    @property
    def cells(self) -> tuple[str, ...]:
        usages = [message.usage_metadata for message in self.messages if message.usage_metadata]
        endpoints = {message.response_metadata["endpoint"] for message in self.messages}
        return (
            self.name,
            ", ".join(sorted(endpoints)),
            str(sum(usage["input_tokens"] for usage in usages)) if usages else "-",
            str(sum(usage["output_tokens"] for usage in usages)) if usages else "-",
            "-" if self.cost is None else f"{self.cost:.6f}",
            f"{self.seconds:.1f}",
        )

    @property
    def cost(self) -> float | None:
        """USD billed, None where the gateway did not say for each message."""
        costs = [message.response_metadata.get("cost") for message in self.messages]
        return None if None in costs else sum(cost["usd"] for cost in costs if cost)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tour.

    Args:
        arguments: Command line; `None` means the process's own.

    Returns:
        The exit code: 0, or 1 if a call failed or text could not be read or written, 2 for a wrong
        command line; 128 and the signal's number after Ctrl-C and where the reader of a pipe has
        gone, as shells count.
    """
    try:
        _prepare_output()
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        print(end="", flush=True)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        _give_up_output()  # whoever read has gone
        return 128 + getattr(signal, "SIGPIPE", 13)
    except OSError as error:  # a full disk, or a folder as standard input
        _give_up_output()
        print("Error:", error.strerror or error, file=sys.stderr)
        return 1
    return code


def _give_up_output() -> None:
    """Let what is still to be printed vanish; the interpreter would fail to flush it at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare_output() -> None:
    """Let a console that lacks a sign show a question mark, rather than end in an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _run(words: list[str]) -> int:
    if words[:1] == ["doctor"]:
        from langchain_aimlapi.doctor import main as doctor  # noqa: PLC0415

        return doctor(words[1:])
    options = _parser().parse_args(words)
    prompt = options.prompt
    if prompt == "-":
        # Without standard input, as under a service, it is None. Windows' tools begin with a mark.
        read = sys.stdin.buffer.read() if sys.stdin is not None else b""
        prompt = read.decode("utf-8-sig", "replace").strip()
    if not prompt.strip():
        where = " on standard input" if options.prompt == "-" else ""
        print(f"Error: there is no text{where}.", file=sys.stderr)
        return 2
    try:
        return _tour(prompt, options.model or list(PROFILES))
    except (AIMLAPIError, OutputParserException) as error:
        _complain(error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_aimlapi",
        usage="%(prog)s [-h] [--version] [--model ID] [prompt | -]\n"
        "       %(prog)s doctor [-h] [--yes] [--all]",
        description="Try the AI/ML API's GPT-5.1 models: streaming, batch, tools, structured "
        "output, and what each step cost. Live and billed with a key in AIMLAPI_API_KEY, offline "
        "without.",
        epilog="doctor: checks key, balance, models and a small call, and says what to do. "
        "An offline API for other programs: python -m langchain_aimlapi.emulator",
    )
    parser.add_argument(
        "prompt",
        nargs="?",
        default=_PROMPT,
        help="what each model is asked; - reads it from standard input",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--model", action="append", metavar="ID", help="ask this model alone; may be repeated"
    )
    return parser


def _tour(prompt: str, names: Sequence[str]) -> int:
    connection, told = _connection()
    models = [ChatAIMLAPI(model=name, **connection) for name in names]
    print(told)  # once key and address are known to be usable
    steps = []
    answered = []
    for llm in models:
        print(f"\n{llm.model}: ", end="", flush=True)
        try:
            steps.append(_stream(llm, prompt))
        except (AIMLAPINotFoundError, AIMLAPIInvalidRequestError, AIMLAPIServerError) as error:
            _complain(error)  # the other models may do better
        else:
            answered.append(llm)
    if answered:
        llm = answered[0]
        print(f"\nThe rest is done by {llm.model}.")
        steps += [_batch(llm), _tool_call(llm), _structured_answer(llm)]
        print()
        _print_table(steps)
    return 0 if len(answered) == len(names) else 1


def _complain(error: Exception) -> None:
    text = str(error)
    if isinstance(error, AIMLAPIError) and error.response is not None and _key_variable() is None:
        # The error's own text sends people to the API, which nobody has asked here.
        said = error.response.json().get("message")
        text = f"the emulator answers with HTTP {error.status_code}: {said}"
    print(flush=True)
    print("Error:", " ".join(text.split()), file=sys.stderr, flush=True)


def _key_variable() -> str | None:
    """The first variable that holds a key."""
    return next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), None)


def _connection() -> tuple[dict[str, Any], str]:
    """Choose who answers, and what is said of that."""
    key = _key_variable()
    if key is not None:
        addresses = [os.environ.get(name, "").strip() for name in BASE_URL_VARIABLES]
        address = next(filter(None, addresses), DEFAULT_BASE_URL)
        return {}, f"LIVE: {address} answers, and bills the key in {key}."
    return Emulator(models=CODEX_ON_RESPONSES_ONLY).connection(), (
        f"OFFLINE: no key in {KEY_VARIABLES[0]}, so the package's own emulator answers. No model "
        "is asked, nothing is sent, nothing is paid; tokens and costs are made up."
    )


def _stream(llm: ChatAIMLAPI, prompt: str) -> _Step:
    started = time.monotonic()
    chunks = []
    for chunk in llm.stream(prompt):
        print(chunk.text, end="", flush=True)
        chunks.append(chunk)
    print()
    message = sum(chunks[1:], start=chunks[0])
    return _Step(llm.model, [message], time.monotonic() - started)


def _batch(llm: ChatAIMLAPI) -> _Step:
    started = time.monotonic()
    answers = llm.batch(list(_BATCH))
    for question, answer in zip(_BATCH, answers, strict=True):
        print(f"  batch: {question} {answer.text}")
    return _Step(f"batch of {len(answers)}", answers, time.monotonic() - started)


@tool
def multiply(a: int, b: int) -> int:
    """Multiply two whole numbers."""
    return a * b


def _tool_call(llm: ChatAIMLAPI) -> _Step:
    started = time.monotonic()
    llm_with_tools = llm.bind_tools([multiply])
    question = HumanMessage(_TOOL_PROMPT)
    request = llm_with_tools.invoke([question])
    results = [multiply.invoke(call) for call in request.tool_calls]
    for call, result in zip(request.tool_calls, results, strict=True):
        print(f"  tool: {call['name']}({call['args']}) = {result.text}")
    answer = llm_with_tools.invoke([question, request, *results])
    print(f"  tool: {answer.text}")
    return _Step("tool call", [request, answer], time.monotonic() - started)


def _structured_answer(llm: ChatAIMLAPI) -> _Step:
    started = time.monotonic()
    answer = llm.with_structured_output(_PLACE, include_raw=True).invoke(_PLACE_PROMPT)
    if answer["parsing_error"] is not None:
        raise answer["parsing_error"]
    print(f"  structured: {answer['parsed']}")
    return _Step("structured answer", [answer["raw"]], time.monotonic() - started)


def _print_table(steps: Sequence[_Step]) -> None:
    rows: list[tuple[str, ...]] = [("step", "endpoint", "tokens in", "out", "USD", "seconds")]
    rows += [step.cells for step in steps]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        print("  ".join([*left, *right]))
    costs = [step.cost for step in steps]
    known = sum(cost for cost in costs if cost is not None)
    unknown = "" if None not in costs else ", and what the gateway did not tell"
    print(f"In all: {known:.6f} USD{unknown}.")


if __name__ == "__main__":
    raise SystemExit(main())
