//! Values that a model wrote and the data do not hold.
//!
//! In: a draft and the catalog's value dictionaries. Out: the draft with values as the data spell
//! them, and what was changed; or a question where several come near, or none does. A model is
//! shown no values, so it writes those of the question.

use air_engine::ask::{Choice, Clarification};
use air_ir::{Catalog, Column, EntityRef, Filter, Ir, MetricKind, Op, Operand, Scalar, Subject};

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
    answer: impl Fn(&str) -> Option<String>,
) -> Checked {
    let mut checked = Checked::default();
    let columns = Columns { entities: &ir.entities.clone(), joins: &ir.joins.clone(), catalog };
    let in_metrics = ir.metrics.iter_mut().filter_map(|metric| match &metric.kind {
        MetricKind::Aggregate { .. } => metric.filter.as_mut(),
        _ => None,
    });
    for filter in ir.filters.iter_mut().chain(in_metrics) {
        walk(filter, &columns, &answer, &mut checked);
    }
    checked
}

struct Columns<'a> {
    entities: &'a [EntityRef],
    joins: &'a [air_ir::JoinSpec],
    catalog: &'a Catalog,
}

impl Columns<'_> {
    /// The column of a field, where it is plain which one it is.
    fn find(&self, field: &str) -> Option<&Column> {
        let (owner, name) = field.rsplit_once('.').map_or((None, field), |(o, n)| (Some(o), n));
        let table = |wanted: &str| {
            let tables = self.catalog.tables.iter();
            tables.into_iter().find(|t| t.name == wanted || t.qualified_name() == wanted)
        };
        let role = |owner: &str| {
            let join = self.joins.iter().find(|join| join.alias.as_deref() == Some(owner))?;
            Some(join.right.first()?.rsplit_once('.')?.0.to_owned())
        };
        match owner {
            Some(owner) => {
                let owner = role(owner).unwrap_or_else(|| owner.to_owned());
                table(&owner)?.column(name)
            }
            None => {
                let listed = self.entities.iter().filter_map(|entity| table(entity.name()));
                listed.filter_map(|table| table.column(name)).next()
            }
        }
    }
}

fn walk(
    filter: &mut Filter,
    columns: &Columns<'_>,
    answer: &impl Fn(&str) -> Option<String>,
    checked: &mut Checked,
) {
    match filter {
        Filter::All(list) | Filter::Any(list) => {
            list.iter_mut().for_each(|one| walk(one, columns, answer, checked));
        }
        Filter::Not(inner) => walk(inner, columns, answer, checked),
        // Of another entity: its columns are looked up when it is planned.
        Filter::Exists(_) => {}
        Filter::Compare(comparison) => {
            let Subject::Field(field) = &comparison.subject else { return };
            let exact = matches!(comparison.op, Op::Eq | Op::Ne | Op::In | Op::NotIn);
            let Some(column) = columns.find(field).filter(|_| exact) else { return };
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

fn spell(
    value: &mut Scalar,
    field: &str,
    column: &Column,
    answer: &impl Fn(&str) -> Option<String>,
    checked: &mut Checked,
) {
    let Some(known) = column.values.as_ref().filter(|values| values.complete) else { return };
    let Scalar::Text(said) = &*value else { return };
    let said = said.clone();
    if known.counts.contains_key(&said) {
        return;
    }
    let (near, sure) = near(&said, known.counts.keys());
    let id = format!("value_{}", said.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_"));
    let given = answer(&id);
    if let Some(given) = given.filter(|v| *v == said || known.counts.contains_key(v)) {
        *value = Scalar::Text(given);
        return;
    }
    if let ([only], true) = (near.as_slice(), sure) {
        checked.assumptions.push(format!("\"{said}\" was read as {only}."));
        *value = Scalar::Text(only.clone());
        return;
    }
    let mut choices: Vec<Choice> =
        near.into_iter().map(|v| Choice { label: v.clone(), value: v }).collect();
    let kept = format!("Keep \"{said}\", which no row has");
    choices.push(Choice { value: said.clone(), label: kept });
    let text = format!("No {field} is called \"{said}\". Which one is meant?");
    let recommended = choices[0].value.clone();
    checked.questions.push(Clarification { id, text, choices, recommended });
}

/// The values that are alike but for case, or hold the words: those are surely meant where there
/// is but one. Else those of near spelling, which are asked about.
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
    let holding = fitting(&|value| folded.len() > 2 && value.contains(&folded));
    if !holding.is_empty() {
        return (holding, true);
    }
    let mut near = air_ir::nearest(said, known.map(String::as_str));
    near.truncate(MOST_NEAR);
    (near, false)
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
        let checked = check(&mut draft, &catalog(), |_| None);
        assert_eq!(draft, ir("Los Angeles Intl"));
        assert_eq!(checked.assumptions, ["\"los angeles\" was read as Los Angeles Intl."]);
        assert!(checked.questions.is_empty());
    }

    #[test]
    fn several_or_none_are_asked_about_and_the_answer_is_taken() {
        let mut draft = ir("San");
        let checked = check(&mut draft, &catalog(), |_| None);
        assert_eq!((checked.questions.len(), draft.clone()), (1, ir("San")));
        let question = &checked.questions[0];
        let values: Vec<&str> = question.choices.iter().map(|c| c.value.as_str()).collect();
        assert_eq!(values, ["San Diego Intl", "San Jose Intl", "San"]);
        let again = check(&mut draft, &catalog(), |id| {
            (id == question.id).then(|| "San Jose Intl".to_owned())
        });
        assert_eq!((again, draft), (Checked::default(), ir("San Jose Intl")));
        let mut unknown = ir("Atlantis");
        assert_eq!(check(&mut unknown, &catalog(), |_| None).questions.len(), 1);
    }
}
