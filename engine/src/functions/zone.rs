//! Time zones of functions, and timestamps without zone made instants.

use super::{outside, wrong_arguments};
use crate::types::{UTC, instant};
use datafusion::arrow::array::{Array, ArrayRef, PrimitiveArray};
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType as Micros};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// A zone by name; equal where the names are.
#[derive(Debug, Clone)]
pub(crate) struct ZoneSpec {
    pub(crate) name: Arc<str>,
    pub(crate) zone: TimeZone,
}

impl ZoneSpec {
    /// The zone of an IANA name.
    pub(crate) fn get(name: &str) -> Result<Self, jiff::Error> {
        Ok(Self { name: name.into(), zone: TimeZone::get(name)? })
    }

    pub(crate) fn is_utc(&self) -> bool {
        &*self.name == UTC
    }

    /// Whether Postgres takes the name after `AT TIME ZONE` for an abbreviation, which knows no
    /// summer, while it is a zone with one.
    pub(crate) fn is_abbreviation(&self) -> bool {
        ["CET", "EET", "MET", "WET"].iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }

    /// The first instant that a local time of this zone can mean: the earlier of two, and the
    /// end of the gap for one that is skipped.
    pub(crate) fn instant_of(&self, local: DateTime) -> Result<Timestamp, jiff::Error> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Gap { before, .. } => {
                // The clock jumps at the transition: the first instant not before `local`.
                let wanted = before.to_timestamp(local)?;
                let after = self.zone.to_offset(wanted);
                let jump = local.to_string();
                debug_assert!(after != before, "{jump} is in no gap");
                self.transition_before(wanted)
            }
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local),
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local),
        }
    }

    /// What this zone's clock has shown twice. Looked up once a zone: its history is long.
    pub(crate) fn repeats(&self) -> Arc<Repeats> {
        static KNOWN: LazyLock<RwLock<HashMap<Arc<str>, Arc<Repeats>>>> =
            LazyLock::new(RwLock::default);
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(repeats) = known.get(&self.name) {
            return Arc::clone(repeats);
        }
        drop(known);
        let repeats = Arc::new(Repeats::of(self.folds()));
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(Arc::clone(&self.name), Arc::clone(&repeats));
        repeats
    }

    /// The local times at which the clock was set back, and by how many seconds, until 2100.
    fn folds(&self) -> impl Iterator<Item = (DateTime, i32)> {
        let until = Timestamp::from_second(4_102_444_800).unwrap_or(Timestamp::MAX);
        let mut before = self.zone.to_offset(Timestamp::MIN);
        let transitions = self.zone.following(Timestamp::MIN);
        transitions.take_while(move |t| t.timestamp() < until).filter_map(move |t| {
            let back = before.seconds() - t.offset().seconds();
            before = t.offset();
            (back > 0).then(|| (t.offset().to_datetime(t.timestamp()), back))
        })
    }

    fn transition_before(&self, at: Timestamp) -> Result<Timestamp, jiff::Error> {
        let next = at.checked_add(jiff::Span::new().nanoseconds(1))?;
        Ok(self.zone.preceding(next).next().map_or(at, |t| t.timestamp()))
    }
}

/// What a zone's clock has shown twice.
#[derive(Debug)]
pub(crate) struct Repeats {
    /// How many seconds were shown twice at a time, the most first.
    pub(crate) seconds: Vec<i32>,
    /// Whether a day has ever started twice.
    pub(crate) midnight: bool,
}

impl Repeats {
    fn of(folds: impl Iterator<Item = (DateTime, i32)>) -> Self {
        let (mut all, mut midnight) = (Vec::new(), false);
        for (from, seconds) in folds {
            let start = from.time().duration_since(jiff::civil::Time::midnight()).as_secs();
            midnight |= start == 0 || start + i64::from(seconds) > 86_400;
            all.push(seconds);
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        Self { seconds: all, midnight }
    }
}

impl PartialEq for ZoneSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ZoneSpec {}

impl Hash for ZoneSpec {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// Offsets of one zone, remembered for the span in which they hold: rows mostly come in order.
pub(crate) struct Offsets<'z> {
    zone: &'z TimeZone,
    from: i64,
    until: i64,
    offset_micros: i64,
}

impl<'z> Offsets<'z> {
    pub(crate) fn new(zone: &'z ZoneSpec) -> Self {
        Self { zone: &zone.zone, from: i64::MAX, until: i64::MIN, offset_micros: 0 }
    }

    /// Microseconds to add to an instant to get the local clock.
    pub(crate) fn at(&mut self, micros: i64) -> Result<i64> {
        if micros < self.from || micros >= self.until {
            let at = Timestamp::from_microsecond(micros).map_err(outside)?;
            self.offset_micros = offset_micros(self.zone.to_offset(at));
            let before = self.zone.preceding(at).next().map(|t| t.timestamp().as_microsecond());
            let after = self.zone.following(at).next().map(|t| t.timestamp().as_microsecond());
            // `preceding` is strict: an instant exactly at a transition starts a span itself.
            self.from = before.unwrap_or(i64::MIN);
            self.until = after.unwrap_or(i64::MAX);
            if before.is_some_and(|b| self.zone.to_offset(micro(b)) != self.zone.to_offset(at)) {
                self.from = micros;
            }
        }
        Ok(self.offset_micros)
    }
}

fn micro(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn offset_micros(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1_000_000
}

/// A local date and time as microseconds since 1970 on the same clock, and back.
pub(crate) fn local_of(micros: i64) -> Result<DateTime> {
    let at = Timestamp::from_microsecond(micros).map_err(outside)?;
    Ok(Offset::UTC.to_datetime(at))
}

pub(crate) fn micros_of(local: DateTime) -> Result<i64> {
    Ok(Offset::UTC.to_timestamp(local).map_err(outside)?.as_microsecond())
}

/// The timestamps of an argument, or an internal error.
pub(crate) fn timestamps(array: &ArrayRef) -> Result<&PrimitiveArray<Micros>> {
    match array.as_any().downcast_ref() {
        Some(array) => Ok(array),
        None => wrong_arguments("a function of time"),
    }
}

/// A timestamp without zone, read in a zone, as an instant.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct InZone {
    pub(crate) zone: ZoneSpec,
    signature: Signature,
}

impl InZone {
    pub(crate) fn new(zone: ZoneSpec) -> Self {
        let local = DataType::Timestamp(TimeUnit::Microsecond, None);
        Self { zone, signature: Signature::exact(vec![local], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for InZone {
    fn name(&self) -> &'static str {
        "air_in_zone"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[datafusion::logical_expr::Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(format!("air_in_zone[{}]({})", self.zone.name, args.join(", ")))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(instant(UTC))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = &arrays[..] else { return wrong_arguments(self.name()) };
        let locals = timestamps(array)?;
        let instants: PrimitiveArray<Micros> = match self.zone.is_utc() {
            true => locals.clone(),
            false => locals.try_unary(|local| {
                let at = self.zone.instant_of(local_of(local)?).map_err(outside)?;
                Ok::<_, DataFusionError>(at.as_microsecond())
            })?,
        };
        Ok(ColumnarValue::Array(Arc::new(instants.with_timezone(UTC))))
    }
}
