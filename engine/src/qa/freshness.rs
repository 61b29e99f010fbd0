//! Whether the data reaches up to the time the report is about.

use super::{Evidence, buckets, finding};
use air_ir::{Check, CheckStatus, Grain, Unit};
use jiff::tz::TimeZone;
use serde_json::json;

/// One bucket that is still being loaded, and one that is whole.
const MOST_GRAINS: i64 = 2;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let latest = e.latest?;
    let zone = TimeZone::get(e.time_zone).ok()?;
    let until = e.range.map_or(e.now, |(_, end)| end.min(e.now));
    let grain = grain(e);
    let oldest = until
        .to_zoned_datetime(zone)
        .checked_sub(buckets::span(grain, MOST_GRAINS)?)
        .ok()?
        .timestamp();
    let age = until.duration_since(latest).as_secs().max(0);
    let (status, message) = if latest < oldest {
        let end = if until == e.now { "now" } else { "the end of the period asked for" };
        (CheckStatus::Warn, format!("The newest data is {} older than {end}.", span_text(age)))
    } else {
        (CheckStatus::Pass, "The data reaches up to the period asked for.".to_owned())
    };
    let observed = json!({
        "latest": latest.to_string(),
        "until": until.to_string(),
        "age_seconds": age,
        "grain": grain.to_string(),
    });
    let threshold = json!({ "max_age_grains": MOST_GRAINS, "oldest": oldest.to_string() });
    let method = "newest time in the data of the first entity against the earlier of now and the \
                  end of the time filter, in buckets of the report's grain (a day without one)";
    Some(finding("freshness", status, message, (observed, threshold, method)))
}

/// The width of the buckets of the report's time.
fn grain(e: &Evidence<'_>) -> Grain {
    let all = buckets::all(e);
    let of_time = all.iter().find(|b| b.is_time_of(e)).map(|b| b.grain);
    of_time.or(e.ir.grain).unwrap_or(Grain::one(Unit::Day))
}

fn span_text(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s >= 2 * 86_400 => (s / 86_400, "days"),
        s if s >= 2 * 3_600 => (s / 3_600, "hours"),
        s if s >= 2 * 60 => (s / 60, "minutes"),
        s => (s, "seconds"),
    };
    format!("{n} {unit}")
}
