//! The expressions that are taken, by a list: operators, functions and forms.

use super::allowed::{MOST_DEPTH, Walk, folded};
use super::types;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DataType, DateTimeField, DuplicateTreatment,
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectNamePart, SelectItem, SetExpr, TimezoneInfo, TrimWhereField, TypedString, UnaryOperator,
    Value, WindowFrameBound, WindowType,
};

/// Functions of one row.
pub(super) const SCALAR: &[&str] = &[
    "abs",
    "btrim",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "date_part",
    "date_trunc",
    "floor",
    "greatest",
    "least",
    "length",
    "lower",
    "nullif",
    "round",
    "starts_with",
    "substr",
    "timezone",
    "trim",
    "upper",
];

/// Functions of a group or of a window.
pub(super) const AGGREGATE: &[&str] = &[
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "max",
    "min",
    "stddev",
    "stddev_samp",
    "sum",
    "var_samp",
    "variance",
];

/// Functions of a window alone.
pub(super) const WINDOW: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

impl Walk {
    pub(super) fn expr(&mut self, expr: &mut Expr) {
        self.deeper(|walk| walk.one(expr));
    }

    fn all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e mut Expr>) {
        exprs.into_iter().for_each(|expr| self.expr(expr));
    }

    fn one(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Identifier(_) => {}
            Expr::CompoundIdentifier(parts) => {
                if parts.len() > 3 {
                    self.not_taken("A name of more than three parts");
                }
            }
            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::Nested(inner) => self.expr(inner),
            Expr::IsDistinctFrom(a, b) | Expr::IsNotDistinctFrom(a, b) => {
                // Postgres ends the right side here at AND and OR, and the parser does not.
                let ends = matches!(
                    b.as_ref(),
                    Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. }
                );
                if ends {
                    self.not_taken("IS DISTINCT FROM before AND or OR; put brackets around it");
                }
                self.all([a.as_mut(), b.as_mut()]);
            }
            Expr::InList { expr, list, .. } => {
                self.expr(expr);
                self.all(list);
            }
            Expr::InSubquery { expr, subquery, .. } => {
                self.expr(expr);
                self.query(subquery);
            }
            Expr::Between { expr, low, high, .. } => {
                self.all([expr.as_mut(), low.as_mut(), high.as_mut()]);
            }
            Expr::BinaryOp { left, op, right } => {
                self.operator(op);
                let divides = matches!(op, BinaryOperator::Divide);
                if divides && (self.is_part(left) || self.is_part(right)) {
                    self.refuse(
                        "functions",
                        "EXTRACT is numeric in Postgres; cast it before it is divided: \
                         cast(extract(...) as bigint) / 10, or as double precision.",
                    );
                }
                self.all([left.as_mut(), right.as_mut()]);
            }
            Expr::UnaryOp { op, expr } => {
                if !matches!(op, UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not) {
                    self.refuse("functions", format!("The operator {op} is not on the list."));
                }
                self.expr(expr);
            }
            Expr::Like { any: false, expr, pattern, escape_char, .. }
            | Expr::ILike { any: false, expr, pattern, escape_char, .. } => {
                self.expr(expr);
                let escape = escape_char.take().map(|e| e.value);
                match pattern_of(pattern, escape.as_ref()) {
                    Ok(text) => **pattern = Expr::Value(Value::SingleQuotedString(text).into()),
                    Err(detail) => self.refuse("functions", detail),
                }
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.all(operand.as_deref_mut());
                for CaseWhen { condition, result } in conditions {
                    self.all([condition, result]);
                }
                self.all(else_result.as_deref_mut());
            }
            Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => self.query(subquery),
            Expr::Value(value) => self.value(&value.value),
            Expr::Function(function) => match self.frozen(function) {
                Some(value) => *expr = value,
                None => self.function(function),
            },
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.all([timestamp.as_mut(), time_zone.as_mut()]);
                // As the parser of Postgres does.
                let argument = |expr: &mut Expr| {
                    let expr = std::mem::replace(expr, Expr::Value(Value::Null.into()));
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
                };
                let args = vec![argument(time_zone.as_mut()), argument(timestamp.as_mut())];
                *expr = timezone(args);
            }
            other => self.form(other),
        }
    }

    /// Whether a value is a part of a time, or computed of one without a cast.
    pub(super) fn is_part(&self, expr: &Expr) -> bool {
        self.is_part_within(expr, MOST_DEPTH)
    }

    fn is_part_within(&self, expr: &Expr, levels: usize) -> bool {
        // What is deeper is refused.
        let Some(levels) = levels.checked_sub(1) else { return false };
        let part = |expr: &Expr| self.is_part_within(expr, levels);
        match expr {
            Expr::Extract { .. } => true,
            Expr::Identifier(name) => self.parts.contains(&folded(name)),
            Expr::CompoundIdentifier(names) => {
                names.last().is_some_and(|name| self.parts.contains(&folded(name)))
            }
            Expr::Nested(inner)
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::Ceil { expr: inner, .. }
            | Expr::Floor { expr: inner, .. } => part(inner),
            Expr::BinaryOp { left, right, .. } => part(left) || part(right),
            Expr::Case { conditions, else_result, .. } => {
                conditions.iter().any(|branch| part(&branch.result))
                    || else_result.as_deref().is_some_and(part)
            }
            Expr::Subquery(query) => self.gives_part(&query.body, levels),
            Expr::Function(function) => self.function_of_part(function, levels),
            _ => false,
        }
    }

    fn function_of_part(&self, function: &Function, levels: usize) -> bool {
        let name = bare_name(function).unwrap_or_default();
        let FunctionArguments::List(list) = &function.args else { return false };
        name == "date_part"
            || (name != "count"
                && list.args.iter().any(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                        self.is_part_within(expr, levels)
                    }
                    _ => false,
                }))
    }

    fn gives_part(&self, body: &SetExpr, levels: usize) -> bool {
        let Some(levels) = levels.checked_sub(1) else { return false };
        match body {
            SetExpr::Select(select) => select.projection.iter().any(|item| match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    self.is_part_within(expr, levels)
                }
                _ => false,
            }),
            SetExpr::Query(query) => self.gives_part(&query.body, levels),
            SetExpr::SetOperation { left, right, .. } => {
                self.gives_part(left, levels) || self.gives_part(right, levels)
            }
            _ => false,
        }
    }

    /// Forms that stand for a function or a cast.
    fn form(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Cast { kind, expr, data_type, array, format } => {
                let plain = matches!(kind, CastKind::Cast | CastKind::DoubleColon);
                if !plain || *array || format.is_some() {
                    self.not_taken("A cast of this kind");
                }
                self.named_type(data_type);
                self.expr(expr);
            }
            Expr::TypedString(TypedString { data_type, value, .. }) => {
                self.named_type(data_type);
                self.value(&value.value);
            }
            Expr::Extract { field, expr, .. } => {
                let taken = matches!(
                    field,
                    DateTimeField::Year
                        | DateTimeField::Quarter
                        | DateTimeField::Month
                        | DateTimeField::Week(None)
                        | DateTimeField::Day
                        | DateTimeField::Hour
                        | DateTimeField::Minute
                        | DateTimeField::Dow
                        | DateTimeField::Doy
                );
                if !taken {
                    self.refuse("functions", format!("EXTRACT of {field} is not on the list."));
                }
                self.expr(expr);
            }
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                if !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)) {
                    self.not_taken("CEIL or FLOOR to a place");
                }
                self.expr(expr);
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.expr(expr);
                if substring_from.is_none() {
                    self.not_taken("SUBSTRING without a start");
                }
                self.all(substring_from.as_deref_mut());
                self.all(substring_for.as_deref_mut());
            }
            Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                let both = matches!(trim_where, None | Some(TrimWhereField::Both));
                if !both || trim_what.is_some() || trim_characters.is_some() {
                    self.not_taken("TRIM other than of blanks on both sides");
                }
                self.expr(expr);
            }
            Expr::Interval(interval) => {
                let text = matches!(
                    interval.value.as_ref(),
                    Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_))
                );
                let plain = interval.leading_precision.is_none()
                    && interval.last_field.is_none()
                    && interval.fractional_seconds_precision.is_none();
                if !text || !plain {
                    self.not_taken("An interval of this form");
                }
            }
            other => {
                let name = format!("{other:?}");
                let name = name.split(['(', ' ', '{']).next().unwrap_or_default();
                self.not_taken(&format!("An expression of the form {name}"));
            }
        }
    }

    fn named_type(&mut self, data_type: &DataType) {
        if types::arrow(data_type).is_none() {
            self.refuse("functions", format!("A cast to {data_type} is not on the list."));
        }
    }

    fn operator(&mut self, op: &BinaryOperator) {
        let taken = matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::StringConcat
                | BinaryOperator::Gt
                | BinaryOperator::Lt
                | BinaryOperator::GtEq
                | BinaryOperator::LtEq
                | BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::And
                | BinaryOperator::Or
        );
        if !taken {
            self.refuse("functions", format!("The operator {op} is not on the list."));
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => {}
            Value::Placeholder(name) => {
                self.not_taken(&format!("The placeholder {name}; write the value, which is bound"));
            }
            _ => self.not_taken("Text other than in plain quotes"),
        }
    }

    /// The run's frozen time in the place of the present.
    fn frozen(&mut self, function: &Function) -> Option<Expr> {
        let name = bare_name(function)?;
        let none = match &function.args {
            FunctionArguments::None => true,
            FunctionArguments::List(list) => list.args.is_empty() && list.clauses.is_empty(),
            FunctionArguments::Subquery(_) => false,
        };
        if !none || function.over.is_some() || function.filter.is_some() {
            return None;
        }
        let (data_type, text) = match name.as_str() {
            "now" | "current_timestamp" | "transaction_timestamp" => {
                let zone = TimezoneInfo::WithTimeZone;
                (DataType::Timestamp(None, zone), self.now.to_string())
            }
            "localtimestamp" => {
                let zone = TimezoneInfo::WithoutTimeZone;
                (DataType::Timestamp(None, zone), self.shown.to_string())
            }
            "current_date" => (DataType::Date, self.shown.date().to_string()),
            _ => return None,
        };
        let value = Value::SingleQuotedString(text).into();
        Some(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
    }

    fn function(&mut self, function: &mut Function) {
        let Some(name) = bare_name(function) else {
            let detail = format!("{} is not on the list of functions.", function.name);
            self.refuse("functions", detail);
            return;
        };
        let (scalar, aggregate) =
            (SCALAR.contains(&name.as_str()), AGGREGATE.contains(&name.as_str()));
        let window = WINDOW.contains(&name.as_str());
        if !(scalar || aggregate || window) {
            self.refuse("functions", format!("{name} is not on the list of functions."));
            return;
        }
        let plain = !function.uses_odbc_syntax
            && matches!(function.parameters, FunctionArguments::None)
            && function.null_treatment.is_none()
            && function.within_group.is_empty();
        if !plain || (function.filter.is_some() && !aggregate) {
            self.not_taken(&format!("{name} with these options"));
        }
        if window != function.over.is_some() && !aggregate {
            self.not_taken(&format!("{name} with or without OVER"));
        }
        self.arguments(&name, &mut function.args);
        self.all(function.filter.as_deref_mut());
        match &mut function.over {
            None => {}
            Some(WindowType::WindowSpec(spec)) => {
                if spec.window_name.is_some() {
                    self.not_taken("A window by name");
                }
                self.all(&mut spec.partition_by);
                self.keys(&mut spec.order_by);
                if let Some(frame) = &mut spec.window_frame {
                    self.bound(&mut frame.start_bound);
                    if let Some(end) = &mut frame.end_bound {
                        self.bound(end);
                    }
                }
            }
            Some(WindowType::NamedWindow(_)) => self.not_taken("A window by name"),
        }
    }

    fn bound(&mut self, bound: &mut WindowFrameBound) {
        match bound {
            WindowFrameBound::Preceding(Some(n)) | WindowFrameBound::Following(Some(n)) => {
                self.expr(n);
            }
            _ => {}
        }
    }

    fn arguments(&mut self, name: &str, arguments: &mut FunctionArguments) {
        let FunctionArguments::List(list) = arguments else {
            self.not_taken(&format!("{name} without a list of arguments"));
            return;
        };
        if !list.clauses.is_empty() {
            self.not_taken(&format!("{name} with an order or other clauses"));
        }
        let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
        if distinct && !matches!(name, "count" | "sum" | "avg" | "min" | "max") {
            self.not_taken(&format!("{name} with DISTINCT"));
        }
        for argument in &mut list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.expr(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "count" => {}
                _ => self.not_taken(&format!("{name} with such an argument")),
            }
        }
    }
}

/// The name of a function that no schema qualifies.
fn bare_name(function: &Function) -> Option<String> {
    match &function.name.0[..] {
        [ObjectNamePart::Identifier(name)] => Some(folded(name)),
        _ => None,
    }
}

/// `AT TIME ZONE` as the function that it is.
fn timezone(args: Vec<FunctionArg>) -> Expr {
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: vec![Ident::new("timezone")].into(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A pattern with its escapes as backslashes.
fn pattern_of(pattern: &Expr, escape: Option<&Value>) -> Result<String, String> {
    let Expr::Value(value) = pattern else {
        return Err("LIKE with a pattern that is not written out is not taken.".to_owned());
    };
    let Value::SingleQuotedString(text) = &value.value else {
        return Err("LIKE with a pattern that is no text is not taken.".to_owned());
    };
    let escape = match escape {
        None => Some('\\'),
        Some(Value::SingleQuotedString(one)) if one.chars().count() <= 1 => one.chars().next(),
        Some(_) => return Err("ESCAPE wants one character.".to_owned()),
    };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let literal = match Some(c) == escape {
            true => chars.next().ok_or("A LIKE pattern may not end with its escape character.")?,
            false if c == '\\' => c,
            false => {
                out.push(c);
                continue;
            }
        };
        if matches!(literal, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(literal);
    }
    Ok(out)
}
