//! An IR in plain words.
//!
//! In: an IR and a catalog. Out: one sentence for people. It is never read back; the form that is
//! read back is [`super::scope`].

use super::lexicon::first_clause;
use super::scope::lines;
use super::tokens::words_of;
use air_ir::{
    Agg, Catalog, Column, CompareAs, Dimension, Dir, EntityRef, Frame, Input, Ir, Metric,
    MetricKind, Shape,
};

/// What people call a column.
pub(super) fn column_in_words(column: &Column) -> String {
    if let Some(name) = &column.display_name {
        return name.clone();
    }
    let clause = column.description.as_deref().and_then(first_clause);
    clause.map_or_else(|| words_of(&column.name).join(" "), str::to_owned)
}

/// Every word a column is known by.
pub(super) fn column_words(column: &Column) -> Vec<String> {
    let mut words = words_of(&column.name);
    let clause = column.description.as_deref().and_then(first_clause);
    for text in column.display_name.as_deref().into_iter().chain(clause) {
        words.extend(words_of(text));
    }
    words.extend(column.synonyms.iter().flat_map(|s| words_of(s)));
    words
}

/// An aggregate as an adjective.
pub(super) fn agg_in_words(agg: Agg) -> &'static str {
    match agg {
        Agg::Count => "number of",
        Agg::CountDistinct => "number of different",
        Agg::Sum => "total",
        Agg::Avg => "average",
        Agg::Min => "lowest",
        Agg::Max => "highest",
        Agg::Median => "median",
        Agg::Percentile => "percentile of",
        Agg::Stddev => "standard deviation of",
        Agg::Variance => "variance of",
        Agg::First => "first",
        Agg::Last => "last",
        Agg::BoolAnd => "whether all are",
        Agg::BoolOr => "whether any is",
    }
}

/// One sentence that says what an IR asks for.
pub(super) fn sentence(ir: &Ir, catalog: &Catalog) -> String {
    let metrics: Vec<String> = ir.metrics.iter().map(|m| metric(m, ir, catalog)).collect();
    let dimensions: Vec<String> = ir.dimensions.iter().map(|d| dimension(d, ir, catalog)).collect();
    let mut text = match (metrics.is_empty(), dimensions.is_empty()) {
        (true, _) => format!("the different {}", joined(&dimensions)),
        (false, true) => joined(&metrics),
        (false, false) => format!("{} for each {}", joined(&metrics), joined(&dimensions)),
    };
    if let Some(EntityRef::Query { query, .. }) = ir.entities.first() {
        let inner = sentence(query, catalog);
        text.push_str(&format!(", out of {}", lower_first(inner.trim_end_matches('.'))));
    }
    let filters: Vec<String> = ir.filters.iter().map(lines::filter).collect();
    if !filters.is_empty() {
        text.push_str(&format!(", where {}", filters.join(" and ")));
    }
    let having: Vec<String> = ir.having.iter().map(lines::filter).collect();
    if !having.is_empty() {
        text.push_str(&format!(", only where {}", having.join(" and ")));
    }
    if let Some(top) = &ir.top {
        let side = if top.dir == Dir::Desc { "highest" } else { "lowest" };
        text.push_str(&format!(", the {} with the {side} {}", top.n, top.by));
        if !top.per.is_empty() {
            text.push_str(&format!(" in each {}", top.per.join(", ")));
        }
    }
    let order: Vec<String> = ir
        .order
        .iter()
        .map(|o| {
            format!(
                "{} {}",
                o.field,
                if o.dir == Dir::Desc { "highest first" } else { "lowest first" }
            )
        })
        .collect();
    if !order.is_empty() {
        text.push_str(&format!(", by {}", order.join(", then ")));
    }
    if let Some(limit) = ir.limit {
        let rows =
            if limit == 1 { "only the first".to_owned() } else { format!("the first {limit}") };
        text.push_str(&format!(", {rows}"));
    }
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_lowercase).collect();
    format!("{first}{}", chars.as_str())
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A field by what people call its column.
fn field(name: &str, ir: &Ir, catalog: &Catalog) -> String {
    let (owner, column) = name.rsplit_once('.').unwrap_or(("", name));
    let by_role = ir.joins.iter().find(|j| j.alias.as_deref() == Some(owner));
    let by_role = by_role.and_then(|j| j.right.first()?.rsplit_once('.')).map(|r| r.0);
    let root = ir.entities.first().map_or("", EntityRef::name);
    let table = by_role.unwrap_or(if owner.is_empty() { root } else { owner });
    let found = catalog.tables.iter().find(|t| t.name == table || t.qualified_name() == table);
    match found.and_then(|t| t.column(column)).map(column_in_words) {
        Some(words) if words != column && words.split(' ').count() <= 5 => {
            format!("{words} ({name})")
        }
        _ => name.to_owned(),
    }
}

fn metric(metric: &Metric, ir: &Ir, catalog: &Catalog) -> String {
    let mut text = match &metric.kind {
        MetricKind::Aggregate { agg, input, p, .. } => {
            let of = match input {
                None => ir.entities.first().map_or("rows", EntityRef::name).to_owned(),
                Some(Input::Field(name)) => field(name, ir, catalog),
                Some(Input::Value(expr)) => expr.text().to_owned(),
            };
            let rank = p.map(|p| format!("{} ", p * 100.0)).unwrap_or_default();
            format!("{rank}{} {of}", agg_in_words(*agg))
        }
        MetricKind::Expr(expr) => format!("{} ({})", metric.name, expr.text()),
        MetricKind::Share(share) => format!("share of {} in the whole", share.of),
        MetricKind::Compare(compare) => match compare.as_ {
            CompareAs::Value => format!("{} before", compare.of),
            CompareAs::Delta => format!("change of {}", compare.of),
            CompareAs::Ratio => format!("ratio of {} to the one before", compare.of),
        },
        MetricKind::Window(window) => match window.frame {
            Frame::Trailing { n } => {
                format!("{} {} over {n} buckets", agg_in_words(window.agg), window.of)
            }
            Frame::ToDate { unit } => {
                format!("running {} since the start of the {}", window.of, unit.as_str())
            }
        },
    };
    if let Some(filter) = &metric.filter {
        text.push_str(&format!(" with {}", lines::filter(filter)));
    }
    text
}

fn dimension(dimension: &Dimension, ir: &Ir, catalog: &Catalog) -> String {
    match (&dimension.input, &dimension.shape) {
        (_, Shape::Bucket(grain)) if grain.n == 1 => grain.unit.as_str().to_owned(),
        (_, Shape::Bucket(grain)) => grain.to_string(),
        (Input::Field(name), Shape::Part(part)) => format!("{} of {name}", part.as_str()),
        (Input::Field(name), _) => field(name, ir, catalog),
        (Input::Value(expr), _) => expr.text().to_owned(),
    }
}
