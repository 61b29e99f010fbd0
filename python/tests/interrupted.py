"""A program that is interrupted in the middle of a run, and then runs again.

`test_threads.py` starts it; DSN names the database that does not answer, FOLDER files that do.
"""

from __future__ import annotations

import os

import kinds
from waiting import IR

import air


def main() -> None:
    engine = air.Engine(threads=1, timeout=600)
    engine.register_source("pg", "postgres", os.environ["DSN"], catalog=os.environ["CATALOG"])
    engine.register_files("kinds", os.environ["FOLDER"])
    engine.learn("kinds")
    try:
        engine.run(IR, "pg")
    except KeyboardInterrupt:
        print("KeyboardInterrupt", flush=True)  # noqa: T201
    print(f"{engine.run(kinds.ir(), 'kinds').num_rows} rows", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
