"""A scripted model server: it speaks the protocols of OpenAI and Ollama over HTTP and answers, or
misbehaves, as a test tells it to. It is no model, and nothing it says was thought of by one.

In: for each model's name a list of behaviours, taken one a request; the last is repeated. Out: an
address, and the requests that came, with their headers. Streams are written byte by byte where a
behaviour wants it, so that chunks are cut at bad places. Absent on purpose: any answer of its own.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

# Longer than any time limit of a test, so that it is the client that gives up.
FOR_EVER = 60.0


@dataclass
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def model(self) -> str:
        return str(self.body.get("model"))

    @property
    def prompt(self) -> str:
        return "\n".join(str(m["content"]) for m in self.body.get("messages", []))

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Line:
    """The connection, as a behaviour writes to it."""

    def __init__(
        self, handler: http.server.BaseHTTPRequestHandler, closing: threading.Event
    ) -> None:
        self.handler = handler
        self.closing = closing

    def send(self, data: bytes) -> None:
        self.handler.wfile.write(data)
        self.handler.wfile.flush()

    def head(self, status: int, headers: dict[str, str], *, length: int | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{k}: {v}" for k, v in headers.items())]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        lines.append("Connection: close")
        self.send("\r\n".join([*lines, "", ""]).encode())

    def stream(self, *, chunked: bool = True) -> None:
        headers = {"Content-Type": "text/event-stream"}
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        self.head(200, headers)

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.head(status, {"Content-Type": "application/json", **(headers or {})}, length=len(data))
        self.send(data)

    def wait(self, seconds: float) -> None:
        """Keeps silent until the test ends or the time is over."""
        self.closing.wait(seconds)

    def reset(self) -> None:
        """Ends the connection the hard way."""
        linger = struct.pack("ii", 1, 0)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.handler.connection.close()


Behaviour = Callable[[Line, Asked], None]


def event(asked: Asked, **parts: Any) -> bytes:
    """One event of a stream, as both servers write it."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": asked.model,
        "system_fingerprint": "fp_scripted",
        **parts,
    }
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def delta(asked: Asked, content: str | None, reason: str | None = None, **more: Any) -> bytes:
    part: dict[str, Any] = {"role": "assistant", **more}
    if content is not None:
        part["content"] = content
    return event(asked, choices=[{"index": 0, "delta": part, "finish_reason": reason}])


def events(asked: Asked, text: str, *, pieces: int = 12, usage: bool = True) -> Iterator[bytes]:
    """A whole reply in pieces of about so many characters."""
    for start in range(0, len(text), pieces):
        yield delta(asked, text[start : start + pieces])
    yield delta(asked, None, "stop")
    if usage:
        told = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        yield event(asked, choices=[], usage=told)
    yield b"data: [DONE]\n\n"


def says(text: str, *, usage: bool = True) -> Behaviour:
    """A reply as it should be."""

    def behave(line: Line, asked: Asked) -> None:
        line.stream()
        for one in events(asked, text, usage=usage):
            line.chunk(one)
        line.end()

    return behave


def drafts(ir: dict[str, Any], terms: list[dict[str, str]] | None = None) -> Behaviour:
    return says(json.dumps({"ir": ir, "terms": terms or []}, ensure_ascii=False))


def cut(text: str, size: int) -> Behaviour:
    """The same bytes in chunks of so many, wherever that cuts: inside UTF-8, inside `data:`."""

    def behave(line: Line, asked: Asked) -> None:
        line.stream()
        data = b"".join(events(asked, text))
        for start in range(0, len(data), size):
            line.chunk(data[start : start + size])
        line.end()

    return behave


def with_comments(text: str) -> Behaviour:
    """Comments, keepalives, carriage returns and empty deltas between the events."""

    def behave(line: Line, asked: Asked) -> None:
        line.stream()
        line.chunk(b": OPENROUTER PROCESSING\n\n")
        line.chunk(delta(asked, ""))
        for one in events(asked, text):
            line.chunk(b": ping\r\n\r\n" + one.replace(b"\n\n", b"\r\n\r\n"))
        line.end()

    return behave


def bare(text: str) -> Behaviour:
    """Only what the protocol cannot do without: no ids, no usage, no [DONE]."""

    def behave(line: Line, _asked: Asked) -> None:
        line.stream(chunked=False)
        first = {"choices": [{"delta": {"content": text}}]}
        last = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
        for body in (first, last):
            line.send(b"data: " + json.dumps(body).encode() + b"\n\n")

    return behave


def status(code: int, error: Any = None, headers: dict[str, str] | None = None) -> Behaviour:
    body = {"error": error or {"message": f"scripted {code}", "type": "scripted", "code": None}}
    return lambda line, _asked: line.json(code, body, headers)


def key_in_error(code: int) -> Behaviour:
    """The key, said back in the text of an error."""

    def behave(line: Line, asked: Asked) -> None:
        error = {
            "message": f"Incorrect API key provided: {asked.key}. Prompt: {asked.prompt[:50]}",
            "type": "invalid_request_error",
            "code": asked.key,
        }
        line.json(code, {"error": error}, {"X-Key": asked.key or "none"})

    return behave


def key_in_page(line: Line, asked: Asked) -> None:
    data = f"<html>proxy says: {asked.key}</html>".encode()
    line.head(502, {"Content-Type": "text/html"}, length=len(data))
    line.send(data)


def key_in_stream(line: Line, asked: Asked) -> None:
    """An error in the middle of a stream, with the key in it."""
    line.stream()
    line.chunk(delta(asked, '{"ir":'))
    body = {"error": {"message": f"key {asked.key} was revoked", "code": 401}}
    line.chunk(b"data: " + json.dumps(body).encode() + b"\n\n")
    line.end()


def key_in_event(line: Line, asked: Asked) -> None:
    """An event that is no JSON, with the key in it."""
    line.stream()
    line.chunk(b"data: {broken " + asked.key.encode() + b"\n\n")
    line.end()


def key_as_name(ir: dict[str, Any]) -> Behaviour:
    """A right draft whose metric is called like the key, cut where it hurts."""

    def behave(line: Line, asked: Asked) -> None:
        draft = json.loads(json.dumps(ir))
        draft["metrics"][0]["name"] = asked.key or "no_key"
        line.stream()
        for one in events(asked, json.dumps({"ir": draft}), pieces=3):
            line.chunk(one)
        line.end()

    return behave


def silent(line: Line, _asked: Asked) -> None:
    line.wait(FOR_EVER)


def headers_only(line: Line, _asked: Asked) -> None:
    line.stream()
    line.wait(FOR_EVER)


def stalls(line: Line, asked: Asked) -> None:
    """A beginning, then nothing more, with the connection open."""
    line.stream()
    line.chunk(delta(asked, '{"ir": {"enti'))
    line.wait(FOR_EVER)


def drips(line: Line, asked: Asked) -> None:
    """A letter at a time, each soon enough, the whole never."""
    line.stream()
    with contextlib.suppress(OSError):
        while not line.closing.wait(0.1):
            line.chunk(delta(asked, " "))


def half_closes(text: str) -> Behaviour:
    """Half of a reply, then an end that looks like one."""

    def behave(line: Line, asked: Asked) -> None:
        line.stream(chunked=False)
        line.send(delta(asked, text[: len(text) // 2]))

    return behave


def breaks_off(text: str) -> Behaviour:
    """Half of a reply, then the end of the connection inside a chunk."""

    def behave(line: Line, asked: Asked) -> None:
        line.stream()
        line.chunk(delta(asked, text[: len(text) // 2]))
        line.send(b"fff\r\ndata: {")

    return behave


def resets(line: Line, asked: Asked) -> None:
    line.stream()
    line.chunk(delta(asked, '{"ir"'))
    line.reset()


def hangs_up(line: Line, _asked: Asked) -> None:
    line.reset()


def garbage(line: Line, _asked: Asked) -> None:
    line.send(b"\x16\x03\x01 this is not HTTP\r\n\r\n\x00\xff")


def not_utf8(line: Line, _asked: Asked) -> None:
    line.stream()
    line.chunk(b'data: {"choices":[{"delta":{"content":"\xff\xfe\xc3"}}]}\n\n')
    line.end()


def malformed(line: Line, asked: Asked) -> None:
    line.stream()
    line.chunk(delta(asked, "{"))
    line.chunk(b'data: {"choices": [{"delta": {"content": \n\n')
    line.end()


def wrong_shape(line: Line, _asked: Asked) -> None:
    """JSON, of another protocol."""
    line.stream()
    line.chunk(b'data: {"choices": "none", "response": "hello", "done": true}\n\n')
    line.end()


def no_choices(line: Line, asked: Asked) -> None:
    line.stream()
    line.chunk(event(asked, choices=[]))
    line.chunk(b"data: [DONE]\n\n")
    line.end()


def no_content(line: Line, asked: Asked) -> None:
    line.stream()
    line.chunk(delta(asked, None, "stop"))
    line.chunk(b"data: [DONE]\n\n")
    line.end()


def refuses(line: Line, asked: Asked) -> None:
    line.stream()
    line.chunk(delta(asked, None, refusal="I cannot help with that."))
    line.chunk(delta(asked, None, "stop"))
    line.chunk(b"data: [DONE]\n\n")
    line.end()


def filtered(line: Line, asked: Asked) -> None:
    line.stream()
    line.chunk(delta(asked, '{"ir": {', "content_filter"))
    line.end()


def cut_off(line: Line, asked: Asked) -> None:
    line.stream()
    line.chunk(delta(asked, '{"ir": {"entities": ["orders"', "length"))
    line.chunk(b"data: [DONE]\n\n")
    line.end()


def calls_a_tool(line: Line, asked: Asked) -> None:
    call = {"index": 0, "id": "1", "function": {"name": "run_sql", "arguments": "{}"}}
    line.stream()
    line.chunk(delta(asked, None, tool_calls=[call]))
    line.chunk(delta(asked, None, "tool_calls"))
    line.end()


def endless(line: Line, asked: Asked) -> None:
    """Text without an end, as fast as it is taken."""
    line.stream()
    piece = delta(asked, "x" * 4096)
    with contextlib.suppress(OSError):
        while not line.closing.is_set():
            line.chunk(piece)


def endless_line(line: Line, _asked: Asked) -> None:
    """One event without an end."""
    line.stream()
    with contextlib.suppress(OSError):
        line.chunk(b"data: ")
        while not line.closing.is_set():
            line.chunk(b"x" * 65536)


def endless_error(line: Line, _asked: Asked) -> None:
    line.head(500, {"Content-Type": "application/json"})
    with contextlib.suppress(OSError):
        while not line.closing.is_set():
            line.send(b"x" * 65536)


def page(line: Line, _asked: Asked) -> None:
    data = b"<html><body>Sign in to the network</body></html>"
    line.head(200, {"Content-Type": "text/html"}, length=len(data))
    line.send(data)


def redirects(to: str) -> Behaviour:
    def behave(line: Line, _asked: Asked) -> None:
        line.head(307, {"Location": f"{to}/v1/chat/completions"}, length=0)

    return behave


def without_schema(then: Behaviour) -> Behaviour:
    """A server that knows no JSON Schema in `response_format`, and says so."""

    def behave(line: Line, asked: Asked) -> None:
        if asked.body.get("response_format", {}).get("type") == "json_schema":
            error = {"message": "json_schema is not supported", "type": "invalid_request_error"}
            return line.json(400, {"error": error})
        return then(line, asked)

    return behave


def newer(then: Behaviour) -> Behaviour:
    """A model that takes the newer names of parameters only."""

    def behave(line: Line, asked: Asked) -> None:
        if "max_tokens" in asked.body or "temperature" in asked.body:
            error = {"message": "use max_completion_tokens", "code": "unsupported_parameter"}
            return line.json(400, {"error": error})
        return then(line, asked)

    return behave


def embeds(vector: Callable[[str], list[float]]) -> Behaviour:
    def behave(line: Line, asked: Asked) -> None:
        data = [
            {"object": "embedding", "index": at, "embedding": vector(text)}
            for at, text in enumerate(asked.body["input"])
        ]
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        line.json(200, {"object": "list", "data": data, "model": asked.model, "usage": usage})

    return behave


@dataclass
class Script:
    """What each model does, request by request, and what it was asked."""

    behaviours: dict[str, list[Behaviour]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, **models: list[Behaviour]) -> None:
        """A new script; names of models are written with `_` for `-`."""
        with self.lock:
            self.behaviours = {name.replace("_", "-"): list(of) for name, of in models.items()}
            self.asked = []

    def next(self, asked: Asked) -> Behaviour:
        with self.lock:
            self.asked.append(asked)
            of = self.behaviours.get(asked.model)
            if not of:
                error = {"message": "unknown model", "code": "model_not_found"}
                return status(404, error)
            return of.pop(0) if len(of) > 1 else of[0]

    def of(self, model: str) -> list[Asked]:
        with self.lock:
            return [asked for asked in self.asked if asked.model == model]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.script = Script()
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what many behaviours are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.path, headers, body)
        behave = self.server.script.next(asked)
        self.close_connection = True
        with contextlib.suppress(OSError):
            behave(Line(self, self.server.closing), asked)

    def log_message(self, *parts: Any) -> None:
        pass


@contextlib.contextmanager
def scripted() -> Iterator[Server]:
    """A server on a free port."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether a condition comes true before the deadline."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        threading.Event().wait(0.02)
    return condition()
