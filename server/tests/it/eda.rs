//! What becomes of analyses where the EDA service was asked for and does not answer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::{CONFIG, World};

const PATIENCE: Duration = Duration::from_secs(60);

/// A service over the shop that is told of an EDA service where nobody listens.
async fn world() -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let python = format!(
        "python: {{enabled: true, base_url: \"http://{address}\", auth_shared_secret: \"of the \
         tests, long enough\"}}\nexecution: {{jobs: {{retries: 0}}}}\n"
    );
    let world = World::with(false, &format!("{CONFIG}{python}")).await;
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    world
}

async fn analyzed(world: &World, body: Value) -> Value {
    let accepted = world.post("/v1/process/analyze").json(&body).send().await.expect(202);
    let url = accepted["job_url"].as_str().unwrap();
    let ended = async {
        loop {
            let job = world.get(url).send().await.expect(200);
            if job["status"] == "completed" || job["status"] == "failed" {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap()
}

#[tokio::test]
async fn a_service_that_is_away_is_said_and_holds_nothing_up() {
    let world = world().await;
    let ready = world.get("/readyz").send().await.expect(200);
    let part = &ready["parts"]["eda"];
    assert_eq!((&ready["status"], &part["status"]), (&json!("ready"), &json!("degraded")));
    let detail = part["detail"].as_str().unwrap();
    assert!(detail.contains("nothing listens there") && detail.contains("autostart"), "{detail}");

    let job = analyzed(&world, json!({"datasource_id": "shop", "options": {"drift": false}})).await;
    assert_eq!(job["status"], "completed", "{job}");
    let eda = &job["result"]["eda"];
    assert_eq!(eda["status"], "away");
    assert_eq!(eda["missing"], json!(["profile", "correlations", "outliers", "trends"]));
    let tables = job["result"]["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 2);
    for table in tables {
        assert_eq!(table["eda"]["missing"].as_array().unwrap().len(), 4, "{table}");
        assert!(!table["columns"].as_array().unwrap().is_empty());
    }
    let text = job["result"]["analysis_md"].as_str().unwrap();
    assert!(text.contains("## Not looked at") && text.contains("nothing listens there"), "{text}");
}

#[tokio::test]
async fn a_run_is_analyzed_without_it_and_says_so() {
    let world = world().await;
    let ir = json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "orders", "agg": "count"}]});
    let run = world.query(ir).await.expect(200);
    let path = format!("/v1/runs/{}", run["run_id"].as_str().unwrap());
    let analysis = world.post(&format!("{path}/analyze")).send().await.expect(200);
    let notes = analysis["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].as_str().unwrap().contains("Profile and outliers are missing"), "{notes:?}");
    assert_eq!(analysis["verdict"]["checks"], run["qa"]["checks"]);

    let job = analyzed(&world, json!({"run_id": run["run_id"]})).await;
    assert_eq!(
        (&job["status"], &job["result"]["eda"]["status"]),
        (&json!("completed"), &json!("away"))
    );
    // An analysis that found nothing takes the place of none.
    let record = world.get(&path).send().await.expect(200);
    assert_eq!(record["qa"]["analysis_md"], analysis["analysis_md"]);
}
