//! Two drafts over rows that say something, over rows that say nothing, and within the limits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::auth::Principal;
use crate::contract::types::{ErrorCode, LearnRequest};
use crate::pipeline::ask::Drafter;
use crate::pipeline::order::Pace;
use crate::pipeline::progress::Progress;
use crate::pipeline::{learn, sources};
use crate::service::Service;

const CONFIG: &str = "\
files: {base_path: files}
analytics_sources:
  - {id: shop, kind: files, base_path: files/shop, default: true}
limits: {runs_per_user: 1}
safety: {default_row_limit: 4}
";
const DATASET: &str = "\
version: 1
name: shop
tables:
  orders:
    files: orders.csv
    primary_key: [id]
";
const ORDERS: &str = "id,region,kind\n1,north,a\n2,south,b\n3,north,a\n4,east,b\n5,south,a\n";

struct World {
    _folder: tempfile::TempDir,
    service: Service,
    asked: Asked,
    ready: Ready,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().join("files/shop");
        std::fs::create_dir_all(&shop).unwrap();
        std::fs::write(shop.join("dataset.yaml"), DATASET).unwrap();
        std::fs::write(shop.join("orders.csv"), ORDERS).unwrap();
        let service = Service::for_tests(folder.path(), CONFIG).await;
        let (app, source) = (service.app(), "shop".parse().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        let wanted = LearnRequest { include_stats: None, sample_values: None };
        let heard: (Pace, learn::Hearing) = (Pace::Request, Arc::new(|_, _| {}));
        learn::learn(app, &source, &wanted, deadline, heard).await.unwrap();
        let principal = Principal::local();
        let ready = sources::ready(app, &principal, &source, &[], Pace::Request).await.unwrap();
        let asked = Asked {
            principal,
            question: String::new(),
            datasource: source,
            previous: None,
            answers: BTreeMap::new(),
            drafter: Drafter::default(),
            now: "2024-04-01T00:00:00Z".parse().unwrap(),
            run: true,
            deadline,
            progress: Progress::untold(),
        };
        Self { _folder: folder, service, asked, ready }
    }

    async fn same(&self, builtin: &Value, candidate: Candidate) -> Result<bool, ApiError> {
        let builtin = Ir::parse(builtin).unwrap();
        same(self.service.app(), &self.asked, &self.ready, &builtin, &candidate).await
    }
}

fn sql(text: &str) -> Candidate {
    Candidate::Sql(text.to_owned())
}

fn ir(value: &Value) -> Candidate {
    Candidate::Ir { ir: Box::new(Ir::parse(value).unwrap()), terms: Vec::new() }
}

/// The number of orders by a column, of one region.
fn counted(name: &str, by: &str, region: &str) -> Value {
    json!({"entities": ["orders"], "dimensions": [by], "metrics": [{"name": name, "agg": "count"}],
        "filters": [{"field": "region", "op": "=", "value": region}]})
}

#[tokio::test]
async fn rows_that_say_something_show_that_two_drafts_mean_the_same() {
    let world = World::new().await;
    let by_region = json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "orders", "agg": "count"}]});
    let query = sql("SELECT count(*) AS n, region FROM orders GROUP BY region");
    assert!(world.same(&by_region, query).await.unwrap());
    let other = sql("SELECT count(*) AS n, kind FROM orders GROUP BY kind");
    assert!(!world.same(&by_region, other).await.unwrap());
}

#[tokio::test]
async fn rows_that_say_nothing_show_nothing() {
    let world = World::new().await;
    let empty = counted("orders", "kind", "west");
    let query = sql("SELECT kind, count(*) AS n FROM orders WHERE id > 100 GROUP BY kind");
    assert!(!world.same(&empty, query).await.unwrap(), "no rows on either side");
    let mut zero = empty.clone();
    zero["dimensions"] = json!([]);
    let query = sql("SELECT count(*) AS n FROM orders WHERE id > 100");
    assert!(!world.same(&zero, query).await.unwrap(), "a single zero");
    // Told in the same words there is nothing to ask.
    let renamed = ir(&counted("n", "kind", "west"));
    assert!(world.same(&empty, renamed).await.unwrap());
    let elsewhere = ir(&counted("orders", "kind", "nowhere"));
    assert!(!world.same(&empty, elsewhere).await.unwrap());
    // Cut by the limit that nobody asked for.
    let all = json!({"entities": ["orders"], "dimensions": ["id"],
        "metrics": [{"name": "orders", "agg": "count"}], "order": [{"field": "id", "dir": "asc"}]});
    let query = || sql("SELECT id, count(*) AS n FROM orders GROUP BY id ORDER BY id");
    assert!(!world.same(&all, query()).await.unwrap(), "5 rows, 4 are read");
    let mut wanted = all.clone();
    wanted["limit"] = json!(3);
    let first = sql("SELECT id, count(*) AS n FROM orders GROUP BY id ORDER BY id LIMIT 3");
    assert!(world.same(&wanted, first).await.unwrap(), "cut as was asked");
}

#[tokio::test]
async fn drafts_are_compared_at_a_place_of_the_user() {
    let world = World::new().await;
    let by_kind = json!({"entities": ["orders"], "dimensions": ["kind"],
        "metrics": [{"name": "orders", "agg": "count"}]});
    let query = || sql("SELECT kind, count(*) AS n FROM orders GROUP BY kind");
    let running = &world.service.app().running;
    let taken = running.place(&world.asked.principal.sub, None).await.unwrap();
    let refused = world.same(&by_kind, query()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TooManyRequests);
    drop(taken);
    assert!(world.same(&by_kind, query()).await.unwrap(), "one place does for both");
    assert_eq!(running.count(), 0, "and it is given back");
}
