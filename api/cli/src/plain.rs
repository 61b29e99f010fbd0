//! Text that a terminal shows and does not obey: data and messages of a server may hold anything.

/// Control characters escaped, but for line breaks and tabs.
pub(crate) fn plain(text: &str) -> String {
    escaped(text, |c| c != '\n' && c != '\t' && obeyed(c))
}

/// All control characters escaped.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, obeyed)
}

/// Controls, and the marks that turn the direction of what follows.
fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, wrong: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match wrong(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{one_line, plain};

    #[test]
    fn controls_are_shown() {
        assert_eq!(plain("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\nc");
        assert_eq!(one_line("a\nb\u{9b}c\u{202e}"), "a\\nb\\u{9b}c\\u{202e}");
        assert_eq!(one_line("Zürich \\ \"日本\""), "Zürich \\ \"日本\"");
    }
}
