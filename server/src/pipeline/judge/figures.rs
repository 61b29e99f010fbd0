//! Figures beside the rows, each by a small IR of its own: totals, the newest time, filters that
//! match nothing, and whether joins multiplied rows.
//!
//! In: the IR of the run. Out: IRs, and what their one row says. Absent on purpose: running them.

use air_engine::qa::Receipt;
use air_ir::{Catalog, EntityRef, Filter, Input, Ir, JoinKind, Subject};
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use jiff::Timestamp;
use serde_json::{Value, json};

/// More filters than this are not tried one by one.
const MOST_FILTERS: usize = 8;

/// The newest time in the root's data, where the root has a time column and no query stands in
/// its place.
pub(super) fn latest(ir: &Ir, catalog: &Catalog) -> Option<Ir> {
    let entity = root(ir)?;
    let air_ir::catalog::Found::One(table) = catalog.table(entity) else { return None };
    let time = table.time_column.as_deref()?;
    parse(&json!({
        "entities": [entity], "metrics": [{"name": "latest", "agg": "max", "field": time}],
    }))
}

/// The instant of [`latest`]'s one row.
pub(super) fn instant(rows: &RecordBatch) -> Option<Timestamp> {
    let column = rows.columns().first()?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let micros = (!column.is_empty() && column.is_valid(0)).then(|| column.value(0))?;
    Timestamp::from_microsecond(micros).ok()
}

/// Each filter of the IR alone, with its text: how many rows of the root it leaves.
pub(super) fn filters_alone(ir: &Ir) -> Vec<(String, Ir)> {
    if ir.filters.len() > MOST_FILTERS {
        return Vec::new();
    }
    let alone = |filter: &Filter| {
        let text = serde_json::to_string(filter).ok()?;
        let mut alone = counting(ir)?;
        alone.filters = vec![filter.clone()];
        Some((text, alone))
    };
    ir.filters.iter().filter_map(alone).collect()
}

/// The root's rows alone, and after the joins that dimensions and filters need; `None` where
/// nothing is joined, or a join of the IR is meant to drop rows.
pub(super) fn joined(ir: &Ir) -> Option<(Ir, Ir)> {
    let fields = fields(ir);
    if ir.joins.iter().any(|j| j.kind == JoinKind::Inner) || !fields.iter().any(|f| f.contains('.'))
    {
        return None;
    }
    // True of every row, so that the count is that of the joined rows.
    let always = |field: &String| json!({"any": [{"field": field, "op": "is_null"}, {"field": field, "op": "not_null"}]});
    let filters: Vec<Value> = fields.iter().map(always).collect();
    let mut joined = counting(ir)?.to_json();
    joined["metrics"] = json!([{"name": "rows", "agg": "count", "filter": {"all": filters}}]);
    let alone = parse(&json!({
        "entities": [root(ir)?], "metrics": [{"name": "rows", "agg": "count"}],
    }));
    Some((alone?, parse(&joined)?))
}

/// The receipt of the two counts of [`joined`].
pub(super) fn receipt(ir: &Ir, alone: &RecordBatch, joined: &RecordBatch) -> Option<Receipt> {
    let fact = root(ir)?.to_owned();
    Some(Receipt { fact, rows_alone: count(alone)?, rows_joined: count(joined)? })
}

/// The receipt, where its fact had `after` rows a moment later: of the counts between the two, the
/// one that agrees best, since the joined rows were counted in between.
pub(super) fn grown(receipt: Receipt, after: u64) -> Receipt {
    let before = receipt.rows_alone;
    let rows_alone = receipt.rows_joined.clamp(before.min(after), before.max(after));
    Receipt { rows_alone, ..receipt }
}

/// The count in the one row.
pub(super) fn count(rows: &RecordBatch) -> Option<u64> {
    let column = rows.columns().first()?.as_primitive_opt::<Int64Type>()?;
    if column.is_empty() { None } else { u64::try_from(column.value(0)).ok() }
}

/// The IR's entities and joins, counting the root's rows.
fn counting(ir: &Ir) -> Option<Ir> {
    let mut whole = ir.to_json();
    let object = whole.as_object_mut()?;
    for part in ["dimensions", "filters", "having", "top", "order", "limit", "offset", "grain"] {
        object.remove(part);
    }
    object.insert("metrics".to_owned(), json!([{"name": "rows", "agg": "count"}]));
    parse(&whole)
}

fn root(ir: &Ir) -> Option<&str> {
    match ir.entities.first()? {
        EntityRef::Name(name) | EntityRef::Named { entity: name, .. } => Some(name),
        EntityRef::Query { .. } => None,
    }
}

fn fields(ir: &Ir) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for dimension in &ir.dimensions {
        if let Input::Field(field) = &dimension.input {
            fields.push(field.clone());
        }
    }
    for filter in &ir.filters {
        if let Filter::Compare(comparison) = filter
            && let Subject::Field(field) = &comparison.subject
        {
            fields.push(field.clone());
        }
    }
    // A bare unit of time is no field; a field of the root needs no join.
    fields.retain(|f| f.contains('.'));
    fields
}

fn parse(ir: &Value) -> Option<Ir> {
    Ir::parse(ir).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_came_between_two_counts_are_no_fan_out() {
        let counted = |alone, joined, after| {
            let fact = "orders".to_owned();
            let receipt = Receipt { fact, rows_alone: alone, rows_joined: joined };
            grown(receipt, after).rows_alone
        };
        assert_eq!(counted(1000, 1001, 1002), 1001, "one came, then another");
        assert_eq!(counted(1000, 990, 980), 990, "some went");
        assert_eq!(counted(1000, 2000, 1003), 1003, "more than came is a fan-out");
        assert_eq!(counted(1000, 999, 1000), 1000, "and fewer than ever were is a loss");
    }
}
