//! Text to tokens.
//!
//! In: a question as typed. Out: words, numbers, dates, quoted texts and symbols, each with its
//! stem. Nothing is dropped and nothing is interpreted here; what a word means is decided by
//! [`super::chunks`].

use rust_stemmers::{Algorithm, Stemmer};

/// What a token is by its spelling alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TokenKind {
    Word,
    /// Digits, with their sign, and with thousands separators and `k`, `m` resolved.
    Number(f64),
    /// `2013`, `2013-02`, `2013-Q1`, `2013-W05` or `2013-02-14`, where it has a dash.
    Date,
    /// In quotes: a value, whatever words it holds.
    Quoted,
    Symbol,
}

/// One token of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) lower: String,
    pub(super) stem: String,
    pub(super) kind: TokenKind,
}

/// Cuts words to their stems.
pub(super) struct Stems(Stemmer);

impl Stems {
    pub(super) fn new() -> Self {
        Self(Stemmer::create(Algorithm::English))
    }

    pub(super) fn stem(&self, lower: &str) -> String {
        self.0.stem(lower).into_owned()
    }
}

/// The words of a name or a value: lower case, cut at everything that is no letter or digit, and
/// where a small letter meets a capital one.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before_small = false;
    for c in text.chars() {
        if !c.is_alphanumeric() && c != '\'' || before_small && c.is_uppercase() {
            push_word(&mut words, &mut word);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before_small = c.is_lowercase();
    }
    push_word(&mut words, &mut word);
    words
}

fn push_word(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// Cuts a question into tokens.
pub(super) fn read(text: &str, stems: &Stems) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let before = at.checked_sub(1).and_then(|i| chars.get(i)).copied();
        let next = if c.is_whitespace() {
            at + 1
        } else if let Some(end) = quoted_end(&chars, at, before) {
            push(&mut tokens, stems, &chars[at + 1..end], TokenKind::Quoted);
            end + 1
        } else if let Some(digit) = signed_digit(&chars, at, before, tokens.last()) {
            negative(&chars, digit, &mut tokens, stems)
        } else if c.is_ascii_digit() {
            number(&chars, at, &mut tokens, stems)
        } else if c.is_alphabetic() {
            word(&chars, at, &mut tokens, stems)
        } else if joins_words(&chars, at, before) {
            at + 1
        } else {
            symbol(&chars, at, &mut tokens, stems)
        };
        at = next.max(at + 1);
    }
    tokens
}

fn push(tokens: &mut Vec<Token>, stems: &Stems, chars: &[char], kind: TokenKind) {
    let text: String = chars.iter().collect();
    let lower = text.to_lowercase();
    let stem = if kind == TokenKind::Word { stems.stem(&lower) } else { lower.clone() };
    tokens.push(Token { text, lower, stem, kind });
}

/// The `_` of `dep_delay`: a column's own name is read as its words.
fn joins_words(chars: &[char], at: usize, before: Option<char>) -> bool {
    chars.get(at) == Some(&'_')
        && before.is_some_and(char::is_alphanumeric)
        && chars.get(at + 1).is_some_and(|c| c.is_alphanumeric())
}

/// Where a quotation that opens at `at` closes. An apostrophe inside a word opens none.
fn quoted_end(chars: &[char], at: usize, before: Option<char>) -> Option<usize> {
    let close = match chars.get(at)? {
        '"' => '"',
        '\u{201c}' => '\u{201d}',
        '\'' if before.is_none_or(|b| !b.is_alphanumeric()) => '\'',
        _ => return None,
    };
    let closes = |i: usize| {
        chars[i] == close
            && (close != '\'' || chars.get(i + 1).is_none_or(|n| !n.is_alphanumeric()))
    };
    let end = (at + 1..chars.len()).find(|&i| closes(i))?;
    (end > at + 1).then_some(end)
}

fn word(chars: &[char], at: usize, tokens: &mut Vec<Token>, stems: &Stems) -> usize {
    let apostrophe = |c: char| c == '\'' || c == '\u{2019}';
    let mut end = at;
    while let Some(&c) = chars.get(end) {
        let inside = apostrophe(c) && chars.get(end + 1).is_some_and(|n| n.is_alphabetic());
        if !(c.is_alphanumeric() || inside) {
            break;
        }
        end += 1;
    }
    let mut text: Vec<char> = chars[at..end].to_vec();
    if let [.., mark, 's' | 'S'] = text[..]
        && apostrophe(mark)
    {
        text.truncate(text.len() - 2);
    }
    text.retain(|c| !apostrophe(*c));
    push(tokens, stems, &text, TokenKind::Word);
    end
}

/// Where the digits of a negative number start, whose sign is at `at`. A dash inside a word or
/// between two numbers is no sign.
fn signed_digit(
    chars: &[char],
    at: usize,
    before: Option<char>,
    last: Option<&Token>,
) -> Option<usize> {
    let sign = matches!(chars.get(at)?, '-' | '\u{2212}' | '\u{2013}');
    let starts =
        before.is_none_or(|b| b.is_whitespace() || matches!(b, '(' | '=' | '<' | '>' | ','));
    let range = last.is_some_and(|t| matches!(t.kind, TokenKind::Number(_) | TokenKind::Date));
    let currency = matches!(chars.get(at + 1)?, '$' | '€' | '£');
    let digit = at + 1 + usize::from(currency);
    let is_digit = chars.get(digit).is_some_and(char::is_ascii_digit);
    (sign && starts && !range && is_digit).then_some(digit)
}

fn negative(chars: &[char], digit: usize, tokens: &mut Vec<Token>, stems: &Stems) -> usize {
    let end = number(chars, digit, tokens, stems);
    if let Some(last) = tokens.last_mut()
        && let TokenKind::Number(n) = last.kind
    {
        last.kind = TokenKind::Number(-n);
        for text in [&mut last.text, &mut last.lower, &mut last.stem] {
            text.insert(0, '-');
        }
    }
    end
}

/// A number, a date, an ordinal (`95th`), or a code that starts with a digit (`9E`).
fn number(chars: &[char], at: usize, tokens: &mut Vec<Token>, stems: &Stems) -> usize {
    let run = |from: usize, also: &[char]| {
        let inside = |&&c: &&char| c.is_ascii_alphanumeric() || also.contains(&c);
        from + chars[from..].iter().take_while(inside).count()
    };
    let dashed = run(at, &['-']);
    let text: String = chars[at..dashed].iter().collect();
    if text.contains('-') && air_ir::Period::parse(&text.to_uppercase()).is_ok() {
        push(tokens, stems, &chars[at..dashed], TokenKind::Date);
        return dashed;
    }
    let mut end = run(at, &['.', ',']);
    while end > at + 1 && matches!(chars[end - 1], '.' | ',') {
        end -= 1;
    }
    let digits: String = chars[at..end].iter().filter(|c| **c != ',').collect();
    let split = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let (number, suffix) = digits.split_at(split);
    let factor = match suffix.to_lowercase().as_str() {
        "" | "st" | "nd" | "rd" | "th" => 1.0,
        "k" => 1e3,
        "m" | "mio" => 1e6,
        "bn" => 1e9,
        "min" | "mins" | "h" | "hrs" | "mi" | "km" | "kwh" | "mwh" | "x" => {
            let cut = end - suffix.len();
            push_number(tokens, stems, &chars[at..cut], number.parse().ok());
            return cut;
        }
        _ => {
            push(tokens, stems, &chars[at..end], TokenKind::Word);
            return end;
        }
    };
    let value = number.parse::<f64>().ok().map(|n| n * factor);
    push_number(tokens, stems, &chars[at..end], value);
    end
}

fn push_number(tokens: &mut Vec<Token>, stems: &Stems, chars: &[char], value: Option<f64>) {
    let kind = value.filter(|v| v.is_finite()).map_or(TokenKind::Word, TokenKind::Number);
    push(tokens, stems, chars, kind);
}

fn symbol(chars: &[char], at: usize, tokens: &mut Vec<Token>, stems: &Stems) -> usize {
    let two: String = chars[at..].iter().take(2).collect();
    let len = if matches!(two.as_str(), ">=" | "<=" | "!=" | "<>" | "==") { 2 } else { 1 };
    let end = (at + len).min(chars.len());
    push(tokens, stems, &chars[at..end], TokenKind::Symbol);
    end
}
