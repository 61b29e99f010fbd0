//! Plans SQL texts against a catalog, shows what each engine is sent, and runs them on a folder
//! of Parquet files, `<table>.parquet` each.
//!
//! `cargo run -p air-engine --example plan_sql -- catalog.json folder query.sql…` prints one line
//! of JSON a query, for scripts that compare engines.

use air_engine::{
    Dialect, PlanOptions, Policy, Prepared, RunLimits, Runtime, Sources, guard, plan_sql, run,
};
use air_ir::Catalog;
use air_ir::catalog::SourceKind;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::TableProvider;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Arc;

type Anything<T> = Result<T, Box<dyn Error>>;

#[expect(clippy::print_stdout, reason = "a command line")]
fn main() -> Anything<()> {
    let mut args = std::env::args().skip(1);
    let (Some(catalog), Some(folder)) = (args.next(), args.next()) else {
        return Err("usage: plan_sql CATALOG FOLDER QUERY…".into());
    };
    let catalog: Catalog = serde_json::from_str(&std::fs::read_to_string(catalog)?)?;
    let threads = tokio::runtime::Runtime::new()?;
    let sources = threads.block_on(sources(&catalog, &folder))?;
    // The same tables as a source of files, for the run.
    let files = Catalog { kind: SourceKind::Files, ..catalog.clone() };
    let prepared = [catalog, files].map(|c| Prepared::new(Arc::new(c)));
    for query in args {
        let text = std::fs::read_to_string(&query)?;
        let shown = threads.block_on(one(&text, &prepared, &sources));
        let shown = shown.unwrap_or_else(|e| json!({"error": e.to_string()}));
        println!("{}", json!({"query": query, "shown": shown}));
    }
    Ok(())
}

/// The files of a folder as tables.
async fn sources(catalog: &Catalog, folder: &str) -> Anything<Sources> {
    let context = SessionContext::new();
    let mut sources = Sources::default();
    for table in &catalog.tables {
        let path = format!("{folder}/{}.parquet", table.name);
        context.register_parquet(&table.name, &path, ParquetReadOptions::default()).await?;
        let provider: Arc<dyn TableProvider> = context.table_provider(table.name.as_str()).await?;
        sources.tables.insert((catalog.source.clone(), table.qualified_name()), provider);
    }
    Ok(sources)
}

async fn one(text: &str, prepared: &[Prepared; 2], sources: &Sources) -> Anything<Value> {
    let options = PlanOptions {
        now: "2024-03-15T12:34:56Z".parse()?,
        default_limit: 100_000,
        max_limit: 100_000,
    };
    let policy = || Policy { time_filter: air_engine::TimeFilter::Off, ..Policy::default() };
    let [database, files] = prepared;
    let guarded = guard(plan_sql(text, database, &options)?, &policy())?;
    let mut sent = serde_json::Map::new();
    for dialect in Dialect::ALL {
        let shown = match guarded.sql(dialect) {
            Ok(sql) => json!({
                "text": sql.text,
                "params": sql.params.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }),
            Err(error) => json!({"unsupported": error.to_string()}),
        };
        sent.insert(dialect.as_str().to_owned(), shown);
    }
    let limits = RunLimits {
        memory_bytes: 1 << 30,
        spill_dir: std::env::temp_dir().join("air-plan-sql"),
        spill_bytes: 1 << 30,
        partitions: 2,
    };
    let local = guard(plan_sql(text, files, &options)?, &policy())?.execution()?;
    let answer = run(&local, sources, &Runtime::new(&limits)?).await?;
    let format = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for i in 0..answer.rows.num_rows() {
        let mut row = Vec::new();
        for column in answer.rows.columns() {
            row.push(ArrayFormatter::try_new(column, &format)?.value(i).to_string());
        }
        rows.push(row);
    }
    Ok(json!({"sql": sent, "rows": rows}))
}
