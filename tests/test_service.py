"""Starting a program and talking to it, with a small program in place of the real one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from oracle import SAMPLE
from service import REPOSITORY, running

STAND_IN = f"""#!{sys.executable}
import http.server, json, signal, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or "null")
        refused = self.path == "/v1/query"
        self.send_response(422 if refused else 200)
        self.end_headers()
        told = {{"path": self.path, "body": body, "argv": sys.argv[1:]}}
        self.wfile.write(json.dumps(told).encode())
    def log_message(self, *parts):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("another line first", flush=True)
print(f"listening on http://127.0.0.1:{{server.server_port}}", flush=True)
server.serve_forever()
"""

BROKEN = f"""#!{sys.executable}
import sys
print("no port today", flush=True)
sys.exit("the data folder is not writable")
"""


def program(folder: Path, text: str) -> Path:
    path = folder / "air"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
    return path


def test_a_program_is_started_configured_asked_and_stopped(tmp_path: Path) -> None:
    with running(program(tmp_path, STAND_IN), tmp_path) as client:
        client.learn("flights")
        reply = client.query("shop", {"entities": ["orders"]}, {"a": 1}, "2013-01-01T00:00:00Z")
    assert reply.status == 422
    assert reply.body["argv"][:3] == ["serve", "--data", str(tmp_path)]
    assert reply.body["body"] == {
        "datasource_id": "shop",
        "ir": {"entities": ["orders"]},
        "params": {"a": 1},
        "now": "2013-01-01T00:00:00Z",
    }
    config = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))
    assert config["files"]["base_path"] == str(REPOSITORY)
    assert config["analytics_sources"][0] == {
        "id": "flights",
        "kind": "files",
        "base_path": str(SAMPLE),
        "default": True,
    }


def test_a_program_that_ends_is_told_with_what_it_wrote(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match=r"no port today[\s\S]*not writable"),
        running(program(tmp_path, BROKEN), tmp_path),
    ):
        pytest.fail("the broken program came up")
