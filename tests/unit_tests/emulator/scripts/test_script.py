"""What comes when: the queue, steps for requests that fit a description, and script files."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import pytest

from langchain_aimlapi.emulator import Emulator, Fault, Reply, ScriptFileError, ToolCall, Usage
from langchain_aimlapi.emulator.scripts.script_file import FAULTS, read_script

MODEL = "openai/gpt-5-1"
CODEX = "openai/gpt-5-1-codex"
HEADERS = {"authorization": "Bearer emulator-key"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
TOOL_TURN = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "content": "Rain in Oslo", "tool_call_id": "call_1"},
]
OTHER = {"id": "call_2", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
TWO_RESULTS = [
    TOOL_TURN[0],
    {"role": "assistant", "tool_calls": [CALL, OTHER]},
    TOOL_TURN[2],
    {"role": "tool", "content": "Noon", "tool_call_id": "call_2"},
]
RESPONSES_TOOL_TURN = [
    {"role": "user", "content": "Weather?"},
    {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "Rain in Oslo"},
]
RESPONSES_TWO_RESULTS = [
    *RESPONSES_TOOL_TURN[:2],
    {"type": "function_call", "call_id": "call_2", "name": "get_time", "arguments": "{}"},
    RESPONSES_TOOL_TURN[2],
    {"type": "function_call_output", "call_id": "call_2", "output": "Noon"},
]


@pytest.fixture
def ask(emulator: Emulator):
    """Ask on either endpoint, and return the text, or the status of an error."""

    def post(content, model=MODEL, path="/v1/chat/completions"):
        key = "input" if "responses" in path else "messages"
        turns = [{"role": "user", "content": content}] if isinstance(content, str) else content
        with emulator.client(base_url="https://api.aimlapi.com", headers=HEADERS) as http:
            reply = http.post(path, json={"model": model, key: turns})
        if reply.status_code != 200:
            return reply.status_code
        body = reply.json()
        return body["output_text"] if key == "input" else body["choices"][0]["message"]["content"]

    return post


FITTING = {
    "nothing asked": ({}, "Hello", MODEL, True),
    "model": ({"model": CODEX}, "Hello", CODEX, True),
    "other model": ({"model": CODEX}, "Hello", MODEL, False),
    "text": ({"text": "ell"}, "Hello", MODEL, True),
    "text elsewhere": ({"text": "Weather"}, "turn", MODEL, False),
    "text of a result": ({"text": "Rain"}, "turn", MODEL, True),
    "pattern": ({"text": re.compile("^hel+o$", re.IGNORECASE)}, "Hello", MODEL, True),
    "other pattern": ({"text": re.compile("^ello")}, "Hello", MODEL, False),
    "tool": ({"tool": "get_weather"}, "turn", MODEL, True),
    "other tool": ({"tool": "get_time"}, "turn", MODEL, False),
    "tool result": ({"tool_result": "Oslo"}, "turn", MODEL, True),
    "tool and its result": ({"tool": "get_weather", "tool_result": "Rain"}, "turn", MODEL, True),
    "another tool's result": ({"tool": "get_time", "tool_result": "Rain"}, "two", MODEL, False),
    "no tool result": ({"tool_result": "Hello"}, "Hello", MODEL, False),
    "all at once": ({"model": CODEX, "tool": "get_weather", "text": "Rain"}, "turn", CODEX, True),
    "all but one": ({"model": MODEL, "tool": "get_weather", "text": "Rain"}, "turn", CODEX, False),
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@pytest.mark.parametrize("case", FITTING.values(), ids=FITTING)
def test_a_description_fits(emulator, ask, path, case):
    asked, content, model, fits = case
    emulator.when(Reply("It fits."), **asked)
    chat = "responses" not in path
    turns = {
        "turn": TOOL_TURN if chat else RESPONSES_TOOL_TURN,
        "two": TWO_RESULTS if chat else RESPONSES_TWO_RESULTS,
    }
    answer = ask(turns.get(content, content), model, path)
    assert (answer == "It fits.") is fits


def test_an_endpoint_can_be_described(emulator, ask):
    emulator.when(Reply("There."), endpoint="responses")
    assert ask("Hello", path="/v1/responses") == "There."
    assert ask("Hello") != "There."


def test_descriptions_come_before_the_queue_and_the_first_that_fits_counts(emulator, ask):
    emulator.script(Reply("queued"))
    emulator.when(Reply("first"), text="Hello", times=1).when(Reply("second"), text="H", times=2)
    assert [ask(text) for text in ("Hello", "Hello", "Bye", "Ho")] == [
        "first",
        "second",
        "queued",
        "second",
    ]
    emulator.assert_done()
    assert "emulator" in ask("Hello")


def test_any_number_of_times(emulator, ask):
    emulator.when(Reply("always"), text="Hello")
    assert {ask("Hello") for _ in range(20)} == {"always"}
    emulator.assert_done()


def test_what_waits_for_a_request_is_not_done(emulator, ask):
    emulator.when(Fault.status(503), model=CODEX, text="x", times=2).script(Reply("queued"))
    ask("x", CODEX)
    with pytest.raises(AssertionError, match=r"2 scripted step.*Fault\.status\(503\) for Match"):
        emulator.assert_done()
    for times in (0, "2", True, 1.5):
        with pytest.raises(ValueError, match="times"):
            emulator.when(Reply(), times=times)
    for asked in ({"endpoint": "chat"}, {"model": 5}, {"text": 5}, {"tool_result": ["Rain"]}):
        with pytest.raises((TypeError, ValueError), match=next(iter(asked))):
            emulator.when(Reply(), **asked)


def test_a_script_in_a_file(emulator, ask, tmp_path):
    file = tmp_path / "script.json"
    script = [
        {"reply": "Grüße"},
        {"fault": {"name": "status", "code": 429, "retry_after": 1}, "times": 2},
        {"fault": "out_of_credits"},
        {"reply": "codex", "when": {"model": CODEX, "text": {"pattern": "(?i)^fix"}}},
        {"reply": "once", "when": {"text": "Only"}, "times": 1},
    ]
    file.write_text(json.dumps(script, ensure_ascii=False), encoding="utf-8")
    emulator.load_script(file)
    assert [ask("fix it", CODEX) for _ in range(3)] == ["codex"] * 3
    assert [ask("Only you") for _ in range(5)] == ["once", "Grüße", 429, 429, 403]
    emulator.assert_done()


def test_all_of_a_reply_can_be_written():
    value = {
        "text": "Hi",
        "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "c"}, {"name": "g", "args": "{"}],
        "reasoning": ["one", "two"],
        "usage": {"input_tokens": 3, "output_tokens": 2, "cached_tokens": 1},
        "choices": ["a", {"refusal": "no"}],
        "stream": {"delta_size": 3, "bom": True},
        "body": {"any": ["JSON"]},
        "cost": None,
    }
    ((reply, match, times),) = read_script([{"reply": value}])
    assert (match, times) == (None, 1)
    assert reply.tool_calls == [ToolCall("f", {"a": 1}, "c"), ToolCall("g", "{")]
    assert reply.usage == Usage(3, 2, cached_tokens=1)
    assert reply.choices == [Reply("a"), Reply(refusal="no")]
    assert (reply.stream.delta_size, reply.stream.bom) == (3, True)
    assert (reply.body, reply.cost, reply.reasoning) == ({"any": ["JSON"]}, None, ["one", "two"])


ARGUMENTS = {
    "status": {"code": 500},
    "redirect": {"location": "https://x"},
    "body": {"data": "{}"},
    "delay": {"seconds": 0},
    "slow_headers": {"pause": 0},
    "pace": {"seconds": 0},
    "big_event": {"size": 5},
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_written(name):
    (line,) = read_script([{"fault": {"name": name, **ARGUMENTS.get(name, {})}}])
    assert isinstance(line.step, Fault)
    assert line.step.name.startswith(f"{name}(")


def test_faults_take_replies_and_faults():
    inner = {"fault": {"name": "delay", "seconds": 1, "fault": {"name": "cut", "reply": "Hi"}}}
    ((fault, _, _),) = read_script([inner])
    assert fault.name == "delay(1)"
    assert fault.reply.name == "cut(1)"
    assert fault.reply.reply == Reply("Hi")


WRONG = {
    "no list": ({"reply": "x"}, "script: Expected array, received object"),
    "neither": ([{"when": {}}], r"script\[0\]: Expected either reply or fault"),
    "both": ([{"reply": "x", "fault": "cut"}], r"script\[0\]: Expected either reply or fault"),
    "unknown key": ([{"reply": "x", "time": 1}], "Unrecognized key.*'time'"),
    "never": ([{"reply": "x", "times": 0}], r"script\[0\]\.times: Number must be greater"),
    "unknown field": ([{"reply": {"txt": "x"}}], "Unrecognized key.*'txt'"),
    "wrong type": ([{"reply": {"text": 5}}], r"script\[0\]\.reply\.text: Expected string"),
    "nested": ([{"reply": {"choices": [{"text": 5}]}}], r"reply\.choices\[0\]\.text: Expected"),
    "unknown fault": ([{"fault": "explode"}], "Invalid enum value.*received 'explode'"),
    "missing argument": ([{"fault": "status"}], r"fault\.code: Required"),
    "unknown argument": ([{"fault": {"name": "cut", "x": 1}}], "Unrecognized key.*'x'"),
    "unknown matcher": ([{"reply": "x", "when": {"role": "user"}}], "Unrecognized key.*'role'"),
    "no pattern": (
        [{"reply": "x"}, {"reply": "x", "when": {"text": {"pattern": "("}}}],
        r"script\[1\]\.when\.text\.pattern: '\(' is no regular expression: missing \)",
    ),
    "neither text nor object": (
        [{"reply": 1}],
        r"\.reply: Expected string or object, received num",
    ),
    "what may be there": (
        [{"reply": "x", "when": {"txt": "x"}}],
        "'txt'; it may have endpoint, mod",
    ),
    "no status": (
        [{"fault": {"name": "status", "code": 99}}],
        r"fault\.code: Number must be great",
    ),
    "no end": ([{"fault": {"name": "delay", "seconds": 1e999}}], "seconds: Number must be finite"),
    "two in a fault": (
        [{"fault": {"name": "cut", "reply": "x", "fault": "html"}}],
        r"script\[0\]\.fault: Expected either reply or fault",
    ),
    "no header": (
        [{"reply": {"headers": {"x": "a\nb"}}}],
        r"script\[0\]\.reply\.headers: the header x takes a line of ASCII text",
    ),
    "nowhere": (
        [{"fault": {"name": "redirect", "location": "\n"}}],
        "script is no script: the header location takes a line",
    ),
}


@pytest.mark.parametrize(("value", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_script_is_refused_with_its_place(value, message):
    with pytest.raises(ScriptFileError, match=message):
        read_script(value)


@pytest.mark.parametrize(
    ("text", "reason"), [("[{]", "Expecting"), ('[{"reply": "a", "reply": "b"}]', "'reply' twice")]
)
def test_what_is_no_json_is_refused_with_the_file(tmp_path, text, reason):
    file = tmp_path / "script.json"
    file.write_text(text)
    with pytest.raises(ScriptFileError, match=rf"script\.json is no JSON: .*{reason}"):
        read_script(file)


def test_a_text_is_a_reply_and_null_the_default_one(emulator, ask):
    emulator.script("one", None, lambda _: "two", Fault.delay(0, "three"), lambda _: None)
    emulator.load_script(
        [{"reply": None}, {"fault": {"name": "delay", "seconds": 0, "reply": None}}]
    )
    said = [ask("Hi") for _ in range(7)]
    ours = 'The emulator of the AI/ML API heard: "Hi"'
    assert said == ["one", ours, "two", "three", ours, ours, ours]
    emulator.assert_done()


async def _slowly(_):
    return Reply()


NO_STEPS = {
    "object": (lambda: {"text": "x"}, "must be a Reply, a Fault, a text or None"),
    "list": (lambda: [Reply()], "one by one"),
    "class": (lambda: Reply, r"Reply makes a step when it is called"),
    "fault without its brackets": (lambda: Fault.reset, r"Fault\.reset makes a step when"),
    "coroutine function": (lambda: _slowly, "not async"),
    "reply inside a fault": (lambda: Fault.cut(reply=3), "must be a Reply"),
    "JSON as text": (lambda: Reply({"a": 1}), r"Reply\(json\.dumps"),
    "dict as call": (lambda: Reply(tool_calls=[{"name": "f"}]), "tool_calls takes ToolCall"),
    "call alone": (lambda: Reply(tool_calls=ToolCall("f")), "tool_calls takes Sequence"),
    "arguments in a list": (lambda: ToolCall("f", [1]), "args takes Mapping or str"),
    "no status": (lambda: Fault.status(1000), "from 200 to 599, not 1000"),
    "status as text": (lambda: Fault.status("429"), "from 200 to 599, not '429'"),
    "no status of a body": (lambda: Fault.html(0), "from 200 to 599, not 0"),
    "no header": (lambda: Reply("x", headers={"x y": "1"}), "'x y' is no name"),
    "no header's value": (lambda: Fault.status(429, headers={"x": 1}), "header x takes a line"),
}


@pytest.mark.parametrize(("make", "message"), NO_STEPS.values(), ids=NO_STEPS)
def test_what_is_no_step_is_refused_where_it_is_scripted(emulator, make, message):
    """Not where a request meets it, which would see a server that fails or never answers."""
    with pytest.raises((TypeError, ValueError), match=message):
        emulator.script(make())


def test_what_a_function_makes_is_checked(emulator, ask):
    emulator.script(lambda _: 3)
    with pytest.raises(TypeError, match="what a script's function returns must be"):
        ask("Hi")


def test_every_field_of_a_reply_has_a_form():
    """A field that is added must be written, or be JSON of any form on purpose."""
    unset = {"body"}
    for part in fields(Reply):
        if part.name not in {"_", *unset}:
            with pytest.raises(ScriptFileError):
                read_script([{"reply": {part.name: {"no": ["such form"]}, "status": "x"}}])
