//! The sources of a run: what is read of them, the places a run takes at them, and what they know
//! of its failure.
//!
//! In: an [`Execution`] and its sources, each with the catalog that it was planned by. Out: the
//! tables and databases that [`air_engine::run`] wants, a connection for each query, and which
//! file is at fault where there were no rows. Who runs executions says the errors in words of
//! their own. Deliberately absent: the run itself, which is the engine's, and its time limit.

use crate::error::SourceError;
use crate::source::Source;
use air_engine::{Execution, Sources};
use air_ir::Catalog;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// One source of a run.
#[derive(Debug, Clone)]
pub struct Member {
    pub source: Arc<dyn Source>,
    /// What was learned of it, under the id by which executions name it.
    pub catalog: Arc<Catalog>,
    /// All runs over the source share it; see [`places`].
    pub connections: Arc<Semaphore>,
}

/// The tables of a source are not there as they were learned.
#[derive(Debug, thiserror::Error)]
#[error("the tables of \"{source_id}\" cannot be read")]
pub struct NotGathered {
    pub source_id: String,
    #[source]
    pub cause: Box<SourceError>,
}

/// A run got no connections.
#[derive(Debug, thiserror::Error)]
pub enum NoPlace {
    /// It would wait for ever.
    #[error("the run asks \"{source_id}\" {wanted} queries at once, above the {most} there may be")]
    TooMany { source_id: String, wanted: u32, most: u32 },
    #[error("the connections of a source are given to nobody any more")]
    Closed(#[from] AcquireError),
}

/// What the execution reads: tables of files as they are now, and databases. Tables of sources
/// that are not among the members are left out, and running names them.
///
/// # Errors
/// The first source whose files do not fit what was learned.
pub async fn gather(members: &[Member], execution: &Execution) -> Result<Sources, NotGathered> {
    let mut sources = Sources::default();
    for member in members {
        let id = &member.catalog.source;
        let names = tables_of(execution, id);
        if !names.is_empty() {
            let unread = |cause| NotGathered { source_id: id.clone(), cause: Box::new(cause) };
            let tables = member.source.tables(&member.catalog, &names).await.map_err(unread)?;
            sources.shared.extend(member.source.shared_folder());
            for (name, table) in tables {
                sources.tables.insert((id.clone(), name), table);
            }
        }
        if let Some(remote) = Arc::clone(&member.source).remote() {
            sources.remotes.insert(id.clone(), remote);
            sources.connections.insert(id.clone(), Arc::clone(&member.connections));
        }
    }
    Ok(sources)
}

/// A connection for each query of the run, to be held until it ends; at most `most` at a source.
///
/// They are taken before the first query is sent, all of a source at once and source by source in
/// the order of their ids: runs that hold a connection while they wait for another would wait for
/// each other.
///
/// # Errors
/// [`NoPlace::TooMany`] where a source is asked more queries at once than `most`, and
/// [`NoPlace::Closed`] where its semaphore was closed.
pub async fn places(
    members: &[Member],
    execution: &Execution,
    most: u32,
) -> Result<Vec<OwnedSemaphorePermit>, NoPlace> {
    let mut wanted: BTreeMap<&str, u32> = BTreeMap::new();
    for query in execution.queries() {
        *wanted.entry(query.source.as_str()).or_default() += 1;
    }
    let mut permits = Vec::new();
    for (id, wanted) in wanted {
        let member = members.iter().find(|member| member.catalog.source == id);
        let Some(member) = member else { continue };
        if wanted > most {
            return Err(NoPlace::TooMany { source_id: id.to_owned(), wanted, most });
        }
        permits.push(Arc::clone(&member.connections).acquire_many_owned(wanted).await?);
    }
    Ok(permits)
}

/// Why the engine gave no rows: the error that a source put into its own, or what the sources
/// find where they are asked in turn; at worst [`SourceError::Engine`] with the engine's reason.
pub async fn explain(
    members: &[Member],
    execution: &Execution,
    session: &SessionContext,
    error: &DataFusionError,
) -> SourceError {
    let mut told = crate::error::explain(error);
    for member in members {
        let SourceError::Engine { .. } = told else { break };
        let names = tables_of(execution, &member.catalog.source);
        told = member.source.explain(session, &member.catalog, &names, error).await;
    }
    told
}

/// The tables of one source that are read here.
fn tables_of(execution: &Execution, id: &str) -> Vec<String> {
    let tables = execution.tables().into_iter();
    tables.filter(|(source, _)| source == id).map(|(_, table)| table).collect()
}
