//! Opening the database, and the connections that read and write.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::mpsc::UnboundedSender;

use super::chat_posts::Posts;
use super::chat_standings::Standings;
use super::data_dir::private_file;
use super::error::StoreError;
use super::reading::Readers;
use super::together::{Text, Together};
use super::{
    Analyses, AuditLog, CatalogRecord, Catalogs, ChatMessages, ChatRooms, Datasources, EdaProfiles,
    EndpointKeys, Endpoints, EventRows, IdempotencyKeys, Jobs, ModelDrafts, Owners, Reports, Runs,
    Schedules, SchemaNotes, Scopes, Sessions, Uploads,
};
use crate::events::Event;
use crate::id::{FileId, ProcessId};

const READERS: u32 = 4;
/// How long a write waits for its turn before it is told that the control plane is busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The control plane. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    writer: SqlitePool,
    reader: Readers,
    process: ProcessId,
    /// Who hands on the events of what was committed.
    listener: Arc<OnceLock<UnboundedSender<Event>>>,
    posts: Arc<Together<Posts>>,
    standings: Arc<Together<Standings>>,
}

impl Store {
    /// Opens the file, making it if it is missing, and brings it up to date.
    pub(crate) async fn open(file: &Path) -> Result<Self, StoreError> {
        // SQLite gives its -wal and -shm files the mode of the database.
        open_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // Every statement of this folder stays prepared.
            .statement_cache_capacity(256)
            .busy_timeout(PATIENCE);
        // The writer is never replaced, so that its statements stay prepared. A connection to a
        // file does not go away, so it is not asked whether it is there.
        let pool = SqlitePoolOptions::new()
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false);
        let writer = pool.max_connections(1).connect_with(options.clone()).await?;
        {
            // Two processes that share the folder may start at once.
            let _turn = migrating(file)?;
            MIGRATIONS.run(&writer).await?;
        }
        let reading = options.pragma("query_only", "on");
        let reader = Readers::open(reading, READERS).await?;
        Ok(Self {
            writer,
            reader,
            process: ProcessId::new(),
            listener: Arc::default(),
            posts: Arc::default(),
            standings: Arc::default(),
        })
    }

    /// This life of the server, as runs and keys in flight name it.
    pub(crate) fn process(&self) -> &ProcessId {
        &self.process
    }

    /// From now on `listener` gets the events of what is committed, in the order of each channel.
    pub(crate) fn announce_to(&self, listener: UnboundedSender<Event>) {
        // The first one stays; there is one for a life of the service.
        let _ = self.listener.set(listener);
    }

    /// Hands on events whose transaction was committed. They are in the table whatever becomes of
    /// them here.
    pub(super) fn tell(&self, events: impl IntoIterator<Item = Event>) {
        if let Some(listener) = self.listener.get() {
            events.into_iter().for_each(|event| drop(listener.send(event)));
        }
    }

    pub(super) fn reader(&self) -> &Readers {
        &self.reader
    }

    /// A transaction that holds the right to write from its first statement.
    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// The one connection that writes, for whoever writes whole transactions by it.
    pub(super) async fn writing(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.writer.acquire().await?)
    }

    /// Carries out a text that is a whole transaction, from `BEGIN` to `COMMIT`, and gives the rows
    /// of its statements. Where it fails, or is dropped half way, nothing is written.
    pub(super) async fn at_once(
        connection: &mut PoolConnection<Sqlite>,
        transaction: Text,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut whole = Whole { connection, is_over: false };
        let done = transaction.fetch_all(&mut **whole.connection).await;
        whole.is_over = match &done {
            Ok(_) => true,
            Err(_) => sqlx::query("ROLLBACK").execute(&mut **whole.connection).await.is_ok(),
        };
        done
    }

    pub(super) fn posts(&self) -> &Arc<Together<Posts>> {
        &self.posts
    }

    pub(super) fn standings(&self) -> &Arc<Together<Standings>> {
        &self.standings
    }

    /// A transaction for tests of what writes in its caller's.
    #[cfg(test)]
    pub(crate) async fn write_for_tests(&self) -> Transaction<'static, Sqlite> {
        self.write().await.unwrap()
    }

    /// Whether reading and writing work, for `/readyz`.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.reader).await?;
        let transaction = self.write().await?;
        Ok(transaction.rollback().await?)
    }

    /// Writes a whole copy of a database, as of one instant, to a file that is missing or empty.
    /// The database may be in use, and is neither written to nor brought up to date.
    pub(crate) async fn copy(file: &Path, to: &Path) -> Result<(), StoreError> {
        open_private(to)?;
        let pool = reading(file).await?;
        let path = to.display().to_string();
        let copied = sqlx::query("VACUUM INTO ?").bind(path).execute(&pool).await;
        pool.close().await;
        copied?;
        Ok(())
    }

    /// The files of rows that the runs of a database name.
    pub(crate) async fn snapshots(file: &Path) -> Result<Vec<String>, StoreError> {
        let pool = reading(file).await?;
        let query =
            "SELECT snapshot_file FROM report_runs WHERE snapshot_file IS NOT NULL ORDER BY 1";
        let found = sqlx::query_scalar(query).fetch_all(&pool).await;
        pool.close().await;
        Ok(found?)
    }

    /// The uploaded files that a database names: their ids, and their names in their folders.
    pub(crate) async fn uploaded(file: &Path) -> Result<Vec<(FileId, String)>, StoreError> {
        let pool = reading(file).await?;
        // A database that no service of this version has opened yet has no such table.
        let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'uploads'";
        let there: Option<i64> = sqlx::query_scalar(table).fetch_optional(&pool).await?;
        let query = "SELECT id, stored_as FROM uploads
                     WHERE state IN ('quarantined', 'ready') ORDER BY id";
        let found = match there {
            Some(_) => sqlx::query_as(query).fetch_all(&pool).await,
            None => Ok(Vec::new()),
        };
        pool.close().await;
        Ok(found?)
    }

    /// Whether a file is a whole control plane. Nothing is written to it.
    pub(crate) async fn integrity(file: &Path) -> Result<(), StoreError> {
        let pool = reading(file).await?;
        let found: Vec<String> =
            sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&pool).await?;
        let runs: Result<i64, _> =
            sqlx::query_scalar("SELECT count(*) FROM report_runs").fetch_one(&pool).await;
        pool.close().await;
        runs?;
        match found.as_slice() {
            [one] if one == "ok" => Ok(()),
            _ => Err(StoreError::Damaged { file: file.to_owned() }),
        }
    }

    /// The catalogs in a file. Nothing is written to it.
    pub(crate) async fn learned(file: &Path) -> Result<Vec<CatalogRecord>, StoreError> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let found = sqlx::query_as("SELECT * FROM catalogs ORDER BY datasource_id");
        let found = found.fetch_all(&pool).await;
        pool.close().await;
        Ok(found?)
    }

    /// Finishes what is being written and closes the file.
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    pub(crate) fn datasources(&self) -> Datasources<'_> {
        Datasources::new(self)
    }

    pub(crate) fn schema_notes(&self) -> SchemaNotes<'_> {
        SchemaNotes::new(self)
    }

    pub(crate) fn catalogs(&self) -> Catalogs<'_> {
        Catalogs::new(self)
    }

    pub(crate) fn scopes(&self) -> Scopes<'_> {
        Scopes::new(self)
    }

    pub(crate) fn reports(&self) -> Reports<'_> {
        Reports::new(self)
    }

    pub(crate) fn sessions(&self) -> Sessions<'_> {
        Sessions::new(self)
    }

    pub(crate) fn endpoint_keys(&self) -> EndpointKeys<'_> {
        EndpointKeys::new(self)
    }

    pub(crate) fn endpoints(&self) -> Endpoints<'_> {
        Endpoints::new(self)
    }

    pub(crate) fn runs(&self) -> Runs<'_> {
        Runs::new(self)
    }

    pub(crate) fn jobs(&self) -> Jobs<'_> {
        Jobs::new(self)
    }

    pub(crate) fn schedules(&self) -> Schedules<'_> {
        Schedules::new(self)
    }

    pub(crate) fn model_drafts(&self) -> ModelDrafts<'_> {
        ModelDrafts::new(self)
    }

    pub(crate) fn eda_profiles(&self) -> EdaProfiles<'_> {
        EdaProfiles::new(self)
    }

    pub(crate) fn analyses(&self) -> Analyses<'_> {
        Analyses::new(self)
    }

    pub(crate) fn uploads(&self) -> Uploads<'_> {
        Uploads::new(self)
    }

    pub(crate) fn audit_log(&self) -> AuditLog<'_> {
        AuditLog::new(self)
    }

    pub(crate) fn events(&self) -> EventRows<'_> {
        EventRows::new(self)
    }

    pub(crate) fn chat_rooms(&self) -> ChatRooms<'_> {
        ChatRooms::new(self)
    }

    pub(crate) fn chat_messages(&self) -> ChatMessages<'_> {
        ChatMessages::new(self)
    }

    pub(crate) fn owners(&self) -> Owners<'_> {
        Owners::new(self)
    }

    pub(crate) fn idempotency_keys(&self) -> IdempotencyKeys<'_> {
        IdempotencyKeys::new(self)
    }
}

/// A transaction that is one text. A connection of which it is not known whether it is over is of
/// no use, and what was not committed goes with it.
struct Whole<'c> {
    connection: &'c mut PoolConnection<Sqlite>,
    is_over: bool,
}

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.close_on_drop();
        }
    }
}

/// A connection that cannot write.
async fn reading(file: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let options = options.busy_timeout(PATIENCE);
    Ok(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?)
}

/// The right to bring the file up to date; waits for whoever has it.
fn migrating(file: &Path) -> Result<File, StoreError> {
    let path = file.with_extension("migrating");
    let what = "the control plane cannot be locked while it is brought up to date";
    let locked = private_file(&path).and_then(|lock| lock.lock().map(|()| lock));
    locked.map_err(|source| StoreError::DataDir { what, path, source })
}

fn open_private(file: &Path) -> Result<(), StoreError> {
    let what = "the control plane's file cannot be opened";
    private_file(file).map(drop).map_err(|source| StoreError::DataDir {
        what,
        path: file.to_owned(),
        source,
    })
}
