//! IR text to SQL text, and DataFusion's own way from SQL text to SQL text.
//!
//! In: requests that name a question of `benches/questions`, a tool and the size of the catalog.
//! Out: the SQL, or the nanoseconds of each call. A catalog is prepared once for all calls, as
//! the service does and as the peers may too; everything after it is inside the call.

use crate::serve;
use air_engine::{Dialect, PlanOptions, Policy, Prepared, arrow_schema, guard, plan};
use air_ir::{Catalog, Ir};
use anyhow::{Context, Result, anyhow, bail};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::prelude::SessionConfig;
use datafusion::sql::unparser::Unparser;
use datafusion::sql::unparser::dialect::PostgreSqlDialect;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const SCHEMA: &str = "shop";
const SHOP: &str = include_str!("../../engine/tests/cases/catalogs/shop.json");

/// The first tables of every catalog, so that the smallest holds what the first questions need.
const FIRST: [&str; 4] = ["orders", "customers", "order_items", "products"];

/// A question's name, its IR, and the same question in SQL for tools that start from SQL.
const QUESTIONS: [(&str, &str, &str); 4] = [
    (
        "one_table",
        include_str!("../questions/one_table.json"),
        include_str!("../questions/one_table.sql"),
    ),
    (
        "two_way_join",
        include_str!("../questions/two_way_join.json"),
        include_str!("../questions/two_way_join.sql"),
    ),
    (
        "three_way_join",
        include_str!("../questions/three_way_join.json"),
        include_str!("../questions/three_way_join.sql"),
    ),
    (
        "four_way_join",
        include_str!("../questions/four_way_join.json"),
        include_str!("../questions/four_way_join.sql"),
    ),
];

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    /// The catalog of so many tables, for the peers to build theirs from.
    Catalog { tables: usize },
    /// What a tool writes for a question.
    Sql { tool: Tool, question: String, tables: usize },
    /// How long each of so many calls takes.
    Time { tool: Tool, question: String, tables: usize, calls: usize },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tool {
    Air,
    Datafusion,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Reply {
    Catalog(Arc<Catalog>),
    Sql { sql: String, params: Vec<Option<String>> },
    Time { nanos: Vec<u64> },
}

/// One catalog as each tool holds it.
struct World {
    prepared: Prepared,
    state: SessionState,
}

/// Answers requests until standard input ends.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut worlds: BTreeMap<usize, World> = BTreeMap::new();
    serve(move |request: Request| {
        let (Request::Catalog { tables }
        | Request::Sql { tables, .. }
        | Request::Time { tables, .. }) = &request;
        if !worlds.contains_key(tables) {
            worlds.insert(*tables, World::new(*tables)?);
        }
        let world = &worlds[tables];
        runtime.block_on(world.answer(request))
    })
}

impl World {
    fn new(tables: usize) -> Result<Self> {
        let catalog = Arc::new(catalog(tables)?);
        let config = SessionConfig::new().with_default_catalog_and_schema("datafusion", SCHEMA);
        let context = SessionContext::new_with_config(config);
        let provider = MemorySchemaProvider::new();
        for table in &catalog.tables {
            let empty = Arc::new(EmptyTable::new(arrow_schema(table)));
            provider.register_table(table.name.clone(), empty)?;
        }
        let home = context.catalog("datafusion").context("the default catalog is missing")?;
        home.register_schema(SCHEMA, Arc::new(provider))?;
        Ok(Self { prepared: Prepared::new(catalog), state: context.state() })
    }

    async fn answer(&self, request: Request) -> Result<Reply> {
        Ok(match request {
            Request::Catalog { .. } => Reply::Catalog(Arc::clone(self.prepared.catalog())),
            Request::Sql { tool, question, .. } => {
                let (sql, params) = self.sql(tool, &question).await?;
                let params = params.iter().map(text).collect::<Result<_>>()?;
                Reply::Sql { sql, params }
            }
            Request::Time { tool, question, calls, .. } => {
                let mut nanos = Vec::with_capacity(calls);
                for _ in 0..calls {
                    let started = Instant::now();
                    black_box(self.sql(tool, &question).await?);
                    nanos.push(u64::try_from(started.elapsed().as_nanos())?);
                }
                Reply::Time { nanos }
            }
        })
    }

    async fn sql(&self, tool: Tool, question: &str) -> Result<(String, Vec<ScalarValue>)> {
        let Some((_, ir, sql)) = QUESTIONS.iter().find(|q| q.0 == question) else {
            bail!("there is no question {question}");
        };
        match tool {
            Tool::Air => self.air(ir),
            Tool::Datafusion => Ok((self.datafusion(sql).await?, Vec::new())),
        }
    }

    fn air(&self, text: &str) -> Result<(String, Vec<ScalarValue>)> {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let options = PlanOptions { now, default_limit: 5_000, max_limit: 100_000 };
        let ir = Ir::parse_str(text).map_err(|e| anyhow!("{e:?}"))?;
        let planned = plan(&ir, &self.prepared, &options).map_err(|e| anyhow!("{e:?}"))?;
        let guarded = guard(planned, &Policy::default()).map_err(|e| anyhow!("{e:?}"))?;
        let sql = guarded.sql(Dialect::Postgres)?;
        Ok((sql.text, sql.params))
    }

    async fn datafusion(&self, sql: &str) -> Result<String> {
        let plan = self.state.create_logical_plan(sql).await?;
        Ok(Unparser::new(&PostgreSqlDialect {}).plan_to_sql(&plan)?.to_string())
    }
}

/// The shop with its questions' tables first, then its other tables, then copies of them all.
fn catalog(tables: usize) -> Result<Catalog> {
    let mut catalog: Catalog = serde_json::from_str(SHOP)?;
    let rank = |name: &str| FIRST.iter().position(|f| *f == name).unwrap_or(FIRST.len());
    catalog.tables.sort_by_key(|t| rank(&t.name));
    for i in catalog.tables.len()..tables {
        let mut copy = catalog.tables[i % FIRST.len()].clone();
        copy.name = format!("{}_{i}", copy.name);
        catalog.tables.push(copy);
    }
    catalog.tables.truncate(tables);
    let kept: Vec<String> = catalog.tables.iter().map(|t| t.name.clone()).collect();
    for table in &mut catalog.tables {
        table.foreign_keys.retain(|k| kept.contains(&k.references.table));
    }
    Ok(catalog)
}

fn text(value: &ScalarValue) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    Ok(Some(array_value_to_string(&value.to_array()?, 0)?))
}
