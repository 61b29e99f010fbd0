//! Distinct rows, rows of several queries, and rows written out.

use super::expressions::{Scope, operand};
use super::item::Item;
use super::select::{Outer, Select, Stage, build, derived, up_to};
use super::writer::Writer;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{LogicalPlan, Union, Values};

fn is_text(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

/// Distinct rows are groups without aggregates: so text is told apart exactly on every engine.
pub(super) fn distinct(
    w: &mut Writer,
    input: &LogicalPlan,
    outer: Outer<'_>,
) -> Result<Select, String> {
    let mut select = up_to(w, input, Stage::From, outer)?;
    if select.from.is_empty() {
        select = derived(w, input.schema(), &select, None)?;
    }
    for (item, field) in select.items.iter_mut().zip(input.schema().fields()) {
        let (key, shown) = match is_text(field.data_type()) {
            true => w.rules.text_key(&item.text),
            false => (item.text.clone(), item.text.clone()),
        };
        select.group_by.push(key);
        *item = Item { exact: item.exact, ..Item::new(shown) };
    }
    select.stage = Stage::Grouped;
    Ok(select)
}

/// All rows of all inputs, each column in the type that the union has.
pub(super) fn union(w: &mut Writer, node: &Union, outer: Outer<'_>) -> Result<Select, String> {
    let mut parts = Vec::new();
    let names = super::select::distinct_names(&node.schema);
    for input in &node.inputs {
        let mut select = build(w, input, outer)?;
        if select.stage >= Stage::Ordered {
            select = derived(w, input.schema(), &select, None)?;
        }
        let fields = node.schema.fields().iter().zip(input.schema().fields());
        for (item, (to, from)) in select.items.iter_mut().zip(fields) {
            item.text = w.rules.stacked(item, from.data_type(), to.data_type())?;
        }
        parts.push(select.named(w, &names)?);
    }
    stacked(w, &parts, &names)
}

/// Queries of the same columns under one another, as one table.
fn stacked(w: &mut Writer, parts: &[String], names: &[String]) -> Result<Select, String> {
    let text = parts.join(" UNION ALL ");
    if !w.rules.derived_reaches_out() && w.reaches_out(&text) {
        return Err("has no query in FROM that speaks of the query around it".to_owned());
    }
    let alias = w.derived();
    let alias = w.ident(&alias)?;
    w.names(&alias);
    let mut items = Vec::new();
    for name in names {
        items.push(Item::exact(format!("{alias}.{}", w.ident(name)?)));
    }
    Ok(Select::from(format!("({text}) AS {alias}"), items))
}

/// Rows written out: engines differ in `VALUES`, and agree in queries without tables.
pub(super) fn values(w: &mut Writer, node: &Values, outer: Outer<'_>) -> Result<Select, String> {
    let names = super::select::distinct_names(&node.schema);
    let empty = DFSchema::empty();
    let scope = Scope { schema: &empty, items: &[], outer };
    let mut rows = Vec::new();
    for row in &node.values {
        let mut columns = Vec::new();
        for ((expr, field), name) in row.iter().zip(node.schema.fields()).zip(&names) {
            let item = match expr {
                datafusion::logical_expr::Expr::Literal(value, _) if value.is_null() => {
                    Item::exact(w.rules.null(field.data_type())?)
                }
                _ => operand(w, expr, &scope)?,
            };
            let from = scope.type_of(expr)?;
            let text = w.rules.stacked(&item, &from, field.data_type())?;
            columns.push(format!("{text} AS {}", w.ident(name)?));
        }
        rows.push(format!("SELECT {}", columns.join(", ")));
    }
    stacked(w, &rows, &names)
}
