//! Values as written to the operands of comparisons.

use super::shape::Written;
use air_ir::{Op, Operand, Period, Scalar};

/// What `written` is to a comparison by `op`; `None` where reading the IR would not make the same
/// of it, or would find a parameter.
pub(super) fn operand(op: Op, written: &Written<'_>) -> Option<Operand> {
    Some(match (op, written) {
        (Op::IsNull | Op::NotNull, _) => return None,
        (Op::In | Op::NotIn | Op::Between, Written::Many(list)) => {
            if op == Op::Between && list.len() != 2 {
                return None;
            }
            Operand::Many(list.iter().map(|token| scalar(token)).collect::<Option<_>>()?)
        }
        (Op::In | Op::NotIn | Op::Between, Written::One(_)) | (_, Written::Many(_)) => return None,
        (Op::During, Written::One(token)) => match scalar(token)? {
            Scalar::Text(text) => Operand::Period(Period::parse(&text).ok()?),
            _ => return None,
        },
        (_, Written::One(token)) => Operand::One(scalar(token)?),
    })
}

fn scalar(token: &str) -> Option<Scalar> {
    Some(match token {
        "null" => Scalar::Null,
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        _ if token.starts_with('"') => {
            let inner = token.get(1..token.len() - 1)?;
            let text = match inner.contains('\\') {
                true => serde_json::from_str(token).ok()?,
                false => inner.to_owned(),
            };
            match text.starts_with("{{") {
                true => text_of(&text)?,
                false => Scalar::Text(text),
            }
        }
        _ => Scalar::Number(serde_json::from_str(token).ok()?),
    })
}

/// Text that begins like a parameter. Whether it is one is not told by a bound IR, whose values
/// may look like parameters, so neither is taken from the cache.
fn text_of(text: &str) -> Option<Scalar> {
    match Scalar::from_text(text) {
        Scalar::Param(_) => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{Written, operand};
    use air_ir::{Filter, Ir, Operand};
    use serde_json::json;

    /// What reading the IR makes of a value.
    fn read(op: &str, value: &serde_json::Value) -> Option<(air_ir::Op, Operand)> {
        let ir = json!({"entities": ["t"], "dimensions": ["a"],
            "filters": [{"field": "a", "op": op, "value": value}]});
        match Ir::parse(&ir).ok()?.filters.pop()? {
            Filter::Compare(c) => Some((c.op, c.value)),
            _ => None,
        }
    }

    #[test]
    fn operands_are_those_of_reading_the_ir() {
        let values = [
            json!(null),
            json!(true),
            json!(0),
            json!(-7),
            json!(18_446_744_073_709_551_615_u64),
            json!(1.5),
            json!(-0.0),
            json!(1e300),
            json!(""),
            json!("plain"),
            json!("quote \" back \\ line \n é \u{1F600}"),
            json!("{{p"),
            json!("2024-02-29"),
            json!("last 7 days"),
            json!([]),
            json!([1, "2", null]),
            json!(["a", "b"]),
        ];
        let mut read_alike = 0;
        for (word, op) in air_ir::Op::WORDS {
            for value in &values {
                let text = value.to_string();
                let tokens: Vec<String> = match value {
                    serde_json::Value::Array(items) => {
                        items.iter().map(|i| i.to_string()).collect()
                    }
                    _ => Vec::new(),
                };
                let written = match value.is_array() {
                    true => Written::Many(tokens.iter().map(String::as_str).collect()),
                    false => Written::One(&text),
                };
                let ours = operand(*op, &written);
                // What cannot be read is never in the cache, so it is never asked for.
                if let Some((_, theirs)) = read(word, value) {
                    assert_eq!(ours, Some(theirs), "{word} {text}");
                    read_alike += 1;
                }
            }
        }
        assert!(read_alike > 150, "{read_alike}");
    }

    #[test]
    fn what_may_be_a_parameter_is_left_to_reading() {
        for op in [air_ir::Op::Eq, air_ir::Op::During] {
            assert_eq!(operand(op, &Written::One("\"{{p}}\"")), None);
            assert_eq!(operand(op, &Written::One("\"\\u007b{p}}\"")), None);
        }
        assert_eq!(operand(air_ir::Op::In, &Written::Many(vec!["\"{{p}}\""])), None);
        assert_eq!(operand(air_ir::Op::Eq, &Written::One("nul")), None);
        assert_eq!(operand(air_ir::Op::Eq, &Written::One("01")), None);
        assert_eq!(operand(air_ir::Op::Eq, &Written::One("\"\\ud800\"")), None);
    }
}
