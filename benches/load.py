"""An hour of mixed load, and whether the service's memory stays flat under it.

In: the service (AIR_BIN), PostgreSQL 15, the sample data. Out: Markdown, and JSON with --json: what
was asked how often, every status, and the service's own memory, open files and threads over time.
Users of several roles run reports on PostgreSQL, IRs and SQL on files, questions, exports, chat
with answers, sockets that come and go, jobs, cancels, learning, and requests that are wrong. The
pace is set, so that it can run beside other work; what is judged is the trend, not the speed. Any
5xx, a lost chat message or a dead service ends it with an error.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import databases
from measure import Report, machine, program, say, table
from runs import DEFINITION, ORDERS, parameters

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import service
from oracle import SAMPLE
from sockets import Client

SECRET = "only-for-benches-" * 4
USERS = 8
ROOM = "load"
FLAT_PART = 1.10
QUESTIONS = [
    "average departure delay by carrier name and month in 2013",
    "how many flights per month in 2013",
    "top 5 destinations by number of flights",
    "share of flights delayed more than 30 minutes per origin airport",
    "flights by weekday",
    "what is the meaning of life",
]
IRS: list[dict[str, Any]] = [
    {
        "entities": ["flights"],
        "dimensions": [{"name": "carrier", "field": "carrier"}],
        "metrics": [{"name": "delay", "agg": "avg", "field": "dep_delay"}],
    },
    {
        "entities": ["flights"],
        "dimensions": [{"name": "day", "field": "time_hour", "grain": "1 day", "fill": "zero"}],
        "metrics": [{"name": "n", "agg": "count"}],
    },
    {
        "entities": ["flights"],
        "dimensions": [{"name": "airline", "field": "airlines.name"}],
        "metrics": [{"name": "p90", "agg": "percentile", "p": 0.9, "field": "arr_delay"}],
    },
]
SQL = "select origin, count(*) as n from flights where month = 7 group by origin order by origin"


@dataclass
class World:
    """Everybody who asks, and what came of it."""

    base: str
    port: int
    tokens: list[str]
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    said: int = 0
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311

    def http(self) -> service.Http:
        return service.Http(self.base, self.rng.choice(self.tokens))

    def ask(self, what: str, method: str, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401
        reply = self.http().send(method, path, body, headers)
        self.statuses[f"{what} {reply.status}"] += 1
        # Too many at once is an answer; a fault of the service is none.
        if reply.status >= 500 and reply.status != 503:
            raise RuntimeError(f"{what}: {reply.status} {reply.body}")
        return reply.body


def report_run(world: World) -> None:
    body = {"params": parameters(world.rng.randrange(450))}
    world.ask("report", "POST", "/v1/reports/orders_by_status/run", body)


def ir(world: World) -> None:
    asked: dict[str, Any] = {"datasource_id": "flights", "ir": world.rng.choice(IRS)}
    if world.rng.random() < 0.3:
        asked["max_age"] = 30
    found = world.ask("query", "POST", "/v1/query", asked)
    if "run_id" in found:
        form = world.rng.choice(["csv", "ndjson", "arrow", "parquet", "json", "html"])
        world.ask("rows", "GET", f"/v1/runs/{found['run_id']}/rows?format={form}")


def sql(world: World) -> None:
    world.ask("sql", "POST", "/v1/query", {"datasource_id": "flights", "sql": SQL})


def question(world: World) -> None:
    text = world.rng.choice(QUESTIONS)
    body = {"question": text, "datasource_id": "flights", "run": world.rng.random() < 0.5}
    world.ask("ask", "POST", "/v1/ask", body)


def chat(world: World) -> None:
    text = world.rng.choice(["hello", "@air flights per month in 2013"])
    token = world.rng.choice(world.tokens)
    http = service.Http(world.base, token)
    socket = Client(world.port, "/v1/ws", {"Authorization": f"Bearer {token}"})
    socket.until(b'"ready":true')
    socket.send(json.dumps({"type": "subscribe", "channel": f"chat/{ROOM}"}))
    socket.until(b'"reply_to":"subscribe"')
    mark = f"{text} {world.seed} {world.said}"
    reply = http.send("POST", f"/v1/chat/rooms/{ROOM}/messages", {"content": mark})
    world.statuses[f"chat {reply.status}"] += 1
    if reply.status == 201:
        world.said += 1
        socket.until(mark.encode())
    socket.wire.close()


def job(world: World) -> None:
    wanted = [{"key": "orders_by_status", "params": parameters(n)} for n in range(5)]
    found = world.ask("bulk", "POST", "/v1/process/bulk-reports", {"reports": wanted})
    if "job_id" in found and world.rng.random() < 0.3:
        world.ask("cancel job", "DELETE", f"/v1/jobs/{found['job_id']}")
    world.ask("jobs", "GET", "/v1/jobs")


def later(world: World) -> None:
    asked = {"datasource_id": "flights", "ir": IRS[1]}
    world.ask("later", "POST", "/v1/query", asked, Prefer="respond-async")


def wrong(world: World) -> None:
    asked = {"datasource_id": "flights", "ir": {"entities": ["flihgts"], "metrics": []}}
    world.ask("wrong", "POST", "/v1/query", asked)
    world.ask("nowhere", "GET", "/v1/reports/there-is-none")
    world.ask("refused", "POST", "/v1/query", {"datasource_id": "flights", "sql": "drop table x"})


def learn(world: World) -> None:
    source = world.rng.choice(["pg", "flights"])
    world.ask("learn", "POST", f"/v1/learn?datasource_id={source}")


# What is asked, and how often beside the others.
MIX: list[tuple[Callable[[World], None], float]] = [
    (report_run, 8),
    (ir, 5),
    (sql, 2),
    (question, 4),
    (chat, 3),
    (job, 1),
    (later, 1),
    (wrong, 2),
    (learn, 0.05),
]


@dataclass(frozen=True)
class Sample:
    minute: float
    mib: float
    files: int
    threads: int


def sample(pid: int, begin: float) -> Sample:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    words = dict(line.split(":", 1) for line in status.splitlines())
    return Sample(
        (time.monotonic() - begin) / 60,
        int(words["VmRSS"].split()[0]) / 1024,
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(words["Threads"]),
    )


def drive(world: World, until: float, pace: float, faults: list[BaseException]) -> None:
    kinds, weights = zip(*MIX, strict=True)
    due = time.monotonic()
    while time.monotonic() < until and not faults:
        kind = world.rng.choices(kinds, weights)[0]
        try:
            kind(world)
        except BaseException as fault:
            faults.append(fault)
            return
        world.done[kind.__name__] += 1
        due += pace
        time.sleep(max(0.0, due - time.monotonic()))


def loaded(world: World, pid: int, chosen: argparse.Namespace) -> list[Sample]:
    begin, faults = time.monotonic(), list[BaseException]()
    until = begin + chosen.minutes * 60
    drivers = [World(world.base, world.port, world.tokens, n) for n in range(chosen.drivers)]
    threads = [
        threading.Thread(target=drive, args=(one, until, chosen.drivers / chosen.rate, faults))
        for one in drivers
    ]
    for thread in threads:
        thread.start()
    samples = []
    while any(thread.is_alive() for thread in threads):
        samples.append(sample(pid, begin))
        threads[0].join(5.0)
    if faults:
        raise faults[0]
    for one in drivers:
        world.said += one.said
        world.done.update(one.done)
        world.statuses.update(one.statuses)
    return samples


def kept(world: World) -> int:
    """How many chat messages of people are there; answers are not counted."""
    http = service.Http(world.base, world.tokens[0])
    found, after = 0, 0
    while True:
        path = f"/v1/chat/rooms/{ROOM}/messages?after={after}&limit=100"
        items = http.send("GET", path).body["items"]
        if not items:
            return found
        found += sum(item["type"] != "ai" for item in items)
        after = max(item["seq"] for item in items)


def quarters(samples: list[Sample], report: Report) -> None:
    """Medians of each quarter of the time; the first tenth is for caches to fill."""
    settled = samples[len(samples) // 10 :]
    size = len(settled) // 4
    parts = [settled[at * size : (at + 1) * size] for at in range(4)]
    rows, medians = [], []
    for part in parts:
        mib = statistics.median(s.mib for s in part)
        medians.append(mib)
        files = statistics.median(s.files for s in part)
        threads = statistics.median(s.threads for s in part)
        rows.append(
            [
                f"{part[0].minute:.0f}-{part[-1].minute:.0f}",
                f"{mib:.0f}",
                f"{max(s.mib for s in part):.0f}",
                f"{files:.0f}",
                f"{threads:.0f}",
            ]
        )
    table(["minutes", "MiB, median", "MiB, most", "open files", "threads"], rows)
    growth = medians[-1] / medians[1]
    report.goal(
        "memory of the last quarter over the second",
        f"≤ {FLAT_PART}",
        f"{growth:.3f}",
        met=growth <= FLAT_PART,
    )


def configured(folder: Path) -> dict[str, Any]:
    shutil.copytree(SAMPLE, folder / "files" / "flights", dirs_exist_ok=True)
    return {
        "server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}},
        "files": {"base_path": str(folder / "files")},
        "analytics_sources": [
            {"id": "pg", "kind": "postgres", "dsn": "${PG_DSN}"},
            {"id": "flights", "kind": "files", "base_path": str(folder / "files/flights")},
        ],
        "limits": {"messages_per_minute": 1_000, "ai_requests_per_minute": 1_000},
        "telemetry": {"level": "warn"},
    }


def set_up(world: World) -> None:
    http = service.Http(world.base, world.tokens[0])
    for source in ["pg", "flights"]:
        service.Client(http).learn(source)
    body = {"def": DEFINITION, "datasource_id": "pg"}
    room = {"id": ROOM, "name": ROOM, "datasource_id": "flights"}
    for path, what in [
        ("/v1/reports", {"key": "orders_by_status", "title": "Orders by status"}),
        ("/v1/reports/orders_by_status/versions", body),
        ("/v1/chat/rooms", room),
    ]:
        reply = http.send("POST", path, what)
        if reply.status != 201:
            raise RuntimeError(f"{path}: {reply.status} {reply.body}")
    for token in world.tokens[1:]:
        service.Http(world.base, token).send("POST", f"/v1/chat/rooms/{ROOM}/members", {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=10, help="steps a second, of all drivers")
    parser.add_argument("--drivers", type=int, default=4)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report = Report(f"Mixed load for {chosen.minutes:g} minutes")
    machine([], {"PostgreSQL": "15"})
    air = program("AIR_BIN")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "air"
        data.mkdir(mode=0o700)
        with databases.postgres(folder / "pg", "bench") as pg:
            pg.sql("bench", ORDERS.format(rows=200_000))
            config, environment = configured(folder), {"PG_DSN": pg.dsn("bench")}
            with service.serving(
                air, data, config, auth="enabled", environment=environment
            ) as process:
                tokens = [service.mint(air, data, f"u{n}", "admin") for n in range(USERS)]
                port = int(process.base.rsplit(":", 1)[1])
                world = World(process.base, port, tokens, 0)
                set_up(world)
                samples = loaded(world, process.pid, chosen)
                if kept(world) != world.said:
                    raise RuntimeError(f"{kept(world)} chat messages of {world.said} are kept")
        size = sum(file.stat().st_size for file in data.rglob("*") if file.is_file()) / 2**20
    table(["step", "times"], [[what, f"{n:,}"] for what, n in sorted(world.done.items())])
    table(["answer", "times"], [[what, f"{n:,}"] for what, n in sorted(world.statuses.items())])
    say(f"- {world.said:,} chat messages acknowledged and kept; {size:.0f} MiB of data on disk\n")
    quarters(samples, report)
    report.keep("samples", [vars(s) for s in samples])
    report.save(chosen.json)


if __name__ == "__main__":
    main()
