//! TimescaleDB: PostgreSQL with `time_bucket`, whose origins are those of the IR.

use super::postgres::Postgres;
use super::rules::{Rules, Span, first_week, server_zone};
use crate::functions::Bucket;
use air_ir::Unit;

pub(super) struct Timescaledb;

impl Rules for Timescaledb {
    fn bucket(
        &self,
        value: &str,
        bucket: &Bucket,
        date: bool,
        span: Span,
    ) -> Result<String, String> {
        let n = bucket.grain.n;
        let months = i64::from(bucket.year_start) - 1;
        let (width, origin) = match bucket.grain.unit {
            Unit::Day => (format!("{n} days"), "2000-01-03".to_owned()),
            Unit::Week => (format!("{} days", n * 7), first_week(bucket.week_start)),
            Unit::Month => (format!("{n} months"), "2000-01-01".to_owned()),
            Unit::Quarter => (format!("{} months", n * 3), format!("2000-{:02}-01", months + 1)),
            Unit::Year => (format!("{} months", n * 12), format!("2000-{:02}-01", months + 1)),
            // Buckets of the clock count from local midnight here, and from the origin there.
            Unit::Minute | Unit::Hour => return Postgres.bucket(value, bucket, date, span),
        };
        if date {
            return Ok(format!("time_bucket(INTERVAL '{width}', {value}, DATE '{origin}')"));
        }
        // Of a start that comes twice, the later one is given there.
        if bucket.zone.repeats().midnight {
            return Postgres.bucket(value, bucket, date, span);
        }
        let zone = server_zone(&bucket.zone)?;
        Ok(format!(
            "time_bucket(INTERVAL '{width}', {value}, {zone}, TIMESTAMP '{origin}' AT TIME ZONE {zone})"
        ))
    }
}
