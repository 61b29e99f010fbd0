//! What a model's reply says.
//!
//! In: text. Out: an IR with the words it was read from, a SQL text, or that the model saw no way;
//! or one sentence for the model about why the reply cannot be read. Nothing else of a reply is
//! used: no prose of a model is ever shown to a person.

use air_ir::Ir;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use serde::Deserialize;
use serde_json::Value;

/// A reply that can be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    Ir {
        ir: Box<Ir>,
        terms: Vec<Term>,
    },
    Sql(String),
    /// Whether that is so is found by code.
    Cannot,
}

/// Words of the question that are no name in the schema, and what they were taken for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub(super) struct Term {
    pub(super) words: String,
    pub(super) means: String,
}

/// Reads a reply.
pub(super) fn read(text: &str) -> Result<Said, String> {
    let text = without_thoughts(text);
    if let Some(sql) = sql(text) {
        return Ok(Said::Sql(sql));
    }
    let start = text.find('{').ok_or("The answer holds no JSON object.")?;
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
    match values.next() {
        Some(Ok(Value::Object(object))) => said(Value::Object(object)),
        Some(Err(error)) => {
            // Its position only: its text could repeat the answer.
            let (line, column) = (error.line(), error.column());
            Err(format!("The JSON cannot be read at line {line}, column {column}."))
        }
        _ => Err("The answer holds no JSON object.".to_owned()),
    }
}

/// Some models think aloud before they answer.
fn without_thoughts(text: &str) -> &str {
    text.rsplit_once("</think>").map_or(text, |(_, answer)| answer)
}

/// The text of a code fence, or the whole.
fn unfenced(text: &str) -> &str {
    let Some((_, rest)) = text.split_once("```") else { return text.trim() };
    let inside = rest.split_once("```").map_or(rest, |(inside, _)| inside);
    // The first line of a fence may name its language.
    match inside.split_once('\n') {
        Some((first, rest)) if first.trim().chars().all(char::is_alphanumeric) => rest.trim(),
        _ => inside.trim(),
    }
}

/// A text that begins as a statement of SQL does. What is no query is refused by the planner.
fn sql(text: &str) -> Option<String> {
    const FIRST: [&str; 14] = [
        "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "DROP", "CREATE", "ALTER", "TRUNCATE",
        "GRANT", "COPY", "CALL", "EXEC", "SET",
    ];
    let text = unfenced(text);
    let first = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let statement = FIRST.iter().any(|word| word.eq_ignore_ascii_case(first));
    let ended = text.trim_end().trim_end_matches(';').trim_end();
    statement.then(|| ended.to_owned())
}

/// A query as its parts say it, without what else a model wrote around them. The text was planned,
/// so its size and depth are bounded.
pub(super) fn without_comments(sql: &str) -> Result<String, String> {
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql);
    match parsed.as_deref() {
        Ok([query]) => Ok(query.to_string()),
        _ => Err("The answer is not one query.".to_owned()),
    }
}

fn said(value: Value) -> Result<Said, String> {
    let terms = |value: &Value| {
        let terms: Option<Vec<Term>> = serde_json::from_value(value["terms"].clone()).ok();
        terms.unwrap_or_default()
    };
    // Who must fill in every property leaves those empty that do not apply.
    let filled = |name: &str| match value.get(name)? {
        Value::Null => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Object(map) if map.is_empty() => None,
        Value::String(text) if text.trim().is_empty() => None,
        there => Some(there),
    };
    if let Some(text) = filled("sql").and_then(Value::as_str) {
        return sql(text).map(Said::Sql).ok_or_else(|| "\"sql\" holds no query.".to_owned());
    }
    if filled("cannot").is_some() {
        return Ok(Said::Cannot);
    }
    let ir = match filled("ir") {
        Some(ir) => ir,
        // The IR itself, without what is around it.
        None if value.get("entities").is_some() => &value,
        None if value.get("cannot").is_some() => return Ok(Said::Cannot),
        None => return Err("The object holds neither \"ir\" nor \"cannot\".".to_owned()),
    };
    let ir = Ir::parse(ir).map_err(|errors| {
        let told = errors.iter().map(|error| format!("{}: {error}", error.pointer));
        told.collect::<Vec<_>>().join("\n")
    })?;
    plain_names(&ir)?;
    Ok(Said::Ir { ir: Box::new(ir), terms: terms(&value) })
}

const LONGEST_NAME: usize = 64;

/// Whether a name is of plain words. Names of outputs head the columns that people see, so a model
/// may not put sentences there.
pub(super) fn is_plain(name: &str) -> bool {
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|c| c.is_alphanumeric() || c == '_');
    first
        && name.len() <= LONGEST_NAME
        && letters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' '))
        && name.split(' ').count() <= 5
}

fn plain_names(ir: &Ir) -> Result<(), String> {
    let metrics = ir.metrics.iter().map(|metric| &metric.name);
    let dimensions = ir.dimensions.iter().map(|dimension| &dimension.name);
    match metrics.chain(dimensions).find(|name| !is_plain(name)) {
        Some(_) => Err("A name of a metric or dimension is not of plain words.".to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IR: &str = r#"{"entities":["orders"],"metrics":[{"name":"n","agg":"count"}]}"#;

    #[test]
    fn an_ir_is_found_in_whatever_stands_around_it() {
        let wrapped = format!(r#"{{"ir":{IR},"terms":[{{"words":"a","means":"orders.b"}}]}}"#);
        for text in [
            IR.to_owned(),
            wrapped.clone(),
            format!("```json\n{wrapped}\n```"),
            format!("Here it is:\n{wrapped}\nI hope {{this}} helps."),
            format!("<think>SELECT {{1}}?</think>\n{wrapped}"),
        ] {
            assert!(matches!(read(&text), Ok(Said::Ir { .. })), "{text}: {:?}", read(&text));
        }
        let Ok(Said::Ir { terms, .. }) = read(&wrapped) else { panic!() };
        assert_eq!(terms[0].means, "orders.b");
    }

    #[test]
    fn sql_is_known_by_its_first_word_and_other_things_are_refused_in_a_sentence() {
        for text in
            ["select 1", "```sql\nWITH a AS (SELECT 1) SELECT * FROM a;\n```", "DROP TABLE x;"]
        {
            assert!(matches!(read(text), Ok(Said::Sql(_))), "{text}");
        }
        for text in [
            r#"{"cannot": ["price"]}"#.to_owned(),
            r#"{"cannot": []}"#.to_owned(),
            format!(r#"{{"ir": {IR}, "cannot": ["price"]}}"#),
        ] {
            assert_eq!(read(&text), Ok(Said::Cannot), "{text}");
        }
        for empty in ["[]", "null", "\"\""] {
            let all = format!(r#"{{"ir": {IR}, "terms": [], "cannot": {empty}, "sql": ""}}"#);
            assert!(matches!(read(&all), Ok(Said::Ir { .. })), "{all}");
        }
        for text in ["", "I am sorry.", r#"{"ir": {"entities": ["#, "[1]", r#"{"a": 1}"#] {
            assert!(read(text).is_err(), "{text}");
        }
        let unknown = IR.replace("\"entities\"", "\"tables\":[],\"entities\"");
        assert!(read(&unknown).unwrap_err().contains("/tables"), "{:?}", read(&unknown));
    }

    #[test]
    fn a_query_is_kept_without_its_comments() {
        let sql = "select /* call us */ region -- at once\nfrom orders where name = '--x'";
        let kept = without_comments(sql).unwrap();
        assert_eq!(kept, "SELECT region FROM orders WHERE name = '--x'");
    }

    #[test]
    fn a_sentence_is_no_name_of_a_column() {
        for name in ["Your account is locked, call us at once", "<b>x</b>", "a\\u0000b", ""] {
            let ir = IR.replace("\"n\"", &format!("\"{name}\""));
            assert!(read(&ir).is_err(), "{name}");
        }
        for name in ["late_share", "airlines.name", "größe", "p95 delay"] {
            let ir = IR.replace("\"n\"", &format!("\"{name}\""));
            assert!(read(&ir).is_ok(), "{name}");
        }
    }
}
