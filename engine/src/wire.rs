//! AIR's own functions and nodes on their way to another machine.
//!
//! In: a function or node of a physical plan. Out: the options that it holds in its type, as JSON,
//! and from them the same function again. Both ends are of one version of the program, so the form
//! is nobody's contract. What is not known here stays in this process: it is `None`, never a
//! function of the same name with other options. Deliberately absent: the plan's own form, and any
//! network.

use crate::functions::{
    Absent, Back, Between, Bucket, Buckets, Divide, Earlier, Ends, Extreme, Fold, FromClock,
    InZone, Moving, Offset, OnClock, Over, PartOf, Percentile, Quotient, Round, Rounding, Whole,
    ZoneSpec,
};
use crate::run::{Apart, Unordered};
use air_ir::{Grain, Part, PercentileMethod, Unit, Weekday};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::physical_plan::ExecutionPlan;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
enum Scalar {
    Apart { name: String },
    Between { seconds: u32 },
    Bucket(BucketOptions),
    Divide,
    Fold { letters: Vec<(char, char)> },
    FromClock { zone: String },
    InZone { zone: String },
    OnClock { zone: String },
    PartOf { part: Part, zone: String },
    Quotient,
    Round { rounding: Rounding },
    Whole { bits: u8 },
}

#[derive(Serialize, Deserialize)]
enum Aggregate {
    Extreme {
        largest: bool,
    },
    Percentile {
        rank_bits: u64,
        discrete: bool,
    },
    /// One of the engine's own, by its name.
    Named(String),
}

#[derive(Serialize, Deserialize)]
enum Window {
    Absent { buckets: BucketsOptions, ends: Ends },
    Earlier { buckets: BucketsOptions, offset: Option<(u32, Unit)> },
    Moving { buckets: BucketsOptions, back: Back, over: Frame, result: String, name: String },
}

#[derive(Serialize, Deserialize)]
enum Frame {
    End { first: bool },
    Aggregate { function: Aggregate, distinct: bool },
}

#[derive(Serialize, Deserialize)]
struct BucketOptions {
    grain: (u32, Unit),
    zone: String,
    week_start: Weekday,
    year_start: u8,
}

#[derive(Serialize, Deserialize)]
struct BucketsOptions {
    bucket: BucketOptions,
    dates: bool,
}

/// The options of a scalar function of AIR's; `None` where it is none, or never runs.
pub fn scalar(function: &ScalarUDF) -> Option<Vec<u8>> {
    let inner = function.inner();
    let name = |zone: &ZoneSpec| zone.name.to_string();
    let form = if let Some(f) = inner.downcast_ref::<Apart>() {
        Scalar::Apart { name: f.name.clone() }
    } else if let Some(f) = inner.downcast_ref::<Between>() {
        Scalar::Between { seconds: f.seconds }
    } else if let Some(f) = inner.downcast_ref::<Bucket>() {
        Scalar::Bucket(BucketOptions::of(f))
    } else if inner.is::<Divide>() {
        Scalar::Divide
    } else if let Some(f) = inner.downcast_ref::<Fold>() {
        Scalar::Fold { letters: f.letters.clone() }
    } else if let Some(f) = inner.downcast_ref::<FromClock>() {
        Scalar::FromClock { zone: name(&f.zone) }
    } else if let Some(f) = inner.downcast_ref::<InZone>() {
        Scalar::InZone { zone: name(&f.zone) }
    } else if let Some(f) = inner.downcast_ref::<OnClock>() {
        Scalar::OnClock { zone: name(&f.zone) }
    } else if let Some(f) = inner.downcast_ref::<PartOf>() {
        Scalar::PartOf { part: f.part, zone: name(&f.zone) }
    } else if inner.is::<Quotient>() {
        Scalar::Quotient
    } else if let Some(f) = inner.downcast_ref::<Round>() {
        Scalar::Round { rounding: f.rounding }
    } else if let Some(f) = inner.downcast_ref::<Whole>() {
        Scalar::Whole { bits: f.bits() }
    } else {
        return None;
    };
    serde_json::to_vec(&form).ok()
}

/// The function of these options.
///
/// # Errors
/// Where they are of another version of the program.
pub fn read_scalar(form: &[u8]) -> Result<ScalarUDF> {
    Ok(match read(form)? {
        Scalar::Apart { name } => Apart::named(name).into(),
        Scalar::Between { seconds } => Between::new(seconds).into(),
        Scalar::Bucket(options) => options.bucket()?.into(),
        Scalar::Divide => Divide::new().into(),
        Scalar::Fold { letters } => Fold::of(letters).into(),
        Scalar::FromClock { zone: name } => FromClock::new(zone(&name)?).into(),
        Scalar::InZone { zone: name } => InZone::new(zone(&name)?).into(),
        Scalar::OnClock { zone: name } => OnClock::new(zone(&name)?).into(),
        Scalar::PartOf { part, zone: name } => PartOf::new(part, zone(&name)?).into(),
        Scalar::Quotient => Quotient::new().into(),
        Scalar::Round { rounding } => Round::new(rounding).into(),
        Scalar::Whole { bits } => Whole::of_bits(bits).into(),
    })
}

/// The same of an aggregate.
pub fn aggregate(function: &AggregateUDF) -> Option<Vec<u8>> {
    match Aggregate::of(function)? {
        // The engine's own are known by their names at the other end.
        Aggregate::Named(_) => None,
        form => serde_json::to_vec(&form).ok(),
    }
}

/// The aggregate of these options.
///
/// # Errors
/// As of [`read_scalar`].
pub fn read_aggregate(form: &[u8]) -> Result<Arc<AggregateUDF>> {
    read::<Aggregate>(form)?.function()
}

/// The same of a function over the rows of a group.
pub fn window(function: &WindowUDF) -> Option<Vec<u8>> {
    let inner = function.inner();
    let form = if let Some(f) = inner.downcast_ref::<Absent>() {
        Window::Absent { buckets: BucketsOptions::of(&f.buckets), ends: f.ends }
    } else if let Some(f) = inner.downcast_ref::<Earlier>() {
        let offset = match f.offset {
            Offset::Previous => None,
            Offset::Span(grain) => Some((grain.n, grain.unit)),
        };
        Window::Earlier { buckets: BucketsOptions::of(&f.buckets), offset }
    } else if let Some(f) = inner.downcast_ref::<Moving>() {
        let over = match &f.over {
            Over::End { first } => Frame::End { first: *first },
            Over::Aggregate { function, distinct } => {
                Frame::Aggregate { function: Aggregate::of(function)?, distinct: *distinct }
            }
        };
        let result = f.result.to_string();
        if result.parse::<DataType>().ok().as_ref() != Some(&f.result) {
            return None;
        }
        let (buckets, name) = (BucketsOptions::of(&f.buckets), f.name.clone());
        Window::Moving { buckets, back: f.back, over, result, name }
    } else {
        return None;
    };
    serde_json::to_vec(&form).ok()
}

/// The function of these options.
///
/// # Errors
/// As of [`read_scalar`].
pub fn read_window(form: &[u8]) -> Result<WindowUDF> {
    Ok(match read(form)? {
        Window::Absent { buckets, ends } => Absent::new(buckets.buckets()?, ends).into(),
        Window::Earlier { buckets, offset } => {
            let span = |(n, unit)| Offset::Span(Grain { n, unit });
            Earlier::new(buckets.buckets()?, offset.map_or(Offset::Previous, span)).into()
        }
        Window::Moving { buckets, back, over, result, name } => {
            let over = match over {
                Frame::End { first } => Over::End { first },
                Frame::Aggregate { function, distinct } => {
                    Over::Aggregate { function: function.function()?, distinct }
                }
            };
            let result = result.parse().map_err(DataFusionError::from)?;
            Moving::named(buckets.buckets()?, back, over, result, name).into()
        }
    })
}

/// Whether a node is the one that [`unordered`] makes.
pub fn is_unordered(node: &dyn ExecutionPlan) -> bool {
    node.is::<Unordered>()
}

/// Rows of whose order nothing is promised.
pub fn unordered(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(Unordered::new(input))
}

impl Aggregate {
    fn of(function: &AggregateUDF) -> Option<Self> {
        let inner = function.inner();
        if let Some(f) = inner.downcast_ref::<Extreme>() {
            return Some(Self::Extreme { largest: f.largest });
        }
        if let Some(f) = inner.downcast_ref::<Percentile>() {
            let (rank_bits, discrete) = (f.rank().to_bits(), f.discrete);
            return Some(Self::Percentile { rank_bits, discrete });
        }
        own(function.name()).map(|own| Self::Named(own.name().to_owned()))
    }

    fn function(self) -> Result<Arc<AggregateUDF>> {
        Ok(Arc::new(match self {
            Self::Extreme { largest } => AggregateUDF::new_from_impl(Extreme::new(largest)),
            Self::Percentile { rank_bits, discrete } => {
                let method = if discrete { PercentileMethod::Disc } else { PercentileMethod::Cont };
                let rank = f64::from_bits(rank_bits);
                AggregateUDF::new_from_impl(Percentile::new(rank, method))
            }
            Self::Named(name) => return own(&name).ok_or_else(|| unknown(&name)),
        }))
    }
}

/// An aggregate of the engine's own.
fn own(name: &str) -> Option<Arc<AggregateUDF>> {
    all_default_aggregate_functions().into_iter().find(|function| function.name() == name)
}

impl BucketOptions {
    fn of(bucket: &Bucket) -> Self {
        Self {
            grain: (bucket.grain.n, bucket.grain.unit),
            zone: bucket.zone.name.to_string(),
            week_start: bucket.week_start,
            year_start: bucket.year_start,
        }
    }

    fn bucket(self) -> Result<Bucket> {
        let (n, unit) = self.grain;
        let zone = zone(&self.zone)?;
        Ok(Bucket::new(Grain { n, unit }, zone, self.week_start, self.year_start))
    }
}

impl BucketsOptions {
    fn of(buckets: &Buckets) -> Self {
        Self { bucket: BucketOptions::of(&buckets.bucket), dates: buckets.dates }
    }

    fn buckets(self) -> Result<Buckets> {
        Ok(Buckets::new(self.bucket.bucket()?, self.dates))
    }
}

fn zone(name: &str) -> Result<ZoneSpec> {
    ZoneSpec::get(name).map_err(|e| DataFusionError::External(Box::new(e)))
}

fn read<'f, T: Deserialize<'f>>(form: &'f [u8]) -> Result<T> {
    serde_json::from_slice(form).map_err(|_| unknown("a function"))
}

fn unknown(what: &str) -> DataFusionError {
    DataFusionError::Plan(format!("{what} is not known here; run one version of air everywhere"))
}

#[cfg(test)]
mod tests;
