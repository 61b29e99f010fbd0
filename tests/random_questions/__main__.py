"""`python -m tests.random_questions --seed S --count N`: random questions with a known meaning.

The built program is what AIR_BIN names. Ends with 1 where any answer is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from random_questions.runs import TOLD, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.random_questions", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what everything follows from")
    parser.add_argument("--count", type=int, default=400, help="how many questions")
    parser.add_argument("--world", type=int, help="only this world of the seed")
    parser.add_argument("--question", type=int, help="only this question of the world")
    parser.add_argument(
        "--unanswered", type=int, default=TOLD, help="how many questions asked back are told"
    )
    options = parser.parse_args()
    program = os.environ.get("AIR_BIN")
    if not program or not Path(program).is_file():
        parser.error(f"AIR_BIN must name the built program `air`; it is {program!r}")
    with tempfile.TemporaryDirectory(prefix="air-questions-") as folder:
        tally = run(
            Path(program),
            Path(folder),
            options.seed,
            options.count,
            sys.stdout,
            world=options.world,
            question=options.question,
        )
    for line in tally.told(options.unanswered):
        sys.stdout.write(line + "\n")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
