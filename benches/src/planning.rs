//! IR text to SQL text, and DataFusion's own way from SQL text to SQL text.
//!
//! In: requests that name a question of `benches/questions`, a tool and the size of the catalog.
//! Out: the SQL, or the nanoseconds of each call. A catalog is prepared once for all calls, as
//! the service does and as the peers may too; everything after it is inside the call. Each call
//! asks of another year, as a report of another day does; the plan cache has seen its shape once.

use crate::serve;
use air_engine::{
    Dialect, PlanCache, PlanOptions, Planning, Policy, Prepared, arrow_schema, guard, plan,
};
use air_ir::{Bindings, Catalog, Ir};
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

/// The year the questions are of, and how many others the calls ask for in turn.
const YEAR: usize = 2024;
const YEARS: usize = 200;

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
    AirCached,
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
    options: PlanOptions,
    policy: Policy,
    cache: PlanCache,
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
        Ok(Self {
            prepared: Prepared::new(catalog),
            options: PlanOptions {
                now: jiff::Timestamp::UNIX_EPOCH,
                default_limit: 5_000,
                max_limit: 100_000,
            },
            policy: Policy::default(),
            cache: PlanCache::default(),
            state: context.state(),
        })
    }

    async fn answer(&self, request: Request) -> Result<Reply> {
        Ok(match request {
            Request::Catalog { .. } => Reply::Catalog(Arc::clone(self.prepared.catalog())),
            Request::Sql { tool, question, .. } => {
                // So that a cached plan is one made for other values.
                self.sql(tool, &asked(tool, &question, YEAR + 1)?).await?;
                let (sql, params) = self.sql(tool, &asked(tool, &question, YEAR)?).await?;
                let params = params.iter().map(text).collect::<Result<_>>()?;
                Reply::Sql { sql, params }
            }
            Request::Time { tool, question, calls, .. } => {
                self.sql(tool, &asked(tool, &question, YEAR)?).await?;
                let mut nanos = Vec::with_capacity(calls);
                for call in 0..calls {
                    let text = asked(tool, &question, YEAR - call % YEARS)?;
                    let started = Instant::now();
                    black_box(self.sql(tool, &text).await?);
                    nanos.push(u64::try_from(started.elapsed().as_nanos())?);
                }
                Reply::Time { nanos }
            }
        })
    }

    async fn sql(&self, tool: Tool, text: &str) -> Result<(String, Vec<ScalarValue>)> {
        match tool {
            Tool::Air => self.air(text),
            Tool::AirCached => self.cached(text),
            Tool::Datafusion => Ok((self.datafusion(text).await?, Vec::new())),
        }
    }

    fn air(&self, text: &str) -> Result<(String, Vec<ScalarValue>)> {
        let ir = Ir::parse_str(text).map_err(|e| anyhow!("{e:?}"))?;
        let planned = plan(&ir, &self.prepared, &self.options).map_err(|e| anyhow!("{e:?}"))?;
        let guarded = guard(planned, &self.policy).map_err(|e| anyhow!("{e:?}"))?;
        let sql = guarded.sql(Dialect::Postgres)?;
        Ok((sql.text, sql.params))
    }

    fn cached(&self, text: &str) -> Result<(String, Vec<ScalarValue>)> {
        let planning =
            Planning { prepared: &self.prepared, options: &self.options, policy: &self.policy };
        let planned = self
            .cache
            .sql(text, &Bindings::default(), &planning, Dialect::Postgres)
            .map_err(|e| anyhow!("{e:?}"))?;
        Ok((planned.text.to_string(), planned.params))
    }

    async fn datafusion(&self, sql: &str) -> Result<String> {
        let plan = self.state.create_logical_plan(sql).await?;
        Ok(Unparser::new(&PostgreSqlDialect {}).plan_to_sql(&plan)?.to_string())
    }
}

/// What a tool is given: the IR, of some year, or the SQL, which is the same each time.
fn asked(tool: Tool, question: &str, year: usize) -> Result<String> {
    let Some((_, ir, sql)) = QUESTIONS.iter().find(|q| q.0 == question) else {
        bail!("there is no question {question}");
    };
    Ok(match tool {
        Tool::Air | Tool::AirCached => ir.replace(&YEAR.to_string(), &year.to_string()),
        Tool::Datafusion => (*sql).to_owned(),
    })
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
