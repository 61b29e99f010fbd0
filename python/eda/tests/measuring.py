"""Asks a worker's own code, without the service around it: the way in is the same stream."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel
from running import stream

from air_eda import contract
from air_eda.source import Job
from air_eda.worker import answer

M = TypeVar("M", bound=BaseModel)
Ask = Callable[..., Any]


class Asking:
    """Every answer is written as JSON and read again by the contract's model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def text(self, operation: str, table: Any, **request: object) -> str:
        self.count += 1
        path = self.folder / f"{self.count}.arrows"
        path.write_bytes(stream(table, request))
        job = Job(operation, str(path), "arrow", None, str(self.folder), 50_000_000)
        try:
            return answer(job).model_dump_json(exclude_unset=True)
        finally:
            path.unlink()

    def read(self, model: type[M], operation: str, table: Any, **request: object) -> M:
        return model.model_validate_json(self.text(operation, table, **request))

    def infer(self, table: Any) -> contract.EdaInference:
        return self.read(contract.EdaInference, "infer", table)

    def profile(self, table: Any, **request: object) -> contract.EdaProfile:
        return self.read(contract.EdaProfile, "profile", table, **request)

    def correlations(self, table: Any, **request: object) -> contract.EdaCorrelations:
        return self.read(contract.EdaCorrelations, "correlations", table, **request)

    def outliers(self, table: Any, **request: object) -> contract.EdaOutliers:
        return self.read(contract.EdaOutliers, "outliers", table, **request)

    def trends(self, table: Any, **request: object) -> contract.EdaTrends:
        return self.read(contract.EdaTrends, "trends", table, **request)

    def drift(self, table: Any, **request: object) -> contract.EdaDrift:
        return self.read(contract.EdaDrift, "drift", table, **request)

    def validate(self, table: Any, **request: object) -> contract.EdaValidation:
        return self.read(contract.EdaValidation, "validate", table, **request)

    def column(self, table: Any, name: str, **request: object) -> contract.EdaColumnProfile:
        return next(c for c in self.profile(table, **request).columns if c.name == name)

    def values(self, table: Any, name: str, **request: object) -> dict[str, Any]:
        """The figures of a column's profile, without how they were found."""
        return {k: f.value for k, f in self.column(table, name, **request).figures.items()}
