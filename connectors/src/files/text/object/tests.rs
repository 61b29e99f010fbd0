use super::super::{Fault, JsonlDecoder, LineError};
use super::{fields, reference};
use datafusion::arrow::array::AsArray;
use proptest::prelude::*;
use std::collections::HashMap;

type Read = Result<(bool, Vec<(String, String)>), String>;

fn read(line: &str) -> Read {
    let mut found = Vec::new();
    let is_row = fields(line, |name, value| found.push((name.to_owned(), value.to_owned())))?;
    Ok((is_row, found))
}

fn read_before(line: &str) -> Read {
    let mut found = Vec::new();
    let is_row =
        reference::fields(line, |name, value| found.push((name.to_owned(), value.to_owned())))?;
    Ok((is_row, found))
}

#[test]
fn splits_objects_and_refuses_what_is_no_json() {
    let (_, found) = read(r#"{"a":1.50, "b\u0062" : "x\"}","c":{"d":["}",{}]},"e":null}"#).unwrap();
    let wanted = [("a", "1.50"), ("bb", r#""x\"}""#), ("c", r#"{"d":["}",{}]}"#), ("e", "null")];
    assert_eq!(found, wanted.map(|(n, v)| (n.to_owned(), v.to_owned())));
    for bad in [
        r#"{"a":tru}"#,
        r#"{"a":1"#,
        r#"[1]"#,
        r#"{"a":01}"#,
        r#"{"a":{]}}"#,
        r#"{"a":1} 2"#,
        r#"{a:1}"#,
        r#"{"a":"x}"#,
        r#"{"a":1,}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

/// Lines that are easily got wrong.
const AWKWARD: &[&str] = &[
    "",
    " \t\r",
    "\u{feff}{\"a\":1}",
    "\u{feff}\u{feff} { } ",
    "{}x",
    "{\"a\":1e400}",
    "{\"a\":1e-400}",
    "{\"a\":-0}",
    "{\"a\":-}",
    "{\"a\":1.}",
    "{\"a\":.5}",
    "{\"a\":+1}",
    "{\"a\":1E+2 }",
    "{\"a\":123456789012345678901234567890.123456789}",
    "{\"a\":nullx}",
    "{\"a\":null\u{a0}}",
    "{\"a\":true,\"a\":false}",
    "{\"a\":\"\u{1}\"}",
    "{\"a\":\"x\r",
    "{\"a\":\"x\\",
    "{\"a\":\"\\é\"}",
    "{\"a\":\"seven b\"}",
    "{\"a\":\"eight by\",\"b\":\"nine byte\\u0041\"}",
    "{\"\\x\":1}",
    "{\"\\x\" 1}",
    "{1:2}",
    "{é:2}",
    "{\"a\":é}",
    "{\"a\" \t:\r[1,2 ,{\"b\":\"]\"}] , \"c\":{\"d\":1e999}}",
    "{\"a\":[1,}",
    "{\"a\":[01]}",
    "{\"a\":1 2}",
    "{\"a\":1,",
    "{\"a\":",
    "{\"a\"",
    "{",
    "{,}",
    "null",
];

#[test]
fn awkward_lines_are_read_as_before() {
    let mut lines: Vec<String> = AWKWARD.iter().map(|l| (*l).to_owned()).collect();
    for digits in [17, 299, 300, 301, 308, 309, 310] {
        lines.push(format!("{{\"a\":{}}}", "9".repeat(digits)));
        lines.push(format!("{{\"a\":0.{}}}", "9".repeat(digits)));
    }
    for depth in [126, 127, 128, 129] {
        lines.push(format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)));
    }
    for line in &lines {
        assert_eq!(read(line), read_before(line), "{line}");
    }
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-z ]{0,9}",
        1 => Just("\\\"".to_owned()),
        1 => Just("\\\\".to_owned()),
        1 => Just("\\u00e9".to_owned()),
        1 => Just("\\q".to_owned()),
        1 => Just("}é😀]".to_owned()),
        1 => Just("\u{2}".to_owned()),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|all| format!("\"{}\"", all.concat()))
}

fn value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?",
        "-?[0-9]{0,3}\\.?[0-9]{0,3}([eE][+-]?[0-9]{0,3})?",
    ];
    let leaf = prop_oneof![
        4 => text(),
        4 => number,
        1 => Just("null".to_owned()),
        1 => Just("true".to_owned()),
        1 => Just("false".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|all| format!("[{}]", all.join(", "))),
            proptest::collection::vec((text(), inner), 0..3).prop_map(object),
        ]
    })
}

fn object(all: Vec<(String, String)>) -> String {
    let all: Vec<String> = all.into_iter().map(|(n, v)| format!("{n}:{v}")).collect();
    format!("{{{}}}", all.join(","))
}

/// A line of few names, in an order that mostly stays; now and then a byte of it is another one.
fn line() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(vec!["\"a\"", "\"b\"", "\"c\"", "\"\\u0061\"", "\"é\""]);
    let field = (name, value()).prop_map(|(n, v)| (n.to_owned(), v));
    let fields = proptest::collection::vec(field, 0..5).prop_map(object);
    let change = (any::<prop::sample::Index>(), "[\"\\\\{}\\[\\],: 0e.\u{1}\r]?");
    (fields, proptest::option::weighted(0.3, change)).prop_map(|(line, change)| match change {
        None => line,
        Some((at, new)) => {
            let at = at.index(line.chars().count());
            let chars = line.chars().enumerate();
            chars.map(|(i, c)| if i == at { new.clone() } else { c.to_string() }).collect()
        }
    })
}

/// The rows of some lines by the reader before, or the line at fault.
fn rows_before(
    lines: &[String],
    columns: &[(String, bool)],
) -> Result<Vec<Vec<Option<String>>>, LineError> {
    let mut rows = Vec::new();
    for (line, number) in lines.iter().zip(1..) {
        let fault = |reason| LineError { line: number, fault: Fault::Other(reason) };
        let (mut found, mut twice): (HashMap<String, String>, _) = (HashMap::new(), None);
        let is_row = reference::fields(line, |name, value| {
            let again = found.insert(name.to_owned(), value.to_owned()).is_some();
            if again && columns.iter().any(|(wanted, _)| wanted == name) {
                twice = Some(name.to_owned());
            }
        })
        .map_err(fault)?;
        if let Some(name) = twice {
            return Err(fault(format!("the field \"{name}\" is there twice")));
        }
        if !is_row {
            continue;
        }
        let mut row = Vec::new();
        for (name, raw) in columns {
            row.push(match found.get(name).map(String::as_str) {
                None | Some("null") => None,
                Some(value) if *raw => Some(value.to_owned()),
                Some(value) => Some(reference::unquoted(value).map_err(fault)?.into_owned()),
            });
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The same by the decoder, its input in pieces.
fn rows_now(
    lines: &[String],
    columns: &[(String, bool)],
    piece: usize,
) -> Result<Vec<Vec<Option<String>>>, LineError> {
    let mut decoder = JsonlDecoder::new(columns, 3);
    let text = lines.join("\n");
    let mut batches = Vec::new();
    for mut input in text.as_bytes().chunks(piece) {
        while !input.is_empty() {
            let (taken, batch) = decoder.push(input)?;
            batches.extend(batch);
            input = &input[taken..];
        }
    }
    batches.extend(decoder.finish()?);
    let mut rows = Vec::new();
    for batch in &batches {
        for i in 0..batch.num_rows() {
            let cell = |column: &datafusion::arrow::array::ArrayRef| {
                column.as_string_view().iter().nth(i).flatten().map(str::to_owned)
            };
            rows.push(batch.columns().iter().map(cell).collect());
        }
    }
    Ok(rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_line_is_read_as_before(line in line()) {
        prop_assert_eq!(read(&line), read_before(&line));
    }

    #[test]
    fn any_bytes_are_read_as_before(line in "[\"\\\\{}\\[\\],:0-9a-f.eE+ \u{1}é-]{0,24}") {
        let line = format!("{{{line}");
        prop_assert_eq!(read(&line), read_before(&line));
    }

    #[test]
    fn any_rows_are_those_of_before(
        lines in proptest::collection::vec(line(), 0..8),
        wanted in proptest::sample::subsequence(vec!["é", "a", "c", "none"], 0..4),
        raw in proptest::bool::ANY,
        piece in 1_usize..80,
    ) {
        let columns: Vec<(String, bool)> =
            wanted.into_iter().map(|name| (name.to_owned(), raw && name == "a")).collect();
        // A control character in place of another makes a line of its own.
        let lines: Vec<String> = lines.into_iter().map(|l| l.replace('\n', " ")).collect();
        prop_assert_eq!(rows_now(&lines, &columns, piece), rows_before(&lines, &columns));
    }
}
