//! A server knows its key and may say it again. No reply keeps it.

use secrecy::{ExposeSecret, SecretString};

const INSTEAD: &str = "[key]";
/// What is shorter is no key, and would take ordinary words away.
const SHORTEST: usize = 6;

/// Takes a key out of texts, whole or as they come in pieces.
#[derive(Clone)]
pub(super) struct Redactor {
    key: Option<SecretString>,
    /// What could be the beginning of a key.
    held: String,
}

impl Redactor {
    pub(super) fn new(key: Option<&SecretString>) -> Self {
        let long = |key: &&SecretString| key.expose_secret().len() >= SHORTEST;
        Self { key: key.filter(long).cloned(), held: String::new() }
    }

    /// The next piece that may be shown.
    pub(super) fn push(&mut self, piece: &str) -> String {
        let Some(key) = &self.key else { return piece.to_owned() };
        let key = key.expose_secret();
        self.held.push_str(piece);
        let text = self.held.replace(key, INSTEAD);
        let kept = beginning(&text, key);
        let (shown, held) = text.split_at(text.len() - kept);
        let shown = shown.to_owned();
        self.held = held.to_owned();
        shown
    }

    /// What was held back and is no key after all.
    pub(super) fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// How many bytes at the end of a text are the beginning of a key.
fn beginning(text: &str, key: &str) -> usize {
    let longest = key.len().saturating_sub(1).min(text.len());
    let begins = |n: &usize| key.is_char_boundary(*n) && text.ends_with(&key[..*n]);
    (1..=longest).rev().find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_out_however_it_is_cut() {
        let key = SecretString::from("sk-canary-123");
        let text = "the key is sk-canary-123, sk-canary, sk-canary-123sk-canary-123 and sk-";
        let wanted = "the key is [key], sk-canary, [key][key] and sk-";
        for size in 1..text.len() {
            let mut redactor = Redactor::new(Some(&key));
            let pieces = text.as_bytes().chunks(size).map(|c| std::str::from_utf8(c).unwrap());
            let mut shown: String = pieces.map(|piece| redactor.push(piece)).collect();
            shown.push_str(&redactor.rest());
            assert_eq!(shown, wanted, "in pieces of {size}");
        }
    }
}
