//! Lines of a scope to parts of an IR, as JSON.
//!
//! In: one line. Out: the JSON that the IR's own reader then checks, or what is wrong with the
//! line. Words may be written in any case.

use super::lines::{AGGREGATES, OPERATORS, is_plain};
use air_ir::{Agg, Grain, Op, Part, Period, Unit};
use serde_json::{Map, Value, json};

type Parsed = Result<Value, String>;

/// JSON between backticks, where the line is that.
pub(super) fn quoted_json(line: &str) -> Option<Parsed> {
    let inner = line.trim().strip_prefix('`')?.strip_suffix('`')?;
    Some(
        serde_json::from_str(inner)
            .map_err(|bad| format!("The JSON between the backticks is wrong: {bad}.")),
    )
}

fn name(text: &str) -> Result<&str, String> {
    let text = text.trim();
    if is_plain(text) {
        return Ok(text);
    }
    Err(format!("\"{text}\" is no name."))
}

fn names(text: &str) -> Result<Vec<&str>, String> {
    text.split(',').map(name).collect()
}

/// `text` without a word at its start, whatever its case.
pub(super) fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let head = text.get(..word.len())?;
    let rest = &text[word.len()..];
    let ends = word.ends_with(|c: char| !c.is_alphanumeric())
        || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start())
}

/// The places outside quotes and brackets where `word` stands, as the texts between them.
fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut escaped, mut start) = (0_i32, false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            _ => {}
        }
        let here = !quoted && depth == 0 && at >= start;
        let found =
            here && text.get(at..at + word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word));
        if found {
            parts.push(&text[start..at]);
            start = at + word.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `(…)` or `[…]` as a whole.
fn wrapped(text: &str, open: char, close: char) -> Option<&str> {
    text.trim().strip_prefix(open)?.strip_suffix(close)
}

/// A field, or an expression in square brackets, under its key.
fn input(text: &str, key: &str, object: &mut Map<String, Value>) -> Result<(), String> {
    match wrapped(text, '[', ']') {
        Some(expr) => object.insert(key.to_owned(), json!(expr)),
        None => object.insert("field".to_owned(), json!(name(text)?)),
    };
    Ok(())
}

/// A condition.
pub(super) fn filter(line: &str) -> Parsed {
    filter_at(line, 0)
}

fn filter_at(line: &str, depth: u8) -> Parsed {
    if depth > 32 {
        return Err("Conditions nest at most 32 deep.".to_owned());
    }
    let line = line.trim();
    if let Some(json) = quoted_json(line) {
        return json;
    }
    for (word, key) in [(") or (", "any"), (") and (", "all")] {
        let bare = format!(" {} ", if key == "any" { "or" } else { "and" });
        let parts = split(line, &bare);
        if parts.len() > 1
            && parts.iter().all(|p| p.trim().starts_with(['(', 'n']))
            && line.contains(word)
        {
            let list: Result<Vec<Value>, String> =
                parts.iter().map(|p| filter_at(p, depth + 1)).collect();
            return Ok(json!({ key: list? }));
        }
    }
    if let Some(inner) = after(line, "not").and_then(|r| wrapped(r, '(', ')')) {
        return Ok(json!({ "not": filter_at(inner, depth + 1)? }));
    }
    if let Some(inner) = wrapped(line, '(', ')') {
        return filter_at(inner, depth + 1);
    }
    comparison(line)
}

fn comparison(line: &str) -> Parsed {
    let (subject, rest) = subject(line)?;
    let mut object = subject;
    let found = OPERATORS.iter().find_map(|(word, op)| after(rest, word).map(|r| (*op, r)));
    let Some((op, value)) = found else {
        let words: Vec<&str> = OPERATORS.iter().map(|(w, _)| *w).collect();
        return Err(format!("No comparison is found; there are {}.", words.join(", ")));
    };
    object.insert("op".to_owned(), json!(op.as_str()));
    let value = match op {
        Op::IsNull | Op::NotNull if value.is_empty() => return Ok(Value::Object(object)),
        Op::IsNull | Op::NotNull => {
            return Err(format!("\"{value}\" stands after a comparison without value."));
        }
        Op::In | Op::NotIn => {
            let list: Result<Vec<Value>, String> =
                split(value, ",").into_iter().map(scalar).collect();
            match list?.as_slice() {
                [Value::String(one)] if one.starts_with("{{") => json!(one),
                many => json!(many),
            }
        }
        Op::Between => match split(value, " and ")[..] {
            [low, high] => json!([scalar(low)?, scalar(high)?]),
            _ => return Err("\"between\" takes two values joined by \"and\".".to_owned()),
        },
        Op::During => json!(value),
        _ => scalar(value)?,
    };
    object.insert("value".to_owned(), value);
    Ok(Value::Object(object))
}

fn subject(line: &str) -> Result<(Map<String, Value>, &str), String> {
    let mut object = Map::new();
    if line.starts_with('[') {
        let end = line.rfind(']').ok_or("The bracket [ is not closed.")?;
        let close = matching(line).unwrap_or(end);
        object.insert("expr".to_owned(), json!(&line[1..close]));
        return Ok((object, line[close + 1..].trim_start()));
    }
    let (key, rest) = match after(line, "figure") {
        Some(rest) if rest.contains(' ') => ("metric", rest),
        _ => ("field", line),
    };
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$')))
        .unwrap_or(rest.len());
    object.insert(key.to_owned(), json!(name(&rest[..end])?));
    Ok((object, rest[end..].trim_start()))
}

/// Where the bracket that opens `text` closes; brackets inside quotes do not count.
fn matching(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, c)| {
        quoted ^= c == '\'';
        (c == ']' && !quoted).then_some(at)
    })
}

/// A value: JSON, a parameter in braces, or text as it stands.
fn scalar(text: &str) -> Parsed {
    let text = text.trim();
    if text.is_empty() {
        return Err("A value is missing.".to_owned());
    }
    if text.starts_with('"') {
        return serde_json::from_str(text).map_err(|_| format!("{text} is no text in quotes."));
    }
    let plain = matches!(text, "true" | "false" | "null")
        || text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match serde_json::from_str::<Value>(text) {
        Ok(value) if plain && !value.is_object() && !value.is_array() => Ok(value),
        _ if text.contains(['(', ')', '"', '`', '=', '<', '>']) => {
            Err(format!("{text} is no value; put text in double quotes."))
        }
        _ => Ok(json!(text)),
    }
}

/// A measure.
pub(super) fn metric(line: &str) -> Parsed {
    if let Some(json) = quoted_json(line) {
        return json;
    }
    if let Some((left, expr)) = line.split_once(" = ")
        && is_plain(left.trim())
    {
        return Ok(json!({ "name": left.trim(), "expr": expr.trim() }));
    }
    let (title, rest) = line
        .split_once(':')
        .ok_or("A measure is \"name: average of column\" or \"name = expression\".")?;
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(name(title)?));
    let parts = split(rest, " where ");
    let (body, condition) = match parts[..] {
        [body] => (body, None),
        [body, condition] => (body, Some(condition)),
        _ => return Err("A measure has one \"where\".".to_owned()),
    };
    let at = split(body, " at ");
    let (body, time) = match at[..] {
        [body, time] => (body, Some(time)),
        _ => (body, None),
    };
    figure(body.trim(), &mut object)?;
    if let Some(condition) = condition {
        object.insert("filter".to_owned(), filter(condition)?);
    }
    if let Some(time) = time {
        object.insert("time".to_owned(), json!(name(time)?));
    }
    Ok(Value::Object(object))
}

fn figure(body: &str, object: &mut Map<String, Value>) -> Result<(), String> {
    if let Some(rest) = after(body, "share of") {
        let (of, within) = match split(rest, " within ")[..] {
            [of] => (of, Vec::new()),
            [of, within] => (of, names(within)?),
            _ => return Err("A share has one \"within\".".to_owned()),
        };
        let mut share = json!({ "of": name(of)? });
        if !within.is_empty() {
            share["within"] = json!(within);
        }
        object.insert("share".to_owned(), share);
        return Ok(());
    }
    for (word, way) in [("value of", "value"), ("change of", "delta"), ("ratio of", "ratio")] {
        if let Some(rest) = after(body, word) {
            return earlier(rest, way, object);
        }
    }
    let (rank, body) = match body.split_once(' ') {
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => {
            (Some(first.parse::<f64>().map_err(|_| format!("\"{first}\" is no number."))?), rest)
        }
        _ => (None, body),
    };
    let found = AGGREGATES.iter().find_map(|(word, agg)| after(body, word).map(|r| (*agg, r)));
    let Some((agg, of)) = found else {
        let words: Vec<&str> = AGGREGATES.iter().map(|(w, _)| *w).collect();
        return Err(format!(
            "No figure is found; there are {}, share of, value of, change of, ratio of.",
            words.join(", ")
        ));
    };
    if let Some(window) = window(agg, of)? {
        object.insert("window".to_owned(), window);
        return Ok(());
    }
    object.insert("agg".to_owned(), json!(agg.as_str()));
    if !(agg == Agg::Count && of.trim().eq_ignore_ascii_case("rows")) {
        input(of, "value", object)?;
    }
    if let Some(p) = rank {
        object.insert("p".to_owned(), json!(p));
    }
    Ok(())
}

fn earlier(rest: &str, way: &str, object: &mut Map<String, Value>) -> Result<(), String> {
    let bad = || "A comparison is \"change of figure against 1 month before\".".to_owned();
    let (of, offset) = rest.split_once(" against ").ok_or_else(bad)?;
    let offset = offset.trim().strip_suffix("before").ok_or_else(bad)?.trim();
    let offset = match offset {
        "one bucket" => "previous".to_owned(),
        span => Grain::parse(span).ok_or_else(bad)?.to_string(),
    };
    object.insert("compare".to_owned(), json!({ "of": name(of)?, "offset": offset, "as": way }));
    Ok(())
}

fn window(agg: Agg, of: &str) -> Result<Option<Value>, String> {
    if let Some((of, unit)) = of.split_once(" since the start of the ") {
        let unit =
            Unit::parse(unit.trim()).ok_or_else(|| format!("\"{unit}\" is no unit of time."))?;
        return Ok(Some(
            json!({ "of": name(of)?, "agg": agg.as_str(), "frame": "to_date", "unit": unit.as_str() }),
        ));
    }
    let Some((of, buckets)) = of.split_once(" over ") else { return Ok(None) };
    let n = buckets.trim().trim_end_matches('s').strip_suffix("bucket").map(str::trim);
    let n: u32 = n
        .and_then(|n| n.parse().ok())
        .ok_or("A window is \"average of figure over 3 buckets\".")?;
    Ok(Some(json!({ "of": name(of)?, "agg": agg.as_str(), "frame": "trailing", "n": n })))
}

/// A breakdown.
pub(super) fn dimension(line: &str) -> Parsed {
    if let Some(json) = quoted_json(line) {
        return json;
    }
    let Some((title, rest)) = line.split_once(':') else {
        return Ok(json!(name(line)?));
    };
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(name(title)?));
    let rest = rest.trim();
    if let [of, grain] = split(rest, " every ")[..] {
        let grain = Grain::parse(grain)
            .ok_or_else(|| format!("\"{grain}\" is no grain, such as 1 month."))?;
        input(of, "value", &mut object)?;
        object.insert("grain".to_owned(), json!(grain.to_string()));
    } else if let [part, of] = split(rest, " part of ")[..] {
        let known = Part::WORDS.iter().any(|(w, _)| *w == part.trim());
        if !known {
            return Err(format!("\"{part}\" is no part of a time."));
        }
        input(of, "value", &mut object)?;
        object.insert("part".to_owned(), json!(part.trim()));
    } else if let [of, bounds] = split(rest, " in bins at ")[..] {
        let bounds: Result<Vec<Value>, String> = bounds.split(',').map(scalar).collect();
        input(of, "value", &mut object)?;
        object.insert("bins".to_owned(), json!(bounds?));
    } else {
        input(rest, "value", &mut object)?;
    }
    Ok(Value::Object(object))
}

/// A key of the order, without its "by".
pub(super) fn order(line: &str) -> Parsed {
    if let Some(json) = quoted_json(line) {
        return json;
    }
    let rest = after(line, "by").ok_or("An order is \"by column, highest first\".")?;
    let mut parts = rest.split(',').map(str::trim);
    let field = name(parts.next().unwrap_or_default())?;
    let (mut dir, mut nulls) = ("asc", "last");
    for part in parts {
        match part.to_lowercase().as_str() {
            "highest first" | "descending" => dir = "desc",
            "lowest first" | "ascending" => dir = "asc",
            "nulls first" => nulls = "first",
            "nulls last" => nulls = "last",
            other => {
                return Err(format!(
                    "\"{other}\" is no order; write highest first or lowest first."
                ));
            }
        }
    }
    Ok(json!({ "field": field, "dir": dir, "nulls": nulls }))
}

/// The first groups.
pub(super) fn top(line: &str) -> Parsed {
    if let Some(json) = quoted_json(line) {
        return json;
    }
    let bad = || "The first groups are \"top 5 by figure in each column\".".to_owned();
    let (dir, rest) = match (after(line, "top"), after(line, "bottom")) {
        (Some(rest), _) => ("desc", rest),
        (_, Some(rest)) => ("asc", rest),
        _ => return Err(bad()),
    };
    let (n, rest) = rest.split_once(" by ").ok_or_else(bad)?;
    let n: u64 = n.trim().parse().map_err(|_| bad())?;
    let (rest, other) = match rest.strip_suffix(", and the rest") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (by, per) = match rest.split_once(" in each ") {
        Some((by, per)) => (by, names(per)?),
        None => (rest, Vec::new()),
    };
    let mut top = json!({ "n": n, "by": name(by)? });
    if !per.is_empty() {
        top["per"] = json!(per);
    }
    top["dir"] = json!(dir);
    top["other"] = json!(other);
    Ok(top)
}

/// Whether a text is a period of the IR.
pub(super) fn is_period(text: &str) -> bool {
    Period::parse(text).is_ok()
}
