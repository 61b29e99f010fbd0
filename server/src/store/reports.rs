//! Saved reports and the versions of their definitions. A version never changes.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, Sqlite, Transaction};

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store, checksum};
use crate::id::{DatasourceId, ReportId, ReportKey, ReportVersionId, ScopeVersionId};

const WHAT: &str = "report";
const VERSION: &str = "version of report";
const LIST: &str = "reports";
const VERSION_LIST: &str = "report_versions";

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Report {
    pub(crate) id: ReportId,
    pub(crate) key: ReportKey,
    pub(crate) title: String,
    pub(crate) owner: String,
    pub(crate) archived: bool,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum VersionStatus {
    Active,
    Retired,
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct ReportVersion {
    pub(crate) id: ReportVersionId,
    pub(crate) report_id: ReportId,
    /// Counts from 1 within its report.
    pub(crate) version: i64,
    pub(crate) scope_version_id: Option<ScopeVersionId>,
    /// `None`: portable, the source is chosen at each run.
    pub(crate) datasource_id: Option<DatasourceId>,
    #[sqlx(rename = "def_json", json)]
    pub(crate) def: Value,
    /// Of `def`, whatever the order of its keys.
    pub(crate) checksum: String,
    pub(crate) status: VersionStatus,
    pub(crate) created_by: String,
    pub(crate) created_at: Moment,
}

#[derive(Debug, Clone)]
pub(crate) struct NewReportVersion {
    pub(crate) def: Value,
    pub(crate) datasource_id: Option<DatasourceId>,
    pub(crate) scope_version_id: Option<ScopeVersionId>,
    pub(crate) created_by: String,
}

pub(crate) struct Reports<'s> {
    store: &'s Store,
}

impl<'s> Reports<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn create(
        &self,
        key: &ReportKey,
        title: &str,
        owner: &str,
    ) -> Result<Report, StoreError> {
        let mut transaction = self.store.write().await?;
        let report = insert_report(&mut transaction, key, title, owner).await?;
        transaction.commit().await?;
        Ok(report)
    }

    /// A report with its first version, both or neither: what an import makes.
    pub(crate) async fn create_with_version(
        &self,
        key: &ReportKey,
        title: &str,
        owner: &str,
        first: &NewReportVersion,
    ) -> Result<(Report, ReportVersion), StoreError> {
        let mut transaction = self.store.write().await?;
        let report = insert_report(&mut transaction, key, title, owner).await?;
        let version = insert_version(&mut transaction, &report.id, 1, first).await?;
        transaction.commit().await?;
        Ok((report, version))
    }

    /// By key, among those that are not archived.
    pub(crate) async fn find(&self, key: &ReportKey) -> Result<Report, StoreError> {
        sqlx::query_as("SELECT * FROM reports WHERE key = ? AND archived = 0")
            .bind(key)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, key))
    }

    /// By key, with the version of a number, or with the newest that is in use; without one where
    /// there is none. One walk to SQLite for what every run begins with.
    pub(crate) async fn find_with_version(
        &self,
        key: &ReportKey,
        number: Option<i64>,
    ) -> Result<(Report, Option<ReportVersion>), StoreError> {
        let query = sqlx::query(
            "SELECT * FROM reports WHERE key = ?1 AND archived = 0;
             SELECT v.* FROM reports r JOIN report_versions v ON v.report_id = r.id
             WHERE r.key = ?1 AND r.archived = 0
                 AND (v.version = ?2 OR (?2 IS NULL AND v.status = 'active'))
             ORDER BY v.version DESC LIMIT 1",
        );
        let rows = query.bind(key).bind(number).fetch_all(self.store.reader()).await?;
        let [report, version @ ..] = rows.as_slice() else {
            return Err(StoreError::not_found(WHAT, key));
        };
        let report = Report::from_row(report)?;
        let version = version.first().map(ReportVersion::from_row).transpose()?;
        // Another may have taken the key between the two looks.
        let version = version.filter(|version| version.report_id == report.id);
        Ok((report, version))
    }

    /// By id, archived or not: what a run's record needs.
    pub(crate) async fn get(&self, id: &ReportId) -> Result<Report, StoreError> {
        sqlx::query_as("SELECT * FROM reports WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// By key, without the archived.
    pub(crate) async fn list(&self, page: &PageRequest) -> Result<Page<Report>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM reports WHERE archived = 0 AND key > ? ORDER BY key LIMIT ?",
        )
        .bind(page.after(LIST)?.unwrap_or_default())
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &Report| row.key.to_string()))
    }

    /// Takes a report out of use. Its runs stay; its key is free.
    pub(crate) async fn archive(&self, key: &ReportKey) -> Result<Report, StoreError> {
        let mut transaction = self.store.write().await?;
        let report = sqlx::query_as(
            "UPDATE reports SET archived = 1, updated_at = ?
             WHERE key = ? AND archived = 0 RETURNING *",
        )
        .bind(Moment::now())
        .bind(key)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| StoreError::not_found(WHAT, key))?;
        transaction.commit().await?;
        Ok(report)
    }

    /// `expected`: the number of the version the new one follows, 0 where there is none.
    pub(crate) async fn add_version(
        &self,
        report: &ReportId,
        new: &NewReportVersion,
        expected: Option<i64>,
    ) -> Result<ReportVersion, StoreError> {
        let mut transaction = self.store.write().await?;
        let touched =
            sqlx::query("UPDATE reports SET updated_at = ? WHERE id = ? AND archived = 0")
                .bind(Moment::now())
                .bind(report)
                .execute(&mut *transaction)
                .await?;
        if touched.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, report));
        }
        let actual: i64 = sqlx::query_scalar(
            "SELECT coalesce(max(version), 0) FROM report_versions WHERE report_id = ?",
        )
        .bind(report)
        .fetch_one(&mut *transaction)
        .await?;
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            let id = report.to_string();
            return Err(StoreError::VersionMismatch { what: WHAT, id, expected, actual });
        }
        let version = insert_version(&mut transaction, report, actual + 1, new).await?;
        transaction.commit().await?;
        Ok(version)
    }

    /// The version a run takes unless it names another.
    pub(crate) async fn latest(&self, report: &ReportId) -> Result<ReportVersion, StoreError> {
        sqlx::query_as(
            "SELECT * FROM report_versions WHERE report_id = ? AND status = 'active'
             ORDER BY version DESC LIMIT 1",
        )
        .bind(report)
        .fetch_optional(self.store.reader())
        .await?
        .ok_or_else(|| StoreError::not_found(VERSION, report))
    }

    pub(crate) async fn version(
        &self,
        report: &ReportId,
        number: i64,
    ) -> Result<ReportVersion, StoreError> {
        sqlx::query_as("SELECT * FROM report_versions WHERE report_id = ? AND version = ?")
            .bind(report)
            .bind(number)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(VERSION, format!("{report} {number}")))
    }

    pub(crate) async fn version_by_id(
        &self,
        id: &ReportVersionId,
    ) -> Result<ReportVersion, StoreError> {
        sqlx::query_as("SELECT * FROM report_versions WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found("report version", id))
    }

    /// Newest first.
    pub(crate) async fn versions(
        &self,
        report: &ReportId,
        page: &PageRequest,
    ) -> Result<Page<ReportVersion>, StoreError> {
        let after = page.after(VERSION_LIST)?;
        let after = after.map(|key| key.parse::<i64>().map_err(|_| StoreError::BadCursor));
        let rows = sqlx::query_as(
            "SELECT * FROM report_versions
             WHERE report_id = ?1 AND (?2 IS NULL OR version < ?2)
             ORDER BY version DESC LIMIT ?3",
        )
        .bind(report)
        .bind(after.transpose()?)
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(VERSION_LIST, rows, |row: &ReportVersion| row.version.to_string()))
    }
}

pub(super) async fn insert_report(
    transaction: &mut Transaction<'_, Sqlite>,
    key: &ReportKey,
    title: &str,
    owner: &str,
) -> Result<Report, StoreError> {
    sqlx::query_as(
        "INSERT INTO reports (id, key, title, owner, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) RETURNING *",
    )
    .bind(ReportId::new())
    .bind(key)
    .bind(title)
    .bind(owner)
    .bind(Moment::now())
    .fetch_one(&mut **transaction)
    .await
    .map_err(|error| StoreError::on_insert(error, WHAT, key))
}

pub(super) async fn insert_version(
    transaction: &mut Transaction<'_, Sqlite>,
    report: &ReportId,
    number: i64,
    new: &NewReportVersion,
) -> Result<ReportVersion, StoreError> {
    sqlx::query_as(
        "INSERT INTO report_versions (id, report_id, version, scope_version_id, datasource_id,
             def_json, checksum, status, created_by, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'active', ?, ?) RETURNING *",
    )
    .bind(ReportVersionId::new())
    .bind(report)
    .bind(number)
    .bind(&new.scope_version_id)
    .bind(&new.datasource_id)
    .bind(Json(&new.def))
    .bind(checksum(&new.def))
    .bind(&new.created_by)
    .bind(Moment::now())
    .fetch_one(&mut **transaction)
    .await
    .map_err(|error| StoreError::on_insert(error, VERSION, report))
}
