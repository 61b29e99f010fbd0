//! An analysis in Markdown: the figures of its JSON, and no other.

use std::fmt::Write;

use serde_json::Value;

use super::examine::Part;

/// The whole analysis. Writing to a text cannot fail.
pub(super) fn markdown(title: &str, tables: &[Value], eda: &Value) -> String {
    let mut out = format!("# Analysis of {}\n", line(title));
    for table in tables {
        let _ = write!(out, "\n## {}\n\n", line(word(&table["table"])));
        if let Some(detail) = table["error"]["detail"].as_str() {
            let _ = writeln!(out, "It could not be read: {}", line(detail));
            continue;
        }
        let _ = writeln!(out, "{} rows.\n", table["rows"]);
        for note in list(&table["notes"]) {
            let _ = writeln!(out, "Note: {}\n", line(word(note)));
        }
        columns(&mut out, list(&table["columns"]));
        checks(&mut out, list(&table["checks"]));
        parts(&mut out, &table["eda"]);
    }
    let missing: Vec<&str> = list(&eda["missing"]).iter().map(word).collect();
    if !missing.is_empty() {
        let detail = line(word(&eda["detail"]));
        let _ = write!(out, "\n## Not looked at\n\n{}: {detail}\n", missing.join(", "));
    }
    out
}

fn columns(out: &mut String, columns: &[Value]) {
    out.push_str("| column | type | values | nulls | distinct | least | greatest | mean |\n");
    out.push_str("|---|---|---:|---:|---:|---|---|---:|\n");
    for column in columns {
        let cell = |key: &str| match &column[key] {
            Value::Null => String::new(),
            Value::String(text) => line(text),
            other => other.to_string(),
        };
        let cells = ["name", "type", "values", "nulls", "distinct", "min", "max", "mean"].map(cell);
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

/// What the EDA service wrote, a level below its table.
fn parts(out: &mut String, eda: &Value) {
    for note in list(&eda["notes"]) {
        let _ = write!(out, "\nNote: {}\n", line(word(note)));
    }
    for part in Part::ALL {
        let Some(text) = eda[part.name()]["report_md"].as_str() else { continue };
        out.push('\n');
        for row in text.trim_end().lines() {
            let level = if row.starts_with('#') { "#" } else { "" };
            let _ = writeln!(out, "{level}{row}");
        }
    }
}

/// The checks that did not pass, each once.
fn checks(out: &mut String, checks: &[Value]) {
    let mut told: Vec<String> = checks
        .iter()
        .filter(|check| check["status"] != "pass")
        .map(|check| {
            let (status, id) = (word(&check["status"]), word(&check["id"]));
            format!("- {status} ({id}): {}", line(word(&check["message"])))
        })
        .collect();
    told.dedup();
    if !told.is_empty() {
        let _ = write!(out, "\n{}\n", told.join("\n"));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text of data as one line that is no Markdown of its own.
fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => out.push(' '),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_figures_are_those_of_the_json() {
        let tables = [
            json!({"table": "orders", "rows": 4, "notes": ["the last 370 days"], "columns": [
                {"name": "a|b", "type": "int64", "values": 3, "nulls": 1, "distinct": 2, "min": 1,
                 "max": 4, "mean": 3.0}],
                "checks": [{"id": "empty", "status": "pass", "message": "There are rows."},
                    {"id": "nulls", "status": "warn", "message": "a is null in 1 of 4."}],
                "eda": {"notes": ["The first 4 rows."], "drift": null,
                    "profile": {"report_md": "## Profile\n\n4 rows.\n"}}}),
            json!({"table": "gone", "error": {"detail": "It is not there."}}),
        ];
        let eda = json!({"status": "off", "detail": "It is off.", "missing": ["trends"]});
        let text = markdown("the <b>shop", &tables, &eda);
        for part in [
            "# Analysis of the \\<b\\>shop\n",
            "4 rows.",
            "Note: the last 370 days",
            "| a\\|b | int64 | 3 | 1 | 2 | 1 | 4 | 3.0 |",
            "- warn (nulls): a is null in 1 of 4.",
            "It could not be read: It is not there.",
            "trends: It is off.",
            "\nNote: The first 4 rows.\n\n### Profile\n\n4 rows.\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("There are rows."));
    }
}
