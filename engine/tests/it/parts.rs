//! Queries that a source may read in parts of their table: which have such a form, and that rows
//! and record are right where one reads them so.

use crate::embedded::Open;
use crate::plans::{options, prepared};
use crate::shop;
use crate::split::{agree, as_files, engine, execution, file_tables, shown};
use air_engine::{
    Dialect, Divided, Execution, Policy, Remote, RemotePart, RemoteQuery, RunError, RunOptions,
    Sources, guard, plan, run,
};
use air_ir::Ir;
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

const ENDS: [&str; 2] = ["(0,0)", "(4294967295,0)"];

/// A database of one table, which is read in halves where the query allows it.
#[derive(Debug)]
struct Halves {
    table: RecordBatch,
    /// Whether the second half fails, and the first never ends.
    broken: bool,
    open: Arc<AtomicUsize>,
    /// What was asked, with the free places for connections that were told.
    asked: Mutex<Vec<(RemoteQuery, Option<usize>)>>,
}

impl Halves {
    async fn new(broken: bool) -> Arc<Self> {
        let (_, rows) = shop::tables().into_iter().find(|(t, _)| t.name == "orders").unwrap();
        let frame = SessionContext::new().read_table(rows).unwrap();
        let schema = Arc::clone(frame.schema().inner());
        let table = concat_batches(&schema, &frame.collect().await.unwrap()).unwrap();
        Arc::new(Self { table, broken, open: Arc::default(), asked: Mutex::default() })
    }

    /// The columns that a query's text names, filters or not.
    fn columns(&self, query: &RemoteQuery) -> RecordBatch {
        let columns = query.schema.fields().iter().map(|field| {
            let alias = format!(" AS \"{}\"", field.name());
            let (before, _) = query.sql.text.split_once(&alias).unwrap();
            let name = before.rsplit('"').nth(1).unwrap();
            let column = self.table.column_by_name(name).unwrap();
            cast(column, field.data_type()).unwrap()
        });
        RecordBatch::try_new(Arc::clone(&query.schema), columns.collect()).unwrap()
    }

    fn stream(&self, rows: RecordBatch, ends: bool) -> SendableRecordBatchStream {
        let open = Open::new(&self.open);
        let schema = rows.schema();
        let first = futures::stream::iter([Ok(rows)]);
        let all =
            if ends { first.boxed() } else { first.chain(futures::stream::pending()).boxed() };
        let all = all.inspect(move |_| open.is_held());
        Box::pin(RecordBatchStreamAdapter::new(schema, all))
    }
}

#[async_trait]
impl Remote for Halves {
    fn source(&self) -> &'static str {
        "shop"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn rows(&self, query: RemoteQuery) -> Result<SendableRecordBatchStream> {
        Ok(self.stream(self.columns(&query), true))
    }

    async fn parts(
        &self,
        query: RemoteQuery,
        spare: Option<Arc<Semaphore>>,
    ) -> Result<Vec<RemotePart>> {
        let free = spare.map(|places| places.available_permits());
        self.asked.lock().unwrap().push((query.clone(), free));
        let rows = self.columns(&query);
        let Some(divided) = query.divided else {
            return Ok(vec![RemotePart { sql: query.sql, rows: self.stream(rows, true) }]);
        };
        let half = rows.num_rows() / 2;
        let first = self.stream(rows.slice(0, half), !self.broken);
        let second: SendableRecordBatchStream = match self.broken {
            true => Box::pin(RecordBatchStreamAdapter::new(
                rows.schema(),
                futures::stream::iter([Err(DataFusionError::External("it broke off".into()))]),
            )),
            false => self.stream(rows.slice(half, rows.num_rows() - half), true),
        };
        // The second comes first, as parts do that are read at once.
        Ok(vec![
            RemotePart { sql: between(&divided, ["(7,0)", ENDS[1]]), rows: second },
            RemotePart { sql: between(&divided, [ENDS[0], "(7,0)"]), rows: first },
        ])
    }
}

fn between(divided: &Divided, places: [&str; 2]) -> air_engine::Sql {
    let mut sql = divided.sql.clone();
    sql.params.truncate(sql.params.len() - 2);
    sql.params.extend(places.map(ScalarValue::from));
    sql
}

/// The execution over a database that lacks functions, or is asked for rows only.
fn split(ir: &Value, lacks: &[&str], pushdown: bool) -> Execution {
    let prepared = prepared("shop").served("shop", Dialect::Postgres, lacks);
    let planned = plan(&Ir::parse(ir).unwrap(), &prepared, &options()).unwrap();
    let guarded = guard(planned, &Policy::default()).unwrap();
    guarded.execution_with(RunOptions { pushdown }).unwrap()
}

fn over(database: &Arc<Halves>) -> Sources {
    let mut sources = Sources::default();
    let object: Arc<dyn Remote> = Arc::<Halves>::clone(database);
    sources.remotes.insert("shop".to_owned(), object);
    sources.connections.insert("shop".to_owned(), Arc::new(Semaphore::new(3)));
    sources
}

fn by_status() -> Value {
    json!({
        "entities": ["orders"],
        "dimensions": ["status"],
        "metrics": [
            {"name": "n", "agg": "count"},
            {"name": "last", "agg": "max", "field": "ordered_at"}
        ]
    })
}

#[tokio::test]
async fn the_rows_of_all_parts_are_the_answer_and_each_part_is_told() {
    let engine = engine();
    let database = Halves::new(false).await;
    let here = execution(&by_status(), &as_files()).unwrap();
    let here = run(&here, &file_tables(), &engine.runtime).await;
    let apart = split(&by_status(), &[], false);
    let apart = run(&apart, &over(&database), &engine.runtime).await;
    agree(&by_status(), &here, &apart);
    let sent = apart.unwrap().sent;
    assert_eq!(sent.iter().map(|s| s.rows).collect::<Vec<_>>(), [60, 60]);
    let divided = database.asked.lock().unwrap()[0].0.divided.clone().unwrap();
    let told: Vec<_> = sent.into_iter().map(|s| s.sql).collect();
    let halves = [["(7,0)", ENDS[1]], [ENDS[0], "(7,0)"]];
    assert_eq!(told, halves.map(|places| between(&divided, places)));
    assert_eq!(database.asked.lock().unwrap()[0].1, Some(3), "the places that runs share");
}

#[tokio::test]
async fn a_part_that_fails_is_the_query_that_fails_and_ends_the_others() {
    let engine = engine();
    let database = Halves::new(true).await;
    let apart = split(&by_status(), &[], false);
    let failed = run(&apart, &over(&database), &engine.runtime).await;
    let text = shown(&failed);
    assert!(matches!(failed, Err(RunError::Source { .. })), "{text}");
    assert!(text.contains("it broke off"), "{text}");
    let mut turns = 0;
    while database.open.load(Ordering::SeqCst) > 0 {
        turns += 1;
        assert!(turns < 100_000, "the other part is still read");
        tokio::task::yield_now().await;
    }
}

/// The part's text is the whole one, of the table's own rows, with a last condition on the place.
#[tokio::test]
async fn rows_of_one_table_can_be_asked_for_in_parts() {
    let engine = engine();
    let mut filtered = by_status();
    filtered["filters"] = json!([{"field": "status", "op": "in", "value": ["paid", "open"]}]);
    for (ir, lacks, pushdown, word) in [
        (by_status(), &[][..], false, "WHERE"),
        (by_status(), &["max"][..], true, "WHERE"),
        (filtered, &["max"][..], true, "AND"),
    ] {
        let database = Halves::new(false).await;
        let apart = split(&ir, lacks, pushdown);
        run(&apart, &over(&database), &engine.runtime).await.unwrap();
        let asked = database.asked.lock().unwrap();
        let [(query, _)] = &asked[..] else { panic!("{asked:?}") };
        let divided = query.divided.clone().unwrap();
        assert_eq!((divided.schema.as_str(), divided.table.as_str()), ("shop", "orders"));
        let values = query.sql.params.len();
        let place = |op: &str, i: usize| format!("\"orders\".ctid {op} CAST(${i} AS tid)");
        let condition = [place(">=", values + 1), place("<", values + 2)].join(" AND ");
        let whole = query.sql.text.replacen(" FROM ", " FROM ONLY ", 1);
        assert_eq!(divided.sql.text, format!("{whole} {word} {condition}"));
        let ends = ENDS.map(ScalarValue::from);
        assert_eq!(divided.sql.params, [&query.sql.params[..], &ends].concat());
    }
}

/// Groups, joins and orders are no rows of one table: halves of them would be other rows.
#[tokio::test]
async fn nothing_else_is_asked_for_in_parts() {
    let engine = engine();
    let grouped = by_status();
    let mut joined = by_status();
    joined["entities"] = json!(["orders", "customers"]);
    joined["dimensions"] = json!(["customers.segment"]);
    let mut related = by_status();
    related["filters"] = json!([{"exists": {"entity": "refunds"}}]);
    for (ir, lacks) in [(grouped, &["air_fold"][..]), (joined, &["max"]), (related, &["max"])] {
        let execution = split(&ir, lacks, true);
        let texts: Vec<_> = execution.queries().iter().map(|q| q.sql.text.clone()).collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        let source = Arc::new(Refusing(Mutex::default()));
        let mut sources = Sources::default();
        sources.remotes.insert("shop".to_owned(), Arc::<Refusing>::clone(&source));
        run(&execution, &sources, &engine.runtime).await.unwrap_err();
        let asked = source.0.lock().unwrap();
        let [query] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(query.divided, None, "{}", query.sql.text);
    }
}

/// Says what it is asked, and gives nothing.
#[derive(Debug)]
struct Refusing(Mutex<Vec<RemoteQuery>>);

#[async_trait]
impl Remote for Refusing {
    fn source(&self) -> &'static str {
        "shop"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn rows(&self, query: RemoteQuery) -> Result<SendableRecordBatchStream> {
        self.0.lock().unwrap().push(query);
        Err(DataFusionError::External("asked in vain".into()))
    }
}
