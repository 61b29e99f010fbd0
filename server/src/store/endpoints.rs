//! Published endpoints. A version of an endpoint is a version of the report whose key is its slug:
//! both are written in one transaction. An endpoint whose report was archived is none any more.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, Sqlite, Transaction};

use super::error::StoreError;
use super::reports::{insert_report, insert_version};
use super::{Moment, NewReportVersion, Page, PageRequest, Report, ReportVersion, Store};
use crate::id::{
    DatasourceId, EndpointId, LearningSessionId, ReportId, ReportKey, ReportVersionId,
};

const WHAT: &str = "endpoint";
const LIST: &str = "endpoints";
/// The endpoints that are shown at once as functions and as a document.
const ALL: i64 = 500;

/// A version of an endpoint, with what its report says of it.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Endpoint {
    pub(crate) slug: ReportKey,
    pub(crate) version: i64,
    pub(crate) session_id: Option<LearningSessionId>,
    pub(crate) report_version_id: ReportVersionId,
    pub(crate) report_id: ReportId,
    /// The contract's `EndpointParam`s.
    #[sqlx(rename = "params_json", json)]
    pub(crate) params: Value,
    /// The contract's `ResultColumn`s.
    #[sqlx(rename = "columns_json", json)]
    pub(crate) columns: Value,
    pub(crate) description: Option<String>,
    pub(crate) owner: String,
    /// Who published it; versions from before there were keys do not say.
    #[sqlx(rename = "principal_json", json(nullable))]
    pub(crate) principal: Option<Value>,
    pub(crate) title: String,
    pub(crate) datasource_id: DatasourceId,
    pub(crate) created_at: Moment,
    /// Numbers of its versions, as a JSON array.
    #[sqlx(json)]
    pub(crate) versions: Vec<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct NewEndpoint {
    pub(crate) slug: ReportKey,
    /// Where it is not given, a version keeps the title that there is.
    pub(crate) title: Option<String>,
    /// The title of a first version without one.
    pub(crate) question: String,
    pub(crate) description: Option<String>,
    pub(crate) session_id: LearningSessionId,
    pub(crate) params: Value,
    pub(crate) columns: Value,
    /// Who publishes, and may publish over their own.
    pub(crate) owner: String,
    /// The same, as keys will call.
    pub(crate) principal: Value,
    pub(crate) definition: NewReportVersion,
}

/// Versions of endpoints that can be called.
macro_rules! endpoints {
    () => {
        "SELECT e.slug, e.version, e.session_id, e.report_version_id, v.report_id, e.params_json,
             e.columns_json, e.description, e.owner, e.principal_json, r.title, v.datasource_id,
             e.created_at,
             (SELECT json_group_array(o.version) FROM
                 (SELECT version FROM api_endpoints WHERE slug = e.slug ORDER BY version) o)
                 AS versions
         FROM api_endpoints e
         JOIN report_versions v ON v.id = e.report_version_id
         JOIN reports r ON r.id = v.report_id AND r.archived = 0"
    };
}

/// The newest version alone.
macro_rules! newest {
    () => {
        " e.version = (SELECT max(version) FROM api_endpoints WHERE slug = e.slug)"
    };
}

pub(crate) struct Endpoints<'s> {
    store: &'s Store,
}

impl<'s> Endpoints<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// A new endpoint, or the next version of the caller's own.
    pub(crate) async fn publish(&self, new: &NewEndpoint) -> Result<Endpoint, StoreError> {
        let mut transaction = self.store.write().await?;
        // What is left of one whose report was archived.
        sqlx::query(
            "DELETE FROM api_endpoints WHERE slug = ? AND report_version_id IN
                 (SELECT v.id FROM report_versions v
                  JOIN reports r ON r.id = v.report_id WHERE r.archived = 1)",
        )
        .bind(&new.slug)
        .execute(&mut *transaction)
        .await?;
        let (report, version) = match own(&mut transaction, new).await? {
            Some(report) => next(&mut transaction, report, new).await?,
            None => first(&mut transaction, new).await?,
        };
        insert(&mut transaction, new, &version).await?;
        sqlx::query(
            "UPDATE learning_sessions SET status = 'published', updated_at = ? WHERE id = ?",
        )
        .bind(Moment::now())
        .bind(&new.session_id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.get(&report.key, None).await
    }

    /// The version of that number, or the newest.
    pub(crate) async fn get(
        &self,
        slug: &ReportKey,
        version: Option<u32>,
    ) -> Result<Endpoint, StoreError> {
        sqlx::query_as(concat!(
            endpoints!(),
            " WHERE e.slug = ?1 AND (e.version = ?2 OR (?2 IS NULL AND",
            newest!(),
            "))"
        ))
        .bind(slug)
        .bind(version.map(i64::from))
        .fetch_optional(self.store.reader())
        .await?
        .ok_or_else(|| match version {
            None => StoreError::not_found(WHAT, slug),
            Some(number) => StoreError::not_found(WHAT, format!("{slug} of version {number}")),
        })
    }

    /// By slug, each as its newest version is.
    pub(crate) async fn list(&self, page: &PageRequest) -> Result<Page<Endpoint>, StoreError> {
        let rows = sqlx::query_as(concat!(
            endpoints!(),
            " WHERE e.slug > ? AND",
            newest!(),
            " ORDER BY e.slug LIMIT ?"
        ))
        .bind(page.after(LIST)?.unwrap_or_default())
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &Endpoint| row.slug.to_string()))
    }

    /// The same without pages, as many as are shown at once.
    pub(crate) async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        let query =
            sqlx::query_as(concat!(endpoints!(), " WHERE", newest!(), " ORDER BY e.slug LIMIT ?"));
        Ok(query.bind(ALL).fetch_all(self.store.reader()).await?)
    }

    /// What of a session was published, and is there still.
    pub(crate) async fn of_session(
        &self,
        session: &LearningSessionId,
    ) -> Result<Vec<(ReportKey, i64)>, StoreError> {
        let query = sqlx::query_as(
            "SELECT e.slug, e.version FROM api_endpoints e
             JOIN report_versions v ON v.id = e.report_version_id
             JOIN reports r ON r.id = v.report_id AND r.archived = 0
             WHERE e.session_id = ? ORDER BY e.slug, e.version",
        );
        Ok(query.bind(session).fetch_all(self.store.reader()).await?)
    }

    /// Whether a version of a report was published, so that others may run it.
    pub(crate) async fn is_published(&self, version: &ReportVersionId) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM api_endpoints e
                 JOIN report_versions v ON v.id = e.report_version_id
                 JOIN reports r ON r.id = v.report_id AND r.archived = 0
                 WHERE e.report_version_id = ?)",
        );
        Ok(query.bind(version).fetch_one(self.store.reader()).await?)
    }

    /// Takes an endpoint out of use, with all its versions, and its report.
    pub(crate) async fn delete(&self, slug: &ReportKey) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("DELETE FROM api_endpoints WHERE slug = ?")
            .bind(slug)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, slug));
        }
        sqlx::query(
            "DELETE FROM endpoint_keys WHERE report_id IN (SELECT id FROM reports WHERE key = ?)",
        )
        .bind(slug)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "UPDATE reports SET archived = 1, updated_at = ? WHERE key = ? AND archived = 0",
        )
        .bind(Moment::now())
        .bind(slug)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

/// The report of an endpoint that is the caller's own. A slug that is another's, or the key of a
/// report that is no endpoint, is taken.
async fn own(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewEndpoint,
) -> Result<Option<Report>, StoreError> {
    let report: Option<Report> =
        sqlx::query_as("SELECT * FROM reports WHERE key = ? AND archived = 0")
            .bind(&new.slug)
            .fetch_optional(&mut **transaction)
            .await?;
    let Some(report) = report else { return Ok(None) };
    let owners: Vec<String> = sqlx::query_scalar("SELECT owner FROM api_endpoints WHERE slug = ?")
        .bind(&new.slug)
        .fetch_all(&mut **transaction)
        .await?;
    if owners.is_empty() || owners.iter().any(|owner| *owner != new.owner) {
        return Err(StoreError::Exists { what: WHAT, id: new.slug.to_string() });
    }
    Ok(Some(report))
}

async fn first(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewEndpoint,
) -> Result<(Report, ReportVersion), StoreError> {
    let title = new.title.as_ref().unwrap_or(&new.question);
    let report = insert_report(transaction, &new.slug, title, &new.owner).await?;
    let version = insert_version(transaction, &report.id, 1, &new.definition).await?;
    Ok((report, version))
}

async fn next(
    transaction: &mut Transaction<'_, Sqlite>,
    report: Report,
    new: &NewEndpoint,
) -> Result<(Report, ReportVersion), StoreError> {
    let newest: i64 = sqlx::query_scalar(
        "SELECT coalesce(max(version), 0) FROM report_versions WHERE report_id = ?",
    )
    .bind(&report.id)
    .fetch_one(&mut **transaction)
    .await?;
    sqlx::query("UPDATE reports SET title = coalesce(?, title), updated_at = ? WHERE id = ?")
        .bind(&new.title)
        .bind(Moment::now())
        .bind(&report.id)
        .execute(&mut **transaction)
        .await?;
    let version = insert_version(transaction, &report.id, newest + 1, &new.definition).await?;
    Ok((report, version))
}

async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewEndpoint,
    version: &ReportVersion,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO api_endpoints (id, slug, version, session_id, report_version_id, params_json,
             columns_json, description, owner, principal_json, status, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?)",
    )
    .bind(EndpointId::new())
    .bind(&new.slug)
    .bind(version.version)
    .bind(&new.session_id)
    .bind(&version.id)
    .bind(Json(&new.params))
    .bind(Json(&new.columns))
    .bind(&new.description)
    .bind(&new.owner)
    .bind(Json(&new.principal))
    .bind(version.created_at)
    .execute(&mut **transaction)
    .await
    .map_err(|error| StoreError::on_insert(error, WHAT, &new.slug))?;
    Ok(())
}
