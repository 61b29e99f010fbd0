//! A point in time as a column holds it.
//!
//! RFC 3339 in UTC with six decimals and `Z`: one width, so that text order is time order.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A time with microseconds, which is what a column keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(Timestamp);

impl Moment {
    pub(crate) fn now() -> Self {
        Self::from(Timestamp::now())
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for Moment {
    /// Cuts below the microsecond, so that what was written equals what is read back.
    fn from(time: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl sqlx::Type<sqlx::Sqlite> for Moment {
    fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
        <String as sqlx::Type<sqlx::Sqlite>>::type_info()
    }
}

impl<'q> sqlx::Encode<'q, sqlx::Sqlite> for Moment {
    fn encode_by_ref(
        &self,
        arguments: &mut <sqlx::Sqlite as sqlx::Database>::ArgumentBuffer,
    ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        <String as sqlx::Encode<'q, sqlx::Sqlite>>::encode(self.to_string(), arguments)
    }
}

impl<'r> sqlx::Decode<'r, sqlx::Sqlite> for Moment {
    fn decode(value: sqlx::sqlite::SqliteValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        let text = <&str as sqlx::Decode<'r, sqlx::Sqlite>>::decode(value)?;
        Ok(Self(text.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_width_and_sorts_by_time() {
        let moment = |text: &str| Moment::from(text.parse::<Timestamp>().unwrap());
        let early = moment("2013-01-01T05:00:00Z");
        assert_eq!(early.to_string(), "2013-01-01T05:00:00.000000Z");
        let late = moment("2013-01-01T05:00:00.1234567Z");
        assert_eq!(late.to_string(), "2013-01-01T05:00:00.123456Z");
        assert!(early.to_string() < late.to_string());
    }
}
