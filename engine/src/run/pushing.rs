//! Filters that are handed down while a plan runs, kept off plans in which a name stands twice.
//!
//! In: DataFusion's rules. Out: the same rules, those that hand filters down each held to the parts
//! of a plan where a name is one column. DataFusion 55 looks a filter's columns up by their names:
//! over a join of two tables with an `amount` each, what `ORDER BY payments.amount LIMIT 1` had
//! found so far was asked of `orders.amount`, and right rows were left out.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};
use std::collections::HashSet;
use std::sync::Arc;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The rule itself, or, where it hands filters down, the rule held to plans that it is right for.
pub(super) fn careful(rule: Rule) -> Rule {
    match rule.name().starts_with("FilterPushdown") {
        true => Arc::new(Careful(rule)),
        false => rule,
    }
}

#[derive(Debug)]
struct Careful(Rule);

impl PhysicalOptimizerRule for Careful {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // A node's own columns are nobody's inside its part, so they may have any names.
        if plan.children().into_iter().all(is_told_apart) {
            return self.0.optimize(plan, options);
        }
        let parts = plan.children().into_iter().cloned().collect::<Vec<_>>();
        let parts = parts.into_iter().map(|part| self.optimize(part, options));
        replace_children_if_necessary(plan, parts.collect::<Result<_>>()?)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Whether no name stands twice among the columns of a plan or of any part of it.
fn is_told_apart(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = plan.schema();
    let mut names = HashSet::with_capacity(schema.fields().len());
    let own = schema.fields().iter().all(|field| names.insert(field.name().as_str()));
    own && plan.children().into_iter().all(is_told_apart)
}

#[cfg(test)]
mod tests {
    use crate::run::{RunLimits, Runtime};
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::ParquetReadOptions;

    /// Files of three tables, two of which have an `amount`; of the orders, those of later files
    /// have greater ones.
    const FILES: [(&str, &str); 6] = [
        ("orders/1", "SELECT value AS id, value AS amount FROM range(1, 10001)"),
        ("orders/2", "SELECT value AS id, value AS amount FROM range(10001, 20001)"),
        ("orders/3", "SELECT value AS id, value AS amount FROM range(20001, 30001)"),
        ("orders/4", "SELECT value AS id, value AS amount FROM range(30001, 40001)"),
        ("payments/1", "SELECT value AS id, (value * 7919) % 30011 AS amount FROM range(1, 30001)"),
        ("customers/1", "SELECT value AS id FROM range(1, 30001)"),
    ];

    #[tokio::test]
    async fn a_filter_of_one_column_is_not_asked_of_another_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let spill_dir = folder.path().join("spill");
        let limits =
            RunLimits { memory_bytes: 1 << 28, spill_dir, spill_bytes: 1 << 28, partitions: 1 };
        let session = Runtime::new(&limits).unwrap().session();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for (name, rows) in FILES {
            let rows = session.sql(rows).await.unwrap();
            let file = path(&format!("{name}.parquet"));
            rows.write_parquet(&file, Default::default(), None).await.unwrap();
        }
        for name in ["orders", "payments", "customers"] {
            let options = ParquetReadOptions::default();
            session.register_parquet(name, path(name), options).await.unwrap();
        }
        let text = "SELECT o.amount AS o, p.amount AS p FROM orders o JOIN payments p ON o.id = p.id \
                    JOIN customers c ON p.id = c.id ORDER BY p.amount LIMIT 3";
        let limited = session.sql(text).await.unwrap().collect().await.unwrap();
        let all = text.replace(" LIMIT 3", "");
        let all = session.sql(&all).await.unwrap().collect().await.unwrap();
        let first = all[0].slice(0, 3);
        let shown = |rows| pretty_format_batches(rows).unwrap().to_string();
        assert_eq!(shown(&limited), shown(&[first]));
    }
}
