"""The rows of an answer, and what is known of them."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from air import _air
    from air.engine import Draft

Json = dict[str, Any]

# Rows that a notebook shows.
SHOWN = 20


class Result:
    """Rows that any library takes by the Arrow PyCapsule interface, without a copy.

    `pyarrow.table(result)`, `polars.DataFrame(result)`, `duckdb.from_arrow(pyarrow.table(result))`,
    `pyarrow.table(result).to_pandas()`.
    """

    def __init__(self, rows: _air.Rows, about: Json, ir: Json, draft: Draft | None) -> None:
        self._rows = rows
        self._about = about
        self.ir = ir
        """The IR that was run, as it was given."""
        self.draft = draft
        """How the question was read, where there was one."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as a capsule of an `ArrowArrayStream`."""
        return self._rows.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """Their columns as a capsule of an `ArrowSchema`."""
        return self._rows.__arrow_c_schema__()

    @property
    def num_rows(self) -> int:
        return self._rows.num_rows

    @property
    def num_columns(self) -> int:
        return len(self._rows.column_names)

    @property
    def column_names(self) -> list[str]:
        return self._rows.column_names

    @property
    def columns(self) -> list[Json]:
        """Each column's `name`, `type` in AIR's words, and `role`."""
        return list(self._about["columns"])

    @property
    def nbytes(self) -> int:
        """Bytes that the rows take."""
        return self._rows.nbytes

    @property
    def sql(self) -> list[Json]:
        """What each source was asked: `source`, `dialect`, `sql`, `params`, and the `rows` it gave.

        Files are asked no SQL; for them it tells what was done, in DataFusion's.
        """
        return list(self._about["sql"])

    @property
    def truncated(self) -> bool:
        """Whether there are more rows than the limit let through."""
        return bool(self._about["truncated"])

    @property
    def time_zone(self) -> str:
        """The IANA zone that times are shown and cut in."""
        return str(self._about["time_zone"])

    @property
    def safety_report(self) -> list[Json]:
        """Each rule of the guard, how it came out, and why."""
        return list(self._about["safety_report"])

    @property
    def verdict(self) -> Json:
        """What the rows say of themselves: a `status` and the `checks` that apply.

        The service makes further checks, which need further queries.
        """
        return dict(self._about["verdict"])

    @property
    def warnings(self) -> list[str]:
        """What a reader has to know: notes of planner and guard, and checks that did not pass."""
        notes = [str(note) for note in self._about["notes"]]
        checks = [str(c["message"]) for c in self.verdict["checks"] if c["status"] != "pass"]
        return list(dict.fromkeys(notes + checks))

    def rows(self, most: int = SHOWN) -> list[list[Any]]:
        """The first rows as the service's JSON shows them: decimals, dates and times as text."""
        found: list[list[Any]] = json.loads(self._rows.head(most))
        return found

    def __len__(self) -> int:
        return self.num_rows

    def __repr__(self) -> str:
        more = ", truncated" if self.truncated else ""
        return f"<air.Result of {self.num_rows} rows{more}: {', '.join(self.column_names)}>"

    def _repr_html_(self) -> str:
        """The first rows as a table; every text of the data is escaped."""
        rows = self.rows()
        head = "".join(f"<th>{escape(name)}</th>" for name in self.column_names)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
        said = "".join(f"<li>{escape(line)}</li>" for line in self.warnings)
        read = f"<p>{escape(self.draft.interpretation)}</p>" if self.draft else ""
        more = self.num_rows - len(rows)
        rest = f"<p>{more} more rows.</p>" if more > 0 else ""
        return (
            f"{read}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"{rest}{f'<ul>{said}</ul>' if said else ''}"
        )


def _cell(value: object) -> str:
    if value is None:
        return "<td></td>"
    align = ' style="text-align:right"' if isinstance(value, int | float) else ""
    return f"<td{align}>{escape(str(value))}</td>"
