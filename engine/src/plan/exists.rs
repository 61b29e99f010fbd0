//! `exists`: a correlated subquery that never multiplies rows.

use super::compile::Compiler;
use super::expression::binary;
use super::fact::{Fact, column, join, scan};
use super::internal;
use crate::model::FieldRef;
use crate::prepared::Edge;
use air_ir::{Code, Exists, IrError, Pointer};
use datafusion::arrow::datatypes::Field;
use datafusion::common::{JoinType, Spans};
use datafusion::logical_expr::expr::Exists as ExistsExpr;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Operator, Projection, Subquery, lit};
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
        for (i, filter) in exists.filters.iter().enumerate() {
            let at = at.key("filters").index(i);
            conditions.push(self.filter(filter, &mut inner, time, &at, true)?);
        }
        if let Some(last) = path.last() {
            for name in &last.right_columns {
                let field = FieldRef { target: entity, column: name.clone() };
                inner.field(self, &field, at)?;
            }
        }
        let (plan, near) = self.chain(&inner, &path, at)?;
        let mut outer_columns = Vec::new();
        for (l, r) in first.left_columns.iter().zip(&first.right_columns) {
            let field = FieldRef { target: of, column: l.clone() };
            let outside = outer.field(self, &field, at)?;
            let Expr::Column(name) = outside.expr else { continue };
            let field = Arc::new(Field::new(l, outside.arrow, true));
            let outside = Expr::OuterReferenceColumn(field, name);
            outer_columns.push(outside.clone());
            conditions.push(binary(column(&near, r), Operator::Eq, outside));
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
