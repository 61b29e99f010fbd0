//! Expressions of a plan to SQL.

use super::calls;
use super::item::Item;
use super::select::{Outer, Text};
use super::writer::Writer;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{InList, InSubquery, Like};
use datafusion::logical_expr::{Between, BinaryExpr, Case, Expr, ExprSchemable, Operator};

/// What columns stand for in the query being written.
pub(super) struct Scope<'s> {
    pub(super) schema: &'s DFSchema,
    /// How each field of the schema is written.
    pub(super) items: &'s [Item],
    pub(super) outer: Outer<'s>,
}

impl Scope<'_> {
    pub(super) fn type_of(&self, expr: &Expr) -> Result<DataType, String> {
        expr.get_type(self.schema).map_err(|e| format!("cannot type {expr}: {e}"))
    }

    pub(super) fn is_text(&self, expr: &Expr) -> Result<bool, String> {
        Ok(matches!(self.type_of(expr)?, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8))
    }

    fn find(&self, column: &Column) -> Option<&Item> {
        self.items.get(self.schema.maybe_index_of_column(column)?)
    }

    /// A column of the query around this one, or of one around that.
    fn find_outside(&self, column: &Column) -> Option<&Item> {
        let outer = self.outer?;
        outer.find(column).or_else(|| outer.find_outside(column))
    }
}

/// `expr` with what else is known of it.
pub(super) fn operand(w: &mut Writer, expr: &Expr, scope: &Scope<'_>) -> Result<Item, String> {
    let missing = |column: &Column| format!("has no column {column} here");
    match expr {
        Expr::Alias(alias) => operand(w, &alias.expr, scope),
        Expr::Column(column) => scope.find(column).cloned().ok_or_else(|| missing(column)),
        Expr::OuterReferenceColumn(_, column) => {
            scope.find_outside(column).cloned().ok_or_else(|| missing(column))
        }
        Expr::Literal(..) => Ok(Item::constant(expression(w, expr, scope)?)),
        Expr::Cast(_) | Expr::Placeholder(_) => Ok(Item::exact(expression(w, expr, scope)?)),
        other => Ok(Item::new(expression(w, other, scope)?)),
    }
}

/// A condition all of which must hold: what is null is as good as false here.
pub(super) fn condition(w: &mut Writer, expr: &Expr, scope: &Scope<'_>) -> Text {
    if let Expr::Between(between) = expr
        && !between.negated
    {
        let arrow = scope.type_of(&between.expr)?;
        let item = operand(w, &between.expr, scope)?;
        let low = operand(w, &between.low, scope)?;
        let high = operand(w, &between.high, scope)?;
        let low = w.rules.holds(&item, ">=", &low, &arrow);
        return Ok(format!("{low} AND {}", w.rules.holds(&item, "<=", &high, &arrow)));
    }
    if let Expr::BinaryExpr(binary) = expr
        && let Some(op) = comparison(binary.op)
    {
        let arrow = scope.type_of(&binary.left)?;
        let left = operand(w, &binary.left, scope)?;
        let right = operand(w, &binary.right, scope)?;
        return Ok(w.rules.holds(&left, op, &right, &arrow));
    }
    expression(w, expr, scope)
}

/// The equality of a join.
pub(super) fn equal(w: &mut Writer, left: &Expr, right: &Expr, scope: &Scope<'_>) -> Text {
    let arrow = scope.type_of(left)?;
    let left = operand(w, left, scope)?;
    let right = operand(w, right, scope)?;
    Ok(w.rules.holds(&left, "=", &right, &arrow))
}

/// `expr` as values that are never null and equal where it is the same, nulls with it. Engines
/// put rows into a hash table by such values, and by nothing that is told to heed nulls.
pub(super) fn nullable_key(
    w: &mut Writer,
    expr: &Expr,
    scope: &Scope<'_>,
) -> Result<Vec<String>, String> {
    let arrow = scope.type_of(expr)?;
    let value = expression(w, expr, scope)?;
    let value = if scope.is_text(expr)? { w.rules.exact_text(&value) } else { value };
    let some = w.rules.some_value(&arrow)?;
    Ok(vec![format!("({value} IS NULL)"), format!("COALESCE({value}, {some})")])
}

/// `expr` as text, bracketed wherever it is more than one word.
pub(super) fn expression(w: &mut Writer, expr: &Expr, scope: &Scope<'_>) -> Text {
    match expr {
        Expr::Alias(_) | Expr::Column(_) | Expr::OuterReferenceColumn(..) => {
            Ok(operand(w, expr, scope)?.text)
        }
        Expr::Placeholder(placeholder) => w.placeholder(&placeholder.id),
        Expr::Literal(value, _) => literal(w, value),
        Expr::BinaryExpr(binary) => operation(w, binary, scope),
        Expr::Not(inner) => Ok(format!("(NOT {})", expression(w, inner, scope)?)),
        Expr::Negative(inner) => Ok(format!("(- {})", expression(w, inner, scope)?)),
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_) => test(w, expr, scope),
        Expr::InList(list) => in_list(w, list, scope),
        Expr::Between(between) => self::between(w, between, scope),
        Expr::Like(like) => self::like(w, like, scope),
        Expr::Case(case) => case_when(w, case, scope),
        Expr::Cast(cast) => {
            let from = scope.type_of(&cast.expr)?;
            let value = expression(w, &cast.expr, scope)?;
            w.rules.cast(&value, &from, cast.field.data_type())
        }
        Expr::Exists(exists) => {
            let plan = super::select::any_row(&exists.subquery.subquery);
            let query = super::select::inner(w, plan, Some(scope))?;
            Ok(format!("({}EXISTS ({query}))", if exists.negated { "NOT " } else { "" }))
        }
        Expr::ScalarSubquery(subquery) => {
            Ok(format!("({})", super::select::inner(w, &subquery.subquery, Some(scope))?))
        }
        Expr::InSubquery(inside) => in_subquery(w, inside, scope),
        Expr::ScalarFunction(call) => calls::scalar(w, call, scope),
        Expr::AggregateFunction(call) => calls::aggregate(w, call, scope, ""),
        other => Err(format!("has no form for {}", other.variant_name())),
    }
}

fn test(w: &mut Writer, expr: &Expr, scope: &Scope<'_>) -> Text {
    let (inner, test) = match expr {
        Expr::IsNull(inner) => (inner, "IS NULL"),
        Expr::IsNotNull(inner) => (inner, "IS NOT NULL"),
        Expr::IsTrue(inner) => (inner, "IS TRUE"),
        Expr::IsFalse(inner) => (inner, "IS FALSE"),
        Expr::IsUnknown(inner) => (inner, "IS UNKNOWN"),
        Expr::IsNotTrue(inner) => (inner, "IS NOT TRUE"),
        Expr::IsNotFalse(inner) => (inner, "IS NOT FALSE"),
        Expr::IsNotUnknown(inner) => (inner, "IS NOT UNKNOWN"),
        other => return Err(format!("has no form for {}", other.variant_name())),
    };
    Ok(format!("({} {test})", expression(w, inner, scope)?))
}

/// Numbers, truth values and nulls stand in the text; everything else is bound.
fn literal(w: &mut Writer, value: &ScalarValue) -> Text {
    if value.is_null() {
        return w.rules.null(&value.data_type());
    }
    match value {
        ScalarValue::Boolean(Some(b)) => Ok(if *b { "TRUE" } else { "FALSE" }.to_owned()),
        ScalarValue::Int8(_)
        | ScalarValue::Int16(_)
        | ScalarValue::Int32(_)
        | ScalarValue::Int64(_)
        | ScalarValue::UInt8(_)
        | ScalarValue::UInt16(_)
        | ScalarValue::UInt32(_) => {
            let text = value.to_string();
            Ok(if text.starts_with('-') { format!("({text})") } else { text })
        }
        ScalarValue::Float64(Some(x)) if *x == 0.0 => Ok("0e0".to_owned()),
        // Without an exponent it would be a whole number there, whose division is cut.
        ScalarValue::Float64(Some(x)) if x.is_finite() && x.fract() == 0.0 => Ok(format!("{x:e}")),
        ScalarValue::Float64(Some(x)) if x.is_finite() => Ok(format!("{x}")),
        ScalarValue::Decimal128(Some(_), ..) => {
            let text = value.to_string();
            Ok(if text.starts_with('-') { format!("({text})") } else { text })
        }
        other => w.bind(other.clone()),
    }
}

fn comparison(op: Operator) -> Option<&'static str> {
    Some(match op {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        _ => return None,
    })
}

fn operation(w: &mut Writer, binary: &BinaryExpr, scope: &Scope<'_>) -> Text {
    let arrow = scope.type_of(&binary.left)?;
    let op = match binary.op {
        Operator::Plus | Operator::Minus if is_interval(&scope.type_of(&binary.right)?) => {
            return shifted(w, binary, &arrow, scope);
        }
        Operator::And => "AND",
        Operator::Or => "OR",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Multiply => "*",
        Operator::Divide | Operator::Modulo => {
            let left = expression(w, &binary.left, scope)?;
            let right = expression(w, &binary.right, scope)?;
            return w.rules.divide_whole(&left, &right, binary.op == Operator::Divide, &arrow);
        }
        Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => {
            let left = expression(w, &binary.left, scope)?;
            let right = expression(w, &binary.right, scope)?;
            let same = w.rules.same(&left, &right, &arrow);
            let distinct = binary.op == Operator::IsDistinctFrom;
            return Ok(if distinct { format!("(NOT {same})") } else { same });
        }
        Operator::StringConcat => {
            let left = expression(w, &binary.left, scope)?;
            let right = expression(w, &binary.right, scope)?;
            return Ok(w.rules.concat(&left, &right));
        }
        other => {
            let Some(op) = comparison(other) else {
                return Err(format!("has no operator {other}"));
            };
            let left = operand(w, &binary.left, scope)?;
            let right = operand(w, &binary.right, scope)?;
            return Ok(w.rules.compare(&left, op, &right, &arrow));
        }
    };
    let left = expression(w, &binary.left, scope)?;
    let right = expression(w, &binary.right, scope)?;
    Ok(format!("({left} {op} {right})"))
}

fn is_interval(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Interval(_))
}

/// A date or a time, an interval written out later or earlier.
fn shifted(w: &mut Writer, binary: &BinaryExpr, arrow: &DataType, scope: &Scope<'_>) -> Text {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(by)), _) = binary.right.as_ref()
    else {
        return Err("has no intervals that are not written out".to_owned());
    };
    let sign = if binary.op == Operator::Minus { -1_i64 } else { 1 };
    let months = sign * i64::from(by.months);
    let days = sign * i64::from(by.days);
    if by.nanoseconds % 1_000 != 0 {
        return Err("has no interval finer than a microsecond".to_owned());
    }
    let micros = sign * (by.nanoseconds / 1_000);
    if *arrow == DataType::Date32 && micros != 0 {
        return Err("has no date shifted by a time of day".to_owned());
    }
    let value = expression(w, &binary.left, scope)?;
    if value.len() > calls::MOST_BYTES {
        return Err(format!("has no expression of more than {} bytes", calls::MOST_BYTES));
    }
    w.rules.shift(&value, months, days, micros, arrow)
}

fn in_list(w: &mut Writer, list: &InList, scope: &Scope<'_>) -> Text {
    let item = operand(w, &list.expr, scope)?;
    let text = scope.is_text(&list.expr)?;
    let mut items = Vec::new();
    for value in &list.list {
        items.push(match value {
            // A null that is cast to text would bring a collation of its own.
            Expr::Literal(null, _) if null.is_null() => "NULL".to_owned(),
            value => expression(w, value, scope)?,
        });
    }
    let not = if list.negated { "NOT " } else { "" };
    if text {
        return Ok(format!("({not}{})", w.rules.text_in(&item, &items)));
    }
    Ok(format!("({} {not}IN ({}))", item.text, items.join(", ")))
}

fn in_subquery(w: &mut Writer, inside: &InSubquery, scope: &Scope<'_>) -> Text {
    let text = scope.is_text(&inside.expr)?;
    let item = expression(w, &inside.expr, scope)?;
    let item = if text { w.rules.exact_text(&item) } else { item };
    let plan = super::select::any_row(&inside.subquery.subquery);
    let query = super::select::one_column(w, plan, Some(scope), text)?;
    let not = if inside.negated { "NOT " } else { "" };
    Ok(format!("({item} {not}IN ({query}))"))
}

fn between(w: &mut Writer, between: &Between, scope: &Scope<'_>) -> Text {
    let arrow = scope.type_of(&between.expr)?;
    let item = operand(w, &between.expr, scope)?;
    let low = operand(w, &between.low, scope)?;
    let high = operand(w, &between.high, scope)?;
    let low = w.rules.compare(&item, ">=", &low, &arrow);
    let high = w.rules.compare(&item, "<=", &high, &arrow);
    let not = if between.negated { "NOT " } else { "" };
    Ok(format!("({not}({low} AND {high}))"))
}

/// Patterns escape by a backslash; the planner of SQL texts brings others into that form.
fn like(w: &mut Writer, like: &Like, scope: &Scope<'_>) -> Text {
    if like.case_insensitive || like.escape_char.is_some_and(|c| c != '\\') {
        return Err("has no such LIKE; fold both sides instead".to_owned());
    }
    let text = expression(w, &like.expr, scope)?;
    let pattern = expression(w, &like.pattern, scope)?;
    let not = if like.negated { "NOT " } else { "" };
    Ok(format!("({not}{})", w.rules.like(&text, &pattern)))
}

fn case_when(w: &mut Writer, case: &Case, scope: &Scope<'_>) -> Text {
    let mut text = "CASE".to_owned();
    let subject = match &case.expr {
        Some(subject) => Some((operand(w, subject, scope)?, scope.type_of(subject)?)),
        None => None,
    };
    for (when, then) in &case.when_then_expr {
        let when = match &subject {
            None => expression(w, when, scope)?,
            // Text is told apart exactly, so each branch compares by itself.
            Some((subject, arrow)) => {
                let when = operand(w, when, scope)?;
                w.rules.compare(subject, "=", &when, arrow)
            }
        };
        text += &format!(" WHEN {when} THEN {}", expression(w, then, scope)?);
    }
    if let Some(otherwise) = &case.else_expr {
        text += &format!(" ELSE {}", expression(w, otherwise, scope)?);
    }
    Ok(format!("({text} END)"))
}
