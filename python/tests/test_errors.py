"""An exception for each stage, with code, place and advice."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import kinds
import pytest

import air

SECRET = "hunter2-is-the-password"  # noqa: S105


def caught(kind: type[air.AirError], call: Any) -> Any:
    with pytest.raises(kind) as info:
        call()
    assert type(info.value) is kind
    return info.value


def test_what_is_no_ir(engine: air.Engine) -> None:
    ir = {"entities": ["kinds"], "dimensions": ["id"], "colour": 1}
    error = caught(air.IrError, lambda: engine.run(ir, "kinds"))
    assert (error.code, error.location) == ("invalid", "/colour")
    assert [e["code"] for e in error.errors] == ["unknown_field"]
    assert caught(air.IrError, lambda: engine.sql("{", "kinds")).errors[0]["code"] == "bad_type"


def test_parameters_that_do_not_fit(engine: air.Engine) -> None:
    ir = {**kinds.ir(), "filters": [{"field": "id", "op": "=", "value": "{{number}}"}]}
    missing = caught(air.IrError, lambda: engine.run(ir, "kinds"))
    assert missing.errors[0]["code"] == "missing_parameter"
    unknown = caught(air.IrError, lambda: engine.run(ir, "kinds", {"number": 1, "numbr": 2}))
    assert unknown.errors[0]["code"] == "unknown_parameter"
    assert unknown.errors[0]["nearest"] == ["number"]
    assert engine.run(ir, "kinds", {"number": 2}).num_rows == 1
    # The filter of a parameter that is None falls away.
    assert engine.run(ir, "kinds", {"number": None}).num_rows == 3


def test_names_that_the_catalog_does_not_hold(engine: air.Engine) -> None:
    error = caught(air.PlanError, lambda: engine.run(kinds.ir("mony"), "kinds"))
    assert (error.code, error.location) == ("invalid", "/dimensions/1")
    assert error.errors[0]["nearest"][0] == "money"
    assert "money" in error.advice


def time_series(engine: air.Engine, folder: Path, **settings: Any) -> air.Engine:
    """Another engine, to which the table is one that wants a bounded time."""
    catalog = engine.catalog("kinds")
    for table in catalog["tables"]:
        table["time_series"] = table["name"] == "kinds"
        table["time_column"] = "instant" if table["name"] == "kinds" else None
    other = air.Engine(**settings)
    other.register_files("kinds", folder, catalog=catalog)
    return other


def test_a_plan_that_the_guard_refuses(engine: air.Engine, kinds_folder: Path) -> None:
    strict = time_series(engine, kinds_folder, time_filter="refuse", time_filter_days=30)
    error = caught(air.GuardError, lambda: strict.run(kinds.ir("instant"), "kinds"))
    assert (error.code, error.location) == ("refused", "time_range")
    outcomes = {rule["rule"]: rule["outcome"] for rule in error.safety_report}
    assert outcomes["time_range"] == "refused"
    assert outcomes["read_only"] == "ok"


def test_a_time_that_the_guard_adds_is_told(engine: air.Engine, kinds_folder: Path) -> None:
    lenient = time_series(engine, kinds_folder, time_filter_days=30)
    result = lenient.run(kinds.ir("instant"), "kinds", now="2024-11-01T00:00:00Z")
    assert result.num_rows == 1
    assert any("2024-10-02" in warning for warning in result.warnings), result.warnings


def test_a_source_that_is_not_there(engine: air.Engine, tmp_path: Path) -> None:
    error = caught(air.SourceError, lambda: engine.run(kinds.ir(), "kins"))
    assert (error.code, error.location) == ("not_found", "kins")
    assert "kinds" in error.advice
    missing = caught(air.SourceError, lambda: engine.register_files("x", tmp_path / "none"))
    assert (missing.code, missing.location) == ("source_error", "x")


def test_a_source_that_was_not_learned(kinds_folder: Path) -> None:
    engine = air.Engine()
    engine.register_files("kinds", kinds_folder)
    for call in (lambda: engine.run(kinds.ir(), "kinds"), lambda: engine.catalog("kinds")):
        error = caught(air.SourceError, call)
        assert error.code == "not_learned"
        assert 'engine.learn("kinds")' in error.advice


def test_a_file_that_is_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n", encoding="utf-8")
    engine = air.Engine()
    engine.register_files("broken", tmp_path)
    error = caught(air.SourceError, lambda: engine.learn("broken"))
    assert error.code == "source_error"
    assert "t.csv" in error.message
    assert "line 3" in error.message


def test_a_number_that_outgrows_its_type(engine: air.Engine) -> None:
    ir = {
        "entities": ["kinds"],
        "metrics": [{"name": "m", "agg": "max", "value": "i64 * 4"}],
    }
    error = caught(air.RunError, lambda: engine.run(ir, "kinds"))
    assert error.code == "overflow"
    assert error.advice


def test_a_run_that_outlasts_its_time(kinds_folder: Path) -> None:
    engine = air.Engine(timeout=0.001)
    engine.register_files("kinds", kinds_folder)
    engine.learn("kinds")
    error = caught(air.RunError, lambda: engine.run(kinds.many(5_000), "kinds"))
    assert error.code == "timeout"
    assert "timeout" in error.advice


def test_rows_that_outgrow_their_limit(kinds_folder: Path) -> None:
    engine = air.Engine(max_result=1_000)
    engine.register_files("kinds", kinds_folder)
    engine.learn("kinds")
    error = caught(air.RunError, lambda: engine.run(kinds.many(5_000), "kinds"))
    assert error.code == "limit_exceeded"


def test_a_question_with_words_that_mean_nothing(engine: air.Engine) -> None:
    error = caught(air.CannotAnswer, lambda: engine.ask("how many gryphons?", "kinds"))
    assert error.code == "cannot_answer"
    assert error.missing


def test_arguments_that_do_not_fit(engine: air.Engine) -> None:
    named: dict[str, dict[str, Any]] = {
        "default_row_limit": {"default_row_limit": 10, "max_row_limit": 5},
        "timeout": {"timeout": 0},
        "allowed_hosts": {"allowed_hosts": ["10.0.0.0/99"]},
        "spill_dir": {"spill_dir": "/proc/none"},
    }
    for location, arguments in named.items():
        error = caught(air.UsageError, lambda arguments=arguments: air.Engine(**arguments))
        assert (error.code, error.location) == ("invalid", location)
        assert isinstance(error, ValueError)
    caught(air.UsageError, lambda: engine.run(kinds.ir(), "kinds", {"x": object()}))
    caught(air.UsageError, lambda: engine.run(kinds.ir(), "kinds", now="yesterday"))
    kind: Any = "oracle"
    error = caught(air.UsageError, lambda: engine.register_source("x", kind, "oracle://h/d"))
    assert "postgres" in error.advice


def registered_and_learned(engine: air.Engine, dsn: str) -> None:
    engine.register_source("away", "postgres", dsn)
    engine.learn("away")


def test_no_secret_is_told(engine: air.Engine) -> None:
    """Neither what is wrong with a DSN nor a server that is away tells its password."""
    said = [repr(engine)]
    for dsn in (
        f"postgres://u:{SECRET}@127.0.0.1:1/d?sslmode=disable",
        f"postgres://u:{SECRET}@127.0.0.1:1/d?options=-c%20x",
        f"postgres://u:{SECRET}@/d",
        f"u:{SECRET}@nowhere",
    ):
        with pytest.raises(air.SourceError) as info:
            registered_and_learned(engine, dsn)
        error = info.value
        said += [str(error), repr(error), repr(error.__dict__), repr(error.__cause__)]
        assert error.location == "away"
    assert len(said) == 1 + 4 * 4
    said.append(repr(engine))
    assert not [text for text in said if SECRET in text or "hunter2" in text]


def test_exceptions_travel_between_processes(engine: air.Engine) -> None:
    error = caught(air.PlanError, lambda: engine.run(kinds.ir("mony"), "kinds"))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), again.errors) == (type(error), str(error), error.errors)


def test_every_exception_is_an_air_error() -> None:
    named = [getattr(air, name) for name in air.__all__]
    kinds_of = [kind for kind in named if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds_of) == 9
    assert all(issubclass(kind, air.AirError) for kind in kinds_of)


def test_a_store_of_files_is_checked_and_its_keys_are_hidden() -> None:
    engine = air.Engine()
    without = caught(air.SourceError, lambda: engine.register_files("lake", "s3://lake/d"))
    assert "no credentials" in str(without)
    keys = {"access_key_id": "reader", "secret_access_key": SECRET}
    away = {**keys, "endpoint": "http://127.0.0.1:9", "max_retries": 0}
    plain = caught(
        air.SourceError, lambda: engine.register_files("lake", "s3://lake/d", store=away)
    )
    assert "without TLS" in str(plain)
    engine.register_files("lake", "s3://lake/d", store={**away, "allow_http": True, "timeout": 5})
    unreached = caught(air.SourceError, lambda: engine.learn("lake"))
    assert unreached.code == "source_unavailable"
    assert "s3://lake/d" in str(unreached)
    unknown = caught(
        air.SourceError,
        lambda: engine.register_files("lake", "s3://lake/d", store={**keys, "regoin": "x"}),
    )
    assert "unknown key" in str(unknown)
    folder = caught(
        air.UsageError, lambda: engine.register_files("lake", "data", store={"region": "x"})
    )
    assert folder.location == "store"
    for error in (without, plain, unreached, unknown, folder):
        assert SECRET not in repr(error) + str(error)
