"""The main job of packages that take a chat model; the extra `third-party` has their versions."""

from __future__ import annotations

import sys
import textwrap

import pytest

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Reply, ToolCall

MODEL = "openai/gpt-5-1"


def user(text: str) -> dict:
    return {"messages": [{"role": "user", "content": text}]}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.needs("langgraph.checkpoint.sqlite", "langchain")
def test_an_agent_goes_on_from_sqlite(tmp_path):
    """Two models on two emulators, as after a restart: their ids must not clash."""
    from langchain.agents import create_agent
    from langgraph.checkpoint.sqlite import SqliteSaver

    config = {"configurable": {"thread_id": "1"}}
    for turn in (1, 2):
        llm = ChatAIMLAPI(model=MODEL, **Emulator().connection())
        with SqliteSaver.from_conn_string(str(tmp_path / "threads.db")) as saver:
            agent = create_agent(llm, [add], checkpointer=saver)
            state = agent.invoke(user("add(1, 2)"), config)
        assert len(state["messages"]) == 4 * turn
        assert 'add answered "3"' in state["messages"][-1].text
    ids = [
        call["id"] for message in state["messages"] for call in getattr(message, "tool_calls", ())
    ]
    assert len(set(ids)) == 2


@pytest.mark.needs("deepagents")
def test_deepagents(llm, emulator):
    from deepagents import create_deep_agent

    emulator.script(
        Reply(tool_calls=[ToolCall("write_file", {"file_path": "/a.txt", "content": "Hi"})]),
        Reply("Written."),
    )
    state = create_deep_agent(llm).invoke(user("Write."))
    assert state["messages"][-1].text == "Written."
    assert "/a.txt" in state["files"]


@pytest.mark.needs("langgraph_supervisor", "langchain")
def test_langgraph_supervisor(llm, emulator):
    from langchain.agents import create_agent
    from langgraph_supervisor import create_supervisor

    worker = create_agent(llm, [add], name="adder")
    emulator.script(
        Reply(tool_calls=[ToolCall("transfer_to_adder")]),
        Reply(tool_calls=[ToolCall("add", {"a": 1, "b": 2})]),
        Reply("3"),
        Reply("The adder says 3."),
    )
    state = create_supervisor([worker], model=llm).compile().invoke(user("1+2?"))
    assert state["messages"][-1].text == "The adder says 3."
    emulator.assert_done()


@pytest.mark.needs("langmem")
def test_langmem(llm, emulator):
    from langmem import create_memory_manager

    emulator.script(Reply(tool_calls=[ToolCall("Memory", {"content": "Likes tea."})]))
    manager = create_memory_manager(llm)
    memories = manager.invoke({**user("I like tea."), "max_steps": 1})
    assert [memory.content.content for memory in memories] == ["Likes tea."]


SERVER = """
from mcp.server.fastmcp import FastMCP

server = FastMCP("adder")

@server.tool()
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

server.run("stdio")
"""


@pytest.mark.needs("langchain_mcp_adapters", "langchain")
async def test_tools_of_an_mcp_server(llm, tmp_path):
    from langchain.agents import create_agent
    from langchain_mcp_adapters.client import MultiServerMCPClient

    script = tmp_path / "server.py"
    script.write_text(textwrap.dedent(SERVER))
    server = {"command": sys.executable, "args": [str(script)], "transport": "stdio"}
    tools = await MultiServerMCPClient({"adder": server}).get_tools()
    state = await create_agent(llm, tools).ainvoke(user("add(1, 2)"))
    assert "add answered" in state["messages"][-1].text
    assert "3" in state["messages"][-2].text


@pytest.mark.needs("openevals")
def test_openevals(llm, emulator):
    from openevals.llm import create_llm_as_judge

    judge = create_llm_as_judge(prompt="Is {outputs} right for {inputs}?", judge=llm)
    emulator.script(Reply('{"reasoning": "It is.", "score": true}'))
    assert judge(inputs="1+1", outputs="2")["score"] is True
    emulator.assert_done()


@pytest.mark.needs("llama_index.llms.langchain")
def test_llama_index(llm):
    from llama_index.llms.langchain import LangChainLLM

    wrapped = LangChainLLM(llm=llm)
    assert "emulator" in wrapped.complete("Hello").text
    assert "emulator" in "".join(part.delta for part in wrapped.stream_complete("Hello"))


@pytest.mark.needs("langserve", "fastapi", "sse_starlette")
def test_langserve(llm):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from langserve import add_routes

    app = FastAPI()
    add_routes(app, llm, path="/chat")
    with TestClient(app) as client:
        reply = client.post("/chat/invoke", json={"input": "Hello"})
        assert "emulator" in reply.json()["output"]["content"]
        with client.stream("POST", "/chat/stream", json={"input": "Hello"}) as stream:
            assert "event: end" in stream.read().decode()


@pytest.mark.needs("langchain_classic", "langchain_community", "sqlalchemy")
def test_the_sql_agent(llm, emulator, tmp_path):
    import sqlite3

    from langchain_community.agent_toolkits import create_sql_agent
    from langchain_community.utilities import SQLDatabase

    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute("create table fruit (name text, price int)")
        database.execute("insert into fruit values ('fig', 3)")
    emulator.script(
        Reply(tool_calls=[ToolCall("sql_db_query", {"query": "select price from fruit"})]),
        Reply("A fig costs 3."),
    )
    agent = create_sql_agent(
        llm, db=SQLDatabase.from_uri(f"sqlite:///{path}"), agent_type="tool-calling"
    )
    assert agent.invoke({"input": "What does a fig cost?"})["output"] == "A fig costs 3."
    assert "[(3,)]" in str(emulator.requests[-1].json["messages"])
