"""The command line that makers of random questions share."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines import running_servers
from random_runs import Maker, run


def asked(maker: Maker[Any, Any], about: str, kinds: Sequence[str]) -> int:
    """Reads the options, asks, and tells what came of it."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.{maker.module}", description=about)
    parser.add_argument("--seed", type=int, default=1, help="what everything follows from")
    parser.add_argument("--count", type=int, default=150, help="how many questions")
    parser.add_argument("--schema", type=int, help="only this schema of the seed")
    parser.add_argument("--question", type=int, help="only this question of the schema")
    parser.add_argument("--found", type=Path, default=maker.found, help="where mismatches are kept")
    options = parser.parse_args()
    program = os.environ.get("AIR_BIN")
    if not program or not Path(program).is_file():
        parser.error(f"AIR_BIN must name the built program `air`; it is {program!r}")
    with tempfile.TemporaryDirectory(prefix="air-generator-") as folder:
        work = Path(folder)
        with running_servers(work, list(kinds)) as servers:
            tally = run(
                maker,
                Path(program),
                work,
                servers,
                options.seed,
                options.count,
                sys.stdout,
                schema=options.schema,
                question=options.question,
                found=options.found,
            )
    for line in tally.told():
        sys.stdout.write(line + "\n")
    return 1 if tally.mismatches else 0
