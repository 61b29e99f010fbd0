"""Traces by OTLP over HTTP, received by a stand-in for a collector that decodes the protocol's own
messages: what spans there are, how they hang together, and what they must never hold."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from service import Client, Http, serving, sources_config

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
# Values that stand in questions, SQL and rows, and so may stand in no span.
LITERAL = "N14228"
QUESTION = "number of flights by origin in 2013"
SECONDS = 180


class Collector:
    """A stand-in for a collector of traces: it takes `POST /v1/traces` and keeps the spans."""

    def __init__(self) -> None:
        spans: list[Span] = []
        raw: list[bytes] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                taken = self.path == "/v1/traces"
                if taken:
                    request = ExportTraceServiceRequest.FromString(body)
                    raw.append(body)
                    for resource in request.resource_spans:
                        names = {a.key: a.value.string_value for a in resource.resource.attributes}
                        assert names["service.name"] == "air"
                        for scope in resource.scope_spans:
                            spans.extend(scope.spans)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200 if taken else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.spans = spans
        self.raw = raw
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, trace: str, names: set[str]) -> dict[str, Span]:
        """The spans of a trace by name, once all of these are there."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = {span.name: span for span in self.spans if span.trace_id.hex() == trace}
            if names <= found.keys():
                return found
            assert time.monotonic() < deadline, f"of {names} only {found.keys()} came"
            time.sleep(0.1)


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


def config(collector: Collector, **telemetry: Any) -> dict[str, Any]:
    return sources_config() | {"telemetry": {"otlp_endpoint": collector.base, **telemetry}}


def query() -> dict[str, Any]:
    return {
        "datasource_id": "flights",
        "sql": f"select origin, count(*) as n from flights where tailnum = '{LITERAL}' group by 1",
    }


def test_a_span_for_each_request_and_stage(
    program: Path, tmp_path: Path, collector: Collector
) -> None:
    with serving(program, tmp_path, config(collector)) as process:
        http = Http(process.base)
        Client(http).learn("flights")
        parent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        reply = http.send("POST", "/v1/query", query(), parent)
        assert reply.status == 200, reply
        asked = {"question": QUESTION, "datasource_id": "flights"}
        assert http.send("POST", "/v1/ask", asked, parent).status == 200
        names = {"query", "ask", "interpret", "run", "plan", "unparse", "execute", "qa"}
        spans = collector.of(TRACE, names)
    assert spans["query"].parent_span_id.hex() == CALLER
    assert spans["query"].kind == Span.SPAN_KIND_SERVER
    told = attributes(spans["query"])
    assert told["http.route"] == "/v1/query"
    assert int(told["http.response.status_code"]) == 200
    of_query = [s for s in collector.spans if s.trace_id.hex() == TRACE]
    runs = [s for s in of_query if attributes(s).get("run.id") == reply.body["run_id"]]
    assert {"run", "plan", "unparse", "execute", "qa"} <= {s.name for s in runs}
    run = next(s for s in runs if s.name == "run")
    assert run.parent_span_id == spans["query"].span_id
    for stage in runs:
        assert attributes(stage)["source.id"] == "flights"
        assert stage.name == "run" or stage.parent_span_id == run.span_id, stage
    whole = b"".join(collector.raw)
    for secret in (LITERAL, QUESTION, "tailnum", "select", "JFK"):
        assert secret.encode() not in whole, secret


def test_what_is_held_is_sent_at_the_end(
    program: Path, tmp_path: Path, collector: Collector
) -> None:
    with serving(program, tmp_path, config(collector)) as process:
        Http(process.base).send("GET", "/healthz")
    assert "healthz" in {span.name for span in collector.spans}


def test_what_is_not_sampled_is_not_sent(
    program: Path, tmp_path: Path, collector: Collector
) -> None:
    with serving(program, tmp_path, config(collector, sample_ratio=0)) as process:
        http = Http(process.base)
        http.send("GET", "/readyz")
        # A caller that keeps its trace has it whole.
        http.send("GET", "/healthz", None, {"traceparent": f"00-{TRACE}-{CALLER}-01"})
    assert {span.name for span in collector.spans} == {"healthz"}


def test_a_collector_that_is_away_holds_nothing_up(program: Path, tmp_path: Path) -> None:
    away = sources_config() | {
        "telemetry": {"otlp_endpoint": "http://127.0.0.1:9", "otlp_timeout": "500ms"}
    }
    with serving(program, tmp_path, away) as process:
        assert Http(process.base).send("GET", "/healthz").status == 200
