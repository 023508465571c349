"""LangChain's standard integration tests, unchanged, for each model on each endpoint.

They talk to the emulator over a real socket on this machine, and to nothing else. The test of a
stream's time plays cassettes, which `pytest -n 0 --record-mode=rewrite -k stream_time` records from
the emulator.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_tests.conftest import base_vcr_config
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Reply, Usage
from tests.conftest import MODELS, collect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import AIMessage
    from vcr.request import Request

    from langchain_aimlapi.emulator import EmulatorServer

pytestmark = pytest.mark.enable_socket

ENDPOINTS = {"chat_completions": False, "responses": True}


def _png() -> bytes:
    """Make a picture of one black pixel."""

    def part(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        part(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


def _pdf() -> bytes:
    """Make a document of one empty page."""
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>",
    )
    body, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (
        f"{body}xref\n0 4\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    ).encode()


_DOWNLOADS = {".png": _png, ".pdf": _pdf}


def _download(url: str, **_: Any) -> httpx.Response:
    return httpx.Response(200, content=_DOWNLOADS[url[-4:]]())


def _as_sent_to_the_api(request: Request) -> Request:
    """Keep no header of a request, the key least of all, and no port of this machine."""
    request.uri = f"https://api.aimlapi.com{request.path}"
    request.headers = {}
    return request


def _content_type_alone(response: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in response["headers"].items() if k.lower() == "content-type"}
    return {**response, "headers": kept}


@pytest.fixture(scope="session")
def vcr_config() -> dict[str, Any]:
    return base_vcr_config() | {
        "before_record_request": _as_sent_to_the_api,
        "before_record_response": _content_type_alone,
    }


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    with Emulator().serve() as server:
        yield server


# A tool in Anthropic's form with `cache_control`, for which the API's tools have no place.
@pytest.mark.filterwarnings("ignore:cache_control of the tool 'color_picker' was left out")
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")  # where it records
class TestChatAIMLAPIIntegration(ChatModelIntegrationTests):
    """The standard tests; `_vary` runs each for every model and endpoint."""

    _varied: dict[str, Any]
    _emulator: Emulator

    @pytest.fixture(autouse=True, params=MODELS, ids=lambda model: model.partition("/")[2])
    def _model_id(self, request: pytest.FixtureRequest) -> str:
        return request.param

    @pytest.fixture(autouse=True, params=ENDPOINTS)
    def _vary(
        self, request: pytest.FixtureRequest, _model_id: str, server: EmulatorServer
    ) -> Iterator[None]:
        self._emulator = server.emulator
        self._emulator.reset()
        self._varied = {"model": _model_id, "use_responses_api": ENDPOINTS[request.param]}
        self._varied.update(server.connection())
        yield
        self._emulator.assert_done()
        asked = [received for received in self._emulator.requests if received.dialect]
        assert {received.dialect for received in asked} <= {request.param}
        assert {received.status for received in asked} <= {200}

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer the tests' own downloads of pictures and documents."""
        monkeypatch.setattr(httpx, "get", _download)

    @property
    def chat_model_class(self) -> type[ChatAIMLAPI]:
        return ChatAIMLAPI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return self._varied

    # What the API has. Audio and video are not among it (the schemas of all four models).

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def enable_vcr_tests(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        place = MODELS.index(self._varied["model"])
        return MODELS[place - 1]

    @property
    def supported_usage_metadata_details(self) -> Any:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        message = self._answered(Usage(20, 80, reasoning_tokens=64), stream=stream)
        assert message.usage_metadata is not None
        assert message.usage_metadata["output_token_details"]["reasoning"] == 64
        return message

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        message = self._answered(Usage(2048, 5, cached_tokens=1920), stream=stream)
        assert message.usage_metadata is not None
        assert message.usage_metadata["input_token_details"]["cache_read"] == 1920
        return message

    def _answered(self, usage: Usage, *, stream: bool) -> AIMessage:
        self._emulator.script(Reply("So it is.", usage=usage))
        llm = self.chat_model_class(**self.chat_model_params)
        return collect(llm.stream("Is it?")) if stream else llm.invoke("Is it?")
