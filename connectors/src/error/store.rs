//! What an object store or a file server answered instead of files.

use std::fmt;

/// Why a store gave no answer. No text holds a key, a signature or the query of an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    #[error("there is no such bucket or container; correct base_path, or make it")]
    NoBucket,

    #[error(
        "access is denied{code}; see whether the credentials in store are right and may list and \
         read it"
    )]
    Denied { code: Said },

    #[error("the bucket is in another region{region}; correct store.region")]
    Region { region: Said },

    #[error("cannot be reached: {reason}; see the endpoint, the network and the certificates")]
    Away { reason: &'static str },

    #[error("an answer took longer than store.timeout allows; see whether the store is well")]
    TimedOut,

    #[error(
        "the server gives no list of its files; name them in store.files, or files of each table \
         in dataset.yaml beside them"
    )]
    NoList,

    #[error("nothing lies there; correct base_path, or put files there")]
    Nothing,

    #[error("more than {most} objects lie there; give a base_path further down")]
    TooMany { most: usize },

    #[error(
        "an object's name is no plain path (empty, `.` or `..` between slashes); rename it, or give a base_path beside it"
    )]
    BadName,

    #[error(
        "the server tells no version of the file (neither ETag nor Last-Modified), so a change \
         while it is read would go unseen; use a server that does"
    )]
    NoVersion,

    #[error(
        "the server gives no parts of a file (ranges), which Parquet and large text files need; \
         use a server that does"
    )]
    NoRanges,

    #[error("the server leads to another address; give that one as base_path or store.endpoint")]
    Elsewhere,

    #[error("the settings of store cannot be used: {what}")]
    Settings { what: String },

    #[error("the store answered {status}{code}; see its own log, and try again")]
    Answer { status: u16, code: Said },

    #[error("the store failed without saying why; see its own log, and try again")]
    Unknown,
}

impl StoreFault {
    /// Whether the store may well answer later, though nothing is changed here.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Away { .. } | Self::TimedOut => true,
            Self::Answer { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

/// A word of a store's own, such as the code of an error; shown in brackets where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said(Option<String>);

impl Said {
    /// Only a short word is kept: what else an answer holds may repeat keys and signatures.
    pub(crate) fn word(text: Option<&str>) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_word = |t: &&str| !t.is_empty() && t.len() <= 64 && t.chars().all(plain);
        Self(text.filter(is_word).map(str::to_owned))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(word) => write!(f, " ({word})"),
            None => Ok(()),
        }
    }
}
