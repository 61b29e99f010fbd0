//! When: phrases of time to filters on the time column.
//!
//! In: clauses of time. Out: filters of the IR; questions where several times fit.

use super::build::Build;
use super::clauses::TimeClause;
use super::filters::compare;
use super::questions::Reply;
use super::time::resolve::{EVERY_YEAR, Resolved};
use super::time::{Moment, TimePhrase};
use air_ir::{Filter, Op, Operand, Part, Period, Relative, Scalar, Unit};

impl Build<'_> {
    /// Every phrase of time that restricts the rows, and no related ones.
    pub(super) fn times(&mut self, clauses: &[TimeClause]) {
        let own = |c: &&TimeClause| !self.used.get(c.chunk).copied().unwrap_or(false);
        let own: Vec<TimeClause> = clauses.iter().filter(own).cloned().collect();
        self.times_that(&own);
    }

    /// Every one of these phrases.
    pub(super) fn times_that(&mut self, clauses: &[TimeClause]) {
        let mut periods: Vec<(Filter, bool)> = Vec::new();
        for clause in clauses {
            self.mark(clause.chunk);
            if self.compared_clause().is_some_and(|c| c.chunk == clause.chunk) {
                continue;
            }
            let whole = matches!(
                clause.phrase,
                TimePhrase::During(Moment::Absolute(_) | Moment::Months { .. })
            );
            if let Some(filter) = self.time_clause(clause) {
                periods.push((filter, whole && !clause.negated));
            }
        }
        let several = periods.iter().filter(|p| p.1).count() > 1;
        let (any, all): (Vec<_>, Vec<_>) = periods.into_iter().partition(|p| several && p.1);
        self.ir.filters.extend(all.into_iter().map(|p| p.0));
        let any: Vec<Filter> = any.into_iter().map(|p| p.0).collect();
        if !any.is_empty() {
            self.ir.filters.push(Filter::Any(any));
        }
    }

    /// The phrase that says with what is compared, rather than when: the last of those that may.
    pub(super) fn compared_clause(&self) -> Option<&'_ TimeClause> {
        let clauses = self.clauses;
        clauses.times.iter().rev().find(|t| match &t.phrase {
            TimePhrase::Earlier(_) => true,
            TimePhrase::During(Moment::Relative(Relative::Previous(_), _)) => {
                let from = self.text(t.chunk).to_lowercase().starts_with("from");
                clauses.compare || from && (clauses.change || clauses.growth)
            }
            _ => false,
        })
    }

    fn time_clause(&mut self, clause: &TimeClause) -> Option<Filter> {
        let word = self.text(clause.chunk).to_owned();
        if let Some(filter) = self.year_filter(clause) {
            return Some(filter);
        }
        let declared = self.time.clone();
        let said = self.said_field(clause);
        if said.is_some() {
            self.time = said;
            self.learn_reach();
        }
        let filter = self.dated(clause, &word);
        if declared.is_some() && self.time != declared {
            self.time = declared;
            self.learn_reach();
        }
        filter
    }

    fn dated(&mut self, clause: &TimeClause, word: &str) -> Option<Filter> {
        let Some(field) = self.time_field(word) else { return self.year_column(clause, word) };
        let spelled = self.field(&field);
        let mut assumed = Vec::new();
        let mut resolved = self.clock.resolve(&clause.phrase, &mut assumed);
        if let Resolved::Ask { text, choices, recommended } = &resolved {
            let reply = self.asked.ask("period", text, choices.clone(), recommended);
            resolved = match reply {
                Reply::Choice(value) => self.period_chosen(&clause.phrase, value),
                Reply::Free(words) => self.period_said(&words, text, choices.clone(), recommended),
            };
        } else {
            for text in assumed {
                self.asked.assume(text);
            }
        }
        self.resolved(resolved, &spelled, clause, word)
    }

    fn resolved(
        &mut self,
        resolved: Resolved,
        field: &str,
        clause: &TimeClause,
        word: &str,
    ) -> Option<Filter> {
        match resolved {
            Resolved::Compare(op, text) => {
                let value = match op {
                    Op::During => Operand::Period(Period::parse(&text).ok()?),
                    _ => Operand::One(Scalar::Text(text)),
                };
                let filter = compare(field, op, value);
                Some(if clause.negated { Filter::Not(Box::new(filter)) } else { filter })
            }
            Resolved::Parts(part, values) => {
                self.parts.push((part, values, clause.negated));
                None
            }
            Resolved::Future(text) => {
                self.missing.push(text);
                self.reasons.push("The data say what was, not what will be.".to_owned());
                None
            }
            Resolved::Bad(detail) => {
                self.missing.push(word.to_owned());
                self.reasons.push(detail);
                None
            }
            Resolved::Ask { recommended, .. } => {
                let period = Period::parse(&recommended).ok()?;
                Some(compare(field, Op::During, Operand::Period(period)))
            }
        }
    }

    /// The chosen period in the place of the ambiguous one: "since March" stays open.
    fn period_chosen(&self, phrase: &TimePhrase, value: String) -> Resolved {
        if value == EVERY_YEAR {
            let month = match phrase {
                TimePhrase::During(Moment::Months { first, .. }) => i64::from(*first),
                _ => return Resolved::Bad("Only a month can be that of every year.".to_owned()),
            };
            return Resolved::Parts(Part::Month, vec![month]);
        }
        if matches!(phrase, TimePhrase::During(_)) {
            return Resolved::Compare(Op::During, value);
        }
        let moment = || Moment::Absolute(value.clone());
        let bounded = match phrase {
            TimePhrase::Since(_) => TimePhrase::Since(moment()),
            TimePhrase::Before(_) => TimePhrase::Before(moment()),
            TimePhrase::After(_) => TimePhrase::After(moment()),
            TimePhrase::Until(_) => TimePhrase::Until(moment()),
            _ => TimePhrase::During(moment()),
        };
        self.clock.resolve(&bounded, &mut Vec::new())
    }

    /// A period in the words of an answer.
    fn period_said(
        &mut self,
        words: &str,
        question: &str,
        choices: Vec<super::questions::Choice>,
        recommended: &str,
    ) -> Resolved {
        if Period::parse(words).is_ok() {
            return Resolved::Compare(Op::During, words.to_owned());
        }
        let tokens = super::tokens::read(words, &self.lexicon.stems);
        if let Some((phrase, _)) = super::time::read(&tokens, None) {
            match self.clock.resolve(&phrase, &mut Vec::new()) {
                Resolved::Ask { .. } => {}
                other => return other,
            }
        }
        let text = format!("\"{words}\" is no single period. {question}");
        self.asked.put("period", &text, choices, recommended);
        Resolved::Compare(Op::During, recommended.to_owned())
    }

    /// "built before 2000": the year is that of the column named before it.
    fn year_filter(&mut self, clause: &TimeClause) -> Option<Filter> {
        let name = super::root::year_name(self.catalog, self.chunks, self.clauses, clause.chunk)?;
        let (op, moment) = match &clause.phrase {
            TimePhrase::During(m) => (Op::Eq, m),
            TimePhrase::Since(m) => (Op::Ge, m),
            TimePhrase::Before(m) => (Op::Lt, m),
            TimePhrase::After(m) => (Op::Gt, m),
            TimePhrase::Until(m) => (Op::Le, m),
            _ => return None,
        };
        let Moment::Absolute(text) = moment else { return None };
        let year: i64 = text.parse().ok().filter(|_| text.len() == 4)?;
        let field = self.pick(name, |c| c.data_type.is_integer())?;
        let spelled = self.field(&field);
        Some(compare(&spelled, op, Operand::One(Scalar::Number(year.into()))))
    }

    /// A table without times may have a column of years.
    fn year_column(&mut self, clause: &TimeClause, word: &str) -> Option<Filter> {
        let year = match &clause.phrase {
            TimePhrase::During(Moment::Absolute(text)) if text.len() == 4 => {
                text.parse::<i64>().ok()
            }
            _ => None,
        };
        let table = self.catalog.tables.get(self.root);
        let column = table.and_then(|t| {
            t.columns
                .iter()
                .find(|c| c.data_type.is_integer() && c.name.to_lowercase().contains("year"))
        });
        match (year, column) {
            (Some(year), Some(column)) => {
                self.start();
                self.asked.assume(format!("{year} is the {}.", column.name));
                let value = Operand::One(Scalar::Number(year.into()));
                Some(compare(&column.name, Op::Eq, value))
            }
            _ => {
                self.no_time(word);
                None
            }
        }
    }

    /// The unit whose earlier bucket something is compared with.
    pub(super) fn compared_unit(&self) -> Option<Unit> {
        let from = |phrase: &TimePhrase| match phrase {
            TimePhrase::Earlier(unit)
            | TimePhrase::During(Moment::Relative(Relative::Previous(unit), _)) => Some(*unit),
            _ => None,
        };
        self.compared_clause().and_then(|t| from(&t.phrase)).or(self.clauses.over)
    }
}
