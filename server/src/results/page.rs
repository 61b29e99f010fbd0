//! A result as an HTML page for people: the statement of what was run, charts, and the rows.
//!
//! In: everything that a run states, and its first rows. Out: one page that loads nothing from
//! elsewhere and runs no script. Its colours are those of the reader's system, light or dark, and
//! what a chart shows is in the table below it too.

use std::fmt::Write;

use air_ir::catalog::Role;
use air_ir::{CheckStatus, Verdict};
use datafusion::arrow::array::RecordBatch;
use serde_json::Value;

use super::chart::{self, Cells};
use super::html::escape;
use crate::contract::types::{ResultColumn, SafetyRule, SourceSql, Visual};

/// Rows of the table; the other formats have all.
const TABLE_ROWS: usize = 1_000;
/// Rows that charts are drawn of.
pub(crate) const PAGE_ROWS: usize = 5_000;

/// What browsers may do with a page: show it.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("page.css");

/// What is on a page.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    /// What every export states.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) verdict: Option<&'a Verdict>,
    pub(crate) notes: &'a [String],
    pub(crate) columns: &'a [ResultColumn],
    /// At most [`PAGE_ROWS`].
    pub(crate) rows: &'a RecordBatch,
    pub(crate) row_count: usize,
    pub(crate) visuals: &'a [Visual],
    pub(crate) sql: &'a [SourceSql],
    pub(crate) safety: &'a [SafetyRule],
}

impl Page<'_> {
    pub(crate) fn html(&self) -> String {
        let cells = Cells::new(self.columns, self.rows);
        let title = escape(self.title);
        let mut out = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\
             <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>",
            escape(POLICY)
        );
        self.statement(&mut out);
        self.figures(&mut out, &cells);
        self.charts(&mut out, &cells);
        self.table(&mut out, &cells);
        self.details(&mut out);
        out.push_str("</main></body></html>");
        out
    }

    fn statement(&self, out: &mut String) {
        if let Some(verdict) = self.verdict {
            let word = status(verdict.status);
            let _ =
                write!(out, "<p class=\"verdict {word}\">Checks: {word}</p><ul class=\"checks\">");
            for check in verdict.checks.iter().filter(|c| c.status != CheckStatus::Pass) {
                let _ = write!(out, "<li>{}</li>", escape(&check.message));
            }
            out.push_str("</ul>");
        }
        for note in self.notes {
            let _ = write!(out, "<p class=\"note\">{}</p>", escape(note));
        }
        out.push_str("<dl class=\"facts\">");
        for (name, value) in &self.facts {
            let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
        }
        out.push_str("</dl>");
        if let Some(analysis) = self.verdict.and_then(|verdict| verdict.analysis_md.as_deref()) {
            let _ =
                write!(out, "<section><h2>Analysis</h2><pre>{}</pre></section>", escape(analysis));
        }
    }

    /// One row of measures is figures, not a chart.
    fn figures(&self, out: &mut String, cells: &Cells) {
        if cells.len() != 1 {
            return;
        }
        out.push_str("<dl class=\"figures\">");
        for (column, values) in cells.columns.iter().filter(|(c, _)| c.role == Role::Measure) {
            let value = values.first().map(shown).unwrap_or_default();
            let _ = write!(out, "<div><dt>{}</dt><dd>{value}</dd></div>", escape(&column.name));
        }
        out.push_str("</dl>");
    }

    fn charts(&self, out: &mut String, cells: &Cells) {
        out.push_str(&chart::figures(cells, self.visuals));
        if cells.len() < self.row_count {
            let _ = write!(out, "<p>Drawn of the first {} rows.</p>", cells.len());
        }
    }

    fn table(&self, out: &mut String, cells: &Cells) {
        let rows = cells.len().min(TABLE_ROWS);
        let caption = match rows < self.row_count {
            true => format!("The first {rows} of {} rows", self.row_count),
            false => format!("{rows} rows"),
        };
        let _ = write!(
            out,
            "<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"Rows\"><table>\
             <caption>{caption}</caption><thead><tr>"
        );
        for (column, _) in &cells.columns {
            let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(column), escape(&column.name));
        }
        out.push_str("</tr></thead><tbody>");
        for row in 0..rows {
            out.push_str("<tr>");
            for (column, values) in &cells.columns {
                let value = values.get(row).map(shown).unwrap_or_default();
                let _ = write!(out, "<td{}>{value}</td>", class(column));
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
    }

    fn details(&self, out: &mut String) {
        out.push_str("<details><summary>How it was made</summary>");
        for sql in self.sql {
            let _ = write!(
                out,
                "<h2>{}, {}</h2><pre>{}</pre>",
                escape(&sql.source.to_string()),
                escape(&sql.dialect.to_string()),
                escape(&sql.sql)
            );
            if !sql.params.is_empty() {
                let values = serde_json::to_string(&sql.params).unwrap_or_default();
                let _ = write!(out, "<p>Values: <code>{}</code></p>", escape(&values));
            }
        }
        out.push_str("<ul>");
        for rule in self.safety {
            let _ = write!(
                out,
                "<li><code>{}</code> {}: {}</li>",
                escape(&rule.rule),
                escape(&rule.outcome.to_string()),
                escape(&rule.detail)
            );
        }
        out.push_str("</ul></details>");
    }
}

fn status(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "pass",
        CheckStatus::Warn => "warn",
        CheckStatus::Fail => "fail",
    }
}

fn class(column: &ResultColumn) -> &'static str {
    if column.role == Role::Measure { " class=\"n\"" } else { "" }
}

/// A cell; a null is told apart from a text.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<span class=\"z\">null</span>".to_owned(),
        Value::String(text) => escape(text),
        other => escape(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use air_ir::DataType;
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    const HOSTILE: &str = "<img src=x onerror=alert(1)>";

    fn page(title: &str, regions: &[Option<&str>]) -> String {
        let counts = Int64Array::from_iter_values(0..regions.len() as i64);
        let arrays: [(&str, ArrayRef); 2] =
            [(HOSTILE, Arc::new(StringArray::from(regions.to_vec()))), ("n", Arc::new(counts))];
        let rows = RecordBatch::try_from_iter(arrays).unwrap();
        let column =
            |name: &str, r#type, role| ResultColumn { name: name.to_owned(), r#type, role };
        Page {
            title,
            facts: vec![("Parameters", format!("{{\"x\":\"{HOSTILE}\"}}"))],
            verdict: None,
            notes: &[HOSTILE.to_owned()],
            columns: &[
                column(HOSTILE, DataType::Text, Role::Dimension),
                column("n", DataType::Int64, Role::Measure),
            ],
            rows: &rows,
            row_count: regions.len(),
            visuals: &[],
            sql: &[],
            safety: &[],
        }
        .html()
    }

    #[test]
    fn nothing_of_the_data_is_markup_and_nothing_is_loaded() {
        let html = page(HOSTILE, &[Some(HOSTILE), None, Some("</table></style><script>")]);
        for forbidden in ["<img", "<script", "<link", "src=\"", "href=", "url(", "@import", "http:"]
        {
            assert!(!html.contains(forbidden), "{forbidden} in {html}");
        }
        assert_eq!(html.matches("</style>").count(), 1);
        assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"));
        assert!(html.contains("<span class=\"z\">null</span>"));
    }

    #[test]
    fn one_row_is_figures_and_a_long_table_is_cut_and_says_so() {
        let one = page("one", &[Some("a")]);
        assert!(one.contains("<dl class=\"figures\">") && !one.contains("<svg"), "{one}");
        let many = page("many", &vec![Some("a"); TABLE_ROWS + 1]);
        assert!(many.contains("The first 1000 of 1001 rows"));
        assert_eq!(many.matches("<tr>").count(), TABLE_ROWS + 1);
    }
}
