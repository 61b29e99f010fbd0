//! Bounds that hold before a text is parsed: what is too large or too deep never builds a tree.

use super::Refused;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

const MOST_BYTES: usize = 256 * 1024;
const MOST_TOKENS: usize = 60_000;
/// Chains of operators become trees as deep as they are long.
const MOST_OPERATORS: usize = 1_000;

/// Words after which the tree grows deeper without brackets.
const DEEPENING: &[Keyword] = &[
    Keyword::AND,
    Keyword::OR,
    Keyword::NOT,
    Keyword::IS,
    Keyword::IN,
    Keyword::BETWEEN,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::SIMILAR,
    Keyword::COLLATE,
    Keyword::AT,
    Keyword::UNION,
    Keyword::EXCEPT,
    Keyword::INTERSECT,
    Keyword::JOIN,
    Keyword::CASE,
];

/// The words and signs of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, Refused> {
    if text.len() > MOST_BYTES {
        let detail = format!("The text has {} bytes of at most {MOST_BYTES}.", text.len());
        return Err(Refused::new("plan_size", detail));
    }
    if text.contains('\0') {
        return Err(Refused::new("read_only", "The text holds a zero byte."));
    }
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize_with_location()
        .map_err(|e| Refused::new("read_only", format!("This is no SQL: {e}.")))?;
    let mut operators = 0_usize;
    for token in &tokens {
        match &token.token {
            Token::Word(word) if !DEEPENING.contains(&word.keyword) => {}
            Token::Number(..) | Token::SingleQuotedString(_) => {}
            Token::Comma | Token::LParen | Token::RParen | Token::Period => {}
            Token::Whitespace(Whitespace::MultiLineComment(comment)) => commented(comment)?,
            Token::Whitespace(_) => {}
            _ => operators += 1,
        }
    }
    for (count, most, what) in
        [(tokens.len(), MOST_TOKENS, "words and signs"), (operators, MOST_OPERATORS, "operators")]
    {
        if count > most {
            let detail = format!("The text has {count} {what} of at most {most}.");
            return Err(Refused::new("plan_size", detail));
        }
    }
    Ok(tokens)
}

/// Some engines run what stands in these comments.
fn commented(comment: &str) -> Result<(), Refused> {
    let runs = comment.starts_with('!') || comment.starts_with("M!") || comment.starts_with('+');
    match runs {
        true => Err(Refused::new("read_only", "Comments that some engines run are not taken.")),
        false => Ok(()),
    }
}
