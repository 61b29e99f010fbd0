//! "unpaid", "inactive", "non-vip": words that say that something is not true of a row.
//!
//! In: tokens and the index of a catalog. Out: the same, where a word that nothing is called, but
//! that is the name of a column of truth values turned round, is that name after a mark
//! ([`super::words::Say::Turn`]); and what was read as what. A word that the data know is left
//! alone, and so is one whose beginning need not turn it round.

use super::lexicon::Lexicon;
use super::tokens::{Token, TokenKind};
use super::words;

/// The text of the mark.
const MARK: &str = "un-";

/// Adjectives whose "in" turns them round. That of others ("invested") does not.
const WITH_IN: &str = "active valid complete correct visible eligible accurate sufficient \
consistent dependent direct formal definite secure";

/// Splits the words that turn a name round.
pub(super) fn split(tokens: &[Token], lexicon: &Lexicon) -> (Vec<Token>, Vec<String>) {
    let (mut out, mut said): (Vec<Token>, Vec<String>) = (Vec::new(), Vec::new());
    let mut dash = false;
    for (at, token) in tokens.iter().enumerate() {
        if std::mem::take(&mut dash) {
            continue;
        }
        let free = token.kind == TokenKind::Word
            && words::say(&token.lower).is_none()
            && !lexicon.knows(&token.lower, &token.stem)
            && !lexicon.values.knows(&token.lower);
        if free && token.lower == "non" {
            dash = tokens.get(at + 1).is_some_and(|t| t.text == "-");
            let name = tokens.get(at + if dash { 2 } else { 1 });
            if name.is_some_and(|t| lexicon.is_flag(&t.lower)) {
                out.push(word(MARK, lexicon));
                continue;
            }
            dash = false;
        }
        match Some(token).filter(|_| free).and_then(|t| name_of(&t.lower, lexicon)) {
            Some(name) => {
                said.push(format!("\"{}\" was read as not {name}.", token.text));
                out.push(word(MARK, lexicon));
                out.push(word(&name, lexicon));
            }
            None => out.push(token.clone()),
        }
    }
    (out, said)
}

fn word(text: &str, lexicon: &Lexicon) -> Token {
    let lower = text.to_owned();
    Token { text: lower.clone(), stem: lexicon.stems.stem(text), lower, kind: TokenKind::Word }
}

/// The name that a word turns round: "paid" for "unpaid", and "unpaid" for "paid".
fn name_of(lower: &str, lexicon: &Lexicon) -> Option<String> {
    let with_in = |name: &str| WITH_IN.split_ascii_whitespace().any(|w| w == name);
    let plain = |prefix: &str| {
        let name = lower.strip_prefix(prefix)?;
        (name.len() > 2 && lexicon.is_flag(name)).then(|| name.to_owned())
    };
    let inside = || plain("in").filter(|name| with_in(name));
    let shorter = plain("un").or_else(|| plain("non")).or_else(inside);
    shorter.or_else(|| {
        let longer = |prefix: &str| Some(format!("{prefix}{lower}")).filter(|n| lexicon.is_flag(n));
        longer("un").or_else(|| longer("in").filter(|_| with_in(lower)))
    })
}
