"""AIR in this process: questions and IRs over files and databases, answered as Arrow rows.

>>> import air
>>> engine = air.Engine()
>>> engine.register_files("sales", "data/sales")
>>> engine.learn("sales")
>>> result = engine.ask("total amount by region", "sales")
>>> polars.DataFrame(result)
"""

from air.engine import Draft, Engine
from air.errors import (
    AirError,
    CannotAnswer,
    ClarificationNeeded,
    GuardError,
    IrError,
    PlanError,
    RunError,
    SourceError,
    UsageError,
)
from air.result import Result

__all__ = [
    "AirError",
    "CannotAnswer",
    "ClarificationNeeded",
    "Draft",
    "Engine",
    "GuardError",
    "IrError",
    "PlanError",
    "Result",
    "RunError",
    "SourceError",
    "UsageError",
]
