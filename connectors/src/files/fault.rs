//! The file and column behind an error that names neither.
//!
//! In: a table, and an error of the engine. Out: the first Parquet file, by path, and its first
//! column that cannot be read alone; or the error as it was, where all can.

use super::FilesSource;
use super::check::Current;
use super::from_engine;
use crate::error::SourceError;
use air_engine::arrow_schema;
use air_ir::Table;
use air_ir::catalog::FileFormat;
use datafusion::execution::context::SessionContext;
use futures::StreamExt;
use std::sync::Arc;

impl FilesSource {
    pub(crate) async fn at_fault(
        &self,
        session: &SessionContext,
        table: &Table,
        zone: Option<&str>,
        current: &Current,
        error: SourceError,
    ) -> SourceError {
        let is_parquet = current.located.format == FileFormat::Parquet;
        if !is_parquet || !matches!(error, SourceError::Engine { .. }) {
            return error;
        }
        let columns = arrow_schema(table).fields().len() - current.located.partitions.len();
        for file in &current.located.files {
            let mut alone = current.clone();
            alone.located.files = vec![file.clone()];
            for column in 0..columns {
                if let Err(SourceError::Engine { reason }) =
                    self.readable(session, table, zone, &alone, column).await
                {
                    let name = arrow_schema(table).field(column).name().clone();
                    let reason = format!("column \"{name}\": {reason}");
                    return SourceError::File { file: file.found.path.clone(), reason };
                }
            }
        }
        error
    }

    async fn readable(
        &self,
        session: &SessionContext,
        table: &Table,
        zone: Option<&str>,
        current: &Current,
        column: usize,
    ) -> Result<(), SourceError> {
        let provider = Arc::new(self.provider(table, zone, current)?);
        let frame = session.read_table(provider).map_err(from_engine)?;
        let name = frame.schema().field(column).name().clone();
        let one = frame.select(vec![datafusion::logical_expr::ident(name)]).map_err(from_engine)?;
        let mut rows = one.execute_stream().await.map_err(from_engine)?;
        while let Some(batch) = rows.next().await {
            batch.map_err(from_engine)?;
        }
        Ok(())
    }
}
