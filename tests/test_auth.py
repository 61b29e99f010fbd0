"""Who may do what, over HTTP with tokens that `air token` made, and tokens that nobody should make.

The tables of roles in the contract (`x-roles`) are held to the router by the server's own tests;
here are the promises a caller relies on.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from oracle import SHOP
from service import REPOSITORY, START_SECONDS, Http, Reply, mint, serve, serving, write_config

SECRET = "only-for-tests-" * 5
SCOPE = {"scope_md": "# Question\n\nHow many?\n"}
OPEN = ["/healthz", "/readyz", "/openapi.yaml", "/docs"]
CLOSED = ["/v1/datasources", "/v1/scopes", "/v1/reports", "/v1/ir/schema", "/v1/catalog/shop"]


@dataclass(frozen=True)
class Guarded:
    """A service that wants tokens, and a way to call it as somebody."""

    base: str
    program: Path
    data: Path

    def token(self, sub: str, role: str) -> Http:
        return Http(self.base, mint(self.program, self.data, sub, role))

    def forged(self, **changes: Any) -> Http:
        """A token of the service's own making but for these claims; None leaves a claim out."""
        return Http(self.base, jwt.encode(claims(**changes), SECRET, algorithm="HS256"))


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"sub": "ana", "role": "admin", "iss": "air", "aud": "air", "iat": now, "exp": now + 600}
    return {name: value for name, value in (base | changes).items() if value is not None}


def config(secret: str | None = SECRET) -> dict[str, Any]:
    shop = {"id": "shop", "kind": "files", "base_path": str(SHOP), "default": True}
    auth = {} if secret is None else {"jwt_secret": secret}
    return {
        "server": {"host": "127.0.0.1", "auth": auth},
        "files": {"base_path": str(REPOSITORY)},
        "analytics_sources": [shop],
    }


@pytest.fixture(scope="module")
def guarded(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    data = tmp_path_factory.mktemp("guarded")
    with serving(program, data, config(), auth="enabled") as process:
        yield Guarded(process.base, program, data)


def problem(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.body["code"]) == (status, code), reply.body
    assert reply.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", OPEN)
def test_what_needs_no_token(guarded: Guarded, path: str) -> None:
    assert Http(guarded.base).send("GET", path).status == 200


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_token_nothing_is_shown(guarded: Guarded, path: str) -> None:
    reply = Http(guarded.base).send("GET", path)
    problem(reply, 401, "unauthorized")
    assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_every_role_may_read(guarded: Guarded, role: str) -> None:
    reply = guarded.token("reader", role).send("GET", "/v1/datasources")
    assert reply.status == 200, reply.body
    assert [source["id"] for source in reply.body["items"]] == ["shop"]


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/v1/scopes", SCOPE),
        ("/v1/reports", {"key": "viewers", "title": "Of a viewer"}),
        ("/v1/learn?datasource_id=shop", None),
        ("/v1/datasources", {"id": "more", "kind": "files", "base_path": "tests"}),
    ],
)
def test_a_viewer_may_not_write(guarded: Guarded, target: str, body: Any) -> None:
    problem(guarded.token("vera", "viewer").send("POST", target, body), 403, "forbidden")


def test_an_editor_may_write_but_not_register_sources(guarded: Guarded) -> None:
    editor = guarded.token("eva", "editor")
    assert editor.send("POST", "/v1/scopes", SCOPE).status == 201
    source = {"id": "more", "kind": "files", "base_path": "tests"}
    problem(editor.send("POST", "/v1/datasources", source), 403, "forbidden")
    admin = guarded.token("ada", "admin")
    assert admin.send("POST", "/v1/datasources", source).status == 201


def test_claims_as_they_should_be_are_taken(guarded: Guarded) -> None:
    # The forgeries below differ from this one by a single claim each.
    assert guarded.forged().send("GET", "/v1/datasources").status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": None},
        {"iss": "other"},
        {"iss": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"nbf": 9_000_000_000},
        {"role": "root"},
        {"role": None},
        {"sub": None},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(guarded: Guarded, changes: dict[str, Any]) -> None:
    problem(guarded.forged(**changes).send("GET", "/v1/datasources"), 401, "unauthorized")


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_another_algorithm_is_refused(guarded: Guarded, algorithm: str) -> None:
    key = "" if algorithm == "none" else SECRET
    token = jwt.encode(claims(), key, algorithm=algorithm)
    problem(Http(guarded.base, token).send("GET", "/v1/datasources"), 401, "unauthorized")


def test_another_secret_is_refused(guarded: Guarded) -> None:
    token = jwt.encode(claims(), SECRET[::-1], algorithm="HS256")
    problem(Http(guarded.base, token).send("GET", "/v1/datasources"), 401, "unauthorized")


def test_a_token_in_the_address_is_no_token(guarded: Guarded) -> None:
    token = jwt.encode(claims(), SECRET, algorithm="HS256")
    reply = Http(guarded.base).send("GET", f"/v1/datasources?token={token}")
    problem(reply, 401, "unauthorized")
    assert token not in str(reply.body)


def test_a_scope_of_another_user_is_not_there(guarded: Guarded) -> None:
    ana, bob = guarded.token("ana", "editor"), guarded.token("bob", "editor")
    made = ana.send("POST", "/v1/scopes", SCOPE)
    assert made.status == 201, made.body
    path = f"/v1/scopes/{made.body['id']}"
    assert ana.send("GET", path).status == 200
    problem(bob.send("GET", path), 404, "not_found")
    problem(bob.send("POST", f"{path}/version", SCOPE), 404, "not_found")
    version = {"scope_version_id": made.body["scope_version_id"], "datasource_id": "shop"}
    problem(bob.send("POST", "/v1/ir/build", version), 404, "not_found")
    assert made.body["id"] not in str(bob.send("GET", "/v1/scopes").body)
    assert guarded.token("ada", "admin").send("GET", path).status == 200


def test_a_run_of_another_user_is_not_there(guarded: Guarded) -> None:
    ana, bob = guarded.token("ana", "editor"), guarded.token("bob", "viewer")
    assert ana.send("POST", "/v1/learn?datasource_id=shop").status == 200
    ir = {"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]}
    run = ana.send("POST", "/v1/query", {"datasource_id": "shop", "ir": ir})
    assert run.status == 200, run.body
    path = f"/v1/runs/{run.body['run_id']}"
    assert ana.send("GET", path).status == 200
    problem(bob.send("GET", path), 404, "not_found")
    problem(bob.send("GET", f"{path}/rows"), 404, "not_found")
    problem(bob.send("DELETE", path), 404, "not_found")


def ends(program: Path, data: Path, told: dict[str, Any]) -> str:
    """What a start on this configuration says before it gives up."""
    write_config(data, told)
    ended = subprocess.run(  # noqa: S603
        serve(program, data, "enabled"),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert ended.returncode != 0
    assert "listening" not in ended.stdout
    return ended.stderr


def sample_secret() -> str:
    text = (REPOSITORY / "data" / "config.yaml").read_text(encoding="utf-8")
    secret: str = yaml.safe_load(text)["server"]["auth"]["jwt_secret"]
    return secret


@pytest.mark.parametrize("secret", [None, sample_secret(), "x" * 31], ids=["none", "sample", "31"])
def test_a_bad_secret_is_refused_at_start(
    program: Path, tmp_path: Path, secret: str | None
) -> None:
    told = ends(program, tmp_path, config(secret))
    assert "jwt_secret" in told
    assert "--auth disabled" in told
    assert secret is None or secret not in told


def listeners(pid: int) -> set[str]:
    """The local addresses, as the kernel writes them, on which this process listens."""
    links = [entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {str(link)[8:-1] for link in links if str(link).startswith("socket:[")}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            listening = columns[3] == "0A"
            if listening and columns[9] in sockets:
                found.add(columns[1].split(":")[0])
    return found


def test_without_authentication_only_loopback_listens(program: Path, tmp_path: Path) -> None:
    told = config(None)
    told["server"]["host"] = "0.0.0.0"  # noqa: S104
    with serving(program, tmp_path, told, auth="disabled") as process:
        loopback = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}"
        assert listeners(process.pid) == {loopback}
        assert Http(process.base).send("GET", "/v1/datasources").status == 200
