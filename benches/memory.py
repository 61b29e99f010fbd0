"""Runs grouped reports over a large CSV and holds the program's peak memory to the limit.

In: the program `air`, an empty folder, the size of the file and of `limits.memory_pool`. Out: a
line for each report with rows, seconds and peak resident memory (VmHWM, which the kernel keeps);
an error where a row is wrong or the peak is above pool plus allowance. The standard library is
enough. Absent on purpose: any other way to the rows than the REST surface.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# What the program takes besides the pool: its own code and data, SQLite, the buffers of the CSV
# reader (one batch and one block of text for each thread), and the allocator's slack.
ALLOWANCE = 256_000_000
SHOPS = 1_000
# One customer in this many rows: groups enough that an aggregation without limit would not fit.
ROWS_A_CUSTOMER = 2
SECONDS = 3_600

# A block of rows is written again and again, with the line number in front.
BLOCK = 50_000


def write(path: Path, size: int) -> int:
    """Writes a CSV of at least `size` bytes; gives its number of rows."""
    rows = 0
    with path.open("w", encoding="ascii", buffering=1 << 20) as file:
        written = file.write("id,shop,customer,amount,note\n")
        while written < size:
            written += file.write("".join(line(number) for number in range(rows, rows + BLOCK)))
            rows += BLOCK
    return rows


def line(number: int) -> str:
    shop, customer = number % SHOPS, number // ROWS_A_CUSTOMER
    return f"{number},shop-{shop},customer-{customer:012d},{number % 97},{'n' * 40}\n"


def total(rows: int) -> int:
    """The sum of `amount` over all rows."""
    whole, rest = divmod(rows, 97)
    return whole * (96 * 97 // 2) + rest * (rest - 1) // 2


@contextmanager
def serving(program: str, folder: Path, pool: int) -> Iterator[tuple[str, int]]:
    """The program over `folder/files`, with its address and process id."""
    config = {
        "files": {"base_path": str(folder)},
        "analytics_sources": [{"id": "big", "kind": "files", "base_path": str(folder / "files")}],
        "limits": {"memory_pool": pool, "request": f"{SECONDS}s"},
        "execution": {"query_timeout": f"{SECONDS}s"},
    }
    # JSON is YAML.
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    command = [program, "serve", "--data", str(folder), "--auth", "disabled", "--port", "0"]
    log = (folder / "stderr.log").open("wb")
    told = subprocess.PIPE
    with log, subprocess.Popen(command, stdout=told, stderr=log, text=True) as child:  # noqa: S603
        output = child.stdout or sys.exit("the program has no output")
        try:
            word = "listening on "
            base = next((text for text in output if text.startswith(word)), None)
            if base is None:
                sys.exit((folder / "stderr.log").read_text(errors="replace"))
            # Nothing may wait for somebody to read what the program prints.
            threading.Thread(target=output.read, daemon=True).start()
            yield base[len(word) :].strip(), child.pid
        finally:
            child.terminate()


def post(url: str, body: dict[str, Any] | None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else b""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    request = urllib.request.Request(url, data, headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as refused:
        sys.exit(f"{url} gave {refused.code}: {refused.read().decode(errors='replace')}")


def peak(pid: int) -> int:
    """The peak resident memory of a process in bytes."""
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith("VmHWM:"):
            return int(text.split()[1]) * 1024
    sys.exit("the kernel does not tell VmHWM")


def reports(rows: int) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, IR, and the first row that must come back."""
    of_shop = total_of_shop(rows, 0)
    customers = -(-rows // ROWS_A_CUSTOMER)
    amount = {"name": "total", "agg": "sum", "field": "amount"}
    few = {"entities": ["sales"], "metrics": [amount], "dimensions": ["shop"], "limit": SHOPS}
    inner = {"entities": ["sales"], "metrics": [amount], "dimensions": ["customer"]}
    many = {
        "entities": [{"query": inner, "as": "t"}],
        "metrics": [
            {"name": "customers", "agg": "count"},
            {"name": "grand_total", "agg": "sum", "field": "total"},
        ],
    }
    return [
        (f"{SHOPS} groups", few, {"shop": "shop-0", "total": of_shop}),
        (f"{customers} groups", many, {"customers": customers, "grand_total": total(rows)}),
    ]


def total_of_shop(rows: int, shop: int) -> int:
    return sum(number % 97 for number in range(shop, rows, SHOPS))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--pool", type=int, required=True)
    told = parser.parse_args()
    file = told.folder / "files" / "sales.csv"
    file.parent.mkdir()
    rows = write(file, told.bytes)
    say(f"{file.stat().st_size} bytes, {rows} rows; pool {told.pool}, allowance {ALLOWANCE}")
    limit = told.pool + ALLOWANCE
    with serving(told.program, told.folder, told.pool) as (base, pid):
        post(f"{base}/v1/learn?datasource_id=big", None)
        say(f"learned: peak {peak(pid)}")
        for name, ir, first in reports(rows):
            start = time.monotonic()
            answer = post(f"{base}/v1/query", {"datasource_id": "big", "ir": ir})
            seconds = time.monotonic() - start
            say(f"{name}: {answer['row_count']} rows, {seconds:.1f} s, peak {peak(pid)}")
            if answer["rows"][0] != first:
                sys.exit(f"wrong: {answer['rows'][0]}, expected {first}")
        if peak(pid) > limit:
            sys.exit(f"the peak {peak(pid)} is above the limit {limit}")
    say(f"below the limit of {limit}")


if __name__ == "__main__":
    main()
