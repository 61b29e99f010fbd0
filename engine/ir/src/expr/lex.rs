//! Tokens of an expression.

use super::BadExpr;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(String),
    Text(String),
    /// A name; `quoted` ones are never keywords.
    Word {
        name: String,
        quoted: bool,
    },
    Symbol(&'static str),
    End,
}

const SYMBOLS: &[&str] =
    &["!=", "<>", ">=", "<=", "=", ">", "<", "+", "-", "*", "/", "(", ")", ","];

/// `text` cut into tokens with their byte offsets; the last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, BadExpr> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, len) = token(&text[at..], at, c)?;
        tokens.push((at, token));
        at += len;
    }
    tokens.push((text.len(), Token::End));
    Ok(tokens)
}

fn token(rest: &str, at: usize, first: char) -> Result<(Token, usize), BadExpr> {
    if first == '\'' || first == '"' {
        return quoted(rest, at, first);
    }
    if first.is_ascii_digit() {
        return number(rest, at);
    }
    if first.is_alphabetic() || first == '_' {
        return word(rest, at);
    }
    match SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
        Some(symbol) => Ok((Token::Symbol(symbol), symbol.len())),
        None => Err(BadExpr { at, message: format!("\"{first}\" has no meaning here.") }),
    }
}

/// A run in quotes; a quote inside is doubled.
fn quoted(rest: &str, at: usize, quote: char) -> Result<(Token, usize), BadExpr> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c != quote {
            value.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            value.push(quote);
            chars.next();
        } else {
            let token = match quote {
                '\'' => Token::Text(value),
                _ => Token::Word { name: value, quoted: true },
            };
            return Ok((token, i + 1));
        }
    }
    Err(BadExpr { at, message: format!("The quote {quote} is not closed.") })
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), BadExpr> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let mut len = digits(rest);
    if rest[len..].starts_with('.') && digits(&rest[len + 1..]) > 0 {
        len += 1 + digits(&rest[len + 1..]);
    }
    if rest[len..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
        let message = "A number is digits with at most one point.".to_owned();
        return Err(BadExpr { at, message });
    }
    if len > 38 {
        return Err(BadExpr { at, message: "A number has at most 38 digits.".to_owned() });
    }
    Ok((Token::Number(rest[..len].to_owned()), len))
}

/// A name, with dots between entity and column; a part may be in double quotes.
fn word(rest: &str, at: usize) -> Result<(Token, usize), BadExpr> {
    let mut len = 0;
    let mut name = String::new();
    loop {
        let part = rest[len..].chars().take_while(|c| c.is_alphanumeric() || *c == '_');
        let part: String = part.collect();
        len += part.len();
        name.push_str(&part);
        if !rest[len..].starts_with('.') {
            break;
        }
        let after = &rest[len + 1..];
        if after.starts_with('"') {
            let (token, quoted_len) = quoted(after, at + len + 1, '"')?;
            if let Token::Word { name: part, .. } = token {
                name.push('.');
                name.push_str(&part);
            }
            return Ok((Token::Word { name, quoted: true }, len + 1 + quoted_len));
        }
        if !after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            let message = "A column name must follow the point.".to_owned();
            return Err(BadExpr { at: at + len, message });
        }
        name.push('.');
        len += 1;
    }
    Ok((Token::Word { name, quoted: false }, len))
}
