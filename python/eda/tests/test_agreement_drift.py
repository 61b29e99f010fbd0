"""Drift on awkward columns against scipy and statsmodels; inference and rules against pandas."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
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
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_effectsize
from test_agreement import python

from air_eda import contract
from air_eda.source import Job
from air_eda.worker import answer

RNG = np.random.default_rng(77)
N, M = 400, 300
NEW, OLD = RNG.integers(20, 120, N), RNG.integers(0, 100, M)


def floats(steps: np.ndarray) -> list[float | None]:
    values: list[float | None] = [float(s) for s in steps]
    values[::9], values[1::9] = [math.nan] * len(values[::9]), [None] * len(values[1::9])
    values[2::9] = [-math.inf] * len(values[2::9])
    return values


MAKERS: dict[str, Any] = {
    "plain": lambda s: pa.array(s),
    "wild": lambda s: pa.array(floats(s), pa.float64()),
    "huge": lambda s: pa.array([2**63 - 1 - int(v) for v in s]),
    "unsigned": lambda s: pa.array([2**64 - 1 - int(v) for v in s], pa.uint64()),
    "money": lambda s: pa.array([Decimal(int(v)) / 100 for v in s], pa.decimal128(38, 2)),
    "day": lambda s: pa.array([date(2024, 1, 1) + timedelta(days=int(v)) for v in s]),
    "at": lambda s: pa.array([datetime(2024, 1, 1, int(v) % 24, tzinfo=UTC) for v in s]),
    "nano": lambda s: pa.array(s.astype(np.int64) + 10**18, pa.timestamp("ns")),
    "span": lambda s: pa.array(s.astype(np.int64), pa.duration("us")),
    "many": lambda s: pa.array(s + RNG.random(len(s))),
    "one value": lambda s: pa.array([1.5] * len(s)),
}


def of_files(folder: Path, new: Any, old: Any, **request: object) -> contract.EdaDrift:
    pq.write_table(new, folder / "new.parquet")
    pq.write_table(old, folder / "old.parquet")
    body = folder / "body.json"
    asked = {"path": "new.parquet", "previous_path": "old.parquet", **request}
    body.write_text(json.dumps(asked))
    job = Job("drift", str(body), "json", str(folder), str(folder), 10**7)
    text = answer(job).model_dump_json(exclude_unset=True)
    return contract.EdaDrift.model_validate_json(text)


def finite(column: Any) -> list[Any]:
    """Numbers that scipy can order: whole ones exactly, as ranks."""
    unit = column.type
    if pa.types.is_date32(unit):
        column = column.cast(pa.int32())
    elif pa.types.is_temporal(unit):
        column = column.cast(pa.int64())
    return [v for v in column.to_pylist() if v is not None and math.isfinite(v)]


def ranks(new: list[Any], old: list[Any]) -> tuple[list[int], list[int]]:
    places = {v: i for i, v in enumerate(sorted({*new, *old}))}
    return [places[v] for v in new], [places[v] for v in old]


@pytest.mark.parametrize("name", MAKERS)
def test_numbers(asking: Asking, tmp_path: Path, name: str) -> None:
    new, old = MAKERS[name](NEW), MAKERS[name](OLD)
    (column,) = of_files(tmp_path, pa.table({"x": new}), pa.table({"x": old})).columns
    found = {k: f.value for k, f in column.figures.items()}
    a, b = ranks(finite(new), finite(old))
    expected = stats.ks_2samp(a, b, method="asymp")
    assert found["ks"] == pytest.approx(expected.statistic, abs=1e-12)
    assert found["p_value"] == pytest.approx(expected.pvalue, abs=1e-9)
    profiles = [asking.column(pa.table({"x": side}), "x", top_values=100) for side in (new, old)]
    medians = [p.figures["median"].value for p in profiles]
    assert [found["median_now"], found["median_before"]] == medians
    if name == "one value":
        assert "psi" not in found
        return
    histogram = profiles[1].histogram
    assert histogram is not None
    edges = [reference.shown(e, profiles[1]) for e in histogram.edges]
    values = [reference.exact(v) for v in python_values(new)]
    # What lies outside of the earlier bins is counted in the outermost.
    counts = np.bincount([sum(v >= e for e in edges[1:-1]) for v in values])
    counts = np.pad(counts, (0, len(histogram.counts) - len(counts)))
    psi, bins = by_hand(counts, np.array(histogram.counts))
    assert found["psi"] == pytest.approx(psi)
    bound = (1 / counts.sum() + 1 / sum(histogram.counts)) * stats.chi2.ppf(0.99, bins - 1)
    assert found["psi_threshold"] == pytest.approx(bound)


def python_values(column: Any) -> list[Any]:
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return [pd.Timestamp(v) for v in column.cast(pa.int64()).to_pylist()]
    values = [v for v in column.to_pylist() if v is not None]
    return [v for v in values if not isinstance(v, float) or math.isfinite(v)]


def by_hand(new: np.ndarray, old: np.ndarray) -> tuple[float, int]:
    """PSI of the bins, those where fewer than five are expected put together."""
    expected = stats.contingency.expected_freq(np.vstack([new, old])[:, new + old > 0])
    observed = np.vstack([new, old])[:, new + old > 0].astype(float)
    rare = expected.min(axis=0) < 5
    if rare.sum() > 1:
        observed = np.column_stack([observed[:, ~rare], observed[:, rare].sum(axis=1)])
    for column in observed.T:
        column += 0.5 if 0 in column else 0.0
    p, q = observed[0] / new.sum(), observed[1] / old.sum()
    return float(np.sum((p - q) * np.log(p / q))), observed.shape[1]


CATEGORIES: dict[str, tuple[list[Any], list[Any]]] = {
    "unicode": (["Äpfel", "名前", "🙂"] * 100, ["Äpfel", "Äpfel", "名前", "é"] * 70),
    "flag": ([True] * 90 + [False] * 30, [True, False] * 50),
    "gaps": (["a", None, "b"] * 60, ["a", "b", "b", None] * 60),
    "mixed": (["1", "x", ""] * 50, ["1", "2024-01-01", "x"] * 50),
}


@pytest.mark.parametrize("name", CATEGORIES)
def test_categories(asking: Asking, name: str) -> None:
    new, old = (pd.Series(side, dtype=object) for side in CATEGORIES[name])
    tables = [pa.table({"x": side}) for side in CATEGORIES[name]]
    previous = json.loads(asking.text("profile", tables[1]))
    (column,) = asking.drift(tables[0], previous=previous).columns
    found = {k: f.value for k, f in column.figures.items()}
    crossed = pd.crosstab(
        pd.concat([new, old], ignore_index=True).astype("string"),
        np.array(["new"] * len(new) + ["old"] * len(old)),
    )
    counts = crossed[["new", "old"]].to_numpy().T
    test = stats.chi2_contingency(counts, correction=False)
    assert found["chi_square"] == pytest.approx(test.statistic)
    assert found["p_value"] == pytest.approx(test.pvalue, rel=1e-9, abs=1e-300)
    v = stats.contingency.association(counts, method="cramer", correction=False)
    assert found["cramers_v"] == pytest.approx(v)
    fresh = new.dropna()
    assert found["new_share"] == pytest.approx(float((~fresh.isin(old.dropna())).mean()))
    missing(found, new, old)
    adjusted(column)


def missing(found: dict[str, Any], new: pd.Series, old: pd.Series) -> None:
    now, before = new.isna().mean(), old.isna().mean()
    assert (found["null_share_now"], found["null_share_before"]) == (now, before)
    assert found["cohens_h"] == pytest.approx(proportion_effectsize(now, before))
    gone = [int(new.isna().sum()), int(old.isna().sum())]
    if sum(gone):
        counts = [[gone[0], len(new) - gone[0]], [gone[1], len(old) - gone[1]]]
        expected = stats.chi2_contingency(counts, correction=False).pvalue
        assert found["null_p"] == pytest.approx(expected)


def adjusted(column: contract.EdaColumnDrift) -> None:
    keys = [k for k in ("p_value", "null_p") if k in column.figures]
    _, expected, _, _ = multipletests([column.figures[k].value for k in keys], method="holm")
    names = {"p_value": "distribution_p_adjusted", "null_p": "null_p_adjusted"}
    assert [column.figures[names[k]].value for k in keys] == pytest.approx(list(expected))


@pytest.mark.parametrize("name", COLUMNS)
def test_nothing_drifts_from_itself(asking: Asking, tmp_path: Path, name: str) -> None:
    table = pa.table({"x": COLUMNS[name]})
    previous = json.loads(asking.text("profile", table))
    for found in (asking.drift(table, previous=previous), of_files(tmp_path, table, table)):
        assert not any(c.drifted for c in found.columns)
        assert (found.added, found.removed, found.retyped) == ([], [], [])


@pytest.mark.parametrize("name", COLUMNS)
def test_inference(asking: Asking, name: str) -> None:
    (column,) = asking.infer(pa.table({"x": COLUMNS[name]})).columns
    expected = reference.figures(column.type, python(name))
    found = {k: f.value for k, f in column.figures.items()}
    assert (found["nulls"], found["distinct"]) == (expected["nulls"], expected["distinct"])
    assert column.nullable == bool(expected["nulls"])
    if "reads_as" in expected:
        share = expected["reads_as_share"]
        assert found["matching"] == pytest.approx(share)
        assert column.suggested_type == (expected["reads_as"] if share == 1.0 else "text")


@pytest.mark.parametrize("name", COLUMNS)
def test_rules(asking: Asking, name: str) -> None:
    values = python(name)
    there = [reference.key(v) for v in values if v is not None]
    checks = ["not_null", "unique"]
    expected = [len(values) - len(there), len(there) - len(set(there))]
    column = COLUMNS[name]
    ordered = not (pa.types.is_list(column.type) or pa.types.is_binary(column.type))
    if ordered and not pa.types.is_boolean(column.type) and "nan" not in map(str, values):
        checks.append("increasing")
        kept = [v for v in values if v is not None]
        expected.append(sum(b < a for a, b in pairwise(kept)))
    rules = [{"check": c, "column": "x"} for c in checks]
    found = asking.validate(pa.table({"x": column}), rules=rules)
    assert [r.status for r in found.rules] == ["fail" if n else "pass" for n in expected]
    assert [r.failed for r in found.rules] == expected
