"""A model of the in-memory emulator never reaches the API, however it is copied or rebuilt."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.load import dumps, loads
from langchain_core.runnables import ConfigurableField

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._http.emulated import EMULATOR_HOST
from langchain_aimlapi.emulator.doors.memory import EmulatorTransport
from langchain_aimlapi.errors import AIMLAPIConfigurationError
from tests.conftest import call, ways
from tests.programs import command, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_aimlapi.emulator import Emulator

REAL = "https://api.aimlapi.com/v1"
refused = pytest.raises(AIMLAPIConfigurationError, match=r"emulator in memory.*Nothing was sent")


@pytest.fixture(autouse=True)
def _a_real_key(monkeypatch):
    """What a worker has in its environment; and nothing may leave this process."""

    def leave(*_: object) -> None:
        raise AssertionError("a request left")

    monkeypatch.setenv("AIMLAPI_API_KEY", "a-real-key")
    monkeypatch.setattr("socket.getaddrinfo", leave)


def by_pickle(llm: Any) -> Any:
    return pickle.loads(pickle.dumps(llm))


def by_dump(llm: ChatAIMLAPI) -> ChatAIMLAPI:
    return ChatAIMLAPI(**llm.model_dump(exclude={"api_key"}))


def by_langchain(llm: ChatAIMLAPI) -> ChatAIMLAPI:
    return loads(
        dumps(llm),
        allowed_objects=[ChatAIMLAPI],
        valid_namespaces=["langchain_aimlapi"],
        secrets_from_env=True,
    )


def by_fields(llm: ChatAIMLAPI) -> ChatAIMLAPI:
    fields = {name: getattr(llm, name) for name in type(llm).model_fields}
    return ChatAIMLAPI(**fields | {"http_client": None, "http_async_client": None})


def by_unset(llm: ChatAIMLAPI) -> ChatAIMLAPI:
    llm.http_client = llm.http_async_client = None
    return llm


LOST: list[Callable[[ChatAIMLAPI], Any]] = [
    by_pickle,
    by_dump,
    by_langchain,
    by_fields,
    by_unset,
    lambda llm: llm.model_copy(update={"http_client": None, "http_async_client": None}),
    lambda llm: by_pickle(llm.bind(temperature=0)),
    lambda llm: by_pickle(llm.bind_tools([]).with_config(tags=["a"]).with_retry()),
    lambda llm: by_pickle(copy.deepcopy(llm)),
    lambda llm: llm.configurable_fields(
        http_client=ConfigurableField("sync"), http_async_client=ConfigurableField("async")
    ).with_config(configurable={"sync": None, "async": None}),
]
KEPT: list[Callable[[ChatAIMLAPI], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda llm: llm.model_copy(update={"temperature": 0.5}),
    lambda llm: llm.model_copy(update={"base_url": REAL}),
    lambda llm: llm.with_config(tags=["a"]),
    lambda llm: llm.configurable_fields(base_url=ConfigurableField("address")).with_config(
        configurable={"address": REAL}
    ),
]


@ways
@pytest.mark.filterwarnings("ignore::langchain_core._api.beta_decorator.LangChainBetaWarning")
@pytest.mark.parametrize("lose", LOST)
async def test_a_model_that_lost_its_clients_refuses(llm, emulator, lose, way):
    with refused:
        await call(lose(llm), way)
    assert emulator.requests == []


@ways
@pytest.mark.parametrize("keep", KEPT)
async def test_a_copy_with_its_clients_is_emulated(llm, emulator, keep, way):
    assert (await call(keep(llm), way)).text
    assert len(emulator.requests) == 1


CONNECT: list[Callable[[Emulator], dict[str, Any]]] = [
    lambda emulator: {},
    lambda emulator: {"base_url": REAL},
    lambda emulator: {"base_url": emulator.transport().emulated_address},
]


@ways
@pytest.mark.parametrize("address", CONNECT)
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("is_own", [False, True])
async def test_one_client_does_not_send_the_other_calls_elsewhere(
    emulator, way, address, is_async, is_own
):
    """With the emulator's own client, and with one that a user has put on its transport."""
    if is_async:
        make = httpx.AsyncClient(transport=emulator.transport()) if is_own else None
        clients = {"http_async_client": make or emulator.async_client()}
    else:
        make = httpx.Client(transport=emulator.transport()) if is_own else None
        clients = {"http_client": make or emulator.client()}
    llm = ChatAIMLAPI(api_key=emulator.api_key, **clients, **address(emulator))
    if way.startswith("a") is is_async:
        assert (await call(llm, way)).text
    else:
        with refused:
            await call(llm, way)
    with refused:
        await call(by_pickle(llm), way)


async def test_a_client_that_is_set_later_makes_the_model_emulated(emulator):
    llm = ChatAIMLAPI(api_key=emulator.api_key)
    llm.http_client = emulator.client()
    assert llm.invoke("Hello").text
    with refused:
        await llm.ainvoke("Hello")
    with refused:
        by_pickle(llm).invoke("Hello")


@pytest.mark.parametrize("name", ["balance", "list_models"])
async def test_account_calls_stay_emulated(llm, emulator, name):
    getattr(llm, name)()
    await getattr(llm, f"a{name}")()
    lost = by_pickle(llm)
    with refused:
        getattr(lost, name)()
    with refused:
        await getattr(lost, f"a{name}")()


def test_a_worker_with_a_key_refuses(llm):
    script = """
        import pickle, sys
        llm = pickle.load(sys.stdin.buffer)
        try:
            llm.invoke("Hello")
        except Exception as error:
            print(type(error).__name__)
    """
    output = run(command(script), stdin=pickle.dumps(llm))
    assert output.strip() == "AIMLAPIConfigurationError"


def test_both_sides_mean_one_address():
    assert f"https://{EMULATOR_HOST}/v1" == EmulatorTransport.emulated_address
