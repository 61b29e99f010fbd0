"""Questions: read, asked back, never guessed; and what a notebook shows of an answer."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

import air

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = yaml.safe_load((ROOT / "data/sample/golden.yaml").read_text(encoding="utf-8"))
NOW = GOLDEN["now"]


@pytest.fixture(scope="module")
def flights() -> air.Engine:
    made = air.Engine(time_filter="off")
    made.register_files("flights", ROOT / "data" / "sample")
    made.learn("flights")
    return made


def plain(kind: str) -> list[dict[str, Any]]:
    """Golden questions of a difficulty that follow no other."""
    found = [q for q in GOLDEN["questions"] if q["difficulty"] == kind and "follows" not in q]
    return [q for q in found if "ir" in q]


@pytest.mark.parametrize("golden", plain("easy")[:12], ids=lambda golden: golden["id"])
def test_a_question_gets_the_rows_of_its_meaning(
    flights: air.Engine, golden: dict[str, Any]
) -> None:
    result = flights.ask(golden["question"], "flights", now=NOW)
    wanted = [golden["ir"], *golden.get("or", [])]
    found = sorted(map(repr, result.rows(result.num_rows)))
    assert found in [
        sorted(map(repr, one.rows(one.num_rows)))
        for one in (flights.run(ir, "flights", now=NOW) for ir in wanted)
    ]
    assert result.draft is not None
    assert result.draft.interpretation
    assert result.ir == result.draft.ir


def test_readings_that_differ_are_asked_back(flights: air.Engine) -> None:
    with pytest.raises(air.ClarificationNeeded) as info:
        flights.ask("average delay by carrier code", "flights", now=NOW)
    needed = info.value
    assert needed.code == "clarify"
    (question,) = needed.questions
    values = [choice["value"] for choice in question["choices"]]
    assert question["recommended"] in values
    chosen = next(value for value in values if "arr_delay" in value)
    answered = flights.ask(
        "average delay by carrier code", "flights", answers={question["id"]: chosen}, now=NOW
    )
    assert "arr_delay" in repr(answered.ir)


def test_a_follow_up_changes_what_was_asked(flights: air.Engine) -> None:
    first = flights.ask("number of flights per origin", "flights", now=NOW)
    second = flights.ask("only in March 2013", "flights", previous=first, now=NOW)
    assert first.num_rows == second.num_rows == 3
    assert second.rows() != first.rows()
    assert flights.interpret("only in March 2013", "flights", previous=first.ir, now=NOW)


def test_an_answer_says_what_is_known_of_it(flights: air.Engine) -> None:
    result = flights.ask("number of flights per origin", "flights", now=NOW)
    assert len(result) == result.num_rows == 3
    assert result.num_columns == 2
    assert [column["role"] for column in result.columns] == ["dimension", "measure"]
    assert result.time_zone == "America/New_York"
    assert result.verdict["status"] in ("pass", "warn")
    assert {rule["outcome"] for rule in result.safety_report} <= {"ok", "warned", "injected"}
    assert repr(result) == f"<air.Result of 3 rows: {', '.join(result.column_names)}>"
    (told,) = result.sql
    assert told["source"] == "flights"
    assert "count" in told["sql"].lower()


def test_what_is_cut_off_is_told(flights: air.Engine) -> None:
    ir = {"entities": ["flights"], "dimensions": ["dest"], "limit": 5}
    result = flights.run(ir, "flights")
    assert result.truncated
    assert "truncated" in repr(result)
    assert result.warnings


def test_a_notebook_shows_a_table_without_markup_of_the_data(tmp_path: Path) -> None:
    many = "".join(f"r{i},{i}\n" for i in range(30))
    text = f"name,n\n<script>alert(1)</script>,1\nb & c,\n{many}"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    engine = air.Engine(threads=1)
    engine.register_files("t", tmp_path)
    engine.learn("t")
    html = engine.run({"entities": ["t"], "dimensions": ["name", "n"]}, "t")._repr_html_()
    assert "<th>name</th><th>n</th>" in html
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "b &amp; c" in html
    assert html.count("<tr>") == 1 + 20
    assert "12 more rows." in html


def test_the_packaged_sample_is_learned() -> None:
    engine = air.Engine()
    engine.register_files("sample", Path(str(files("air") / "sample")))
    assert engine.learn("sample")["tables"] == 3
