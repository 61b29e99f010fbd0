//! Each check of QA: rows that pass, rows that do not, rows it does not apply to, and rows on
//! its threshold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod figures;
mod never_panics;
mod rows;
mod time;

use air_engine::qa::{Evidence, Receipt, check};
use air_engine::{OutputColumn, OutputRole};
use air_ir::{Agg, Check, CheckStatus, Grain, Ir, Verdict};
use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Field, Schema};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// A result with all that is gathered beside it.
struct Case {
    ir: Ir,
    columns: Vec<OutputColumn>,
    rows: RecordBatch,
    truncated: bool,
    now: Timestamp,
    time_zone: &'static str,
    range: Option<(Timestamp, Timestamp)>,
    totals: Option<RecordBatch>,
    receipts: Vec<Receipt>,
    latest: Option<Timestamp>,
    empty_filters: Vec<String>,
}

impl Case {
    /// `ir` is JSON without `entities`; every column stands with its array.
    fn new(ir: &str, columns: Vec<(OutputColumn, ArrayRef)>) -> Self {
        let mut json: Value = serde_json::from_str(ir).unwrap();
        json["entities"] = serde_json::json!(["sales"]);
        let (columns, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        Self {
            ir: Ir::parse(&json).unwrap(),
            rows: batch(&names, arrays),
            columns,
            truncated: false,
            now: at("2024-06-01T00:00:00Z"),
            time_zone: "UTC",
            range: None,
            totals: None,
            receipts: Vec::new(),
            latest: None,
            empty_filters: Vec::new(),
        }
    }

    fn verdict(&self) -> Verdict {
        check(&Evidence {
            ir: &self.ir,
            columns: &self.columns,
            rows: &self.rows,
            truncated: self.truncated,
            now: self.now,
            time_zone: self.time_zone,
            range: self.range,
            totals: self.totals.as_ref(),
            receipts: &self.receipts,
            latest: self.latest,
            empty_filters: &self.empty_filters,
        })
    }

    /// The check of that name; `None` where it does not apply.
    fn check(&self, id: &str) -> Option<Check> {
        let found: Vec<Check> = self.verdict().checks.into_iter().filter(|c| c.id == id).collect();
        assert!(found.len() <= 1, "{id} came {} times", found.len());
        let found = found.into_iter().next();
        if let Some(check) = &found {
            assert!(check.message.ends_with('.'), "no sentence: {}", check.message);
            for key in ["observed", "threshold", "method"] {
                assert!(!check.evidence[key].is_null(), "{id} tells no {key}");
            }
        }
        found
    }

    fn status(&self, id: &str) -> Option<CheckStatus> {
        self.check(id).map(|c| c.status)
    }

    fn message(&self, id: &str) -> String {
        self.check(id).unwrap().message
    }

    fn observed(&self, id: &str) -> Value {
        self.check(id).unwrap().evidence["observed"].clone()
    }
}

const PASS: Option<CheckStatus> = Some(CheckStatus::Pass);
const WARN: Option<CheckStatus> = Some(CheckStatus::Warn);
const FAIL: Option<CheckStatus> = Some(CheckStatus::Fail);

fn batch(names: &[&str], arrays: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<Field> = names
        .iter()
        .zip(&arrays)
        .map(|(name, a)| Field::new(*name, a.data_type().clone(), true))
        .collect();
    let rows = arrays.first().map_or(0, |a| a.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn dimension(name: &str, array: ArrayRef) -> (OutputColumn, ArrayRef) {
    let column = OutputColumn {
        name: name.into(),
        role: OutputRole::Dimension,
        data_type: array.data_type().clone(),
        bucket: None,
        agg: None,
        additive: false,
    };
    (column, array)
}

fn bucket(name: &str, grain: &str, array: ArrayRef) -> (OutputColumn, ArrayRef) {
    let (mut column, array) = dimension(name, array);
    column.bucket = Some(Grain::parse(grain).unwrap());
    (column, array)
}

/// A metric with `agg`, or an expression without.
fn metric(name: &str, agg: impl Into<Option<Agg>>, array: ArrayRef) -> (OutputColumn, ArrayRef) {
    let (mut column, array) = dimension(name, array);
    column.role = OutputRole::Metric;
    column.agg = agg.into();
    column.additive = column.agg.is_some_and(Agg::is_additive);
    (column, array)
}

fn text<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

/// Instants in a zone.
fn instants<'a>(zone: &str, values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    let micros = values.into_iter().map(|v| at(v).as_microsecond());
    Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone(zone))
}
