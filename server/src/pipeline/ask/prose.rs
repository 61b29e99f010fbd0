//! Text of a model's own in what a query gives.
//!
//! In: a query that a model wrote, and that was planned. Out: nothing, or what of it would be a
//! sentence of the model before a person's eyes: as the name of a column, as a column of nothing
//! but a text, or as a label. Values that rows are compared with are not looked at.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem,
    SetExpr, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::reply::is_plain;

/// A label has no more words and characters.
const MOST_WORDS: usize = 5;
const LONGEST: usize = 64;

/// Looks at a query and the names of its columns.
///
/// # Errors
/// What is to be left out, for the model.
pub(super) fn checked<'n>(
    sql: &str,
    mut columns: impl Iterator<Item = &'n str>,
) -> Result<(), String> {
    if columns.any(|name| !is_plain(name)) {
        return Err("A name of a column is not of plain words.".to_owned());
    }
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql);
    let parsed = parsed.map_err(|_| "The answer is not one query.".to_owned())?;
    match parsed.visit(&mut Outputs) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(what) => Err(what.to_owned()),
    }
}

/// Looks at what each query gives, wherever it stands.
struct Outputs;

impl Visitor for Outputs {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        body(&query.body)
    }
}

fn body(part: &SetExpr) -> ControlFlow<&'static str> {
    match part {
        SetExpr::Select(select) => select.projection.iter().try_for_each(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                output(expr, true)
            }
            _ => ControlFlow::Continue(()),
        }),
        SetExpr::SetOperation { left, right, .. } => {
            body(left)?;
            body(right)
        }
        SetExpr::Values(values) => {
            let mut cells = values.rows.iter().flat_map(|row| &row.content);
            cells.try_for_each(|cell| output(cell, false))
        }
        // A query in brackets is visited by itself.
        _ => ControlFlow::Continue(()),
    }
}

/// One output; `whole`, where it is a column by itself.
fn output(expr: &Expr, whole: bool) -> ControlFlow<&'static str> {
    let mut found = Found::default();
    found.look(expr)?;
    if whole && !found.reads && !found.texts.is_empty() {
        return ControlFlow::Break("A column of nothing but a text is not taken.");
    }
    match is_prose(&found.texts.join(" ")) {
        true => ControlFlow::Break("A label is a few plain words; a sentence is not taken."),
        false => ControlFlow::Continue(()),
    }
}

/// The texts that an output is put together of.
#[derive(Default)]
struct Found {
    texts: Vec<String>,
    /// Whether something else than texts is in it.
    reads: bool,
}

impl Found {
    fn look(&mut self, expr: &Expr) -> ControlFlow<&'static str> {
        match expr {
            Expr::Value(value) => self.texts.extend(value.value.clone().into_string()),
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.look(inner)?,
            Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
                self.look(left)?;
                self.look(right)?;
            }
            Expr::Case { conditions, else_result, .. } => {
                self.reads = true;
                let results = conditions.iter().map(|when| &when.result);
                for result in results.chain(else_result.as_deref()) {
                    output(result, false)?;
                }
            }
            Expr::Function(function) => self.arguments(&function.args)?,
            _ => self.reads = true,
        }
        ControlFlow::Continue(())
    }

    fn arguments(&mut self, arguments: &FunctionArguments) -> ControlFlow<&'static str> {
        let list = match arguments {
            FunctionArguments::List(list) => list.args.as_slice(),
            FunctionArguments::None | FunctionArguments::Subquery(_) => &[],
        };
        // The time, or a number that nobody wrote.
        self.reads |= list.is_empty();
        for argument in list {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.look(expr)?,
                _ => self.reads = true,
            }
        }
        ControlFlow::Continue(())
    }
}

fn is_prose(text: &str) -> bool {
    let folded = text.to_lowercase();
    let leads = ["://", "www.", "mailto:", "](", "@"].iter().any(|mark| folded.contains(mark));
    let html = text
        .split('<')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!'));
    leads || html || text.len() > LONGEST || text.split_whitespace().count() > MOST_WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_gives_no_sentence_of_its_own() {
        for sql in [
            "SELECT count(*), 'Your account is locked, call 555 at once' FROM orders",
            "SELECT 'Locked' AS status, count(*) FROM orders GROUP BY 1",
            "SELECT region FROM orders UNION ALL SELECT 'Call us'",
            "WITH a AS (SELECT upper('call ' || 'us') AS x) SELECT x FROM a",
            "SELECT region || ' is locked, so call us now please' FROM orders",
            "SELECT CASE WHEN amount > 0 THEN 'see https://example.org' END FROM orders",
            "SELECT * FROM (VALUES ('your account is locked for good now')) AS t(x)",
            "SELECT coalesce(region, '<b>call us</b>') FROM orders",
        ] {
            assert!(checked(sql, std::iter::empty()).is_err(), "{sql}");
        }
        for sql in [
            "SELECT region, count(*) FROM orders WHERE note = 'a long text, of more than 5 words!'",
            "SELECT CASE WHEN amount > 5 THEN '> 5 EUR' WHEN amount > 1 THEN 'a few' ELSE 'none' \
             END AS size, 1 AS one, count(*) FROM orders GROUP BY 1",
            "SELECT date_trunc('month', placed_at), to_char(placed_at, 'YYYY-MM-DD HH24:MI') \
             FROM orders",
            "SELECT date_trunc('month', now()), now()",
            "SELECT coalesce(region, 'not known') || ' (' || name || ')' FROM orders",
        ] {
            assert_eq!(checked(sql, std::iter::empty()), Ok(()), "{sql}");
        }
        let named = |name: &'static str| checked("SELECT 1", std::iter::once(name));
        assert!(named("Your account is locked, call 555").is_err());
        assert_eq!(named("late_share"), Ok(()));
    }
}
