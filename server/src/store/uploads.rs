//! Uploaded files: whose they are, what they take of the disk, and what became of them.
//!
//! In: files on their way, with the room that is set aside for them. Out: durable rows, which are
//! the truth about the folder of uploads. Room is given in the transaction that counts it, so that
//! uploads at once never get more than there is. Absent on purpose: the files.

mod holds;
mod record;

use sqlx::{QueryBuilder, Sqlite, Transaction};

pub(crate) use self::holds::{hold_files, release_files};
pub(crate) use self::record::{FileForm, FileState, Given, Packing, Room, Settled, Upload};

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store};
use crate::id::{FileId, ProcessId};

pub(super) const WHAT: &str = "file";
const LIST: &str = "files";

pub(crate) struct Uploads<'s> {
    store: &'s Store,
}

/// SQLite counts in 64 bits with a sign; no disk is larger.
fn column(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl<'s> Uploads<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// A new file on its way, with room for so many bytes.
    pub(crate) async fn begin(
        &self,
        id: &FileId,
        (owner, name): (&str, &str),
        bytes: u64,
        room: &Room,
    ) -> Result<Given, StoreError> {
        let mut transaction = self.store.write().await?;
        let files: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads WHERE owner = ?")
            .bind(owner)
            .fetch_one(&mut *transaction)
            .await?;
        if files >= column(room.files) {
            return Ok(Given::TooManyFiles);
        }
        let now = Moment::now();
        sqlx::query(
            "INSERT INTO uploads (id, owner, name, state, process_id, bytes, created_at, updated_at)
             VALUES (?, ?, ?, 'receiving', ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(owner)
        .bind(name)
        .bind(self.store.process())
        .bind(column(bytes))
        .bind(now)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        given(transaction, owner, room).await
    }

    /// Room for a file to become so large.
    pub(crate) async fn grow(
        &self,
        id: &FileId,
        owner: &str,
        to: u64,
        room: &Room,
    ) -> Result<Given, StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("UPDATE uploads SET bytes = ? WHERE id = ? AND state = 'receiving'")
            .bind(column(to))
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, id));
        }
        given(transaction, owner, room).await
    }

    /// The files of a request came whole: all of them are there from now on, or none.
    pub(crate) async fn settle(&self, files: &[Settled]) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        for file in files {
            let done = sqlx::query(
                "UPDATE uploads SET state = 'quarantined', bytes = ?, format = ?, compression = ?,
                     stored_as = ?, sha256 = ?, updated_at = ?
                 WHERE id = ? AND state = 'receiving'",
            )
            .bind(column(file.bytes))
            .bind(file.format)
            .bind(file.compression)
            .bind(&file.stored_as)
            .bind(&file.sha256)
            .bind(Moment::now())
            .bind(&file.id)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() == 0 {
                return Err(StoreError::not_found(WHAT, &file.id));
            }
        }
        Ok(transaction.commit().await?)
    }

    /// A file was read whole. Whether it still was to be.
    pub(crate) async fn ready(
        &self,
        id: &FileId,
        rows: u64,
        columns: u64,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "UPDATE uploads SET state = 'ready', rows = ?, columns = ?, updated_at = ?
             WHERE id = ? AND state = 'quarantined'",
        );
        let query = query.bind(column(rows)).bind(column(columns)).bind(Moment::now()).bind(id);
        self.changed(query).await
    }

    /// A file cannot be used. Whether it still was to be read.
    pub(crate) async fn reject(&self, id: &FileId, reason: &str) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "UPDATE uploads SET state = 'rejected', bytes = 0, reason = ?, updated_at = ?
             WHERE id = ? AND state = 'quarantined'",
        );
        self.changed(query.bind(reason).bind(Moment::now()).bind(id)).await
    }

    /// Takes a file over from a process that has ended. Whether nobody else did.
    pub(crate) async fn adopt(&self, id: &FileId, from: &ProcessId) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "UPDATE uploads SET process_id = ?
             WHERE id = ? AND process_id = ? AND state = 'quarantined'",
        );
        self.changed(query.bind(self.store.process()).bind(id).bind(from)).await
    }

    async fn changed(
        &self,
        query: sqlx::query::Query<'_, Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.store.write().await?;
        let done = query.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// One that came whole.
    pub(crate) async fn get(&self, id: &FileId) -> Result<Upload, StoreError> {
        sqlx::query_as("SELECT * FROM uploads WHERE id = ? AND state <> 'receiving'")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// Newest first; of one owner, or of all.
    pub(crate) async fn list(
        &self,
        owner: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Upload>, StoreError> {
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT * FROM uploads WHERE state <> 'receiving'");
        if let Some(owner) = owner {
            query.push(" AND owner = ").push_bind(owner);
        }
        if let Some(after) = page.after(LIST)? {
            query.push(" AND id < ").push_bind(after);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(page.fetch());
        let rows = query.build_query_as().fetch_all(self.store.reader()).await?;
        Ok(page.page(LIST, rows, |row: &Upload| row.id.to_string()))
    }

    /// Those that somebody receives or reads, or did when they ended.
    pub(crate) async fn pending(&self) -> Result<Vec<Upload>, StoreError> {
        let query = "SELECT * FROM uploads WHERE state IN ('receiving', 'quarantined')";
        Ok(sqlx::query_as(query).fetch_all(self.store.reader()).await?)
    }

    /// One of them, if it still is, and still that process's.
    pub(crate) async fn pending_of(
        &self,
        id: &FileId,
        process: &ProcessId,
    ) -> Result<Option<Upload>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM uploads
             WHERE id = ? AND process_id = ? AND state IN ('receiving', 'quarantined')",
        );
        let query = query.bind(id).bind(process);
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// Whether there is a row, of any state.
    pub(crate) async fn is_known(&self, id: &FileId) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar::<_, i64>("SELECT 1 FROM uploads WHERE id = ?").bind(id);
        Ok(query.fetch_optional(self.store.reader()).await?.is_some())
    }

    /// Removes files that nobody was told of as kept. One that somebody uses stays.
    pub(crate) async fn discard(&self, ids: &[FileId]) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        for id in ids {
            sqlx::query(
                "DELETE FROM uploads WHERE id = ?
                     AND NOT EXISTS (SELECT 1 FROM upload_holds WHERE file_id = uploads.id)",
            )
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Removes a file that nobody uses.
    pub(crate) async fn delete(&self, id: &FileId) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        let by = holds::holders(&mut transaction, id).await?;
        if !by.is_empty() {
            return Err(StoreError::InUse { what: WHAT, id: id.to_string(), by });
        }
        let done = sqlx::query("DELETE FROM uploads WHERE id = ? AND state <> 'receiving'")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, id));
        }
        Ok(transaction.commit().await?)
    }

    /// Forgets what was rejected before a moment: its owner had the time to read why.
    pub(crate) async fn forget_rejected(&self, before: Moment) -> Result<(), StoreError> {
        let query = "DELETE FROM uploads WHERE state = 'rejected' AND updated_at < ?";
        self.changed(sqlx::query(query).bind(before)).await.map(drop)
    }
}

/// Commits where what is set aside now is within what there is.
async fn given(
    mut transaction: Transaction<'static, Sqlite>,
    owner: &str,
    room: &Room,
) -> Result<Given, StoreError> {
    let (own, all): (i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(bytes) FILTER (WHERE owner = ?), 0), coalesce(sum(bytes), 0)
         FROM uploads",
    )
    .bind(owner)
    .fetch_one(&mut *transaction)
    .await?;
    if own > column(room.user) {
        return Ok(Given::UserFull);
    }
    if all > column(room.all) {
        return Ok(Given::StoreFull);
    }
    transaction.commit().await?;
    Ok(Given::Yes)
}
