"""The emulator with its doors: in memory for httpx clients, and on a socket for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from langchain_aimlapi.emulator.doors.memory import EmulatorTransport
from langchain_aimlapi.emulator.doors.server import EmulatorServer
from langchain_aimlapi.emulator.gateway import Gateway

if TYPE_CHECKING:
    from langchain_aimlapi.emulator.doors.memory import ChunkSize


class Emulator(Gateway):
    """An offline AI/ML API, for tests and examples.

    It answers by simple rules that say they are the emulator's, or as a script tells it to. It
    records what it received, bills what it answered, and fails in every way that is asked of it.
    One emulator serves threads and event loops at the same time.

    Example:
        ```python
        from langchain_aimlapi import ChatAIMLAPI
        from langchain_aimlapi.emulator import Emulator, Reply

        emulator = Emulator().script(Reply("Hello from a script."))
        llm = ChatAIMLAPI(model="openai/gpt-5-1", **emulator.connection())
        assert llm.invoke("Hi").text == "Hello from a script."
        emulator.assert_done()
        ```

    Args:
        models: Which models are served on which APIs.
        deprecations: Entries of the feed of models that are going or gone, such as
            `{"id": "openai/gpt-4", "replaced_by": "openai/gpt-5-1"}`. By itself an entry changes
            nothing of what is served: leave the model out of `models` too.
        api_key: The one valid key.
        balance_usd: What is on the account, in USD.
        seed: The same seed and the same requests give the same ids. `None`: ids that no other
            emulator gives.
        honour_stop: Whether default replies end at the first stop string sent. Off by default,
            since `stop` is not documented for these models.
        validate: Whether requests are checked against the documented rules.
        model_error_status: 400 or 404, for a model that is unknown or not served on an endpoint.
            The documentation does not say which it is.
        error_shape: The shape of errors where a fault does not choose one.
        clock: Unix time in seconds.
        on_answer: Called with each request and its entry in the ledger (`None` for requests that
            ask no model) as it is answered, in the thread that answers.

    Attributes:
        api_key: The one valid key.
        requests: Everything received, oldest first.
        models: Which models are served on which APIs.
        deprecations: Entries of the feed of models that are going or gone.
    """

    def transport(self, *, chunk_size: ChunkSize = None) -> EmulatorTransport:
        """An httpx transport, for sync and async clients.

        Args:
            chunk_size: Byte boundaries of the bodies; see `EmulatorTransport`.
        """
        return EmulatorTransport(self, chunk_size=chunk_size)

    def client(self, *, chunk_size: ChunkSize = None, **options: Any) -> httpx.Client:
        """An `httpx.Client` on the in-memory door; `options` are the client's own."""
        return httpx.Client(transport=self.transport(chunk_size=chunk_size), **options)

    def async_client(self, *, chunk_size: ChunkSize = None, **options: Any) -> httpx.AsyncClient:
        """An `httpx.AsyncClient` on the in-memory door; `options` are the client's own."""
        return httpx.AsyncClient(transport=self.transport(chunk_size=chunk_size), **options)

    def connection(self, *, chunk_size: ChunkSize = None) -> dict[str, Any]:
        """Keyword arguments that connect a `ChatAIMLAPI` to the in-memory door.

        Their address is nobody's, so copies of the model that lose the clients, as pickles and
        dumps do, refuse to call. Other processes reach `serve`.
        """
        return {
            "api_key": self.api_key,
            "base_url": EmulatorTransport.emulated_address,
            "http_client": self.client(chunk_size=chunk_size),
            "http_async_client": self.async_client(chunk_size=chunk_size),
        }

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> EmulatorServer:
        """A real server in a thread of its own, started; close it or use it in a `with` block.

        Args:
            host: Address to listen on.
            port: Port; 0 takes a free one.
        """
        return EmulatorServer(self, host, port)
