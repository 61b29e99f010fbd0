"""Files on servers that list nothing, heed no condition, send elsewhere or never end."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import stores
from asking_stores import asking, config, counted, health, in_s3, learned, rows, source
from odd_servers import Endless, Redirecting

# ----------------------------------------------------------------------- servers that list nothing


def test_files_are_named_where_there_is_no_list(program: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    for name in ("declared", "named", "unnamed"):
        (files / name / "more").mkdir(parents=True)
        (files / name / "t.csv").write_text("a\n1\n2\n")
        (files / name / "more" / "u.csv").write_text("a\n3\n")
    tables = "tables: {t: {files: t.csv}, u: {files: more/u.csv}}\n"
    (files / "declared" / "dataset.yaml").write_text(tables)
    with stores.web(files) as base:
        sources = [
            source("declared", f"{base}/declared"),
            source("named", f"{base}/named", files=["t.csv", "more/u.csv"]),
            source("unnamed", f"{base}/unnamed"),
        ]
        with asking(program, tmp_path / "air", config(files, *sources)) as client:
            for name, second in (("declared", "u"), ("named", "more")):
                assert health(client, name)["status"] == "ok", health(client, name)
                client.learn(name)
                assert rows(counted(client, name, "t")) == [[2]], name
                assert rows(counted(client, name, second)) == [[1]], name
            (files / "declared" / "t.csv").write_text("a\n1\n2\n3\n")
            assert rows(counted(client, "declared", "t")) == [[3]]
            for told in (health(client, "unnamed"), learned(client, "unnamed").body):
                assert "gives no list of its files" in json.dumps(told), told
                assert "store.files" in json.dumps(told), told


# -------------------------------------------------------------------- servers that behave oddly


def test_a_server_that_heeds_no_condition_gives_no_other_version(
    program: Path, tmp_path: Path
) -> None:
    """Python's web server knows neither tags nor `If-Match`: its times tell versions apart."""
    files = tmp_path / "files"
    files.mkdir()
    path = files / "t.csv"
    path.write_text("a\n1\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with stores.web(files) as base, stores.between(base) as proxy:
        settings = config(files, source("plain", proxy.base, files=["t.csv"]))
        with asking(program, tmp_path / "air", settings) as client:
            client.learn("plain")
            ir = {"entities": ["t"], "metrics": [{"name": "s", "agg": "sum", "field": "a"}]}
            assert rows(client.query("plain", ir)) == [[1]]

            def meddle(method: str, target: str) -> None:
                if method == "GET" and target.endswith("t.csv"):
                    path.write_text("a\n7\n")
                    os.utime(path, (1_700_000_007, 1_700_000_007))

            proxy.before = meddle
            reply = client.query("plain", {**ir, "limit": 7})
            assert reply.status != 200, reply.body
            assert "changed while it was read" in json.dumps(reply.body), reply.body
            proxy.before = None
            assert rows(client.query("plain", ir)) == [[7]]


def test_no_redirect_leads_to_another_host(program: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "here").mkdir(parents=True)
    (files / "here" / "t.csv").write_text("a\n1\n")
    with stores.web(files) as other, stores.between(other) as inner:
        kind = type("Bound", (Redirecting,), {"elsewhere": inner.base})
        with stores.serving_handler(partial(kind, directory=str(files))) as base:
            sources = [source(n, f"{base}/{n}", files=["t.csv"]) for n in ("near", "far")]
            with asking(program, tmp_path / "air", config(files, *sources)) as client:
                client.learn("near")
                assert rows(counted(client, "near", "t")) == [[1]]
                told = json.dumps(learned(client, "far").body)
                assert "leads to another address" in told, told
                assert inner.asked == [], "the other host was asked"


def test_a_listing_without_end_is_ended(program: Path, tmp_path: Path) -> None:
    with stores.serving_handler(Endless) as base:
        settings = config(tmp_path, in_s3("endless", base, "lake/d"))
        with asking(program, tmp_path / "air", settings) as client:
            assert health(client, "endless")["status"] == "ok"
            told = json.dumps(learned(client, "endless").body)
            assert "more than 100000 objects lie there" in told, told
            assert "base_path further down" in told, told
