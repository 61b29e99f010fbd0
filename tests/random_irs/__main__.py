"""`python -m tests.random_irs --seed S --count N`: random questions to every engine.

The built program is what AIR_BIN names. Ends with 1 where the engines differ anywhere.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from datasets import ENGINES
from engines import running_servers

from random_irs.runs import FOUND, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.random_irs", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what everything follows from")
    parser.add_argument("--count", type=int, default=150, help="how many questions")
    parser.add_argument("--schema", type=int, help="only this schema of the seed")
    parser.add_argument("--question", type=int, help="only this question of the schema")
    parser.add_argument("--found", type=Path, default=FOUND, help="where mismatches are kept")
    options = parser.parse_args()
    program = os.environ.get("AIR_BIN")
    if not program or not Path(program).is_file():
        parser.error(f"AIR_BIN must name the built program `air`; it is {program!r}")
    with tempfile.TemporaryDirectory(prefix="air-generator-") as folder:
        work = Path(folder)
        with running_servers(work, list(ENGINES)) as servers:
            tally = run(
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


if __name__ == "__main__":
    sys.exit(main())
