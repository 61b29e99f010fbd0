"""What a running service takes, over time, and whether it grows.

In: a process and its data folder. Out: samples, a table of them, and a verdict. Growth is the
Theil-Sen slope (the median of the slopes of all pairs of samples, which single peaks do not move)
of the resident memory over the second half of the time.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from measure import Report, say

# Of the memory at rest, an hour. The second half alone is judged: caches fill in the first.
GROWTH_AN_HOUR = 0.10
# Sockets and files that happen to be open differ by some from one moment to the next.
MORE_FILES = 1.25
SHORTEST_MINUTES = 20
SIZES_EVERY_SECONDS = 30.0
MIB = 2**20
HEAD = (
    "| minute | RSS MiB | anonymous MiB | open files | threads | database MiB | data MiB "
    "| steps | faults |"
)


@dataclass(frozen=True)
class Sample:
    minute: float
    rss_mib: float
    anonymous_mib: float
    files: int
    threads: int
    database_mib: float
    data_mib: float
    steps: int
    faults: int

    def row(self) -> str:
        cells = [f"{self.minute:.1f}", f"{self.rss_mib:.0f}", f"{self.anonymous_mib:.0f}"]
        cells += [str(self.files), str(self.threads), f"{self.database_mib:.1f}"]
        cells += [f"{self.data_mib:.1f}", f"{self.steps:,}", str(self.faults)]
        return f"| {' | '.join(cells)} |"


class Watched:
    """A process whose sizes are looked at: those of its files seldom, since they are many."""

    def __init__(self, pid: int, data: Path) -> None:
        self.pid, self.data, self.begin = pid, data, time.monotonic()
        self.sizes, self.looked = (0.0, 0.0), -SIZES_EVERY_SECONDS

    def sample(self, steps: int, faults: int) -> Sample:
        """Raises `OSError` where the process is gone."""
        elapsed = time.monotonic() - self.begin
        if elapsed - self.looked >= SIZES_EVERY_SECONDS:
            self.looked, self.sizes = elapsed, sizes(self.data)
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        words = dict(line.split(":", 1) for line in status.splitlines())
        if "VmRSS" not in words:
            raise ProcessLookupError(f"the process {self.pid} has ended")
        return Sample(
            minute=round(elapsed / 60, 2),
            rss_mib=int(words["VmRSS"].split()[0]) / 1024,
            anonymous_mib=int(words["RssAnon"].split()[0]) / 1024,
            files=len(list(Path(f"/proc/{self.pid}/fd").iterdir())),
            threads=int(words["Threads"]),
            database_mib=self.sizes[0],
            data_mib=self.sizes[1],
            steps=steps,
            faults=faults,
        )


def sizes(data: Path) -> tuple[float, float]:
    """MiB of the database with its journal, and of the whole folder."""
    found = [(file.name, size(file)) for file in data.rglob("*") if file.is_file()]
    database = sum(n for name, n in found if name.startswith("air.db"))
    return database / MIB, sum(n for _, n in found) / MIB


def size(file: Path) -> int:
    """Of a file that may be gone by now."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


class Trend:
    """The samples of one run: kept at once in a file of JSON lines, and told now and then."""

    def __init__(self, kept: TextIO | None, every: float) -> None:
        self.samples: list[Sample] = []
        self.kept, self.every = kept, every
        say(HEAD)
        say("|" + "---|" * (HEAD.count("|") - 1))

    def add(self, one: Sample) -> None:
        told = not self.samples or one.minute // self.every > self.samples[-1].minute // self.every
        self.samples.append(one)
        if told:
            say(one.row())
        if self.kept is not None:
            self.kept.write(json.dumps(asdict(one)) + "\n")
            self.kept.flush()

    def judge(self, report: Report) -> None:
        """The goals, over the second half; too short a time is said to be so and not judged."""
        report.keep("samples", [asdict(one) for one in self.samples])
        if not self.samples:
            return
        say(f"{self.samples[-1].row()}\n")
        minutes, half = self.samples[-1].minute, self.samples[len(self.samples) // 2 :]
        said = "" if minutes >= SHORTEST_MINUTES else f"; under {SHORTEST_MINUTES} none is judged"
        say(f"- of {minutes:.1f} minutes those from {half[0].minute:.1f} on count{said}")
        for name in ("rss_mib", "anonymous_mib"):
            values = [(one.minute, float(getattr(one, name))) for one in half]
            rest = statistics.median(value for _, value in values)
            growth, bound = slope(values) * 60, rest * GROWTH_AN_HOUR
            what = f"growth of {name.removesuffix('_mib')} memory, MiB an hour"
            goal = f"≤ {bound:.1f} ({GROWTH_AN_HOUR:.0%} of its median {rest:.0f} MiB)"
            if said:
                say(f"- {what}: {growth:+.1f}; the goal is {goal}")
            else:
                report.goal(what, goal, f"{growth:+.1f}", met=growth <= bound)
        for name in ("files", "threads"):
            early, late = halves([getattr(one, name) for one in half])
            met, shown = late <= early * MORE_FILES, f"{late:.0f} / {early:.0f}"
            report.goal(f"{name}, last quarter over third", f"≤ {MORE_FILES}", shown, met=met)


def slope(values: list[tuple[float, float]]) -> float:
    """Theil and Sen's, a unit of the first; of at most 400 samples, spread over all."""
    thin = values[:: max(1, len(values) // 400)]
    pairs = itertools.combinations(thin, 2)
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in pairs if t > s]
    return statistics.median(slopes) if slopes else 0.0


def halves(values: list[int]) -> tuple[float, float]:
    middle = max(1, len(values) // 2)
    return statistics.median(values[:middle]), statistics.median(values[middle:] or values)
