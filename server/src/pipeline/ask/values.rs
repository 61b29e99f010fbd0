//! Values that a model wrote and the data do not hold.
//!
//! In: a draft and the catalog's value dictionaries. Out: the draft with values as the data spell
//! them, and what was changed; or a question where several come near, or none does. A model is
//! shown no values, so it writes those of the question.

use air_engine::ask::{Choice, Clarification, YOU_DECIDE};
use air_ir::{Catalog, Column, EntityRef, Filter, Ir, MetricKind, Op, Operand, Scalar, Subject};
use serde_json::json;

use super::naming::Columns;
use crate::store::checksum;

/// What became of a draft's values.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Checked {
    pub(super) assumptions: Vec<String>,
    pub(super) questions: Vec<Clarification>,
}

/// Near values that a question lists.
const MOST_NEAR: usize = 5;

/// Puts the data's spelling in the place of a model's.
pub(super) fn check(
    ir: &mut Ir,
    catalog: &Catalog,
    answer: &dyn Fn(&str) -> Option<String>,
) -> Checked {
    let mut checked = Checked::default();
    for entity in &mut ir.entities {
        // A query of queries has values of its own.
        if let EntityRef::Query { query, .. } = entity {
            let inner = check(query, catalog, answer);
            checked.assumptions.extend(inner.assumptions);
            checked.questions.extend(inner.questions);
        }
    }
    let columns = Columns { entities: &ir.entities.clone(), joins: &ir.joins.clone(), catalog };
    let in_metrics = ir.metrics.iter_mut().filter_map(|metric| match &metric.kind {
        MetricKind::Aggregate { .. } => metric.filter.as_mut(),
        _ => None,
    });
    for filter in ir.filters.iter_mut().chain(in_metrics) {
        walk(filter, &columns, answer, &mut checked);
    }
    checked
}

fn walk(
    filter: &mut Filter,
    columns: &Columns<'_>,
    answer: &dyn Fn(&str) -> Option<String>,
    checked: &mut Checked,
) {
    match filter {
        Filter::All(list) | Filter::Any(list) => {
            list.iter_mut().for_each(|one| walk(one, columns, answer, checked));
        }
        Filter::Not(inner) => walk(inner, columns, answer, checked),
        Filter::Exists(exists) => {
            // What is not qualified there is of its own entity.
            let own = [EntityRef::Name(exists.entity.clone())];
            let inner = Columns { entities: &own, ..*columns };
            exists.filters.iter_mut().for_each(|one| walk(one, &inner, answer, checked));
        }
        Filter::Compare(comparison) => {
            let Subject::Field(field) = &comparison.subject else { return };
            let exact = matches!(comparison.op, Op::Eq | Op::Ne | Op::In | Op::NotIn);
            let Some((_, column)) = columns.find(field).filter(|_| exact) else { return };
            let values: Vec<&mut Scalar> = match &mut comparison.value {
                Operand::One(value) => vec![value],
                Operand::Many(values) => values.iter_mut().collect(),
                _ => return,
            };
            for value in values {
                spell(value, field, column, answer, checked);
            }
        }
    }
}

/// Before a text that is to stay as it was said, though no row has it.
const KEEP: &str = "keep:";

fn spell(
    value: &mut Scalar,
    field: &str,
    column: &Column,
    answer: &dyn Fn(&str) -> Option<String>,
    checked: &mut Checked,
) {
    let Some(known) = column.values.as_ref().filter(|values| values.complete) else { return };
    let Scalar::Text(said) = &*value else { return };
    let mut said = said.clone();
    if known.counts.contains_key(&said) {
        return;
    }
    let id = id_of(field, &said);
    let given = answer(&id);
    if let Some(given) = &given {
        let kept = given.strip_prefix(KEEP);
        if known.counts.contains_key(given) || kept.is_some() {
            *value = Scalar::Text(kept.unwrap_or(given).to_owned());
            return;
        }
        // Words of one's own are looked up as those of the question are.
        if given != YOU_DECIDE {
            said.clone_from(given);
        }
    }
    let (near, sure) = near(&said, known.counts.keys());
    let decided = given.as_deref() == Some(YOU_DECIDE);
    if let ([first, ..], true) = (near.as_slice(), decided || (sure && near.len() == 1)) {
        checked.assumptions.push(format!("\"{said}\" was read as {first}."));
        *value = Scalar::Text(first.clone());
        return;
    }
    if decided {
        // Nothing comes near, so what was asked for stays, and the result says that it is empty.
        checked.assumptions.push(format!("\"{said}\" was kept, which no row has."));
        return;
    }
    let mut choices: Vec<Choice> =
        near.into_iter().map(|v| Choice { label: v.clone(), value: v }).collect();
    let label = format!("Keep \"{said}\", which no row has");
    choices.push(Choice { value: format!("{KEEP}{said}"), label });
    let text = format!("No {field} is called \"{said}\". Which one is meant?");
    let recommended = choices[0].value.clone();
    checked.questions.push(Clarification { id, text, choices, recommended });
}

/// The question about a text in a field: no other has its id.
fn id_of(field: &str, said: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let readable = |text: &str| text.to_lowercase().replace(|c| !plain(c), "_");
    let id = format!("value_{}_{}", readable(field), readable(said));
    match said.chars().all(plain) && field.chars().all(|c| plain(c) || c == '_') {
        true => id,
        false => format!("{id}_{}", &checksum(&json!([field, said]))[..8]),
    }
}

/// The values that are alike but for case, or hold the words as whole ones: those are surely meant
/// where there is but one. Else those that hold them inside others or after a "not", which may say
/// the opposite, or are spelled nearly so: these are asked about.
fn near<'v>(said: &str, known: impl Iterator<Item = &'v String> + Clone) -> (Vec<String>, bool) {
    let folded = said.to_lowercase();
    let fitting = |fits: &dyn Fn(&str) -> bool| -> Vec<String> {
        let fit = known.clone().filter(|value| fits(&value.to_lowercase()));
        fit.take(MOST_NEAR).cloned().collect()
    };
    let same = fitting(&|value| value == folded);
    if !same.is_empty() {
        return (same, true);
    }
    let long = folded.len() > 2;
    let holding = fitting(&|value| long && value.contains(&folded));
    if !holding.is_empty() {
        let sure = holding.iter().all(|value| holds_words(&value.to_lowercase(), &folded));
        return (holding, sure);
    }
    let mut near = air_ir::nearest(said, known.map(String::as_str));
    near.truncate(MOST_NEAR);
    (near, false)
}

/// Words that turn what stands beside them round.
const TURNING: [&str; 10] =
    ["no", "non", "not", "un", "never", "without", "nicht", "kein", "keine", "ohne"];

/// Whether a value holds the words of a text as whole words, and none that turns them round.
fn holds_words(value: &str, text: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let (value, text) = (words(value), words(text));
    let turning = |words: &[String]| words.iter().filter(|w| TURNING.contains(&w.as_str())).count();
    !text.is_empty()
        && value.windows(text.len()).any(|some| some == text)
        && turning(&value) == turning(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catalog() -> Catalog {
        let counts = json!({"Los Angeles Intl": 2, "San Jose Intl": 1, "San Diego Intl": 1});
        serde_json::from_value(json!({
            "source": "s", "kind": "files", "version": "1", "tables": [{"name": "airports",
            "kind": "files", "columns": [{"name": "name", "data_type": "text",
            "native_type": "text", "nullable": false,
            "values": {"complete": true, "counts": counts}}]}]}))
        .unwrap()
    }

    fn ir(value: &str) -> Ir {
        Ir::parse(&json!({"entities": ["airports"], "metrics": [{"name": "n", "agg": "count"}],
            "filters": [{"any": [{"field": "name", "op": "=", "value": value}]}]}))
        .unwrap()
    }

    #[test]
    fn one_value_that_holds_the_words_is_taken_and_said() {
        let mut draft = ir("los angeles");
        let checked = check(&mut draft, &catalog(), &|_| None);
        assert_eq!(draft, ir("Los Angeles Intl"));
        assert_eq!(checked.assumptions, ["\"los angeles\" was read as Los Angeles Intl."]);
        assert!(checked.questions.is_empty());
    }

    #[test]
    fn several_or_none_are_asked_about_and_the_answer_is_taken() {
        let mut draft = ir("San");
        let checked = check(&mut draft, &catalog(), &|_| None);
        assert_eq!((checked.questions.len(), draft.clone()), (1, ir("San")));
        let question = &checked.questions[0];
        let values: Vec<&str> = question.choices.iter().map(|c| c.value.as_str()).collect();
        assert_eq!(values, ["San Diego Intl", "San Jose Intl", "keep:San"]);
        for (given, taken, said) in [
            ("San Jose Intl", "San Jose Intl", false),
            ("keep:San", "San", false),
            (YOU_DECIDE, "San Diego Intl", true),
            ("jose", "San Jose Intl", true),
        ] {
            let mut draft = draft.clone();
            let answered = |id: &str| (id == question.id).then(|| given.to_owned());
            let again = check(&mut draft, &catalog(), &answered);
            assert_eq!((draft, again.questions.len()), (ir(taken), 0), "{given}");
            assert_eq!(!again.assumptions.is_empty(), said, "{given}");
        }
        // What is not found is asked about once more, about what was said now.
        let other = |id: &str| (id == question.id).then(|| "Atlantis".to_owned());
        let again = check(&mut draft, &catalog(), &other);
        assert_eq!(again.questions[0].id, question.id);
        assert!(again.questions[0].text.contains("Atlantis"), "{}", again.questions[0].text);
        let mut unknown = ir("Atlantis");
        assert_eq!(check(&mut unknown, &catalog(), &|_| None).questions.len(), 1);
    }

    /// A catalog of orders whose status is one of these.
    fn of_statuses(values: &[&str]) -> Catalog {
        let counts: serde_json::Map<String, serde_json::Value> =
            values.iter().map(|value| ((*value).to_owned(), json!(1))).collect();
        let status = json!({"name": "status", "data_type": "text", "native_type": "text",
            "nullable": false, "values": {"complete": true, "counts": counts}});
        let id = json!({"name": "id", "data_type": "int64", "native_type": "bigint",
            "nullable": false});
        serde_json::from_value(json!({"source": "s", "kind": "files", "version": "1", "tables": [
            {"name": "orders", "kind": "files", "columns": [id, status]}]}))
        .unwrap()
    }

    fn parsed(ir: serde_json::Value) -> Ir {
        Ir::parse(&ir).unwrap()
    }

    #[test]
    fn part_of_a_word_and_a_word_after_not_are_asked_about() {
        for (known, said) in [
            (["unpaid", "settled"], "paid"),
            (["inactive", "closed"], "active"),
            (["not paid", "settled"], "paid"),
            (["non-active", "closed"], "active"),
        ] {
            let filters = json!([{"field": "status", "op": "=", "value": said}]);
            let mut draft = parsed(json!({"entities": ["orders"], "filters": filters,
                "metrics": [{"name": "n", "agg": "count"}]}));
            let before = draft.clone();
            let checked = check(&mut draft, &of_statuses(&known), &|_| None);
            assert_eq!(draft, before, "{said} in {known:?}");
            assert!(checked.assumptions.is_empty(), "{checked:?}");
            assert_eq!(checked.questions[0].recommended, known[0]);
        }
        assert!(holds_words("los angeles intl", "los angeles"));
        assert!(holds_words("not paid", "not paid"));
        assert!(!holds_words("san jose", "jose san"));
    }

    #[test]
    fn values_behind_an_alias_in_exists_and_in_an_inner_query_are_looked_up() {
        let count = json!([{"name": "n", "agg": "count"}]);
        let compared =
            |field: &str, value: &str| json!([{"field": field, "op": "=", "value": value}]);
        let of = |value: &str| {
            let aliased = json!({"entities": [{"entity": "orders", "as": "o"}], "metrics": count,
                "filters": compared("o.status", value)});
            let exists = json!({"entities": ["customers"], "metrics": count, "filters": [
                {"exists": {"entity": "orders", "filters": compared("status", value)}}]});
            let inner = json!({"entities": ["orders"], "dimensions": ["id"], "metrics": count,
                "filters": compared("status", value)});
            let outer = json!({"entities": [{"query": inner, "as": "t"}],
                "metrics": [{"name": "most", "agg": "max", "field": "n"}]});
            [aliased, exists, outer].map(parsed)
        };
        let catalog = of_statuses(&["Shipped", "Open"]);
        for (mut draft, right) in of("shipped").into_iter().zip(of("Shipped")) {
            let checked = check(&mut draft, &catalog, &|_| None);
            assert_eq!(draft, right);
            assert_eq!(checked.assumptions, ["\"shipped\" was read as Shipped."]);
        }
    }
}
