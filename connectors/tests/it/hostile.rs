//! Files that are damaged, or lead elsewhere.

use crate::world::World;
use air_connectors::{FilesSource, SourceError};
use std::os::unix::fs::symlink;
use std::path::Path;

#[tokio::test]
async fn nothing_above_the_folder_is_reached() {
    let world = World::new(&[("t.csv", "a\n1\n")]);
    std::fs::write(world.dir.path().join("secret.csv"), "a\n42\n").unwrap();
    for path in ["..", "base/../..", "base/../secret.csv", "/etc"] {
        let error = FilesSource::open("x", world.dir.path(), Path::new(path)).unwrap_err();
        assert!(matches!(error, SourceError::BasePath { .. }), "{path}: {error}");
    }
    let world_of = |files: &str| {
        World::new(&[
            ("dataset.yaml", &format!("tables: {{t: {{files: '{files}'}}}}")),
            ("t.csv", "a\n1\n"),
        ])
    };
    for files in ["../secret.csv", "/etc/passwd", "x/../../secret.csv"] {
        assert!(world_of(files).refusal().await.contains("leads out of the folder"), "{files}");
    }
    // A catalog that was tampered with reaches no further.
    let mut catalog = world.learn().await.unwrap();
    catalog.tables[0].storage.as_mut().unwrap().files = "../secret.csv".to_owned();
    let error = world.rows(&catalog, "select * from t").await.unwrap_err().to_string();
    assert!(error.contains("leads out of the source's folder"), "{error}");
    world.without_secrets(&error);
}

#[tokio::test]
async fn links_are_not_followed() {
    let world = World::new(&[("t.csv", "a\n1\n")]);
    let outside = world.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("x.csv"), "a\n42\n").unwrap();
    symlink(outside.join("x.csv"), world.path("link.csv")).unwrap();
    symlink(&outside, world.path("folder")).unwrap();
    symlink("t.csv", world.path("inside.csv")).unwrap();
    let catalog = world.learn().await.unwrap();
    assert_eq!(catalog.table_names().collect::<Vec<_>>(), ["t"]);
    for files in ["link.csv", "folder", "folder/x.csv"] {
        world.write("dataset.yaml", format!("tables: {{u: {{files: {files}}}}}").as_bytes());
        let refusal = world.refusal().await;
        assert!(refusal.contains("links are not followed"), "{files}: {refusal}");
    }
    symlink(world.path(""), world.dir.path().join("base-link")).unwrap();
    let error = FilesSource::open("x", world.dir.path(), Path::new("base-link")).unwrap_err();
    assert!(error.to_string().contains("links are not followed"), "{error}");
}

#[tokio::test]
async fn a_link_put_in_place_of_a_learned_file_or_folder_is_refused() {
    let world = World::new(&[("t.csv", "a\n1\n"), ("f/x.csv", "a\n1\n")]);
    let catalog = world.learn().await.unwrap();
    let outside = world.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("x.csv"), "a\n42\n").unwrap();
    std::fs::remove_file(world.path("t.csv")).unwrap();
    symlink(outside.join("x.csv"), world.path("t.csv")).unwrap();
    std::fs::remove_dir_all(world.path("f")).unwrap();
    symlink(&outside, world.path("f")).unwrap();
    for table in ["t", "f"] {
        let error =
            world.rows(&catalog, &format!("select * from {table}")).await.unwrap_err().to_string();
        assert!(error.contains("links are not followed"), "{error}");
        world.without_secrets(&error);
    }
}

#[tokio::test]
async fn a_file_swapped_for_a_link_between_listing_and_reading_is_refused() {
    let world = World::new(&[("t.csv", "a\n1\n")]);
    let catalog = world.learn().await.unwrap();
    std::fs::write(world.dir.path().join("secret.csv"), "a\n42\n").unwrap();
    let tables = world.source.tables(&catalog, &["t".to_owned()]).await.unwrap();
    std::fs::remove_file(world.path("t.csv")).unwrap();
    symlink(world.dir.path().join("secret.csv"), world.path("t.csv")).unwrap();
    let frame = world.session.read_table(tables["t"].clone()).unwrap();
    let error = air_connectors::explain(&frame.collect().await.unwrap_err());
    assert!(error.to_string().contains("links are not followed"), "{error}");
    assert_eq!(error.file(), Some("t.csv"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_race_of_renames_never_shows_what_is_outside() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    const ROUNDS: u32 = 50;
    let world = World::new(&[("d/x.csv", "a\n1\n")]);
    let catalog = world.learn().await.unwrap();
    let outside = world.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("x.csv"), "a\n42\n").unwrap();
    symlink(&outside, world.path("link")).unwrap();
    let base = world.path("");
    // Between the races the swapper holds still until a whole read has passed, so that right
    // reads are seen on any machine, however the two threads are scheduled.
    let reads = Arc::new(AtomicU32::new(0));
    let done = Arc::clone(&reads);
    let swapper = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            for _ in 0..20 {
                std::fs::rename(base.join("d"), base.join("away")).unwrap();
                std::fs::rename(base.join("link"), base.join("d")).unwrap();
                std::fs::rename(base.join("d"), base.join("link")).unwrap();
                std::fs::rename(base.join("away"), base.join("d")).unwrap();
            }
            let before = done.load(Ordering::Acquire);
            while done.load(Ordering::Acquire) < before + 2 {
                std::thread::yield_now();
            }
        }
    });
    let mut right = 0;
    while !swapper.is_finished() {
        match world.rows(&catalog, "select a from d").await {
            Ok(rows) => {
                assert_eq!(rows, ["1"]);
                right += 1;
            }
            Err(e) => assert!(!e.to_string().contains("42"), "{e}"),
        }
        reads.fetch_add(1, Ordering::Release);
    }
    swapper.join().unwrap();
    assert!(right >= ROUNDS, "{right} right reads");
}

#[tokio::test]
async fn pipes_and_folders_are_no_files() {
    let world = World::new(&[("dataset.yaml", "tables: {p: {files: p.csv}}"), ("t.csv", "a\n1\n")]);
    assert!(
        std::process::Command::new("mkfifo").arg(world.path("p.csv")).status().unwrap().success()
    );
    let refusal = world.refusal().await;
    assert!(refusal.contains("no regular file"), "{refusal}");
    std::fs::remove_file(world.path("dataset.yaml")).unwrap();
    let catalog = world.learn().await.unwrap();
    assert_eq!(catalog.table_names().collect::<Vec<_>>(), ["t"]);
}

#[tokio::test]
async fn damaged_text_names_file_and_line() {
    let cases: [(&str, &[u8], &str); 15] = [
        ("t.csv", b"a,b\n1,2\n3\n", "file \"t.csv\", line 3: 1 cells where the header has 2"),
        ("t.csv", b"a,b\n1,2\n\n3,4,5\n", "file \"t.csv\", line 4: 3 cells where the header has 2"),
        (
            "t.csv",
            b"a,b\n1,x\n2,\"y\n3,z\n",
            "file \"t.csv\", line 3: a quote is left open to the end",
        ),
        ("t.csv", b"a,b\n1,x\n2,\"y", "file \"t.csv\", line 3: a quote is left open to the end"),
        ("t.csv", b"a,b\n\"1,x\n2,y\n", "file \"t.csv\", line 2: a quote is left open to the end"),
        ("t.csv", b"a\nx\n\"y\nz\n", "file \"t.csv\", line 3: a quote is left open to the end"),
        ("t.csv", b"a,b\n1,2\n3,\xff\xfe\n", "file \"t.csv\", line 3: not UTF-8"),
        ("t.csv", b"\xff\xfea\0\n\0", "file \"t.csv\", line 1: not UTF-8"),
        ("t.csv", b"", "file \"t.csv\" is empty (0 bytes)"),
        ("t.csv", b"a,a\n1,2\n", "file \"t.csv\", header: the name \"a\" is there twice"),
        ("t.csv", b"1,2\n3,4\n", "file \"t.csv\", header: the first line (\"1\", …) holds values"),
        ("t.jsonl", b"", "file \"t.jsonl\" is empty"),
        ("t.jsonl", b"{\"a\":1}\n{\"a\":\n", "file \"t.jsonl\", line 2: a value is missing"),
        (
            "t.jsonl",
            b"{\"a\":1}\n\n[1]\n",
            "file \"t.jsonl\", line 3: a line must be one JSON object",
        ),
        ("t.jsonl", b"{\"a\":\"\xff\"}\n", "file \"t.jsonl\", line 1: not UTF-8"),
    ];
    for (name, bytes, wanted) in cases {
        let world = World::new(&[]);
        world.write(name, bytes);
        let refusal = world.refusal().await;
        assert!(refusal.starts_with(wanted), "{wanted}\n{refusal}");
    }
    assert_eq!(World::new(&[]).refusal().await, SourceError::NothingToLearn.to_string());
}

#[tokio::test]
async fn a_header_alone_is_a_table_without_rows() {
    let world = World::new(&[("t.csv", "a,b"), ("u.csv", "a,b\n")]);
    let catalog = world.learn().await.unwrap();
    for name in ["t", "u"] {
        assert_eq!(
            world.rows(&catalog, &format!("select count(*) from {name}")).await.unwrap(),
            ["0"]
        );
    }
}
