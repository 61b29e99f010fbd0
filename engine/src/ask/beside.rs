//! Which of several fields a word means, by the name that it stands beside.
//!
//! In: a chunk and the fields that fit it equally well. Out: the one field that the name beside it
//! leads to, and that name's chunk. Where none or several do, nothing, and the person is asked.

use super::build::Build;
use super::lexicon::Target;
use super::routes::{self, Field};
use super::words::Say;

impl Build<'_> {
    /// "destination airports by name", "the name of the destination": where the name beside a
    /// chunk is that of a key, the one field that this key leads to.
    pub(super) fn of_beside(&self, chunk: usize, equal: &[&Field]) -> Option<(usize, Field)> {
        let passed = |at: &usize| {
            let said = self.chunks.get(*at);
            said.is_none_or(|c| {
                !(c.is_filler() || c.say() == Some(Say::By) || c.text.eq_ignore_ascii_case("of"))
            })
        };
        let before = (0..chunk).rev().find(passed);
        let by = |at: &usize| self.chunks[at + 1..chunk].iter().any(|c| c.say() == Some(Say::By));
        let after = (chunk + 1..self.chunks.len()).find(passed);
        let of = |at: &usize| {
            self.chunks[chunk + 1..*at].iter().any(|c| c.text.eq_ignore_ascii_case("of"))
        };
        let owner = before.filter(by).or(after.filter(of))?;
        let names = &self.chunks.get(owner)?.names;
        let leads = |field: &&&Field| {
            let Some(hop) = field.hops.first() else { return false };
            let key = self.catalog.tables.get(hop.table).and_then(|t| t.foreign_keys.get(hop.key));
            let column = key.and_then(|k| k.columns.first());
            let column = column.and_then(|c| routes::named(self.catalog, hop.table, c));
            names.iter().filter(|n| n.weight > 0.8).any(|n| match n.target {
                Target::Role(role) => role == *hop,
                Target::Column(named) => Some(named) == column,
                _ => false,
            })
        };
        let mut found = equal.iter().filter(leads);
        let field = found.next().filter(|_| found.next().is_none())?;
        Some((owner, (*field).clone()))
    }
}
