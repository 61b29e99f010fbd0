//! Whether the last bucket of time is over, so that it may be held against the others.

use super::buckets::{self, Buckets};
use super::{Evidence, finding};
use air_ir::{Check, CheckStatus};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// Data seldom reaches to the last instant of a bucket; what may be missing at its end.
const MOST_UNCOVERED: f64 = 0.1;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let all = buckets::all(e);
    let last: Vec<(&Buckets<'_>, Last)> =
        all.iter().filter_map(|b| Some((b, Last::of(b)?))).collect();
    if last.is_empty() {
        return None;
    }
    let judged: Vec<(&Buckets<'_>, &Last, Option<&'static str>)> =
        last.iter().map(|(b, l)| (*b, l, l.cut_by(e, b.is_time_of(e)))).collect();
    let (status, message) = match judged.iter().find_map(|(b, l, cut)| Some((b, l, (*cut)?))) {
        None => (CheckStatus::Pass, "The last period is complete.".to_owned()),
        Some((b, l, cut)) => {
            let (name, at) = (&b.column.name, b.show(l.bucket));
            (CheckStatus::Warn, format!("The last period of {name}, {at}, is incomplete: {cut}."))
        }
    };
    let observed: Vec<Value> = judged
        .iter()
        .map(|(b, l, cut)| {
            json!({
                "dimension": b.column.name,
                "last": b.show(l.bucket),
                "ends": l.end.to_string(),
                "now": e.now.to_string(),
                "range_ends": e.range.map(|r| r.1.to_string()),
                "latest": e.latest.map(|t| t.to_string()),
                "cut_by": cut,
            })
        })
        .collect();
    let threshold = json!({ "max_uncovered_share": MOST_UNCOVERED });
    let method = "the last bucket must end by now, no end of the time filter may lie inside it, \
                  and the newest time in the data, rounded up to the day, hour or minute it \
                  stands for, must reach all but a share of it";
    Some(finding("incomplete_last_period", status, message, (json!(observed), threshold, method)))
}

/// The last bucket as a span of instants.
struct Last {
    bucket: Timestamp,
    start: Timestamp,
    end: Timestamp,
}

impl Last {
    fn of(b: &Buckets<'_>) -> Option<Self> {
        let bucket = *b.starts.last()?;
        let end = b.instant(b.next(bucket)?)?;
        Some(Self { bucket, start: b.instant(bucket)?, end })
    }

    /// What keeps the bucket from being complete.
    fn cut_by(&self, e: &Evidence<'_>, is_time: bool) -> Option<&'static str> {
        if self.end > e.now {
            return Some("it is not over yet");
        }
        let range_end = e.range.map(|r| r.1).filter(|_| is_time);
        if range_end.is_some_and(|end| self.start < end && end < self.end) {
            return Some("the period asked for ends inside it");
        }
        let latest = e.latest.filter(|_| is_time)?;
        self.is_uncovered(latest, e.time_zone).then_some("the data ends inside it")
    }

    /// A newest time that is the bucket's own start tells nothing: data stamped by the bucket
    /// looks like this.
    fn is_uncovered(&self, latest: Timestamp, zone: &str) -> bool {
        if latest <= self.start || latest >= self.end {
            return false;
        }
        let covered = TimeZone::get(zone).ok().and_then(|z| buckets::covered_until(latest, &z));
        let left = self.end.duration_since(covered.unwrap_or(latest)).as_secs_f64();
        left > MOST_UNCOVERED * self.end.duration_since(self.start).as_secs_f64()
    }
}
