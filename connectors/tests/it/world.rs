//! A folder of files, its source, and a session that reads it.

use air_connectors::{FilesSource, LearnOptions, SourceError, explain};
use air_ir::{Catalog, Table};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) source: FilesSource,
    pub(crate) session: SessionContext,
}

impl World {
    /// A folder `base` with these files, under the folder that sources lie in.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let world = Self::empty();
        for (path, text) in files {
            world.write(path, text.as_bytes());
        }
        world
    }

    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("base")).unwrap();
        let source = FilesSource::open("test", dir.path(), Path::new("base")).unwrap();
        let mut config = SessionConfig::new().with_target_partitions(2);
        // Even small files are read in two parts.
        config.options_mut().optimizer.repartition_file_min_size = 1;
        let session = SessionContext::new_with_config(config);
        Self { dir, source, session }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("base").join(path)
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) async fn learn(&self) -> Result<Catalog, SourceError> {
        self.source.learn(&self.session, &LearnOptions::default(), |_, _| {}).await
    }

    /// The text of the error that learning must end with.
    pub(crate) async fn refusal(&self) -> String {
        let error = self.learn().await.expect_err("learned").to_string();
        self.without_secrets(&error);
        error
    }

    /// No text names a folder of the machine.
    pub(crate) fn without_secrets(&self, text: &str) {
        let outside = self.dir.path().to_str().unwrap();
        assert!(!text.contains(outside), "an absolute path: {text}");
        assert!(!text.contains('@'), "a version's mark: {text}");
    }

    pub(crate) async fn batches(
        &self,
        catalog: &Catalog,
        sql: &str,
    ) -> Result<Vec<RecordBatch>, SourceError> {
        let names: Vec<String> =
            catalog.table_names().filter(|n| sql.contains(n.as_str())).collect();
        for (name, table) in self.source.tables(catalog, &names).await? {
            let _ = self.session.deregister_table(name.as_str());
            self.session.register_table(name.as_str(), table).unwrap();
        }
        let run = async { self.session.sql(sql).await?.collect().await };
        run.await.map_err(|e: DataFusionError| explain(&e))
    }

    /// Rows as text, null as `-`.
    pub(crate) async fn rows(
        &self,
        catalog: &Catalog,
        sql: &str,
    ) -> Result<Vec<String>, SourceError> {
        let batches = self.batches(catalog, sql).await?;
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cell = |column: &datafusion::arrow::array::ArrayRef| match column.is_null(row) {
                    true => "-".to_owned(),
                    false => array_value_to_string(column, row).unwrap(),
                };
                rows.push(batch.columns().iter().map(cell).collect::<Vec<_>>().join("|"));
            }
        }
        Ok(rows)
    }
}

/// `name:type` of each column.
pub(crate) fn columns(table: &Table) -> Vec<String> {
    table.columns.iter().map(|c| format!("{}:{}", c.name, c.data_type)).collect()
}

pub(crate) fn table<'c>(catalog: &'c Catalog, name: &str) -> &'c Table {
    catalog.tables.iter().find(|t| t.name == name).unwrap()
}
