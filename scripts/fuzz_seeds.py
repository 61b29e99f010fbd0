"""Seeds and words for fuzzing, from the cases of the tests.

In: a folder. Out: below it a folder of inputs for each target, and a dictionary of the words that
inputs are made of, in the form of libFuzzer.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).resolve().parent.parent / "engine" / "tests" / "cases"
WORD = re.compile(r"[A-Za-z_$][A-Za-z_0-9$.]{1,30}")
DSNS = [
    "postgres://reader:p@127.0.0.1:5432/db?sslmode=disable",
    "postgresql://reader@%2Ftmp:5432/db?options=-c%20a%3Db",
    "host=localhost port=5432 user=reader password='a b' dbname=db",
    "reader:p@tcp(localhost:3306)/ops?tls=true",
    "mysql://reader:p%40@[::1]:3306/ops",
    "mariadb://reader@localhost/ops?charset=utf8mb4",
]


def irs() -> Iterator[str]:
    for file in sorted((CASES / "plans").glob("*.yaml")):
        for case in yaml.safe_load(file.read_text(encoding="utf-8")).values():
            yield json.dumps(case, default=str)


def texts() -> Iterator[str]:
    for file in sorted((CASES / "tpch").glob("*.sql")):
        yield file.read_text(encoding="utf-8")
    for name in ["guard/bypass.yaml", "sql/forms.yaml"]:
        yield from strings(yaml.safe_load((CASES / name).read_text(encoding="utf-8")))


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401
    """Texts that look like statements, wherever they are."""
    if isinstance(value, str):
        if " " in value:
            yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def write(folder: Path, target: str, inputs: Iterable[str]) -> None:
    seeds = folder / target
    seeds.mkdir(parents=True, exist_ok=True)
    words: set[str] = set()
    for text in inputs:
        data = text.encode()
        (seeds / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        words.update(WORD.findall(text))
    lines = [f'"{word}"\n' for word in sorted(words)]
    (folder / f"{target}.dict").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    folder = Path(sys.argv[1])
    write(folder, "ir", irs())
    write(folder, "sql", texts())
    write(folder, "dsn", DSNS)


if __name__ == "__main__":
    main()
