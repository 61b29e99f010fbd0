//! Limits, windows and unions within a subquery, within each tie.

use super::{Tied, Tying, no_form, own, projected};
use crate::functions::numbered;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{
    Expr, FetchType, Filter, Limit, LogicalPlan, Projection, SkipType, Union, Window, lit,
};
use std::sync::Arc;

impl Tying<'_> {
    /// As many rows of each tie, by their numbers within it.
    pub(super) fn limited(&mut self, node: &Limit) -> Result<Tied> {
        let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
            (node.get_skip_type()?, node.get_fetch_type()?)
        else {
            return Err(no_form("a limit that is not written out"));
        };
        if let LogicalPlan::Projection(above) = node.input.as_ref() {
            // The order that the limit cuts may be below it.
            let input = Arc::clone(&above.input);
            let cut = LogicalPlan::Limit(Limit { input, ..node.clone() });
            let above = Projection::try_new(above.expr.clone(), Arc::new(cut))?;
            return self.tied(&LogicalPlan::Projection(above));
        }
        let (input, order) = match node.input.as_ref() {
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => (&sort.input, &sort.expr[..]),
            _ => (&node.input, &[][..]),
        };
        let columns = own(input.schema()).map(Expr::Column).collect();
        let Tied { plan, keys } = self.tied(input)?;
        let mut sorts = Vec::new();
        for sort in order {
            let key = self.swapped(sort.expr.clone(), &keys, input.schema())?;
            sorts.push(key.sort(sort.asc, sort.nulls_first));
        }
        let by = keys.iter().cloned().map(Expr::Column).collect();
        let number = numbered(by, sorts);
        let rows = Window::try_new(vec![number], Arc::new(plan))?;
        let last = rows.schema.fields().len() - 1;
        let number = Expr::Column(Column::from(rows.schema.qualified_field(last)));
        let at = |n: usize| lit(u64::try_from(n).unwrap_or(u64::MAX));
        let mut kept = number.clone().gt(at(skip));
        if let Some(fetch) = fetch {
            kept = kept.and(number.lt_eq(at(skip.saturating_add(fetch))));
        }
        let kept = Filter::try_new(kept, Arc::new(LogicalPlan::Window(rows)))?;
        projected(Tied { plan: LogicalPlan::Filter(kept), keys }, columns)
    }

    pub(super) fn windowed(&mut self, plan: &LogicalPlan, node: &Window) -> Result<Tied> {
        let input = self.tied(&node.input)?;
        let mut windows = Vec::new();
        for window in &node.window_expr {
            let window = self.swapped(window.clone(), &input.keys, node.input.schema())?;
            let Expr::WindowFunction(mut window) = window.unalias() else {
                return Err(no_form("such a window"));
            };
            let by = input.keys.iter().cloned().map(Expr::Column);
            window.params.partition_by.extend(by);
            windows.push(Expr::WindowFunction(window));
        }
        let numbered = Window::try_new(windows, Arc::new(input.plan))?;
        let made = numbered.schema.fields().len() - node.window_expr.len();
        let mut outputs: Vec<Expr> = own(node.input.schema()).map(Expr::Column).collect();
        let names = plan.schema().iter().skip(outputs.len());
        let renamed = names.enumerate().map(|(i, (relation, field))| {
            let column = Column::from(numbered.schema.qualified_field(made + i));
            Expr::Column(column).alias_qualified(relation.cloned(), field.name())
        });
        outputs.extend(renamed);
        projected(Tied { plan: LogicalPlan::Window(numbered), keys: input.keys }, outputs)
    }

    pub(super) fn united(&mut self, node: &Union) -> Result<Tied> {
        let mut inputs = Vec::new();
        for input in &node.inputs {
            let Tied { plan, keys } = self.tied(input)?;
            let keys = keys.into_iter().enumerate();
            let keys = keys.map(|(i, key)| Expr::Column(key).alias(format!("air_key{i}")));
            let columns = own(input.schema()).zip(node.schema.fields());
            let columns = columns.map(|(column, to)| Expr::Column(column).alias(to.name()));
            let outputs = keys.chain(columns).collect();
            let input = Projection::try_new(outputs, Arc::new(plan))?;
            inputs.push(Arc::new(LogicalPlan::Projection(input)));
        }
        let union = Union::try_new_with_loose_types(inputs)?;
        let (alias, count) = (self.made.name(), self.columns.len());
        let mut columns = own(&union.schema);
        let (mut keys, mut outputs) = (Vec::new(), Vec::new());
        for (i, column) in columns.by_ref().take(count).enumerate() {
            let key = Column::new(Some(alias.as_str()), format!("c{i}"));
            outputs.push(Expr::Column(column).alias_qualified(key.relation.clone(), &key.name));
            keys.push(key);
        }
        outputs.extend(columns.zip(node.schema.iter()).map(|(column, (relation, field))| {
            Expr::Column(column).alias_qualified(relation.cloned(), field.name())
        }));
        let plan = Projection::try_new(outputs, Arc::new(LogicalPlan::Union(union)))?;
        Ok(Tied { plan: LogicalPlan::Projection(plan), keys })
    }
}
