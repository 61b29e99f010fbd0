//! Expressions of a plan to SQL.

use super::calls;
use super::writer::Writer;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable, Operator};
use std::collections::BTreeMap;

/// What columns stand for in the query being written.
pub(super) struct Scope<'s> {
    pub(super) schema: &'s DFSchema,
    /// Expressions that stand in the place of unqualified columns.
    pub(super) inlined: &'s BTreeMap<String, String>,
}

impl Scope<'_> {
    pub(super) fn type_of(&self, expr: &Expr) -> Result<DataType, String> {
        expr.get_type(self.schema).map_err(|e| format!("cannot type {expr}: {e}"))
    }

    fn is_text(&self, expr: &Expr) -> Result<bool, String> {
        Ok(matches!(self.type_of(expr)?, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8))
    }
}

/// `expr` as text, bracketed wherever it is more than one word.
pub(super) fn expression(w: &mut Writer, expr: &Expr, scope: &Scope<'_>) -> Result<String, String> {
    match expr {
        Expr::Alias(alias) => expression(w, &alias.expr, scope),
        Expr::Column(column) => name(w, column, scope),
        Expr::OuterReferenceColumn(_, column) => name(w, column, scope),
        Expr::Placeholder(placeholder) => w.placeholder(&placeholder.id),
        Expr::Literal(value, _) => literal(w, value),
        Expr::BinaryExpr(binary) => operation(w, binary, scope),
        Expr::Not(inner) => Ok(format!("(NOT {})", expression(w, inner, scope)?)),
        Expr::Negative(inner) => Ok(format!("(- {})", expression(w, inner, scope)?)),
        Expr::IsNull(inner) => Ok(format!("({} IS NULL)", expression(w, inner, scope)?)),
        Expr::IsNotNull(inner) => Ok(format!("({} IS NOT NULL)", expression(w, inner, scope)?)),
        Expr::InList(list) => in_list(w, list, scope),
        Expr::Case(case) => case_when(w, case, scope),
        Expr::Cast(cast) => {
            let from = scope.type_of(&cast.expr)?;
            let value = expression(w, &cast.expr, scope)?;
            w.rules.cast(&value, &from, cast.field.data_type())
        }
        Expr::Exists(exists) => {
            let query = super::select::query(w, &exists.subquery.subquery)?;
            Ok(format!("({}EXISTS ({query}))", if exists.negated { "NOT " } else { "" }))
        }
        Expr::ScalarFunction(call) => calls::scalar(w, call, scope),
        Expr::AggregateFunction(call) => calls::aggregate(w, call, scope),
        other => Err(format!("has no form for {}", other.variant_name())),
    }
}

fn name(w: &Writer, column: &Column, scope: &Scope<'_>) -> Result<String, String> {
    match &column.relation {
        Some(relation) => Ok(format!("{}.{}", w.ident(relation.table())?, w.ident(&column.name)?)),
        None => match scope.inlined.get(&column.name) {
            Some(text) => Ok(text.clone()),
            None => w.ident(&column.name),
        },
    }
}

/// Numbers, truth values and nulls stand in the text; everything else is bound.
fn literal(w: &mut Writer, value: &ScalarValue) -> Result<String, String> {
    if value.is_null() {
        return w.rules.null(&value.data_type());
    }
    match value {
        ScalarValue::Boolean(Some(b)) => Ok(if *b { "TRUE" } else { "FALSE" }.to_owned()),
        ScalarValue::Int64(Some(n)) if *n >= 0 => Ok(n.to_string()),
        ScalarValue::Int64(Some(n)) => Ok(format!("({n})")),
        ScalarValue::Float64(Some(x)) if *x == 0.0 => Ok("0e0".to_owned()),
        ScalarValue::Float64(Some(x)) if x.is_finite() => Ok(format!("{x}")),
        ScalarValue::Decimal128(Some(_), ..) => Ok(value.to_string()),
        other => w.bind(other.clone()),
    }
}

fn operation(w: &mut Writer, binary: &BinaryExpr, scope: &Scope<'_>) -> Result<String, String> {
    let left = expression(w, &binary.left, scope)?;
    let right = expression(w, &binary.right, scope)?;
    let op = match binary.op {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        Operator::And => "AND",
        Operator::Or => "OR",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Multiply => "*",
        Operator::StringConcat => return Ok(w.rules.concat(&left, &right)),
        other => return Err(format!("has no operator {other}")),
    };
    let compares = matches!(op, "=" | "<>" | "<" | "<=" | ">" | ">=");
    if compares && scope.is_text(&binary.left)? {
        return Ok(w.rules.compare_text(&left, op, &right));
    }
    Ok(format!("({left} {op} {right})"))
}

fn in_list(w: &mut Writer, list: &InList, scope: &Scope<'_>) -> Result<String, String> {
    let mut item = expression(w, &list.expr, scope)?;
    let text = scope.is_text(&list.expr)?;
    let mut items = Vec::new();
    for value in &list.list {
        let value = expression(w, value, scope)?;
        items.push(if text { w.rules.exact_text(&value) } else { value });
    }
    if text {
        item = w.rules.exact_text(&item);
    }
    let not = if list.negated { "NOT " } else { "" };
    Ok(format!("({item} {not}IN ({}))", items.join(", ")))
}

fn case_when(w: &mut Writer, case: &Case, scope: &Scope<'_>) -> Result<String, String> {
    let mut text = "CASE".to_owned();
    if let Some(subject) = &case.expr {
        text += &format!(" {}", expression(w, subject, scope)?);
    }
    for (when, then) in &case.when_then_expr {
        text +=
            &format!(" WHEN {} THEN {}", expression(w, when, scope)?, expression(w, then, scope)?);
    }
    if let Some(otherwise) = &case.else_expr {
        text += &format!(" ELSE {}", expression(w, otherwise, scope)?);
    }
    Ok(format!("({text} END)"))
}
