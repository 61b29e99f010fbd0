//! The tables a query reads: by their full names, each under an alias of its own.

use crate::plan::{Context, Scanned, TimeBounds};
use crate::prepared::{CatalogTable, Prepared};
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Result, TableReference};
use datafusion::logical_expr::{LogicalPlan, SubqueryAlias, TableScanBuilder};
use std::sync::Arc;

/// Every scan under two aliases: the inner one is unique in the plan, so that the guard can bound
/// this scan and no other; the outer one is what the text calls the table.
pub(super) fn named(
    plan: LogicalPlan,
    prepared: &Prepared,
    context: &mut Context,
) -> Result<LogicalPlan> {
    let named = plan.transform_down_with_subqueries(|node| {
        let (scan, shown) = match &node {
            LogicalPlan::SubqueryAlias(aliased) => match aliased.input.as_ref() {
                LogicalPlan::TableScan(scan) => (scan, aliased.alias.clone()),
                _ => return Ok(Transformed::no(node)),
            },
            LogicalPlan::TableScan(scan) => (scan, scan.table_name.clone()),
            _ => return Ok(Transformed::no(node)),
        };
        let Some(known) = scan.source.downcast_ref::<CatalogTable>() else {
            return Ok(Transformed::no(node));
        };
        let [id] = prepared.find(&known.name) else { return Ok(Transformed::no(node)) };
        let table = prepared.table(*id);
        let name = match &table.schema {
            Some(schema) => TableReference::partial(schema.as_str(), table.name.as_str()),
            None => TableReference::bare(table.name.as_str()),
        };
        let alias = context.alias(shown.table());
        let time = table.time_series.then(|| table.time_column.clone()).flatten();
        context.scans.push(Scanned {
            table: known.name.clone(),
            alias: alias.clone(),
            columns: scan.projected_schema.fields().iter().map(|f| f.name().clone()).collect(),
            time: time.map(|column| TimeBounds { column, lower: None, upper: None }),
        });
        let scan = TableScanBuilder::new(name, Arc::clone(&scan.source))
            .with_projection(scan.projection.clone())
            .build()?;
        let inner = SubqueryAlias::try_new(
            Arc::new(LogicalPlan::TableScan(scan)),
            TableReference::bare(alias),
        )?;
        let outer = SubqueryAlias::try_new(Arc::new(LogicalPlan::SubqueryAlias(inner)), shown)?;
        let plan = LogicalPlan::SubqueryAlias(outer);
        Ok(Transformed::new(plan, true, TreeNodeRecursion::Jump))
    })?;
    Ok(named.data)
}
