//! What the service asks of any source, files or database.
//!
//! In: a source that was opened. Out: its catalog, its health, and its rows: as tables that the
//! engine reads itself, or as a [`Remote`] that answers SQL. Deliberately absent: planning.

use crate::error::{SourceError, explain};
use crate::files::{FilesSource, Health, LearnOptions};
use crate::mysql::MysqlSource;
use crate::postgres::PostgresSource;
use air_engine::{Remote, Sql};
use air_ir::Catalog;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Hears of each step of learning, and its share of the whole in percent.
pub type Progress<'a> = dyn Fn(&str, u8) + Send + Sync + 'a;

/// A source of data. One object serves all runs.
#[async_trait]
pub trait Source: std::fmt::Debug + Send + Sync {
    /// Tells what the source holds.
    ///
    /// # Errors
    /// What is wrong with the source, by name.
    async fn learn(
        &self,
        session: &SessionContext,
        options: &LearnOptions,
        progress: &Progress<'_>,
    ) -> Result<Catalog, SourceError>;

    /// Reaches the source now.
    ///
    /// # Errors
    /// Why it cannot be reached.
    async fn health(&self) -> Result<Health, SourceError>;

    /// The named tables of the catalog, where the engine reads them itself; a database has none.
    ///
    /// # Errors
    /// Files that do not fit what was learned.
    async fn tables(
        &self,
        _catalog: &Catalog,
        _names: &[String],
    ) -> Result<HashMap<String, Arc<dyn TableProvider>>, SourceError> {
        Ok(HashMap::new())
    }

    /// The URL of the store of its files and their folder below `files.base_path`, where other
    /// machines find them by the same path.
    fn shared_folder(&self) -> Option<(String, PathBuf)> {
        None
    }

    /// The source as the engine asks it, where it answers SQL.
    fn remote(self: Arc<Self>) -> Option<Arc<dyn Remote>> {
        None
    }

    /// What the server expects a query to cost, in its own unit; `None` where it has no idea.
    ///
    /// # Errors
    /// The source's refusal of the query.
    async fn cost(&self, _sql: &Sql) -> Result<Option<f64>, SourceError> {
        Ok(None)
    }

    /// What a run over the named tables failed of.
    async fn explain(
        &self,
        _session: &SessionContext,
        _catalog: &Catalog,
        _names: &[String],
        error: &DataFusionError,
    ) -> SourceError {
        explain(error)
    }
}

#[async_trait]
impl Source for FilesSource {
    async fn learn(
        &self,
        session: &SessionContext,
        options: &LearnOptions,
        progress: &Progress<'_>,
    ) -> Result<Catalog, SourceError> {
        Self::learn(self, session, options, progress).await
    }

    async fn health(&self) -> Result<Health, SourceError> {
        Self::health(self).await
    }

    async fn tables(
        &self,
        catalog: &Catalog,
        names: &[String],
    ) -> Result<HashMap<String, Arc<dyn TableProvider>>, SourceError> {
        Self::tables(self, catalog, names).await
    }

    fn shared_folder(&self) -> Option<(String, PathBuf)> {
        Self::shared_folder(self)
    }

    async fn explain(
        &self,
        session: &SessionContext,
        catalog: &Catalog,
        names: &[String],
        error: &DataFusionError,
    ) -> SourceError {
        Self::explain(self, session, catalog, names, error).await
    }
}

#[async_trait]
impl Source for PostgresSource {
    async fn learn(
        &self,
        _session: &SessionContext,
        options: &LearnOptions,
        progress: &Progress<'_>,
    ) -> Result<Catalog, SourceError> {
        Self::learn(self, options, progress).await
    }

    async fn health(&self) -> Result<Health, SourceError> {
        Self::health(self).await
    }

    fn remote(self: Arc<Self>) -> Option<Arc<dyn Remote>> {
        Some(self)
    }

    async fn cost(&self, sql: &Sql) -> Result<Option<f64>, SourceError> {
        Self::cost(self, sql).await.map(Some)
    }
}

#[async_trait]
impl Source for MysqlSource {
    async fn learn(
        &self,
        _session: &SessionContext,
        options: &LearnOptions,
        progress: &Progress<'_>,
    ) -> Result<Catalog, SourceError> {
        Self::learn(self, options, progress).await
    }

    async fn health(&self) -> Result<Health, SourceError> {
        Self::health(self).await
    }

    fn remote(self: Arc<Self>) -> Option<Arc<dyn Remote>> {
        Some(self)
    }

    async fn cost(&self, sql: &Sql) -> Result<Option<f64>, SourceError> {
        Self::cost(self, sql).await.map(Some)
    }
}
