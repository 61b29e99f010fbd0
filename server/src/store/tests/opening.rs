use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    let scratch = Scratch::new().await;
    scratch.store.datasources().create(files_source("a")).await.unwrap();
    let folder = scratch.folder.path();
    for file in ["air.db", "air.db-wal", "air.db-shm"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    let (file, to) = (folder.join("air.db"), folder.join("copy.db"));
    Store::copy(&file, &to).await.unwrap();
    assert_eq!(mode(&folder.join("copy.db")), 0o600);
    let copy = Store::open(&folder.join("copy.db")).await.unwrap();
    assert_eq!(copy.datasources().all().await.unwrap().len(), 1);
    assert!(Store::copy(&file, &to).await.is_err(), "overwritten");
}

#[tokio::test]
async fn the_connections_are_set_as_promised() {
    let scratch = Scratch::new().await;
    scratch.store.check().await.unwrap();
    let mut writer = scratch.store.write().await.unwrap();
    let pragma = async |connection: &mut sqlx::SqliteConnection, text: &'static str| {
        sqlx::query_scalar::<_, i64>(text).fetch_one(connection).await.unwrap()
    };
    assert_eq!(pragma(&mut writer, "PRAGMA foreign_keys").await, 1);
    assert_eq!(pragma(&mut writer, "PRAGMA synchronous").await, 2, "FULL");
    assert_eq!(pragma(&mut writer, "PRAGMA busy_timeout").await, 10_000);
    let journal: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *writer).await.unwrap();
    assert_eq!(journal, "wal");
    let refused = sqlx::query("DELETE FROM datasources").execute(scratch.store.reader()).await;
    assert!(refused.is_err(), "a reader wrote");
}

#[tokio::test]
async fn every_table_of_the_specification_is_there() {
    let scratch = Scratch::new().await;
    let columns = [
        ("datasources", "id kind dsn display_name is_default created_at updated_at"),
        ("schema_notes", "id datasource_id object chunk md md_hash created_at"),
        ("scopes", "id name status created_at updated_at"),
        ("scope_versions", "id scope_id version scope_md ir_json created_at"),
        ("reports", "id key title owner archived created_at updated_at"),
        (
            "report_versions",
            "id report_id version scope_version_id datasource_id def_json checksum status created_at",
        ),
        (
            "report_runs",
            "id report_id report_version_id datasource_id params_json sql_text row_count \
             started_at finished_at status error_text",
        ),
        ("report_samples", "run_id seq row_json"),
        (
            "report_analyses",
            "id run_id model_used rubric_version verdict_json analysis_md created_at",
        ),
        ("catalogs", "datasource_id"),
        ("jobs", "id"),
        ("chat_rooms", "id"),
        ("chat_messages", "id"),
        ("learning_sessions", "id"),
        ("api_endpoints", "slug"),
        ("audit_log", "id"),
        ("idempotency_keys", "key"),
    ];
    for (table, wanted) in columns {
        let found: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(table)
            .fetch_all(scratch.store.reader())
            .await
            .unwrap();
        for column in wanted.split_whitespace() {
            assert!(found.iter().any(|name| name == column), "{table}.{column}");
        }
    }
}

#[test]
fn the_data_folder_is_closed_and_taken_once() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("data");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = DataDir::open(&path).unwrap();
    assert_eq!(mode(folder.path()), 0o700);
    let lock = folder.lock().unwrap();
    assert!(matches!(folder.lock(), Err(StoreError::DataDirInUse { .. })));
    drop(lock);
    folder.lock().unwrap();
    DataDir::folder(&path.join("snapshots")).unwrap();
    assert_eq!(mode(&path.join("snapshots")), 0o700);
    std::fs::write(path.join("file"), "").unwrap();
    assert!(matches!(DataDir::open(&path.join("file")), Err(StoreError::DataDir { .. })));
}
