//! Uploads: what is kept, whose it is, what is refused, and that nothing else is left.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::future::join_all;
use futures::stream;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::jobs::database;
use crate::world::{Reply, World};

const READINGS: &str = "id,kwh,at\n1,2.5,2024-01-01\n2,3.25,2024-01-02\n";
const METERS: &str = "{\"id\":1,\"name\":\"North\"}\n{\"id\":2,\"name\":\"Süd\",\"tags\":[1,2]}\n";
/// Bodies of requests are small here: uploads have limits of their own.
const PLAIN: &str = "limits: {body: 1KB}";
const RAW: &str = "application/octet-stream";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A form of files, each with the checksum in front where one is given.
fn form(files: &[(&str, &[u8], Option<&str>)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, content, checksum) in files {
        if let Some(checksum) = checksum {
            let head = "--limit\r\nContent-Disposition: form-data; name=\"sha256\"\r\n\r\n";
            body.extend_from_slice(format!("{head}{checksum}\r\n").as_bytes());
        }
        let head = format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/plain\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--limit--\r\n");
    ("multipart/form-data; boundary=limit".to_owned(), body)
}

async fn raw(world: &World, name: &str, content: &[u8]) -> Reply {
    let target = format!("/v1/files?name={name}");
    world.post(&target).raw(RAW, content.to_vec()).send().await
}

/// Names in the folder of uploads.
fn stored(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.folder.path().join("uploads")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

async fn listed(world: &World) -> Vec<Value> {
    let list = world.get("/v1/files").send().await.expect(200);
    list["items"].as_array().unwrap().clone()
}

/// Nothing is kept of what was refused, neither told nor on the disk.
async fn assert_nothing(world: &World, why: &str) {
    assert_eq!(listed(world).await, Vec::<Value>::new(), "{why}");
    assert_eq!(stored(world), Vec::<PathBuf>::new(), "{why}");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads")
        .fetch_one(&database(world).await)
        .await
        .unwrap();
    assert_eq!(rows, 0, "{why}");
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_file_is_uploaded_listed_and_removed() {
    let world = World::with(false, PLAIN).await;
    let sum = sha256(READINGS.as_bytes());
    let call = world.post("/v1/files?name=..%2F..%2Fetc%2Freadings.csv");
    let call = call.header("x-checksum-sha256", &sum.to_uppercase());
    let reply = call.raw("text/csv", READINGS.into()).send().await;
    let path = reply.header("location").to_owned();
    let kept = reply.expect(201)["items"][0].clone();
    assert_eq!(path, format!("/v1/files/{}", kept["id"].as_str().unwrap()));
    for (member, value) in [
        ("name", json!("readings.csv")),
        ("owner", json!("local")),
        ("state", json!("ready")),
        ("format", json!("csv")),
        ("compression", json!("none")),
        ("bytes", json!(READINGS.len())),
        ("sha256", json!(sum)),
        ("rows", json!(2)),
        ("columns", json!(3)),
        ("reason", Value::Null),
    ] {
        assert_eq!(kept[member], value, "{member}");
    }
    assert_eq!(world.get(&path).send().await.expect(200), kept);
    assert_eq!(listed(&world).await, std::slice::from_ref(&kept));
    let folder = world.folder.path().join("uploads").join(kept["id"].as_str().unwrap());
    let names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["data.csv"], "the name that was given is no place");
    assert_eq!(std::fs::read_to_string(folder.join("data.csv")).unwrap(), READINGS);

    world.call("DELETE", &path).send().await.expect(204);
    world.get(&path).send().await.problem(404, "not_found");
    world.call("DELETE", &path).send().await.problem(404, "not_found");
    assert_nothing(&world, "after its removal").await;
}

#[tokio::test]
async fn a_form_holds_several_files_and_is_kept_whole_or_not_at_all() {
    let world = World::with(false, PLAIN).await;
    let sum = sha256(METERS.as_bytes());
    let files: [(&str, &[u8], Option<&str>); 2] = [
        ("readings.csv", READINGS.as_bytes(), None),
        ("C:\\data\\meters.jsonl", METERS.as_bytes(), Some(&sum)),
    ];
    let (media, body) = form(&files);
    let kept = world.post("/v1/files").raw(&media, body).send().await.expect(201);
    let items = kept["items"].as_array().unwrap();
    let of = |at: usize, member: &str| items[at][member].clone();
    assert_eq!((of(0, "name"), of(1, "name")), (json!("readings.csv"), json!("meters.jsonl")));
    assert_eq!(
        (of(1, "format"), of(1, "rows"), of(1, "columns")),
        (json!("jsonl"), json!(2), json!(3))
    );
    assert_eq!(of(1, "sha256"), sum);
    for item in items {
        let path = format!("/v1/files/{}", item["id"].as_str().unwrap());
        world.call("DELETE", &path).send().await.expect(204);
    }

    let wrong = "0".repeat(64);
    let (media, body) = form(&[files[0], ("meters.jsonl", METERS.as_bytes(), Some(&wrong))]);
    let problem = world.post("/v1/files").raw(&media, body.clone()).send().await;
    let problem = problem.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/file/1", "{problem}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(&sum), "{problem}");
    assert_nothing(&world, "a wrong checksum").await;

    // The second file is found bad only when it is read.
    let (media, body) = form(&[files[0], ("meters.jsonl", b"{\"id\":1}\n{\"id\":", None)]);
    let problem = world.post("/v1/files").raw(&media, body).send().await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/file/1", "{problem}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("line 2"), "{problem}");
    assert_nothing(&world, "a bad file in a form").await;
}

#[tokio::test]
async fn files_are_their_owners() {
    let world = World::new().await;
    let post = |sub: &str, role: &str| {
        world.as_user(sub, role, "POST", "/v1/files?name=a.csv").raw(RAW, READINGS.into())
    };
    world
        .post("/v1/files?name=a.csv")
        .raw(RAW, READINGS.into())
        .send()
        .await
        .problem(401, "unauthorized");
    post("vic", "viewer").send().await.problem(403, "forbidden");
    let kept = post("eva", "editor").send().await.expect(201)["items"][0].clone();
    let path = format!("/v1/files/{}", kept["id"].as_str().unwrap());
    for method in ["GET", "DELETE"] {
        world.call(method, &path).send().await.problem(401, "unauthorized");
        world.as_user("vic", "viewer", method, &path).send().await.problem(403, "forbidden");
        world.as_user("ned", "editor", method, &path).send().await.problem(404, "not_found");
    }
    world.as_user("vic", "viewer", "GET", "/v1/files").send().await.problem(403, "forbidden");
    let list = world.as_user("ned", "editor", "GET", "/v1/files").send().await.expect(200);
    assert_eq!(list["items"], json!([]));
    let list = world.as_user("adm", "admin", "GET", "/v1/files").send().await.expect(200);
    assert_eq!(list["items"], json!([kept]));
    world.as_user("eva", "editor", "DELETE", &path).send().await.expect(204);
}

/// Content that no session should meet, and what is said of it.
fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let million: String = (0..1_000_000).map(|i| format!("c{i},")).collect();
    let deep = format!("{{\"a\":{}1{}}}\n", "[".repeat(5000), "]".repeat(5000));
    let fields: String = (0..20_000).map(|i| format!("{{\"f{i}\":1}}\n")).collect();
    let mut tar = vec![b'a'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    vec![
        ("empty.csv", Vec::new(), "is empty (0 bytes)"),
        ("blank.csv", b"\n \n\n".to_vec(), "empty"),
        ("a.zip", b"PK\x03\x04rest".to_vec(), "ends in .zip"),
        ("a.csv", b"PK\x03\x04rest".to_vec(), "archive (zip"),
        ("a.xlsx", b"PK\x03\x04rest".to_vec(), "ends in .xlsx"),
        ("a.arrow", b"ARROW1\0\0".to_vec(), "ends in .arrow"),
        ("a.feather", b"ARROW1\0\0".to_vec(), "ends in .feather"),
        ("a.csv", tar, "archive (tar)"),
        ("a.csv", b"ARROW1\0\0".to_vec(), "an Arrow file"),
        ("a.csv.gz", b"\x1f\x8b\x08\0rest".to_vec(), "damaged or cut off"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfdrest".to_vec(), "damaged or cut off"),
        ("a.csv.gz", READINGS.into(), "which its ending does not say"),
        ("a.parquet", READINGS.into(), "which its ending does not say"),
        ("a.csv", METERS.into(), "which its ending does not say"),
        ("a.parquet", b"PAR1 and no end".to_vec(), "no whole Parquet file"),
        ("a.parquet", b"PAR1\xff\xff\xff\x7fPAR1".to_vec(), "no whole Parquet file"),
        ("wide.csv", million.into_bytes(), "longer than 1 MiB"),
        (
            "commas.csv",
            [",".repeat(1_000_000), "\n".to_owned()].concat().into_bytes(),
            "at most 10000",
        ),
        ("fields.jsonl", fields.into_bytes(), "more than 10000 different fields"),
        ("nul.csv", b"a,b\n1,\0\n".to_vec(), "no text"),
        (
            "late.csv",
            [b"a,b\n".to_vec(), b"1,2\n".repeat(50_000), b"\0,1\n".to_vec()].concat(),
            "line 50002 holds a NUL",
        ),
        ("utf16.csv", b"\xff\xfea\0,\0".to_vec(), "UTF-16"),
        ("latin.csv", b"a,b\nM\xfcller,1\n".to_vec(), "UTF-8"),
        ("deep.jsonl", deep.into_bytes(), "nests deeper than 64"),
        ("array.json", b"[{\"a\":1}]".to_vec(), "begins with ["),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n".to_vec(), "line 3"),
        ("twice.csv", b"a,a\n1,2\n".to_vec(), "there twice"),
    ]
}

#[tokio::test]
async fn a_cell_that_is_too_large_is_refused() {
    let world = World::with(false, "limits: {cell: 1KB}").await;
    let (fine, long) = ("x".repeat(1_000), "x".repeat(1_001));
    for (name, content) in [
        ("a.csv", format!("a;b\n1;\"{long}\"\n")),
        ("a.tsv", format!("a\tb\n1\t{long}\n")),
        ("a.jsonl", format!("{{\"a\":\"{fine}\"}}\n")),
    ] {
        let problem = raw(&world, name, content.as_bytes()).await.problem(422, "invalid");
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        let said = "has more than 1000 bytes (limits.cell)";
        assert!(detail.contains(name) && detail.contains(said), "{detail}");
    }
    assert_nothing(&world, "after cells that are too large").await;
    // So many bytes in one row are no large cell.
    let rows = format!("a;b;c\n\"{fine}\";{fine};{fine}\n").repeat(3);
    raw(&world, "b.csv", rows.as_bytes()).await.expect(201);
    let value = &fine[2..];
    let rows = format!("{{\"a\":\"{value}\",\"b\":\"{value}\"}}\n").repeat(3);
    raw(&world, "b.jsonl", rows.as_bytes()).await.expect(201);
}

#[tokio::test]
async fn what_is_no_data_is_refused_and_nothing_is_left() {
    let world = World::with(false, PLAIN).await;
    for (name, content, said) in hostile() {
        let problem = raw(&world, name, &content).await.problem(422, "invalid");
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{name}: {said:?} is not in {detail}");
        assert!(detail.contains(name), "{name} is not in {detail}");
        assert!(!detail.contains("data.") && !detail.contains("/uploads"), "{detail}");
    }
    assert_nothing(&world, "hostile files").await;
    let called = raw(&world, "%1b%5b31m%e2%80%ae", b"a,b\n1,2\n").await.expect(201);
    assert_eq!(called["items"][0]["name"], "[31m", "nothing unseen is shown");
}

#[tokio::test]
async fn requests_that_do_not_fit_are_told_where() {
    let world = World::with(false, "limits: {files_per_upload: 2}").await;
    let invalid = async |reply: Reply, pointer: &str| {
        let problem = reply.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    };
    let post =
        |target: &str, media: &str, body: &[u8]| world.post(target).raw(media, body.to_vec());
    let csv = READINGS.as_bytes();
    invalid(post("/v1/files", RAW, csv).send().await, "?name").await;
    invalid(post("/v1/files?name=", RAW, csv).send().await, "?name").await;
    invalid(post("/v1/files?wait=soon", RAW, csv).send().await, "?wait").await;
    let bad = post("/v1/files?name=a.csv", RAW, csv).header("x-checksum-sha256", "abc");
    invalid(bad.send().await, "X-Checksum-Sha256:").await;
    let wrong = post("/v1/files?name=a.csv", RAW, csv).header("x-checksum-sha256", &sha256(b"x"));
    invalid(wrong.send().await, "").await;
    let (media, body) = form(&[("a.csv", csv, None)]);
    invalid(post("/v1/files?name=a.csv", &media, &body).send().await, "?name").await;
    invalid(post("/v1/files", &media, b"--limit--\r\n").send().await, "/file").await;
    let (media, body) = form(&[("a.csv", csv, Some("abc"))]);
    invalid(post("/v1/files", &media, &body).send().await, "/sha256").await;
    let three = [("a.csv", csv, None), ("b.csv", csv, None), ("c.csv", csv, None)];
    let (media, body) = form(&three);
    invalid(post("/v1/files", &media, &body).send().await, "/file/2").await;
    let other = b"--limit\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--limit--";
    invalid(post("/v1/files", &media, other).send().await, "").await;

    let (_, body) = form(&three[..1]);
    let cut = &body[..body.len() - 6];
    for (media, body, status, code) in [
        ("application/json", csv, 415, "unsupported_media_type"),
        ("multipart/form-data", body.as_slice(), 400, "bad_request"),
        ("multipart/form-data; boundary=other", body.as_slice(), 400, "bad_request"),
        (media.as_str(), cut, 400, "bad_request"),
        (media.as_str(), b"".as_slice(), 400, "bad_request"),
    ] {
        post("/v1/files", media, body).send().await.problem(status, code);
    }
    let head = "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"";
    let long = format!("{head}{}", "x".repeat(1 << 20));
    let problem =
        post("/v1/files", &media, long.as_bytes()).send().await.problem(400, "bad_request");
    assert!(problem["detail"].as_str().unwrap().contains("longer than 16384 bytes"), "{problem}");
    world.post("/v1/files?name=a.csv").send().await.problem(415, "unsupported_media_type");
    let packed = post("/v1/files?name=a.csv", RAW, csv).header("content-encoding", "gzip");
    packed.send().await.problem(415, "unsupported_media_type");
    assert_nothing(&world, "requests that do not fit").await;
}

#[tokio::test]
async fn a_body_that_stops_leaves_nothing() {
    let world = World::with(false, "limits: {idle: 200ms}").await;
    let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let pieces = |last| stream::iter([Ok(Bytes::from_static(b"a,b\n1,")), last]);
    let send = async |length: Option<&str>, body: Body| {
        let request = Request::post("/v1/files?name=a.csv").header("content-type", RAW);
        let request = match length {
            Some(length) => request.header("content-length", length),
            None => request,
        };
        let answer = world.service.router().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    };
    let stopped = Body::from_stream(pieces(Err(broken())));
    let problem = send(None, stopped).await.problem(400, "bad_request");
    assert!(problem["detail"].as_str().unwrap().contains("stopped after 6 bytes"), "{problem}");
    assert_nothing(&world, "a body that stops").await;
    for length in ["9", "7"] {
        let body = Body::from_stream(pieces(Ok::<_, std::io::Error>(Bytes::from_static(b"2\n"))));
        let problem = send(Some(length), body).await.problem(400, "bad_request");
        assert!(problem["detail"].as_str().unwrap().contains("8 bytes"), "{problem}");
        assert_nothing(&world, "a wrong Content-Length").await;
    }
    let held = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"a,b\n"))]);
    let held = futures::StreamExt::chain(held, stream::pending());
    send(None, Body::from_stream(held)).await.problem(504, "timeout");
    assert_nothing(&world, "a body that comes no further").await;
    send(Some("99999999999"), Body::empty()).await.problem(413, "payload_too_large");
    assert_nothing(&world, "a body that would be too large").await;
}

#[tokio::test]
async fn the_disk_is_within_the_limits_whatever_comes_at_once() {
    let config = "limits: {upload_file: 3KB, upload_session: 5KB, upload_user: 6KB, \
                  upload_store: 8KB, files_per_user: 4, uploads_per_user: 50}";
    let world = World::with(true, config).await;
    let content = |bytes: usize| format!("a\n{}\n", "x".repeat(bytes - 3)).into_bytes();
    let post = |sub: &str, bytes: usize| {
        let call = world.as_user(sub, "editor", "POST", "/v1/files?name=a.csv");
        call.raw(RAW, content(bytes))
    };
    post("eva", 3001).send().await.problem(413, "payload_too_large");
    let (large, two) = (content(2600), [("a.csv", None), ("b.csv", None)]);
    let (media, body) = form(&two.map(|(name, sum)| (name, large.as_slice(), sum)));
    let call = world.as_user("eva", "editor", "POST", "/v1/files").raw(&media, body);
    call.send().await.problem(413, "payload_too_large");
    assert_eq!(stored(&world), Vec::<PathBuf>::new());

    let all = join_all((0..12).map(|_| post("eva", 2000).send())).await;
    let kept = all.iter().filter(|reply| reply.status == 201).count();
    assert!((1..=3).contains(&kept), "{kept} of 6 KB");
    for reply in all.into_iter().filter(|reply| reply.status != 201) {
        let problem = reply.problem(422, "limit_exceeded");
        assert!(problem["detail"].as_str().unwrap().contains("DELETE /v1/files"), "{problem}");
    }
    while post("eva", 2000).send().await.status == 201 {}
    assert_eq!(stored(&world).len(), 3, "6 KB of eva's");
    let both = join_all((0..6).map(|_| post("ned", 1500).send())).await;
    let kept = both.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(kept, 1, "8 KB of all");
    assert!(both.iter().any(|reply| reply.status == 503), "{both:?}");
    assert_eq!(stored(&world).len(), 4);

    let list = world.as_user("eva", "editor", "GET", "/v1/files?limit=2").send().await.expect(200);
    let next = list["next"].as_str().unwrap();
    let target = format!("/v1/files?limit=2&cursor={next}");
    let rest = world.as_user("eva", "editor", "GET", &target).send().await.expect(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    for file in list["items"].as_array().unwrap().iter().chain(rest["items"].as_array().unwrap()) {
        let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
        world.as_user("eva", "editor", "DELETE", &path).send().await.expect(204);
    }
    for _ in 0..4 {
        post("eva", 10).send().await.expect(201);
    }
    let problem = post("eva", 10).send().await.problem(422, "limit_exceeded");
    assert!(problem["detail"].as_str().unwrap().contains("files_per_user"), "{problem}");
}

#[tokio::test]
async fn two_of_one_name_at_once_are_two_files() {
    let world = World::with(false, "limits: {uploads_per_user: 1}").await;
    let held = stream::pending::<std::io::Result<Bytes>>();
    let request = Request::post("/v1/files?name=a.csv").header("content-type", RAW);
    let request = request.body(Body::from_stream(held)).unwrap();
    let first = tokio::spawn(world.service.router().oneshot(request));
    until("the first has its seat", async || stored(&world).len() == 1).await;
    raw(&world, "a.csv", READINGS.as_bytes()).await.problem(429, "too_many_requests");
    first.abort();

    let world = World::with(false, PLAIN).await;
    let (one, two) = ("a\n1\n".as_bytes(), "a\n1\n2\n".as_bytes());
    let both = join_all([raw(&world, "a.csv", one), raw(&world, "a.csv", two)]).await;
    let kept: Vec<Value> = both.into_iter().map(|r| r.expect(201)["items"][0].clone()).collect();
    assert_ne!(kept[0]["id"], kept[1]["id"]);
    assert_eq!((&kept[0]["rows"], &kept[1]["rows"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn a_file_is_quarantined_until_it_was_read() {
    let world = World::with(false, PLAIN).await;
    let later = async |name: &str, content: &[u8]| {
        let target = format!("/v1/files?wait=false&name={name}");
        let kept = world.post(&target).raw(RAW, content.to_vec()).send().await.expect(201);
        let path = format!("/v1/files/{}", kept["items"][0]["id"].as_str().unwrap());
        let mut file = kept["items"][0].clone();
        until("the file was read", async || {
            file = world.get(&path).send().await.expect(200);
            file["state"] != "quarantined"
        })
        .await;
        file
    };
    let good = later("a.csv", READINGS.as_bytes()).await;
    assert_eq!((&good["state"], &good["rows"]), (&json!("ready"), &json!(2)));
    let bad = later("b.csv", b"a,b\n1\n").await;
    assert_eq!(
        (&bad["state"], &bad["bytes"], &bad["rows"]),
        (&json!("rejected"), &json!(0), &Value::Null)
    );
    assert!(bad["reason"].as_str().unwrap().contains("\"b.csv\", line 2"), "{bad}");
    assert_eq!(stored(&world).len(), 1, "nothing of what was rejected");
}

#[tokio::test]
async fn what_a_life_left_behind_is_put_in_order() {
    let world = World::with(false, PLAIN).await;
    let kept = raw(&world, "a.csv", READINGS.as_bytes()).await.expect(201);
    let id = kept["items"][0]["id"].as_str().unwrap().to_owned();
    let folder = world.folder.path().join("uploads");
    let (half, dead) =
        ("file_0192f0c17a6b70008000000000000001", "proc_0192f0c17a6b70008000000000000001");
    let pool = database(&world).await;
    // As a process leaves it that was killed: half a file, a whole one that was not read, rubbish.
    sqlx::query(
        "INSERT INTO uploads (id, owner, name, state, process_id, bytes, created_at, updated_at)
         VALUES (?, 'local', 'half.csv', 'receiving', ?, 1000, '2026-01-01T00:00:00.000000Z',
             '2026-01-01T00:00:00.000000Z')",
    )
    .bind(half)
    .bind(dead)
    .execute(&pool)
    .await
    .unwrap();
    let whole =
        "UPDATE uploads SET state = 'quarantined', rows = NULL, process_id = ? WHERE id = ?";
    sqlx::query(whole).bind(dead).bind(&id).execute(&pool).await.unwrap();
    pool.close().await;
    std::fs::create_dir(folder.join(half)).unwrap();
    std::fs::write(folder.join(half).join("part"), "a,b").unwrap();
    std::fs::create_dir(folder.join("file_0192f0c17a6b70008000000000000002")).unwrap();
    let outside = world.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("kept"), "").unwrap();
    symlink(&outside, folder.join("file_0192f0c17a6b70008000000000000003")).unwrap();
    std::fs::write(folder.join("stray"), "").unwrap();

    let world = world.restarted().await;
    let path = format!("/v1/files/{id}");
    until("the folder is swept and the file was read", async || {
        let file = world.get(&path).send().await.expect(200);
        file["state"] == "ready" && stored(&world) == [folder.join(&id)]
    })
    .await;
    assert!(outside.join("kept").exists(), "links are not followed");
    assert_eq!(listed(&world).await.len(), 1);
}
