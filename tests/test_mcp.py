"""The Model Context Protocol, spoken by the protocol's own SDK, over HTTP and stdio.

The same questions go every way an agent can take: to `/mcp` of a running service, to `air mcp`
over a data folder, and to `air mcp --url` in front of a running service; and with both ways in
which a client may begin, the older handshake and the newer version by request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult
from service import Client as Service
from service import Http, Process, mint, serving, sources_config, write_config

SECRET = "only-for-tests-" * 5
QUESTION = "number of flights by origin in 2013"
# What the independent tool says: `select origin, count(*) from flights group by 1`.
FLIGHTS = {"EWR": 120835, "JFK": 111279, "LGA": 104662}
MISSPELT = {"entities": ["fligths"], "dimensions": ["origin"]}
SECONDS = 120

Mode = Literal["legacy", "auto"]
Talk = Callable[[Client], Awaitable[None]]


@pytest.fixture(scope="module")
def process(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A service that wants tokens, with the sample data learned."""
    data = tmp_path_factory.mktemp("mcp")
    config = sources_config() | {"server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}}}
    with serving(program, data, config, auth="enabled") as process:
        Service(Http(process.base, token(program, process, "editor"))).learn("flights")
        yield process


def token(program: Path, process: Process, role: str) -> str:
    return mint(program, process.data, "mia", role)


@asynccontextmanager
async def over_http(base: str, bearer: str | None, mode: Mode) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with create_mcp_http_client(headers=headers) as http:
        transport = streamable_http_client(f"{base}/mcp", http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=SECONDS) as client:
            yield client


@asynccontextmanager
async def over_stdio(
    program: Path, *options: str, mode: Mode = "legacy", env: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    server = StdioServerParameters(command=str(program), args=["mcp", *options], env=env)
    async with Client(server, mode=mode, read_timeout_seconds=SECONDS) as client:
        yield client


def content(result: CallToolResult) -> dict[str, Any]:
    """The structured content, which the text repeats for clients that know no other."""
    assert isinstance(result.structured_content, dict), result
    return result.structured_content


async def lists_and_answers(client: Client) -> None:
    """Lists the tools, asks a question of the sample data, and gets its rows."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert {"ask", "query", "run_report", "get_catalog"} <= tools.keys()
    assert "create_datasource" not in tools
    wanted = tools["ask"].input_schema["required"]
    assert {"question", "datasource_id"} <= set(wanted)
    result = await client.call_tool("ask", {"question": QUESTION, "datasource_id": "flights"})
    assert not result.is_error, result
    answer = content(result)
    assert answer["state"] == "answer", answer
    rows = answer["result"]["rows"]
    measure = next(c["name"] for c in answer["result"]["columns"] if c["role"] == "measure")
    group = next(c["name"] for c in answer["result"]["columns"] if c["role"] == "dimension")
    assert {row[group]: row[measure] for row in rows} == FLIGHTS
    again = await client.call_tool("get_run_rows", {"id": answer["result"]["run_id"], "limit": 2})
    assert content(again)["items"] == rows[:2]


async def errors_are_results(client: Client) -> None:
    """What the service refuses a model can read, and the connection goes on."""
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("query", {"datasource_id": "flights", "sql": "delete from flights"}, "refused"),
        (
            "query",
            {"datasource_id": "flights", "ir": MISSPELT},
            "flights",
        ),
        ("ask", {"question": QUESTION}, "datasource_id"),
        ("ask", {"questoin": QUESTION, "datasource_id": "flights"}, "question"),
        ("get_run", {"id": "run_0192f0c17a6b70008000000000000001"}, "no run"),
        ("asc", {}, "no function asc"),
    ]
    for name, arguments, told in cases:
        result = await client.call_tool(name, arguments)
        assert result.is_error, (name, result)
        assert told in str(content(result)), (name, told, result)
    assert not (await client.call_tool("list_datasources", {})).is_error


async def both(client: Client) -> None:
    await lists_and_answers(client)
    await errors_are_results(client)


async def talk(connection: Any, work: Talk) -> None:
    async with connection as client:
        await asyncio.wait_for(work(client), SECONDS)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_over_http(program: Path, process: Process, mode: Mode) -> None:
    asyncio.run(talk(over_http(process.base, token(program, process, "viewer"), mode), both))


def test_over_stdio_on_a_data_folder(program: Path, tmp_path: Path) -> None:
    write_config(tmp_path, sources_config())
    options = ("--data", str(tmp_path), "--role", "editor")

    async def learns_first(client: Client) -> None:
        learned = await client.call_tool("learn", {"datasource_id": "flights"})
        assert not learned.is_error, learned
        await both(client)

    asyncio.run(talk(over_stdio(program, *options), learns_first))
    # The folder is free again, and what was learned is there.
    asyncio.run(talk(over_stdio(program, "--data", str(tmp_path)), lists_and_answers))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_over_stdio_in_front_of_a_service(program: Path, process: Process, mode: Mode) -> None:
    env = {"AIR_TOKEN": token(program, process, "viewer")}
    asyncio.run(talk(over_stdio(program, "--url", process.base, mode=mode, env=env), both))


def test_the_role_decides_what_is_there(program: Path, process: Process) -> None:
    shown: dict[str, set[str]] = {}

    async def names(client: Client) -> None:
        shown[role] = {tool.name for tool in (await client.list_tools()).tools}

    for role in ("viewer", "editor"):
        asyncio.run(talk(over_http(process.base, token(program, process, role), "legacy"), names))
    assert "create_report" in shown["editor"] - shown["viewer"]
    assert shown["viewer"] < shown["editor"]


@pytest.mark.parametrize("bearer", [None, "not.a.token"])
def test_a_wrong_token_is_refused(process: Process, bearer: str | None) -> None:
    with pytest.raises(BaseExceptionGroup) as refused:
        asyncio.run(talk(over_http(process.base, bearer, "legacy"), both))
    assert refused.group_contains(MCPError, match="error response", depth=None), refused.value
    reply = Http(process.base, bearer).send("POST", "/mcp", {"jsonrpc": "2.0", "id": 1})
    assert (reply.status, reply.body["code"]) == (401, "unauthorized")


def test_without_tokens_no_page_of_a_browser_reaches_it(program: Path, tmp_path: Path) -> None:
    with serving(program, tmp_path, sources_config()) as process:
        http = Http(process.base)
        accept = {"Accept": "application/json, text/event-stream"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert http.send("POST", "/mcp", body, accept).status == 200
        for header in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            reply = http.send("POST", "/mcp", body, accept | header)
            assert (reply.status, reply.body["code"]) == (403, "forbidden"), reply
