//! What a question says that the draft does not: nothing may be lost in silence.
//!
//! In: a draft and the chunks it used. Out: filters for values that were asked back, questions
//! for names without a place, and the words the catalog does not hold.

use super::build::Build;
use super::chunks::{Chunk, Kind};
use super::clauses::Clauses;
use super::filters::compare;
use super::measures::is_figure;
use super::questions::{Choice, Reply, id_of};
use super::words::{Beyond, Say};
use air_ir::{Column, DataType, Op, Operand, Scalar};

/// Why a question is beyond any report, where it is.
pub(super) fn beyond(
    chunks: &[Chunk],
    clauses: &Clauses,
    follows: bool,
) -> Option<(String, Vec<String>)> {
    // "remove the filter" changes a report; where there is none, it can only mean the data.
    let removed = chunks.iter().position(|c| c.say() == Some(Say::Remove)).filter(|_| !follows);
    let (beyond, at) = clauses.beyond.or(removed.map(|at| (Beyond::Change, at)))?;
    let word = chunks.get(at).map(|c| c.text.clone()).unwrap_or_default();
    let reason = match beyond {
        Beyond::Change => "Sources are only read; nothing in them can be changed by a question.",
        Beyond::Future => "The data say what was; AIR makes no forecasts.",
        Beyond::Cause => {
            "The data say how much and when, not why. Ask for a figure by something that may be the cause."
        }
    };
    Some((reason.to_owned(), vec![word]))
}

impl Build<'_> {
    /// Words that nothing knows: values that are asked back, or what the catalog does not hold.
    pub(super) fn unknown_words(&mut self) {
        let clauses = self.clauses;
        for (at, lead) in &clauses.unknown {
            if self.used.get(*at).copied().unwrap_or(true) {
                continue;
            }
            self.mark(*at);
            let turned = clauses.turned.contains(at);
            if turned {
                self.heard.push(*at);
            }
            let text = self.text(*at).to_owned();
            let hint = clauses.bare.iter().copied().find(|b| {
                *b < *at
                    && self.chunks.get(b + 1..*at).is_some_and(|c| c.iter().all(Chunk::is_filler))
                    && self.has_text_column(*b)
            });
            let after =
                (at + 1 < self.chunks.len() && self.has_text_column(at + 1)).then_some(at + 1);
            let proper = text.starts_with(char::is_uppercase) && *at > 0;
            let looks_like_value = proper || lead.is_some() || hint.is_some();
            let word =
                self.chunks.get(*at).is_some_and(|c| c.kind == Kind::Unknown) || hint.is_some();
            if !looks_like_value || !word {
                self.missing_word(text);
                continue;
            }
            if let Some((field, values)) =
                self.unknown_word(&text, hint.or(after.filter(|_| proper)), lead.as_deref())
            {
                let spelled = self.field(&field);
                let scalars: Vec<Scalar> = values.into_iter().map(Scalar::Text).collect();
                let filter = match (&scalars[..], turned) {
                    ([one], false) => compare(&spelled, Op::Eq, Operand::One(one.clone())),
                    ([one], true) => compare(&spelled, Op::Ne, Operand::One(one.clone())),
                    (_, false) => compare(&spelled, Op::In, Operand::Many(scalars)),
                    (_, true) => compare(&spelled, Op::NotIn, Operand::Many(scalars)),
                };
                let share = self.shares();
                self.condition(filter, share);
            }
        }
    }

    fn has_text_column(&self, chunk: usize) -> bool {
        let Some(said) = self.chunks.get(chunk) else { return false };
        super::root::fields(self.catalog, self.lexicon, self.root, said)
            .iter()
            .any(|(f, _)| self.column(f.col).is_some_and(|c| c.data_type == DataType::Text))
            && self.names_root(chunk) < 0.5
    }

    fn missing_word(&mut self, text: String) {
        let names: Vec<&str> = self.lexicon.words().collect();
        let near = air_ir::nearest(&text, names.iter().copied());
        let mut reason = format!("Nothing in the data is called \"{text}\".");
        if !near.is_empty() {
            reason.push_str(&format!(" Near are {}.", near.join(", ")));
        }
        self.reasons.push(reason);
        self.missing.push(text);
    }

    /// Names that stand by themselves and have not found a place.
    pub(super) fn bare_names(&mut self) {
        let clauses = self.clauses;
        for at in clauses.bare.iter().copied() {
            if !self.used.get(at).copied().unwrap_or(true) {
                self.bare_name(at);
            }
        }
    }

    pub(super) fn bare_name(&mut self, at: usize) {
        let Some(chunk) = self.chunks.get(at) else { return };
        let fields = super::root::fields(self.catalog, self.lexicon, self.root, chunk);
        let best = fields.first().cloned();
        let root = self.names_root(at);
        let column = best.as_ref().and_then(|(f, _)| self.column(f.col));
        if root > 0.6 && root >= best.as_ref().map_or(0.0, |b| b.1) - 0.06 {
            return self.mark(at);
        }
        let turned = self.clauses.turned.contains(&at);
        if best.as_ref().is_some_and(|(f, w)| *w < 0.8 && self.is_in_use(f)) {
            return self.mark(at);
        }
        match (column, best) {
            (Some(column), Some((field, _))) if column.data_type == DataType::Bool => {
                self.mark(at);
                self.flag(at, &field, !turned);
            }
            (Some(_), Some((field, _))) if self.time.as_ref() == Some(&field) => self.mark(at),
            (Some(column), _) if is_figure(column) => self.threshold(at, turned),
            (_, Some(_)) | (None, None) if self.is_context(at) => self.mark(at),
            _ => self.unplaced(at),
        }
    }

    /// "paid orders", "unpaid orders": what is true of a row, or is not.
    pub(super) fn flag(&mut self, at: usize, field: &super::routes::Field, holds: bool) {
        let spelled = self.field(field);
        let unknown = self.column(field.col).is_some_and(|c| c.nullable);
        if !holds && (unknown || !field.hops.is_empty()) {
            let said = format!("Rows of which {spelled} is not known are not among them.");
            self.asked.assume(said);
        }
        let turned = self.clauses.turned.contains(&at);
        if turned {
            self.heard.push(at);
        }
        let before = at.checked_sub(1).and_then(|before| self.chunks.get(before));
        let bound = before.and_then(Chunk::say) == Some(Say::Turn);
        let filter = compare(&spelled, Op::Eq, Operand::One(Scalar::Bool(holds)));
        let other = compare(&spelled, Op::Eq, Operand::One(Scalar::Bool(!holds)));
        // "compare paid and unpaid orders"
        if self.clauses.either.is_empty()
            && self.ir.filters.iter().chain(&self.numerator).any(|f| *f == other)
        {
            let word = self.text(at).to_owned();
            self.reasons.push(format!(
                "No row is both {word} and not. Ask for it by {word} to see the two beside each \
                 other."
            ));
            self.missing.push(word);
            return;
        }
        let share = self.shares();
        self.place((at, at), turned && !bound, |build| build.condition(filter, share));
    }

    /// Whether a field has a part in the draft already.
    fn is_in_use(&self, field: &super::routes::Field) -> bool {
        let name = serde_json::Value::String(self.spelled(field)).to_string();
        self.ir.to_json().to_string().contains(&name)
    }

    /// A table on the way of what is asked needs no place of its own.
    fn is_context(&self, at: usize) -> bool {
        use super::lexicon::Target;
        let names = self.chunks.get(at).map(|c| c.names.as_slice()).unwrap_or_default();
        names.first().is_some_and(|c| match c.target {
            Target::Table(t) => {
                let listed = self.table_name(t);
                self.ir.entities.iter().any(|e| e.name() == listed)
            }
            _ => false,
        })
    }

    /// "delayed flights": from where on is a row one of them?
    fn threshold(&mut self, at: usize, turned: bool) {
        let Some(field) = self.pick(at, |c: &Column| c.data_type.is_numeric()) else { return };
        let (word, said) = (self.text(at).to_owned(), self.said(&field));
        let unit = self.column(field.col).and_then(|c| c.unit.clone()).unwrap_or_default();
        let choices = vec![
            Choice::new("0", format!("above 0 {unit}").trim()),
            Choice::new("known", "where it is known"),
        ];
        let text = format!(
            "From what {said} on does a row count as \"{word}\"? Say a number, which it must exceed."
        );
        let reply = self.asked.ask(&id_of("threshold", &word), &text, choices.clone(), "0");
        let spelled = self.field(&field);
        let (Reply::Choice(answer) | Reply::Free(answer)) = reply;
        let number = answer.split_whitespace().next().and_then(|n| n.parse::<f64>().ok());
        let filter = match number {
            Some(n) if turned => compare(&spelled, Op::Le, Operand::One(super::filters::number(n))),
            Some(n) => compare(&spelled, Op::Gt, Operand::One(super::filters::number(n))),
            None if answer == "known" => compare(&spelled, Op::NotNull, Operand::None),
            None => {
                self.asked.put(
                    &id_of("threshold", &word),
                    &format!("\"{answer}\" is no number. {text}"),
                    choices,
                    "0",
                );
                return;
            }
        };
        if turned {
            self.heard.push(at);
        }
        let share = self.shares();
        self.condition(filter, share);
    }

    /// A name that was understood but has no part in the draft.
    fn unplaced(&mut self, at: usize) {
        self.mark(at);
        let word = self.text(at).to_owned();
        let found = self
            .chunks
            .get(at)
            .map(|c| super::root::fields(self.catalog, self.lexicon, self.root, c));
        if found.unwrap_or_default().is_empty() {
            self.missing.push(word.clone());
            let table = self.table_name(self.root);
            self.reasons.push(format!(
                "\"{word}\" is not reached from {table} without counting rows twice."
            ));
            return;
        }
        let choices = vec![
            Choice::new("group", &format!("Break down by {word}")),
            Choice::new("ignore", "It changes nothing"),
        ];
        let text = format!("What part does \"{word}\" have in the question?");
        if self.asked.choose(&id_of("unused", &word), &text, choices, "group") == "group" {
            self.group_name(at);
        }
    }

    /// Every "not" must have turned something round.
    fn unheard(&mut self) {
        let clauses = self.clauses;
        let names = clauses.turned.iter().filter(|at| !self.heard.contains(at));
        let open: Vec<usize> = clauses.nots.iter().chain(names).copied().collect();
        for at in open {
            let word = self.text(at).to_owned();
            self.reasons.push(match clauses.nots.contains(&at) {
                true => format!("It is not known what \"{word}\" turns round."),
                false => format!("It is not known what the \"not\" before \"{word}\" means."),
            });
            self.missing.push(word);
        }
    }

    /// What is left: words of asking that led to nothing.
    pub(super) fn leftovers(&mut self) {
        self.unheard();
        if let Some(at) = self.clauses.either.iter().copied().find(|o| !self.joined.contains(o)) {
            self.missing.push(self.text(at).to_owned());
            self.reasons.push(
                "It is not known whether all of what the \"or\" stands between must hold, or any \
                 of it. Two values, periods or conditions can be joined by it, with nothing else \
                 beside them."
                    .to_owned(),
            );
        }
        if let Some(grain) = self.clauses.window.filter(|_| !self.clauses.moving) {
            self.missing.push(grain.to_string());
            self.reasons.push(format!("It is not said what is to be {grain}."));
        }
        for at in 0..self.chunks.len() {
            let Some(chunk) = self.chunks.get(at).filter(|_| !self.used[at]) else { continue };
            match chunk.kind {
                Kind::Name | Kind::Quoted | Kind::Unknown => {
                    self.mark(at);
                    self.missing_word(chunk.text.clone());
                }
                Kind::Say(
                    Say::Distinct | Say::Share | Say::Percentile | Say::Moving | Say::Running,
                ) => {
                    self.doubt += 0.02;
                }
                Kind::Number(_) if !self.number_was_read(at) => {
                    let text = chunk.text.clone();
                    self.reasons.push(format!("It is not said what {text} stands for."));
                    self.missing.push(text);
                }
                _ => {}
            }
        }
    }

    /// Numbers are read together with the words around them, and are not marked one by one.
    fn number_was_read(&self, at: usize) -> bool {
        !self.clauses.unknown.iter().any(|(u, _)| *u == at)
    }
}
