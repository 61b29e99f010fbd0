//! How files are read, on the way to another machine.
//!
//! In: a text source of a scan, or the function that makes instants of clock readings. Out: its
//! options as JSON, and from them the same again. Both ends are of one version of the program.
//! Deliberately absent: which files are read, which is the scan's, and Parquet, which the engine
//! sends itself.

use super::clock::ClockToInstant;
use super::convert::TextColumn;
use super::source::{TextForm, TextSource};
use air_ir::DataType;
use air_ir::catalog::FileFormat;
use datafusion::datasource::physical_plan::FileSource;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct Text {
    format: FileFormat,
    delimiter: char,
    /// Name, type, and whether it may be null.
    columns: Vec<(String, DataType, bool)>,
    zone: String,
    splits: bool,
}

/// How a scan reads text; `None` where it reads something else, or its zone has no name.
pub fn text(source: &dyn FileSource) -> Option<Vec<u8>> {
    let form = &source.downcast_ref::<TextSource>()?.form;
    let column = |c: &TextColumn| (c.name.clone(), c.data_type, c.nullable);
    let text = Text {
        format: form.format,
        delimiter: form.delimiter,
        columns: form.columns.iter().map(column).collect(),
        zone: form.zone.iana_name()?.to_owned(),
        splits: form.splits,
    };
    serde_json::to_vec(&text).ok()
}

/// The source of these options, over columns of the scan.
///
/// # Errors
/// Where they are of another version of the program.
pub fn read_text(form: &[u8], schema: TableSchema) -> Result<Arc<dyn FileSource>> {
    let text: Text = serde_json::from_slice(form).map_err(external)?;
    let column = |(name, data_type, nullable)| TextColumn { name, data_type, nullable };
    let form = TextForm {
        format: text.format,
        delimiter: text.delimiter,
        columns: text.columns.into_iter().map(column).collect(),
        zone: TimeZone::get(&text.zone).map_err(external)?,
        splits: text.splits,
    };
    Ok(Arc::new(TextSource::new(form, schema)))
}

/// The zone of the function that makes instants of clock readings; `None` of any other.
pub fn clock(function: &ScalarUDF) -> Option<Vec<u8>> {
    let clock = function.inner().downcast_ref::<ClockToInstant>()?;
    Some(clock.zone.iana_name()?.as_bytes().to_vec())
}

/// The function of this zone.
///
/// # Errors
/// Where there is no such zone here.
pub fn read_clock(zone: &[u8]) -> Result<ScalarUDF> {
    let name = std::str::from_utf8(zone).map_err(external)?;
    Ok(ClockToInstant::new(TimeZone::get(name).map_err(external)?).into())
}

fn external<E: std::error::Error + Send + Sync + 'static>(error: E) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
