"""One contestant of the profiling bench, in the Python that has it: `eda_peer.py NAME`.

Reads a line of JSON with the path of a Parquet file, profiles it, and answers with the seconds it
took and the number of columns it described. What a tool loads is loaded before.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path


def air() -> Callable[[str], int]:
    from air_eda.data import Job
    from air_eda.worker import answer, warm_up

    warm_up()

    def run(path: str) -> int:
        place = Path(path)
        body = place.with_suffix(".json")
        body.write_text(json.dumps({"path": place.name}), encoding="utf-8")
        folder = str(place.parent)
        found = answer(Job("profile", str(body), "json", folder, folder, 1 << 40))
        # As the service gives it.
        return len(json.loads(found.model_dump_json(exclude_unset=True))["columns"])

    return run


def duckdb() -> Callable[[str], int]:
    import duckdb as peer

    connection = peer.connect()

    def run(path: str) -> int:
        return len(connection.execute("SUMMARIZE SELECT * FROM read_parquet(?)", [path]).fetchall())

    return run


def fg(*, minimal: bool) -> Callable[[str], int]:
    import pandas as pd
    from data_profiling import ProfileReport

    def run(path: str) -> int:
        report = ProfileReport(pd.read_parquet(path), minimal=minimal, progress_bar=False)
        return len(report.get_description().variables)

    return run


CONTESTANTS: dict[str, Callable[[], Callable[[str], int]]] = {
    "air": air,
    "duckdb": duckdb,
    "fg-minimal": lambda: fg(minimal=True),
    "fg-full": lambda: fg(minimal=False),
}


def main() -> None:
    warnings.simplefilter("ignore")
    answers = sys.stdout
    # Peers print what they do.
    sys.stdout = sys.stderr
    run = CONTESTANTS[sys.argv[1]]()
    for line in sys.stdin:
        path = json.loads(line)["path"]
        started = time.perf_counter()
        columns = run(path)
        spent = time.perf_counter() - started
        answers.write(json.dumps({"seconds": spent, "columns": columns}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
