//! Learning sessions. A session, its source, its room and its hold on the files are one: written
//! in one transaction, and removed in one.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;

use super::chat_rooms::insert_room;
use super::datasources::{insert as insert_source, remove as remove_source};
use super::error::StoreError;
use super::{
    Moment, NewChatRoom, NewDatasource, Page, PageRequest, Store, hold_files, release_files,
};
use crate::events::Channel;
use crate::id::{ChatRoomId, DatasourceId, FileId, LearningSessionId};

const WHAT: &str = "learning session";
const LIST: &str = "learning sessions";

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum SessionStatus {
    Open,
    /// Something of it was published.
    Published,
}

/// A file of a session, and the table that it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionFile {
    pub(crate) id: FileId,
    /// As it was uploaded.
    pub(crate) name: String,
    pub(crate) table: String,
    /// Its name in the session's folder.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) rows: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Session {
    pub(crate) id: LearningSessionId,
    pub(crate) owner: String,
    pub(crate) title: String,
    #[sqlx(rename = "files_json", json)]
    pub(crate) files: Vec<SessionFile>,
    #[sqlx(rename = "suggestions_json", json)]
    pub(crate) suggestions: Vec<String>,
    pub(crate) status: SessionStatus,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

impl Session {
    /// Its source, which has its id.
    pub(crate) fn source(&self) -> Result<DatasourceId, crate::id::IdError> {
        self.id.as_str().parse()
    }

    /// Its room in the chat, which has its id.
    pub(crate) fn room(&self) -> Result<ChatRoomId, crate::id::IdError> {
        self.id.as_str().parse()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) id: LearningSessionId,
    pub(crate) owner: String,
    pub(crate) title: String,
    pub(crate) files: Vec<SessionFile>,
    pub(crate) source: NewDatasource,
    pub(crate) room: NewChatRoom,
}

pub(crate) struct Sessions<'s> {
    store: &'s Store,
}

impl<'s> Sessions<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// A session with its source and its room; its files are held.
    pub(crate) async fn open(&self, new: &NewSession) -> Result<Session, StoreError> {
        let mut transaction = self.store.write().await?;
        insert_source(&mut transaction, &new.source).await?;
        insert_room(&mut transaction, &new.room).await?;
        let session = sqlx::query_as(
            "INSERT INTO learning_sessions
                 (id, owner, title, datasource_id, files_json, status, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?6) RETURNING *",
        )
        .bind(&new.id)
        .bind(&new.owner)
        .bind(&new.title)
        .bind(&new.source.id)
        .bind(Json(&new.files))
        .bind(Moment::now())
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, WHAT, &new.id))?;
        let files: Vec<FileId> = new.files.iter().map(|file| file.id.clone()).collect();
        hold_files(&mut transaction, &files, &new.id).await?;
        transaction.commit().await?;
        Ok(session)
    }

    pub(crate) async fn get(&self, id: &LearningSessionId) -> Result<Session, StoreError> {
        sqlx::query_as("SELECT * FROM learning_sessions WHERE id = ?")
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
    ) -> Result<Page<Session>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM learning_sessions
             WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR id < ?2)
             ORDER BY id DESC LIMIT ?3",
        )
        .bind(owner)
        .bind(page.after(LIST)?)
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &Session| row.id.to_string()))
    }

    /// What learning found: rows of each file, and questions to begin with.
    pub(crate) async fn learned(
        &self,
        id: &LearningSessionId,
        files: &[SessionFile],
        suggestions: &[String],
    ) -> Result<Session, StoreError> {
        let mut transaction = self.store.write().await?;
        let session = sqlx::query_as(
            "UPDATE learning_sessions SET files_json = ?, suggestions_json = ? WHERE id = ?
             RETURNING *",
        )
        .bind(Json(files))
        .bind(Json(suggestions))
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| StoreError::not_found(WHAT, id))?;
        transaction.commit().await?;
        Ok(session)
    }

    /// Says that something was said in it.
    pub(crate) async fn touch(&self, id: &LearningSessionId) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query("UPDATE learning_sessions SET updated_at = ? WHERE id = ?")
            .bind(Moment::now())
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Removes a session with its source, room and transcript, and lets its files go. One whose
    /// source a report needs, an endpoint's too, stays.
    pub(crate) async fn delete(&self, session: &Session) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("DELETE FROM learning_sessions WHERE id = ?")
            .bind(&session.id)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, &session.id));
        }
        // The three have one id. A source that was never written is none to remove.
        let id = session.id.as_str();
        if let Ok(source) = id.parse()
            && let Err(error) = remove_source(&mut transaction, &source).await
            && !matches!(error, StoreError::NotFound { .. })
        {
            return Err(match error {
                StoreError::InUse { by, .. } => {
                    StoreError::InUse { what: WHAT, id: id.to_owned(), by }
                }
                other => other,
            });
        }
        sqlx::query("DELETE FROM chat_rooms WHERE id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM events WHERE channel = ?")
            .bind(Channel::Chat(id.to_owned()).to_string())
            .execute(&mut *transaction)
            .await?;
        release_files(&mut transaction, &session.id).await?;
        Ok(transaction.commit().await?)
    }
}
