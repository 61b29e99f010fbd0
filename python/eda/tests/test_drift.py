"""Drift against scipy, and what no fixed bound can do: few rows and many."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import Asking
from scipy import stats

from air_eda import contract
from air_eda.source import Job
from air_eda.worker import answer

RNG = np.random.default_rng(4)


def profiled(asking: Asking, table: pa.Table, **request: object) -> Any:
    return json.loads(asking.text("profile", table, **request))


def against_profile(asking: Asking, new: pa.Table, old: pa.Table) -> contract.EdaDrift:
    return asking.drift(new, previous=profiled(asking, old))


def against_file(folder: Path, new: pa.Table, old: pa.Table) -> contract.EdaDrift:
    pq.write_table(new, folder / "new.parquet")
    pq.write_table(old, folder / "old.parquet")
    body = folder / "body.json"
    body.write_text(json.dumps({"path": "new.parquet", "previous_path": "old.parquet"}))
    job = Job("drift", str(body), "json", str(folder), str(folder), 10**7)
    text = answer(job).model_dump_json(exclude_unset=True)
    return contract.EdaDrift.model_validate_json(text)


def value(column: contract.EdaColumnDrift, name: str) -> float:
    found = column.figures[name].value
    assert isinstance(found, int | float)
    return float(found)


@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("rounded", [False, True])
def test_two_samples(tmp_path: Path, shift: float, rounded: bool) -> None:
    old, new = RNG.normal(size=700), RNG.normal(shift, 1, size=900)
    if rounded:
        old, new = old.round(1), new.round(1)
    (column,) = against_file(tmp_path, pa.table({"x": new}), pa.table({"x": old})).columns
    expected = stats.ks_2samp(new, old, method="asymp")
    assert value(column, "ks") == pytest.approx(expected.statistic)
    assert value(column, "p_value") == pytest.approx(expected.pvalue, abs=1e-12)
    assert column.figures["ks"].exact


@pytest.mark.parametrize("n", [30, 100, 5000])
@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
def test_a_profile_proves_nearly_the_whole_distance(asking: Asking, n: int, shift: float) -> None:
    old, new = RNG.normal(size=n), RNG.normal(shift, 1, size=n)
    (column,) = against_profile(asking, pa.table({"x": new}), pa.table({"x": old})).columns
    whole = stats.ks_2samp(new, old).statistic
    assert whole - 0.03 <= value(column, "ks") <= whole + 1e-12
    assert not column.figures["ks"].exact


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=300),
    st.lists(st.integers(0, 30), min_size=1, max_size=300),
)
def test_what_a_profile_proves_is_never_too_much(
    tmp_path_factory: pytest.TempPathFactory, new: list[int], old: list[int]
) -> None:
    asking = Asking(tmp_path_factory.mktemp("any"))
    found = against_profile(asking, pa.table({"x": new}), pa.table({"x": old}))
    (column,) = found.columns
    assert value(column, "ks") <= stats.ks_2samp(new, old).statistic + 1e-12


def test_categories(asking: Asking) -> None:
    old = RNG.choice(list("abc"), 3000, p=[0.5, 0.3, 0.2])
    new = RNG.choice(list("abc"), 2000, p=[0.3, 0.3, 0.4])
    found = against_profile(asking, pa.table({"g": new}), pa.table({"g": old}))
    (column,) = found.columns
    counts = [[int((side == c).sum()) for c in "abc"] for side in (new, old)]
    chi2, p, _, _ = stats.chi2_contingency(counts, correction=False)
    assert value(column, "chi_square") == pytest.approx(chi2)
    assert value(column, "p_value") == pytest.approx(p, rel=1e-9, abs=1e-300)
    assert value(column, "cramers_v") == pytest.approx(math.sqrt(chi2 / 5000))
    share_new, share_old = np.array(counts[0]) / 2000, np.array(counts[1]) / 3000
    psi = ((share_new - share_old) * np.log(share_new / share_old)).sum()
    assert value(column, "psi") == pytest.approx(psi)
    bound = (1 / 2000 + 1 / 3000) * stats.chi2.ppf(0.99, 2)
    assert value(column, "psi_threshold") == pytest.approx(bound)
    assert column.drifted


def test_new_values_and_the_rest(asking: Asking) -> None:
    old = pa.table({"g": ["a"] * 50 + ["b"] * 50})
    new = pa.table({"g": ["a"] * 50 + ["b"] * 30 + ["c"] * 20})
    (column,) = against_profile(asking, new, old).columns
    assert value(column, "new_share") == pytest.approx(0.2)
    assert column.drifted
    many = pa.table({"g": [f"v{i}" for i in range(5000)]})
    (column,) = against_profile(asking, many, many).columns
    assert column.figures["new_share"].value is None
    assert not column.drifted


@pytest.mark.parametrize("rows", [100, 1000])
def test_the_same_distribution_does_not_drift(asking: Asking, rows: int) -> None:
    """A fixed PSI of 0.1 takes most of these with 100 rows for drift.

    Over all columns of a run one in a hundred is a false alarm: more than two of thirty are not.
    """

    def drawn(generator: np.random.Generator) -> pa.Table:
        return pa.table(
            {
                "x": generator.normal(size=rows),
                "y": generator.lognormal(size=rows),
                "g": generator.choice(list("abcdefgh"), rows),
                "b": generator.random(rows) < 0.3,
                "n": pa.array([None if v < 0.2 else v for v in generator.random(rows)]),
            }
        )

    alarms, above_fixed_bound = 0, 0
    for seed in range(30):
        generator = np.random.default_rng(seed)
        found = against_profile(asking, drawn(generator), drawn(generator))
        assert len(found.columns) == 5
        alarms += bool(found.findings)
        above_fixed_bound += any(value(c, "psi") > 0.1 for c in found.columns)
    assert alarms <= 2
    assert (above_fixed_bound > 20) == (rows == 100)


def test_many_rows_do_not_make_nothing_large(tmp_path: Path) -> None:
    """A shift of a hundredth of the deviation is significant here, and still negligible."""
    old, new = RNG.normal(size=400_000), RNG.normal(0.02, 1, size=400_000)
    (column,) = against_file(tmp_path, pa.table({"x": new}), pa.table({"x": old})).columns
    assert value(column, "p_value") < 1e-6
    assert not column.drifted
    assert column.effect == "negligible"


def test_missing_values(asking: Asking) -> None:
    values = RNG.normal(size=1000)
    old = pa.table({"x": values})
    new = pa.table({"x": pa.array([None if i % 4 == 0 else v for i, v in enumerate(values)])})
    found = against_profile(asking, new, old)
    (column,) = found.columns
    assert column.drifted
    h = 2 * math.asin(math.sqrt(0.25))
    assert value(column, "cohens_h") == pytest.approx(h)
    chi2 = stats.chi2_contingency([[250, 750], [0, 1000]], correction=False)
    assert value(column, "null_p") == pytest.approx(chi2.pvalue, abs=1e-300)
    assert "missing values went from 0% to 25%" in found.findings[0].message


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_values_that_are_no_numbers_any_more(asking: Asking, odd: float) -> None:
    values = RNG.normal(size=1000)
    old = pa.table({"x": values})
    for every, kept in ((4, 750), (1, 0)):
        there = [odd if i % every == 0 else v for i, v in enumerate(values)]
        found = against_profile(asking, pa.table({"x": there}), old)
        (column,) = found.columns
        assert column.drifted
        h = 2 * math.asin(math.sqrt((1000 - kept) / 1000))
        assert value(column, "not_finite_h") == pytest.approx(h)
        chi2 = stats.chi2_contingency([[1000 - kept, kept], [0, 1000]], correction=False)
        assert value(column, "not_finite_p") == pytest.approx(chi2.pvalue, abs=1e-300)
        (told,) = found.findings
        assert f"values without a number went from 0% to {100 - kept / 10:.0f}%" in told.message
        # Of the figures of a column, that one which says how it changed.
        assert told.effect is not None
        assert (told.effect.name, told.effect.size) == ("not_finite_h", column.effect)
    assert "not_finite_h" not in against_profile(asking, old, old).columns[0].figures


def test_times_that_a_profile_cannot_say_are_not_called_the_same(asking: Asking) -> None:
    """The years beyond 9999 have no form that is read again."""
    old, new = (
        pa.table({"at": pa.array(range(first, first + 100), pa.date32())})
        for first in (4_000_000, 5_000_000)
    )
    found = against_profile(asking, new, old)
    assert not found.columns
    assert [s.column for s in found.skipped] == ["at"]


def test_columns_that_came_went_and_changed(asking: Asking) -> None:
    old = pa.table({"kept": [1, 2], "gone": [1, 2], "other": [1, 2], "wider": [1, 2]})
    new = pa.table({"kept": [1, 2], "came": [1, 2], "other": ["a", "b"], "wider": [1.5, 2.0]})
    found = against_profile(asking, new, old)
    assert (found.added, found.removed, found.retyped) == (["came"], ["gone"], ["other"])
    assert [c.name for c in found.columns] == ["kept", "wider"]


def test_times_decimals_and_huge_integers(asking: Asking, tmp_path: Path) -> None:
    n, base = 400, 2**62
    start = datetime(2024, 1, 1, tzinfo=UTC)

    def drawn(shift: int) -> pa.Table:
        steps = RNG.integers(0, 100, n) + shift
        return pa.table(
            {
                "day": [date(2024, 1, 1) + timedelta(days=int(s)) for s in steps],
                "at": pa.array([start + timedelta(hours=int(s)) for s in steps]),
                "nano": pa.array([int(s) for s in steps], pa.timestamp("ns")),
                "span": [timedelta(seconds=int(s)) for s in steps],
                "money": [Decimal(int(s)) / 100 for s in steps],
                "huge": [base + int(s) for s in steps],
                "struct": [{"m": float(s)} for s in steps],
            }
        )

    old = drawn(0)
    for found in (
        against_profile(asking, drawn(50), old),
        against_file(tmp_path, drawn(50), old),
    ):
        drifted = {c.name: c.drifted for c in found.columns}
        names = ("day", "at", "nano", "span", "money", "huge", "struct.m")
        assert {name: drifted.get(name) for name in names} == dict.fromkeys(names, True)
    same = against_profile(asking, drawn(0), old)
    assert not any(c.drifted for c in same.columns)


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(asking: Asking, rows: int) -> None:
    table = pa.table({"x": [1.0], "g": ["a"], "n": pa.nulls(1), "b": [True]})
    found = against_profile(asking, table.slice(0, rows), table)
    assert not any(c.drifted for c in found.columns)
    found = against_profile(asking, table, table.slice(0, rows))
    assert not any(c.drifted for c in found.columns)


def test_a_profile_that_someone_changed(asking: Asking) -> None:
    table = pa.table({"x": RNG.normal(size=50), "g": ["a", "b"] * 25})
    whole = profiled(asking, table)
    x = whole["columns"][0]
    for name, member, values in (
        ("quantiles", "values", [3.0, 2.0]),
        ("quantiles", "values", ["x"] * 101),
        ("quantiles", "probabilities", [0.5] * 101),
        ("quantiles", "probabilities", []),
        ("histogram", "edges", [1.0]),
        ("histogram", "counts", [0] * 20),
        ("histogram", "counts", []),
    ):
        changed = {**x, name: {**x[name], member: values}}
        previous = {**whole, "columns": [changed, whole["columns"][1]]}
        found = asking.drift(table, previous=previous)
        assert not any(c.drifted for c in found.columns), (name, member)


def test_one_of_profile_and_path(asking: Asking) -> None:
    for request in ({}, {"previous": profiled(asking, pa.table({"x": [1]})), "previous_path": "x"}):
        with pytest.raises(Exception, match="Give one of"):
            asking.drift(pa.table({"x": [1]}), **request)
