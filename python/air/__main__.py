"""`python -m air`: a first answer on the sample that comes with the package."""

from __future__ import annotations

import argparse
import json
import sys
from importlib.resources import as_file, files

import air

QUESTION = "How many flights were there per airline name?"
SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Asks one question and prints how it was read, what was done, and the rows."""
    parser = argparse.ArgumentParser(prog="python -m air", description=__doc__)
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--files", metavar="FOLDER", help="another folder of files to ask")
    wanted = parser.parse_args(arguments)
    engine = air.Engine()
    with as_file(files("air") / "sample") as sample:
        try:
            engine.register_files("data", wanted.files or sample)
            engine.learn("data")
            show(engine.ask(wanted.question, "data"), wanted.question)
        except air.ClarificationNeeded as needed:
            for question in needed.questions:
                print(question["text"], file=sys.stderr)
                for choice in question["choices"]:
                    print(f"  {choice['value']}: {choice['label']}", file=sys.stderr)
            return 2
        except air.AirError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def show(result: air.Result, question: str) -> None:
    """The answer as plain text."""
    print(f"Question: {question}")
    if result.draft is not None:
        print(f"Read as:  {result.draft.interpretation}")
    print(f"IR:       {json.dumps(result.ir)}")
    for query in result.sql:
        print(f"{query['dialect']}:\n  {query['sql']}")
    print()
    print(table(result.column_names, result.rows(SHOWN)))
    for warning in result.warnings:
        print(f"Note: {warning}")


def table(names: list[str], rows: list[list[object]]) -> str:
    """Columns of equal width, numbers to the right."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    columns = zip(*rows, strict=True)
    right = [all(isinstance(cell, int | float | None) for cell in column) for column in columns]

    if not rows:
        right = [False] * len(names)

    def line(texts: list[str]) -> str:
        said = zip(texts, widths, right, strict=True)
        return "  ".join(t.rjust(w) if r else t.ljust(w) for t, w, r in said).rstrip()

    return "\n".join([line(names), line(["-" * width for width in widths]), *map(line, cells)])


if __name__ == "__main__":
    sys.exit(main())
