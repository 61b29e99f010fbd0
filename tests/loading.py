"""The same data into every engine, from the same files.

In: a dataset (a folder with `dataset.yaml`, whose tables are also views of one DuckDB connection)
and running servers. Out: databases whose tables have the dataset's types, keys, comments and
indexes, filled by each server's own bulk loader. A foreign key that some rows break, as the sample
data has, is there all the same, as a careless owner of a database would have it.

What an engine cannot hold is decided here and nowhere else:
- MariaDB has no NaN and no infinities; such a value is null there.
- MariaDB's TIMESTAMP begins in 1970; a column of instants with earlier ones is a DATETIME in UTC.
- A column whose dataset.yaml says `timestamp` holds the clock of the dataset's zone everywhere,
  also where the view shows instants.
- PostgreSQL has no unsigned integers; the next wider signed type takes them, or numeric(20,0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml
from servers import READER, MariaDb, Postgres

STAND_IN = Path(__file__).resolve().parent.parent / "deploy/init/timescaledb_stand_in.sql"
INSTANT = "TIMESTAMP WITH TIME ZONE"
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
# The longest text that MariaDB takes as VARCHAR here, so that it may be a key.
KEY_LENGTH = 190

POSTGRES_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    INSTANT: "timestamptz",
    "BLOB": "bytea",
    "UUID": "uuid",
}
MARIADB_TYPES = {
    "BOOLEAN": "tinyint(1)",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "UTINYINT": "tinyint unsigned",
    "USMALLINT": "smallint unsigned",
    "UINTEGER": "int unsigned",
    "UBIGINT": "bigint unsigned",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "TIME": "time(6)",
    "TIMESTAMP": "datetime(6)",
    "BLOB": "longblob",
    "UUID": "uuid",
}


@dataclass(frozen=True)
class Column:
    name: str
    # As DuckDB calls it.
    kind: str
    # As dataset.yaml calls it, where it does: json and uuid are text for DuckDB.
    declared: str | None = None
    nullable: bool = True
    comment: str | None = None
    # The zone whose clock the databases hold, where the view shows instants.
    clock: str | None = None

    @property
    def stored(self) -> str:
        """SQL for the value as the databases hold it, and its kind."""
        name = quoted(self.name)
        return f"timezone({postgres_literal(self.clock)}, {name})" if self.clock else name


@dataclass(frozen=True)
class ForeignKey:
    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    time_column: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Dataset:
    """What `dataset.yaml` says, with the types of the views."""

    name: str
    folder: Path
    time_zone: str | None
    tables: tuple[Table, ...] = field(default=())

    def edits(self) -> dict[str, Any]:
        """What no database says of itself, as `PATCH /v1/catalog` takes it."""
        times = {t.name: {"time_column": t.time_column} for t in self.tables if t.time_column}
        zone = {"time_zone": self.time_zone} if self.time_zone else {}
        return {**zone, **({"tables": times} if times else {})}


def read_dataset(folder: Path, views: duckdb.DuckDBPyConnection, prefix: str = "") -> Dataset:
    """Reads `dataset.yaml`; the view of a table is called as the table, after `prefix`."""
    text = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))
    tables = tuple(
        read_table(name, stated, views, prefix, text.get("time_zone"))
        for name, stated in text["tables"].items()
    )
    return Dataset(text["name"], folder, text.get("time_zone"), tables)


def read_table(
    name: str,
    stated: dict[str, Any],
    views: duckdb.DuckDBPyConnection,
    prefix: str,
    zone: str | None,
) -> Table:
    said = stated.get("columns", {})
    described = views.execute(f"describe {quoted(prefix + name)}").fetchall()
    columns = tuple(
        Column(
            column,
            kind,
            said.get(column, {}).get("type"),
            said.get(column, {}).get("nullable", True),
            said.get(column, {}).get("description"),
            zone if kind == INSTANT and said.get(column, {}).get("type") == "timestamp" else None,
        )
        for column, kind, *_ in described
    )
    keys = tuple(
        ForeignKey(
            tuple(key["columns"]), key["references"]["table"], tuple(key["references"]["columns"])
        )
        for key in stated.get("foreign_keys", [])
    )
    primary = tuple(stated.get("primary_key", []))
    comment = stated.get("description")
    return Table(name, columns, primary, keys, stated.get("time_column"), comment)


def quoted(name: str, quote: str = '"') -> str:
    return quote + name.replace(quote, quote * 2) + quote


def names(columns: tuple[str, ...], quote: str = '"') -> str:
    return ", ".join(quoted(column, quote) for column in columns)


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Loader:
    """Loads one dataset from its views into databases."""

    def __init__(
        self,
        dataset: Dataset,
        views: duckdb.DuckDBPyConnection,
        scratch: Path,
        prefix: str = "",
    ) -> None:
        self.dataset = dataset
        self.views = views
        self.scratch = scratch
        self.prefix = prefix

    def view(self, table: str) -> str:
        return quoted(self.prefix + table)

    def one(self, sql: str) -> Any:
        found = self.views.execute(sql).fetchone()
        assert found is not None
        return found[0]

    # ------------------------------------------------------------------------- PostgreSQL

    def into_postgres(self, server: Postgres, database: str) -> None:
        server.sql("postgres", f"create database {quoted(database)}")
        lines = ["set client_min_messages = warning;", "begin;"]
        for table in self.dataset.tables:
            lines += self.postgres_table(table)
        for table in self.dataset.tables:
            lines += self.postgres_keys(table)
        lines += ["commit;", f"grant select on all tables in schema public to {READER};"]
        lines += ["analyze;"]
        server.sql(database, "\n".join(lines))

    def postgres_table(self, table: Table) -> list[str]:
        target = quoted(table.name)
        parts = [self.postgres_column(column) for column in table.columns]
        if table.primary_key:
            parts.append(f"primary key ({names(table.primary_key)})")
        lines = [f"create table {target} ({', '.join(parts)});"]
        if table.comment:
            lines.append(f"comment on table {target} is {postgres_literal(table.comment)};")
        for column in table.columns:
            if column.comment:
                place = f"{target}.{quoted(column.name)}"
                lines.append(f"comment on column {place} is {postgres_literal(column.comment)};")
        file = self.csv(table, "postgres", [postgres_value(c) for c in table.columns], "\\N")
        # psql reads the file itself, so the server needs no right to it.
        lines.append(
            f"\\copy {target} from {psql_path(file)} with (format csv, null '\\N', encoding 'UTF8')"
        )
        return lines

    def postgres_column(self, column: Column) -> str:
        kind = column.declared if column.declared in ("json", "uuid") else None
        if column.clock:
            kind = "timestamp"
        kind = kind or POSTGRES_TYPES.get(column.kind) or column.kind.lower()
        return f"{quoted(column.name)} {kind}{'' if column.nullable else ' not null'}"

    def postgres_keys(self, table: Table) -> list[str]:
        lines = []
        target = quoted(table.name)
        for number, key in enumerate(table.foreign_keys):
            name = quoted(f"key_{number}_of_{table.name}"[:60])
            lines.append(f"create index on {target} ({names(key.columns)});")
            rule = f"foreign key ({names(key.columns)})"
            rule += f" references {quoted(key.table)} ({names(key.references)})"
            held = "" if self.is_held(table, key) else " not valid"
            lines.append(f"alter table {target} add constraint {name} {rule}{held};")
        if table.time_column:
            lines.append(f"create index on {target} ({quoted(table.time_column)});")
        return lines

    def is_held(self, table: Table, key: ForeignKey) -> bool:
        """Whether every row's key has a partner."""
        whole = " and ".join(f"c.{quoted(c)} is not null" for c in key.columns)
        equal = " and ".join(
            f"c.{quoted(a)} = p.{quoted(b)}"
            for a, b in zip(key.columns, key.references, strict=True)
        )
        child, parent = self.view(table.name), self.view(key.table)
        orphans = f"select count(*) from {child} c where {whole} and not exists"
        return bool(self.one(f"{orphans} (from {parent} p where {equal})") == 0)

    def into_timescaledb(self, server: Postgres, postgres: str, database: str) -> None:
        """A copy of a loaded database with the stand-in, each table with a time a hypertable."""
        server.sql("postgres", f"create database {quoted(database)} template {quoted(postgres)}")
        lines = [STAND_IN.read_text(encoding="utf-8")]
        for table in self.dataset.tables:
            # A unique key of a hypertable must hold its time.
            if table.time_column and table.time_column in table.primary_key:
                relation = literal(quoted(table.name))
                lines.append(f"select create_hypertable({relation}, {literal(table.time_column)});")
        server.sql(database, "\n".join(lines))

    # ---------------------------------------------------------------------------- MariaDB

    def into_mariadb(self, server: MariaDb, database: str) -> None:
        lines = [
            "set time_zone = '+00:00';",
            "set foreign_key_checks = 0;",
            "set unique_checks = 0;",
        ]
        lines += [f"create database {quoted(database, '`')};", f"use {quoted(database, '`')};"]
        exact = self.exact_keys()
        for table in self.dataset.tables:
            lines += self.mariadb_table(table, exact)
        lines.append(f"grant select on {quoted(database, '`')}.* to '{READER}'@'127.0.0.1';")
        server.sql(None, "\n".join(lines))
        self.check_mariadb(server, database)

    def check_mariadb(self, server: MariaDb, database: str) -> None:
        """`LOAD DATA` leaves out what it takes for a duplicate, with no more than a warning."""
        for table in self.dataset.tables:
            loaded = int(server.sql(database, f"select count(*) from {quoted(table.name, '`')}"))
            wanted = self.one(f"select count(*) from {self.view(table.name)}")
            assert loaded == wanted, f"{database}.{table.name}: {loaded} rows of {wanted}"

    def mariadb_table(self, table: Table, exact: set[tuple[str, str]]) -> list[str]:
        target = quoted(table.name, "`")
        parts = [self.mariadb_column(table, column, exact) for column in table.columns]
        if table.primary_key:
            parts.append(f"primary key ({names(table.primary_key, '`')})")
        for number, key in enumerate(table.foreign_keys):
            name = quoted(f"key_{number}_of_{table.name}"[:60], "`")
            rule = f"foreign key ({names(key.columns, '`')}) references {quoted(key.table, '`')}"
            parts.append(f"constraint {name} {rule} ({names(key.references, '`')})")
        if table.time_column:
            parts.append(f"index ({quoted(table.time_column, '`')})")
        comment = f" comment={literal(table.comment)}" if table.comment else ""
        values = [mariadb_value(column) for column in table.columns]
        file = self.csv(table, "mariadb", values, "NULL")
        return [
            f"create table {target} ({', '.join(parts)}) engine=InnoDB{comment};",
            f"load data local infile {literal(str(file))} into table {target} "
            "character set utf8mb4 fields terminated by ',' enclosed by '\"' escaped by '' "
            f"lines terminated by '\\n' {self.mariadb_targets(table)};",
            f"analyze table {target};",
        ]

    def mariadb_targets(self, table: Table) -> str:
        """Where each field goes; binary values come as hexadecimal digits."""
        binary = [c.name for c in table.columns if c.kind == "BLOB"]
        if not binary:
            return ""
        fields = [
            f"@b{n}" if c.kind == "BLOB" else quoted(c.name, "`")
            for n, c in enumerate(table.columns)
        ]
        sets = [
            f"{quoted(c.name, '`')} = unhex(@b{n})"
            for n, c in enumerate(table.columns)
            if c.kind == "BLOB"
        ]
        return f"({', '.join(fields)}) set {', '.join(sets)}"

    def mariadb_column(self, table: Table, column: Column, exact: set[tuple[str, str]]) -> str:
        kind = self.mariadb_kind(table, column)
        if (table.name, column.name) in exact:
            kind += " collate utf8mb4_nopad_bin"
        null = "null" if column.nullable else "not null"
        comment = f" comment {literal(column.comment)}" if column.comment else ""
        # An explicit default keeps TIMESTAMP from updating itself.
        default = " default null" if column.nullable else ""
        return f"{quoted(column.name, '`')} {kind} {null}{default}{comment}"

    def mariadb_kind(self, table: Table, column: Column) -> str:
        if column.declared in ("json", "uuid"):
            return column.declared
        if column.clock:
            return "datetime(6)"
        if column.kind == INSTANT:
            return "datetime(6)" if self.is_early(table, column) else "timestamp(6)"
        if column.kind == "VARCHAR":
            view = self.view(table.name)
            longest = self.one(
                f"select coalesce(max(length({quoted(column.name)})), 0) from {view}"
            )
            return f"varchar({KEY_LENGTH})" if longest <= KEY_LENGTH else "longtext"
        return MARIADB_TYPES.get(column.kind) or column.kind.lower()

    def is_early(self, table: Table, column: Column) -> bool:
        """Whether MariaDB's TIMESTAMP cannot hold an instant of the column."""
        name, view = quoted(column.name), self.view(table.name)
        outside = f"{name} < '1970-01-02 00:00:00+00' or {name} >= '2038-01-01 00:00:00+00'"
        early = bool(self.one(f"select count(*) from {view} where {outside}"))
        if early and self.dataset.time_zone not in (None, "UTC"):
            raise AssertionError(
                f"{table.name}.{column.name}: early instants need a dataset in UTC"
            )
        return early

    def exact_keys(self) -> set[tuple[str, str]]:
        """Text keys whose values the default collation would take for one another, and what
        refers to them: both ends of a foreign key have one collation."""
        exact = set()
        for table in self.dataset.tables:
            texts = [c.name for c in table.columns if c.kind == "VARCHAR"]
            for name in [c for c in table.primary_key if c in texts]:
                # Up and down again, so that a dotless i is one of the i's.
                folded = f"lower(upper(strip_accents(rtrim({quoted(name)}))))"
                counts = f"count(distinct {quoted(name)}), count(distinct {folded})"
                found = self.views.execute(f"select {counts} from {self.view(table.name)}")
                all_values, told_apart = found.fetchone() or (0, 0)
                if all_values != told_apart:
                    exact.add((table.name, name))
        for table in self.dataset.tables:
            for key in table.foreign_keys:
                for ours, theirs in zip(key.columns, key.references, strict=True):
                    if (key.table, theirs) in exact:
                        exact.add((table.name, ours))
        return exact

    # -------------------------------------------------------------------------------- CSV

    def csv(self, table: Table, engine: str, values: list[str], null: str) -> Path:
        """A table's rows as CSV; text that looks like the null word is in quotes."""
        folder = self.scratch / f"{self.dataset.name}-{engine}"
        folder.mkdir(exist_ok=True)
        file = folder / f"{self.dataset.tables.index(table)}.csv"
        rows = f"select {', '.join(values)} from {self.view(table.name)}"
        texts = [n for n, c in enumerate(table.columns) if c.kind == "VARCHAR"]
        # Every text is quoted, so that an empty one is told from null.
        quote = ", ".join(f"c{n}" for n in texts)
        columns = ", ".join(f"c{n}" for n in range(len(values)))
        force = f", force_quote ({quote})" if quote else ""
        self.views.execute(
            f"copy (select * from ({rows}) as t({columns})) to '{file}' "
            f"(format csv, header false, nullstr '{null}'{force})"
        )
        return file


def postgres_value(column: Column) -> str:
    if column.kind == "BLOB":
        return f"'\\x' || hex({quoted(column.name)})"
    return column.stored


def mariadb_value(column: Column) -> str:
    name = quoted(column.name)
    if column.clock:
        return column.stored
    match column.kind:
        case "BOOLEAN":
            return f"{name}::tinyint"
        case kind if kind == INSTANT:
            return f"timezone('UTC', {name})"
        case "FLOAT" | "DOUBLE":
            return f"case when isfinite({name}) then {name} end"
        case "BLOB":
            return f"hex({name})"
        case _:
            return name


def postgres_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def psql_path(file: Path) -> str:
    return "'" + str(file).replace("'", "''") + "'"
