//! A query for a part of its table, so that several connections can read parts of it at once.
//!
//! In: a plan. Out: its text with one condition more, on where in the table a row lies, where every
//! row of the plan is a row of one table, chosen and shaped by itself. Deliberately absent: where
//! one part ends and the next begins, which who reads decides by the size the table has then.

use super::select::{named, typed};
use super::writer::Writer;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{LogicalPlan, TableScan};

/// Schema and table, and the text, whose last two values bound the part.
type Part = (String, String, String);

/// The plan for a part of its table, where it has such.
pub(super) fn query(w: &mut Writer, plan: &LogicalPlan) -> Result<Option<Part>, String> {
    let (Some([first, behind]), Some(scan)) = (w.rules.places(), only_table(plan)) else {
        return Ok(None);
    };
    let Some(schema) = scan.table_name.schema() else { return Ok(None) };
    let mut select = typed(w, plan)?;
    let Some(alias) = select.table.take() else { return Ok(None) };
    // They stand last in the text, so that they are its last values.
    let [first, behind] = [first, behind].map(|place| w.bare(ScalarValue::from(place)));
    let (from, condition) = w.rules.part_of(&select.from, &alias, &first, &behind);
    select.from = from;
    select.wheres.push(condition);
    let text = named(w, plan, &select)?;
    Ok(Some((schema.to_owned(), scan.table_name.table().to_owned(), text)))
}

/// The only table of a plan that chooses and shapes its rows one by one.
fn only_table(plan: &LogicalPlan) -> Option<&TableScan> {
    let mut node = plan;
    loop {
        node = match node {
            LogicalPlan::TableScan(scan) => return Some(scan),
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Projection(projection) if !has_subquery(node) => &projection.input,
            LogicalPlan::Filter(filter) if !has_subquery(node) => &filter.input,
            _ => return None,
        };
    }
}

/// Whether expressions of a node read rows of their own.
fn has_subquery(node: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = node.apply_subqueries(|_| {
        found = true;
        Ok(TreeNodeRecursion::Stop)
    });
    found || walked.is_err()
}
