//! The service itself: health, documents, one process a folder, and a socket that ends cleanly.

use crate::world::World;
use air_server::{Service, ServiceOptions};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn it_lives_and_is_ready() {
    let world = World::new().await;
    assert_eq!(world.get("/healthz").send().await.expect(200)["status"], "ok");
    let ready = world.get("/readyz").send().await.expect(200);
    assert_eq!(
        (&ready["status"], &ready["parts"]["control_plane"]["status"]),
        (&json!("ready"), &json!("ok"))
    );
    assert_eq!(ready["parts"]["eda"]["status"], "off");
    let head = world.call("HEAD", "/healthz").send().await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
}

#[tokio::test]
async fn the_contract_is_served_and_its_page_loads_nothing() {
    let world = World::new().await;
    let yaml = world.get("/openapi.yaml").send().await;
    assert_eq!(yaml.text(), include_str!("../../../api/openapi.yaml"));
    let docs = world.get("/docs").send().await.text();
    assert!(docs.contains("/v1/reports/{key}/run") && docs.contains("ReportDefinition"));
    for from_elsewhere in ["<script", "<link", "<img", "src="] {
        assert!(!docs.contains(from_elsewhere), "{from_elsewhere}");
    }
}

#[tokio::test]
async fn one_process_has_a_data_folder() {
    let world = World::new().await;
    let options = ServiceOptions {
        data_dir: world.folder.path().to_owned(),
        config_file: "config.yaml".into(),
        auth: Some(false),
        environment: Vec::new(),
    };
    let second = Service::open(&options).await.err().unwrap().to_string();
    assert!(second.contains("another air process"), "{second}");
}

#[tokio::test]
async fn a_folder_without_a_secret_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), "{}\n").unwrap();
    let options = ServiceOptions {
        data_dir: folder.path().to_owned(),
        config_file: "config.yaml".into(),
        auth: None,
        environment: Vec::new(),
    };
    let refused = Service::open(&options).await.err().unwrap().to_string();
    assert!(refused.contains("jwt_secret"), "{refused}");
}

/// Sends text to the service and reads until it closes.
async fn exchange(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The figure called `name` on a page of metrics.
fn figure(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in {page}")).parse().unwrap()
}

#[tokio::test]
async fn metrics_tell_of_plans_and_runs() {
    let world = World::new().await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("eva", "editor", "POST", learn).send().await.expect(200);
    world.get("/metrics").send().await.problem(401, "unauthorized");
    world.as_user("eva", "editor", "GET", "/metrics").send().await.problem(403, "forbidden");
    for region in ["north", "south", "it is 50%"] {
        let query = json!({"datasource_id": "shop", "ir": {"entities": ["orders"],
            "metrics": [{"name": "n", "agg": "count"}],
            "filters": [{"field": "region", "op": "=", "value": region}]}});
        let asked = world.as_user("ann", "viewer", "POST", "/v1/query").json(&query);
        asked.send().await.expect(200);
    }
    let page = world.as_user("adm", "admin", "GET", "/metrics").send().await;
    assert!(page.header("content-type").starts_with("text/plain; version=0.0.4"));
    let page = page.text();
    assert_eq!(figure(&page, "air_runs{status=\"completed\"}"), 3);
    assert_eq!(figure(&page, "air_runs{status=\"failed\"}"), 0);
    assert_eq!(figure(&page, "air_jobs{status=\"queued\"}"), 0);
    assert!(figure(&page, "air_plan_cache_hits_total") >= 2, "{page}");
    assert!(figure(&page, "air_plan_cache_misses_total") >= 1, "{page}");
    assert!(figure(&page, "air_plan_cache_entries") >= 1, "{page}");
    assert!(figure(&page, "air_plan_cache_bytes") > 0, "{page}");
    assert_eq!(figure(&page, "air_plan_cache_evictions_total"), 0);
    let asked = "operation=\"query\",status=\"200\"";
    assert_eq!(figure(&page, &format!("air_http_request_duration_seconds_count{{{asked}}}")), 3);
    let all = format!("air_http_request_duration_seconds_bucket{{{asked},le=\"+Inf\"}}");
    assert_eq!(figure(&page, &all), 3);
    let refused = "operation=\"metrics\",status=\"403\"";
    let refused = format!("air_http_request_duration_seconds_count{{{refused}}}");
    assert_eq!(figure(&page, &refused), 1);
    assert_eq!(figure(&page, "air_runs_in_process"), 0);
    assert_eq!(figure(&page, "air_source_connections_in_use{source=\"shop\"}"), 0);
    assert!(figure(&page, "air_memory_pool_limit_bytes") > 0, "{page}");
    assert!(figure(&page, "process_resident_memory_bytes") > 0, "{page}");
    for name in ["ann", "north", "it is 50%"] {
        assert!(!page.contains(name), "{name} is nobody's business: {page}");
    }
}

#[tokio::test]
async fn metrics_are_open_to_this_machine_alone() {
    let World { folder, service, .. } = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(service.serve(listener, async {
        let _ = stopped.await;
    }));
    for (path, header, status) in [
        ("/metrics", "", "200"),
        ("/metrics", "x-forwarded-for: 192.0.2.1\r\n", "401"),
        ("/metrics", "forwarded: for=192.0.2.1\r\n", "401"),
        ("/metrics", "authorization: Bearer nonsense\r\n", "401"),
        ("/v1/datasources", "", "401"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\n{header}connection: close\r\n\r\n");
        let answer = exchange(&mut stream, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} {header}: {answer}");
    }
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    drop(folder);
}

#[tokio::test]
async fn shutting_down_answers_what_was_asked_and_closes() {
    let World { folder, service, .. } = World::learned().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(service.serve(listener, async {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let answer =
        exchange(&mut stream, "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // A connection that waits does not hold the end up.
    let _idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    drop(folder);
}
