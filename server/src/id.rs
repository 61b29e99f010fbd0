//! Identifiers.
//!
//! In: nothing, for a new one; a text, for one that came from outside. Out: one type for each kind
//! of thing, so that two kinds cannot be swapped. Ids of what AIR makes are a prefix and a UUID of
//! version 7 (RFC 9562), so that their text sorts by time of making. Ids that people choose
//! (`DatasourceId`, `ReportKey`) are checked names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdError {
    #[error("{text:?} is no {kind}: it begins with {prefix:?}")]
    WrongPrefix { kind: &'static str, prefix: &'static str, text: String },
    #[error("{text:?} is no {kind}: {prefix:?} is followed by 32 hexadecimal digits")]
    Malformed { kind: &'static str, prefix: &'static str, text: String },
    #[error(
        "{text:?} is no {kind}: use 1 to 63 letters, digits, `.`, `_` or `-`, beginning with a \
         letter or digit"
    )]
    BadName { kind: &'static str, text: String },
}

/// Text of an error is for people; a hostile one is cut.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Text forms shared by every identifier: display, serde, and a column of SQLite.
macro_rules! text_forms {
    ($name:ident) => {
        impl $name {
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl sqlx::Type<sqlx::Sqlite> for $name {
            fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
                <String as sqlx::Type<sqlx::Sqlite>>::type_info()
            }
        }

        impl<'q> sqlx::Encode<'q, sqlx::Sqlite> for $name {
            fn encode_by_ref(
                &self,
                arguments: &mut <sqlx::Sqlite as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <String as sqlx::Encode<'q, sqlx::Sqlite>>::encode_by_ref(&self.0, arguments)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Sqlite> for $name {
            fn decode(
                value: sqlx::sqlite::SqliteValueRef<'r>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                let text = <&str as sqlx::Decode<'r, sqlx::Sqlite>>::decode(value)?;
                Ok(text.parse()?)
            }
        }
    };
}

macro_rules! made_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub(crate) struct $name(String);

        impl $name {
            pub(crate) const PREFIX: &'static str = $prefix;

            /// A new one, later in order than each this process made before.
            pub(crate) fn new() -> Self {
                Self(format!("{}{}", $prefix, Uuid::now_v7().simple()))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let (kind, prefix) = (stringify!($name), Self::PREFIX);
                let Some(digits) = text.strip_prefix(prefix) else {
                    return Err(IdError::WrongPrefix { kind, prefix, text: shown(text) });
                };
                let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
                if digits.len() != 32 || !digits.chars().all(hex) {
                    return Err(IdError::Malformed { kind, prefix, text: shown(text) });
                }
                Ok(Self(text.to_owned()))
            }
        }

        text_forms!($name);
    )+};
}

made_ids! {
    RunId = "run_";
    ReportId = "rep_";
    ReportVersionId = "rv_";
    ScopeId = "scope_";
    ScopeVersionId = "scv_";
    SchemaNoteId = "note_";
    AnalysisId = "ana_";
    AuditId = "aud_";
    JobId = "job_";
    ScheduleId = "sched_";
    LearningSessionId = "ls_";
    /// A file that somebody uploaded.
    FileId = "file_";
    EndpointId = "ep_";
    /// A key of a published endpoint.
    EndpointKeyId = "ekey_";
    ChatMessageId = "msg_";
    /// One life of the server process: what was running under another is known to have ended.
    ProcessId = "proc_";
    RequestId = "req_";
    /// One WebSocket.
    SocketId = "ws_";
}

macro_rules! chosen_names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub(crate) struct $name(String);

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
                if !starts || text.len() > 63 || !text.chars().all(plain) {
                    return Err(IdError::BadName { kind: $kind, text: shown(text) });
                }
                Ok(Self(text.to_owned()))
            }
        }

        text_forms!($name);
    )+};
}

chosen_names! {
    /// A source, as the configuration or an administrator named it.
    DatasourceId, "datasource id";
    /// A report, as its URL names it.
    ReportKey, "report key";
    /// A room of the chat, as its URL names it.
    ChatRoomId, "room";
}

impl ChatRoomId {
    /// A new one, for a room that nobody named.
    pub(crate) fn made() -> Self {
        Self(format!("room_{}", Uuid::now_v7().simple()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Swapping two kinds must not compile. If `RunId` ever became convertible from `ScopeId`,
    /// both implementations below would apply and this would no longer compile.
    trait AmbiguousIfConvertible<Marker> {
        const CHECKED: bool = true;
    }
    impl<T> AmbiguousIfConvertible<()> for T {}
    struct Convertible;
    impl<T: From<ScopeId>> AmbiguousIfConvertible<Convertible> for T {}
    // `ScopeId` itself and `String` are convertible, so this stands for the other kinds only.
    const _: bool = <RunId as AmbiguousIfConvertible<_>>::CHECKED;
    const _: bool = <ReportId as AmbiguousIfConvertible<_>>::CHECKED;
    const _: bool = <ScopeVersionId as AmbiguousIfConvertible<_>>::CHECKED;
    const _: bool = <DatasourceId as AmbiguousIfConvertible<_>>::CHECKED;

    #[test]
    fn ids_sort_by_time_and_are_read_back() {
        let ids: Vec<RunId> = (0..1000).map(|_| RunId::new()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert_eq!(ids[0].to_string().parse(), Ok(ids[0].clone()));
    }

    #[test]
    fn the_wrong_kind_is_refused() {
        let scope = ScopeId::new().to_string();
        assert!(matches!(scope.parse::<RunId>(), Err(IdError::WrongPrefix { .. })));
        // `scope_` and `scv_`, `rep_` and `rv_` share letters, not prefixes.
        assert!(scope.parse::<ScopeVersionId>().is_err());
        assert!(ReportId::new().to_string().parse::<ReportVersionId>().is_err());
        let json = serde_json::to_string(&scope).unwrap();
        assert!(serde_json::from_str::<RunId>(&json).is_err());
        assert!(serde_json::from_str::<ScopeId>(&json).is_ok());
    }

    #[test]
    fn malformed_ids_are_refused() {
        let upper = "run_0192F0C17A6B70008000000000000000";
        for text in ["run_", "run_1", "run_0192f0c17a6b7000800000000000000g", upper, "RUN_0", ""] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
        assert!(upper.to_lowercase().parse::<RunId>().is_ok());
    }

    #[test]
    fn chosen_names_are_plain() {
        for text in ["ts-dev", "pg.sales_2", "9"] {
            assert!(text.parse::<DatasourceId>().is_ok(), "{text}");
        }
        let long = "x".repeat(64);
        for text in ["", "-a", "../etc", "a/b", "a b", "ä", "a\n", &long] {
            assert!(text.parse::<DatasourceId>().is_err(), "{text:?}");
            assert!(text.parse::<ReportKey>().is_err(), "{text:?}");
        }
    }
}
