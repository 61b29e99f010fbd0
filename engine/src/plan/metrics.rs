//! Metrics over stitched groups: aggregates as they are, and expressions over other metrics.

use super::aggregate::metric_name;
use super::compile::Compiler;
use super::expression::{Expressions, Failed, function};
use super::stitch::Stitched;
use crate::kind::{Kind, Typed};
use air_ir::{Code, IrError, MetricKind};
use datafusion::functions::core;
use datafusion::logical_expr::{col, lit};

impl Compiler<'_, '_> {
    /// Every metric's value, in the IR's order.
    pub(super) fn metric_values(&mut self, stitched: &Stitched) -> Vec<Typed> {
        let mut values: Vec<Option<Typed>> = vec![None; self.ir.metrics.len()];
        for (i, typed) in &stitched.metrics {
            values[*i] = Some(self.aggregate_value(*i, typed, stitched.several));
        }
        for i in 0..values.len() {
            if values[i].is_none() {
                match self.expression(i, &mut values, &mut Vec::new()) {
                    Ok(_) => {}
                    Err(error) => self.errors.push(error),
                }
            }
        }
        values.into_iter().flatten().collect()
    }

    /// A count of a fact that a group has no rows of is 0; other aggregates are null.
    fn aggregate_value(&self, i: usize, typed: &Typed, several: bool) -> Typed {
        let counts = matches!(&self.ir.metrics[i].kind,
            MetricKind::Aggregate { agg, .. } if agg.is_count());
        let expr = col(metric_name(i));
        match counts && several {
            true => Typed::new(function(core::coalesce(), vec![expr, lit(0_i64)]), Kind::Int(63)),
            false => Typed { expr, ..typed.clone() },
        }
    }

    /// The value of an `expr`, after those it names; `under` are the metrics being computed.
    fn expression(
        &mut self,
        i: usize,
        values: &mut Vec<Option<Typed>>,
        under: &mut Vec<usize>,
    ) -> Result<Typed, IrError> {
        if let Some(value) = &values[i] {
            return Ok(value.clone());
        }
        let at = self.at.key("metrics").index(i).key("expr");
        let MetricKind::Expr(expr) = &self.ir.metrics[i].kind else {
            let detail = "This metric has no value of its own here.";
            return Err(IrError::new(Code::Unsupported, &at, detail));
        };
        if under.contains(&i) {
            let names: Vec<&str> =
                under.iter().map(|m| self.ir.metrics[*m].name.as_str()).collect();
            let detail = format!("These metrics need one another: {}.", names.join(", "));
            return Err(IrError::new(Code::Cycle, &at, detail));
        }
        under.push(i);
        let mut known = Vec::new();
        for (name, _) in expr.names() {
            let Some(other) = self.ir.metrics.iter().position(|m| m.name == name) else {
                let names = self.ir.metrics.iter().map(|m| m.name.as_str());
                let detail = format!("There is no metric \"{name}\".");
                return Err(IrError::new(Code::UnknownMetric, &at, detail).near(name, names));
            };
            known.push((name.to_owned(), self.expression(other, values, under)?));
        }
        under.pop();
        let source_zone = self.zones.source.clone();
        let mut names = |_: &mut super::Context, name: &str, here: usize| {
            let found = known.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone());
            found.ok_or_else(|| Failed(here, format!("There is no metric \"{name}\".")))
        };
        let mut expressions =
            Expressions { context: self.context, names: &mut names, source_zone: &source_zone };
        let value = expressions.typed(expr.root()).map_err(|Failed(place, message)| {
            let detail = format!("At position {}: {message}", place + 1);
            IrError::new(Code::TypeMismatch, &at, detail)
        })?;
        values[i] = Some(value.clone());
        Ok(value)
    }
}
