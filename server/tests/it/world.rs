//! A service of its own over a folder of its own, and callers of each role.

use air_server::{Service, ServiceOptions};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tower::ServiceExt;

const SECRET: &str = "a secret of the tests, long enough for HS256";

const ORDERS: &str = "\
id,placed_at,region,customer_id,amount
1,2024-01-05T10:00:00Z,north,1,10.50
2,2024-01-20T10:00:00Z,south,2,20.00
3,2024-02-03T10:00:00Z,north,1,5.25
4,2024-02-14T10:00:00Z,=cmd,2,7.00
5,2024-03-01T10:00:00Z,south,1,100.00
";
const CUSTOMERS: &str = "id,name\n1,Ann\n2,Bob\n";
const DATASET: &str = "\
version: 1
name: shop
time_zone: Europe/Berlin
tables:
  orders:
    files: orders.csv
    primary_key: [id]
    time_column: placed_at
    foreign_keys:
      - {columns: [customer_id], references: {table: customers, columns: [id]}}
    columns:
      amount: {type: \"decimal(10,2)\", unit: EUR, role: measure}
  customers:
    files: customers.csv
    primary_key: [id]
";
pub(crate) const CONFIG: &str = "\
files: {base_path: files}
analytics_sources:
  - {id: shop, kind: files, base_path: files/shop, default: true, display_name: The shop}
limits: {body: 64KB, runs_per_user: 4}
";

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) service: Service,
    auth: bool,
}

/// A status, headers and body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of an answer of this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem of this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let request_id = self.header("x-request-id").to_owned();
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["request_id"], request_id.as_str());
        problem
    }
}

/// A call being put together.
pub(crate) struct Call<'w> {
    world: &'w World,
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string().into_bytes())
    }

    pub(crate) fn raw(mut self, media: &str, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header("content-type", media)
    }

    pub(crate) async fn send(self) -> Reply {
        let mut request = Request::builder().method(self.method).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(self.body.unwrap_or_default())).unwrap();
        let response = self.world.service.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }
}

impl World {
    /// With tokens wanted.
    pub(crate) async fn new() -> Self {
        Self::with(true, CONFIG).await
    }

    /// Without, where everyone is the local admin; the shop is learned.
    pub(crate) async fn learned() -> Self {
        let world = Self::with(false, CONFIG).await;
        world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
        world
    }

    pub(crate) async fn with(auth: bool, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().join("files/shop");
        std::fs::create_dir_all(&shop).unwrap();
        for (name, text) in
            [("orders.csv", ORDERS), ("customers.csv", CUSTOMERS), ("dataset.yaml", DATASET)]
        {
            std::fs::write(shop.join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("config.yaml"), config).unwrap();
        let service = open(folder.path(), auth).await;
        Self { folder, service, auth }
    }

    /// The same folder, as the next life of the service finds it.
    pub(crate) async fn restarted(self) -> Self {
        self.service.close().await;
        let service = open(self.folder.path(), self.auth).await;
        Self { service, ..self }
    }

    pub(crate) fn call(&self, method: &'static str, target: &str) -> Call<'_> {
        let (target, headers, body) = (target.to_owned(), Vec::new(), None);
        Call { world: self, method, target, headers, body }
    }

    pub(crate) fn get(&self, target: &str) -> Call<'_> {
        self.call("GET", target)
    }

    pub(crate) fn post(&self, target: &str) -> Call<'_> {
        self.call("POST", target)
    }

    /// As a user with a role.
    pub(crate) fn as_user(
        &self,
        sub: &str,
        role: &str,
        method: &'static str,
        target: &str,
    ) -> Call<'_> {
        let token = format!("Bearer {}", token(&claims(sub, role)));
        self.call(method, target).header("authorization", &token)
    }

    pub(crate) async fn query(&self, ir: Value) -> Reply {
        self.post("/v1/query").json(&json!({"datasource_id": "shop", "ir": ir})).send().await
    }
}

pub(crate) fn claims(sub: &str, role: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({"sub": sub, "role": role, "iss": "air", "aud": "air", "iat": now, "exp": now + 600})
}

pub(crate) fn token(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

async fn open(folder: &Path, auth: bool) -> Service {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = ServiceOptions {
        data_dir: folder.to_owned(),
        config_file: "config.yaml".into(),
        auth: Some(auth),
        environment: vec![variable("AIR__SERVER__AUTH__JWT_SECRET", SECRET)],
    };
    Service::open(&options).await.unwrap()
}
