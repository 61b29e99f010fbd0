//! `exists`: a correlated subquery that never multiplies rows.

use super::compile::Compiler;
use super::expression::binary;
use super::fact::{Fact, column, join, scan};
use super::internal;
use crate::kind::Typed;
use crate::model::FieldRef;
use crate::prepared::Edge;
use air_ir::{Code, Exists, IrError, Pointer};
use datafusion::arrow::datatypes::Field;
use datafusion::common::{JoinType, Spans, TableReference};
use datafusion::logical_expr::expr::Exists as ExistsExpr;
use datafusion::logical_expr::{
    Aggregate, Expr, Filter, LogicalPlan, Operator, Projection, Subquery, SubqueryAlias, col, lit,
};
use std::sync::Arc;

impl Compiler<'_, '_> {
    pub(super) fn exists(
        &mut self,
        exists: &Exists,
        outer: &mut Fact,
        time: Option<&str>,
        at: &Pointer,
    ) -> Result<Expr, IrError> {
        let of = self.related_to(exists, at)?;
        let entity = self.model.target(&exists.entity);
        let Some(entity) = entity else {
            self.model.find_table(&exists.entity, &at.key("entity"))?;
            let detail = format!("There is no entity \"{}\".", exists.entity);
            return Err(IrError::new(Code::UnknownEntity, &at.key("entity"), detail));
        };
        let path = self.model.any_path(of, entity, exists.via.as_deref(), at)?;
        let Some(first) = path.first() else {
            let detail = "An entity has itself; name a related one.";
            return Err(IrError::new(Code::BadValue, &at.key("entity"), detail));
        };
        let mut inner = Fact::new(self, entity);
        let mut conditions = Vec::new();
        let (focus, projected) = (self.model.focus.replace(entity), self.projected);
        self.projected = false;
        for (i, filter) in exists.filters.iter().enumerate() {
            let at = at.key("filters").index(i);
            let condition = self.filter(filter, &mut inner, time, &at, true);
            if condition.is_err() {
                (self.model.focus, self.projected) = (focus, projected);
            }
            conditions.push(condition?);
        }
        (self.model.focus, self.projected) = (focus, projected);
        if let Some(last) = path.last() {
            for name in &last.right_columns {
                let field = FieldRef { target: entity, column: name.clone() };
                inner.field(self, &field, at)?;
            }
        }
        let (plan, near) = self.chain(&inner, &path, at)?;
        let mut links = Vec::new();
        for (l, r) in first.left_columns.iter().zip(&first.right_columns) {
            let field = FieldRef { target: of, column: l.clone() };
            links.push((outer.field(self, &field, at)?, column(&near, r)));
        }
        if self.projected {
            return self.mark(outer, plan, conditions, links, at);
        }
        let mut outer_columns = Vec::new();
        for (outside, inside) in links {
            let Expr::Column(name) = outside.expr else { continue };
            let field = Arc::new(Field::new(&name.name, outside.arrow, true));
            let outside = Expr::OuterReferenceColumn(field, name);
            outer_columns.push(outside.clone());
            conditions.push(binary(inside, Operator::Eq, outside));
        }
        let condition = conditions.into_iter().reduce(|a, b| binary(a, Operator::And, b));
        let condition = condition.unwrap_or_else(|| lit(true));
        let filtered = Filter::new(condition, Arc::new(plan));
        let one = vec![lit(1_i64).alias("one")];
        let projected = Projection::try_new(one, Arc::new(LogicalPlan::Filter(filtered)))
            .map_err(|e| internal(at, &e))?;
        let subquery = Subquery {
            subquery: Arc::new(LogicalPlan::Projection(projected)),
            outer_ref_columns: outer_columns,
            spans: Spans::new(),
        };
        Ok(Expr::Exists(ExistsExpr::new(subquery, false)))
    }

    /// `exists` as a value of a row: the distinct keys of the rows that fit, joined to the left,
    /// so that no row is multiplied; a row without partner has no key.
    fn mark(
        &mut self,
        outer: &mut Fact,
        plan: LogicalPlan,
        mut conditions: Vec<Expr>,
        links: Vec<(Typed, Expr)>,
        at: &Pointer,
    ) -> Result<Expr, IrError> {
        let fail = |e| internal(at, &e);
        let alias = self.context.alias("related");
        let mut keys = Vec::new();
        let mut on = Vec::new();
        for (i, (outside, inside)) in links.into_iter().enumerate() {
            let name = format!("k{i}");
            conditions.push(Expr::IsNotNull(Box::new(inside.clone())));
            keys.push(inside.alias(&name));
            on.push((outside.expr, column(&alias, &name)));
        }
        let condition = conditions.into_iter().reduce(|a, b| binary(a, Operator::And, b));
        let filtered = Filter::new(condition.unwrap_or_else(|| lit(true)), Arc::new(plan));
        let projected =
            Projection::try_new(keys, Arc::new(LogicalPlan::Filter(filtered))).map_err(fail)?;
        let by = (0..on.len()).map(|i| col(format!("k{i}"))).collect();
        let input = Arc::new(LogicalPlan::Projection(projected));
        let distinct = Aggregate::try_new(input, by, Vec::new()).map_err(fail)?;
        let distinct = Arc::new(LogicalPlan::Aggregate(distinct));
        let aliased = SubqueryAlias::try_new(distinct, TableReference::bare(alias.as_str()));
        outer.marks.push((LogicalPlan::SubqueryAlias(aliased.map_err(fail)?), on));
        Ok(Expr::IsNotNull(Box::new(column(&alias, "k0"))))
    }

    /// The entity's rows joined back to the table nearest the outside, and that table's alias.
    fn chain(
        &mut self,
        inner: &Fact,
        path: &[Edge],
        at: &Pointer,
    ) -> Result<(LogicalPlan, String), IrError> {
        let mut plan = inner.joined(self, at)?;
        let mut far = inner.alias().to_owned();
        for (i, edge) in path.iter().enumerate().skip(1).rev() {
            let table = edge.left;
            let name = self.model.table(table).name.clone();
            let alias = self.context.alias(&name);
            let mut columns = edge.left_columns.clone();
            columns.extend(path[i - 1].right_columns.iter().cloned());
            let nearer = scan(self, table, &alias, &columns).map_err(|e| internal(at, &e))?;
            let seen = super::Scanned {
                table: self.model.table(table).qualified_name(),
                alias: alias.clone(),
                columns,
                time: None,
            };
            self.context.scans.push(seen);
            plan = join(plan, nearer, &far, &alias, &edge.turned(), JoinType::Inner)
                .map_err(|e| internal(at, &e))?;
            far = alias;
        }
        Ok((plan, far))
    }
}
