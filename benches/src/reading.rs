//! Reading a table of a database into Arrow batches, by the connectors alone.
//!
//! In: the kind of database as the argument, its DSN in `AIR_BENCH_DSN`, and requests with a
//! table, its columns and perhaps a file. Out: rows, bytes and seconds; with a file, the rows too,
//! for the script to compare with the peers'. Batches are dropped as they come: how much is held
//! at once is the connector's affair.

use crate::serve;
use air_connectors::{DatabaseOptions, MysqlSource, PostgresSource};
use air_engine::{Dialect, Remote, RemoteQuery, Sql, arrow_type};
use air_ir::DataType;
use air_ir::catalog::SourceKind;
use anyhow::{Context, Result, bail};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::arrow::ipc::writer::FileWriter;
use futures::StreamExt;
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
}

#[derive(Debug, Default, Serialize)]
struct Reply {
    rows: usize,
    bytes: usize,
    batches: usize,
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
    let mut rows = source.rows(query).await?;
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
    Ok(RemoteQuery { sql: Sql { dialect, text, params: Vec::new() }, schema, at_most: None })
}
