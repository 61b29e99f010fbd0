"""What every side-by-side run shares: turns, spread, ratios, the machine, and goals.

In: contestants as functions. Out: figures as Markdown. Contestants take turns within each round, in
an order drawn anew from a fixed seed, so that a slow minute of the machine meets all of them. A
figure is a median with its quartiles, a ratio is taken within a round and then summarised, and a
goal is printed beside the figure it judges. Nothing here fails because something was slow.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

SEED = 2013
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Spread:
    """A median and its quartiles, in whatever unit the values have."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(statistics.median(values), low, high)

    def show(self, unit: str = "") -> str:
        figures = [short(value) for value in (self.median, self.low, self.high)]
        return f"{figures[0]}{unit} ({figures[1]}–{figures[2]})"  # noqa: RUF001


def short(value: float) -> str:
    """Three digits that mean something, and no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def take_turns(contestants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Each contestant once a round; what each gave, by name, in the order of rounds."""
    order = random.Random(SEED)  # noqa: S311
    given: dict[str, list[T]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in order.sample(list(contestants), len(contestants)):
            given[name].append(contestants[name]())
    return given


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """How many times as long `over` took, taken within each round."""
    return Spread.of([a / b for a, b in zip(over, under, strict=True)])


def geometric_mean(values: Iterable[float]) -> float:
    return statistics.geometric_mean(list(values))


@dataclass
class Report:
    """What one run found, written as Markdown while it goes, and as JSON at the end."""

    title: str
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        say(f"# {self.title}\n")

    def keep(self, name: str, value: object) -> None:
        self.figures[name] = value

    def goal(self, what: str, goal: str, reached: str, *, met: bool) -> None:
        say(f"- goal: {what} {goal}; here {reached}: {'met' if met else 'NOT met'}")
        self.figures.setdefault("goals", []).append(
            {"what": what, "goal": goal, "here": reached, "met": met}
        )

    def save(self, path: Path | None) -> None:
        if path is not None:
            path.write_text(json.dumps(self.figures, indent=1) + "\n", encoding="utf-8")


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table."""
    say("| " + " | ".join(head) + " |")
    say("|" + "---|" * len(head))
    for row in rows:
        say("| " + " | ".join(row) + " |")
    say()


def machine(packages: Sequence[str], programs: Mapping[str, str] | None = None) -> None:
    """Where this ran, and the versions of whatever took part."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    say(
        f"- machine: {processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}; load at the start {load}"
    )
    versions = [f"{name} {metadata.version(name)}" for name in packages]
    versions += [f"{name} {text}" for name, text in (programs or {}).items()]
    say(f"- versions: Python {platform.python_version()}, {', '.join(versions)}")
    say(f"- AIR at {revision()}, release build\n")


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def revision() -> str:
    """The commit, and whether the tree differs from it."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "an unknown commit"


class Worker:
    """AIR's program of the benches, which answers one JSON line with another."""

    def __init__(
        self, program: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.child = subprocess.Popen(  # noqa: S603
            [str(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def ask(self, **request: object) -> Any:  # noqa: ANN401
        if self.child.stdin is None or self.child.stdout is None:
            raise RuntimeError("the program was started without pipes")
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"the bench program ended with {self.child.wait()}")
        return json.loads(line)

    def close(self) -> None:
        if self.child.stdin is not None:
            self.child.stdin.close()
        self.child.wait(30)


def program(variable: str) -> Path:
    """The built program that an environment variable names."""
    named = os.environ.get(variable, "")
    if not Path(named).is_file():
        sys.exit(f"{variable} must name the built program; it is {named!r}")
    return Path(named)
