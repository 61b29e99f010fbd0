//! Whether the service lives and can take work.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::broker::Health;
use crate::contract::types::{Liveness, Part, PartStatus, Readiness, ReadyStatus};
use crate::eda::EdaError;
use crate::routes::rows::json;

pub(super) const OPERATIONS: &[Operation] = &[operation!(healthz), operation!(readyz)];

async fn healthz(_call: Call) -> Answer {
    let alive = Liveness { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    json(StatusCode::OK, &alive)
}

async fn readyz(call: Call) -> Answer {
    let app = &call.app;
    let part = |status, detail: Option<String>| Part { status, detail };
    let control_plane = match app.store.check().await {
        Ok(()) => part(PartStatus::Ok, None),
        Err(error) => part(PartStatus::Failing, Some(error.to_string())),
    };
    let mut ready = matches!(control_plane.status, PartStatus::Ok);
    let mut parts = BTreeMap::from([("control_plane".to_owned(), control_plane)]);
    if let Some(redis) = redis(app.broker.health().await) {
        parts.insert("redis".to_owned(), redis);
    }
    parts.insert("eda".to_owned(), eda(app.eda.standing().await));
    if app.is_draining() {
        ready = false;
        let runs = app.running.count();
        let detail = format!("shutting down; {runs} runs are finishing");
        parts.insert("shutdown".to_owned(), part(PartStatus::Failing, Some(detail)));
    }
    let (status, code) = match ready {
        true => (ReadyStatus::Ready, StatusCode::OK),
        false => (ReadyStatus::NotReady, StatusCode::SERVICE_UNAVAILABLE),
    };
    json(code, &Readiness { status, parts })
}

/// How the EDA service is. Without it the service does the rest, so it stays ready.
fn eda(standing: Result<(), EdaError>) -> Part {
    match standing {
        Ok(()) => Part { status: PartStatus::Ok, detail: None },
        Err(EdaError::Off) => {
            let detail = "python.enabled is false; analyses hold no profiles, correlations, \
                          outliers or trends";
            Part { status: PartStatus::Off, detail: Some(detail.to_owned()) }
        }
        Err(error) => Part { status: PartStatus::Degraded, detail: Some(error.to_string()) },
    }
}

/// How Redis is, where it is used. Without it this process goes on alone, so it stays ready.
fn redis(health: Health) -> Option<Part> {
    let part = |status, detail| Some(Part { status, detail });
    match health {
        Health::Alone => None,
        Health::Shared => part(PartStatus::Ok, None),
        Health::Away(why) => {
            let detail = format!("{why}; what is live is not shared with other processes");
            part(PartStatus::Failing, Some(detail))
        }
    }
}
