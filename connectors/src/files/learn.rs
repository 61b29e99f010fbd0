//! Learning a folder: from files and `dataset.yaml` to a catalog.
//!
//! In: the folder. Out: a catalog whose types hold for every row there is and whose keys are keys,
//! or the first thing that is wrong, by file, line and column. Deliberately absent: schema notes,
//! and people's later edits.

mod declared;
mod figures;
mod keys;
mod relations;
mod sketch;
mod tables;

use super::FilesSource;
use super::check::Current;
use super::dataset::{self, Dataset, TableDecl};
use crate::error::{DatasetProblem, SourceError};
use crate::learned::version;
use air_ir::catalog::SourceKind;
use air_ir::{Catalog, Table};
use datafusion::execution::context::SessionContext;
use declared::check_declarations;
use std::time::Duration;

/// The largest `dataset.yaml` that is read.
const MAX_DATASET: usize = 4 << 20;

/// How thoroughly to learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnOptions {
    /// Ends, null share and distinct values of each column.
    pub include_stats: bool,
    /// Values of text columns, so that they are found without asking the source.
    pub sample_values: bool,
    /// A text column with more distinct values gets no dictionary.
    pub max_values: usize,
    /// Rows of each file from which types are guessed, before they are tried on all.
    pub infer_rows: usize,
    /// After so long, values and figures are left incomplete; counts and types never are.
    pub time_limit: Duration,
    /// Keys that nobody declared, as far as the files hold them; needs the figures. Of files alone:
    /// a database says its keys itself.
    pub find_keys: bool,
}

impl Default for LearnOptions {
    fn default() -> Self {
        Self {
            include_stats: true,
            sample_values: true,
            max_values: 20_000,
            infer_rows: 20_000,
            time_limit: Duration::from_secs(120),
            find_keys: false,
        }
    }
}

/// A table on its way into the catalog.
pub(crate) struct Draft {
    pub(crate) table: Table,
    pub(crate) declared: TableDecl,
    pub(crate) current: Current,
}

pub(crate) struct Learning<'a, P> {
    pub(crate) source: &'a FilesSource,
    pub(crate) session: &'a SessionContext,
    pub(crate) options: &'a LearnOptions,
    pub(crate) progress: &'a P,
}

impl<P: Fn(&str, u8) + Send + Sync> Learning<'_, P> {
    pub(crate) async fn catalog(&self) -> Result<Catalog, SourceError> {
        (self.progress)("listing files", 0);
        let dataset = self.dataset().await?;
        let mut drafts = self.drafts(&dataset).await?;
        check_declarations(&mut drafts)?;
        let zone = dataset.time_zone.as_deref();
        let count = drafts.len();
        for (i, draft) in drafts.iter_mut().enumerate() {
            let share = u8::try_from(20 + 60 * i / count).unwrap_or(80);
            (self.progress)(&format!("reading {}", draft.table.name), share);
            self.figures(draft, zone).await?;
        }
        for (i, draft) in drafts.iter().enumerate() {
            let share = u8::try_from(80 + 20 * i / count).unwrap_or(99);
            (self.progress)(&format!("checking keys of {}", draft.table.name), share);
            self.verify_key(draft, zone).await?;
        }
        if self.options.find_keys {
            self.find_keys(&mut drafts, zone).await?;
        }
        let tables = drafts.into_iter().map(|d| d.table).collect();
        let mut catalog = Catalog {
            source: self.source.id.clone(),
            kind: SourceKind::Files,
            version: String::new(),
            name: dataset.name,
            time_zone: dataset.time_zone,
            tables,
        };
        catalog.version = version(&catalog)?;
        (self.progress)("done", 100);
        Ok(catalog)
    }

    async fn dataset(&self) -> Result<Dataset, SourceError> {
        match self.source.text(dataset::FILE, MAX_DATASET).await? {
            Some(text) if !text.trim().is_empty() => dataset::parse(&text),
            _ => Ok(Dataset::default()),
        }
    }
}

pub(crate) fn dataset_problem(path: String, message: String, nearest: Vec<String>) -> SourceError {
    SourceError::Dataset { problems: vec![DatasetProblem { path, message, nearest }] }
}
