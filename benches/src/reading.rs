//! Reading a table of a database into Arrow batches, by the connectors alone.
//!
//! In: the kind of database as the argument, its DSN in `AIR_BENCH_DSN`, and requests with a
//! table, its columns and perhaps a file. Out: rows, bytes and seconds; with a file, the rows too,
//! for the script to compare with the peers'. Batches are dropped as they come: how much is held
//! at once is the connector's affair, and whether it reads the table in parts.

use crate::serve;
use air_connectors::{DatabaseOptions, MysqlSource, PostgresSource};
use air_engine::{Dialect, Divided, Remote, RemoteQuery, Sql, arrow_type};
use air_ir::DataType;
use air_ir::catalog::SourceKind;
use anyhow::{Context, Result, bail};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::arrow::ipc::writer::FileWriter;
use datafusion::common::ScalarValue;
use futures::StreamExt;
use futures::stream::select_all;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DSN: &str = "AIR_BENCH_DSN";

/// Long enough for the largest table on a slow machine.
const DEADLINE: Duration = Duration::from_secs(600);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    table: String,
    columns: Vec<(String, DataType)>,
    keep: Option<PathBuf>,
    /// Whether to read by one connection, whatever the size.
    #[serde(default)]
    whole: bool,
}

#[derive(Debug, Default, Serialize)]
struct Reply {
    rows: usize,
    bytes: usize,
    batches: usize,
    /// Parts of the table that were read at once.
    parts: usize,
    seconds: f64,
}

/// Answers requests until standard input ends.
pub(crate) fn run(kind: &str) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let source = open(kind)?;
    serve(|request: Request| runtime.block_on(read(source.as_ref(), &request)))
}

fn dsn() -> Result<SecretString> {
    Ok(SecretString::from(std::env::var(DSN).with_context(|| format!("{DSN} is not set"))?))
}

fn open(kind: &str) -> Result<Box<dyn Remote>> {
    let options = DatabaseOptions { statement_timeout: DEADLINE, ..DatabaseOptions::default() };
    Ok(match kind {
        "postgres" => Box::new(PostgresSource::open(kind, SourceKind::Postgres, &dsn()?, options)?),
        "mysql" => Box::new(MysqlSource::open(kind, &dsn()?, options)?),
        _ => bail!("there is no reader of {kind}: say postgres or mysql"),
    })
}

async fn read(source: &dyn Remote, request: &Request) -> Result<Reply> {
    let query = query(source.dialect(), request)?;
    let schema = Arc::clone(&query.schema);
    let mut file = match &request.keep {
        Some(path) => Some(FileWriter::try_new(File::create(path)?, &schema)?),
        None => None,
    };
    let mut reply = Reply::default();
    let started = Instant::now();
    let parts = source.parts(query, None).await?;
    reply.parts = parts.len();
    let mut rows = select_all(parts.into_iter().map(|part| part.rows));
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        reply.rows += batch.num_rows();
        reply.bytes += batch.get_array_memory_size();
        reply.batches += 1;
        if let Some(file) = &mut file {
            file.write(&batch)?;
        }
    }
    reply.seconds = started.elapsed().as_secs_f64();
    if let Some(file) = &mut file {
        file.finish()?;
    }
    Ok(reply)
}

/// The whole table: its names come from the script, which made it.
fn query(dialect: Dialect, request: &Request) -> Result<RemoteQuery> {
    let fields = request.columns.iter().map(|(name, data_type)| {
        let readable = arrow_type(*data_type).with_context(|| format!("{name} cannot be read"))?;
        Ok(Field::new(name, readable, true))
    });
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?));
    let names: Vec<&str> = request.columns.iter().map(|(name, _)| name.as_str()).collect();
    let text = format!("SELECT {} FROM {}", names.join(", "), request.table);
    let divided = if request.whole { None } else { divided(dialect, &request.table, &text) };
    let sql = Sql { dialect, text, params: Vec::new() };
    Ok(RemoteQuery { sql, schema, at_most: None, divided })
}

/// The same for a part of the table, as the engine's writer has it.
fn divided(dialect: Dialect, name: &str, text: &str) -> Option<Divided> {
    let (schema, table) = match dialect {
        Dialect::Postgres | Dialect::Timescaledb => name.split_once('.')?,
        Dialect::Mysql | Dialect::Datafusion => return None,
    };
    let text = text.replacen(" FROM ", " FROM ONLY ", 1)
        + " WHERE ctid >= CAST($1 AS tid) AND ctid < CAST($2 AS tid)";
    let params = ["(0,0)", "(4294967295,0)"].map(ScalarValue::from).to_vec();
    let sql = Sql { dialect, text, params };
    Some(Divided { schema: schema.to_owned(), table: table.to_owned(), sql })
}
