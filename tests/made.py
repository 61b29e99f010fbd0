"""Tables that tests make themselves, written as a dataset of files.

In: tables with an Arrow schema, rows and keys. Out: Parquet files of each table with the
`dataset.yaml` beside them, and the statements that show the files to DuckDB. A table has several
files of few rows, in several groups, so that what is known of a file or a group is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

INSTANT = pa.timestamp("us", tz="UTC")
LOCAL = pa.timestamp("us")
TEXT = pa.string()
FILES_A_TABLE = 4
LEAST_ROWS = 5


@dataclass(frozen=True)
class Made:
    """A table as it is written: its Arrow schema, its rows, and what dataset.yaml says of it."""

    name: str
    schema: Any
    rows: list[tuple[Any, ...]]
    primary_key: list[str] = field(default_factory=list)
    # Columns, the table they refer to, its columns, and a role where the key has one.
    foreign_keys: list[tuple[list[str], str, list[str], str]] = field(default_factory=list)
    time_column: str | None = None
    # Columns that DuckDB and Parquet hold as text, and the databases as their own type.
    declared: dict[str, str] = field(default_factory=dict)
    comment: str | None = None

    def described(self, number: int) -> dict[str, Any]:
        keys = [
            {
                "columns": columns,
                "references": {"table": table, "columns": theirs},
                **({"role": role} if role else {}),
            }
            for columns, table, theirs, role in self.foreign_keys
        ]
        columns = {
            name: {
                **({"nullable": False} if not self.schema.field(name).nullable else {}),
                **({"type": self.declared[name]} if name in self.declared else {}),
            }
            for name in self.schema.names
        }
        return {
            "files": pattern(number),
            **({"description": self.comment} if self.comment else {}),
            **({"primary_key": self.primary_key} if self.primary_key else {}),
            **({"foreign_keys": keys} if keys else {}),
            **({"time_column": self.time_column} if self.time_column else {}),
            "columns": {name: said for name, said in columns.items() if said},
        }


def schema(**columns: Any) -> Any:
    """Columns by name; a list of one type means that nulls are not allowed."""
    return schema_of(columns)


def schema_of(columns: dict[str, Any]) -> Any:
    fields = []
    for name, kind in columns.items():
        required = isinstance(kind, list)
        fields.append(pa.field(name, kind[0] if required else kind, nullable=not required))
    return pa.schema(fields)


def write(folder: Path, name: str, tables: list[Made], zone: str = "UTC") -> None:
    """Writes the files and `dataset.yaml` of a dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, made in enumerate(tables):
        columns = [
            pa.array([row[n] for row in made.rows], type=f.type) for n, f in enumerate(made.schema)
        ]
        whole = pa.Table.from_arrays(columns, schema=made.schema)
        (folder / pattern(number)).parent.mkdir()
        rows = max(LEAST_ROWS, -(-whole.num_rows // FILES_A_TABLE))
        for start in range(0, max(whole.num_rows, 1), rows):
            file = folder / pattern(number).replace("*", f"{start:06}")
            pq.write_table(whole.slice(start, rows), file, row_group_size=-(-rows // 2))
    described = {made.name: made.described(n) for n, made in enumerate(tables)}
    text = {"version": 1, "name": name, "time_zone": zone, "tables": described}
    (folder / "dataset.yaml").write_text(
        yaml.safe_dump(text, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )


def pattern(number: int) -> str:
    """The files of a table, below the dataset's folder."""
    return f"t{number}/*.parquet"


def views(folder: Path, tables: list[Made], prefix: str = "") -> Iterator[str]:
    """DuckDB's statements that show the files as tables."""
    for number, made in enumerate(tables):
        name = '"' + (prefix + made.name).replace('"', '""') + '"'
        yield f"create view {name} as from read_parquet('{folder / pattern(number)}')"
