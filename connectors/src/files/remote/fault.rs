//! From what a client of a store says to what a person is told.
//!
//! In: an error of `object_store`. Out: a fault by name. The text of the error is never passed on:
//! it holds addresses, which may be signed, and answers, which repeat keys. Of an answer only the
//! status and the code, one word, are taken.

use crate::error::{Said, StoreFault};
use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error as _;

/// How the client words an answer that is no success, before the status and the answer's text.
const STATUS: &str = "Server returned non-2xx status code: ";
/// How it words a redirect that leads nowhere, as S3 gives for a bucket of another region.
const REDIRECT: &str = "Received redirect without LOCATION";

/// What an answer says.
struct Answer {
    status: u16,
    text: String,
}

/// Why the store gave no answer.
pub(super) fn fault_of(error: &Error) -> StoreFault {
    if let Error::InvalidPath { .. } = error {
        return StoreFault::BadName;
    }
    if let Error::NotSupported { .. } = error {
        return StoreFault::NoRanges;
    }
    if let Some(kind) =
        chain(error).find_map(|e| e.downcast_ref::<HttpError>()).map(HttpError::kind)
    {
        return unanswered(kind);
    }
    if chain(error).any(|e| e.downcast_ref::<object_store::path::Error>().is_some()) {
        return StoreFault::BadName;
    }
    match answer(error) {
        Some(answer) => answered(&answer),
        None if chain(error).any(|e| e.to_string().starts_with(REDIRECT)) => {
            StoreFault::Region { region: Said::default() }
        }
        None => without_answer(error),
    }
}

/// Whether the file, and not its bucket, is what is not there.
pub(super) fn is_missing(error: &Error) -> bool {
    let is_file = |fault| !matches!(fault, StoreFault::NoBucket);
    matches!(error, Error::NotFound { .. }) && is_file(fault_of(error))
}

/// Whether the server does not know how to list.
pub(super) fn is_no_list(error: &Error) -> bool {
    // 403 is how some say that they list nothing; then a read tells whether it is about rights.
    answer(error).is_some_and(|a| matches!(a.status, 400 | 403 | 405 | 415 | 501))
        || error.to_string().contains("Error decoding PROPFIND response")
}

fn chain<'e>(error: &'e Error) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn answer(error: &Error) -> Option<Answer> {
    chain(error).find_map(|e| {
        let text = e.to_string();
        let rest = text.strip_prefix(STATUS)?;
        let status = rest.get(..3)?.parse().ok()?;
        Some(Answer { status, text: rest.to_owned() })
    })
}

fn answered(answer: &Answer) -> StoreFault {
    let code = within(&answer.text, "Code");
    let said = Said::word(code);
    match (code.unwrap_or_default(), answer.status) {
        ("NoSuchBucket" | "ContainerNotFound" | "InvalidBucketName", _) => StoreFault::NoBucket,
        ("AuthorizationHeaderMalformed" | "PermanentRedirect", _) => {
            StoreFault::Region { region: Said::word(within(&answer.text, "Region")) }
        }
        (_, 401 | 403) => StoreFault::Denied { code: said },
        // Of a key that is no key some stores say that the request is a bad one.
        ("InvalidAccessKeyId" | "InvalidToken" | "ExpiredToken" | "AuthenticationFailed", _) => {
            StoreFault::Denied { code: said }
        }
        (_, 300..=399) => StoreFault::Elsewhere,
        (_, status) => StoreFault::Answer { status, code: said },
    }
}

/// The text of an element of an answer in XML.
fn within<'t>(text: &'t str, element: &str) -> Option<&'t str> {
    let from = text.split_once(&format!("<{element}>"))?.1;
    Some(from.split_once("</")?.0)
}

fn unanswered(kind: HttpErrorKind) -> StoreFault {
    match kind {
        HttpErrorKind::Timeout => StoreFault::TimedOut,
        HttpErrorKind::Connect => StoreFault::Away { reason: "no connection is made" },
        HttpErrorKind::Request | HttpErrorKind::Interrupted => {
            StoreFault::Away { reason: "the connection breaks off" }
        }
        HttpErrorKind::Decode => StoreFault::Away { reason: "the answer is cut off or damaged" },
        _ => StoreFault::Away { reason: "a request cannot be sent" },
    }
}

fn without_answer(error: &Error) -> StoreFault {
    let code = Said::default();
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            StoreFault::Denied { code }
        }
        Error::NotFound { .. } => StoreFault::Nothing,
        _ => StoreFault::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer as the client words it.
    #[derive(Debug, thiserror::Error)]
    #[error("Server returned non-2xx status code: {0}: {1}")]
    struct Worded(&'static str, &'static str);

    fn of(status: &'static str, text: &'static str) -> StoreFault {
        fault_of(&Error::Generic { store: "S3", source: Box::new(Worded(status, text)) })
    }

    #[test]
    fn answers_are_told_by_status_and_code_and_nothing_else() {
        let no = "<Error><Code>NoSuchBucket</Code></Error>";
        assert_eq!(of("404 Not Found", no), StoreFault::NoBucket);
        let region = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>";
        let told = of("400 Bad Request", region).to_string();
        assert_eq!(told, "the bucket is in another region (eu-west-1); correct store.region");
        let denied = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIAX</AWSAccessKeyId>\
                      <StringToSign>secret</StringToSign></Error>";
        let told = of("403 Forbidden", denied).to_string();
        assert!(told.contains("access is denied (SignatureDoesNotMatch)"), "{told}");
        assert!(!told.contains("AKIAX") && !told.contains("secret"), "{told}");
        let page = "<Code>AKIA X&sig=secret</Code>";
        let told = of("503 Service Unavailable", page);
        assert!(told.is_away());
        assert!(told.to_string().contains("answered 503;"), "{told}");
    }
}
