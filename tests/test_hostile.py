"""Files and folders as an attacker, or a bad day, leaves them, given to the service over HTTP.

Each ends in a problem that names what is wrong, or in the right rows; never in rows from outside
of `base_path`, and never in the end of the service. What lies outside holds a word that no answer
may carry.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from service import Http, Reply, serving

SECRET = "outside-word"  # noqa: S105
COUNT = {"name": "n", "agg": "count"}
TOTAL = {"name": "total", "agg": "sum", "field": "amount"}


class Ground:
    """The service, the folder its sources may lie in, and the folder beside that."""

    def __init__(self, http: Http, base: Path) -> None:
        self.http = http
        self.base = base / "inside"
        self.outside = base / "outside"
        self.names = (f"s{number}" for number in itertools.count())
        self.seen: list[Reply] = []

    def folder(self, files: dict[str, str | bytes] | None = None) -> Path:
        """A fresh folder with these files."""
        folder = self.base / next(self.names)
        folder.mkdir()
        for name, content in (files or {}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    def send(self, method: str, target: str, body: Any = None) -> Reply:
        """One request; whatever comes back must not carry what lies outside."""
        reply = self.http.send(method, target, body)
        assert reply.status < 500, reply.body
        assert SECRET not in json.dumps(reply.body)
        return reply

    def register(self, base_path: str) -> tuple[str, Reply]:
        source = next(self.names)
        body = {"id": source, "kind": "files", "base_path": base_path}
        return source, self.send("POST", "/v1/datasources", body)

    def learn(self, base_path: str | Path) -> tuple[str, Reply]:
        """Registers and learns; the reply is that of the first step that is refused."""
        source, reply = self.register(str(base_path))
        if reply.status != 201:
            return source, reply
        return source, self.send("POST", f"/v1/learn?datasource_id={source}")

    def learned(self, base_path: Path) -> str:
        source, reply = self.learn(base_path)
        assert reply.status == 200, reply.body
        return source

    def query(self, source: str, entity: str, *metrics: dict[str, Any]) -> Reply:
        ir = {"entities": [entity], "metrics": list(metrics or [COUNT])}
        return self.send("POST", "/v1/query", {"datasource_id": source, "ir": ir})

    def outcome(self, base_path: str | Path, entity: str, *metrics: dict[str, Any]) -> Reply:
        """The reply of the first step that is refused, or that of the query."""
        source, reply = self.learn(base_path)
        return self.query(source, entity, *metrics) if reply.status == 200 else reply


@pytest.fixture(scope="module")
def shared(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    base = tmp_path_factory.mktemp("hostile")
    for folder in ("data", "inside", "outside"):
        (base / folder).mkdir()
    (base / "outside" / "secret.csv").write_text(f"id,word\n1,{SECRET}\n")
    config = {"files": {"base_path": str(base / "inside")}}
    with serving(program, base / "data", config) as process:
        yield Ground(Http(process.base), base)


@pytest.fixture
def ground(shared: Ground) -> Iterator[Ground]:
    """The service, which must be alive, and able to answer, after each test too."""
    yield shared
    assert shared.http.send("GET", "/healthz").status == 200
    good = shared.folder({"good.csv": "id,amount\n1,2\n2,3\n"})
    assert total(shared.outcome(good, "good", TOTAL)) == 5


def total(reply: Reply) -> Any:
    assert reply.status == 200, reply.body
    return reply.body["rows"][0]["total"]


def refused(reply: Reply, *names: str) -> str:
    """Asserts a problem of the caller's making that names these; gives its text."""
    assert 400 <= reply.status < 500, reply.body
    assert reply.headers["content-type"].startswith("application/problem+json")
    told = [reply.body["detail"], *(error["detail"] for error in reply.body.get("errors", []))]
    text = "\n".join(told)
    assert [name for name in names if name not in text] == [], reply.body
    return text


def parquet(rows: dict[str, list[Any]]) -> bytes:
    """Plain and uncompressed, so that the same number of values takes the same space."""
    sink = io.BytesIO()
    pq.write_table(
        pa.table(rows), sink, compression="none", use_dictionary=False, write_statistics=False
    )
    return sink.getvalue()


def replace(path: Path, content: bytes) -> None:
    """Another file of the same size and times under the name."""
    before = path.stat()
    assert len(content) == before.st_size
    other = path.with_name("other.tmp")
    other.write_bytes(content)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


# ------------------------------------------------------------------ paths


@pytest.mark.parametrize(
    "path", ["../outside", "s/../../outside", "/etc", "..", "a\u0000b", "%2e%2e/outside"]
)
def test_a_base_path_outside_is_refused(ground: Ground, path: str) -> None:
    refused(ground.outcome(path, "secret"), "base_path")


def test_an_absolute_base_path_outside_is_refused(ground: Ground) -> None:
    refused(ground.outcome(ground.outside, "secret"), "base_path")


def test_a_base_path_that_is_a_link_is_refused(ground: Ground) -> None:
    link = ground.base / next(ground.names)
    link.symlink_to(ground.outside, target_is_directory=True)
    refused(ground.outcome(link, "secret"))


@pytest.mark.parametrize("files", ["../outside/secret.csv", "../../outside/*.csv", "a/../../x"])
def test_dataset_yaml_cannot_point_outside(ground: Ground, files: str) -> None:
    text = f"version: 1\ntables:\n  t:\n    files: '{files}'\n"
    refused(ground.outcome(ground.folder({"dataset.yaml": text}), "t"), files)


def test_dataset_yaml_cannot_name_an_absolute_file(ground: Ground) -> None:
    file = ground.outside / "secret.csv"
    text = f"version: 1\ntables:\n  t:\n    files: '{file}'\n"
    refused(ground.outcome(ground.folder({"dataset.yaml": text}), "t"), str(file))


def test_a_linked_file_is_not_read(ground: Ground) -> None:
    folder = ground.folder()
    (folder / "t.csv").symlink_to(ground.outside / "secret.csv")
    refused(ground.outcome(folder, "t"))


def test_a_linked_folder_is_not_read(ground: Ground) -> None:
    folder = ground.folder()
    (folder / "t").symlink_to(ground.outside, target_is_directory=True)
    refused(ground.outcome(folder, "t"))


def test_a_declared_linked_file_is_refused(ground: Ground) -> None:
    text = "version: 1\ntables:\n  t:\n    files: t.csv\n"
    folder = ground.folder({"dataset.yaml": text})
    (folder / "t.csv").symlink_to(ground.outside / "secret.csv")
    refused(ground.outcome(folder, "t"), "t.csv")


def test_a_file_that_became_a_link_is_refused(ground: Ground) -> None:
    folder = ground.folder({"t.csv": "id,word\n1,own\n"})
    source = ground.learned(folder)
    (folder / "t.csv").unlink()
    (folder / "t.csv").symlink_to(ground.outside / "secret.csv")
    refused(ground.query(source, "t"), "t.csv")


def test_a_folder_that_became_a_link_is_refused(ground: Ground) -> None:
    folder = ground.folder({"t/secret.csv": "id,word\n1,own\n"})
    source = ground.learned(folder)
    (folder / "t" / "secret.csv").unlink()
    (folder / "t").rmdir()
    (folder / "t").symlink_to(ground.outside, target_is_directory=True)
    refused(ground.query(source, "t"))


def test_a_pipe_in_place_of_a_file_does_not_hang(ground: Ground) -> None:
    folder = ground.folder()
    os.mkfifo(folder / "t.csv")
    refused(ground.outcome(folder, "t"))


# ------------------------------------------------------------------ contents

WHOLE = parquet({"id": list(range(1000)), "amount": list(range(1000))})


@pytest.mark.parametrize(
    "content",
    [WHOLE[:-1], WHOLE[: len(WHOLE) // 2], WHOLE[:4], b"PAR1PAR1", b"", b"\x00" * 64],
    ids=["last byte lost", "half", "head only", "no footer", "empty", "zeros"],
)
def test_a_broken_parquet_file_is_named(ground: Ground, content: bytes) -> None:
    refused(ground.outcome(ground.folder({"t.parquet": content}), "t"), "t.parquet")


def test_a_parquet_file_that_is_cut_after_learning_is_named(ground: Ground) -> None:
    folder = ground.folder({"t.parquet": WHOLE})
    source = ground.learned(folder)
    assert total(ground.query(source, "t", TOTAL)) == sum(range(1000))
    (folder / "t.parquet").write_bytes(WHOLE[: len(WHOLE) // 2])
    refused(ground.query(source, "t", TOTAL), "t.parquet")


def test_a_parquet_file_with_a_wild_footer_is_named(ground: Ground) -> None:
    # The length of the footer is its last figure; this one is longer than the file.
    wild = WHOLE[:-8] + b"\xff\xff\xff\x7f" + b"PAR1"
    refused(ground.outcome(ground.folder({"t.parquet": wild}), "t"), "t.parquet")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("short row", "id,amount\n1,2\n2\n3,4\n"),
        ("long row", "id,amount\n1,2\n2,3,9\n3,4\n"),
        ("open quote", 'id,amount\n1,2\n"2,3\n3,4\n'),
        ("invalid UTF-8", b"id,word\n1,good\n2,ba\xff\xfed\n"),
        ("invalid UTF-8 in the header", b"id,wo\xffrd\n1,good\n"),
        ("UTF-16", "id,amount\n1,2\n".encode("utf-16")),
        ("a header twice", "id,id\n1,2\n"),
        ("no bytes", b""),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_a_broken_csv_file_is_named(ground: Ground, name: str, content: str | bytes) -> None:
    assert name
    refused(ground.outcome(ground.folder({"t.csv": content}), "t"), "t.csv")


def test_a_ragged_row_far_down_is_named_with_its_line(ground: Ground) -> None:
    # Beyond what inference looks at.
    lines = ["id,amount"] + [f"{number},1" for number in range(50_000)]
    lines[40_000] = "7,1,1"
    folder = ground.folder({"t.csv": "\n".join(lines) + "\n"})
    refused(ground.outcome(folder, "t", TOTAL), "t.csv", "40001")


def test_text_far_down_in_a_column_of_numbers_gives_no_sum(ground: Ground) -> None:
    lines = ["id,amount"] + [f"{number},1" for number in range(50_000)]
    lines[40_000] = "7,many"
    folder = ground.folder({"t.csv": "\n".join(lines) + "\n"})
    refused(ground.outcome(folder, "t", TOTAL))


def test_invalid_utf8_after_learning_is_named(ground: Ground) -> None:
    folder = ground.folder({"t.csv": "id,word\n1,good\n"})
    source = ground.learned(folder)
    (folder / "t.csv").write_bytes(b"id,word\n1,g\xff\xfed\n")
    ir = {"entities": ["t"], "dimensions": ["word"]}
    reply = ground.send("POST", "/v1/query", {"datasource_id": source, "ir": ir})
    refused(reply, "t.csv")


def test_a_header_alone_is_a_table_without_rows(ground: Ground) -> None:
    reply = ground.outcome(ground.folder({"t.csv": "id,amount\n"}), "t")
    assert reply.status == 200, reply.body
    assert reply.body["rows"] == [{"n": 0}]


def test_an_empty_file_does_not_hide_the_others(ground: Ground) -> None:
    reply = ground.outcome(
        ground.folder({"t/a.csv": "id,amount\n1,2\n", "t/b.csv": b""}), "t", TOTAL
    )
    if reply.status != 200:
        refused(reply, "b.csv")
    else:
        assert total(reply) == 2


@pytest.mark.parametrize("content", [b"", b'{"id":1}\n{"id":\n', b"[1]\n", b'{"w":"\xff"}\n'])
def test_a_broken_jsonl_file_is_named(ground: Ground, content: bytes) -> None:
    refused(ground.outcome(ground.folder({"t.jsonl": content}), "t"), "t.jsonl")


def test_broken_gzip_is_named(ground: Ground) -> None:
    whole = gzip.compress(b"id,amount\n" + b"1,2\n" * 10_000)
    refused(ground.outcome(ground.folder({"t.csv.gz": whole[:-20]}), "t"), "t.csv.gz")


def test_a_file_that_unpacks_to_far_more_is_read_in_parts(ground: Ground) -> None:
    rows = 20_000_000
    bomb = gzip.compress(b"id,amount\n" + b"1,2\n" * rows, compresslevel=9)
    assert len(bomb) * 400 < rows * 4
    folder = ground.folder({"t.csv.gz": bomb})
    assert total(ground.outcome(folder, "t", TOTAL)) == 2 * rows


# ------------------------------------------------------------------ replaced files


def csv_pair() -> tuple[str, bytes, bytes]:
    return "t.csv", b"id,amount\n1,2\n2,3\n", b"id,amount\n1,7\n2,8\n"


def jsonl_pair() -> tuple[str, bytes, bytes]:
    return "t.jsonl", b'{"id":1,"amount":5}\n', b'{"id":1,"amount":9}\n'


def parquet_pair() -> tuple[str, bytes, bytes]:
    first = parquet({"id": list(range(1000)), "amount": [1] * 1000})
    return "t.parquet", first, parquet({"id": list(range(1000)), "amount": [3] * 1000})


@pytest.mark.parametrize(
    ("pair", "before", "after"),
    [(csv_pair, 5, 15), (jsonl_pair, 5, 9), (parquet_pair, 1000, 3000)],
    ids=["csv", "jsonl", "parquet"],
)
def test_a_file_of_the_same_size_gives_the_new_rows(
    ground: Ground,
    pair: Callable[[], tuple[str, bytes, bytes]],
    before: int,
    after: int,
) -> None:
    name, first, second = pair()
    folder = ground.folder({name: first})
    source = ground.learned(folder)
    assert total(ground.query(source, "t", TOTAL)) == before
    replace(folder / name, second)
    assert total(ground.query(source, "t", TOTAL)) == after


def test_a_file_replaced_before_the_first_query_gives_the_new_rows(ground: Ground) -> None:
    name, first, second = parquet_pair()
    folder = ground.folder({name: first})
    source = ground.learned(folder)
    replace(folder / name, second)
    assert total(ground.query(source, "t", TOTAL)) == 3000


def test_a_file_of_the_same_size_and_another_kind_is_named(ground: Ground) -> None:
    folder = ground.folder({"t.csv": b"id,amount\n1,2\n2,3\n"})
    source = ground.learned(folder)
    replace(folder / "t.csv", b"id,amount\n1,x\n2,y\n")
    refused(ground.query(source, "t", TOTAL), "t.csv", "amount")


def test_a_file_of_the_same_size_and_other_columns_is_named(ground: Ground) -> None:
    folder = ground.folder({"t.csv": b"id,amount\n1,2\n2,3\n"})
    source = ground.learned(folder)
    replace(folder / "t.csv", b"id,number\n1,2\n2,3\n")
    refused(ground.query(source, "t", TOTAL), "t.csv", "amount")


def test_a_file_that_is_gone_is_named(ground: Ground) -> None:
    folder = ground.folder({"t.csv": "id,amount\n1,2\n"})
    source = ground.learned(folder)
    (folder / "t.csv").unlink()
    refused(ground.query(source, "t", TOTAL), "t.csv")


def test_a_new_file_of_a_folder_is_seen_at_once(ground: Ground) -> None:
    folder = ground.folder({"t/a.csv": "id,amount\n1,2\n"})
    source = ground.learned(folder)
    (folder / "t" / "b.csv").write_text("id,amount\n2,40\n")
    assert total(ground.query(source, "t", TOTAL)) == 42
