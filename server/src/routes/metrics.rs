//! Figures of the service in the text format of Prometheus.
//!
//! In: the figures that stages keep themselves. Out: one page of text. A new figure is one line
//! in a function of its kind. Absent on purpose: rows, names of people, and anything else of a
//! user.

mod page;
mod process;

use self::page::Page;
use super::rows::bytes;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::models::Models;
use crate::pipeline::sources;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{JobStatus, PageRequest, RunStatus};

pub(super) const OPERATIONS: &[Operation] = &[operation!(metrics)];

const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn metrics(call: Call) -> Answer {
    let app = &call.app;
    let mut page = Page::default();
    page.described("air_build_info", "The version that runs.", "gauge");
    page.line(&format!("air_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")));
    requests(&mut page, app);
    plans(&mut page, app);
    answers(&mut page, app);
    runs(&mut page, app).await?;
    jobs(&mut page, app).await?;
    sockets(&mut page, app);
    models(&mut page, &app.models);
    memory(&mut page, app);
    sources(&mut page, app).await?;
    process::figures(&mut page);
    Ok(bytes(MEDIA, page.text()))
}

fn requests(page: &mut Page, app: &App) {
    let name = "air_http_request_duration_seconds";
    page.described(name, "Requests by operation and status, and how long they took.", "histogram");
    for ((operation, status), histogram) in app.metrics.requests() {
        let labels = format!("operation=\"{operation}\",status=\"{status}\"");
        page.histogram(name, &labels, &histogram);
    }
}

fn plans(page: &mut Page, app: &App) {
    let plans = app.plans.figures();
    page.counter("air_plan_cache_hits_total", "Plans that were in the cache.", plans.hits);
    page.counter("air_plan_cache_misses_total", "Plans that were made afresh.", plans.misses);
    page.counter(
        "air_plan_cache_evictions_total",
        "Shapes of plans that went to make room.",
        plans.evictions,
    );
    page.gauge("air_plan_cache_entries", "Shapes of plans in the cache.", plans.entries);
    page.gauge("air_plan_cache_bytes", "About what the cached plans take.", plans.bytes);
}

async fn runs(page: &mut Page, app: &App) -> Result<(), ApiError> {
    let runs = app.store.runs().by_status().await?;
    page.described("air_runs", "Runs in the control plane, by status.", "gauge");
    for status in RunStatus::ALL {
        let count = runs.iter().find(|(known, _)| *known == status).map_or(0, |(_, n)| *n);
        page.line(&format!("air_runs{{status=\"{}\"}} {count}", status.as_str()));
    }
    let running = app.running.count() as u64;
    page.gauge("air_runs_in_process", "Runs that this process works on.", running);
    let limit = app.config.limits.runs as u64;
    page.gauge("air_runs_limit", "Runs that this process works on at most.", limit);
    Ok(())
}

fn answers(page: &mut Page, app: &App) {
    let answers = app.answers.figures();
    page.counter("air_result_cache_hits_total", "Answers that were given again.", answers.hits);
    page.counter(
        "air_result_cache_misses_total",
        "Requests with an age that no answer was young enough for.",
        answers.misses,
    );
    page.gauge("air_result_cache_entries", "Answers that are kept.", answers.entries);
    page.gauge("air_result_cache_bytes", "About what the kept answers take.", answers.bytes);
}

async fn jobs(page: &mut Page, app: &App) -> Result<(), ApiError> {
    let jobs = app.store.jobs().by_status().await?;
    page.described("air_jobs", "Jobs in the control plane, by status.", "gauge");
    for status in JobStatus::ALL {
        let count = jobs.iter().find(|(known, _)| *known == status).map_or(0, |(_, n)| *n);
        page.line(&format!("air_jobs{{status=\"{}\"}} {count}", status.as_str()));
    }
    Ok(())
}

fn sockets(page: &mut Page, app: &App) {
    let open = u64::try_from(app.sockets.count()).unwrap_or(u64::MAX);
    page.gauge("air_sockets", "Open WebSockets of this process.", open);
    let slow = "WebSockets that were closed because they read too slowly.";
    page.counter("air_sockets_slow_total", slow, app.sockets.slow());
}

fn models(page: &mut Page, models: &Models) {
    let counted = models.counted();
    page.described("air_model_calls_total", "Calls of models, by how they ended.", "counter");
    for (name, counts, _) in &counted {
        for (outcome, n) in [("answered", counts.answered), ("failed", counts.failed)] {
            page.line(&format!(
                "air_model_calls_total{{model=\"{name}\",outcome=\"{outcome}\"}} {n}"
            ));
        }
    }
    page.described("air_model_tokens_total", "Tokens that models took and gave.", "counter");
    for (name, counts, _) in &counted {
        let kinds = [("prompt", counts.prompt_tokens), ("completion", counts.completion_tokens)];
        for (kind, n) in kinds {
            page.line(&format!("air_model_tokens_total{{model=\"{name}\",kind=\"{kind}\"}} {n}"));
        }
    }
    page.described("air_model_resting", "Models that are left alone after failures.", "gauge");
    for (name, _, resting) in &counted {
        page.line(&format!("air_model_resting{{model=\"{name}\"}} {}", u8::from(*resting)));
    }
}

fn memory(page: &mut Page, app: &App) {
    let reserved = app.engine.runtime.env().memory_pool.reserved() as u64;
    page.gauge("air_memory_pool_reserved_bytes", "What local queries hold of the pool.", reserved);
    let limit = app.config.limits.memory_pool;
    page.gauge("air_memory_pool_limit_bytes", "The pool of all local queries.", limit);
}

async fn sources(page: &mut Page, app: &App) -> Result<(), ApiError> {
    let name = "air_source_connections_in_use";
    page.described(name, "Connections that runs hold of a source.", "gauge");
    for (id, in_use) in sources::connections(app) {
        page.line(&format!("{name}{{source=\"{id}\"}} {in_use}"));
    }
    let name = "air_source_up";
    page.described(name, "Whether a source's last health check found it well.", "gauge");
    let mut request = PageRequest::default();
    loop {
        let found = app.store.datasources().list(&request).await?;
        for source in &found.items {
            let Some(health) = &source.health else { continue };
            let up = u8::from(health["status"] == "ok");
            page.line(&format!("{name}{{source=\"{}\"}} {up}", source.id));
        }
        match found.next {
            Some(next) => request = PageRequest::new(None, Some(next)),
            None => return Ok(()),
        }
    }
}
