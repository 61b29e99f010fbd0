"""Files in object stores and on web servers, through the service, against stand-ins.

The same datasets lie in a local folder and in each store; the service must give the same rows for
the same questions. What goes wrong must be said with the place, the reason and what to do, and
never with a key.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import azure_stand_in as az
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stores
from asking_stores import OPEN, asking, config, counted, health, in_s3, learned, rows, source
from cases import Case, read_cases
from oracle import SAMPLE, SHOP
from servers import free_port
from service import Client, Reply

SECONDS = 180


@dataclass
class World:
    """The service over the same folders, here and in each store."""

    client: Client
    server: stores.S3
    proxy: stores.Between
    folders: dict[str, Path]
    learned: set[str] = field(default_factory=set)

    def ask(self, name: str, case: Case) -> Reply:
        if name not in self.learned:
            self.client.learn(name)
            self.learned.add(name)
        return self.client.query(name, case.ir, case.params, case.now)


def formed(folder: Path) -> None:
    """A folder with every form of file: each table has the rows 1 to 6."""
    (folder / "glob" / "deep").mkdir(parents=True)
    (folder / "plain.csv").write_text("a\n1\n2\n3\n4\n5\n6\n")
    (folder / "packed.csv.gz").write_bytes(gzip.compress(b"a\n1\n2\n3\n4\n5\n6\n"))
    zstd = pa.Codec("zstd")
    lines = b"".join(b'{"a":%d}\n' % n for n in range(1, 7))
    (folder / "lines.jsonl.zst").write_bytes(zstd.compress(lines, asbytes=True))
    (folder / "glob" / "x-1.csv").write_text("a\n1\n2\n3\n")
    (folder / "glob" / "deep" / "x-2.csv").write_text("a\n4\n5\n6\n")
    (folder / "glob" / "deep" / "y.csv").write_text("a\n7\n")
    for city, values in (("New York", [1, 2]), ("Zürich", [3, 4]), ("100%", [5, 6])):
        part = folder / "parts" / f"city={city.replace('%', '%25')}" / "year=2026"
        part.mkdir(parents=True)
        pq.write_table(pa.table({"a": values}), part / "p.parquet")
        (part / ".hidden.parquet").write_bytes(b"no Parquet")
    unfinished = folder / "parts" / "_temporary"
    unfinished.mkdir()
    (unfinished / "p.parquet").write_bytes(b"no Parquet")
    (folder / "dataset.yaml").write_text(
        "tables:\n  numbers: {files: 'glob/**/x-*.csv'}\n  parts: {primary_key: [a]}\n"
    )


@pytest.fixture(scope="module")
def world(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    work = tmp_path_factory.mktemp("stores")
    folders = {name: work / "files" / name for name in ("flights", "shop", "forms")}
    shutil.copytree(SAMPLE, folders["flights"])
    shutil.copytree(SHOP, folders["shop"])
    formed(folders["forms"])
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(stores.s3(work))
        proxy = stack.enter_context(stores.between(server.base))
        dav = stack.enter_context(stores.webdav(work / "files", stores.SECRET))
        azure = stack.enter_context(az.azure())
        server.bucket("lake")
        for name, folder in folders.items():
            server.fill("lake", f"in/{name}", folder)
            for path, content in stores.files_of(folder).items():
                azure.put("lake", f"in/{name}/{path}", content)
        # What lies beside a folder is none of it.
        server.put("lake", "in/forms2/other.csv", b"a\n1\n")
        server.put("lake", "in/formsother.csv", b"a\n1\n")
        sources = [source(name, str(folder)) for name, folder in folders.items()]
        for name in folders:
            sources.append(in_s3(f"{name}-s3", proxy.base, f"lake/in/{name}"))
            gcs = {"base_url": server.base, **OPEN}
            sources.append(source(f"{name}-gcs", f"gs://lake/in/{name}/", **gcs))
            key = {"account_name": az.ACCOUNT, "account_key": "${AIR_TEST_AZURE}"}
            at = {"endpoint": azure.base, "allow_http": True}
            sources.append(source(f"{name}-azure", f"az://lake/in/{name}", **key, **at))
            who = {"username": stores.USER, "password": "${AIR_TEST_SECRET}", "allow_http": True}
            sources.append(source(f"{name}-http", f"{dav}/{name}", **who))
        secrets = {"AIR_TEST_SECRET": stores.SECRET, "AIR_TEST_AZURE": az.KEY}
        settings = config(work / "files", *sources)
        client = stack.enter_context(asking(program, work / "air", settings, **secrets))
        yield World(client, server, proxy, folders)


# ------------------------------------------------------------------------------ the same answers

# Every twelfth case that is answered: of each kind some, and not all an hour long.
CASES = [c for c in read_cases() if c.refused is None and c.datasource in ("flights", "shop")][::12]
PLACES = ("s3", "http", "gcs", "azure")


@pytest.mark.parametrize("case", [pytest.param(c, id=c.id) for c in CASES])
def test_answers_are_those_of_the_local_folder(world: World, case: Case) -> None:
    here = world.ask(case.datasource, case)
    assert here.status == 200, here.body
    for place in ("s3", "http"):
        there = world.ask(f"{case.datasource}-{place}", case)
        assert there.status == 200, there.body
        for part in ("columns", "rows", "truncated"):
            assert there.body[part] == here.body[part], f"{part} of {place}"


@pytest.mark.parametrize("place", ["local", *PLACES])
def test_every_form_of_file_is_read(world: World, place: str) -> None:
    name = "forms" if place == "local" else f"forms-{place}"
    world.client.learn(name)
    catalog = world.client.transport.send("GET", f"/v1/catalog/{name}").body
    tables = sorted(table["name"] for table in catalog["tables"])
    # What `dataset.yaml` names takes its files away from the folder's own name.
    assert tables == ["lines", "numbers", "packed", "parts", "plain"], place
    for table in tables:
        ir = {
            "entities": [table],
            "metrics": [
                {"name": "n", "agg": "count"},
                {"name": "total", "agg": "sum", "field": "a"},
            ],
        }
        assert rows(world.client.query(name, ir)) == [[6, 21]], (place, table)
    ir = {
        "entities": ["parts"],
        "dimensions": ["city", "year"],
        "metrics": [{"name": "total", "agg": "sum", "field": "a"}],
        "order": [{"field": "total"}],
    }
    found = rows(world.client.query(name, ir))
    assert found == [["New York", 2026, 3], ["Zürich", 2026, 7], ["100%", 2026, 11]], place
    told = health(world.client, name)
    assert told["status"] == "ok", told
    assert told["latency_ms"] > 0, told


def test_a_partition_that_is_not_wanted_is_not_read(world: World) -> None:
    world.client.learn("forms-s3")
    world.proxy.asked.clear()
    ir = {
        "entities": ["parts"],
        "metrics": [{"name": "total", "agg": "sum", "field": "a"}],
        "filters": [{"field": "city", "op": "=", "value": "Zürich"}],
    }
    assert rows(world.client.query("forms-s3", ir)) == [[7]]
    read = [path for method, path, _ in world.proxy.asked if method == "GET" and "/parts/" in path]
    assert read, world.proxy.asked
    assert all("Z%C3%BCrich" in path for path in read), read


# ------------------------------------------------------------------------------ files that change


@dataclass
class Lake:
    """One bucket behind a proxy, and the service over it."""

    client: Client
    server: stores.S3
    proxy: stores.Between


@pytest.fixture
def lake(program: Path, tmp_path: Path) -> Iterator[Lake]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(stores.s3(tmp_path))
        proxy = stack.enter_context(stores.between(server.base))
        server.bucket("lake")
        server.put("lake", "d/t/one.csv", b"a,b\n1,x\n2,y\n")
        settings = config(tmp_path, in_s3("lake", proxy.base, "lake/d"))
        client = stack.enter_context(asking(program, tmp_path / "air", settings))
        client.learn("lake")
        yield Lake(client, server, proxy)


def test_new_files_are_seen_at_once_and_checked(lake: Lake) -> None:
    assert rows(counted(lake.client, "lake", "t")) == [[2]]
    lake.server.put("lake", "d/t/two.csv", b"a,b\n3,z\n")
    assert rows(counted(lake.client, "lake", "t")) == [[3]]
    lake.server.put("lake", "d/t/one.csv", b"a,b\n1,x\n2,y\n4,w\n5,v\n")
    assert rows(counted(lake.client, "lake", "t")) == [[5]]
    lake.server.put("lake", "d/t/two.csv", b"a,c\n3,z\n")
    refused = counted(lake.client, "lake", "t")
    assert refused.status != 200, refused.body
    told = json.dumps(refused.body)
    assert "t/two.csv" in told, told
    assert "learn the source again" in told, told
    lake.server.delete("lake", "d/t/two.csv")
    assert rows(counted(lake.client, "lake", "t")) == [[4]]


@pytest.mark.parametrize("form", ["csv", "parquet", "csv.gz"])
def test_an_object_that_changes_in_the_middle_is_an_error(
    lake: Lake, tmp_path: Path, form: str
) -> None:
    """The object is another one after it was listed, and before its bytes are asked for."""
    key = f"d/u.{form}"

    def content(first: int) -> bytes:
        values = list(range(first, first + 1000))
        if form == "parquet":
            path = tmp_path / "u.parquet"
            pq.write_table(pa.table({"a": values}), path)
            return path.read_bytes()
        text = ("a\n" + "".join(f"{n}\n" for n in values)).encode()
        return gzip.compress(text, mtime=0) if form == "csv.gz" else text

    lake.server.put("lake", key, content(1000))
    lake.client.learn("lake")
    ir = {"entities": ["u"], "metrics": [{"name": "total", "agg": "sum", "field": "a"}]}
    right = [[sum(range(1000, 2000))]]
    assert rows(lake.client.query("lake", ir)) == right
    # The same length and other values, so that nothing but the version tells them apart.
    left = [content(3000)]

    def meddle(method: str, path: str) -> None:
        if method == "GET" and key in path and "list-type" not in path and left:
            lake.server.put("lake", key, left.pop())

    lake.proxy.before = meddle
    lake.proxy.asked.clear()
    reply = lake.client.query("lake", {**ir, "filters": [{"field": "a", "op": ">", "value": 0}]})
    lake.proxy.before = None
    assert not left, "the object was not asked for"
    assert reply.status != 200, reply.body
    told = json.dumps(reply.body)
    assert f"u.{form}" in told, told
    assert "changed while it was read" in told, told
    asked = [headers for _, path, headers in lake.proxy.asked if key in path]
    assert any("if-match" in headers for headers in asked), asked


def test_a_large_object_that_changes_between_its_parts_is_an_error(lake: Lake) -> None:
    """What is read in several requests is of one version, or is not read."""
    key = "d/large.csv.gz"

    def content(first: int) -> bytes:
        text = "a\n" + "".join(f"{n}\n" for n in range(first, first + 1_200_000))
        # Stored as it is, so that it is large; one stream, so that every part is needed.
        return gzip.compress(text.encode(), 0, mtime=0)

    lake.server.put("lake", key, content(1_000_000))
    lake.client.learn("lake")
    ir = {"entities": ["large"], "metrics": [{"name": "total", "agg": "sum", "field": "a"}]}
    assert rows(lake.client.query("lake", ir)) == [[sum(range(1_000_000, 2_200_000))]]
    left = [content(3_000_000)]
    lake.proxy.asked.clear()

    def meddle(method: str, path: str) -> None:
        read = [asked for asked, at, _ in lake.proxy.asked if asked == "GET" and key in at]
        if method == "GET" and key in path and len(read) == 2 and left:
            lake.server.put("lake", key, left.pop())

    lake.proxy.before = meddle
    reply = lake.client.query("lake", {**ir, "filters": [{"field": "a", "op": ">", "value": 0}]})
    lake.proxy.before = None
    assert not left, "the object was read in one request"
    assert reply.status != 200, reply.body
    assert "changed while it was read" in json.dumps(reply.body), reply.body


# -------------------------------------------------------------------------------- what goes wrong


@dataclass(frozen=True)
class Broken:
    client: Client
    data: Path
    environment: dict[str, str]
    hidden: tuple[str, ...]
    program: Path


@pytest.fixture(scope="module")
def broken(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    """Sources that do not work, each in its way, over a store that wants signatures."""
    work = tmp_path_factory.mktemp("broken")
    with contextlib.ExitStack() as stack:
        # Five calls to fill it and to make a user, then nothing without his key.
        server = stack.enter_context(stores.s3(work, open_requests=5))
        server.bucket("lake")
        server.put("lake", "d/t.csv", b"a\n1\n")
        server.iam("CreateUser", UserName="reader")
        made = server.iam("CreateAccessKey", UserName="reader")
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
        }
        server.iam(
            "PutUserPolicy",
            UserName="reader",
            PolicyName="all",
            PolicyDocument=json.dumps(policy),
        )
        key_id = made.split("<AccessKeyId>")[1].split("<")[0]
        secret = made.split("<SecretAccessKey>")[1].split("<")[0]
        dav = stack.enter_context(stores.webdav(work, stores.SECRET))
        gone = f"http://127.0.0.1:{free_port()}"
        keys = {"access_key_id": "${TEST_ID}", "secret_access_key": "${TEST_KEY}"}
        wrong = {**keys, "secret_access_key": "${TEST_WRONG}"}
        at = {"allow_http": True, "max_retries": 0, "timeout": "5s"}
        who = {"username": stores.USER, "password": "${TEST_WRONG}"}
        sources = [
            source("right", "s3://lake/d", endpoint=server.base, **keys, **at),
            source("wrong-key", "s3://lake/d", endpoint=server.base, **wrong, **at),
            source("no-bucket", "s3://no-such-lake/d", endpoint=server.base, **keys, **at),
            source("nothing", "s3://lake/nowhere", endpoint=server.base, **keys, **at),
            source("away", "s3://lake/d", endpoint=gone, **keys, **at),
            source("wrong-password", f"{dav}/", **who, **at),
            source("plain-http", "http://localhost:1/d"),
        ]
        secrets = {"TEST_ID": key_id, "TEST_KEY": secret, "TEST_WRONG": "wrong-and-hidden"}
        settings = config(work, *sources)
        hidden = (key_id, secret, "wrong-and-hidden")
        client = stack.enter_context(asking(program, work / "air", settings, **secrets))
        yield Broken(client, work / "air", secrets, hidden, program)


WRONG = {
    "wrong-key": ("//lake/d", "access is denied", "credentials"),
    "no-bucket": ("//no-such-lake/d", "no such bucket", "correct base_path"),
    "nothing": ("//lake/nowhere", "nothing lies there", "correct base_path"),
    "away": ("//lake/d", "cannot be reached", "see the endpoint"),
    "wrong-password": ("//127.0.0.1", "access is denied", "credentials"),
    "plain-http": ("//localhost:1/d", "cannot be reached", "see the endpoint"),
}


def without_keys(broken: Broken, text: str) -> None:
    for secret in broken.hidden:
        assert secret not in text, "a key is shown"


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_place_reason_and_advice(broken: Broken, name: str) -> None:
    told = health(broken.client, name)
    assert told["status"] != "ok", told
    for reply in (json.dumps(told), json.dumps(learned(broken.client, name).body)):
        if name != "nothing" or "latency_ms" in reply:
            for part in WRONG[name]:
                assert part in reply, reply
        without_keys(broken, reply)


def test_right_keys_open_the_store(broken: Broken) -> None:
    broken.client.learn("right")
    assert rows(counted(broken.client, "right", "t")) == [[1]]


def test_an_object_that_is_not_open_to_everyone_is_denied(program: Path, tmp_path: Path) -> None:
    with stores.s3(tmp_path) as server:
        server.bucket("lake")
        server.put("lake", "d/t.csv", b"a\n1\n", acl="private")
        settings = config(tmp_path, in_s3("lake", server.base, "lake/d"))
        with asking(program, tmp_path / "air", settings) as client:
            told = json.dumps(learned(client, "lake").body)
            for part in ("//lake/d", "t.csv", "access is denied", "credentials"):
                assert part in told, told


def test_air_check_tells_each_store(broken: Broken) -> None:
    command = [str(broken.program), "check", "--data", str(broken.data)]
    command += ["--auth", "disabled", "--json"]
    done = subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={"PATH": "/usr/bin:/bin", **broken.environment},
    )
    parts = {part["part"]: part for part in json.loads(done.stdout)["parts"]}
    assert parts["source right"]["status"] == "ok", parts["source right"]
    assert "s3://lake/d answers" in parts["source right"]["detail"]
    for name, wanted in WRONG.items():
        part = parts[f"source {name}"]
        assert part["status"] == "wrong", part
        for word in wanted:
            assert word in part["detail"], part
    without_keys(broken, done.stdout + done.stderr)


def test_no_key_is_logged_or_shown(broken: Broken) -> None:
    listed = broken.client.transport.send("GET", "/v1/datasources?limit=50")
    shown = {item["id"]: item.get("base_path") for item in listed.body["items"]}
    assert shown["right"] == "s3://lake/d"
    without_keys(broken, json.dumps(listed.body))
    for log in broken.data.glob("*.log"):
        without_keys(broken, log.read_text(errors="replace"))


def test_a_store_is_not_registered_by_request(broken: Broken) -> None:
    body = {"id": "mine", "kind": "files", "base_path": "s3://lake/d"}
    reply = broken.client.transport.send("POST", "/v1/datasources", body)
    assert reply.status == 422, reply.body
    assert "analytics_sources" in json.dumps(reply.body)


def test_the_environment_decides_nothing_unasked(program: Path, tmp_path: Path) -> None:
    """Keys of the environment are not taken where the configuration does not say so."""
    with stores.s3(tmp_path) as server, stores.between(server.base) as proxy:
        server.bucket("lake")
        server.put("lake", "d/t.csv", b"a\n1\n")
        keys = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "of-environment"}
        at = {"endpoint": proxy.base, "allow_http": True}
        sources = [
            source("nobody", "s3://lake/d", **at, skip_signature=True),
            source("asked", "s3://lake/d", **at, from_environment=True),
        ]
        with asking(program, tmp_path / "air", config(tmp_path, *sources), **keys) as client:
            for name, signed in (("nobody", False), ("asked", True)):
                proxy.asked.clear()
                client.learn(name)
                assert rows(counted(client, name, "t")) == [[1]]
                found = [h.get("authorization", "") for _, _, h in proxy.asked]
                assert found, name
                assert all(("AKIAENVIRONMENT" in h) == signed for h in found), name
