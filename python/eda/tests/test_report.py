"""What people read: the gravest first, what repeats once, no more than a screen of each."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from measuring import Asking

from air_eda import report

RNG = np.random.default_rng(3)


def gaps(columns: int) -> pa.Table:
    """Of each column a few more values are missing than of the one before."""
    n = 1000
    values = {
        f"c_{i}": [None if j < 10 * (i + 1) else float(v) for j, v in enumerate(RNG.normal(size=n))]
        for i in range(columns)
    }
    return pa.table(values)


def test_few_gaps_are_told_each(asking: Asking) -> None:
    text = asking.profile(gaps(3)).report_md
    assert "- c\\_0 is missing in 10 rows (1%)." in text
    assert "have missing values" not in text


def test_many_gaps_are_one_sentence_the_largest_first(asking: Asking) -> None:
    found = asking.profile(gaps(12))
    line = next(row for row in found.report_md.splitlines() if "missing values" in row)
    assert line == (
        "- 12 columns have missing values: c\\_11 (12%), c\\_10 (11%), c\\_9 (10%), c\\_8 (9%), "
        "c\\_7 (8%), c\\_6 (7%), c\\_5 (6%), c\\_4 (5%) and 4 more."
    )
    # The answer has each.
    assert sum(f.kind == "missing" for f in found.findings) == 12


def test_no_more_than_a_screen(asking: Asking) -> None:
    x = RNG.normal(size=500)
    table = pa.table({f"x{i}": x + RNG.normal(size=500) * 0.2 for i in range(8)})
    found = asking.correlations(table)
    assert len(found.findings) == 28
    rows = found.report_md.splitlines()
    assert sum(row.startswith("- x") for row in rows) == report.MOST_SENTENCES
    assert "- … and 16 more." in rows
    assert "(large effect, Pearson 0.9" in found.report_md


def test_numbers_are_written_for_people() -> None:
    written = {1318: 1318, 336_776: "336,776", 12.5: "12.5", 1234567.8: "1,234,568", 1e20: "1e+20"}
    assert {k: report.short(k) for k in written} == written
    assert report.short("text") == "text"
    assert report.short(True) is True
    shares = {0.0: "0%", 1e-9: "under 0.1%", 0.0246: "2.46%", 0.99999: "over 99.9%", 1.0: "100%"}
    assert {s: report.share_text(s) for s in shares} == shares
