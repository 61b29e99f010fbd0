"""What the EDA service takes and gives, as the contract says.

Generated from api/openapi.yaml by api/generate. Do not edit: change the contract, then run it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue


class Closed(BaseModel):
    """Refuses members it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def not_null(value: object) -> object:
    if value is None:
        raise ValueError("it may be left out, but not null")
    return value


# Of what may be left out: absent is None here, and null is refused as the contract has it.
ABSENT = BeforeValidator(not_null)

# A request, as the log knows it.
RequestId = Annotated[str, Field(pattern="^req_[0-9a-f]{32}$")]


# The text format of Prometheus.
Metrics = str


# The kinds of error. Each has one status, `x-status`.
ErrorCode = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "not_acceptable",
    "already_exists",
    "in_use",
    "not_learned",
    "not_running",
    "not_finished",
    "idempotency_in_flight",
    "precondition_failed",
    "payload_too_large",
    "unsupported_media_type",
    "invalid",
    "refused",
    "limit_exceeded",
    "source_error",
    "idempotency_mismatch",
    "unsupported",
    "provider_unavailable",
    "precondition_required",
    "too_many_requests",
    "internal",
    "unavailable",
    "source_unavailable",
    "timeout",
]


# The kinds of `errors`. All but the last two are those of the IR, which means the same by them.
FieldErrorCode = Literal[
    "unknown_field",
    "missing_field",
    "bad_type",
    "bad_value",
    "conflict",
    "duplicate_name",
    "unknown_entity",
    "not_allowed",
    "unknown_source",
    "unknown_column",
    "unknown_metric",
    "unknown_output",
    "unknown_parameter",
    "missing_parameter",
    "unknown_timezone",
    "ambiguous_entity",
    "ambiguous_column",
    "ambiguous_join",
    "ambiguous_time",
    "no_join_path",
    "no_time",
    "fan_out",
    "grain_mismatch",
    "type_mismatch",
    "bad_expression",
    "bad_period",
    "bad_limit",
    "cycle",
    "not_additive",
    "too_large",
    "overflow",
    "unsupported",
    "unsupported_on_engine",
    "unreadable_column",
    "bad_sql",
    "unknown_function",
]


class FieldError(Closed):
    """One thing that is wrong."""

    # A JSON pointer into the body (`""` is the whole of it), `?name` for a query parameter,
    # `{name}` for one of the path, `Name:` for a header.
    pointer: str
    code: FieldErrorCode
    # What is wrong and what to do.
    detail: str
    # Known names close to the one that was not found, nearest first.
    nearest: Annotated[list[str] | None, ABSENT] = None


# What a rule did.
SafetyOutcome = Literal["ok", "injected", "warned", "refused"]


class SafetyRule(Closed):
    """A rule of the guard."""

    rule: str
    outcome: SafetyOutcome
    # Why.
    detail: str


class Problem(Closed):
    """An error, as RFC 9457 says."""

    # `about:blank`; the kind of error is in `code`.
    type: str
    # The status in words.
    title: str
    # The HTTP status.
    status: Annotated[int, Field(ge=400, le=599)]
    code: ErrorCode
    # What is wrong and what to do.
    detail: str
    request_id: RequestId
    # Everything that is wrong, one by one.
    errors: Annotated[list[FieldError] | None, ABSENT] = None
    # What each rule of the guard said; with `refused`.
    safety_report: Annotated[list[SafetyRule] | None, ABSENT] = None


# What a file is; its ending tells where it is not given.
EdaFormat = Literal["parquet", "csv", "jsonl", "arrow"]


# What kind of values a column has.
EdaType = Literal[
    "integer",
    "float",
    "decimal",
    "boolean",
    "text",
    "date",
    "timestamp",
    "time",
    "duration",
    "binary",
    "list",
    "struct",
    "null",
    "other",
]


# What a column is good for.
EdaRole = Literal["key", "dimension", "measure", "time", "text", "constant", "empty"]


# How much a finding matters.
EdaSeverity = Literal["info", "notice", "warning"]


# How large an effect is, by the usual bounds of its measure.
EdaEffectSize = Literal["negligible", "small", "medium", "large"]


# What was found.
EdaFindingKind = Literal[
    "empty",
    "constant",
    "missing",
    "infinite",
    "nan",
    "zeros",
    "unique",
    "high_cardinality",
    "imbalance",
    "skewed",
    "uniform",
    "constant_length",
    "padded",
    "case_variants",
    "numbers_as_text",
    "dates_as_text",
    "mixed_types",
    "duplicates",
    "unsupported",
    "correlated",
    "outliers",
    "odd_rows",
    "trend",
    "seasonal",
    "change_point",
    "not_stationary",
    "gaps",
    "drift",
    "added",
    "removed",
    "retyped",
    "broken_rule",
    "rule_error",
]


# A measure of association.
EdaMeasure = Literal["pearson", "spearman", "cramers_v", "correlation_ratio"]


# The calendar unit of a bucket.
EdaUnit = Literal["second", "minute", "hour", "day", "week", "month", "quarter", "year"]


# What a bucket shows of its rows.
EdaAggregate = Literal["mean", "sum", "median", "min", "max", "count"]


# The kinds of rule.
EdaCheck = Literal[
    "not_null",
    "null_share",
    "unique",
    "range",
    "in_set",
    "pattern",
    "length",
    "type",
    "compare",
    "row_count",
    "increasing",
]


# How two columns compare.
EdaOperator = Literal["eq", "ne", "lt", "le", "gt", "ge"]


# Whether a rule holds.
EdaRuleStatus = Literal["pass", "fail", "error"]


# How the service is.
EdaHealthStatus = Literal["ok", "degraded"]


class EdaFigure(Closed):
    """One figure, and how it was found."""

    # A number; a text where JSON has no such number (beyond 2^53, a decimal, NaN, infinity), a
    # date or a text; null where there is none.
    value: JsonValue
    # How it was found.
    method: str
    # Whether it is the figure itself and no estimate.
    exact: bool
    # Values it stands on.
    n_used: Annotated[int, Field(ge=0)]
    # What drew the sample; null where none was.
    seed: Annotated[int, Field(ge=0)] | None


class EdaQuantiles(Closed):
    """Values below which given shares of the values lie."""

    probabilities: list[float]
    values: list[JsonValue]
    # How it was found.
    method: str
    # Whether it is the figure itself and no estimate.
    exact: bool
    # Values it stands on.
    n_used: Annotated[int, Field(ge=0)]
    # What drew the sample; null where none was.
    seed: Annotated[int, Field(ge=0)] | None


class EdaHistogram(Closed):
    """How the values spread. Each bin has its lower edge; the last has its upper edge too."""

    edges: list[JsonValue]
    counts: list[Annotated[int, Field(ge=0)]]
    # How it was found.
    method: str
    # Whether it is the figure itself and no estimate.
    exact: bool
    # Values it stands on.
    n_used: Annotated[int, Field(ge=0)]
    # What drew the sample; null where none was.
    seed: Annotated[int, Field(ge=0)] | None


class EdaValueCount(Closed):
    """A value and how often it is there."""

    # A value of the column.
    value: JsonValue
    count: Annotated[int, Field(ge=0)]
    # Of the values that are not null.
    share: Annotated[float, Field(ge=0, le=1)]


class EdaTopValues(Closed):
    """The most frequent values, most frequent first; equal ones by value."""

    items: list[EdaValueCount]
    # Rows that have another value.
    others: Annotated[int, Field(ge=0)]
    # How it was found.
    method: str
    # Whether it is the figure itself and no estimate.
    exact: bool
    # Values it stands on.
    n_used: Annotated[int, Field(ge=0)]
    # What drew the sample; null where none was.
    seed: Annotated[int, Field(ge=0)] | None


class EdaSampling(Closed):
    """Which rows were looked at."""

    rows_total: Annotated[int, Field(ge=0)]
    rows_used: Annotated[int, Field(ge=0)]
    sampled: bool
    method: str
    seed: Annotated[int, Field(ge=0)] | None


class EdaEffect(Closed):
    """How large what was found is."""

    name: str
    value: float
    size: EdaEffectSize


class EdaFinding(Closed):
    """One thing worth a look."""

    kind: EdaFindingKind
    severity: EdaSeverity
    columns: list[str]
    message: str
    # Null where nothing measures it.
    effect: EdaEffect | None


class EdaSkipped(Closed):
    """A column that was left out, and why."""

    column: str
    reason: str


class EdaInferRequest(Closed):
    """What to infer."""

    # A file below the base path of the service, in place of an Arrow body.
    path: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT] = None
    format: Annotated[EdaFormat | None, ABSENT] = None


class EdaInferredColumn(Closed):
    """What a column is."""

    name: str
    type: EdaType
    arrow_type: str
    suggested_type: EdaType
    role: EdaRole
    # Whether a value is null.
    nullable: bool
    # `nulls`, `distinct`, and for text `matching`: the share that reads as the suggested type.
    figures: dict[str, EdaFigure]


class EdaInference(Closed):
    """What the columns are."""

    rows: Annotated[int, Field(ge=0)]
    columns: list[EdaInferredColumn]
    findings: list[EdaFinding]
    # The findings to read
    report_md: str


class EdaProfileRequest(Closed):
    """What to profile."""

    # A file below the base path of the service, in place of an Arrow body.
    path: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT] = None
    format: Annotated[EdaFormat | None, ABSENT] = None
    # The columns to look at; all if it is not given.
    columns: Annotated[
        Annotated[list[str], Field(min_length=1, max_length=10000)] | None, ABSENT
    ] = None
    histogram_bins: Annotated[int, Field(ge=1, le=200)] = 20
    top_values: Annotated[int, Field(ge=0, le=100)] = 20
    # Draws the values that patterns are read from where there are many.
    seed: Annotated[int, Field(ge=0)] = 42


class EdaColumnProfile(Closed):
    """What the values of a column are like."""

    # A member of a struct is `column.member`.
    name: str
    type: EdaType
    arrow_type: str
    # Of every column `nulls`, `null_share`, `distinct`, `unique`; of numbers `mean`, `std`,
    # `skewness` and so on; of text `length_min` and so on.
    figures: dict[str, EdaFigure]
    quantiles: Annotated[EdaQuantiles | None, ABSENT] = None
    histogram: Annotated[EdaHistogram | None, ABSENT] = None
    top_values: Annotated[EdaTopValues | None, ABSENT] = None
    patterns: Annotated[EdaTopValues | None, ABSENT] = None


class EdaProfile(Closed):
    """What the values are like. Kept, it is what a later `drift` compares with."""

    version: Literal["1"]
    rows: Annotated[int, Field(ge=0)]
    columns: list[EdaColumnProfile]
    duplicate_rows: EdaFigure
    findings: list[EdaFinding]
    # The findings to read
    report_md: str


class EdaCorrelationsRequest(Closed):
    """What to correlate."""

    # A file below the base path of the service, in place of an Arrow body.
    path: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT] = None
    format: Annotated[EdaFormat | None, ABSENT] = None
    # The columns to look at; all if it is not given.
    columns: Annotated[
        Annotated[list[str], Field(min_length=1, max_length=10000)] | None, ABSENT
    ] = None
    # Rows of the sample; fewer rows are all taken.
    sample_rows: Annotated[int, Field(ge=100, le=100000)] = 100000
    # Draws the sample.
    seed: Annotated[int, Field(ge=0)] = 42
    max_columns: Annotated[int, Field(ge=2, le=50)] = 50


class EdaPair(Closed):
    """How two columns go together."""

    # Of a correlation ratio the category.
    left: str
    right: str
    measure: EdaMeasure
    figure: EdaFigure
    p_value: float | None
    # For the number of pairs
    p_adjusted: float | None
    effect: EdaEffectSize


class EdaCorrelations(Closed):
    """Which columns go together, strongest first."""

    rows: Annotated[int, Field(ge=0)]
    sampling: EdaSampling
    pairs: list[EdaPair]
    skipped: list[EdaSkipped]
    findings: list[EdaFinding]
    # The findings to read
    report_md: str


class EdaOutliersRequest(Closed):
    """Where to look for outliers."""

    # A file below the base path of the service, in place of an Arrow body.
    path: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT] = None
    format: Annotated[EdaFormat | None, ABSENT] = None
    # The columns to look at; all if it is not given.
    columns: Annotated[
        Annotated[list[str], Field(min_length=1, max_length=10000)] | None, ABSENT
    ] = None
    # Rows of the sample; fewer rows are all taken.
    sample_rows: Annotated[int, Field(ge=100, le=100000)] = 100000
    # Draws the sample.
    seed: Annotated[int, Field(ge=0)] = 42
    # Whether to look at rows as a whole too.
    forest: bool = True
    # How many of the most unusual rows to name.
    odd_rows: Annotated[int, Field(ge=0, le=100)] = 10


class EdaFence(Closed):
    """Beyond what bounds values are unusual, and how many are."""

    # A value of the column.
    lower: JsonValue
    # A value of the column.
    upper: JsonValue
    count: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1)]
    # How it was found.
    method: str
    # Whether it is the figure itself and no estimate.
    exact: bool
    # Values it stands on.
    n_used: Annotated[int, Field(ge=0)]
    # What drew the sample; null where none was.
    seed: Annotated[int, Field(ge=0)] | None


class EdaColumnOutliers(Closed):
    """The outliers of a column."""

    name: str
    # Null where more than half of the values are equal.
    iqr: EdaFence | None
    # Null where more than half of the values are equal.
    mad: EdaFence | None


class EdaOddRow(Closed):
    """A row that is unusual as a whole."""

    # Its place in the input, from 0.
    row: Annotated[int, Field(ge=0)]
    # From 0 to 1; above 0.5 is unusual.
    score: float
    # Where it is farthest from the median, farthest first.
    columns: list[str]


class EdaForest(Closed):
    """What an isolation forest says of the rows."""

    rows: list[EdaOddRow]
    # Rows of the sample that score above the bound.
    count: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1)]
    columns: list[str]
    # How it was found.
    method: str
    # Whether it is the figure itself and no estimate.
    exact: bool
    # Values it stands on.
    n_used: Annotated[int, Field(ge=0)]
    # What drew the sample; null where none was.
    seed: Annotated[int, Field(ge=0)] | None


class EdaOutliers(Closed):
    """Which values and rows are unusual."""

    rows: Annotated[int, Field(ge=0)]
    sampling: EdaSampling
    columns: list[EdaColumnOutliers]
    # Null where there is nothing to grow one from.
    forest: EdaForest | None
    skipped: list[EdaSkipped]
    findings: list[EdaFinding]
    # The findings to read
    report_md: str


class EdaTrendsRequest(Closed):
    """What to follow over time."""

    # A file below the base path of the service, in place of an Arrow body.
    path: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT] = None
    format: Annotated[EdaFormat | None, ABSENT] = None
    # The column of dates or timestamps.
    time: str
    # The columns to look at; all if it is not given.
    columns: Annotated[
        Annotated[list[str], Field(min_length=1, max_length=10000)] | None, ABSENT
    ] = None
    aggregate: Annotated[EdaAggregate | None, ABSENT] = None
    # At most so many buckets.
    buckets: Annotated[int, Field(ge=10, le=2000)] = 2000
    unit: Annotated[EdaUnit | None, ABSENT] = None
    # Buckets of a season; if it is not given, the usual ones of the unit.
    period: Annotated[Annotated[int, Field(ge=2, le=1000)] | None, ABSENT] = None


class EdaChangePoint(Closed):
    """Where the level of a series changes."""

    # The start of the first bucket of the new level.
    at: str
    before: float
    after: float
    effect: EdaEffect
    # Mann-Whitney, of the levels before and after; the point was chosen from the same data.
    p_value: float | None


class EdaColumnTrend(Closed):
    """What a column does over time."""

    name: str
    # `slope`, `slope_low`, `slope_high`, `mann_kendall_tau`, `mann_kendall_p`,
    # `seasonal_strength` and so on.
    figures: dict[str, EdaFigure]
    change_points: list[EdaChangePoint]


class EdaTrends(Closed):
    """What changes over time."""

    rows: Annotated[int, Field(ge=0)]
    time: str
    unit: EdaUnit
    # From the first to the last that has rows.
    buckets: Annotated[int, Field(ge=0)]
    empty_buckets: Annotated[int, Field(ge=0)]
    columns: list[EdaColumnTrend]
    skipped: list[EdaSkipped]
    findings: list[EdaFinding]
    # The findings to read
    report_md: str


class EdaDriftRequest(Closed):
    """What to compare with. One of `previous` and `previous_path`."""

    # A file below the base path of the service, in place of an Arrow body.
    path: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT] = None
    format: Annotated[EdaFormat | None, ABSENT] = None
    previous: Annotated[EdaProfile | None, ABSENT] = None
    # A file below the base path.
    previous_path: Annotated[
        Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT
    ] = None
    previous_format: Annotated[EdaFormat | None, ABSENT] = None
    # The columns to look at; all if it is not given.
    columns: Annotated[
        Annotated[list[str], Field(min_length=1, max_length=10000)] | None, ABSENT
    ] = None
    # Significance, after Holm.
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01


class EdaColumnDrift(Closed):
    """How a column changed."""

    name: str
    type: EdaType
    drifted: bool
    effect: EdaEffectSize
    # `ks` or `chi_square` and `cramers_v`, `p_value`, `p_adjusted`, `psi`, `psi_threshold`,
    # `null_share_change` and so on.
    figures: dict[str, EdaFigure]


class EdaDrift(Closed):
    """What changed since before."""

    rows: Annotated[int, Field(ge=0)]
    previous_rows: Annotated[int, Field(ge=0)]
    columns: list[EdaColumnDrift]
    added: list[str]
    removed: list[str]
    retyped: list[str]
    skipped: list[EdaSkipped]
    findings: list[EdaFinding]
    # The findings to read
    report_md: str


class EdaRule(Closed):
    """A rule. Which members it needs depends on `check`."""

    check: EdaCheck
    column: Annotated[str | None, ABSENT] = None
    # Of `unique`: together.
    columns: Annotated[Annotated[list[str], Field(min_length=1, max_length=100)] | None, ABSENT] = (
        None
    )
    # Of `compare`: the right side.
    other: Annotated[str | None, ABSENT] = None
    op: Annotated[EdaOperator | None, ABSENT] = None
    # Of `range`, `length`, `row_count`: the least allowed.
    min: JsonValue = None
    # Of `range`, `length`, `row_count`, `null_share`: the most allowed.
    max: JsonValue = None
    # Of `in_set`.
    values: Annotated[Annotated[list[JsonValue], Field(max_length=100000)] | None, ABSENT] = None
    # Of `pattern`: a regular expression, run in linear time, that must match somewhere.
    pattern: Annotated[Annotated[str, Field(max_length=1000)] | None, ABSENT] = None
    type: Annotated[EdaType | None, ABSENT] = None
    # Of `increasing`: no two equal.
    strict: bool = False


class EdaValidateRequest(Closed):
    """The rules to check."""

    # A file below the base path of the service, in place of an Arrow body.
    path: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, ABSENT] = None
    format: Annotated[EdaFormat | None, ABSENT] = None
    rules: Annotated[list[EdaRule], Field(min_length=1, max_length=1000)]
    # How many rows that break a rule to name.
    failing_rows: Annotated[int, Field(ge=0, le=100)] = 10


class EdaRuleResult(Closed):
    """Whether a rule holds."""

    index: Annotated[int, Field(ge=0)]
    check: EdaCheck
    status: EdaRuleStatus
    checked: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1)]
    message: str
    # The first rows that break it, from 0.
    rows: list[Annotated[int, Field(ge=0)]]


class EdaValidation(Closed):
    """Whether the rules hold."""

    rows: Annotated[int, Field(ge=0)]
    # Whether every rule holds.
    passed: bool
    rules: list[EdaRuleResult]
    findings: list[EdaFinding]
    # The findings to read
    report_md: str


class EdaWorkers(Closed):
    """The worker processes."""

    size: Annotated[int, Field(ge=0)]
    idle: Annotated[int, Field(ge=0)]
    busy: Annotated[int, Field(ge=0)]
    starting: Annotated[int, Field(ge=0)]
    replaced: Annotated[int, Field(ge=0)]


class EdaLimits(Closed):
    """What one request may use."""

    memory_mb: Annotated[int, Field(ge=1)]
    rows: Annotated[int, Field(ge=1)]
    seconds: float
    body_mb: Annotated[int, Field(ge=1)]


class EdaHealth(Closed):
    """How the EDA service is."""

    status: EdaHealthStatus
    version: str
    uptime_seconds: float
    workers: EdaWorkers
    limits: EdaLimits
    libraries: dict[str, str]


# The HTTP status of each kind of error.
STATUS: dict[ErrorCode, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "already_exists": 409,
    "in_use": 409,
    "not_learned": 409,
    "not_running": 409,
    "not_finished": 409,
    "idempotency_in_flight": 409,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "invalid": 422,
    "refused": 422,
    "limit_exceeded": 422,
    "source_error": 422,
    "idempotency_mismatch": 422,
    "unsupported": 422,
    "provider_unavailable": 422,
    "precondition_required": 428,
    "too_many_requests": 429,
    "internal": 500,
    "unavailable": 503,
    "source_unavailable": 503,
    "timeout": 504,
}

# Method, path and name of each internal operation.
OPERATIONS = (
    ("GET", "/internal/v1/health", "eda_health"),
    ("GET", "/internal/v1/metrics", "eda_metrics"),
    ("POST", "/internal/v1/infer", "eda_infer"),
    ("POST", "/internal/v1/profile", "eda_profile"),
    ("POST", "/internal/v1/correlations", "eda_correlations"),
    ("POST", "/internal/v1/outliers", "eda_outliers"),
    ("POST", "/internal/v1/trends", "eda_trends"),
    ("POST", "/internal/v1/drift", "eda_drift"),
    ("POST", "/internal/v1/validate", "eda_validate"),
)
