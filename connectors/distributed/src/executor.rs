//! The executor of several machines.
//!
//! In: a plan over tables of files. Out: its rows, from the workers; or the plan goes to this
//! process, with the reason. Nothing is sent that the form on the wire would change: what cannot
//! go as it is stays.

use crate::ask::Workers;
use crate::codec::{Codec, encoded};
use crate::scan::{self, divided};
use crate::way::{Place, Ways};
use air_engine::{Begun, Carried, Executor, Runtime, Sources, Work};
use async_trait::async_trait;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion_distributed::{
    DesiredTaskCountEvent, DesiredTaskCountEventResponse, DesiredTaskCountHandler, DistributedExec,
    DistributedExt, SessionStateBuilderExt,
};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// Tells workers the folder of each store, below their own `files.base_path`.
pub(crate) const FOLDERS: HeaderName = HeaderName::from_static("x-air-folders");

/// Whoever gives a part less to read wants every table divided.
const A_PAGE: u64 = 4096;

/// See the module.
pub struct Distributed {
    here: Arc<dyn Executor>,
    /// Plans as the other does, without dividing.
    whole: SessionState,
    divided: SessionState,
    workers: Workers,
    /// A plan that reads less is small.
    least: u64,
}

impl std::fmt::Debug for Distributed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Distributed").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// What became of a plan.
enum Tried {
    Begun(Begun),
    /// It is this process's to do; why.
    Left(String),
}

impl Distributed {
    /// Over a runtime's resources, which carries out itself what is left. A worker is to read
    /// `bytes_per_part` in each of the runtime's parts; what is worth no second worker is small.
    ///
    /// # Errors
    /// Settings that the library refuses.
    pub fn new(
        runtime: &Runtime,
        places: Vec<Place>,
        ways: Ways,
        bytes_per_part: u64,
    ) -> Result<Self> {
        let workers = Workers::new(places.clone(), ways.clone());
        // One that is left of several does the work of two, so that what is large leaves this
        // process still.
        let most = places.len().max(2);
        let divided = settled(runtime.state(), bytes_per_part)
            .with_distributed_user_codec(Codec)
            .with_distributed_worker_resolver(workers.clone())
            .with_distributed_channel_resolver(ways)
            .with_distributed_desired_task_count_handler(Worth(bytes_per_part))
            .with_distributed_scale_up_leaf_node_handler(divided)
            .with_distributed_max_tasks_per_stage(most)?
            .with_distributed_metrics_collection(false)?
            .with_distributed_planner()
            .build();
        let whole = settled(runtime.state(), bytes_per_part).build();
        let parts = whole.config().target_partitions() as u64;
        let least = bytes_per_part.saturating_mul(parts);
        let here = Arc::clone(runtime.executor());
        Ok(Self { here, whole: started(whole), divided: started(divided), workers, least })
    }

    async fn tried(&self, work: Work<'_>) -> Result<Tried> {
        let left = |reason: &str| Ok(Tried::Left(reason.to_owned()));
        if work.fetched || work.ordered {
            return left("rows of databases are among its tables");
        }
        if asks_for_a_value(work.plan)? {
            return left("a value of a subquery is in it");
        }
        let whole = match self.whole.create_physical_plan(work.plan).await {
            Ok(plan) => plan,
            Err(_) => return left("it cannot be planned for several machines"),
        };
        let stores = match examined(&whole, work.sources, self.least) {
            Ok(stores) => stores,
            Err(reason) => return Ok(Tried::Left(reason)),
        };
        let there = self.workers.some().await?;
        let plan = self.divided.create_physical_plan(work.plan).await?;
        if !plan.is::<DistributedExec>() {
            return left("it has no part that can be divided");
        }
        let rows = execute_stream(plan, Arc::new(self.context(work.sources, &stores)?))?;
        let workers = self.workers.clone();
        let schema = rows.schema();
        let rows = rows.map(move |batch| batch.map_err(|error| workers.heard(error)));
        let carried = Carried {
            workers: there.iter().map(crate::lost::shown).collect(),
            reason: None,
            attempts: 1,
        };
        Ok(Tried::Begun(Begun {
            rows: Box::pin(RecordBatchStreamAdapter::new(schema, rows)),
            carried,
        }))
    }

    /// What a run works with: workers are told its folders.
    fn context(&self, sources: &Sources, stores: &BTreeSet<String>) -> Result<TaskContext> {
        let mut folders = Serializer::new(String::new());
        for store in stores {
            if let Some(folder) = sources.shared.get(store).and_then(|folder| folder.to_str()) {
                folders.append_pair(store, folder);
            }
        }
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&folders.finish()) {
            headers.insert(FOLDERS, value);
        }
        let config = self.divided.config().clone();
        let config = config.with_distributed_passthrough_headers(headers)?;
        Ok(TaskContext::from(&self.divided).with_session_config(config))
    }
}

#[async_trait]
impl Executor for Distributed {
    async fn begin(&self, work: Work<'_>) -> Result<Begun> {
        match self.tried(work).await? {
            Tried::Begun(begun) => Ok(begun),
            Tried::Left(reason) => {
                let mut begun = self.here.begin(work).await?;
                begun.carried.reason = Some(reason);
                Ok(begun)
            }
        }
    }
}

/// Filters that change while a plan runs do not reach other machines, and the library plans no
/// values of subqueries.
fn settled(mut builder: SessionStateBuilder, bytes_per_part: u64) -> SessionStateBuilder {
    let config = builder.config().get_or_insert_default();
    let optimizer = &mut config.options_mut().optimizer;
    // A file that is worth several parts is cut.
    let cut = usize::try_from(bytes_per_part).unwrap_or(usize::MAX);
    optimizer.repartition_file_min_size = optimizer.repartition_file_min_size.min(cut);
    if bytes_per_part < A_PAGE {
        // Tables of few rows would be one part, where their number is known.
        config.options_mut().execution.collect_statistics = false;
    }
    let optimizer = &mut config.options_mut().optimizer;
    optimizer.enable_dynamic_filter_pushdown = false;
    optimizer.enable_topk_dynamic_filter_pushdown = false;
    optimizer.enable_join_dynamic_filter_pushdown = false;
    optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    builder
}

fn started(mut state: SessionState) -> SessionState {
    // As the engine does: gives expressions the settings.
    state.mark_start_execution();
    state
}

/// Whether a subquery stands for one value. Without the node that holds it to one row it would be
/// joined, and rows would multiply where it has several.
fn asks_for_a_value(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                found |= matches!(part, Expr::ScalarSubquery(_));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// The stores that a plan reads, where it can leave this process and is large enough to; or why
/// not.
fn examined(
    plan: &Arc<dyn ExecutionPlan>,
    sources: &Sources,
    least: u64,
) -> Result<BTreeSet<String>, String> {
    let (mut stores, mut bytes, mut reason) = (BTreeSet::new(), 0, None);
    let walked = plan.apply(|node| {
        if let Some(scan) = scan::files(node.as_ref()) {
            bytes += scan::bytes(scan);
            stores.insert(scan.object_store_url.as_str().to_owned());
        } else if let Some(why) = kept(node.as_ref()) {
            reason = Some(why);
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|error| error.to_string())?;
    if let Some(reason) = reason {
        return Err(reason);
    }
    if let Some(store) = stores.iter().find(|store| !sources.shared.contains_key(*store)) {
        return Err(format!("the files of {store} are in no folder that workers share"));
    }
    if bytes <= least {
        return Err(format!("it is small: it reads at most {bytes} bytes, and {least} is little"));
    }
    match encoded(Arc::clone(plan)) {
        Ok(_) => Ok(stores),
        Err(error) => Err(format!("it cannot be sent: {}", innermost(&error.to_string()))),
    }
}

/// Why a node cannot leave this process.
fn kept(node: &dyn ExecutionPlan) -> Option<String> {
    let makes_rows = node.is::<EmptyExec>() || node.is::<PlaceholderRowExec>();
    if node.children().is_empty() && !makes_rows {
        return Some(format!("{} reads what only this process has", node.name()));
    }
    // The library sends what rows are dealt by apart from the plan, and not by our codec.
    let repartition = node.downcast_ref::<RepartitionExec>()?;
    let Partitioning::Hash(by, _) = repartition.partitioning() else { return None };
    let plain = by.iter().all(|expr| expr.downcast_ref::<Column>().is_some());
    (!plain).then(|| "its rows are dealt by what is no column".to_owned())
}

/// What is said of the node itself; each one above it adds its words and the whole plan.
fn innermost(text: &str) -> &str {
    let said = text.rsplit("failed with [").next().unwrap_or(text);
    let said = said.split("]. Plan:").next().unwrap_or(said);
    said.lines().next().unwrap_or_default()
}

/// How many workers a scan is worth, by the bytes that each part is to read.
struct Worth(u64);

#[async_trait]
impl DesiredTaskCountHandler for Worth {
    async fn handle(
        &self,
        event: DesiredTaskCountEvent<'_>,
    ) -> Option<Result<DesiredTaskCountEventResponse>> {
        scan::desired(event.plan, self.0).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::innermost;

    #[test]
    fn of_what_cannot_be_sent_the_node_is_named() {
        let error = "Internal error: Unsupported plan and extension codec failed with [This \
                     feature is not implemented: Within has no form]. Plan: Within { input: [] }";
        assert_eq!(innermost(error), "This feature is not implemented: Within has no form");
        assert_eq!(innermost("no form\nbacktrace"), "no form");
    }
}
