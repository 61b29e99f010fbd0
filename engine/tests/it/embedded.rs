//! A database for tests: it runs the SQL of the `datafusion` dialect in a session of its own, over
//! tables in memory, and remembers what it was asked. The functions that AIR names in that SQL
//! are written again here, for UTC, so that an answer from here and one of the engine agree only
//! where the text says what the plan says.

use air_engine::{Dialect, Remote, RemoteQuery, Sql};
use async_trait::async_trait;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, StringViewArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Float64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{DataFusionError, ParamValues, Result, ScalarValue};
use datafusion::execution::context::{SessionConfig, SessionContext};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Tables of a source by schema (if there is one) and name.
pub(crate) type Tables = HashMap<(Option<String>, String), Arc<dyn TableProvider>>;

pub(crate) struct Embedded {
    source: String,
    session: SessionContext,
    /// Every query, in the order they came.
    pub(crate) asked: Mutex<Vec<Sql>>,
    /// Rows given so far.
    pub(crate) given: AtomicUsize,
    /// Queries that the stock SQL planner could not read.
    pub(crate) misread: AtomicUsize,
    /// Streams that were started and not dropped.
    pub(crate) open: Arc<AtomicUsize>,
    /// What it answers instead of rows.
    pub(crate) fails: Option<&'static str>,
    /// Gives its first batch and then waits for ever.
    pub(crate) hangs: bool,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Embedded {
    pub(crate) fn new(source: &str, tables: &Tables) -> Self {
        let mut config = SessionConfig::new().with_target_partitions(1);
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let session = SessionContext::new_with_config(config);
        let catalog = session.catalog("datafusion").unwrap();
        for ((schema, name), table) in tables {
            let schema = schema.as_deref().unwrap_or("public");
            if catalog.schema(schema).is_none() {
                catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new())).unwrap();
            }
            let schema = catalog.schema(schema).unwrap();
            schema.register_table(name.clone(), Arc::clone(table)).unwrap();
        }
        for name in ["air_divide", "air_fold", "air_round", "air_floor", "air_ceil"] {
            session.register_udf(ScalarUDF::new_from_impl(Written::new(name)));
        }
        for name in ["air_between", "air_in_zone", "air_bucket", "air_part", "air_any"] {
            session.register_udf(ScalarUDF::new_from_impl(Written::new(name)));
        }
        Self {
            source: source.to_owned(),
            session,
            asked: Mutex::default(),
            given: AtomicUsize::new(0),
            misread: AtomicUsize::new(0),
            open: Arc::default(),
            fails: None,
            hangs: false,
        }
    }

    async fn batches(&self, query: &RemoteQuery) -> Result<Vec<RecordBatch>> {
        let values = query.sql.params.iter().map(|v| ScalarAndMetadata::from(v.clone())).collect();
        // The stock SQL planner takes an output for the column of the same name below it.
        let frame = self.session.sql(&query.sql.text).await.inspect_err(|_| {
            self.misread.fetch_add(1, Ordering::SeqCst);
        })?;
        let frame = frame.with_param_values(ParamValues::List(values))?;
        let mut batches = Vec::new();
        for batch in frame.collect().await? {
            assert_eq!(batch.num_columns(), query.schema.fields().len(), "{}", query.sql.text);
            let columns = batch.columns().iter().zip(query.schema.fields());
            let columns: Vec<ArrayRef> =
                columns.map(|(c, f)| cast(c, f.data_type())).collect::<Result<_, _>>()?;
            batches.push(RecordBatch::try_new(Arc::clone(&query.schema), columns)?);
        }
        Ok(batches)
    }
}

/// Counts a stream for as long as it lives.
pub(crate) struct Open(Arc<AtomicUsize>);

impl Open {
    pub(crate) fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(open))
    }

    /// Keeps the count within the stream that calls this.
    pub(crate) fn is_held(&self) {
        assert!(self.0.load(Ordering::SeqCst) > 0);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Remote for Embedded {
    fn source(&self) -> &str {
        &self.source
    }

    fn dialect(&self) -> Dialect {
        Dialect::Datafusion
    }

    async fn rows(&self, query: RemoteQuery) -> Result<SendableRecordBatchStream> {
        self.asked.lock().unwrap().push(query.sql.clone());
        if let Some(message) = self.fails {
            return Err(DataFusionError::External(message.into()));
        }
        let batches = self
            .batches(&query)
            .await
            .map_err(|e| DataFusionError::External(format!("{e}\n{}", query.sql.text).into()))?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if let Some(most) = query.at_most {
            assert!(rows as u64 <= most, "{rows} rows of at most {most}: {}", query.sql.text);
        }
        self.given.fetch_add(rows, Ordering::SeqCst);
        let open = Open::new(&self.open);
        let stream = futures::stream::iter(batches.into_iter().map(Ok));
        let stream = match self.hangs {
            true => stream.chain(futures::stream::pending()).boxed(),
            false => stream.boxed(),
        };
        let stream = stream.inspect(move |_| open.is_held());
        Ok(Box::pin(RecordBatchStreamAdapter::new(query.schema, stream)))
    }
}

/// One of AIR's functions as the text calls it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Written {
    name: &'static str,
    signature: Signature,
}

impl Written {
    fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Written {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match self.name {
            "air_divide" | "air_between" => DataType::Float64,
            "air_fold" => DataType::Utf8View,
            "air_in_zone" => instant(),
            "air_part" => DataType::Int64,
            "air_any" => DataType::Boolean,
            _ => types[0].clone(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let options: Vec<ScalarValue> = args.args[1..]
            .iter()
            .filter_map(|a| match a {
                ColumnarValue::Scalar(s) => Some(s.clone()),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let first = &arrays[0];
        Ok(ColumnarValue::Array(match self.name {
            "air_divide" => divided(first, &arrays[1]),
            "air_fold" => folded(first),
            "air_round" | "air_floor" | "air_ceil" => rounded(self.name, first, &options)?,
            "air_between" => between(first, &arrays[1], &options),
            "air_in_zone" => cast(first, &instant())?,
            "air_part" => part(first, &text(&options[0])),
            "air_any" => any(first, &options[0])?,
            _ => bucketed(first, &text(&options[0])),
        }))
    }
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn text(value: &ScalarValue) -> String {
    value.try_as_str().flatten().unwrap().to_owned()
}

fn doubles(array: &ArrayRef) -> Float64Array {
    cast(array, &DataType::Float64).unwrap().as_primitive::<Float64Type>().clone()
}

fn divided(a: &ArrayRef, b: &ArrayRef) -> ArrayRef {
    let (a, b) = (doubles(a), doubles(b));
    let of = |(a, b): (Option<f64>, Option<f64>)| Some(a? / b.filter(|b| *b != 0.0)?);
    Arc::new(a.iter().zip(b.iter()).map(of).collect::<Float64Array>())
}

fn folded(array: &ArrayRef) -> ArrayRef {
    let views = cast(array, &DataType::Utf8View).unwrap();
    let lower = |t: Option<&str>| t.map(str::to_lowercase);
    Arc::new(views.as_string_view().iter().map(lower).collect::<StringViewArray>())
}

fn rounded(name: &str, array: &ArrayRef, options: &[ScalarValue]) -> Result<ArrayRef> {
    let digits = match options.first() {
        Some(ScalarValue::Int64(Some(n))) => i32::try_from(*n).unwrap(),
        _ => 0,
    };
    let step = 10_f64.powi(digits);
    let of = |x: f64| match name {
        "air_floor" => x.floor(),
        "air_ceil" => x.ceil(),
        _ => (x * step).round() / step,
    };
    let done: ArrayRef =
        Arc::new(doubles(array).iter().map(|x| x.map(of)).collect::<Float64Array>());
    Ok(cast(&done, array.data_type())?)
}

/// Seconds since 1970, dates at their midnight.
fn seconds(array: &ArrayRef) -> Vec<Option<i64>> {
    match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            days.iter().map(|d| d.map(|d| i64::from(d) * 86_400)).collect()
        }
        _ => {
            let micros = cast(array, &instant()).unwrap();
            let micros = micros.as_primitive::<TimestampMicrosecondType>().clone();
            micros.iter().map(|m| m.map(|m| m.div_euclid(1_000_000))).collect()
        }
    }
}

fn between(later: &ArrayRef, earlier: &ArrayRef, options: &[ScalarValue]) -> ArrayRef {
    let unit = match options.last() {
        Some(ScalarValue::Int64(Some(n))) => *n as f64,
        other => panic!("{other:?} is no unit"),
    };
    let of = |(a, b): (Option<i64>, Option<i64>)| Some((a? - b?) as f64 / unit);
    let pairs = seconds(later).into_iter().zip(seconds(earlier));
    Arc::new(pairs.map(of).collect::<Float64Array>())
}

fn date_of(seconds: i64) -> Date {
    Timestamp::from_second(seconds).unwrap().to_zoned_datetime(TimeZone::UTC).date()
}

fn part(array: &ArrayRef, part: &str) -> ArrayRef {
    let of = |s: i64| {
        let date = date_of(s);
        i64::from(match part {
            "hour" => return s.rem_euclid(86_400) / 3_600,
            "weekday" => date.weekday().to_monday_one_offset(),
            "week" => date.iso_week_date().week(),
            "year" => return i64::from(date.year()),
            "month" => date.month(),
            other => panic!("no part {other}"),
        })
    };
    Arc::new(seconds(array).into_iter().map(|s| s.map(of)).collect::<Int64Array>())
}

fn bucketed(array: &ArrayRef, grain: &str) -> ArrayRef {
    let (n, unit) = grain.split_once(' ').unwrap();
    let n: i64 = n.parse().unwrap();
    let day = |date: Date| date.to_zoned_datetime(TimeZone::UTC).unwrap().timestamp().as_second();
    let start = |s: i64| match unit.trim_end_matches('s') {
        "minute" | "hour" => {
            let width = if unit.starts_with('m') { 60 * n } else { 3_600 * n };
            let midnight = s.div_euclid(86_400) * 86_400;
            midnight + (s - midnight) / width * width
        }
        "day" | "week" => {
            // Both count from 2000-01-03, a Monday.
            let width = if unit.starts_with('d') { n } else { 7 * n };
            let days = s.div_euclid(86_400) - 10_959;
            (days.div_euclid(width) * width + 10_959) * 86_400
        }
        _ => {
            let date = date_of(s);
            let width = match unit.trim_end_matches('s') {
                "month" => n,
                "quarter" => 3 * n,
                _ => 12 * n,
            };
            let months = (i64::from(date.year()) - 2_000) * 12 + i64::from(date.month()) - 1;
            let months = months.div_euclid(width) * width;
            day(jiff::civil::date(2000, 1, 1) + months.months())
        }
    };
    let starts = seconds(array).into_iter().map(|s| s.map(start));
    match array.data_type() {
        DataType::Date32 => {
            let days = |s: i64| i32::try_from(s / 86_400).unwrap();
            Arc::new(starts.map(|s| s.map(days)).collect::<Date32Array>())
        }
        other => {
            let micros = starts.map(|s| s.map(|s| s * 1_000_000));
            let array: TimestampMicrosecondArray = micros.collect();
            let array: ArrayRef = Arc::new(array.with_timezone("UTC"));
            cast(&array, other).unwrap()
        }
    }
}

fn any(array: &ArrayRef, keys: &ScalarValue) -> Result<ArrayRef> {
    let ScalarValue::List(list) = keys else { panic!("{keys:?} is no list of keys") };
    let keys = cast(&list.value(0), array.data_type())?;
    let keys: Vec<ScalarValue> =
        (0..keys.len()).map(|i| ScalarValue::try_from_array(&keys, i)).collect::<Result<_>>()?;
    let of = |i: usize| -> Result<Option<bool>> {
        let value = ScalarValue::try_from_array(array, i)?;
        Ok((!value.is_null()).then(|| keys.contains(&value)))
    };
    let found = (0..array.len()).map(of).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(datafusion::arrow::array::BooleanArray::from(found)))
}
