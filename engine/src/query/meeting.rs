//! Where times of several kinds meet: before anything else is made of an expression, texts beside
//! times become times, and dates and timestamps without zone become instants where they stand with
//! one, by the clock of the text (`zones.rs`).

use super::arithmetic::joined;
use super::meaning::{Meaning, Unmeant};
use super::zones::{is_instant, is_local, is_shown, local, written};
use crate::types::{UTC, instant};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{InList, InSubquery, ScalarFunction, WindowFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, Case, Cast, Expr, ExprSchemable, Operator, WindowFrameBound,
    WindowFrameUnits,
};

fn is_time(arrow: &DataType) -> bool {
    is_local(arrow) || is_instant(arrow)
}

pub(super) fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Whether instants stand beside times that become some.
fn mixed(types: &[DataType]) -> bool {
    types.iter().any(is_instant) && types.iter().any(is_shown)
}

impl Meaning {
    /// An expression, its times of one kind.
    pub(super) fn met(&self, expr: Expr, schema: &DFSchema) -> Result<Expr> {
        match expr {
            Expr::BinaryExpr(binary) => self.operated(binary, schema),
            Expr::Between(between) => self.within(between, schema),
            Expr::InList(list) => self.listed(list, schema),
            Expr::InSubquery(inside) => self.inside(inside, schema),
            Expr::Case(case) => self.chosen(case, schema),
            Expr::Cast(cast) => {
                let (from, to) = (cast.expr.get_type(schema)?, cast.field.data_type());
                let value = self.clock.cast(*cast.expr, &from, to)?;
                Ok(Expr::Cast(Cast { expr: Box::new(value), field: cast.field }))
            }
            Expr::ScalarFunction(function) => self.called(function, schema),
            Expr::WindowFunction(mut window) => {
                self.framed(&window, schema)?;
                // A value, its distance, and what is shown where there is none.
                if let [value, distance, default] = &window.params.args[..] {
                    let mut args = vec![value.clone(), default.clone()];
                    args = self.together(args, schema)?;
                    args.insert(1, distance.clone());
                    window.params.args = args;
                }
                Ok(Expr::WindowFunction(window))
            }
            other => Ok(other),
        }
    }

    fn operated(&self, operation: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
        let BinaryExpr { left, op, right } = operation;
        let (l, r) = (left.get_type(schema)?, right.get_type(schema)?);
        if is_comparison(op) {
            let (left, right) = (self.beside(*left, &r)?, self.beside(*right, &l)?);
            return self.compared(left, op, right, schema);
        }
        let is_interval = |arrow: &DataType| matches!(arrow, DataType::Interval(_));
        let shifts = !self.clock.is_utc() && matches!(op, Operator::Plus | Operator::Minus);
        if shifts && is_instant(&l) && is_interval(&r) {
            return self.clock.shifted(*left, op, &right);
        }
        if shifts && op == Operator::Plus && is_interval(&l) && is_instant(&r) {
            return self.clock.shifted(*right, op, &left);
        }
        Ok(Expr::BinaryExpr(BinaryExpr { left, op, right }))
    }

    /// A text that is written out beside a time, read as one.
    fn beside(&self, expr: Expr, other: &DataType) -> Result<Expr> {
        match written(&expr) {
            Some(text) if is_time(other) => Ok(Expr::Literal(self.clock.read(text, other)?, None)),
            _ => Ok(expr),
        }
    }

    fn compared(&self, left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Result<Expr> {
        let (l, r) = (left.get_type(schema)?, right.get_type(schema)?);
        if self.clock.is_utc() || !mixed(&[l.clone(), r.clone()]) {
            return Ok(joined(left, op, right));
        }
        let at = |expr: &Expr| match expr {
            Expr::Literal(ScalarValue::TimestampMicrosecond(Some(at), Some(_)), _) => Some(*at),
            _ => None,
        };
        match (at(&left), at(&right)) {
            (Some(at), _) if !matches!(right, Expr::Literal(..)) => {
                self.clock.against(right, &r, op.swap().unwrap_or(op), at)
            }
            (_, Some(at)) if !matches!(left, Expr::Literal(..)) => {
                self.clock.against(left, &l, op, at)
            }
            _ => Ok(joined(self.as_instant(left, &l)?, op, self.as_instant(right, &r)?)),
        }
    }

    fn as_instant(&self, expr: Expr, arrow: &DataType) -> Result<Expr> {
        match is_shown(arrow) {
            true => self.clock.instant(expr, arrow),
            false => Ok(expr),
        }
    }

    fn within(&self, between: Between, schema: &DFSchema) -> Result<Expr> {
        let Between { expr, negated, low, high } = between;
        let bounds = [low.get_type(schema)?, high.get_type(schema)?];
        let expr = self.beside(self.beside(*expr, &bounds[0])?, &bounds[1])?;
        let arrow = expr.get_type(schema)?;
        let (low, high) = (self.beside(*low, &arrow)?, self.beside(*high, &arrow)?);
        let types = [arrow, low.get_type(schema)?, high.get_type(schema)?];
        if self.clock.is_utc() || !mixed(&types) {
            let (expr, low, high) = (Box::new(expr), Box::new(low), Box::new(high));
            return Ok(Expr::Between(Between { expr, negated, low, high }));
        }
        // Each bound by itself, the other operations of a comparison included.
        let bound = |op, bound| match self.compared(expr.clone(), op, bound, schema)? {
            Expr::BinaryExpr(binary) => self.operation(binary, schema),
            other => Ok(other),
        };
        let both = joined(bound(Operator::GtEq, low)?, Operator::And, bound(Operator::LtEq, high)?);
        Ok(if negated { Expr::Not(Box::new(both)) } else { both })
    }

    fn listed(&self, list: InList, schema: &DFSchema) -> Result<Expr> {
        let InList { expr, list, negated } = list;
        let mut values = vec![*expr];
        values.extend(list);
        let mut values = self.together(values, schema)?;
        let expr = Box::new(values.remove(0));
        Ok(Expr::InList(InList { expr, list: values, negated }))
    }

    fn inside(&self, inside: InSubquery, schema: &DFSchema) -> Result<Expr> {
        let InSubquery { expr, subquery, negated } = inside;
        let given = subquery.subquery.schema().fields().first().map(|f| f.data_type().clone());
        let given = given.unwrap_or(DataType::Null);
        let expr = self.beside(*expr, &given)?;
        let arrow = expr.get_type(schema)?;
        let expr = match !self.clock.is_utc() && is_instant(&given) {
            true => self.as_instant(expr, &arrow)?,
            false => expr,
        };
        Ok(Expr::InSubquery(InSubquery { expr: Box::new(expr), subquery, negated }))
    }

    /// Values that are compared, or of which one is shown.
    fn together(&self, values: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
        let types =
            values.iter().map(|value| value.get_type(schema)).collect::<Result<Vec<_>>>()?;
        let wanted = match types.iter().any(is_instant) {
            true => instant(UTC),
            false if types.iter().any(is_local) => local(),
            false => return Ok(values),
        };
        let one = |(value, arrow): (Expr, &DataType)| {
            let value = self.beside(value, &wanted)?;
            match is_instant(&wanted) && !self.clock.is_utc() {
                true => self.as_instant(value, arrow),
                false => Ok(value),
            }
        };
        values.into_iter().zip(&types).map(one).collect()
    }

    fn chosen(&self, case: Case, schema: &DFSchema) -> Result<Expr> {
        let Case { expr, when_then_expr, else_expr } = case;
        let (whens, mut shown): (Vec<Expr>, Vec<Expr>) =
            when_then_expr.into_iter().map(|(when, then)| (*when, *then)).unzip();
        let count = shown.len();
        shown.extend(else_expr.map(|value| *value));
        let mut shown = self.together(shown, schema)?;
        let else_expr = shown.split_off(count).pop().map(Box::new);
        let (expr, whens) = match expr {
            None => (None, whens),
            Some(asked) => {
                let mut asked = vec![*asked];
                asked.extend(whens);
                let mut asked = self.together(asked, schema)?;
                (Some(Box::new(asked.remove(0))), asked)
            }
        };
        let branches = whens.into_iter().zip(shown);
        let branches = branches.map(|(when, then)| (Box::new(when), Box::new(then))).collect();
        Ok(Expr::Case(Case::new(expr, branches, else_expr)))
    }

    fn called(&self, function: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
        let ScalarFunction { func, args } = function;
        let types = args.iter().map(|a| a.get_type(schema)).collect::<Result<Vec<_>>>()?;
        let clock = &self.clock;
        let args = match (func.name(), &args[..]) {
            ("coalesce" | "greatest" | "least", _) => self.together(args, schema)?,
            ("nullif", [_, _]) => {
                if !clock.is_utc() && is_shown(&types[0]) && is_instant(&types[1]) {
                    let detail = "nullif of a timestamp without zone and an instant is not taken; \
                                  cast one";
                    return Err(Unmeant::error(detail));
                }
                self.together(args, schema)?
            }
            ("date_part", [unit, value]) if !clock.is_utc() && is_instant(&types[1]) => {
                vec![unit.clone(), clock.shown(value.clone())?]
            }
            // In UTC the planner's own form serves.
            ("date_trunc", [Expr::Literal(unit, _), value])
                if !clock.is_utc() && (is_time(&types[1]) || is_shown(&types[1])) =>
            {
                return clock.truncated(unit, value, &types[1], None);
            }
            ("date_trunc", [Expr::Literal(unit, _), value, Expr::Literal(zone, _)])
                if is_time(&types[1]) || is_shown(&types[1]) =>
            {
                return clock.truncated(unit, value, &types[1], Some(zone));
            }
            ("timezone", [Expr::Literal(zone, _), value]) => {
                return clock.at_zone(zone, value, &types[1]);
            }
            ("timezone", _) => {
                return Err(Unmeant::error("AT TIME ZONE takes a zone that is written out"));
            }
            _ => args,
        };
        Ok(Expr::ScalarFunction(ScalarFunction { func, args }))
    }

    /// A frame that reaches by times counts days of UTC.
    fn framed(&self, window: &WindowFunction, schema: &DFSchema) -> Result<()> {
        let frame = &window.params.window_frame;
        let reaches = [&frame.start_bound, &frame.end_bound].into_iter().any(|bound| match bound {
            WindowFrameBound::Preceding(by) | WindowFrameBound::Following(by) => !by.is_null(),
            WindowFrameBound::CurrentRow => false,
        });
        if self.clock.is_utc() || frame.units != WindowFrameUnits::Range || !reaches {
            return Ok(());
        }
        for key in &window.params.order_by {
            if is_instant(&key.expr.get_type(schema)?) {
                return Err(Unmeant::error(
                    "RANGE over instants counts days of UTC here; order by \
                     (x AT TIME ZONE 'zone'), or take ROWS",
                ));
            }
        }
        Ok(())
    }
}
