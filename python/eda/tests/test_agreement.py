"""Every measure of a profile on every awkward column, against what others make of it.

`edge.py` has the columns and `reference.py` the expectation. The names of the figures are compared
too, so that none is there which nothing else computes. README.md has the table of all measures.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import reference
from edge import COLUMNS
from measuring import Asking

from air_eda import contract
from air_eda.source import Job
from air_eda.worker import answer

COUNTED = ("nulls", "nan", "infinite", "zeros", "negative", "distinct", "unique", "span_steps")
LINES = ("integer", "float", "decimal", "date", "timestamp", "time", "duration")
STEPS = {"date": 86_400 * 10**9, "timestamp": 1000, "time": 1, "duration": 1000}


def python(name: str) -> list[Any]:
    column = COLUMNS[name]
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return [None if v is None else pd.Timestamp(v) for v in column.cast(pa.int64()).to_pylist()]
    return list(column.to_pylist())


def close(found: Any, expected: Any, tolerance: Fraction | int) -> bool:
    """Fractions stay fractions: nothing is lost by comparing."""
    if expected is None or isinstance(expected, str):
        return bool(found == expected)
    off = abs(Fraction(found) - Fraction(expected))
    return off <= abs(Fraction(expected)) * Fraction(1, 10**9) + tolerance


@pytest.mark.parametrize("name", COLUMNS)
def test_figures(asking: Asking, name: str) -> None:
    column = asking.column(pa.table({"x": COLUMNS[name]}), "x")
    expected = reference.figures(column.type, python(name))
    assert set(column.figures) == set(expected)
    # One step of the type, in nanoseconds: what a mean or a quantile between two is cut to.
    unit = 1 if name == "moment_nano" else STEPS.get(column.type, 0)
    for key, value in expected.items():
        found = column.figures[key].value
        if column.type in STEPS and key not in (*COUNTED, "null_share", "order"):
            assert close(reference.shown(found, column), value, unit), key
        elif key == "span_steps":
            assert Fraction(str(found)) * unit == value, key
        elif key in COUNTED:
            assert found == value, key
        elif found in ("Infinity", "-Infinity"):
            # A sum of doubles that no double holds.
            assert abs(value) > sys.float_info.max, key
        elif found is not None and not isinstance(value, str | type(None)):
            assert close(Fraction(str(found)), value, rounding(key, expected)), (key, found)
        else:
            assert found == value, key
        assert column.figures[key].exact


def rounding(key: str, expected: dict[str, Any]) -> Fraction:
    """What doubles of this size leave of a difference between them."""
    if key in ("skewness", "kurtosis"):
        return Fraction(1, 10**6)
    if key in ("sum", "mean") and "max" in expected:
        return Fraction(max(abs(expected["max"]), abs(expected["min"]))) * Fraction(1, 10**15)
    return Fraction(expected.get("std") or 0) * Fraction(1, 10**9)


@pytest.mark.parametrize("name", COLUMNS)
def test_quantiles_and_histogram(asking: Asking, name: str) -> None:
    column = asking.column(pa.table({"x": COLUMNS[name]}), "x", histogram_bins=7)
    there = [v for v in python(name) if v is not None]
    finite = [v for v in there if not isinstance(v, float) or math.isfinite(v)]
    if column.type not in LINES or not finite:
        assert (column.quantiles, column.histogram) == (None, None)
        return
    assert column.quantiles is not None
    assert column.histogram is not None
    exact = [reference.exact(v) for v in finite]
    expected = reference.quantiles(exact, column.quantiles.probabilities)
    for found, value in zip(column.quantiles.values, expected, strict=True):
        step = STEPS.get(column.type, 0)
        spread = (max(exact) - min(exact)) * Fraction(1, 10**12)
        assert close(reference.shown(found, column), value, step + spread)
    if column.type in ("integer", "float", "decimal"):
        edges = [reference.shown(e, column) for e in column.histogram.edges]
        assert column.histogram.counts == counted(exact, edges)
        assert (edges[0], edges[-1] >= max(exact)) == (min(exact), True)
    assert sum(column.histogram.counts) == column.histogram.n_used == len(finite)


def counted(values: list[Fraction], edges: list[Fraction]) -> list[int]:
    """As numpy's histogram counts: the last bin has its upper edge too."""
    if len(edges) == 2:
        return [len(values)]
    places = np.array([sum(v >= e for e in edges[1:-1]) for v in values])
    return [int(n) for n in np.bincount(places, minlength=len(edges) - 1)]


@pytest.mark.parametrize("name", COLUMNS)
def test_frequent_values(asking: Asking, name: str) -> None:
    column = asking.column(pa.table({"x": COLUMNS[name]}), "x", top_values=5)
    there = [v for v in python(name) if v is not None]
    if column.type in ("list", "binary") or not there:
        assert column.top_values is None
        return
    counts = Counter(reference.key(v) for v in there)
    assert column.top_values is not None
    items = column.top_values.items
    assert [i.count for i in items] == [n for _, n in counts.most_common(5)]
    assert column.top_values.others == len(there) - sum(i.count for i in items)
    assert [i.share for i in items] == [i.count / len(there) for i in items]
    if column.type == "text":
        # Equal ones by code points.
        best = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))[:5]
        assert [(i.value, i.count) for i in items] == best
    elif column.type == "integer":
        assert all(counts[int(str(i.value))] == i.count for i in items)


@pytest.mark.parametrize("name", [n for n, c in COLUMNS.items() if pa.types.is_string(c.type)])
def test_patterns(asking: Asking, name: str) -> None:
    column = asking.column(pa.table({"x": COLUMNS[name]}), "x", top_values=100)
    there = [v for v in python(name) if v is not None]
    if not there:
        assert column.patterns is None
        return
    assert column.patterns is not None
    expected = Counter(reference.pattern(v) for v in there)
    found = {str(i.value): i.count for i in column.patterns.items}
    if column.patterns.exact:
        assert found == expected
    else:
        # Of a sample, which says so: nothing that is not there.
        assert set(found) <= set(expected)
        assert column.patterns.n_used == sum(found.values()) < len(there)


def by_file(folder: Path, table: Any, **options: Any) -> contract.EdaProfile:
    """By a Parquet file of several row groups, each with a dictionary of its own."""
    pq.write_table(table, folder / "t.parquet", **options)
    body = folder / "body.json"
    body.write_text(json.dumps({"path": "t.parquet"}))
    job = Job("profile", str(body), "json", str(folder), str(folder), 10**7)
    text = answer(job).model_dump_json(exclude_unset=True)
    return contract.EdaProfile.model_validate_json(text)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_file_gives_what_a_stream_gives(asking: Asking, tmp_path: Path, name: str) -> None:
    table = pa.table({"x": COLUMNS[name]})
    size = max(1, table.num_rows // 3)
    found = by_file(tmp_path, table, row_group_size=size)
    expected = asking.profile(table)
    # Parquet calls the items of a list otherwise.
    same = {"arrow_type": expected.columns[0].arrow_type}
    found.columns[0] = found.columns[0].model_copy(update=same)
    assert found == expected


def test_dictionaries_that_repeat_and_hold_more(asking: Asking) -> None:
    """A dictionary may hold a text twice, and texts of no row."""
    codes = pa.array([0, 1, None, 2, 0] * 8, pa.int32())
    coded = pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b", "a", "no row"]))
    plain = pa.array([None if v is None else v.as_py() for v in coded])
    found = asking.profile(pa.table({"x": coded})).columns[0]
    expected = asking.profile(pa.table({"x": plain})).columns[0]
    assert found.model_copy(update={"arrow_type": "string"}) == expected
    assert found.figures["distinct"].value == 2
    both = pa.table({"x": coded, "y": [1, 1, 1, 1, 1] * 8})
    frame = pd.DataFrame({"x": plain.to_pylist(), "y": 1})
    assert asking.profile(both).duplicate_rows.value == int(frame.duplicated().sum())


@pytest.mark.parametrize("rows", [1, 30, 3000])
def test_duplicate_rows(asking: Asking, tmp_path: Path, rows: int) -> None:
    generator = np.random.default_rng(rows)
    few = {
        "t": generator.choice(np.array(["a", "名", None], object), rows),
        "x": generator.choice(np.array([1.5, math.nan, None, 0.0, -0.0], object), rows),
        "n": generator.integers(0, 3, rows),
    }
    frame = pd.DataFrame({"t": few["t"], "n": few["n"]})
    table = pa.Table.from_pandas(frame, preserve_index=False)
    expected = int(frame.duplicated().sum())
    assert asking.profile(table).duplicate_rows.value == expected
    assert by_file(tmp_path, table, row_group_size=500).duplicate_rows.value == expected
    wild = table.append_column("x", pa.array(few["x"].tolist(), pa.float64()))
    # pandas has no null beside NaN.
    clean = [reference.key(v) for v in few["x"]]
    different = set(zip(few["t"], few["n"].tolist(), clean, strict=True))
    assert asking.profile(wild).duplicate_rows.value == rows - len(different)
