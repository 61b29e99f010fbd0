//! Where the password of a DSN is.
//!
//! In: `scheme://user:password@host/db?options` or `user:password@tcp(host:port)/db?options`, or
//! one `${VAR}` that holds all of it. Out: the password's place in the text. Whatever cannot be
//! read with certainty is refused: a password that is overlooked would be stored and shown. So
//! what stands for a host must look like one. Absent on purpose: which hosts there may be, and
//! options, which the connectors check.

use std::net::Ipv6Addr;
use std::ops::Range;

const HIDDEN: &str = "***";
/// Words in the name of an option whose value is a secret.
const SECRET_WORDS: [&str; 5] = ["pass", "pwd", "secret", "token", "credential"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DsnProblem {
    #[error(
        "it is neither scheme://user:password@host:port/database nor \
         user:password@tcp(host:port)/database"
    )]
    Form,
    #[error(
        "the user or password holds one of / ? # @ as it is; percent-encode it (%2F %3F %23 %40)"
    )]
    Encode,
    #[error(
        "its host is neither a name, an address nor a ${{VARIABLE}}, with a port in digits; a \
         password stands behind the user, user:password@host"
    )]
    Host,
    #[error("an option holds a secret; put the password after the user, user:password@host")]
    SecretOption,
    #[error("a password is either all one ${{VARIABLE}} or none of it")]
    PartReference,
    #[error("*** stands for the password where a DSN is shown; give the password itself")]
    Placeholder,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Password {
    None,
    /// `${VAR}`, or the whole DSN is one.
    Reference,
    Clear(Range<usize>),
}

pub(super) fn find_password(dsn: &str) -> Result<Password, DsnProblem> {
    if is_reference(dsn) {
        return Ok(Password::Reference);
    }
    let (user, rest) = user_part(dsn)?;
    if !is_address(address(&dsn[rest..])) {
        return Err(DsnProblem::Host);
    }
    if secret_options(&dsn[rest..]).next().is_some() {
        return Err(DsnProblem::SecretOption);
    }
    let Some(user) = user else {
        return Ok(Password::None);
    };
    let Some(colon) = dsn[user.clone()].find(':') else {
        return Ok(Password::None);
    };
    let span = user.start + colon + 1..user.end;
    match &dsn[span.clone()] {
        "" => Ok(Password::None),
        HIDDEN => Err(DsnProblem::Placeholder),
        text if is_reference(text) => Ok(Password::Reference),
        text if text.contains("${") => Err(DsnProblem::PartReference),
        _ => Ok(Password::Clear(span)),
    }
}

/// A DSN for people. What cannot be read is hidden whole.
pub(crate) fn redact(dsn: &str) -> String {
    if is_reference(dsn) {
        return dsn.to_owned();
    }
    let Ok((user, rest)) = user_part(dsn) else {
        return HIDDEN.to_owned();
    };
    if !is_address(address(&dsn[rest..])) {
        return HIDDEN.to_owned();
    }
    let mut hidden: Vec<Range<usize>> = Vec::new();
    if let Some(user) = user
        && let Some(colon) = dsn[user.clone()].find(':')
    {
        hidden.push(user.start + colon + 1..user.end);
    }
    hidden.extend(secret_options(&dsn[rest..]).map(|span| rest + span.start..rest + span.end));
    let mut shown = String::with_capacity(dsn.len());
    let mut at = 0;
    for span in hidden.into_iter().filter(|span| !span.is_empty()) {
        let keep = is_reference(&dsn[span.clone()]);
        shown.push_str(&dsn[at..span.start]);
        shown.push_str(if keep { &dsn[span.clone()] } else { HIDDEN });
        at = span.end;
    }
    shown.push_str(&dsn[at..]);
    shown
}

/// The span of `user:password`, if there is one, and where the rest begins.
fn user_part(dsn: &str) -> Result<(Option<Range<usize>>, usize), DsnProblem> {
    if let Some(scheme) = dsn.find("://").filter(|end| is_scheme(&dsn[..*end])) {
        let start = scheme + 3;
        let end = dsn[start..].find(['/', '?', '#']).map_or(dsn.len(), |at| start + at);
        // An `@` behind the authority may be the end of a password that holds a `/`.
        if dsn[end..].contains('@') {
            return Err(DsnProblem::Encode);
        }
        let user = dsn[start..end].rfind('@').map(|at| start..start + at);
        if user.as_ref().is_some_and(|user| dsn[user.clone()].contains('@')) {
            return Err(DsnProblem::Encode);
        }
        let rest = user.as_ref().map_or(start, |user| user.end + 1);
        return Ok((user, rest));
    }
    let network = dsn.rfind("@tcp(").ok_or(DsnProblem::Form)?;
    if dsn[network + 1..].contains('@') {
        return Err(DsnProblem::Encode);
    }
    Ok((Some(0..network), network + 1))
}

/// Host and port of what stands behind the user.
fn address(rest: &str) -> &str {
    match rest.strip_prefix("tcp(") {
        Some(inside) => inside.split_once(')').map_or(inside, |(address, _)| address),
        None => rest.split(['/', '?', '#']).next().unwrap_or_default(),
    }
}

/// Whether this is a host, with a port perhaps. None at all is the connectors' to refuse.
fn is_address(text: &str) -> bool {
    let text = without_references(text);
    if let Some(rest) = text.strip_prefix('[') {
        let Some((host, port)) = rest.split_once(']') else { return false };
        return host.parse::<Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((&text, ""));
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    host.chars().all(part) && is_port(port)
}

fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.chars().all(|c| c.is_ascii_digit())
}

/// The text with a digit for each `${VARIABLE}`: what it holds is not stored.
fn without_references(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}').filter(|end| is_reference(&rest[at..=at + end]))
        else {
            break;
        };
        plain.push_str(&rest[..at]);
        plain.push('1');
        rest = &rest[at + end + 1..];
    }
    plain + rest
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Spans of the values of options that hold secrets.
fn secret_options(rest: &str) -> impl Iterator<Item = Range<usize>> {
    let start = rest.find('?').map_or(rest.len(), |at| at + 1);
    let mut at = start;
    rest[start..].split('&').filter_map(move |option| {
        let begin = at;
        at += option.len() + 1;
        let (name, _) = option.split_once('=')?;
        let lower = name.to_ascii_lowercase();
        // An escaped name could spell any of the words.
        let secret = lower.contains('%') || SECRET_WORDS.iter().any(|word| lower.contains(word));
        secret.then(|| begin + name.len() + 1..begin + option.len())
    })
}

fn is_reference(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
