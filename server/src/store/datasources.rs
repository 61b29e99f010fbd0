//! Registered sources.

use serde_json::Value;
use sqlx::{FromRow, Sqlite, Transaction};

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store, catalogs};
use crate::config::SourceKind;
use crate::id::DatasourceId;
use crate::secrets::StoredDsn;

const WHAT: &str = "datasource";
const LIST: &str = "datasources";

/// Who registered a source: the configuration's are written again at each start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum Origin {
    Config,
    Api,
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Datasource {
    pub(crate) id: DatasourceId,
    pub(crate) kind: SourceKind,
    /// Present unless the kind is files.
    pub(crate) dsn: Option<StoredDsn>,
    /// Present where the kind is files.
    pub(crate) base_path: Option<String>,
    pub(crate) display_name: String,
    pub(crate) is_default: bool,
    pub(crate) allow_superuser: bool,
    pub(crate) sample_values: bool,
    pub(crate) origin: Origin,
    /// Whose it is, where it is a learning session's; `None`: everybody's.
    pub(crate) owner: Option<String>,
    /// What the last health check found.
    #[sqlx(rename = "health_json", json(nullable))]
    pub(crate) health: Option<Value>,
    /// Goes up with each change; health checks are none.
    pub(crate) version: i64,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

#[derive(Debug, Clone)]
pub(crate) struct NewDatasource {
    pub(crate) id: DatasourceId,
    pub(crate) kind: SourceKind,
    pub(crate) dsn: Option<StoredDsn>,
    pub(crate) base_path: Option<String>,
    pub(crate) display_name: String,
    /// Takes the place of the default there was.
    pub(crate) is_default: bool,
    pub(crate) allow_superuser: bool,
    pub(crate) sample_values: bool,
    /// `None`: everybody's.
    pub(crate) owner: Option<String>,
}

/// What to change; `None` stays as it is. A kind never changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct DatasourceChange {
    pub(crate) dsn: Option<StoredDsn>,
    pub(crate) base_path: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) is_default: Option<bool>,
    pub(crate) allow_superuser: Option<bool>,
    pub(crate) sample_values: Option<bool>,
}

pub(crate) struct Datasources<'s> {
    store: &'s Store,
}

impl<'s> Datasources<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn create(&self, new: NewDatasource) -> Result<Datasource, StoreError> {
        let mut transaction = self.store.write().await?;
        let created = insert(&mut transaction, &new).await?;
        transaction.commit().await?;
        Ok(created)
    }

    /// Writes the sources of the configuration. One that it names no longer stays, as if it had
    /// come by the API, so that its history and edits are not lost with a line of YAML.
    pub(crate) async fn sync_config(&self, sources: &[NewDatasource]) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query("UPDATE datasources SET origin = 'api' WHERE origin = 'config'")
            .execute(&mut *transaction)
            .await?;
        for new in sources {
            upsert_config(&mut transaction, new).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub(crate) async fn get(&self, id: &DatasourceId) -> Result<Datasource, StoreError> {
        sqlx::query_as("SELECT * FROM datasources WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// A source with the tag of its catalog's record, if it was learned: what is looked at before
    /// each run.
    pub(crate) async fn with_tag(
        &self,
        id: &DatasourceId,
    ) -> Result<(Datasource, Option<String>), StoreError> {
        #[derive(FromRow)]
        struct Tagged {
            #[sqlx(flatten)]
            datasource: Datasource,
            catalog_version: Option<String>,
            edits_version: Option<i64>,
        }
        let query = sqlx::query_as(
            "SELECT d.*, c.version AS catalog_version, c.edits_version FROM datasources d
             LEFT JOIN catalogs c ON c.datasource_id = d.id WHERE d.id = ?",
        );
        let found: Option<Tagged> = query.bind(id).fetch_optional(self.store.reader()).await?;
        let found = found.ok_or_else(|| StoreError::not_found(WHAT, id))?;
        let parts = found.catalog_version.zip(found.edits_version);
        Ok((found.datasource, parts.map(|(version, edits)| catalogs::tag(&version, edits))))
    }

    /// The one that is meant where none is named.
    pub(crate) async fn default(&self) -> Result<Option<Datasource>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM datasources WHERE is_default = 1");
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// All that are everybody's, by id.
    pub(crate) async fn all(&self) -> Result<Vec<Datasource>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM datasources WHERE owner IS NULL ORDER BY id");
        Ok(query.fetch_all(self.store.reader()).await?)
    }

    /// By id, those that are everybody's: a session's is found with its session.
    pub(crate) async fn list(&self, page: &PageRequest) -> Result<Page<Datasource>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM datasources WHERE owner IS NULL AND id > ? ORDER BY id LIMIT ?",
        );
        let rows = query
            .bind(page.after(LIST)?.unwrap_or_default())
            .bind(page.fetch())
            .fetch_all(self.store.reader())
            .await?;
        Ok(page.page(LIST, rows, |row: &Datasource| row.id.to_string()))
    }

    /// `expected`: the version the change was made against.
    pub(crate) async fn update(
        &self,
        id: &DatasourceId,
        change: &DatasourceChange,
        expected: Option<i64>,
    ) -> Result<Datasource, StoreError> {
        let mut transaction = self.store.write().await?;
        let actual: i64 = sqlx::query_scalar("SELECT version FROM datasources WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))?;
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            let id = id.to_string();
            return Err(StoreError::VersionMismatch { what: WHAT, id, expected, actual });
        }
        if change.is_default == Some(true) {
            clear_default(&mut transaction).await?;
        }
        let updated = sqlx::query_as(
            "UPDATE datasources SET dsn = coalesce(?, dsn), base_path = coalesce(?, base_path),
                 display_name = coalesce(?, display_name), is_default = coalesce(?, is_default),
                 allow_superuser = coalesce(?, allow_superuser),
                 sample_values = coalesce(?, sample_values), version = version + 1, updated_at = ?
             WHERE id = ? RETURNING *",
        )
        .bind(&change.dsn)
        .bind(&change.base_path)
        .bind(&change.display_name)
        .bind(change.is_default)
        .bind(change.allow_superuser)
        .bind(change.sample_values)
        .bind(Moment::now())
        .bind(id)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(updated)
    }

    pub(crate) async fn set_health(
        &self,
        id: &DatasourceId,
        health: &Value,
    ) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("UPDATE datasources SET health_json = ? WHERE id = ?")
            .bind(sqlx::types::Json(health))
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, id));
        }
        Ok(transaction.commit().await?)
    }

    /// Removes a source that no report is bound to and no run uses, with its catalog and notes.
    pub(crate) async fn delete(&self, id: &DatasourceId) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        remove(&mut transaction, id).await?;
        Ok(transaction.commit().await?)
    }
}

/// The same, within a transaction.
pub(super) async fn remove(
    transaction: &mut Transaction<'_, Sqlite>,
    id: &DatasourceId,
) -> Result<(), StoreError> {
    let by: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT 'report ' || r.key FROM report_versions v
             JOIN reports r ON r.id = v.report_id
             WHERE v.datasource_id = ?1 AND r.archived = 0
         UNION ALL
         SELECT 'run ' || id FROM report_runs WHERE datasource_id = ?1 AND status = 'running'
         LIMIT 20",
    )
    .bind(id)
    .fetch_all(&mut **transaction)
    .await?;
    if !by.is_empty() {
        return Err(StoreError::InUse { what: WHAT, id: id.to_string(), by });
    }
    let done = sqlx::query("DELETE FROM datasources WHERE id = ?")
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::not_found(WHAT, id));
    }
    Ok(())
}

async fn clear_default(transaction: &mut Transaction<'_, Sqlite>) -> Result<(), StoreError> {
    sqlx::query("UPDATE datasources SET is_default = 0 WHERE is_default = 1")
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

pub(super) async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewDatasource,
) -> Result<Datasource, StoreError> {
    if new.is_default {
        clear_default(transaction).await?;
    }
    let query = sqlx::query_as(
        "INSERT INTO datasources (id, kind, dsn, base_path, display_name, is_default,
             allow_superuser, sample_values, owner, origin, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'api', ?10, ?10) RETURNING *",
    );
    query
        .bind(&new.id)
        .bind(new.kind)
        .bind(&new.dsn)
        .bind(&new.base_path)
        .bind(&new.display_name)
        .bind(new.is_default)
        .bind(new.allow_superuser)
        .bind(new.sample_values)
        .bind(&new.owner)
        .bind(Moment::now())
        .fetch_one(&mut **transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, WHAT, &new.id))
}

async fn upsert_config(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewDatasource,
) -> Result<(), StoreError> {
    if new.is_default {
        clear_default(transaction).await?;
    }
    sqlx::query(
        "INSERT INTO datasources (id, kind, dsn, base_path, display_name, is_default,
             allow_superuser, sample_values, origin, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'config', ?9, ?9)
         ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, dsn = excluded.dsn,
             base_path = excluded.base_path, display_name = excluded.display_name,
             is_default = excluded.is_default, allow_superuser = excluded.allow_superuser,
             sample_values = excluded.sample_values, origin = 'config', version = version + 1,
             updated_at = excluded.updated_at",
    )
    .bind(&new.id)
    .bind(new.kind)
    .bind(&new.dsn)
    .bind(&new.base_path)
    .bind(&new.display_name)
    .bind(new.is_default)
    .bind(new.allow_superuser)
    .bind(new.sample_values)
    .bind(Moment::now())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
