"""Makes the small sample that comes with the Python package: one month of `data/sample`.

In: `data/sample`. Out: `python/air/sample`: the flights of January with their airlines and
airports, and what `dataset.yaml` says of these tables.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
PACKAGED = ROOT / "python" / "air" / "sample"
TABLES = ("flights", "airlines", "airports")
MONTH = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PACKAGED)
    make(parser.parse_args().out)


def make(out: Path) -> None:
    """Writes the files into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    flights = pq.read_table(SAMPLE / "flights.parquet")
    month = flights.filter(pc.equal(flights["month"], MONTH))
    pq.write_table(month, out / "flights.parquet", compression="zstd", compression_level=19)
    for name in ("airlines.csv", "airports.csv"):
        shutil.copyfile(SAMPLE / name, out / name)
    described = yaml.safe_load((SAMPLE / "dataset.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump(reduced(described), sort_keys=False, allow_unicode=True, width=100)
    note = "# Made by scripts/package_sample.py of data/sample.\n"
    (out / "dataset.yaml").write_text(note + text, encoding="utf-8")


def reduced(described: dict[str, Any]) -> dict[str, Any]:
    """The description without the tables that are left out, and without keys to them."""
    tables = {name: described["tables"][name] for name in TABLES}
    for table in tables.values():
        keys = table.get("foreign_keys", [])
        table["foreign_keys"] = [key for key in keys if key["references"]["table"] in TABLES]
    flights = tables["flights"]
    flights["description"] = flights["description"].replace("in 2013", "in January 2013")
    return {**described, "tables": tables}


if __name__ == "__main__":
    main()
