//! Later judgements of a run: by a model, or by the checks run again.

use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::error::StoreError;
use super::{Moment, Store};
use crate::id::{AnalysisId, RunId};

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Analysis {
    pub(crate) id: AnalysisId,
    pub(crate) run_id: RunId,
    pub(crate) model_used: Option<String>,
    pub(crate) rubric_version: String,
    #[sqlx(rename = "verdict_json", json)]
    pub(crate) verdict: Value,
    pub(crate) analysis_md: Option<String>,
    /// Tokens, tries and prompts.
    #[sqlx(rename = "model_json", json(nullable))]
    pub(crate) model: Option<Value>,
    pub(crate) created_at: Moment,
}

#[derive(Debug, Clone)]
pub(crate) struct NewAnalysis {
    pub(crate) model_used: Option<String>,
    pub(crate) rubric_version: String,
    pub(crate) verdict: Value,
    pub(crate) analysis_md: Option<String>,
    pub(crate) model: Option<Value>,
}

pub(crate) struct Analyses<'s> {
    store: &'s Store,
}

impl<'s> Analyses<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn add(&self, run: &RunId, new: &NewAnalysis) -> Result<Analysis, StoreError> {
        let mut transaction = self.store.write().await?;
        let analysis = sqlx::query_as(
            "INSERT INTO report_analyses
                 (id, run_id, model_used, rubric_version, verdict_json, analysis_md, model_json,
                  created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        )
        .bind(AnalysisId::new())
        .bind(run)
        .bind(&new.model_used)
        .bind(&new.rubric_version)
        .bind(Json(&new.verdict))
        .bind(&new.analysis_md)
        .bind(new.model.as_ref().map(Json))
        .bind(Moment::now())
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, "analysis", run))?;
        transaction.commit().await?;
        Ok(analysis)
    }

    /// Oldest first.
    pub(crate) async fn list(&self, run: &RunId) -> Result<Vec<Analysis>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM report_analyses WHERE run_id = ? ORDER BY id");
        Ok(query.bind(run).fetch_all(self.store.reader()).await?)
    }
}
