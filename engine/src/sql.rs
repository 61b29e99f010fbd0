//! Guarded plan to SQL text for one engine: the only place that writes SQL.
//!
//! In: a [`GuardedPlan`]. Out: one `SELECT` and the values bound to its placeholders. No value of
//! a user and no text literal ever stands in the SQL: identifiers go through one function that
//! quotes them, whole numbers and the names of time zones through one that checks them, all else
//! is bound. What an engine cannot do with the same meaning is refused with a reason.
//!
//! The stock unparser is not used: its text literals can be broken out of, and it has no hook for
//! most of what differs between engines (see ARCHITECTURE.md). A new dialect is one file beside
//! `postgres.rs` and its cases in the snapshots.

mod calls;
mod datafusion_dialect;
mod divided;
mod expressions;
mod item;
mod join;
mod mysql;
mod postgres;
mod rules;
mod select;
mod sets;
mod timescaledb;
mod window;
mod writer;
mod written;

pub use rules::NOT_DETERMINISTIC;
pub(crate) use written::{Texts, Written};

use crate::guard::GuardedPlan;
use crate::plan::Spans;
use crate::remote::Divided;
use air_ir::catalog::SourceKind;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan};
use rules::Rules;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use writer::Writer;

/// The engines SQL is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    Postgres,
    Timescaledb,
    /// MySQL 8.0 and MariaDB 10.5 or later.
    Mysql,
    /// The embedded engine. It runs the plan itself; this text is for people.
    Datafusion,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Timescaledb, Self::Mysql, Self::Datafusion];

    /// The name in the REST contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Timescaledb => "timescaledb",
            Self::Mysql => "mysql",
            Self::Datafusion => "datafusion",
        }
    }

    fn rules(self) -> &'static dyn Rules {
        match self {
            Self::Postgres => &postgres::Postgres,
            Self::Timescaledb => &timescaledb::Timescaledb,
            Self::Mysql => &mysql::Mysql,
            Self::Datafusion => &datafusion_dialect::Datafusion,
        }
    }
}

/// The dialect a kind of source speaks; files speak none.
pub(crate) fn dialect_of(kind: SourceKind) -> Option<Dialect> {
    match kind {
        SourceKind::Postgres => Some(Dialect::Postgres),
        SourceKind::Timescaledb => Some(Dialect::Timescaledb),
        SourceKind::Mysql => Some(Dialect::Mysql),
        SourceKind::Files => None,
    }
}

/// One query and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Sql {
    pub dialect: Dialect,
    pub text: String,
    /// The values of the placeholders, in their order.
    pub params: Vec<ScalarValue>,
}

/// What an engine cannot do with the same meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unsupported_on_engine: {dialect} {reason}", dialect = .dialect.as_str())]
pub struct Unsupported {
    pub dialect: Dialect,
    /// What it cannot do, and what to do instead.
    pub reason: String,
}

impl GuardedPlan {
    /// This plan as SQL of one engine, for people: conditions on columns that may not be seen are
    /// left out of it.
    ///
    /// # Errors
    /// [`Unsupported`], where the engine could not give the same rows.
    pub fn sql(&self, dialect: Dialect) -> Result<Sql, Unsupported> {
        let told = self.told();
        let written = told.written_for(dialect, told.values(), told.spans())?;
        Ok(written.sql(dialect, told.values()))
    }

    /// The text of the whole plan for these values and these spans in the place of its own.
    pub(crate) fn written_for(
        &self,
        dialect: Dialect,
        values: &[ScalarValue],
        spans: &Spans,
    ) -> Result<Arc<Written>, Unsupported> {
        self.texts().get(dialect, spans, || written(dialect, self.logical(), values, spans))
    }
}

/// A part of a guarded plan as SQL of one engine: its scans, its values and the bounds of its
/// times, where known.
///
/// # Errors
/// [`Unsupported`], where the engine could not give the same rows.
pub(crate) fn write(
    plan: &LogicalPlan,
    values: &[ScalarValue],
    spans: &Spans,
    dialect: Dialect,
) -> Result<Sql, Unsupported> {
    Ok(written(dialect, plan, values, spans)?.sql(dialect, values))
}

/// As [`write`], for a part of the only table of the plan; `None` where its rows are not rows of
/// one table, each by itself, or where rows of the engine have no place in theirs.
pub(crate) fn divided(
    plan: &LogicalPlan,
    values: &[ScalarValue],
    spans: &Spans,
    dialect: Dialect,
) -> Option<Divided> {
    let mut writer = Writer::new(dialect.rules(), values.to_vec(), spans.clone());
    let (schema, table, text) = divided::query(&mut writer, plan).ok()??;
    let sql = writer.finish(&text, values.len()).ok()?.sql(dialect, values);
    Some(Divided { schema, table, sql })
}

/// Which expressions an engine has a form for.
pub(crate) struct Forms(Writer);

impl Forms {
    pub(crate) fn new(dialect: Dialect, values: &[ScalarValue], spans: &Spans) -> Self {
        Self(Writer::new(dialect.rules(), values.to_vec(), spans.clone()))
    }

    /// Whether `expr` over rows of `schema` has a form.
    ///
    /// # Errors
    /// The reason why it has none.
    pub(crate) fn check(&mut self, expr: &Expr, schema: &DFSchema) -> Result<(), String> {
        let items: Vec<item::Item> =
            schema.fields().iter().map(|_| item::Item::new("c".to_owned())).collect();
        let scope = expressions::Scope { schema, items: &items, outer: None };
        expressions::expression(&mut self.0, expr, &scope).map(|_| ())
    }
}

fn written(
    dialect: Dialect,
    plan: &LogicalPlan,
    values: &[ScalarValue],
    spans: &Spans,
) -> Result<Written, Unsupported> {
    let fail = |reason| Unsupported { dialect, reason };
    let mut writer = Writer::new(dialect.rules(), values.to_vec(), spans.clone());
    let text = select::query(&mut writer, plan).map_err(fail)?;
    writer.finish(&text, values.len()).map_err(fail)
}
